/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: how a canonical object becomes a wire object, by tables; an object, for those who change
 * it afterwards, or its text at once, which is what most are made for.  Pure functions, any thread;
 * values are shared, not copied, which is right as long as neither object is changed afterwards.
 */
#include "shape.h"

#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>
#include <apr_time.h>

json_object *salon_path(json_object *object, const char *path)
{
    const char *dot;
    while ((dot = strchr(path, '.')) != NULL) {
        char name[64];
        apr_cpystrn(name, path, MIN((size_t)(dot - path) + 1, sizeof(name)));
        if (!json_object_object_get_ex(object, name, &object) || object == NULL) return NULL;
        path = dot + 1;
    }
    if (*path != '\0' && !json_object_object_get_ex(object, path, &object)) return NULL;
    return object;
}

#define TIME_SIZE 40 /* of a time's text */

/* Writes a number with leading zeros; returns what is behind it. */
static char *digits_write(char *at, int value, int digits)
{
    for (int i = digits; i > 0; i--, value /= 10) at[i - 1] = (char)('0' + value % 10);
    return at + digits;
}

/* digits: of the fraction; 0, 3 or 6. */
static void time_write(char text[TIME_SIZE], apr_int64_t time, int digits, const char *zone)
{
    apr_time_exp_t t;
    char *at = text;
    apr_time_exp_gmt(&t, apr_time_from_msec(time));
    int parts[] = { t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec };
    at = digits_write(at, t.tm_year + 1900, 4);
    for (int i = 0; i < 5; i++) {
        *at++ = "--T::"[i];
        at = digits_write(at, parts[i], 2);
    }
    if (digits > 0) {
        *at++ = '.';
        at = digits_write(at, digits == 3 ? t.tm_usec / 1000 : t.tm_usec, digits);
    }
    apr_cpystrn(at, zone, TIME_SIZE - (size_t)(at - text));
}

static void time_write_usual(char text[TIME_SIZE], apr_int64_t time)
{
    time_write(text, time, time % 1000 != 0 ? 3 : 0, "Z");
}

json_object *salon_time_json(apr_int64_t time)
{
    char text[TIME_SIZE];
    time_write_usual(text, time);
    return json_object_new_string(text);
}

/* False: there is none. */
static bool row_time(const salon_shape_t *row, json_object *value, char text[TIME_SIZE])
{
    apr_int64_t time = value != NULL ? json_object_get_int64(value) : 0;
    if (time == 0) return false;
    if (row->kind == SALON_MICROS) time_write(text, time, 6, "");
    else time_write_usual(text, time);
    return true;
}

static size_t length_of(json_object *list)
{
    return list != NULL ? json_object_array_length(list) : 0;
}

/* ---- As an object ---- */

static json_object *time_json(const salon_shape_t *row, json_object *value)
{
    char text[TIME_SIZE];
    return row_time(row, value, text) ? json_object_new_string(text) : NULL;
}

static json_object *each_shape(const salon_shape_t *inner, json_object *list)
{
    json_object *shaped = json_object_new_array();
    for (size_t i = 0; i < length_of(list); i++)
        json_object_array_add(shaped, salon_shape(inner, json_object_array_get_idx(list, i)));
    return shaped;
}

static json_object *value_shape(const salon_shape_t *row, json_object *canonical)
{
    if (row->kind == SALON_CONSTANT) return json_object_new_string(row->path);
    json_object *value = salon_path(canonical, row->path);
    switch (row->kind) {
    case SALON_TIME: case SALON_MICROS: return time_json(row, value);
    case SALON_COUNT: return json_object_new_int64((apr_int64_t)length_of(value));
    case SALON_PRESENT: return json_object_new_boolean(value != NULL);
    case SALON_OR_LIST: return value != NULL ? json_object_get(value) : json_object_new_array();
    case SALON_EACH: return each_shape(row->inner, value);
    case SALON_INNER: return value != NULL ? salon_shape(row->inner, value) : NULL;
    default: return json_object_get(value);
    }
}

json_object *salon_shape(const salon_shape_t *shape, json_object *canonical)
{
    json_object *wire = json_object_new_object();
    for (const salon_shape_t *row = shape; row != NULL && row->name != NULL; row++)
        json_object_object_add_ex(wire, row->name, value_shape(row, canonical),
                                  JSON_C_OBJECT_KEY_IS_CONSTANT);
    return wire;
}

/* ---- As text ---- */

/* What the first parts of paths led to, the last time: most rows of a table look there, too. */
typedef struct {
    const char *path; /* NULL: nothing yet */
    size_t length;    /* of the first part, with its dot */
    json_object *object;
} entered_t;

static json_object *path_follow(json_object *canonical, const char *path, entered_t *entered)
{
    if (entered->path == NULL || strncmp(path, entered->path, entered->length) != 0) {
        const char *dot = strchr(path, '.');
        if (dot == NULL) return salon_path(canonical, path);
        char name[64];
        apr_cpystrn(name, path, MIN((size_t)(dot - path) + 1, sizeof(name)));
        *entered = (entered_t){ path, (size_t)(dot - path) + 1, salon_path(canonical, name) };
    }
    return entered->object != NULL ? salon_path(entered->object, path + entered->length) : NULL;
}

static void each_write(text_t *text, const salon_shape_t *inner, json_object *list)
{
    text_add_plain(text, "[");
    for (size_t i = 0; i < length_of(list); i++) {
        if (i > 0) text_add_plain(text, ",");
        shape_write(text, inner, json_object_array_get_idx(list, i));
    }
    text_add_plain(text, "]");
}

static void time_add(text_t *text, const salon_shape_t *row, json_object *value)
{
    char time[TIME_SIZE];
    if (row_time(row, value, time)) text_add_string(text, time, strlen(time));
    else text_add_json(text, NULL);
}

static void value_write(text_t *text, const salon_shape_t *row, json_object *value)
{
    switch (row->kind) {
    case SALON_TIME: case SALON_MICROS: time_add(text, row, value); break;
    case SALON_COUNT: text_add_number(text, (apr_int64_t)length_of(value)); break;
    case SALON_PRESENT: text_add_plain(text, value != NULL ? "true" : "false"); break;
    case SALON_EACH: each_write(text, row->inner, value); break;
    case SALON_CONSTANT: text_add_string(text, row->path, strlen(row->path)); break;
    case SALON_OR_LIST:
        if (value != NULL) text_add_json(text, value);
        else text_add_plain(text, "[]");
        break;
    case SALON_INNER:
        if (value != NULL) shape_write(text, row->inner, value);
        else text_add_json(text, NULL);
        break;
    default: text_add_json(text, value); break;
    }
}

/* before: the first member. */
static bool members_write(text_t *text, char before, const salon_shape_t *shape,
                          json_object *canonical)
{
    entered_t entered = { 0 };
    const salon_shape_t *row = shape;
    for (; row != NULL && row->name != NULL; row++, before = ',') {
        bool constant = row->kind == SALON_CONSTANT;
        text_add(text, &before, 1);
        text_add_name(text, row->name);
        value_write(text, row, constant ? NULL : path_follow(canonical, row->path, &entered));
    }
    return row != shape;
}

void shape_write(text_t *text, const salon_shape_t *shape, json_object *canonical)
{
    text_add_plain(text, members_write(text, '{', shape, canonical) ? "}" : "{}");
}

void shape_write_more(text_t *text, const salon_shape_t *shape, json_object *canonical)
{
    members_write(text, ',', shape, canonical);
}
