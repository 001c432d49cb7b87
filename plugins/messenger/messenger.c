/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of messengers: flat messages over a WebSocket whose path has the token in it, about
 * people and their conversations; there are no rooms.  Who they are, and what conversations there
 * are, is asked for and changed over HTTP (routes.c).  See salon-messenger(7).
 */
#include <stdio.h>
#include <sys/param.h>

#include <salon/dialect.h>

#include "routes.h"
#include "shapes.h"

enum {
    CLOSE_POLICY = 1008,
    CLOSE_ERROR = 1011,
    CLOSE_LATER = 1013,
    CLOSE_TOKEN = 4008
};

/* ---- From the client ---- */

static const salon_wire_field_t token_fields[] = { { "token", "token" }, { NULL, NULL } };
static const salon_wire_field_t send_fields[] = {
    { "receiver_id", "user_id" },
    { "content", "content" },
    { "media_ids", "media.ids" },
    { "client_id", "client_id" },
    { NULL, NULL },
};
static const salon_wire_field_t receiver_fields[] = {
    { "receiver_id", "user_id" },
    { NULL, NULL },
};
static const salon_wire_field_t conversation_fields[] = {
    { "conversation_id", "conversation_id" },
    { NULL, NULL },
};

enum { SIGN_IN };

static const salon_wire_message_t messages[] = {
    [SIGN_IN] = { .type = "(token)", .operation = "session.authenticate", .fields = token_fields,
                  .hidden = true },
    { .type = "send_message", .operation = "dm.send", .fields = send_fields,
      .reply = "new_message", .answer = messenger_new_message_again },
    { .type = "typing", .operation = "typing.start", .fields = receiver_fields },
    { .type = "stop_typing", .operation = "typing.stop", .fields = receiver_fields },
    { .type = "mark_read", .operation = "dm.read", .fields = conversation_fields },
    { .type = "get_online_friends", .operation = "friend.list", .reply = "online_friends",
      .answer = messenger_online_friends },
    { .type = NULL },
};

/* ---- Events ---- */

static const salon_wire_event_t events[] = {
    { .event = "message.new", .when = "over_http", .type = "new_message",
      .shape = messenger_new_message_http, .except = "message.author_id" },
    { .event = "message.new", .when = "conversation", .type = "new_message",
      .encode = messenger_new_message },
    { .event = "message.deleted", .when = "conversation", .type = "delete_message",
      .shape = messenger_message_id },
    { .event = "dm.read", .type = "messages_read", .shape = messenger_messages_read,
      .except = "user_id" },
    { .event = "dm.opened", .type = "new_conversation", .shape = messenger_new_conversation },
    { .event = "dm.deleted", .type = "conversation_deleted",
      .shape = messenger_conversation_deleted },
    { .event = "friend.requested", .type = "new_friend_request",
      .shape = messenger_new_friend_request },
    { .event = "friend.accepted", .type = "friend_request_accepted",
      .shape = messenger_friend_request_accepted },
    { .event = "presence", .when = "turned", .type = "friend_status_change",
      .encode = messenger_status_change },
    { .event = "typing.started", .type = "user_typing", .encode = messenger_typing },
    { .event = "typing.stopped", .type = "user_typing", .encode = messenger_no_typing },
    { .event = NULL },
};

/* ---- Refusals ---- */

