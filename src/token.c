/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: keys, checking, the cache, making.  What libjwt 1.10 leaves to its caller is done here,
 * in this order: the length is bounded before libjwt copies the token to its stack; the header is
 * read and its algorithm must be a configured one before libjwt believes it (otherwise a public
 * key would do as an HMAC secret); the key is never empty (libjwt would then accept anything); and
 * no claim is asked of libjwt, whose integers turn strings and reals into 0.  A failed verification
 * leaves nothing in OpenSSL's error queue, where TLS on the same thread would find it.
 */
#include "token.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <assert.h>
#include <jwt.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "json.h"
#include "utf8.h"

#define KEY_SHORTEST 32
#define KEY_LONGEST  65536
#define RSA_SHORTEST 2048 /* bits */
#define NAME_LONGEST 64   /* code points */
#define NUMBER_MOST  ((APR_INT64_C(1) << 53) - 1)
#define DIGEST_SIZE  32
#define BASE64URL    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

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

struct token_keys_t {
    unsigned serial;            /* no two loaded keys of a process have the same */
    unsigned allowed;           /* bit i: algorithms[i] */
    const algorithm_t *signing; /* the first of the list; NULL: cannot sign */
    const unsigned char *key;
    int key_length; /* never 0 */
    bool require_exp;
    apr_int64_t leeway;
    const char *issuer, *audience;
};

/* What a token says, its signature being good: everything but whether the time is right. */
typedef struct verified_t {
    token_claims_t claims;
    apr_int64_t not_before; /* leeway included */
} verified_t;

typedef struct entry_t {
    unsigned char digest[DIGEST_SIZE];
    unsigned serial; /* 0: empty */
    verified_t verified;
} entry_t;

struct token_cache_t {
    int count;
    entry_t entries[];
};

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

static bool is_allowed(const token_keys_t *keys, const algorithm_t *algorithm)
{
    return algorithm != NULL && (keys->allowed & 1u << (algorithm - algorithms)) != 0;
}

/* ---- Keys ---- */

static const char *read_key(apr_pool_t *pool, const char *path, token_keys_t *keys)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ | APR_FOPEN_BINARY,
                                    APR_FPROT_OS_DEFAULT, pool);
    char reason[128];
    if (rv != APR_SUCCESS) {
        return apr_psprintf(pool, "cannot read the key %s: %s", path,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    unsigned char *key = apr_pcalloc(pool, KEY_LONGEST + 1);
    apr_size_t length;
    rv = apr_file_read_full(file, key, KEY_LONGEST + 1, &length);
    apr_file_close(file);
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return apr_psprintf(pool, "cannot read the key %s: %s", path,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
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
    if (names == NULL || names[0] == NULL) return "no algorithms are allowed";
    const algorithm_t *first = find_algorithm(names[0]);
    for (; *names != NULL; names++) {
        const algorithm_t *algorithm = find_algorithm(*names);
        if (algorithm == NULL) return apr_psprintf(pool, "unknown algorithm \"%s\"", *names);
        if ((algorithm->key == NULL) != (first->key == NULL)) {
            return "HS algorithms cannot stand in one list with RS or ES";
        }
        keys->allowed |= 1u << (algorithm - algorithms);
    }
    if (first->key == NULL) keys->signing = first;
    return NULL;
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
        *error_r = keys->signing != NULL ? check_secret(pool, path, keys)
                                         : check_public(pool, path, keys);
    }
    return *error_r == NULL ? keys : NULL;
}

/* ---- The three parts of a token ---- */

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

/* Bytes written to `to`, which has space for 3/4 of the length; -1: not base64url. */
static int base64url_decode(char *to, const char *text, size_t length)
{
    if (length % 4 == 1) return -1;
    int used = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < length; i++) {
        int value = base64url_value(text[i]);
        if (value < 0) return -1;
        bits = bits << 6 | (unsigned)value;
        if (i % 4 != 0) to[used++] = (char)(bits >> (6 - 2 * (i % 4)) & 0xff);
    }
    return used;
}

/* The JSON object of one part, a new reference; NULL: it is none. */
static json_object *part_object(const char *part, size_t length)
{
    char text[TOKEN_LENGTH];
    int size = base64url_decode(text, part, length);
    json_object *value;
    if (size < 0 || !json_parse(text, (size_t)size, &value)) return NULL;
    if (json_object_is_type(value, json_type_object)) return value;
    json_object_put(value);
    return NULL;
}

/* An algorithm that is allowed, and no extension that we would have to understand ("crit"). */
static token_status_t check_header(const token_keys_t *keys, const char *part, size_t length)
{
    json_object *header = part_object(part, length);
    if (header == NULL) return TOKEN_MALFORMED;
    token_status_t status = TOKEN_VALID;
    json_object *alg;
    if (!json_object_object_get_ex(header, "alg", &alg)
        || !json_object_is_type(alg, json_type_string)
        || json_object_object_get_ex(header, "crit", NULL)) {
        status = TOKEN_MALFORMED;
    } else if (!is_allowed(keys, find_algorithm(json_object_get_string(alg)))) {
        status = TOKEN_BAD_SIGNATURE;
    }
    json_object_put(header);
    return status;
}

