/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the words of a salonctl line to an operation and its arguments, by the tables of commands.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include "operation.h"

/*
 * Finds the command and makes the arguments (a new object).  NULL: *error_r says what is wrong, in
 * the pool.  *result_r: the member of the answer to print alone; NULL: all.
 */
const operation_t *command_parse(apr_pool_t *pool, const char *const *words, int count,
                                 json_object **arguments_r, const char **result_r,
                                 const char **error_r);

#endif
