/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphQL: documents that are right, with the whole of their answers; documents that are wrong, and
 * what is said of them and where; values; answers that come later; what is too large.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../plugins/live/graphql.h"

/* ---- A schema ---- */

static struct {
    apr_pool_t *pool;
    const graphql_schema_t *schema;
    graphql_run_t *waiting; /* for `later` */
    int added;
    /* of the last one */
    int done;
    graphql_outcome_t outcome;
    json_object *response;
} test;

static json_object *cat(int id)
{
    return json_tokener_parse(apr_psprintf(
        test.pool, "{\"id\":%d,\"cat_name\":\"cat %d\",\"tags\":[\"a\",\"b\"],\"hidden\":1}", id,
        id));
}

static void resolve_cats(graphql_run_t *run, json_object *arguments)
{
    json_object *list = json_object_new_array(), *many;
    bool given = json_object_object_get_ex(arguments, "many", &many);
    for (int i = 1; i <= (given ? json_object_get_int(many) : 2); i++)
        json_object_array_add(list, cat(i));
    graphql_answer(run, list);
}

static void resolve_cat(graphql_run_t *run, json_object *arguments)
{
    const char *id = json_object_get_string(json_object_object_get(arguments, "id"));
    graphql_answer(run, id != NULL && strcmp(id, "1") == 0 ? cat(1) : NULL);
}

