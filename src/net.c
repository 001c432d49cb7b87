/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a network thread.  Within a turn, notes and sockets only append to connections'
 * output; at its end everything is written, one call per connection.  Under load turns become short
 * and would write frames singly, so flushes are spaced by what the last one cost.
 */
#include "net.h"

#include <stdlib.h>
#include <sys/param.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "conn.h"
#include "server.h"
#include "transfer.h"

#define TICK          100  /* milliseconds */
#define WHEEL_SLOTS   1024
#define FLUSH_SPACING 4000 /* microseconds between two flushes, at most */
#define TOKENS_CACHED 4096

/* ---- Flushing ---- */

static apr_int64_t microseconds(void)
{
    return (apr_int64_t)(uv_hrtime() / 1000);
}

static void flush(net_t *net)
{
    apr_int64_t start = microseconds();
    conn_t *conn = net->dirty;
    net->dirty = NULL;
    while (conn != NULL) {
        conn_t *next = conn->next_dirty;
        conn->dirty = false;
        conn_flush(conn);
        conn = next;
    }
    net->flushed_at = microseconds();
    net->flush_cost = net->flushed_at - start;
}

static void on_flush_later(uv_timer_t *timer)
{
    (void)timer; /* the turn's end does it */
}

/* Waits as long as the last flush took, so that at most half of the time goes into writing; less
 * than a millisecond is not worth a timer. */
static void flush_when_due(net_t *net)
{
    if (net->dirty == NULL) return;
    apr_int64_t spacing = MIN(net->flush_cost, FLUSH_SPACING);
    apr_int64_t wait = net->flushed_at + spacing - microseconds();
    if (wait < 500) flush(net);
    else uv_timer_start(&net->flush_later, on_flush_later, (apr_uint64_t)(wait + 999) / 1000, 0);
}

static void on_turn_end(uv_check_t *check)
{
    net_t *net = check->data;
    if (net->to_chat.count > 0) chat_post_list(&net->to_chat);
    flush_when_due(net);
}

/* ---- From and to other threads ---- */

static void on_wake(uv_async_t *wake)
{
    net_notes_handle(wake->data);
}

static void wake_up(void *baton)
{
    net_t *net = baton;
    uv_async_send(&net->wake);
}

void net_to_chat(net_t *net, chat_note_t *note)
{
    queue_list_add(&net->to_chat, &note->node);
}

apr_int64_t net_now(const net_t *net)
{
    return (apr_int64_t)uv_now(&net->loop);
}

/* ---- The thread ---- */

static void deadline_expired(wheel_entry_t *entry, void *baton)
{
    (void)baton;
    conn_expired((conn_t *)((char *)entry - offsetof(conn_t, deadline)));
}

static void on_handle_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void handles_close(net_t *net)
{
    uv_unref((uv_handle_t *)&net->wake); /* others may still post: see net_free */
    uv_close((uv_handle_t *)&net->turn_end, on_handle_closed);
    uv_close((uv_handle_t *)&net->tick, on_handle_closed);
    uv_close((uv_handle_t *)&net->flush_later, on_handle_closed);
}

static void on_tick(uv_timer_t *timer)
{
    net_t *net = timer->data;
    wheel_advance(net->wheel, net_now(net), deadline_expired, net);
    if (!net->stopping || net->open > 0) return;
    handles_close(net);
    lws_context_destroy(net->lws);
}

static void *APR_THREAD_FUNC net_run(apr_thread_t *thread, void *baton)
{
    (void)thread;
    net_t *net = baton;
    uv_run(&net->loop, UV_RUN_DEFAULT);
    return NULL;
}

apr_status_t net_start(net_t *net)
{
    return apr_thread_create(&net->thread, NULL, net_run, net, net->pool);
}

void net_join(net_t *net)
{
    apr_status_t rv;
    apr_thread_join(&rv, net->thread);
    lws_context_destroy(net->lws); /* the first call has only closed its handles on the loop */
}

void net_free(net_t **net)
{
    net_t *ended = *net;
    net_notes_free(ended);
    uv_close((uv_handle_t *)&ended->wake, on_handle_closed);
    uv_run(&ended->loop, UV_RUN_DEFAULT);
    uv_loop_close(&ended->loop);
    for (int i = 0; i < ended->topic_count; i++) free(ended->topics[i]);
    free(ended->topics);
    free(ended->conns);
    free(ended->generations);
    free(ended->free_slots);
    apr_pool_destroy(ended->pool);
    *net = NULL;
}

static void loop_make(net_t *net)
{
    uv_loop_init(&net->loop);
    uv_async_init(&net->loop, &net->wake, on_wake);
    uv_check_init(&net->loop, &net->turn_end);
    uv_timer_init(&net->loop, &net->tick);
    uv_timer_init(&net->loop, &net->flush_later);
    net->wake.data = net->turn_end.data = net->tick.data = net->flush_later.data = net;
    uv_check_start(&net->turn_end, on_turn_end);
    uv_timer_start(&net->tick, on_tick, TICK, TICK);
}

net_t *net_make(int index, const config_t *config)
{
    apr_pool_t *own;
    apr_pool_create_unmanaged_ex(&own, NULL, NULL);
    net_t *net = apr_pcalloc(own, sizeof(*net));
    net->pool = own;
    net->index = index;
    net->config = config;
    net->queue = queue_make(own, wake_up, net);
    net->vhosts = apr_pcalloc(own, sizeof(*net->vhosts) * (apr_size_t)config->listener_count);
    net->gather = apr_palloc(own, LWS_PRE + NET_GATHER_SIZE);
    net->deflate = deflate_make(own);
    net->authenticate = operation_find("session.authenticate");
    net->keys = server.keys;
    net->tokens = token_cache_make(own, TOKENS_CACHED);
    net->uploads_at = apr_pstrcat(own, config->state_dir, TRANSFER_DIRECTORY, NULL);
    loop_make(net);
    net->wheel = wheel_make(own, TICK, WHEEL_SLOTS, net_now(net));
    return net_lws_make(net) ? net : NULL;
}
