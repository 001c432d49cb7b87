/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recursive descent, one function per rule of the grammar.  After a mistake no token is any more
 * what anybody wants, so everything comes to its end by itself; the first mistake is kept.  What
 * nests is counted, so the stack is bounded.
 */
#include <string.h>

#include <apr_strings.h>

#include "graphql_ast.h"
#include "graphql_lexer.h"

typedef struct parser_t {
    apr_pool_t *pool;
    lexer_t lexer;
    token_t token;
    int depth;
    const char *wrong;
    size_t wrong_at;
} parser_t;

/* ---- Tokens ---- */

static void fail(parser_t *p, size_t at, const char *why)
{
    if (p->wrong == NULL) {
        p->wrong = apr_pstrcat(p->pool, "Syntax Error: ", why, NULL);
        p->wrong_at = at;
    }
    p->token = (token_t){ TOKEN_BAD, at, why };
}

static void advance(parser_t *p)
{
    if (p->token.kind == TOKEN_BAD) return;
    p->token = lexer_next(&p->lexer);
    if (p->token.kind == TOKEN_BAD) fail(p, p->token.at, p->token.text);
}

static const char *kind_name(apr_pool_t *pool, int kind)
{
    switch (kind) {
    case TOKEN_END: return "<EOF>";
    case TOKEN_NAME: return "Name";
    case TOKEN_INT: return "Int";
    case TOKEN_FLOAT: return "Float";
    case TOKEN_STRING: return "String";
    case '.': return "\"...\"";
    default: return apr_psprintf(pool, "\"%c\"", kind);
    }
}

/* As a message names it. */
static const char *token_name(const parser_t *p)
{
    const char *kind = kind_name(p->pool, p->token.kind);
    if (p->token.text == NULL || p->token.kind == TOKEN_STRING) return kind;
    return apr_psprintf(p->pool, "%s \"%.64s\"", kind, p->token.text);
}

static void unexpected(parser_t *p)
{
    fail(p, p->token.at, apr_psprintf(p->pool, "Unexpected %s.", token_name(p)));
}

static bool take(parser_t *p, int kind)
{
    if (p->token.kind != kind) return false;
    advance(p);
    return true;
}

static const char *expect(parser_t *p, int kind)
{
    const char *text = p->token.text;
    if (take(p, kind)) return text;
    fail(p, p->token.at,
         apr_psprintf(p->pool, "Expected %s, found %s.", kind_name(p->pool, kind), token_name(p)));
    return "";
}

static bool at_word(const parser_t *p, const char *word)
{
    return p->token.kind == TOKEN_NAME && strcmp(p->token.text, word) == 0;
}

static bool accept_word(parser_t *p, const char *word)
{
    bool there = at_word(p, word);
    if (there) advance(p);
    return there;
}

static void deeper(parser_t *p)
{
    if (++p->depth > GRAPHQL_DEPTH) fail(p, p->token.at, "Document is nested too deeply.");
}

/* ---- Types ---- */

static typeref_t *typeref_make(parser_t *p, typeref_kind_t kind, size_t at)
{
    typeref_t *type = apr_pcalloc(p->pool, sizeof(*type));
    type->kind = kind;
    type->at = at;
    return type;
}

static typeref_t *parse_type(parser_t *p)
{
    size_t at = p->token.at;
    typeref_t *type = typeref_make(p, p->token.kind == '[' ? TYPE_LIST : TYPE_NAMED, at);
    deeper(p);
    if (take(p, '[')) {
        type->of = parse_type(p);
        expect(p, ']');
    } else type->name = expect(p, TOKEN_NAME);
    p->depth--;
    if (!take(p, '!')) return type;
    typeref_t *outer = typeref_make(p, TYPE_NON_NULL, at);
    outer->of = type;
    return outer;
}

/* ---- Values ---- */

static value_kind_t word_kind(const char *word)
{
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) return VALUE_BOOLEAN;
    return strcmp(word, "null") == 0 ? VALUE_NULL : VALUE_ENUM;
}

