/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anybody can make a room, and owns it then; here that is no reason to moderate it.  So these ask
 * for the operations of moderation, with its checks, after one of their own; that banning takes an
 * administrator is said by the operation's role.
 */
#include "sanction.h"

const salon_argument_t sanction_arguments[] = {
    { "room_id", SALON_ID, 0, 0, 0 },
    { "user_id", SALON_ID, 0, 0, 0 },
    { "minutes", SALON_INTEGER, 0, 0, APR_INT64_MAX },
    { NULL, 0, 0, 0, 0 },
};

static salon_outcome_t acted(salon_req_t *req, const char *code, json_object *data,
                             json_object *details)
{
    (void)data;
    if (code != NULL) return salon_fail_details(req, code, json_object_get(details));
    return salon_reply(req, NULL);
}

static salon_outcome_t act(salon_req_t *req, const char *operation)
{
    json_object *arguments = salon_json();
    for (const salon_argument_t *a = sanction_arguments; a->name != NULL; a++)
        salon_json_value(arguments, a->name, json_object_get(salon_arg(req, a->name)));
    return salon_ask(req, operation, arguments, acted);
}

/* Of the server, or one that the room has been given; an owner alone is none. */
static bool is_moderator(const salon_user_t *user, salon_topic_t room)
{
    if (user->role >= SALON_ROLE_MODERATOR) return true;
    return salon_may(user, "moderate", room) && !salon_may(user, "manage", room);
}

salon_outcome_t sanction_mute(salon_req_t *req)
{
    salon_topic_t room = SALON_TOPIC("room", salon_arg_integer(req, "room_id", 0));
    if (!is_moderator(salon_req_user(req), room)) return salon_fail(req, SALON_DENIED);
    return act(req, "moderation.mute");
}

salon_outcome_t sanction_ban(salon_req_t *req)
{
    return act(req, "moderation.ban");
}
