/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Old pages of a timeline, one after the other, each before a message that is chosen at random;
 * and how a timeline gets a history that is long enough.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "direct.h"
#include "histogram.h"
#include "process.h"

#define FILL_BATCH 5000
#define LEAST      200 /* messages before a page's anchor, at least */

static const column_t columns[] = {
    { "messages", 9, 0 }, { "askers", 6, 0 }, { "pages/s", 8, 0 }, { "queries/page", 12, 3 },
    { "cpu_us", 7, 1 },   { "p50_ms", 8, 3 }, { "p99_ms", 8, 3 },  { "max_ms", 8, 2 },
    { "refused", 7, 0 },  { NULL, 0, 0 },
};

static void read_page(const direct_options_t *options)
{
    int64_t before = options->first + LEAST + random() % (options->messages - LEAST);
    int rows = direct_engine.page(options->timeline, before);

    if (rows != DIRECT_PAGE)
        bench_die("%d rows before %" PRId64, rows, before);
}

static void report(const direct_options_t *options, int64_t pages, int64_t took, double cpu,
                   const histogram_t *times)
{
    double values[] = {
        (double)options->messages,
        1,
        (double)pages / ((double)took / BENCH_SECOND),
        1,
        cpu / (double)pages * 1e6,
        histogram_at(times, 0.50) / BENCH_MILLISECOND,
        histogram_at(times, 0.99) / BENCH_MILLISECOND,
        (double)times->greatest / BENCH_MILLISECOND,
        0,
    };

    report_head(columns);
    report_row(&options->report, "history", columns, values);
}

void direct_pages(const direct_options_t *options)
{
    static histogram_t times;
    int64_t began, now = bench_now(), pages = 0;
    double cpu;

    if (options->messages <= LEAST)
        bench_die("-m must be more than %d", LEAST);
    for (int64_t end = now + (int64_t)(options->warmup * BENCH_SECOND); now < end;
         now = bench_now())
        read_page(options);
    cpu = process_cpu(getpid());
    began = now;
    for (int64_t end = began + (int64_t)(options->seconds * BENCH_SECOND); now < end; pages++) {
        int64_t due = now;

        read_page(options);
        now = bench_now();
        histogram_add(&times, now - due);
    }
    report(options, pages, now - began, process_cpu(getpid()) - cpu, &times);
}

void direct_fill(const direct_options_t *options)
{
    direct_message_t *messages = bench_alloc(FILL_BATCH, sizeof *messages);
    const direct_message_t **list = bench_alloc(FILL_BATCH, sizeof *list);
    int64_t seq = 0;

    while (seq < options->messages) {
        int count = 0;

        for (; count < FILL_BATCH && seq < options->messages; count++) {
            direct_compose(options, &messages[count], options->first + seq, options->timeline,
                           seq % 1000 + 1);
            messages[count].seq = ++seq;
            list[count] = &messages[count];
        }
        direct_engine.store(&(direct_timeline_t){ options->timeline, seq, count }, 1, list, count);
    }
    direct_engine.analyze();
    free(messages);
    free(list);
}
