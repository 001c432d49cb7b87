/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rosters: who is in what.  A member (a connection, a session) sits in many rosters (topics), a
 * roster has many members; adding, removing and finding take constant time in the roster's size.
 * Used on both sides of the border between the chat thread and the network threads, each with its
 * own.
 */
#ifndef ROSTER_H
#define ROSTER_H

#include <stdbool.h>

typedef struct roster_seat_t roster_seat_t;

typedef struct roster_t {
    int count, capacity;
    struct roster_entry_t {
        void *member;
        roster_seat_t *seat;
    } *entries; /* in no order */
} roster_t;

/* What a member holds: the head of its seats; NULL at first. */
typedef struct roster_seat_t *roster_seats_t;

struct roster_seat_t {
    roster_t *roster;
    roster_seat_t *next; /* of the same member */
    int index;
};

/* False: it is in already. */
bool roster_add(roster_t *roster, void *member, roster_seats_t *seats);
/* False: it was not in.  An empty roster owns no memory. */
bool roster_remove(roster_t *roster, roster_seats_t *seats);
/* Is it in? */
bool roster_has(const roster_t *roster, const roster_seats_t *seats);

#endif
