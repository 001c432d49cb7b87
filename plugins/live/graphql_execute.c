/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run fills the fields of the query or mutation one after another, each when the one before has
 * its answer; what is below them is in the answer's JSON, and takes no waiting.  A null that must
 * not be makes what it is in null, as far up as it takes.
 */
#include "graphql_execute.h"

#include <assert.h>
#include <string.h>

#include <apr_strings.h>

#include "graphql_plan.h"
#include "graphql_validate.h"
#include "graphql_value.h"

struct graphql_run_t {
    apr_pool_t *pool;
    const graphql_schema_t *schema;
    const graphql_request_t *request;
    errors_t errors;
    const definition_t *operation;
    json_object *variables;
    const plan_t *at;  /* the field that is being filled */
    json_object *data; /* NULL: a null that must not be has come up to here */
    int values;        /* so far, by weight */
    int weight;        /* of those of the field that is being filled */
    bool overflown;    /* there were too many */
    bool waiting;      /* its resolver has not answered yet */
    bool advancing;
};

/* Where a value is: a chain that ends at the top. */
typedef struct path_t {
    const struct path_t *up;
    const char *key; /* NULL: a list's item */
    size_t index;
} path_t;

/* ---- Errors ---- */

static void path_add(json_object *list, const path_t *path)
{
    if (path->up != NULL) path_add(list, path->up);
    json_object_array_add(list, path->key != NULL ? json_object_new_string(path->key)
                                                  : json_object_new_int64((int64_t)path->index));
}

static json_object *path_json(const path_t *path)
{
    json_object *list = json_object_new_array();
    path_add(list, path);
    return list;
}

/* Always false. */
static bool field_failed(graphql_run_t *run, const plan_t *plan, const path_t *path,
                         const char *code, const char *message)
{
    errors_add(&run->errors, code, plan->selection->at, path_json(path), "%s", message);
    return false;
}

/* Always false; told once. */
static bool too_large(graphql_run_t *run, const plan_t *plan, const path_t *path)
{
    if (run->overflown) return false;
    run->overflown = true;
    return field_failed(run, plan, path, CODE_INPUT, "The answer is too large.");
}

/* ---- Completing: from what a resolver has answered to what the plan selects ---- */

/* *shown_r: a new reference.  False: there is an error, and it is null. */
static bool complete(graphql_run_t *run, const typeref_t *type, json_object *value,
                     const plan_t *plan, const path_t *path, json_object **shown_r);

static json_object *member_of(const type_t *type, json_object *object, const plan_t *plan)
{
    const graphql_field_t *row = plan->field->row;
    if (strcmp(row->name, "__typename") == 0) return json_object_new_string(type->row->name);
    const char *member = row->member != NULL ? row->member : row->name;
    return json_object_get(json_object_object_get(object, member));
}

/* Keys are the plan's, and each is there once. */
static void member_add(json_object *object, const plan_t *plan, json_object *value)
{
    json_object_object_add_ex(object, plan->key, value,
                              JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY);
}

static bool complete_members(graphql_run_t *run, const type_t *type, json_object *object,
                             const plan_t *plan, const path_t *path, json_object *shown)
{
    for (const plan_t *at = plan->children; at != NULL; at = at->next) {
        path_t here = { .up = path, .key = at->key };
        json_object *value = member_of(type, object, at), *member;
        bool good = complete(run, at->field->type, value, at, &here, &member);
        json_object_put(value);
        if (!good) return false;
        member_add(shown, at, member);
    }
    return true;
}

static bool complete_object(graphql_run_t *run, const type_t *type, json_object *value,
                            const plan_t *plan, const path_t *path, json_object **shown_r)
{
    json_object *object =
        type->row->load != NULL ? type->row->load(run->schema, value) : json_object_get(value);
    json_object *shown = json_object_new_object();
    bool good = complete_members(run, type, object, plan, path, shown);
    json_object_put(object);
    if (good) *shown_r = shown;
    else json_object_put(shown);
    return good;
}

