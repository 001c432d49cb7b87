/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each time is counted in one bucket; that buckets contain the smaller ones is made when somebody
 * reads.
 */
#include "latency.h"

#include <apr_strings.h>

#define NAME "message_latency_seconds"
#define HELP "from a message's arrival to its answer"

/* The last one holds everything above. */
static const struct {
    apr_time_t most;
    const char *text; /* in seconds */
} buckets[] = {
    { 500, "0.0005" },  { 1000, "0.001" },   { 2500, "0.0025" },   { 5000, "0.005" },
    { 10000, "0.01" },  { 25000, "0.025" },  { 50000, "0.05" },    { 100000, "0.1" },
    { 250000, "0.25" }, { 500000, "0.5" },   { 1000000, "1" },     { 2500000, "2.5" },
    { 5000000, "5" },   { 10000000, "10" },  { APR_INT64_MAX, "+Inf" },
};

#define BUCKETS (sizeof(buckets) / sizeof(buckets[0]))

static apr_int64_t counts[BUCKETS];
static apr_time_t sum;

/* A clock that is set back in between makes no negative time. */
void latency_note(apr_time_t microseconds)
{
    size_t bucket = 0;
    if (microseconds < 0) microseconds = 0;
    while (microseconds > buckets[bucket].most) bucket++;
    counts[bucket]++;
    sum += microseconds;
}

static apr_int64_t count_all(void)
{
    apr_int64_t count = 0;
    for (size_t i = 0; i < BUCKETS; i++) count += counts[i];
    return count;
}

static const char *sum_text(apr_pool_t *pool)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT ".%06" APR_INT64_T_FMT,
                        (apr_int64_t)(sum / APR_USEC_PER_SEC),
                        (apr_int64_t)(sum % APR_USEC_PER_SEC));
}

const char *latency_text(apr_pool_t *pool)
{
    apr_int64_t count = 0;
    const char *text = "# HELP salon_" NAME " " HELP "\n# TYPE salon_" NAME " histogram\n";
    for (size_t i = 0; i < BUCKETS; i++) {
        count += counts[i];
        text = apr_psprintf(pool, "%ssalon_" NAME "_bucket{le=\"%s\"} %" APR_INT64_T_FMT "\n",
                            text, buckets[i].text, count);
    }
    return apr_psprintf(pool,
                        "%ssalon_" NAME "_sum %s\nsalon_" NAME "_count %" APR_INT64_T_FMT "\n",
                        text, sum_text(pool), count);
}

void latency_describe(json_object *stats)
{
    double seconds = (double)sum / APR_USEC_PER_SEC;
    json_object_object_add(stats, NAME "_sum", json_object_new_double(seconds));
    json_object_object_add(stats, NAME "_count", json_object_new_int64(count_all()));
}

void latency_list(FILE *out)
{
    fprintf(out, "metric\tcore\tsalon_" NAME "\thistogram\t" HELP "\n");
}
