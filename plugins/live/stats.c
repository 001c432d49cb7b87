/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {"total_connections": 15, "active_rooms": 2, "rooms": {"1": 8, "2": 5}}: the rooms that somebody
 * hears, with the connections that do, of all dialects; in the total those count that hear none.
 */
#include "stats.h"

#include <apr_strings.h>

static void room_add(salon_topic_t topic, int sessions, void *rooms)
{
    char id[24];
    apr_snprintf(id, sizeof(id), "%" APR_INT64_T_FMT, topic.id);
    salon_json_integer(rooms, id, sessions);
}

salon_outcome_t stats_get(salon_req_t *req)
{
    json_object *rooms = salon_json();
    salon_topics_each("room", room_add, rooms);
    json_object *json = salon_json_integer(salon_json(), "total_connections", salon_sessions());
    salon_json_integer(json, "active_rooms", json_object_object_length(rooms));
    return salon_reply(req, salon_json_value(json, "rooms", rooms));
}
