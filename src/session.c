/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions are found by network thread and slot, as their connections are.  One whose connection
 * has gone lives on until its last request has ended.
 */
#define LOG_AREA "session"
#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "anonymous.h"
#include "chat.h"
#include "hooks.h"
#include "log.h"
#include "metrics.h"
#include "request.h"
#include "server.h"
#include "topic.h"

#define MINUTE 60000 /* milliseconds */

static struct {
    struct {
        salon_session_t **slots;
        int count;
    } threads[NET_THREADS_MOST];
    apr_int64_t count, signed_in;
    apr_int64_t by_dialect[WIRE_MOST];
} all;

apr_int64_t session_count(void)
{
    return all.count;
}

apr_int64_t session_signed_in_count(void)
{
    return all.signed_in;
}

apr_int64_t session_count_in(const wire_t *wire)
{
    return all.by_dialect[wire_index(wire)];
}

static salon_session_t **slot_of(conn_ref_t conn)
{
    if (conn.slot >= all.threads[conn.thread].count) {
        int old = all.threads[conn.thread].count, count = MAX(conn.slot + 1, old * 2);
        salon_session_t **slots =
            realloc(all.threads[conn.thread].slots, sizeof(*slots) * (size_t)count);
        if (slots == NULL) abort();
        memset(slots + old, 0, sizeof(*slots) * (size_t)(count - old));
        all.threads[conn.thread].slots = slots;
        all.threads[conn.thread].count = count;
    }
    return &all.threads[conn.thread].slots[conn.slot];
}

static salon_session_t *session_find(conn_ref_t conn)
{
    salon_session_t *session = *slot_of(conn);
    return session != NULL && session->conn.generation == conn.generation ? session : NULL;
}

json_object *session_id_json(const salon_session_t *session)
{
    const unsigned char *b = session->id;
    char text[40];
    apr_snprintf(text, sizeof(text),
                 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
                 b[2], b[3], b[4], b[5], (b[6] & 0x0f) | 0x40, b[7], (b[8] & 0x3f) | 0x80, b[9],
                 b[10], b[11], b[12], b[13], b[14], b[15]);
    return json_object_new_string(text);
}

/* ---- To the connection ---- */

void session_send(salon_session_t *session, frame_t *frame, int answered, size_t size)
{
    if (session->closed) {
        if (frame != NULL) frame_unref(&frame);
        return;
    }
    net_note_t *note = net_note(NET_SEND, session->conn);
    note->as.send.frame = frame;
    note->as.send.answered = answered;
    note->as.send.size = size;
    chat_to_net(session->conn.thread, note);
}

void salon_close(salon_session_t *session, int code, const char *reason)
{
    if (session->closed) return;
    net_note_t *note = net_note(NET_CLOSE, session->conn);
    note->as.close.code = code;
    apr_cpystrn(note->as.close.reason, reason, sizeof(note->as.close.reason));
    chat_to_net(session->conn.thread, note);
}

void salon_close_user(apr_int64_t user_id, const char *refusal, const char *reason)
{
    const user_t *user = user_find(user_id);
    salon_session_t *session = user != NULL ? user->sessions : NULL;
    for (; session != NULL; session = session->next_of_user)
        salon_close(session, wire_close_code(session->wire, refusal), reason);
}

void session_end_token(apr_int64_t user_id, apr_int64_t api_token_id)
{
    const user_t *user = user_find(user_id);
    salon_session_t *session = user != NULL ? user->sessions : NULL;
    for (; session != NULL; session = session->next_of_user)
        if (session->api_token_id == api_token_id)
            salon_close(session, wire_close_code(session->wire, SALON_INVALID_TOKEN), "revoked");
}

const salon_user_t *salon_session_user(const salon_session_t *session)
{
    return session->user != NULL ? &session->user->shown : NULL;
}

const char *salon_session_dialect(const salon_session_t *session)
{
    return wire_dialect(session->wire)->name;
}

bool salon_session_auto_create(const salon_session_t *session)
{
    const config_listener_t *listener = &server.config->listeners[session->listener];
    return listener->endpoints[session->endpoint].auto_create;
}

void salon_session_default(salon_session_t *session, const char *argument, json_object *value)
{
    if (session->defaults == NULL) session->defaults = salon_json();
    salon_json_value(session->defaults, argument, value);
}

int salon_sessions(void)
{
    return (int)all.count;
}

void session_refused(salon_session_t *session)
{
    apr_int64_t limit = server.config->listeners[session->listener].abuse_limit;
    apr_int64_t now = chat_now();
    if (now - session->refused_since >= MINUTE) {
        session->refused_since = now;
        session->refused = 0;
    }
    if (limit == 0 || ++session->refused != limit + 1) return;
    log_info("%s: user %" APR_INT64_T_FMT ": more than %" APR_INT64_T_FMT
             " refused messages in a minute; closing",
             session->address, user_logged_id(session->user), limit);
    salon_close(session, LWS_CLOSE_STATUS_POLICY_VIOLATION, "too many refused messages");
}

/* ---- Users ---- */

