/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messenger's clients are sent: shapes, and functions where a shape cannot say it.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <salon/dialect.h>

extern const salon_shape_t messenger_new_message_http[];
extern const salon_shape_t messenger_message_id[];
extern const salon_shape_t messenger_messages_read[];
extern const salon_shape_t messenger_new_conversation[];
extern const salon_shape_t messenger_conversation_deleted[];
extern const salon_shape_t messenger_new_friend_request[];
extern const salon_shape_t messenger_friend_request_accepted[];

/* Answers over HTTP. */
extern const salon_shape_t messenger_self[];
extern const salon_shape_t messenger_deleted_message[];
extern const salon_shape_t messenger_history[];
extern const salon_shape_t messenger_opened[];
extern const salon_shape_t messenger_conversations[];
extern const salon_shape_t messenger_conversation[];
extern const salon_shape_t messenger_friendship[];
extern const salon_shape_t messenger_accepted[];
extern const salon_shape_t messenger_friends[];
extern const salon_shape_t messenger_friend_requests[];
extern const salon_shape_t messenger_api_token_made[];
extern const salon_shape_t messenger_api_token[];
extern const salon_shape_t messenger_api_tokens[];

/* The form that both hear of what was not sent over HTTP. */
json_object *messenger_new_message(json_object *data);
/* The same where somebody repeats a client_id, and so hears no event; else NULL. */
json_object *messenger_new_message_again(json_object *data);

json_object *messenger_typing(json_object *data);
json_object *messenger_no_typing(json_object *data);
json_object *messenger_online_friends(json_object *data);
json_object *messenger_status_change(json_object *data);

#endif
