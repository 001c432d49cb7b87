/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file as the body of an answer, or a part of it.
 */
#ifndef HTTP_FILE_H
#define HTTP_FILE_H

#include "conn.h"

typedef struct http_file_t http_file_t;

/* Any thread.  size: of the whole file; what has another is not sent. */
http_file_t *http_file_make(const char *path, apr_int64_t size, apr_int64_t from,
                            apr_int64_t length);
/* How many bytes are to be sent. */
apr_int64_t http_file_length(const http_file_t *file);

typedef enum {
    HTTP_FILE_CLOSED,
    HTTP_FILE_OPEN,
    HTTP_FILE_SENDING,
    HTTP_FILE_SENT
} http_file_state_t;

http_file_state_t http_file_state(const http_file_t *file);
/* The connection's own thread.  Opens it, then sees to it that `opened` is called, with false where
 * that failed; not called once it has been dropped. */
void http_file_open(http_file_t *file, conn_t *conn, void (*opened)(conn_t *conn, bool ok));
/* It is open, and the headers are out.  When everything has been sent, the connection's WRITEABLE
 * comes; when that fails or stalls, the connection ends. */
void http_file_send(http_file_t *file);
/* Any time; what is under way ends by itself. */
void http_file_drop(http_file_t **file);

#endif
