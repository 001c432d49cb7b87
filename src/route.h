/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path patterns: "/ws", "/files/{name}".  A {name} matches one non-empty segment; of
 * several patterns that match a path, the one with the most literal text wins.
 */
#ifndef ROUTE_H
#define ROUTE_H

#include <stdbool.h>

#include <apr_pools.h>

#define ROUTE_CAPTURES 4

typedef struct route_t route_t;

typedef struct route_captures_t {
    int count;
    const char *names[ROUTE_CAPTURES];
    const char *values[ROUTE_CAPTURES];
} route_captures_t;

/* NULL: not a pattern (no leading slash, unbalanced or empty braces, a brace inside a segment). */
route_t *route_compile(apr_pool_t *pool, const char *pattern);
/* Characters of literal text. */
int route_weight(const route_t *route);
/* path: without query, percent-decoded already (libwebsockets does that).  Captures' values are
 * allocated in the pool.  False also for a capture that is bad UTF-8, "." or "..". */
bool route_match(const route_t *route, const char *path, apr_pool_t *pool,
                 route_captures_t *captures_r);
/* The same, but the pattern's last {name} may be whatever the path goes on with: several segments,
 * or nothing, which is also what bad UTF-8, "." and ".." become. */
bool route_match_rest(const route_t *route, const char *path, apr_pool_t *pool,
                      route_captures_t *captures_r);
/* The value of a capture, or NULL. */
const char *route_capture(const route_captures_t *captures, const char *name);

#endif
