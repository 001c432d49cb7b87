/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens (RFC 7519), read and made with libjwt.  libjwt 1.10 checks signatures and nothing
 * else, lets the header choose the algorithm, takes anything under an empty key and puts the token
 * on the stack; so length, algorithm, key and every claim are checked here.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <apr_pools.h>

#include "salon/plugin.h"

#define TOKEN_LENGTH 4096 /* the longest token that is looked at */
#define TOKEN_NAME   257  /* bytes of a user's name (64 code points), with its NUL */

/* The jwt section of the configuration. */
typedef struct token_settings_t {
    const char *key_file;            /* HS*: the bytes; RS*, ES*: a PEM public key */
    const char *const *algorithms;   /* allowed ones: HS256, RS256, ES256 ... (also 384, 512) */
    bool require_exp;
    apr_int64_t leeway;              /* seconds, on exp and nbf */
    const char *issuer;              /* "": any */
    const char *audience;            /* "": any */
} token_settings_t;

/* The name of all who have been erased, which nobody else can have. */
#define TOKEN_ERASED "deleted user"
bool token_name_taken(const char *name);

/* Is there an algorithm of that name, other than "none"? */
bool token_algorithm_known(const char *name);
/* What is wrong with known algorithms in one list; NULL: nothing. */
const char *token_algorithms_check(const char *const *names);

typedef struct token_keys_t token_keys_t;

/* Reads and checks the key: at least 32 bytes for HS*, no PEM there; a public key that fits the
 * algorithms for RS*, ES*; not both kinds in one list.  Refers to the settings' strings.  NULL:
 * *error_r says what is wrong, in the pool. */
token_keys_t *token_keys_load(apr_pool_t *pool, const token_settings_t *settings,
                              const char **error_r);

/* What a valid token says. */
typedef struct token_claims_t {
    apr_int64_t user_id;
    char name[TOKEN_NAME];
    bool has_name;       /* false: the token says nothing; name is then "user<user_id>" */
    salon_role_t role;
    bool has_role;       /* false: the token says nothing; role is then SALON_ROLE_USER */
    apr_int64_t expires; /* seconds since 1970, leeway included; 0: never */
} token_claims_t;

/* TOKEN_BAD_SIGNATURE also for an algorithm that is not allowed. */
typedef enum { TOKEN_VALID, TOKEN_MALFORMED, TOKEN_BAD_SIGNATURE, TOKEN_EXPIRED, TOKEN_NOT_YET,
               TOKEN_WRONG_CLAIMS } token_status_t;

/* Any thread; the keys are read only.  now: seconds since 1970.  user_id, or sub (a number, or
 * digits); username, or name; role: unknown words are wrong claims.  claims_r is filled when the
 * token is valid, otherwise untouched. */
token_status_t token_check(const token_keys_t *keys, const char *token, size_t length,
                           apr_int64_t now, token_claims_t *claims_r);

/*
 * Tokens whose signature was found good, by their SHA-256, with what they say; so that a client
 * that comes again costs no second verification (half a millisecond for RS*, ES*).  For one thread.
 * Times are checked anew each time; with other keys nothing is remembered.
 */
typedef struct token_cache_t token_cache_t;

/* entries: how many at most; a new one takes the place of another. */
token_cache_t *token_cache_make(apr_pool_t *pool, int entries);

/* token_check, through the cache. */
token_status_t token_check_cached(token_cache_t *cache, const token_keys_t *keys, const char *token,
                                  size_t length, apr_int64_t now, token_claims_t *claims_r);

/* A new token in the pool, signed with an HS* key.  An empty name, or no has_role: left out.
 * expires and has_name are not looked at.  ttl: seconds; 0: never expires.  NULL: the keys cannot
 * sign (a public key), or the name is not UTF-8. */
const char *token_make(apr_pool_t *pool, const token_keys_t *keys, const token_claims_t *claims,
                       apr_int64_t now, apr_int64_t ttl);

/* Writes 32 random bytes as text into a new file, mode 0600.  APR_SUCCESS also where the file
 * exists already; it is then left alone. */
apr_status_t token_key_generate(const char *path, apr_pool_t *pool);

#endif
