/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing, deleting, pinning and marking: one way for all.  The message is read, permission is
 * asked; one transaction reads it again, changes it, moves the timeline's position and stamps the
 * message; then memory follows and everybody is told.
 */
#include "hooks.h"
#include "marks.h"
#include "position.h"
#include "server.h"
#include "statement.h"
#include "timeline.h"

typedef struct change_t change_t;

/* What the changes differ in. */
typedef struct {
    const char *event;   /* NULL: the mark's kind says */
    const char *audited; /* the act's name, for those who look it up later; NULL: not recorded */
    const char *(*may_not)(const salon_user_t *user, const message_t *message, salon_topic_t topic);
    /* Store thread, or chat thread where nothing is stored.  False: it is so already. */
    bool (*apply)(change_t *change, message_t *message);
    json_object *(*tell)(const change_t *change, const salon_timeline_t *timeline);
} change_kind_t;

struct change_t {
    store_job_t job; /* first */
    salon_req_t *req;
    const change_kind_t *kind;
    apr_int64_t expected_timeline; /* 0: any */
    message_t message;             /* as it was read, then as it has become */
    bool gone, unchanged, refused;
    /* what is wanted */
    const char *content, *mentions;
    apr_int64_t now;
    bool pinned, mark_add;
    const salon_mark_kind_t *mark;
    const char *value;
    apr_int64_t mark_id; /* of the event that tells of an added one; 0: none */
};

/* ---- Who may ---- */

static const char *may_not_edit(const salon_user_t *user, const message_t *message,
                                salon_topic_t topic)
{
    return message->author_id == user->id ? salon_may_not(user, "send", topic) : SALON_DENIED;
}

static const char *may_not_delete(const salon_user_t *user, const message_t *message,
                                  salon_topic_t topic)
{
    if (may_not_edit(user, message, topic) == NULL) return NULL;
    return salon_may_not(user, "moderate", topic);
}

static const char *may_not_pin(const salon_user_t *user, const message_t *message,
                               salon_topic_t topic)
{
    (void)message;
    return salon_may_not(user, "pin", topic);
}

static const char *may_not_mark(const salon_user_t *user, const message_t *message,
                                salon_topic_t topic)
{
    (void)message;
    return salon_may_not(user, "react", topic);
}

/* ---- What becomes of the message ---- */

static bool edit_apply(change_t *change, message_t *message)
{
    message->content = change->content;
    message->mentions = change->mentions;
    message->edited_at = change->now;
    return true;
}

static bool delete_apply(change_t *change, message_t *message)
{
    (void)change;
    message->content = "";
    message->mentions = NULL;
    message->marks = NULL;
    message->attachment = NULL;
    message->pinned = false;
    message->deleted = true;
    return true;
}

static bool pin_apply(change_t *change, message_t *message)
{
    message->pinned = change->pinned;
    return true;
}

static bool mark_apply(change_t *change, message_t *message)
{
    marks_outcome_t outcome =
        marks_change(change->req->pool, message->marks, change->mark, change->value,
                     change->req->user->shown.id, change->mark_add, &message->marks);
    change->refused = outcome == MARKS_TOO_MANY;
    return outcome == MARKS_CHANGED;
}

/* ---- What is told ---- */

static json_object *edit_tell(const change_t *change, const salon_timeline_t *timeline)
{
    return timeline_json(timeline, &change->message);
}

static json_object *who_tell(const change_t *change, const salon_timeline_t *timeline)
{
    const salon_user_t *user = &change->req->user->shown;
    json_object *json = salon_json_integer(salon_json(), "message_id", change->message.id);
    salon_json_value(json, timeline->kind->member, timeline->kind->describe(timeline->owner_id));
    salon_json_integer(json, "user_id", user->id);
    salon_json_string(json, "username", user->name);
    return salon_json_integer(json, "at", change->now);
}

static json_object *pin_tell(const change_t *change, const salon_timeline_t *timeline)
{
    return salon_json_boolean(who_tell(change, timeline), "pinned", change->message.pinned);
}

