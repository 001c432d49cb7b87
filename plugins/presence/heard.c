/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A room stands once in the list, however many connections hear it: where the last of them has
 * joined.
 */
#include "heard.h"

#include <string.h>

typedef struct heard_t {
    apr_int64_t room_id;
    int connections;
} heard_t;

static int index_of(const apr_array_header_t *rooms, apr_int64_t room_id)
{
    int i = rooms != NULL ? rooms->nelts - 1 : -1;
    while (i >= 0 && APR_ARRAY_IDX(rooms, i, heard_t).room_id != room_id) i--;
    return i;
}

static heard_t take(apr_array_header_t *list, int index)
{
    heard_t *rooms = (heard_t *)(void *)list->elts;
    heard_t heard = rooms[index];
    int after = --list->nelts - index;
    memmove(&rooms[index], &rooms[index + 1], sizeof(*rooms) * (size_t)after);
    return heard;
}

void heard_add(apr_array_header_t **rooms, apr_pool_t *pool, apr_int64_t room_id)
{
    int index = index_of(*rooms, room_id);
    heard_t heard = { .room_id = room_id };
    if (*rooms == NULL) *rooms = apr_array_make(pool, 2, sizeof(heard_t));
    if (index >= 0) heard = take(*rooms, index);
    heard.connections++;
    APR_ARRAY_PUSH(*rooms, heard_t) = heard;
}

void heard_remove(apr_array_header_t *rooms, apr_int64_t room_id)
{
    int index = index_of(rooms, room_id);
    if (index >= 0 && --APR_ARRAY_IDX(rooms, index, heard_t).connections == 0) take(rooms, index);
}

json_object *heard_name(const apr_array_header_t *rooms)
{
    json_object *described, *room, *public, *name = NULL;
    if (rooms == NULL || rooms->nelts == 0) return NULL;
    const heard_t *last = &APR_ARRAY_IDX(rooms, rooms->nelts - 1, heard_t);
    described = salon_describe(SALON_TOPIC("room", last->room_id));
    if (described == NULL) return NULL;
    if (json_object_object_get_ex(described, "room", &room) &&
        json_object_object_get_ex(room, "is_public", &public) && json_object_get_boolean(public))
        name = json_object_get(json_object_object_get(room, "name"));
    json_object_put(described);
    return name;
}
