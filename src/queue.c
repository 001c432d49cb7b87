/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue between threads: a singly linked list under a mutex.  The lock is held for a few
 * instructions only, and never while somebody else's code runs; an interrupt is remembered until a
 * wait has seen it.  Relies on the wall clock not leaping for queue_wait's timeout to be exact, as
 * APR's timed wait is on that clock.
 */
#include "queue.h"

#include <stdlib.h>

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

struct queue_t {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *cond;
    queue_list_t list;
    bool interrupted;
    void (*wake)(void *baton);
    void *baton;
};

void queue_list_add(queue_list_t *list, queue_node_t *node)
{
    node->next = NULL;
    if (list->tail)
        list->tail->next = node;
    else
        list->head = node;
    list->tail = node;
    list->count++;
}

queue_node_t *queue_list_pop(queue_list_t *list)
{
    queue_node_t *node = list->head;

    if (!node)
        return NULL;
    list->head = node->next;
    if (!list->head)
        list->tail = NULL;
    list->count--;
    node->next = NULL;
    return node;
}

/* Puts all of `more` (not empty) behind what is in `list`. */
static void list_append(queue_list_t *list, const queue_list_t *more)
{
    if (list->tail)
        list->tail->next = more->head;
    else
        list->head = more->head;
    list->tail = more->tail;
    list->count += more->count;
}

/* With the lock held. */
static queue_list_t take_locked(queue_t *queue)
{
    queue_list_t taken = queue->list;

    queue->list = (queue_list_t){0};
    return taken;
}

queue_t *queue_make(apr_pool_t *pool, void (*wake)(void *baton), void *baton)
{
    queue_t *queue = apr_pcalloc(pool, sizeof *queue);

    if (apr_thread_mutex_create(&queue->mutex, APR_THREAD_MUTEX_DEFAULT, pool) != APR_SUCCESS ||
        apr_thread_cond_create(&queue->cond, pool) != APR_SUCCESS)
        abort(); /* out of memory */
    queue->wake = wake;
    queue->baton = baton;
    return queue;
}

void queue_push(queue_t *queue, queue_node_t *node)
{
    queue_list_t one = {0};

    queue_list_add(&one, node);
    queue_push_list(queue, &one);
}

void queue_push_list(queue_t *queue, queue_list_t *list)
{
    bool was_empty;

    if (!list->head)
        return;
    apr_thread_mutex_lock(queue->mutex);
    was_empty = !queue->list.head;
    list_append(&queue->list, list);
    if (was_empty)
        apr_thread_cond_signal(queue->cond);
    apr_thread_mutex_unlock(queue->mutex);
    *list = (queue_list_t){0};
    if (was_empty && queue->wake)
        queue->wake(queue->baton);
}

queue_list_t queue_take(queue_t *queue)
{
    queue_list_t taken;

    apr_thread_mutex_lock(queue->mutex);
    taken = take_locked(queue);
    apr_thread_mutex_unlock(queue->mutex);
    return taken;
}

/* Waits for a signal until `end` (negative: for ever); false when that has passed. */
static bool wait_locked(queue_t *queue, apr_time_t end)
{
    apr_interval_time_t left;

    if (end < 0) {
        apr_thread_cond_wait(queue->cond, queue->mutex);
        return true;
    }
    left = end - apr_time_now();
    if (left <= 0)
        return false;
    apr_thread_cond_timedwait(queue->cond, queue->mutex, left);
    return true;
}

queue_list_t queue_wait(queue_t *queue, apr_interval_time_t timeout)
{
    queue_list_t taken;
    apr_time_t end = timeout < 0 ? -1 : apr_time_now() + timeout;

    apr_thread_mutex_lock(queue->mutex);
    while (!queue->list.head && !queue->interrupted && wait_locked(queue, end))
        ;
    queue->interrupted = false;
    taken = take_locked(queue);
    apr_thread_mutex_unlock(queue->mutex);
    return taken;
}

void queue_interrupt(queue_t *queue)
{
    apr_thread_mutex_lock(queue->mutex);
    queue->interrupted = true;
    apr_thread_cond_signal(queue->cond);
    apr_thread_mutex_unlock(queue->mutex);
}
