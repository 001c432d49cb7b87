/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct messages: two people and one conversation, which either can open, block or delete.  Nobody
 * joins it: what happens in it is told to both on all their connections.
 *
 * Operations: dm.open, dm.get, dm.list, dm.send, dm.history, dm.pin, dm.read, dm.block, dm.delete.
 * A conversation is named by its id, or by the other person's.
 * Events: dm.opened, dm.blocked, dm.read, dm.deleted; and those of messages (core), with the member
 * "conversation": id, user1_id, user2_id, is_blocked, blocked_by, created_at.
 */
#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>

#include "dm.h"

apr_int64_t dm_moment(void)
{
    static apr_int64_t last;
    last = MAX(salon_now(), last + 1);
    return last;
}

/* ---- The conversation that a request is about ---- */

conversation_t *dm_of(const salon_req_t *req)
{
    apr_int64_t id = salon_arg_integer(req, "conversation_id", 0);
    apr_int64_t user_id = salon_req_user(req)->id;
    pair_t pair = conversation_pair(user_id, salon_arg_integer(req, "user_id", 0));
    conversation_t *conversation = id != 0 ? conversation_find(id) : conversation_between(pair);
    bool is_in = conversation != NULL && conversation_person(conversation, user_id) != NULL;
    return is_in ? conversation : NULL;
}

salon_outcome_t dm_none(salon_req_t *req)
{
    apr_int64_t user_id = salon_arg_integer(req, "user_id", 0);
    if (salon_arg(req, "conversation_id") != NULL) return salon_fail(req, DM_NOT_FOUND);
    if (user_id == 0) return salon_fail_argument(req, "conversation_id|user_id");
    return salon_fail(req, salon_user_by_id(user_id) != NULL ? DM_NOT_FOUND : SALON_USER_NOT_FOUND);
}

static bool dm_subject(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r)
{
    const conversation_t *conversation = dm_of(req);
    if (conversation == NULL) *refused_r = dm_none(req);
    else *topic_r = conversation_topic(conversation);
    return conversation != NULL;
}

static conversation_t *dm_for(salon_req_t *req, const char *what, salon_outcome_t *refused_r)
{
    conversation_t *conversation = dm_of(req);
    if (conversation == NULL) {
        *refused_r = dm_none(req);
        return NULL;
    }
    const char *code = salon_may_not(salon_req_user(req), what, conversation_topic(conversation));
    if (code == NULL) return conversation;
    *refused_r = salon_fail(req, code);
    return NULL;
}

/* ---- Who may ---- */

static const char *const speaking[] = { "send", "react", "pin", "type" };

static bool is_speaking(const char *what)
{
    for (size_t i = 0; i < sizeof(speaking) / sizeof(speaking[0]); i++)
        if (strcmp(speaking[i], what) == 0) return true;
    return false;
}

/* Anybody may talk with anybody else, unless a plugin objects. */
static salon_access_t person_access(const salon_user_t *user, const char *what, apr_int64_t other)
{
    bool is_ours = strcmp(what, "dm") == 0 || strcmp(what, "send") == 0;
    return is_ours && user->id != other ? SALON_ALLOW : SALON_NO_OPINION;
}

static salon_access_t access_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (user == NULL) return SALON_NO_OPINION;
    if (strcmp(topic.kind, "user") == 0) return person_access(user, what, topic.id);
    if (strcmp(topic.kind, "dm") != 0) return SALON_NO_OPINION;
    return strcmp(what, "read") == 0 || is_speaking(what) ? SALON_ALLOW : SALON_NO_OPINION;
}

/* To others a conversation does not exist.  Who objects to somebody's talking with the other person
 * objects to all they would say here. */
static const char *refuse_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (strcmp(topic.kind, "dm") != 0) return NULL;
    conversation_t *conversation = conversation_find(topic.id);
    if (user == NULL || conversation == NULL || conversation_person(conversation, user->id) == NULL)
        return DM_NOT_FOUND;
    if (!is_speaking(what)) return NULL;
    apr_int64_t other_id = conversation_other(conversation, user->id)->user_id;
    if (salon_user_by_id(other_id) == NULL) return SALON_USER_NOT_FOUND;
    if (dm_is_blocked(conversation)) return DM_BLOCKED;
    return salon_may_not(user, "dm", SALON_TOPIC("user", other_id));
}

