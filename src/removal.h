/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deleting the messages of timelines that were removed.  A removal only moves the timeline's id
 * from the table `timelines` to `timelines_going`, from when on nobody finds its messages; these go
 * afterwards, in small transactions with pauses (steps.h), also after a restart.  Chat thread.
 */
#ifndef REMOVAL_H
#define REMOVAL_H

#include <apr.h>

/* The database has its tables; before the chat thread starts. */
void removal_init(void);
/* A timeline may have been removed: what there is of it is deleted. */
void removal_wake(void);
/* The server ends: the next start goes on. */
void removal_stop(void);

/* A figure: timelines that have been removed, but of which there may be messages yet. */
apr_int64_t removal_left(void);

#endif
