/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each definition is walked once, fragments by themselves; what one uses of others (variables,
 * fragments) is noted on the way, and checked afterwards; the plans come last, which need all
 * that.  Later steps rely on earlier ones having found nothing wrong.
 */
#include "graphql_validate.h"

#include <string.h>

#include <apr_strings.h>

#include "graphql_plan.h"
#include "graphql_value.h"

#define WRONG(check_, at_, ...) errors_add((check_)->errors, CODE_INVALID, at_, NULL, __VA_ARGS__)

/* ---- Values ---- */

static void note_usage(check_t *check, const typeref_t *type, const value_t *value, bool fallback)
{
    usage_t *usage = apr_palloc(check->errors->pool, sizeof(*usage));
    *usage = (usage_t){ .name = value->text,
                        .at = value->at,
                        .type = type,
                        .fallback = fallback,
                        .next = check->current->usages };
    check->current->usages = usage;
}

static void wrong_value(check_t *check, const typeref_t *type, const value_t *value)
{
    const char *found = value->text != NULL ? value->text
                        : value->kind == VALUE_LIST ? "[...]" : "{...}";
    const char *quote = value->kind == VALUE_STRING ? "\"" : "";
    WRONG(check, value->at, "Expected value of type \"%s\", found %s%.64s%s.",
          typeref_text(check->errors->pool, type), quote, found, quote);
}

static void check_value(check_t *check, const typeref_t *type, const value_t *value, bool fallback)
{
    if (value->kind == VALUE_VARIABLE) {
        note_usage(check, type, value, fallback);
        return;
    }
    const typeref_t *inner = type->kind == TYPE_NON_NULL ? type->of : type;
    if (value->kind == VALUE_NULL) {
        if (type != inner) wrong_value(check, type, value);
    } else if (inner->kind == TYPE_LIST && value->kind != VALUE_LIST) {
        check_value(check, inner->of, value, false);
    } else if (inner->kind == TYPE_LIST) {
        for (const value_t *at = value->items; at != NULL; at = at->next)
            check_value(check, inner->of, at, false);
    } else if (!value_fits(inner->named, value)) wrong_value(check, type, value);
}

/* ---- Arguments ---- */

static const input_t *input_find(const inputs_t *inputs, const char *name)
{
    for (int i = 0; i < inputs->count; i++)
        if (strcmp(inputs->list[i].row->name, name) == 0) return &inputs->list[i];
    return NULL;
}

static const argument_t *argument_find(const argument_t *from, const argument_t *to,
                                       const char *name)
{
    while (from != to && strcmp(from->name, name) != 0) from = from->next;
    return from != to ? from : NULL;
}

/* owner: `field "Query.chatRoom"`, for messages. */
static void check_arguments(check_t *check, const inputs_t *inputs, const argument_t *arguments,
                            const char *owner, size_t owner_at)
{
    for (const argument_t *at = arguments; at != NULL; at = at->next) {
        const input_t *input = input_find(inputs, at->name);
        if (input == NULL) WRONG(check, at->at, "Unknown argument \"%s\" on %s.", at->name, owner);
        else check_value(check, input->type, at->value, input->fallback != NULL);
        if (argument_find(arguments, at, at->name) != NULL)
            WRONG(check, at->at, "There can be only one argument named \"%s\".", at->name);
    }
    for (int i = 0; i < inputs->count; i++) {
        const graphql_argument_t *row = inputs->list[i].row;
        if (inputs->list[i].type->kind == TYPE_NON_NULL && inputs->list[i].fallback == NULL &&
            argument_find(arguments, NULL, row->name) == NULL)
            WRONG(check, owner_at,
                  "Argument \"%s\" of type \"%s\" is required on %s, but it was not provided.",
                  row->name, row->type, owner);
    }
}

/* ---- Directives ---- */

static void check_directive(check_t *check, const directive_t *directive, unsigned place)
{
    int which = schema_directive(directive->name);
    if (which < 0) {
        WRONG(check, directive->at, "Unknown directive \"@%s\".", directive->name);
        return;
    }
    if (!(directive_defs[which].places & place))
        WRONG(check, directive->at, "Directive \"@%s\" may not be used here.", directive->name);
    check_arguments(
        check, &check->schema->directives[which], directive->arguments,
        apr_psprintf(check->errors->pool, "directive \"@%s\"", directive->name), directive->at);
}

