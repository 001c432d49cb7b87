/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database of a test: SQLite in a directory of its own; or, when SALON_TEST_DRIVER is set
 * (pgsql, mysql), an empty database on a server, which SALON_TEST_HOST, _PORT, _NAME, _USER and
 * _PASSWORD_FILE name, and in which only one test at a time may run.
 */
#ifndef TEST_DATABASE_H
#define TEST_DATABASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "db.h"

/* The drivers leak what a failed statement said, and the names of tables that a computed column has
 * made them look for. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libdbi\nleak:libdbd\nleak:libsqlite3\nleak:libpq\nleak:libmariadb\n";
}

typedef struct test_database_t {
    apr_pool_t *pool;
    char dir[32];
    config_database_t config;
} test_database_t;

static const char *test_setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return value != NULL ? value : fallback;
}

static int test_database_make(void **state)
{
    test_database_t *test = calloc(1, sizeof *test);

    if (test == NULL || apr_pool_create(&test->pool, NULL) != APR_SUCCESS) return -1;
    strcpy(test->dir, "/tmp/salon-test-XXXXXX");
    if (mkdtemp(test->dir) == NULL) return -1;
    test->config = (config_database_t){
        .driver = test_setting("SALON_TEST_DRIVER", "sqlite3"),
        .host = test_setting("SALON_TEST_HOST", ""),
        .port = atoi(test_setting("SALON_TEST_PORT", "0")),
        .name = test_setting("SALON_TEST_NAME", "test.db"),
        .user = test_setting("SALON_TEST_USER", ""),
        .password_file = test_setting("SALON_TEST_PASSWORD_FILE", ""),
        .wait = 4,
    };
    *state = test;
    return 0;
}

static int test_database_remove(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
    test_database_t *test = *state;

    for (unsigned i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        unlink(apr_pstrcat(test->pool, test->dir, "/test.db", suffixes[i], NULL));
    }
    rmdir(test->dir);
    apr_pool_destroy(test->pool);
    free(test);
    return 0;
}

#endif
