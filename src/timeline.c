/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timelines by id, the loading of one, and the bound on what all of them keep in memory: beyond it,
 * the one that has not been used for longest is emptied, and will be loaded again when asked for.
 */
#include "timeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"
#include "removal.h"
#include "salon/map.h"
#include "server.h"

#define KIND_BITS      3
#define CACHE_BYTES    (64u << 20)
#define VOLATILE_BYTES (256u << 20)

typedef struct waiter_t {
    struct waiter_t *next;
    salon_req_t *req;
    salon_handler_t *ready;
} waiter_t;

static struct {
    salon_map_t timelines;
    salon_map_t volatiles;              /* those of them of which nothing is stored */
    apr_size_t size;                    /* bytes of recent messages of stored ones */
    apr_size_t volatile_size;           /* the same of volatile ones */
    salon_timeline_t *newest, *oldest;  /* by last use */
    const salon_timeline_kind_t *kinds[1 << KIND_BITS];
    int kind_count;
} all;

static apr_int64_t timeline_id(const salon_timeline_kind_t *kind, apr_int64_t owner_id)
{
    return (owner_id << KIND_BITS) | kind->number;
}

salon_timeline_t *timeline_find(apr_int64_t id)
{
    return salon_map_get(&all.timelines, id);
}

salon_topic_t timeline_topic(const salon_timeline_t *timeline)
{
    return SALON_TOPIC(timeline->kind->name, timeline->owner_id);
}

bool timeline_complete(const salon_timeline_t *timeline)
{
    return timeline->volatile_ || timeline->recent_count >= timeline->info.count;
}

void timeline_publish(const salon_timeline_t *timeline, const char *event, json_object *data)
{
    apr_int64_t ids[2];
    salon_topic_t topics[2];
    if (timeline->kind->persons == NULL) {
        salon_publish(timeline_topic(timeline), event, data);
        return;
    }
    int count = timeline->kind->persons(timeline->owner_id, ids);
    for (int i = 0; i < count; i++) topics[i] = SALON_TOPIC("user", ids[i]);
    salon_publish_topics(topics, count, 0, event, data);
}

/* Persons hear it on all their connections. */
static bool is_heard(const salon_req_t *req, const salon_timeline_t *timeline)
{
    return req->session == NULL || timeline->kind->persons != NULL ||
           salon_subscribed(req->session, timeline_topic(timeline));
}

salon_outcome_t timeline_answer(salon_req_t *req, const salon_timeline_t *timeline,
                                const char *event, json_object *data)
{
    if (!is_heard(req, timeline)) salon_json_boolean(data, "unheard", true);
    salon_outcome_t outcome = salon_reply(req, json_object_get(data));
    json_object_object_del(data, "unheard");
    if (req->http != NULL) salon_json_boolean(data, "over_http", true);
    timeline_publish(timeline, event, data);
    return outcome;
}

json_object *timeline_json(const salon_timeline_t *timeline, const message_t *message)
{
    json_object *json = salon_json();
    salon_json_member(json, timeline->kind->member, timeline->kind->describe(timeline->owner_id));
    return salon_json_member(json, "message", message_json(message));
}

/* ---- Recent messages ---- */

/* Messages are in rising order of their ids as of their positions. */
int timeline_index(const salon_timeline_t *timeline, apr_int64_t message_id)
{
    for (int i = timeline->recent_count - 1; i >= 0; i--)
        if (timeline->recent[i]->id == message_id) return i;
    return -1;
}

static void size_move(salon_timeline_t *timeline, apr_size_t added, apr_size_t removed)
{
    apr_size_t *total = timeline->volatile_ ? &all.volatile_size : &all.size;
    timeline->size = timeline->size + added - removed;
    *total = *total + added - removed;
}

static void recent_remove(salon_timeline_t *timeline, int index)
{
    size_move(timeline, 0, timeline->recent[index]->size);
    free(timeline->recent[index]);
    timeline->recent_count--;
    memmove(&timeline->recent[index], &timeline->recent[index + 1],
            sizeof(message_t *) * (size_t)(timeline->recent_count - index));
}

static void recent_forget(salon_timeline_t *timeline)
{
    recent_remove(timeline, 0);
    if (timeline->volatile_) timeline->info.count--;
}

/* Where all volatile ones together are too large, one that grows loses its oldest. */
static bool volatile_full(const salon_timeline_t *timeline)
{
    return timeline->volatile_ && timeline->recent_count > 0 &&
           all.volatile_size > VOLATILE_BYTES;
}

