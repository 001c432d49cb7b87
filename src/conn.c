/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws is given finished frames (LWS_WRITE_RAW), many in one write, from outside its WRITEABLE
 * callback.  That is safe under conditions that are kept here: the context's own thread, HTTP/1.1,
 * an open WebSocket, and never while lws still holds a part of an earlier write.  After a partial
 * write, the WRITEABLE callback goes on.  Deadlines run on our own wheel, for lws's timers are a
 * sorted list.  What lws says of a message's remaining length is the peer's word, and only ever
 * compared with the limit.
 */
#define LOG_AREA "conn"
#include "conn.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>

#include "acceptor.h"
#include "http.h"
#include "log.h"
#include "metrics.h"
#include "opening.h"
#include "session.h"

#define CALLS_MOST    64      /* of one connection, waiting to be answered, before it is not read */
#define BYTES_MOST    262144  /* of their messages */
#define UNSENT_MOST 131072 /* bytes that the kernel may hold back: a slow reader must show here */
#define CLOSE_REASON  124     /* bytes, with its NUL */
#define CLOSE_TIMEOUT 3000    /* milliseconds for the last output and the closing handshake */
#define PING_SPREAD   10      /* percent, so that pings do not come in waves */

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

static void output_free(conn_t *conn)
{
    for (unsigned i = 0; i < conn->out_count; i++) frame_unref(&conn->out[i]);
    free(conn->out);
    conn->out = NULL;
    conn->out_count = conn->out_capacity = 0;
    conn->out_bytes = 0;
}

static void dirty_remove(conn_t *conn)
{
    if (!conn->dirty) return;
    conn_t **link = &conn->net->dirty;
    while (*link != conn) link = &(*link)->next_dirty;
    *link = conn->next_dirty;
    conn->dirty = false;
}

