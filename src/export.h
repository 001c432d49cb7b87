/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is stored, or what is stored of one person, as lines of JSON.  The database is
 * read as it is at one moment, beside a server that may be running on it, in bounded memory.
 *
 * The lines: a header {"salon": "export", "format": 1, ..., "schema": {owner: version}}, rows
 * {"table": name, "row": {column: value}} in the order of the tables, {"end": {"tables", "rows"}}.
 * A value is a number, a text or null, as the column is.  Of one person, the header is {"salon":
 * "person", ..., "user_id"}; the rows are those that plugins name (salon_personal_t).
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "db.h"
#include "lines.h"

#define EXPORT_KIND   "export"
#define EXPORT_PERSON "person"
#define EXPORT_FORMAT 1

typedef struct moved_t {
    apr_int64_t tables, rows; /* tables that have rows */
} moved_t;

/* plugin_dir: of those that are not loaded, and have tables.  NULL: written; otherwise what is
 * wrong, in the pool. */
const char *export_all(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                       moved_t *moved_r);
/* name: or an id. */
const char *export_person(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                          const char *name, moved_t *moved_r);

#endif
