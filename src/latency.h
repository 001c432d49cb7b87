/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long clients wait, and for how long at a stretch the chat thread does nothing but work:
 * histograms.  Chat thread.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdio.h>

#include <apr_pools.h>
#include <apr_time.h>
#include <json-c/json.h>

typedef enum {
    LATENCY_MESSAGE, /* from a message's arrival to its answer */
    LATENCY_TURN,    /* the chat thread, from one look at what has come to the next */
    LATENCY_COUNT
} latency_t;

/* Counts one. */
void latency_note(latency_t of, apr_time_t microseconds);
/* In the Prometheus text format. */
const char *latency_text(apr_pool_t *pool);
/* Adds how many there were of each, and the sum of them. */
void latency_describe(json_object *stats);
/* Any thread.  Their names, for salond --list. */
void latency_list(FILE *out);

#endif
