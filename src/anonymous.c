/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses are few enough to be tried one by one, so a name is made of one with a secret key
 * (HMAC), which stays in the state directory: the same person has the same name tomorrow.
 * What an address has done is remembered as long as it matters for a rate limit, so that coming
 * again does not help.
 */
#include "anonymous.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "address.h"
#include "server.h"
#include "token.h"

#define KEY_FILE   "/address.key"
#define KEY_MOST   128
#define HASH_BYTES 4 /* shown, as hexadecimal digits */

/* One, or many of IPv6: whoever has one of these has them all. */
typedef struct address_t {
    rates_t rates;
    int people;
    apr_uint64_t group;
} address_t;

static struct {
    apr_hash_t *addresses;
    unsigned char key[KEY_MOST];
    apr_size_t key_length;
} all;

const char *anonymous_init(apr_pool_t *pool, const char *state_dir)
{
    apr_file_t *file;
    char text[120];
    const char *path = apr_pstrcat(pool, state_dir, KEY_FILE, NULL);
    apr_status_t rv = token_key_generate(path, pool);
    all.addresses = apr_hash_make(server.pool);
    all.key_length = sizeof(all.key);
    if (rv == APR_SUCCESS) rv = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);
    if (rv == APR_SUCCESS) rv = apr_file_read(file, all.key, &all.key_length);
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(pool, "cannot read %s: %s", path, apr_strerror(rv, text, sizeof(text)));
}

/* ---- Addresses ---- */

static void address_free(address_t *address)
{
    apr_hash_set(all.addresses, &address->group, sizeof(address->group), NULL);
    free(address);
}

static void address_idle(rates_t *rates)
{
    address_t *address = (address_t *)((char *)rates - offsetof(address_t, rates));
    if (address->people == 0) address_free(address);
}

static address_t *address_find(const char *text)
{
    apr_uint64_t group = address_group(text);
    address_t *address = apr_hash_get(all.addresses, &group, sizeof(group));
    if (address != NULL) return address;
    address = calloc(1, sizeof(*address));
    if (address == NULL) abort();
    address->group = group;
    address->rates.idle = address_idle;
    apr_hash_set(all.addresses, &address->group, sizeof(address->group), address);
    return address;
}

rates_t *anonymous_rates(const char *text)
{
    return &address_find(text)->rates;
}

/* ---- People ---- */

static void name_of(const char *address, bool show_address, char name[TOKEN_NAME])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;
    if (show_address) {
        apr_snprintf(name, TOKEN_NAME, "Anonymous_%s", address);
        return;
    }
    HMAC(EVP_sha256(), all.key, (int)all.key_length, (const unsigned char *)address,
         strlen(address), digest, &length);
    apr_cpystrn(name, "Anonymous_", TOKEN_NAME);
    char *at = name + strlen(name);
    for (int i = 0; i < HASH_BYTES; i++, at += 2) apr_snprintf(at, 3, "%02x", digest[i]);
}

user_t *anonymous_add(const char *address, bool show_address)
{
    char name[TOKEN_NAME];
    name_of(address, show_address, name);
    address_t *from = address_find(address);
    from->people++;
    return user_add_anonymous(name, &from->rates);
}

void anonymous_remove(user_t **user)
{
    address_t *address = (address_t *)((char *)(*user)->rates - offsetof(address_t, rates));
    user_remove_anonymous(user);
    if (--address->people == 0 && !address->rates.busy) address_free(address);
}
