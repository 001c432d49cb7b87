/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON: what RFC 8259 allows is accepted and comes out the same; what it forbids, and what json-c
 * would have let through, is refused.  Texts are handed over without a NUL behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

#define LITERAL(text) text, sizeof text - 1

typedef struct sample_t {
    const char *text;
    size_t length;
} sample_t;

/* A text, and how it is written out again (NULL: the same). */
typedef struct good_t {
    const char *text, *written;
} good_t;

static const good_t good[] = {
    { "null", NULL },
    { "true", NULL },
    { "false", NULL },
    { "0", NULL },
    { "-0", "0" },
    { "12", NULL },
    { "\t\r\n 12 \t\r\n", "12" },
    { "9007199254740993", NULL },
    { "9223372036854775807", NULL },
    { "-9223372036854775808", NULL },
    { "1.5", NULL },
    { "-0.0", NULL },
    { "0.1e1", NULL },
    { "1e5", NULL },
    { "1E+2", NULL },
    { "1e-400", NULL },
    { "1.7976931348623157e308", NULL },
    { "100000000000000000000.0", NULL },
    { "\"\"", NULL },
    { "\"a b\"", NULL },
    { "\"a/b\"", NULL },
    { "\"\\/\"", "\"/\"" },
    { "\"\\\"\\\\\\b\\f\\n\\r\\t\"", NULL },
    { "\"\\u0001\"", NULL },
    { "\"\\u00e9\\u00E9\"", "\"\xc3\xa9\xc3\xa9\"" },
    { "\"\\ud83d\\uDE00\"", "\"\xf0\x9f\x98\x80\"" },
    { "\"\\udbff\\udfff\"", "\"\xf4\x8f\xbf\xbf\"" },
    { "\"\\ud800\\udc00\"", "\"\xf0\x90\x80\x80\"" },
    { "\"\\ud836\\udc00\\ud837\\udfff\"", "\"\xf0\x9d\xa0\x80\xf0\x9d\xbf\xbf\"" },
    { "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
      "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\"" },
    { "[{\"a\":[{\"\\u0062\":[]},\"x\"],\"cc\":\"y\"},\"z\"]",
      "[{\"a\":[{\"b\":[]},\"x\"],\"cc\":\"y\"},\"z\"]" },
    { "{\"a\":1,\"b\":2,\"a\":{\"b\":3}}", "{\"a\":{\"b\":3},\"b\":2}" },
    { "\"\\ufffe\"", "\"\xef\xbf\xbe\"" },
    { "\"\x7f\"", NULL },
    { "\"\xc3\xa9 \xf0\x9f\x98\x80\"", NULL },
    { "\"'\"", NULL },
    { "\"// no comment /* either */\"", NULL },
    { "\"a\\\\u0000b\"", NULL }, /* a backslash and digits, no NUL */
    { "[]", NULL },
    { "[ ]", "[]" },
    { "{}", NULL },
    { "{ }", "{}" },
    { "[1,[2,{\"a\":[]}],null]", NULL },
    { "[1 , 2]", "[1,2]" },
    { "{\"\":1}", NULL },
    { "{ \"a\" : 1 , \"b\" : [ true , false ] }", "{\"a\":1,\"b\":[true,false]}" },
    { "{\"a\":1,\"a\":2}", "{\"a\":2}" },
    { "{\"\\u0061\":1}", "{\"a\":1}" },
};

