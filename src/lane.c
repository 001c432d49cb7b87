/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane's pass is: take what waits, run it, deliver it.  Nothing is delivered before its commit
 * has returned success.
 */
#define LOG_AREA "store"

#include "lane.h"

#include "log.h"

#define BATCH_BYTES   (1 << 20)                   /* and one job more: servers limit a statement */
#define RETRIES       3                           /* of what collided with something */
#define RETRY_PAUSE   apr_time_from_msec(5)       /* doubled each time; at first none */
#define AWAY_PAUSE    apr_time_from_msec(250)     /* between attempts to connect */
#define IDLE_PAUSE    apr_time_from_sec(5)        /* after writes, before on_idle */
#define ALIVE_PAUSE   apr_time_from_sec(1)        /* before a server that is not used is asked */

static void add(atomic_int_fast64_t *counter, apr_int64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* ---- The connection of a lane ---- */

static void lane_is_up(lane_t *lane)
{
    if (lane->away_since == 0) return;
    log_notice("the %s has its database back, after %d s", lane->name,
               (int)apr_time_sec(apr_time_now() - lane->away_since));
    lane->away_since = 0;
    atomic_store(&lane->up, true);
}

/* The first attempt after a loss is due at once: a server that was restarted is there again.
 * since: the last moment at which there was no sign of that. */
static void lane_is_away(lane_t *lane, const char *reason, apr_time_t since)
{
    if (lane->away_since == 0) {
        lane->away_since = since;
        lane->next_attempt = 0;
        log_warning("the %s has no database: %s; trying again", lane->name, reason);
    }
    atomic_store(&lane->up, false);
}

static db_status_t lane_connect(lane_t *lane)
{
    const char *message;
    db_status_t status;

    if (lane->away_since != 0 && apr_time_now() < lane->next_attempt) return DB_LOST;
    status = db_connect(lane->db, lane->batch, &message);
    if (status != DB_OK) lane_is_away(lane, message, apr_time_now());
    lane->next_attempt = apr_time_now() + AWAY_PAUSE;
    return status;
}

static void lane_lost(lane_t *lane, apr_time_t since)
{
    db_disconnect(lane->db);
    lane_is_away(lane, "the connection was lost", since);
}

/* Waits for the next attempt; false when that would come too late. */
static bool wait_for_database(lane_t *lane)
{
    apr_time_t now = apr_time_now(), next = lane->next_attempt > now ? lane->next_attempt : now;

    if (atomic_load(&lane->store->stopping)) return false;
    if (lane->next_attempt == 0) return true;
    if (next >= lane->away_since + lane->store->wait) return false;
    apr_sleep(next - now);
    return true;
}

/* ---- Handing back ---- */

static void count_result(lane_t *lane, store_job_t **jobs, int count)
{
    int failed = 0;

    for (int i = 0; i < count; i++) failed += jobs[i]->status != DB_OK;
    add(&lane->failures, failed);
    add(&lane->jobs, count - failed);
}

static void deliver(lane_t *lane, store_job_t **jobs, int count)
{
    queue_list_t list = { .head = NULL };
    apr_int64_t bytes = 0;

    for (int i = 0; i < count; i++) {
        bytes += (apr_int64_t)jobs[i]->size;
        queue_list_add(&list, &jobs[i]->node);
    }
    add(&lane->waiting, -count);
    add(&lane->bytes, -bytes);
    lane->store->deliver(&list, lane->store->baton);
}

/* The node is a job's first member. */
static store_job_t *next_job(lane_t *lane)
{
    return (store_job_t *)queue_list_pop(&lane->local);
}

/* What has not been tried yet, while the database is away. */
static void refuse_waiting(lane_t *lane)
{
    store_job_t *job;

    do {
        while ((job = next_job(lane)) != NULL) {
            job->status = DB_LOST;
            count_result(lane, &job, 1);
            deliver(lane, &job, 1);
        }
        lane->local = queue_take(lane->queue);
    } while (lane->local.count > 0);
}

/* ---- One transaction ---- */

/* The writer's jobs, each run of one class in one call. */
static db_status_t run_classes(lane_t *lane, store_job_t **jobs, int count)
{
    db_status_t status = DB_OK;

    for (int i = 0; i < count; i++) jobs[i]->status = DB_OK;
    for (int from = 0, to; status == DB_OK && from < count; from = to) {
        for (to = from + 1; to < count && jobs[to]->class == jobs[from]->class;) to++;
        status = jobs[from]->class->run(lane->db, lane->batch, jobs + from, to - from);
    }
    return status;
}

/* *doubtful: the answer to the commit of an earlier attempt never came; that of this one. */
static db_status_t transact(lane_t *lane, store_job_t **jobs, int count, bool *doubtful)
{
    db_status_t status = db_begin(lane->db, lane->again);
    bool done = false, unknown = false;

    if (status == DB_OK) status = receipt_write(&lane->receipt, lane->db, lane->batch, &done);
    if (status == DB_OK) *doubtful = false;
    if (done) {
        db_rollback(lane->db);
        log_notice("a commit without an answer had taken effect");
        return DB_OK;
    }
    if (status == DB_OK) status = run_classes(lane, jobs, count);
    if (status == DB_OK) status = db_commit(lane->db, &unknown);
    if (status != DB_OK) db_rollback(lane->db);
    if (unknown) *doubtful = true;
    return status;
}

static db_status_t attempt(lane_t *lane, store_job_t **jobs, int count, bool *doubtful)
{
    db_status_t status = lane_connect(lane);
    apr_time_t began = apr_time_now();
    apr_int64_t sent = db_statements(lane->db);

    if (status != DB_OK) return status;
    status = lane->writes ? transact(lane, jobs, count, doubtful) : run_classes(lane, jobs, count);
    add(&lane->statements, db_statements(lane->db) - sent);
    if (status == DB_LOST) lane_lost(lane, began);
    else lane_is_up(lane);
    return status;
}

/* Until it worked, or it is useless to try again.  What may have taken effect is neither reported
 * as refused nor done twice: then there is no end until the database has said which, and only later
 * jobs are refused when that takes too long. */
static db_status_t insist(lane_t *lane, store_job_t **jobs, int count)
{
    bool doubtful = false;
    int retries = 0;

    receipt_next(&lane->receipt);
    for (lane->again = false;; lane->again = true) {
        db_status_t status;

        apr_pool_clear(lane->batch);
        status = attempt(lane, jobs, count, &doubtful);
        if (status == DB_RETRY && retries < RETRIES) {
            if (retries > 0) apr_sleep(RETRY_PAUSE << retries);
            retries++;
        } else if (status != DB_LOST || !wait_for_database(lane)) {
            if (!doubtful || status == DB_FAILED || atomic_load(&lane->store->stopping)) {
                return status;
            }
            refuse_waiting(lane);
            apr_sleep(AWAY_PAUSE);
        }
    }
}

/* ---- Batches ---- */

/* Halves what fails, until the bad job is alone.  That the database is away, locked, or out of
 * space is no job's fault. */
void lane_run(lane_t *lane, store_job_t **jobs, int count)
{
    db_status_t status = insist(lane, jobs, count);

    if (status == DB_OK) {
        if (lane->writes) add(&lane->commits, 1);
        return;
    }
    if (count > 1 && (status == DB_DUPLICATE || status == DB_FAILED)) {
        lane_run(lane, jobs, count / 2);
        lane_run(lane, jobs + count / 2, count - count / 2);
        return;
    }
    for (int i = 0; i < count; i++) jobs[i]->status = status;
}

static void run_batch(lane_t *lane)
{
    store_job_t *jobs[LANE_BATCH_MAX];
    apr_size_t bytes = 0;
    int count = 0;

    while (count < lane->batch_max && bytes < BATCH_BYTES && lane->local.count > 0) {
        jobs[count] = next_job(lane);
        bytes += jobs[count++]->size;
    }
    lane_run(lane, jobs, count);
    lane->dirty = lane->writes;
    count_result(lane, jobs, count);
    deliver(lane, jobs, count);
}

/* ---- The threads ---- */

static bool tidies_up(const lane_t *lane)
{
    return lane->dirty && lane->store->engine->on_idle != NULL;
}

static apr_interval_time_t patience(const lane_t *lane)
{
    if (lane->away_since != 0) return AWAY_PAUSE;
    if (!lane->store->engine->embedded) return ALIVE_PAUSE;
    return tidies_up(lane) ? IDLE_PAUSE : -1;
}

/* Nothing waits: look whether the database is back, or is still there, or let it tidy up. */
static void lane_idle(lane_t *lane)
{
    apr_time_t began = apr_time_now();
    salon_rows_t rows;

    apr_pool_clear(lane->batch);
    if (lane->away_since != 0) {
        if (lane_connect(lane) == DB_OK) lane_is_up(lane);
    } else if (tidies_up(lane)) {
        db_run(lane->db, lane->batch, lane->store->engine->on_idle, NULL);
    } else if (db_run(lane->db, lane->batch, "SELECT 1", &rows) == DB_LOST) {
        lane_lost(lane, began);
    }
    lane->dirty = false;
}

void *APR_THREAD_FUNC lane_main(apr_thread_t *thread, void *data)
{
    lane_t *lane = data;

    (void)thread;
    for (;;) {
        bool stopping = atomic_load(&lane->store->stopping);

        if (lane->local.count == 0) {
            lane->local = stopping ? queue_take(lane->queue)
                                   : queue_wait(lane->queue, patience(lane));
        }
        if (lane->local.count > 0) run_batch(lane);
        else if (stopping) return NULL;
        else if (!atomic_load(&lane->store->stopping)) lane_idle(lane);
    }
}
