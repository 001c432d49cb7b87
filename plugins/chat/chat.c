/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of the chat front end: {"type": ..., "data": {...}, "timestamp": ...} both ways,
 * rooms by name, people by number, reactions as messages.  See salon-chat(7).
 */
#include <string.h>

#include <apr_strings.h>

#include <salon/message.h>

#include "shapes.h"

#define BATCH_MOST 100 /* messages in one message_batch */

/* ---- From the client ---- */

#define SAID_FIELDS                                                                              \
    { "content", "content" },                                                                    \
    { "message_type", "kind" },                                                                  \
    { "media_url", "media.url" },                                                                \
    { "media_type", "media.type" },                                                              \
    { "duration", "media.duration" },                                                            \
    { "reply_to", "parent_id" }
#define REACTION_FIELDS                                                                          \
    { "content", "emoji" },                                                                      \
    { "reply_to", "message_id" }

/* The first field of each table must be there. */
static const salon_wire_field_t join_fields[] = { { "room", "room" }, { NULL, NULL } };
static const salon_wire_field_t room_message_fields[] = {
    { "room", "room" },
    SAID_FIELDS,
    { NULL, NULL },
};
static const salon_wire_field_t room_reaction_fields[] = {
    { "room", "room" },
    REACTION_FIELDS,
    { NULL, NULL },
};
static const salon_wire_field_t direct_message_fields[] = {
    { "to_user_id", "user_id" },
    SAID_FIELDS,
    { NULL, NULL },
};
static const salon_wire_field_t direct_reaction_fields[] = {
    { "to_user_id", "user_id" },
    REACTION_FIELDS,
    { NULL, NULL },
};
static const salon_wire_field_t room_history_fields[] = {
    { "room", "room" },
    { "limit", "limit" },
    { "offset", "offset" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_history_fields[] = {
    { "with_user", "user_id" },
    { "limit", "limit" },
    { "offset", "offset" },
    { "read", "read" },
    { NULL, NULL },
};

static const salon_wire_field_t batch_fields[] = { { "messages", "messages" }, { NULL, NULL } };

static void addressed_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                             json_object *payload)
{
    const char *address = row->fields[0].wire;
    if (salon_path(payload, address) == NULL) salon_call_refuse(calls, row, SALON_INVALID, address);
    else salon_call_fields(calls, row, payload);
}

static bool is_text(json_object *value, const char *text)
{
    return json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), text) == 0;
}

/* Clients that fill in every field send empty ones: they are none; and text alone has none. */
static void media_clean(json_object *payload)
{
    static const char *const names[] = { "media_url", "media_type" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (is_text(salon_path(payload, names[i]), "")) json_object_object_del(payload, names[i]);
    json_object *kind = salon_path(payload, "message_type");
    bool plain = kind == NULL || is_text(kind, "text");
    if (!plain || salon_path(payload, "media_url") != NULL) return;
    json_object_object_del(payload, "media_type");
    json_object_object_del(payload, "duration");
}

/* A picture without an address is none; what is no kind at all is told as such. */
static bool lacks_media(json_object *payload)
{
    static const char *const kinds[] = { "image", "audio", "video", "file" };
    json_object *kind = salon_path(payload, "message_type");
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (is_text(kind, kinds[i])) return salon_path(payload, "media_url") == NULL;
    return false;
}

/* The row behind that of a message is that of a reaction to one. */
static void message_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                           json_object *payload)
{
    if (is_text(salon_path(payload, "message_type"), "reaction")) {
        addressed_decode(calls, row + 1, payload);
        return;
    }
    media_clean(payload);
    if (lacks_media(payload)) salon_call_refuse(calls, row, SALON_INVALID, "media_url");
    else addressed_decode(calls, row, payload);
}

/* Offsets count from the newest message of the first page, so that one says so. */
static void room_history_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                                json_object *payload)
{
    if (salon_path(payload, "offset") == NULL) salon_json_integer(payload, "offset", 0);
    addressed_decode(calls, row, payload);
}

/* Who asks for what was said last has read it then, unless they say otherwise: there is no message
 * of its own for that. */
static void dm_history_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                              json_object *payload)
{
    if (salon_path(payload, "read") == NULL) salon_json_boolean(payload, "read", true);
    room_history_decode(calls, row, payload);
}

/* Each is handled, and refused, for itself; a batch holds no other. */
static void batch_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                         json_object *payload)
{
    json_object *list = salon_path(payload, "messages");
    if (!json_object_is_type(list, json_type_array) ||
        json_object_array_length(list) > BATCH_MOST) {
        salon_call_refuse(calls, row, SALON_INVALID, "messages");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *message = json_object_array_get_idx(list, i);
        bool is_object = json_object_is_type(message, json_type_object);
        if (is_object && is_text(salon_path(message, "type"), row->type))
            salon_call_refuse(calls, row, SALON_INVALID, "type");
        else salon_call_message(calls, message);
    }
}

