/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests on the chat thread: who asks, which route, and the answer's way back.  A route is a
 * plugin's handler, or a dialect's way to an operation (rest.c).
 */
#include "http_request.h"

#include <assert.h>
#include <string.h>

#include <apr_strings.h>

#include "anonymous.h"
#include "api_token.h"
#include "chat.h"
#include "opening.h"
#include "plugin.h"
#include "rest.h"
#include "server.h"
#include "transfer.h"

/* What pages of other origins may send, and see. */
#define ALLOWED_HEADERS                                                                          \
    "access-control-allow-headers: authorization, content-type, if-none-match, if-range, range"  \
    "\r\naccess-control-max-age: 600\r\n"

/* ---- Answers ---- */

static void http_send(salon_req_t *req, http_reply_t *reply)
{
    net_note_t *note = net_note(NET_HTTP, req->http->conn);
    note->as.http = reply;
    chat_to_net(req->http->conn.thread, note);
}

void http_request_send(salon_req_t *req, int status, json_object *body, const char *headers)
{
    http_reply_t *reply = http_reply_json(status, body);
    reply->headers = headers != NULL ? strdup(headers) : NULL;
    http_send(req, reply);
}

static void http_sink_reply(salon_req_t *req, json_object *data)
{
    http_request_send(req, HTTP_STATUS_OK, data, NULL);
}

static const struct {
    const char *code;
    int status;
} statuses[] = {
    { SALON_INVALID, 400 },        { SALON_TOO_LONG, 400 },      { SALON_BLANK, 400 },
    { SALON_NOT_SIGNED_IN, 401 },  { SALON_INVALID_TOKEN, 401 }, { SALON_DENIED, 403 },
    { SALON_UNKNOWN, 404 },        { SALON_CONFLICT, 409 },      { SALON_TOO_LARGE, 413 },
    { SALON_UNSUPPORTED, 415 },    { SALON_RATE_LIMITED, 429 },  { SALON_UNAVAILABLE, 503 },
    { SALON_NO_SPACE, 507 },       { SALON_QUOTA, 413 },         { METHOD_NOT_ALLOWED, 405 },
    { NULL, 0 },
};

/* Of the codes of plugins: what ends in "not_found" is; the others are reasons to refuse. */
int http_request_status(const char *code)
{
    static const char missing[] = "not_found";
    size_t length = strlen(code), end = sizeof(missing) - 1;
    for (size_t i = 0; statuses[i].code != NULL; i++)
        if (strcmp(statuses[i].code, code) == 0) return statuses[i].status;
    return length >= end && strcmp(code + length - end, missing) == 0 ? 404 : 403;
}

/* Those that say what would do: when, who, which method. */
const char *http_request_headers(salon_req_t *req, const char *code, apr_int64_t retry_after)
{
    int status = http_request_status(code);
    if (retry_after > 0)
        return apr_psprintf(req->pool, "retry-after: %" APR_INT64_T_FMT "\r\n", retry_after);
    if (status == HTTP_STATUS_UNAUTHORIZED) return "www-authenticate: Bearer\r\n";
    if (status != HTTP_STATUS_METHOD_NOT_ALLOWED) return NULL;
    return apr_pstrcat(req->pool, "allow: ",
                       plugin_route_methods(&server.config->listeners[req->listener],
                                            req->http->path, req->pool),
                       "\r\n", NULL);
}

static void http_refuse(salon_req_t *req, const char *code, json_object *details,
                        apr_int64_t retry_after)
{
    json_object *body = http_refusal_json(&server.config->listeners[req->listener],
                                          http_request_status(code), code, details, retry_after);
    http_request_send(req, http_request_status(code), body,
                      http_request_headers(req, code, retry_after));
    json_object_put(body);
}

static const request_sink_t http_sink = { http_sink_reply, http_refuse, request_release };

/* ---- The route ---- */

/* What a plugin's routes are asked for counts at its dialect's first endpoint beside them; -1:
 * there is none. */
static int endpoint_beside(const config_listener_t *listener, const plugin_route_t *route)
{
    for (int at = 0; at < listener->endpoint_count; at++)
        if (strcmp(listener->endpoints[at].dialect, route->owner) == 0) return at;
    return -1;
}

static salon_outcome_t route_refuse(salon_req_t *req, const plugin_route_t *route,
                                    const char *code)
{
    if (route->row == NULL || !(route->row->flags & SALON_ANSWERS_ALL))
        return salon_fail(req, code);
    req->user = NULL;
    req->refused = code;
    return route->row->handler(req);
}

/* What costs nothing elsewhere is bounded here: of everybody, whether known or not. */
static bool within_budget(salon_req_t *req, const plugin_route_t *route)
{
    if (strcmp(route->owner, core_plugin.name) == 0) return true; /* for those who watch it */
    rates_t *rates =
        req->user != NULL ? req->user->rates : anonymous_rates(req->http->address);
    return rates_budget(rates, chat_now());
}

