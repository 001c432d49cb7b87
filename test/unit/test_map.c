/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps against a model: an array of what is in.  Ids are chosen so that they are close together,
 * and far apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "salon/map.h"

#define IDS        300
#define OPERATIONS 100000

static int things[IDS];

/* One after the other, negative ones, and those that differ in upper bits alone. */
static apr_int64_t id_of(int number)
{
    static const apr_int64_t steps[] = { 1, -1, APR_INT64_C(1) << 32 };
    return (number / 3 + 1) * steps[number % 3];
}

static void check_map(const salon_map_t *map, void *const model[IDS])
{
    int count = 0, met = 0;
    unsigned at = 0;
    for (int i = 0; i < IDS; i++) {
        assert_ptr_equal(salon_map_get(map, id_of(i)), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(map->count, count);
    for (int *thing; (thing = salon_map_next(map, &at)) != NULL; met++)
        assert_ptr_equal(model[thing - things], thing);
    assert_int_equal(met, count);
    assert_true(count > 0 || map->slots == NULL);
}

/* It fills, and empties, in turn. */
static void test_model(void **state)
{
    void *model[IDS] = { NULL };
    salon_map_t map = { 0 };
    (void)state;
    srand(7);
    for (int i = 0; i < OPERATIONS; i++) {
        int number = rand() % IDS, odds = i / 2000 % 2 ? 90 : 5;
        void *value = rand() % 100 < odds ? &things[number] : NULL;
        salon_map_set(&map, id_of(number), value);
        model[number] = value;
        if (i % 10 == 0) check_map(&map, model);
    }
    salon_map_clear(&map);
    assert_int_equal(map.count, 0);
}

static void test_empty(void **state)
{
    salon_map_t map = { 0 };
    unsigned at = 0;
    (void)state;
    assert_null(salon_map_get(&map, 1));
    assert_null(salon_map_next(&map, &at));
    salon_map_set(&map, 1, NULL);
    salon_map_set(&map, 1, things);
    salon_map_set(&map, 1, NULL);
    assert_null(map.slots);
}

static void test_many(void **state)
{
    salon_map_t map = { 0 };
    (void)state;
    for (apr_int64_t id = 1; id <= 100000; id++) salon_map_set(&map, id, things + id % IDS);
    assert_int_equal(map.count, 100000);
    assert_true(map.capacity <= 262144);
    for (apr_int64_t id = 1; id <= 100000; id++)
        assert_ptr_equal(salon_map_get(&map, id), things + id % IDS);
    salon_map_clear(&map);
}

/* Page by page one meets all, in their order, wherever one begins. */
static void test_pages(void **state)
{
    enum { PAGE = 7, MANY = 1000 };
    static apr_int64_t ids[MANY];
    salon_map_t map = { 0 };
    salon_map_entry_t page[PAGE];
    (void)state;
    srand(9);
    for (int i = 0; i < MANY; i++) {
        ids[i] = 1 + (apr_int64_t)i * 3;
        salon_map_set(&map, ids[i], &ids[i]);
    }
    apr_int64_t after = 0;
    for (int i = 0, count; i < MANY; i += count) {
        count = salon_map_page(&map, after, page, PAGE);
        assert_int_equal(count, MANY - i < PAGE ? MANY - i : PAGE);
        for (int j = 0; j < count; j++) assert_ptr_equal(page[j].value, &ids[i + j]);
        after = page[count - 1].id;
    }
    assert_int_equal(salon_map_page(&map, after, page, PAGE), 0);
    assert_int_equal(salon_map_page(&map, 2, page, 1), 1);
    assert_ptr_equal(page[0].value, &ids[1]);
    salon_map_clear(&map);
    assert_int_equal(salon_map_page(&map, 0, page, PAGE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_pages),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
