/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validation: a document is checked against the schema, by every rule of the specification's
 * section 5 that matters to this kind of schema, before anything is run.
 */
#ifndef LIVE_GRAPHQL_VALIDATE_H
#define LIVE_GRAPHQL_VALIDATE_H

#include "graphql_error.h"
#include "graphql_schema.h"

typedef struct check_t {
    const graphql_schema_t *schema;
    errors_t *errors;
    definition_t *definitions;
    definition_t *current; /* the one that is being looked at */
} check_t;

/* Fills in what the names mean.  What is wrong becomes errors. */
void validate(const graphql_schema_t *schema, errors_t *errors, definition_t *definitions);

/* The rules about what definitions use of each other; relies on `validate` having found all of it.
 * Fragments: all are used, none by itself.  Variables: all are used, and where they may be. */
void validate_uses(check_t *check);

#endif
