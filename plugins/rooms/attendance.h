/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in a room at the moment: the people whose connections hear it, whether they are members or
 * guests, and what the others there are told of their coming and going.
 */
#ifndef ATTENDANCE_H
#define ATTENDANCE_H

#include "room.h"

/* A setting: deliveries of room.entered and room.exited in a second. */
extern apr_int64_t attendance_rate;

/* The rooms with somebody in them, by id. */
const salon_map_t *attendance_rooms(void);

/* Hooks. */
void attendance_begin(salon_session_t *session, room_t *room);
void attendance_end(salon_session_t *session, room_t *room);
void attendance_tick(apr_int64_t now);

/* The connection, which hears the room, is there as a guest: its user may talk as long as it is. */
void attendance_be_guest(salon_session_t *session, room_t *room);
/* Is the connection there as a guest; is any of the user's? */
bool attendance_is_guest(const salon_session_t *session, const room_t *room);
bool attendance_has_guest(const room_t *room, apr_int64_t user_id);

/* Frees what is known of the room, in which nobody is any more. */
void attendance_forget(room_t *room);

#endif
