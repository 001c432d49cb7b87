/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plain HTTP on the same listeners: a request is collected here, on the network thread, handed to
 * the chat thread whole, and its answer written when it comes back.
 */
#ifndef HTTP_H
#define HTTP_H

#include "chat_note.h"
#include "chunked.h"
#include "conn.h"
#include "range.h"

#define HTTP_QUERIES    16
#define HTTP_NO_CONTENT 204 /* a status that lws has no name for */

typedef struct http_request_t {
    chat_note_t note; /* of the copy that travels */
    apr_pool_t *pool; /* its own; moves with it */
    conn_ref_t conn;
    int listener;
    const char *method, *path;
    const char *address;
    int query_count;
    const char *queries[HTTP_QUERIES];
    const char *content_type, *accept; /* headers; NULL: not there */
    bool from_origin;       /* a page's, of an origin that may ask here */
    bool has_token;
    const char *token;      /* one that is no valid JSON Web Token; NULL: there is none such */
    token_claims_t *claims; /* of a valid bearer token; NULL: none, or a bad one */
    apr_size_t length;      /* of the body, as announced */
    chunked_t *chunked;     /* of a body that comes in chunks; NULL: it does not */
    apr_uint64_t upload;    /* the number by which a body is named that comes to a file; 0: none */
    bool is_form;           /* that body is multipart/form-data */
    range_request_t ranges;
    apr_size_t received, capacity;
    char *body;
} http_request_t;

typedef struct http_reply_t {
    int status;
    char *content_type;
    char *headers; /* further ones, "Name: value\r\n" each; NULL: none */
    struct http_file_t *file; /* the body, in the place of the one here; NULL: none */
    size_t length;
    char body[];
} http_reply_t;

/* What lws calls: 0: go on; otherwise end the connection. */
int http_begin(conn_t *conn);
int http_body(conn_t *conn, const char *bytes, size_t length);
int http_complete(conn_t *conn);
int http_writeable(conn_t *conn);
/* The deadline has come; false: that is the end of the connection. */
bool http_expired(conn_t *conn);

/* Tells a client that asks for it (Expect: 100-continue) to send the body. */
void http_continue(conn_t *conn);
/* The answer has come; takes it over. */
void http_reply(conn_t *conn, http_reply_t *reply);
void http_reply_free(http_reply_t **reply);
/* What a plugin may see of the headers, by name; NULL: it is not there. */
const char *http_header(const http_request_t *request, const char *name);
/* The connection's unfinished request. */
void http_request_free(struct http_request_t **request);

/* Ends a connection behind its last answer, whose request's body is not wanted: what still comes of
 * it is read, and dropped.  0, as above. */
int http_linger(conn_t *conn);
/* Writes the head, and the body unless that is a file or not wanted; conn->http_last says whether
 * the connection ends.  Non-zero: it has failed. */
int http_reply_write(conn_t *conn, const http_reply_t *reply);
/* The body of a refusal, a new object: the code, and words for people; in those of the dialect that
 * the listener serves over HTTP, where it serves one.  details: borrowed, may be NULL.  Any
 * thread. */
json_object *http_refusal_json(const config_listener_t *listener, int status, const char *code,
                               json_object *details, apr_int64_t retry_after);
/* A new answer, without further headers; copies.  Any thread. */
http_reply_t *http_reply_make(int status, const char *content_type, const char *body,
                              size_t length);
/* The same of an object, which is borrowed. */
http_reply_t *http_reply_json(int status, json_object *body);

#endif