static void check_directives(check_t *check, const directive_t *directives, unsigned place)
{
    for (const directive_t *at = directives; at != NULL; at = at->next) {
        check_directive(check, at, place);
        for (const directive_t *other = directives; other != at; other = other->next) {
            if (strcmp(other->name, at->name) != 0) continue;
            WRONG(check, at->at, "The directive \"@%s\" can only be used once at this location.",
                  at->name);
            break;
        }
    }
}

/* ---- Selections ---- */

static void check_selections(check_t *check, const type_t *type, selection_t *selection);

/* The object of that name; NULL, told: there is none. */
static const type_t *check_condition(check_t *check, const char *name, size_t at)
{
    const type_t *type = schema_type(check->schema, name);
    if (type == NULL) WRONG(check, at, "Unknown type \"%s\".", name);
    else if (type->row->kind == GRAPHQL_OBJECT) return type;
    else WRONG(check, at, "Fragment cannot condition on non composite type \"%s\".", name);
    return NULL;
}

/* Objects are of one type each. */
static void check_possible(check_t *check, const type_t *type, const type_t *condition, size_t at)
{
    if (condition != NULL && type != condition)
        WRONG(check, at,
              "Fragment cannot be spread here as objects of type \"%s\" can never be of type "
              "\"%s\".",
              type->row->name, condition->row->name);
}

static void check_field(check_t *check, const type_t *type, selection_t *selection)
{
    const char *name = selection->name;
    const field_t *field = schema_field(check->schema, type, name);
    selection->field = field;
    if (field == NULL) {
        WRONG(check, selection->at, "Cannot query field \"%s\" on type \"%s\".", name,
              type->row->name);
        return;
    }
    check_arguments(check, &field->arguments, selection->arguments,
                    apr_psprintf(check->errors->pool, "field \"%s.%s\"", type->row->name, name),
                    selection->at);
    const type_t *inner = typeref_named(field->type);
    bool object = inner->row->kind == GRAPHQL_OBJECT;
    if (object && selection->selections == NULL)
        WRONG(check, selection->at,
              "Field \"%s\" of type \"%s\" must have a selection of subfields.", name,
              field->row->type);
    else if (!object && selection->selections != NULL)
        WRONG(check, selection->at,
              "Field \"%s\" must not have a selection since type \"%s\" has no subfields.", name,
              field->row->type);
    else if (object) check_selections(check, inner, selection->selections);
}

static definition_t *fragment_find(const check_t *check, const char *name)
{
    for (definition_t *at = check->definitions; at != NULL; at = at->next)
        if (at->kind == DEFINE_FRAGMENT && strcmp(at->name, name) == 0) return at;
    return NULL;
}

static void check_spread(check_t *check, const type_t *type, selection_t *selection)
{
    definition_t *fragment = fragment_find(check, selection->name);
    if (fragment == NULL) {
        WRONG(check, selection->at, "Unknown fragment \"%s\".", selection->name);
        return;
    }
    check_possible(check, type, schema_type(check->schema, fragment->condition), selection->at);
    selection->spread = fragment;
    spread_t *spread = apr_palloc(check->errors->pool, sizeof(*spread));
    *spread = (spread_t){ fragment, selection->at, check->current->spreads };
    check->current->spreads = spread;
}

static void check_inline(check_t *check, const type_t *type, selection_t *selection)
{
    const type_t *condition = type;
    if (selection->name != NULL)
        condition = check_condition(check, selection->name, selection->at);
    check_possible(check, type, condition, selection->at);
    if (condition != NULL) check_selections(check, condition, selection->selections);
}

static const struct {
    void (*check)(check_t *check, const type_t *type, selection_t *selection);
    unsigned place;
} selectors[] = {
    [SELECT_FIELD] = { check_field, PLACE_FIELD },
    [SELECT_SPREAD] = { check_spread, PLACE_FRAGMENT_SPREAD },
    [SELECT_INLINE] = { check_inline, PLACE_INLINE_FRAGMENT },
};

