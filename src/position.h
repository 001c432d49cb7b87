/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The positions of timelines, moved inside the transaction that stores what takes them, so that
 * they have no gaps: a few statements, whatever the number of timelines.  Writing store thread.
 */
#ifndef POSITION_H
#define POSITION_H

#include "db.h"

typedef struct position_move_t {
    apr_int64_t timeline_id;
    int count;       /* by so many, of new messages */
    apr_int64_t seq; /* set: where it is then; -1: there is no such timeline */
} position_move_t;

/* A timeline has been moved there by something else, in this thread. */
void position_note(apr_int64_t timeline_id, apr_int64_t seq);
/* Each timeline at most once.  DB_RETRY: the transaction is to be done again. */
db_status_t positions_move(db_t *db, apr_pool_t *pool, position_move_t *moves, int count);

#endif
