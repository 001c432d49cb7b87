/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word filter: what a line of the file means, what it matches in what people say, and that
 * neither a careless expression nor a bad file does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "../../plugins/moderation/filter.h"

static apr_pool_t *pool;
static char directory[] = "/tmp/salon-filter-XXXXXX";
static char *path;

static const char *read_words(const char *text)
{
    const char *error;
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    apr_status_t rv = filter_read(path, pool, &error);
    assert_int_equal(rv == APR_SUCCESS, error == NULL);
    return error;
}

static void assert_text(const char *text, const char *expected)
{
    const char *got = filter_text(text, pool);
    if (expected == NULL) assert_null(got);
    else assert_string_equal(got, expected);
}

static void test_no_words(void **state)
{
    (void)state;
    const char *error;
    assert_int_equal(filter_read(NULL, pool, &error), APR_SUCCESS);
    assert_text("anything", "anything");
    assert_null(read_words(""));
    assert_text("anything", "anything");
    assert_null(read_words("# a comment\n\n   \n\t# another\r\n"));
    assert_text("a comment", "a comment");
    assert_null(read_words("anything"));
    assert_int_equal(filter_read("", pool, &error), APR_SUCCESS);
    assert_text("anything", "anything");
}

static void test_words(void **state)
{
    (void)state;
    assert_null(read_words("darn\n  c++ = refuse \r\nold  news\nÉté\nstraße\nx.y\n= mask\n"));
    assert_text("darn", NULL);
    assert_text("oh DaRn!", NULL);
    assert_text("darned, undarn", "darned, undarn");
    assert_text("darn_it", "darn_it");
    assert_text("I like C++.", NULL);
    assert_text("c", "c");
    assert_text("old \n news", NULL);
    assert_text("oldnews", "oldnews");
    assert_text("un été", NULL);
    assert_text("UN ÉTÉ", NULL);
    assert_text("étés", "étés");
    assert_text("STRAẞE", NULL);
    assert_text("xzy", "xzy");
    assert_text("x.y", NULL);
    assert_text("a = mask", NULL);
}

static void test_expressions(void **state)
{
    (void)state;
    assert_null(read_words("/b[ao]d+/\n/^\\p{Lu}+$/\n/a \\/ b/\n/\n"));
    assert_text("embaddded", NULL);
    assert_text("BOD", NULL);
    assert_text("1 / 2", NULL); /* the line "/" is a word */
    assert_text("and/or", "and/or");
    assert_text("bd", "bd");
}

static void test_mask(void **state)
{
    (void)state;
    assert_null(read_words("darn = mask\nété=mask\n/[0-9]{4,}/ = mask\n/z*/ = mask\nnever\n"));
    assert_text("darn, DARN; darned", "****, ****; darned");
    assert_text("un été 🦉 là", "un *** 🦉 là");
    assert_text("call 555-123456", "call 555-******");
    assert_text("pizzza", "pi***a");
    assert_text("never darn", NULL);
    assert_text("", "");
    assert_text("ünü", "ünü");
}

/* Steps are bounded, so this ends; what cannot be decided is refused. */
static void test_careless(void **state)
{
    (void)state;
    char text[4000];
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_null(read_words("/(a+)+$|b/\n"));
    assert_text("aab", NULL);
    text[sizeof(text) - 2] = '!';
    assert_null(read_words("/^(a+)+$/\n"));
    assert_text(text, NULL);
    assert_null(read_words("/^(a+)+$/ = mask\n"));
    assert_text(text, NULL);
    assert_text("a!", "a!");
}

static void test_wrong(void **state)
{
    (void)state;
    const char *error;
    assert_null(read_words("darn\n"));
    error = read_words("fine\n/un(closed/\n");
    assert_non_null(strstr(error, "words: line 2: "));
    assert_text("darn", NULL); /* what was there stays */
    assert_text("fine", "fine");
    assert_non_null(read_words("bad \xff utf-8\n"));
    assert_non_null(read_words("/a\\Cb/\n"));
    assert_text("darn", NULL);
    assert_int_not_equal(filter_read("/nonexistent/words", pool, &error), APR_SUCCESS);
    assert_non_null(strstr(error, "/nonexistent/words: "));
    assert_text("darn", NULL);
}

static int begin(void **state)
{
    (void)state;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    if (mkdtemp(directory) == NULL) return -1;
    path = apr_pstrcat(pool, directory, "/words", NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    filter_forget();
    unlink(path);
    rmdir(directory);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_words), cmocka_unit_test(test_words),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_mask),
        cmocka_unit_test(test_careless), cmocka_unit_test(test_wrong),
    };

    return cmocka_run_group_tests_name("filter", tests, begin, end);
}
