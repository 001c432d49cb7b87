/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference for what salond does with a database: the same work, on the tables that salond has
 * made there, by one thread, through the engine's own C library; without network, JSON, rooms,
 * rights or anything else.
 *
 *   sends   so many senders, each with one message outstanding: a transaction takes what waits,
 *           which is one of each, as a sender sends again when its message is durable
 *   pages   old pages of a timeline, each before a message chosen at random
 *   fill    gives a timeline, which must be empty, so many messages
 */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"
#include "histogram.h"
#include "process.h"
#include "report.h"

#define TIMELINES  256
#define FILL_BATCH 5000
#define PAGE_LEAST 200 /* messages before the anchor of a page, at least */

static struct {
    direct_place_t place;
    options_t report; /* label, output */
    int senders;
    int size;
    double seconds, warmup;
    int64_t timeline, first, messages;
} options = {
    .place = { .user = "salon" },
    .report = { .label = "direct" },
    .senders = 1,
    .size = 128,
    .seconds = 2,
    .warmup = 0.5,
};

/* ---- Messages ---- */

static int64_t next_id;

static void compose(direct_message_t *message, direct_timeline_t *timeline, int author)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *message = (direct_message_t){ .id = next_id++, .timeline_id = timeline->id,
                                   .seq = ++timeline->seq, .author_id = author,
                                   .created_at = now.tv_sec * 1000 + now.tv_nsec / 1000000 };
    timeline->count++;
    memset(message->content, 'x', (size_t)options.size);
    snprintf(message->client_key, sizeof message->client_key, "%d:%" PRIx64, author, message->id);
}

/* Nothing that salond gives, nor an earlier run has given: the milliseconds, and room for 2^20. */
static int64_t fresh_ids(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (INT64_C(1) << 52)
           + ((now.tv_sec * 1000 + now.tv_nsec / 1000000) % (INT64_C(1) << 31) << 20);
}

static int64_t seconds_from(int64_t time, double seconds)
{
    return time + (int64_t)(seconds * BENCH_SECOND);
}

/* ---- Senders ---- */

static const column_t sends_columns[] = {
    { "senders", 7, 0 },      { "outstanding", 11, 0 }, { "acks/s", 8, 0 }, { "commits/s", 9, 0 },
    { "acks/commit", 11, 1 }, { "cpu_s/M", 8, 2 },      { "p50_ms", 8, 2 }, { "p99_ms", 8, 2 },
    { "max_ms", 8, 1 },       { "refused", 7, 0 },      { NULL, 0, 0 },
};

/* One message of each sender, to its timeline. */
static void send_once(direct_timeline_t *timelines, int count, direct_message_t *messages)
{
    for (int i = 0; i < count; i++)
        timelines[i].count = 0;
    for (int i = 0; i < options.senders; i++)
        compose(&messages[i], &timelines[i % count], i + 1);
    direct_engine.store(timelines, count, messages, options.senders);
}

static void sends_report(int64_t commits, int64_t took, double cpu, const histogram_t *times)
{
    double seconds = (double)took / BENCH_SECOND;
    double acknowledged = (double)commits * options.senders;
    double values[] = {
        options.senders,
        1,
        acknowledged / seconds,
        (double)commits / seconds,
        options.senders,
        cpu / acknowledged * 1e6,
        histogram_at(times, 0.50) / BENCH_MILLISECOND,
        histogram_at(times, 0.99) / BENCH_MILLISECOND,
        (double)times->greatest / BENCH_MILLISECOND,
        0,
    };

    report_head(sends_columns);
    report_row(&options.report, "acks", sends_columns, values);
}

static void sends_run(void)
{
    static direct_timeline_t timelines[TIMELINES];
    static histogram_t times;
    int count = options.senders < TIMELINES ? options.senders : TIMELINES;
    direct_message_t *messages = bench_alloc((size_t)options.senders, sizeof *messages);
    int64_t began, now, commits = 0;
    double cpu;

    next_id = fresh_ids();
    for (int i = 0; i < count; i++)
        direct_engine.add_timeline(timelines[i].id = next_id + i);
    now = bench_now();
    for (int64_t end = seconds_from(now, options.warmup); now < end; now = bench_now())
        send_once(timelines, count, messages);
    cpu = process_cpu(getpid());
    began = now;
    for (int64_t end = seconds_from(began, options.seconds); now < end; commits++) {
        int64_t due = now;

        send_once(timelines, count, messages);
        now = bench_now();
        histogram_add(&times, now - due);
    }
    sends_report(commits, now - began, process_cpu(getpid()) - cpu, &times);
    free(messages);
}

