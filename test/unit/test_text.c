/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts: that what is written is what json-c writes, byte for byte: every character, numbers at
 * their ends, what was read and what was made, nesting; and that a text grows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"
#include "text.h"

/* Takes the value over. */
static void assert_same(json_object *value)
{
    text_t text;
    size_t length;
    const char *expected = json_text(value, &length);
    text_begin(&text);
    text_add_json(&text, value);
    if (text.length != length || memcmp(text.bytes, expected, length) != 0)
        fail_msg("%s is written as %.*s", expected, (int)text.length, text.bytes);
    text_end(&text);
    json_object_put(value);
}

static void test_characters(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char around[] = { 'a', (char)c, 'b' }, alone[] = { (char)c, (char)c };
        assert_same(json_object_new_string_len(around, sizeof(around)));
        assert_same(json_object_new_string_len(alone, sizeof(alone)));
    }
    assert_same(json_object_new_string(""));
    assert_same(json_object_new_string("</script> \"caf\xc3\xa9\" \xe2\x82\xac \xf0\x9f\x98\x80"));
}

static void test_numbers(void **state)
{
    static const int64_t integers[] = { 0, 1, -1, 9, 10, -10, 1234567890123,
                                        INT64_MAX - 1, INT64_MAX, INT64_MIN, INT64_MIN + 1 };
    static const double doubles[] = { 0, -0.0, 0.1, 1e300, -2.5e-7, 3, 1.0 / 3 };
    (void)state;
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++)
        assert_same(json_object_new_int64(integers[i]));
    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++)
        assert_same(json_object_new_double(doubles[i]));
    assert_same(json_object_new_uint64(UINT64_MAX));
    assert_same(json_object_new_double_s(1.5, "1.50e0"));
}

static void test_values(void **state)
{
    static const char *const texts[] = {
        "null", "true", "false", "{}", "[]", "[[]]", "[{}]", "{\"a\":{}}", "[null]",
        "{\"a\":null}", "[1,2,3]", "[1.50,1e2,-0,-0.0,9223372036854775807,-9223372036854775808]",
        "{\"a\":1,\"b\":[true,{\"c\":\"d\"},[]],\"\":\"\"}",
        "{\"q\\\"\\\\\\n\":\"\\u0001\\u001f\\u007f\"}",
        "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_object *value;
        assert_true(json_parse(texts[i], strlen(texts[i]), &value));
        assert_same(value);
    }
}

/* Pieces that end at, before and behind the end of the first bytes. */
static void test_growth(void **state)
{
    static char quotes[5 * TEXT_FIRST];
    (void)state;
    memset(quotes, '"', sizeof(quotes));
    for (int length = TEXT_FIRST / 2 - 4; length < TEXT_FIRST / 2 + 4; length++)
        assert_same(json_object_new_string_len(quotes, length));
    for (int length = TEXT_FIRST - 8; length < TEXT_FIRST + 8; length++) {
        json_object *list = json_object_new_array();
        json_object_array_add(list, json_object_new_string_len(quotes, length));
        json_object_array_add(list, json_object_new_int64(INT64_MIN));
        assert_same(list);
    }
    assert_same(json_object_new_string_len(quotes, sizeof(quotes)));
}

static void test_pieces(void **state)
{
    text_t text;
    (void)state;
    text_begin(&text);
    text_add(&text, "ab", 1);
    text_add_plain(&text, "");
    text_add_plain(&text, "c");
    text_add_number(&text, -12);
    text_add_string(&text, "x\ny", 3);
    text_add_json(&text, NULL);
    assert_int_equal(text.length, 15);
    assert_memory_equal(text.bytes, "ac-12\"x\\ny\"null", 15);
    text_end(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_pieces),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