/* ---- Messages ---- */

static salon_outcome_t send_in(salon_req_t *req)
{
    salon_outcome_t refused;
    conversation_t *conversation = dm_for(req, "send", &refused);
    if (conversation == NULL) return refused;
    salon_sql(req, "UPDATE dm_conversations SET active_at = %ld WHERE id = %ld",
              (long)dm_moment(), (long)conversation->id);
    return salon_timeline_send(req, conversation->timeline);
}

/* Who may say nothing opens no conversation to say it in. */
static salon_outcome_t dm_send(salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    apr_int64_t other_id = salon_arg_integer(req, "user_id", 0);
    if (other_id == 0 || salon_arg(req, "conversation_id") != NULL) return send_in(req);
    if (conversation_between(conversation_pair(user->id, other_id)) == NULL) {
        const char *code = salon_may_not(user, "send", SALON_TOPIC("user", other_id));
        if (code != NULL) return salon_fail(req, code);
    }
    return dm_open_then(req, user->id, other_id, send_in);
}

/* People who have not talked with each other have an empty history. */
static salon_outcome_t history_none(salon_req_t *req)
{
    apr_int64_t other_id = salon_arg_integer(req, "user_id", 0);
    bool is_person = other_id != salon_req_user(req)->id && salon_user_by_id(other_id) != NULL;
    if (salon_arg(req, "conversation_id") != NULL || !is_person) return dm_none(req);
    json_object *json = salon_json_value(salon_json(), "conversation", NULL);
    salon_json_value(json, "messages", json_object_new_array());
    salon_json_boolean(json, "has_more", false);
    salon_json_integer(json, "total", 0);
    return salon_reply(req, salon_json_integer(json, "seq", 0));
}

/* Only the newest page shows that everything has been read. */
static bool is_reading(const salon_req_t *req)
{
    static const char *const elsewhere[] = { "before", "after", "around", "since" };
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (salon_arg(req, elsewhere[i]) != NULL) return false;
    if (salon_arg_integer(req, "offset", 0) > 0) return false;
    return salon_arg_boolean(req, "read", false);
}

static salon_outcome_t history_read(salon_req_t *req)
{
    conversation_t *conversation = dm_of(req);
    if (conversation == NULL) return dm_none(req);
    dm_has_read(conversation, salon_req_user(req)->id);
    return salon_timeline_history(req, conversation->timeline);
}

static salon_outcome_t dm_history(salon_req_t *req)
{
    salon_outcome_t refused;
    if (dm_of(req) == NULL) return history_none(req);
    conversation_t *conversation = dm_for(req, "read", &refused);
    if (conversation == NULL) return refused;
    return is_reading(req) ? salon_timeline_load(req, conversation->timeline, history_read)
                           : salon_timeline_history(req, conversation->timeline);
}

static salon_outcome_t dm_pin(salon_req_t *req)
{
    return salon_timeline_pin(req, dm_of(req)->timeline);
}

/* ---- Deleting ---- */

static salon_outcome_t deleted(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    conversation_t *conversation = conversation_find(salon_req_topic(req).id);
    if (conversation == NULL) return salon_fail(req, DM_NOT_FOUND);
    json_object *json =
        salon_json_value(salon_json(), "conversation", conversation_json(conversation));
    salon_json_integer(json, "user_id", salon_req_user(req)->id);
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    conversation_publish(conversation, "dm.deleted", json);
    conversation_remove(conversation);
    return outcome;
}

/* A block by the other person would go with it, so that keeps it. */
static salon_outcome_t dm_delete(salon_req_t *req)
{
    conversation_t *conversation = dm_of(req);
    const person_t *other = conversation_other(conversation, salon_req_user(req)->id);
    if (other->blocked_at != 0) return salon_fail(req, DM_BLOCKED);
    long id = (long)conversation->id;
    salon_timeline_sql_remove(req, &conversation_timeline, id);
    salon_sql(req, "DELETE FROM dm_persons WHERE conversation_id = %ld", id);
    salon_sql(req, "DELETE FROM dm_conversations WHERE id = %ld", id);
    return salon_store(req, deleted);
}

/* ---- Tables ---- */

#define END { NULL, 0, 0, 0, 0 }

