/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load history: pages of one room's history, how many in a second, how soon, and how many
 * statements the server's store runs for each, by its own counters.  So many requests are
 * outstanding, for the newest page, or for the one before a message chosen at random, all of which
 * have ids in a row.  Connections ask in turn, as the server bounds what one of them may ask for.
 */
#include <stdlib.h>

#include "clients.h"
#include "metrics.h"
#include "process.h"
#include "report.h"

#define LEAST 200 /* messages before a page's anchor, at least, and after it */

static const column_t columns[] = {
    { "messages", 9, 0 }, { "askers", 6, 0 }, { "pages/s", 8, 0 }, { "queries/page", 12, 3 },
    { "cpu_us", 7, 1 },   { "p50_ms", 8, 3 }, { "p99_ms", 8, 3 },  { "max_ms", 8, 2 },
    { "refused", 7, 0 },  { NULL, 0, 0 },
};

typedef struct history_t {
    bool measuring;
    int last;     /* the connection that asked last */
    int64_t *due; /* of each connection */
    uint64_t pages;
    histogram_t times;
} history_t;

typedef struct snapshot_t {
    int64_t time;
    uint64_t pages;
    double cpu;
    double queries;
} snapshot_t;

static void ask_next(clients_t *clients, int64_t now)
{
    const options_t *options = clients->options;
    history_t *run = clients->baton;
    client_t *client = &clients->all[run->last = (run->last + 1) % clients->count];
    long before = 0;

    if (!options->newest)
        before = options->first_message + LEAST + random() % (options->messages - 2 * LEAST);
    run->due[client->index] = now;
    clients_ask(clients, client, before);
}

static void on_page(clients_t *clients, client_t *client, int64_t now)
{
    history_t *run = clients->baton;

    run->pages++;
    if (run->measuring)
        histogram_add(&run->times, now - run->due[client->index]);
    ask_next(clients, now);
}

static void on_refused(clients_t *clients, client_t *client, int64_t now)
{
    (void)client;
    ask_next(clients, now);
}

/* Everything the store has asked or written. */
static double statements(const options_t *options)
{
    options_t reading = *options;
    options_t writing = *options;

    reading.metric = "salon_store_queries_total";
    writing.metric = "salon_store_statements_total";
    return metrics_read(&reading) + metrics_read(&writing);
}

static snapshot_t take(const clients_t *clients)
{
    const history_t *run = clients->baton;

    return (snapshot_t){ .queries = statements(clients->options),
                         .pages = run->pages,
                         .cpu = process_cpu(clients->options->pid),
                         .time = bench_now() };
}

static void report(const clients_t *clients, const snapshot_t *before, const snapshot_t *after)
{
    const history_t *run = clients->baton;
    double pages = (double)(after->pages - before->pages);
    double values[] = {
        (double)clients->options->messages,
        clients->options->outstanding,
        pages / ((double)(after->time - before->time) / BENCH_SECOND),
        (after->queries - before->queries) / pages,
        (after->cpu - before->cpu) / pages * 1e6,
        histogram_at(&run->times, 0.50) / BENCH_MILLISECOND,
        histogram_at(&run->times, 0.99) / BENCH_MILLISECOND,
        (double)run->times.greatest / BENCH_MILLISECOND,
        clients->refused,
    };

    report_row(clients->options, "history", columns, values);
}

static int64_t run_for(clients_t *clients, double seconds)
{
    return clients_run(clients, bench_now() + (int64_t)(seconds * BENCH_SECOND));
}

int history_run(const options_t *options)
{
    static history_t run;
    clients_t *clients = clients_make(options, options->connections);
    snapshot_t before;
    snapshot_t after;

    if (options->outstanding > options->connections)
        bench_die("--outstanding: at most one for each connection");
    if (options->messages <= 2 * LEAST)
        bench_die("--messages must be more than %d", 2 * LEAST);
    run.due = bench_alloc((size_t)clients->count, sizeof *run.due);
    clients->baton = &run;
    clients->on_page = on_page;
    clients->on_refused = on_refused;
    clients_open_all(clients);
    report_head(columns);
    for (int i = 0; i < options->outstanding; i++)
        ask_next(clients, bench_now());
    run_for(clients, options->warmup);
    before = take(clients);
    run.measuring = true;
    run_for(clients, options->seconds);
    after = take(clients);
    report(clients, &before, &after);
    clients_free(&clients);
    free(run.due);
    return 0;
}
