/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes: how a canonical object becomes a wire object, by tables.  Pure functions, any thread;
 * values are shared, not copied, which is right as long as neither object is changed afterwards.
 */
#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "salon/dialect.h"

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

/* Writes a number with leading zeros; returns what is behind it. */
static char *digits_write(char *at, int value, int digits)
{
    for (int i = digits; i > 0; i--, value /= 10) at[i - 1] = (char)('0' + value % 10);
    return at + digits;
}

/* digits: of the fraction; 0, 3 or 6. */
static json_object *time_json(apr_int64_t time, int digits, const char *zone)
{
    apr_time_exp_t t;
    char text[64], *at = text;
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
    apr_cpystrn(at, zone, sizeof(text) - (size_t)(at - text));
    return json_object_new_string(text);
}

json_object *salon_time_json(apr_int64_t time)
{
    return time_json(time, time % 1000 != 0 ? 3 : 0, "Z");
}

static json_object *time_or_null(json_object *value, bool micros)
{
    apr_int64_t time = value != NULL ? json_object_get_int64(value) : 0;
    if (time == 0) return NULL;
    return micros ? time_json(time, 6, "") : salon_time_json(time);
}

static json_object *each_shape(const salon_shape_t *inner, json_object *list)
{
    size_t count = list != NULL ? json_object_array_length(list) : 0;
    json_object *shaped = json_object_new_array();
    for (size_t i = 0; i < count; i++)
        json_object_array_add(shaped, salon_shape(inner, json_object_array_get_idx(list, i)));
    return shaped;
}

static json_object *value_shape(const salon_shape_t *row, json_object *canonical)
{
    if (row->kind == SALON_CONSTANT) return json_object_new_string(row->path);
    json_object *value = salon_path(canonical, row->path);
    switch (row->kind) {
    case SALON_TIME: return time_or_null(value, false);
    case SALON_MICROS: return time_or_null(value, true);
    case SALON_COUNT:
        return json_object_new_int64(value ? (apr_int64_t)json_object_array_length(value) : 0);
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