static bool complete_list(graphql_run_t *run, const typeref_t *type, json_object *value,
                          const plan_t *plan, const path_t *path, json_object **shown_r)
{
    assert(json_object_is_type(value, json_type_array));
    json_object *list = json_object_new_array(), *shown;
    path_t here = { .up = path };
    for (; here.index < json_object_array_length(value); here.index++) {
        json_object *item = json_object_array_get_idx(value, here.index);
        if (!complete(run, type->of, item, plan, &here, &shown)) {
            json_object_put(list);
            return false;
        }
        json_object_array_add(list, shown);
    }
    *shown_r = list;
    return true;
}

static bool complete_leaf(graphql_run_t *run, const type_t *type, json_object *value,
                          const plan_t *plan, const path_t *path, json_object **shown_r)
{
    if (type->row->kind == GRAPHQL_ENUM) {
        *shown_r = json_object_get(value);
        return true;
    }
    if (type->row->write(value, shown_r)) return true;
    return field_failed(run, plan, path, CODE_INTERNAL,
                        apr_psprintf(run->pool, "%s cannot represent the value.", type->row->name));
}

/* What is not null, of a type that may be null. */
static bool complete_value(graphql_run_t *run, const typeref_t *type, json_object *value,
                           const plan_t *plan, const path_t *path, json_object **shown_r)
{
    if (type->kind == TYPE_LIST) return complete_list(run, type, value, plan, path, shown_r);
    if (type->named->row->kind == GRAPHQL_OBJECT)
        return complete_object(run, type->named, value, plan, path, shown_r);
    return complete_leaf(run, type->named, value, plan, path, shown_r);
}

static bool complete(graphql_run_t *run, const typeref_t *type, json_object *value,
                     const plan_t *plan, const path_t *path, json_object **shown_r)
{
    bool strict = type->kind == TYPE_NON_NULL;
    *shown_r = NULL;
    run->values += run->weight;
    if (run->values > GRAPHQL_VALUES) return too_large(run, plan, path);
    if (value == NULL && strict)
        return field_failed(run, plan, path, CODE_INTERNAL,
                            apr_psprintf(run->pool, "Cannot return null for non-nullable field %s.",
                                         plan->field->row->name));
    if (value == NULL) return true;
    if (strict) return complete_value(run, type->of, value, plan, path, shown_r);
    if (!complete_value(run, type, value, plan, path, shown_r)) *shown_r = NULL;
    return !run->overflown;
}

/* ---- Running ---- */

static void finish(graphql_run_t *run, graphql_outcome_t outcome)
{
    json_object *response = value_keep(run->pool, json_object_new_object());
    errors_move(&run->errors, response);
    if (outcome == GRAPHQL_EXECUTED)
        json_object_object_add(response, "data", json_object_get(run->data));
    run->request->done(run->request->baton, outcome, response);
}

static void give_up(graphql_run_t *run)
{
    json_object_put(run->data);
    run->data = NULL;
}

static void resolve(graphql_run_t *run)
{
    const plan_t *plan = run->at;
    const char *wrong;
    const field_t *field = plan->field;
    run->weight = field->row->resolve != NULL && strncmp(field->row->name, "__", 2) == 0
                      ? GRAPHQL_META_WEIGHT
                      : 1;
    if (field == run->schema->typename) {
        graphql_answer(run, json_object_new_string(run->operation->type->row->name));
        return;
    }
    json_object *arguments = value_arguments(run->pool, &field->arguments,
                                             plan->selection->arguments, run->variables, &wrong);
    if (arguments != NULL) field->row->resolve(run, arguments);
    else
        graphql_refuse(run, apr_psprintf(run->pool, "Argument \"%s\" must not be null.", wrong),
                       CODE_INPUT);
}

/* A resolver that answers at once comes back to this loop, one that does so later begins it
 * again. */
static void advance(graphql_run_t *run)
{
    if (run->advancing) return;
    run->advancing = true;
    while (!run->waiting && run->at != NULL && run->data != NULL) {
        run->waiting = true;
        resolve(run);
    }
    run->advancing = false;
    if (!run->waiting) finish(run, GRAPHQL_EXECUTED);
}