/* What it has been given. */
static void resolve_echo(graphql_run_t *run, json_object *arguments)
{
    graphql_answer(run, json_object_new_string(json_object_to_json_string_ext(
                            arguments, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
}

static void resolve_null(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    graphql_answer(run, NULL);
}

static void resolve_holes(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    graphql_answer(run, json_tokener_parse("[1,null,3]"));
}

static void resolve_big(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    graphql_answer(run, json_object_new_int64(INT64_C(2147483648)));
}

static void resolve_later(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    test.waiting = run;
}

static void resolve_add(graphql_run_t *run, json_object *arguments)
{
    const char *name = json_object_get_string(json_object_object_get(arguments, "name"));
    if (strcmp(name, "bad") == 0) graphql_refuse(run, "No such name.", "FORBIDDEN");
    else graphql_answer(run, cat(++test.added));
}

#define END { .name = NULL }

static const graphql_argument_t many_argument[] = {
    { "many", "Int", NULL, "How many." }, { NULL, NULL, NULL, NULL },
};
static const graphql_argument_t id_argument[] = {
    { "id", "ID", NULL, NULL }, { NULL, NULL, NULL, NULL },
};
static const graphql_argument_t echo_arguments[] = {
    { "i", "Int", NULL, NULL },        { "s", "String", "\"dflt\"", NULL },
    { "b", "Boolean", NULL, NULL },    { "ids", "[ID!]", NULL, NULL },
    { "deep", "[[Int]]", NULL, NULL }, { "strict", "Int!", "7", NULL },
    { NULL, NULL, NULL, NULL },
};
static const graphql_argument_t add_arguments[] = {
    { "name", "String!", NULL, NULL },
    { "public", "Boolean", "true", NULL },
    { NULL, NULL, NULL, NULL },
};

static const graphql_field_t query_fields[] = {
    { .name = "cats", .type = "[Cat!]!", .arguments = many_argument, .resolve = resolve_cats },
    { .name = "cat", .type = "Cat", .arguments = id_argument, .resolve = resolve_cat },
    { .name = "echo", .type = "String", .arguments = echo_arguments, .resolve = resolve_echo },
    { .name = "strict", .type = "Int!", .resolve = resolve_null },
    { .name = "holes", .type = "[Int!]", .resolve = resolve_holes },
    { .name = "loose", .type = "[Int]", .resolve = resolve_holes },
    { .name = "big", .type = "Int", .resolve = resolve_big },
    { .name = "later", .type = "Cat", .resolve = resolve_later },
    END,
};
static const graphql_field_t mutation_fields[] = {
    { .name = "add", .type = "Cat!", .arguments = add_arguments, .resolve = resolve_add },
    { .name = "tryAdd", .type = "Cat", .arguments = add_arguments, .resolve = resolve_add },
    END,
};
static const graphql_field_t cat_fields[] = {
    { .name = "id", .type = "Int!" },
    { .name = "name", .type = "String!", .member = "cat_name" },
    { .name = "tags", .type = "[String!]!" },
    { .name = "missing", .type = "String" },
    { .name = "needed", .type = "String!" },
    { .name = "key", .type = "ID", .member = "id" },
    END,
};
static const graphql_type_t query_type = {
    .kind = GRAPHQL_OBJECT, .name = "Query", .fields = query_fields
};
static const graphql_type_t mutation_type = {
    .kind = GRAPHQL_OBJECT, .name = "Mutation", .fields = mutation_fields
};
static const graphql_type_t cat_type = {
    .kind = GRAPHQL_OBJECT, .name = "Cat", .help = "A cat.", .fields = cat_fields
};
static const graphql_type_t *const types[] = {
    &query_type, &mutation_type, &cat_type, &graphql_int, &graphql_string, &graphql_boolean,
    &graphql_id, NULL,
};

/* ---- Asking ---- */

static void done(void *baton, graphql_outcome_t outcome, json_object *response)
{
    assert_ptr_equal(baton, &test);
    test.done++;
    test.outcome = outcome;
    json_object_put(test.response);
    test.response = json_object_get(response);
}

typedef struct ask_t {
    const char *query, *variables, *operation;
    bool read_only;
} ask_t;

static void ask(const ask_t *asked)
{
    graphql_request_t *request = apr_palloc(test.pool, sizeof(*request));
    json_object *variables =
        asked->variables != NULL ? json_tokener_parse(asked->variables) : NULL;
    assert_true(asked->variables == NULL || variables != NULL);
    *request = (graphql_request_t){ .query = asked->query,
                                    .operation = asked->operation,
                                    .variables = variables,
                                    .read_only = asked->read_only,
                                    .baton = &test,
                                    .done = done };
    test.done = 0;
    graphql_run(test.pool, test.schema, request);
    json_object_put(variables);
}

static const char *response_text(void)
{
    return json_object_to_json_string_ext(test.response, JSON_C_TO_STRING_PLAIN);
}

static void expect_response(const char *query, const char *expected)
{
    json_object *json = json_tokener_parse(expected);
    assert_non_null(json);
    if (test.done != 1 || !json_object_equal(json, test.response))
        fail_msg("%s\n  gives %s\n  not   %s", query, response_text(), expected);
    json_object_put(json);
}

/* An error's message and its first place. */
static const char *complaint(size_t index)
{
    json_object *list = json_object_object_get(test.response, "errors"), *places;
    if (list == NULL || json_object_array_length(list) <= index) return NULL;
    json_object *error = json_object_array_get_idx(list, index);
    const char *message = json_object_get_string(json_object_object_get(error, "message"));
    if (!json_object_object_get_ex(error, "locations", &places)) return message;
    json_object *place = json_object_array_get_idx(places, 0);
    return apr_psprintf(test.pool, "%d:%d %s",
                        json_object_get_int(json_object_object_get(place, "line")),
                        json_object_get_int(json_object_object_get(place, "column")), message);
}

static int set_up(void **state)
{
    (void)state;
    memset(&test, 0, sizeof(test));
    apr_pool_create(&test.pool, NULL);
    test.schema = graphql_schema_make(test.pool, types, "Cats.");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_object_put(test.response);
    apr_pool_destroy(test.pool);
    return 0;
}

/* ---- What is right ---- */

static const struct {
    ask_t ask;
    const char *response;
} good[] = {
    { { "{cats{id name}}", NULL, NULL, true },
      "{\"data\":{\"cats\":[{\"id\":1,\"name\":\"cat 1\"},{\"id\":2,\"name\":\"cat 2\"}]}}" },
    { { "query Q { cat(id: 1) { id tags missing key __typename } }", NULL, "Q", false },
      "{\"data\":{\"cat\":{\"id\":1,\"tags\":[\"a\",\"b\"],\"missing\":null,\"key\":\"1\","
      "\"__typename\":\"Cat\"}}}" },
    /* punctuation that does not count, comments, names that are words of the language */
    { { "\xef\xbb\xbf query query , ( , $on : ID ! , ) # { \n{ \r\n on : cat (,id:$on,)\t{,id,},}",
        "{\"on\":1}", NULL, false },
      "{\"data\":{\"on\":{\"id\":1}}}" },
    /* aliases, and what is merged */
    { { "{a:cat(id:\"1\"){id}b:cat(id:\"1\"){name}c:cat(id:2){id}}", NULL, NULL, false },
      "{\"data\":{\"a\":{\"id\":1},\"b\":{\"name\":\"cat 1\"},\"c\":null}}" },
    { { "{cat(id:1){id}cat(id:1){name id}...{cat(id:1){id:id tags}}}", NULL, NULL, false },
      "{\"data\":{\"cat\":{\"id\":1,\"name\":\"cat 1\",\"tags\":[\"a\",\"b\"]}}}" },
    /* fragments */
    { { "query{...F}fragment F on Query{cat(id:1){...G ...G ...on Cat{name}}}"
        "fragment G on Cat{id __typename}",
        NULL, NULL, false },
      "{\"data\":{\"cat\":{\"id\":1,\"__typename\":\"Cat\",\"name\":\"cat 1\"}}}" },
    { { "{__typename ...on Query{t:__typename}}", NULL, NULL, false },
      "{\"data\":{\"__typename\":\"Query\",\"t\":\"Query\"}}" },
    /* conditions */
    { { "query($y:Boolean!,$n:Boolean=false){cat(id:1){id@include(if:$y)name@skip(if:$y)"
        "...@include(if:$n){key}...F@skip(if:$n)tags@skip(if:false)@include(if:false)}}"
        "fragment F on Cat{missing}",
        "{\"y\":true}", NULL, false },
      "{\"data\":{\"cat\":{\"id\":1,\"missing\":null}}}" },
    { { "{cat(id:1){id@skip(if:true)}strict@include(if:false)}", NULL, NULL, false },
      "{\"data\":{\"cat\":{}}}" },
    { { "{cats@skip(if:true){id}}", NULL, NULL, false }, "{\"data\":{}}" },
    /* operations by name */
    { { "query A{a:__typename}query B{b:__typename}mutation C{c:__typename}", NULL, "B", true },
      "{\"data\":{\"b\":\"Query\"}}" },
    { { "query A{a:__typename}", NULL, "", false }, "{\"data\":{\"a\":\"Query\"}}" },
    { { "mutation M{a:add(name:\"x\"){id}b:add(name:\"y\",public:null){id}__typename}", NULL, NULL,
        false },
      "{\"data\":{\"a\":{\"id\":1},\"b\":{\"id\":2},\"__typename\":\"Mutation\"}}" },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ask(&good[i].ask);
        assert_int_equal(test.outcome, GRAPHQL_EXECUTED);
        expect_response(good[i].ask.query, good[i].response);
    }
}

static void test_order(void **state)
{
    (void)state;
    ask(&(ask_t){ .query = "{cat(id:1){name...F missing}b:__typename}fragment F on Cat{id name}" });
    assert_string_equal(response_text(), "{\"data\":{\"cat\":{\"name\":\"cat 1\",\"id\":1,"
                                         "\"missing\":null},\"b\":\"Query\"}}");
}

/* ---- Values ---- */

/* arguments, variables' types, variables; what the resolver sees, NULL: refused */
static const struct {
    const char *arguments, *types, *variables, *seen;
} values[] = {
    { "", "", NULL, "{\"s\":\"dflt\",\"strict\":7}" },
    { "(s:null,strict:1)", "", NULL, "{\"s\":null,\"strict\":1}" },
    { "(i:-12,b:true)", "", NULL, "{\"i\":-12,\"s\":\"dflt\",\"b\":true,\"strict\":7}" },
    { "(i:2147483647)", "", NULL, "{\"i\":2147483647,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:2147483648)", "", NULL, NULL },
    { "(i:-2147483648)", "", NULL, "{\"i\":-2147483648,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:99999999999999999999999)", "", NULL, NULL },
    { "(i:1.0)", "", NULL, NULL },
    { "(i:\"1\")", "", NULL, NULL },
    { "(i:true)", "", NULL, NULL },
    { "(i:ONE)", "", NULL, NULL },
    { "(i:{a:1})", "", NULL, NULL },
    { "(b:1)", "", NULL, NULL },
    { "(s:x)", "", NULL, NULL },
    { "(s:1)", "", NULL, NULL },
    { "(strict:null)", "", NULL, NULL },
    { "(ids:[1,\"two\"])", "", NULL, "{\"s\":\"dflt\",\"ids\":[\"1\",\"two\"],\"strict\":7}" },
    { "(ids:3)", "", NULL, "{\"s\":\"dflt\",\"ids\":[\"3\"],\"strict\":7}" },
    { "(ids:[])", "", NULL, "{\"s\":\"dflt\",\"ids\":[],\"strict\":7}" },
    { "(ids:[null])", "", NULL, NULL },
    { "(ids:99999999999999999999999)", "", NULL,
      "{\"s\":\"dflt\",\"ids\":[\"99999999999999999999999\"],\"strict\":7}" },
    { "(ids:1.5)", "", NULL, NULL },
    { "(ids:9e99)", "", NULL, NULL },
    { "(deep:[[1,null],null])", "", NULL,
      "{\"s\":\"dflt\",\"deep\":[[1,null],null],\"strict\":7}" },
    { "(deep:1)", "", NULL, "{\"s\":\"dflt\",\"deep\":[[1]],\"strict\":7}" },
    { "(deep:[1])", "", NULL, "{\"s\":\"dflt\",\"deep\":[[1]],\"strict\":7}" },
    /* strings */
    { "(s:\"\")", "", NULL, "{\"s\":\"\",\"strict\":7}" },
    { "(s:\"\\\"\\\\\\/\\b\\f\\n\\r\\t\")", "", NULL,
      "{\"s\":\"\\\"\\\\/\\b\\f\\n\\r\\t\",\"strict\":7}" },
    { "(s:\"\\u00e9\\u{1f600}\\uD83D\\uDE00é😀\")", "", NULL,
      "{\"s\":\"é😀😀é😀\",\"strict\":7}" },
    { "(s:\"\\u{000000000041}\")", "", NULL, "{\"s\":\"A\",\"strict\":7}" },
    { "(s:\"\"\"\n    a\n      b \\\"\"\" \\n\r\n\n    c\n  \"\"\")", "", NULL,
      "{\"s\":\"a\\n  b \\\"\\\"\\\" \\\\n\\n\\nc\",\"strict\":7}" },
    { "(s:\"\"\"  one line\"\"\")", "", NULL, "{\"s\":\"  one line\",\"strict\":7}" },
    { "(s:\"\"\"\"\"\")", "", NULL, "{\"s\":\"\",\"strict\":7}" },
    /* variables */
    { "(i:$v)", "$v:Int", "{}", "{\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int", NULL, "{\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int", "{\"v\":null}", "{\"i\":null,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int=5", "{\"v\":null}", "{\"i\":null,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int=5", NULL, "{\"i\":5,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int", "{\"v\":1.0}", "{\"i\":1,\"s\":\"dflt\",\"strict\":7}" },
    { "(i:$v)", "$v:Int", "{\"v\":1.5}", NULL },
    { "(i:$v)", "$v:Int", "{\"v\":\"1\"}", NULL },
    { "(i:$v)", "$v:Int", "{\"v\":2147483648}", NULL },
    { "(i:$v)", "$v:Int!", "{}", NULL },
    { "(i:$v)", "$v:Int!", "{\"v\":null}", NULL },
    { "(i:$v)", "$v:Int!", "{\"v\":9,\"other\":{}}", "{\"i\":9,\"s\":\"dflt\",\"strict\":7}" },
    { "(s:$v)", "$v:String", "{\"v\":7}", NULL },
    { "(s:$v)", "$v:String", "{}", "{\"s\":\"dflt\",\"strict\":7}" },
    { "(s:$v)", "$v:String", "{\"v\":null}", "{\"s\":null,\"strict\":7}" },
    { "(strict:$v)", "$v:Int", "{}", "{\"s\":\"dflt\",\"strict\":7}" },
    { "(ids:$v)", "$v:[ID!]", "{\"v\":[1,\"b\"]}",
      "{\"s\":\"dflt\",\"ids\":[\"1\",\"b\"],\"strict\":7}" },
    { "(ids:$v)", "$v:[ID!]", "{\"v\":4}", "{\"s\":\"dflt\",\"ids\":[\"4\"],\"strict\":7}" },
    { "(ids:$v)", "$v:[ID!]", "{\"v\":[null]}", NULL },
    { "(ids:[$v])", "$v:ID!", "{\"v\":\"x\"}", "{\"s\":\"dflt\",\"ids\":[\"x\"],\"strict\":7}" },
    { "(ids:[$v])", "$v:Int!", "{\"v\":4}", "{\"s\":\"dflt\",\"ids\":[\"4\"],\"strict\":7}" },
    { "(b:$v)", "$v:Boolean", "{\"v\":\"true\"}", NULL },
};

static void test_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        bool typed = *values[i].types != '\0';
        const char *query = apr_psprintf(test.pool, "query%s%s%s{echo%s}", typed ? "(" : "",
                                         values[i].types, typed ? ")" : "", values[i].arguments);
        ask(&(ask_t){ .query = query, .variables = values[i].variables });
        if (values[i].seen == NULL) {
            if (test.outcome != GRAPHQL_INVALID) fail_msg("%s: %s", query, response_text());
            continue;
        }
        json_object *data = json_object_object_get(test.response, "data");
        const char *seen = json_object_get_string(json_object_object_get(data, "echo"));
        if (seen == NULL || strcmp(seen, values[i].seen) != 0)
            fail_msg("%s: %s, not %s", query, response_text(), values[i].seen);
    }
}

