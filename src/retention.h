/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting what is not to be kept (salon_keep_t), of all timelines of every kind: soon after the
 * start, every hour, and when it is asked for.  A run looks for timelines that hold too much, and
 * deletes from each in small transactions, with pauses that grow with the time that these take;
 * what one that has ended early has not come to, the next one does.  Chat thread.
 */
#ifndef RETENTION_H
#define RETENTION_H

#include "request.h"

/* Before the chat thread starts. */
void retention_init(void);
/* The server ends: so does what is under way. */
void retention_stop(void);

/* Operations: a run, and one that only looks, perhaps as if other limits were set everywhere
 * (arguments days, messages); they answer when it is over (tally.h). */
salon_handler_t retention_run, retention_look;

/* Figures: is something being deleted; when (seconds since 1970) everything had been deleted that
 * was to go then, 0: not yet. */
apr_int64_t retention_running(void);
apr_int64_t retention_last_at(void);

#endif
