/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A live room is looked up, made and entered within one call on the chat thread, so that none can
 * end while somebody is about to enter it.
 */
#include "live.h"

#include <string.h>

#define UNJOINED_MOST 100 /* of one user */
#define ENDED         1   /* of unjoined_until: these are first in the list */

apr_int64_t live_most;

static struct {
    apr_int64_t count;
    TAILQ_HEAD(, room_t) unjoined;
} all = { .unjoined = TAILQ_HEAD_INITIALIZER(all.unjoined) };

const char *live_may_not_make(void)
{
    return all.count < live_most ? NULL : LIVE_TOO_MANY;
}

const char *live_may_not_wait(apr_int64_t user_id)
{
    const room_t *room;
    int count = 0;
    TAILQ_FOREACH(room, &all.unjoined, unjoined) count += room->created_by == user_id;
    return count < UNJOINED_MOST ? live_may_not_make() : LIVE_TOO_MANY;
}

room_t *live_add(const room_t *facts, apr_int64_t ttl)
{
    room_t *room = room_add(facts);
    room->unjoined_until = salon_now() + ttl * 1000;
    TAILQ_INSERT_TAIL(&all.unjoined, room, unjoined);
    all.count++;
    return room;
}

void live_joined(room_t *room)
{
    if (room->unjoined_until == 0) return;
    room->unjoined_until = 0;
    TAILQ_REMOVE(&all.unjoined, room, unjoined);
}

void live_remove(room_t *room)
{
    live_joined(room);
    all.count -= room->live;
    room_remove(room);
}

void live_left(room_t *room)
{
    if (!room->live || salon_topic_sessions(room_topic(room)) > 0) return;
    live_joined(room);
    room->unjoined_until = ENDED;
    TAILQ_INSERT_HEAD(&all.unjoined, room, unjoined);
}

void live_reap(void)
{
    room_t *room;
    while ((room = TAILQ_FIRST(&all.unjoined)) != NULL && room->unjoined_until == ENDED)
        live_remove(room);
}

void live_tick(apr_int64_t now)
{
    room_t *room, *next;
    for (room = TAILQ_FIRST(&all.unjoined); room != NULL; room = next) {
        next = TAILQ_NEXT(room, unjoined);
        if (room->unjoined_until <= now) live_remove(room);
    }
}
