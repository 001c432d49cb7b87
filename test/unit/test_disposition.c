/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of header values, and names of files, from clients of all kinds and from hostile ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "disposition.h"
#include "test_pool.h"
#include "utf8.h"

static void test_words(void **state)
{
    (void)state;
    assert_true(disposition_is("form-data", "form-data"));
    assert_true(disposition_is("Form-Data ; name=x", "form-data"));
    assert_false(disposition_is("form-database", "form-data"));
    assert_false(disposition_is("form", "form-data"));
    assert_false(disposition_is("", "form-data"));
}

static void test_parameters(void **state)
{
    static const struct {
        const char *value, *name, *expected;
    } rows[] = {
        { "a; name=x", "name", "x" },
        { "a;name=x;other=y", "OTHER", "y" },
        { "a; NAME = \"x y\" ; b=c", "name", "x y" },
        { "a; name=\"\"", "name", "" },
        { "a; name=\"x;b=y\"; b=z", "b", "z" },
        { "a; name=\"\\\"q\\\\\"", "name", "\"q\\" },
        { "a; name=\"C:\\dir\\x\"", "name", "C:\\dir\\x" },
        { "a; name=\"open", "name", NULL },
        { "a; name", "name", NULL },
        { "a; =x", "", NULL },
        { "a;;; name=x", "name", "x" },
        { "a", "name", NULL },
        { "", "name", NULL },
        { "a; filename=x", "name", NULL },
        { "a; b=\"1\" junk; name=x", "name", NULL },
        { "a; name=first; name=second", "name", "first" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = disposition_parameter(*state, rows[i].value, rows[i].name);
        if (rows[i].expected == NULL) assert_null(found);
        else assert_string_equal(found, rows[i].expected);
    }
}

static void test_file_names(void **state)
{
    static const struct {
        const char *value, *expected;
    } rows[] = {
        { "form-data; name=\"file\"; filename=\"a.png\"", "a.png" },
        { "form-data; filename=a.png", "a.png" },
        { "form-data; filename=\"../../etc/passwd\"", "passwd" },
        { "form-data; filename=\"C:\\Users\\me\\a.png\"", "a.png" },
        { "form-data; filename=\"..\"", "" },
        { "form-data; filename=\"a/\"", "" },
        { "form-data; filename=\"say %22hi%22.txt\"", "say \"hi\".txt" },
        { "form-data; filename=\"say \\\"hi\\\".txt\"", "say \"hi\".txt" },
        { "form-data; filename=\"a%0D%0ASet-Cookie: x\"", "aSet-Cookie: x" },
        { "form-data; filename=\"100%25.txt\"", "100%25.txt" },
        { "form-data; filename=\"a\tb\x7f.txt\"", "ab.txt" },
        { "form-data; filename=\"gpj\xe2\x80\xae.exe\"", "gpj.exe" },
        { "form-data; filename=\"\xc3\xa9t\xc3\xa9.png\"", "\xc3\xa9t\xc3\xa9.png" },
        { "form-data; filename=\"\xff\xfe\"", "" },
        { "attachment; filename=\"x\"; filename*=UTF-8''%e2%82%ac%20rates", "\xe2\x82\xac rates" },
        { "attachment; filename*=utf-8'en'a%2Fb", "b" },
        { "attachment; filename=\"plain\"; filename*=ISO-8859-1''%A3", "plain" },
        { "attachment; filename=\"plain\"; filename*=UTF-8''%FF", "plain" },
        { "attachment; filename=\"plain\"; filename*=UTF-8''a%00b", "plain" },
        { "attachment; filename*=UTF-8", "" },
        { "attachment; filename*=UTF-8''%4", "%4" },
        { "attachment", "" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_string_equal(disposition_file_name(*state, rows[i].value), rows[i].expected);
}

static void test_long_names(void **state)
{
    char *name = apr_palloc(*state, 3001);
    for (int i = 0; i < 1000; i++) memcpy(name + i * 3, "\xe2\x82\xac", 3);
    name[3000] = '\0';
    const char *clean = disposition_clean(*state, name);
    assert_int_equal(strlen(clean), 255);
    assert_true(utf8_valid(clean, 255));
    clean = disposition_clean(*state, apr_pstrcat(*state, "x", name, NULL));
    assert_int_equal(strlen(clean), 253);
    assert_true(utf8_valid(clean, 253));
}

static void test_making(void **state)
{
    assert_string_equal(disposition_make(*state, true, ""), "inline");
    assert_string_equal(disposition_make(*state, false, "a b.png"),
                        "attachment; filename=\"a b.png\"; filename*=UTF-8''a%20b.png");
    assert_string_equal(disposition_make(*state, true, "\xc3\xa9\"\\%.txt"),
                        "inline; filename=\"____.txt\"; filename*=UTF-8''%C3%A9%22%5C%25.txt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        WITH_POOL(test_parameters),
        WITH_POOL(test_file_names),
        WITH_POOL(test_long_names),
        WITH_POOL(test_making),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("disposition", tests, NULL, NULL);
}
