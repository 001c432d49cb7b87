/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits with several sliding windows at once ("10/60s,100/3600s"): exact, that is, never more
 * than N in any W seconds, and able to say how long to wait.
 */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>

#include <apr_pools.h>

#define RATE_WINDOWS 4
#define RATE_MOST    10000   /* per window */
#define RATE_LONGEST 2678400 /* seconds of a window: 31 days */

typedef struct rate_window_t {
    int limit;
    int seconds;
} rate_window_t;

/* A rule, as configured; without windows: no limit. */
typedef struct rate_rule_t {
    int count;
    rate_window_t windows[RATE_WINDOWS];
} rate_rule_t;

/* "N/Ss[,N/Ss...]", "" for none.  False: malformed, or out of bounds, *rule_r is unspecified. */
bool rate_parse(const char *text, rate_rule_t *rule_r);

/* What somebody has done lately.  Grows with use, to the largest limit of the rule at most. */
typedef struct rate_log_t rate_log_t;

/* An empty one; owns no memory of a pool. */
rate_log_t *rate_log_make(void);
void rate_log_free(rate_log_t **log);
/* True when nothing in it matters any more at `now` (it may be freed). */
bool rate_log_idle(const rate_log_t *log, const rate_rule_t *rule, apr_int64_t now);

/* Why something was refused. */
typedef struct rate_refusal_t {
    int current;     /* how many in the window, and refused since the last accepted one */
    int limit;       /* of the window that refused (the one to wait longest for) */
    int window;      /* its seconds */
    int retry_after; /* seconds, at least 1 */
} rate_refusal_t;

/* May `cost` more be done now?  If so, it is counted.  now: milliseconds, monotonic.  A cost above
 * a window's limit counts as the limit; none fits always. */
bool rate_take(rate_log_t *log, const rate_rule_t *rule, int cost, apr_int64_t now,
               rate_refusal_t *refusal_r);
/* What was taken has come to nothing: the newest so many are forgotten. */
void rate_give_back(rate_log_t *log, const rate_rule_t *rule, int cost);

#endif
