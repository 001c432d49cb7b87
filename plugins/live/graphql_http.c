/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GraphQL over HTTP.  POST with JSON: query, variables, operationName; GET with the same in the
 * query string, and no mutations.  200 for what was executed, errors or not; 400 for what cannot
 * be: malformed, or not valid for the schema; 401 for a bad token.  All errors are in the form of
 * GraphQL's responses.
 */
#include "graphql_rooms.h"

#include <string.h>
#include <strings.h>

#define TYPE_JSON    "application/json"
#define TYPE_GRAPHQL "application/graphql-response+json"

static const graphql_schema_t *schema;

apr_status_t graphql_start(apr_pool_t *pool)
{
    schema = graphql_schema_make(pool, graphql_room_types, "Rooms of Salon.");
    return APR_SUCCESS;
}

/* ---- Answers ---- */

/* The newer name is for those who ask for it. */
static const char *media_type(const salon_req_t *req)
{
    const char *accept = salon_http_header(req, "accept");
    return accept != NULL && strcasestr(accept, TYPE_GRAPHQL) != NULL
               ? TYPE_GRAPHQL "; charset=utf-8"
               : TYPE_JSON "; charset=utf-8";
}

static salon_outcome_t reply(salon_req_t *req, int status, json_object *response)
{
    size_t length;
    const char *text = json_object_to_json_string_length(
        response, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    return salon_http_reply(req, status, media_type(req), text, length);
}

static salon_outcome_t complain(salon_req_t *req, int status, const char *message,
                                const char *code)
{
    json_object *response = graphql_complaint(message, code);
    salon_outcome_t outcome = reply(req, status, response);
    json_object_put(response);
    return outcome;
}

/* A bad token, or somebody who is banned. */
static salon_outcome_t refused(salon_req_t *req)
{
    const char *code = salon_http_refused(req), *shown;
    const char *message = graphql_refusal(salon_req_pool(req), code, NULL, &shown);
    return complain(req, strcmp(code, SALON_INVALID_TOKEN) == 0 ? 401 : 403, message, shown);
}

static void done(void *baton, graphql_outcome_t outcome, json_object *response)
{
    static const int statuses[] = {
        [GRAPHQL_EXECUTED] = 200, [GRAPHQL_INVALID] = 400, [GRAPHQL_FORBIDDEN] = 405
    };
    graphql_asked_t *asked = baton;
    asked->outcome = reply(asked->req, statuses[outcome], response);
    asked->answered = true;
}

/* ---- Requests ---- */

static apr_status_t put(void *json)
{
    json_object_put(json);
    return APR_SUCCESS;
}

/* A JSON object that lives as long as the request; NULL: it is none. */
static json_object *object_parse(salon_req_t *req, const char *text, size_t length)
{
    json_object *json;
    if (!salon_json_parse(text, length, &json)) return NULL;
    apr_pool_cleanup_register(salon_req_pool(req), json, put, apr_pool_cleanup_null);
    return json_object_is_type(json, json_type_object) ? json : NULL;
}

static salon_outcome_t run(salon_req_t *req, graphql_request_t request)
{
    if (salon_http_refused(req) != NULL) return refused(req);
    graphql_asked_t *asked = apr_pcalloc(salon_req_pool(req), sizeof(*asked));
    asked->req = req;
    asked->request = request;
    asked->request.baton = asked;
    asked->request.done = done;
    salon_req_set_data(req, asked);
    graphql_run(salon_req_pool(req), schema, &asked->request);
    return asked->answered ? asked->outcome : salon_req_wait(req);
}

salon_outcome_t graphql_get(salon_req_t *req)
{
    graphql_request_t request = { .query = salon_http_query(req, "query"),
                                  .operation = salon_http_query(req, "operationName"),
                                  .read_only = true };
    const char *variables = salon_http_query(req, "variables");
    if (request.query == NULL)
        return complain(req, 400, "The parameter \"query\" is missing", "BAD_REQUEST");
    if (variables != NULL && *variables != '\0' && strcmp(variables, "null") != 0) {
        request.variables = object_parse(req, variables, strlen(variables));
        if (request.variables == NULL)
            return complain(req, 400, "\"variables\" must be a JSON object", "BAD_REQUEST");
    }
    return run(req, request);
}

/* A member that may be absent or null, and is of that type otherwise. */
static bool member(json_object *body, const char *name, json_type type, json_object **value_r)
{
    *value_r = json_object_object_get(body, name);
    return *value_r == NULL || json_object_is_type(*value_r, type);
}

static const char *body_wrong(json_object *body, graphql_request_t *request_r)
{
    json_object *query, *operation, *variables, *extensions;
    if (!member(body, "query", json_type_string, &query) || query == NULL)
        return "\"query\" must be a string";
    if (!member(body, "operationName", json_type_string, &operation))
        return "\"operationName\" must be a string";
    if (!member(body, "variables", json_type_object, &variables))
        return "\"variables\" must be an object";
    if (!member(body, "extensions", json_type_object, &extensions))
        return "\"extensions\" must be an object";
    *request_r = (graphql_request_t){ .query = json_object_get_string(query),
                                      .operation = json_object_get_string(operation),
                                      .variables = variables };
    return NULL;
}

static bool is_json(const salon_req_t *req)
{
    const char *type = salon_http_header(req, "content-type");
    size_t length = strlen(TYPE_JSON);
    return type != NULL && strncasecmp(type, TYPE_JSON, length) == 0 &&
           strchr("; \t", type[length]) != NULL;
}

salon_outcome_t graphql_post(salon_req_t *req)
{
    apr_size_t length;
    graphql_request_t request;
    const char *text = salon_http_body(req, &length);
    if (!is_json(req))
        return complain(req, 415, "Content-Type must be " TYPE_JSON, "BAD_REQUEST");
    json_object *body = object_parse(req, text, length);
    if (body == NULL) return complain(req, 400, "The body must be a JSON object", "BAD_REQUEST");
    const char *wrong = body_wrong(body, &request);
    return wrong == NULL ? run(req, request) : complain(req, 400, wrong, "BAD_REQUEST");
}
