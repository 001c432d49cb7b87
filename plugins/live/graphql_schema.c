/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Made once, from constants of the program: what is wrong with them is asserted.
 */
#include "graphql_schema.h"

#include <assert.h>
#include <string.h>

#include <apr_strings.h>

const char *const place_names[] = {
    "QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT", "VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION", "INTERFACE", "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION", NULL,
};

static const graphql_argument_t if_argument[] = {
    { "if", "Boolean!", NULL, "The condition." },
    { NULL, NULL, NULL, NULL },
};
static const graphql_argument_t reason_argument[] = {
    { "reason", "String", "\"No longer supported\"", "Why, and what to use in its place." },
    { NULL, NULL, NULL, NULL },
};
static const graphql_argument_t url_argument[] = {
    { "url", "String!", NULL, "Where the scalar is described." },
    { NULL, NULL, NULL, NULL },
};

const directive_def_t directive_defs[] = {
    { "include", PLACE_FIELD | PLACE_FRAGMENT_SPREAD | PLACE_INLINE_FRAGMENT, if_argument,
      "Takes it in only when the condition is true." },
    { "skip", PLACE_FIELD | PLACE_FRAGMENT_SPREAD | PLACE_INLINE_FRAGMENT, if_argument,
      "Leaves it out when the condition is true." },
    { "deprecated", PLACE_FIELD_DEFINITION | PLACE_ARGUMENT_DEFINITION | PLACE_ENUM_VALUE,
      reason_argument, "Something that should not be used any more." },
    { "specifiedBy", PLACE_SCALAR, url_argument, "Where a scalar is described." },
    { NULL, 0, NULL, NULL },
};

static const graphql_field_t typename_fields[] = {
    { .name = "__typename", .type = "String!" },
    { .name = NULL },
};

/* ---- Looking up ---- */

const type_t *schema_type(const graphql_schema_t *schema, const char *name)
{
    for (int i = 0; i < schema->count; i++)
        if (strcmp(schema->types[i].row->name, name) == 0) return &schema->types[i];
    return NULL;
}

static const field_t *meta_field(const graphql_schema_t *schema, const type_t *type,
                                 const char *name)
{
    if (strcmp(name, schema->typename->row->name) == 0) return schema->typename;
    for (int i = 0; type == schema->query && introspection_fields[i].name != NULL; i++)
        if (strcmp(introspection_fields[i].name, name) == 0) return &schema->meta[i];
    return NULL;
}

const field_t *schema_field(const graphql_schema_t *schema, const type_t *type, const char *name)
{
    if (strncmp(name, "__", 2) == 0) return meta_field(schema, type, name);
    for (int i = 0; i < type->count; i++)
        if (strcmp(type->fields[i].row->name, name) == 0) return &type->fields[i];
    return NULL;
}

int schema_directive(const char *name)
{
    for (int i = 0; directive_defs[i].name != NULL; i++)
        if (strcmp(directive_defs[i].name, name) == 0) return i;
    return -1;
}

bool schema_resolve(const graphql_schema_t *schema, typeref_t *type)
{
    while (type->kind != TYPE_NAMED) type = (typeref_t *)type->of;
    type->named = schema_type(schema, type->name);
    return type->named != NULL;
}

const type_t *typeref_named(const typeref_t *type)
{
    while (type->kind != TYPE_NAMED) type = type->of;
    return type->named;
}

const char *typeref_text(apr_pool_t *pool, const typeref_t *type)
{
    if (type->kind == TYPE_NAMED) return type->name;
    const char *inner = typeref_text(pool, type->of);
    return apr_psprintf(pool, type->kind == TYPE_LIST ? "[%s]" : "%s!", inner);
}

/* ---- Making ---- */

static const typeref_t *type_make(const graphql_schema_t *schema, const char *text)
{
    typeref_t *type = graphql_parse_type(schema->pool, text);
    bool known = type != NULL && schema_resolve(schema, type);
    assert(known);
    return type;
}

static inputs_t inputs_make(const graphql_schema_t *schema, const graphql_argument_t *rows)
{
    int count = 0;
    while (rows != NULL && rows[count].name != NULL) count++;
    input_t *inputs = apr_pcalloc(schema->pool, sizeof(*inputs) * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        inputs[i].row = &rows[i];
        inputs[i].type = type_make(schema, rows[i].type);
        assert(typeref_named(inputs[i].type)->row->read != NULL);
        if (rows[i].fallback == NULL) continue;
        inputs[i].fallback = graphql_parse_value(schema->pool, rows[i].fallback);
        assert(inputs[i].fallback != NULL);
    }
    return (inputs_t){ count, inputs };
}

static const field_t *fields_make(const graphql_schema_t *schema, const graphql_field_t *rows,
                                  int *count_r)
{
    int count = 0;
    while (rows != NULL && rows[count].name != NULL) count++;
    field_t *fields = apr_pcalloc(schema->pool, sizeof(*fields) * (size_t)(count + 1));
    for (int i = 0; i < count; i++) {
        fields[i].row = &rows[i];
        fields[i].type = type_make(schema, rows[i].type);
        fields[i].arguments = inputs_make(schema, rows[i].arguments);
    }
    *count_r = count;
    return fields;
}

/* All names must be known before the fields are made. */
static void types_make(graphql_schema_t *schema, const graphql_type_t *const *rows)
{
    int count = 0;
    for (int i = 0; rows[i] != NULL; i++) count++;
    for (int i = 0; introspection_types[i] != NULL; i++) count++;
    type_t *types = apr_pcalloc(schema->pool, sizeof(*types) * (size_t)count);
    for (int i = 0; rows[i] != NULL; i++) types[schema->count++].row = rows[i];
    for (int i = 0; introspection_types[i] != NULL; i++)
        types[schema->count++].row = introspection_types[i];
    schema->types = types;
    for (int i = 0; i < count; i++)
        types[i].fields = fields_make(schema, types[i].row->fields, &types[i].count);
}

static void directives_make(graphql_schema_t *schema)
{
    int count = 0;
    while (directive_defs[count].name != NULL) count++;
    inputs_t *directives = apr_pcalloc(schema->pool, sizeof(*directives) * (size_t)count);
    for (int i = 0; i < count; i++) directives[i] = inputs_make(schema, directive_defs[i].rows);
    schema->directives = directives;
}

static apr_status_t schema_end(void *schema)
{
    json_object_put(((graphql_schema_t *)schema)->described);
    json_object_put(((graphql_schema_t *)schema)->by_name);
    return APR_SUCCESS;
}

const graphql_schema_t *graphql_schema_make(apr_pool_t *pool, const graphql_type_t *const *types,
                                            const char *help)
{
    int count;
    graphql_schema_t *schema = apr_pcalloc(pool, sizeof(*schema));
    schema->pool = pool;
    schema->help = help;
    types_make(schema, types);
    schema->query = schema_type(schema, "Query");
    schema->mutation = schema_type(schema, "Mutation");
    assert(schema->query != NULL);
    schema->typename = fields_make(schema, typename_fields, &count);
    schema->meta = fields_make(schema, introspection_fields, &count);
    directives_make(schema);
    introspection_describe(schema);
    apr_pool_cleanup_register(pool, schema, schema_end, apr_pool_cleanup_null);
    return schema;
}
