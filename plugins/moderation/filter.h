/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The word filter: a file of words and regular expressions that are refused or masked.
 */
#ifndef FILTER_H
#define FILTER_H

#include <apr_pools.h>

/*
 * Reads the file in the place of what was read before; NULL or "": no words at all.  When something
 * is wrong with it, *error_r (in the pool) says what and where, and what was there stays.
 */
apr_status_t filter_read(const char *path, apr_pool_t *pool, const char **error_r);

/* No words any more. */
void filter_forget(void);

/* NULL: the text is refused.  Otherwise the text, or another one in the pool, with asterisks for
 * what is not to be read. */
const char *filter_text(const char *text, apr_pool_t *pool);

#endif
