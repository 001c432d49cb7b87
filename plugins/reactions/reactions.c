/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reactions: what people put on messages, wherever those are; everybody each emoji once.
 *
 * Operations: reaction.add and reaction.remove {message_id, emoji}, reaction.list {message_id}.
 * Adding needs "react" where the message is, looking "read".  The first two take also where the
 * message must be: room_id, room (a name), or user_id (the other person of a conversation).
 * Events: reaction.added (with an id), reaction.removed {message_id, value, user_id, username, at,
 * and room or whatever the message is in}; nothing, when nothing has changed.
 * A message has the member "reactions": [{emoji, count, users: [{user_id, username}]}].
 */
#include <apr_strings.h>

#include <salon/message.h>

#include "emoji.h"

#define BYTES_MOST (1 << 20) /* longer ones are refused like any that is none */

static apr_int64_t most;

/* ---- How a message shows them ---- */

static json_object *describe(const char *value, const apr_int64_t *user_ids, int count)
{
    json_object *users = json_object_new_array_ext(count);
    for (int i = 0; i < count; i++)
        json_object_array_add(
            users, salon_json_user(salon_json(), "user_id", "username", user_ids[i]));
    json_object *json = salon_json_string(salon_json(), "emoji", value);
    salon_json_integer(json, "count", count);
    return salon_json_value(json, "users", users);
}

/* `most` is filled in at the start, and not touched again: other threads read it. */
static salon_mark_kind_t reactions = {
    .name = "reactions",
    .added = "reaction.added",
    .removed = "reaction.removed",
    .describe = describe,
};

/* ---- Operations ---- */

/* NULL: it is there, or nothing was said; else the code. */
static const char *where_of(salon_req_t *req, salon_topic_t *where_r)
{
    const char *name = salon_arg_string(req, "room");
    apr_int64_t id = salon_arg_integer(req, "room_id", 0);
    apr_int64_t user_id = salon_arg_integer(req, "user_id", 0);
    *where_r = SALON_TOPIC("room", id);
    if (name != NULL) *where_r = salon_topic_named("room", name);
    if (name != NULL || id != 0) {
        json_object *room = salon_describe(*where_r);
        json_object_put(room);
        return room != NULL ? NULL : "room_not_found";
    }
    if (user_id == 0) return NULL;
    const char *pair = apr_psprintf(salon_req_pool(req), "%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT,
                                    salon_req_user(req)->id, user_id);
    *where_r = salon_topic_named("dm", pair);
    return salon_user_by_id(user_id) != NULL ? NULL : SALON_USER_NOT_FOUND;
}

static bool is_somewhere(const salon_req_t *req)
{
    return salon_arg(req, "room") != NULL || salon_arg(req, "room_id") != NULL ||
           salon_arg(req, "user_id") != NULL;
}

static salon_outcome_t change(salon_req_t *req, bool add)
{
    salon_topic_t where;
    const char *emoji = salon_arg_string(req, "emoji");
    if (!emoji_valid(emoji)) return salon_fail_argument(req, "emoji");
    const char *code = where_of(req, &where);
    if (code != NULL) return salon_fail(req, code);
    return salon_mark(req, &reactions, emoji, add, is_somewhere(req) ? &where : NULL);
}

static salon_outcome_t reaction_add(salon_req_t *req)
{
    return change(req, true);
}

static salon_outcome_t reaction_remove(salon_req_t *req)
{
    return change(req, false);
}

static salon_outcome_t reaction_list(salon_req_t *req)
{
    return salon_marks(req, &reactions);
}

/* ---- Tables ---- */

static const salon_argument_t change_arguments[] = {
    { "message_id", SALON_ID, 0, 0, 0 },
    { "emoji", SALON_STRING, 0, 1, BYTES_MOST },
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "room", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t list_arguments[] = {
    { "message_id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "reaction.add", .handler = reaction_add, .arguments = change_arguments,
      .flags = SALON_WRITES, .cost = 1, .help = "react to a message" },
    { .name = "reaction.remove", .handler = reaction_remove, .arguments = change_arguments,
      .flags = SALON_WRITES, .help = "take a reaction back" },
    { .name = "reaction.list", .handler = reaction_list, .arguments = list_arguments,
      .help = "who has reacted to a message, and how" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "reaction.added", 0, "somebody has reacted to a message" },
    { "reaction.removed", 0, "somebody has taken a reaction back" },
    { NULL, 0, NULL },
};

static const salon_setting_t settings[] = {
    { "most", SALON_SETTING_INTEGER, &most, "20", 1, 100, "different emoji on one message" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static apr_status_t start(apr_pool_t *pool)
{
    (void)pool;
    reactions.most = (int)most;
    salon_mark_kind(&reactions);
    return APR_SUCCESS;
}

SALON_PLUGIN(reactions) = {
    SALON_PLUGIN_HEADER,
    .name = "reactions",
    .version = "1.0",
    .summary = "reactions to messages",
    .operations = operations,
    .events = events,
    .settings = settings,
    .start = start,
};