static void user_detach(salon_session_t *session)
{
    user_t *user = session->user;
    salon_session_t **link = &user->sessions;
    while (*link != session) link = &(*link)->next_of_user;
    *link = session->next_of_user;
    user->shown.sessions--;
    user->shown.last_seen = salon_now();
    if (user->shown.anonymous) return;
    all.signed_in--;
    if (user->shown.sessions == 0) user_connected(user, false);
    hooks_signed_out(session, &user->shown);
}

static bool is_back(const salon_user_t *user)
{
    return user->sessions == 0 && user->last_seen > 0 && salon_now() - user->last_seen < MINUTE;
}

void session_sign_in(salon_session_t *session, user_t *user, apr_int64_t token_expires)
{
    session->token_expires = token_expires;
    if (session->user == user) return;
    if (!user->shown.anonymous && is_back(&user->shown)) metrics_add(METRIC_RECONNECTS, 1);
    session->user = user;
    session->next_of_user = user->sessions;
    user->sessions = session;
    user->shown.sessions++;
    net_note_t *note = net_note(NET_ADMIT, session->conn);
    note->as.user_id = user->shown.id;
    chat_to_net(session->conn.thread, note);
    salon_subscribe(session, SALON_TOPIC("user", user->shown.id));
    log_info("WS_CONNECT: UserID=%" APR_INT64_T_FMT ", IP=%s", user_logged_id(session->user),
             session->address);
    if (user->shown.anonymous) return;
    all.signed_in++;
    user_connected(user, true);
    metrics_add(METRIC_SIGN_INS, 1);
    hooks_signed_in(session, &user->shown);
}

void session_free(salon_session_t *session)
{
    topic_leave_all(session);
    free(session->standings);
    if (session->user != NULL && session->user->shown.anonymous) anonymous_remove(&session->user);
    json_object_put(session->defaults);
    free(session);
}

/* ---- Notes from network threads ---- */

typedef struct {
    chat_note_t note;
    conn_ref_t conn;
    const wire_t *wire;
    int listener, endpoint;
    char address[ADDRESS_TEXT];
} opened_t;

static void opened_handle(chat_note_t *note)
{
    opened_t *opened = (opened_t *)note;
    size_t length = strlen(opened->address) + 1;
    salon_session_t *session = calloc(1, sizeof(*session) + length);
    if (session == NULL) abort();
    session->conn = opened->conn;
    session->wire = opened->wire;
    session->listener = opened->listener;
    session->endpoint = opened->endpoint;
    session->opened_at = salon_now();
    session->last = &session->first;
    memcpy(session->address, opened->address, length);
    apr_generate_random_bytes(session->id, sizeof(session->id));
    *slot_of(session->conn) = session;
    all.count++;
    all.by_dialect[wire_index(session->wire)]++;
    free(opened);
}

void session_post_opened(conn_t *conn)
{
    opened_t *opened = malloc(sizeof(*opened));
    if (opened == NULL) abort();
    *opened = (opened_t){ .note.handle = opened_handle,
                          .conn = conn_ref(conn),
                          .wire = conn->wire,
                          .listener = conn->listener,
                          .endpoint = conn->endpoint };
    memcpy(opened->address, conn->address, sizeof(conn->address));
    net_to_chat(conn->net, &opened->note);
}

static void call_handle(chat_note_t *note)
{
    call_t *call = (call_t *)note;
    salon_session_t *session = session_find(call->conn);
    if (session != NULL && !session->closed) session_call(session, call);
    else call_free(&call);
}

void session_post_call(conn_t *conn, call_t *call)
{
    call->note.handle = call_handle;
    net_to_chat(conn->net, &call->note);
}

typedef struct {
    chat_note_t note;
    conn_ref_t conn;
} closed_t;

static void closed_handle(chat_note_t *note)
{
    closed_t *closed = (closed_t *)note;
    salon_session_t *session = session_find(closed->conn);
    free(closed);
    if (session == NULL) return;
    *slot_of(session->conn) = NULL;
    session->closed = true;
    all.count--;
    all.by_dialect[wire_index(session->wire)]--;
    metrics_add(METRIC_CLOSED, 1);
    log_info("WS_DISCONNECT: UserID=%" APR_INT64_T_FMT ", Duration=%.3fs",
             user_logged_id(session->user), (double)(salon_now() - session->opened_at) / 1000);
    topic_leave_all(session);
    if (session->user != NULL) user_detach(session);
    session_drop_waiting(session);
    session_advance(session);
}

void session_post_closed(conn_t *conn)
{
    closed_t *closed = malloc(sizeof(*closed));
    if (closed == NULL) abort();
    *closed = (closed_t){ .note.handle = closed_handle, .conn = conn_ref(conn) };
    net_to_chat(conn->net, &closed->note);
}

static void http_handle(chat_note_t *note)
{
    request_from_http((http_request_t *)note);
}

void session_post_http(conn_t *conn, http_request_t *request)
{
    request->note.handle = http_handle;
    net_to_chat(conn->net, &request->note);
}
