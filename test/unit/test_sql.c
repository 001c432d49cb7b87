/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every byte in every engine's literals, numbers to their limits, texts that grow, and formats that
 * end the process.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "sql.h"
#include "test_pool.h"

/* Formats come from tables here. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* All bytes but NUL, in order. */
static const char *all_bytes(void)
{
    static char bytes[256];

    for (int i = 0; i < 255; i++) bytes[i] = (char)(i + 1);
    return bytes;
}

/* Reads a literal in which only quotes are special; returns what is behind it. */
static const char *read_plain(const char *at, char *to)
{
    assert_int_equal(*at++, '\'');
    for (;; at++) {
        if (*at == '\'' && *++at != '\'') break;
        *to++ = *at;
    }
    *to = '\0';
    return at;
}

static void check_plain(apr_pool_t *pool, const char *driver, const char *format)
{
    const char *text = sql_format(pool, engine_find(driver), format, all_bytes());
    const char *start = strchr(text, '\'');
    char back[300];

    assert_non_null(start);
    assert_string_equal(read_plain(start, back), ")");
    assert_string_equal(back, all_bytes());
}

static void test_quote_plain(void **state)
{
    static const char *const drivers[] = { "sqlite3", "pgsql", "mysql" };

    for (unsigned i = 0; i < 3; i++) {
        check_plain(*state, drivers[i], "INSERT INTO t VALUES (%s)");
        assert_string_equal(sql_format(*state, engine_find(drivers[i]), "UPDATE t SET a=%s", ""),
                            "UPDATE t SET a=''");
    }
    check_plain(*state, "pgsql", "SELECT a FROM t WHERE a IN (%s)");
    check_plain(*state, "mysql", "SELECT a FROM t WHERE a IN (%s)");
}

static void test_quote_hex(void **state)
{
    const engine_t *sqlite = engine_find("sqlite3");
    const char *at = sql_format(*state, sqlite, "SELECT a FROM t WHERE a=%s", all_bytes());
    unsigned byte;

    at = strstr(at, "CAST(x'");
    assert_non_null(at);
    at += strlen("CAST(x'");
    for (unsigned i = 1; i < 256; i++, at += 2) {
        assert_int_equal(sscanf(at, "%2x", &byte), 1);
        assert_int_equal(byte, i);
    }
    assert_string_equal(at, "' AS TEXT)");
    assert_string_equal(sql_format(*state, sqlite, "SELECT a FROM t WHERE a=%s AND b=%s", "", "Az"),
                        "SELECT a FROM t WHERE a=CAST(x'' AS TEXT) AND b=CAST(x'417a' AS TEXT)");
}

static void test_values(void **state)
{
    const engine_t *engine = engine_find("pgsql");

    assert_string_equal(sql_format(*state, engine, "(%d, %d, %d)", 0, INT32_MIN, INT32_MAX),
                        "(0, -2147483648, 2147483647)");
    assert_string_equal(sql_format(*state, engine, "(%ld, %ld)", INT64_MIN, INT64_MAX),
                        "(-9223372036854775808, 9223372036854775807)");
    assert_string_equal(sql_format(*state, engine, "(%s, %s, 5 %% 2)", (const char *)NULL, "%s%d"),
                        "(NULL, '%s%d', 5 % 2)");
}

static void test_growing(void **state)
{
    sql_text_t *text = sql_text_make(*state, engine_find("sqlite3"), false);
    char *expected = apr_pstrdup(*state, "INSERT INTO t VALUES ");
    char value[400];

    memset(value, '\'', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    sql_text_add(text, "INSERT INTO t VALUES ");
    for (int i = 0; i < 100; i++) sql_text_add(text, i == 0 ? "(%d)" : ", (%d)", i);
    for (int i = 0; i < 100; i++) {
        expected = apr_psprintf(*state, i == 0 ? "%s(%d)" : "%s, (%d)", expected, i);
    }
    assert_string_equal(sql_text_string(text), expected);
    sql_text_add(text, ", (%s)", value);
    assert_int_equal(strlen(sql_text_string(text)), strlen(expected) + 2 * strlen(value) + 6);
}

static void test_returns_rows(void **state)
{
    (void)state;
    assert_true(sql_returns_rows("SELECT a FROM t"));
    assert_true(sql_returns_rows(" select a FROM t"));
    assert_true(sql_returns_rows("WITH x AS (SELECT 1) SELECT a FROM x"));
    assert_false(sql_returns_rows("INSERT INTO t SELECT a FROM u"));
    assert_false(sql_returns_rows("BEGIN"));
}

static void must_abort(apr_pool_t *pool, const char *format)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
        signal(SIGABRT, SIG_DFL);
        (void)!sql_format(pool, engine_find("sqlite3"), format, 1, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_refused_formats(void **state)
{
    static const char *const formats[] = {
        "SELECT a FROM t WHERE a='x'", "SELECT \"a\" FROM t", "SELECT %x", "SELECT %lu",
        "SELECT %5d", "SELECT %", "SELECT %l",
    };

    for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++) must_abort(*state, formats[i]);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_POOL(test_quote_plain),
        WITH_POOL(test_quote_hex),
        WITH_POOL(test_values),
        WITH_POOL(test_growing),
        cmocka_unit_test(test_returns_rows),
        WITH_POOL(test_refused_formats),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
