/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for plugins: reading what comes from outside, and shorthand for building answers.
 */
#include "json.h"
#include "salon/plugin.h"

bool salon_json_parse(const char *text, size_t length, json_object **value_r)
{
    return json_parse(text, length, value_r);
}

json_object *salon_json(void)
{
    return json_object_new_object();
}

json_object *salon_json_integer(json_object *object, const char *key, apr_int64_t value)
{
    return salon_json_value(object, key, json_object_new_int64(value));
}

json_object *salon_json_string(json_object *object, const char *key, const char *value)
{
    return salon_json_value(object, key, value != NULL ? json_object_new_string(value) : NULL);
}

json_object *salon_json_boolean(json_object *object, const char *key, bool value)
{
    return salon_json_value(object, key, json_object_new_boolean(value));
}

json_object *salon_json_value(json_object *object, const char *key, json_object *value)
{
    json_object_object_add(object, key, value);
    return object;
}

json_object *salon_json_optional(json_object *object, const char *key, apr_int64_t value)
{
    return salon_json_value(object, key, value != 0 ? json_object_new_int64(value) : NULL);
}

json_object *salon_json_merge(json_object *object, json_object *more)
{
    if (more == NULL) return object;
    json_object_object_foreach(more, key, value)
        json_object_object_add(object, key, json_object_get(value));
    json_object_put(more);
    return object;
}
