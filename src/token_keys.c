/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The algorithms there are, and the key that goes with those that are configured: read, checked,
 * generated.  A key that was loaded is never empty, for libjwt 1.10 takes anything under an empty
 * one; and a public key never stands beside an algorithm that would use it as a secret.
 */
#include "token_private.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#define KEY_SHORTEST 32
#define KEY_LONGEST  65536
#define RSA_SHORTEST 2048 /* bits */

typedef struct algorithm_t {
    const char *name;
    jwt_alg_t alg;
    const char *key;   /* the kind of key, as OpenSSL calls it; NULL: a secret */
    const char *group; /* of an EC key */
} algorithm_t;

static const algorithm_t algorithms[] = {
    { "HS256", JWT_ALG_HS256, NULL, NULL },
    { "HS384", JWT_ALG_HS384, NULL, NULL },
    { "HS512", JWT_ALG_HS512, NULL, NULL },
    { "RS256", JWT_ALG_RS256, "RSA", NULL },
    { "RS384", JWT_ALG_RS384, "RSA", NULL },
    { "RS512", JWT_ALG_RS512, "RSA", NULL },
    { "ES256", JWT_ALG_ES256, "EC", "prime256v1" },
    { "ES384", JWT_ALG_ES384, "EC", "secp384r1" },
    { "ES512", JWT_ALG_ES512, "EC", "secp521r1" },
};
#define ALGORITHMS ((int)(sizeof(algorithms) / sizeof(algorithms[0])))

static atomic_uint last_serial;

static const algorithm_t *find_algorithm(const char *name)
{
    for (int i = 0; i < ALGORITHMS; i++) {
        if (strcmp(algorithms[i].name, name) == 0) return &algorithms[i];
    }
    return NULL;
}

bool token_algorithm_known(const char *name)
{
    return find_algorithm(name) != NULL;
}

const char *token_algorithms_check(const char *const *names)
{
    const algorithm_t *first = find_algorithm(names[0]);
    for (; *names != NULL; names++)
        if ((find_algorithm(*names)->key == NULL) != (first->key == NULL))
            return "HS algorithms cannot stand in one list with RS or ES";
    return NULL;
}

static bool is_allowed(const token_keys_t *keys, const algorithm_t *algorithm)
{
    return algorithm != NULL && (keys->allowed & 1u << (algorithm - algorithms)) != 0;
}

bool token_keys_allow(const token_keys_t *keys, const char *name)
{
    return is_allowed(keys, find_algorithm(name));
}

bool token_keys_allow_alg(const token_keys_t *keys, jwt_alg_t alg)
{
    for (int i = 0; i < ALGORITHMS; i++) {
        if (algorithms[i].alg == alg) return is_allowed(keys, &algorithms[i]);
    }
    return false;
}

/* ---- Reading and checking a key ---- */

static const char *unreadable(apr_pool_t *pool, const char *path, apr_status_t rv)
{
    char reason[128];
    return apr_psprintf(pool, "cannot read the key %s: %s", path,
                        apr_strerror(rv, reason, sizeof(reason)));
}

static const char *read_key(apr_pool_t *pool, const char *path, token_keys_t *keys)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                                    APR_FPROT_OS_DEFAULT, pool);
    if (rv != APR_SUCCESS) return unreadable(pool, path, rv);
    unsigned char *key = apr_pcalloc(pool, KEY_LONGEST + 1);
    apr_size_t length;
    rv = apr_file_read_full(file, key, KEY_LONGEST + 1, &length);
    apr_file_close(file);
    if (rv != APR_SUCCESS && rv != APR_EOF) return unreadable(pool, path, rv);
    if (length > KEY_LONGEST) return apr_psprintf(pool, "the key %s is too long", path);
    if (length > 0 && key[length - 1] == '\n') key[--length] = '\0';
    keys->key = key;
    keys->key_length = (int)length;
    return NULL;
}

