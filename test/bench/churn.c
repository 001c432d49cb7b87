/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load churn: in a room where a few talk, others come and go all the time, each a second after its
 * last time, and stay for half a second, if they have got in by then.  Those who stay must hear
 * everything in time, and the server must not grow.
 *
 * Everything is counted from the end of the warm-up on, and only what those hear who stay.
 */
#include <stdio.h>

#include "clients.h"
#include "process.h"
#include "report.h"

#define ROUND        BENCH_SECOND
#define STAY         (BENCH_SECOND / 2)
#define LATENCY_MOST 100 /* milliseconds, of 99 in 100 */

static const column_t columns[] = {
    { "stay", 6, 0 },      { "moves/s", 7, 0 },  { "moves", 7, 0 },    { "in_time%", 8, 1 },
    { "events/s", 9, 0 },  { "messages", 8, 0 }, { "p50_ms", 8, 2 },   { "p99_ms", 8, 2 },
    { "max_ms", 8, 1 },    { "missing", 8, 0 },  { "dropped", 7, 0 },  { "cpu_s", 6, 2 },
    { "before_KB", 9, 0 }, { "after_KB", 9, 0 }, { NULL, 0, 0 },
};

typedef struct churn_t {
    int64_t start;
    int64_t from;  /* the window */
    int64_t to;
    int64_t moves; /* a second */
    int64_t come;  /* so far */
    int64_t gone;
    int64_t in_time;
    int64_t rate;
    int64_t sent;
    int64_t counted; /* of these, in the window */
    int64_t heard;
    int64_t events;
    histogram_t latencies;
} churn_t;

/* When the n-th of so many a second is due. */
static int64_t due_of(int64_t start, int64_t n, int64_t a_second)
{
    return start + n * BENCH_SECOND / a_second;
}

static bool in_window(const churn_t *run, int64_t time)
{
    return time >= run->from && time < run->to;
}

static client_t *mover(clients_t *clients, int64_t n)
{
    const churn_t *run = clients->baton;

    return &clients->all[clients->options->connections + n % run->moves];
}

static void say(clients_t *clients, int64_t due)
{
    churn_t *run = clients->baton;
    uint32_t sender = (uint32_t)(run->sent % clients->options->senders);
    stamp_t stamp = { .sender = sender,
                      .sequence = (uint32_t)run->sent + 1,
                      .due = stamp_time(due) };

    clients_say(clients, &clients->all[sender], &stamp);
    run->sent++;
    run->counted += in_window(run, stamp.due);
}

static void leave(clients_t *clients, client_t *client)
{
    churn_t *run = clients->baton;

    run->in_time += client->state == CLIENT_READY;
    run->gone++;
    clients_leave(clients, client);
}

static void on_tick(clients_t *clients, int64_t now)
{
    churn_t *run = clients->baton;
    int64_t come, gone, message;

    while ((message = due_of(run->start, run->sent, run->rate)) <= now && message < run->to)
        say(clients, message);
    while ((gone = due_of(run->start + STAY, run->gone, run->moves)) <= now)
        leave(clients, mover(clients, run->gone));
    while ((come = due_of(run->start, run->come, run->moves)) <= now)
        clients_come(clients, mover(clients, run->come++));
    clients->due = come < gone ? come : gone;
    if (message < run->to && message < clients->due)
        clients->due = message;
}

static bool stays(const clients_t *clients, const client_t *client)
{
    return client->index < clients->options->connections;
}

static void on_delivery(clients_t *clients, client_t *client, const stamp_t *stamp, size_t size,
                        int64_t now)
{
    churn_t *run = clients->baton;

    (void)size;
    if (!stays(clients, client) || !in_window(run, stamp->due))
        return;
    run->heard++;
    histogram_add(&run->latencies, now - stamp->due);
}

static void on_presence(clients_t *clients, client_t *client, int64_t now)
{
    churn_t *run = clients->baton;

    run->events += stays(clients, client) && in_window(run, now);
}

static int report(const clients_t *clients, const churn_t *run, double cpu, double before,
                  double after)
{
    const options_t *options = clients->options;
    double p99 = histogram_at(&run->latencies, 0.99) / BENCH_MILLISECOND;
    double missing = (double)(run->counted * options->connections - run->heard);
    bool leaks = after > before + options->slack; /* of a NAN: no */
    bool right = missing == 0 && clients->lost == 0 && p99 <= LATENCY_MOST && !leaks;
    double values[] = {
        options->connections,
        (double)run->moves,
        (double)run->gone,
        100 * (double)run->in_time / (double)run->gone,
        (double)run->events / options->seconds,
        (double)run->counted,
        histogram_at(&run->latencies, 0.50) / BENCH_MILLISECOND,
        p99,
        (double)run->latencies.greatest / BENCH_MILLISECOND,
        missing,
        clients->lost,
        cpu,
        before,
        after,
    };

    report_row(options, "churn", columns, values);
    printf("churn: %s%s\n", right ? "passed" : "FAILED", leaks ? "; memory has grown" : "");
    return !right;
}

static void plan(churn_t *run, const options_t *options)
{
    run->rate = options->rates.values[0];
    run->moves = options->moves;
    run->start = stamp_time(bench_now() + BENCH_SECOND / 10);
    run->from = run->start + (int64_t)(options->warmup * BENCH_SECOND);
    run->to = run->from + (int64_t)(options->seconds * BENCH_SECOND);
}

int churn_run(const options_t *options)
{
    static churn_t run;
    clients_t *clients = clients_make(options, options->connections + options->moves);
    double cpu, before, after;
    int status;

    report_head(columns);
    clients_open_first(clients, options->connections);
    plan(&run, options);
    clients->baton = &run;
    clients->on_delivery = on_delivery;
    clients->on_presence = on_presence;
    clients->tick = on_tick;
    clients->due = run.start;
    clients_run(clients, run.from);
    cpu = process_cpu(options->pid);
    before = process_resident(options->pid);
    clients_run(clients, run.to);
    cpu = process_cpu(options->pid) - cpu;
    after = process_resident(options->pid);
    clients_run(clients, run.to + ROUND);
    status = report(clients, &run, cpu, before, after);
    clients->due = CLIENTS_NEVER;
    clients_free(&clients);
    return status;
}
