/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in chunks (RFC 9112, 7.1), taken as they come, in pieces of any size: what the chunks hold
 * is handed on, sizes, extensions and trailers are not.  Strict, since what one server takes for
 * the end and another one does not lets requests be smuggled.
 */
#ifndef CHUNKED_H
#define CHUNKED_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { CHUNKED_MORE, CHUNKED_DONE, CHUNKED_BAD } chunked_end_t;

/* All zero at the beginning. */
typedef struct chunked_t {
    int state;
    size_t left;   /* bytes of this chunk */
    size_t digits; /* of its size */
    size_t frame;  /* bytes, so far, that are no chunk's */
} chunked_t;

/* What takes the bytes; false: no more of them. */
typedef bool chunked_sink_t(void *baton, const char *bytes, size_t length);

/* CHUNKED_BAD also where the sink takes no more; what is behind the end is not looked at. */
chunked_end_t chunked_feed(chunked_t *chunked, const char *bytes, size_t length,
                           chunked_sink_t *sink, void *baton);

#endif
