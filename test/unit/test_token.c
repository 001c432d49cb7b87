/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: what is accepted, and every way to be refused, with secrets and with RSA and EC keys that
 * are made here.  Tokens with odd headers and payloads are signed by this file itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <jwt.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "token.h"

#define NOW    1700000000
#define SECRET "0123456789abcdef0123456789abcdef"
#define HS256  "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD   "{\"user_id\":7,\"username\":\"ann\",\"role\":\"admin\",\"exp\":1700000060}"

static char directory[] = "/tmp/salon-test-token-XXXXXX";
static apr_pool_t *pool;
static token_keys_t *keys;

static const char *path_of(const char *name)
{
    return apr_pstrcat(pool, directory, "/", name, NULL);
}

static const char *write_file(const char *name, const char *bytes, size_t length)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    return path;
}

static const char *write_text(const char *name, const char *text)
{
    return write_file(name, text, strlen(text));
}

/* One algorithm, exp required, no leeway. */
static token_settings_t settings_of(const char *key_file, const char *algorithm)
{
    const char **algorithms = apr_pcalloc(pool, 2 * sizeof(*algorithms));
    algorithms[0] = algorithm;
    return (token_settings_t){ .key_file = key_file, .algorithms = algorithms, .require_exp = true,
                               .issuer = "", .audience = "" };
}

static token_keys_t *load(const token_settings_t *settings)
{
    const char *error;
    token_keys_t *loaded = token_keys_load(pool, settings, &error);
    if (loaded == NULL) print_error("%s\n", error);
    assert_non_null(loaded);
    assert_null(error);
    return loaded;
}

static void assert_refused(const token_settings_t *settings, const char *text)
{
    const char *error = NULL;
    assert_null(token_keys_load(pool, settings, &error));
    assert_non_null(error);
    if (strstr(error, text) == NULL) print_error("\"%s\" is not in \"%s\"\n", text, error);
    assert_non_null(strstr(error, text));
}

static const char *base64url(const unsigned char *bytes, size_t length)
{
    char *text = apr_palloc(pool, length * 4 / 3 + 5);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '+') *at = '-';
        if (*at == '/') *at = '_';
        if (*at == '=') *at = '\0';
    }
    return text;
}

static const char *base64url_text(const char *text)
{
    return base64url((const unsigned char *)text, strlen(text));
}

static const char *sign(const char *header, const char *payload, const char *key, const EVP_MD *md)
{
    const char *text = apr_pstrcat(pool, base64url_text(header), ".", base64url_text(payload),
                                   NULL);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length;
    assert_non_null(HMAC(md, key, (int)strlen(key), (const unsigned char *)text, strlen(text), mac,
                         &length));
    return apr_pstrcat(pool, text, ".", base64url(mac, length), NULL);
}

static token_status_t check_with(const token_keys_t *with, const char *token)
{
    token_claims_t claims;
    return token_check(with, token, strlen(token), NOW, &claims);
}

/* The status of a well signed token of that payload. */
static token_status_t check(const char *payload)
{
    return check_with(keys, sign(HS256, payload, SECRET, EVP_sha256()));
}

static token_claims_t claims_of(const char *payload)
{
    token_claims_t claims;
    const char *token = sign(HS256, payload, SECRET, EVP_sha256());
    assert_int_equal(token_check(keys, token, strlen(token), NOW, &claims), TOKEN_VALID);
    return claims;
}

static void test_good(void **state)
{
    (void)state;
    token_claims_t claims = claims_of(GOOD);
    assert_int_equal(claims.user_id, 7);
    assert_string_equal(claims.name, "ann");
    assert_true(claims.has_name);
    assert_int_equal(claims.role, SALON_ROLE_ADMIN);
    assert_true(claims.has_role);
    assert_int_equal(claims.expires, NOW + 60);
}

