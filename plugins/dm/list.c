/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody sees of their conversations: with whom, what was said last, how much is unread.
 * Which ones, and in which order, is the database's to say; the figures of all come with one more
 * question to it.
 */
#include <apr_tables.h>

#include "dm.h"

#define LIMIT_DEFAULT 50
#define PER_ROW       2 /* statements */

/* What is asked about: conversations by id, for they may be deleted meanwhile. */
typedef struct {
    apr_array_header_t *ids; /* apr_int64_t */
    bool single;             /* the answer is one row, not a list */
} asked_t;

static json_object *other_json(conversation_t *conversation, apr_int64_t user_id)
{
    apr_int64_t other_id = conversation_other(conversation, user_id)->user_id;
    const salon_user_t *other = salon_user_by_id(other_id);
    salon_appearance_t appearance = { 0 };
    if (other != NULL) appearance = salon_user_appearance(other);
    json_object *json = salon_json_user(salon_json(), "user_id", "username", other_id);
    salon_json_boolean(json, "is_online", appearance.online);
    return salon_json_integer(json, "last_seen", appearance.last_seen);
}

/* rows: what the statements of row_sql gave. */
static json_object *row_json(conversation_t *conversation, apr_int64_t user_id,
                             const salon_rows_t *rows)
{
    json_object *json =
        salon_json_value(salon_json(), "conversation", conversation_json(conversation));
    salon_json_value(json, "other", other_json(conversation, user_id));
    salon_json_value(json, "last_message", salon_timeline_last_json(&rows[0]));
    return salon_json_integer(json, "unread_count", salon_rows_integer(&rows[1], 0, 0));
}

static void row_sql(salon_req_t *req, conversation_t *conversation, apr_int64_t user_id)
{
    const person_t *person = conversation_person(conversation, user_id);
    salon_timeline_sql_last(req, &conversation_timeline, conversation->id);
    salon_timeline_sql_unread(req, &conversation_timeline, conversation->id, person->read_seq,
                              user_id);
}

static salon_outcome_t list_reply(salon_req_t *req, json_object *list)
{
    return salon_reply(req, salon_json_value(salon_json(), "conversations", list));
}

static salon_outcome_t counted(salon_req_t *req, const salon_rows_t *rows)
{
    const asked_t *asked = salon_req_data(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    json_object *list = json_object_new_array();
    for (int i = 0; i < asked->ids->nelts; i++) {
        conversation_t *conversation =
            conversation_find(APR_ARRAY_IDX(asked->ids, i, apr_int64_t));
        if (conversation == NULL) continue;
        json_object *row = row_json(conversation, user_id, &rows[PER_ROW * i]);
        json_object_array_add(list, row);
    }
    if (!asked->single) return list_reply(req, list);
    json_object *row = json_object_get(json_object_array_get_idx(list, 0));
    json_object_put(list);
    return row != NULL ? salon_reply(req, row) : salon_fail(req, DM_NOT_FOUND);
}

static asked_t *asked_make(salon_req_t *req, bool single)
{
    asked_t *asked = apr_palloc(salon_req_pool(req), sizeof(*asked));
    *asked = (asked_t){ .ids = apr_array_make(salon_req_pool(req), 8, sizeof(apr_int64_t)),
                        .single = single };
    salon_req_set_data(req, asked);
    return asked;
}

static void ask_about(salon_req_t *req, asked_t *asked, conversation_t *conversation)
{
    APR_ARRAY_PUSH(asked->ids, apr_int64_t) = conversation->id;
    row_sql(req, conversation, salon_req_user(req)->id);
}

static salon_outcome_t chosen(salon_req_t *req, const salon_rows_t *rows)
{
    asked_t *asked = asked_make(req, false);
    for (int i = 0; i < rows->count; i++) {
        conversation_t *conversation = conversation_find(salon_rows_integer(rows, i, 0));
        if (conversation != NULL) ask_about(req, asked, conversation);
    }
    if (asked->ids->nelts == 0) return list_reply(req, json_object_new_array());
    return salon_query(req, counted);
}

salon_outcome_t dm_list(salon_req_t *req)
{
    salon_sql(req,
              "SELECT c.id FROM dm_persons p, dm_conversations c WHERE p.user_id = %ld"
              " AND c.id = p.conversation_id ORDER BY c.active_at DESC, c.id DESC LIMIT %d",
              (long)salon_req_user(req)->id,
              (int)salon_arg_integer(req, "limit", LIMIT_DEFAULT));
    return salon_query(req, chosen);
}

salon_outcome_t dm_get(salon_req_t *req)
{
    ask_about(req, asked_make(req, true), dm_of(req));
    return salon_query(req, counted);
}