static json_object *mark_tell(const change_t *change, const salon_timeline_t *timeline)
{
    json_object *json = salon_json_string(who_tell(change, timeline), "value", change->value);
    if (change->mark_id != 0 && !change->unchanged) salon_json_integer(json, "id", change->mark_id);
    return json;
}

static const change_kind_t edit = { "message.edited", NULL, may_not_edit, edit_apply, edit_tell };
static const change_kind_t delete = { "message.deleted", "message.delete", may_not_delete,
                                      delete_apply, who_tell };
static const change_kind_t pin = { "message.pinned", "message.pin", may_not_pin, pin_apply,
                                   pin_tell };
static const change_kind_t mark = { NULL, NULL, may_not_mark, mark_apply, mark_tell };

/* ---- Store thread ---- */

static db_status_t message_select(db_t *db, change_t *change)
{
    salon_rows_t rows;
    db_status_t status =
        db_runf(db, change->req->pool, &rows, MESSAGE_BY_ID, (long)change->message.id);
    if (status == DB_OK && rows.count == 1) message_of_row(&rows, 0, &change->message);
    change->gone = status == DB_OK && (rows.count == 0 || change->message.deleted);
    return status;
}

/* Of a timeline that has been removed, the message may still be there. */
static db_status_t position_next(db_t *db, apr_pool_t *pool, change_t *change)
{
    salon_rows_t rows;
    message_t *message = &change->message;
    db_status_t status = db_runf(db, pool, NULL,
                                 "UPDATE timelines SET seq = seq + 1, message_count ="
                                 " message_count - %d WHERE id = %ld",
                                 message->deleted ? 1 : 0, (long)message->timeline_id);
    if (status == DB_OK)
        status = db_runf(db, pool, &rows, "SELECT seq FROM timelines WHERE id = %ld",
                         (long)message->timeline_id);
    change->gone = status == DB_OK && rows.count == 0;
    if (status != DB_OK || change->gone) return status;
    message->changed_seq = salon_rows_integer(&rows, 0, 0);
    position_note(message->timeline_id, message->changed_seq);
    return DB_OK;
}

static db_status_t message_update(db_t *db, apr_pool_t *pool, const message_t *m)
{
    return db_runf(db, pool, NULL,
                   "UPDATE messages SET changed_seq = %ld, content = %s, mentions = %s,"
                   " edited_at = %ld, pinned = %d, deleted = %d, marks = %s, attachment = %s"
                   " WHERE id = %ld",
                   (long)m->changed_seq, m->content, m->mentions, (long)m->edited_at, m->pinned,
                   m->deleted, m->marks, m->attachment, (long)m->id);
}

static db_status_t reply_uncount(db_t *db, apr_pool_t *pool, const message_t *m)
{
    if (!m->deleted || m->parent_id == 0) return DB_OK;
    return db_runf(db, pool, NULL,
                   "UPDATE messages SET reply_count = reply_count - 1 WHERE id = %ld",
                   (long)m->parent_id);
}

static db_status_t change_run(db_t *db, change_t *change)
{
    apr_pool_t *pool = change->req->pool;
    db_status_t status = message_select(db, change);
    if (status != DB_OK || change->gone) return status;
    change->unchanged = !change->kind->apply(change, &change->message);
    if (change->unchanged) return DB_OK;
    status = position_next(db, pool, change);
    if (status != DB_OK || change->gone) return status;
    status = message_update(db, pool, &change->message);
    return status == DB_OK ? reply_uncount(db, pool, &change->message) : status;
}

static db_status_t changes_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    (void)pool;
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++) status = change_run(db, (change_t *)jobs[i]);
    return status;
}

static const store_class_t change_class = { "change", changes_run };

/* ---- Chat thread ---- */

