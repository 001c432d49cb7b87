/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry exists while its user reads something.  Of quick reads two are under way, so that the
 * reader need not wait for this thread in between.
 */
#include "share.h"

#include <stdlib.h>

#include "salon/map.h"
#include "server.h"

#define WAITING_MOST 1000 /* of one user */

typedef struct {
    apr_int64_t user_id;
    int running;
    queue_list_t waiting;
} share_t;

static const struct {
    int at_once;
    bool (*push)(store_t *store, store_job_t *job);
} kinds[SHARE_KINDS] = {
    [SHARE_QUICK] = { 2, store_push_read },
    [SHARE_SLOW] = { 1, store_push_slow },
};

static salon_map_t shares[SHARE_KINDS]; /* user id -> share_t */

static share_t *share_of(share_kind_t kind, apr_int64_t user_id)
{
    share_t *share = salon_map_get(&shares[kind], user_id);
    if (share != NULL) return share;
    share = calloc(1, sizeof(*share));
    if (share == NULL) abort();
    share->user_id = user_id;
    salon_map_set(&shares[kind], user_id, share);
    return share;
}

static void share_review(share_kind_t kind, share_t *share)
{
    if (share->running > 0) return;
    salon_map_set(&shares[kind], share->user_id, NULL);
    free(share);
}

bool share_push(share_kind_t kind, apr_int64_t user_id, store_job_t *job)
{
    share_t *share = share_of(kind, user_id);
    if (share->running >= kinds[kind].at_once) {
        if (share->waiting.count >= WAITING_MOST) return false;
        queue_list_add(&share->waiting, &job->node);
        return true;
    }
    bool pushed = kinds[kind].push(server.store, job);
    share->running += pushed;
    share_review(kind, share);
    return pushed;
}

/* The node is a job's first member. */
void share_done(share_kind_t kind, apr_int64_t user_id)
{
    share_t *share = salon_map_get(&shares[kind], user_id);
    store_job_t *job = (store_job_t *)queue_list_pop(&share->waiting);
    if (job == NULL) {
        share->running--;
        share_review(kind, share);
    } else if (!kinds[kind].push(server.store, job)) {
        job->status = DB_LOST;
        job->done(job);
    }
}
