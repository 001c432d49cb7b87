/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compression of permessage-deflate (RFC 7692), always without context takeover: every message
 * stands for itself, so that one compressed message serves all receivers, and a connection costs
 * nothing.  One deflate_t per thread does the work for all of its connections.
 */
#ifndef DEFLATE_H
#define DEFLATE_H

#include <stdbool.h>
#include <stddef.h>

#include <apr_pools.h>

typedef struct deflate_t deflate_t;

/* Lives as long as the pool; to be used by one thread at a time. */
deflate_t *deflate_make(apr_pool_t *pool);

#define DEFLATE_SPARE 5 /* bytes of space that compressing wants beyond its result */

/* Writes a message's compressed payload to `to`, of `size` bytes, and answers its
 * length; 0: it is longer than size - DEFLATE_SPARE. */
size_t deflate_compress(deflate_t *state, const void *bytes, size_t length, void *to,
                        size_t size);
/* How long the compressed form of that many bytes may be, whoever has made it. */
size_t deflate_most(size_t length);

typedef enum {
    DEFLATE_DONE,
    DEFLATE_TOO_LONG, /* longer than `most` bytes: all that were ever made of it */
    DEFLATE_BROKEN    /* no compressed message, or not a whole one */
} deflate_status_t;

/* The reverse.  *text_r is allocated, and NULL unless the status is DEFLATE_DONE. */
deflate_status_t deflate_expand(deflate_t *state, const void *bytes, size_t length, size_t most,
                                char **text_r, size_t *length_r);

#endif
