/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets of deliveries: what is told over any time stays below the bound, whatever wants to be
 * told and however the clock ticks.  Publishing itself is replaced; each topic has as many hearers
 * as its id says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/presence/pace.h"

#define RATE 1000

static apr_int64_t delivered;

int salon_topic_sessions(salon_topic_t topic)
{
    return (int)topic.id;
}

void salon_publish_topics(const salon_topic_t *topics, int count, apr_int64_t except_user,
                          const char *event, json_object *data)
{
    (void)except_user, (void)event, (void)data;
    for (int i = 0; i < count; i++) delivered += topics[i].id;
}

/* To that many hearers, in two topics; unless nothing may be told. */
static void tell(pace_t *pace, int hearers)
{
    salon_topic_t topics[] = { SALON_TOPIC("room", hearers / 2),
                               SALON_TOPIC("user", hearers - hearers / 2) };
    if (!pace->spent) pace_publish(pace, topics, 2, 0, "presence", NULL);
}

/* A hundred seconds in which as much is told as may be. */
static void check_bound(int hearers, int tick)
{
    pace_t pace = { 0 };
    delivered = 0;
    for (apr_int64_t now = 5000; now <= 105000; now += tick) {
        pace_fill(&pace, RATE, now);
        for (int i = 0; i < 10000; i++) tell(&pace, hearers);
        assert_true(delivered <= RATE * (now - 5000) / 1000 + RATE + hearers);
    }
    assert_true(delivered >= 50 * RATE);
}

static void bound_holds(void **state)
{
    (void)state;
    static const int hearers[] = { 1, 7, 100, 999, 1000, 1001, 2000, 10000 };
    for (size_t i = 0; i < sizeof(hearers) / sizeof(hearers[0]); i++) {
        check_bound(hearers[i], 250);
        check_bound(hearers[i], 330);
        check_bound(hearers[i], 1000);
    }
}

static void portions_are_whole(void **state)
{
    (void)state;
    pace_t pace = { 0 };
    pace_fill(&pace, RATE, 5000);
    assert_false(pace.spent);
    for (int i = 0; i < 10; i++) tell(&pace, 100);
    assert_true(pace.spent);
    pace_fill(&pace, RATE, 5500);
    assert_true(pace.spent);
    pace_fill(&pace, RATE, 6000);
    assert_false(pace.spent);
}

static void debt_is_paid(void **state)
{
    (void)state;
    pace_t pace = { 0 };
    pace_fill(&pace, RATE, 5000);
    tell(&pace, 3 * RATE);
    pace_fill(&pace, RATE, 6000);
    pace_fill(&pace, RATE, 7000);
    assert_true(pace.spent);
    pace_fill(&pace, RATE, 8000);
    assert_false(pace.spent);
}

static void silence_is_not_saved(void **state)
{
    (void)state;
    pace_t pace = { 0 };
    pace_fill(&pace, RATE, 5000);
    pace_fill(&pace, RATE, 1000000);
    assert_int_equal(pace.left, RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_holds),
        cmocka_unit_test(portions_are_whole),
        cmocka_unit_test(debt_is_paid),
        cmocka_unit_test(silence_is_not_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
