/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values: what literals and variables are as JSON, by the types that are wanted.
 */
#ifndef LIVE_GRAPHQL_VALUE_H
#define LIVE_GRAPHQL_VALUE_H

#include "graphql_error.h"
#include "graphql_schema.h"

/* Keeps it as long as the pool lives. */
json_object *value_keep(apr_pool_t *pool, json_object *value);

/* Is the literal (no variable, null, list or object) one of that scalar? */
bool value_fits(const type_t *type, const value_t *literal);

/* What the operation's variables are, for execution: those that have a value; kept in the pool.
 * NULL: they are not what the operation wants, and the errors say why. */
json_object *value_variables(errors_t *errors, const definition_t *operation, json_object *given);

/* What the arguments are; kept in the pool.  NULL: a variable is null that must not be: *wrong_r is
 * the argument's name. */
json_object *value_arguments(apr_pool_t *pool, const inputs_t *inputs, const argument_t *arguments,
                             json_object *variables, const char **wrong_r);

#endif
