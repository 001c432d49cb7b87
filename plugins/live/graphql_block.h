/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a block string ("""…""").
 */
#ifndef LIVE_GRAPHQL_BLOCK_H
#define LIVE_GRAPHQL_BLOCK_H

#include <stddef.h>

#include <apr_pools.h>

/* Of what stands between the quotes: without the indentation that all lines but the first share,
 * and without blank lines at both ends. */
const char *graphql_block(apr_pool_t *pool, const char *raw, size_t length);

#endif
