/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data of what is sent to clients, from the canonical objects of answers and events.
 */
#ifndef CHAT_SHAPES_H
#define CHAT_SHAPES_H

#include <salon/dialect.h>

extern const salon_shape_t chat_pong[];

/* NULL: this is not sent. */
json_object *chat_joined(json_object *data);
json_object *chat_room_message(json_object *data);
json_object *chat_direct_message(json_object *data);
json_object *chat_room_reaction(json_object *data);
json_object *chat_direct_reaction(json_object *data);
/* Answers to senders, who hear by the event what they have said: NULL, unless they do not hear the
 * room. */
json_object *chat_room_message_unheard(json_object *data);
json_object *chat_room_reaction_unheard(json_object *data);
json_object *chat_room_history(json_object *data);
json_object *chat_dm_history(json_object *data);
json_object *chat_connected(json_object *data);
json_object *chat_disconnected(json_object *data);

#endif
