/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits: the notation, exactness at the borders of a window, several windows at once, costs,
 * what a refusal says, and random use against a count over the whole history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rate.h"

#define START APR_INT64_C(5000000)

typedef struct history_t {
    int count;
    apr_int64_t moments[20000];
} history_t;

static const char *const malformed[] = {
    " ", "x", "10", "10/", "10/60", "/60s", "10/s", "0/60s", "10/0s", "-1/60s", "10/-1s", "+1/60s",
    "10/60m", "10/60S", "10/60s,", ",10/60s", "10/60s,,1/1s", "10/60s 1/1s", "10/60sx", " 10/60s",
    "10 /60s", "010/60s", "10/060s", "10001/60s", "10/2678401s", "99999999999999999999/1s",
    "1/99999999999999999999s", "1.5/60s", "1/1s,1/2s,1/3s,1/4s,1/5s",
};

static rate_rule_t rule_of(const char *text)
{
    rate_rule_t rule;

    assert_true(rate_parse(text, &rule));
    return rule;
}

static int setup(void **state)
{
    *state = rate_log_make();
    return 0;
}

static int teardown(void **state)
{
    rate_log_free((rate_log_t **)state);
    assert_null(*state);
    rate_log_free((rate_log_t **)state);
    return 0;
}

static void test_notation(void **state)
{
    rate_rule_t rule;

    (void)state;
    assert_true(rate_parse("", &rule));
    assert_int_equal(rule.count, 0);
    assert_true(rate_parse("10/60s,100/3600s", &rule));
    assert_int_equal(rule.count, 2);
    assert_int_equal(rule.windows[0].limit, 10);
    assert_int_equal(rule.windows[0].seconds, 60);
    assert_int_equal(rule.windows[1].limit, 100);
    assert_int_equal(rule.windows[1].seconds, 3600);
    assert_true(rate_parse("1/1s,2/2s,3/3s,10000/2678400s", &rule));
    assert_int_equal(rule.count, RATE_WINDOWS);
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (rate_parse(malformed[i], &rule))
            fail_msg("accepted: %s", malformed[i]);
}

static void test_no_limit(void **state)
{
    rate_rule_t rule = rule_of("");
    rate_refusal_t refusal;

    for (int i = 0; i < 100000; i++)
        assert_true(rate_take(*state, &rule, 1, START, &refusal));
    assert_true(rate_log_idle(*state, &rule, START));
}

static void test_borders(void **state)
{
    rate_rule_t rule = rule_of("3/10s");
    rate_refusal_t refusal;

    assert_true(rate_take(*state, &rule, 1, START, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 4000, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 4000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 4000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 9999, &refusal)); /* to the millisecond */
    assert_true(rate_take(*state, &rule, 1, START + 10000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 13999, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 14000, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 14000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 14000, &refusal));
}

static void test_refusal(void **state)
{
    rate_rule_t rule = rule_of("3/10s");
    rate_refusal_t refusal;

    for (int i = 0; i < 3; i++)
        assert_true(rate_take(*state, &rule, 1, START + i * 1000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 2500, &refusal));
    assert_int_equal(refusal.current, 4);
    assert_int_equal(refusal.limit, 3);
    assert_int_equal(refusal.window, 10);
    assert_int_equal(refusal.retry_after, 8); /* 7.5, rounded up */
    assert_false(rate_take(*state, &rule, 1, START + 9999, &refusal));
    assert_int_equal(refusal.current, 5);
    assert_int_equal(refusal.retry_after, 1);
    assert_true(rate_take(*state, &rule, 1, START + 10000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 10000, &refusal));
    assert_int_equal(refusal.current, 4); /* counts anew after what was accepted */
    assert_int_equal(refusal.retry_after, 1);
}

static void test_retry_after_is_enough(void **state)
{
    rate_rule_t rule = rule_of("5/7s,20/60s");
    rate_refusal_t refusal;
    apr_int64_t now = START;

    srand(3);
    for (int i = 0; i < 2000; i++) {
        now += rand() % 900;
        if (rate_take(*state, &rule, 1, now, &refusal))
            continue;
        assert_true(refusal.retry_after >= 1);
        now += refusal.retry_after * 1000;
        assert_true(rate_take(*state, &rule, 1, now, &refusal));
    }
}

static void test_slowest_window_is_named(void **state)
{
    rate_rule_t rule = rule_of("2/10s,4/100s");
    rate_refusal_t refusal;

    assert_true(rate_take(*state, &rule, 2, START, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 1000, &refusal));
    assert_int_equal(refusal.limit, 2);
    assert_int_equal(refusal.retry_after, 9);
    assert_true(rate_take(*state, &rule, 2, START + 10000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 11000, &refusal));
    assert_int_equal(refusal.limit, 4);
    assert_int_equal(refusal.window, 100);
    assert_int_equal(refusal.current, 5);
    assert_int_equal(refusal.retry_after, 89);
}

