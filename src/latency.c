/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each time is counted in one bucket; that buckets contain the smaller ones is made when somebody
 * reads.
 */
#include "latency.h"

#include <apr_strings.h>

static const struct {
    const char *name, *help;
} names[LATENCY_COUNT] = {
    [LATENCY_MESSAGE] = { "message_latency_seconds", "from a message's arrival to its answer" },
    [LATENCY_TURN] = { "turn_seconds", "how long the chat thread was busy without a pause" },
};

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

static struct {
    apr_int64_t counts[BUCKETS];
    apr_time_t sum;
} histograms[LATENCY_COUNT];

/* A clock that is set back in between makes no negative time. */
void latency_note(latency_t of, apr_time_t microseconds)
{
    size_t bucket = 0;
    if (microseconds < 0) microseconds = 0;
    while (microseconds > buckets[bucket].most) bucket++;
    histograms[of].counts[bucket]++;
    histograms[of].sum += microseconds;
}

static apr_int64_t count_all(latency_t of)
{
    apr_int64_t count = 0;
    for (size_t i = 0; i < BUCKETS; i++) count += histograms[of].counts[i];
    return count;
}

static const char *sum_text(apr_pool_t *pool, apr_time_t sum)
{
    return apr_psprintf(pool, "%" APR_INT64_T_FMT ".%06" APR_INT64_T_FMT,
                        (apr_int64_t)(sum / APR_USEC_PER_SEC),
                        (apr_int64_t)(sum % APR_USEC_PER_SEC));
}

static const char *histogram_text(apr_pool_t *pool, latency_t of)
{
    apr_int64_t count = 0;
    const char *name = names[of].name;
    const char *text = apr_psprintf(pool, "# HELP salon_%s %s\n# TYPE salon_%s histogram\n", name,
                                    names[of].help, name);
    for (size_t i = 0; i < BUCKETS; i++) {
        count += histograms[of].counts[i];
        text = apr_psprintf(pool, "%ssalon_%s_bucket{le=\"%s\"} %" APR_INT64_T_FMT "\n", text,
                            name, buckets[i].text, count);
    }
    return apr_psprintf(pool, "%ssalon_%s_sum %s\nsalon_%s_count %" APR_INT64_T_FMT "\n", text,
                        name, sum_text(pool, histograms[of].sum), name, count);
}

const char *latency_text(apr_pool_t *pool)
{
    const char *text = "";
    for (int of = 0; of < LATENCY_COUNT; of++)
        text = apr_pstrcat(pool, text, histogram_text(pool, of), NULL);
    return text;
}

void latency_describe(json_object *stats)
{
    for (int of = 0; of < LATENCY_COUNT; of++) {
        char name[80];
        double seconds = (double)histograms[of].sum / APR_USEC_PER_SEC;
        apr_snprintf(name, sizeof(name), "%s_sum", names[of].name);
        json_object_object_add(stats, name, json_object_new_double(seconds));
        apr_snprintf(name, sizeof(name), "%s_count", names[of].name);
        json_object_object_add(stats, name, json_object_new_int64(count_all(of)));
    }
}

void latency_list(FILE *out)
{
    for (int of = 0; of < LATENCY_COUNT; of++)
        fprintf(out, "metric\tcore\tsalon_%s\thistogram\t%s\n", names[of].name, names[of].help);
}
