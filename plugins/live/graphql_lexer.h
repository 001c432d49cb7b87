/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of a GraphQL document.
 */
#ifndef LIVE_GRAPHQL_LEXER_H
#define LIVE_GRAPHQL_LEXER_H

#include "graphql.h"

/* Punctuators are themselves ('.' is "..."). */
enum { TOKEN_END = 0, TOKEN_BAD = 1, TOKEN_NAME = 'n', TOKEN_INT = 'i', TOKEN_FLOAT = 'f',
       TOKEN_STRING = 's' };

typedef struct token_t {
    int kind;
    size_t at;
    const char *text; /* in the pool: the name, the number, the string's value; of a bad one, why */
} token_t;

typedef struct lexer_t {
    apr_pool_t *pool;
    const char *text;
    size_t at, length;
    int count; /* of tokens so far */
} lexer_t;

/* The next word.  After a bad one, or the end, there is none. */
token_t lexer_next(lexer_t *lexer);

#endif