static void check_selections(check_t *check, const type_t *type, selection_t *selection)
{
    for (; selection != NULL; selection = selection->next) {
        check_directives(check, selection->directives, selectors[selection->kind].place);
        selectors[selection->kind].check(check, type, selection);
    }
}

/* ---- Definitions ---- */

static void check_variable(check_t *check, const variable_t *all, variable_t *variable)
{
    for (const variable_t *at = all; at != variable; at = at->next)
        if (strcmp(at->name, variable->name) == 0) {
            WRONG(check, variable->at, "There can be only one variable named \"$%s\".",
                  variable->name);
            break;
        }
    check_directives(check, variable->directives, PLACE_VARIABLE_DEFINITION);
    const char *type = typeref_text(check->errors->pool, variable->type);
    if (!schema_resolve(check->schema, variable->type))
        WRONG(check, variable->type->at, "Unknown type in \"%s\".", type);
    else if (typeref_named(variable->type)->row->read == NULL)
        WRONG(check, variable->type->at, "Variable \"$%s\" cannot be non-input type \"%s\".",
              variable->name, type);
    else if (variable->fallback != NULL)
        check_value(check, variable->type, variable->fallback, false);
}

static const type_t *root_type(check_t *check, const definition_t *definition)
{
    const graphql_schema_t *schema = check->schema;
    switch (definition->kind) {
    case DEFINE_FRAGMENT: return check_condition(check, definition->condition, definition->at);
    case DEFINE_QUERY: return schema->query;
    case DEFINE_MUTATION:
        if (schema->mutation != NULL) return schema->mutation; /* else: */
        WRONG(check, definition->at, "Schema is not configured to execute mutations.");
        return NULL;
    default:
        WRONG(check, definition->at, "Schema is not configured to execute subscriptions.");
        return NULL;
    }
}

/* Names are of operations, or of fragments; who has none must be the only operation. */
static void check_name(check_t *check, const definition_t *definition)
{
    bool fragment = definition->kind == DEFINE_FRAGMENT;
    for (const definition_t *at = check->definitions; at != NULL; at = at->next) {
        if (at == definition || (at->kind == DEFINE_FRAGMENT) != fragment) continue;
        if (definition->name == NULL) {
            WRONG(check, definition->at,
                  "This anonymous operation must be the only defined operation.");
            return;
        }
        if (at->name == NULL || strcmp(at->name, definition->name) != 0) continue;
        WRONG(check, definition->at, "There can be only one %s named \"%s\".",
              fragment ? "fragment" : "operation", definition->name);
        return;
    }
}

static void check_definition(check_t *check, definition_t *definition)
{
    static const unsigned places[] = {
        [DEFINE_QUERY] = PLACE_QUERY,
        [DEFINE_MUTATION] = PLACE_MUTATION,
        [DEFINE_SUBSCRIPTION] = PLACE_SUBSCRIPTION,
        [DEFINE_FRAGMENT] = PLACE_FRAGMENT_DEFINITION,
    };
    check->current = definition;
    check_name(check, definition);
    for (variable_t *at = definition->variables; at != NULL; at = at->next)
        check_variable(check, definition->variables, at);
    check_directives(check, definition->directives, places[definition->kind]);
    definition->type = root_type(check, definition);
    if (definition->type != NULL)
        check_selections(check, definition->type, definition->selections);
}

/* All operations together are bounded. */
static void check_plans(check_t *check)
{
    plan_t *plan;
    planner_t planner = { .schema = check->schema, .errors = check->errors };
    for (const definition_t *at = check->definitions; at != NULL; at = at->next)
        if (at->kind != DEFINE_FRAGMENT && !plan_make(&planner, at, &plan)) return;
}

void validate(const graphql_schema_t *schema, errors_t *errors, definition_t *definitions)
{
    check_t check = { .schema = schema, .errors = errors, .definitions = definitions };
    for (definition_t *at = definitions; at != NULL; at = at->next) check_definition(&check, at);
    if (errors->list == NULL) validate_uses(&check);
    if (errors->list == NULL) check_plans(&check);
}