static void test_alternatives(void **state)
{
    (void)state;
    token_claims_t claims = claims_of("{\"sub\":\"9007199254740991\",\"name\":\"b\","
                                      "\"exp\":1800000000}");
    assert_int_equal(claims.user_id, APR_INT64_C(9007199254740991));
    assert_string_equal(claims.name, "b");
    assert_int_equal(claims.role, SALON_ROLE_USER);
    assert_false(claims.has_role);
    assert_int_equal(claims_of("{\"sub\":3,\"exp\":1800000000}").user_id, 3);
    assert_int_equal(claims_of("{\"sub\":3,\"exp\":1800000000.75}").expires, 1800000000);
    claims = claims_of("{\"user_id\":4,\"sub\":\"somebody\",\"username\":\"u\",\"name\":\"n\","
                       "\"role\":null,\"exp\":1800000000}");
    assert_int_equal(claims.user_id, 4);
    assert_string_equal(claims.name, "u");
    assert_false(claims.has_role);
}

static void test_nameless(void **state)
{
    (void)state;
    token_claims_t claims = claims_of("{\"sub\":\"12\",\"exp\":1800000000}");
    assert_string_equal(claims.name, "user12");
    assert_false(claims.has_name);
    claims = claims_of("{\"sub\":12,\"username\":\"\",\"exp\":1800000000}");
    assert_string_equal(claims.name, "user12");
    assert_false(claims.has_name);
}

static void test_roles(void **state)
{
    (void)state;
    for (int role = SALON_ROLE_USER; role <= SALON_ROLE_SUPERUSER; role++) {
        token_claims_t claims = claims_of(apr_psprintf(
            pool, "{\"sub\":1,\"exp\":1800000000,\"role\":\"%s\"}", salon_role_name(role)));
        assert_int_equal(claims.role, role);
    }
}

#define EXP ",\"exp\":1800000000}"
#define X16 "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"   \
            "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"   \
            "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"   \
            "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"

/* Well signed, and refused all the same. */
static void test_wrong_claims(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "{\"user_id\":7}", /* no exp */
        "{\"user_id\":7,\"exp\":null}",
        "{\"user_id\":7,\"exp\":\"1800000000\"}",
        "{\"user_id\":7,\"exp\":0.5}",
        "{\"user_id\":7,\"exp\":1e300}",
        "{\"user_id\":7,\"exp\":true}",
        "{\"user_id\":7,\"exp\":[1800000000]}",
        "{\"user_id\":7,\"exp\":0}",
        "{\"user_id\":7,\"exp\":-1}",
        "{\"user_id\":7,\"exp\":9223372036854775807}",
        "{\"user_id\":7,\"nbf\":\"1\"" EXP,
        "{\"user_id\":7,\"nbf\":1e17" EXP,
        "{\"user_id\":7,\"nbf\":null" EXP,
        "{\"user_id\":7,\"nbf\":-5" EXP,
        "{\"username\":\"ann\"" EXP, /* nobody */
        "{\"user_id\":0" EXP,
        "{\"user_id\":-7" EXP,
        "{\"user_id\":7.0" EXP,
        "{\"user_id\":true" EXP,
        "{\"user_id\":9007199254740992" EXP,
        "{\"user_id\":\"99999999999999999999999\"" EXP,
        "{\"user_id\":\"\"" EXP,
        "{\"user_id\":\"07\"" EXP,
        "{\"user_id\":\" 7\"" EXP,
        "{\"user_id\":\"+7\"" EXP,
        "{\"user_id\":\"7x\"" EXP,
        "{\"user_id\":\"0x7\"" EXP,
        "{\"user_id\":\"ann\",\"sub\":7" EXP,
        "{\"sub\":\"ann\"" EXP,
        "{\"user_id\":7,\"username\":8" EXP,
        "{\"user_id\":7,\"username\":\"   \"" EXP,
        "{\"user_id\":7,\"username\":\"a\\nb\"" EXP,
        "{\"user_id\":7,\"username\":\"a\\u007f\"" EXP,
        "{\"user_id\":7,\"username\":\"a\\u0085b\"" EXP,
        "{\"user_id\":7,\"username\":\"" X16 X16 X16 X16 "x\"" EXP,
        "{\"user_id\":7,\"role\":\"root\"" EXP,
        "{\"user_id\":7,\"role\":\"Admin\"" EXP,
        "{\"user_id\":7,\"role\":\"\"" EXP,
        "{\"user_id\":7,\"role\":3" EXP,
        "{\"user_id\":7,\"role\":[\"admin\"]" EXP,
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        if (check(payloads[i]) != TOKEN_WRONG_CLAIMS) print_error("%s\n", payloads[i]);
        assert_int_equal(check(payloads[i]), TOKEN_WRONG_CLAIMS);
    }
}

