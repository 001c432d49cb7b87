/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of rooms: those that one may read, and those with somebody in them.
 */
#include "attendance.h"
#include "live.h"
#include "members.h"
#include "rooms.h"

static bool is_command(const salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    return user != NULL && user->id == SALON_SYSTEM_USER && salon_req_session(req) == NULL;
}

static void list_add(json_object *list, void *value, void *asker)
{
    const room_t *room = value;
    const salon_req_t *req = asker;
    if (!is_command(req) && !salon_may(salon_req_user(req), "read", room_topic(room))) return;
    json_object *row = room_json(room);
    json_object_array_add(list, salon_json_integer(row, "member_count", room->members.count));
}

salon_outcome_t room_list(salon_req_t *req)
{
    live_reap();
    return salon_reply(req, salon_json_page(salon_json(), "rooms", req, room_all(), list_add, req));
}

/* That there is a private room, its members know, and administrators. */
static bool is_shown(const salon_req_t *req, const room_t *room)
{
    const salon_user_t *user = salon_req_user(req);
    if (!room->private_) return true;
    return user != NULL &&
           (user->role >= SALON_ROLE_ADMIN || room_member(room, user->id) != NULL);
}

static json_object *shown_json(const room_t *room)
{
    json_object *json = room_details_json(room);
    salon_json_integer(json, "connection_count", salon_topic_sessions(room_topic(room)));
    return salon_json_integer(json, "participant_count", room->people);
}

salon_outcome_t room_get(salon_req_t *req)
{
    const room_t *room = room_of(req);
    if (room == NULL || !(is_command(req) || is_shown(req, room))) return room_none(req);
    return salon_reply(req, shown_json(room));
}

static void active_add(json_object *list, void *value, void *asker)
{
    const room_t *room = value;
    if (is_shown(asker, room)) json_object_array_add(list, shown_json(room));
}

salon_outcome_t room_active(salon_req_t *req)
{
    live_reap();
    return salon_reply(req, salon_json_page(salon_json(), "rooms", req, attendance_rooms(),
                                            active_add, req));
}
