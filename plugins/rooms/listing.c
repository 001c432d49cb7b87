/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of rooms: those that one may read, and those with somebody in them.
 */
#include <stdlib.h>

#include "live.h"
#include "members.h"
#include "rooms.h"

static int compare_ids(const void *a, const void *b)
{
    const room_t *left = *(room_t *const *)a, *right = *(room_t *const *)b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static const apr_array_header_t *sorted(salon_req_t *req)
{
    live_reap();
    const apr_array_header_t *rooms = room_all(salon_req_pool(req));
    qsort(rooms->elts, (size_t)rooms->nelts, sizeof(room_t *), compare_ids);
    return rooms;
}

static bool is_command(const salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    return user != NULL && user->id == SALON_SYSTEM_USER && salon_req_session(req) == NULL;
}

salon_outcome_t room_list(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    const apr_array_header_t *rooms = sorted(req);
    for (int i = 0; i < rooms->nelts; i++) {
        const room_t *room = APR_ARRAY_IDX(rooms, i, room_t *);
        if (!is_command(req) && !salon_may(salon_req_user(req), "read", room_topic(room)))
            continue;
        json_object *row = room_json(room);
        salon_json_integer(row, "member_count", apr_hash_count(room->members));
        json_object_array_add(list, row);
    }
    return salon_reply(req, salon_json_value(salon_json(), "rooms", list));
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

salon_outcome_t room_active(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    const apr_array_header_t *rooms = sorted(req);
    for (int i = 0; i < rooms->nelts; i++) {
        const room_t *room = APR_ARRAY_IDX(rooms, i, room_t *);
        if (room->people > 0 && is_shown(req, room))
            json_object_array_add(list, shown_json(room));
    }
    return salon_reply(req, salon_json_value(salon_json(), "rooms", list));
}
