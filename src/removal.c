/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done stands in the table alone; here is only where the last step has got to, so
 * that the next one looks for nothing where everything has gone.  Steps go round by the timelines'
 * ids until one that began at the first has found nothing more.  Short timelines share a step.
 *
 * Nothing hangs on these messages any more: the plugins have been told of the place, and the
 * figures went with its row.
 */
#include "removal.h"

#include "metrics.h"
#include "oldest.h"
#include "server.h"
#include "steps.h"

#define SOON  100 /* milliseconds: of many that are removed at once, one step takes several */
#define LOOKS 40  /* into timelines, in one step: of a short one, two */

typedef struct place_t {
    apr_int64_t timeline_id; /* that one, or the next */
    apr_int64_t after;       /* of that one: behind this position */
} place_t;

typedef struct step_t {
    store_job_t job; /* first */
    place_t from;
    /* what has been done */
    place_t to; /* where to go on; timeline 0: the round is complete */
    int messages, timelines;
} step_t;

static struct {
    steps_t steps;
    step_t step;
    bool awake;       /* a step is under way, or will be */
    bool again;       /* and then one more round, at least */
    apr_int64_t left; /* timelines */
} all;

/* ---- Store thread ---- */

typedef struct work_t {
    db_t *db;
    apr_pool_t *pool;
    step_t *step;
    int looks;
    int message_count, emptied_count;
    apr_int64_t messages[OLDEST_DELETED], emptied[LOOKS];
} work_t;

static bool has_room(const work_t *work)
{
    return work->looks < LOOKS && work->message_count < OLDEST_DELETED;
}

static void rows_take(work_t *work, const salon_rows_t *rows)
{
    for (int row = 0; row < rows->count; row++) {
        work->messages[work->message_count++] = salon_rows_integer(rows, row, OLDEST_ID);
        work->step->messages += salon_rows_integer(rows, row, OLDEST_IS_DELETED) == 0;
    }
}

static void timeline_leave(work_t *work, apr_int64_t id)
{
    work->emptied[work->emptied_count++] = id;
    work->step->to.after = APR_INT64_MAX;
}

static db_status_t timeline_take(work_t *work, apr_int64_t id)
{
    salon_rows_t rows = { .count = 1 };
    db_status_t status = DB_OK;
    place_t *to = &work->step->to;
    if (id != to->timeline_id) *to = (place_t){ id, 0 };
    while (status == DB_OK && rows.count > 0 && has_room(work)) {
        work->looks++;
        status = oldest_read(work->db, work->pool, id, to->after,
                             OLDEST_DELETED - work->message_count, &rows, &to->after);
        if (status == DB_OK) rows_take(work, &rows);
    }
    if (status == DB_OK && rows.count == 0) timeline_leave(work, id);
    return status;
}

static db_status_t taken_delete(const work_t *work)
{
    db_status_t status = DB_OK;
    if (work->message_count > 0)
        status = oldest_delete(work->db, work->pool, "messages", work->messages,
                               work->message_count);
    if (status == DB_OK && work->emptied_count > 0)
        status = oldest_delete(work->db, work->pool, "timelines_going", work->emptied,
                               work->emptied_count);
    return status;
}

static db_status_t step_run(db_t *db, apr_pool_t *pool, step_t *step)
{
    work_t work = { .db = db, .pool = pool, .step = step };
    salon_rows_t rows;
    db_status_t status =
        db_runf(db, pool, &rows,
                "SELECT id FROM timelines_going WHERE id >= %ld ORDER BY id LIMIT %d",
                (long)step->from.timeline_id, LOOKS);
    step->to = step->from;
    step->messages = 0;
    for (int row = 0; status == DB_OK && row < rows.count && has_room(&work); row++)
        status = timeline_take(&work, salon_rows_integer(&rows, row, 0));
    if (status == DB_OK) status = taken_delete(&work);
    step->timelines = work.emptied_count;
    if (status == DB_OK && work.emptied_count == rows.count && rows.count < LOOKS)
        step->to = (place_t){ 0, 0 };
    return status;
}

static db_status_t steps_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++)
        status = step_run(db, pool, (step_t *)jobs[i]);
    return status;
}

static const store_class_t removal_class = { "removal", steps_run };

/* ---- Chat thread ---- */

static void step_follow(const step_t *step)
{
    bool over = step->from.timeline_id == 0 && step->to.timeline_id == 0 && !all.again;
    metrics_add(METRIC_MESSAGES_REMOVED, step->messages);
    all.left = over ? 0 : all.left - step->timelines;
    if (step->from.timeline_id == 0) all.again = false;
    all.step.from = step->to;
    all.awake = !over;
    if (all.awake) steps_go_on(&all.steps, STEPS_WRITING);
}

static void step_done(store_job_t *job)
{
    if (job->status == DB_OK) step_follow((step_t *)job);
    else steps_put_off(&all.steps);
}

static void step(void)
{
    all.step.job.class = &removal_class;
    all.step.job.size = sizeof(all.step);
    all.step.job.done = step_done;
    if (!store_push(server.store, &all.step.job)) steps_put_off(&all.steps);
}

static void wake(apr_int64_t count)
{
    all.left += count;
    if (!all.awake) steps_wait(&all.steps, SOON);
    else all.again = true;
    all.awake = true;
}

void removal_wake(void)
{
    wake(1);
}

/* Where the table cannot be read, the first step will say what is wrong. */
void removal_init(void)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const salon_rows_t *rows = salon_load(pool, "SELECT COUNT(*) AS n FROM timelines_going");
    apr_int64_t count = rows != NULL ? salon_rows_integer(rows, 0, 0) : 0;
    steps_init(&all.steps, step);
    if (rows == NULL || count > 0) wake(count);
    apr_pool_destroy(pool);
}

void removal_stop(void)
{
    steps_stop(&all.steps);
}

apr_int64_t removal_left(void)
{
    return all.left;
}
