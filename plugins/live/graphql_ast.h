/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document as the parser has understood it; validation adds what the names mean.  All of it is
 * in one pool, lists are linked, `at` is always the place in the text.
 */
#ifndef LIVE_GRAPHQL_AST_H
#define LIVE_GRAPHQL_AST_H

#include "graphql.h"

typedef enum {
    VALUE_VARIABLE,
    VALUE_INT,
    VALUE_FLOAT,
    VALUE_STRING,
    VALUE_BOOLEAN,
    VALUE_NULL,
    VALUE_ENUM,
    VALUE_LIST,
    VALUE_OBJECT
} value_kind_t;

typedef struct value_t {
    value_kind_t kind;
    size_t at;
    const char *text; /* a name, a number's digits, a string's characters */
    struct value_t *items;
    struct value_t *next;
} value_t;

typedef enum { TYPE_NAMED, TYPE_LIST, TYPE_NON_NULL } typeref_kind_t;

typedef struct typeref_t {
    typeref_kind_t kind;
    size_t at;
    const char *name;
    const struct typeref_t *of;
    const struct type_t *named; /* NULL: not known */
} typeref_t;

typedef struct argument_t {
    const char *name;
    size_t at;
    value_t *value;
    struct argument_t *next;
} argument_t;

typedef struct directive_t {
    const char *name;
    size_t at;
    argument_t *arguments;
    struct directive_t *next;
} directive_t;

typedef enum { SELECT_FIELD, SELECT_SPREAD, SELECT_INLINE } selection_kind_t;

typedef struct selection_t {
    selection_kind_t kind;
    size_t at;
    const char *key;  /* of a field: its alias or name */
    const char *name; /* of a field or a fragment; of an inline one its type's, or NULL */
    argument_t *arguments;
    directive_t *directives;
    struct selection_t *selections;
    struct selection_t *next;
    const struct field_t *field;       /* validation: which one it is */
    const struct definition_t *spread; /* validation: what is spread */
} selection_t;

typedef struct variable_t {
    const char *name;
    size_t at;
    typeref_t *type;
    value_t *fallback; /* NULL: none */
    directive_t *directives;
    bool used;
    struct variable_t *next;
} variable_t;

typedef enum { DEFINE_QUERY, DEFINE_MUTATION, DEFINE_SUBSCRIPTION, DEFINE_FRAGMENT } define_t;

/* Where a definition uses a variable. */
typedef struct usage_t {
    const char *name;
    size_t at;
    const typeref_t *type; /* what is wanted there */
    bool fallback;         /* there is another value when it is absent */
    struct usage_t *next;
} usage_t;

/* What a definition spreads. */
typedef struct spread_t {
    struct definition_t *fragment;
    size_t at;
    struct spread_t *next;
} spread_t;

typedef struct definition_t {
    define_t kind;
    size_t at;
    const char *name;      /* NULL: none */
    const char *condition; /* of a fragment: its type's name */
    variable_t *variables;
    directive_t *directives;
    selection_t *selections;
    struct definition_t *next;
    const struct type_t *type; /* validation: what is selected from; NULL: not known */
    usage_t *usages;
    spread_t *spreads;
    int visited; /* validation: in which search it was found last */
} definition_t;

typedef struct parsed_t {
    definition_t *definitions; /* NULL: it is wrong */
    const char *wrong;
    size_t wrong_at;
} parsed_t;

parsed_t graphql_parse(apr_pool_t *pool, const char *text);
/* A type, a value, of the schema's tables; NULL: it is none. */
typeref_t *graphql_parse_type(apr_pool_t *pool, const char *text);
value_t *graphql_parse_value(apr_pool_t *pool, const char *text);

#endif
