/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one server of this process: what main() makes, in the order in which it is made, and the
 * other files find here.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdatomic.h>

#include "net.h"
#include "settings.h"
#include "store.h"
#include "token.h"

typedef struct server_t {
    apr_pool_t *pool;
    /* A reload puts newer ones here; the older ones stay, for threads that still look at them. */
    _Atomic(const config_t *) config;
    _Atomic(const token_keys_t *) keys;
    store_t *store;
    net_t **nets;
    int net_count;
    apr_int64_t started_at; /* milliseconds since 1970 */
    atomic_bool ready;
    bool demo;
} server_t;

extern server_t server;

/* The configuration, with the plugins' settings; they must be loaded.  file NULL: the defaults.
 * NULL: *error_r says why. */
config_t *server_config(apr_pool_t *pool, const char *file, const char **error_r);
/* Makes everything that server.config asks for, up to the threads.  NULL: done; otherwise what
 * failed. */
const char *server_make(void);
/* Ends everything, after all that is under way. */
void server_end(void);
/* Re-reads the configuration and gives its changeable part to everybody.  Chat thread.  NULL: done;
 * otherwise what is wrong, in the pool; everything then stays as it was. */
const char *server_reload(apr_pool_t *pool);
/* Ends the server as SIGTERM does.  Any thread. */
void server_stop(void);

#endif
