/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libuv loop whose only business is the queue, the control socket and a timer.  What a turn wants
 * to tell the network threads is gathered, and handed over with one lock each at its end.
 */
#define LOG_AREA "chat"
#include "chat.h"

#include <stdlib.h>

#include <apr_thread_proc.h>

#include "fetch.h"
#include "hooks.h"
#include "latency.h"
#include "log.h"
#include "request.h"
#include "server.h"
#include "work.h"

#define SWEEP 60000 /* milliseconds between two looks at rate logs */
#define TICK  250   /* of the plugins */
#define LONG  5000  /* microseconds of a turn that is worth a line */

static struct {
    apr_pool_t *pool;
    apr_thread_t *thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_check_t turn_end;
    uv_timer_t sweep, tick;
    queue_t *queue;
    queue_list_t *to_net; /* by network thread */
    uint64_t turned, idle; /* nanoseconds: when the last turn ended, and all waiting until then */
    bool stopping;
} chat;

uv_loop_t *chat_loop(void)
{
    return &chat.loop;
}

apr_int64_t chat_now(void)
{
    return (apr_int64_t)uv_now(&chat.loop);
}

void chat_post(chat_note_t *note)
{
    queue_push(chat.queue, &note->node);
}

void chat_post_list(queue_list_t *notes)
{
    queue_push_list(chat.queue, notes);
}

void chat_to_net(int thread, net_note_t *note)
{
    queue_list_add(&chat.to_net[thread], &note->node);
}

/* ---- Finished jobs ---- */

typedef struct {
    chat_note_t note;
    queue_list_t jobs;
} delivery_t;

static void delivery_handle(chat_note_t *note)
{
    delivery_t *delivery = (delivery_t *)note;
    store_job_t *job;
    while ((job = (store_job_t *)queue_list_pop(&delivery->jobs)) != NULL) job->done(job);
    free(delivery);
}

void chat_deliver(queue_list_t *jobs, void *baton)
{
    (void)baton;
    delivery_t *delivery = malloc(sizeof(*delivery));
    if (delivery == NULL) abort();
    *delivery = (delivery_t){ .note.handle = delivery_handle, .jobs = *jobs };
    *jobs = (queue_list_t){ 0 };
    chat_post(&delivery->note);
}

/* ---- The loop ---- */

static void end_when_idle(void)
{
    if (!chat.stopping || request_count() + fetch_count() + work_count() > 0) return;
    uv_stop(&chat.loop);
}

static void on_wake(uv_async_t *wake)
{
    (void)wake;
    queue_list_t notes = queue_take(chat.queue);
    chat_note_t *note;
    uv_update_time(&chat.loop);
    while ((note = (chat_note_t *)queue_list_pop(&notes)) != NULL) note->handle(note);
}

/* A turn is what was done since the last one's end, without waiting for something to come. */
static void turn_note(void)
{
    uint64_t now = uv_hrtime(), idle = uv_metrics_idle_time(&chat.loop);
    apr_time_t busy = (apr_time_t)((now - chat.turned) - (idle - chat.idle)) / 1000;
    if (chat.turned != 0) latency_note(LATENCY_TURN, busy);
    if (chat.turned != 0 && busy >= LONG)
        log_debug("busy for %.1f ms", (double)busy / 1000);
    chat.turned = now;
    chat.idle = idle;
}

static void on_turn_end(uv_check_t *check)
{
    (void)check;
    for (int i = 0; i < server.net_count; i++)
        if (chat.to_net[i].count > 0) net_post_list(server.nets[i], &chat.to_net[i]);
    turn_note();
    end_when_idle();
}

static void on_sweep(uv_timer_t *timer)
{
    (void)timer;
    rates_sweep(chat_now());
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    store_watch(server.store);
    hooks_tick(salon_now());
}

static void wake_up(void *baton)
{
    (void)baton;
    uv_async_send(&chat.wake);
}

void chat_init(apr_pool_t *pool)
{
    chat.pool = pool;
    uv_loop_init(&chat.loop);
    uv_loop_configure(&chat.loop, UV_METRICS_IDLE_TIME);
    uv_async_init(&chat.loop, &chat.wake, on_wake);
    uv_check_init(&chat.loop, &chat.turn_end);
    uv_timer_init(&chat.loop, &chat.sweep);
    uv_check_start(&chat.turn_end, on_turn_end);
    uv_timer_start(&chat.sweep, on_sweep, SWEEP, SWEEP);
    uv_timer_init(&chat.loop, &chat.tick);
    uv_timer_start(&chat.tick, on_tick, TICK, TICK);
    chat.queue = queue_make(pool, wake_up, NULL);
}

static void *APR_THREAD_FUNC chat_run(apr_thread_t *thread, void *baton)
{
    (void)thread, (void)baton;
    uv_run(&chat.loop, UV_RUN_DEFAULT);
    return NULL;
}

apr_status_t chat_start(void)
{
    chat.to_net = apr_pcalloc(chat.pool, sizeof(*chat.to_net) * (apr_size_t)server.net_count);
    return apr_thread_create(&chat.thread, NULL, chat_run, NULL, chat.pool);
}

static void stop_handle(chat_note_t *note)
{
    free(note);
    hooks_stop();
    fetch_stop();
    chat.stopping = true;
}

void chat_stop(void)
{
    apr_status_t rv;
    chat_note_t *note = malloc(sizeof(*note));
    if (note == NULL) abort();
    note->handle = stop_handle;
    chat_post(note);
    apr_thread_join(&rv, chat.thread);
}

static void on_handle_close(uv_handle_t *handle, void *baton)
{
    (void)baton;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

void chat_close(void)
{
    on_wake(&chat.wake);
    uv_walk(&chat.loop, on_handle_close, NULL);
    uv_run(&chat.loop, UV_RUN_DEFAULT);
    uv_loop_close(&chat.loop);
}
