/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as a response has them: message, locations, path, extensions.code.
 */
#ifndef LIVE_GRAPHQL_ERROR_H
#define LIVE_GRAPHQL_ERROR_H

#include "graphql.h"

#define NOWHERE ((size_t)-1) /* a place in the document that there is not */

#define CODE_PARSE    "GRAPHQL_PARSE_FAILED"
#define CODE_INVALID  "GRAPHQL_VALIDATION_FAILED"
#define CODE_INPUT    "BAD_USER_INPUT"
#define CODE_INTERNAL "INTERNAL_SERVER_ERROR"

typedef struct errors_t {
    apr_pool_t *pool;
    const char *text;  /* the document's */
    json_object *list; /* NULL: none yet; owned */
} errors_t;

/* No more than GRAPHQL_ERRORS are kept.  path: consumed, NULL: none. */
void errors_add(errors_t *errors, const char *code, size_t at, json_object *path,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Moves them to the response. */
void errors_move(errors_t *errors, json_object *response);

#endif
