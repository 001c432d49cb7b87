/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a timeline goes: by age, by number, by both, with pinned and deleted ones among them, and
 * in pieces as in one go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep.h"

#define DAY  APR_INT64_C(86400000)
#define NOW  (1000 * DAY)
#define MOST 40

/* A timeline, oldest first: each character a message.  Its age in days is a digit (the letters a to
 * j: of a pinned one), D: deleted long ago, F: from the future. */
typedef struct {
    apr_int64_t created_at;
    bool pinned, deleted;
} row_t;

static row_t row_of(char c)
{
    if (c == 'D') return (row_t){ .created_at = NOW - 9 * DAY - 1, .deleted = true };
    if (c == 'F') return (row_t){ .created_at = NOW + 5 * DAY };
    if (c >= 'a') return (row_t){ .created_at = NOW - (c - 'a') * DAY - 1, .pinned = true };
    return (row_t){ .created_at = NOW - (c - '0') * DAY - 1 };
}

static int live_count(const char *timeline)
{
    int count = 0;
    for (; *timeline != '\0'; timeline++) count += *timeline != 'D';
    return count;
}

/* What is left when `step` messages are looked at in one go, as far as needed. */
static const char *left(const salon_keep_t *keep, const char *timeline, int step)
{
    static char rest[MOST];
    int total = (int)strlen(timeline), length = 0, at = 0, passed = 0, gone = 0;
    bool over = false;
    while (!over && at < total) {
        keep_walk_t walk = keep_walk(keep, NOW, live_count(timeline) - gone - passed);
        over = true;
        for (int end = at + step; at < end && at < total; at++) {
            row_t row = row_of(timeline[at]);
            keep_verdict_t verdict = keep_next(&walk, row.created_at, row.pinned, row.deleted);
            if (verdict != KEEP_ENOUGH) over = false;
            if (verdict != KEEP_GOES) rest[length++] = timeline[at];
            passed += verdict != KEEP_GOES && !row.deleted;
            gone += verdict == KEEP_GOES && !row.deleted;
        }
    }
    strcpy(rest + length, timeline + at);
    return rest;
}

static const struct {
    salon_keep_t keep;
    const char *timeline, *left;
} cases[] = {
    { { .days = 0 }, "98765D4321F", "98765D4321F" },
    { { .days = 3, .pinned = true }, "9876543210", "210" },
    { { .days = 3, .pinned = true }, "210", "210" },
    { { .days = 3, .pinned = true }, "", "" },
    { { .days = 1 }, "999", "" },
    { { .days = 3, .pinned = true }, "9i76e3210", "ie210" },
    { { .days = 3 }, "9i76e3210", "210" },
    { { .days = 3, .pinned = true }, "9D7D10", "10" },
    { { .days = 3, .pinned = true }, "FFFF9FFF8210", "FFFFFFF210" },
    { { .messages = 3, .pinned = true }, "0000000", "000" },
    { { .messages = 3, .pinned = true }, "000", "000" },
    { { .messages = 3, .pinned = true }, "00", "00" },
    { { .messages = 1, .pinned = true }, "FFF", "F" },
    { { .messages = 3, .pinned = true }, "0a0a000", "aa000" },
    { { .messages = 3, .pinned = true }, "aa000", "aa000" },
    { { .messages = 3, .pinned = true }, "00a", "00a" },
    { { .messages = 3 }, "0a0a0a0", "0a0" },
    { { .messages = 3, .pinned = true }, "D0D0D00", "D0D00" },
    { { .messages = 2, .pinned = true }, "0D0D0D", "D0D0D" },
    { { .days = 3, .messages = 2, .pinned = true }, "9f2a10", "fa10" },
    { { .days = 3, .messages = 5, .pinned = true }, "97432100", "2100" },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(left(&cases[i].keep, cases[i].timeline, MOST), cases[i].left);
}

/* Steps change nothing, as long as one is not filled with what is to be kept. */
static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int step = 1; step < MOST; step++)
            assert_string_equal(left(&cases[i].keep, cases[i].timeline, step), cases[i].left);
}

/* A second run finds nothing. */
static void test_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int step = 1; step < 5; step++)
            assert_string_equal(left(&cases[i].keep, cases[i].left, step), cases[i].left);
}

static void test_borders(void **state)
{
    (void)state;
    salon_keep_t keep = { .days = 3 };
    keep_walk_t walk = keep_walk(&keep, NOW, 0);
    assert_int_equal(keep_next(&walk, NOW - 3 * DAY - 1, false, false), KEEP_GOES);
    assert_int_equal(keep_next(&walk, NOW - 3 * DAY, false, false), KEEP_ENOUGH);
    assert_int_equal(keep_next(&walk, NOW, false, false), KEEP_ENOUGH);
    assert_int_equal(keep_next(&walk, NOW + 1, false, false), KEEP_STAYS);
    keep.days = 36500; /* before 1970 */
    walk = keep_walk(&keep, NOW, 0);
    assert_int_equal(keep_next(&walk, 0, false, false), KEEP_ENOUGH);
    keep.days = 0;
    walk = keep_walk(&keep, NOW, 0);
    assert_int_equal(keep_next(&walk, -1, false, false), KEEP_ENOUGH);
    assert_int_equal(keep_next(&walk, NOW + 1, false, false), KEEP_ENOUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
