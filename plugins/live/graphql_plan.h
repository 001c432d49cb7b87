/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans: what an operation selects, with fragments taken in and what is asked for twice merged.
 * Conditions depend on variables alone, so one plan serves for all objects.
 */
#ifndef LIVE_GRAPHQL_PLAN_H
#define LIVE_GRAPHQL_PLAN_H

#include "graphql_error.h"
#include "graphql_schema.h"

typedef struct plan_t {
    const char *key; /* in the answer */
    const field_t *field;
    const selection_t *selection; /* the first of those that were merged */
    struct plan_t *children;      /* of an object's field */
    struct plan_t *next;
    struct occurrence_t *first, **last; /* all that were merged */
} plan_t;

typedef struct planner_t {
    const graphql_schema_t *schema;
    errors_t *errors;
    json_object *variables; /* NULL: conditions do not count */
    int count;              /* of selections so far */
    int depth;
} planner_t;

/* False: it conflicts with itself or is too large, or a condition is null; the errors say so. */
bool plan_make(planner_t *planner, const definition_t *operation, plan_t **plan_r);

#endif
