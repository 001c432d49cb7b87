/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: every kind with a value, without one and with null; paths; times in their spellings; the
 * order of members; as an object and as its text.  What is shaped must not change, and both objects
 * end on their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>

#include "json.h"
#include "shape.h"

#define END { NULL, NULL, SALON_COPY, NULL }

static const char canonical_text[] =
    "{\"n\":7,\"s\":\"caf\\u00e9 \\/ \\\"x\\\"\",\"b\":false,\"z\":null,\"zero\":0,"
    "\"t\":1704110400123,\"whole\":1704110400000,\"one\":1704110400001,"
    "\"list\":[{\"id\":1,\"x\":true},{\"id\":2}],\"empty\":[],"
    "\"o\":{\"p\":{\"q\":\"deep\"},\"n\":null}}";

/* One row of a table, and what it makes. */
static const struct {
    const char *path;
    salon_shape_kind_t kind;
    const char *json;
} rows[] = {
    { "n", SALON_COPY, "7" },
    { "s", SALON_COPY, "\"caf\xc3\xa9 / \\\"x\\\"\"" },
    { "b", SALON_COPY, "false" },
    { "z", SALON_COPY, "null" },
    { "none", SALON_COPY, "null" },
    { "o.p.q", SALON_COPY, "\"deep\"" },
    { "o.n", SALON_COPY, "null" },
    { "o.n.q", SALON_COPY, "null" },
    { "o.none.q", SALON_COPY, "null" },
    { "n.q", SALON_COPY, "null" }, /* a number has no members */
    { "list.id", SALON_COPY, "null" },
    { "t", SALON_TIME, "\"2024-01-01T12:00:00.123Z\"" },
    { "whole", SALON_TIME, "\"2024-01-01T12:00:00Z\"" },
    { "one", SALON_TIME, "\"2024-01-01T12:00:00.001Z\"" },
    { "zero", SALON_TIME, "null" },
    { "z", SALON_TIME, "null" },
    { "none", SALON_TIME, "null" },
    { "t", SALON_MICROS, "\"2024-01-01T12:00:00.123000\"" },
    { "whole", SALON_MICROS, "\"2024-01-01T12:00:00.000000\"" },
    { "zero", SALON_MICROS, "null" },
    { "none", SALON_MICROS, "null" },
    { "list", SALON_COUNT, "2" },
    { "empty", SALON_COUNT, "0" },
    { "none", SALON_COUNT, "0" },
    { "z", SALON_COUNT, "0" },
    { "n", SALON_PRESENT, "true" },
    { "b", SALON_PRESENT, "true" }, /* there, though false */
    { "zero", SALON_PRESENT, "true" },
    { "z", SALON_PRESENT, "false" },
    { "none", SALON_PRESENT, "false" },
    { "list", SALON_OR_LIST, "[{\"id\":1,\"x\":true},{\"id\":2}]" },
    { "none", SALON_OR_LIST, "[]" },
    { "z", SALON_OR_LIST, "[]" },
    { "list", SALON_EACH, "[{\"number\":1,\"has\":true},{\"number\":2,\"has\":false}]" },
    { "empty", SALON_EACH, "[]" },
    { "none", SALON_EACH, "[]" },
    { "o.p", SALON_INNER, "{\"number\":null,\"has\":false}" },
    { "none", SALON_INNER, "null" },
    { "z", SALON_INNER, "null" },
    { "a constant", SALON_CONSTANT, "\"a constant\"" },
    { "", SALON_CONSTANT, "\"\"" },
};

static const salon_shape_t inner[] = {
    { "number", "id", SALON_COPY, NULL },
    { "has", "x", SALON_PRESENT, NULL },
    END,
};

static void assert_json(json_object *json, const char *expected)
{
    assert_string_equal(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
                                                                 JSON_C_TO_STRING_NOSLASHESCAPE),
                        expected);
}

/* Written at once, it is the text of what salon_shape makes. */
static void assert_written(const salon_shape_t *shape, json_object *canonical)
{
    size_t length;
    text_t text;
    json_object *wire = salon_shape(shape, canonical);
    const char *expected = json_text(wire, &length);
    text_begin(&text);
    shape_write(&text, shape, canonical);
    assert_int_equal(text.length, length);
    assert_memory_equal(text.bytes, expected, length);
    text_end(&text);
    json_object_put(wire);
}

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_object *canonical = json_tokener_parse(canonical_text);
        const salon_shape_t shape[] = { { "w", rows[i].path, rows[i].kind, inner }, END };
        assert_written(shape, canonical);
        json_object *wire = salon_shape(shape, canonical);
        json_object *untouched = json_tokener_parse(canonical_text);
        assert_true(json_object_equal(canonical, untouched));
        json_object_put(untouched);
        json_object_put(canonical); /* what is shared stays with the other */
        assert_int_equal(json_object_object_length(wire), 1);
        assert_json(json_object_object_get(wire, "w"), rows[i].json);
        json_object_put(wire);
    }
}