/* Absent it has another value in its place; null it must not be. */
static void test_null_at_last(void **state)
{
    (void)state;
    ask(&(ask_t){ .query = "query($v:Int){echo(strict:$v)}", .variables = "{\"v\":null}" });
    assert_int_equal(test.outcome, GRAPHQL_EXECUTED);
    assert_string_equal(complaint(0), "1:15 Argument \"strict\" must not be null.");
    ask(&(ask_t){ .query = "query($v:Boolean=true){__typename@skip(if:$v)}",
                  .variables = "{\"v\":null}" });
    assert_int_equal(test.outcome, GRAPHQL_INVALID);
    assert_string_equal(complaint(0),
                        "1:34 Argument \"if\" of directive \"@skip\" must not be null.");
}

/* ---- What is wrong ---- */

static const struct {
    const char *query, *complaint;
} bad[] = {
    /* words */
    { "", "1:1 Syntax Error: Unexpected <EOF>." },
    { " # nothing", "1:11 Syntax Error: Unexpected <EOF>." },
    { "{a b", "1:5 Syntax Error: Expected Name, found <EOF>." },
    { "{}", "1:2 Syntax Error: Expected Name, found \"}\"." },
    { "{cats(){id}}", "1:7 Syntax Error: Expected Name, found \")\"." },
    { "query(){__typename}", "1:7 Syntax Error: Expected \"$\", found \")\"." },
    { "{cats{}}", "1:7 Syntax Error: Expected Name, found \"}\"." },
    { "query Q", "1:8 Syntax Error: Expected \"{\", found <EOF>." },
    { "type A{b:Int}", "1:1 Syntax Error: Unexpected Name \"type\"." },
    { "extend type Query{b:Int}", "1:1 Syntax Error: Unexpected Name \"extend\"." },
    { "{__typename} x", "1:14 Syntax Error: Unexpected Name \"x\"." },
    { "\n\r\n\r  {é ;}", "4:4 Syntax Error: Unexpected character." },
    { "{\"é\" x}", "1:2 Syntax Error: Expected Name, found String." },
    { "{echo(s:\"é\" ?)}", "1:13 Syntax Error: Unexpected character." },
    { "{echo(s:\"a\n\")}", "1:11 Syntax Error: Unterminated string." },
    { "{echo(s:\"a", "1:11 Syntax Error: Unterminated string." },
    { "{echo(s:\"a\\", "1:13 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\"\"a\"\")}", "1:17 Syntax Error: Unterminated string." },
    { "{echo(s:\"\\x\")}", "1:12 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\\u0000\")}", "1:16 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\\uD800\")}", "1:16 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\\uDC00\")}", "1:16 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\\u{110000}\")}", "1:19 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\\u{}\")}", "1:14 Syntax Error: Invalid character escape sequence." },
    { "{echo(s:\"\x01\")}", "1:10 Syntax Error: Invalid character within String." },
    { "{echo(i:01)}", "1:9 Syntax Error: Invalid number, unexpected digit after 0." },
    { "{echo(i:-)}", "1:10 Syntax Error: Invalid number, expected digit." },
    { "{echo(i:1.)}", "1:11 Syntax Error: Invalid number, expected digit." },
    { "{echo(i:1e)}", "1:11 Syntax Error: Invalid number, expected digit." },
    { "{echo(i:1x)}", "1:10 Syntax Error: Invalid number, unexpected character after it." },
    { "{echo(i:1.2.3)}", "1:12 Syntax Error: Invalid number, unexpected character after it." },
    { "{..a}", "1:2 Syntax Error: Unexpected character." },
    { "{echo(i:$)}", "1:10 Syntax Error: Expected Name, found \")\"." },
    { "query($a:Int=$b){echo(i:$a)}", "1:14 Syntax Error: Unexpected \"$\"." },
    { "query($a:[Int){echo(i:$a)}", "1:14 Syntax Error: Expected \"]\", found \")\"." },
    { "fragment on on Cat{id}", "1:10 Syntax Error: Unexpected Name \"on\"." },
    { "fragment F Cat{id}", "1:12 Syntax Error: Expected \"on\"." },
    /* operations */
    { "{__typename}{__typename}",
      "1:1 This anonymous operation must be the only defined operation." },
    { "{__typename}query Q{__typename}",
      "1:1 This anonymous operation must be the only defined operation." },
    { "query Q{__typename}query Q{__typename}",
      "1:1 There can be only one operation named \"Q\"." },
    { "subscription{a}", "1:1 Schema is not configured to execute subscriptions." },
    { "fragment F on Cat{id}", "1:1 Fragment \"F\" is never used." },
    { "query A{__typename}query B{__typename}",
      "Must provide operation name if query contains multiple operations." },
    /* fields */
    { "{dogs}", "1:2 Cannot query field \"dogs\" on type \"Query\"." },
    { "{cats{id owner}}", "1:10 Cannot query field \"owner\" on type \"Cat\"." },
    { "{cats{hidden}}", "1:7 Cannot query field \"hidden\" on type \"Cat\"." },
    { "mutation{cats{id}}", "1:10 Cannot query field \"cats\" on type \"Mutation\"." },
    { "mutation{__schema{description}}",
      "1:10 Cannot query field \"__schema\" on type \"Mutation\"." },
    { "{cats}", "1:2 Field \"cats\" of type \"[Cat!]!\" must have a selection of subfields." },
    { "{cats{id{x}}}", "1:7 Field \"id\" must not have a selection since type \"Int!\" has no "
                       "subfields." },
    { "{__typename{x}}", "1:2 Field \"__typename\" must not have a selection since type "
                         "\"String!\" has no subfields." },
    /* arguments */
    { "{cat(no:1){id}}", "1:6 Unknown argument \"no\" on field \"Query.cat\"." },
    { "{cat(id:1,id:1){id}}", "1:11 There can be only one argument named \"id\"." },
    { "mutation{add{id}}", "1:10 Argument \"name\" of type \"String!\" is required on field "
                           "\"Mutation.add\", but it was not provided." },
    { "mutation{add(name:null){id}}", "1:19 Expected value of type \"String!\", found null." },
    { "{echo(i:[1])}", "1:9 Expected value of type \"Int\", found [...]." },
    { "{echo(deep:[[{a:1}]])}", "1:14 Expected value of type \"Int\", found {...}." },
    /* variables */
    { "{echo(i:$a)}", "1:9 Variable \"$a\" is not defined." },
    { "query($a:Int){__typename}", "1:7 Variable \"$a\" is never used." },
    { "query($a:Int,$a:Int){echo(i:$a)}", "1:14 There can be only one variable named \"$a\"." },
    { "query($a:Bool){echo(i:$a)}", "1:10 Unknown type in \"Bool\"." },
    { "query($a:[Cat!]!){echo(i:$a)}",
      "1:10 Variable \"$a\" cannot be non-input type \"[Cat!]!\"." },
    { "query($a:String){echo(i:$a)}",
      "1:25 Variable \"$a\" of type \"String\" used in position expecting type \"Int\"." },
    { "query($a:Int){echo(ids:[$a])}",
      "1:25 Variable \"$a\" of type \"Int\" used in position expecting type \"ID!\"." },
    { "query($a:[Int]){echo(i:$a)}",
      "1:24 Variable \"$a\" of type \"[Int]\" used in position expecting type \"Int\"." },
    { "query($a:Boolean){__typename@skip(if:$a)}",
      "1:38 Variable \"$a\" of type \"Boolean\" used in position expecting type \"Boolean!\"." },
    { "query($a:Int=null){echo(ids:[$a])}",
      "1:30 Variable \"$a\" of type \"Int\" used in position expecting type \"ID!\"." },
    { "query($a:Int=\"x\"){echo(i:$a)}", "1:14 Expected value of type \"Int\", found \"x\"." },
    { "query A($a:Int){...F}query B{...F}fragment F on Query{echo(i:$a)}",
      "1:62 Variable \"$a\" is not defined." },
    /* fragments */
    { "{...F}", "1:2 Unknown fragment \"F\"." },
    { "{...F}fragment F on Dog{id}", "1:7 Unknown type \"Dog\"." },
    { "{...F}fragment F on Int{id}",
      "1:2 Fragment cannot be spread here as objects of type \"Query\" can never be of type "
      "\"Int\"." },
    { "{...on Dog{id}}", "1:2 Unknown type \"Dog\"." },
    { "{...on Int{id}}", "1:2 Fragment cannot condition on non composite type \"Int\"." },
    { "{...on Cat{id}}",
      "1:2 Fragment cannot be spread here as objects of type \"Query\" can never be of type "
      "\"Cat\"." },
    { "{...F}fragment F on Query{...F}", "1:27 Cannot spread fragment \"F\" within itself." },
    { "{...F}fragment F on Query{__typename ...G}fragment G on Query{...F}",
      "1:63 Cannot spread fragment \"F\" within itself." },
    { "{...F}fragment F on Query{__typename}fragment F on Query{__typename}",
      "1:7 There can be only one fragment named \"F\"." },
    /* directives */
    { "{__typename@no}", "1:12 Unknown directive \"@no\"." },
    { "{__typename@skip}", "1:12 Argument \"if\" of type \"Boolean!\" is required on directive "
                           "\"@skip\", but it was not provided." },
    { "{__typename@deprecated}", "1:12 Directive \"@deprecated\" may not be used here." },
    { "query@skip(if:true){__typename}", "1:6 Directive \"@skip\" may not be used here." },
    { "{__typename@skip(if:true)@skip(if:true)}",
      "1:26 The directive \"@skip\" can only be used once at this location." },
    /* conflicts */
    { "{cats{id:name id}}", "1:15 Fields \"id\" conflict because \"name\" and \"id\" are different "
                            "fields. Use different aliases on the fields to fetch both." },
    { "{cat(id:1){id}cat(id:2){id}}",
      "1:15 Fields \"cat\" conflict because they have differing arguments. Use different aliases "
      "on the fields to fetch both." },
    { "{cat(id:1){id}cat{id}}",
      "1:15 Fields \"cat\" conflict because they have differing arguments. Use different aliases "
      "on the fields to fetch both." },
    { "{cat(id:1){x:id}...F}fragment F on Query{cat(id:1){x:key}}",
      "1:52 Fields \"x\" conflict because \"id\" and \"key\" are different fields. Use different "
      "aliases on the fields to fetch both." },
    { "{cats{id@skip(if:true)id:key@skip(if:false)}}",
      "1:23 Fields \"id\" conflict because \"id\" and \"key\" are different fields. Use different "
      "aliases on the fields to fetch both." },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ask(&(ask_t){ .query = bad[i].query });
        if (test.outcome != GRAPHQL_INVALID) fail_msg("%s: %s", bad[i].query, response_text());
        assert_false(json_object_object_get_ex(test.response, "data", NULL));
        if (complaint(0) == NULL || strcmp(complaint(0), bad[i].complaint) != 0)
            fail_msg("%s: %s", bad[i].query, response_text());
    }
}

