/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A seat joins one member and one roster.  A member's seats are searched from the head (people are
 * in few topics); a roster's entries know their seat, so that the last can move into a gap.
 */
#include "roster.h"

#include <stdlib.h>

static roster_seat_t **seat_find(const roster_t *roster, roster_seats_t *seats)
{
    roster_seat_t **link = seats;
    while (*link != NULL && (*link)->roster != roster) link = &(*link)->next;
    return link;
}

static void entries_grow(roster_t *roster)
{
    roster->capacity = roster->capacity ? roster->capacity * 2 : 1;
    roster->entries = realloc(roster->entries, (size_t)roster->capacity * sizeof(*roster->entries));
    if (roster->entries == NULL) abort();
}

bool roster_add(roster_t *roster, void *member, roster_seats_t *seats)
{
    if (*seat_find(roster, seats) != NULL) return false;
    roster_seat_t *seat = malloc(sizeof(*seat));
    if (seat == NULL) abort();
    if (roster->count == roster->capacity) entries_grow(roster);
    *seat = (roster_seat_t){ .roster = roster, .next = *seats, .index = roster->count };
    *seats = seat;
    roster->entries[roster->count].member = member;
    roster->entries[roster->count].seat = seat;
    roster->count++;
    return true;
}

bool roster_remove(roster_t *roster, roster_seats_t *seats)
{
    roster_seat_t **link = seat_find(roster, seats);
    roster_seat_t *seat = *link;
    if (seat == NULL) return false;
    *link = seat->next;
    roster->count--;
    if (seat->index != roster->count) {
        roster->entries[seat->index] = roster->entries[roster->count];
        roster->entries[seat->index].seat->index = seat->index;
    }
    free(seat);
    if (roster->count == 0) {
        free(roster->entries);
        roster->entries = NULL;
        roster->capacity = 0;
    }
    return true;
}

bool roster_has(const roster_t *roster, const roster_seats_t *seats)
{
    const roster_seat_t *seat = *seats;
    while (seat != NULL && seat->roster != roster) seat = seat->next;
    return seat != NULL;
}
