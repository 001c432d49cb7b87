/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The histograms: into which buckets times fall, their sum, and their text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "latency.h"

static apr_pool_t *pool;

static void assert_line(const char *line)
{
    const char *text = latency_text(pool);
    if (strstr(text, line) == NULL) print_error("not in:\n%s", text);
    assert_non_null(strstr(text, line));
}

static void test_empty(void **state)
{
    (void)state;
    assert_line("# TYPE salon_message_latency_seconds histogram\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"0.0005\"} 0\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"+Inf\"} 0\n");
    assert_line("salon_message_latency_seconds_sum 0.000000\n");
    assert_line("salon_message_latency_seconds_count 0\n");
}

/* Each bucket contains the smaller ones; borders belong to it. */
static void test_buckets(void **state)
{
    static const apr_time_t times[] = { -5, 0, 500, 501, 1000, 2400000, 10000000, 10000001 };
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        latency_note(LATENCY_MESSAGE, times[i]);
    assert_line("salon_message_latency_seconds_bucket{le=\"0.0005\"} 3\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"0.001\"} 5\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"1\"} 5\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"2.5\"} 6\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"10\"} 7\n");
    assert_line("salon_message_latency_seconds_bucket{le=\"+Inf\"} 8\n");
    assert_line("salon_message_latency_seconds_count 8\n");
    assert_line("salon_message_latency_seconds_sum 22.402002\n");
    assert_line("salon_turn_seconds_count 0\n");
}

static void test_described(void **state)
{
    (void)state;
    json_object *stats = json_object_new_object();
    latency_describe(stats);
    json_object *count = json_object_object_get(stats, "message_latency_seconds_count");
    json_object *sum = json_object_object_get(stats, "message_latency_seconds_sum");
    assert_int_equal(json_object_get_int64(count), 8);
    assert_true(json_object_get_double(sum) > 22.4 && json_object_get_double(sum) < 22.5);
    json_object *turns = json_object_object_get(stats, "turn_seconds_count");
    assert_int_equal(json_object_get_int64(turns), 0);
    json_object_put(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_described),
    };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
