/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Most messages are shapes with a few members more, which are there only when they say something:
 * what goes with a picture or a recording, and what is answered.
 */
#include "shapes.h"

#define END { NULL, NULL, SALON_COPY, NULL }

const salon_shape_t chat_pong[] = {
    { "timestamp", "server_time", SALON_TIME, NULL },
    END,
};

static const salon_shape_t room_alone[] = {
    { "room", "room.name", SALON_COPY, NULL },
    END,
};

static const salon_shape_t room_message[] = {
    { "id", "message.id", SALON_COPY, NULL },
    { "room", "room.name", SALON_COPY, NULL },
    { "user_id", "message.author_id", SALON_COPY, NULL },
    { "username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "message_type", "message.kind", SALON_COPY, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t direct_message[] = {
    { "id", "message.id", SALON_COPY, NULL },
    { "from_user_id", "message.author_id", SALON_COPY, NULL },
    { "from_username", "message.author_name", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "message_type", "message.kind", SALON_COPY, NULL },
    { "created_at", "message.created_at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t room_reaction[] = {
    { "id", "id", SALON_COPY, NULL },
    { "room", "room.name", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "content", "value", SALON_COPY, NULL },
    { "message_type", "reaction", SALON_CONSTANT, NULL },
    { "reply_to", "message_id", SALON_COPY, NULL },
    { "created_at", "at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t direct_reaction[] = {
    { "id", "id", SALON_COPY, NULL },
    { "from_user_id", "user_id", SALON_COPY, NULL },
    { "from_username", "username", SALON_COPY, NULL },
    { "content", "value", SALON_COPY, NULL },
    { "message_type", "reaction", SALON_CONSTANT, NULL },
    { "reply_to", "message_id", SALON_COPY, NULL },
    { "created_at", "at", SALON_TIME, NULL },
    END,
};

static const salon_shape_t history_message[] = {
    { "id", "id", SALON_COPY, NULL },
    { "user_id", "author_id", SALON_COPY, NULL },
    { "username", "author_name", SALON_COPY, NULL },
    { "content", "content", SALON_COPY, NULL },
    { "message_type", "kind", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_TIME, NULL },
    { "reactions", "reactions", SALON_OR_LIST, NULL },
    END,
};

static const salon_shape_t presence[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "room", "room.name", SALON_COPY, NULL },
    END,
};

/* ---- What is there only when it says something ---- */

static json_object *more_add(json_object *wire, json_object *message)
{
    static const struct {
        const char *name, *path;
    } more[] = {
        { "media_url", "media.url" },
        { "media_type", "media.type" },
        { "duration", "media.duration" },
        { "reply_to", "parent_id" },
    };
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        json_object *value = salon_path(message, more[i].path);
        if (value != NULL) salon_json_value(wire, more[i].name, json_object_get(value));
    }
    return wire;
}

/* The one of the two that `from` is not. */
static json_object *to_add(json_object *wire, json_object *conversation, json_object *from)
{
    json_object *one = salon_path(conversation, "user1_id");
    json_object *other = salon_path(conversation, "user2_id");
    json_object *to = json_object_get_int64(one) == json_object_get_int64(from) ? other : one;
    return salon_json_value(wire, "to_user_id", json_object_get(to));
}

/* ---- Events ---- */

json_object *chat_room_message(json_object *data)
{
    return more_add(salon_shape(room_message, data), salon_path(data, "message"));
}

json_object *chat_direct_message(json_object *data)
{
    json_object *wire = more_add(salon_shape(direct_message, data), salon_path(data, "message"));
    return to_add(wire, salon_path(data, "conversation"), salon_path(data, "message.author_id"));
}

json_object *chat_room_reaction(json_object *data)
{
    return salon_shape(room_reaction, data);
}

json_object *chat_direct_reaction(json_object *data)
{
    return to_add(salon_shape(direct_reaction, data), salon_path(data, "conversation"),
                  salon_path(data, "user_id"));
}

/* A user's first connection in a room and the last one count, those between do not. */
json_object *chat_connected(json_object *data)
{
    bool first = json_object_get_boolean(salon_path(data, "first"));
    return first ? salon_shape(presence, data) : NULL;
}

json_object *chat_disconnected(json_object *data)
{
    bool last = json_object_get_boolean(salon_path(data, "last"));
    return last ? salon_shape(presence, data) : NULL;
}

/* ---- Answers ---- */

json_object *chat_joined(json_object *data)
{
    json_object *wire = salon_json_boolean(salon_shape(room_alone, data), "success", true);
    return salon_json_string(wire, "message", "Joined room successfully");
}

json_object *chat_room_message_unheard(json_object *data)
{
    return salon_path(data, "unheard") != NULL ? chat_room_message(data) : NULL;
}

json_object *chat_room_reaction_unheard(json_object *data)
{
    return salon_path(data, "unheard") != NULL ? chat_room_reaction(data) : NULL;
}

static json_object *history(json_object *wire, json_object *data)
{
    json_object *list = json_object_new_array(), *messages = salon_path(data, "messages");
    for (size_t i = 0; i < json_object_array_length(messages); i++) {
        json_object *message = json_object_array_get_idx(messages, i);
        json_object_array_add(list, more_add(salon_shape(history_message, message), message));
    }
    salon_json_value(wire, "messages", list);
    salon_json_value(wire, "total", json_object_get(salon_path(data, "total")));
    return salon_json_value(wire, "has_more", json_object_get(salon_path(data, "has_more")));
}

json_object *chat_room_history(json_object *data)
{
    return history(salon_shape(room_alone, data), data);
}

/* With people with whom one has not talked there is no conversation; so who it is comes from what
 * was asked. */
json_object *chat_dm_history(json_object *data)
{
    json_object *with = json_object_get(salon_path(data, "asked.user_id"));
    return history(salon_json_value(salon_json(), "with_user", with), data);
}