static const sample_t bad[] = {
    { LITERAL("") },
    { LITERAL(" ") },
    { LITERAL("nul") },
    { LITERAL("nulll") },
    { LITERAL("Null") },
    { LITERAL("True") },
    { LITERAL("NaN") },
    { LITERAL("Infinity") },
    { LITERAL("-Infinity") },
    { LITERAL("[NaN]") },
    { LITERAL("undefined") },
    { LITERAL("1 2") },
    { LITERAL("{}{}") },
    { LITERAL("{} x") },
    { LITERAL("12\0") }, /* raw NUL */
    { LITERAL("\"a\0b\"") },
    { LITERAL("\0") },
    { LITERAL("\xef\xbb\xbf{}") }, /* byte order mark */
    { LITERAL("\xc2\xa0{}") },
    { LITERAL("\v{}") },
    { LITERAL("// c\n1") },
    { LITERAL("/* c */1") },
    { LITERAL("1 // c") },
    { LITERAL("-") },
    { LITERAL("+1") },
    { LITERAL("01") },
    { LITERAL("-01") },
    { LITERAL("00") },
    { LITERAL("1.") },
    { LITERAL(".5") },
    { LITERAL("-.5") },
    { LITERAL("1.e1") },
    { LITERAL("1e") },
    { LITERAL("1e+") },
    { LITERAL("1e1.5") },
    { LITERAL("0x10") },
    { LITERAL("1a") },
    { LITERAL("1_000") },
    { LITERAL("9223372036854775808") },
    { LITERAL("-9223372036854775809") },
    { LITERAL("18446744073709551615") },
    { LITERAL("18446744073709551616") },
    { LITERAL("99999999999999999999999") },
    { LITERAL("1e999") },
    { LITERAL("-1e999") },
    { LITERAL("1.8e308") },
    { LITERAL("[1e999]") },
    { LITERAL("\"") },
    { LITERAL("\"abc") },
    { LITERAL("\"abc\\") },
    { LITERAL("\"abc\\\"") },
    { LITERAL("'abc'") },
    { LITERAL("{'a':1}") },
    { LITERAL("{a:1}") },
    { LITERAL("{1:1}") },
    { LITERAL("\"a\nb\"") },
    { LITERAL("\"a\tb\"") },
    { LITERAL("\"\x01\"") },
    { LITERAL("\"\x1f\"") },
    { LITERAL("\"\\x41\"") },
    { LITERAL("\"\\a\"") },
    { LITERAL("\"\\'\"") },
    { LITERAL("\"\\U0041\"") },
    { LITERAL("\"\\u\"") },
    { LITERAL("\"\\u12\"") },
    { LITERAL("\"\\u12g4\"") },
    { LITERAL("\"\\u+123\"") },
    { LITERAL("\"\\u0000\"") },
    { LITERAL("{\"a\\u0000b\":1}") },
    { LITERAL("\"\\ud800\"") },
    { LITERAL("\"\\ud800x\"") },
    { LITERAL("\"\\ud800\\n\"") },
    { LITERAL("\"\\ud800\\u0041\"") },
    { LITERAL("\"\\ud800\\ud800\"") },
    { LITERAL("\"\\ud800\\ue000\"") },
    { LITERAL("\"\\udc00\"") },
    { LITERAL("\"\\udc00\\ud800\"") },
    { LITERAL("\"\\ud83d\\ude0") },
    { LITERAL("\"\xc0\xaf\"") }, /* bad UTF-8 */
    { LITERAL("\"\xed\xa0\x80\"") },
    { LITERAL("\"\xf4\x90\x80\x80\"") },
    { LITERAL("\"\xff\"") },
    { LITERAL("\"\xc3") },
    { LITERAL("[") },
    { LITERAL("]") },
    { LITERAL("[1") },
    { LITERAL("[1,") },
    { LITERAL("[1,]") },
    { LITERAL("[,1]") },
    { LITERAL("[1,,2]") },
    { LITERAL("[1 2]") },
    { LITERAL("[1]]") },
    { LITERAL("[}") },
    { LITERAL("[1}") },
    { LITERAL("{") },
    { LITERAL("}") },
    { LITERAL("{]") },
    { LITERAL("{\"a\"}") },
    { LITERAL("{\"a\":}") },
    { LITERAL("{\"a\":1") },
    { LITERAL("{\"a\":1]") },
    { LITERAL("{\"a\":1,}") },
    { LITERAL("{,\"a\":1}") },
    { LITERAL("{\"a\":1 \"b\":2}") },
    { LITERAL("{\"a\" 1}") },
    { LITERAL("{\"a\"::1}") },
    { LITERAL("{\"a\",1}") },
    { LITERAL(":") },
    { LITERAL(",") },
};

/* Parses a copy that ends where its memory does, so that reading on would be seen. */
static bool parse_exact(const char *text, size_t length, json_object **value_r)
{
    char *copy = malloc(length + 1); /* not of zero bytes */
    bool parsed;

    memcpy(copy + 1, text, length);
    parsed = json_parse(copy + 1, length, value_r);
    free(copy);
    return parsed;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *written = good[i].written ? good[i].written : good[i].text;
        json_object *value;
        size_t length;

        if (!parse_exact(good[i].text, strlen(good[i].text), &value))
            fail_msg("refused: %s", good[i].text);
        assert_string_equal(json_text(value, &length), written);
        assert_int_equal(length, strlen(written));
        json_object_put(value);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_object *value = (json_object *)&value;

        if (parse_exact(bad[i].text, bad[i].length, &value))
            fail_msg("accepted: %s", bad[i].text);
        assert_null(value);
    }
}

