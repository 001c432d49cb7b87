/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store threads, as two lanes: the writer's and the reader's.  A lane has a queue, a connection
 * and a pool of its own; a pass is: take what waits, run it, deliver it.  Nothing is delivered
 * before its commit has returned success.  Other threads see a lane's queue and its atomic
 * counters, and nothing else of it.
 */
#define LOG_AREA "store"

#include "store.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <apr_allocator.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "log.h"
#include "migration.h"

#define BATCH_MAX     512
#define BATCH_BYTES   (1 << 20)                   /* and one job more: servers limit a statement */
#define WAITING_MAX   65536                       /* jobs of a lane */
#define WAITING_BYTES (APR_INT64_C(64) << 20)
#define KEPT_BYTES    (2 << 20)                   /* by a lane's allocator, between batches */
#define RETRIES       3                           /* of what collided with something */
#define RETRY_PAUSE   apr_time_from_msec(5)       /* doubled each time; at first none */
#define AWAY_PAUSE    apr_time_from_msec(250)     /* between attempts to connect */
#define IDLE_PAUSE    apr_time_from_sec(5)        /* after writes, before on_idle */

typedef struct lane_t {
    const char *name;
    store_t *store;
    bool writes;
    int batch_max;
    queue_t *queue;
    queue_list_t local; /* taken, and not yet run */
    apr_pool_t *pool;   /* the lane's */
    apr_pool_t *batch;  /* cleared for each attempt */
    db_t *db;
    apr_thread_t *thread;
    bool dirty;              /* written to since on_idle */
    apr_time_t away_since;   /* 0: connected */
    apr_time_t next_attempt; /* to connect, while it is away */
    atomic_bool up;
    atomic_int_fast64_t waiting, bytes, commits, jobs, failures;
} lane_t;

struct store_t {
    apr_pool_t *pool;
    const engine_t *engine;
    apr_interval_time_t wait;
    atomic_bool stopping;
    lane_t writer, reader;
    void (*deliver)(queue_list_t *jobs, void *baton);
    void *baton;
};

