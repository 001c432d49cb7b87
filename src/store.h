/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store threads.  A writer takes all jobs that wait, runs them in one transaction (group
 * commit), and hands them back together; while it writes, the next batch gathers.  A reader, with a
 * connection of its own, serves jobs that only read, and another one those of them that may take
 * long.  A job's `done` runs on the chat thread, after
 * the commit, in the order in which the jobs were pushed, never inside store_push.
 *
 * When a batch fails, it is rolled back and its two halves run, each in a transaction of its own,
 * and so on, so that one bad job harms no other.  When the database is away, jobs wait until it has
 * been away for as long as configured; from then on they fail with DB_LOST at once, until it is
 * back; it reconnects by itself.  A transaction whose commit was not answered is neither failed nor
 * done twice: it waits, however long, until the database says what became of it (receipt.h), and
 * then counts as done, or is done.  When the disk is full, a batch fails with DB_FULL, and the next
 * one tries again.
 */
#ifndef STORE_H
#define STORE_H

#include "db.h"
#include "queue.h"

typedef struct store_job_t store_job_t;

/*
 * A kind of job.  Consecutive jobs of one class are run in one call, so that it can make one
 * statement of many; store thread.  Anything but DB_OK rolls the transaction back; what is wrong
 * with a single job alone, and leaves nothing to be undone, is written into the job itself (its
 * status, which is DB_OK before).  After a statement has failed, nothing more can be done in the
 * transaction: return its status.  It may be called several times for a job, which it must leave
 * as if the last call were the first.  The pool belongs to the store thread, which clears it when
 * the batch is over, or tried again: what a job is to keep goes into memory of the job's own.
 * again: an earlier attempt may have been committed without our having heard of it.
 */
typedef struct store_class_t {
    const char *name;
    db_status_t (*run)(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count);
} store_class_t;

struct store_job_t {
    queue_node_t node;
    const store_class_t *class;
    db_status_t status;             /* set when `done` is called */
    void (*done)(store_job_t *job); /* chat thread; owns the job from now on */
    apr_size_t size;                /* bytes, about: for the bound on what waits */
};

typedef struct store_t store_t;

typedef struct store_stats_t {
    apr_int64_t commits;  /* transactions */
    apr_int64_t writes;   /* jobs that were committed */
    apr_int64_t statements; /* of transactions, their begin and end included */
    apr_int64_t reads;    /* jobs that were read */
    apr_int64_t queries;  /* statements of these */
    apr_int64_t failures; /* jobs that ended with another status than DB_OK */
    apr_int64_t waiting;  /* jobs pushed and not yet delivered */
} store_stats_t;

/* Connects; the core's migrations are the caller's to apply, with store_migrate.  deliver is called
 * on a store thread with the jobs that are finished (the list is emptied by it), one call after the
 * other per thread; it hands them to the chat thread.  config and state_dir must live as long as
 * the pool.  NULL: failed, *error_r says why. */
store_t *store_open(apr_pool_t *pool, const config_database_t *config, const char *state_dir,
                    void (*deliver)(queue_list_t *jobs, void *baton), void *baton,
                    const char **error_r);
/* Starts the threads; before, store_run_now may be used. */
apr_status_t store_start(store_t *store);
/* Runs one job in the calling thread, before store_start: for start().  Returns its status. */
db_status_t store_run_now(store_t *store, store_job_t *job);
/* Applies the migrations of "core", or of a plugin, before store_start.  NULL: done; else what is
 * wrong, in the store's pool. */
const char *store_migrate(store_t *store, const char *owner, const salon_migration_t *migrations);
/* Any thread.  False: too much is waiting already, or store_stop was called; the job is untouched.
 * A job for a reader is run outside of a transaction. */
bool store_push(store_t *store, store_job_t *job);
bool store_push_read(store_t *store, store_job_t *job);
/* The same, of a job whose length grows with what is stored. */
bool store_push_slow(store_t *store, store_job_t *job);
/* Is the database there, as far as the last attempt showed, and answers?  Any thread. */
bool store_ready(const store_t *store);
/* To be called every second or so: hangs up where the database does not answer.  Any thread. */
void store_watch(store_t *store);
/* Any thread; each number for itself. */
store_stats_t store_stats(const store_t *store);
/* What is special about its database. */
const engine_t *store_engine(const store_t *store);
/* Finishes everything that waits (without waiting for a database that is away), delivers it, then
 * ends the threads and closes the connections.  Also right when store_start was not called. */
void store_stop(store_t *store);

#endif
