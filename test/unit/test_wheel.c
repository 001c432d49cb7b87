/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wheel: never early, never more than a tick late, whatever the delay; callbacks that set,
 * cancel and free what hangs beside them; and random use against a plain list of deadlines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <apr_general.h>

#include "wheel.h"

#define TICK    10
#define SLOTS   8
#define ENTRIES 200

typedef struct deadline_t {
    wheel_entry_t entry; /* first */
    apr_int64_t deadline;
    int fired;
    struct deadline_t *other; /* for the callbacks below */
} deadline_t;

typedef struct fixture_t {
    apr_pool_t *pool;
    wheel_t *wheel;
    apr_int64_t now;
    int fired;
} fixture_t;

static int setup(void **state)
{
    fixture_t *fixture = calloc(1, sizeof *fixture);

    apr_pool_create(&fixture->pool, NULL);
    fixture->now = 1003; /* amid a tick */
    fixture->wheel = wheel_make(fixture->pool, TICK, SLOTS, fixture->now);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    fixture_t *fixture = *state;

    apr_pool_destroy(fixture->pool);
    free(fixture);
    return 0;
}

static void fire(wheel_entry_t *entry, void *baton)
{
    deadline_t *timer = (deadline_t *)entry;
    fixture_t *fixture = baton;

    assert_null(entry->link);
    assert_true(fixture->now >= timer->deadline);
    timer->fired++;
    fixture->fired++;
}

static void set(fixture_t *fixture, deadline_t *timer, apr_int64_t delay)
{
    timer->deadline = fixture->now + delay;
    wheel_set(fixture->wheel, &timer->entry, fixture->now, delay);
}

static void advance(fixture_t *fixture, apr_int64_t by)
{
    fixture->now += by;
    wheel_advance(fixture->wheel, fixture->now, fire, fixture);
}

static void test_exact_to_one_tick(void **state)
{
    fixture_t *fixture = *state;

    for (apr_int64_t delay = 0; delay < 3 * TICK * SLOTS; delay++) {
        deadline_t timer = {0};

        set(fixture, &timer, delay);
        while (!timer.fired)
            advance(fixture, 1); /* `fire` checks that it is not early */
        assert_true(fixture->now - timer.deadline <= TICK);
        advance(fixture, 2 * TICK * SLOTS);
        assert_int_equal(timer.fired, 1);
    }
}

static void test_leaps(void **state)
{
    fixture_t *fixture = *state;
    deadline_t timers[100] = {0};

    for (int i = 0; i < 100; i++)
        set(fixture, &timers[i], i * 7);
    advance(fixture, 350); /* several turns at once */
    for (int i = 0; i < 100; i++)
        assert_int_equal(timers[i].fired, fixture->now / TICK * TICK >= timers[i].deadline);
    advance(fixture, 1000000);
    assert_int_equal(fixture->fired, 100);
}

static void test_extreme_delays(void **state)
{
    fixture_t *fixture = *state;
    deadline_t past = {0}, never = {0};

    set(fixture, &past, -5);
    wheel_set(fixture->wheel, &never.entry, fixture->now, INT64_MAX);
    advance(fixture, TICK);
    assert_int_equal(past.fired, 1);
    advance(fixture, 10 * TICK * SLOTS);
    assert_int_equal(never.fired, 0);
    assert_non_null(never.entry.link);
}

static void test_moved_and_cancelled(void **state)
{
    fixture_t *fixture = *state;
    deadline_t moved = {0}, cancelled = {0}, untouched = {0};

    set(fixture, &moved, 20);
    set(fixture, &cancelled, 20);
    set(fixture, &untouched, 20);
    set(fixture, &moved, 200);
    wheel_cancel(&cancelled.entry);
    wheel_cancel(&cancelled.entry); /* twice does no harm */
    advance(fixture, 100);
    assert_int_equal(moved.fired, 0);
    assert_int_equal(cancelled.fired, 0);
    assert_int_equal(untouched.fired, 1);
    advance(fixture, 200);
    assert_int_equal(moved.fired, 1);
}

