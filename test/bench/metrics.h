/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that the server itself publishes under GET /metrics.
 */
#ifndef METRICS_H
#define METRICS_H

#include "load.h"

/* The value of the metric that the options name, summed over its labels; NAN where the server has
 * none, or does not answer. */
double metrics_read(const options_t *options);

#endif
