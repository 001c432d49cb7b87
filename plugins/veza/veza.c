/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of the Veza front end: {"type": ..., "data": {...}} both ways, rooms by number,
 * human-readable messages in French.  See salon-veza(7).
 */
#include <salon/dialect.h>

/* ---- From the client ---- */

static const salon_wire_field_t authenticate_fields[] = { { "token", "token" }, { NULL, NULL } };
static const salon_wire_field_t ping_fields[] = { { "timestamp", "timestamp" }, { NULL, NULL } };
static const salon_wire_field_t close_fields[] = { { "reason", "reason" }, { NULL, NULL } };
static const salon_wire_field_t room_fields[] = { { "room_id", "room_id" }, { NULL, NULL } };
static const salon_wire_field_t send_fields[] = {
    { "room_id", "room_id" },
    { "content", "content" },
    { "parent_id", "parent_id" },
    { "metadata.client_id", "client_id" },
    { NULL, NULL },
};
static const salon_wire_field_t history_fields[] = {
    { "room_id", "room_id" },
    { "limit", "limit" },
    { "before_id", "before" },
    { NULL, NULL },
};
static const salon_wire_field_t pin_fields[] = {
    { "room_id", "room_id" },
    { "message_id", "message_id" },
    { "pin", "pin" },
    { NULL, NULL },
};

/* ---- To the client ---- */

#define END { NULL, NULL, SALON_COPY, NULL }

static const salon_shape_t auth_success[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "role", "role", SALON_COPY, NULL },
    { "session_id", "session_id", SALON_COPY, NULL },
    { "server_time", "server_time", SALON_TIME, NULL },
    END,
};

static const salon_shape_t pong[] = {
    { "timestamp", "timestamp", SALON_COPY, NULL },
    { "server_time", "server_time", SALON_TIME, NULL },
    END,
};

static const salon_shape_t room_joined[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "member_count", "member_count", SALON_COPY, NULL },
    { "user_role", "role", SALON_COPY, NULL },
    { "is_public", "room.is_public", SALON_COPY, NULL },
    { "last_message_id", "last_message_id", SALON_COPY, NULL },
    END,
};

static const salon_shape_t room_left[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    END,
};