static void answered(graphql_run_t *run, bool good, json_object *shown)
{
    assert(run->waiting);
    run->waiting = false;
    if (good) member_add(run->data, run->at, shown);
    else give_up(run);
    run->at = run->at->next;
    advance(run);
}

void graphql_answer(graphql_run_t *run, json_object *value)
{
    const plan_t *plan = run->at;
    path_t path = { .key = plan->key };
    json_object *shown;
    bool good = complete(run, plan->field->type, value, plan, &path, &shown);
    json_object_put(value);
    answered(run, good, shown);
}

void graphql_refuse(graphql_run_t *run, const char *message, const char *code)
{
    path_t path = { .key = run->at->key };
    field_failed(run, run->at, &path, code, message);
    answered(run, run->at->field->type->kind != TYPE_NON_NULL, NULL);
}

void *graphql_baton(const graphql_run_t *run)
{
    return run->request->baton;
}

const graphql_schema_t *graphql_schema(const graphql_run_t *run)
{
    return run->schema;
}

/* ---- Requests ---- */

static const definition_t *operation_find(graphql_run_t *run, const definition_t *definitions)
{
    const char *name = run->request->operation;
    const definition_t *found = NULL;
    bool named = name != NULL && *name != '\0';
    int count = 0;
    for (const definition_t *at = definitions; at != NULL; at = at->next) {
        if (at->kind == DEFINE_FRAGMENT) continue;
        if (named && (at->name == NULL || strcmp(at->name, name) != 0)) continue;
        found = at;
        count++;
    }
    if (count == 1) return found;
    if (named)
        errors_add(&run->errors, CODE_INPUT, NOWHERE, NULL, "Unknown operation named \"%.64s\".",
                   name);
    else
        errors_add(&run->errors, CODE_INPUT, NOWHERE, NULL, count == 0
                       ? "Document has no operation."
                       : "Must provide operation name if query contains multiple operations.");
    return NULL;
}

static const definition_t *prepare(graphql_run_t *run)
{
    parsed_t parsed = graphql_parse(run->pool, run->request->query);
    if (parsed.wrong != NULL) {
        errors_add(&run->errors, CODE_PARSE, parsed.wrong_at, NULL, "%s", parsed.wrong);
        return NULL;
    }
    validate(run->schema, &run->errors, parsed.definitions);
    return run->errors.list == NULL ? operation_find(run, parsed.definitions) : NULL;
}

/* What is to be filled. */
static bool plan(graphql_run_t *run)
{
    plan_t *first;
    planner_t planner = { .schema = run->schema, .errors = &run->errors };
    run->variables = value_variables(&run->errors, run->operation, run->request->variables);
    if (run->variables == NULL) return false;
    planner.variables = run->variables;
    if (!plan_make(&planner, run->operation, &first)) return false;
    run->at = first;
    return true;
}

static apr_status_t run_end(void *baton)
{
    graphql_run_t *run = baton;
    json_object_put(run->data);
    json_object_put(run->errors.list);
    return APR_SUCCESS;
}

void graphql_run(apr_pool_t *pool, const graphql_schema_t *schema,
                 const graphql_request_t *request)
{
    graphql_run_t *run = apr_pcalloc(pool, sizeof(*run));
    run->pool = pool;
    run->schema = schema;
    run->request = request;
    run->errors = (errors_t){ .pool = pool, .text = request->query };
    apr_pool_cleanup_register(pool, run, run_end, apr_pool_cleanup_null);
    run->operation = prepare(run);
    if (run->operation == NULL) {
        finish(run, GRAPHQL_INVALID);
    } else if (request->read_only && run->operation->kind == DEFINE_MUTATION) {
        errors_add(&run->errors, CODE_INPUT, NOWHERE, NULL, "Mutations must be sent by POST.");
        finish(run, GRAPHQL_FORBIDDEN);
    } else if (!plan(run)) {
        finish(run, GRAPHQL_INVALID);
    } else {
        run->data = json_object_new_object();
        advance(run);
    }
}