static void test_operation_names(void **state)
{
    (void)state;
    ask(&(ask_t){ .query = "query A{__typename}", .operation = "B" });
    assert_int_equal(test.outcome, GRAPHQL_INVALID);
    assert_string_equal(complaint(0), "Unknown operation named \"B\".");
    ask(&(ask_t){ .query = "{__typename}", .operation = "B" });
    assert_int_equal(test.outcome, GRAPHQL_INVALID);
    ask(&(ask_t){ .query = "mutation{add(name:\"x\"){id}}", .read_only = true });
    assert_int_equal(test.outcome, GRAPHQL_FORBIDDEN);
    assert_int_equal(test.added, 0);
}

static void test_several_errors(void **state)
{
    (void)state;
    ask(&(ask_t){ .query = "{a b}" });
    assert_string_equal(complaint(1), "1:4 Cannot query field \"b\" on type \"Query\"." );
    char query[1024] = "{";
    for (int i = 0; i < 100; i++) strcat(query, "a ");
    ask(&(ask_t){ .query = strcat(query, "}") });
    assert_non_null(complaint(GRAPHQL_ERRORS - 1));
    assert_null(complaint(GRAPHQL_ERRORS));
}

/* ---- Nulls and refusals ---- */

static void test_nulls(void **state)
{
    (void)state;
    const char *query = "{cat(id:1){needed}__typename}";
    ask(&(ask_t){ .query = query });
    expect_response(query, "{\"errors\":[{\"message\":\"Cannot return null for non-nullable field "
                           "needed.\",\"extensions\":{\"code\":\"INTERNAL_SERVER_ERROR\"},"
                           "\"locations\":[{\"line\":1,\"column\":12}],\"path\":[\"cat\","
                           "\"needed\"]}],\"data\":{\"cat\":null,\"__typename\":\"Query\"}}");
    ask(&(ask_t){ .query = "{a:cats{needed}}" });
    json_object *error =
        json_object_array_get_idx(json_object_object_get(test.response, "errors"), 0);
    assert_string_equal(json_object_to_json_string_ext(json_object_object_get(error, "path"), 0),
                        "[\"a\",0,\"needed\"]");
    assert_true(json_object_object_get_ex(test.response, "data", NULL));
    assert_null(json_object_object_get(test.response, "data"));
    ask(&(ask_t){ .query = "{holes loose big}" });
    assert_string_equal(json_object_to_json_string_ext(
                            json_object_object_get(test.response, "data"), JSON_C_TO_STRING_PLAIN),
                        "{\"holes\":null,\"loose\":[1,null,3],\"big\":null}");
    assert_string_equal(complaint(1), "1:14 Int cannot represent the value.");
    ask(&(ask_t){ .query = "{__typename strict}" });
    assert_null(json_object_object_get(test.response, "data"));
    assert_int_equal(test.outcome, GRAPHQL_EXECUTED);
}