static const salon_wire_error_t errors[] = {
    { SALON_INVALID, "INVALID_FORMAT", "Invalid message format", "", CLOSE_TOKEN },
    { SALON_BLANK, "INVALID_FORMAT", "The message must not be empty", "", 0 },
    { SALON_UNKNOWN, "UNKNOWN_TYPE", "Unknown message type", "", 0 },
    { SALON_NOT_SIGNED_IN, "NOT_AUTHENTICATED", "Authentication required", "", CLOSE_TOKEN },
    { SALON_INVALID_TOKEN, "INVALID_TOKEN", "Invalid or expired token", "", CLOSE_TOKEN },
    { SALON_DENIED, "PERMISSION_DENIED", "Permission denied", "", CLOSE_POLICY },
    { SALON_RATE_LIMITED, "RATE_LIMIT_EXCEEDED", "Too many messages", "", CLOSE_POLICY },
    { SALON_TOO_LONG, "MESSAGE_TOO_LONG", "Message too long", "", CLOSE_TOKEN },
    { SALON_MESSAGE_NOT_FOUND, "MESSAGE_NOT_FOUND", "Message not found", "", 0 },
    { SALON_USER_NOT_FOUND, "USER_NOT_FOUND", "User not found", "", 0 },
    { "conversation_not_found", "CONVERSATION_NOT_FOUND", "Conversation not found", "", 0 },
    { "conversation_blocked", "CONVERSATION_BLOCKED", "Conversation blocked", "", 0 },
    { "user_sanctioned", "USER_BLOCKED", "You are muted or banned", "", CLOSE_POLICY },
    { "message_refused", "PERMISSION_DENIED", "Message refused by the filter", "", 0 },
    { "friend_request_not_found", "FRIEND_REQUEST_NOT_FOUND", "Friend request not found", "", 0 },
    { "media_not_found", "MEDIA_NOT_FOUND", "Media not found", "", 0 },
    { "api_token_not_found", "API_TOKEN_NOT_FOUND", "API token not found", "", 0 },
    { "not_found", "NOT_FOUND", "Not found", "", 0 },
    { SALON_UNSUPPORTED, "UNSUPPORTED_TYPE", "Type of file not taken", "", 0 },
    { SALON_QUOTA, "QUOTA_EXCEEDED", "No more files, the quota is used up", "", 0 },
    { SALON_NO_SPACE, "NO_SPACE", "No space left", "", 0 },
    { "not_implemented", "NOT_IMPLEMENTED", "Not implemented", "", 0 },
    { "method_not_allowed", "METHOD_NOT_ALLOWED", "Method not allowed", "", 0 },
    { SALON_TOO_LARGE, "BODY_TOO_LARGE", "Request body too large", "", 0 },
    { "length_required", "LENGTH_REQUIRED", "Content-Length required", "", 0 },
    { SALON_CONFLICT, "CONFLICT", "Exists already", "", 0 },
    { SALON_UNAVAILABLE, "SERVICE_UNAVAILABLE", "Service unavailable, try again later", "",
      CLOSE_LATER },
    { NULL, "INTERNAL_ERROR", "Internal error", "", CLOSE_ERROR },
};

/* ---- Functions ---- */

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const char *token = salon_opening_capture(opening, "api_token");
    if (token == NULL || token[0] == '\0') token = salon_opening_bearer(opening);
    if (token == NULL) salon_call_refuse(calls, &messages[SIGN_IN], SALON_INVALID_TOKEN, NULL);
    else
        salon_call(calls, &messages[SIGN_IN], salon_json_string(salon_json(), "token", token));
}

/* "Invalid message format: receiver_id" */
static json_object *message_json(const salon_refusal_t *refusal)
{
    char text[300];
    json_object *field = salon_path(refusal->details, "field");
    if (!json_object_is_type(field, json_type_string))
        return json_object_new_string(refusal->row->message);
    int length = snprintf(text, sizeof(text), "%s: %s", refusal->row->message,
                          json_object_get_string(field));
    return json_object_new_string_len(text, MIN(length, (int)sizeof(text) - 1));
}

/* Of a token that does not let in, the close code alone tells. */
static json_object *error(const salon_refusal_t *refusal)
{
    if (refusal->message == &messages[SIGN_IN] && refusal->row->close == CLOSE_TOKEN) return NULL;
    json_object *data = salon_json_string(salon_json(), "code", refusal->row->wire);
    salon_json_value(data, "message", message_json(refusal));
    return refusal->retry_after > 0 ? salon_json_integer(data, "retry_after", refusal->retry_after)
                                    : data;
}

static const salon_dialect_t dialect = {
    .name = "messenger",
    .messages = messages,
    .events = events,
    .errors = errors,
    .routes = messenger_routes,
    .error_type = "error",
    .api_tokens = true,
    .open = open_connection,
    .error = error,
    .example = "'\n"
               "  then paste  {\"type\":\"send_message\",\"receiver_id\":3,"
               "\"content\":\"Hello!\"}\n"
               "  and expect  {\"type\":\"new_conversation\",...} (the first time) and\n"
               "              {\"type\":\"new_message\",\"message_id\":...,\"sender_id\":2,"
               "\"receiver_id\":3,...}",
};

SALON_PLUGIN(messenger) = {
    SALON_PLUGIN_HEADER,
    .name = "messenger",
    .version = "1.0",
    .summary = "the dialect of messengers",
    .dialect = &dialect,
};
