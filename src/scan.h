/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a table, in the order of its primary key, page by page: in bounded memory, but for
 * the largest row.
 */
#ifndef SCAN_H
#define SCAN_H

#include "catalog.h"

/* Which rows: those that have the value in one of the columns, or, where there are none, all. */
typedef struct selection_t {
    int column_count;
    const char *columns[CATALOG_COLUMNS];
    apr_int64_t value;
    const char *condition; /* SQL of ours, which must hold besides; NULL: none */
} selection_t;

/* NULL: go on; otherwise what is wrong, which ends the scan. */
typedef const char *scan_row_t(void *baton, const table_t *table, const salon_rows_t *rows,
                               int row);

/* Calls take for each row.  NULL: done; otherwise what is wrong, in the pool. */
const char *scan_table(db_t *db, apr_pool_t *pool, const table_t *table,
                       const selection_t *selection, scan_row_t *take, void *baton);

#endif
