/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody has done at each endpoint, for the rate limits: of a user, or of an address from
 * which people without an account come.  Chat thread.
 */
#ifndef RATES_H
#define RATES_H

#include "rate.h"

typedef struct rates_t {
    struct rates_entry_t *entries;
    struct rates_t *next_busy;
    bool busy; /* among those that the sweep looks at */
    int spent; /* of the budget for HTTP requests */
    apr_int64_t spent_at;
    /* Called when nothing in it matters any more; may free it.  NULL: nobody cares. */
    void (*idle)(struct rates_t *rates);
} rates_t;

/* The log for an endpoint (places in the configuration); made when there is none. */
rate_log_t *rates_log(rates_t *rates, int listener, int endpoint);
/* One HTTP request more, whatever it costs elsewhere.  False: too many. */
bool rates_budget(rates_t *rates, apr_int64_t now);
/* Frees logs in which nothing matters any more. */
void rates_sweep(apr_int64_t now);

#endif
