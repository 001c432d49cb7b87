/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lws reads any Content-Length as a number, negative ones too, waits for ever for a body without
 * one, and hands on the framing of chunked bodies as if it were the body; so only a plain
 * Content-Length within the limit is accepted.  lws re-arms its time-out with every piece of a
 * body; the deadline here is for the whole request.
 */
#include "http.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "opening.h"
#include "session.h"
#include "metrics.h"

#define LENGTH_DIGITS 9
#define LENGTH_MOST   (64u << 20) /* bytes, where the configuration says no limit */

static const struct method_t {
    enum lws_token_indexes header;
    const char *name;
} methods[] = {
    { WSI_TOKEN_GET_URI, "GET" },       { WSI_TOKEN_POST_URI, "POST" },
    { WSI_TOKEN_PUT_URI, "PUT" },       { WSI_TOKEN_DELETE_URI, "DELETE" },
    { WSI_TOKEN_PATCH_URI, "PATCH" },   { WSI_TOKEN_OPTIONS_URI, "OPTIONS" },
    { WSI_TOKEN_HEAD_URI, "HEAD" },
};

http_reply_t *http_reply_make(int status, const char *content_type, const char *body, size_t length)
{
    http_reply_t *reply = malloc(sizeof(*reply) + length);
    if (reply == NULL) abort();
    *reply =
        (http_reply_t){ .status = status, .content_type = strdup(content_type), .length = length };
    memcpy(reply->body, body, length);
    return reply;
}

void http_reply_free(http_reply_t **reply)
{
    if (*reply == NULL) return;
    free((*reply)->content_type);
    free((*reply)->headers);
    free(*reply);
    *reply = NULL;
}

void http_request_free(http_request_t **request)
{
    if (*request != NULL) apr_pool_destroy((*request)->pool);
    *request = NULL;
}

static bool method_read(conn_t *conn, http_request_t *request)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        request->path = opening_header(conn->wsi, methods[i].header, request->pool);
        request->method = methods[i].name;
        if (request->path != NULL) return true;
    }
    return false;
}

/* 0, or the status to refuse with. */
static int length_read(conn_t *conn, http_request_t *request)
{
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return HTTP_STATUS_NOT_IMPLEMENTED;
    const char *text = opening_header(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, request->pool);
    bool wants_body = strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                      strcmp(request->method, "PATCH") == 0;
    if (text == NULL) return wants_body ? HTTP_STATUS_LENGTH_REQUIRED : 0;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != '\0') return HTTP_STATUS_BAD_REQUEST;
    apr_int64_t most = conn_config(conn)->max_message;
    request->length = (apr_size_t)apr_atoi64(text);
    if (digits > LENGTH_DIGITS || request->length > LENGTH_MOST ||
        (most > 0 && request->length > (apr_size_t)most))
        return HTTP_STATUS_REQ_ENTITY_TOO_LARGE;
    if (!wants_body && request->length > 0) return HTTP_STATUS_BAD_REQUEST;
    return 0;
}

static void token_read(conn_t *conn, http_request_t *request)
{
    const char *token = opening_read_bearer(conn->wsi, request->pool);
    if (token == NULL) return;
    request->has_token = true;
    token_claims_t *claims = apr_palloc(request->pool, sizeof(*claims));
    if (token_check_cached(conn->net->tokens, conn->net->keys, token, strlen(token),
                           apr_time_sec(apr_time_now()), claims) == TOKEN_VALID)
        request->claims = claims;
}

static http_request_t *request_make(void)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    http_request_t *request = apr_pcalloc(pool, sizeof(*request));
    request->pool = pool;
    return request;
}

/* A refusal ends the connection: what follows on it cannot be told apart from the body. */
static int refuse(conn_t *conn, int status)
{
    metrics_add(METRIC_HTTP_REFUSED, 1);
    lws_return_http_status(conn->wsi, (unsigned)status, NULL);
    return -1;
}

int http_begin(conn_t *conn)
{
    if (conn->http != NULL) return -1;
    conn->state = CONN_HTTP;
    conn_await(conn, conn_config(conn)->handshake_timeout * 1000);
    http_request_t *request = request_make();
    conn->http = request;
    if (!method_read(conn, request)) return refuse(conn, HTTP_STATUS_METHOD_NOT_ALLOWED);
    conn->http_head = strcmp(request->method, "HEAD") == 0;
    int status = length_read(conn, request);
    if (status != 0) return refuse(conn, status);
    request->query_count =
        opening_read_queries(conn->wsi, request->pool, request->queries, HTTP_QUERIES);
    token_read(conn, request);
    if (request->length == 0) return http_complete(conn);
    request->body = apr_palloc(request->pool, request->length);
    return 0;
}

int http_body(conn_t *conn, const char *bytes, size_t length)
{
    http_request_t *request = conn->http;
    if (length == 0) return 0;
    if (request == NULL || length > request->length - request->received) return -1;
    memcpy(request->body + request->received, bytes, length);
    request->received += length;
    return 0;
}

/* The request moves to the chat thread; what stays is that one is under way.  A body of no bytes
 * (Content-Length: 0) and its end lws announces afterwards all the same. */
int http_complete(conn_t *conn)
{
    http_request_t *request = conn->http;
    if (request == NULL) return 0;
    if (request->received != request->length) return -1;
    conn->http = NULL;
    wheel_cancel(&conn->deadline);
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0);
    request->conn = conn_ref(conn);
    request->listener = conn->listener;
    request->address = apr_pstrdup(request->pool, conn->address);
    metrics_add(METRIC_HTTP_REQUESTS, 1);
    session_post_http(conn, request);
    return 0;
}

void http_reply(conn_t *conn, http_reply_t *reply)
{
    if (conn->state != CONN_HTTP || conn->reply != NULL) {
        http_reply_free(&reply);
        return;
    }
    conn->reply = reply;
    lws_callback_on_writable(conn->wsi);
}

static int headers_write(conn_t *conn, const http_reply_t *reply)
{
    unsigned char buffer[LWS_PRE + 1024], *at = buffer + LWS_PRE,
                                          *end = buffer + sizeof(buffer) - 1;
    if (lws_add_http_common_headers(conn->wsi, (unsigned)reply->status, reply->content_type,
                                    reply->length, &at, end) ||
        lws_add_http_header_by_name(conn->wsi, (const unsigned char *)"x-content-type-options:",
                                    (const unsigned char *)"nosniff", 7, &at, end))
        return -1;
    if (reply->headers != NULL && (size_t)(end - at) > strlen(reply->headers))
        at = (unsigned char *)apr_cpystrn((char *)at, reply->headers, (apr_size_t)(end - at));
    return lws_finalize_write_http_header(conn->wsi, buffer + LWS_PRE, &at, end);
}

static int body_write(conn_t *conn, const http_reply_t *reply)
{
    return conn_write_copy(conn, reply->body, reply->length, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 0;
}

int http_writeable(conn_t *conn)
{
    http_reply_t *reply = conn->reply;
    if (reply == NULL) return 0;
    conn->reply = NULL;
    int failed = headers_write(conn, reply);
    if (!failed && reply->length > 0 && !conn->http_head) failed = body_write(conn, reply);
    http_reply_free(&reply);
    if (failed || lws_http_transaction_completed(conn->wsi)) return -1;
    return 0;
}
