/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is kept of what is said in rooms: public and private ones, as is set, or as is said of
 * one room.
 */
#ifndef KEPT_H
#define KEPT_H

#include <salon/message.h>

/* Settings. */
extern salon_keep_t kept_public, kept_private;
extern const char *const kept_tables[];

/* In start(), after room_load. */
apr_status_t kept_load(apr_pool_t *pool);
/* See salon_timeline_kind_t. */
bool kept_of(apr_int64_t room_id, salon_keep_t *keep_r);
/* Adds to the request what forgets what was said of the room. */
void kept_sql_remove(salon_req_t *req, apr_int64_t room_id);

salon_handler_t room_keep, room_kept;

#endif
