/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of live chats: {"type": ..., "data": {...}} both ways.  A connection is about one
 * room, which its path names, and ends with it: whoever has to leave the room is disconnected.
 * See salon-live(7).
 *
 * Operations: live.guest, which lets in somebody without an account, live.mute and live.ban
 * {user_id, minutes}, which are those of moderation for whom the dialect's table of roles names.
 */
#include <stdatomic.h>
#include <string.h>

#include "graphql_rooms.h"
#include "messages.h"
#include "sanction.h"
#include "stats.h"

#define DIALECT   "live"
#define USER_MOST ((APR_INT64_C(1) << 53) - 1)

enum {
    CLOSE_POLICY = 1008,
    CLOSE_ERROR = 1011,
    CLOSE_LATER = 1013,
    CLOSE_FORBIDDEN = 4003,
    CLOSE_NOT_FOUND = 4004
};

#define ACCESS_DENIED "Access denied"
#define ROOM_UNKNOWN  "Room not found"
#define TOKEN_INVALID "Invalid token"
#define NO_MODERATOR  "You do not have permission to moderate this room"
#define SANCTIONED    "user_sanctioned"

/* Settings; of the second, a copy for network threads. */
static bool show_addresses;
static apr_int64_t system_user;
static _Atomic apr_int64_t creator;

/* ---- Opening ---- */

/* An empty token is what a page sends that has none. */
static const char *token_of(const salon_opening_t *opening)
{
    const char *token = salon_opening_query(opening, "token");
    return token != NULL && token[0] != '\0' ? token : salon_opening_bearer(opening);
}

static void argument_of(const salon_opening_t *opening, const char *name, json_object *arguments)
{
    const char *value = salon_opening_capture(opening, name);
    if (value != NULL) salon_json_string(arguments, name, value);
}

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const char *token = token_of(opening);
    json_object *arguments = salon_json_boolean(salon_json(), "create", true);
    salon_json_boolean(arguments, "bind", true);
    salon_json_integer(arguments, "created_by", creator);
    argument_of(opening, "room", arguments);
    argument_of(opening, "video", arguments);
    if (token != NULL)
        salon_call(calls, &live_messages[LIVE_SIGN_IN],
                   salon_json_string(salon_json(), "token", token));
    else salon_call(calls, &live_messages[LIVE_GUEST], NULL);
    salon_call(calls, &live_messages[LIVE_ENTER], arguments);
}

static salon_outcome_t guest(salon_req_t *req)
{
    return salon_sign_in_anonymous(req, show_addresses || salon_demo());
}

/* ---- Refusals ---- */

/* On the wire there are no codes, only the texts. */
#define REFUSAL(code_, text_, close_) { code_, text_, text_, "", close_ }

static const salon_wire_error_t errors[] = {
    REFUSAL(SALON_INVALID, "Invalid message format", CLOSE_POLICY),
    REFUSAL(SALON_BLANK, "Message cannot be empty", CLOSE_POLICY),
    REFUSAL(SALON_TOO_LONG, "Message too long", CLOSE_POLICY),
    REFUSAL(SALON_UNKNOWN, "Unknown message type", CLOSE_ERROR),
    REFUSAL(SALON_NOT_SIGNED_IN, ACCESS_DENIED, CLOSE_FORBIDDEN),
    REFUSAL(SALON_INVALID_TOKEN, TOKEN_INVALID, CLOSE_POLICY),
    REFUSAL(SALON_DENIED, ACCESS_DENIED, CLOSE_FORBIDDEN),
    REFUSAL(SALON_RATE_LIMITED, "Rate limit exceeded", CLOSE_POLICY),
    REFUSAL(SANCTIONED, "You are muted or banned", CLOSE_FORBIDDEN),
    REFUSAL("message_refused", "Message refused", CLOSE_POLICY),
    REFUSAL("room_not_found", ROOM_UNKNOWN, CLOSE_NOT_FOUND),
    REFUSAL("video_not_found", "Video not found", CLOSE_NOT_FOUND),
    REFUSAL("too_many_rooms", "Too many rooms", CLOSE_LATER),
    REFUSAL(SALON_USER_NOT_FOUND, "User not found", CLOSE_POLICY),
    REFUSAL(SALON_UNAVAILABLE, "Service unavailable", CLOSE_LATER),
    REFUSAL(NULL, "Internal error", CLOSE_ERROR),
};

