/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection's life, from the accepted socket to its end, and its deadlines.  These run on our
 * own wheel, for lws's timers are a sorted list.  A WebSocket is closed when its calls are
 * answered and its output is out; only what does not read, or does not live, is killed.
 */
#include "conn_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_strings.h>

#include "acceptor.h"
#include "http.h"
#include "http_file.h"
#include "http_upload.h"
#include "metrics.h"
#include "opening.h"
#include "session.h"

#define UNSENT_MOST  131072 /* bytes that the kernel may hold back: a slow reader must show here */
#define CLOSE_REASON 124    /* bytes, with its NUL */
#define PING_SPREAD  10     /* percent, so that pings do not come in waves */

const config_listener_t *conn_config(const conn_t *conn)
{
    return &conn->net->config->listeners[conn->listener];
}

conn_ref_t conn_ref(const conn_t *conn)
{
    return (conn_ref_t){ conn->net->index, conn->slot, conn->generation };
}

conn_t *conn_find(net_t *net, conn_ref_t ref)
{
    if (ref.slot < 0 || ref.slot >= net->slot_count) return NULL;
    conn_t *conn = net->conns[ref.slot];
    return conn != NULL && conn->generation == ref.generation ? conn : NULL;
}

static void slots_grow(net_t *net)
{
    int count = net->slot_count ? net->slot_count * 2 : 64;
    net->conns = realloc(net->conns, (size_t)count * sizeof(*net->conns));
    net->generations = realloc(net->generations, (size_t)count * sizeof(*net->generations));
    net->free_slots = realloc(net->free_slots, (size_t)count * sizeof(*net->free_slots));
    if (!net->conns || !net->generations || !net->free_slots) abort();
    for (int slot = count - 1; slot >= net->slot_count; slot--) {
        net->conns[slot] = NULL;
        net->generations[slot] = 0;
        net->free_slots[net->free_count++] = slot;
    }
    net->slot_count = count;
}

static conn_t *conn_make(net_t *net, int listener)
{
    conn_t *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) abort();
    if (net->free_count == 0) slots_grow(net);
    conn->net = net;
    conn->listener = listener;
    conn->slot = net->free_slots[--net->free_count];
    conn->generation = ++net->generations[conn->slot];
    net->conns[conn->slot] = conn;
    net->open++;
    return conn;
}

void conn_await(conn_t *conn, apr_int64_t milliseconds)
{
    if (milliseconds > 0)
        wheel_set(conn->net->wheel, &conn->deadline, net_now(conn->net), milliseconds);
    else
        wheel_cancel(&conn->deadline);
}

static void conn_free(conn_t *conn)
{
    net_t *net = conn->net;
    wheel_cancel(&conn->deadline);
    conn_output_free(conn);
    opening_free(&conn->opening);
    http_request_free(&conn->http);
    http_upload_free(&conn->upload);
    http_reply_free(&conn->reply);
    http_file_drop(&conn->file);
    while (conn->seats != NULL) roster_remove(conn->seats->roster, &conn->seats);
    net->conns[conn->slot] = NULL;
    net->free_slots[net->free_count++] = conn->slot;
    net->open--;
    atomic_fetch_sub_explicit(&net->load, 1, memory_order_relaxed);
    acceptor_released(conn->peer, conn->listener);
    free(conn->in);
    free(conn->close_reason);
    free(conn->origin);
    free(conn);
}

