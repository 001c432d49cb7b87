/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for plugins: reading what comes from outside, shorthand for building answers, and pages.
 */
#include <sys/param.h>

#include "json.h"
#include "salon/map.h"

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

/* json-c makes a table for 16 members and another one, with all of the first, when it is two thirds
 * full. */
json_object *salon_json_sized(int members)
{
    json_object *object = json_object_new_object();
    lh_table_resize(json_object_get_object(object), members * 3 / 2);
    return object;
}

json_object *salon_json_member(json_object *object, const char *name, json_object *value)
{
    json_object_object_add_ex(object, name, value,
                              JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT);
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

/* One more than is shown is looked for, so that the last page knows that it is. */
json_object *salon_json_page(json_object *answer, const char *name, const salon_req_t *req,
                             const salon_map_t *map, salon_list_add_t *add, void *baton)
{
    salon_map_entry_t entries[SALON_PAGE_MOST + 1];
    int limit = (int)salon_arg_integer(req, "limit", SALON_PAGE_MOST);
    int found = salon_map_page(map, salon_arg_integer(req, "after", 0), entries, limit + 1);
    int shown = MIN(found, limit);
    json_object *list = json_object_new_array_ext(shown > 0 ? shown : 1);
    for (int i = 0; i < shown; i++) add(list, entries[i].value, baton);
    salon_json_value(answer, name, list);
    return found > limit ? salon_json_integer(answer, "next", entries[limit - 1].id) : answer;
}
