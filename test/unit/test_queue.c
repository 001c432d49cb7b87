/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: order, one wake-up per batch, interrupts that are never lost, and many producers
 * against one consumer (to be run under ThreadSanitizer too).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <apr_general.h>

#include "queue.h"
#include "test_pool.h"

#define PRODUCERS 4
#define EACH      5000

typedef struct item_t {
    queue_node_t node; /* first */
    int producer, number;
} item_t;

typedef struct producer_t {
    queue_t *queue;
    int number;
    item_t *items;
} producer_t;

static int number_of(queue_node_t *node)
{
    return ((item_t *)node)->number;
}

static void count_wake(void *baton)
{
    ++*(int *)baton;
}

static void test_list(void **state)
{
    queue_list_t list = {0};
    item_t items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };

    (void)state;
    assert_null(queue_list_pop(&list));
    for (int i = 0; i < 3; i++)
        queue_list_add(&list, &items[i].node);
    assert_int_equal(list.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(number_of(queue_list_pop(&list)), i);
    assert_null(queue_list_pop(&list));
    assert_null(list.tail);
    assert_int_equal(list.count, 0);
    queue_list_add(&list, &items[1].node); /* a list that was emptied works again */
    assert_int_equal(number_of(queue_list_pop(&list)), 1);
}

static void test_wakes_once_per_batch(void **state)
{
    int wakes = 0;
    queue_t *queue = queue_make(*state, count_wake, &wakes);
    item_t items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    queue_list_t taken = queue_take(queue);

    assert_int_equal(taken.count, 0);
    for (int i = 0; i < 3; i++)
        queue_push(queue, &items[i].node);
    assert_int_equal(wakes, 1);
    taken = queue_take(queue);
    assert_int_equal(taken.count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(number_of(queue_list_pop(&taken)), i);
    assert_null(queue_take(queue).head);
    queue_push(queue, &items[0].node);
    assert_int_equal(wakes, 2);
}

static void test_push_list(void **state)
{
    int wakes = 0;
    queue_t *queue = queue_make(*state, count_wake, &wakes);
    item_t items[4] = { { .number = 0 }, { .number = 1 }, { .number = 2 }, { .number = 3 } };
    queue_list_t list = {0}, taken;

    queue_push_list(queue, &list);
    assert_int_equal(wakes, 0);
    queue_push(queue, &items[0].node);
    queue_list_add(&list, &items[1].node);
    queue_list_add(&list, &items[2].node);
    queue_push_list(queue, &list);
    assert_null(list.head);
    assert_null(list.tail);
    assert_int_equal(list.count, 0);
    queue_push(queue, &items[3].node);
    assert_int_equal(wakes, 1);
    taken = queue_take(queue);
    assert_int_equal(taken.count, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(number_of(queue_list_pop(&taken)), i);
}

static void test_wait_times_out(void **state)
{
    queue_t *queue = queue_make(*state, NULL, NULL);
    item_t item = { .number = 7 };
    queue_list_t taken;

    assert_null(queue_wait(queue, 0).head);
    assert_null(queue_wait(queue, 1000).head);
    queue_push(queue, &item.node);
    taken = queue_wait(queue, 0); /* what is there comes at once */
    assert_int_equal(number_of(queue_list_pop(&taken)), 7);
}

static void test_interrupt_is_kept(void **state)
{
    queue_t *queue = queue_make(*state, NULL, NULL);
    item_t item = { .number = 1 };

    queue_interrupt(queue);
    assert_null(queue_wait(queue, -1).head); /* ends, though it came before */
    queue_interrupt(queue);
    queue_push(queue, &item.node);
    assert_null(queue_take(queue).head->next);
    assert_null(queue_wait(queue, -1).head); /* taking without waiting leaves it */
    assert_null(queue_wait(queue, 1000).head);
}

static void *interrupt(void *baton)
{
    queue_interrupt(baton);
    return NULL;
}

static void test_interrupt_of_a_waiting_consumer(void **state)
{
    queue_t *queue = queue_make(*state, NULL, NULL);

    for (int i = 0; i < 50; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, interrupt, queue), 0);
        assert_null(queue_wait(queue, -1).head);
        pthread_join(thread, NULL);
    }
}

/* Every other time as a list of two. */
static void *produce(void *baton)
{
    producer_t *producer = baton;
    int i = 0;

    while (i < EACH) {
        queue_list_t list = {0};

        queue_push(producer->queue, &producer->items[i++].node);
        queue_list_add(&list, &producer->items[i++].node);
        if (i < EACH)
            queue_list_add(&list, &producer->items[i++].node);
        queue_push_list(producer->queue, &list);
    }
    return NULL;
}

static void start_producer(producer_t *producer, queue_t *queue, int number, pthread_t *thread_r)
{
    producer->queue = queue;
    producer->number = number;
    producer->items = calloc(EACH + 1, sizeof *producer->items);
    for (int i = 0; i < EACH; i++)
        producer->items[i] = (item_t){ .producer = number, .number = i };
    assert_int_equal(pthread_create(thread_r, NULL, produce, producer), 0);
}

static void test_many_producers(void **state)
{
    queue_t *queue = queue_make(*state, NULL, NULL);
    producer_t producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0}, total = 0;

    for (int i = 0; i < PRODUCERS; i++)
        start_producer(&producers[i], queue, i, &threads[i]);
    while (total < PRODUCERS * EACH) {
        queue_list_t taken = queue_wait(queue, -1);
        item_t *item;

        while ((item = (item_t *)queue_list_pop(&taken)) != NULL) {
            assert_int_equal(item->number, next[item->producer]++); /* each one's in its order */
            total++;
        }
        assert_int_equal(taken.count, 0);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        free(producers[i].items);
    }
    assert_null(queue_take(queue).head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        WITH_POOL(test_wakes_once_per_batch),
        WITH_POOL(test_push_list),
        WITH_POOL(test_wait_times_out),
        WITH_POOL(test_interrupt_is_kept),
        WITH_POOL(test_interrupt_of_a_waiting_consumer),
        WITH_POOL(test_many_producers),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
