/* SPDX-License-Identifier: Apache-2.0 */
/*
 * header.payload.signature, each in base64url; the signature is HMAC-SHA256 of what is before it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "bench.h"
#include "token.h"

#define VALID_SECONDS 3600

void token_key_read(const char *path, token_key_t *key_r)
{
    FILE *file = fopen(path, "r");

    if (file == NULL)
        bench_die("%s: %s", path, strerror(errno));
    key_r->length = fread(key_r->bytes, 1, sizeof key_r->bytes, file);
    fclose(file);
    if (key_r->length > 0 && key_r->bytes[key_r->length - 1] == '\n')
        key_r->length--;
    if (key_r->length == 0)
        bench_die("%s: no key in it", path);
}

/* Appends base64url, without padding, and answers the new end. */
static char *append_base64(char *at, const void *data, size_t length)
{
    int size = EVP_EncodeBlock((unsigned char *)at, data, (int)length);

    while (size > 0 && at[size - 1] == '=')
        size--;
    for (int i = 0; i < size; i++)
        at[i] = at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i];
    at[size] = '\0';
    return at + size;
}

void token_make(const token_key_t *key, int64_t user_id, char token_r[TOKEN_SIZE])
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    char payload[200];
    unsigned char signature[EVP_MAX_MD_SIZE];
    unsigned int signature_length;
    char *end = append_base64(token_r, header, sizeof header - 1);

    snprintf(payload, sizeof payload,
             "{\"user_id\":%" PRId64 ",\"username\":\"load%" PRId64 "\",\"role\":\"user\","
             "\"exp\":%" PRId64 "}", user_id, user_id, (int64_t)time(NULL) + VALID_SECONDS);
    *end++ = '.';
    end = append_base64(end, payload, strlen(payload));
    HMAC(EVP_sha256(), key->bytes, (int)key->length, (unsigned char *)token_r,
         (size_t)(end - token_r), signature, &signature_length);
    *end++ = '.';
    append_base64(end, signature, signature_length);
}
