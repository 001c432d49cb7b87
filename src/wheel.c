/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hashed timing wheel: an entry hangs in the slot of its tick modulo the number of slots, on a
 * doubly linked list.  What has expired is first moved to a list of its own, and only then
 * reported, so that a callback may set, cancel or free any entry, also one that is about to be
 * reported (freeing needs cancelling first).  Relies on a clock that does not go back.
 */
#include "wheel.h"

#include <assert.h>

/* The longest delay, in milliseconds (thirty years): sums with it do not overflow. */
#define DELAY_MOST (APR_INT64_C(30) * 366 * 86400 * 1000)

struct wheel_t {
    apr_int64_t tick;    /* milliseconds */
    apr_int64_t current; /* the last tick that was looked at */
    apr_int64_t mask;
    wheel_entry_t *expired; /* to be reported, soonest first */
    wheel_entry_t *slots[];
};

static void link_entry(wheel_entry_t **head, wheel_entry_t *entry)
{
    entry->next = *head;
    entry->link = head;
    if (entry->next)
        entry->next->link = &entry->next;
    *head = entry;
}

/* Moves what is due in a slot to the end of the expired; returns the new end. */
static wheel_entry_t **collect(wheel_entry_t *entry, apr_int64_t now_tick, wheel_entry_t **end)
{
    while (entry) {
        wheel_entry_t *next = entry->next;

        if (entry->due <= now_tick) {
            wheel_cancel(entry);
            link_entry(end, entry);
            end = &entry->next;
        }
        entry = next;
    }
    return end;
}

wheel_t *wheel_make(apr_pool_t *pool, int tick, int slots, apr_int64_t now)
{
    wheel_t *wheel;

    assert(tick > 0 && slots > 0 && (slots & (slots - 1)) == 0);
    wheel = apr_pcalloc(pool, sizeof *wheel + (size_t)slots * sizeof *wheel->slots);
    wheel->tick = tick;
    wheel->current = now / tick;
    wheel->mask = slots - 1;
    return wheel;
}

void wheel_set(wheel_t *wheel, wheel_entry_t *entry, apr_int64_t now, apr_int64_t delay)
{
    apr_int64_t wait = delay < 0 ? 0 : delay > DELAY_MOST ? DELAY_MOST : delay;

    wheel_cancel(entry);
    entry->due = (now + wait + wheel->tick - 1) / wheel->tick;
    if (entry->due <= wheel->current)
        entry->due = wheel->current + 1; /* its slot has just been looked at */
    link_entry(&wheel->slots[entry->due & wheel->mask], entry);
}

void wheel_cancel(wheel_entry_t *entry)
{
    if (!entry->link)
        return;
    *entry->link = entry->next;
    if (entry->next)
        entry->next->link = entry->link;
    entry->next = NULL;
    entry->link = NULL;
}

void wheel_advance(wheel_t *wheel, apr_int64_t now, void (*expired)(wheel_entry_t *, void *baton),
                   void *baton)
{
    apr_int64_t now_tick = now / wheel->tick;
    apr_int64_t first = wheel->current + 1;
    wheel_entry_t **end = &wheel->expired;

    if (now_tick < first)
        return;
    if (now_tick - first > wheel->mask)
        first = now_tick - wheel->mask; /* one whole turn sees every slot */
    for (apr_int64_t tick = first; tick <= now_tick; tick++)
        end = collect(wheel->slots[tick & wheel->mask], now_tick, end);
    wheel->current = now_tick;
    while (wheel->expired) {
        wheel_entry_t *entry = wheel->expired;

        wheel_cancel(entry);
        expired(entry, baton);
    }
}
