/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of the store's threads, the writer or a reader, with a queue, a connection and a pool
 * of its own.  Other threads see its queue and its atomic members, and nothing else of it.
 */
#ifndef LANE_H
#define LANE_H

#include <stdatomic.h>

#include <apr_thread_proc.h>

#include "receipt.h"
#include "store.h"

#define LANE_BATCH_MAX 512 /* jobs of one transaction */

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
    receipt_t receipt; /* the writer's */
    bool again;        /* what it does now has been tried before */
    apr_thread_t *thread;
    bool dirty;              /* written to since on_idle */
    apr_time_t away_since;   /* 0: connected */
    apr_time_t next_attempt; /* to connect, while it is away */
    atomic_bool up;
    atomic_int_fast64_t waiting, bytes, commits, jobs, statements, failures;
} lane_t;

struct store_t {
    apr_pool_t *pool;
    const engine_t *engine;
    apr_interval_time_t wait;
    atomic_bool stopping;
    lane_t writer, reader, slow; /* slow: the reader of what may take long */
    void (*deliver)(queue_list_t *jobs, void *baton);
    void *baton;
};

/* All in the lane's thread; before that is started, in the one that starts it. */

/* Runs the jobs, halving what fails; each has its status then. */
void lane_run(lane_t *lane, store_job_t **jobs, int count);
/* The thread's function; data is the lane. */
void *APR_THREAD_FUNC lane_main(apr_thread_t *thread, void *data);

#endif