/* constant: no variables. */
static value_t *parse_value(parser_t *p, bool constant);

static void parse_list(parser_t *p, value_t *list, bool constant)
{
    value_t **last = &list->items;
    while (!take(p, ']') && p->wrong == NULL) {
        *last = parse_value(p, constant);
        last = &(*last)->next;
    }
}

static void parse_object(parser_t *p, value_t *object, bool constant)
{
    value_t **last = &object->items;
    while (!take(p, '}') && p->wrong == NULL) {
        expect(p, TOKEN_NAME);
        expect(p, ':');
        *last = parse_value(p, constant);
        last = &(*last)->next;
    }
}

/* What kind of value begins with the token; false: none. */
static bool value_begins(const token_t *token, bool constant, value_kind_t *kind_r)
{
    switch (token->kind) {
    case TOKEN_INT: *kind_r = VALUE_INT; return true;
    case TOKEN_FLOAT: *kind_r = VALUE_FLOAT; return true;
    case TOKEN_STRING: *kind_r = VALUE_STRING; return true;
    case TOKEN_NAME: *kind_r = word_kind(token->text); return true;
    case '[': *kind_r = VALUE_LIST; return true;
    case '{': *kind_r = VALUE_OBJECT; return true;
    case '$': *kind_r = VALUE_VARIABLE; return !constant;
    default: return false;
    }
}

static value_t *parse_value(parser_t *p, bool constant)
{
    value_t *value = apr_pcalloc(p->pool, sizeof(*value));
    deeper(p);
    value->at = p->token.at;
    value->text = p->token.text;
    if (!value_begins(&p->token, constant, &value->kind)) {
        unexpected(p);
        return value;
    }
    advance(p);
    if (value->kind == VALUE_LIST) parse_list(p, value, constant);
    else if (value->kind == VALUE_OBJECT) parse_object(p, value, constant);
    else if (value->kind == VALUE_VARIABLE) value->text = expect(p, TOKEN_NAME);
    p->depth--;
    return value;
}

/* ---- Arguments, directives, variables ---- */

static argument_t *parse_arguments(parser_t *p, bool constant)
{
    argument_t *first = NULL, **last = &first;
    if (!take(p, '(')) return NULL;
    do {
        argument_t *argument = apr_pcalloc(p->pool, sizeof(*argument));
        argument->at = p->token.at;
        argument->name = expect(p, TOKEN_NAME);
        expect(p, ':');
        argument->value = parse_value(p, constant);
        *last = argument;
        last = &argument->next;
    } while (!take(p, ')') && p->wrong == NULL);
    return first;
}

static directive_t *parse_directives(parser_t *p, bool constant)
{
    directive_t *first = NULL, **last = &first;
    while (p->token.kind == '@') {
        directive_t *directive = apr_pcalloc(p->pool, sizeof(*directive));
        directive->at = p->token.at;
        advance(p);
        directive->name = expect(p, TOKEN_NAME);
        directive->arguments = parse_arguments(p, constant);
        *last = directive;
        last = &directive->next;
    }
    return first;
}

static variable_t *parse_variables(parser_t *p)
{
    variable_t *first = NULL, **last = &first;
    if (!take(p, '(')) return NULL;
    do {
        variable_t *variable = apr_pcalloc(p->pool, sizeof(*variable));
        variable->at = p->token.at;
        expect(p, '$');
        variable->name = expect(p, TOKEN_NAME);
        expect(p, ':');
        variable->type = parse_type(p);
        if (take(p, '=')) variable->fallback = parse_value(p, true);
        variable->directives = parse_directives(p, true);
        *last = variable;
        last = &variable->next;
    } while (!take(p, ')') && p->wrong == NULL);
    return first;
}

/* ---- Selections ---- */

static selection_t *parse_selections(parser_t *p);

