/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a network thread.  Within a turn, notes and sockets only append to connections'
 * output; at its end everything is written, one call per connection.  Under load turns become short
 * and would write frames singly, so flushes are spaced by what the last one cost.
 *
 * Of lws, only HTTP/1.1 and WebSockets are let through: an upgrade to h2c, CONNECT (which would
 * make a raw socket without time-outs), and an upgrade whose headers lws has already freed are
 * refused in confirm_upgrade() and on RAW_ADOPT.  Contexts are made one after the other in the main
 * thread, on our loops, since lws's own would take over the signals.
 */
#define LOG_AREA "net"
#include "net.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include <apr_strings.h>
#include <apr_thread_proc.h>

#include "conn.h"
#include "handshake.h"
#include "http.h"
#include "http_upload.h"
#include "log.h"
#include "metrics.h"
#include "opening.h"
#include "server.h"
#include "transfer.h"

#define RX_BUFFER      512    /* allocated per connection: the price of an idle one */
#define HEADERS_MOST   8192   /* bytes of a request's head */
#define TICK           100    /* milliseconds */
#define WHEEL_SLOTS    1024
#define FLUSH_SPACING  4000   /* microseconds between two flushes, at most */
#define TOKENS_CACHED  4096

/* ---- What lws calls ---- */

/* `in` may dangle when the headers have been freed (on a connection that is kept alive): the check
 * of the header comes first. */
static int confirm_upgrade(conn_t *conn, struct lws *wsi, const char *in)
{
    if (conn == NULL || lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0) return -1;
    if (strcasecmp(in, "websocket") != 0) return -1;
    int status = opening_check(conn);
    if (status == 0) return 0;
    metrics_add(METRIC_CONNECTION_ERRORS, 1);
    lws_return_http_status(wsi, (unsigned)status, NULL);
    return 1;
}

static int on_http(conn_t *conn, enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP: return http_begin(conn);
    case LWS_CALLBACK_HTTP_BODY: return http_body(conn, in, length);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return http_complete(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE: return http_writeable(conn);
    default: return 0;
    }
}

static int on_websocket(conn_t *conn, enum lws_callback_reasons reason, void *in, size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: conn_opened(conn); return 0;
    case LWS_CALLBACK_RECEIVE: return conn_received(conn, in, length);
    case LWS_CALLBACK_RECEIVE_PONG: conn_ponged(conn); return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE: return conn_writeable(conn);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return conn_closed_by_peer(conn);
    case LWS_CALLBACK_CLOSED: conn_closed(conn); return 0;
    default: return 0;
    }
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t length)
{
    (void)user;
    conn_t *conn = wsi != NULL ? lws_get_opaque_user_data(wsi) : NULL;
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return confirm_upgrade(conn, wsi, in);
    case LWS_CALLBACK_CONFIRM_EXTENSION_OKAY: return conn != NULL ? handshake_confirm(conn) : 1;
    case LWS_CALLBACK_ADD_HEADERS: return conn != NULL ? handshake_answer(conn, in) : 0;
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX: return -1;
    case LWS_CALLBACK_WSI_DESTROY:
        if (conn != NULL) conn_destroyed(conn);
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE: return conn != NULL ? on_http(conn, reason, in, length) : -1;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_CLOSED: return conn != NULL ? on_websocket(conn, reason, in, length) : 0;
    default: return 0;
    }
}

static const struct lws_protocols protocol = {
    .name = "salon",
    .callback = on_lws,
    .rx_buffer_size = RX_BUFFER,
    .tx_packet_size = 2 * NET_GATHER_SIZE,
};

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

/* ---- Notes ---- */

static void on_adopt(net_t *net, net_note_t *note)
{
    conn_adopt(net, note->as.adopt.fd, note->as.adopt.listener, note->as.adopt.address);
}

static void on_send(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn == NULL) {
        if (note->as.send.frame != NULL) frame_unref(&note->as.send.frame);
        return;
    }
    if (note->as.send.frame != NULL) conn_send(conn, note->as.send.frame);
    conn_answered(conn, note->as.send.answered, note->as.send.size);
}

static roster_t *topic_roster(net_t *net, int topic)
{
    if (topic >= net->topic_count) {
        int count = MAX(topic + 1, net->topic_count * 2);
        net->topics = realloc(net->topics, (size_t)count * sizeof(*net->topics));
        if (net->topics == NULL) abort();
        memset(net->topics + net->topic_count, 0,
               (size_t)(count - net->topic_count) * sizeof(*net->topics));
        net->topic_count = count;
    }
    if (net->topics[topic] == NULL) net->topics[topic] = calloc(1, sizeof(roster_t));
    if (net->topics[topic] == NULL) abort();
    return net->topics[topic];
}

static void frames_free(net_note_t *note)
{
    for (int i = 0; i < wire_count(); i++)
        if (note->as.publish.frames[i].frame != NULL)
            frame_unref(&note->as.publish.frames[i].frame);
    free(note->as.publish.frames);
    free(note->as.publish.topics);
}

/* Those who are dropped while this goes on leave the roster later, in a turn of their own.  Who
 * hears several of the topics is told once. */
static void on_publish(net_t *net, net_note_t *note)
{
    const conn_t *except = conn_find(net, note->conn);
    apr_int64_t except_user = note->as.publish.except_user;
    apr_uint64_t number = ++net->publications;
    for (int t = 0; t < note->as.publish.topic_count; t++) {
        const roster_t *roster = topic_roster(net, note->as.publish.topics[t]);
        for (int i = 0; i < roster->count; i++) {
            conn_t *conn = roster->entries[i].member;
            const net_frame_t *told = &note->as.publish.frames[wire_index(conn->wire)];
            if (told->frame == NULL || conn == except || conn->told == number) continue;
            if (except_user != 0 && conn->user_id == except_user) continue;
            if (told->except_user != 0 && conn->user_id == told->except_user) continue;
            conn->told = number;
            conn_send(conn, frame_ref(told->frame));
        }
    }
    frames_free(note);
}

