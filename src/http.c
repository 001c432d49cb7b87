/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws reads any Content-Length as a number, negative ones too, waits for ever for a body without
 * one, and hands on the framing of chunked bodies as if it were the body; so only a plain
 * Content-Length within the limit is accepted.  lws re-arms its time-out with every piece of a
 * body; the deadline here is for the whole request.  What a client sends behind a request it
 * neither reads nor ignores, but wakes up for, again and again; so its input is stopped until the
 * answer.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "http_file.h"
#include "http_upload.h"
#include "metrics.h"
#include "multipart.h"
#include "opening.h"
#include "plugin.h"
#include "session.h"
#include "utf8.h"
#include "wire.h"

#define LENGTH_DIGITS 9
#define UPLOAD_DIGITS 15 /* whoever takes the file has a limit of his own */
#define LENGTH_MOST   (64u << 20) /* bytes, where the configuration says no limit */
#define UNREAD_TIMEOUT 5000       /* milliseconds */

typedef enum { BODY_NONE, BODY_OPTIONAL, BODY_REQUIRED } body_t;

typedef struct {
    enum lws_token_indexes header;
    const char *name;
    body_t body;
} method_t;

static const method_t methods[] = {
    { WSI_TOKEN_GET_URI, "GET", BODY_NONE },
    { WSI_TOKEN_POST_URI, "POST", BODY_REQUIRED },
    { WSI_TOKEN_PUT_URI, "PUT", BODY_REQUIRED },
    { WSI_TOKEN_DELETE_URI, "DELETE", BODY_OPTIONAL },
    { WSI_TOKEN_PATCH_URI, "PATCH", BODY_REQUIRED },
    { WSI_TOKEN_OPTIONS_URI, "OPTIONS", BODY_NONE },
    { WSI_TOKEN_HEAD_URI, "HEAD", BODY_NONE },
};

const char *http_header(const http_request_t *request, const char *name)
{
    return strcmp(name, "accept") == 0 ? request->accept : request->content_type;
}

void http_request_free(http_request_t **request)
{
    if (*request != NULL) apr_pool_destroy((*request)->pool);
    *request = NULL;
}

static const method_t *method_read(conn_t *conn, http_request_t *request)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        request->path = opening_header(conn->wsi, methods[i].header, request->pool);
        request->method = methods[i].name;
        if (request->path != NULL) return &methods[i];
    }
    return NULL;
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

static bool length_fits(conn_t *conn, apr_size_t length, size_t digits)
{
    apr_int64_t most = conn_config(conn)->max_message;
    return digits <= LENGTH_DIGITS && length <= LENGTH_MOST &&
           (most == 0 || length <= (apr_size_t)most);
}

/* 0, or the status to refuse with. */
static int length_read(conn_t *conn, http_request_t *request, body_t body, bool upload)
{
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return HTTP_STATUS_NOT_IMPLEMENTED;
    const char *text = opening_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, request->pool);
    if (text == NULL) return body == BODY_REQUIRED ? HTTP_STATUS_LENGTH_REQUIRED : 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') return HTTP_STATUS_BAD_REQUEST;
    request->length = (apr_size_t)apr_atoi64(text);
    if (upload ? digits > UPLOAD_DIGITS : !length_fits(conn, request->length, digits))
        return HTTP_STATUS_REQ_ENTITY_TOO_LARGE;
    if (body == BODY_NONE && request->length > 0) return HTTP_STATUS_BAD_REQUEST;
    return 0;
}

/*
 * When a request's headers come out of what lws has stored of earlier reads, since the client has
 * not waited for an answer, lws takes them for the beginning of the body as well, or goes round for
 * ever.  It tells only whether there is anything stored of anybody that it would go on with; so a
 * few are refused that need not be.
 */
static bool body_mangled(conn_t *conn, const http_request_t *request)
{
    return request->length > 0 && lws_service_adjust_timeout(conn->net->lws, 1, 0) == 0;
}

static void token_read(conn_t *conn, http_request_t *request, unsigned flags)
{
    const char *token = opening_read_bearer(conn->wsi, request->pool);
    if (token == NULL && (flags & SALON_QUERY_TOKEN))
        token = opening_query_find(request->queries, request->query_count, "token");
    if (token == NULL) return;
    request->has_token = true;
    token_claims_t *claims = apr_palloc(request->pool, sizeof(*claims));
    if (token_check_cached(conn->net->tokens, conn->net->keys, token, strlen(token),
                           apr_time_sec(apr_time_now()), claims) == TOKEN_VALID)
        request->claims = claims;
    else request->token = token;
}

static void ranges_read(conn_t *conn, http_request_t *request)
{
    request->ranges = (range_request_t){
        .range = opening_header(conn->wsi, WSI_TOKEN_HTTP_RANGE, request->pool),
        .if_range = opening_header(conn->wsi, WSI_TOKEN_HTTP_IF_RANGE, request->pool),
        .if_none_match = opening_header(conn->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, request->pool),
    };
}

/* Pages of other origins see what is here only where the listener lets them (Fetch, "CORS"). */
static void origin_read(conn_t *conn, http_request_t *request)
{
    const char *origin = opening_header(conn->wsi, WSI_TOKEN_ORIGIN, request->pool);
    const char *host = opening_header(conn->wsi, WSI_TOKEN_HOST, request->pool);
    free(conn->origin);
    conn->origin = NULL;
    if (origin == NULL || !address_origin_allowed(origin, host, conn_config(conn)->origins)) return;
    request->from_origin = true;
    conn->origin = strdup(origin);
}

