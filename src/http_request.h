/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What rest.c needs of HTTP requests.  Chat thread.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "request.h"

#define METHOD_NOT_ALLOWED "method_not_allowed"

/* The status of a refusal. */
int http_request_status(const char *code);
/* The headers of a refusal, in the request's pool; NULL: none. */
const char *http_request_headers(salon_req_t *req, const char *code, apr_int64_t retry_after);
/* Sends an answer.  body: borrowed.  headers: "name: value\r\n" each; NULL: none. */
void http_request_send(salon_req_t *req, int status, json_object *body, const char *headers);

#endif