/* ---- Pages ---- */

static const column_t pages_columns[] = {
    { "messages", 9, 0 }, { "pages/s", 8, 0 }, { "cpu_us", 7, 1 }, { "p50_ms", 8, 3 },
    { "p99_ms", 8, 3 },   { "max_ms", 8, 2 },  { NULL, 0, 0 },
};

static void read_page(void)
{
    int64_t choice = options.messages - PAGE_LEAST;
    int64_t before = options.first + PAGE_LEAST + random() % choice;
    int rows = direct_engine.page(options.timeline, before);

    if (rows != DIRECT_PAGE)
        bench_die("%d rows before %" PRId64, rows, before);
}

static void pages_report(int64_t pages, int64_t took, double cpu, const histogram_t *times)
{
    double values[] = {
        (double)options.messages,
        (double)pages / ((double)took / BENCH_SECOND),
        cpu / (double)pages * 1e6,
        histogram_at(times, 0.50) / BENCH_MILLISECOND,
        histogram_at(times, 0.99) / BENCH_MILLISECOND,
        (double)times->greatest / BENCH_MILLISECOND,
    };

    report_head(pages_columns);
    report_row(&options.report, "history", pages_columns, values);
}

static void pages_run(void)
{
    static histogram_t times;
    int64_t began, now = bench_now(), pages = 0;
    double cpu;

    for (int64_t end = seconds_from(now, options.warmup); now < end; now = bench_now())
        read_page();
    cpu = process_cpu(getpid());
    began = now;
    for (int64_t end = seconds_from(began, options.seconds); now < end; pages++) {
        int64_t due = now;

        read_page();
        now = bench_now();
        histogram_add(&times, now - due);
    }
    pages_report(pages, now - began, process_cpu(getpid()) - cpu, &times);
}

/* ---- Filling ---- */

static void fill_run(void)
{
    direct_message_t *messages = bench_alloc(FILL_BATCH, sizeof *messages);
    direct_timeline_t timeline = { .id = options.timeline };

    next_id = options.first;
    direct_engine.add_timeline(timeline.id);
    while (timeline.seq < options.messages) {
        int64_t left = options.messages - timeline.seq;
        int count = left < FILL_BATCH ? (int)left : FILL_BATCH;

        timeline.count = 0;
        for (int i = 0; i < count; i++)
            compose(&messages[i], &timeline, i + 1);
        direct_engine.store(&timeline, 1, messages, count);
    }
    direct_engine.analyze();
    free(messages);
}

/* ---- The command line ---- */

static const struct {
    const char *name;
    void (*run)(void);
} modes[] = { { "sends", sends_run }, { "pages", pages_run }, { "fill", fill_run } };

static void usage(void)
{
    puts("usage: direct_ENGINE sends|pages|fill OPTION...\n"
         "  -d NAME    the database, or its file     -p PORT      of the server, on 127.0.0.1\n"
         "  -u USER    (salon)                       -w FILE      with the password\n"
         "  -n COUNT   senders (1)                   -s SECONDS   the length of a measurement (2)\n"
         "  -b SECONDS before it, under load (0.5)   -o FILE      to append rows to\n"
         "  -t ID      the timeline                  -f ID        of its first message\n"
         "  -m COUNT   messages in it                -l LABEL     the name in the tables (direct)");
    exit(2);
}

static char *read_password(const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;

    if (file == NULL || getline(&line, &size, file) < 1)
        bench_die("%s cannot be read", path);
    fclose(file);
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static void parse(int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "d:p:u:w:n:s:b:o:t:f:m:l:")) >= 0) {
        switch (option) {
        case 'd': options.place.name = optarg; break;
        case 'p': options.place.port = atoi(optarg); break;
        case 'u': options.place.user = optarg; break;
        case 'w': options.place.password = read_password(optarg); break;
        case 'n': options.senders = atoi(optarg); break;
        case 's': options.seconds = atof(optarg); break;
        case 'b': options.warmup = atof(optarg); break;
        case 'o': options.report.output = optarg; break;
        case 't': options.timeline = atoll(optarg); break;
        case 'f': options.first = atoll(optarg); break;
        case 'm': options.messages = atoll(optarg); break;
        case 'l': options.report.label = optarg; break;
        default: usage();
        }
    }
    if (options.place.name == NULL || options.senders < 1)
        usage();
}

int main(int argc, char **argv)
{
    if (argc < 2)
        usage();
    parse(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) != 0)
            continue;
        direct_engine.open(&options.place);
        modes[i].run();
        return 0;
    }
    usage();
}
