/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the making of SQL: whatever a text holds, each engine must see it as one literal, that
 * text, with the rest of the statement behind it; and in what the SQLite driver takes apart there
 * must be no byte of it.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "sql.h"

#define WRITING       "INSERT INTO t (a, b, c) VALUES ("
#define READING       "SELECT id FROM t WHERE a IN ("
#define REST          ", -9223372036854775808, NULL)"
#define NUMBER_LEAST  (-9223372036854775807L - 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *expect(const char *at, const char *expected)
{
    assert(strncmp(at, expected, strlen(expected)) == 0);
    return at + strlen(expected);
}

/* 'text' with its quotes doubled and nothing else escaped. */
static const char *plain_read(const char *at, const char *text)
{
    at = expect(at, "'");
    for (; *text != '\0'; text++) {
        if (*text == '\'') at = expect(at, "'");
        assert(*at == *text);
        at++;
    }
    at = expect(at, "'");
    assert(*at != '\'');
    return at;
}

static int digit_value(char digit)
{
    const char *place = strchr("0123456789abcdef", digit);
    assert(digit != '\0' && place != NULL);
    return (int)(place - "0123456789abcdef");
}

static const char *hex_read(const char *at, const char *text)
{
    at = expect(at, "CAST(x'");
    for (; *text != '\0'; text++) {
        int high = digit_value(*at++);
        assert((high << 4 | digit_value(*at++)) == (unsigned char)*text);
    }
    return expect(at, "' AS TEXT)");
}

static void statement_check(const char *statement, const char *beginning, const char *text,
                            bool hex)
{
    const char *at = expect(statement, beginning);
    at = hex ? hex_read(at, text) : plain_read(at, text);
    assert(strcmp(at, REST) == 0);
}

static void engine_check(apr_pool_t *pool, const char *driver, const char *text)
{
    const engine_t *engine = engine_find(driver);
    const char *statement =
        sql_format(pool, engine, WRITING "%s, %ld, %s)", text, NUMBER_LEAST, (char *)NULL);
    statement_check(statement, WRITING, text, false);
    statement = sql_format(pool, engine, READING "%s, %ld, %s)", text, NUMBER_LEAST, (char *)NULL);
    statement_check(statement, READING, text, engine->disarm != NULL);
    if (engine->disarm == NULL) return;
    const char *disarmed = engine->disarm(pool, statement);
    assert(disarmed != NULL);
    assert(strcmp(disarmed + strlen(disarmed) - strlen(REST), REST) == 0);
}

/* The same, in a text that grows. */
static void growing_check(apr_pool_t *pool, const char *driver, const char *text)
{
    sql_text_t *growing = sql_text_make(pool, engine_find(driver), false);
    sql_text_add(growing, WRITING);
    sql_text_add(growing, "%s, %ld", text, NUMBER_LEAST);
    sql_text_add(growing, ", NULL)");
    statement_check(sql_text_string(growing), WRITING, text, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const drivers[] = { "sqlite3", "pgsql", "mysql" };
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    const char *text = apr_pstrmemdup(pool, (const char *)data, size);
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        engine_check(pool, drivers[i], text);
        growing_check(pool, drivers[i], text);
    }
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
