/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the way of requests, from messages to answers and events, without a network: sessions of
 * nobody, of a user and of an administrator; each line of the input is a message from one of them,
 * chosen by the line's first byte ('0', '1', '2').  What is sent must be frames of valid JSON, each
 * request must be answered once, and a session must leave nothing behind.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "conn.h"
#include "opening.h"
#include "server.h"
#include "session.h"
#include "stand_in.h"

#define MESSAGES_MOST 64 /* of one input */

static const char *const names[] = { NULL, "alice", "dave" };

#define CLIENTS (sizeof(names) / sizeof(names[0]))

static net_t net;
static conn_t clients[CLIENTS];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- What the network thread is told ---- */

static void take_frame(frame_t *frame)
{
    int opcode;
    assert(stand_in_check_frame(frame->bytes, frame->length, &opcode) == frame->length);
    assert(opcode == FRAME_TEXT);
    frame_unref(&frame);
}

static void on_send(net_note_t *note)
{
    conn_t *conn = &clients[note->conn.slot];
    assert(conn->state == CONN_OPEN || conn->state == CONN_CLOSING);
    if (note->as.send.frame != NULL) take_frame(note->as.send.frame);
    assert(conn->waiting_calls >= (unsigned)note->as.send.answered);
    assert(conn->waiting_bytes >= note->as.send.size);
    conn->waiting_calls -= (unsigned)note->as.send.answered;
    conn->waiting_bytes -= note->as.send.size;
}

static void on_publish(net_note_t *note)
{
    for (int i = 0; i < wire_count(); i++)
        if (note->as.publish.frames[i].frame != NULL)
            take_frame(note->as.publish.frames[i].frame);
    free(note->as.publish.frames);
    free(note->as.publish.topics);
}

static void take_note(net_note_t *note)
{
    switch (note->kind) {
    case NET_SEND: on_send(note); break;
    case NET_PUBLISH: on_publish(note); break;
    case NET_ADMIT: clients[note->conn.slot].user_id = note->as.user_id; break;
    case NET_CLOSE: clients[note->conn.slot].state = CONN_CLOSING; break;
    case NET_SUBSCRIBE:
    case NET_UNSUBSCRIBE: break;
    default: abort();
    }
    free(note);
}

/* ---- What clients do ---- */

static void client_open(size_t slot)
{
    conn_t *conn = &clients[slot];
    const config_listener_t *listener = &server.config->listeners[0];
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    *conn = (conn_t){ .net = &net, .slot = (int)slot, .generation = 1, .address = "127.0.0.1" };
    conn->wire = wire_find(listener->endpoints[0].dialect);
    conn->opening = apr_pcalloc(pool, sizeof(*conn->opening));
    conn->opening->pool = pool;
    if (names[slot] != NULL) conn->opening->bearer = stand_in_token(names[slot]);
    conn_opened(conn);
    chat_post_list(&net.to_chat);
    assert((conn->user_id != 0) == (names[slot] != NULL));
}

static void client_close(size_t slot)
{
    assert(clients[slot].waiting_calls == 0 && clients[slot].waiting_bytes == 0);
    conn_closed(&clients[slot]);
    chat_post_list(&net.to_chat);
}

static void client_say(size_t slot, const char *text, size_t length)
{
    conn_t *conn = &clients[slot];
    if (conn->state != CONN_OPEN) return;
    call_t *next, *call = wire_decode(conn->wire, text, length);
    for (; call != NULL; call = next) {
        next = call->next;
        call->conn = conn_ref(conn);
        call->arrived = apr_time_now();
        call->size = next == NULL ? length : 0;
        conn->waiting_calls++;
        conn->waiting_bytes += call->size;
        session_post_call(conn, call);
    }
    chat_post_list(&net.to_chat);
}

static void line_say(const char *line, size_t length)
{
    if (length > 0) client_say((unsigned char)line[0] % CLIENTS, line + 1, length - 1);
}

/* ---- The target ---- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    stand_in_begin(take_note);
    net.pool = server.pool;
    net.config = server.config;
    net.authenticate = operation_find("session.authenticate");
    net.keys = server.keys;
    net.tokens = token_cache_make(server.pool, 16);
    net.wheel = wheel_make(server.pool, 100, 64, net_now(&net));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    stand_in_reset();
    for (size_t i = 0; i < CLIENTS; i++) client_open(i);
    for (int i = 0; at < end && i < MESSAGES_MOST; i++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL) line_end = end;
        line_say(at, (size_t)(line_end - at));
        at = line_end + 1;
    }
    for (size_t i = 0; i < CLIENTS; i++) client_close(i);
    stand_in_check();
    return 0;
}
