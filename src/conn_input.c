/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a connection receives: fragments are joined to messages, messages decoded to calls, calls
 * posted to the chat thread.  A connection with too much that waits is not read.  What lws says of
 * a message's remaining length is the peer's word, and only ever compared with the limit.
 */
#include "conn_private.h"

#include <stdlib.h>
#include <string.h>

#include "deflate.h"
#include "metrics.h"
#include "session.h"

#define MESSAGE_MOST  (64u << 20) /* bytes, where the configuration says no limit */
#define CALLS_MOST 64     /* of one connection, waiting to be answered, before it is not read */
#define BYTES_MOST 262144 /* of their messages */

/* Signatures are checked here and not on the chat thread, for they can take half a millisecond. */
static void claims_read(conn_t *conn, call_t *call)
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

void conn_post_calls(conn_t *conn, call_t *call, size_t size)
{
    apr_time_t now = apr_time_now();
    while (call != NULL) {
        call_t *next = call->next;
        if (call->operation == conn->net->authenticate) claims_read(conn, call);
        call->conn = conn_ref(conn);
        call->arrived = now;
        call->size = size;
        conn->waiting_calls++;
        conn->waiting_bytes += size;
        session_post_call(conn, call);
        call = next;
        size = 0;
    }
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
    conn_close_when_answered(conn);
}

static void message_received(conn_t *conn, const char *text, size_t length)
{
    metrics_add(METRIC_MESSAGES_IN, 1);
    call_t *calls = conn->in_binary ? wire_refuse(conn->wire, SALON_INVALID)
                                    : wire_decode(conn->wire, text, length);
    conn_post_calls(conn, calls, length);
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

static size_t message_most(const conn_t *conn)
{
    apr_int64_t limit = conn_config(conn)->max_message;
    return limit > 0 && limit < MESSAGE_MOST ? (size_t)limit : MESSAGE_MOST;
}

static bool input_too_long(const conn_t *conn, size_t length)
{
    size_t most = message_most(conn);
    if (conn->in_deflated) most = deflate_most(most);
    return length > most || conn->in_length + length > most ||
           lws_remaining_packet_payload(conn->wsi) > most - conn->in_length - length;
}

/* What still comes is read, for its Close frame may be behind it, and thrown away. */
static void input_refuse(conn_t *conn, int code, const char *reason)
{
    input_clear(conn);
    if (code == LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE) metrics_add(METRIC_TOO_BIG, 1);
    conn_close(conn, code, reason);
}

static void message_expand(conn_t *conn, const char *bytes, size_t length)
{
    char *text;
    size_t text_length;
    switch (deflate_expand(conn->net->deflate, bytes, length, message_most(conn), &text,
                           &text_length)) {
    case DEFLATE_DONE:
        message_received(conn, text, text_length);
        free(text);
        return;
    case DEFLATE_TOO_LONG:
        input_refuse(conn, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too big");
        return;
    case DEFLATE_BROKEN:
        input_refuse(conn, LWS_CLOSE_STATUS_INVALID_PAYLOAD, "bad compression");
        return;
    }
}

static void message_complete(conn_t *conn, const char *bytes, size_t length)
{
    if (conn->in_deflated) message_expand(conn, bytes, length);
    else message_received(conn, bytes, length);
}

/* lws has refused every reserved bit but RSV1, and that one where compression was not agreed on.
 * It says that the message is compressed, and belongs to its first frame alone.  False: it is
 * elsewhere. */
static bool piece_begin(conn_t *conn)
{
    bool deflated = lws_get_reserved_bits(conn->wsi) != 0;
    if (lws_is_first_fragment(conn->wsi)) {
        conn->in_binary = lws_frame_is_binary(conn->wsi);
        conn->in_deflated = deflated;
    } else if (conn->in_frame_end && deflated) {
        return false;
    }
    conn->in_frame_end = lws_remaining_packet_payload(conn->wsi) == 0;
    return true;
}

int conn_received(conn_t *conn, const char *bytes, size_t length)
{
    if (conn->state != CONN_OPEN) return 0;
    conn_lives(conn);
    if (!piece_begin(conn)) {
        input_refuse(conn, LWS_CLOSE_STATUS_PROTOCOL_ERR, "rsv bits");
        return 0;
    }
    if (input_too_long(conn, length)) {
        input_refuse(conn, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too big");
        return 0;
    }
    if (!lws_is_final_fragment(conn->wsi)) {
        if (length > 0) input_append(conn, bytes, length);
        return 0;
    }
    if (conn->in_length == 0) {
        message_complete(conn, bytes, length);
        return 0;
    }
    input_append(conn, bytes, length);
    message_complete(conn, conn->in, conn->in_length);
    input_clear(conn);
    return 0;
}

void conn_ponged(conn_t *conn)
{
    if (conn->state == CONN_OPEN && lws_get_reserved_bits(conn->wsi) != 0)
        input_refuse(conn, LWS_CLOSE_STATUS_PROTOCOL_ERR, "rsv bits");
    else conn_lives(conn);
}
