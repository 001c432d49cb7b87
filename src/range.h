/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which part of a file an HTTP request asks for, and whether it has it already (RFC 9110).
 */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>

#include <apr_pools.h>

typedef struct range_request_t {
    const char *range, *if_range, *if_none_match; /* the headers; NULL: absent */
} range_request_t;

typedef enum {
    RANGE_ALL,   /* 200 */
    RANGE_PART,  /* 206 */
    RANGE_NONE,  /* 416: there is no such part */
    RANGE_KNOWN  /* 304: the client has it */
} range_kind_t;

typedef struct range_t {
    range_kind_t kind;
    apr_int64_t from, length; /* of what is to be sent; of KNOWN and NONE: 0 */
} range_t;

/* etag: with its quotes, a strong one.  Several parts at once are answered with the whole, as is
 * what makes no sense. */
range_t range_find(const range_request_t *request, const char *etag, apr_int64_t size);

#endif
