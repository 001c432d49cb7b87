/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing encodes an event once for each dialect in which somebody hears the topic, and sends
 * one note to each network thread that has such a connection.
 */
#include "topic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>

#include "chat.h"
#include "hooks.h"
#include "metrics.h"
#include "roster.h"
#include "server.h"
#include "session.h"
#include "wire.h"

#define KIND_MOST 16

/* A key without padding, so that it can be hashed as bytes. */
typedef struct {
    char kind[KIND_MOST];
    apr_int64_t id;
} topic_key_t;

typedef struct {
    roster_t sessions; /* first: a seat's roster is its topic */
    topic_key_t key;
    int number;
    int by_dialect[WIRE_MOST];
    int by_thread[];
} topic_t;

static struct {
    apr_hash_t *topics;
    int *free_numbers;
    int free_count, free_capacity, numbers;
} all;

void topic_init(apr_pool_t *pool)
{
    all.topics = apr_hash_make(pool);
}

apr_int64_t topic_count(void)
{
    return apr_hash_count(all.topics);
}

static topic_key_t key_of(salon_topic_t topic)
{
    topic_key_t key = { .id = topic.id };
    size_t length = strlen(topic.kind);
    assert(length < KIND_MOST);
    memcpy(key.kind, topic.kind, length);
    return key;
}

static topic_t *topic_find(salon_topic_t name)
{
    topic_key_t key = key_of(name);
    return apr_hash_get(all.topics, &key, sizeof(key));
}

static topic_t *topic_make(salon_topic_t name)
{
    topic_t *topic = calloc(1, sizeof(*topic) + sizeof(int) * (size_t)server.net_count);
    if (topic == NULL) abort();
    topic->key = key_of(name);
    topic->number = all.free_count > 0 ? all.free_numbers[--all.free_count] : all.numbers++;
    apr_hash_set(all.topics, &topic->key, sizeof(topic->key), topic);
    return topic;
}

static void topic_free(topic_t *topic)
{
    if (all.free_count == all.free_capacity) {
        all.free_capacity = all.free_capacity ? all.free_capacity * 2 : 64;
        all.free_numbers = realloc(all.free_numbers, sizeof(int) * (size_t)all.free_capacity);
        if (all.free_numbers == NULL) abort();
    }
    all.free_numbers[all.free_count++] = topic->number;
    apr_hash_set(all.topics, &topic->key, sizeof(topic->key), NULL);
    free(topic);
}

/* The kind lives as long as the key. */
static salon_topic_t name_of(const topic_key_t *key)
{
    return SALON_TOPIC(key->kind, key->id);
}

static void counts_move(topic_t *topic, const salon_session_t *session, int by)
{
    topic->by_dialect[wire_index(session->wire)] += by;
    topic->by_thread[session->conn.thread] += by;
}

static void topic_note(net_kind_t kind, const salon_session_t *session, int number)
{
    net_note_t *note = net_note(kind, session->conn);
    note->as.topic = number;
    chat_to_net(session->conn.thread, note);
}

void salon_subscribe(salon_session_t *session, salon_topic_t name)
{
    if (session->closed) return;
    topic_t *topic = topic_find(name);
    if (topic == NULL) topic = topic_make(name);
    if (!roster_add(&topic->sessions, session, &session->seats)) return;
    counts_move(topic, session, 1);
    topic_note(NET_SUBSCRIBE, session, topic->number);
    topic_key_t key = topic->key; /* the topic may end while plugins are told */
    hooks_subscribed(session, name_of(&key));
}

static void topic_leave(topic_t *topic, salon_session_t *session)
{
    topic_key_t key = topic->key;
    counts_move(topic, session, -1);
    roster_remove(&topic->sessions, &session->seats);
    if (topic->sessions.count == 0) topic_free(topic);
    hooks_unsubscribed(session, name_of(&key));
}

void salon_unsubscribe(salon_session_t *session, salon_topic_t name)
{
    topic_t *topic = topic_find(name);
    if (topic == NULL || !roster_has(&topic->sessions, &session->seats)) return;
    topic_note(NET_UNSUBSCRIBE, session, topic->number);
    topic_leave(topic, session);
}

void salon_unsubscribe_user(apr_int64_t user_id, salon_topic_t name)
{
    const user_t *user = user_find(user_id);
    salon_session_t *session = user != NULL ? user->sessions : NULL;
    for (; session != NULL; session = session->next_of_user) salon_unsubscribe(session, name);
}

void salon_unsubscribe_all(salon_topic_t name)
{
    topic_t *topic;
    while ((topic = topic_find(name)) != NULL)
        salon_unsubscribe(topic->sessions.entries[topic->sessions.count - 1].member, name);
}

bool salon_subscribed(const salon_session_t *session, salon_topic_t name)
{
    topic_t *topic = topic_find(name);
    return topic != NULL && roster_has(&topic->sessions, &session->seats);
}

void topic_leave_all(salon_session_t *session)
{
    while (session->seats != NULL) topic_leave((topic_t *)session->seats->roster, session);
}

