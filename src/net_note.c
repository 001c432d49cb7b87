/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes: what reaches a network thread, for one connection, for those who hear a topic, or for the
 * thread itself.  One for a connection that has gone is dropped.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "conn.h"
#include "http.h"
#include "http_upload.h"
#include "wire.h"

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

void net_notes_handle(net_t *net)
{
    queue_list_t notes = queue_take(net->queue);
    net_note_t *note;
    while ((note = (net_note_t *)queue_list_pop(&notes)) != NULL) {
        handlers[note->kind](net, note);
        free(note);
    }
}

/* Of a note that nobody handles any more: what it holds. */
static void note_free(net_note_t *note)
{
    if (note->kind == NET_SEND && note->as.send.frame != NULL) frame_unref(&note->as.send.frame);
    if (note->kind == NET_HTTP) http_reply_free(&note->as.http);
    if (note->kind == NET_PUBLISH) frames_free(note);
    free(note);
}

void net_notes_free(net_t *net)
{
    queue_list_t notes = queue_take(net->queue);
    net_note_t *note;
    while ((note = (net_note_t *)queue_list_pop(&notes)) != NULL) note_free(note);
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
