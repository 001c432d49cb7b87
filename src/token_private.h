/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of tokens (token.c, token_keys.c, token_cache.c) share.
 */
#ifndef TOKEN_PRIVATE_H
#define TOKEN_PRIVATE_H

#include <jwt.h>

#include "token.h"

struct token_keys_t {
    unsigned serial;   /* no two loaded keys of a process have the same */
    unsigned allowed;  /* bits, by place in the table of token_keys.c */
    jwt_alg_t signing; /* the first of the list; JWT_ALG_NONE: cannot sign */
    const unsigned char *key;
    int key_length; /* never 0 */
    bool require_exp;
    apr_int64_t leeway;
    const char *issuer, *audience;
};

/* Is that algorithm, by its name or libjwt's number, one of the configured ones? */
bool token_keys_allow(const token_keys_t *keys, const char *name);
bool token_keys_allow_alg(const token_keys_t *keys, jwt_alg_t alg);

/* What a token says, its signature being good: everything but whether the time is right. */
typedef struct token_verified_t {
    token_claims_t claims;
    apr_int64_t not_before; /* leeway included */
} token_verified_t;

/* All of token_check but the times. */
token_status_t token_verify(const token_keys_t *keys, const char *token, size_t length,
                            token_verified_t *verified_r);
/* The rest of it. */
token_status_t token_check_time(const token_verified_t *verified, apr_int64_t now,
                                token_claims_t *claims_r);

#endif
