/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialect of the Veza front end: {"type": ..., "data": {...}} both ways, rooms by number,
 * human-readable messages in French.  See salon-veza(7).
 */
#include <salon/message.h>

#include "shapes.h"

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

static const salon_wire_field_t dm_open_fields[] = {
    { "user1_id", "user1_id" },
    { "user2_id", "user2_id" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_send_fields[] = {
    { "conversation_id", "conversation_id" },
    { "content", "content" },
    { "parent_id", "parent_id" },
    { "metadata.client_id", "client_id" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_history_fields[] = {
    { "conversation_id", "conversation_id" },
    { "limit", "limit" },
    { "before_id", "before" },
    { "read", "read" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_block_fields[] = {
    { "conversation_id", "conversation_id" },
    { "block", "block" },
    { NULL, NULL },
};
static const salon_wire_field_t dm_list_fields[] = { { "limit", "limit" }, { NULL, NULL } };
static const salon_wire_field_t reaction_fields[] = {
    { "message_id", "message_id" },
    { "emoji", "emoji" },
    { NULL, NULL },
};
static const salon_wire_field_t reactions_fields[] = {
    { "message_id", "message_id" },
    { NULL, NULL },
};
static const salon_wire_field_t status_fields[] = {
    { "status", "status" },
    { "message", "message" },
    { NULL, NULL },
};
static const salon_wire_field_t audit_fields[] = {
    { "room_id", "room_id" },
    { "limit", "limit" },
    { NULL, NULL },
};

/* Who asks for what was said last has read it then, unless they say otherwise: there is no message
 * of its own for that. */
static void dm_history_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                              json_object *payload)
{
    if (json_object_object_get(payload, "read") == NULL) salon_json_boolean(payload, "read", true);
    salon_call_fields(calls, row, payload);
}

/* Of a direct message everybody hears by its event, the sender too; only who repeats a client_id is
 * answered. */
static json_object *dm_message_again(json_object *data)
{
    return salon_path(data, "known") != NULL ? salon_shape(veza_dm_message, data) : NULL;
}

/* What is done in a room is seen by what the room is told; who does not hear it is answered. */
static json_object *pinned_unheard(json_object *data)
{
    return salon_path(data, "unheard") != NULL ? salon_shape(veza_message_pinned, data) : NULL;
}

static json_object *reaction_unheard(json_object *data)
{
    return salon_path(data, "unheard") != NULL ? salon_shape(veza_reaction, data) : NULL;
}

static json_object *message_reactions(json_object *data)
{
    apr_int64_t total = 0;
    json_object *list = salon_path(data, "reactions");
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++)
        total += json_object_get_int64(salon_path(json_object_array_get_idx(list, i), "count"));
    return salon_json_integer(salon_shape(veza_message_reactions, data), "total_reactions", total);
}

/* ---- Tables ---- */

static const salon_wire_message_t messages[] = {
    { .type = "authenticate", .operation = "session.authenticate", .fields = authenticate_fields,
      .reply = "auth_success", .shape = veza_auth_success, .error = "auth_error" },
    { .type = "ping", .operation = "session.ping", .fields = ping_fields,
      .reply = "pong", .shape = veza_pong },
    { .type = "disconnect", .operation = "session.close", .fields = close_fields },
    { .type = "join_room", .operation = "room.join", .fields = room_fields,
      .reply = "room_joined", .shape = veza_room_joined },
    { .type = "leave_room", .operation = "room.leave", .fields = room_fields,
      .reply = "room_left", .shape = veza_room_left },
    { .type = "send_message", .operation = "room.send", .fields = send_fields,
      .reply = "message_sent", .shape = veza_message_sent },
    { .type = "get_history", .operation = "room.history", .fields = history_fields,
      .reply = "room_history", .shape = veza_room_history },
    { .type = "pin_message", .operation = "room.pin", .fields = pin_fields,
      .reply = "message_pinned", .answer = pinned_unheard },
    { .type = "get_room_stats", .operation = "room.stats", .fields = room_fields,
      .reply = "room_stats", .shape = veza_room_stats },
    { .type = "create_dm", .operation = "dm.open", .fields = dm_open_fields,
      .reply = "dm_created", .shape = veza_dm_created },
    { .type = "send_dm", .operation = "dm.send", .fields = dm_send_fields,
      .reply = "dm_message", .answer = dm_message_again },
    { .type = "get_dm_history", .operation = "dm.history", .fields = dm_history_fields,
      .decode = dm_history_decode, .reply = "dm_history", .shape = veza_dm_history },
    { .type = "block_dm", .operation = "dm.block", .fields = dm_block_fields },
    { .type = "list_dms", .operation = "dm.list", .fields = dm_list_fields,
      .reply = "dm_list", .shape = veza_dm_list },
    { .type = "add_reaction", .operation = "reaction.add", .fields = reaction_fields,
      .reply = "reaction_added", .answer = reaction_unheard },
    { .type = "remove_reaction", .operation = "reaction.remove", .fields = reaction_fields,
      .reply = "reaction_removed", .answer = reaction_unheard },
    { .type = "get_reactions", .operation = "reaction.list", .fields = reactions_fields,
      .reply = "message_reactions", .answer = message_reactions },
    { .type = "update_status", .operation = "presence.set", .fields = status_fields },
    { .type = "get_audit_logs", .operation = "audit.list", .fields = audit_fields,
      .reply = "audit_logs", .shape = veza_audit_logs },
    { .type = NULL },
};

static const salon_wire_event_t events[] = {
    { .event = "message.new", .when = "room", .type = "room_message", .shape = veza_room_message },
    { .event = "message.new", .when = "conversation", .type = "dm_message",
      .shape = veza_dm_message },
    { .event = "message.pinned", .when = "room", .type = "message_pinned",
      .shape = veza_message_pinned },
    { .event = "dm.blocked", .type = "dm_blocked", .shape = veza_dm_blocked },
    { .event = "reaction.added", .type = "reaction_added", .shape = veza_reaction },
    { .event = "reaction.removed", .type = "reaction_removed", .shape = veza_reaction },
    { .event = "presence", .type = "user_presence", .shape = veza_user_presence },
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
    { "conversation_not_found", "CONVERSATION_NOT_FOUND", "Conversation inexistante", "medium", 0 },
    { "conversation_blocked", "CONVERSATION_BLOCKED", "Conversation bloquée", "medium", 0 },
    { "user_sanctioned", "USER_BLOCKED", "Utilisateur bloqué", "high", 0 },
    { "message_refused", "PERMISSION_DENIED", "Message refusé par le filtre", "medium", 0 },
    { SALON_TOO_MANY_MARKS, "PERMISSION_DENIED", "Trop de réactions différentes", "low", 0 },
    { SALON_CONFLICT, "CONFLICT", "Existe déjà", "low", 0 },
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

/* An auth_error has neither severity nor details. */
static json_object *error(const salon_refusal_t *refusal)
{
    json_object *data = salon_json_string(salon_json(), "code", refusal->row->wire);
    salon_json_string(data, "message", refusal->row->message);
    if (refusal->message == &messages[0])
        return salon_json_optional(data, "retry_after", refusal->retry_after);
    salon_json_string(data, "severity", refusal->row->severity);
    salon_json_optional(data, "retry_after", refusal->retry_after);
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
