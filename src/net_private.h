/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a network thread (net*.c, conn*.c, http*.c, opening.c) share.
 */
#ifndef NET_PRIVATE_H
#define NET_PRIVATE_H

#include <stdatomic.h>

#include <libwebsockets.h>
#include <uv.h>

#include "deflate.h"
#include "handshake.h"
#include "net.h"
#include "roster.h"
#include "wheel.h"

typedef struct conn_t conn_t;

struct net_t {
    apr_pool_t *pool;
    int index;
    const config_t *config; /* the newest */
    queue_t *queue;
    struct apr_thread_t *thread;
    atomic_int load;

    uv_loop_t loop;
    uv_async_t wake;
    uv_check_t turn_end;
    uv_timer_t tick, flush_later;
    struct lws_context *lws;
    struct lws_vhost **vhosts; /* by listener */
    struct lws_protocols protocols[3];
    char subprotocol[HANDSHAKE_NAME]; /* the name of the second one, see handshake.c */

    conn_t **conns; /* by slot; NULL: free */
    unsigned *generations;
    int *free_slots;
    int slot_count, free_count;
    int open; /* connections there are, and files in use */
    bool stopping;
    wheel_t *wheel;

    /* By the number that the chat thread gave.  They never move: seats point there. */
    roster_t **topics;
    int topic_count;
    apr_uint64_t publications; /* how many there have been */

    conn_t *dirty;                      /* with output to be flushed */
    apr_int64_t flushed_at, flush_cost; /* microseconds */
    unsigned char *gather;              /* LWS_PRE bytes, then NET_GATHER_SIZE */
    deflate_t *deflate;

    queue_list_t to_chat; /* chat notes of this turn */
    const operation_t *authenticate;
    const token_keys_t *keys;
    struct token_cache_t *tokens;
    const char *uploads_at; /* where bodies are kept while they come */
    apr_uint64_t uploads;   /* how many there have been */
};

#define NET_GATHER_SIZE 65536 /* bytes in one write */

/* Makes the context, with a virtual host for each listener.  False: failed (logged). */
bool net_lws_make(net_t *net);
/* Handles the notes that have come; or frees them, when nobody posts any more. */
void net_notes_handle(net_t *net);
void net_notes_free(net_t *net);

/* To be sent to the chat thread at the end of the turn. */
void net_to_chat(net_t *net, chat_note_t *note);
/* Milliseconds of a monotonic clock, of this turn. */
apr_int64_t net_now(const net_t *net);

#endif