/* ---- Tables ---- */

enum { SIGN_IN };

static const salon_wire_message_t messages[] = {
    [SIGN_IN] = { .type = "sign_in", .operation = "session.authenticate", .hidden = true },
    { .type = "ping", .operation = "session.ping", .reply = "pong", .shape = chat_pong },
    { .type = "join_room", .operation = "room.join", .fields = join_fields,
      .decode = addressed_decode, .reply = "join_room_ack", .answer = chat_joined },
    { .type = "room_message", .operation = "room.send", .fields = room_message_fields,
      .decode = message_decode, .reply = "room_message", .answer = chat_room_message_unheard },
    { .type = "room_message", .operation = "reaction.add", .fields = room_reaction_fields,
      .hidden = true, .reply = "room_message", .answer = chat_room_reaction_unheard },
    { .type = "direct_message", .operation = "dm.send", .fields = direct_message_fields,
      .decode = message_decode },
    { .type = "direct_message", .operation = "reaction.add", .fields = direct_reaction_fields,
      .hidden = true },
    { .type = "room_history", .operation = "room.history", .fields = room_history_fields,
      .decode = room_history_decode, .reply = "message_history", .answer = chat_room_history },
    { .type = "dm_history", .operation = "dm.history", .fields = dm_history_fields,
      .decode = dm_history_decode, .reply = "message_history", .answer = chat_dm_history },
    { .type = "message_batch", .fields = batch_fields, .decode = batch_decode },
    { .type = NULL },
};

static const salon_wire_event_t events[] = {
    { .event = "message.new", .when = "room", .type = "room_message",
      .encode = chat_room_message },
    { .event = "message.new", .when = "conversation", .type = "direct_message",
      .encode = chat_direct_message },
    { .event = "reaction.added", .when = "room", .type = "room_message",
      .encode = chat_room_reaction },
    { .event = "reaction.added", .when = "conversation", .type = "direct_message",
      .encode = chat_direct_reaction },
    { .event = "room.entered", .type = "user_connected", .encode = chat_connected },
    { .event = "room.exited", .type = "user_disconnected", .encode = chat_disconnected },
    { .event = NULL },
};

/* With these a connection is closed when its opening is refused: for good; for now. */
#define DOOR  1008
#define LATER 1013

enum { BAD_TOKEN };

static const salon_wire_error_t errors[] = {
    [BAD_TOKEN] = { SALON_INVALID_TOKEN, "AUTH_FAILED", "Authentication failed", NULL, DOOR },
    { SALON_INVALID, "INVALID_FORMAT", "Invalid message format", NULL, DOOR },
    { SALON_BLANK, "INVALID_FORMAT", "Message cannot be empty", NULL, 0 },
    { SALON_UNKNOWN, "INVALID_FORMAT", "Unknown message type", NULL, 0 },
    { SALON_NOT_SIGNED_IN, "AUTH_FAILED", "Authentication required", NULL, DOOR },
    { SALON_DENIED, "PERMISSION_DENIED", "Permission denied", NULL, DOOR },
    { "user_sanctioned", "PERMISSION_DENIED", "You are muted or banned", NULL, DOOR },
    { "conversation_blocked", "PERMISSION_DENIED", "Conversation is blocked", NULL, 0 },
    { "message_refused", "PERMISSION_DENIED", "Message refused by the filter", NULL, 0 },
    { SALON_TOO_MANY_MARKS, "PERMISSION_DENIED", "Too many different reactions", NULL, 0 },
    { SALON_RATE_LIMITED, "RATE_LIMITED", "Too many messages", NULL, 0 },
    { SALON_TOO_LONG, "MESSAGE_TOO_LONG", "Message too long", NULL, DOOR },
    { "room_not_found", "ROOM_NOT_FOUND", "Room not found", NULL, 0 },
    { SALON_USER_NOT_FOUND, "USER_NOT_FOUND", "User not found", NULL, 0 },
    { SALON_MESSAGE_NOT_FOUND, "MESSAGE_NOT_FOUND", "Message not found", NULL, 0 },
    { "media_not_found", "MEDIA_NOT_FOUND", "Media not found", NULL, 0 },
    { "conversation_not_found", "CONVERSATION_NOT_FOUND", "Conversation not found", NULL, 0 },
    { SALON_UNAVAILABLE, "SERVICE_UNAVAILABLE", "Service temporarily unavailable", NULL, LATER },
    { NULL, "INTERNAL_ERROR", "Internal error", NULL, LATER },
};

