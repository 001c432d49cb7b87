/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load lossless: several rooms, many connections, a few of which talk for a while; afterwards each
 * receiver must have had every message of its room once, each sender's in the order of sending,
 * all receivers of a room in one order, nothing from another room; each sender an acknowledgement
 * for each message, in order, before its own message came back.  The server's memory must not have
 * grown meanwhile.  Exit status 1 where one of these does not hold.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clients.h"
#include "process.h"
#include "report.h"

#define CALM_TURN     (10 * BENCH_MILLISECOND)
#define CALM_PATIENCE (3 * BENCH_SECOND) /* without any delivery: what is missing is lost */
#define SETTLE        BENCH_SECOND
#define DIGEST_PRIME  UINT64_C(0x100000001b3)

static const column_t columns[] = {
    { "connections", 11, 0 }, { "senders", 7, 0 },   { "sent", 7, 0 },      { "acked", 7, 0 },
    { "delivered", 10, 0 },   { "lost", 5, 0 },      { "twice", 5, 0 },     { "late", 5, 0 },
    { "stray", 5, 0 },        { "disorder", 8, 0 },  { "bad_ack", 7, 0 },   { "dropped", 7, 0 },
    { "before_KB", 9, 0 },    { "after_KB", 9, 0 },  { NULL, 0, 0 },
};

typedef struct lossless_t {
    const options_t *options;
    uint32_t *last;  /* [receiver][sender]: the greatest sequence that came */
    uint64_t *seen;  /* a bit for each [receiver][sender][sequence] */
    uint64_t *order; /* of each receiver: a digest of what came, in the order in which it came */
    uint32_t *sent;  /* by each sender */
    uint32_t *acked; /* the last sequence */
    uint32_t most;   /* messages that one sender sends */
    int64_t start;
    uint64_t planned;
    uint64_t total; /* sent or skipped */
    uint64_t expected;
    uint64_t delivered;
    uint64_t acknowledged;
    uint64_t twice;
    uint64_t late; /* after a later one of the same sender */
    uint64_t stray;
    uint64_t bad_ack;
} lossless_t;

static int rooms_of(const lossless_t *run)
{
    return run->options->rooms.count > 0 ? run->options->rooms.count : 1;
}

/* ---- Sending ------------------------------------------------------------------------------- */

static int listeners(const clients_t *clients, int room, int rooms)
{
    return clients->count / rooms + (room < clients->count % rooms);
}

static int64_t next_due(const lossless_t *run)
{
    if (run->total == run->planned)
        return CLIENTS_NEVER;
    return run->start + (int64_t)run->total * BENCH_SECOND / run->options->rates.values[0];
}

static void on_tick(clients_t *clients, int64_t now)
{
    lossless_t *run = clients->baton;
    int64_t due;

    while ((due = next_due(run)) <= now) {
        uint32_t sender = (uint32_t)(run->total++ % (uint64_t)run->options->senders);
        stamp_t stamp = { .sender = sender, .sequence = run->sent[sender] + 1, .due = due };

        if (!clients_say(clients, &clients->all[sender], &stamp))
            continue;
        run->sent[sender] = stamp.sequence;
        run->expected += (uint64_t)listeners(clients, (int)sender % rooms_of(run), rooms_of(run));
    }
    clients->due = due;
}

/* ---- Checking ------------------------------------------------------------------------------ */

/* Has this receiver had that message before?  From now on it has. */
static bool seen_before(lossless_t *run, uint64_t pair, uint32_t sequence)
{
    uint64_t bit = pair * run->most + (sequence - 1);
    uint64_t mask = UINT64_C(1) << bit % 64;
    bool before = run->seen[bit / 64] & mask;

    run->seen[bit / 64] |= mask;
    return before;
}

/* Was it sent at all, and to this receiver's room? */
static bool belongs(const lossless_t *run, const client_t *client, const stamp_t *stamp)
{
    return stamp->sender < (uint32_t)run->options->senders && stamp->sequence > 0
           && stamp->sequence <= run->sent[stamp->sender]
           && client->index % rooms_of(run) == (int)stamp->sender % rooms_of(run);
}

static void check_order(lossless_t *run, const client_t *client, const stamp_t *stamp,
                        uint64_t pair)
{
    uint64_t *order = &run->order[client->index];

    if (stamp->sequence < run->last[pair])
        run->late++;
    else
        run->last[pair] = stamp->sequence;
    *order = (*order ^ stamp->sender) * DIGEST_PRIME + stamp->sequence;
    if ((int)stamp->sender == client->index && stamp->sequence > run->acked[stamp->sender]
        && !run->options->floor)
        run->bad_ack++;
}