static void conn_free(conn_t *conn)
{
    net_t *net = conn->net;
    wheel_cancel(&conn->deadline);
    dirty_remove(conn);
    output_free(conn);
    opening_free(&conn->opening);
    http_request_free(&conn->http);
    http_reply_free(&conn->reply);
    while (conn->seats != NULL) roster_remove(conn->seats->roster, &conn->seats);
    net->conns[conn->slot] = NULL;
    net->free_slots[net->free_count++] = conn->slot;
    net->open--;
    atomic_fetch_sub_explicit(&net->load, 1, memory_order_relaxed);
    acceptor_released(conn->address, conn->listener);
    free(conn->in);
    free(conn->close_reason);
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

static bool conn_is_websocket(const conn_t *conn)
{
    return conn->state == CONN_OPEN || conn->state == CONN_CLOSING || conn->state == CONN_CLOSED;
}

static void dirty_add(conn_t *conn)
{
    if (conn->dirty) return;
    conn->dirty = true;
    conn->next_dirty = conn->net->dirty;
    conn->net->dirty = conn;
}

static void output_append(conn_t *conn, frame_t *frame)
{
    if (conn->out_count == conn->out_capacity) {
        conn->out_capacity = conn->out_capacity ? conn->out_capacity * 2 : 4;
        conn->out = realloc(conn->out, conn->out_capacity * sizeof(frame_t *));
        if (conn->out == NULL) abort();
    }
    conn->out[conn->out_count++] = frame;
    conn->out_bytes += frame->length;
    dirty_add(conn);
}

/* ---- Ends ---- */

void conn_kill(conn_t *conn)
{
    if (conn->state == CONN_GONE) return;
    bool websocket = conn_is_websocket(conn);
    conn->state = CONN_GONE;
    output_free(conn);
    wheel_cancel(&conn->deadline);
    if (websocket) session_post_closed(conn);
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
    lws_cancel_service(conn->net->lws); /* else lws would see to it only at its next event */
}

void conn_closed(conn_t *conn)
{
    if (conn_is_websocket(conn)) session_post_closed(conn);
    conn->state = CONN_GONE;
    output_free(conn);
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
static void close_when_answered(conn_t *conn)
{
    char payload[2 + CLOSE_REASON];
    if (conn->state != CONN_CLOSING || conn->waiting_calls > 0) return;
    payload[0] = (char)(conn->close_code >> 8);
    payload[1] = (char)conn->close_code;
    apr_cpystrn(payload + 2, conn->close_reason, CLOSE_REASON);
    output_append(conn, frame_make(FRAME_CLOSE, payload, 2 + strlen(payload + 2), false));
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
    close_when_answered(conn);
}

/* ---- Deadlines ---- */

static void ping_later(conn_t *conn)
{
    apr_int64_t interval = conn_config(conn)->ping_interval * 1000;
    apr_int64_t spread = interval * PING_SPREAD / 100;
    conn->pong_awaited = false;
    conn_await(conn, spread > 0 ? interval - rand() % spread : interval);
}

static void ping_send(conn_t *conn)
{
    conn_send(conn, frame_make(FRAME_PING, "", 0, false));
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

/* ---- Input ---- */

/* Signatures are checked here and not on the chat thread, for they can take half a millisecond. */
static void token_verify(conn_t *conn, call_t *call)
{
    json_object *token;
    if (!json_object_object_get_ex(call->arguments, "token", &token) ||
        !json_object_is_type(token, json_type_string))
        return;
    token_claims_t claims;
    size_t length = (size_t)json_object_get_string_len(token);
    token_status_t status = token_check_cached(conn->net->tokens, conn->net->keys,
                                               json_object_get_string(token), length,
                                               apr_time_sec(apr_time_now()), &claims);
    if (status != TOKEN_VALID) return;
    call->claims = malloc(sizeof(claims));
    if (call->claims == NULL) abort();
    *call->claims = claims;
}

static void calls_send(conn_t *conn, call_t *call, size_t size)
{
    while (call != NULL) {
        call_t *next = call->next;
        if (call->operation == conn->net->authenticate) token_verify(conn, call);
        call->conn = conn_ref(conn);
        call->size = size;
        conn->waiting_calls++;
        conn->waiting_bytes += size;
        session_post_call(conn, call);
        call = next;
        size = 0;
    }
}

void conn_opened(conn_t *conn)
{
    conn->state = CONN_OPEN;
    apr_int64_t timeout = conn_config(conn)->auth_timeout;
    if (timeout > 0) conn_await(conn, timeout * 1000);
    else ping_later(conn);
    session_post_opened(conn);
    calls_send(conn, wire_open(conn->wire, conn->opening), 0);
    opening_free(&conn->opening);
    metrics_add(METRIC_OPENED, 1);
}

static void reading_hold(conn_t *conn)
{
    if (conn->rx_stopped || (conn->waiting_calls < CALLS_MOST && conn->waiting_bytes < BYTES_MOST))
        return;
    conn->rx_stopped = true;
    lws_rx_flow_control(conn->wsi, 0);
}

void conn_answered(conn_t *conn, int calls, size_t bytes)
{
    conn->waiting_calls -= (unsigned)calls;
    conn->waiting_bytes -= bytes;
    if (conn->rx_stopped && conn->state == CONN_OPEN && conn->waiting_calls <= CALLS_MOST / 2 &&
        conn->waiting_bytes <= BYTES_MOST / 2) {
        conn->rx_stopped = false;
        lws_rx_flow_control(conn->wsi, 1);
    }
    close_when_answered(conn);
}

static void message_received(conn_t *conn, const char *text, size_t length)
{
    metrics_add(METRIC_MESSAGES_IN, 1);
    call_t *calls = conn->in_binary ? wire_refuse(conn->wire, SALON_INVALID)
                                    : wire_decode(conn->wire, text, length);
    calls_send(conn, calls, length);
    reading_hold(conn);
}

static void input_append(conn_t *conn, const char *bytes, size_t length)
{
    size_t needed = conn->in_length + length;
    if (needed > conn->in_capacity) {
        size_t capacity = conn->in_capacity ? conn->in_capacity : 1024;
        while (capacity < needed) capacity *= 2;
        conn->in = realloc(conn->in, capacity);
        if (conn->in == NULL) abort();
        conn->in_capacity = (unsigned)capacity;
    }
    memcpy(conn->in + conn->in_length, bytes, length);
    conn->in_length = (unsigned)needed;
}

static void input_clear(conn_t *conn)
{
    free(conn->in);
    conn->in = NULL;
    conn->in_length = conn->in_capacity = 0;
    conn->in_slow = false;
}

static bool input_too_long(const conn_t *conn, size_t length)
{
    apr_int64_t most = conn_config(conn)->max_message;
    return most > 0 &&
           (length > (size_t)most || conn->in_length + length > (size_t)most ||
            lws_remaining_packet_payload(conn->wsi) > (size_t)most - conn->in_length - length);
}

int conn_received(conn_t *conn, const char *bytes, size_t length)
{
    if (conn->state != CONN_OPEN) return 0;
    conn_lives(conn);
    if (lws_is_first_fragment(conn->wsi)) conn->in_binary = lws_frame_is_binary(conn->wsi);
    if (input_too_long(conn, length)) {
        input_clear(conn);
        metrics_add(METRIC_TOO_BIG, 1);
        lws_rx_flow_control(conn->wsi, 0);
        conn_close(conn, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too big");
        return 0;
    }
    if (!lws_is_final_fragment(conn->wsi)) {
        if (length > 0) input_append(conn, bytes, length);
        return 0;
    }
    if (conn->in_length == 0) {
        message_received(conn, bytes, length);
        return 0;
    }
    input_append(conn, bytes, length);
    message_received(conn, conn->in, conn->in_length);
    input_clear(conn);
    return 0;
}

/* ---- Output ---- */

/* A slow reader misses what may be missed before it is given up. */
static void output_drop_droppable(conn_t *conn)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < conn->out_count; i++) {
        frame_t *frame = conn->out[i];
        if (!frame->droppable) {
            conn->out[kept++] = frame;
            continue;
        }
        conn->out_bytes -= frame->length;
        metrics_add(METRIC_DROPPED_EVENTS, 1);
        frame_unref(&frame);
    }
    conn->out_count = kept;
}

/* Up to half of the limit everything is taken, so that an answer that is larger than the limit
 * reaches those who read; beyond, what may be dropped is dropped first.  False: it does not fit. */
static bool output_fits(conn_t *conn, const frame_t *frame)
{
    size_t limit = (size_t)conn_config(conn)->output_limit;
    if (limit == 0 || conn->out_bytes <= limit / 2) return true;
    if (frame->droppable) return false;
    if (conn->out_bytes + frame->length > limit) output_drop_droppable(conn);
    return conn->out_bytes <= limit / 2 || conn->out_bytes + frame->length <= limit;
}

static void slow_reader_end(conn_t *conn)
{
    metrics_add(METRIC_SLOW_READERS, 1);
    if (log_limited())
        log_notice("%s: user %" APR_INT64_T_FMT " does not read, %" APR_SIZE_T_FMT
                   " bytes wait; dropping the connection",
                   conn->address, conn->user_id, conn->out_bytes);
    conn_kill(conn);
}

void conn_send(conn_t *conn, frame_t *frame)
{
    if (conn->state != CONN_OPEN && conn->state != CONN_CLOSING) {
        frame_unref(&frame);
        return;
    }
    if (!output_fits(conn, frame)) {
        bool droppable = frame->droppable;
        frame_unref(&frame);
        if (droppable) metrics_add(METRIC_DROPPED_EVENTS, 1);
        else slow_reader_end(conn);
        return;
    }
    output_append(conn, frame);
}

/* Copies whole frames to the gathering buffer, as many as fit (a frame that is larger than the
 * buffer goes alone, from a buffer of its own). Answers how many. */
static unsigned output_gather(conn_t *conn, size_t *length_r)
{
    unsigned char *at = conn->net->gather + LWS_PRE;
    size_t length = 0;
    unsigned count = 0;
    while (count < conn->out_count && length + conn->out[count]->length <= NET_GATHER_SIZE) {
        memcpy(at + length, conn->out[count]->bytes, conn->out[count]->length);
        length += conn->out[count++]->length;
    }
    *length_r = length;
    return count;
}

static int output_write_large(conn_t *conn)
{
    const frame_t *frame = conn->out[0];
    unsigned char *copy = malloc(LWS_PRE + frame->length);
    if (copy == NULL) abort();
    memcpy(copy + LWS_PRE, frame->bytes, frame->length);
    int written = lws_write(conn->wsi, copy + LWS_PRE, frame->length, LWS_WRITE_RAW);
    free(copy);
    return written;
}

static void output_remove(conn_t *conn, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        conn->out_bytes -= conn->out[i]->length;
        frame_unref(&conn->out[i]);
    }
    conn->out_count -= count;
    memmove(conn->out, conn->out + count, conn->out_count * sizeof(frame_t *));
    if (conn->out_count == 0 && conn->out_capacity > 16) {
        free(conn->out);
        conn->out = NULL;
        conn->out_capacity = 0;
    }
}

/* One write. False: no more can be written now. */
static bool output_write(conn_t *conn)
{
    size_t length;
    unsigned count = output_gather(conn, &length);
    int written = count > 0
                      ? lws_write(conn->wsi, conn->net->gather + LWS_PRE, length, LWS_WRITE_RAW)
                      : output_write_large(conn);
    if (written < 0) {
        conn_kill(conn);
        return false;
    }
    metrics_add(METRIC_FRAMES_OUT, count > 0 ? count : 1);
    metrics_add(METRIC_WRITES, 1);
    output_remove(conn, count > 0 ? count : 1);
    return !lws_partial_buffered(conn->wsi);
}

/* lws itself sends a Close to a peer that has broken the protocol; nothing may follow that. */
static bool output_ended_by_lws(conn_t *conn)
{
    if (lws_get_close_length(conn->wsi) == 0) return false;
    output_free(conn);
    if (conn->state != CONN_CLOSED) conn_await(conn, CLOSE_TIMEOUT);
    conn->state = CONN_CLOSED;
    return true;
}

void conn_flush(conn_t *conn)
{
    if (!conn_is_websocket(conn) || conn->closed_by_peer || output_ended_by_lws(conn)) return;
    bool free_to_write = !lws_partial_buffered(conn->wsi);
    while (free_to_write && conn->out_count > 0) free_to_write = output_write(conn);
    if (conn->state == CONN_GONE) return;
    if (!free_to_write) lws_callback_on_writable(conn->wsi);
}

int conn_writeable(conn_t *conn)
{
    if (conn->state == CONN_GONE) return -1;
    conn_flush(conn);
    return conn->state == CONN_GONE ? -1 : 0;
}