static void test_refusals(void **state)
{
    (void)state;
    const char *query = "mutation{a:tryAdd(name:\"bad\"){id}b:tryAdd(name:\"x\"){id}}";
    ask(&(ask_t){ .query = query });
    expect_response(query, "{\"errors\":[{\"message\":\"No such name.\",\"extensions\":{\"code\":"
                           "\"FORBIDDEN\"},\"locations\":[{\"line\":1,\"column\":10}],\"path\":"
                           "[\"a\"]}],\"data\":{\"a\":null,\"b\":{\"id\":1}}}");
    ask(&(ask_t){ .query = "mutation{a:add(name:\"x\"){id}b:add(name:\"bad\"){id}"
                           "c:add(name:\"x\"){id}}" });
    assert_null(json_object_object_get(test.response, "data"));
    assert_int_equal(test.added, 2); /* what comes after is not begun */
}

static void test_later(void **state)
{
    (void)state;
    const char *query = "{a:later{id}b:__typename c:later{key}}";
    ask(&(ask_t){ .query = query });
    assert_int_equal(test.done, 0);
    graphql_answer(test.waiting, cat(5));
    assert_int_equal(test.done, 0);
    graphql_refuse(test.waiting, "Gone.", "GONE");
    expect_response(query, "{\"errors\":[{\"message\":\"Gone.\",\"extensions\":{\"code\":\"GONE\"},"
                           "\"locations\":[{\"line\":1,\"column\":26}],\"path\":[\"c\"]}],"
                           "\"data\":{\"a\":{\"id\":5},\"b\":\"Query\",\"c\":null}}");
    /* one that is never answered goes with its pool */
    ask(&(ask_t){ .query = query });
    graphql_answer(test.waiting, cat(6));
    assert_int_equal(test.done, 0);
}

