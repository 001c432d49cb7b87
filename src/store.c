/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store, as three lanes: the writer's and the readers' (lane.h).  It starts while no other
 * server starts on the same database.
 */
#define LOG_AREA "store"

#include "store.h"

#include <stdlib.h>

#include <apr_allocator.h>
#include <apr_strings.h>

#include "lane.h"
#include "log.h"
#include "migration.h"

#define WAITING_MAX   65536                       /* jobs of a lane */
#define WAITING_BYTES (APR_INT64_C(64) << 20)
#define KEPT_BYTES    (2 << 20)                   /* by a lane's allocator, between batches */
#define READY_LIMIT   apr_time_from_sec(3)        /* of a statement, until we call it away */
#define SLOW_LIMIT    apr_time_from_sec(3)        /* the same, beyond database.wait: it is cut */

static apr_int64_t get(const atomic_int_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add(atomic_int_fast64_t *counter, apr_int64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
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

/* While nobody else does the same. */
static const char *writer_open(store_t *store, const config_database_t *config,
                               const char *state_dir)
{
    lane_t *writer = &store->writer;
    const char *error = lane_open(writer, store, "writer", config, state_dir);

    if (error == NULL) error = db_claim(writer->db, store->pool);
    if (error == NULL) error = db_check(writer->db, store->pool);
    if (error != NULL || store->engine->embedded) return error;
    if (db_run(writer->db, writer->batch, store->engine->no_limit, NULL) != DB_OK) {
        return "its limits cannot be set";
    }
    error = store_migrate(store, RECEIPT_OWNER, receipt_migrations);
    if (error != NULL) return error;
    return receipt_open(&writer->receipt, writer->db, writer->batch) == DB_OK
               ? NULL
               : "the table receipts cannot be written to; see the log";
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
    store->writer.batch_max = LANE_BATCH_MAX;
    store->reader.batch_max = store->slow.batch_max = 1;
    *error_r = writer_open(store, config, state_dir);
    if (*error_r == NULL) *error_r = lane_open(&store->reader, store, "reader", config, state_dir);
    if (*error_r == NULL)
        *error_r = lane_open(&store->slow, store, "slow reader", config, state_dir);
    return *error_r == NULL ? store : NULL;
}

const char *store_migrate(store_t *store, const char *owner, const salon_migration_t *migrations)
{
    return migration_apply(store->writer.db, store->pool, owner, migrations);
}

db_status_t store_run_now(store_t *store, store_job_t *job)
{
    lane_run(&store->writer, &job, 1);
    add(job->status == DB_OK ? &store->writer.jobs : &store->writer.failures, 1);
    return job->status;
}

/* From here on other servers may start. */
static void writer_release(lane_t *writer)
{
    if (writer->store->engine->embedded) return;
    db_run(writer->db, writer->batch, writer->store->engine->limit, NULL);
    db_release(writer->db, writer->batch);
}

apr_status_t store_start(store_t *store)
{
    apr_status_t rv;

    writer_release(&store->writer);
    rv = apr_thread_create(&store->writer.thread, NULL, lane_main, &store->writer,
                                        store->pool);

    if (rv != APR_SUCCESS) return rv;
    rv = apr_thread_create(&store->reader.thread, NULL, lane_main, &store->reader, store->pool);
    if (rv != APR_SUCCESS) return rv;
    return apr_thread_create(&store->slow.thread, NULL, lane_main, &store->slow, store->pool);
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

bool store_push_slow(store_t *store, store_job_t *job)
{
    return lane_push(&store->slow, job);
}

static bool lane_ready(const lane_t *lane)
{
    return atomic_load(&lane->up) && !db_is_slow(lane->db, READY_LIMIT);
}

bool store_ready(const store_t *store)
{
    return lane_ready(&store->writer) && lane_ready(&store->reader) && lane_ready(&store->slow);
}

static void lane_watch(lane_t *lane)
{
    if (!db_is_slow(lane->db, lane->store->wait + SLOW_LIMIT)) return;
    if (log_limited()) log_warning("the %s waits too long for an answer; hanging up", lane->name);
    db_cut(lane->db);
}

void store_watch(store_t *store)
{
    lane_watch(&store->writer);
    lane_watch(&store->reader);
    lane_watch(&store->slow);
}

store_stats_t store_stats(const store_t *store)
{
    const lane_t *writer = &store->writer, *reader = &store->reader, *slow = &store->slow;

    return (store_stats_t){
        .commits = get(&writer->commits),
        .writes = get(&writer->jobs),
        .statements = get(&writer->statements),
        .reads = get(&reader->jobs) + get(&slow->jobs),
        .queries = get(&reader->statements) + get(&slow->statements),
        .failures = get(&writer->failures) + get(&reader->failures) + get(&slow->failures),
        .waiting = get(&writer->waiting) + get(&reader->waiting) + get(&slow->waiting),
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
    receipt_close(&lane->receipt, lane->db, lane->batch);
    db_close(lane->db);
    atomic_store(&lane->up, false);
}

void store_stop(store_t *store)
{
    atomic_store(&store->stopping, true);
    queue_interrupt(store->writer.queue);
    queue_interrupt(store->reader.queue);
    queue_interrupt(store->slow.queue);
    lane_close(&store->slow);
    lane_close(&store->reader);
    lane_close(&store->writer);
}