static apr_int64_t get(const atomic_int_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

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

/* The first attempt after a loss is due at once: a server that was restarted is there again. */
static void lane_is_away(lane_t *lane, const char *reason)
{
    if (lane->away_since == 0) {
        lane->away_since = apr_time_now();
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
    if (status != DB_OK) lane_is_away(lane, message);
    lane->next_attempt = apr_time_now() + AWAY_PAUSE;
    return status;
}

/* Waits for the next attempt; false when that would come too late. */
static bool wait_for_database(lane_t *lane)
{
    apr_time_t now = apr_time_now();

    if (atomic_load(&lane->store->stopping)) return false;
    if (lane->next_attempt == 0) return true;
    if (lane->next_attempt >= lane->away_since + lane->store->wait) return false;
    if (lane->next_attempt > now) apr_sleep(lane->next_attempt - now);
    return true;
}

/* ---- One transaction ---- */

/* The writer's jobs, each run of one class in one call. */
static db_status_t run_classes(lane_t *lane, store_job_t **jobs, int count, bool again)
{
    db_status_t status = DB_OK;

    for (int i = 0; i < count; i++) jobs[i]->status = DB_OK;
    for (int from = 0, to; status == DB_OK && from < count; from = to) {
        for (to = from + 1; to < count && jobs[to]->class == jobs[from]->class;) to++;
        status = jobs[from]->class->run(lane->db, lane->batch, jobs + from, to - from, again);
    }
    return status;
}

/* *again: the commit failed, and may have taken effect nevertheless. */
static db_status_t transact(lane_t *lane, store_job_t **jobs, int count, bool *again)
{
    db_status_t status = db_begin(lane->db);
    bool unknown = false;

    if (status == DB_OK) status = run_classes(lane, jobs, count, *again);
    if (status == DB_OK) status = db_commit(lane->db, &unknown);
    if (status != DB_OK) db_rollback(lane->db);
    if (unknown) *again = true;
    return status;
}

static db_status_t attempt(lane_t *lane, store_job_t **jobs, int count, bool *again)
{
    db_status_t status = lane_connect(lane);

    if (status != DB_OK) return status;
    status = lane->writes ? transact(lane, jobs, count, again)
                          : run_classes(lane, jobs, count, false);
    if (status == DB_LOST) {
        db_disconnect(lane->db);
        lane_is_away(lane, "the connection was lost");
    } else {
        lane_is_up(lane);
    }
    return status;
}

/* Until it worked, or it is useless to try again. */
static db_status_t insist(lane_t *lane, store_job_t **jobs, int count, bool *again)
{
    int retries = 0;

    for (;;) {
        db_status_t status;

        apr_pool_clear(lane->batch);
        status = attempt(lane, jobs, count, again);
        if (status == DB_RETRY && retries < RETRIES) {
            if (retries > 0) apr_sleep(RETRY_PAUSE << retries);
            retries++;
        } else if (status != DB_LOST || !wait_for_database(lane)) {
            return status;
        }
    }
}

/* ---- Batches ---- */

static void count_result(lane_t *lane, store_job_t **jobs, int count)
{
    int failed = 0;

    for (int i = 0; i < count; i++) failed += jobs[i]->status != DB_OK;
    add(&lane->failures, failed);
    add(&lane->jobs, count - failed);
}

/* Halves what fails, until the bad job is alone.  That the database is away, locked, or out of
 * space is no job's fault. */
static void run_jobs(lane_t *lane, store_job_t **jobs, int count, bool again)
{
    db_status_t status = insist(lane, jobs, count, &again);

    if (status == DB_OK) {
        if (lane->writes) add(&lane->commits, 1);
        return;
    }
    if (count > 1 && (status == DB_DUPLICATE || status == DB_FAILED)) {
        run_jobs(lane, jobs, count / 2, again);
        run_jobs(lane, jobs + count / 2, count - count / 2, again);
        return;
    }
    for (int i = 0; i < count; i++) jobs[i]->status = status;
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

static void run_batch(lane_t *lane)
{
    store_job_t *jobs[BATCH_MAX];
    apr_size_t bytes = 0;
    int count = 0;

    while (count < lane->batch_max && bytes < BATCH_BYTES && lane->local.count > 0) {
        jobs[count] = next_job(lane);
        bytes += jobs[count++]->size;
    }
    run_jobs(lane, jobs, count, false);
    lane->dirty = lane->writes;
    count_result(lane, jobs, count);
    deliver(lane, jobs, count);
}

/* ---- The threads ---- */

static apr_interval_time_t patience(const lane_t *lane)
{
    if (lane->away_since != 0) return AWAY_PAUSE;
    return lane->dirty && lane->store->engine->on_idle != NULL ? IDLE_PAUSE : -1;
}

/* Nothing waits: look whether the database is back, or let it tidy up. */
static void lane_idle(lane_t *lane)
{
    apr_pool_clear(lane->batch);
    if (lane->away_since != 0) {
        if (lane_connect(lane) == DB_OK) lane_is_up(lane);
    } else if (lane->dirty && lane->store->engine->on_idle != NULL) {
        db_run(lane->db, lane->batch, lane->store->engine->on_idle, NULL);
        lane->dirty = false;
    }
}

static void *APR_THREAD_FUNC lane_main(apr_thread_t *thread, void *data)
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

static int out_of_memory(int status)
{
    log_error("out of memory (%d); ending", status);
    abort();
}

/* An allocator of its own: nothing shared with other threads, and large batches are given back. */
static apr_pool_t *lane_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *pool;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) out_of_memory(APR_ENOMEM);
    apr_allocator_max_free_set(allocator, KEPT_BYTES);
    if (apr_pool_create_ex(&pool, NULL, out_of_memory, allocator) != APR_SUCCESS) {
        out_of_memory(APR_ENOMEM);
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}

static apr_status_t destroy_pool(void *data)
{
    apr_pool_destroy(data);
    return APR_SUCCESS;
}

/* NULL: it is connected; otherwise what is wrong, in the store's pool. */
static const char *lane_open(lane_t *lane, store_t *store, const char *name,
                             const config_database_t *config, const char *state_dir)
{
    const char *message;

    lane->name = name;
    lane->store = store;
    lane->pool = lane_pool();
    apr_pool_cleanup_register(store->pool, lane->pool, destroy_pool, apr_pool_cleanup_null);
    apr_pool_create(&lane->batch, lane->pool);
    lane->queue = queue_make(store->pool, NULL, NULL);
    lane->db = db_make(lane->pool, config, state_dir);
    if (db_connect(lane->db, lane->batch, &message) != DB_OK) {
        return apr_pstrdup(store->pool, message);
    }
    atomic_store(&lane->up, true);
    return NULL;
}

store_t *store_open(apr_pool_t *pool, const config_database_t *config, const char *state_dir,
                    void (*deliver_jobs)(queue_list_t *jobs, void *baton), void *baton,
                    const char **error_r)
{
    store_t *store = apr_pcalloc(pool, sizeof *store);

    *error_r = NULL;
    store->pool = pool;
    store->engine = engine_find(config->driver);
    if (store->engine == NULL) {
        *error_r = apr_psprintf(pool, "unknown database driver \"%s\"", config->driver);
        return NULL;
    }
    store->wait = apr_time_from_sec(config->wait);
    store->deliver = deliver_jobs;
    store->baton = baton;
    store->writer.writes = true;
    store->writer.batch_max = BATCH_MAX;
    store->reader.batch_max = 1;
    *error_r = lane_open(&store->writer, store, "writer", config, state_dir);
    if (*error_r == NULL) *error_r = lane_open(&store->reader, store, "reader", config, state_dir);
    return *error_r == NULL ? store : NULL;
}

const char *store_migrate(store_t *store, const char *owner, const salon_migration_t *migrations)
{
    return migration_apply(store->writer.db, store->pool, owner, migrations);
}

db_status_t store_run_now(store_t *store, store_job_t *job)
{
    run_jobs(&store->writer, &job, 1, false);
    count_result(&store->writer, &job, 1);
    return job->status;
}

apr_status_t store_start(store_t *store)
{
    apr_status_t rv = apr_thread_create(&store->writer.thread, NULL, lane_main, &store->writer,
                                        store->pool);

    if (rv != APR_SUCCESS) return rv;
    return apr_thread_create(&store->reader.thread, NULL, lane_main, &store->reader, store->pool);
}

static bool lane_push(lane_t *lane, store_job_t *job)
{
    apr_int64_t size = (apr_int64_t)job->size;

    if (atomic_load(&lane->store->stopping) || get(&lane->waiting) >= WAITING_MAX ||
        get(&lane->bytes) + size > WAITING_BYTES) {
        return false;
    }
    add(&lane->waiting, 1);
    add(&lane->bytes, size);
    queue_push(lane->queue, &job->node);
    return true;
}

bool store_push(store_t *store, store_job_t *job)
{
    return lane_push(&store->writer, job);
}

bool store_push_read(store_t *store, store_job_t *job)
{
    return lane_push(&store->reader, job);
}

bool store_ready(const store_t *store)
{
    return atomic_load(&store->writer.up) && atomic_load(&store->reader.up);
}

store_stats_t store_stats(const store_t *store)
{
    const lane_t *writer = &store->writer, *reader = &store->reader;

    return (store_stats_t){
        .commits = get(&writer->commits),
        .writes = get(&writer->jobs),
        .reads = get(&reader->jobs),
        .failures = get(&writer->failures) + get(&reader->failures),
        .waiting = get(&writer->waiting) + get(&reader->waiting),
    };
}

const engine_t *store_engine(const store_t *store)
{
    return store->engine;
}

static void lane_close(lane_t *lane)
{
    apr_status_t result;

    if (lane->thread != NULL) apr_thread_join(&result, lane->thread);
    lane->thread = NULL;
    db_close(lane->db);
    atomic_store(&lane->up, false);
}

void store_stop(store_t *store)
{
    atomic_store(&store->stopping, true);
    queue_interrupt(store->writer.queue);
    queue_interrupt(store->reader.queue);
    lane_close(&store->writer);
    lane_close(&store->reader);
}
