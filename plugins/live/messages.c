/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message names no room: the connection is bound to one when it enters.
 */
#include "messages.h"

#include <string.h>

/* ---- From the client ---- */

static const salon_wire_field_t chat_message_fields[] = {
    { "message", "content" },
    { NULL, NULL },
};
static const salon_wire_field_t moderation_fields[] = {
    { "action", "action" },
    { "target_user_id", "user_id" },
    { "duration_minutes", "minutes" },
    { NULL, NULL },
};

static const struct {
    const char *action;
    int row;
} actions[] = { { "ban", LIVE_BAN }, { "mute", LIVE_MUTE } };

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const salon_wire_message_t *action_row(json_object *action)
{
    if (!json_object_is_type(action, json_type_string)) return NULL;
    for (size_t i = 0; i < ACTIONS; i++)
        if (strcmp(actions[i].action, json_object_get_string(action)) == 0)
            return &live_messages[actions[i].row];
    return NULL;
}

/* A field that is forgotten is nobody's sanction for good. */
static void moderation_decode(salon_calls_t *calls, const salon_wire_message_t *row,
                              json_object *payload)
{
    const salon_wire_message_t *wanted = action_row(salon_path(payload, "action"));
    const char *wrong = NULL;
    if (salon_path(payload, "duration_minutes") == NULL) wrong = "duration_minutes";
    if (salon_path(payload, "target_user_id") == NULL) wrong = "target_user_id";
    if (wanted == NULL) wrong = "action";
    if (wrong != NULL) salon_call_refuse(calls, row, SALON_INVALID, wrong);
    else salon_call_fields(calls, wanted, payload);
}

static json_object *pong(json_object *data)
{
    (void)data;
    return salon_json();
}

static const salon_shape_t room_joined[] = {
    { "room_id", "room.id", SALON_COPY, NULL },
    { "connection_count", "connection_count", SALON_COPY, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};

const salon_wire_message_t live_messages[] = {
    [LIVE_SIGN_IN] = { .type = "sign_in", .operation = "session.authenticate", .hidden = true },
    [LIVE_GUEST] = { .type = "guest", .operation = "live.guest", .hidden = true },
    [LIVE_ENTER] = { .type = "enter", .operation = "room.enter", .hidden = true,
                     .reply = "room_joined", .shape = room_joined },
    [LIVE_BAN] = { .type = "ban", .operation = "live.ban", .hidden = true,
                   .fields = moderation_fields },
    [LIVE_MUTE] = { .type = "mute", .operation = "live.mute", .hidden = true,
                    .fields = moderation_fields },
    { .type = "chat_message", .operation = "room.send", .fields = chat_message_fields },
    { .type = "typing_start", .operation = "typing.start" },
    { .type = "typing_stop", .operation = "typing.stop" },
    { .type = "moderation_action", .fields = moderation_fields, .decode = moderation_decode },
    { .type = "ping", .operation = "session.ping", .reply = "pong", .answer = pong },
    { .type = NULL },
};

/* ---- To the client ---- */

static const salon_shape_t chat_message[] = {
    { "id", "message.id", SALON_COPY, NULL },
    { "message", "message.content", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "user_id", "message.author_id", SALON_COPY, NULL },
    { "timestamp", "message.created_at", SALON_TIME, NULL },
    { "room_id", "room.id", SALON_COPY, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};
static const salon_shape_t person_at[] = {
    { "username", "username", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "timestamp", "at", SALON_TIME, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};
static const salon_shape_t person[] = {
    { "username", "username", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};
static const salon_shape_t moderation_action[] = {
    { "action", "action", SALON_COPY, NULL },
    { "target_user_id", "target_user_id", SALON_COPY, NULL },
    { "moderator_user_id", "moderator_user_id", SALON_COPY, NULL },
    { "duration_minutes", "duration_minutes", SALON_COPY, NULL },
    { "timestamp", "at", SALON_TIME, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};

/* What is said elsewhere without words, an image, is shown as its address. */
static json_object *message_encode(json_object *data)
{
    json_object *shaped = salon_shape(chat_message, data);
    json_object *url = salon_path(data, "message.media.url");
    const char *text = json_object_get_string(salon_path(data, "message.content"));
    if (url != NULL && (text == NULL || text[0] == '\0'))
        salon_json_value(shaped, "message", json_object_get(url));
    return shaped;
}

/* Other actions have no words here. */
static json_object *action_encode(json_object *data)
{
    bool known = action_row(salon_path(data, "action")) != NULL;
    return known ? salon_shape(moderation_action, data) : NULL;
}

const salon_wire_event_t live_events[] = {
    { .event = "message.new", .when = "room", .type = "chat_message", .shape = chat_message,
      .encode = message_encode },
    { .event = "room.entered", .type = "user_joined", .shape = person_at },
    { .event = "room.exited", .type = "user_left", .shape = person },
    { .event = "typing.started", .when = "room", .type = "typing_start", .shape = person_at },
    { .event = "typing.stopped", .when = "room", .type = "typing_stop", .shape = person_at },
    { .event = "moderation.acted", .type = "moderation_action", .shape = moderation_action,
      .encode = action_encode },
    { .event = NULL },
};
