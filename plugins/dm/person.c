/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each of the two does with a conversation for themselves: block it, and read it.
 */
#include <sys/param.h>

#include "dm.h"

#define BLOCKING "dm blocking"

/* ---- Blocking ---- */

static json_object *block_json(const conversation_t *conversation)
{
    apr_int64_t by = conversation_blocked_by(conversation);
    json_object *json =
        salon_json_value(salon_json(), "conversation", conversation_json(conversation));
    salon_json_boolean(json, "is_blocked", by != 0);
    return salon_json_optional(json, "blocked_by", by);
}

/* What is said while a block is being stored would be heard after it. */
bool dm_is_blocked(const conversation_t *conversation)
{
    return conversation_blocked_by(conversation) != 0 ||
           salon_intended(BLOCKING, "%ld", (long)conversation->id);
}

static salon_outcome_t blocked(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const apr_int64_t *blocked_at = salon_req_data(req); /* 0: no longer */
    conversation_t *conversation = conversation_find(salon_req_topic(req).id);
    if (conversation == NULL) return dm_none(req);
    conversation_person(conversation, salon_req_user(req)->id)->blocked_at = *blocked_at;
    json_object *json = block_json(conversation);
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    conversation_publish(conversation, "dm.blocked", json);
    return outcome;
}

salon_outcome_t dm_block(salon_req_t *req)
{
    conversation_t *conversation = dm_of(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    const person_t *person = conversation_person(conversation, user_id);
    bool add = salon_arg_boolean(req, "block", true);
    if (!add && person->blocked_at == 0 && conversation_blocked_by(conversation) != 0)
        return salon_fail(req, SALON_DENIED);
    apr_int64_t *blocked_at = apr_pcalloc(salon_req_pool(req), sizeof(*blocked_at));
    if (add) *blocked_at = person->blocked_at != 0 ? person->blocked_at : dm_moment();
    if (add) salon_intend(req, BLOCKING, "%ld", (long)conversation->id);
    salon_req_set_data(req, blocked_at);
    salon_sql(req,
              "UPDATE dm_persons SET blocked_at = %ld"
              " WHERE conversation_id = %ld AND user_id = %ld",
              (long)*blocked_at, (long)conversation->id, (long)user_id);
    return salon_store(req, blocked);
}

/* ---- Reading ---- */

typedef struct {
    apr_int64_t message_id; /* 0: there is none */
    apr_int64_t seq;
} reading_t;

static json_object *reading_json(const conversation_t *conversation, const person_t *person,
                                 apr_int64_t message_id)
{
    json_object *json =
        salon_json_value(salon_json(), "conversation", conversation_json(conversation));
    salon_json_integer(json, "user_id", person->user_id);
    salon_json_integer(json, "seq", person->read_seq);
    return salon_json_optional(json, "message_id", message_id);
}

static salon_outcome_t reading_reply(salon_req_t *req)
{
    const reading_t *reading = salon_req_data(req);
    conversation_t *conversation = conversation_find(salon_req_topic(req).id);
    if (conversation == NULL) return dm_none(req);
    person_t *person = conversation_person(conversation, salon_req_user(req)->id);
    person->read_seq = MAX(person->read_seq, reading->seq);
    json_object *json = reading_json(conversation, person, reading->message_id);
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    conversation_publish(conversation, "dm.read", json);
    return outcome;
}

static salon_outcome_t stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    return reading_reply(req);
}

/* The position never goes back: an older message has been read as well. */
static salon_outcome_t reading_store(salon_req_t *req, conversation_t *conversation,
                                     apr_int64_t seq, apr_int64_t message_id)
{
    apr_int64_t user_id = salon_req_user(req)->id;
    reading_t *reading = apr_palloc(salon_req_pool(req), sizeof(*reading));
    *reading = (reading_t){ message_id, seq };
    salon_req_set_data(req, reading);
    if (seq <= conversation_person(conversation, user_id)->read_seq) return reading_reply(req);
    salon_sql(req,
              "UPDATE dm_persons SET read_seq = %ld WHERE conversation_id = %ld AND user_id = %ld"
              " AND read_seq < %ld",
              (long)seq, (long)conversation->id, (long)user_id, (long)seq);
    return salon_store(req, stored);
}

static salon_outcome_t newest_known(salon_req_t *req)
{
    conversation_t *conversation = dm_of(req);
    if (conversation == NULL) return dm_none(req);
    const salon_timeline_info_t *info = salon_timeline_info(conversation->timeline);
    return reading_store(req, conversation, info->seq, info->last_message_id);
}

static salon_outcome_t position_known(salon_req_t *req, const salon_rows_t *rows)
{
    conversation_t *conversation = dm_of(req);
    if (conversation == NULL) return dm_none(req);
    if (rows->count == 0) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    return reading_store(req, conversation, salon_rows_integer(rows, 0, 0),
                         salon_arg_integer(req, "message_id", 0));
}

salon_outcome_t dm_read(salon_req_t *req)
{
    const conversation_t *conversation = dm_of(req);
    apr_int64_t message_id = salon_arg_integer(req, "message_id", 0);
    if (message_id == 0) return salon_timeline_load(req, conversation->timeline, newest_known);
    salon_timeline_sql_position(req, &conversation_timeline, conversation->id, message_id);
    return salon_query(req, position_known);
}

void dm_has_read(conversation_t *conversation, apr_int64_t user_id)
{
    const salon_timeline_info_t *info = salon_timeline_info(conversation->timeline);
    person_t *person = conversation_person(conversation, user_id);
    if (info->seq <= person->read_seq) return;
    person->read_seq = info->seq;
    salon_write("UPDATE dm_persons SET read_seq = %ld WHERE conversation_id = %ld AND user_id = %ld"
                " AND read_seq < %ld",
                (long)info->seq, (long)conversation->id, (long)user_id, (long)info->seq);
    conversation_publish(conversation, "dm.read",
                         reading_json(conversation, person, info->last_message_id));
}
