/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told costs a delivery for each who hears it, and in a large room whoever comes is told to
 * everybody.  So there is a budget, filled four times a second.  While it is spent, changes wait in
 * the order in which they happened, and a coming and a going of the same person that both wait are
 * forgotten together: those who come and go all the time cost nothing.  Of the changes that wait,
 * one person's are thus all comings, or all goings.
 */
#include "attendance.h"

#include <stdlib.h>
#include <sys/param.h>

#define WAITING_MOST 20000 /* changes; what comes then is not told at all */

typedef struct change_t {
    attendant_t *attendant;
    room_t *room;
    bool entered;
    const salon_session_t *except; /* who came */
    json_object *data;
    TAILQ_ENTRY(change_t) of_attendant;
    TAILQ_ENTRY(change_t) of_all;
} change_t;

static struct {
    TAILQ_HEAD(, change_t) waiting;
    int count;
    salon_map_t rooms; /* with somebody in them */
    apr_int64_t left, filled_at; /* deliveries; milliseconds */
} all = { .waiting = TAILQ_HEAD_INITIALIZER(all.waiting) };

apr_int64_t attendance_rate;

/* ---- People ---- */

static attendant_t *attendant_find(const room_t *room, apr_int64_t user_id)
{
    return salon_map_get(&room->attendants, user_id);
}

static attendant_t *attendant_of(room_t *room, apr_int64_t user_id)
{
    attendant_t *attendant = attendant_find(room, user_id);
    if (attendant != NULL) return attendant;
    attendant = calloc(1, sizeof(*attendant));
    if (attendant == NULL) abort();
    attendant->user_id = user_id;
    TAILQ_INIT(&attendant->changes);
    salon_map_set(&room->attendants, user_id, attendant);
    return attendant;
}

static void attendant_review(room_t *room, attendant_t *attendant)
{
    if (attendant->connections > 0 || !TAILQ_EMPTY(&attendant->changes)) return;
    salon_map_set(&room->attendants, attendant->user_id, NULL);
    free(attendant);
}

/* ---- Guests ---- */

static apr_int64_t guest_key(const salon_session_t *session)
{
    return (apr_int64_t)(uintptr_t)session;
}

bool attendance_is_guest(const salon_session_t *session, const room_t *room)
{
    return salon_map_get(&room->guests, guest_key(session)) != NULL;
}

bool attendance_has_guest(const room_t *room, apr_int64_t user_id)
{
    const attendant_t *attendant = attendant_find(room, user_id);
    return attendant != NULL && attendant->guests > 0;
}

void attendance_be_guest(salon_session_t *session, room_t *room)
{
    if (!salon_subscribed(session, room_topic(room)) || attendance_is_guest(session, room)) return;
    salon_map_set(&room->guests, guest_key(session), session);
    attendant_of(room, salon_session_user(session)->id)->guests++;
}

static void guest_end(const salon_session_t *session, room_t *room, attendant_t *attendant)
{
    if (!attendance_is_guest(session, room)) return;
    salon_map_set(&room->guests, guest_key(session), NULL);
    attendant->guests--;
}

/* ---- Telling ---- */

static const char *event_of(bool entered)
{
    return entered ? "room.entered" : "room.exited";
}

static json_object *change_json(const room_t *room, const salon_user_t *user, bool entered,
                                bool edge)
{
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_user(json, "user_id", "username", user->id);
    if (edge) salon_json_boolean(json, entered ? "first" : "last", true);
    salon_json_integer(json, "connection_count", salon_topic_sessions(room_topic(room)));
    return salon_json_integer(json, "at", salon_now());
}

static void change_free(change_t *change)
{
    TAILQ_REMOVE(&change->attendant->changes, change, of_attendant);
    TAILQ_REMOVE(&all.waiting, change, of_all);
    all.count--;
    json_object_put(change->data);
    free(change);
}

