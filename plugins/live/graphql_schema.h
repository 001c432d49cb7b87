/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A schema's tables with their types parsed and looked up, and the introspection's added.
 */
#ifndef LIVE_GRAPHQL_SCHEMA_H
#define LIVE_GRAPHQL_SCHEMA_H

#include "graphql_ast.h"

/* Of a field or a directive. */
typedef struct input_t {
    const graphql_argument_t *row;
    const typeref_t *type;
    const value_t *fallback; /* NULL: none */
} input_t;

typedef struct inputs_t {
    int count;
    const input_t *list;
} inputs_t;

typedef struct field_t {
    const graphql_field_t *row;
    const typeref_t *type;
    inputs_t arguments;
} field_t;

typedef struct type_t {
    const graphql_type_t *row;
    int count;
    const field_t *fields;
} type_t;

/* Where a directive may stand, as bits; the others of place_names hold none of ours. */
enum {
    PLACE_QUERY = 1 << 0,
    PLACE_MUTATION = 1 << 1,
    PLACE_SUBSCRIPTION = 1 << 2,
    PLACE_FIELD = 1 << 3,
    PLACE_FRAGMENT_DEFINITION = 1 << 4,
    PLACE_FRAGMENT_SPREAD = 1 << 5,
    PLACE_INLINE_FRAGMENT = 1 << 6,
    PLACE_VARIABLE_DEFINITION = 1 << 7,
    PLACE_SCALAR = 1 << 9,
    PLACE_FIELD_DEFINITION = 1 << 11,
    PLACE_ARGUMENT_DEFINITION = 1 << 12,
    PLACE_ENUM_VALUE = 1 << 16,
};

extern const char *const place_names[]; /* by bit; NULL at the end */

typedef struct directive_def_t {
    const char *name; /* NULL ends the table */
    unsigned places;
    const graphql_argument_t *rows;
    const char *help;
} directive_def_t;

extern const directive_def_t directive_defs[];

struct graphql_schema_t {
    apr_pool_t *pool;
    const char *help;
    int count;
    const type_t *types; /* the introspection's after the others */
    const type_t *query, *mutation; /* mutation: NULL: none */
    const field_t *typename, *meta; /* meta: __schema, __type */
    const inputs_t *directives; /* the arguments of each */
    json_object *described;     /* what __schema leads to */
    json_object *by_name;       /* its types */
};

/* NULL: there is none. */
const type_t *schema_type(const graphql_schema_t *schema, const char *name);
const field_t *schema_field(const graphql_schema_t *schema, const type_t *type, const char *name);
/* Its place in directive_defs; -1: there is none. */
int schema_directive(const char *name);
/* Looks up the name at its end; false: there is no such type. */
bool schema_resolve(const graphql_schema_t *schema, typeref_t *type);

/* The type without what is around it. */
const type_t *typeref_named(const typeref_t *type);
/* As it is written. */
const char *typeref_text(apr_pool_t *pool, const typeref_t *type);

/* The introspection's own types, and the two fields of the query: tables.  The meta fields hold
 * introspection_describe's results. */
extern const graphql_type_t *const introspection_types[];
extern const graphql_field_t introspection_fields[];
/* Fills schema->described and ->by_name. */
void introspection_describe(graphql_schema_t *schema);

#endif