static void recent_add(salon_timeline_t *timeline, const message_t *message)
{
    if (timeline->recent_count == TIMELINE_RECENT) recent_forget(timeline);
    while (volatile_full(timeline)) recent_forget(timeline);
    if (timeline->recent == NULL) {
        timeline->recent = malloc(sizeof(message_t *) * TIMELINE_RECENT);
        if (timeline->recent == NULL) abort();
    }
    message_t *copy = message_copy(message);
    timeline->recent[timeline->recent_count++] = copy;
    size_move(timeline, copy->size, 0);
}

static void use_unlink(salon_timeline_t *timeline)
{
    if (timeline->newer != NULL) timeline->newer->older = timeline->older;
    else if (all.newest == timeline) all.newest = timeline->older;
    if (timeline->older != NULL) timeline->older->newer = timeline->newer;
    else if (all.oldest == timeline) all.oldest = timeline->newer;
    timeline->newer = timeline->older = NULL;
}

static void timeline_unload(salon_timeline_t *timeline)
{
    use_unlink(timeline);
    while (timeline->recent_count > 0) recent_remove(timeline, timeline->recent_count - 1);
    free(timeline->recent);
    timeline->recent = NULL;
    timeline->loaded = false;
}

static void timeline_used(salon_timeline_t *timeline)
{
    if (timeline->volatile_) return;
    use_unlink(timeline);
    timeline->older = all.newest;
    if (all.newest != NULL) all.newest->newer = timeline;
    all.newest = timeline;
    if (all.oldest == NULL) all.oldest = timeline;
    while (all.size > CACHE_BYTES && all.oldest != timeline) timeline_unload(all.oldest);
}

static void replies_move(salon_timeline_t *timeline, const message_t *reply, int by)
{
    int parent = reply->parent_id != 0 ? timeline_index(timeline, reply->parent_id) : -1;
    if (parent >= 0) timeline->recent[parent]->reply_count += by;
}

static void info_follow(salon_timeline_t *timeline)
{
    const message_t *last =
        timeline->recent_count > 0 ? timeline->recent[timeline->recent_count - 1] : NULL;
    timeline->info.last_message_id = last != NULL ? last->id : 0;
    timeline->info.last_message_at = last != NULL ? last->created_at : 0;
}

void timeline_append(salon_timeline_t *timeline, const message_t *message)
{
    if (!timeline->loaded) return;
    timeline->info.seq = message->seq;
    timeline->info.count++;
    replies_move(timeline, message, 1);
    recent_add(timeline, message);
    info_follow(timeline);
    timeline_used(timeline);
}

static void recent_replace(salon_timeline_t *timeline, int index, const message_t *message)
{
    message_t *copy = message_copy(message);
    size_move(timeline, copy->size, timeline->recent[index]->size);
    free(timeline->recent[index]);
    timeline->recent[index] = copy;
}

static void message_leave(salon_timeline_t *timeline, const message_t *message)
{
    int index = timeline_index(timeline, message->id);
    timeline->info.count--;
    replies_move(timeline, message, -1);
    if (index >= 0) recent_remove(timeline, index);
}

void timeline_changed(salon_timeline_t *timeline, const message_t *message)
{
    if (!timeline->loaded) return;
    int index = timeline_index(timeline, message->id);
    timeline->info.seq = message->changed_seq;
    if (message->deleted) message_leave(timeline, message);
    else if (index >= 0) recent_replace(timeline, index, message);
    info_follow(timeline);
}

/* What is left may be older than all that was in memory. */
void timeline_expired(salon_timeline_t *timeline, apr_int64_t message_id, apr_int64_t parent_id)
{
    if (!timeline->loaded) return;
    message_leave(timeline, &(message_t){ .id = message_id, .parent_id = parent_id });
    info_follow(timeline);
    if (timeline->recent_count == 0 && timeline->info.count > 0) timeline_unload(timeline);
}

/* ---- Opening and closing ---- */

static void kind_note(const salon_timeline_kind_t *kind)
{
    for (int i = 0; i < all.kind_count; i++)
        if (all.kinds[i] == kind) return;
    assert(all.kind_count < 1 << KIND_BITS);
    all.kinds[all.kind_count++] = kind;
}

