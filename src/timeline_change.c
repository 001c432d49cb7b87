/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing, deleting and pinning: one way for all three.  The message is read, permission is asked,
 * and one transaction moves the timeline's position and stamps the message; then memory follows and
 * everybody is told.
 */
#define LOG_AREA "change"
#include <apr_strings.h>

#include "server.h"
#include "statement.h"
#include "timeline.h"

typedef struct change_t change_t;

/* What the changes differ in. */
typedef struct {
    const char *event;
    bool (*may)(const salon_user_t *user, const message_t *message, salon_topic_t topic);
    /* Changes the message in memory, as the statement will in the database. */
    void (*apply)(salon_req_t *req, message_t *message);
    json_object *(*tell)(salon_req_t *req, const salon_timeline_t *timeline,
                         const message_t *message);
} change_kind_t;

struct change_t {
    store_job_t job; /* first */
    salon_req_t *req;
    const change_kind_t *kind;
    apr_int64_t expected_timeline; /* 0: any */
    message_t message;
    bool gone; /* deleted meanwhile */
};

/* ---- The three ---- */

static bool may_edit(const salon_user_t *user, const message_t *message, salon_topic_t topic)
{
    return message->author_id == user->id && salon_may(user, "send", topic);
}

static bool may_delete(const salon_user_t *user, const message_t *message, salon_topic_t topic)
{
    return may_edit(user, message, topic) || salon_may(user, "moderate", topic);
}

static bool may_pin(const salon_user_t *user, const message_t *message, salon_topic_t topic)
{
    (void)message;
    return salon_may(user, "pin", topic);
}

static void edit_apply(salon_req_t *req, message_t *message)
{
    message->content = salon_arg_string(req, "content");
    message->mentions = message_mentions(req->pool, message->content);
    message->edited_at = salon_now();
}

static void delete_apply(salon_req_t *req, message_t *message)
{
    (void)req;
    message->content = "";
    message->mentions = NULL;
    message->deleted = true;
}

static void pin_apply(salon_req_t *req, message_t *message)
{
    message->pinned = salon_arg_boolean(req, "pin", true);
}

static json_object *edit_tell(salon_req_t *req, const salon_timeline_t *timeline,
                              const message_t *message)
{
    (void)req;
    return timeline_json(timeline, message);
}

static json_object *who_json(salon_req_t *req, const salon_timeline_t *timeline,
                             const message_t *message)
{
    json_object *json = salon_json_integer(salon_json(), "message_id", message->id);
    salon_json_value(json, timeline->kind->member, timeline->kind->describe(timeline->owner_id));
    salon_json_integer(json, "user_id", req->user->shown.id);
    salon_json_string(json, "username", req->user->shown.name);
    return salon_json_integer(json, "at", salon_now());
}

static json_object *pin_tell(salon_req_t *req, const salon_timeline_t *timeline,
                             const message_t *message)
{
    return salon_json_boolean(who_json(req, timeline, message), "pinned", message->pinned);
}

static const change_kind_t edit = { "message.edited", may_edit, edit_apply, edit_tell };
static const change_kind_t delete = { "message.deleted", may_delete, delete_apply, who_json };
static const change_kind_t pin = { "message.pinned", may_pin, pin_apply, pin_tell };

/* ---- Store thread ---- */

static db_status_t change_run(db_t *db, change_t *change)
{
    message_t *m = &change->message;
    apr_pool_t *pool = change->req->pool;
    salon_rows_t rows;
    db_status_t status = db_runf(db, pool, &rows,
                                 "SELECT deleted FROM messages WHERE id = %ld", (long)m->id);
    if (status != DB_OK) return status;
    change->gone = rows.count == 0 || salon_rows_integer(&rows, 0, 0) != 0;
    if (change->gone) return DB_OK;
    status = db_runf(db, pool, NULL,
                     "UPDATE timelines SET seq = seq + 1, message_count = message_count - %d"
                     " WHERE id = %ld", m->deleted ? 1 : 0, (long)m->timeline_id);
    if (status == DB_OK)
        status = db_runf(db, pool, &rows, "SELECT seq FROM timelines WHERE id = %ld",
                         (long)m->timeline_id);
    if (status != DB_OK || rows.count == 0) return status == DB_OK ? DB_FAILED : status;
    m->changed_seq = salon_rows_integer(&rows, 0, 0);
    return db_runf(db, pool, NULL,
                   "UPDATE messages SET changed_seq = %ld, content = %s, mentions = %s,"
                   " edited_at = %ld, pinned = %d, deleted = %d WHERE id = %ld",
                   (long)m->changed_seq, m->content, m->mentions, (long)m->edited_at, m->pinned,
                   m->deleted, (long)m->id);
}

