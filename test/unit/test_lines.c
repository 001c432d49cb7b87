/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines: what is written is read again, and what is no line of JSON says where it stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "lines.h"

static apr_pool_t *pool;

static int setup(void **state)
{
    (void)state;
    apr_initialize();
    return apr_pool_create(&pool, NULL);
}

static int teardown(void **state)
{
    (void)state;
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}

static lines_t lines_of(const char *text, size_t length)
{
    FILE *stream = tmpfile();
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, length, stream), length);
    rewind(stream);
    return (lines_t){ .stream = stream, .pool = pool };
}

static void lines_close(lines_t *lines)
{
    fclose(lines->stream);
    lines_end(lines);
}

/* How many objects there are before the end, or before what is wrong. */
static int count(lines_t *lines, const char **wrong_r)
{
    json_object *json;
    int found = 0;
    *wrong_r = NULL;
    while ((json = lines_read(lines, wrong_r)) != NULL) {
        found++;
        json_object_put(json);
    }
    return found;
}

static void test_again(void **state)
{
    lines_t lines = lines_of("", 0);
    const char *wrong;
    (void)state;
    for (int i = 0; i < 3; i++) {
        json_object *json = json_object_new_object();
        json_object_object_add(json, "text", json_object_new_string("a\n\"\x01/\xc3\xa9"));
        assert_null(lines_write(&lines, json));
    }
    assert_int_equal(lines.number, 3);
    rewind(lines.stream);
    lines.number = 0;
    json_object *json = lines_read(&lines, &wrong);
    assert_string_equal(json_object_get_string(json_object_object_get(json, "text")),
                        "a\n\"\x01/\xc3\xa9");
    json_object_put(json);
    assert_int_equal(count(&lines, &wrong), 2);
    assert_null(wrong);
    lines_close(&lines);
}

static void test_wrong(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        int good;
        const char *wrong;
    } rows[] = {
        { "", 0, 0, NULL },
        { "{}", 2, 1, NULL },
        { "{}\r\n {} \n", 9, 2, NULL },
        { "{}\n\n{}\n", 7, 1, "line 2: not a JSON object" },
        { "{}\n[]\n", 6, 1, "line 2: not a JSON object" },
        { "{}\nnull\n", 8, 1, "line 2: not a JSON object" },
        { "{}\0\n{}\n", 7, 0, "line 1: not a JSON object" },
        { "{\"a\":\0\n1}\n", 10, 0, "line 1: not a JSON object" },
        { "{} {}\n", 6, 0, "line 1: not a JSON object" },
        { "{}\n{\"a\":\"\xff\"}", 12, 1, "line 2: not a JSON object" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        lines_t lines = lines_of(rows[i].text, rows[i].length);
        const char *wrong;
        assert_int_equal(count(&lines, &wrong), rows[i].good);
        if (rows[i].wrong == NULL) assert_null(wrong);
        else assert_string_equal(wrong, rows[i].wrong);
        lines_close(&lines);
    }
}

static void test_longest(void **state)
{
    char *text = malloc(LINES_MOST + 2);
    const char *wrong;
    (void)state;
    assert_non_null(text);
    memset(text, ' ', LINES_MOST + 2);
    memcpy(text, "{}", 2);
    text[LINES_MOST] = '\n';
    lines_t lines = lines_of(text, LINES_MOST + 1);
    assert_int_equal(count(&lines, &wrong), 1);
    assert_null(wrong);
    lines_close(&lines);
    text[LINES_MOST] = ' ';
    lines = lines_of(text, LINES_MOST + 2);
    assert_int_equal(count(&lines, &wrong), 0);
    assert_string_equal(wrong, "line 1: too long");
    lines_close(&lines);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_longest),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
