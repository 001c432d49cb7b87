/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Senders are threads, each with a timeline of its own and one message outstanding: it hands that
 * in, waits until it is durable, and hands in the next one.  One thread writes: a transaction takes
 * everything that waits.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "direct.h"
#include "histogram.h"
#include "process.h"

#define STACK (64 * 1024)

static const column_t columns[] = {
    { "senders", 7, 0 },      { "outstanding", 11, 0 }, { "acks/s", 8, 0 }, { "commits/s", 9, 0 },
    { "acks/commit", 11, 1 }, { "cpu_s/M", 8, 2 },      { "p50_ms", 8, 2 }, { "p99_ms", 8, 2 },
    { "max_ms", 8, 1 },       { "refused", 7, 0 },      { NULL, 0, 0 },
};

typedef struct sender_t {
    pthread_t thread;
    const direct_options_t *options;
    direct_message_t message;
    int64_t timeline_id, next_id, last_seq;
} sender_t;

/* Where they meet. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    sender_t **waiting, **taken; /* room for all of them, each */
    int waiting_count;
    int64_t batch;   /* the number of the one that gathers */
    int64_t durable; /* of the last one that is */
    bool measuring;
    histogram_t times;
} desk = { .mutex = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER,
           .done = PTHREAD_COND_INITIALIZER, .batch = 1 };

/* ---- Senders ---- */

static void hand_in(sender_t *sender)
{
    int64_t due = bench_now();
    int64_t batch;

    direct_compose(sender->options, &sender->message, sender->next_id++, sender->timeline_id,
                   sender->timeline_id % 1000 + 1);
    sender->message.seq = ++sender->last_seq;
    pthread_mutex_lock(&desk.mutex);
    batch = desk.batch;
    desk.waiting[desk.waiting_count++] = sender;
    if (desk.waiting_count == 1)
        pthread_cond_signal(&desk.work);
    while (desk.durable < batch)
        pthread_cond_wait(&desk.done, &desk.mutex);
    if (desk.measuring)
        histogram_add(&desk.times, bench_now() - due);
    pthread_mutex_unlock(&desk.mutex);
}

/* The program's end ends it. */
static void *sender_main(void *data)
{
    for (;;)
        hand_in(data);
    return NULL;
}

/* Ids that neither salond gives nor an earlier run has given: milliseconds, and room for 2^20
 * timelines; of messages, for 2^20 of each sender. */
static void senders_start(const direct_options_t *options)
{
    sender_t *senders = bench_alloc((size_t)options->senders, sizeof *senders);
    pthread_attr_t attributes;
    struct timespec now;
    int64_t first;

    clock_gettime(CLOCK_REALTIME, &now);
    first = (INT64_C(1) << 52)
            + ((now.tv_sec * 1000 + now.tv_nsec / 1000000) % (INT64_C(1) << 22) << 29);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    for (int i = 0; i < options->senders; i++) {
        senders[i] = (sender_t){ .options = options, .timeline_id = first + i,
                                 .next_id = first + ((int64_t)i << 20) };
        direct_engine.add_timeline(senders[i].timeline_id);
    }
    for (int i = 0; i < options->senders; i++)
        if (pthread_create(&senders[i].thread, &attributes, sender_main, &senders[i]) != 0)
            bench_die("no more threads");
}

/* ---- The one that writes ---- */

static int take_waiting(void)
{
    sender_t **taken;
    int count;

    pthread_mutex_lock(&desk.mutex);
    while (desk.waiting_count == 0)
        pthread_cond_wait(&desk.work, &desk.mutex);
    taken = desk.waiting;
    desk.waiting = desk.taken;
    desk.taken = taken;
    count = desk.waiting_count;
    desk.waiting_count = 0;
    desk.batch++;
    pthread_mutex_unlock(&desk.mutex);
    return count;
}

static void tell_durable(void)
{
    pthread_mutex_lock(&desk.mutex);
    desk.durable = desk.batch - 1;
    pthread_cond_broadcast(&desk.done);
    pthread_mutex_unlock(&desk.mutex);
}

/* One transaction; says how many messages that were. */
static int write_once(direct_timeline_t *timelines, const direct_message_t **messages)
{
    int count = take_waiting();

    for (int i = 0; i < count; i++) {
        const sender_t *sender = desk.taken[i];

        messages[i] = &sender->message;
        timelines[i] = (direct_timeline_t){ sender->timeline_id, sender->message.seq, 1 };
    }
    direct_engine.store(timelines, count, messages, count);
    tell_durable();
    return count;
}

/* ---- The measurement ---- */

static void report(const direct_options_t *options, int64_t commits, int64_t acknowledged,
                   int64_t took, double cpu)
{
    double seconds = (double)took / BENCH_SECOND;
    double values[] = {
        options->senders,
        1,
        (double)acknowledged / seconds,
        (double)commits / seconds,
        (double)acknowledged / (double)commits,
        cpu / (double)acknowledged * 1e6,
        histogram_at(&desk.times, 0.50) / BENCH_MILLISECOND,
        histogram_at(&desk.times, 0.99) / BENCH_MILLISECOND,
        (double)desk.times.greatest / BENCH_MILLISECOND,
        0,
    };

    report_head(columns);
    report_row(&options->report, "acks", columns, values);
}

static void set_measuring(bool measuring)
{
    pthread_mutex_lock(&desk.mutex);
    desk.measuring = measuring;
    pthread_mutex_unlock(&desk.mutex);
}

void direct_sends(const direct_options_t *options)
{
    size_t room = (size_t)options->senders;
    direct_timeline_t *timelines = bench_alloc(room, sizeof *timelines);
    const direct_message_t **messages = bench_alloc(room, sizeof *messages);
    int64_t began, now, commits = 0, acknowledged = 0;
    double cpu;

    desk.waiting = bench_alloc(room, sizeof *desk.waiting);
    desk.taken = bench_alloc(room, sizeof *desk.taken);
    senders_start(options);
    now = bench_now();
    for (int64_t end = now + (int64_t)(options->warmup * BENCH_SECOND); now < end;
         now = bench_now())
        write_once(timelines, messages);
    set_measuring(true);
    cpu = process_cpu(getpid());
    began = now;
    for (int64_t end = began + (int64_t)(options->seconds * BENCH_SECOND); now < end; commits++) {
        acknowledged += write_once(timelines, messages);
        now = bench_now();
    }
    set_measuring(false);
    report(options, commits, acknowledged, now - began, process_cpu(getpid()) - cpu);
}
