/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv's pool has several threads and keeps no order; so it is given one thing at a time.
 */
#include "work.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "request.h"

typedef struct {
    queue_node_t node; /* first */
    void (*work)(void *baton);
    void (*done)(void *baton);
    void *baton;
} task_t;

static struct {
    queue_list_t waiting;
    task_t *running;
    uv_work_t work;
} all;

int work_count(void)
{
    return all.waiting.count + (all.running != NULL);
}

static void on_work(uv_work_t *work)
{
    (void)work;
    all.running->work(all.running->baton);
}

/* False: nothing waits. */
static bool next_take(void)
{
    all.running = (task_t *)queue_list_pop(&all.waiting);
    return all.running != NULL;
}

static void after_work(uv_work_t *work, int status)
{
    (void)status;
    task_t task = *all.running;
    free(all.running);
    if (next_take()) uv_queue_work(chat_loop(), work, on_work, after_work);
    if (task.done != NULL) task.done(task.baton);
}

void salon_work_later(void (*work)(void *baton), void (*done)(void *baton), void *baton)
{
    task_t *task = malloc(sizeof(*task));
    if (task == NULL) abort();
    *task = (task_t){ .work = work, .done = done, .baton = baton };
    queue_list_add(&all.waiting, &task->node);
    if (all.running == NULL && next_take())
        uv_queue_work(chat_loop(), &all.work, on_work, after_work);
}

/* ---- For a request ---- */

typedef struct {
    salon_req_t *req;
    void (*work)(void *baton);
    void *baton;
    salon_handler_t *then;
} errand_t;

static void errand_run(void *baton)
{
    const errand_t *errand = baton;
    errand->work(errand->baton);
}

static void errand_done(void *baton)
{
    const errand_t *errand = baton;
    request_resume(errand->req, errand->then);
}

salon_outcome_t salon_work(salon_req_t *req, void (*work)(void *baton), void *baton,
                           salon_handler_t *then)
{
    errand_t *errand = apr_palloc(req->pool, sizeof(*errand));
    *errand = (errand_t){ .req = req, .work = work, .baton = baton, .then = then };
    salon_work_later(errand_run, errand_done, errand);
    return request_pending();
}

/* ---- Files that are not wanted any more ---- */

static void path_unlink(void *baton)
{
    unlink(baton);
    free(baton);
}

void work_unlink(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) abort();
    salon_work_later(path_unlink, NULL, copy);
}
