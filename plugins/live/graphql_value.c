/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relies on validation for literals: only variables can turn out wrong afterwards.  A value that
 * is there and null is a member that is NULL; one that is not there is no member.
 */
#include "graphql_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static apr_status_t value_put(void *value)
{
    json_object_put(value);
    return APR_SUCCESS;
}

json_object *value_keep(apr_pool_t *pool, json_object *value)
{
    if (value != NULL) apr_pool_cleanup_register(pool, value, value_put, apr_pool_cleanup_null);
    return value;
}

/* ---- Literals ---- */

/* A whole number that does not fit is no whole number, but keeps its digits. */
static json_object *int_json(const char *digits)
{
    errno = 0;
    long long number = strtoll(digits, NULL, 10);
    return errno == 0 ? json_object_new_int64(number)
                      : json_object_new_double_s(0.5, digits);
}

/* NULL: that is no literal of a scalar. */
static json_object *literal_json(const value_t *literal)
{
    switch (literal->kind) {
    case VALUE_INT: return int_json(literal->text);
    case VALUE_FLOAT: return json_object_new_double(0.5);
    case VALUE_STRING: return json_object_new_string(literal->text);
    case VALUE_BOOLEAN: return json_object_new_boolean(literal->text[0] == 't');
    default: return NULL;
    }
}

static bool literal_read(const type_t *type, const value_t *literal, json_object **value_r)
{
    json_object *json = literal_json(literal);
    bool good = json != NULL && type->row->read(json, true, value_r);
    json_object_put(json);
    return good;
}

bool value_fits(const type_t *type, const value_t *literal)
{
    json_object *value;
    if (!literal_read(type, literal, &value)) return false;
    json_object_put(value);
    return true;
}

/* ---- Values in JSON ---- */

static bool read_json(const typeref_t *type, json_object *given, json_object **value_r);

static bool read_list(const typeref_t *type, json_object *given, json_object **value_r)
{
    bool many = json_object_is_type(given, json_type_array), good = true;
    json_object *list = json_object_new_array(), *item;
    size_t count = many ? json_object_array_length(given) : 1;
    for (size_t i = 0; i < count && good; i++) {
        good = read_json(type->of, many ? json_object_array_get_idx(given, i) : given, &item);
        if (good) json_object_array_add(list, item);
    }
    if (good) *value_r = list;
    else json_object_put(list);
    return good;
}

static bool read_json(const typeref_t *type, json_object *given, json_object **value_r)
{
    *value_r = NULL;
    if (given == NULL) return type->kind != TYPE_NON_NULL;
    if (type->kind == TYPE_NON_NULL) return read_json(type->of, given, value_r);
    if (type->kind == TYPE_LIST) return read_list(type, given, value_r);
    return type->named->row->read(given, false, value_r);
}

/* ---- Values in a document ---- */

static bool is_absent(const value_t *value, json_object *variables)
{
    return value->kind == VALUE_VARIABLE &&
           !json_object_object_get_ex(variables, value->text, NULL);
}

static bool coerce(const typeref_t *type, const value_t *value, json_object *variables,
                   json_object **value_r);

/* One that is no list stands for a list of it. */
static bool coerce_list(const typeref_t *type, const value_t *value, json_object *variables,
                        json_object **value_r)
{
    bool good = true;
    json_object *list = json_object_new_array(), *item;
    const value_t *at = value->kind == VALUE_LIST ? value->items : value;
    for (; at != NULL && good; at = value->kind == VALUE_LIST ? at->next : NULL) {
        good = coerce(type->of, at, variables, &item);
        if (good) json_object_array_add(list, item);
    }
    if (good) *value_r = list;
    else json_object_put(list);
    return good;
}

static bool coerce(const typeref_t *type, const value_t *value, json_object *variables,
                   json_object **value_r)
{
    *value_r = NULL;
    if (value->kind == VALUE_VARIABLE)
        return read_json(type, json_object_object_get(variables, value->text), value_r);
    if (value->kind == VALUE_NULL) return type->kind != TYPE_NON_NULL;
    if (type->kind == TYPE_NON_NULL) return coerce(type->of, value, variables, value_r);
    if (type->kind == TYPE_LIST) return coerce_list(type, value, variables, value_r);
    return literal_read(type->named, value, value_r);
}

static const value_t *argument_value(const argument_t *arguments, const char *name)
{
    for (; arguments != NULL; arguments = arguments->next)
        if (strcmp(arguments->name, name) == 0) return arguments->value;
    return NULL;
}

json_object *value_arguments(apr_pool_t *pool, const inputs_t *inputs, const argument_t *arguments,
                             json_object *variables, const char **wrong_r)
{
    json_object *all = value_keep(pool, json_object_new_object()), *json;
    for (int i = 0; i < inputs->count; i++) {
        const input_t *input = &inputs->list[i];
        const value_t *value = argument_value(arguments, input->row->name);
        if (value == NULL || is_absent(value, variables)) value = input->fallback;
        if (value == NULL && input->type->kind != TYPE_NON_NULL) continue;
        *wrong_r = input->row->name;
        if (value == NULL || !coerce(input->type, value, variables, &json)) return NULL;
        json_object_object_add(all, input->row->name, json);
    }
    return all;
}

/* ---- Variables ---- */

static void variable_set(errors_t *errors, const variable_t *variable, json_object *given,
                         json_object *all)
{
    json_object *value, *json = NULL;
    const char *type = typeref_text(errors->pool, variable->type);
    bool there = json_object_object_get_ex(given, variable->name, &value);
    if (!there && variable->fallback == NULL) {
        if (variable->type->kind != TYPE_NON_NULL) return;
        errors_add(errors, CODE_INPUT, variable->at, NULL,
                   "Variable \"$%s\" of required type \"%s\" was not provided.", variable->name,
                   type);
    } else if (there ? read_json(variable->type, value, &json)
                     : coerce(variable->type, variable->fallback, NULL, &json))
        json_object_object_add(all, variable->name, json);
    else
        errors_add(errors, CODE_INPUT, variable->at, NULL,
                   "Variable \"$%s\" got invalid value; expected type \"%s\".", variable->name,
                   type);
}

json_object *value_variables(errors_t *errors, const definition_t *operation, json_object *given)
{
    json_object *all = value_keep(errors->pool, json_object_new_object());
    for (const variable_t *at = operation->variables; at != NULL; at = at->next)
        variable_set(errors, at, given, all);
    return errors->list == NULL ? all : NULL;
}
