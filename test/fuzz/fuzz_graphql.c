/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing GraphQL: a document and, after a line "---", the variables as JSON.  Each is answered
 * once, at once or when the resolvers have, with JSON of the form that responses have; what is not
 * executed has errors and no data.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "../../plugins/live/graphql.h"
#include "json.h"

#define SEPARATOR "\n---\n"
#define DEPTH     200 /* of a response: GRAPHQL_DEPTH objects, and lists between them */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    apr_pool_t *pool;
    const graphql_schema_t *schema;
    graphql_run_t *waiting;
    int done;
} fuzz;

/* ---- A schema ---- */

static json_object *room(void)
{
    json_object *json = json_object_new_object();
    json_object_object_add(json, "id", json_object_new_int(1));
    json_object_object_add(json, "name", json_object_new_string("room"));
    return json;
}

static void resolve_rooms(graphql_run_t *run, json_object *arguments)
{
    json_object *list = json_object_new_array();
    (void)arguments;
    for (int i = 0; i < 3; i++) json_object_array_add(list, i < 2 ? room() : NULL);
    graphql_answer(run, list);
}

static void resolve_room(graphql_run_t *run, json_object *arguments)
{
    if (json_object_object_get(arguments, "id") != NULL) graphql_answer(run, room());
    else graphql_refuse(run, "None.", "NONE");
}

static void resolve_later(graphql_run_t *run, json_object *arguments)
{
    (void)arguments;
    fuzz.waiting = run;
}

#define END { .name = NULL }

static const graphql_argument_t arguments[] = {
    { "id", "ID", NULL, NULL },
    { "name", "String!", "\"a\"", NULL },
    { "public", "Boolean", "true", NULL },
    { "list", "[[Int!]!]", NULL, NULL },
    { NULL, NULL, NULL, NULL },
};
static const graphql_field_t query_fields[] = {
    { .name = "rooms", .type = "[Room]!", .resolve = resolve_rooms },
    { .name = "room", .type = "Room", .arguments = arguments, .resolve = resolve_room },
    { .name = "later", .type = "Room", .resolve = resolve_later },
    END,
};
static const graphql_field_t mutation_fields[] = {
    { .name = "add", .type = "Room!", .arguments = arguments, .resolve = resolve_room },
    END,
};
static const graphql_field_t room_fields[] = {
    { .name = "id", .type = "Int!" },
    { .name = "name", .type = "String!" },
    { .name = "missing", .type = "String!" },
    END,
};
static const graphql_type_t query_type = {
    .kind = GRAPHQL_OBJECT, .name = "Query", .fields = query_fields
};
static const graphql_type_t mutation_type = {
    .kind = GRAPHQL_OBJECT, .name = "Mutation", .fields = mutation_fields
};
static const graphql_type_t room_type = {
    .kind = GRAPHQL_OBJECT, .name = "Room", .fields = room_fields
};
static const graphql_type_t *const types[] = {
    &query_type, &mutation_type, &room_type, &graphql_int, &graphql_string, &graphql_boolean,
    &graphql_id, NULL,
};

/* ---- The target ---- */

static void done(void *baton, graphql_outcome_t outcome, json_object *response)
{
    const char *text = json_object_to_json_string(response);
    json_tokener *tokener = json_tokener_new_ex(DEPTH);
    json_object *again = json_tokener_parse_ex(tokener, text, -1);
    assert(baton == &fuzz && ++fuzz.done == 1);
    assert(json_object_is_type(again, json_type_object));
    assert(json_object_object_get_ex(again, "data", NULL) == (outcome == GRAPHQL_EXECUTED));
    assert(outcome == GRAPHQL_EXECUTED || json_object_object_get(again, "errors") != NULL);
    json_object_put(again);
    json_tokener_free(tokener);
}

static void run(apr_pool_t *pool, const char *document, json_object *variables)
{
    const graphql_request_t request = {
        .query = document, .variables = variables, .baton = &fuzz, .done = done
    };
    fuzz.done = 0;
    fuzz.waiting = NULL;
    graphql_run(pool, fuzz.schema, &request);
    while (fuzz.done == 0) {
        assert(fuzz.waiting != NULL);
        graphql_answer(fuzz.waiting, room());
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    apr_initialize();
    apr_pool_create(&fuzz.pool, NULL);
    fuzz.schema = graphql_schema_make(fuzz.pool, types, NULL);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    json_object *variables = NULL;
    apr_pool_create(&pool, fuzz.pool);
    char *text = apr_pstrmemdup(pool, (const char *)data, size);
    char *end = strstr(text, SEPARATOR);
    if (end != NULL) {
        json_parse(end + strlen(SEPARATOR), strlen(end + strlen(SEPARATOR)), &variables);
        *end = '\0';
    }
    if (!json_object_is_type(variables, json_type_object)) {
        json_object_put(variables);
        variables = NULL;
    }
    run(pool, text, variables);
    json_object_put(variables);
    apr_pool_destroy(pool);
    return 0;
}