static const char *check_secret(apr_pool_t *pool, const char *path, const token_keys_t *keys)
{
    if (strstr((const char *)keys->key, "-----BEGIN") != NULL) {
        return apr_psprintf(pool, "the key %s is a PEM file; HS algorithms want a secret", path);
    }
    if (keys->key_length < KEY_SHORTEST) {
        return apr_psprintf(pool, "the key %s has %d bytes; HS algorithms want at least %d", path,
                            keys->key_length, KEY_SHORTEST);
    }
    return NULL;
}

static bool key_fits(EVP_PKEY *key, const algorithm_t *algorithm)
{
    if (!EVP_PKEY_is_a(key, algorithm->key)) return false;
    if (algorithm->group == NULL) return EVP_PKEY_get_bits(key) >= RSA_SHORTEST;
    char group[64] = "";
    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL);
    return strcmp(group, algorithm->group) == 0;
}

static const char *check_public(apr_pool_t *pool, const char *path, const token_keys_t *keys)
{
    BIO *bio = BIO_new_mem_buf(keys->key, keys->key_length);
    EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (key == NULL) return apr_psprintf(pool, "the key %s is not a PEM public key", path);
    const char *error = NULL;
    for (int i = 0; i < ALGORITHMS && error == NULL; i++) {
        if (is_allowed(keys, &algorithms[i]) && !key_fits(key, &algorithms[i])) {
            error = apr_psprintf(pool, "the key %s does not fit the algorithm %s", path,
                                 algorithms[i].name);
        }
    }
    EVP_PKEY_free(key);
    return error;
}

static const char *read_algorithms(apr_pool_t *pool, const char *const *names, token_keys_t *keys)
{
    if (names == NULL || names[0] == NULL) return "jwt.algorithms is empty";
    const algorithm_t *first = find_algorithm(names[0]);
    for (int i = 0; names[i] != NULL; i++) {
        const algorithm_t *algorithm = find_algorithm(names[i]);
        if (algorithm == NULL) return apr_psprintf(pool, "unknown algorithm \"%s\"", names[i]);
        keys->allowed |= 1u << (algorithm - algorithms);
    }
    if (first->key == NULL) keys->signing = first->alg;
    return token_algorithms_check(names);
}

token_keys_t *token_keys_load(apr_pool_t *pool, const token_settings_t *settings,
                              const char **error_r)
{
    token_keys_t *keys = apr_pcalloc(pool, sizeof(*keys));
    keys->serial = atomic_fetch_add(&last_serial, 1) + 1;
    keys->require_exp = settings->require_exp;
    keys->leeway = settings->leeway;
    keys->issuer = settings->issuer != NULL ? settings->issuer : "";
    keys->audience = settings->audience != NULL ? settings->audience : "";

    const char *path = settings->key_file;
    *error_r = read_algorithms(pool, settings->algorithms, keys);
    if (*error_r == NULL && (path == NULL || path[0] == '\0')) {
        *error_r = "jwt.key_file is not set; without a key no token can be checked";
    }
    if (*error_r == NULL) *error_r = read_key(pool, path, keys);
    if (*error_r == NULL) {
        *error_r = keys->signing != JWT_ALG_NONE ? check_secret(pool, path, keys)
                                         : check_public(pool, path, keys);
    }
    return *error_r == NULL ? keys : NULL;
}

/* ---- Generating a key ---- */

apr_status_t token_key_generate(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path,
                                    APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL,
                                    APR_FPROT_UREAD | APR_FPROT_UWRITE, pool);
    if (APR_STATUS_IS_EEXIST(rv)) return APR_SUCCESS;
    if (rv != APR_SUCCESS) return rv;
    unsigned char bytes[KEY_SHORTEST];
    char text[2 * KEY_SHORTEST + 2];
    rv = apr_generate_random_bytes(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++) apr_snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    text[2 * KEY_SHORTEST] = '\n';
    if (rv == APR_SUCCESS) rv = apr_file_write_full(file, text, 2 * KEY_SHORTEST + 1, NULL);
    if (rv == APR_SUCCESS) rv = apr_file_sync(file);
    apr_file_close(file);
    if (rv != APR_SUCCESS) apr_file_remove(path, pool);
    return rv;
}
