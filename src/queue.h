/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue between threads: many push, one takes everything at once.  Intrusive: what travels has a
 * queue_node_t in it.  The consumer is woken once per batch, by the push that finds it empty.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>

#include <apr_pools.h>
#include <apr_time.h>

typedef struct queue_node_t {
    struct queue_node_t *next;
} queue_node_t;

/* A list of nodes, first in first out, of one thread; all zero is empty. */
typedef struct queue_list_t {
    queue_node_t *head, *tail;
    int count;
} queue_list_t;

/* Adds at the end. */
void queue_list_add(queue_list_t *list, queue_node_t *node);
/* The first node, taken off; NULL when empty. */
queue_node_t *queue_list_pop(queue_list_t *list);

typedef struct queue_t queue_t;

/* wake (may be NULL) is called by the pushing thread, outside the lock, when it was empty. */
queue_t *queue_make(apr_pool_t *pool, void (*wake)(void *baton), void *baton);
/* Any thread.  The node belongs to the queue until it is taken. */
void queue_push(queue_t *queue, queue_node_t *node);
/* Any thread.  Moves the whole list, in its order, and empties it; nothing when it is empty. */
void queue_push_list(queue_t *queue, queue_list_t *list);
/* The consumer: everything there is, oldest first; an empty list when there is nothing. */
queue_list_t queue_take(queue_t *queue);
/* The same, but waits until there is something, or for so long (microseconds; negative: for ever),
 * or until queue_interrupt. */
queue_list_t queue_wait(queue_t *queue, apr_interval_time_t timeout);
/* Any thread.  Ends the consumer's present or next queue_wait. */
void queue_interrupt(queue_t *queue);

#endif