static void test_longest_name(void **state)
{
    (void)state;
    token_claims_t claims = claims_of("{\"sub\":7,\"username\":\"" X16 X16 X16 X16 "\"" EXP);
    assert_string_equal(claims.name, X16 X16 X16 X16);
}

static void test_bad_payload(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "", "[]", "7", "null", "{", "{\"user_id\":7" EXP " x", "{'user_id':7,'exp':1800000000}",
        "{\"user_id\":7,\"username\":\"a\\u0000b\"" EXP,
        "{\"user_id\":7,\"username\":\"\xc0\xaf\"" EXP,
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        if (check(payloads[i]) == TOKEN_VALID) print_error("%s\n", payloads[i]);
        assert_int_not_equal(check(payloads[i]), TOKEN_VALID);
    }
}

static void test_times(void **state)
{
    (void)state;
    token_settings_t settings = settings_of(path_of("secret"), "HS256");
    settings.leeway = 10;
    token_keys_t *patient = load(&settings);
    assert_int_equal(check("{\"sub\":7,\"exp\":1699999999}"), TOKEN_EXPIRED);
    assert_int_equal(check("{\"sub\":7,\"exp\":1700000000}"), TOKEN_EXPIRED);
    assert_int_equal(check("{\"sub\":7,\"exp\":1700000001}"), TOKEN_VALID);
    assert_int_equal(check("{\"sub\":7,\"exp\":1}"), TOKEN_EXPIRED);
    assert_int_equal(check("{\"sub\":7,\"nbf\":1700000001,\"exp\":1800000000}"), TOKEN_NOT_YET);
    assert_int_equal(check("{\"sub\":7,\"nbf\":1700000000,\"exp\":1800000000}"), TOKEN_VALID);

    const char *token = sign(HS256, "{\"sub\":7,\"exp\":1699999991}", SECRET, EVP_sha256());
    token_claims_t claims;
    assert_int_equal(token_check(patient, token, strlen(token), NOW, &claims), TOKEN_VALID);
    assert_int_equal(claims.expires, NOW + 1);
    assert_int_equal(token_check(patient, token, strlen(token), NOW + 1, &claims), TOKEN_EXPIRED);
    token = sign(HS256, "{\"sub\":7,\"nbf\":1700000010" EXP, SECRET, EVP_sha256());
    assert_int_equal(token_check(patient, token, strlen(token), NOW, &claims), TOKEN_VALID);
    assert_int_equal(token_check(patient, token, strlen(token), NOW - 1, &claims), TOKEN_NOT_YET);
}

static void test_without_exp(void **state)
{
    (void)state;
    token_settings_t settings = settings_of(path_of("secret"), "HS256");
    settings.require_exp = false;
    token_keys_t *lax = load(&settings);
    token_claims_t claims;
    const char *token = sign(HS256, "{\"sub\":7}", SECRET, EVP_sha256());
    assert_int_equal(token_check(lax, token, strlen(token), NOW, &claims), TOKEN_VALID);
    assert_int_equal(claims.expires, 0);
    token = sign(HS256, "{\"sub\":7,\"exp\":\"never\"}", SECRET, EVP_sha256());
    assert_int_equal(check_with(lax, token), TOKEN_WRONG_CLAIMS);
    token = sign(HS256, "{\"sub\":7,\"exp\":1600000000}", SECRET, EVP_sha256());
    assert_int_equal(check_with(lax, token), TOKEN_EXPIRED);
}

