/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as the database describes them, whoever has made them: so that any can be read and filled
 * without knowing what it is about.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include "db.h"

#define CATALOG_COLUMNS 64 /* of a table, at most */
#define CATALOG_KEY     8  /* of its key */

typedef struct column_t {
    const char *name;
    bool text;          /* otherwise an integer */
    bool required;      /* it cannot be NULL */
    apr_int64_t least;  /* of an integer */
    apr_int64_t most;   /* of a text: the characters in it; 0: as many as there are */
} column_t;

typedef struct table_t {
    const char *name;
    int column_count;
    column_t columns[CATALOG_COLUMNS];
    int key_count;
    int key[CATALOG_KEY]; /* indexes of columns */
} table_t;

db_status_t catalog_has(db_t *db, apr_pool_t *pool, const char *name, bool *there_r);
/* NULL: done, and table_r has no columns where there is no such table; otherwise what is wrong.
 * All in the pool. */
const char *catalog_read(db_t *db, apr_pool_t *pool, const char *name, table_t *table_r);
/* The index of a column; -1: none of that name. */
int catalog_column(const table_t *table, const char *name);

#endif
