/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load acks: how fast senders get their messages acknowledged, which for a stored room means
 * committed.  Each sender keeps a fixed number of messages unacknowledged, and a message is due
 * when an earlier acknowledgement makes room for it.  For acknowledgement times under a given rate,
 * whatever the server does, see ack_p99 of load fanout.
 */
#include <math.h>

#include "clients.h"
#include "metrics.h"
#include "process.h"
#include "report.h"

static const column_t columns[] = {
    { "senders", 7, 0 },   { "outstanding", 11, 0 }, { "acks/s", 8, 0 }, { "commits/s", 9, 0 },
    { "acks/commit", 11, 1 }, { "cpu_s/M", 8, 2 },   { "p50_ms", 8, 2 }, { "p99_ms", 8, 2 },
    { "max_ms", 8, 1 },    { "refused", 7, 0 },      { NULL, 0, 0 },
};

typedef struct acks_t {
    bool measuring;
    uint32_t sent;
    uint64_t acknowledged;
    histogram_t times;
} acks_t;

typedef struct snapshot_t {
    int64_t time;
    uint64_t acknowledged;
    double cpu;
    double commits;
} snapshot_t;

static void send_next(clients_t *clients, client_t *client, int64_t now)
{
    acks_t *run = clients->baton;
    stamp_t stamp = { .sender = (uint32_t)client->index, .sequence = ++run->sent, .due = now };

    clients_say(clients, client, &stamp);
}

static void on_ack(clients_t *clients, client_t *client, const stamp_t *stamp, int64_t now)
{
    acks_t *run = clients->baton;

    run->acknowledged++;
    if (run->measuring)
        histogram_add(&run->times, now - stamp->due);
    send_next(clients, client, now);
}

static snapshot_t take(const clients_t *clients)
{
    acks_t *run = clients->baton;

    return (snapshot_t){ .commits = metrics_read(clients->options),
                         .acknowledged = run->acknowledged,
                         .cpu = process_cpu(clients->options->pid),
                         .time = bench_now() };
}

static void report(const clients_t *clients, const snapshot_t *before, const snapshot_t *after)
{
    const acks_t *run = clients->baton;
    double seconds = (double)(after->time - before->time) / BENCH_SECOND;
    double acknowledged = (double)(after->acknowledged - before->acknowledged);
    double commits = after->commits - before->commits;
    double values[] = {
        clients->count,
        clients->options->outstanding,
        acknowledged / seconds,
        commits / seconds,
        commits > 0 ? acknowledged / commits : NAN,
        (after->cpu - before->cpu) / acknowledged * 1e6,
        histogram_at(&run->times, 0.50) / BENCH_MILLISECOND,
        histogram_at(&run->times, 0.99) / BENCH_MILLISECOND,
        (double)run->times.greatest / BENCH_MILLISECOND,
        clients->refused,
    };

    report_row(clients->options, "acks", columns, values);
}

static void start_all(clients_t *clients)
{
    for (int round = 0; round < clients->options->outstanding; round++)
        for (int i = 0; i < clients->count; i++)
            send_next(clients, &clients->all[i], bench_now());
}

static int64_t seconds_from_now(double seconds)
{
    return bench_now() + (int64_t)(seconds * BENCH_SECOND);
}

int acks_run(const options_t *options)
{
    static acks_t run;
    clients_t *clients = clients_make(options, options->senders);
    snapshot_t before;
    snapshot_t after;

    if (options->floor)
        bench_die("the floor acknowledges nothing");
    clients->baton = &run;
    clients->on_ack = on_ack;
    clients->on_refused = send_next;
    clients_open_all(clients);
    report_head(columns);
    start_all(clients);
    clients_run(clients, seconds_from_now(options->warmup));
    before = take(clients);
    run.measuring = true;
    clients_run(clients, seconds_from_now(options->seconds));
    after = take(clients);
    report(clients, &before, &after);
    clients_free(&clients);
    return 0;
}
