/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of the dialect, by the types of its messages.
 */
#ifndef VEZA_SHAPES_H
#define VEZA_SHAPES_H

#include <salon/dialect.h>

extern const salon_shape_t veza_auth_success[];
extern const salon_shape_t veza_pong[];
extern const salon_shape_t veza_room_joined[];
extern const salon_shape_t veza_room_left[];
extern const salon_shape_t veza_message_sent[];
extern const salon_shape_t veza_room_message[];
extern const salon_shape_t veza_room_history[];
extern const salon_shape_t veza_room_stats[];
extern const salon_shape_t veza_message_pinned[];
extern const salon_shape_t veza_dm_created[];
extern const salon_shape_t veza_dm_message[];
extern const salon_shape_t veza_dm_history[];
extern const salon_shape_t veza_dm_blocked[];
extern const salon_shape_t veza_dm_list[];
extern const salon_shape_t veza_reaction[];
extern const salon_shape_t veza_message_reactions[];
extern const salon_shape_t veza_user_presence[];
extern const salon_shape_t veza_audit_logs[];

#endif