static void act_report(const change_t *change, salon_topic_t topic)
{
    const salon_user_t *user = &change->req->user->shown;
    const char *action = change->kind->audited;
    bool is_own = change->message.author_id == user->id;
    if (action == NULL || (change->kind == &delete && is_own)) return;
    salon_acted(&(salon_act_t){ .action = action,
                                .actor = user,
                                .topic = topic,
                                .target_user_id = change->message.author_id,
                                .message_id = change->message.id,
                                .details = change->kind == &pin
                                               ? salon_json_boolean(salon_json(), "pinned",
                                                                    change->message.pinned)
                                               : NULL });
}

static const char *event_of(const change_t *change)
{
    if (change->kind->event != NULL) return change->kind->event;
    return change->mark_add ? change->mark->added : change->mark->removed;
}

static salon_outcome_t changed(change_t *change, salon_timeline_t *timeline)
{
    salon_req_t *req = change->req;
    json_object *json = change->kind->tell(change, timeline);
    if (change->unchanged) return salon_reply(req, json);
    timeline_changed(timeline, &change->message);
    salon_outcome_t outcome = timeline_answer(req, timeline, event_of(change), json);
    act_report(change, timeline_topic(timeline));
    if (change->kind == &delete) hooks_unsaid(timeline_topic(timeline), change->message.id);
    return outcome;
}

static salon_outcome_t change_outcome(change_t *change)
{
    salon_timeline_t *timeline = timeline_find(change->message.timeline_id);
    if (change->job.status != DB_OK) return statement_failed(change->req, change->job.status);
    if (change->gone || timeline == NULL) return salon_fail(change->req, SALON_MESSAGE_NOT_FOUND);
    if (change->refused) return salon_fail(change->req, SALON_TOO_MANY_MARKS);
    return changed(change, timeline);
}

static void change_done(store_job_t *job)
{
    change_t *change = (change_t *)job;
    request_outcome(change->req, change_outcome(change));
}

static salon_outcome_t change_volatile(change_t *change, const salon_timeline_t *timeline)
{
    change->unchanged = !change->kind->apply(change, &change->message);
    change->message.changed_seq = timeline->info.seq + 1;
    return change_outcome(change);
}

static salon_outcome_t change_store(change_t *change)
{
    change->job.class = &change_class;
    change->job.done = change_done;
    change->job.size = sizeof(*change);
    return store_push(server.store, &change->job) ? request_pending()
                                                  : salon_fail(change->req, SALON_UNAVAILABLE);
}

/* The message is known: may it be changed? */
static salon_outcome_t change_message(change_t *change)
{
    salon_req_t *req = change->req;
    const message_t *message = &change->message;
    salon_timeline_t *timeline = timeline_find(message->timeline_id);
    if (timeline == NULL || message->deleted ||
        (change->expected_timeline != 0 && change->expected_timeline != message->timeline_id))
        return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    const char *code =
        change->kind->may_not(&req->user->shown, message, timeline_topic(timeline));
    if (code != NULL) return salon_fail(req, code);
    if (change->kind == &edit) {
        salon_outcome_t refused = hooks_say(req, timeline_topic(timeline), &change->content);
        if (refused.kind != 0) return refused;
        change->mentions = message_mentions(req->pool, change->content);
    }
    return timeline->volatile_ ? change_volatile(change, timeline) : change_store(change);
}

static change_t *change_of(salon_req_t *req)
{
    return req->data;
}

static salon_outcome_t message_read(salon_req_t *req, const salon_rows_t *rows)
{
    change_t *change = change_of(req);
    if (rows->count == 0) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    message_of_row(rows, 0, &change->message);
    return change_message(change);
}

/* What is in memory may be replaced by this very change, so its strings are copied. */
static bool message_in_memory(salon_req_t *req, salon_timeline_t *timeline, message_t *message_r)
{
    apr_int64_t id = salon_arg_integer(req, "message_id", 0);
    if (timeline == NULL) timeline = timeline_volatile_with(id);
    int index = timeline != NULL && timeline->volatile_ ? timeline_index(timeline, id) : -1;
    if (index >= 0) message_copy_to(req->pool, timeline->recent[index], message_r);
    return index >= 0;
}

