/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: the form of a line, escaping, levels, changing and reopening the target while threads
 * write, and the limit for what peers can provoke.
 */
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>

#define LOG_AREA "test"
#include "log.h"

#define THREADS 4
#define LINES   500

static char directory[] = "/tmp/salon-test-log-XXXXXX";
static char first[64], second[64];
static char text[1 << 20];

/* The whole file, in `text`; its lines are counted. */
static int read_back(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    int lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
    return lines;
}

static int prepare(void **state)
{
    (void)state;
    unlink(first);
    unlink(second);
    return log_open(first, SALON_LOG_INFO) == APR_SUCCESS ? 0 : -1;
}

static void test_form(void **state)
{
    (void)state;
    errno = 7;
    log_warning("number %d", 5);
    assert_int_equal(errno, 7);
    assert_int_equal(read_back(first), 1);
    regex_t form;
    assert_int_equal(regcomp(&form, "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                    "\\.[0-9]{3}Z warning test: number 5\n$", REG_EXTENDED), 0);
    assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
    regfree(&form);
}

static void test_escapes(void **state)
{
    (void)state;
    log_error("%s", "a\nb\r\tc\x1b[0m\x7f\xc2\x9bz \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_int_equal(read_back(first), 1);
    assert_non_null(strstr(text, "test: a\\x0ab\\x0d\\x09c\\x1b[0m\\x7f\\xc2\\x9bz "
                                 "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n"));
}

static void test_long(void **state)
{
    (void)state;
    char *big = malloc(10001);
    memset(big, 1, 10000);
    big[10000] = '\0';
    log_error("%s", big);
    assert_int_equal(read_back(first), 1);
    assert_true(strlen(text) <= 4096);
    assert_true(strlen(text) > 4000);
    free(big);
}

static void test_levels(void **state)
{
    (void)state;
    log_info("shown");
    log_debug("hidden");
    assert_false(log_enabled(SALON_LOG_DEBUG));
    assert_int_equal(log_open(first, SALON_LOG_DEBUG), APR_SUCCESS);
    assert_true(log_enabled(SALON_LOG_DEBUG));
    log_debug("shown");
    assert_int_equal(log_open(first, SALON_LOG_ERROR), APR_SUCCESS);
    log_warning("hidden");
    assert_int_equal(read_back(first), 2);
    assert_null(strstr(text, "hidden"));
}

static void test_level_names(void **state)
{
    (void)state;
    static const char *const names[] = { "error", "warning", "notice", "info", "debug" };
    salon_log_level_t level;
    for (int i = 0; i < 5; i++) {
        assert_true(log_level_parse(names[i], &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_parse("Debug", &level));
    assert_false(log_level_parse("", &level));
}

static void test_targets(void **state)
{
    (void)state;
    log_notice("one");
    assert_int_equal(log_open(second, SALON_LOG_INFO), APR_SUCCESS);
    log_notice("two");
    assert_int_not_equal(log_open("/nonexistent/directory/log", SALON_LOG_DEBUG), APR_SUCCESS);
    assert_false(log_enabled(SALON_LOG_DEBUG));
    log_notice("three");
    assert_int_equal(read_back(first), 1);
    assert_int_equal(read_back(second), 2);
    assert_non_null(strstr(text, "three"));
}

/* Rotation: the file is moved away and the same path opened again. */
static void test_reopen(void **state)
{
    (void)state;
    log_notice("one");
    assert_int_equal(rename(first, second), 0);
    log_notice("two");
    assert_int_equal(log_open(first, SALON_LOG_INFO), APR_SUCCESS);
    log_notice("three");
    assert_int_equal(read_back(second), 2);
    assert_int_equal(read_back(first), 1);
}

static void *write_lines(void *data)
{
    (void)data;
    for (int i = 0; i < LINES; i++) log_info("line of a thread %d", i);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, write_lines, NULL);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(log_open(i % 2 ? first : second, SALON_LOG_INFO), APR_SUCCESS);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    int lines = read_back(first);
    regex_t form;
    assert_int_equal(regcomp(&form, "^(.{24} info test: line of a thread [0-9]+\n)*$",
                             REG_EXTENDED), 0);
    assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
    lines += read_back(second);
    assert_int_equal(regexec(&form, text, 0, NULL, 0), 0);
    regfree(&form);
    assert_int_equal(lines, THREADS * LINES);
}

static atomic_int passed;

static void *ask(void *data)
{
    (void)data;
    for (int i = 0; i < LINES; i++) {
        if (log_limited()) passed++;
    }
    return NULL;
}

/* However many seconds the asking takes: what was let through and what was left out add up. */
static void test_limited(void **state)
{
    (void)state;
    apr_time_t begin = apr_time_now();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, ask, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    int asked = THREADS * LINES;
    apr_int64_t seconds = apr_time_sec(apr_time_now()) - apr_time_sec(begin) + 2;
    assert_true(passed >= 20 && passed <= 20 * seconds);
    while (!log_limited()) asked++;
    asked++;
    passed++;

    read_back(first);
    int left_out = 0;
    for (const char *at = text; (at = strstr(at, "test: ")) != NULL; at++) left_out = -1;
    assert_int_equal(left_out, 0);
    for (const char *at = text; (at = strstr(at, " log: ")) != NULL; at++) left_out += atoi(at + 6);
    assert_int_equal(passed + left_out, asked);
}

static void test_syslog(void **state)
{
    (void)state;
    assert_int_equal(log_open("syslog", SALON_LOG_ERROR), APR_SUCCESS);
    log_info("not written: the level is lower");
    assert_int_equal(log_open("stderr", SALON_LOG_ERROR), APR_SUCCESS);
    assert_int_equal(read_back(first), 0);
}

static void test_now(void **state)
{
    (void)state;
    apr_int64_t now = salon_now();
    assert_true(now > APR_INT64_C(1700000000000) && now < APR_INT64_C(1) << 53);
    assert_true(salon_now() - now < 60000);
}

int main(void)
{
    apr_initialize();
    atexit(apr_terminate);
    if (mkdtemp(directory) == NULL) return 1;
    snprintf(first, sizeof(first), "%s/first", directory);
    snprintf(second, sizeof(second), "%s/second", directory);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_form, prepare),
        cmocka_unit_test_setup(test_escapes, prepare),
        cmocka_unit_test_setup(test_long, prepare),
        cmocka_unit_test_setup(test_levels, prepare),
        cmocka_unit_test(test_level_names),
        cmocka_unit_test_setup(test_targets, prepare),
        cmocka_unit_test_setup(test_reopen, prepare),
        cmocka_unit_test_setup(test_threads, prepare),
        cmocka_unit_test_setup(test_limited, prepare),
        cmocka_unit_test_setup(test_syslog, prepare),
        cmocka_unit_test(test_now),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(first);
    unlink(second);
    rmdir(directory);
    return failed;
}