void salon_topic_each(salon_topic_t name,
                      void (*each)(salon_session_t *session, void *baton), void *baton)
{
    topic_t *topic = topic_find(name);
    for (int i = 0; topic != NULL && i < topic->sessions.count; i++)
        each(topic->sessions.entries[i].member, baton);
}

int salon_topic_sessions(salon_topic_t name)
{
    const topic_t *topic = topic_find(name);
    return topic != NULL ? topic->sessions.count : 0;
}

int salon_topic_listeners(salon_topic_t name, const char *event)
{
    const topic_t *topic = topic_find(name);
    int count = 0;
    for (int i = 0; topic != NULL && i < wire_count(); i++)
        if (topic->by_dialect[i] > 0 && wire_tells(wire_at(i), event))
            count += topic->by_dialect[i];
    return count;
}

void salon_topics_each(const char *kind,
                       void (*each)(salon_topic_t topic, int sessions, void *baton), void *baton)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.topics); i; i = apr_hash_next(i)) {
        const topic_t *topic = apr_hash_this_val(i);
        if (strcmp(topic->key.kind, kind) == 0)
            each(name_of(&topic->key), topic->sessions.count, baton);
    }
}

/* ---- Publishing ---- */

/* The topics of one publication that somebody hears. */
typedef struct {
    const topic_t **topics;
    int count;
    const salon_session_t *except;
    apr_int64_t except_user;
} publication_t;

static bool is_heard(const publication_t *p, int dialect)
{
    for (int i = 0; i < p->count; i++)
        if (p->topics[i]->by_dialect[dialect] > 0) return true;
    return false;
}

/* Frames by dialect; answers whether there is any. */
static bool frames_make(const publication_t *p, const salon_event_t *event, json_object *data,
                        net_frame_t frames[WIRE_MOST])
{
    bool any = false;
    for (int i = 0; i < wire_count(); i++) {
        frames[i] = (net_frame_t){ 0 };
        if (!is_heard(p, i)) continue;
        frames[i].frame = wire_event(wire_at(i), event, data, &frames[i].except_user);
        any |= frames[i].frame != NULL;
    }
    return any;
}

static void frames_post(const publication_t *p, int thread, const net_frame_t frames[WIRE_MOST])
{
    net_note_t *note = net_note(NET_PUBLISH, (conn_ref_t){ .slot = -1 });
    if (p->except != NULL && p->except->conn.thread == thread) note->conn = p->except->conn;
    note->as.publish.except_user = p->except_user;
    note->as.publish.topics = malloc(sizeof(int) * (size_t)p->count);
    note->as.publish.frames = calloc((size_t)wire_count(), sizeof(net_frame_t));
    if (note->as.publish.topics == NULL || note->as.publish.frames == NULL) abort();
    for (int i = 0; i < p->count; i++)
        if (p->topics[i]->by_thread[thread] > 0)
            note->as.publish.topics[note->as.publish.topic_count++] = p->topics[i]->number;
    for (int i = 0; i < wire_count(); i++)
        if (frames[i].frame != NULL) {
            note->as.publish.frames[i] = frames[i];
            frame_ref(frames[i].frame);
        }
    chat_to_net(thread, note);
}

static bool thread_hears(const publication_t *p, int thread)
{
    for (int i = 0; i < p->count; i++)
        if (p->topics[i]->by_thread[thread] > 0) return true;
    return false;
}

/* Takes data over. */
static void publish(const publication_t *p, const char *event_name, json_object *data)
{
    const salon_event_t *event = event_find(event_name);
    assert(event != NULL);
    net_frame_t frames[WIRE_MOST];
    metrics_add(METRIC_EVENTS, 1);
    if (p->count > 0 && frames_make(p, event, data, frames)) {
        for (int thread = 0; thread < server.net_count; thread++)
            if (thread_hears(p, thread)) frames_post(p, thread, frames);
        for (int i = 0; i < wire_count(); i++)
            if (frames[i].frame != NULL) frame_unref(&frames[i].frame);
    }
    json_object_put(data);
}

void salon_publish_except(salon_topic_t name, const salon_session_t *session, const char *event,
                          json_object *data)
{
    const topic_t *topic = topic_find(name);
    publication_t p = { .topics = &topic, .count = topic != NULL, .except = session };
    publish(&p, event, data);
}

void salon_publish(salon_topic_t topic, const char *event, json_object *data)
{
    salon_publish_except(topic, NULL, event, data);
}

void salon_publish_topics(const salon_topic_t *names, int count, apr_int64_t except_user,
                          const char *event, json_object *data)
{
    publication_t p = { .topics = malloc(sizeof(topic_t *) * (size_t)(count + 1)),
                        .except_user = except_user };
    if (p.topics == NULL) abort();
    for (int i = 0; i < count; i++) {
        const topic_t *topic = topic_find(names[i]);
        if (topic != NULL) p.topics[p.count++] = topic;
    }
    publish(&p, event, data);
    free(p.topics);
}