static void test_issuer_audience(void **state)
{
    (void)state;
    token_settings_t settings = settings_of(path_of("secret"), "HS256");
    settings.issuer = "https://id.example";
    settings.audience = "salon";
    token_keys_t *strict = load(&settings);
    static const struct {
        const char *payload;
        token_status_t status;
    } cases[] = {
        { "{\"sub\":7,\"iss\":\"https://id.example\",\"aud\":\"salon\"" EXP, TOKEN_VALID },
        { "{\"sub\":7,\"iss\":\"https://id.example\",\"aud\":[1,\"salon\"]" EXP, TOKEN_VALID },
        { "{\"sub\":7,\"iss\":\"https://id.example\",\"aud\":[]" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"iss\":\"https://id.example\",\"aud\":[\"salo\"]" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"iss\":\"https://id.example\",\"aud\":\"salon2\"" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"iss\":\"https://id.example\"" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"iss\":\"https://id.example2\",\"aud\":\"salon\"" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"iss\":[\"https://id.example\"],\"aud\":\"salon\"" EXP, TOKEN_WRONG_CLAIMS },
        { "{\"sub\":7,\"aud\":\"salon\"" EXP, TOKEN_WRONG_CLAIMS },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *token = sign(HS256, cases[i].payload, SECRET, EVP_sha256());
        assert_int_equal(check_with(strict, token), cases[i].status);
    }
    token_claims_t claims = { .user_id = 5 };
    assert_int_equal(check_with(strict, token_make(pool, strict, &claims, NOW, 60)), TOKEN_VALID);
}

static void test_bad_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        token_status_t status;
    } cases[] = {
        { "{\"alg\":\"HS256\"}", TOKEN_VALID },
        { "{\"alg\":\"none\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"None\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"HS384\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"RS256\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"hs256\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"HS256\",\"alg\":\"none\"}", TOKEN_BAD_SIGNATURE },
        { "{\"alg\":\"none\",\"alg\":\"HS256\"}", TOKEN_VALID },
        { "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", TOKEN_MALFORMED },
        { "{\"alg\":\"HS256\",\"crit\":null}", TOKEN_MALFORMED },
        { "{\"alg\":null}", TOKEN_MALFORMED },
        { "{\"alg\":[\"HS256\"]}", TOKEN_MALFORMED },
        { "{}", TOKEN_MALFORMED },
        { "[]", TOKEN_MALFORMED },
        { "", TOKEN_MALFORMED },
        { "HS256", TOKEN_MALFORMED },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        token_status_t status = check_with(keys, sign(cases[i].header, GOOD, SECRET, EVP_sha256()));
        if (status != cases[i].status) print_error("%s\n", cases[i].header);
        assert_int_equal(status, cases[i].status);
    }
}

static void test_none(void **state)
{
    (void)state;
    const char *header = base64url_text("{\"alg\":\"none\"}"), *payload = base64url_text(GOOD);
    assert_int_equal(check_with(keys, apr_pstrcat(pool, header, ".", payload, ".", NULL)),
                     TOKEN_BAD_SIGNATURE);
    assert_int_equal(check_with(keys, apr_pstrcat(pool, header, ".", payload, ".x", NULL)),
                     TOKEN_BAD_SIGNATURE);
    header = base64url_text(HS256);
    assert_int_equal(check_with(keys, apr_pstrcat(pool, header, ".", payload, ".", NULL)),
                     TOKEN_BAD_SIGNATURE);
}

static void test_bad_signature(void **state)
{
    (void)state;
    assert_int_equal(check_with(keys, sign(HS256, GOOD, SECRET "x", EVP_sha256())),
                     TOKEN_BAD_SIGNATURE);
    assert_int_equal(check_with(keys, sign(HS256, GOOD, SECRET, EVP_sha512())),
                     TOKEN_BAD_SIGNATURE);
    assert_int_equal(check_with(keys, sign(HS256, GOOD, "", EVP_sha256())), TOKEN_BAD_SIGNATURE);
    assert_int_equal(ERR_peek_error(), 0);
}

/* Nothing but the token itself, whatever is changed in it. */
static void test_changed(void **state)
{
    (void)state;
    const char *token = sign(HS256, GOOD, SECRET, EVP_sha256());
    token_claims_t claims;
    size_t length = strlen(token);
    for (size_t i = 0; i < length; i++) {
        assert_int_not_equal(token_check(keys, token, i, NOW, &claims), TOKEN_VALID);
        char *changed = apr_pstrdup(pool, token);
        for (const char *c = "AZaz09-_.=+/ \n\x7f\xff"; *c != '\0'; c++) {
            changed[i] = *c;
            token_status_t status = token_check(keys, changed, length, NOW, &claims);
            assert_int_equal(status == TOKEN_VALID, *c == token[i]);
        }
        changed[i] = '\0';
        assert_int_not_equal(token_check(keys, changed, length, NOW, &claims), TOKEN_VALID);
    }
}

