/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Friends: who has asked whom, who has accepted, who wants to hear nothing of whom.
 *
 * Operations: friend.request, friend.accept, friend.decline, friend.remove, friend.block,
 * friend.list, friend.requests, friend.blocks.  Asking somebody who has asked already is accepting.
 * Events: friend.requested {user_id, username} to the one who is asked; friend.accepted and
 * friend.removed {user_id, username, user_ids, usernames} to both: user_id is always the other one.
 */
#include <string.h>

#include "pair.h"
#include "tie.h"

/* ---- Lists ---- */

static json_object *friend_json(const tie_t *tie)
{
    const salon_user_t *user = salon_user_by_id(tie->user_id);
    salon_appearance_t appearance = { 0 };
    if (user != NULL) appearance = salon_user_appearance(user);
    json_object *json = friend_person_json(tie->user_id);
    salon_json_boolean(json, "is_online", appearance.online);
    return salon_json_integer(json, "last_seen", appearance.last_seen);
}

static json_object *request_json(const tie_t *tie)
{
    return salon_json_integer(friend_person_json(tie->user_id), "created_at", tie->since);
}

static json_object *list_json(salon_req_t *req, unsigned flag,
                              json_object *(*row)(const tie_t *tie))
{
    apr_pool_t *pool = salon_req_pool(req);
    const apr_array_header_t *ties = tie_list(salon_req_user(req)->id, flag, pool);
    json_object *list = json_object_new_array_ext(ties->nelts);
    for (int i = 0; i < ties->nelts; i++)
        json_object_array_add(list, row(APR_ARRAY_IDX(ties, i, const tie_t *)));
    return list;
}

static salon_outcome_t friend_list(salon_req_t *req)
{
    json_object *list = list_json(req, TIE_FRIEND, friend_json);
    return salon_reply(req, salon_json_value(salon_json(), "friends", list));
}

static salon_outcome_t friend_requests(salon_req_t *req)
{
    json_object *incoming = list_json(req, TIE_ASKED_BY, request_json);
    json_object *json = salon_json_value(salon_json(), "incoming", incoming);
    json_object *outgoing = list_json(req, TIE_ASKED, request_json);
    return salon_reply(req, salon_json_value(json, "outgoing", outgoing));
}

static salon_outcome_t friend_blocks(salon_req_t *req)
{
    json_object *list = list_json(req, TIE_BLOCKS, request_json);
    return salon_reply(req, salon_json_value(salon_json(), "blocked", list));
}

/* ---- Hooks ---- */

static const char *refuse_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (user == NULL || strcmp(what, "dm") != 0 || strcmp(topic.kind, "user") != 0) return NULL;
    bool blocked = (tie_flags(user->id, topic.id) & TIE_BLOCKED) != 0 ||
                   friend_is_blocking(user->id, topic.id);
    return blocked ? "conversation_blocked" : NULL;
}

static void audience_hook(apr_int64_t user_id, void (*add)(void *baton, salon_topic_t topic),
                          void *baton)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const apr_array_header_t *friends = tie_list(user_id, TIE_FRIEND, pool);
    for (int i = 0; i < friends->nelts; i++)
        add(baton, SALON_TOPIC("user", APR_ARRAY_IDX(friends, i, const tie_t *)->user_id));
    apr_pool_destroy(pool);
}

static const salon_hooks_t hooks = { .refuse = refuse_hook,
                                     .audience = audience_hook,
                                     .erased = friend_erased };

/* ---- Tables ---- */

static const salon_argument_t request_arguments[] = {
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "username", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t user_arguments[] = {
    { "user_id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t block_arguments[] = {
    { "user_id", SALON_ID, 0, 0, 0 },
    { "block", SALON_BOOLEAN, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "friend.request", .handler = friend_request, .arguments = request_arguments,
      .flags = SALON_WRITES, .cost = 1, .subject = friend_subject,
      .help = "ask somebody to be a friend" },
    { .name = "friend.accept", .handler = friend_accept, .arguments = user_arguments,
      .flags = SALON_WRITES, .subject = friend_subject, .help = "accept somebody's request" },
    { .name = "friend.decline", .handler = friend_decline, .arguments = user_arguments,
      .flags = SALON_WRITES, .subject = friend_subject, .help = "decline somebody's request" },
    { .name = "friend.remove", .handler = friend_remove, .arguments = user_arguments,
      .flags = SALON_WRITES, .subject = friend_subject,
      .help = "be friends no longer, or take a request back" },
    { .name = "friend.block", .handler = friend_block, .arguments = block_arguments,
      .flags = SALON_WRITES, .subject = friend_subject,
      .help = "have nothing to do with somebody, or do again" },
    { .name = "friend.list", .handler = friend_list, .help = "one's friends" },
    { .name = "friend.requests", .handler = friend_requests,
      .help = "requests that are not decided" },
    { .name = "friend.blocks", .handler = friend_blocks, .help = "whom one blocks" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "friend.requested", 0, "somebody asks one to be a friend" },
    { "friend.accepted", 0, "two people are friends now" },
    { "friend.removed", 0, "two people are friends no longer, or a request is void" },
    { NULL, 0, NULL },
};

SALON_PLUGIN(friends) = {
    SALON_PLUGIN_HEADER,
    .name = "friends",
    .version = "1.0",
    .summary = "friends, and people one wants to hear nothing of",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .migrations = tie_migrations,
    .personal = tie_personal,
    .start = tie_load,
};
