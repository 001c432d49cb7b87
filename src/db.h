/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to the database, through libdbi, which nothing else calls.  A connection and
 * everything of it belongs to one thread at a time.
 */
#ifndef DB_H
#define DB_H

#include "engine.h"
#include "salon/plugin.h"
#include "settings.h"

typedef struct db_t db_t;

/* Not yet connected; several may be made, one after the other, in the main thread, before there are
 * others.  The driver must be one that engine_find knows.  The pool's end closes it. */
db_t *db_make(apr_pool_t *pool, const config_database_t *config, const char *state_dir);
/* In the main thread, after the others have ended. */
void db_close(db_t *db);
/* What is special about its database. */
const engine_t *db_engine(const db_t *db);

/* Is there an embedded engine's file?  True of a server's database, which only connecting finds. */
bool db_exists(const db_t *db, apr_pool_t *pool);

/* Connects unless it is connected: DB_OK or DB_LOST.  *message_r (in the pool): what the database
 * said.  The embedded engine's file is made when it is not there, for our user alone. */
db_status_t db_connect(db_t *db, apr_pool_t *pool, const char **message_r);
/* Closes what may be broken; the next db_connect makes a new one. */
void db_disconnect(db_t *db);

/* Makes this the only server that starts on the database, until db_release; of the embedded
 * engine, the only one that uses it, until db_close.  Waits a minute at most.  NULL: done;
 * otherwise what is wrong. */
const char *db_claim(db_t *db, apr_pool_t *pool);
void db_release(db_t *db, apr_pool_t *pool);
/* Is the embedded engine's file whole, unless that takes long?  NULL: yes; otherwise what is
 * wrong. */
const char *db_check(db_t *db, apr_pool_t *pool);

/* How many statements it has sent, on all its connections. */
apr_int64_t db_statements(const db_t *db);

/* Any thread.  Has the statement that runs now been running for longer than that? */
bool db_is_slow(const db_t *db, apr_interval_time_t limit);
/* Any thread.  Ends the connection under a statement that is running, which then is DB_LOST. */
void db_cut(db_t *db);

/*
 * A writing transaction.  After a statement in it has failed, nothing more runs in it: every
 * db_run, and the commit, repeat that status.  A commit whose answer never came may have taken
 * effect nevertheless: then *unknown_r is true.  db_rollback is always right, also when
 * nothing was begun.
 *
 * again: the same has been tried before, and failed.  Then db_is_again, and nothing is guessed in
 * it, lest a wrong guess make it fail until nobody tries any more.
 */
db_status_t db_begin(db_t *db, bool again);
bool db_is_again(const db_t *db);
db_status_t db_commit(db_t *db, bool *unknown_r);
void db_rollback(db_t *db);

/*
 * Runs one statement.  rows_r (may be NULL): what it gave back, in the pool.  On failure the reason
 * is logged, without the statement's values, unless it is DB_DUPLICATE or DB_RETRY.
 *
 * In a SELECT every text comes from a %s.  What is computed is called n, n2, n3 or n4 when it is a
 * number, t, t2, t3 or t4 when it is text (SELECT MAX(id) AS n): with SQLite, any other name leaks
 * 32 bytes a call.  Columns are BIGINT, TEXT, VARCHAR(n); nothing else comes back whole everywhere.
 */
db_status_t db_run(db_t *db, apr_pool_t *pool, const char *statement, salon_rows_t *rows_r);
/* The same, with a format (sql.h). */
db_status_t db_runf(db_t *db, apr_pool_t *pool, salon_rows_t *rows_r, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
