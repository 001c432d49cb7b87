/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens whose signature was found good.  A digest says in which place of the table its token is,
 * if it is there at all; so a new one takes the place of another without any search.
 */
#include "token_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#define DIGEST_SIZE 32

typedef struct entry_t {
    unsigned char digest[DIGEST_SIZE];
    unsigned serial; /* 0: empty */
    token_verified_t verified;
} entry_t;

struct token_cache_t {
    int count;
    entry_t entries[];
};

token_cache_t *token_cache_make(apr_pool_t *pool, int entries)
{
    assert(entries > 0);
    token_cache_t *cache = apr_pcalloc(pool, sizeof(*cache) + (size_t)entries * sizeof(entry_t));
    cache->count = entries;
    return cache;
}

/* Where a token of that digest is, or would be.  Only good tokens get in, so nobody can choose. */
static entry_t *cache_place(token_cache_t *cache, const unsigned char *digest)
{
    apr_uint32_t number;
    memcpy(&number, digest, sizeof(number));
    return &cache->entries[number % (apr_uint32_t)cache->count];
}

token_status_t token_check_cached(token_cache_t *cache, const token_keys_t *keys, const char *token,
                                  size_t length, apr_int64_t now, token_claims_t *claims_r)
{
    if (length > TOKEN_LENGTH) return TOKEN_MALFORMED;
    unsigned char digest[DIGEST_SIZE];
    if (EVP_Digest(token, length, digest, NULL, EVP_sha256(), NULL) != 1) abort();
    entry_t *entry = cache_place(cache, digest);
    if (entry->serial != keys->serial || memcmp(entry->digest, digest, DIGEST_SIZE) != 0) {
        token_verified_t verified;
        token_status_t status = token_verify(keys, token, length, &verified);
        if (status != TOKEN_VALID) return status;
        memcpy(entry->digest, digest, DIGEST_SIZE);
        entry->serial = keys->serial;
        entry->verified = verified;
    }
    return token_check_time(&entry->verified, now, claims_r);
}
