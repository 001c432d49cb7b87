/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed tokens (JWT, HS256) for users that exist nowhere but here: the server takes down a user
 * when it first sees one in a valid token.
 */
#ifndef TOKEN_H
#define TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_SIZE 512

typedef struct token_key_t {
    unsigned char bytes[4096];
    size_t length;
} token_key_t;

/* The file's bytes without a final newline; ends the program when it cannot be read. */
void token_key_read(const char *path, token_key_t *key_r);

/* A token of the user "load<id>" that is valid for an hour. */
void token_make(const token_key_t *key, int64_t user_id, char token_r[TOKEN_SIZE]);

#endif