static void test_order(void **state)
{
    static const salon_shape_t shape[] = {
        { "z", "n", SALON_COPY, NULL },
        { "a", "n", SALON_COPY, NULL },
        { "m", "", SALON_INNER, inner }, /* "" is the object itself */
        { "b", "none", SALON_COPY, NULL },
        END,
    };
    (void)state;
    json_object *canonical = json_tokener_parse("{\"n\":1,\"id\":5}");
    assert_written(shape, canonical);
    json_object *wire = salon_shape(shape, canonical);
    assert_json(wire, "{\"z\":1,\"a\":1,\"m\":{\"number\":5,\"has\":false},\"b\":null}");
    json_object_put(wire);
    json_object_put(canonical);
}

/* An answer without data, and a type without members. */
static void test_nothing(void **state)
{
    static const salon_shape_t shape[] = {
        { "a", "n", SALON_COPY, NULL },
        { "b", "", SALON_COPY, NULL },
        { "c", "list", SALON_EACH, inner },
        END,
    };
    (void)state;
    assert_written(shape, NULL);
    assert_written(NULL, NULL);
    json_object *wire = salon_shape(shape, NULL);
    assert_json(wire, "{\"a\":null,\"b\":null,\"c\":[]}");
    json_object_put(wire);
    wire = salon_shape(NULL, NULL);
    assert_json(wire, "{}");
    json_object_put(wire);
}

/* Paths that begin alike, and those that only seem to. */
static void test_neighbours(void **state)
{
    static const salon_shape_t shape[] = {
        { "a", "o.n", SALON_PRESENT, NULL },     { "b", "o.p", SALON_INNER, inner },
        { "c", "o.p.q", SALON_COPY, NULL },      { "d", "ou", SALON_COPY, NULL },
        { "e", "o", SALON_PRESENT, NULL },       { "f", "o.x", SALON_CONSTANT, NULL },
        { "g", "list", SALON_EACH, inner },      { "h", "none.q", SALON_COPY, NULL },
        { "i", "none.p", SALON_COUNT, NULL },    { "j", "o.n", SALON_COPY, NULL },
        { "k", "ou.p", SALON_COPY, NULL },       { "l", "o.t", SALON_MICROS, NULL },
        END,
    };
    (void)state;
    json_object *canonical = json_tokener_parse(
        "{\"o\":{\"p\":{\"q\":1,\"id\":2},\"n\":\"x\",\"t\":1},\"ou\":{\"p\":3},"
        "\"list\":[{\"id\":1},{\"x\":[]}]}");
    assert_written(shape, canonical);
    json_object_put(canonical);
}

static void test_paths(void **state)
{
    (void)state;
    json_object *canonical = json_tokener_parse(canonical_text);
    assert_ptr_equal(salon_path(canonical, ""), canonical);
    assert_string_equal(json_object_get_string(salon_path(canonical, "o.p.q")), "deep");
    assert_null(salon_path(canonical, "o.p.q.r"));
    assert_null(salon_path(canonical, "z"));
    assert_null(salon_path(canonical, "None"));
    assert_null(salon_path(canonical, "o."
                                      "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
                                      "ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
                                      ".q"));
    assert_null(salon_path(NULL, "o"));
    assert_null(salon_path(NULL, ""));
    json_object_put(canonical);
}

static void test_times(void **state)
{
    static const struct {
        apr_int64_t time;
        const char *text;
    } times[] = {
        { 1, "1970-01-01T00:00:00.001Z" },
        { 951782400000, "2000-02-29T00:00:00Z" },
        { 1709251199999, "2024-02-29T23:59:59.999Z" },
        { 1735689599000, "2024-12-31T23:59:59Z" },
        { 4102444800010, "2100-01-01T00:00:00.010Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        json_object *json = salon_time_json(times[i].time);
        assert_string_equal(json_object_get_string(json), times[i].text);
        json_object_put(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_times),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