static void message_query(salon_req_t *req)
{
    salon_sql(req, MESSAGE_BY_ID, (long)salon_arg_integer(req, "message_id", 0));
}

static change_t *change_make(salon_req_t *req, const change_kind_t *kind)
{
    change_t *change = apr_pcalloc(req->pool, sizeof(*change));
    change->req = req;
    change->kind = kind;
    change->now = salon_now();
    req->data = change;
    return change;
}

static salon_outcome_t change_begin(change_t *change, salon_timeline_t *timeline)
{
    salon_req_t *req = change->req;
    change->expected_timeline = timeline != NULL ? timeline->id : 0;
    if (message_in_memory(req, timeline, &change->message)) return change_message(change);
    message_query(req);
    return salon_query(req, message_read);
}

salon_outcome_t salon_timeline_edit(salon_req_t *req, salon_timeline_t *timeline)
{
    change_t *change = change_make(req, &edit);
    change->content = salon_arg_string(req, "content");
    return change_begin(change, timeline);
}

salon_outcome_t salon_timeline_delete(salon_req_t *req, salon_timeline_t *timeline)
{
    return change_begin(change_make(req, &delete), timeline);
}

salon_outcome_t salon_timeline_pin(salon_req_t *req, salon_timeline_t *timeline)
{
    change_t *change = change_make(req, &pin);
    change->pinned = salon_arg_boolean(req, "pin", true);
    return change_begin(change, timeline);
}

salon_outcome_t salon_mark(salon_req_t *req, const salon_mark_kind_t *kind, const char *value,
                           bool add, const salon_topic_t *where)
{
    change_t *change = change_make(req, &mark);
    salon_timeline_t *timeline = where != NULL ? timeline_of_topic(*where) : NULL;
    if (where != NULL && timeline == NULL) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    change->mark = kind;
    change->value = value;
    change->mark_add = add;
    change->mark_id = add ? salon_next_id("message") : 0;
    if (add && change->mark_id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    return change_begin(change, timeline);
}

/* ---- Looking at a message ---- */

/* What the request carried before comes back when the message is there. */
typedef struct {
    salon_message_found_t *found;
    void *data;
} look_t;

static salon_outcome_t look_at(salon_req_t *req, const message_t *message)
{
    const look_t *look = req->data;
    const salon_timeline_t *timeline = timeline_find(message->timeline_id);
    if (timeline == NULL || message->deleted) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    const char *code = salon_may_not(&req->user->shown, "read", timeline_topic(timeline));
    if (code != NULL) return salon_fail(req, code);
    req->data = look->data;
    json_object *form = message_json(message);
    salon_outcome_t outcome = look->found(req, timeline_topic(timeline), form);
    json_object_put(form);
    return outcome;
}

static salon_outcome_t look_read(salon_req_t *req, const salon_rows_t *rows)
{
    message_t message;
    if (rows->count == 0) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    message_of_row(rows, 0, &message);
    return look_at(req, &message);
}

salon_outcome_t salon_message_find(salon_req_t *req, salon_message_found_t *found)
{
    message_t message;
    look_t *look = apr_palloc(req->pool, sizeof(*look));
    *look = (look_t){ .found = found, .data = req->data };
    req->data = look;
    if (message_in_memory(req, NULL, &message)) return look_at(req, &message);
    message_query(req);
    return salon_query(req, look_read);
}

static salon_outcome_t marks_reply(salon_req_t *req, salon_topic_t topic, json_object *message)
{
    const salon_mark_kind_t *kind = req->data;
    json_object *json = salon_describe(topic);
    salon_json_value(json, "message_id", json_object_get(json_object_object_get(message, "id")));
    salon_json_value(json, kind->name,
                     json_object_get(json_object_object_get(message, kind->name)));
    return salon_reply(req, json);
}

salon_outcome_t salon_marks(salon_req_t *req, const salon_mark_kind_t *kind)
{
    req->data = (void *)kind;
    return salon_message_find(req, marks_reply);
}
