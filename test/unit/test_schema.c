/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tables some steps make, and how many rows they put there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "plugin.h"
#include "schema.h"

static const char *const first[] = {
    "CREATE TABLE one (id BIGINT PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS two (id BIGINT PRIMARY KEY)",
    "CREATE UNIQUE INDEX one_id ON one (id)",
    "INSERT INTO one (id) VALUES (1)",
    "INSERT INTO one (id) VALUES (2)",
    "INSERT INTO ones (id) VALUES (2)",
    NULL,
};

static const char *const second[] = {
    "ALTER TABLE two ADD COLUMN more BIGINT",
    "ALTER TABLE two RENAME TO three",
    "CREATE TABLE one(id BIGINT PRIMARY KEY)",
    NULL,
};

static const salon_migration_t steps[] = { { 1, first }, { 2, second }, { 3, NULL }, { 0, NULL } };
static const schema_part_t part = { "test", 3, steps };

static void test_tables(void **state)
{
    static const char *const names[] = { "one", "two", "three" };
    apr_pool_t *pool;
    (void)state;
    apr_pool_create(&pool, NULL);
    apr_array_header_t *found = schema_tables(pool, &part);
    assert_int_equal(found->nelts, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(APR_ARRAY_IDX(found, i, const char *), names[i]);
    apr_pool_destroy(pool);
}

static void test_rows(void **state)
{
    (void)state;
    assert_int_equal(schema_rows(&part, "one"), 2);
    assert_int_equal(schema_rows(&part, "ones"), 1);
    assert_int_equal(schema_rows(&part, "two"), 0);
}

static void test_part(void **state)
{
    schema_part_t found;
    apr_pool_t *pool;
    (void)state;
    apr_pool_create(&pool, NULL);
    assert_null(schema_part_find(pool, "/nonexistent", "users", 1, &found));
    assert_string_equal(found.owner, "users");
    assert_int_equal(found.steps[0].version, 1);
    assert_int_equal(found.steps[1].version, 0);
    assert_string_equal(schema_part_find(pool, "/nonexistent", "users", 0, &found),
                        "the tables of users: this program does not know version 0");
    assert_non_null(schema_part_find(pool, "/nonexistent", "users", INT64_MAX, &found));
    assert_non_null(schema_part_find(pool, "/nonexistent", "nosuch", 1, &found));
    apr_pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_part),
    };
    apr_pool_t *pool;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    plugin_init(pool);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
