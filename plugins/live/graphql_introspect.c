/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Introspection: the schema described in JSON, once, and types for it like all others.  Where one
 * type leads to another the JSON has its text ("[ChatRoom!]!"), which becomes an object when
 * somebody looks; so what is described may go in circles.
 */
#include <string.h>

#include "graphql_execute.h"
#include "graphql_schema.h"

/* ---- The description ---- */

static json_object *text_json(const char *text)
{
    return text != NULL ? json_object_new_string(text) : NULL;
}

static json_object *named_json(const char *name, const char *help)
{
    json_object *json = json_object_new_object();
    json_object_object_add(json, "name", text_json(name));
    json_object_object_add(json, "description", text_json(help));
    return json;
}

/* With what says that it is not deprecated. */
static json_object *member_json(const char *name, const char *help)
{
    json_object *json = named_json(name, help);
    json_object_object_add(json, "isDeprecated", json_object_new_boolean(0));
    json_object_object_add(json, "deprecationReason", NULL);
    return json;
}

static json_object *arguments_json(const graphql_argument_t *row)
{
    json_object *list = json_object_new_array();
    for (; row != NULL && row->name != NULL; row++) {
        json_object *json = member_json(row->name, row->help);
        json_object_object_add(json, "type", text_json(row->type));
        json_object_object_add(json, "defaultValue", text_json(row->fallback));
        json_object_array_add(list, json);
    }
    return list;
}

static json_object *fields_json(const graphql_field_t *row)
{
    json_object *list = json_object_new_array();
    for (; row->name != NULL; row++) {
        json_object *json = member_json(row->name, row->help);
        json_object_object_add(json, "args", arguments_json(row->arguments));
        json_object_object_add(json, "type", text_json(row->type));
        json_object_array_add(list, json);
    }
    return list;
}

static json_object *values_json(const char *const *value)
{
    json_object *list = json_object_new_array();
    for (; *value != NULL; value++) json_object_array_add(list, member_json(*value, NULL));
    return list;
}

static json_object *type_json(const graphql_type_t *row)
{
    static const char *const kinds[] = { "SCALAR", "OBJECT", "ENUM" };
    json_object *json = named_json(row->name, row->help);
    json_object_object_add(json, "kind", text_json(kinds[row->kind]));
    json_object_object_add(json, "specifiedByURL", text_json(row->specified_by));
    if (row->kind == GRAPHQL_OBJECT) {
        json_object_object_add(json, "fields", fields_json(row->fields));
        json_object_object_add(json, "interfaces", json_object_new_array());
    }
    if (row->kind == GRAPHQL_ENUM)
        json_object_object_add(json, "enumValues", values_json(row->values));
    return json;
}

static json_object *places_json(unsigned places)
{
    json_object *list = json_object_new_array();
    for (int i = 0; place_names[i] != NULL; i++)
        if (places >> i & 1) json_object_array_add(list, text_json(place_names[i]));
    return list;
}

static json_object *directives_json(void)
{
    json_object *list = json_object_new_array();
    for (const directive_def_t *row = directive_defs; row->name != NULL; row++) {
        json_object *json = named_json(row->name, row->help);
        json_object_object_add(json, "isRepeatable", json_object_new_boolean(0));
        json_object_object_add(json, "locations", places_json(row->places));
        json_object_object_add(json, "args", arguments_json(row->rows));
        json_object_array_add(list, json);
    }
    return list;
}

void introspection_describe(graphql_schema_t *schema)
{
    json_object *list = json_object_new_array(), *json = named_json(NULL, schema->help);
    schema->by_name = json_object_new_object();
    for (int i = 0; i < schema->count; i++) {
        json_object *type = type_json(schema->types[i].row);
        json_object_object_add(schema->by_name, schema->types[i].row->name, type);
        json_object_array_add(list, json_object_get(type));
    }
    json_object_object_add(json, "types", list);
    json_object_object_add(json, "queryType", text_json(schema->query->row->name));
    if (schema->mutation != NULL)
        json_object_object_add(json, "mutationType", text_json(schema->mutation->row->name));
    json_object_object_add(json, "directives", directives_json());
    schema->described = json;
}

/* ---- What the fields lead to ---- */

/* A type's text: outermost a "!" at its end, or a "[" at its start, or neither: its name. */
static json_object *type_load(const graphql_schema_t *schema, json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) return json_object_get(value);
    const char *text = json_object_get_string(value);
    int length = json_object_get_string_len(value);
    bool strict = text[length - 1] == '!';
    if (!strict && text[0] != '[')
        return json_object_get(json_object_object_get(schema->by_name, text));
    json_object *json = json_object_new_object();
    json_object_object_add(json, "kind", text_json(strict ? "NON_NULL" : "LIST"));
    json_object_object_add(json, "ofType",
                           strict ? json_object_new_string_len(text, length - 1)
                                  : json_object_new_string_len(text + 1, length - 2));
    return json;
}

static void resolve_schema(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    graphql_answer(run, json_object_get(graphql_schema(run)->described));
}