salon_timeline_t *salon_timeline_open(const salon_timeline_kind_t *kind, apr_int64_t owner_id,
                                      bool volatile_)
{
    salon_timeline_t *timeline = calloc(1, sizeof(*timeline));
    if (timeline == NULL) abort();
    assert(kind->number > 0 && kind->number < 1 << KIND_BITS);
    timeline->id = timeline_id(kind, owner_id);
    timeline->owner_id = owner_id;
    timeline->kind = kind;
    timeline->volatile_ = timeline->loaded = volatile_;
    assert(timeline_find(timeline->id) == NULL);
    kind_note(kind);
    salon_map_set(&all.timelines, timeline->id, timeline);
    if (volatile_) salon_map_set(&all.volatiles, timeline->id, timeline);
    return timeline;
}

/* One that is being loaded is freed when that has ended. */
void salon_timeline_close(salon_timeline_t **timeline)
{
    salon_timeline_t *closing = *timeline;
    *timeline = NULL;
    hooks_unsaid(timeline_topic(closing), 0);
    salon_map_set(&all.timelines, closing->id, NULL);
    salon_map_set(&all.volatiles, closing->id, NULL);
    timeline_unload(closing);
    closing->closed = true;
    if (!closing->loading) free(closing);
}

void salon_timeline_sql_add(salon_req_t *req, const salon_timeline_kind_t *kind,
                            apr_int64_t owner_id)
{
    salon_sql(req, "INSERT INTO timelines (id, seq, message_count) VALUES (%ld, 0, 0)",
              (long)timeline_id(kind, owner_id));
}

static apr_status_t removed(void *req)
{
    (void)req;
    removal_wake();
    return APR_SUCCESS;
}

/* The request is over when it is known whether that has been committed. */
void salon_timeline_sql_remove(salon_req_t *req, const salon_timeline_kind_t *kind,
                               apr_int64_t owner_id)
{
    long id = (long)timeline_id(kind, owner_id);
    salon_sql(req, "INSERT INTO timelines_going (id) SELECT id FROM timelines WHERE id = %ld", id);
    salon_sql(req, "DELETE FROM timelines WHERE id = %ld", id);
    apr_pool_cleanup_register(req->pool, req, removed, apr_pool_cleanup_null);
}

void salon_timeline_sql_unread(salon_req_t *req, const salon_timeline_kind_t *kind,
                               apr_int64_t owner_id, apr_int64_t seq, apr_int64_t user_id)
{
    salon_sql(req,
              "SELECT COUNT(*) AS n FROM messages WHERE timeline_id = %ld AND seq > %ld"
              " AND author_id <> %ld AND deleted = 0",
              (long)timeline_id(kind, owner_id), (long)seq, (long)user_id);
}

void salon_timeline_sql_last(salon_req_t *req, const salon_timeline_kind_t *kind,
                             apr_int64_t owner_id)
{
    salon_sql(req,
              "SELECT " MESSAGE_COLUMNS " FROM messages WHERE timeline_id = %ld AND deleted = 0"
              " ORDER BY seq DESC LIMIT 1",
              (long)timeline_id(kind, owner_id));
}

void salon_timeline_sql_position(salon_req_t *req, const salon_timeline_kind_t *kind,
                                 apr_int64_t owner_id, apr_int64_t message_id)
{
    salon_sql(req, "SELECT seq FROM messages WHERE id = %ld AND timeline_id = %ld",
              (long)message_id, (long)timeline_id(kind, owner_id));
}

json_object *salon_timeline_last_json(const salon_rows_t *rows)
{
    message_t message;
    if (rows->count == 0) return NULL;
    message_of_row(rows, 0, &message);
    return message_json(&message);
}

/* They are few, and known from the timelines that are open. */
static const salon_timeline_kind_t *kind_find(const char *name)
{
    for (int i = 0; i < all.kind_count; i++)
        if (strcmp(all.kinds[i]->name, name) == 0) return all.kinds[i];
    return NULL;
}

const salon_timeline_kind_t *timeline_kind_at(int index)
{
    return index < all.kind_count ? all.kinds[index] : NULL;
}

salon_timeline_t *timeline_of_topic(salon_topic_t topic)
{
    const salon_timeline_kind_t *kind = kind_find(topic.kind);
    return kind != NULL ? timeline_find(timeline_id(kind, topic.id)) : NULL;
}

json_object *salon_describe(salon_topic_t topic)
{
    const salon_timeline_kind_t *kind = kind_find(topic.kind);
    json_object *value = kind != NULL ? kind->describe(topic.id) : NULL;
    return value != NULL ? salon_json_value(salon_json(), kind->member, value) : NULL;
}

