/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts durations, and says which one a given share of them stays below.  Any duration fits;
 * what comes out is at most 1.6 % above the truth.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS   64 /* to each power of two */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 59)

typedef struct histogram_t {
    uint64_t total;
    int64_t greatest;
    uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram_t;

/* Nanoseconds; negative ones count as 0. */
void histogram_add(histogram_t *histogram, int64_t value);
void histogram_clear(histogram_t *histogram);

/* The value that `share` (0.99) of those counted do not exceed; NAN when there are none. */
double histogram_at(const histogram_t *histogram, double share);

#endif
