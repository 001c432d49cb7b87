/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests, as they come.  lws re-arms its time-out with every piece of a body; the deadline
 * here is for the whole request.  What a client sends behind a request lws neither reads nor
 * ignores, but wakes up for, again and again; so its input is stopped until the answer.
 */
#include "http.h"

#include <string.h>

#include <apr_strings.h>

#include "http_head.h"
#include "http_upload.h"
#include "metrics.h"
#include "multipart.h"
#include "opening.h"
#include "plugin.h"
#include "session.h"
#include "wire.h"

const char *http_header(const http_request_t *request, const char *name)
{
    return strcmp(name, "accept") == 0 ? request->accept : request->content_type;
}

void http_request_free(http_request_t **request)
{
    if (*request != NULL) apr_pool_destroy((*request)->pool);
    *request = NULL;
}

/* NULL: none. */
static const plugin_route_t *route_of(conn_t *conn)
{
    route_captures_t captures;
    bool known = false;
    const http_request_t *request = conn->http;
    return plugin_route_find(conn_config(conn), request->method, request->path, request->pool,
                             &captures, &known);
}

/* Of a plugin's route; 0: there is none. */
static unsigned route_flags(const plugin_route_t *route)
{
    return route != NULL && route->row != NULL ? route->row->flags : 0;
}

static http_request_t *request_make(void)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    http_request_t *request = apr_pcalloc(pool, sizeof(*request));
    request->pool = pool;
    return request;
}

static const struct {
    int status;
    const char *code;
} refusals[] = {
    { HTTP_STATUS_BAD_REQUEST, SALON_INVALID },
    { HTTP_STATUS_METHOD_NOT_ALLOWED, "method_not_allowed" },
    { HTTP_STATUS_LENGTH_REQUIRED, "length_required" },
    { HTTP_STATUS_REQ_ENTITY_TOO_LARGE, SALON_TOO_LARGE },
    { HTTP_STATUS_NOT_IMPLEMENTED, "not_implemented" },
    { 0, SALON_UNAVAILABLE },
};

static const char *refusal_code(int status)
{
    int i = 0;
    while (refusals[i].status != status && refusals[i].status != 0) i++;
    return refusals[i].code;
}

/* In the words of the dialect, where it is one's route. */
static json_object *refusal_body(conn_t *conn, int status)
{
    const plugin_route_t *route = conn->http->path != NULL ? route_of(conn) : NULL;
    const char *code = refusal_code(status);
    if (route != NULL && route->wire != NULL)
        return wire_route_error(wire_find(route->owner), route->wire, code, NULL, 0);
    return http_refusal_json(conn_config(conn), status, code, NULL, 0);
}

/* A refusal ends the connection: what follows on it cannot be told apart from the body. */
static int refuse(conn_t *conn, int status)
{
    json_object *body = refusal_body(conn, status);
    http_reply_t *reply = http_reply_json(status, body);
    metrics_add(METRIC_HTTP_REFUSED, 1);
    conn->http_last = true;
    int failed = http_reply_write(conn, reply);
    http_reply_free(&reply);
    json_object_put(body);
    bool has_body = conn->http->length > 0 || conn->http->chunked != NULL;
    return !failed && has_body ? http_linger(conn) : -1;
}

/* The request moves to the chat thread; what stays is that one is under way. */
static void hand_over(conn_t *conn)
{
    http_request_t *request = conn->http;
    conn->http = NULL;
    conn->http_asked = true;
    request->conn = conn_ref(conn);
    request->listener = conn->listener;
    request->address = apr_pstrdup(request->pool, conn->address);
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    session_post_http(conn, request);
}

void http_continue(conn_t *conn)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!lws_partial_buffered(conn->wsi))
        conn_write_copy(conn, text, sizeof(text) - 1, LWS_WRITE_HTTP_HEADERS);
}

static int upload_begin(conn_t *conn, http_request_t *request)
{
    const char *type = opening_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, request->pool);
    request->is_form = type != NULL && multipart_is(type);
    request->upload = http_upload_begin(conn, (apr_int64_t)request->length);
    hand_over(conn);
    return 0;
}

int http_begin(conn_t *conn)
{
    if (conn->http != NULL) return -1;
    conn->state = CONN_HTTP;
    conn_await(conn, conn_config(conn)->handshake_timeout * 1000);
    http_request_t *request = request_make();
    conn->http = request;
    if (!http_head_begin(conn, request)) return refuse(conn, HTTP_STATUS_METHOD_NOT_ALLOWED);
    unsigned flags = route_flags(route_of(conn));
    int status = http_head_read(conn, request, flags);
    if (status != 0) return refuse(conn, status);
    if (flags & SALON_UPLOAD) return upload_begin(conn, request);
    if (request->length == 0 && request->chunked == NULL) return http_complete(conn);
    request->body = apr_palloc(request->pool, request->length);
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_EXPECT) > 0) http_continue(conn);
    return 0;
}

/* The body is complete. */
static void ask(conn_t *conn)
{
    wheel_cancel(&conn->deadline);
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    lws_rx_flow_control(conn->wsi, 0);
    hand_over(conn);
}

static bool body_append(void *baton, const char *bytes, size_t length)
{
    conn_t *conn = baton;
    http_request_t *request = conn->http;
    request->length = request->received + length;
    if (request->length > http_head_body_most(conn)) return false;
    if (request->length > request->capacity) {
        request->capacity = request->length * 2;
        char *body = apr_palloc(request->pool, request->capacity);
        memcpy(body, request->body, request->received);
        request->body = body;
    }
    memcpy(request->body + request->received, bytes, length);
    request->received = request->length;
    return true;
}

/* For lws the body goes on for ever; so nothing is read behind it, and the time-out that lws sets
 * when this returns is taken back a moment later. */
static int chunks_take(conn_t *conn, const char *bytes, size_t length)
{
    http_request_t *request = conn->http;
    chunked_end_t end = chunked_feed(request->chunked, bytes, length, body_append, conn);
    if (end == CHUNKED_BAD)
        return refuse(conn, request->length > request->received
                                ? HTTP_STATUS_REQ_ENTITY_TOO_LARGE
                                : HTTP_STATUS_BAD_REQUEST);
    if (end == CHUNKED_MORE) return 0;
    conn->http_last = true;
    ask(conn);
    conn_await(conn, 1);
    return 0;
}

int http_body(conn_t *conn, const char *bytes, size_t length)
{
    http_request_t *request = conn->http;
    if (length == 0) return 0;
    if (conn->upload != NULL) return http_upload_body(conn, bytes, length);
    if (conn->http_last) return 0;
    if (request != NULL && request->chunked != NULL) return chunks_take(conn, bytes, length);
    if (request == NULL || length > request->length - request->received) return -1;
    memcpy(request->body + request->received, bytes, length);
    request->received += length;
    return 0;
}

/* A body of no bytes (Content-Length: 0) and its end lws announces afterwards all the same; and the
 * end of one that goes to a file is known there. */
int http_complete(conn_t *conn)
{
    http_request_t *request = conn->http;
    if (conn->http_last) return -1;
    if (request == NULL) return 0;
    if (request->received != request->length) return -1;
    ask(conn);
    return 0;
}

bool http_expired(conn_t *conn)
{
    if (conn->upload != NULL) http_upload_tick(conn);
    else if (conn->http_asked) lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    else return false;
    return true;
}
