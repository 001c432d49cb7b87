/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of header values (RFC 9110, 5.6.6), and what a file is called in Content-Disposition,
 * both ways (RFC 6266, RFC 8187).
 */
#ifndef DISPOSITION_H
#define DISPOSITION_H

#include <stdbool.h>

#include <apr_pools.h>

/* "form-data; name=x" begins with that word, whatever follows; case does not matter. */
bool disposition_is(const char *value, const char *word);
/* The value of the first parameter with that name (case does not matter), unquoted; NULL: none, or
 * the value is malformed before it. */
const char *disposition_parameter(apr_pool_t *pool, const char *value, const char *name);
/* The parameter "filename*", else "filename", as disposition_clean makes it; "" where there is
 * none. */
const char *disposition_file_name(apr_pool_t *pool, const char *value);
/* What may be kept and shown of a name from outside: the last part of a path, without control
 * characters and such as turn the direction of text, at most 255 bytes of UTF-8; perhaps "". */
const char *disposition_clean(apr_pool_t *pool, const char *name);
/* The value of the header.  name: clean, perhaps "". */
const char *disposition_make(apr_pool_t *pool, bool shown_inline, const char *name);

#endif
