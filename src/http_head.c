/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the head of an HTTP request.  lws reads any Content-Length as a number, negative ones
 * too, waits for ever for a body without one, and hands on the framing of chunked bodies as if it
 * were the body; so only a plain Content-Length within the limit is accepted, or chunks, where the
 * body comes to memory (chunked.c takes them apart).
 */
#include "http_head.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "opening.h"
#include "utf8.h"

#define LENGTH_DIGITS 9
#define UPLOAD_DIGITS 15          /* whoever takes the file has a limit of his own */
#define LENGTH_MOST   (64u << 20) /* bytes, where the configuration says no limit */

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

#define METHODS (sizeof(methods) / sizeof(methods[0]))

static bool method_read(conn_t *conn, http_request_t *request)
{
    for (size_t i = 0; i < METHODS; i++) {
        request->path = opening_header(conn->wsi, methods[i].header, request->pool);
        request->method = methods[i].name;
        if (request->path != NULL) return true;
    }
    return false;
}

static body_t body_of(const http_request_t *request)
{
    size_t i = 0;
    while (methods[i].name != request->method) i++;
    return methods[i].body;
}

apr_size_t http_head_body_most(conn_t *conn)
{
    apr_int64_t most = conn_config(conn)->max_message;
    return most == 0 || most > LENGTH_MOST ? LENGTH_MOST : (apr_size_t)most;
}

static bool length_fits(conn_t *conn, apr_size_t length, size_t digits)
{
    return digits <= LENGTH_DIGITS && length <= http_head_body_most(conn);
}

/* Two lengths are one too many: who is in front of this server may have taken the other one. */
static int encoding_read(conn_t *conn, http_request_t *request, const char *encoding, bool upload)
{
    if (apr_strnatcasecmp(encoding, "chunked") != 0) return HTTP_STATUS_NOT_IMPLEMENTED;
    if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
        return HTTP_STATUS_BAD_REQUEST;
    if (upload || body_of(request) != BODY_REQUIRED) return HTTP_STATUS_LENGTH_REQUIRED;
    request->chunked = apr_pcalloc(request->pool, sizeof(*request->chunked));
    return 0;
}

/* 0, or the status to refuse with. */
static int length_read(conn_t *conn, http_request_t *request, bool upload)
{
    body_t body = body_of(request);
    const char *encoding =
        opening_header(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, request->pool);
    if (encoding != NULL) return encoding_read(conn, request, encoding, upload);
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
    bool has_body = request->length > 0 || request->chunked != NULL;
    return has_body && lws_service_adjust_timeout(conn->net->lws, 1, 0) == 0;
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

/*
 * lws takes a header whose name is the beginning of one that it knows (X-Auth, If) together with
 * the next line for one name, so it does not see that line: a Content-Length, say, and the body is
 * the next request then.  On a connection that a proxy shares among people that would be somebody
 * else's; so there is no next one.
 */
static bool is_shared(const conn_t *conn)
{
    return address_listed(conn->peer, conn_config(conn)->proxies) ||
           lws_hdr_total_length(conn->wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
           lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_VIA) > 0;
}

bool http_head_begin(conn_t *conn, http_request_t *request)
{
    conn->http_alone = is_shared(conn);
    if (!method_read(conn, request)) return false;
    conn->http_head = strcmp(request->method, "HEAD") == 0;
    origin_read(conn, request);
    return true;
}

int http_head_read(conn_t *conn, http_request_t *request, unsigned flags)
{
    int status = length_read(conn, request, (flags & SALON_UPLOAD) != 0);
    if (status != 0) return status;
    if (body_mangled(conn, request)) return HTTP_STATUS_SERVICE_UNAVAILABLE;
    headers_read(conn, request, flags);
    return queries_valid(request) ? 0 : HTTP_STATUS_BAD_REQUEST;
}
