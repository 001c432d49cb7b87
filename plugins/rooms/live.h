/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live rooms: they are made by those who enter them, nothing of them is stored, and they end, with
 * what was said in them, when the last connection has gone.
 */
#ifndef LIVE_H
#define LIVE_H

#include "room.h"

#define LIVE_TOO_MANY "too_many_rooms"

#define LIVE_TTL      60    /* seconds that one which nobody has entered yet is kept ... */
#define LIVE_TTL_MOST 86400 /* ... where who makes it does not say */

/* A setting: how many there may be. */
extern apr_int64_t live_most;

/* May there be one more?  NULL, or the code to refuse with.  The second: one that waits for its
 * first connection, made by that user. */
const char *live_may_not_make(void);
const char *live_may_not_wait(apr_int64_t user_id);

/* Makes one, which waits that many seconds for its first connection. */
room_t *live_add(const room_t *facts, apr_int64_t ttl);
/* Takes out any room, live or not, and frees it. */
void live_remove(room_t *room);

/* A connection hears the room; one has ceased to.  A room that is empty then ends before anybody
 * asks for a room again: plugins that are still being told can look at it. */
void live_joined(room_t *room);
void live_left(room_t *room);
void live_reap(void);
/* Removes those that have ended, and those that nobody has entered in time. */
void live_tick(apr_int64_t now);

#endif
