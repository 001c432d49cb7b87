/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everybody's share of the store's readers: of one person few reads are with each of them at a
 * time, and that person's others wait here.  So whoever reads all the time, on however many
 * connections, holds up nobody else for longer than these few take.  Chat thread.
 */
#ifndef SHARE_H
#define SHARE_H

#include "store.h"

/* The readers: the one of what is quick, and of what may take long. */
typedef enum { SHARE_QUICK, SHARE_SLOW, SHARE_KINDS } share_kind_t;

#define SHARE_NOBODY APR_INT64_MIN /* in the place of a user's id: all who have not signed in */

/* False: too much waits already; the job is untouched.  Else share_done must follow, with the same
 * kind and user, when the job's `done` has been called: before anything else. */
bool share_push(share_kind_t kind, apr_int64_t user_id, store_job_t *job);
void share_done(share_kind_t kind, apr_int64_t user_id);

#endif
