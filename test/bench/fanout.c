/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load fanout: everybody in one room hears what a few of them say, at a given rate.  Messages are
 * due at even intervals, whatever the server does, and a delivery's latency counts from when its
 * message was due: a server that stalls cannot hide it by being sent less.
 *
 * Deliveries and CPU are counted over the same window; latencies are those of the messages due in
 * the window, however late they come.
 */
#include <stdio.h>

#include "clients.h"
#include "process.h"
#include "report.h"

#define CALM_TURN     (10 * BENCH_MILLISECOND)
#define CALM_PATIENCE (2 * BENCH_SECOND) /* without any delivery: what is missing is lost */
#define CALM_MOST     (10 * BENCH_SECOND)

static const column_t columns[] = {
    { "receivers", 9, 0 }, { "rate", 5, 0 },      { "deliveries/s", 12, 0 }, { "asked%", 6, 1 },
    { "cpu_s/M", 8, 3 },   { "p50_ms", 8, 2 },    { "p99_ms", 8, 2 },        { "max_ms", 8, 1 },
    { "ack_p99", 8, 2 },   { "missing", 8, 0 },   { "dropped", 7, 0 },       { "packed%", 7, 1 },
    { "bytes", 5, 0 },
    { NULL, 0, 0 },
};

typedef struct fanout_t {
    long rate;
    int64_t start; /* when the first message is due */
    int64_t from;  /* the window */
    int64_t to;
    uint64_t planned;
    uint64_t sent; /* or skipped, where the sender's connection has gone */
    uint64_t expected;
    uint64_t delivered;
    uint64_t bytes;
    histogram_t latencies;
    histogram_t acks;
} fanout_t;

typedef struct snapshot_t {
    int64_t time;
    uint64_t delivered;
    double cpu;
} snapshot_t;

static bool in_window(const fanout_t *run, int64_t due)
{
    return due >= run->from && due < run->to;
}

static int64_t next_due(const fanout_t *run)
{
    if (run->sent == run->planned)
        return CLIENTS_NEVER;
    return run->start + (int64_t)run->sent * BENCH_SECOND / run->rate;
}

static void on_tick(clients_t *clients, int64_t now)
{
    fanout_t *run = clients->baton;
    int64_t due;

    while ((due = next_due(run)) <= now) {
        uint32_t sender = (uint32_t)(run->sent % (uint64_t)clients->options->senders);
        stamp_t stamp = { .sender = sender, .sequence = (uint32_t)run->sent + 1, .due = due };

        if (clients_say(clients, &clients->all[sender], &stamp))
            run->expected += (uint64_t)clients->ready;
        run->sent++;
    }
    clients->due = due;
}

static void on_delivery(clients_t *clients, client_t *client, const stamp_t *stamp, size_t size,
                        int64_t now)
{
    fanout_t *run = clients->baton;

    (void)client;
    if (stamp->due < run->start)
        return;
    run->delivered++;
    run->bytes += size;
    if (in_window(run, stamp->due))
        histogram_add(&run->latencies, now - stamp->due);
}

static void on_ack(clients_t *clients, client_t *client, const stamp_t *stamp, int64_t now)
{
    fanout_t *run = clients->baton;

    (void)client;
    if (in_window(run, stamp->due))
        histogram_add(&run->acks, now - stamp->due);
}

static snapshot_t run_to(clients_t *clients, int64_t until)
{
    fanout_t *run = clients->baton;
    int64_t now = clients_run(clients, until);

    return (snapshot_t){ .time = now,
                         .delivered = run->delivered,
                         .cpu = process_cpu(clients->options->pid) };
}

/* Until all has come that is expected, or nothing comes any more, or it takes too long. */
static void calm_down(clients_t *clients)
{
    fanout_t *run = clients->baton;
    uint64_t delivered = run->delivered;
    int64_t start = bench_now();
    int64_t progress = start;
    int64_t now = start;

    while (run->delivered < run->expected && now < progress + CALM_PATIENCE
           && now < start + CALM_MOST) {
        now = clients_run(clients, now + CALM_TURN);
        if (run->delivered != delivered)
            progress = now;
        delivered = run->delivered;
    }
}

static void report(const clients_t *clients, const fanout_t *run, const snapshot_t *before,
                   const snapshot_t *after)
{
    double seconds = (double)(after->time - before->time) / BENCH_SECOND;
    double deliveries = (double)(after->delivered - before->delivered);
    double missing = (double)run->expected - (double)run->delivered;
    double values[] = {
        clients->count,
        (double)run->rate,
        deliveries / seconds,
        100 * deliveries / (seconds * (double)run->rate * clients->count),
        (after->cpu - before->cpu) / deliveries * 1e6,
        histogram_at(&run->latencies, 0.50) / BENCH_MILLISECOND,
        histogram_at(&run->latencies, 0.99) / BENCH_MILLISECOND,
        (double)run->latencies.greatest / BENCH_MILLISECOND,
        histogram_at(&run->acks, 0.99) / BENCH_MILLISECOND,
        missing,
        clients->lost,
        100 * (double)clients->packed / (double)run->delivered,
        (double)run->bytes / (double)run->delivered,
    };

    report_row(clients->options, "fanout", columns, values);
}

static void run_rate(clients_t *clients, long rate)
{
    const options_t *options = clients->options;
    fanout_t *run = clients->baton;
    snapshot_t before;
    snapshot_t after;

    *run = (fanout_t){ .rate = rate, .start = stamp_time(bench_now() + CALM_TURN) };
    run->from = run->start + (int64_t)(options->warmup * BENCH_SECOND);
    run->to = run->from + (int64_t)(options->seconds * BENCH_SECOND);
    run->planned = (uint64_t)((double)rate * (options->warmup + options->seconds));
    clients->due = run->start;
    clients->lost = 0;
    clients->packed = 0;
    before = run_to(clients, run->from);
    after = run_to(clients, run->to);
    calm_down(clients);
    report(clients, run, &before, &after);
    run->start = CLIENTS_NEVER; /* what still comes belongs to no run */
}

int fanout_run(const options_t *options)
{
    static fanout_t run = { .start = CLIENTS_NEVER };
    clients_t *clients = clients_make(options, options->connections);

    clients->baton = &run;
    clients->tick = on_tick;
    clients->on_delivery = on_delivery;
    clients->on_ack = on_ack;
    report_head(columns);
    for (int i = 0; i < options->rates.count; i++) {
        clients_open_all(clients);
        run_rate(clients, options->rates.values[i]);
    }
    clients_free(&clients);
    return 0;
}