/* ---- Introspection ---- */

static void test_introspection(void **state)
{
    (void)state;
    const char *query = "{__type(name:\"Cat\"){kind name description fields{name type{kind name "
                        "ofType{name}}}}no:__type(name:\"Dog\"){name}}";
    ask(&(ask_t){ .query = query, .read_only = true });
    expect_response(
        query,
        "{\"data\":{\"__type\":{\"kind\":\"OBJECT\",\"name\":\"Cat\",\"description\":\"A cat.\","
        "\"fields\":["
        "{\"name\":\"id\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"name\":"
        "\"Int\"}}},"
        "{\"name\":\"name\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"name\":"
        "\"String\"}}},"
        "{\"name\":\"tags\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"name\":"
        "null}}},"
        "{\"name\":\"missing\",\"type\":{\"kind\":\"SCALAR\",\"name\":\"String\",\"ofType\":null}},"
        "{\"name\":\"needed\",\"type\":{\"kind\":\"NON_NULL\",\"name\":null,\"ofType\":{\"name\":"
        "\"String\"}}},"
        "{\"name\":\"key\",\"type\":{\"kind\":\"SCALAR\",\"name\":\"ID\",\"ofType\":null}}]},"
        "\"no\":null}}");
    query = "{__schema{description queryType{name}mutationType{name}subscriptionType{name}"
            "directives{name locations isRepeatable args{name type{ofType{name}}defaultValue}}}"
            "t:__type(name:\"__Type\"){fields(includeDeprecated:true){name}}}";
    ask(&(ask_t){ .query = query });
    json_object *data = json_object_object_get(test.response, "data");
    const char *text = json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);
    assert_non_null(strstr(text, "{\"__schema\":{\"description\":\"Cats.\",\"queryType\":{\"name\":"
                                 "\"Query\"},\"mutationType\":{\"name\":\"Mutation\"},"
                                 "\"subscriptionType\":null,\"directives\":[{\"name\":\"include\","
                                 "\"locations\":[\"FIELD\",\"FRAGMENT_SPREAD\",\"INLINE_FRAGMENT\"]"
                                 ",\"isRepeatable\":false,\"args\":[{\"name\":\"if\",\"type\":"
                                 "{\"ofType\":{\"name\":\"Boolean\"}},\"defaultValue\":null}]}"));
    assert_non_null(strstr(text, "{\"name\":\"ofType\"}"));
    assert_null(strstr(text, "errors"));
}