static void socket_prepare(int fd)
{
    int on = 1, unsent = UNSENT_MOST;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

void conn_adopt(net_t *net, int fd, int listener, const char *address)
{
    conn_t *conn = conn_make(net, listener);
    apr_cpystrn(conn->peer, address, ADDRESS_TEXT);
    apr_cpystrn(conn->address, address, ADDRESS_TEXT);
    socket_prepare(fd);
    conn->wsi = lws_adopt_socket_vhost(net->vhosts[listener], fd);
    if (conn->wsi == NULL) { /* lws has closed the socket */
        conn_free(conn);
        return;
    }
    lws_set_opaque_user_data(conn->wsi, conn);
    conn_await(conn, conn_config(conn)->handshake_timeout * 1000);
}

void conn_identify(conn_t *conn, apr_pool_t *pool)
{
    const char *forwarded = opening_header(conn->wsi, WSI_TOKEN_X_FORWARDED_FOR, pool);
    address_forwarded(conn->peer, forwarded, conn_config(conn)->proxies, conn->address);
}

bool conn_is_websocket(const conn_t *conn)
{
    return conn->state == CONN_OPEN || conn->state == CONN_CLOSING || conn->state == CONN_CLOSED;
}

/* ---- Ends ---- */

/* In order: by the peer's Close, or by ours that said nothing worse than goodbye. */
static void websocket_ended(conn_t *conn)
{
    bool goodbye = conn->close_code == LWS_CLOSE_STATUS_NORMAL ||
                   conn->close_code == LWS_CLOSE_STATUS_GOINGAWAY;
    if (conn->close_code != 0 ? !goodbye : !conn->closed_by_peer)
        metrics_add(METRIC_CONNECTION_ERRORS, 1);
    session_post_closed(conn);
}

void conn_kill(conn_t *conn)
{
    if (conn->state == CONN_GONE) return;
    if (conn_is_websocket(conn)) websocket_ended(conn);
    conn->state = CONN_GONE;
    conn_output_discard(conn);
    wheel_cancel(&conn->deadline);
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(conn->net->lws); /* else lws would see to it only at its next event */
}

void conn_closed(conn_t *conn)
{
    if (conn_is_websocket(conn)) websocket_ended(conn);
    conn->state = CONN_GONE;
    conn_output_discard(conn);
    wheel_cancel(&conn->deadline);
}

/* Of a Close that answers ours, nothing is left to be said. */
int conn_closed_by_peer(conn_t *conn)
{
    conn->closed_by_peer = true;
    return conn->state == CONN_CLOSED ? -1 : 0;
}

void conn_destroyed(conn_t *conn)
{
    conn_closed(conn);
    conn_free(conn);
}

/* The Close frame is the last one, after all answers.  It is made here: Debian's lws is built such
 * that, on libuv, it hangs up in the place of sending its own. */
void conn_close_when_answered(conn_t *conn)
{
    char payload[2 + CLOSE_REASON];
    if (conn->state != CONN_CLOSING || conn->waiting_calls > 0) return;
    payload[0] = (char)(conn->close_code >> 8);
    payload[1] = (char)conn->close_code;
    apr_cpystrn(payload + 2, conn->close_reason, CLOSE_REASON);
    conn_output_append(conn, frame_make(FRAME_CLOSE, payload, 2 + strlen(payload + 2), false));
    conn->state = CONN_CLOSED;
}

void conn_close(conn_t *conn, int code, const char *reason)
{
    if (conn->state == CONN_HANDSHAKE || conn->state == CONN_HTTP) {
        conn_kill(conn);
        return;
    }
    if (conn->state != CONN_OPEN) return;
    conn->state = CONN_CLOSING;
    conn->close_code = code;
    conn->close_reason = strdup(reason);
    conn_await(conn, CLOSE_TIMEOUT);
    conn_close_when_answered(conn);
}

/* ---- Deadlines ---- */

static void ping_later(conn_t *conn)
{
    apr_int64_t interval = conn_config(conn)->ping_interval * 1000;
    apr_int64_t spread = interval * PING_SPREAD / 100;
    conn->pong_awaited = false;
    conn_await(conn, spread > 0 ? interval - rand() % spread : interval);
}

/* With a payload, which the pong repeats: of an empty pong lws tells nobody. */
static void ping_send(conn_t *conn)
{
    conn_send(conn, frame_make(FRAME_PING, "salon", 5, false));
    conn->pong_awaited = true;
    if (conn_config(conn)->pong_timeout > 0)
        conn_await(conn, conn_config(conn)->pong_timeout * 1000);
    else ping_later(conn);
}

/* A message that has been begun must be complete by the next ping but one. */
static bool input_stalls(conn_t *conn)
{
    bool stalls = conn->in_slow;
    conn->in_slow = conn->in_length > 0;
    return stalls;
}

static void open_expired(conn_t *conn)
{
    if (!conn->admitted && conn_config(conn)->auth_timeout > 0) {
        metrics_add(METRIC_TIMEOUTS, 1);
        conn_close(conn, LWS_CLOSE_STATUS_POLICY_VIOLATION, "not signed in in time");
    } else if (input_stalls(conn)) {
        metrics_add(METRIC_TIMEOUTS, 1);
        conn_kill(conn);
    } else if (!conn->pong_awaited) {
        ping_send(conn);
    } else {
        metrics_add(METRIC_TIMEOUTS, 1);
        conn_kill(conn);
    }
}

void conn_expired(conn_t *conn)
{
    if (conn->state == CONN_OPEN) {
        open_expired(conn);
        return;
    }
    if (conn->state == CONN_HTTP && http_expired(conn)) return;
    if (conn->state == CONN_HANDSHAKE) metrics_add(METRIC_TIMEOUTS, 1);
    conn_kill(conn);
}

void conn_lives(conn_t *conn)
{
    if (!conn->pong_awaited || conn->state != CONN_OPEN) return;
    ping_later(conn);
}

void conn_admit(conn_t *conn, apr_int64_t user_id)
{
    conn->user_id = user_id;
    if (conn->admitted || conn->state != CONN_OPEN) return;
    conn->admitted = true;
    ping_later(conn);
}

static bool wants_batches(const conn_t *conn)
{
    const char *name = wire_dialect(conn->wire)->batch_query;
    const char *value = name != NULL ? salon_opening_query(conn->opening, name) : NULL;
    return value != NULL && strcmp(value, "1") == 0;
}

void conn_opened(conn_t *conn)
{
    conn->state = CONN_OPEN;
    apr_int64_t timeout = conn_config(conn)->auth_timeout;
    if (timeout > 0) conn_await(conn, timeout * 1000);
    else ping_later(conn);
    session_post_opened(conn);
    conn_post_calls(conn, wire_open(conn->wire, conn->opening), 0);
    conn->batches = wants_batches(conn);
    opening_free(&conn->opening);
    metrics_add(METRIC_OPENED, 1);
}