static void note_order(wheel_entry_t *entry, void *baton)
{
    deadline_t *timer = (deadline_t *)entry;
    apr_int64_t *last = baton;

    assert_true(timer->deadline >= *last);
    *last = timer->deadline;
}

static void test_soonest_first(void **state)
{
    fixture_t *fixture = *state;
    deadline_t timers[SLOTS - 1] = {0};
    apr_int64_t last = 0;

    for (int i = SLOTS - 2; i >= 0; i--)
        set(fixture, &timers[i], i * TICK);
    wheel_advance(fixture->wheel, fixture->now + TICK * (SLOTS - 1), note_order, &last);
    assert_true(last == timers[SLOTS - 2].deadline);
}

static void set_again(wheel_entry_t *entry, void *baton)
{
    fixture_t *fixture = baton;

    fire(entry, baton);
    wheel_set(fixture->wheel, entry, fixture->now, 0);
}

static void test_set_again_at_once(void **state)
{
    fixture_t *fixture = *state;
    deadline_t timer = {0};

    set(fixture, &timer, 0);
    for (int i = 1; i <= 3 * SLOTS; i++) {
        fixture->now += TICK;
        wheel_advance(fixture->wheel, fixture->now, set_again, fixture); /* ends, and is not lost */
        assert_int_equal(timer.fired, i);
    }
}

static void free_both(wheel_entry_t *entry, void *baton)
{
    deadline_t *timer = (deadline_t *)entry;

    ++*(int *)baton;
    wheel_cancel(&timer->other->entry);
    free(timer->other);
    free(timer);
}

/* Pairs in one slot, each neighbours or not: whichever comes first frees both. */
static void test_callback_frees_its_neighbour(void **state)
{
    fixture_t *fixture = *state;
    deadline_t *timers[ENTRIES];
    int fired = 0;

    for (int i = 0; i < ENTRIES; i++)
        timers[i] = calloc(1, sizeof *timers[i]);
    for (int i = 0; i < ENTRIES; i++) {
        timers[i]->other = timers[i < ENTRIES / 2 ? i ^ 1 : ENTRIES / 2 + ENTRIES - 1 - i];
        wheel_set(fixture->wheel, &timers[i]->entry, fixture->now, i % 4 ? 20 : 50);
    }
    wheel_advance(fixture->wheel, fixture->now + 100, free_both, &fired);
    assert_int_equal(fired, ENTRIES / 2);
}

static void move_other(wheel_entry_t *entry, void *baton)
{
    deadline_t *timer = (deadline_t *)entry;
    fixture_t *fixture = baton;

    fire(entry, baton);
    if (timer->other)
        set(fixture, timer->other, 40);
}

static void test_callback_moves_what_is_due_too(void **state)
{
    fixture_t *fixture = *state;
    deadline_t first = {0}, second = {0};

    first.other = &second;
    set(fixture, &first, 10);
    set(fixture, &second, 30);
    fixture->now += 60;
    wheel_advance(fixture->wheel, fixture->now, move_other, fixture);
    assert_int_equal(first.fired, 1);
    assert_int_equal(second.fired, 0);
    advance(fixture, 60);
    assert_int_equal(second.fired, 1);
}

/* Deadlines far and near, moved and cancelled at random, against what `deadline` says. */
static void test_random(void **state)
{
    fixture_t *fixture = *state;
    deadline_t timers[ENTRIES] = {0};

    srand(7);
    for (int round = 0; round < 5000; round++) {
        deadline_t *timer = &timers[rand() % ENTRIES];

        if (rand() % 4)
            set(fixture, timer, rand() % (5 * TICK * SLOTS));
        else
            wheel_cancel(&timer->entry);
        advance(fixture, rand() % 15);
        for (int i = 0; i < ENTRIES; i++)
            if (timers[i].entry.link)
                assert_true(fixture->now < timers[i].deadline + TICK);
    }
    assert_true(fixture->fired > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exact_to_one_tick, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leaps, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extreme_delays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_moved_and_cancelled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_soonest_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_again_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callback_frees_its_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_callback_moves_what_is_due_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("wheel", tests, NULL, NULL);
}