static void test_malformed(void **state)
{
    (void)state;
    static const char *const tokens[] = { "", ".", "..", "...", "a", "a.b", "a.b.c", "=.=.=",
                                          "e30.e30.e30", "eyJhbGciOiJIUzI1NiJ9" };
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(check_with(keys, tokens[i]), TOKEN_MALFORMED);
    }
    const char *token = sign(HS256, GOOD, SECRET, EVP_sha256());
    assert_int_not_equal(check_with(keys, apr_pstrcat(pool, token, ".", NULL)), TOKEN_VALID);
    assert_int_not_equal(check_with(keys, apr_pstrcat(pool, token, "=", NULL)), TOKEN_VALID);
    assert_int_not_equal(check_with(keys, apr_pstrcat(pool, " ", token, NULL)), TOKEN_VALID);
}

static void test_long(void **state)
{
    (void)state;
    char *filler = apr_palloc(pool, 3000);
    memset(filler, 'x', 2999);
    filler[2999] = '\0';
    const char *payload = apr_psprintf(pool, "{\"sub\":7,\"x\":\"%.2800s\"" EXP, filler);
    assert_int_equal(check(payload), TOKEN_VALID);
    payload = apr_psprintf(pool, "{\"sub\":7,\"x\":\"%s%s\"" EXP, filler, filler);
    assert_int_equal(check(payload), TOKEN_MALFORMED);

    size_t length = 20 << 20;
    char *huge = malloc(length);
    memset(huge, 'A', length);
    huge[100] = huge[1000] = '.';
    token_claims_t claims;
    assert_int_equal(token_check(keys, huge, length, NOW, &claims), TOKEN_MALFORMED);
    token_cache_t *cache = token_cache_make(pool, 4);
    assert_int_equal(token_check_cached(cache, keys, huge, length, NOW, &claims), TOKEN_MALFORMED);
    free(huge);
}

/* ---- Keys ---- */

static void test_bad_secrets(void **state)
{
    (void)state;
    token_settings_t settings = settings_of("", "HS256");
    assert_refused(&settings, "not set");
    settings.key_file = NULL;
    assert_refused(&settings, "not set");
    settings.key_file = path_of("missing");
    assert_refused(&settings, "cannot read the key");
    settings.key_file = directory;
    assert_refused(&settings, "cannot read the key");
    settings.key_file = write_text("empty", "");
    assert_refused(&settings, "has 0 bytes");
    settings.key_file = write_text("newline", "\n");
    assert_refused(&settings, "has 0 bytes");
    settings.key_file = write_text("short", "0123456789abcdef0123456789abcde\n");
    assert_refused(&settings, "has 31 bytes");
    char *huge = calloc(1, 100000);
    settings.key_file = write_file("huge", huge, 100000);
    assert_refused(&settings, "too long");
    free(huge);
}

static void test_bad_algorithms(void **state)
{
    (void)state;
    static const char *const none[] = { NULL };
    static const char *const mixed[] = { "HS256", "RS256", NULL };
    static const char *const mixed2[] = { "ES256", "HS512", NULL };
    token_settings_t settings = settings_of(path_of("secret"), "none");
    assert_refused(&settings, "unknown algorithm \"none\"");
    settings = settings_of(path_of("secret"), "hs256");
    assert_refused(&settings, "unknown algorithm");
    settings = settings_of(path_of("secret"), "PS256");
    assert_refused(&settings, "unknown algorithm");
    settings.algorithms = none;
    assert_refused(&settings, "jwt.algorithms is empty");
    settings.algorithms = mixed;
    assert_refused(&settings, "one list");
    settings.algorithms = mixed2;
    assert_refused(&settings, "one list");
    settings = settings_of(path_of("secret"), "RS256");
    assert_refused(&settings, "not a PEM public key");
}

