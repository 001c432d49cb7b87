/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pauses after failures: how long they can be, that they are not all the same, and what is
 * demanded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <apr_general.h>

#include "../../plugins/relay/backoff.h"

#define NOW  1700000000000
#define MOST 15000
#define RUNS 200

static void test_bounds(void **state)
{
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        backoff_t backoff = { 0 };
        apr_int64_t bound = 500;
        assert_true(backoff_over(&backoff, NOW));
        for (int i = 0; i < 100; i++) {
            backoff_failed(&backoff, NOW, 0, MOST);
            assert_int_equal(backoff.failures, i + 1);
            assert_true(backoff.retry_at > NOW && backoff.retry_at <= NOW + bound);
            assert_false(backoff_over(&backoff, NOW));
            assert_true(backoff_over(&backoff, NOW + bound));
            if (bound * 2 <= MOST) bound *= 2;
            else bound = MOST;
        }
    }
}

static void test_random(void **state)
{
    apr_int64_t least = INT64_MAX, most = 0;
    (void)state;
    for (int run = 0; run < RUNS; run++) {
        backoff_t backoff = { .failures = 10 };
        backoff_failed(&backoff, NOW, 0, MOST);
        if (backoff.retry_at < least) least = backoff.retry_at;
        if (backoff.retry_at > most) most = backoff.retry_at;
    }
    assert_true(least < NOW + MOST / 4);
    assert_true(most > NOW + MOST * 3 / 4);
}

static void test_demanded(void **state)
{
    backoff_t backoff = { 0 };
    (void)state;
    backoff_failed(&backoff, NOW, 17000, MOST);
    assert_int_equal(backoff.retry_at, NOW + 17000);
    backoff_failed(&backoff, NOW, APR_INT64_MAX, MOST);
    assert_int_equal(backoff.retry_at, NOW + 3600 * 1000);
    backoff_reset(&backoff);
    assert_int_equal(backoff.failures, 0);
    assert_true(backoff_over(&backoff, NOW));
    backoff_failed(&backoff, NOW, -5, 0);
    assert_int_equal(backoff.retry_at, NOW + 1);
}

static int begin(void **state)
{
    (void)state;
    return apr_initialize() == APR_SUCCESS ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_demanded),
    };
    return cmocka_run_group_tests_name("backoff", tests, begin, NULL);
}