static salon_outcome_t route_run(salon_req_t *req)
{
    const plugin_route_t *route = req->data;
    const salon_user_t *user = salon_req_user(req);
    const char *code = NULL;
    req->data = NULL;
    if (!within_budget(req, route))
        return salon_fail_details(req, SALON_RATE_LIMITED,
                                  salon_json_integer(salon_json(), "retry_after", 1));
    if (route->wire != NULL) return rest_run(req, route);
    if (user != NULL && user->role < route->row->role) code = SALON_DENIED;
    else if (user != NULL) code = salon_may_not(user, "use", SALON_SERVER);
    return code == NULL ? route->row->handler(req) : route_refuse(req, route, code);
}

static salon_outcome_t user_recorded(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const token_claims_t *claims = req->http->claims;
    req->user = user_is_erased(claims->user_id) ? user_find(claims->user_id) : user_record(claims);
    return route_run(req);
}

/* The bearer of a token is its user; recorded when something about them is new. */
static salon_outcome_t bearer_run(salon_req_t *req, const token_claims_t *claims)
{
    req->user = user_find(claims->user_id);
    if (user_is_erased(claims->user_id) || !user_differs(claims)) return route_run(req);
    user_sql_record(req, claims);
    return salon_store(req, user_recorded);
}

static salon_outcome_t token_run(salon_req_t *req, const plugin_route_t *route)
{
    const http_request_t *http = req->http;
    const api_token_t *token = http->token != NULL ? api_token_find(http->token) : NULL;
    unsigned flags = route->row != NULL ? route->row->flags : 0;
    if (http->claims != NULL) return bearer_run(req, http->claims);
    if (token != NULL) req->user = user_find(token->user_id);
    if (token != NULL || (!http->has_token && !(flags & SALON_SIGNED_IN))) return route_run(req);
    if (route->wire != NULL) rest_begin(req, route);
    return route_refuse(req, route, http->has_token ? SALON_INVALID_TOKEN : SALON_NOT_SIGNED_IN);
}

/* What may be asked there; and, for a page of an origin that may ask at all, with which headers. */
static salon_outcome_t options_answer(salon_req_t *req, const char *methods)
{
    http_reply_t *reply = http_reply_make(HTTP_NO_CONTENT, "", "", 0);
    const char *headers = apr_pstrcat(req->pool, "allow: ", methods, ", OPTIONS\r\n", NULL);
    if (req->http->from_origin)
        headers = apr_pstrcat(req->pool, headers, "access-control-allow-methods: ", methods,
                              "\r\n" ALLOWED_HEADERS, NULL);
    reply->headers = strdup(headers);
    return request_http_answer(req, reply);
}

/* In the words of the dialect that has the path, if one has it. */
static salon_outcome_t method_refuse(salon_req_t *req, const config_listener_t *listener)
{
    bool path_known;
    const char *methods = plugin_route_methods(listener, req->http->path, req->pool);
    const char *first = apr_pstrmemdup(req->pool, methods, strcspn(methods, ","));
    const plugin_route_t *route = plugin_route_find(listener, first, req->http->path, req->pool,
                                                    &req->captures, &path_known);
    if (route != NULL && route->wire != NULL) rest_begin(req, route);
    return salon_fail(req, METHOD_NOT_ALLOWED);
}

static salon_outcome_t route_find_and_run(salon_req_t *req)
{
    bool path_known = false;
    const config_listener_t *listener = &server.config->listeners[req->listener];
    const plugin_route_t *route = plugin_route_find(listener, req->http->method, req->http->path,
                                                    req->pool, &req->captures, &path_known);
    if (!path_known) return salon_fail(req, "not_found");
    if (strcmp(req->http->method, "OPTIONS") == 0)
        return options_answer(req, plugin_route_methods(listener, req->http->path, req->pool));
    if (route == NULL) return method_refuse(req, listener);
    req->endpoint = endpoint_beside(listener, route);
    req->data = (void *)route;
    return token_run(req, route);
}

void request_from_http(http_request_t *http)
{
    salon_req_t *req = request_make(&http_sink);
    req->http = http;
    req->listener = http->listener;
    req->state = REQ_RUNNING;
    if (http->upload != 0) transfer_expect(req);
    request_outcome(req, route_find_and_run(req));
}

/* ---- What handlers ask of it ---- */

salon_outcome_t request_http_answer(salon_req_t *req, http_reply_t *reply)
{
    assert(req->http != NULL && !req->answered);
    http_send(req, reply);
    return request_no_answer(req);
}

salon_outcome_t salon_http_reply(salon_req_t *req, int status, const char *content_type,
                                 const char *body, apr_size_t length)
{
    return request_http_answer(req, http_reply_make(status, content_type, body, length));
}

const char *salon_http_capture(const salon_req_t *req, const char *name)
{
    return route_capture(&req->captures, name);
}

const char *salon_http_query(const salon_req_t *req, const char *name)
{
    return opening_query_find(req->http->queries, req->http->query_count, name);
}

const char *salon_http_header(const salon_req_t *req, const char *name)
{
    return http_header(req->http, name);
}

const char *salon_http_refused(const salon_req_t *req)
{
    return req->refused;
}

const char *salon_http_body(const salon_req_t *req, apr_size_t *length_r)
{
    *length_r = req->http->received;
    return req->http->body;
}