/* With and without the final newline it is the same key; other bytes count, NUL included. */
static void test_secret_bytes(void **state)
{
    (void)state;
    token_settings_t settings = settings_of(write_text("secret.nl", SECRET "\n"), "HS256");
    const char *token = sign(HS256, GOOD, SECRET, EVP_sha256());
    assert_int_equal(check_with(load(&settings), token), TOKEN_VALID);
    settings.key_file = write_text("secret.nl2", SECRET "\n\n");
    assert_int_equal(check_with(load(&settings), token), TOKEN_BAD_SIGNATURE);
    settings.key_file = write_file("secret.nul", SECRET "\0x", sizeof(SECRET) + 1);
    assert_int_equal(check_with(load(&settings), token), TOKEN_BAD_SIGNATURE);
}

static void test_three_secrets(void **state)
{
    (void)state;
    static const char *const all[] = { "HS512", "HS256", "HS384", NULL };
    token_settings_t settings = settings_of(path_of("secret"), NULL);
    settings.algorithms = all;
    token_keys_t *three = load(&settings);
    assert_int_equal(check_with(three, sign(HS256, GOOD, SECRET, EVP_sha256())), TOKEN_VALID);
    assert_int_equal(check_with(three, sign("{\"alg\":\"HS384\"}", GOOD, SECRET, EVP_sha384())),
                     TOKEN_VALID);
    assert_int_equal(check_with(three, sign("{\"alg\":\"HS512\"}", GOOD, SECRET, EVP_sha512())),
                     TOKEN_VALID);
    assert_int_equal(check_with(three, sign("{\"alg\":\"HS512\"}", GOOD, SECRET, EVP_sha384())),
                     TOKEN_BAD_SIGNATURE);
    assert_int_equal(check_with(three, sign("{\"alg\":\"none\"}", GOOD, SECRET, EVP_sha384())),
                     TOKEN_BAD_SIGNATURE);
}

/* Writes NAME.pub and gives back the private key's PEM text; consumes the key. */
static const char *export(const char *name, EVP_PKEY *key)
{
    assert_non_null(key);
    FILE *file = fopen(path_of(apr_pstrcat(pool, name, ".pub", NULL)), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PUBKEY(file, key), 1);
    fclose(file);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    char *text;
    long length = BIO_get_mem_data(bio, &text);
    const char *pem = apr_pstrmemdup(pool, text, (size_t)length);
    BIO_free(bio);
    EVP_PKEY_free(key);
    return pem;
}

static const char *sign_with(jwt_alg_t alg, const char *pem)
{
    jwt_t *jwt;
    assert_int_equal(jwt_new(&jwt), 0);
    assert_int_equal(jwt_add_grants_json(jwt, GOOD), 0);
    assert_int_equal(jwt_set_alg(jwt, alg, (const unsigned char *)pem, (int)strlen(pem)), 0);
    char *text = jwt_encode_str(jwt);
    assert_non_null(text);
    const char *token = apr_pstrdup(pool, text);
    free(text);
    jwt_free(jwt);
    return token;
}

static const char *read_text(const char *path)
{
    char text[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text), file);
    fclose(file);
    return apr_pstrmemdup(pool, text, length);
}

