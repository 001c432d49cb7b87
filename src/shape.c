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
    while (*path != '\0') {
        char name[64];
        size_t length = strcspn(path, ".");
        apr_cpystrn(name, path, MIN(length + 1, sizeof(name)));
        if (!json_object_object_get_ex(object, name, &object) || object == NULL) return NULL;
        path += length + (path[length] == '.');
    }
    return object;
}

/* digits: of the fraction; 0, 3 or 6. */
static json_object *time_json(apr_int64_t time, int digits, const char *zone)
{
    apr_time_exp_t t;
    char text[64];
    apr_time_exp_gmt(&t, apr_time_from_msec(time));
    int length = apr_snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d", t.tm_year + 1900,
                              t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
    if (digits == 3)
        apr_snprintf(text + length, sizeof(text) - (size_t)length, ".%03d%s", t.tm_usec / 1000,
                     zone);
    else if (digits == 6)
        apr_snprintf(text + length, sizeof(text) - (size_t)length, ".%06d%s", t.tm_usec, zone);
    else
        apr_cpystrn(text + length, zone, sizeof(text) - (size_t)length);
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
        json_object_object_add(wire, row->name, value_shape(row, canonical));
    return wire;
}
