/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What messages look like: to relay clients, and to the upstream.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <salon/dialect.h>

/* Of {room | conversation, message}; the fields, for the manual's check ... */
extern const salon_shape_t relay_message[], relay_dm[];
/* ... and the whole. */
json_object *relay_message_data(json_object *event);
json_object *relay_dm_data(json_object *event);

/* Of a history's canonical answer: a list of messages, or of direct ones. */
json_object *relay_history(json_object *answer);

/* What the upstream is told of a message in that topic (salon_describe); NULL: of such a topic it
 * is told nothing.  message: borrowed. */
json_object *relay_post(json_object *place, json_object *message);

#endif
