/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timing wheel: deadlines of one thread, each set, moved and cancelled in constant time, whatever
 * their number (lws keeps its timers in a sorted list, which does not bear ten thousand of them).
 * Deadlines are exact to one tick, never early.
 */
#ifndef WHEEL_H
#define WHEEL_H

#include <stdbool.h>

#include <apr_pools.h>

typedef struct wheel_entry_t {
    struct wheel_entry_t *next, **link; /* link NULL: not set */
    apr_int64_t due;                    /* tick */
} wheel_entry_t;

typedef struct wheel_t wheel_t;

/* tick: milliseconds.  slots: a power of two; deadlines beyond slots * tick are looked at once a
 * turn.  now: milliseconds of a monotonic clock. */
wheel_t *wheel_make(apr_pool_t *pool, int tick, int slots, apr_int64_t now);
/* Sets or moves.  delay: milliseconds from `now`. */
void wheel_set(wheel_t *wheel, wheel_entry_t *entry, apr_int64_t now, apr_int64_t delay);
/* No effect when it is not set. */
void wheel_cancel(wheel_entry_t *entry);
/* Calls `expired` for each entry whose time has come; it is not set any more, may be set again, and
 * `expired` may set or cancel any other. */
void wheel_advance(wheel_t *wheel, apr_int64_t now, void (*expired)(wheel_entry_t *, void *baton),
                   void *baton);

#endif