static void change_wait(room_t *room, attendant_t *attendant, bool entered,
                        const salon_session_t *except, json_object *data)
{
    change_t *change = malloc(sizeof(*change));
    if (change == NULL) abort();
    *change = (change_t){ .attendant = attendant, .room = room, .entered = entered,
                          .except = except, .data = data };
    TAILQ_INSERT_TAIL(&attendant->changes, change, of_attendant);
    TAILQ_INSERT_TAIL(&all.waiting, change, of_all);
    all.count++;
}

/* The last coming goes with this going, or the other way round; which connection it was does not
 * matter, but who is still there must not be told of the own coming. */
static bool change_cancel(attendant_t *attendant, bool entered, const salon_session_t *session)
{
    change_t *change, *last = TAILQ_LAST(&attendant->changes, changes_t);
    if (last == NULL || last->entered == entered) return false;
    TAILQ_FOREACH(change, &attendant->changes, of_attendant)
        if (change->except == session) change->except = last->except;
    change_free(last);
    return true;
}

static void publish(const room_t *room, bool entered, const salon_session_t *except,
                    json_object *data)
{
    all.left -= salon_topic_listeners(room_topic(room), event_of(entered));
    salon_publish_except(room_topic(room), except, event_of(entered), data);
}

/* edge: it is the person's first connection there, or was the last. */
static void tell(room_t *room, attendant_t *attendant, salon_session_t *session, bool entered,
                 bool edge)
{
    const salon_user_t *user = salon_session_user(session);
    if (change_cancel(attendant, entered, session)) return;
    if (salon_topic_listeners(room_topic(room), event_of(entered)) == 0) return;
    bool waits = all.left <= 0 || !TAILQ_EMPTY(&all.waiting);
    if (waits && all.count >= WAITING_MOST) return;
    json_object *data = change_json(room, user, entered, edge);
    const salon_session_t *except = entered ? session : NULL;
    if (waits) change_wait(room, attendant, entered, except, data);
    else publish(room, entered, except, data);
}

void attendance_tick(apr_int64_t now)
{
    change_t *change;
    apr_int64_t passed = MAX(0, MIN(now - all.filled_at, 1000));
    all.filled_at = now;
    all.left = MIN(all.left + attendance_rate * passed / 1000, attendance_rate);
    while (all.left > 0 && (change = TAILQ_FIRST(&all.waiting)) != NULL) {
        attendant_t *attendant = change->attendant;
        room_t *room = change->room;
        publish(room, change->entered, change->except, json_object_get(change->data));
        change_free(change);
        attendant_review(room, attendant);
    }
}

/* ---- Coming and going ---- */

const salon_map_t *attendance_rooms(void)
{
    return &all.rooms;
}

static void people_add(room_t *room, int by)
{
    room->people += by;
    salon_map_set(&all.rooms, room->id, room->people > 0 ? room : NULL);
}

void attendance_begin(salon_session_t *session, room_t *room)
{
    attendant_t *attendant = attendant_of(room, salon_session_user(session)->id);
    bool first = attendant->connections++ == 0;
    if (first) people_add(room, 1);
    tell(room, attendant, session, true, first);
}

void attendance_end(salon_session_t *session, room_t *room)
{
    attendant_t *attendant = attendant_find(room, salon_session_user(session)->id);
    if (attendant == NULL) return;
    guest_end(session, room, attendant);
    bool last = --attendant->connections == 0;
    if (last) people_add(room, -1);
    tell(room, attendant, session, false, last);
    attendant_review(room, attendant);
}

void attendance_forget(room_t *room)
{
    attendant_t *attendant;
    for (unsigned at = 0; (attendant = salon_map_next(&room->attendants, &at)) != NULL;) {
        while (!TAILQ_EMPTY(&attendant->changes)) change_free(TAILQ_FIRST(&attendant->changes));
        free(attendant);
    }
    salon_map_clear(&room->attendants);
    salon_map_set(&all.rooms, room->id, NULL);
    salon_map_clear(&room->guests);
}