static void on_subscribe(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) roster_add(topic_roster(net, note->as.topic), conn, &conn->seats);
}

static void on_unsubscribe(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) roster_remove(topic_roster(net, note->as.topic), &conn->seats);
}

static void on_admit(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) conn_admit(conn, note->as.user_id);
}

static void on_close(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) conn_close(conn, note->as.close.code, note->as.close.reason);
}

static void on_http_reply(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) http_reply(conn, note->as.http);
    else http_reply_free(&note->as.http);
}

static void on_receive(net_t *net, net_note_t *note)
{
    conn_t *conn = conn_find(net, note->conn);
    if (conn != NULL) http_upload_accept(conn, note->as.receive.number, note->as.receive.most);
}

static void on_reload(net_t *net, net_note_t *note)
{
    net->config = note->as.reload.config;
    net->keys = note->as.reload.keys;
}

static void on_shutdown(net_t *net, net_note_t *note)
{
    (void)note;
    net->stopping = true;
    for (int slot = 0; slot < net->slot_count; slot++)
        if (net->conns[slot] != NULL)
            conn_close(net->conns[slot], LWS_CLOSE_STATUS_GOINGAWAY, "server stops");
}

static void (*const handlers[])(net_t *, net_note_t *) = {
    [NET_ADOPT] = on_adopt,
    [NET_SEND] = on_send,
    [NET_PUBLISH] = on_publish,
    [NET_SUBSCRIBE] = on_subscribe,
    [NET_UNSUBSCRIBE] = on_unsubscribe,
    [NET_ADMIT] = on_admit,
    [NET_CLOSE] = on_close,
    [NET_HTTP] = on_http_reply,
    [NET_RECEIVE] = on_receive,
    [NET_RELOAD] = on_reload,
    [NET_SHUTDOWN] = on_shutdown,
};

net_note_t *net_note(net_kind_t kind, conn_ref_t conn)
{
    net_note_t *note = calloc(1, sizeof(*note));
    if (note == NULL) abort();
    note->kind = kind;
    note->conn = conn;
    return note;
}

static void on_wake(uv_async_t *wake)
{
    net_t *net = wake->data;
    queue_list_t notes = queue_take(net->queue);
    net_note_t *note;
    while ((note = (net_note_t *)queue_list_pop(&notes)) != NULL) {
        handlers[note->kind](net, note);
        free(note);
    }
}

static void wake_up(void *baton)
{
    net_t *net = baton;
    uv_async_send(&net->wake);
}

void net_post(net_t *net, net_note_t *note)
{
    if (note->kind == NET_ADOPT) atomic_fetch_add_explicit(&net->load, 1, memory_order_relaxed);
    queue_push(net->queue, &note->node);
}

void net_post_list(net_t *net, queue_list_t *notes)
{
    queue_push_list(net->queue, notes);
}

int net_load(const net_t *net)
{
    return atomic_load_explicit(&net->load, memory_order_relaxed);
}

void net_to_chat(net_t *net, chat_note_t *note)
{
    queue_list_add(&net->to_chat, &note->node);
}

apr_int64_t net_now(const net_t *net)
{
    return (apr_int64_t)uv_now(&net->loop);
}

/* Peers can provoke these at will. */
void net_log(int level, const char *line)
{
    (void)level;
    if (log_limited()) log_warning("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
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

/* Of a note that nobody handles any more: what it holds. */
static void note_free(net_note_t *note)
{
    if (note->kind == NET_SEND && note->as.send.frame != NULL) frame_unref(&note->as.send.frame);
    if (note->kind == NET_HTTP) http_reply_free(&note->as.http);
    if (note->kind == NET_PUBLISH) frames_free(note);
    free(note);
}

void net_free(net_t **net)
{
    net_t *ended = *net;
    net_note_t *note;
    queue_list_t notes = queue_take(ended->queue);
    while ((note = (net_note_t *)queue_list_pop(&notes)) != NULL) note_free(note);
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

static void info_fill(const net_t *net, struct lws_context_creation_info *info)
{
    static const lws_retry_bo_t no_validity_timers = { 0 };
    memset(info, 0, sizeof(*info));
    info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info->protocols = net->protocols;
    info->extensions = handshake_extensions;
    info->max_http_header_data = HEADERS_MOST;
    info->retry_and_idle_policy = &no_validity_timers;
    info->server_string = "salon";
    info->options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV;
}

static bool vhosts_make(net_t *net)
{
    for (int i = 0; i < net->config->listener_count; i++) {
        struct lws_context_creation_info info;
        info_fill(net, &info);
        info.vhost_name = apr_psprintf(net->pool, "listener%d", i);
        net->vhosts[i] = lws_create_vhost(net->lws, &info);
        if (net->vhosts[i] == NULL) return false;
    }
    return true;
}

static bool lws_make(net_t *net)
{
    struct lws_context_creation_info info;
    void *loops[1] = { &net->loop };
    handshake_protocols(net, &protocol);
    info_fill(net, &info);
    info.foreign_loops = loops;
    net->lws = lws_create_context(&info);
    if (net->lws != NULL && vhosts_make(net)) return true;
    log_error("libwebsockets has made no context (is its libuv plugin installed?)");
    return false;
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
    return lws_make(net) ? net : NULL;
}
