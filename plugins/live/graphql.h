/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphQL, by its specification of October 2021: requests against a schema that is made of tables.
 * Knows nothing of who asks or over what; values come as JSON from resolvers, which may answer
 * later.  What a request can cost is bounded, whatever it says.  All of a request's memory is in
 * its pool.  There are objects, scalars and enumerations; no interfaces, unions, input objects or
 * subscriptions.
 */
#ifndef LIVE_GRAPHQL_H
#define LIVE_GRAPHQL_H

#include <stdbool.h>
#include <stddef.h>

#include <apr_pools.h>
#include <json-c/json.h>

#define GRAPHQL_TOKENS 4000   /* of a document */
#define GRAPHQL_DEPTH  32     /* of what is nested, fragments taken in */
#define GRAPHQL_FIELDS 1000   /* of a document's operations, fragments taken in */
#define GRAPHQL_VALUES 100000 /* of an answer; one of introspection counts for several */
#define GRAPHQL_ERRORS 20     /* of an answer */
#define GRAPHQL_META_WEIGHT 10

typedef struct graphql_run_t graphql_run_t;       /* one request on its way */
typedef struct graphql_schema_t graphql_schema_t; /* never changes; one thread's */

/* ---- Schemas ---- */

typedef enum { GRAPHQL_SCALAR, GRAPHQL_OBJECT, GRAPHQL_ENUM } graphql_kind_t;

typedef struct graphql_argument_t {
    const char *name; /* NULL ends the table */
    const char *type; /* "String!": of scalars */
    const char *fallback; /* a literal; NULL: none */
    const char *help;
} graphql_argument_t;

/*
 * Fills a field of the query or mutation: calls, now or later, graphql_answer or graphql_refuse
 * once.  arguments: an object, borrowed while the run lasts; those left out are not in it.
 */
typedef void graphql_resolver_t(graphql_run_t *run, json_object *arguments);

typedef struct graphql_field_t {
    const char *name; /* NULL ends the table */
    const char *type; /* "[ChatRoom!]!" */
    const char *member; /* of the object's JSON; NULL: the one of the field's name */
    const graphql_argument_t *arguments; /* NULL: none */
    graphql_resolver_t *resolve; /* of the fields of the query and mutation, only and always */
    const char *help;
} graphql_field_t;

typedef struct graphql_type_t {
    graphql_kind_t kind;
    const char *name;
    const char *help;
    const graphql_field_t *fields;   /* of an object */
    const char *const *values;       /* of an enumeration, NULL at the end */
    const char *specified_by;        /* of a scalar: a URL; NULL: none */
    /* Of a scalar: the value as it is shown (a new reference); false: it cannot be. */
    bool (*write)(json_object *value, json_object **shown_r);
    /* Of a scalar: a value (not null) as the arguments have it (a new reference); false: it is
     * none.  NULL: the scalar is no argument. */
    bool (*read)(json_object *value, bool literal, json_object **value_r);
    /* Of an object: in the place of the value that stood for it (a new reference). */
    json_object *(*load)(const graphql_schema_t *schema, json_object *value);
} graphql_type_t;

extern const graphql_type_t graphql_int, graphql_string, graphql_boolean, graphql_id;

/* types: NULL at the end, the scalars that are used among them; one is named "Query", one perhaps
 * "Mutation".  Wrong tables end the process. */
const graphql_schema_t *graphql_schema_make(apr_pool_t *pool, const graphql_type_t *const *types,
                                            const char *help);

/* ---- Requests ---- */

typedef enum {
    GRAPHQL_EXECUTED,
    GRAPHQL_INVALID,   /* the document or the variables are */
    GRAPHQL_FORBIDDEN, /* a mutation where there must be none */
} graphql_outcome_t;

typedef struct graphql_request_t {
    const char *query; /* valid UTF-8 */
    const char *operation; /* its name; NULL or "": the only one */
    json_object *variables; /* an object, borrowed; NULL: none */
    bool read_only; /* no mutation */
    void *baton;
    /* Called once, perhaps before graphql_run has returned.  response: borrowed. */
    void (*done)(void *baton, graphql_outcome_t outcome, json_object *response);
} graphql_request_t;

/* Checks it and runs it.  What it points to must live until it is done. */
void graphql_run(apr_pool_t *pool, const graphql_schema_t *schema,
                 const graphql_request_t *request);

/* ---- For resolvers ---- */

void *graphql_baton(const graphql_run_t *run);
/* value: consumed; NULL is null. */
void graphql_answer(graphql_run_t *run, json_object *value);
/* code: "FORBIDDEN", for programs; copied. */
void graphql_refuse(graphql_run_t *run, const char *message, const char *code);

/* A response that is nothing but an error; a new object.  code: NULL: none. */
json_object *graphql_complaint(const char *message, const char *code);

#endif
