/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures for /metrics and `salonctl stats`: one table of names, one atomic each.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdio.h>

#include <apr_pools.h>
#include <json-c/json.h>

#include "salon/plugin.h"

typedef enum {
    METRIC_OPENED,
    METRIC_CLOSED,
    METRIC_CONNECTIONS_REFUSED,
    METRIC_SIGN_INS,
    METRIC_SIGN_INS_REFUSED,
    METRIC_RECONNECTS,
    METRIC_CONNECTION_ERRORS,
    METRIC_MESSAGES_IN,
    METRIC_TOO_BIG,
    METRIC_REQUESTS_REFUSED,
    METRIC_EVENTS,
    METRIC_FRAMES_OUT,
    METRIC_WRITES,
    METRIC_BYTES_SAVED,
    METRIC_DROPPED_EVENTS,
    METRIC_SLOW_READERS,
    METRIC_TIMEOUTS,
    METRIC_HTTP_REQUESTS,
    METRIC_HTTP_REFUSED,
    METRIC_MESSAGES_STORED,
    METRIC_MESSAGES_EXPIRED,
    METRIC_MESSAGES_REMOVED,
    METRIC_COUNT
} metric_t;

/* The core's own, besides the counters. */
extern const salon_metric_t metrics_gauges[];

/* Any thread. */
void metrics_add(metric_t metric, int by);
/* Chat thread.  The Prometheus text format, with the tables of the plugins. */
const char *metrics_text(apr_pool_t *pool);
/* Chat thread.  The same as a new object: name without prefix -> value. */
json_object *metrics_json(void);
/* Any thread.  Their names, for salond --list. */
void metrics_list(FILE *out);

#endif
