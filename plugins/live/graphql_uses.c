/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches through the fragments that definitions spread.  Each search has a number of its own, by
 * which definitions that it has been to are known; the recursion is as deep as there are fragments,
 * which the number of tokens bounds.
 */
#include <string.h>

#include "graphql_validate.h"

#define WRONG(check_, at_, ...) errors_add((check_)->errors, CODE_INVALID, at_, NULL, __VA_ARGS__)

/* ---- Fragments ---- */

enum { NOT_SEEN, ON_THE_WAY, SEEN };

static void find_cycles(check_t *check, definition_t *definition)
{
    definition->visited = ON_THE_WAY;
    for (const spread_t *at = definition->spreads; at != NULL; at = at->next) {
        if (at->fragment->visited == ON_THE_WAY)
            WRONG(check, at->at, "Cannot spread fragment \"%s\" within itself.",
                  at->fragment->name);
        else if (at->fragment->visited == NOT_SEEN) find_cycles(check, at->fragment);
    }
    definition->visited = SEEN;
}

static void check_cycles(check_t *check)
{
    for (definition_t *at = check->definitions; at != NULL; at = at->next)
        if (at->visited == NOT_SEEN) find_cycles(check, at);
}

/* ---- Variables ---- */

static variable_t *variable_find(const definition_t *operation, const char *name)
{
    variable_t *at = operation->variables;
    while (at != NULL && strcmp(at->name, name) != 0) at = at->next;
    return at;
}

/* May what is of the one type stand where the other is wanted?  A whole number will do where an ID
 * is wanted, as it does for a literal. */
static bool is_subtype(const typeref_t *type, const typeref_t *wanted)
{
    if (wanted->kind == TYPE_NON_NULL)
        return type->kind == TYPE_NON_NULL && is_subtype(type->of, wanted->of);
    if (type->kind == TYPE_NON_NULL) return is_subtype(type->of, wanted);
    if (type->kind != wanted->kind) return false;
    if (type->kind == TYPE_LIST) return is_subtype(type->of, wanted->of);
    return type->named == wanted->named ||
           (type->named->row == &graphql_int && wanted->named->row == &graphql_id);
}

/* One that may be null may stand where it must not be when there is something in its place. */
static bool is_allowed(const variable_t *variable, const usage_t *usage)
{
    bool fallback = variable->fallback != NULL && variable->fallback->kind != VALUE_NULL;
    if (usage->type->kind == TYPE_NON_NULL && variable->type->kind != TYPE_NON_NULL)
        return (fallback || usage->fallback) && is_subtype(variable->type, usage->type->of);
    return is_subtype(variable->type, usage->type);
}

static void check_usage(check_t *check, const definition_t *operation, const usage_t *usage)
{
    variable_t *variable = variable_find(operation, usage->name);
    if (variable == NULL) {
        WRONG(check, usage->at, "Variable \"$%s\" is not defined.", usage->name);
        return;
    }
    variable->used = true;
    if (is_allowed(variable, usage)) return;
    apr_pool_t *pool = check->errors->pool;
    WRONG(check, usage->at,
          "Variable \"$%s\" of type \"%s\" used in position expecting type \"%s\".", usage->name,
          typeref_text(pool, variable->type), typeref_text(pool, usage->type));
}

/* All that the operation comes to use by this definition. */
static void check_reached(check_t *check, const definition_t *operation, definition_t *definition,
                          int search)
{
    definition->visited = search;
    for (const usage_t *at = definition->usages; at != NULL; at = at->next)
        check_usage(check, operation, at);
    for (const spread_t *at = definition->spreads; at != NULL; at = at->next)
        if (at->fragment->visited != search)
            check_reached(check, operation, at->fragment, search);
}

static void check_operation(check_t *check, definition_t *operation, int search)
{
    check_reached(check, operation, operation, search);
    for (const variable_t *at = operation->variables; at != NULL; at = at->next)
        if (!at->used) WRONG(check, at->at, "Variable \"$%s\" is never used.", at->name);
}

void validate_uses(check_t *check)
{
    int search = SEEN;
    check_cycles(check);
    for (definition_t *at = check->definitions; at != NULL; at = at->next)
        if (at->kind != DEFINE_FRAGMENT) check_operation(check, at, ++search);
    for (const definition_t *at = check->definitions; at != NULL; at = at->next)
        if (at->visited == SEEN)
            WRONG(check, at->at, "Fragment \"%s\" is never used.", at->name);
}
