/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scalars that the specification has, but for Float, of which there are none here.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "graphql.h"

static bool copy_of(json_object *value, json_type type, json_object **copy_r)
{
    if (!json_object_is_type(value, type)) return false;
    *copy_r = json_object_get(value);
    return true;
}

static bool fits(double number)
{
    return number >= INT32_MIN && number <= INT32_MAX && trunc(number) == number;
}

static bool int_write(json_object *value, json_object **shown_r)
{
    return fits(json_object_get_double(value)) && copy_of(value, json_type_int, shown_r);
}

/* In JSON 1.0 is the same number as 1; in a document it is another literal. */
static bool int_read(json_object *value, bool literal, json_object **value_r)
{
    bool fraction = json_object_is_type(value, json_type_double) && !literal;
    if (!fits(json_object_get_double(value))) return false;
    if (!fraction) return copy_of(value, json_type_int, value_r);
    *value_r = json_object_new_int64((int64_t)json_object_get_double(value));
    return true;
}

static bool string_write(json_object *value, json_object **shown_r)
{
    return copy_of(value, json_type_string, shown_r);
}

static bool string_read(json_object *value, bool literal, json_object **value_r)
{
    (void)literal;
    return copy_of(value, json_type_string, value_r);
}

static bool boolean_write(json_object *value, json_object **shown_r)
{
    return copy_of(value, json_type_boolean, shown_r);
}

static bool boolean_read(json_object *value, bool literal, json_object **value_r)
{
    (void)literal;
    return copy_of(value, json_type_boolean, value_r);
}

static bool id_write(json_object *value, json_object **shown_r)
{
    if (copy_of(value, json_type_string, shown_r)) return true;
    if (!json_object_is_type(value, json_type_int)) return false;
    *shown_r = json_object_new_string(json_object_get_string(value));
    return true;
}

/* A literal may have more digits than a number has. */
static bool id_read(json_object *value, bool literal, json_object **value_r)
{
    if (id_write(value, value_r)) return true;
    const char *text = json_object_get_string(value);
    if (!literal || !json_object_is_type(value, json_type_double) || strchr(text, '.') != NULL)
        return false;
    *value_r = json_object_new_string(text);
    return true;
}

const graphql_type_t graphql_int = {
    .kind = GRAPHQL_SCALAR,
    .name = "Int",
    .help = "A whole number of 32 bits.",
    .write = int_write,
    .read = int_read,
};

const graphql_type_t graphql_string = {
    .kind = GRAPHQL_SCALAR,
    .name = "String",
    .help = "Text, as UTF-8.",
    .write = string_write,
    .read = string_read,
};

const graphql_type_t graphql_boolean = {
    .kind = GRAPHQL_SCALAR,
    .name = "Boolean",
    .help = "`true` or `false`.",
    .write = boolean_write,
    .read = boolean_read,
};

const graphql_type_t graphql_id = {
    .kind = GRAPHQL_SCALAR,
    .name = "ID",
    .help = "What something is known by, as text; a whole number will do as well.",
    .write = id_write,
    .read = id_read,
};
