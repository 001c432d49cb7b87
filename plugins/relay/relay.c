/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect "relay", flat messages with rooms by name; and its upstream, which knows whose tokens
 * are, and which is handed what is said.  See salon-relay(7).
 *
 * Operations: relay.sign_in; parked.list, parked.retry, parked.drop for salonctl.
 */
#include <stdatomic.h>
#include <string.h>

#include <salon/dialect.h>

#include "delivery.h"
#include "identity.h"
#include "outbox.h"
#include "shapes.h"
#include "sign_in.h"
#include "upstream.h"

static bool auto_create;               /* a setting */
static atomic_bool auto_create_wanted; /* the same, for network threads */

/* ---- From the client ---- */

static const salon_wire_field_t token_fields[] = { { "token", "token" }, { NULL, NULL } };
static const salon_wire_field_t join_fields[] = { { "room", "room" }, { NULL, NULL } };
static const salon_wire_field_t message_fields[] = {
    { "room", "room" },
    { "content", "content" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_fields[] = {
    { "to", "user_id" },
    { "content", "content" },
    { NULL, NULL },
};
static const salon_wire_field_t room_history_fields[] = {
    { "room", "room" },
    { "limit", "limit" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_history_fields[] = {
    { "with", "user_id" },
    { "limit", "limit" },
    { NULL, NULL },
};

/* Signing in is the opening's business: no message does it. */
static void decode_unknown(salon_calls_t *calls, const salon_wire_message_t *row,
                           json_object *payload)
{
    (void)row, (void)payload;
    salon_call_refuse(calls, NULL, SALON_UNKNOWN, "type");
}

static void decode_join(salon_calls_t *calls, const salon_wire_message_t *row,
                        json_object *payload)
{
    json_object *room = json_object_get(salon_path(payload, "room"));
    json_object *arguments = salon_json_value(salon_json(), "room", room);
    salon_call(calls, row, salon_json_boolean(arguments, "create", auto_create_wanted));
}

/* ---- Tables ---- */

enum { BY_JWT, BY_TOKEN };

static const salon_wire_message_t messages[] = {
    [BY_JWT] = { .type = "(jwt)", .operation = "session.authenticate", .fields = token_fields,
                 .decode = decode_unknown },
    [BY_TOKEN] = { .type = "(token)", .operation = "relay.sign_in", .fields = token_fields,
                   .decode = decode_unknown },
    { .type = "join", .operation = "room.join", .fields = join_fields, .decode = decode_join },
    { .type = "message", .operation = "room.send", .fields = message_fields },
    { .type = "dm", .operation = "dm.send", .fields = dm_fields },
    { .type = "room_history", .operation = "room.history", .fields = room_history_fields,
      .reply = "room_history", .shape = relay_message, .answer = relay_history },
    { .type = "dm_history", .operation = "dm.history", .fields = dm_history_fields,
      .reply = "dm_history", .shape = relay_dm, .answer = relay_history },
    { .type = NULL },
};

static const salon_wire_event_t events[] = {
    { .event = "message.new", .when = "room", .type = "message", .shape = relay_message,
      .encode = relay_message_data },
    { .event = "message.new", .when = "conversation", .type = "dm", .shape = relay_dm,
      .encode = relay_dm_data },
    { .event = NULL },
};

#define POLICY_VIOLATION 1008
#define TRY_AGAIN_LATER  1013

static const salon_wire_error_t errors[] = {
    { SALON_INVALID, "INVALID_FORMAT", "Invalid message format", "low", 0 },
    { SALON_BLANK, "INVALID_FORMAT", "Invalid message format", "low", 0 },
    { SALON_UNKNOWN, "UNKNOWN_TYPE", "Unknown message type", "low", 0 },
    { SALON_INVALID_TOKEN, "INVALID_TOKEN", "Invalid token", "high", POLICY_VIOLATION },
    { SALON_NOT_SIGNED_IN, "INVALID_TOKEN", "Invalid token", "high", POLICY_VIOLATION },
    { SIGN_IN_AWAY, "UPSTREAM_AWAY", "Authentication service unavailable, try again later", "high",
      TRY_AGAIN_LATER },
    { SALON_UNAVAILABLE, "UNAVAILABLE", "Service unavailable, try again later", "high",
      TRY_AGAIN_LATER },
    { SALON_DENIED, "PERMISSION_DENIED", "Permission denied", "medium", 0 },
    { "user_sanctioned", "SANCTIONED", "You are muted or banned", "high",
      POLICY_VIOLATION },
    { "message_refused", "REFUSED", "Message refused by the filter", "medium", 0 },
    { SALON_RATE_LIMITED, "RATE_LIMIT_EXCEEDED", "Rate limit exceeded", "medium", 0 },
    { SALON_TOO_LONG, "MESSAGE_TOO_LONG", "Message too long", "low", 0 },
    { "room_not_found", "ROOM_NOT_FOUND", "Room not found", "medium", 0 },
    { SALON_USER_NOT_FOUND, "USER_NOT_FOUND", "User not found", "medium", 0 },
    { "conversation_not_found", "CONVERSATION_NOT_FOUND", "Conversation not found", "medium", 0 },
    { "conversation_blocked", "CONVERSATION_BLOCKED", "Conversation blocked", "medium", 0 },
    { SALON_CONFLICT, "CONFLICT", "Already exists", "low", 0 },
    { NULL, "INTERNAL_ERROR", "Internal error", "high", 0 },
};

static const salon_argument_t token_arguments[] = {
    { "token", SALON_STRING, 0, 1, 4096 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t id_arguments[] = {
    { "id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "relay.sign_in", .handler = sign_in, .arguments = token_arguments,
      .flags = SALON_ANYBODY, .help = "sign in with a token that the upstream knows" },
    { .name = "parked.list", .handler = outbox_parked, .flags = SALON_INTERNAL,
      .help = "the messages that the upstream has refused" },
    { .name = "parked.retry", .handler = outbox_retry, .arguments = id_arguments,
      .flags = SALON_INTERNAL, .help = "hand such a message on again" },
    { .name = "parked.drop", .handler = outbox_drop, .arguments = id_arguments,
      .flags = SALON_INTERNAL, .help = "give up handing it on" },
    { .name = NULL },
};

static const salon_command_t commands[] = {
    { "parked list", "", "parked.list", NULL, "messages that the upstream has refused" },
    { "parked retry", "ID", "parked.retry", "id", "hand one of them on again" },
    { "parked drop", "ID", "parked.drop", "id", "give up handing it on" },
    { NULL, NULL, NULL, NULL, NULL },
};

static const salon_setting_t settings[] = {
    { "auto_create", SALON_SETTING_BOOLEAN, &auto_create, "true", 0, 0,
      "joining an unknown name makes the room" },
    { "upstream", SALON_SETTING_STRING, &upstream_url, "", 0, 0,
      "where the upstream is: http://127.0.0.1:8080; empty: there is none" },
    { "upstream_token_file", SALON_SETTING_STRING, &upstream_token_file, "", 0, 0,
      "a file with the token that messages are handed on with; empty: none" },
    { "upstream_timeout", SALON_SETTING_INTEGER, &upstream_timeout, "5", 1, 300,
      "seconds for an answer of the upstream" },
    { "auth_cache", SALON_SETTING_INTEGER, &identity_cache, "30", 0, 86400,
      "seconds for which its answer whose a token is holds" },
    { "hand_on_all", SALON_SETTING_BOOLEAN, &outbox_all, "false", 0, 0,
      "hand on what is said in other dialects, too" },
    { "at_once", SALON_SETTING_INTEGER, &delivery_at_once, "4", 1, 16,
      "rooms and conversations of which messages are handed on at a time" },
    { "retry_most", SALON_SETTING_INTEGER, &delivery_retry_most, "15", 1, 3600,
      "seconds, at most, before something that failed is tried again" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

/* ---- The dialect's functions ---- */

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const salon_wire_message_t *row = &messages[upstream_exists() ? BY_TOKEN : BY_JWT];
    const char *token = salon_opening_query(opening, "token");
    if (token == NULL || token[0] == '\0') token = salon_opening_bearer(opening);
    if (token != NULL && upstream_token_ok(token))
        salon_call(calls, row, salon_json_string(salon_json(), "token", token));
    else
        salon_call_refuse(calls, row, SALON_INVALID_TOKEN, NULL);
}

static const char error_type[] = "error";

/* Of an error, data is all that stands beside the type. */
static json_object *envelope(const char *type, json_object *data)
{
    json_object *message = salon_json_string(salon_json(), "type", type);
    return strcmp(type, error_type) == 0 ? salon_json_merge(message, data)
                                         : salon_json_value(message, "data", data);
}

static json_object *error(const salon_refusal_t *refusal)
{
    json_object *data = salon_json_string(salon_json(), "message", refusal->row->message);
    json_object *more = NULL;
    if (refusal->details != NULL) json_object_deep_copy(refusal->details, &more, NULL);
    if (refusal->retry_after > 0)
        more = salon_json_integer(more != NULL ? more : salon_json(), "retry_after",
                                  refusal->retry_after);
    return more != NULL ? salon_json_value(data, "data", more) : data;
}

static const salon_dialect_t dialect = {
    .name = "relay",
    .messages = messages,
    .events = events,
    .errors = errors,
    .error_type = error_type,
    .open = open_connection,
    .envelope = envelope,
    .error = error,
    .example = "?token=TOKEN'\n"
               "  then paste  {\"type\":\"join\",\"room\":\"general\"}\n"
               "  then paste  {\"type\":\"message\",\"room\":\"general\",\"content\":\"Hello!\"}\n"
               "  and expect  {\"type\":\"message\",\"data\":{\"id\":...,\"room\":\"general\","
               "...,\"content\":\"Hello!\",...}}",
};

/* ---- Hooks ---- */

static void tick(apr_int64_t now)
{
    sign_in_tick(now);
    delivery_tick(now);
}

static bool configure(const char *next)
{
    const char *wrong = upstream_configure();
    auto_create_wanted = auto_create;
    if (wrong != NULL) salon_log(SALON_LOG_ERROR, "relay", "%s; %s", wrong, next);
    return wrong == NULL;
}

static void reload(void)
{
    configure("the upstream stays as it was");
    identity_forget();
    delivery_restart();
}

static const salon_hooks_t hooks = {
    .storing = outbox_storing,
    .stored = outbox_stored,
    .writing = sign_in_writing,
    .signed_out = sign_in_signed_out,
    .tick = tick,
    .reload = reload,
    .stop = delivery_stop,
    .erasing = outbox_erasing,
    .erased = outbox_erased,
};

static apr_status_t start(apr_pool_t *pool)
{
    identity_init(pool);
    sign_in_init(pool);
    if (!configure("salond does not start")) return APR_EGENERAL;
    return outbox_load(pool);
}

SALON_PLUGIN(relay) = {
    SALON_PLUGIN_HEADER,
    .name = "relay",
    .version = "1.0",
    .summary = "the dialect of relay clients, and their upstream",
    .operations = operations,
    .hooks = &hooks,
    .settings = settings,
    .migrations = outbox_migrations,
    .commands = commands,
    .dialect = &dialect,
    .start = start,
    .metrics = outbox_metrics,
};
