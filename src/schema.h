/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of the core and of every plugin that is loaded: whose migrations there are, in the
 * order in which they are applied, and which tables they make.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include <stdio.h>

#include <apr_tables.h>

#include "store.h"

/* Applies all that is missing.  NULL: done; otherwise what is wrong. */
const char *schema_apply(store_t *store);
/* salond --schema: the statements that make the tables, for one engine, as a script. */
void schema_print(apr_pool_t *pool, const engine_t *engine, FILE *out);

/* Some steps of one owner: a part of the core, or a plugin. */
typedef struct schema_part_t {
    const char *owner; /* as in schema_versions */
    int version;       /* the last of the steps */
    const salon_migration_t *steps;
} schema_part_t;

/* Those of that owner up to that version; where it is a plugin that is not loaded, loads it from
 * that directory.  NULL: done, in the pool; otherwise what is wrong. */
const char *schema_part_find(apr_pool_t *pool, const char *plugin_dir, const char *owner,
                             apr_int64_t version, schema_part_t *part_r);
/* The parts (schema_part_t) that a database has, but for what each server makes for itself, in the
 * order in which they are applied; none where nothing of ours is there.  NULL: done; otherwise what
 * is wrong. */
const char *schema_parts_read(apr_pool_t *pool, const char *plugin_dir, db_t *db,
                              apr_array_header_t **parts_r);

/* The names (const char *) that the steps give to tables; some may not be in use any more. */
apr_array_header_t *schema_tables(apr_pool_t *pool, const schema_part_t *part);
/* How many rows the steps put into a table, at most. */
int schema_rows(const schema_part_t *part, const char *table);

#endif