/* A malformed text, and the member with the value that is to blame (NULL: it is not that). */
static const struct {
    sample_t text;
    const char *name;
} wrong[] = {
    { { LITERAL("{\"id\":99999999999999999999}") }, "id" },
    { { LITERAL("{\"id\":1e999}") }, "id" },
    { { LITERAL("{\"a\":\"\\u0000\",\"b\":1}") }, "a" },
    { { LITERAL("{\"a\":{\"b\":1,\"c\":\"x\\ud800\"}}") }, "c" },
    { { LITERAL("{\"a\":{\"b\":1},\"c\":\"\\ud800\\u0041\"}") }, "c" },
    { { LITERAL("{\"\":-1e999}") }, "" },
    { { LITERAL("{\"\\u0061\":1e999}") }, NULL },
    { { LITERAL("{\"a234567\":1e999}") }, "a234567" },
    { { LITERAL("{\"a2345678\":1e999}") }, NULL },
    { { LITERAL("{\"a\":[1e999]}") }, NULL },
    { { LITERAL("{\"a\":[{\"b\":1},1e999]}") }, NULL },
    { { LITERAL("{\"a\\u0000\":1}") }, NULL },
    { { LITERAL("{\"a\":1,\"\\ud800\":2}") }, NULL },
    { { LITERAL("{\"a\":01}") }, NULL },
    { { LITERAL("{\"a\":\"\\x\"}") }, NULL },
    { { LITERAL("{\"a\":\"b") }, NULL },
    { { LITERAL("{\"a\":\"\xff\"}") }, NULL },
    { { LITERAL("1e999") }, NULL },
    { { LITERAL("") }, NULL },
    { { LITERAL("{\"a\":1}") }, NULL },
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char name[8];
        bool found = json_find_wrong(wrong[i].text.text, wrong[i].text.length, name, sizeof name);

        if (found != (wrong[i].name != NULL))
            fail_msg("%s: %s", wrong[i].text.text, found ? name : "nothing");
        if (found)
            assert_string_equal(name, wrong[i].name);
    }
}

/* Every beginning of a text that needs its end is refused. */
static void test_cut_short(void **state)
{
    const char *text = "{\"a\":[1.5e3,true,null,\"\\ud83d\\ude00\xc3\xa9\"],\"b\":{}}";
    json_object *value;

    (void)state;
    for (size_t length = 0; length < strlen(text); length++)
        assert_false(parse_exact(text, length, &value));
    assert_true(parse_exact(text, strlen(text), &value));
    json_object_put(value);
}

/* That many brackets, of arrays and objects in turn, around a number. */
static size_t nest(char *text, int depth)
{
    char *at = text;

    for (int i = 0; i < depth; i++)
        at += sprintf(at, "%s", i % 2 ? "{\"a\":" : "[");
    *at++ = '1';
    for (int i = depth - 1; i >= 0; i--)
        *at++ = i % 2 ? '}' : ']';
    return (size_t)(at - text);
}

static void test_depth(void **state)
{
    char text[8 * JSON_DEPTH];
    json_object *value;

    (void)state;
    assert_true(parse_exact(text, nest(text, JSON_DEPTH), &value));
    json_object_put(value);
    assert_false(parse_exact(text, nest(text, JSON_DEPTH + 1), &value));
}

static void test_deep_without_end(void **state)
{
    size_t length = 1 << 20;
    char *text = malloc(length);
    json_object *value;

    (void)state;
    memset(text, '[', length);
    assert_false(json_parse(text, length, &value));
    free(text);
}

static void test_long_numbers(void **state)
{
    char text[2048];
    json_object *value;

    (void)state;
    memset(text, '9', sizeof text);
    assert_false(parse_exact(text, sizeof text, &value));
    text[1] = '.';
    assert_true(parse_exact(text, 300, &value));
    json_object_put(value);
    assert_false(parse_exact(text, sizeof text, &value)); /* bounded */
}

static void test_values(void **state)
{
    const char *text = "{\"id\":9007199254740991,\"x\":-2.5,\"s\":\"a\\u00e9\",\"n\":null}";
    json_object *value, *member;

    (void)state;
    assert_true(parse_exact(text, strlen(text), &value));
    assert_true(json_object_object_get_ex(value, "id", &member));
    assert_true(json_object_get_int64(member) == INT64_C(9007199254740991));
    assert_true(json_object_object_get_ex(value, "x", &member));
    assert_true(json_object_get_double(member) <= -2.5 && json_object_get_double(member) >= -2.5);
    assert_true(json_object_object_get_ex(value, "s", &member));
    assert_int_equal(json_object_get_string_len(member), 3);
    assert_true(json_object_object_get_ex(value, "n", &member));
    assert_null(member);
    json_object_put(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_deep_without_end),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