/* What a refusal says that means something else where this was asked for. */
static const struct {
    int row;
    const char *code, *text;
} others[] = {
    { LIVE_SIGN_IN, SALON_INVALID, TOKEN_INVALID },
    { LIVE_SIGN_IN, SALON_TOO_LONG, TOKEN_INVALID },
    { LIVE_SIGN_IN, SANCTIONED, ACCESS_DENIED },
    { LIVE_GUEST, SANCTIONED, ACCESS_DENIED },
    { LIVE_ENTER, SANCTIONED, ACCESS_DENIED },
    { LIVE_BAN, SALON_DENIED, NO_MODERATOR },
    { LIVE_BAN, SALON_NOT_SIGNED_IN, NO_MODERATOR },
    { LIVE_MUTE, SALON_DENIED, NO_MODERATOR },
    { LIVE_MUTE, SALON_NOT_SIGNED_IN, NO_MODERATOR },
};

static const char *text_of(const salon_refusal_t *refusal)
{
    const char *code = refusal->row->code;
    for (size_t i = 0; code != NULL && i < sizeof(others) / sizeof(others[0]); i++)
        if (refusal->message == &live_messages[others[i].row] && strcmp(code, others[i].code) == 0)
            return others[i].text;
    return refusal->row->message;
}

static json_object *error(const salon_refusal_t *refusal)
{
    json_object *data = salon_json_string(salon_json(), "message", text_of(refusal));
    json_object *field = salon_path(refusal->details, "field");
    bool malformed = refusal->row->code != NULL && strcmp(refusal->row->code, SALON_INVALID) == 0;
    if (malformed && field != NULL) salon_json_value(data, "field", json_object_get(field));
    return data;
}

/* ---- Having to leave ---- */

static void unsubscribed_hook(salon_session_t *session, salon_topic_t topic)
{
    if (strcmp(topic.kind, "room") != 0 || strcmp(salon_session_dialect(session), DIALECT) != 0)
        return;
    json_object *room = salon_describe(topic);
    if (room != NULL) salon_close(session, CLOSE_FORBIDDEN, ACCESS_DENIED);
    else salon_close(session, CLOSE_NOT_FOUND, ROOM_UNKNOWN);
    json_object_put(room);
}

/* ---- Tables ---- */

static const salon_operation_t operations[] = {
    { .name = "live.guest", .handler = guest, .flags = SALON_ANYBODY,
      .help = "take part without an account, under a name as live.show_addresses says" },
    { .name = "live.mute", .handler = sanction_mute, .arguments = sanction_arguments,
      .flags = SALON_WRITES, .help = "mute somebody, as a moderator" },
    { .name = "live.ban", .handler = sanction_ban, .arguments = sanction_arguments,
      .flags = SALON_WRITES, .role = SALON_ROLE_ADMIN,
      .help = "ban somebody, as an administrator" },
    { .name = NULL },
};

static const salon_http_route_t routes[] = {
    { "GET", "/monitoring/chat/stats", stats_get, SALON_SIGNED_IN, SALON_ROLE_ADMIN },
    { "GET", "/graphql", graphql_get, SALON_ANSWERS_ALL, SALON_ROLE_USER },
    { "POST", "/graphql", graphql_post, SALON_ANSWERS_ALL, SALON_ROLE_USER },
    { NULL, NULL, NULL, 0, SALON_ROLE_USER },
};

static const salon_setting_t settings[] = {
    { "system_user", SALON_SETTING_INTEGER, &system_user, "1", 1, USER_MOST,
      "whose the rooms are that are made by entering them: a user's id" },
    { "unjoined_ttl", SALON_SETTING_INTEGER, &graphql_unjoined_ttl, "60", 1, 86400,
      "seconds that a room made by GraphQL waits for the first one to enter" },
    { "show_addresses", SALON_SETTING_BOOLEAN, &show_addresses, "false", 0, 0,
      "people without an account are called by their address, in the place of a short hash" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static void reload_hook(void)
{
    creator = system_user;
}

static apr_status_t start(apr_pool_t *pool)
{
    reload_hook();
    return graphql_start(pool);
}

static const salon_hooks_t hooks = { .unsubscribed = unsubscribed_hook, .reload = reload_hook };

static const salon_dialect_t dialect = {
    .name = DIALECT,
    .payload = "data",
    .messages = live_messages,
    .events = live_events,
    .errors = errors,
    .error_type = "error",
    .open = open_connection,
    .error = error,
    .example = "?token=TOKEN'\n"
               "  and expect  {\"type\":\"room_joined\",\"data\":{\"room_id\":...}}\n"
               "  then paste  {\"type\":\"chat_message\",\"data\":{\"message\":\"Hello!\"}}\n"
               "  and expect  {\"type\":\"chat_message\",\"data\":{\"message\":\"Hello!\",...}}",
};

SALON_PLUGIN(live) = {
    SALON_PLUGIN_HEADER,
    .name = "live",
    .version = "1.0",
    .summary = "the dialect of live chats, their statistics, and GraphQL for rooms",
    .operations = operations,
    .hooks = &hooks,
    .settings = settings,
    .routes = routes,
    .dialect = &dialect,
    .start = start,
};