static void parse_spread(parser_t *p, selection_t *selection)
{
    expect(p, '.');
    bool typed = accept_word(p, "on");
    selection->kind = !typed && p->token.kind == TOKEN_NAME ? SELECT_SPREAD : SELECT_INLINE;
    if (typed || selection->kind == SELECT_SPREAD) selection->name = expect(p, TOKEN_NAME);
    selection->directives = parse_directives(p, false);
    if (selection->kind == SELECT_INLINE) selection->selections = parse_selections(p);
}

static void parse_field(parser_t *p, selection_t *selection)
{
    selection->key = selection->name = expect(p, TOKEN_NAME);
    if (take(p, ':')) selection->name = expect(p, TOKEN_NAME);
    selection->arguments = parse_arguments(p, false);
    selection->directives = parse_directives(p, false);
    if (p->token.kind == '{') selection->selections = parse_selections(p);
}

static selection_t *parse_selections(parser_t *p)
{
    selection_t *first = NULL, **last = &first;
    deeper(p);
    expect(p, '{');
    do {
        selection_t *selection = apr_pcalloc(p->pool, sizeof(*selection));
        selection->at = p->token.at;
        if (p->token.kind == '.') parse_spread(p, selection);
        else parse_field(p, selection);
        *last = selection;
        last = &selection->next;
    } while (!take(p, '}') && p->wrong == NULL);
    p->depth--;
    return first;
}

/* ---- Definitions ---- */

static const struct {
    const char *word;
    define_t kind;
} words[] = {
    { "query", DEFINE_QUERY },
    { "mutation", DEFINE_MUTATION },
    { "subscription", DEFINE_SUBSCRIPTION },
    { "fragment", DEFINE_FRAGMENT },
};

static void parse_fragment(parser_t *p, definition_t *definition)
{
    if (at_word(p, "on")) unexpected(p);
    definition->name = expect(p, TOKEN_NAME);
    if (!accept_word(p, "on")) fail(p, p->token.at, "Expected \"on\".");
    definition->condition = expect(p, TOKEN_NAME);
    definition->directives = parse_directives(p, false);
    definition->selections = parse_selections(p);
}

static void parse_operation(parser_t *p, definition_t *definition)
{
    if (p->token.kind == TOKEN_NAME) definition->name = expect(p, TOKEN_NAME);
    definition->variables = parse_variables(p);
    definition->directives = parse_directives(p, false);
    definition->selections = parse_selections(p);
}

static void parse_worded(parser_t *p, definition_t *definition)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!accept_word(p, words[i].word)) continue;
        definition->kind = words[i].kind;
        if (definition->kind == DEFINE_FRAGMENT) parse_fragment(p, definition);
        else parse_operation(p, definition);
        return;
    }
    unexpected(p);
}

static definition_t *parse_definition(parser_t *p)
{
    definition_t *definition = apr_pcalloc(p->pool, sizeof(*definition));
    definition->at = p->token.at;
    if (p->token.kind == '{') definition->selections = parse_selections(p);
    else parse_worded(p, definition);
    return definition;
}

static void parser_begin(parser_t *p, apr_pool_t *pool, const char *text)
{
    *p = (parser_t){ .pool = pool };
    p->lexer = (lexer_t){ .pool = pool, .text = text, .length = strlen(text) };
    advance(p);
}

parsed_t graphql_parse(apr_pool_t *pool, const char *text)
{
    parser_t p;
    definition_t *first = NULL, **last = &first;
    parser_begin(&p, pool, text);
    do {
        *last = parse_definition(&p);
        last = &(*last)->next;
    } while (p.token.kind != TOKEN_END && p.wrong == NULL);
    return (parsed_t){ p.wrong == NULL ? first : NULL, p.wrong, p.wrong_at };
}

typeref_t *graphql_parse_type(apr_pool_t *pool, const char *text)
{
    parser_t p;
    parser_begin(&p, pool, text);
    typeref_t *type = parse_type(&p);
    return p.token.kind == TOKEN_END ? type : NULL;
}

value_t *graphql_parse_value(apr_pool_t *pool, const char *text)
{
    parser_t p;
    parser_begin(&p, pool, text);
    value_t *value = parse_value(&p, true);
    return p.token.kind == TOKEN_END ? value : NULL;
}