static void on_delivery(clients_t *clients, client_t *client, const stamp_t *stamp, size_t size,
                        int64_t now)
{
    lossless_t *run = clients->baton;
    uint64_t pair = (uint64_t)client->index * (uint64_t)run->options->senders + stamp->sender;

    (void)size;
    (void)now;
    if (!belongs(run, client, stamp)) {
        run->stray++;
    } else if (seen_before(run, pair, stamp->sequence)) {
        run->twice++;
    } else {
        run->delivered++;
        check_order(run, client, stamp, pair);
    }
}

static void on_ack(clients_t *clients, client_t *client, const stamp_t *stamp, int64_t now)
{
    lossless_t *run = clients->baton;
    uint32_t *acked = &run->acked[client->index];

    (void)now;
    run->acknowledged++;
    if ((int)stamp->sender != client->index || stamp->sequence != *acked + 1)
        run->bad_ack++;
    *acked = stamp->sequence;
}

/* Receivers that heard their room in another order than the first one there. */
static int disorder(const clients_t *clients, const lossless_t *run)
{
    int rooms = rooms_of(run);
    int differ = 0;

    for (int i = rooms; i < clients->count; i++)
        differ += run->order[i] != run->order[i % rooms];
    return differ;
}

/* ---- The run ------------------------------------------------------------------------------- */

static uint64_t sum(const uint32_t *counts, int count)
{
    uint64_t total = 0;

    while (count-- > 0)
        total += counts[count];
    return total;
}

static bool complete(const clients_t *clients, const lossless_t *run)
{
    if (run->delivered < run->expected)
        return false;
    return run->options->floor || run->acknowledged >= sum(run->sent, clients->options->senders);
}

static void calm_down(clients_t *clients)
{
    lossless_t *run = clients->baton;
    uint64_t delivered = run->delivered;
    int64_t progress = bench_now();
    int64_t now = progress;

    while (!complete(clients, run) && now < progress + CALM_PATIENCE) {
        now = clients_run(clients, now + CALM_TURN);
        if (run->delivered != delivered)
            progress = now;
        delivered = run->delivered;
    }
    clients_run(clients, now + SETTLE); /* in which nothing more may come */
}

static bool faultless(const clients_t *clients, const lossless_t *run)
{
    return complete(clients, run) && run->delivered == run->expected && run->twice == 0
           && run->late == 0 && run->stray == 0 && disorder(clients, run) == 0
           && run->bad_ack == 0 && clients->lost == 0 && clients->refused == 0;
}

static int verdict(bool right, bool flat)
{
    printf("lossless: %s%s\n", right && flat ? "passed" : "FAILED",
           flat ? "" : "; memory has grown");
    return right && flat ? 0 : 1;
}

static int report(const clients_t *clients, const lossless_t *run, double before, double after)
{
    const options_t *options = clients->options;
    double values[] = {
        clients->count,
        options->senders,
        (double)sum(run->sent, options->senders),
        options->floor ? NAN : (double)run->acknowledged,
        (double)run->delivered,
        (double)run->expected - (double)run->delivered,
        (double)run->twice,
        (double)run->late,
        (double)run->stray,
        disorder(clients, run),
        (double)run->bad_ack,
        clients->lost,
        before,
        after,
    };

    report_head(columns);
    report_row(options, "lossless", columns, values);
    return verdict(faultless(clients, run), isnan(after) || after <= before + options->slack);
}

static void prepare(lossless_t *run, const options_t *options)
{
    size_t senders = (size_t)options->senders;
    size_t pairs = (size_t)options->connections * senders;

    run->options = options;
    run->planned = (uint64_t)((double)options->rates.values[0]
                              * (options->warmup + options->seconds));
    run->most = (uint32_t)(run->planned / senders + 1);
    run->last = bench_alloc(pairs, sizeof *run->last);
    run->seen = bench_alloc(pairs * run->most / 64 + 1, sizeof *run->seen);
    run->order = bench_alloc((size_t)options->connections, sizeof *run->order);
    run->sent = bench_alloc(senders, sizeof *run->sent);
    run->acked = bench_alloc(senders, sizeof *run->acked);
}

static void forget(lossless_t *run)
{
    free(run->last);
    free(run->seen);
    free(run->order);
    free(run->sent);
    free(run->acked);
}

int lossless_run(const options_t *options)
{
    clients_t *clients = clients_make(options, options->connections);
    lossless_t run = { .start = 0 };
    double before;
    int status;

    prepare(&run, options);
    clients->baton = &run;
    clients->tick = on_tick;
    clients->on_delivery = on_delivery;
    clients->on_ack = on_ack;
    clients_open_all(clients);
    run.start = bench_now();
    clients->due = run.start;
    clients_run(clients, run.start + (int64_t)(options->warmup * BENCH_SECOND));
    before = process_resident(options->pid);
    clients_run(clients, run.start
                         + (int64_t)((options->warmup + options->seconds) * BENCH_SECOND));
    clients->due = CLIENTS_NEVER;
    calm_down(clients);
    status = report(clients, &run, before, process_resident(options->pid));
    clients_free(&clients);
    forget(&run);
    return status;
}