/* token: with a NUL.  What libjwt decided by must be what check_header has seen. */
static token_status_t check_signature(const token_keys_t *keys, const char *token)
{
    assert(keys->key_length > 0);
    jwt_t *jwt = NULL;
    int failed = jwt_decode(&jwt, token, keys->key, keys->key_length);
    ERR_clear_error();
    if (failed) return TOKEN_BAD_SIGNATURE;
    bool right = false;
    for (int i = 0; i < ALGORITHMS; i++) {
        right |= is_allowed(keys, &algorithms[i]) && algorithms[i].alg == jwt_get_alg(jwt);
    }
    jwt_free(jwt);
    return right ? TOKEN_VALID : TOKEN_BAD_SIGNATURE;
}

/* ---- Claims ---- */

/* The value of a claim that is there and not null. */
static json_object *claim(json_object *payload, const char *name)
{
    json_object *value = NULL;
    json_object_object_get_ex(payload, name, &value);
    return value;
}

/* A number, not a string of one; *time_r is untouched where there is none. */
static bool read_time(json_object *payload, const char *name, apr_int64_t least,
                      apr_int64_t *time_r)
{
    json_object *value;
    if (!json_object_object_get_ex(payload, name, &value)) return true;
    if (!json_object_is_type(value, json_type_int)) return false;
    *time_r = json_object_get_int64(value);
    return *time_r >= least && *time_r <= NUMBER_MOST;
}

static bool read_times(const token_keys_t *keys, json_object *payload, verified_t *verified)
{
    apr_int64_t expires = 0, not_before = 0;
    if (!read_time(payload, "exp", 1, &expires)) return false;
    if (!read_time(payload, "nbf", 0, &not_before)) return false;
    if (expires == 0 && keys->require_exp) return false;
    verified->claims.expires = expires > 0 ? expires + keys->leeway : 0;
    verified->not_before = not_before - keys->leeway;
    return true;
}

/* Digits alone, not beginning with 0; 0: anything else. */
static apr_int64_t digits_value(const char *text)
{
    if (text[0] == '0' || text[0] == '\0') return 0;
    if (strspn(text, "0123456789") != strlen(text)) return 0;
    return apr_strtoi64(text, NULL, 10);
}

static bool read_user_id(json_object *payload, token_claims_t *claims)
{
    json_object *value = claim(payload, "user_id");
    if (value == NULL) value = claim(payload, "sub");
    if (json_object_is_type(value, json_type_int)) {
        claims->user_id = json_object_get_int64(value);
    } else if (json_object_is_type(value, json_type_string)) {
        claims->user_id = digits_value(json_object_get_string(value));
    }
    return claims->user_id >= 1 && claims->user_id <= NUMBER_MOST;
}

/* C0, DEL, and C1 in UTF-8. */
static bool has_controls(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f) return true;
        if (at[0] == 0xc2 && at[1] < 0xa0) return true;
    }
    return false;
}

static bool read_name(json_object *payload, token_claims_t *claims)
{
    json_object *value = claim(payload, "username");
    if (value == NULL) value = claim(payload, "name");
    if (value != NULL && !json_object_is_type(value, json_type_string)) return false;
    const char *name = value != NULL ? json_object_get_string(value) : "";
    size_t length = strlen(name);
    if (length == 0) {
        apr_snprintf(claims->name, sizeof(claims->name), "user%" APR_INT64_T_FMT, claims->user_id);
        return true;
    }
    if (utf8_count(name, length) > NAME_LONGEST || utf8_blank(name, length)) return false;
    if (has_controls(name)) return false;
    assert(length < sizeof(claims->name));
    memcpy(claims->name, name, length + 1);
    claims->has_name = true;
    return true;
}

static bool read_role(json_object *payload, token_claims_t *claims)
{
    json_object *value = claim(payload, "role");
    if (value == NULL) return true;
    claims->has_role = true;
    return json_object_is_type(value, json_type_string)
           && salon_role_parse(json_object_get_string(value), &claims->role);
}

static bool is_string(json_object *value, const char *wanted)
{
    return json_object_is_type(value, json_type_string)
           && strcmp(json_object_get_string(value), wanted) == 0;
}

static bool check_issuer(const token_keys_t *keys, json_object *payload)
{
    return keys->issuer[0] == '\0' || is_string(claim(payload, "iss"), keys->issuer);
}

