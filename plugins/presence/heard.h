/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms that a person's connections hear, the last joined last.
 */
#ifndef HEARD_H
#define HEARD_H

#include <apr_tables.h>

#include <salon/plugin.h>

/* A connection hears the room from now on, or does no longer.  *rooms: the list; NULL, before there
 * is any: made in the pool. */
void heard_add(apr_array_header_t **rooms, apr_pool_t *pool, apr_int64_t room_id);
void heard_remove(apr_array_header_t *rooms, apr_int64_t room_id);
/* What the last one is called, a new object; NULL: there is none, or it is private, which is nobody
 * else's business. */
json_object *heard_name(const apr_array_header_t *rooms);

#endif