static void test_costs(void **state)
{
    rate_rule_t rule = rule_of("10/10s");
    rate_refusal_t refusal;

    assert_true(rate_take(*state, &rule, 0, START, &refusal));
    assert_true(rate_take(*state, &rule, 7, START, &refusal));
    assert_false(rate_take(*state, &rule, 4, START, &refusal));
    assert_int_equal(refusal.current, 11);
    assert_true(rate_take(*state, &rule, 3, START, &refusal));
    assert_true(rate_take(*state, &rule, 0, START, &refusal)); /* nothing fits always */
    assert_false(rate_take(*state, &rule, 99, START + 9999, &refusal));
    assert_true(rate_take(*state, &rule, 99, START + 10000, &refusal)); /* as much as ten */
    assert_false(rate_take(*state, &rule, 1, START + 10000, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 20000, &refusal));
}

static void test_cost_above_one_of_the_limits(void **state)
{
    rate_rule_t rule = rule_of("2/10s,10/100s");
    rate_refusal_t refusal;

    assert_true(rate_take(*state, &rule, 5, START, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 9999, &refusal));
    assert_true(rate_take(*state, &rule, 5, START + 10000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 20000, &refusal));
    assert_int_equal(refusal.limit, 10);
    assert_true(rate_take(*state, &rule, 1, START + 100000, &refusal));
}

static void test_given_back(void **state)
{
    rate_rule_t rule = rule_of("3/10s,5/60s");
    rate_refusal_t refusal;

    rate_give_back(*state, &rule, 1); /* of an empty one nothing */
    assert_true(rate_take(*state, &rule, 1, START, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 1000, &refusal));
    assert_true(rate_take(*state, &rule, 1, START + 2000, &refusal));
    rate_give_back(*state, &rule, 1);
    assert_true(rate_take(*state, &rule, 1, START + 3000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 9999, &refusal));
    assert_int_equal(refusal.current, 4);
    assert_true(rate_take(*state, &rule, 1, START + 10000, &refusal));
    rate_give_back(*state, &rule, 100); /* no more than there is */
    assert_true(rate_log_idle(*state, &rule, START + 10000));
    assert_true(rate_take(*state, &rule, 3, START + 10000, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 10000, &refusal));
}

static void test_idle(void **state)
{
    rate_rule_t rule = rule_of("2/10s,4/100s");
    rate_refusal_t refusal;

    assert_true(rate_log_idle(*state, &rule, START));
    assert_true(rate_take(*state, &rule, 1, START, &refusal));
    assert_false(rate_log_idle(*state, &rule, START));
    assert_false(rate_log_idle(*state, &rule, START + 99999));
    assert_true(rate_log_idle(*state, &rule, START + 100000));
}

static void test_rule_changes(void **state)
{
    rate_rule_t wide = rule_of("100/10s"), narrow = rule_of("5/10s");
    rate_refusal_t refusal;

    for (int i = 0; i < 50; i++)
        assert_true(rate_take(*state, &wide, 1, START + i, &refusal));
    assert_false(rate_take(*state, &narrow, 1, START + 100, &refusal));
    assert_int_equal(refusal.current, 51);
    assert_true(rate_take(*state, &wide, 50, START + 100, &refusal));
    assert_false(rate_take(*state, &wide, 1, START + 100, &refusal));
}

static int count_since(const history_t *history, apr_int64_t start)
{
    int count = 0;

    for (int i = history->count - 1; i >= 0 && history->moments[i] > start; i--)
        count++;
    return count;
}

static bool history_allows(const history_t *history, const rate_rule_t *rule, apr_int64_t now)
{
    for (int i = 0; i < rule->count; i++)
        if (count_since(history, now - rule->windows[i].seconds * 1000) >= rule->windows[i].limit)
            return false;
    return true;
}

static void check_against_history(rate_log_t *log, const char *text, int most_gap)
{
    history_t *history = calloc(1, sizeof *history);
    rate_rule_t rule = rule_of(text);
    rate_refusal_t refusal;
    apr_int64_t now = START;

    for (int i = 0; i < 20000; i++) {
        bool allowed = history_allows(history, &rule, now);

        assert_int_equal(rate_take(log, &rule, 1, now, &refusal), allowed);
        if (allowed)
            history->moments[history->count++] = now;
        now += rand() % 10 ? rand() % most_gap : 0;
    }
    assert_in_range(history->count, 10, 19999);
    free(history);
}

static void test_random(void **state)
{
    srand(11);
    check_against_history(*state, "10/1s,50/20s,300/300s", 300);
}

static void test_random_large(void **state)
{
    srand(12);
    check_against_history(*state, "1000/60s,60/1s", 30);
}

static void test_largest(void **state)
{
    rate_rule_t rule = rule_of("10000/3600s");
    rate_refusal_t refusal;

    for (int turn = 0; turn < 3; turn++)
        for (int i = 0; i < 10000; i++)
            assert_true(rate_take(*state, &rule, 1, START + turn * 3600000 + i, &refusal));
    assert_false(rate_take(*state, &rule, 1, START + 2 * 3600000 + 10000, &refusal));
    assert_int_equal(refusal.current, 10001);
    assert_int_equal(refusal.retry_after, 3590);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_notation),
        cmocka_unit_test_setup_teardown(test_no_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_borders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retry_after_is_enough, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slowest_window_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_costs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cost_above_one_of_the_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rule_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_large, setup, teardown),
        cmocka_unit_test_setup_teardown(test_largest, setup, teardown),
    };

    return cmocka_run_group_tests_name("rate", tests, NULL, NULL);
}
