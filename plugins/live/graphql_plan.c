/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two selections of one key are merged when they select the same field with the same arguments, and
 * conflict otherwise: since there are no abstract types, those of one key always select from the
 * same one.  Takes as long as the plan is large, and that is counted.  Relies on fragments without
 * cycles.
 */
#include "graphql_plan.h"

#include <string.h>

#include "graphql_value.h"

typedef struct occurrence_t {
    const selection_t *selection;
    struct occurrence_t *next;
} occurrence_t;

/* ---- Conflicts ---- */

static bool same_value(const value_t *a, const value_t *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind != VALUE_LIST && a->kind != VALUE_OBJECT) return strcmp(a->text, b->text) == 0;
    for (a = a->items, b = b->items; a != NULL && b != NULL; a = a->next, b = b->next)
        if (!same_value(a, b)) return false;
    return a == b;
}

/* Each of the one has its like in the other. */
static bool covers(const argument_t *a, const argument_t *others)
{
    for (; a != NULL; a = a->next) {
        const argument_t *b = others;
        while (b != NULL && strcmp(a->name, b->name) != 0) b = b->next;
        if (b == NULL || !same_value(a->value, b->value)) return false;
    }
    return true;
}

static void check_merge(planner_t *planner, const selection_t *a, const selection_t *b)
{
    if (a->field != b->field)
        errors_add(planner->errors, CODE_INVALID, b->at, NULL,
                   "Fields \"%s\" conflict because \"%s\" and \"%s\" are different fields. "
                   "Use different aliases on the fields to fetch both.",
                   a->key, a->name, b->name);
    else if (!covers(a->arguments, b->arguments) || !covers(b->arguments, a->arguments))
        errors_add(planner->errors, CODE_INVALID, b->at, NULL,
                   "Fields \"%s\" conflict because they have differing arguments. "
                   "Use different aliases on the fields to fetch both.",
                   a->key);
}

/* ---- Conditions ---- */

static bool condition(planner_t *planner, const directive_t *directive)
{
    const char *wrong;
    const inputs_t *inputs = &planner->schema->directives[schema_directive(directive->name)];
    json_object *arguments = value_arguments(planner->errors->pool, inputs, directive->arguments,
                                             planner->variables, &wrong);
    if (arguments != NULL)
        return json_object_get_boolean(json_object_object_get(arguments, "if"));
    errors_add(planner->errors, CODE_INPUT, directive->at, NULL,
               "Argument \"%s\" of directive \"@%s\" must not be null.", wrong, directive->name);
    return false;
}

static bool is_included(planner_t *planner, const directive_t *directive)
{
    if (planner->variables == NULL) return true;
    for (; directive != NULL; directive = directive->next)
        if (condition(planner, directive) != (strcmp(directive->name, "include") == 0))
            return false;
    return true;
}

/* ---- Collecting ---- */

static plan_t *plan_at(planner_t *planner, plan_t **level, const selection_t *selection)
{
    for (; *level != NULL; level = &(*level)->next) {
        if (strcmp((*level)->key, selection->key) != 0) continue;
        check_merge(planner, (*level)->selection, selection);
        return *level;
    }
    plan_t *plan = apr_pcalloc(planner->errors->pool, sizeof(*plan));
    plan->key = selection->key;
    plan->field = selection->field;
    plan->selection = selection;
    plan->last = &plan->first;
    *level = plan;
    return plan;
}

static void collect_field(planner_t *planner, plan_t **level, const selection_t *selection)
{
    plan_t *plan = plan_at(planner, level, selection);
    occurrence_t *occurrence = apr_pcalloc(planner->errors->pool, sizeof(*occurrence));
    occurrence->selection = selection;
    *plan->last = occurrence;
    plan->last = &occurrence->next;
}

static bool too_large(planner_t *planner, size_t at, const char *why)
{
    errors_add(planner->errors, CODE_INVALID, at, NULL, "%s", why);
    return false;
}

static bool collect(planner_t *planner, plan_t **level, const selection_t *selection)
{
    for (; selection != NULL; selection = selection->next) {
        if (!is_included(planner, selection->directives)) continue;
        if (++planner->count > GRAPHQL_FIELDS)
            return too_large(planner, selection->at, "Document selects too many fields.");
        const selection_t *inner = selection->kind == SELECT_SPREAD
                                       ? selection->spread->selections
                                       : selection->selections;
        if (selection->kind == SELECT_FIELD) collect_field(planner, level, selection);
        else if (!collect(planner, level, inner)) return false;
    }
    return true;
}

/* What the fields of a level select in turn. */
static bool descend(planner_t *planner, plan_t *plan)
{
    if (++planner->depth > GRAPHQL_DEPTH)
        return too_large(planner, plan->selection->at, "Document is nested too deeply.");
    for (; plan != NULL; plan = plan->next) {
        for (const occurrence_t *at = plan->first; at != NULL; at = at->next)
            if (!collect(planner, &plan->children, at->selection->selections)) return false;
        if (plan->children != NULL && !descend(planner, plan->children)) return false;
    }
    planner->depth--;
    return true;
}

bool plan_make(planner_t *planner, const definition_t *operation, plan_t **plan_r)
{
    *plan_r = NULL;
    planner->depth = 0;
    return collect(planner, plan_r, operation->selections) &&
           (*plan_r == NULL || descend(planner, *plan_r)) && planner->errors->list == NULL;
}
