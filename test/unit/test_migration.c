/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps of a schema: applied once, in order, per owner; all or nothing where the engine can, and
 * going on where it stopped where it cannot; newer databases refused.
 */
#include "test_database.h"

#include <string.h>

#include "migration.h"

static const char *const first[] = {
    "CREATE TABLE fruit (id BIGINT NOT NULL PRIMARY KEY, name VARCHAR(64) NOT NULL)",
    "INSERT INTO fruit (id, name) VALUES (1, 'apple')",
    NULL
};
static const char *const second[] = { "INSERT INTO fruit (id, name) VALUES (2, 'pear')", NULL };
static const char *const broken[] = {
    "CREATE TABLE vegetables (id BIGINT NOT NULL PRIMARY KEY)",
    "INSERT INTO nowhere (id) VALUES (1)",
    NULL
};
static const char *const mended[] = {
    "CREATE TABLE vegetables (id BIGINT NOT NULL PRIMARY KEY)",
    "INSERT INTO vegetables (id) VALUES (1)",
    NULL
};

static const salon_migration_t one[] = { { 1, first }, { 0, NULL } };
static const salon_migration_t two[] = { { 1, first }, { 2, second }, { 0, NULL } };
static const salon_migration_t bad[] = { { 1, first }, { 2, second }, { 3, broken }, { 0, NULL } };
static const salon_migration_t good[] = { { 1, first }, { 2, second }, { 3, mended }, { 0, NULL } };
static const salon_migration_t unordered[] = { { 2, second }, { 1, first }, { 0, NULL } };
static const salon_migration_t none[] = { { 0, NULL } };

typedef struct fixture_t {
    test_database_t *test;
    apr_pool_t *pool;
    db_t *db;
} fixture_t;

static fixture_t fixture;

static int open_db(void **state)
{
    const char *message;

    if (test_database_make((void **)&fixture.test) != 0) return -1;
    fixture.pool = fixture.test->pool;
    fixture.db = db_make(fixture.pool, &fixture.test->config, fixture.test->dir);
    if (db_connect(fixture.db, fixture.pool, &message) != DB_OK) return -1;
    db_run(fixture.db, fixture.pool, "DROP TABLE IF EXISTS schema_versions", NULL);
    db_run(fixture.db, fixture.pool, "DROP TABLE IF EXISTS fruit", NULL);
    db_run(fixture.db, fixture.pool, "DROP TABLE IF EXISTS vegetables", NULL);
    *state = &fixture;
    return 0;
}

static int close_db(void **state)
{
    (void)state;
    db_close(fixture.db);
    return test_database_remove((void **)&fixture.test);
}

static apr_int64_t count(fixture_t *f, const char *statement)
{
    salon_rows_t rows;

    assert_int_equal(db_run(f->db, f->pool, statement, &rows), DB_OK);
    return salon_rows_integer(&rows, 0, 0);
}

static void test_apply(void **state)
{
    fixture_t *f = *state;

    assert_null(migration_apply(f->db, f->pool, "core", none));
    assert_null(migration_apply(f->db, f->pool, "core", one));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM fruit"), 1);
    assert_null(migration_apply(f->db, f->pool, "core", one));
    assert_null(migration_apply(f->db, f->pool, "core", two));
    assert_null(migration_apply(f->db, f->pool, "core", two));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM fruit"), 2);
    assert_null(migration_apply(f->db, f->pool, "other", none));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM schema_versions"), 2);
}

static void test_newer(void **state)
{
    fixture_t *f = *state;
    const char *error;

    assert_null(migration_apply(f->db, f->pool, "core", two));
    error = migration_apply(f->db, f->pool, "core", one);
    assert_non_null(error);
    assert_non_null(strstr(error, "newer"));
}

static void test_unordered(void **state)
{
    fixture_t *f = *state;

    assert_non_null(migration_apply(f->db, f->pool, "core", unordered));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM schema_versions"), 0);
}

static void test_interrupted(void **state)
{
    fixture_t *f = *state;
    const char *error = migration_apply(f->db, f->pool, "core", bad);

    assert_non_null(error);
    assert_non_null(strstr(error, "migration 3 of core"));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM fruit"), 2);
    assert_null(migration_apply(f->db, f->pool, "core", good));
    assert_int_equal(count(f, "SELECT COUNT(*) AS n FROM vegetables"), 1);
    assert_null(migration_apply(f->db, f->pool, "core", good));
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, open_db, close_db)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_apply),
        TEST(test_newer),
        TEST(test_unordered),
        TEST(test_interrupted),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