static bool check_audience(const token_keys_t *keys, json_object *payload)
{
    json_object *value = claim(payload, "aud");
    if (keys->audience[0] == '\0' || is_string(value, keys->audience)) return true;
    if (!json_object_is_type(value, json_type_array)) return false;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (is_string(json_object_array_get_idx(value, i), keys->audience)) return true;
    }
    return false;
}

static token_status_t read_claims(const token_keys_t *keys, const char *part, size_t length,
                                  verified_t *verified_r)
{
    json_object *payload = part_object(part, length);
    if (payload == NULL) return TOKEN_MALFORMED;
    memset(verified_r, 0, sizeof(*verified_r));
    token_claims_t *claims = &verified_r->claims;
    bool right = read_times(keys, payload, verified_r) && read_user_id(payload, claims)
                 && read_name(payload, claims) && read_role(payload, claims)
                 && check_issuer(keys, payload) && check_audience(keys, payload);
    json_object_put(payload);
    return right ? TOKEN_VALID : TOKEN_WRONG_CLAIMS;
}

/* ---- Checking ---- */

static token_status_t verify(const token_keys_t *keys, const char *token, size_t length,
                             verified_t *verified_r)
{
    if (length == 0 || length > TOKEN_LENGTH) return TOKEN_MALFORMED;
    if (memchr(token, '\0', length) != NULL) return TOKEN_MALFORMED;
    char text[TOKEN_LENGTH + 1];
    memcpy(text, token, length);
    text[length] = '\0';

    const char *payload = strchr(text, '.');
    const char *signature = payload != NULL ? strchr(payload + 1, '.') : NULL;
    if (signature == NULL) return TOKEN_MALFORMED;
    payload++;
    signature++;
    if (signature[strspn(signature, BASE64URL)] != '\0') return TOKEN_MALFORMED;

    token_status_t status = check_header(keys, text, (size_t)(payload - 1 - text));
    if (status == TOKEN_VALID) status = check_signature(keys, text);
    if (status != TOKEN_VALID) return status;
    return read_claims(keys, payload, (size_t)(signature - 1 - payload), verified_r);
}

static token_status_t check_time(const verified_t *verified, apr_int64_t now,
                                 token_claims_t *claims_r)
{
    apr_int64_t expires = verified->claims.expires;
    if (expires != 0 && now >= expires) return TOKEN_EXPIRED;
    if (now < verified->not_before) return TOKEN_NOT_YET;
    *claims_r = verified->claims;
    return TOKEN_VALID;
}

token_status_t token_check(const token_keys_t *keys, const char *token, size_t length,
                           apr_int64_t now, token_claims_t *claims_r)
{
    verified_t verified;
    token_status_t status = verify(keys, token, length, &verified);
    return status == TOKEN_VALID ? check_time(&verified, now, claims_r) : status;
}

/* ---- The cache ---- */

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
        verified_t verified;
        token_status_t status = verify(keys, token, length, &verified);
        if (status != TOKEN_VALID) return status;
        memcpy(entry->digest, digest, DIGEST_SIZE);
        entry->serial = keys->serial;
        entry->verified = verified;
    }
    return check_time(&entry->verified, now, claims_r);
}

/* ---- Making ---- */

/* user_id as a number, and sub, which RFC 7519 wants to be a string. */
static int add_claims(jwt_t *jwt, const token_keys_t *keys, const token_claims_t *claims,
                      apr_int64_t now, apr_int64_t ttl)
{
    char sub[24];
    apr_snprintf(sub, sizeof(sub), "%" APR_INT64_T_FMT, claims->user_id);
    int failed = jwt_add_grant_int(jwt, "user_id", claims->user_id);
    failed |= jwt_add_grant(jwt, "sub", sub);
    failed |= jwt_add_grant_int(jwt, "iat", now);
    if (ttl != 0) failed |= jwt_add_grant_int(jwt, "exp", now + ttl);
    if (claims->name[0] != '\0') failed |= jwt_add_grant(jwt, "username", claims->name);
    if (claims->has_role) failed |= jwt_add_grant(jwt, "role", salon_role_name(claims->role));
    if (keys->issuer[0] != '\0') failed |= jwt_add_grant(jwt, "iss", keys->issuer);
    if (keys->audience[0] != '\0') failed |= jwt_add_grant(jwt, "aud", keys->audience);
    return failed;
}

const char *token_make(apr_pool_t *pool, const token_keys_t *keys, const token_claims_t *claims,
                       apr_int64_t now, apr_int64_t ttl)
{
    if (keys->signing == NULL) return NULL;
    jwt_t *jwt;
    if (jwt_new(&jwt) != 0) abort();
    char *encoded = NULL;
    if (add_claims(jwt, keys, claims, now, ttl) == 0
        && jwt_set_alg(jwt, keys->signing->alg, keys->key, keys->key_length) == 0) {
        encoded = jwt_encode_str(jwt);
    }
    const char *token = apr_pstrdup(pool, encoded);
    free(encoded);
    jwt_free(jwt);
    return token;
}

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
