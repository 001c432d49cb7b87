/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is told: a clock that never jumps, and budgets of deliveries.  A budget holds a second's
 * worth.  When it is spent, nothing is told before it is full again: then a second's news go out
 * together, which costs each receiver one write, and messages have the time between.  It may be
 * overdrawn by one publication, which is paid for later.  So over any time no more is delivered
 * than the rate allows, a second's worth and one publication.
 */
#ifndef PACE_H
#define PACE_H

#include <apr.h>

#include <salon/plugin.h>

#define PACE_LONG_AGO (-(APR_INT64_C(1) << 40))

typedef struct pace_t {
    apr_int64_t left; /* deliveries */
    apr_int64_t at;   /* when it was filled */
    bool spent;       /* nothing may be told */
} pace_t;

/* Milliseconds since some moment. */
apr_int64_t pace_now(void);

/* Adds what has come together since the last call; rate: deliveries a second. */
void pace_fill(pace_t *pace, apr_int64_t rate, apr_int64_t now);

/* Publishes, except to one user's connections, and takes what it costs: a delivery for each
 * connection that hears one of the topics. */
void pace_publish(pace_t *pace, const salon_topic_t *topics, int count, apr_int64_t except_user,
                  const char *event, json_object *data);

#endif
