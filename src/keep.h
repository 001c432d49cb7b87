/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a timeline is kept (salon_keep_t), as a walk from its oldest message to newer ones that
 * says of each whether it goes.
 */
#ifndef KEEP_H
#define KEEP_H

#include "salon/message.h"

typedef struct keep_walk_t {
    apr_int64_t now;
    apr_int64_t before; /* what was said before that moment is too old */
    apr_int64_t excess; /* so many of the messages that come next are too many */
    bool pinned;        /* pinned ones stay */
} keep_walk_t;

typedef enum {
    KEEP_GOES,
    KEEP_STAYS, /* but others behind it may go */
    KEEP_ENOUGH /* and so, as far as can be told, does what is behind it */
} keep_verdict_t;

/* Any thread.  count: messages that have not been deleted, without those that have been passed. */
keep_walk_t keep_walk(const salon_keep_t *keep, apr_int64_t now, apr_int64_t count);
/* Any thread.  Passes the next one.  deleted: it is only remembered that there was one. */
keep_verdict_t keep_next(keep_walk_t *walk, apr_int64_t created_at, bool pinned, bool deleted);

#endif
