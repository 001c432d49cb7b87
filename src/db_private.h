/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection, as the files that make it out know it: db_connection.c, which opens and ends it,
 * and db.c, which runs statements.
 */
#ifndef DB_PRIVATE_H
#define DB_PRIVATE_H

#include <stdatomic.h>

#include <apr_thread_mutex.h>
#include <dbi/dbi.h>

#include "db.h"

struct db_t {
    apr_pool_t *pool;
    const engine_t *engine;
    const config_database_t *config;
    const char *state_dir;
    dbi_inst instance; /* NULL: libdbi has no drivers at all */
    dbi_conn conn;     /* NULL: none was made yet */
    bool connected;
    bool in_transaction;
    bool again; /* it has been tried before */
    apr_int64_t statements; /* sent so far */
    db_status_t doomed; /* of the transaction: why it can only be rolled back */
    int claim;          /* of the embedded engine's file; -1: none */

    /* What another thread may look at. */
    atomic_int_fast64_t since;  /* when the statement that runs was begun; 0: none runs */
    apr_thread_mutex_t *guard;  /* of: */
    int socket;                 /* the connection's, under a number of our own; -1: none */
};

#endif
