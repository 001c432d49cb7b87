/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of a file is sent, and when nothing is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <apr_general.h>
#include <cmocka.h>

#include "range.h"

#define ETAG "\"abc\""

static void expect(const char *range, apr_int64_t size, range_kind_t kind, apr_int64_t from,
                   apr_int64_t length)
{
    range_request_t request = { .range = range };
    range_t found = range_find(&request, ETAG, size);
    if (found.kind != kind || found.from != from || found.length != length)
        fail_msg("%s of %ld: %d %ld %ld", range, (long)size, found.kind, (long)found.from,
                 (long)found.length);
}

static void test_parts(void **state)
{
    (void)state;
    expect("bytes=0-0", 10, RANGE_PART, 0, 1);
    expect("bytes=0-", 10, RANGE_PART, 0, 10);
    expect("BYTES= 3-5 ", 10, RANGE_PART, 3, 3);
    expect("bytes=9-9", 10, RANGE_PART, 9, 1);
    expect("bytes=5-100", 10, RANGE_PART, 5, 5);
    expect("bytes=-3", 10, RANGE_PART, 7, 3);
    expect("bytes=-30", 10, RANGE_PART, 0, 10);
    expect("bytes=2-99999999999999999999999999", 10, RANGE_PART, 2, 8);
    expect("bytes=-99999999999999999999999999", 10, RANGE_PART, 0, 10);
}

static void test_no_such_part(void **state)
{
    (void)state;
    expect("bytes=10-", 10, RANGE_NONE, 0, 0);
    expect("bytes=10-20", 10, RANGE_NONE, 0, 0);
    expect("bytes=99999999999999999999-", 10, RANGE_NONE, 0, 0);
    expect("bytes=-0", 10, RANGE_NONE, 0, 0);
    expect("bytes=0-", 0, RANGE_NONE, 0, 0);
    expect("bytes=-1", 0, RANGE_NONE, 0, 0);
}

static void test_nonsense(void **state)
{
    static const char *const texts[] = {
        "",           "bytes",      "bytes=",        "bytes=-",      "bytes=a-b",  "bytes=5",
        "bytes=5-3",  "bytes=--3",  "bytes=1-2,4-5", "lines=0-1",    "bytes=1-2x", "bytes=+1-2",
        "bytes=0x1-", "bytes=1 -2", "bytes=1-\xff",  "bytes 0-1/10",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        expect(texts[i], 10, RANGE_ALL, 0, 10);
    expect(NULL, 10, RANGE_ALL, 0, 10);
}

static range_kind_t kind_of(const char *range, const char *if_range, const char *if_none_match)
{
    range_request_t request = { range, if_range, if_none_match };
    return range_find(&request, ETAG, 10).kind;
}

static void test_conditions(void **state)
{
    (void)state;
    assert_int_equal(kind_of("bytes=0-1", ETAG, NULL), RANGE_PART);
    assert_int_equal(kind_of("bytes=0-1", "\"other\"", NULL), RANGE_ALL);
    assert_int_equal(kind_of("bytes=0-1", "W/" ETAG, NULL), RANGE_ALL);
    assert_int_equal(kind_of("bytes=0-1", "Wed, 21 Oct 2015 07:28:00 GMT", NULL), RANGE_ALL);
    assert_int_equal(kind_of(NULL, NULL, ETAG), RANGE_KNOWN);
    assert_int_equal(kind_of(NULL, NULL, "W/" ETAG), RANGE_KNOWN);
    assert_int_equal(kind_of(NULL, NULL, "\"x\", \"y\" , " ETAG), RANGE_KNOWN);
    assert_int_equal(kind_of(NULL, NULL, "*"), RANGE_KNOWN);
    assert_int_equal(kind_of("bytes=0-1", NULL, ETAG), RANGE_KNOWN);
    assert_int_equal(kind_of(NULL, NULL, "\"x\""), RANGE_ALL);
    assert_int_equal(kind_of(NULL, NULL, "abc"), RANGE_ALL);
    assert_int_equal(kind_of(NULL, NULL, "\"abc"), RANGE_ALL);
    assert_int_equal(kind_of(NULL, NULL, ""), RANGE_ALL);
    assert_int_equal(kind_of(NULL, NULL, "\"ab\"c\""), RANGE_ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_no_such_part),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_conditions),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
