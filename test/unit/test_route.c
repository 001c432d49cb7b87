/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: which patterns are patterns, what they match and capture, which one weighs more, and
 * paths that mean harm.  Paths come decoded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "route.h"
#include "test_pool.h"

/* A pattern, a path, and the first capture's value ("": none; NULL: no match). */
typedef struct match_t {
    const char *pattern, *path, *value;
} match_t;

static const char *const no_patterns[] = {
    "", "ws", "ws/{a}", "{a}", "/{", "/}", "/{}", "/{a", "/a}", "/{a}}", "/{{a}}", "/x{a}", "/{a}x",
    "/{a}{b}", "/{a b}", "/{a/b}", "/{a-b}", "/{a}/{a}", "/{a}/{b}/{c}/{d}/{e}",
};

static const match_t matches[] = {
    { "/", "/", "" },
    { "/", "", NULL },
    { "/", "/x", NULL },
    { "/ws", "/ws", "" },
    { "/ws", "/ws/", NULL },
    { "/ws", "/ws/chat", NULL },
    { "/ws", "/w", NULL },
    { "/ws", "/WS", NULL },
    { "/ws", "ws", NULL },
    { "/ws/", "/ws/", "" },
    { "/ws/", "/ws", NULL },
    { "/ws/{t}", "/ws/abc", "abc" },
    { "/ws/{t}", "/ws/", NULL },
    { "/ws/{t}", "/ws", NULL },
    { "/ws/{t}", "/ws/a/b", NULL },
    { "/ws/{t}", "/ws/a/", NULL },
    { "/{t}", "/a", "a" },
    { "/{t}", "/", NULL },
    { "/{t}/x", "/a/x", "a" },
    { "/{t}/x", "//x", NULL },
    { "/{t}/x", "/a/y", NULL },
    { "/chat/ws/room/{room}", "/chat/ws/room/12", "12" },
    { "/chat/ws/room/{room}", "/chat/ws/video/12", NULL },
    { "/ws/{t}", "/ws/a b", "a b" },
    { "/ws/{t}", "/ws/50%", "50%" },
    { "/ws/{t}", "/ws/%41", "%41" }, /* not decoded once more */
    { "/ws/{t}", "/ws/%2f", "%2f" },
    { "/ws/{t}", "/ws/%00", "%00" },
    { "/ws/{t}", "/ws/\xc3\xa9", "\xc3\xa9" },
    { "/ws/{t}", "/ws/...", "..." },
    { "/ws/{t}", "/ws/{t}", "{t}" },
    /* harm */
    { "/ws/{t}", "/ws/\xff", NULL },
    { "/ws/{t}", "/ws/a\xc0\xaf", NULL },
    { "/ws/{t}", "/ws/\xed\xa0\x80", NULL },
    { "/ws/{t}", "/ws/\xf4\x90\x80\x80", NULL },
    { "/ws/{t}", "/ws//a", NULL },
    { "/ws/{t}", "//ws/a", NULL },
    { "/ws/{t}", "/ws/..", NULL },
    { "/ws/{t}", "/ws/.", NULL },
    { "/ws/{t}", "/ws/../a", NULL },
    { "/ws/{t}", "/x/../ws/a", NULL },
    { "/{t}/ws", "/../ws", NULL },
    { "/ws", "/%77s", NULL },
    { "/ws", "/./ws", NULL },
    { "/ws", "//ws", NULL },
};

static void test_no_patterns(void **state)
{
    for (size_t i = 0; i < sizeof no_patterns / sizeof *no_patterns; i++)
        if (route_compile(*state, no_patterns[i]))
            fail_msg("a pattern: %s", no_patterns[i]);
}

static void check_match(apr_pool_t *pool, const match_t *match)
{
    route_t *route = route_compile(pool, match->pattern);
    route_captures_t captures;

    assert_non_null(route);
    if (route_match(route, match->path, pool, &captures) != (match->value != NULL))
        fail_msg("%s and %s", match->pattern, match->path);
    if (!match->value)
        return;
    assert_int_equal(captures.count, *match->value != '\0');
    if (captures.count)
        assert_string_equal(captures.values[0], match->value);
}

static void test_matches(void **state)
{
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++)
        check_match(*state, &matches[i]);
}

static void test_captures(void **state)
{
    route_t *route = route_compile(*state, "/{a}/x/{b_2}/{c}/{d}");
    route_captures_t captures;

    assert_non_null(route);
    assert_true(route_match(route, "/1/x/2/3/4", *state, &captures));
    assert_int_equal(captures.count, ROUTE_CAPTURES);
    assert_string_equal(route_capture(&captures, "a"), "1");
    assert_string_equal(route_capture(&captures, "b_2"), "2");
    assert_string_equal(route_capture(&captures, "c"), "3");
    assert_string_equal(route_capture(&captures, "d"), "4");
    assert_null(route_capture(&captures, "e"));
    assert_false(route_match(route, "/1/x/2/3/4/5", *state, &captures));
    assert_false(route_match(route, "/1/y/2/3/4", *state, &captures));
}

/* What the last capture takes, where it may take all; NULL: no match. */
static const match_t rests[] = {
    { "/ws/{t}", "/ws/a", "a" },
    { "/ws/{t}", "/ws/", "" },
    { "/ws/{t}", "/ws/a/b", "a/b" },
    { "/ws/{t}", "/ws/a/", "a/" },
    { "/ws/{t}", "/ws//", "/" },
    { "/ws/{t}", "/ws/\xff", "" },
    { "/ws/{t}", "/ws/..", "" },
    { "/ws/{t}", "/ws", NULL },
    { "/ws/{t}", "/wt/a", NULL },
    { "/{t}/ws", "//ws", NULL },
    { "/{t}/ws", "/a/b/ws", NULL },
    { "/ws", "/ws/", NULL },
};

static void test_rests(void **state)
{
    for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
        const match_t *match = &rests[i];
        route_captures_t captures;
        route_t *route = route_compile(*state, match->pattern);
        bool matched = route_match_rest(route, match->path, *state, &captures);

        if (matched != (match->value != NULL))
            fail_msg("%s and %s", match->pattern, match->path);
        if (matched)
            assert_string_equal(route_capture(&captures, "t"), match->value);
    }
}

static void test_weights(void **state)
{
    assert_int_equal(route_weight(route_compile(*state, "/")), 1);
    assert_int_equal(route_weight(route_compile(*state, "/ws/chat")), 8);
    assert_int_equal(route_weight(route_compile(*state, "/ws/{a_very_long_name}")), 4);
    assert_int_equal(route_weight(route_compile(*state, "/{a}/{b}")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_no_patterns),
        WITH_POOL(test_matches),
        WITH_POOL(test_captures),
        WITH_POOL(test_rests),
        WITH_POOL(test_weights),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