static const salon_shape_t message_sent[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "room_id", "room.id", SALON_COPY, NULL },
    { "author_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "parent_id", "message.parent_id", SALON_COPY, NULL },
    { "thread_count", "message.reply_count", SALON_COPY, NULL },
    { "is_pinned", "message.pinned", SALON_COPY, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    { "reactions", "message.reactions", SALON_OR_LIST, NULL },
    { "mentions", "message.mentions", SALON_OR_LIST, NULL },
    END,
};

static const salon_shape_t room_message[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "author_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "parent_id", "message.parent_id", SALON_COPY, NULL },
    { "thread_count", "message.reply_count", SALON_COPY, NULL },
    { "is_pinned", "message.pinned", SALON_COPY, NULL },
    { "is_edited", "message.edited_at", SALON_PRESENT, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    { "reactions", "message.reactions", SALON_OR_LIST, NULL },
    { "mention_count", "message.mentions", SALON_COUNT, NULL },
    END,
};

static const salon_shape_t history_message[] = {
    { "id", "id", SALON_COPY, NULL },
    { "author_id", "author_id", SALON_COPY, NULL },
    { "username", "author_name", SALON_COPY, NULL },
    { "content", "content", SALON_COPY, NULL },
    { "parent_id", "parent_id", SALON_COPY, NULL },
    { "thread_count", "reply_count", SALON_COPY, NULL },
    { "is_pinned", "pinned", SALON_COPY, NULL },
    { "is_edited", "edited_at", SALON_PRESENT, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    { "reactions", "reactions", SALON_OR_LIST, NULL },
    { "mention_count", "mentions", SALON_COUNT, NULL },
    END,
};

static const salon_shape_t room_history[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "messages", "messages", SALON_EACH, history_message },
    { "has_more", "has_more", SALON_COPY, NULL },
    { "total_count", "total", SALON_COPY, NULL },
    END,
};

static const salon_shape_t room_stats[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "room_name", "room.name", SALON_COPY, NULL },
    { "member_count", "member_count", SALON_COPY, NULL },
    { "online_count", "online_count", SALON_COPY, NULL },
    { "message_count", "message_count", SALON_COPY, NULL },
    { "messages_last_24h", "messages_last_24h", SALON_COPY, NULL },
    { "top_contributors", "top_contributors", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    { "last_message_at", "last_message_at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t message_pinned[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "message_id", "message_id", SALON_COPY, NULL },
    { "is_pinned", "pinned", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "timestamp", "at", SALON_TIME, NULL },
    END,
};

static json_object *room_message_encode(json_object *data)
{
    return salon_path(data, "room") != NULL ? salon_shape(room_message, data) : NULL;
}

static json_object *message_pinned_encode(json_object *data)
{
    return salon_path(data, "room") != NULL ? salon_shape(message_pinned, data) : NULL;
}

/* ---- Tables ---- */

static const salon_wire_message_t messages[] = {
    { .type = "authenticate", .operation = "session.authenticate", .fields = authenticate_fields,
      .reply = "auth_success", .shape = auth_success, .error = "auth_error" },
    { .type = "ping", .operation = "session.ping", .fields = ping_fields,
      .reply = "pong", .shape = pong },
    { .type = "disconnect", .operation = "session.close", .fields = close_fields },
    { .type = "join_room", .operation = "room.join", .fields = room_fields,
      .reply = "room_joined", .shape = room_joined },
    { .type = "leave_room", .operation = "room.leave", .fields = room_fields,
      .reply = "room_left", .shape = room_left },
    { .type = "send_message", .operation = "room.send", .fields = send_fields,
      .reply = "message_sent", .shape = message_sent },
    { .type = "get_history", .operation = "room.history", .fields = history_fields,
      .reply = "room_history", .shape = room_history },
    { .type = "pin_message", .operation = "room.pin", .fields = pin_fields },
    { .type = "get_room_stats", .operation = "room.stats", .fields = room_fields,
      .reply = "room_stats", .shape = room_stats },
    { .type = NULL },
};

static const salon_wire_event_t events[] = {
    { .event = "message.new", .type = "room_message", .encode = room_message_encode },
    { .event = "message.pinned", .type = "message_pinned", .encode = message_pinned_encode },
    { .event = NULL },
};

static const salon_wire_error_t errors[] = {
    { SALON_INVALID, "INVALID_FORMAT", "Format de message invalide", "low", 0 },
    { SALON_BLANK, "INVALID_FORMAT", "Le message ne peut pas être vide", "low", 0 },
    { SALON_UNKNOWN, "UNKNOWN_TYPE", "Type de message inconnu", "low", 0 },
    { SALON_NOT_SIGNED_IN, "NOT_AUTHENTICATED", "Authentification requise", "high", 0 },
    { SALON_INVALID_TOKEN, "INVALID_TOKEN", "Token JWT invalide ou expiré", "high", 0 },
    { SALON_DENIED, "PERMISSION_DENIED", "Permissions insuffisantes", "medium", 0 },
    { SALON_RATE_LIMITED, "RATE_LIMIT_EXCEEDED", "Trop de messages envoyés", "medium", 0 },
    { SALON_TOO_LONG, "MESSAGE_TOO_LONG", "Message trop long", "low", 0 },
    { "room_not_found", "ROOM_NOT_FOUND", "Salon inexistant", "medium", 0 },
    { SALON_MESSAGE_NOT_FOUND, "MESSAGE_NOT_FOUND", "Message inexistant", "medium", 0 },
    { SALON_USER_NOT_FOUND, "USER_NOT_FOUND", "Utilisateur inexistant", "medium", 0 },
    { SALON_UNAVAILABLE, "SERVICE_UNAVAILABLE", "Service momentanément indisponible", "high", 0 },
    { NULL, "INTERNAL_ERROR", "Erreur interne", "high", 0 },
};

/* ---- Functions ---- */

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const char *token = salon_opening_bearer(opening);
    if (token != NULL)
        salon_call(calls, &messages[0], salon_json_string(salon_json(), "token", token));
}

static json_object *envelope(const char *type, json_object *data)
{
    return salon_json_value(salon_json_string(salon_json(), "type", type), "data", data);
}

static json_object *retry_after_json(const salon_refusal_t *refusal)
{
    return refusal->retry_after > 0 ? json_object_new_int64(refusal->retry_after) : NULL;
}

/* An auth_error has neither severity nor details. */
static json_object *error(const salon_refusal_t *refusal)
{
    json_object *data = salon_json_string(salon_json(), "code", refusal->row->wire);
    salon_json_string(data, "message", refusal->row->message);
    if (refusal->message == &messages[0])
        return salon_json_value(data, "retry_after", retry_after_json(refusal));
    salon_json_string(data, "severity", refusal->row->severity);
    salon_json_value(data, "retry_after", retry_after_json(refusal));
    return salon_json_value(data, "details",
                            refusal->details ? json_object_get(refusal->details) : salon_json());
}

static const salon_dialect_t dialect = {
    .name = "veza",
    .payload = "data",
    .messages = messages,
    .events = events,
    .errors = errors,
    .error_type = "error",
    .open = open_connection,
    .envelope = envelope,
    .error = error,
    .example = "' -H 'Authorization: Bearer TOKEN'\n"
               "  then paste  {\"type\":\"join_room\",\"data\":{\"room_id\":1}}\n"
               "  and expect  {\"type\":\"room_joined\",\"data\":{\"room_id\":1,...}}\n"
               "  then paste  {\"type\":\"send_message\",\"data\":{\"room_id\":1,"
               "\"content\":\"Hello!\"}}\n"
               "  and expect  {\"type\":\"message_sent\",...} and {\"type\":\"room_message\",...}",
};

SALON_PLUGIN(veza) = {
    SALON_PLUGIN_HEADER,
    .name = "veza",
    .version = "1.0",
    .summary = "the dialect of the Veza front end",
    .dialect = &dialect,
};
