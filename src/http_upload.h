/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request on its way to a file (routes with SALON_UPLOAD), as the network thread sees
 * it.  Nothing of it is read before the chat thread has said yes to the headers.
 */
#ifndef HTTP_UPLOAD_H
#define HTTP_UPLOAD_H

#include "chat_note.h"
#include "conn.h"
#include "spool.h"

typedef struct http_upload_t http_upload_t;

/* How it ended, for the chat thread; exactly one for each that was not answered before. */
typedef struct upload_end_t {
    chat_note_t note; /* first */
    apr_uint64_t number;
    const char *code;   /* of a refusal; NULL: none */
    spool_file_t *file; /* allocated; NULL with a refusal, or when the connection has gone */
    char *name;         /* of the file, allocated */
} upload_end_t;

/* The request's head has been read; answers the number by which the chat thread names it. */
apr_uint64_t http_upload_begin(conn_t *conn, apr_int64_t length);
/* The chat thread takes a file of at most so many bytes. */
void http_upload_accept(conn_t *conn, apr_uint64_t number, apr_int64_t most);
/* A piece of the body.  Non-zero: end the connection. */
int http_upload_body(conn_t *conn, const char *bytes, size_t length);
/* The answer has come, what was not read yet will be dropped; this ends it. */
void http_upload_answered(conn_t *conn);
/* Is some of the body still to come? */
bool http_upload_unread(const http_upload_t *upload);
/* A second has passed. */
void http_upload_tick(conn_t *conn);
void http_upload_free(http_upload_t **upload);

#endif
