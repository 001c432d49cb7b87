/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load accept: how fast connections are let in, and what one costs the server.  load idle: what
 * open connections that do nothing keep resident.  Both sign in, and join a room when one is named.
 */
#include "clients.h"
#include "process.h"
#include "report.h"

#define SETTLE BENCH_SECOND /* for the server to finish what opening and closing have caused */

static const column_t accept_columns[] = {
    { "connections", 11, 0 }, { "per_second", 10, 0 }, { "cpu_us_each", 11, 1 },
    { "p50_ms", 8, 2 },       { "p99_ms", 8, 2 },      { "max_ms", 8, 1 },
    { "refused", 7, 0 },      { NULL, 0, 0 },
};

int accept_run(const options_t *options)
{
    static histogram_t times;
    clients_t *clients = clients_make(options, options->connections);
    int64_t start;
    double seconds;
    double cpu;

    clients->open_times = &times;
    clients_prepare(clients);
    report_head(accept_columns);
    cpu = process_cpu(options->pid);
    start = bench_now();
    clients_open(clients);
    seconds = (double)(bench_now() - start) / BENCH_SECOND;
    cpu = process_cpu(options->pid) - cpu;
    report_row(options, "accept", accept_columns,
               (double[]){ clients->count, clients->ready / seconds, cpu / clients->count * 1e6,
                           histogram_at(&times, 0.50) / BENCH_MILLISECOND,
                           histogram_at(&times, 0.99) / BENCH_MILLISECOND,
                           (double)times.greatest / BENCH_MILLISECOND, clients->lost });
    clients_free(&clients);
    return 0;
}

static const column_t idle_columns[] = {
    { "connections", 11, 0 },  { "before_KB", 9, 0 }, { "open_KB", 9, 0 }, { "closed_KB", 9, 0 },
    { "KB_each", 7, 2 },       { "kept_each", 9, 2 }, { NULL, 0, 0 },
};

static void settle(clients_t *clients)
{
    clients_run(clients, bench_now() + SETTLE);
}

int idle_run(const options_t *options)
{
    clients_t *clients = clients_make(options, options->connections);
    clients_t *nobody = clients_make(options, 0);
    double count = clients->count;
    double before = process_resident(options->pid);
    double open;
    double closed;

    report_head(idle_columns);
    clients_open_all(clients);
    settle(clients);
    open = process_resident(options->pid);
    clients_free(&clients);
    settle(nobody);
    closed = process_resident(options->pid);
    clients_free(&nobody);
    report_row(options, "idle", idle_columns,
               (double[]){ count, before, open, closed, (open - before) / count,
                           (closed - before) / count });
    return 0;
}
