/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is {id, room, user_id, username, content, created_at}; a direct one has from and to in
 * the place of room.  There is no word for pictures and the like: where nothing is said beside
 * them, the content is their address.
 */
#include "shapes.h"

#define END { NULL, NULL, SALON_COPY, NULL }
#define SAID                                                                                     \
    { "user_id", "message.author_id", SALON_COPY, NULL },                                        \
    { "username", "message.author_name", SALON_COPY, NULL },                                     \
    { "content", "message.content", SALON_COPY, NULL },                                          \
    { "created_at", "message.created_at", SALON_TIME, NULL }

const salon_shape_t relay_message[] = {
    { "id", "message.id", SALON_COPY, NULL },
    { "room", "room.name", SALON_COPY, NULL },
    SAID,
    END,
};

/* `to` is computed. */
const salon_shape_t relay_dm[] = {
    { "id", "message.id", SALON_COPY, NULL },
    { "from", "message.author_id", SALON_COPY, NULL },
    { "to", "", SALON_COPY, NULL },
    SAID,
    END,
};

/* ---- Parts ---- */

static json_object *with_content(json_object *shaped, json_object *event)
{
    json_object *url = salon_path(event, "message.media.url");
    json_object *content = salon_path(event, "message.content");
    bool said = content != NULL && json_object_get_string_len(content) > 0;
    if (!said && url != NULL) salon_json_value(shaped, "content", json_object_get(url));
    return shaped;
}

static json_object *recipient(json_object *event)
{
    json_object *one = salon_path(event, "conversation.user1_id");
    json_object *other = salon_path(event, "conversation.user2_id");
    json_object *author = salon_path(event, "message.author_id");
    return json_object_get(json_object_equal(one, author) ? other : one);
}

static json_object *in_place(const char *member, json_object *place, json_object *message)
{
    json_object *event = salon_json_value(salon_json(), member, json_object_get(place));
    return salon_json_value(event, "message", json_object_get(message));
}

/* ---- To clients ---- */

json_object *relay_message_data(json_object *event)
{
    return with_content(salon_shape(relay_message, event), event);
}

json_object *relay_dm_data(json_object *event)
{
    json_object *shaped = with_content(salon_shape(relay_dm, event), event);
    return salon_json_value(shaped, "to", recipient(event));
}

json_object *relay_history(json_object *answer)
{
    json_object *list = json_object_new_array();
    json_object *messages = salon_path(answer, "messages");
    json_object *room = salon_path(answer, "room");
    json_object *conversation = salon_path(answer, "conversation");
    for (size_t i = 0; messages != NULL && i < json_object_array_length(messages); i++) {
        json_object *message = json_object_array_get_idx(messages, i);
        json_object *event = room != NULL ? in_place("room", room, message)
                                          : in_place("conversation", conversation, message);
        json_object_array_add(list,
                              room != NULL ? relay_message_data(event) : relay_dm_data(event));
        json_object_put(event);
    }
    return list;
}

/* ---- To the upstream ---- */

static json_object *post_fields(const char *type, json_object *event)
{
    static const salon_shape_t said[] = { SAID, END };
    json_object *post = salon_json_string(salon_json(), "type", type);
    salon_json_value(post, "id", json_object_get(salon_path(event, "message.id")));
    return salon_json_merge(post, with_content(salon_shape(said, event), event));
}

json_object *relay_post(json_object *place, json_object *message)
{
    json_object *room = salon_path(place, "room");
    json_object *conversation = salon_path(place, "conversation");
    if (room == NULL && conversation == NULL) return NULL;
    json_object *event = room != NULL ? in_place("room", room, message)
                                      : in_place("conversation", conversation, message);
    json_object *post = post_fields(room != NULL ? "message" : "dm", event);
    if (room != NULL) salon_json_value(post, "room", json_object_get(salon_path(room, "name")));
    else salon_json_value(post, "to", recipient(event));
    json_object_put(event);
    return post;
}