int salon_topic_persons(salon_topic_t topic, apr_int64_t user_ids[2])
{
    const salon_timeline_kind_t *kind = kind_find(topic.kind);
    return kind != NULL && kind->persons != NULL ? kind->persons(topic.id, user_ids) : 0;
}

salon_topic_t salon_topic_named(const char *name, const char *text)
{
    const salon_timeline_kind_t *kind = kind_find(name);
    return SALON_TOPIC(name, kind != NULL && kind->find != NULL ? kind->find(text) : 0);
}

const salon_timeline_info_t *salon_timeline_info(const salon_timeline_t *timeline)
{
    return &timeline->info;
}

salon_timeline_t *timeline_volatile_with(apr_int64_t message_id)
{
    salon_timeline_t *timeline;
    for (unsigned at = 0; (timeline = salon_map_next(&all.volatiles, &at)) != NULL;)
        if (timeline_index(timeline, message_id) >= 0) return timeline;
    return NULL;
}

/* ---- Loading ---- */

typedef struct {
    store_job_t job; /* first */
    apr_pool_t *pool;
    salon_timeline_t *timeline;
    apr_int64_t id;
    salon_rows_t figures, messages;
} load_t;

static db_status_t load_run(db_t *db, load_t *load)
{
    db_status_t status =
        db_runf(db, load->pool, &load->figures,
                "SELECT seq, message_count FROM timelines WHERE id = %ld", (long)load->id);
    if (status != DB_OK) return status;
    return db_runf(db, load->pool, &load->messages,
                   "SELECT " MESSAGE_COLUMNS " FROM messages WHERE timeline_id = %ld"
                   " AND deleted = 0 ORDER BY seq DESC LIMIT %d",
                   (long)load->id, TIMELINE_RECENT);
}

static db_status_t loads_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    (void)pool;
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++) status = load_run(db, (load_t *)jobs[i]);
    return status;
}

static const store_class_t load_class = { "load", loads_run };

static void load_take(salon_timeline_t *timeline, const load_t *load)
{
    message_t message;
    for (int row = load->messages.count - 1; row >= 0; row--) {
        message_of_row(&load->messages, row, &message);
        recent_add(timeline, &message);
    }
    if (load->figures.count > 0) {
        timeline->info.seq = salon_rows_integer(&load->figures, 0, 0);
        timeline->info.count = salon_rows_integer(&load->figures, 0, 1);
    }
    info_follow(timeline);
    timeline->loaded = true;
    timeline_used(timeline);
}

static salon_outcome_t fail_unavailable(salon_req_t *req)
{
    return salon_fail(req, SALON_UNAVAILABLE);
}

static void load_done(store_job_t *job)
{
    load_t *load = (load_t *)job;
    salon_timeline_t *timeline = load->timeline;
    waiter_t *waiter = timeline->waiters;
    bool ok = job->status == DB_OK && !timeline->closed;
    timeline->waiters = NULL;
    timeline->loading = false;
    if (ok) load_take(timeline, load);
    while (waiter != NULL) {
        waiter_t *next = waiter->next;
        request_resume(waiter->req, ok ? waiter->ready : fail_unavailable);
        waiter = next;
    }
    if (timeline->closed) free(timeline);
    apr_pool_destroy(load->pool);
}

static bool load_start(salon_timeline_t *timeline)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    load_t *load = apr_pcalloc(pool, sizeof(*load));
    load->job.class = &load_class;
    load->job.done = load_done;
    load->pool = pool;
    load->timeline = timeline;
    load->id = timeline->id;
    timeline->loading = store_push(server.store, &load->job);
    if (!timeline->loading) apr_pool_destroy(pool);
    return timeline->loading;
}

static void waiter_add(salon_timeline_t *timeline, salon_req_t *req, salon_handler_t *ready)
{
    waiter_t *waiter = apr_palloc(req->pool, sizeof(*waiter));
    waiter_t **link = &timeline->waiters;
    *waiter = (waiter_t){ .req = req, .ready = ready };
    while (*link != NULL) link = &(*link)->next;
    *link = waiter;
}

salon_outcome_t salon_timeline_load(salon_req_t *req, salon_timeline_t *timeline,
                                    salon_handler_t *ready)
{
    if (timeline->loaded) {
        timeline_used(timeline);
        return ready(req);
    }
    if (!timeline->loading && !load_start(timeline)) return salon_fail(req, SALON_UNAVAILABLE);
    waiter_add(timeline, req, ready);
    return request_pending();
}