static void resolve_type(graphql_run_t *run, json_object *arguments)
{
    const char *name = json_object_get_string(json_object_object_get(arguments, "name"));
    graphql_answer(run,
                   json_object_get(json_object_object_get(graphql_schema(run)->by_name, name)));
}

/* ---- Tables ---- */

#define END { .name = NULL }

static const graphql_argument_t deprecated_argument[] = {
    { "includeDeprecated", "Boolean", "false", "Also what should not be used any more." },
    { NULL, NULL, NULL, NULL },
};

static const graphql_argument_t name_argument[] = {
    { "name", "String!", NULL, "The type's name." },
    { NULL, NULL, NULL, NULL },
};

static const graphql_field_t schema_fields[] = {
    { .name = "description", .type = "String" },
    { .name = "types", .type = "[__Type!]!" },
    { .name = "queryType", .type = "__Type!" },
    { .name = "mutationType", .type = "__Type" },
    { .name = "subscriptionType", .type = "__Type" },
    { .name = "directives", .type = "[__Directive!]!" },
    END,
};

static const graphql_field_t type_fields[] = {
    { .name = "kind", .type = "__TypeKind!" },
    { .name = "name", .type = "String" },
    { .name = "description", .type = "String" },
    { .name = "specifiedByURL", .type = "String" },
    { .name = "fields", .type = "[__Field!]", .arguments = deprecated_argument },
    { .name = "interfaces", .type = "[__Type!]" },
    { .name = "possibleTypes", .type = "[__Type!]" },
    { .name = "enumValues", .type = "[__EnumValue!]", .arguments = deprecated_argument },
    { .name = "inputFields", .type = "[__InputValue!]", .arguments = deprecated_argument },
    { .name = "ofType", .type = "__Type" },
    { .name = "isOneOf", .type = "Boolean" },
    END,
};

static const graphql_field_t field_fields[] = {
    { .name = "name", .type = "String!" },
    { .name = "description", .type = "String" },
    { .name = "args", .type = "[__InputValue!]!", .arguments = deprecated_argument },
    { .name = "type", .type = "__Type!" },
    { .name = "isDeprecated", .type = "Boolean!" },
    { .name = "deprecationReason", .type = "String" },
    END,
};

static const graphql_field_t input_fields[] = {
    { .name = "name", .type = "String!" },
    { .name = "description", .type = "String" },
    { .name = "type", .type = "__Type!" },
    { .name = "defaultValue", .type = "String" },
    { .name = "isDeprecated", .type = "Boolean!" },
    { .name = "deprecationReason", .type = "String" },
    END,
};

static const graphql_field_t value_fields[] = {
    { .name = "name", .type = "String!" },
    { .name = "description", .type = "String" },
    { .name = "isDeprecated", .type = "Boolean!" },
    { .name = "deprecationReason", .type = "String" },
    END,
};

static const graphql_field_t directive_fields[] = {
    { .name = "name", .type = "String!" },
    { .name = "description", .type = "String" },
    { .name = "isRepeatable", .type = "Boolean!" },
    { .name = "locations", .type = "[__DirectiveLocation!]!" },
    { .name = "args", .type = "[__InputValue!]!", .arguments = deprecated_argument },
    END,
};

static const char *const kind_values[] = {
    "SCALAR", "OBJECT", "INTERFACE", "UNION", "ENUM", "INPUT_OBJECT", "LIST", "NON_NULL", NULL,
};

static const graphql_type_t schema_type_row = {
    .kind = GRAPHQL_OBJECT, .name = "__Schema", .help = "A schema.", .fields = schema_fields
};
static const graphql_type_t type_type = {
    .kind = GRAPHQL_OBJECT, .name = "__Type", .help = "A type, or one made of another.",
    .fields = type_fields, .load = type_load
};
static const graphql_type_t kind_type = {
    .kind = GRAPHQL_ENUM, .name = "__TypeKind", .help = "What a type is.", .values = kind_values
};
static const graphql_type_t field_type = {
    .kind = GRAPHQL_OBJECT, .name = "__Field", .help = "A field of an object.",
    .fields = field_fields
};
static const graphql_type_t input_type = {
    .kind = GRAPHQL_OBJECT, .name = "__InputValue", .help = "An argument.", .fields = input_fields
};
static const graphql_type_t value_type = {
    .kind = GRAPHQL_OBJECT, .name = "__EnumValue", .help = "One of an enumeration.",
    .fields = value_fields
};
static const graphql_type_t directive_type = {
    .kind = GRAPHQL_OBJECT, .name = "__Directive", .help = "A directive.",
    .fields = directive_fields
};
static const graphql_type_t place_type = {
    .kind = GRAPHQL_ENUM, .name = "__DirectiveLocation", .help = "Where a directive may stand.",
    .values = place_names
};

const graphql_type_t *const introspection_types[] = {
    &schema_type_row, &type_type, &kind_type, &field_type, &input_type, &value_type,
    &directive_type, &place_type, NULL,
};

const graphql_field_t introspection_fields[] = {
    { .name = "__schema", .type = "__Schema!", .resolve = resolve_schema },
    { .name = "__type", .type = "__Type", .arguments = name_argument, .resolve = resolve_type },
    END,
};
