/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long clients wait: a histogram of the times between a message's arrival and its answer.
 * Chat thread.
 */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdio.h>

#include <apr_pools.h>
#include <apr_time.h>
#include <json-c/json.h>

/* Counts one. */
void latency_note(apr_time_t microseconds);
/* In the Prometheus text format. */
const char *latency_text(apr_pool_t *pool);
/* Adds how many there were, and the sum of them. */
void latency_describe(json_object *stats);
/* Any thread.  Its name, for salond --list. */
void latency_list(FILE *out);

#endif
