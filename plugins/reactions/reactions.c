/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reactions: what people put on messages, wherever those are; everybody each emoji once.
 *
 * Operations: reaction.add and reaction.remove {message_id, emoji}, reaction.list {message_id}.
 * Adding needs "react" where the message is, looking "read".
 * Events: reaction.added, reaction.removed {message_id, value, user_id, username, at, and room or
 * whatever the message is in}; nothing, when nothing has changed.
 * A message has the member "reactions": [{emoji, count, users: [{user_id, username}]}].
 */
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

static salon_outcome_t change(salon_req_t *req, bool add)
{
    const char *emoji = salon_arg_string(req, "emoji");
    if (!emoji_valid(emoji)) return salon_fail_argument(req, "emoji");
    return salon_mark(req, &reactions, emoji, add);
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
