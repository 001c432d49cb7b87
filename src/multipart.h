/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart/form-data (RFC 7578), taken as it comes, in pieces of any size: the bytes of one field
 * are handed on, everything else is skipped.  Memory does not grow with what comes.
 */
#ifndef MULTIPART_H
#define MULTIPART_H

#include <stdbool.h>

#include <apr_pools.h>

typedef struct multipart_t multipart_t;

/* What takes the field's bytes; false: no more of them. */
typedef bool multipart_sink_t(void *baton, const char *bytes, size_t length);

/* Is it multipart/form-data? */
bool multipart_is(const char *content_type);
/* NULL: the type names no boundary, or none that may be. */
multipart_t *multipart_make(apr_pool_t *pool, const char *content_type, const char *field,
                            multipart_sink_t *sink, void *baton);
/* False: this is no form, or the field is there twice, or the sink takes no more. */
bool multipart_feed(multipart_t *multipart, const char *bytes, size_t length);
/* The form's end has come, and the field was in it. */
bool multipart_complete(const multipart_t *multipart);
/* What the field's file is called (clean, perhaps ""), once it has begun. */
const char *multipart_file_name(const multipart_t *multipart);

#endif