/* ---- What is too large ---- */

static const char *repeated(const char *before, const char *again, int times, const char *after)
{
    size_t length = strlen(again);
    char *text = apr_palloc(test.pool, length * (size_t)times + 1), *at = text;
    for (int i = 0; i < times; i++, at += length) memcpy(at, again, length);
    *at = '\0';
    return apr_pstrcat(test.pool, before, text, after, NULL);
}

static void expect_complaint(const char *query, const char *expected)
{
    ask(&(ask_t){ .query = query });
    if (complaint(0) == NULL || strstr(complaint(0), expected) == NULL)
        fail_msg("not \"%s\": %.2000s", expected, response_text());
}

static void test_too_large(void **state)
{
    (void)state;
    expect_complaint(repeated("{", "a ", GRAPHQL_TOKENS, "}"), "too many tokens");
    expect_complaint(repeated("{", "cats{", 10000, ""), "nested too deeply");
    expect_complaint(repeated("{echo(deep:", "[", 10000, ""), "nested too deeply");
    expect_complaint(repeated("{echo(deep:", "{a:", 10000, ""), "nested too deeply");
    expect_complaint(repeated("query($a:", "[", 10000, ""), "nested too deeply");
    expect_complaint(repeated("{", "...{", 10000, ""), "nested too deeply");
    expect_complaint(repeated("{", "__typename ", GRAPHQL_FIELDS + 1, "}"), "too many fields");
    expect_complaint("{cats(many:60000){id}}", "The answer is too large.");
    assert_null(complaint(1));
    assert_null(json_object_object_get(test.response, "data"));
    expect_complaint("{cat(id:1){__typename}cats(many:200000){id}}", "The answer is too large.");
}

