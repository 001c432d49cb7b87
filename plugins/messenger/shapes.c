/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conversation is told with both of its people; here one of them has a name, by what they have
 * done.
 */
#include "shapes.h"

#include <string.h>

#define END { NULL, NULL, SALON_COPY, NULL }

/* ---- Messages ---- */

static const salon_shape_t new_message[] = {
    { "message_id", "message.id", SALON_COPY, NULL },
    { "sender_id", "message.author_id", SALON_COPY, NULL },
    { "receiver_id", "", SALON_CONSTANT, NULL }, /* found below */
    { "content", "message.content", SALON_COPY, NULL },
    { "timestamp", "message.created_at", SALON_MICROS, NULL },
    END,
};

const salon_shape_t messenger_new_message_http[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "message_id", "message.id", SALON_COPY, NULL },
    { "sender_id", "message.author_id", SALON_COPY, NULL },
    { "content", "message.content", SALON_COPY, NULL },
    { "created_at", "message.created_at", SALON_MICROS, NULL },
    { "media_ids", "message.media.ids", SALON_OR_LIST, NULL },
    END,
};

/* The one of the two who is not the author. */
static json_object *receiver_of(json_object *data)
{
    json_object *author = salon_path(data, "message.author_id");
    json_object *first = salon_path(data, "conversation.user1_id");
    bool is_first = json_object_get_int64(first) == json_object_get_int64(author);
    return json_object_get(is_first ? salon_path(data, "conversation.user2_id") : first);
}

static const salon_shape_t with_media[] = {
    { "media_ids", "ids", SALON_OR_LIST, NULL },
    { "media_url", "url", SALON_COPY, NULL },
    END,
};

json_object *messenger_new_message(json_object *data)
{
    json_object *media = salon_path(data, "message.media");
    json_object *shaped = salon_shape(new_message, data);
    salon_json_value(shaped, "receiver_id", receiver_of(data));
    return media != NULL ? salon_json_merge(shaped, salon_shape(with_media, media)) : shaped;
}

json_object *messenger_new_message_again(json_object *data)
{
    return salon_path(data, "known") != NULL ? messenger_new_message(data) : NULL;
}

const salon_shape_t messenger_message_id[] = {
    { "message_id", "message_id", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_messages_read[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    END,
};

/* ---- Conversations ---- */

const salon_shape_t messenger_new_conversation[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "other_user_id", "other_user_id", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_conversation_deleted[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    END,
};

/* ---- People ---- */

const salon_shape_t messenger_new_friend_request[] = {
    { "sender_id", "user_id", SALON_COPY, NULL },
    { "sender_username", "username", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_friend_request_accepted[] = {
    { "friend_id", "user_id", SALON_COPY, NULL },
    { "friend_username", "username", SALON_COPY, NULL },
    END,
};

static const salon_shape_t user_id[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    END,
};

json_object *messenger_typing(json_object *data)
{
    return salon_json_boolean(salon_shape(user_id, data), "is_typing", true);
}

json_object *messenger_no_typing(json_object *data)
{
    return salon_json_boolean(salon_shape(user_id, data), "is_typing", false);
}

json_object *messenger_online_friends(json_object *data)
{
    json_object *ids = json_object_new_array(), *list = salon_path(data, "friends");
    for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
        json_object *row = json_object_array_get_idx(list, i);
        if (json_object_get_boolean(salon_path(row, "is_online")))
            json_object_array_add(ids, json_object_get(salon_path(row, "user_id")));
    }
    return salon_json_value(salon_json(), "friends", ids);
}

json_object *messenger_status_change(json_object *data)
{
    const char *status = json_object_get_string(salon_path(data, "status"));
    bool offline = strcmp(status, "offline") == 0;
    return salon_json_string(salon_shape(user_id, data), "status", offline ? "offline" : "online");
}

/* ---- Answers over HTTP ---- */

const salon_shape_t messenger_self[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "role", "role", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_deleted_message[] = {
    { "message_id", "message_id", SALON_COPY, NULL },
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    END,
};

static const salon_shape_t history_message[] = {
    { "message_id", "id", SALON_COPY, NULL },
    { "sender_id", "author_id", SALON_COPY, NULL },
    { "sender_username", "author_name", SALON_COPY, NULL },
    { "content", "content", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_MICROS, NULL },
    { "edited_at", "edited_at", SALON_MICROS, NULL },
    { "media_ids", "media.ids", SALON_OR_LIST, NULL },
    { "media_url", "media.url", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_history[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "messages", "messages", SALON_EACH, history_message },
    { "has_more", "has_more", SALON_COPY, NULL },
    { "total", "total", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_opened[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "other_user_id", "asked.user_id", SALON_COPY, NULL },
    { "created", "created", SALON_COPY, NULL },
    { "created_at", "conversation.created_at", SALON_MICROS, NULL },
    { "is_blocked", "conversation.is_blocked", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_conversation[] = {
    { "conversation_id", "conversation.id", SALON_COPY, NULL },
    { "other_user_id", "other.user_id", SALON_COPY, NULL },
    { "other_username", "other.username", SALON_COPY, NULL },
    { "is_online", "other.is_online", SALON_COPY, NULL },
    { "last_seen", "other.last_seen", SALON_MICROS, NULL },
    { "last_message", "last_message", SALON_INNER, history_message },
    { "unread_count", "unread_count", SALON_COPY, NULL },
    { "created_at", "conversation.created_at", SALON_MICROS, NULL },
    { "is_blocked", "conversation.is_blocked", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_conversations[] = {
    { "conversations", "conversations", SALON_EACH, messenger_conversation },
    END,
};

const salon_shape_t messenger_friendship[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "status", "status", SALON_COPY, NULL },
    END,
};

const salon_shape_t messenger_accepted[] = {
    { "friend_id", "user_id", SALON_COPY, NULL },
    { "friend_username", "username", SALON_COPY, NULL },
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "status", "status", SALON_COPY, NULL },
    END,
};

static const salon_shape_t listed_friend[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "is_online", "is_online", SALON_COPY, NULL },
    { "last_seen", "last_seen", SALON_MICROS, NULL },
    END,
};

const salon_shape_t messenger_friends[] = {
    { "friends", "friends", SALON_EACH, listed_friend },
    END,
};

static const salon_shape_t listed_request[] = {
    { "user_id", "user_id", SALON_COPY, NULL },
    { "username", "username", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_MICROS, NULL },
    END,
};

const salon_shape_t messenger_friend_requests[] = {
    { "incoming", "incoming", SALON_EACH, listed_request },
    { "outgoing", "outgoing", SALON_EACH, listed_request },
    END,
};

const salon_shape_t messenger_api_token[] = {
    { "id", "id", SALON_COPY, NULL },
    { "label", "label", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_MICROS, NULL },
    { "expires_at", "expires_at", SALON_MICROS, NULL },
    END,
};

const salon_shape_t messenger_api_token_made[] = {
    { "id", "id", SALON_COPY, NULL },
    { "api_token", "token", SALON_COPY, NULL },
    { "label", "label", SALON_COPY, NULL },
    { "created_at", "created_at", SALON_MICROS, NULL },
    { "expires_at", "expires_at", SALON_MICROS, NULL },
    END,
};

const salon_shape_t messenger_api_tokens[] = {
    { "api_tokens", "tokens", SALON_EACH, messenger_api_token },
    END,
};