static const salon_argument_t open_arguments[] = {
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "user1_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "user2_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    END,
};
static const salon_argument_t dm_arguments[] = { DM_ARGUMENTS, END };
static const salon_argument_t list_arguments[] = {
    { "limit", SALON_INTEGER, SALON_OPTIONAL | SALON_CLAMP, 1, 100 }, END
};
static const salon_argument_t send_arguments[] = { DM_ARGUMENTS, SALON_SEND_ARGUMENTS, END };
static const salon_argument_t history_arguments[] = {
    DM_ARGUMENTS, SALON_HISTORY_ARGUMENTS, { "read", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 }, END
};
static const salon_argument_t pin_arguments[] = {
    DM_ARGUMENTS,
    { "message_id", SALON_ID, 0, 0, 0 },
    { "pin", SALON_BOOLEAN, 0, 0, 0 },
    END,
};
static const salon_argument_t read_arguments[] = {
    DM_ARGUMENTS, { "message_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, END
};
static const salon_argument_t block_arguments[] = {
    DM_ARGUMENTS, { "block", SALON_BOOLEAN, 0, 0, 0 }, END
};

static const salon_operation_t operations[] = {
    { .name = "dm.open", .handler = dm_open, .arguments = open_arguments, .flags = SALON_WRITES,
      .help = "the conversation with somebody, made where there is none" },
    { .name = "dm.get", .handler = dm_get, .arguments = dm_arguments,
      .subject = dm_subject, .may = "read", .help = "one conversation, as in the list" },
    { .name = "dm.list", .handler = dm_list, .arguments = list_arguments,
      .help = "one's conversations, the latest first" },
    { .name = "dm.send", .handler = dm_send, .arguments = send_arguments,
      .flags = SALON_WRITES | SALON_PIPELINED, .cost = 1, .help = "say something to somebody" },
    { .name = "dm.history", .handler = dm_history, .arguments = history_arguments,
      .help = "what was said" },
    { .name = "dm.pin", .handler = dm_pin, .arguments = pin_arguments, .flags = SALON_WRITES,
      .subject = dm_subject, .may = "pin", .help = "pin a message, or do so no longer" },
    { .name = "dm.read", .handler = dm_read, .arguments = read_arguments, .flags = SALON_WRITES,
      .subject = dm_subject, .may = "read", .help = "mark as read" },
    { .name = "dm.block", .handler = dm_block, .arguments = block_arguments,
      .flags = SALON_WRITES, .subject = dm_subject,
      .help = "let nobody say anything there, or do so no longer" },
    { .name = "dm.delete", .handler = dm_delete, .arguments = dm_arguments,
      .flags = SALON_WRITES, .subject = dm_subject,
      .help = "delete a conversation with its messages, for both" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "dm.opened", 0, "somebody has opened a conversation" },
    { "dm.blocked", 0, "somebody has blocked a conversation, or does so no longer" },
    { "dm.read", 0, "somebody has read a conversation" },
    { "dm.deleted", 0, "somebody has deleted a conversation" },
    { NULL, 0, NULL },
};

static const salon_hooks_t hooks = {
    .access = access_hook,
    .refuse = refuse_hook,
    .erased = conversation_forget,
};

static const salon_setting_t settings[] = {
    { "keep_days", SALON_SETTING_INTEGER, &conversation_kept.days, "0", 0, SALON_KEEP_DAYS_MOST,
      "days after which a direct message is deleted; 0: never" },
    { "keep_messages", SALON_SETTING_INTEGER, &conversation_kept.messages, "0", 0,
      SALON_KEEP_MESSAGES_MOST, "messages of a conversation that are kept, the newest; 0: all" },
    { "keep_pinned", SALON_SETTING_BOOLEAN, &conversation_kept.pinned, "true", 0, 0,
      "keep pinned ones all the same" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static apr_status_t start(apr_pool_t *pool)
{
    apr_status_t rv = salon_sequence_open(pool, "dm", 1, 16);
    return rv != APR_SUCCESS ? rv : conversation_load(pool);
}

SALON_PLUGIN(dm) = {
    SALON_PLUGIN_HEADER,
    .name = "dm",
    .version = "1.0",
    .summary = "direct messages: conversations of two people",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .settings = settings,
    .migrations = conversation_migrations,
    .personal = conversation_personal,
    .start = start,
};