static void headers_read(conn_t *conn, http_request_t *request, unsigned flags)
{
    conn_identify(conn, request->pool);
    request->query_count =
        opening_read_queries(conn->wsi, request->pool, request->queries, HTTP_QUERIES);
    request->content_type =
        opening_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, request->pool);
    request->accept = opening_header(conn->wsi, WSI_TOKEN_HTTP_ACCEPT, request->pool);
    token_read(conn, request, flags);
    ranges_read(conn, request);
}

/* Plugins rely on all text being valid. */
static bool queries_valid(const http_request_t *request)
{
    for (int i = 0; i < request->query_count; i++)
        if (!utf8_valid(request->queries[i], strlen(request->queries[i]))) return false;
    return true;
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
    return http_refusal_json(status, code);
}

/* A refusal ends the connection: what follows on it cannot be told apart from the body. */
static int refuse(conn_t *conn, int status)
{
    json_object *body = refusal_body(conn, status);
    http_reply_t *reply = http_reply_json(status, body);
    metrics_add(METRIC_HTTP_REFUSED, 1);
    conn->http_last = true;
    http_reply_write(conn, reply);
    http_reply_free(&reply);
    json_object_put(body);
    return -1;
}

/* The request moves to the chat thread; what stays is that one is under way. */
static void hand_over(conn_t *conn)
{
    http_request_t *request = conn->http;
    conn->http = NULL;
    request->conn = conn_ref(conn);
    request->listener = conn->listener;
    request->address = apr_pstrdup(request->pool, conn->address);
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    session_post_http(conn, request);
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
    const method_t *method = method_read(conn, request);
    if (method == NULL) return refuse(conn, HTTP_STATUS_METHOD_NOT_ALLOWED);
    conn->http_head = strcmp(request->method, "HEAD") == 0;
    origin_read(conn, request);
    unsigned flags = route_flags(route_of(conn));
    bool upload = (flags & SALON_UPLOAD) != 0;
    int status = length_read(conn, request, method->body, upload);
    if (status == 0 && body_mangled(conn, request)) status = HTTP_STATUS_SERVICE_UNAVAILABLE;
    if (status != 0) return refuse(conn, status);
    headers_read(conn, request, flags);
    if (!queries_valid(request)) return refuse(conn, HTTP_STATUS_BAD_REQUEST);
    if (upload) return upload_begin(conn, request);
    if (request->length == 0) return http_complete(conn);
    request->body = apr_palloc(request->pool, request->length);
    return 0;
}

int http_body(conn_t *conn, const char *bytes, size_t length)
{
    http_request_t *request = conn->http;
    if (length == 0) return 0;
    if (conn->upload != NULL) return http_upload_body(conn, bytes, length);
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
    if (request == NULL) return 0;
    if (request->received != request->length) return -1;
    wheel_cancel(&conn->deadline);
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    lws_rx_flow_control(conn->wsi, 0);
    hand_over(conn);
    return 0;
}

/* ---- The answer ---- */

/* What there was a moment ago is not there, or not as it should be. */
static void file_opened(conn_t *conn, bool ok)
{
    if (!ok) {
        json_object *body = http_refusal_json(HTTP_STATUS_SERVICE_UNAVAILABLE, SALON_UNAVAILABLE);
        http_reply_free(&conn->reply);
        conn->reply = http_reply_json(HTTP_STATUS_SERVICE_UNAVAILABLE, body);
        json_object_put(body);
    }
    lws_callback_on_writable(conn->wsi);
}

void http_reply(conn_t *conn, http_reply_t *reply)
{
    if (conn->state != CONN_HTTP || conn->reply != NULL || conn->file != NULL) {
        http_reply_free(&reply);
        return;
    }
    conn->reply = reply;
    if (conn->upload != NULL) http_upload_answered(conn);
    else lws_rx_flow_control(conn->wsi, 1);
    if (reply->file != NULL) http_file_open(reply->file, conn, file_opened);
    else lws_callback_on_writable(conn->wsi);
}

/* Of a body that is not wanted, the rest is read before the connection ends, or the client would
 * hear of the end before the answer; that must not take for ever. */
static int answer_end(conn_t *conn)
{
    if (conn->http_last) {
        conn_await(conn, UNREAD_TIMEOUT);
        return 0;
    }
    http_upload_free(&conn->upload);
    wheel_cancel(&conn->deadline);
    return lws_http_transaction_completed(conn->wsi) ? -1 : 0;
}

/* Not while lws holds a part of the headers; it calls again when they are out. */
static int file_writeable(conn_t *conn)
{
    http_file_state_t state = http_file_state(conn->file);
    if (state == HTTP_FILE_OPEN && !lws_partial_buffered(conn->wsi)) http_file_send(conn->file);
    if (state != HTTP_FILE_SENT) return 0;
    http_file_drop(&conn->file);
    return answer_end(conn);
}

static bool is_opening(const http_reply_t *reply)
{
    return reply->file != NULL && http_file_state(reply->file) == HTTP_FILE_CLOSED;
}

int http_writeable(conn_t *conn)
{
    if (conn->file != NULL) return file_writeable(conn);
    http_reply_t *reply = conn->reply;
    if (reply == NULL || is_opening(reply)) return 0;
    conn->reply = NULL;
    conn->http_last = conn->upload != NULL && http_upload_unread(conn->upload);
    int failed = http_reply_write(conn, reply);
    if (!conn->http_head && http_reply_length(reply) > 0) {
        conn->file = reply->file;
        reply->file = NULL;
    }
    http_reply_free(&reply);
    if (failed) return -1;
    return conn->file != NULL ? file_writeable(conn) : answer_end(conn);
}
