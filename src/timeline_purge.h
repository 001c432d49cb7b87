/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting the oldest messages of a timeline, some at a time: physically, with the figures that
 * depend on them, in the one transaction of the writing store thread.  Positions do not move, and
 * nobody is told but the plugins.
 */
#ifndef TIMELINE_PURGE_H
#define TIMELINE_PURGE_H

#include "keep.h"
#include "store.h"

#define PURGE_LOOK 1000 /* messages that are looked at in one go, where nothing is deleted */

typedef struct purged_t {
    apr_int64_t id, parent_id, created_at;
    bool deleted; /* before */
} purged_t;

typedef struct purge_t {
    store_job_t job; /* first; whoever pushes it says what is to be done then */
    apr_int64_t timeline_id;
    salon_keep_t keep;
    apr_int64_t now;
    bool dry;          /* only look */
    apr_int64_t after; /* the position behind which to go on; 0: from the oldest message */
    apr_int64_t passed; /* messages up to there that are still counted */
    /* what has been found */
    int count;
    purged_t gone[PURGE_LOOK];
    apr_int64_t next_after, next_passed;
    bool over; /* nothing more is to go */
} purge_t;

/* Chat thread.  False: too much waits for the store. */
bool purge_push(purge_t *purge);
/* Chat thread; it is done, and was not dry: memory and plugins follow. */
void purge_follow(const purge_t *purge);

#endif