static db_status_t changes_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count,
                               bool again)
{
    (void)pool, (void)again; /* done twice is as good as once, but for a position */
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++) status = change_run(db, (change_t *)jobs[i]);
    return status;
}

static const store_class_t change_class = { "change", changes_run };

/* ---- Chat thread ---- */

static salon_outcome_t changed(change_t *change, salon_timeline_t *timeline)
{
    salon_req_t *req = change->req;
    timeline_changed(timeline, &change->message);
    json_object *json = change->kind->tell(req, timeline, &change->message);
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    salon_publish(timeline_topic(timeline), change->kind->event, json);
    return outcome;
}

static salon_outcome_t change_outcome(change_t *change)
{
    salon_timeline_t *timeline = timeline_find(change->message.timeline_id);
    if (change->job.status != DB_OK) return statement_failed(change->req, change->job.status);
    if (change->gone || timeline == NULL) return salon_fail(change->req, SALON_MESSAGE_NOT_FOUND);
    return changed(change, timeline);
}

static void change_done(store_job_t *job)
{
    change_t *change = (change_t *)job;
    request_outcome(change->req, change_outcome(change));
}

/* The message is known: may it be changed? */
static salon_outcome_t change_message(change_t *change)
{
    salon_req_t *req = change->req;
    salon_timeline_t *timeline = timeline_find(change->message.timeline_id);
    if (timeline == NULL || change->message.deleted)
        return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    if (!change->kind->may(&req->user->shown, &change->message, timeline_topic(timeline)))
        return salon_fail(req, SALON_DENIED);
    change->kind->apply(req, &change->message);
    if (timeline->volatile_) {
        change->message.changed_seq = timeline->info.seq + 1;
        return changed(change, timeline);
    }
    change->job.class = &change_class;
    change->job.done = change_done;
    return store_push(server.store, &change->job) ? request_pending()
                                                  : salon_fail(req, SALON_UNAVAILABLE);
}

static bool is_expected(const change_t *change)
{
    return change->expected_timeline == 0 ||
           change->expected_timeline == change->message.timeline_id;
}

static salon_outcome_t message_read(salon_req_t *req, const salon_rows_t *rows)
{
    change_t *change = req->data;
    if (rows->count == 0) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    message_of_row(rows, 0, &change->message);
    return is_expected(change) ? change_message(change) : salon_fail(req, SALON_MESSAGE_NOT_FOUND);
}

/* What is in memory may be replaced by this very change, so its strings are copied. */
static void message_borrow(apr_pool_t *pool, const message_t *from, message_t *message_r)
{
    *message_r = *from;
    message_r->content = apr_pstrdup(pool, from->content);
    message_r->mentions = apr_pstrdup(pool, from->mentions);
    message_r->client_key = apr_pstrdup(pool, from->client_key);
}

static salon_outcome_t change_begin(salon_req_t *req, salon_timeline_t *timeline,
                                    const change_kind_t *kind)
{
    apr_int64_t id = salon_arg_integer(req, "message_id", 0);
    change_t *change = apr_pcalloc(req->pool, sizeof(*change));
    change->req = req;
    change->kind = kind;
    change->expected_timeline = timeline != NULL ? timeline->id : 0;
    req->data = change;
    if (timeline == NULL) timeline = timeline_volatile_with(id);
    int index = timeline != NULL && timeline->volatile_ ? timeline_index(timeline, id) : -1;
    if (index >= 0) {
        message_borrow(req->pool, timeline->recent[index], &change->message);
        return change_message(change);
    }
    salon_sql(req, "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = %ld", (long)id);
    return salon_query(req, message_read);
}

salon_outcome_t salon_timeline_edit(salon_req_t *req, salon_timeline_t *timeline)
{
    return change_begin(req, timeline, &edit);
}

salon_outcome_t salon_timeline_delete(salon_req_t *req, salon_timeline_t *timeline)
{
    return change_begin(req, timeline, &delete);
}

salon_outcome_t salon_timeline_pin(salon_req_t *req, salon_timeline_t *timeline)
{
    return change_begin(req, timeline, &pin);
}
