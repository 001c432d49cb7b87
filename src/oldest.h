/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oldest messages of a timeline, some at a time, to be deleted: found by the index of positions
 * and deleted by their ids, so that it costs the same whatever the length of the timeline.  Store
 * thread, within its transaction.
 */
#ifndef OLDEST_H
#define OLDEST_H

#include "db.h"

#define OLDEST_DELETED 100 /* messages, at most, that one transaction deletes */

/* The columns of rows that oldest_read gives. */
enum {
    OLDEST_ID,
    OLDEST_SEQ,
    OLDEST_CREATED_AT,
    OLDEST_PARENT_ID,
    OLDEST_PINNED,
    OLDEST_IS_DELETED /* it is only remembered that there was one */
};

/* The next ones behind the position `after`, so many at most, oldest first; no rows: there are none
 * behind it.  *last_r: the position up to which there are no others. */
db_status_t oldest_read(db_t *db, apr_pool_t *pool, apr_int64_t timeline_id, apr_int64_t after,
                        int most, salon_rows_t *rows_r, apr_int64_t *last_r);
/* Deletes rows of that table by their ids, which are one at least. */
db_status_t oldest_delete(db_t *db, apr_pool_t *pool, const char *table, const apr_int64_t *ids,
                          int count);

#endif
