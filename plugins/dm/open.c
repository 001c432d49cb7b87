/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a conversation.  While one is being stored, others who want the same wait for it behind
 * it in the writer's queue, and then find it: so there is one for each pair, whoever asks, and what
 * is sent meanwhile keeps its order.
 */
#include <assert.h>

#include "dm.h"

#define OPENING "dm opening"

/* What one request wants. */
typedef struct {
    salon_handler_t *next;
    apr_int64_t id, user1_id, user2_id, at;
    bool created;
} wanted_t;

static pair_t wanted_pair(const wanted_t *wanted)
{
    return conversation_pair(wanted->user1_id, wanted->user2_id);
}

/* Is it being made, or is somebody on their way to it who has waited for that? */
static bool is_being_opened(const wanted_t *wanted)
{
    pair_t pair = wanted_pair(wanted);
    return salon_intended(OPENING, "%ld:%ld", (long)pair.low, (long)pair.high);
}

static void opening_join(salon_req_t *req, const wanted_t *wanted)
{
    pair_t pair = wanted_pair(wanted);
    salon_intend(req, OPENING, "%ld:%ld", (long)pair.low, (long)pair.high);
}

static salon_outcome_t go_on(salon_req_t *req, const wanted_t *wanted)
{
    salon_intend_no_more(req);
    return wanted->next(req);
}

/* ---- Making one ---- */

static void opened_tell(const conversation_t *conversation)
{
    for (int i = 0; i < 2; i++) {
        apr_int64_t user_id = conversation->persons[i].user_id;
        json_object *ids = json_object_new_array_ext(2);
        json_object_array_add(ids, json_object_new_int64(conversation->persons[0].user_id));
        json_object_array_add(ids, json_object_new_int64(conversation->persons[1].user_id));
        json_object *json =
            salon_json_value(salon_json(), "conversation", conversation_json(conversation));
        salon_json_value(json, "user_ids", ids);
        salon_json_integer(json, "user_id", user_id);
        salon_json_integer(json, "other_user_id", conversation->persons[!i].user_id);
        salon_publish(SALON_TOPIC("user", user_id), "dm.opened", json);
    }
}

static salon_outcome_t created(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    wanted_t *wanted = salon_req_data(req);
    conversation_t *conversation =
        conversation_add(wanted->id, wanted->user1_id, wanted->user2_id, wanted->at);
    wanted->created = true;
    salon_outcome_t outcome = go_on(req, wanted);
    opened_tell(conversation);
    return outcome;
}

static void person_insert(salon_req_t *req, const wanted_t *wanted, apr_int64_t user_id)
{
    salon_sql(req,
              "INSERT INTO dm_persons (conversation_id, user_id, blocked_at, read_seq)"
              " VALUES (%ld, %ld, 0, 0)",
              (long)wanted->id, (long)user_id);
}

static salon_outcome_t create(salon_req_t *req, wanted_t *wanted)
{
    pair_t pair = wanted_pair(wanted);
    wanted->id = salon_next_id("dm");
    wanted->at = dm_moment();
    if (wanted->id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    salon_sql(req,
              "INSERT INTO dm_conversations"
              " (id, user1_id, user2_id, low_id, high_id, created_at, active_at)"
              " VALUES (%ld, %ld, %ld, %ld, %ld, %ld, %ld)",
              (long)wanted->id, (long)wanted->user1_id, (long)wanted->user2_id, (long)pair.low,
              (long)pair.high, (long)wanted->at, (long)wanted->at);
    person_insert(req, wanted, wanted->user1_id);
    person_insert(req, wanted, wanted->user2_id);
    salon_timeline_sql_add(req, &conversation_timeline, wanted->id);
    return salon_store(req, created);
}

/* It is there now, unless the database has refused it. */
static salon_outcome_t waited(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const wanted_t *wanted = salon_req_data(req);
    if (conversation_between(wanted_pair(wanted)) == NULL)
        return salon_fail(req, SALON_UNAVAILABLE);
    return go_on(req, wanted);
}

static salon_outcome_t wait_for(salon_req_t *req, const wanted_t *wanted)
{
    pair_t pair = wanted_pair(wanted);
    salon_sql(req, "SELECT id FROM dm_conversations WHERE low_id = %ld AND high_id = %ld",
              (long)pair.low, (long)pair.high);
    return salon_store(req, waited);
}

/* ---- Who may ---- */

static bool is_one_of(const salon_user_t *user, const wanted_t *wanted)
{
    return (user->id == wanted->user1_id) != (user->id == wanted->user2_id);
}

/* NULL: they may begin to talk with each other. */
static const char *may_not_begin(const salon_user_t *user, const wanted_t *wanted)
{
    apr_int64_t other_id = user->id == wanted->user1_id ? wanted->user2_id : wanted->user1_id;
    if (salon_user_by_id(other_id) == NULL) return SALON_USER_NOT_FOUND;
    return salon_may_not(user, "dm", SALON_TOPIC("user", other_id));
}

static salon_outcome_t begin(salon_req_t *req, wanted_t *wanted)
{
    const char *code = may_not_begin(salon_req_user(req), wanted);
    if (code != NULL) return salon_fail(req, code);
    opening_join(req, wanted);
    return create(req, wanted);
}

salon_outcome_t dm_open_then(salon_req_t *req, apr_int64_t user1_id, apr_int64_t user2_id,
                             salon_handler_t *next)
{
    wanted_t *wanted = apr_pcalloc(salon_req_pool(req), sizeof(*wanted));
    *wanted = (wanted_t){ .next = next, .user1_id = user1_id, .user2_id = user2_id };
    salon_req_set_data(req, wanted);
    if (!is_one_of(salon_req_user(req), wanted)) return salon_fail(req, SALON_DENIED);
    if (is_being_opened(wanted)) {
        opening_join(req, wanted);
        return wait_for(req, wanted);
    }
    return conversation_between(wanted_pair(wanted)) != NULL ? next(req) : begin(req, wanted);
}

/* ---- The operation ---- */

static salon_outcome_t open_reply(salon_req_t *req)
{
    const wanted_t *wanted = salon_req_data(req);
    const conversation_t *conversation = conversation_between(wanted_pair(wanted));
    assert(conversation != NULL);
    json_object *json =
        salon_json_value(salon_json(), "conversation", conversation_json(conversation));
    return salon_reply(req, salon_json_boolean(json, "created", wanted->created));
}

salon_outcome_t dm_open(salon_req_t *req)
{
    apr_int64_t user_id = salon_arg_integer(req, "user_id", 0);
    apr_int64_t user1_id = salon_arg_integer(req, "user1_id", 0);
    apr_int64_t user2_id = salon_arg_integer(req, "user2_id", 0);
    if (user_id != 0)
        return dm_open_then(req, salon_req_user(req)->id, user_id, open_reply);
    if (user1_id == 0 && user2_id == 0) return salon_fail_argument(req, "user_id|user1_id");
    if (user1_id == 0 || user2_id == 0)
        return salon_fail_argument(req, user1_id == 0 ? "user1_id" : "user2_id");
    return dm_open_then(req, user1_id, user2_id, open_reply);
}