static void check_pair(jwt_alg_t alg, const char *name, const char *pem, const char *other_pem)
{
    const char *public_key = path_of(apr_pstrcat(pool, name, ".pub", NULL));
    token_settings_t settings = settings_of(public_key, jwt_alg_str(alg));
    token_keys_t *public_keys = load(&settings);
    assert_int_equal(check_with(public_keys, sign_with(alg, pem)), TOKEN_VALID);
    assert_int_equal(check_with(public_keys, sign_with(alg, other_pem)), TOKEN_BAD_SIGNATURE);
    token_claims_t claims = { .user_id = 5 };
    assert_null(token_make(pool, public_keys, &claims, NOW, 60));

    /* The public key, which everybody has, is not a secret. */
    const char *text = read_text(public_key);
    assert_int_equal(check_with(public_keys, sign(HS256, GOOD, text, EVP_sha256())),
                     TOKEN_BAD_SIGNATURE);
    settings = settings_of(public_key, "HS256");
    assert_refused(&settings, "PEM");

    char *changed = apr_pstrdup(pool, sign_with(alg, pem));
    char *signature = strrchr(changed, '.') + 1;
    *signature = *signature == 'A' ? 'B' : 'A';
    assert_int_equal(check_with(public_keys, changed), TOKEN_BAD_SIGNATURE);
    signature[10] = '\0';
    assert_int_equal(check_with(public_keys, changed), TOKEN_BAD_SIGNATURE);
    *signature = '\0';
    assert_int_equal(check_with(public_keys, changed), TOKEN_BAD_SIGNATURE);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_ec_keys(void **state)
{
    (void)state;
    check_pair(JWT_ALG_ES256, "p256", export("p256", EVP_EC_gen("P-256")),
               export("other256", EVP_EC_gen("P-256")));
    check_pair(JWT_ALG_ES384, "p384", export("p384", EVP_EC_gen("P-384")),
               export("other384", EVP_EC_gen("P-384")));
    check_pair(JWT_ALG_ES512, "p521", export("p521", EVP_EC_gen("P-521")),
               export("other521", EVP_EC_gen("P-521")));
    export("k256", EVP_EC_gen("secp256k1"));
    token_settings_t settings = settings_of(path_of("k256.pub"), "ES256");
    assert_refused(&settings, "does not fit");
    settings = settings_of(path_of("p384.pub"), "ES256");
    assert_refused(&settings, "does not fit");
    settings = settings_of(path_of("p256.pub"), "RS256");
    assert_refused(&settings, "does not fit");
}

static void test_rsa_keys(void **state)
{
    (void)state;
    const char *pem = export("rsa", EVP_RSA_gen(2048));
    const char *other = export("other", EVP_RSA_gen(2048));
    check_pair(JWT_ALG_RS256, "rsa", pem, other);
    check_pair(JWT_ALG_RS384, "rsa", pem, other);
    check_pair(JWT_ALG_RS512, "rsa", pem, other);
    export("weak", EVP_RSA_gen(1024));
    token_settings_t settings = settings_of(path_of("weak.pub"), "RS256");
    assert_refused(&settings, "does not fit");
    settings = settings_of(path_of("rsa.pub"), "ES256");
    assert_refused(&settings, "does not fit");
    settings = settings_of(write_text("rsa.key", pem), "RS256");
    assert_refused(&settings, "not a PEM public key");
    settings = settings_of(path_of("rsa.key"), "HS256");
    assert_refused(&settings, "PEM");
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- The cache ---- */

static void test_cache(void **state)
{
    (void)state;
    token_cache_t *cache = token_cache_make(pool, 2);
    for (int round = 0; round < 3; round++) {
        for (int user = 1; user < 20; user++) {
            token_claims_t claims = { .user_id = user, .has_role = true, .role = user % 4 }, found;
            const char *token = token_make(pool, keys, &claims, NOW, user);
            size_t length = strlen(token);
            for (int again = 0; again < 2; again++) {
                assert_int_equal(token_check_cached(cache, keys, token, length, NOW, &found),
                                 TOKEN_VALID);
                assert_int_equal(found.user_id, user);
                assert_int_equal(found.role, user % 4);
                assert_int_equal(found.expires, NOW + user);
            }
            assert_int_equal(token_check_cached(cache, keys, token, length, NOW + user, &found),
                             TOKEN_EXPIRED);
        }
    }
}

static void test_cache_refuses(void **state)
{
    (void)state;
    token_cache_t *cache = token_cache_make(pool, 1);
    token_claims_t found;
    const char *good = sign(HS256, GOOD, SECRET, EVP_sha256());
    const char *bad = sign(HS256, GOOD, SECRET "x", EVP_sha256());
    assert_int_equal(token_check_cached(cache, keys, good, strlen(good), NOW, &found), TOKEN_VALID);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(token_check_cached(cache, keys, bad, strlen(bad), NOW, &found),
                         TOKEN_BAD_SIGNATURE);
        assert_int_equal(token_check_cached(cache, keys, "", 0, NOW, &found), TOKEN_MALFORMED);
    }
    /* Another key: what the old one had found good is not good any more. */
    token_settings_t settings = settings_of(write_text("secret.x", SECRET "x"), "HS256");
    token_keys_t *others = load(&settings);
    assert_int_equal(token_check_cached(cache, others, good, strlen(good), NOW, &found),
                     TOKEN_BAD_SIGNATURE);
    assert_int_equal(token_check_cached(cache, others, bad, strlen(bad), NOW, &found), TOKEN_VALID);
    assert_int_equal(token_check_cached(cache, keys, bad, strlen(bad), NOW, &found),
                     TOKEN_BAD_SIGNATURE);
}

/* ---- Making ---- */

static void test_make(void **state)
{
    (void)state;
    token_claims_t claims = { .user_id = 42, .name = "\xc3\xa4nne \"q\"", .has_role = true,
                              .role = SALON_ROLE_MODERATOR };
    token_claims_t found;
    const char *token = token_make(pool, keys, &claims, NOW, 3600);
    assert_int_equal(token_check(keys, token, strlen(token), NOW, &found), TOKEN_VALID);
    assert_int_equal(found.user_id, 42);
    assert_string_equal(found.name, claims.name);
    assert_int_equal(found.role, SALON_ROLE_MODERATOR);
    assert_int_equal(found.expires, NOW + 3600);

    token_claims_t plain = { .user_id = 43 };
    token = token_make(pool, keys, &plain, NOW, 3600);
    assert_int_equal(token_check(keys, token, strlen(token), NOW, &found), TOKEN_VALID);
    assert_string_equal(found.name, "user43");
    assert_false(found.has_role);
    assert_int_equal(check_with(keys, token_make(pool, keys, &plain, NOW, 0)), TOKEN_WRONG_CLAIMS);
    assert_int_equal(check_with(keys, token_make(pool, keys, &plain, NOW, -1)), TOKEN_EXPIRED);
    token_claims_t wrong = { .user_id = 44, .name = "\xff" };
    assert_null(token_make(pool, keys, &wrong, NOW, 3600));
}

static void test_generate(void **state)
{
    (void)state;
    const char *path = path_of("generated");
    assert_int_equal(token_key_generate(path, pool), APR_SUCCESS);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    const char *text = read_text(path);
    assert_int_equal(strlen(text), 65);
    assert_int_equal(token_key_generate(path, pool), APR_SUCCESS);
    assert_string_equal(read_text(path), text);
    token_settings_t settings = settings_of(path, "HS256");
    load(&settings);
    assert_int_equal(token_key_generate(path_of("generated2"), pool), APR_SUCCESS);
    assert_string_not_equal(read_text(path_of("generated2")), text);
    assert_int_not_equal(token_key_generate(path_of("no/such"), pool), APR_SUCCESS);
}

static int set_up(void **state)
{
    (void)state;
    token_settings_t settings = settings_of(write_text("secret", SECRET), "HS256");
    keys = load(&settings);
    return 0;
}

static void remove_directory(void)
{
    apr_dir_t *dir;
    apr_finfo_t entry;
    if (apr_dir_open(&dir, directory, pool) != APR_SUCCESS) return;
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        if (entry.name[0] != '.') unlink(path_of(entry.name));
    }
    apr_dir_close(dir);
    rmdir(directory);
}

int main(void)
{
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    if (mkdtemp(directory) == NULL) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_nameless),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_wrong_claims),
        cmocka_unit_test(test_longest_name),
        cmocka_unit_test(test_bad_payload),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_without_exp),
        cmocka_unit_test(test_issuer_audience),
        cmocka_unit_test(test_bad_headers),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_bad_signature),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_bad_secrets),
        cmocka_unit_test(test_bad_algorithms),
        cmocka_unit_test(test_secret_bytes),
        cmocka_unit_test(test_three_secrets),
        cmocka_unit_test(test_ec_keys),
        cmocka_unit_test(test_rsa_keys),
        cmocka_unit_test(test_cache),
        cmocka_unit_test(test_cache_refuses),
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_generate),
    };
    int failed = cmocka_run_group_tests(tests, set_up, NULL);
    remove_directory();
    return failed;
}
