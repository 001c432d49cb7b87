/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an HTTP request, as lws has parsed it.  Network threads.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http.h"

/* The method, the path and the page's origin.  False: no method that is served here. */
bool http_head_begin(conn_t *conn, http_request_t *request);
/* All else, for a route with these flags (SALON_UPLOAD ...).  0, or the status to refuse with. */
int http_head_read(conn_t *conn, http_request_t *request, unsigned flags);

/* Bytes that a body may have which comes to memory. */
apr_size_t http_head_body_most(conn_t *conn);

#endif
