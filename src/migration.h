/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbered steps of the schema, per owner ("core", or a plugin's name), recorded in the table
 * schema_versions.
 */
#ifndef MIGRATION_H
#define MIGRATION_H

#include "db.h"

/* Applies what is missing, in order, each in a transaction (where the engine's DDL has none, each
 * statement on its own, and recorded); CREATE TABLE gets the engine's suffix.  NULL: done;
 * otherwise what is wrong, in the pool; a database that is newer than this program is refused. */
const char *migration_apply(db_t *db, apr_pool_t *pool, const char *owner,
                            const salon_migration_t *migrations);

/* A step's statement as the engine wants it, in the pool. */
const char *migration_translate(apr_pool_t *pool, const engine_t *engine, const char *statement);
/* The statement that makes the table in which the steps are recorded. */
extern const char migration_table[];

#endif
