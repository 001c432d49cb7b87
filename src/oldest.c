/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB would walk through all that is before a position, rather than look it up, were there no
 * other end to what is asked for.
 */
#include "oldest.h"

#include "sql.h"

#define STRETCH 5 /* positions for each row: others are those of changes, or have gone */

/* *first_r: the position of the next row; 0: there is none. */
static db_status_t first_read(db_t *db, apr_pool_t *pool, apr_int64_t timeline_id,
                              apr_int64_t after, apr_int64_t *first_r)
{
    salon_rows_t rows;
    db_status_t status = db_runf(db, pool, &rows,
                                 "SELECT MIN(seq) AS n FROM messages WHERE timeline_id = %ld"
                                 " AND seq > %ld",
                                 (long)timeline_id, (long)after);
    if (status == DB_OK) *first_r = salon_rows_integer(&rows, 0, 0);
    return status;
}

db_status_t oldest_read(db_t *db, apr_pool_t *pool, apr_int64_t timeline_id, apr_int64_t after,
                        int most, salon_rows_t *rows_r, apr_int64_t *last_r)
{
    apr_int64_t first = 0;
    *rows_r = (salon_rows_t){ 0 };
    db_status_t status = first_read(db, pool, timeline_id, after, &first);
    if (status != DB_OK || first == 0) return status;
    *last_r = first + most * STRETCH;
    status = db_runf(db, pool, rows_r,
                     "SELECT id, seq, created_at, parent_id, pinned, deleted FROM messages"
                     " WHERE timeline_id = %ld AND seq >= %ld AND seq <= %ld ORDER BY seq LIMIT %d",
                     (long)timeline_id, (long)first, (long)*last_r, most);
    if (status == DB_OK && rows_r->count == most)
        *last_r = salon_rows_integer(rows_r, most - 1, OLDEST_SEQ);
    return status;
}

db_status_t oldest_delete(db_t *db, apr_pool_t *pool, const char *table, const apr_int64_t *ids,
                          int count)
{
    sql_text_t *text = sql_text_make(pool, db_engine(db), false);
    sql_text_add_plain(text, "DELETE FROM ");
    sql_text_add_plain(text, table);
    sql_text_add(text, " WHERE id IN (%ld", (long)ids[0]);
    for (int i = 1; i < count; i++) sql_text_add(text, ", %ld", (long)ids[i]);
    sql_text_add(text, ")");
    return db_run(db, pool, sql_text_string(text), NULL);
}
