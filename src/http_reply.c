/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to HTTP requests, how they are written, and what follows on the connection.  Bodies that
 * are files go their own way (http_file.c).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <apr_strings.h>

#include "http.h"
#include "http_file.h"
#include "http_upload.h"
#include "json.h"
#include "plugin.h"
#include "wire.h"

#define HEADERS_MOST   4096 /* bytes of an answer's head */
#define UNREAD_TIMEOUT 5000 /* milliseconds */

http_reply_t *http_reply_make(int status, const char *content_type, const char *body, size_t length)
{
    http_reply_t *reply = malloc(sizeof(*reply) + length);
    if (reply == NULL) abort();
    *reply =
        (http_reply_t){ .status = status, .content_type = strdup(content_type), .length = length };
    memcpy(reply->body, body, length);
    return reply;
}

http_reply_t *http_reply_json(int status, json_object *body)
{
    size_t length;
    const char *text = json_text(body, &length);
    return http_reply_make(status, "application/json", text, length);
}

/* For people; programs look at the code. */
static const char *message_of(int status)
{
    static const struct {
        int status;
        const char *message;
    } messages[] = {
        { 400, "Malformed request" },      { 401, "A valid token is needed" },
        { 404, "Not found" },              { 405, "Method not allowed" },
        { 409, "It exists already" },      { 411, "A Content-Length is needed" },
        { 413, "Too large" },              { 415, "Type of file not taken" },
        { 429, "Too many requests" },      { 501, "Not implemented" },
        { 503, "Unavailable, try again" }, { 507, "No space left" },
    };
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        if (messages[i].status == status) return messages[i].message;
    return "Permission denied";
}

static json_object *canonical(int status, const char *code, json_object *details)
{
    json_object *body = salon_json_string(salon_json(), "code", code);
    salon_json_string(body, "message", message_of(status));
    if (details != NULL) salon_json_value(body, "details", json_object_get(details));
    return body;
}

json_object *http_refusal_json(const config_listener_t *listener, int status, const char *code,
                               json_object *details, apr_int64_t retry_after)
{
    const char *name = plugin_http_dialect(listener);
    const wire_t *wire = name != NULL ? wire_find(name) : NULL;
    return wire != NULL && wire_spells(wire, code)
               ? wire_route_error(wire, NULL, code, details, retry_after)
               : canonical(status, code, details);
}

void http_reply_free(http_reply_t **reply)
{
    if (*reply == NULL) return;
    free((*reply)->content_type);
    free((*reply)->headers);
    http_file_drop(&(*reply)->file);
    free(*reply);
    *reply = NULL;
}

static apr_int64_t body_length(const http_reply_t *reply)
{
    return reply->file != NULL ? http_file_length(reply->file) : (apr_int64_t)reply->length;
}

static int common_headers(conn_t *conn, const http_reply_t *reply, unsigned char **at,
                          unsigned char *end)
{
    if (reply->status == HTTP_STATUS_NOT_MODIFIED || reply->status == HTTP_NO_CONTENT)
        return lws_add_http_header_status(conn->wsi, (unsigned)reply->status, at, end);
    return lws_add_http_common_headers(conn->wsi, (unsigned)reply->status, reply->content_type,
                                       (lws_filepos_t)body_length(reply), at, end);
}

static int header_add(conn_t *conn, const char *name, const char *value, unsigned char **at,
                      unsigned char *end)
{
    return lws_add_http_header_by_name(conn->wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at, end);
}

static int origin_headers(conn_t *conn, unsigned char **at, unsigned char *end)
{
    return header_add(conn, "access-control-allow-origin:", conn->origin, at, end) ||
           header_add(conn, "access-control-expose-headers:",
                      "retry-after, etag, content-range, content-disposition", at, end) ||
           header_add(conn, "vary:", "origin", at, end);
}

static int last_header(conn_t *conn, unsigned char **at, unsigned char *end)
{
    if (!conn->http_last && !conn->http_alone) return 0;
    return lws_add_http_header_by_token(conn->wsi, WSI_TOKEN_CONNECTION,
                                        (const unsigned char *)"close", 5, at, end);
}

static int headers_write(conn_t *conn, const http_reply_t *reply)
{
    unsigned char buffer[LWS_PRE + HEADERS_MOST], *at = buffer + LWS_PRE,
                                                  *end = buffer + sizeof(buffer) - 1;
    if (common_headers(conn, reply, &at, end) || last_header(conn, &at, end) ||
        header_add(conn, "x-content-type-options:", "nosniff", &at, end))
        return -1;
    if (conn->origin != NULL && origin_headers(conn, &at, end)) return -1;
    if (reply->headers != NULL && (size_t)(end - at) > strlen(reply->headers))
        at = (unsigned char *)apr_cpystrn((char *)at, reply->headers, (apr_size_t)(end - at));
    return lws_finalize_write_http_header(conn->wsi, buffer + LWS_PRE, &at, end);
}

int http_reply_write(conn_t *conn, const http_reply_t *reply)
{
    if (headers_write(conn, reply)) return -1;
    if (conn->http_head || reply->file != NULL || reply->length == 0) return 0;
    return conn_write_copy(conn, reply->body, reply->length, LWS_WRITE_HTTP_FINAL) < 0 ? -1 : 0;
}

/* ---- When and after it is written ---- */

/* What there was a moment ago is not there, or not as it should be. */
static void file_opened(conn_t *conn, bool ok)
{
    if (!ok) {
        json_object *body = http_refusal_json(conn_config(conn), HTTP_STATUS_SERVICE_UNAVAILABLE,
                                              SALON_UNAVAILABLE, NULL, 0);
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
    conn->http_asked = false;
    conn->reply = reply;
    if (conn->upload != NULL) http_upload_answered(conn);
    else lws_rx_flow_control(conn->wsi, 1);
    if (reply->file != NULL) http_file_open(reply->file, conn, file_opened);
    else lws_callback_on_writable(conn->wsi);
}

/* The rest of a body must be read, or the client would hear of the end before the answer; and that
 * must not take for ever. */
int http_linger(conn_t *conn)
{
    if (!lws_partial_buffered(conn->wsi)) shutdown(lws_get_socket_fd(conn->wsi), SHUT_WR);
    conn_await(conn, UNREAD_TIMEOUT);
    return 0;
}

static int answer_end(conn_t *conn)
{
    if (conn->http_last) return http_linger(conn);
    if (conn->http_alone) return -1;
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
    if (conn->upload != NULL && http_upload_unread(conn->upload)) conn->http_last = true;
    int failed = http_reply_write(conn, reply);
    if (!conn->http_head && body_length(reply) > 0) {
        conn->file = reply->file;
        reply->file = NULL;
    }
    http_reply_free(&reply);
    if (failed) return -1;
    return conn->file != NULL ? file_writeable(conn) : answer_end(conn);
}
