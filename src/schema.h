/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the core and of every plugin that is loaded: whose migrations there are, in the
 * order in which they are applied.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <stdio.h>

#include "store.h"

/* Applies all that is missing.  NULL: done; otherwise what is wrong. */
const char *schema_apply(store_t *store);
/* salond --schema: the statements that make the tables, for one engine, as a script. */
void schema_print(apr_pool_t *pool, const engine_t *engine, FILE *out);

#endif
