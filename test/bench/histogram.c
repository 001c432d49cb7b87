/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets that grow with the value: each power of two is cut into HISTOGRAM_STEPS equal steps, and
 * values below HISTOGRAM_STEPS have one each.  Counting is a few shifts, whatever the value.
 */
#include <math.h>
#include <string.h>

#include "histogram.h"

#define STEP_BITS 6 /* log2 of HISTOGRAM_STEPS */

static int bucket_of(uint64_t value)
{
    int power;

    if (value < HISTOGRAM_STEPS)
        return (int)value;
    power = 63 - __builtin_clzll(value) - STEP_BITS;
    return (power + 1) * HISTOGRAM_STEPS + (int)(value >> power) - HISTOGRAM_STEPS;
}

static double bucket_end(int bucket)
{
    int power = bucket / HISTOGRAM_STEPS - 1;

    if (power < 0)
        return bucket;
    return ldexp(bucket % HISTOGRAM_STEPS + HISTOGRAM_STEPS + 1, power) - 1;
}

void histogram_add(histogram_t *histogram, int64_t value)
{
    if (value < 0)
        value = 0;
    histogram->total++;
    histogram->buckets[bucket_of((uint64_t)value)]++;
    if (value > histogram->greatest)
        histogram->greatest = value;
}

void histogram_clear(histogram_t *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}

double histogram_at(const histogram_t *histogram, double share)
{
    double wanted = share * (double)histogram->total;
    uint64_t seen = 0;

    if (histogram->total == 0)
        return NAN;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return fmin(bucket_end(i), (double)histogram->greatest);
    }
    return (double)histogram->greatest;
}
