/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: checking and making.  What libjwt 1.10 leaves to its caller is done here, in this order:
 * the length is bounded before libjwt copies the token to its stack; the header is read and its
 * algorithm must be a configured one before libjwt believes it (otherwise a public key would do as
 * an HMAC secret); the key is never empty (libjwt would then accept anything); and no claim is
 * asked of libjwt, whose integers turn strings and reals into 0.  A failed verification leaves
 * nothing in OpenSSL's error queue, where TLS on the same thread would find it.
 */
#include "token_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <assert.h>
#include <openssl/err.h>

#include "json.h"
#include "utf8.h"

#define NAME_LONGEST 64 /* code points */
#define NUMBER_MOST  ((APR_INT64_C(1) << 53) - 1)
#define BASE64URL    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

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
    } else if (!token_keys_allow(keys, json_object_get_string(alg))) {
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
    bool right = token_keys_allow_alg(keys, jwt_get_alg(jwt));
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

/* A number (of seconds, which may have a fraction), not a string of one; *time_r is untouched where
 * there is none. */
static bool read_time(json_object *payload, const char *name, apr_int64_t least,
                      apr_int64_t *time_r)
{
    json_object *value;
    if (!json_object_object_get_ex(payload, name, &value)) return true;
    bool whole = json_object_is_type(value, json_type_int);
    if (!whole && !json_object_is_type(value, json_type_double)) return false;
    *time_r = json_object_get_int64(value);
    return *time_r >= least && *time_r <= NUMBER_MOST;
}

static bool read_times(const token_keys_t *keys, json_object *payload, token_verified_t *verified)
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

bool token_name_taken(const char *name)
{
    return strcasecmp(name, TOKEN_ERASED) == 0;
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
    if (has_controls(name) || token_name_taken(name)) return false;
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
                                  token_verified_t *verified_r)
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

token_status_t token_verify(const token_keys_t *keys, const char *token, size_t length,
                            token_verified_t *verified_r)
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

token_status_t token_check_time(const token_verified_t *verified, apr_int64_t now,
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
    token_verified_t verified;
    token_status_t status = token_verify(keys, token, length, &verified);
    return status == TOKEN_VALID ? token_check_time(&verified, now, claims_r) : status;
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
    if (keys->signing == JWT_ALG_NONE) return NULL;
    jwt_t *jwt;
    if (jwt_new(&jwt) != 0) abort();
    char *encoded = NULL;
    if (add_claims(jwt, keys, claims, now, ttl) == 0
        && jwt_set_alg(jwt, keys->signing, keys->key, keys->key_length) == 0) {
        encoded = jwt_encode_str(jwt);
    }
    const char *token = apr_pstrdup(pool, encoded);
    free(encoded);
    jwt_free(jwt);
    return token;
}
