/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load presence: everybody in a room but the senders, who go on talking, leaves within two seconds
 * and comes back, each after the same time.  How many presence events does that cause, and what
 * becomes of the messages meanwhile?  A latency counts from when the message was due, whether its
 * receiver has just come or has been there all the time.
 *
 * Latencies are those from the first leaving to the end; presence events those from the first
 * coming to the end, which is "seconds" after the last one.
 */
#include <math.h>
#include <stdio.h>

#include "clients.h"
#include "process.h"
#include "report.h"

#define STORM        (2 * BENCH_SECOND)
#define START_DELAY  (BENCH_SECOND / 2)
#define LATENCY_MOST 100 /* milliseconds */
#define SECONDS_MAX  600

static const column_t columns[] = {
    { "users", 6, 0 },   { "away_s", 6, 1 },  { "seconds", 7, 0 },   { "events", 9, 0 },
    { "each", 7, 1 },    { "peak/s", 8, 0 },  { "allowed/s", 9, 0 }, { "messages", 8, 0 },
    { "p50_ms", 8, 2 },  { "p99_ms", 8, 2 },  { "max_ms", 8, 1 },    { "ack_max", 8, 1 },
    { "cpu_s", 6, 2 },   { "dropped", 7, 0 }, { NULL, 0, 0 },
};

typedef struct presence_t {
    int64_t start; /* of the messages */
    int64_t leave; /* when the first one leaves, and comes back */
    int64_t come;
    int64_t end;
    long rate;
    int senders;
    uint64_t sent;
    int left;
    int back;
    uint64_t events;
    uint64_t by_second[SECONDS_MAX];
    histogram_t latencies;
    histogram_t acks;
} presence_t;

/* When the n-th of so many is due, the first one at `start`. */
static int64_t storm_due(const clients_t *clients, int64_t start, int n)
{
    const presence_t *run = clients->baton;
    int count = clients->count - run->senders;

    return n < count ? start + STORM * n / count : CLIENTS_NEVER;
}

static int64_t message_due(const presence_t *run)
{
    return run->start + (int64_t)run->sent * BENCH_SECOND / run->rate;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void on_tick(clients_t *clients, int64_t now)
{
    presence_t *run = clients->baton;
    client_t *users = clients->all + run->senders;

    while (message_due(run) <= now) {
        uint32_t sender = (uint32_t)(run->sent % (uint64_t)run->senders);
        stamp_t stamp = { .sender = sender,
                          .sequence = (uint32_t)run->sent + 1,
                          .due = stamp_time(message_due(run)) };

        clients_say(clients, &clients->all[sender], &stamp);
        run->sent++;
    }
    while (storm_due(clients, run->leave, run->left) <= now)
        clients_leave(clients, &users[run->left++]);
    while (storm_due(clients, run->come, run->back) <= now)
        clients_come(clients, &users[run->back++]);
    clients->due = earliest(message_due(run),
                            earliest(storm_due(clients, run->leave, run->left),
                                     storm_due(clients, run->come, run->back)));
}

static bool counts(const presence_t *run, const stamp_t *stamp)
{
    return stamp->due >= run->leave && stamp->due < run->end;
}

static void on_delivery(clients_t *clients, client_t *client, const stamp_t *stamp, size_t size,
                        int64_t now)
{
    presence_t *run = clients->baton;

    (void)client, (void)size;
    if (counts(run, stamp))
        histogram_add(&run->latencies, now - stamp->due);
}

static void on_ack(clients_t *clients, client_t *client, const stamp_t *stamp, int64_t now)
{
    presence_t *run = clients->baton;

    (void)client;
    if (counts(run, stamp))
        histogram_add(&run->acks, now - stamp->due);
}

static void on_presence(clients_t *clients, client_t *client, int64_t now)
{
    presence_t *run = clients->baton;
    int64_t second = (now - run->come) / BENCH_SECOND;

    (void)client;
    if (now < run->come || second >= SECONDS_MAX)
        return;
    run->events++;
    run->by_second[second]++;
}

static double peak(const presence_t *run)
{
    uint64_t most = 0;

    for (int i = 0; i < SECONDS_MAX; i++)
        if (run->by_second[i] > most)
            most = run->by_second[i];
    return (double)most;
}

static void report(const clients_t *clients, const presence_t *run, double cpu)
{
    const options_t *options = clients->options;
    double values[] = {
        clients->count - run->senders,
        options->away,
        (double)(run->end - run->come) / BENCH_SECOND,
        (double)run->events,
        (double)run->events / clients->count,
        peak(run),
        options->allowed > 0 ? options->allowed : NAN,
        (double)run->acks.total,
        histogram_at(&run->latencies, 0.50) / BENCH_MILLISECOND,
        histogram_at(&run->latencies, 0.99) / BENCH_MILLISECOND,
        (double)run->latencies.greatest / BENCH_MILLISECOND,
        (double)run->acks.greatest / BENCH_MILLISECOND,
        cpu,
        clients->lost,
    };

    report_row(options, "presence", columns, values);
}

static void plan(presence_t *run, const options_t *options)
{
    run->rate = options->rates.values[0];
    run->senders = options->senders;
    run->start = stamp_time(bench_now() + START_DELAY);
    run->leave = run->start + (int64_t)(options->warmup * BENCH_SECOND);
    run->come = run->leave + (int64_t)(options->away * BENCH_SECOND);
    run->end = run->come + STORM + (int64_t)(options->seconds * BENCH_SECOND);
}

int presence_run(const options_t *options)
{
    static presence_t run;
    clients_t *clients = clients_make(options, options->connections + options->senders);
    double cpu;

    report_head(columns);
    clients_open_all(clients);
    clients_prepare(clients);
    plan(&run, options);
    clients->baton = &run;
    clients->on_delivery = on_delivery;
    clients->on_ack = on_ack;
    clients->on_presence = on_presence;
    clients->tick = on_tick;
    clients->due = run.start;
    clients_run(clients, run.leave);
    cpu = process_cpu(options->pid);
    clients_run(clients, run.end);
    report(clients, &run, process_cpu(options->pid) - cpu);
    clients->due = CLIENTS_NEVER;
    clients_run(clients, run.end + START_DELAY);
    clients_free(&clients);
    return (double)run.latencies.greatest / BENCH_MILLISECOND > LATENCY_MOST;
}