/* Of a refusal with that code, what had been asked for is told, in the words of the message. */
static const struct {
    const char *code, *argument;
} told[] = {
    { "room_not_found", "room" },
    { SALON_DENIED, "room" },
    { SALON_DENIED, "user_id" },
    { "user_sanctioned", "room" },
    { "user_sanctioned", "user_id" },
    { "conversation_blocked", "user_id" },
    { "conversation_not_found", "user_id" },
    { SALON_USER_NOT_FOUND, "user_id" },
    { SALON_MESSAGE_NOT_FOUND, "parent_id" },
    { SALON_MESSAGE_NOT_FOUND, "message_id" },
};

/* ---- Functions ---- */

/* Without a token, or with a bad one, a browser must see why: it is refused when it is open. */
static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const char *token = salon_opening_query(opening, "token");
    if (token == NULL || token[0] == '\0') token = salon_opening_bearer(opening);
    if (token == NULL) salon_call_refuse(calls, &messages[SIGN_IN], SALON_INVALID_TOKEN, NULL);
    else
        salon_call(calls, &messages[SIGN_IN], salon_json_string(salon_json(), "token", token));
}

/* What somebody has caused names them in its data. */
static json_object *envelope(const char *type, json_object *data)
{
    json_object *message = salon_json_string(salon_json(), "type", type);
    salon_json_value(message, "data", data);
    salon_json_value(message, "timestamp", salon_time_json(salon_now()));
    json_object *user_id = salon_path(data, "user_id");
    if (user_id == NULL) user_id = salon_path(data, "from_user_id");
    if (user_id != NULL) salon_json_value(message, "user_id", json_object_get(user_id));
    return message;
}

static void asked_add(json_object *details, const salon_refusal_t *refusal, const char *argument)
{
    const salon_wire_field_t *field = refusal->message != NULL ? refusal->message->fields : NULL;
    json_object *value = salon_path(refusal->asked, argument);
    for (; field != NULL && field->wire != NULL; field++)
        if (value != NULL && strcmp(field->argument, argument) == 0)
            salon_json_value(details, field->wire, json_object_get(value));
}

static json_object *details_of(const salon_refusal_t *refusal)
{
    json_object *details = salon_json_merge(salon_json(), json_object_get(refusal->details));
    if (refusal->retry_after > 0)
        salon_json_integer(details, "retry_after", refusal->retry_after);
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
        if (refusal->row->code != NULL && strcmp(told[i].code, refusal->row->code) == 0)
            asked_add(details, refusal, told[i].argument);
    return details;
}

static json_object *error_data(const salon_wire_error_t *row, json_object *details)
{
    json_object *data = salon_json_string(salon_json(), "message", row->message);
    salon_json_string(data, "code", row->wire);
    return salon_json_value(data, "details", details);
}

/* A token that is empty, or as long as none is, is a bad one. */
static json_object *error(const salon_refusal_t *refusal)
{
    const char *code = refusal->row->code;
    bool malformed = code != NULL && (strcmp(code, SALON_INVALID) == 0 ||
                                      strcmp(code, SALON_TOO_LONG) == 0);
    if (refusal->message == &messages[SIGN_IN] && malformed)
        return error_data(&errors[BAD_TOKEN], salon_json());
    return error_data(refusal->row, details_of(refusal));
}

static void batch_tail(char *buffer, size_t size)
{
    json_object *now = salon_time_json(salon_now());
    apr_snprintf(buffer, size, "]},\"timestamp\":\"%s\"}", json_object_get_string(now));
    json_object_put(now);
}

/* A front end asks so for the extension of that name; its browser wants to be answered. */
static const char *const subprotocols[] = { "permessage-deflate", NULL };

static const salon_dialect_t dialect = {
    .name = "chat",
    .payload = "data",
    .messages = messages,
    .events = events,
    .errors = errors,
    .error_type = "error",
    .open = open_connection,
    .envelope = envelope,
    .error = error,
    .example = "?token=TOKEN'\n"
               "  then paste  {\"type\":\"join_room\",\"data\":{\"room\":\"general\"}}\n"
               "  and expect  {\"type\":\"join_room_ack\",\"data\":{\"room\":\"general\",...}}\n"
               "  then paste  {\"type\":\"room_message\",\"data\":{\"room\":\"general\","
               "\"content\":\"Hello!\"}}\n"
               "  and expect  {\"type\":\"room_message\",\"data\":{\"id\":...}}",
    .subprotocols = subprotocols,
    .batch_query = "batch",
    .batch_head = "{\"type\":\"message_batch\",\"data\":{\"messages\":[",
    .batch_tail = batch_tail,
};

SALON_PLUGIN(chat) = {
    SALON_PLUGIN_HEADER,
    .name = "chat",
    .version = "1.0",
    .summary = "the dialect of the chat front end",
    .dialect = &dialect,
};