/* Ten fragments, each of which spreads the next one ten times. */
static void test_fragment_bomb(void **state)
{
    (void)state;
    const char *query = "{...F0}fragment F10 on Query{__typename}";
    for (int i = 0; i < 10; i++) {
        query = apr_psprintf(test.pool, "%s fragment F%d on Query{", query, i);
        for (int k = 0; k < 10; k++) query = apr_psprintf(test.pool, "%s...F%d ", query, i + 1);
        query = apr_pstrcat(test.pool, query, "}", NULL);
    }
    expect_complaint(query, "too many fields");
    /* deep by fragments that are not deep themselves */
    query = "{__schema{types{...T0}}}fragment T40 on __Type{name}";
    for (int i = 0; i < 40; i++)
        query = apr_psprintf(test.pool, "%s fragment T%d on __Type{ofType{...T%d}}", query, i,
                             i + 1);
    expect_complaint(query, "nested too deeply");
}

/* A description goes in circles, as far as anybody likes. */
static void test_circles(void **state)
{
    (void)state;
    const char *inner = "name";
    for (int i = 0; i < 7; i++) inner = apr_psprintf(test.pool, "fields{type{ofType{%s}}}", inner);
    ask(&(ask_t){ .query = apr_psprintf(test.pool, "{__type(name:\"Query\"){%s}}", inner) });
    assert_int_equal(test.outcome, GRAPHQL_EXECUTED);
    assert_null(complaint(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_null_at_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_operation_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nulls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_introspection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fragment_bomb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_circles, set_up, tear_down),
    };
    apr_initialize();
    int failed = cmocka_run_group_tests_name("graphql", tests, NULL, NULL);
    apr_terminate();
    return failed;
}
