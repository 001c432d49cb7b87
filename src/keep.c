/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions rise with time, unless a clock was set back: what was said in the future says nothing
 * of what is behind it.
 */
#include "keep.h"

#include <sys/param.h>

#define DAY   APR_INT64_C(86400000) /* milliseconds */
#define NEVER APR_INT64_MIN

keep_walk_t keep_walk(const salon_keep_t *keep, apr_int64_t now, apr_int64_t count)
{
    return (keep_walk_t){ .now = now,
                          .before = keep->days > 0 ? now - keep->days * DAY : NEVER,
                          .excess = keep->messages > 0 ? MAX(0, count - keep->messages) : 0,
                          .pinned = keep->pinned };
}

keep_verdict_t keep_next(keep_walk_t *walk, apr_int64_t created_at, bool pinned, bool deleted)
{
    bool is_old = created_at < walk->before, is_many = walk->excess > 0;
    if (is_many && !deleted) walk->excess--;
    if (is_old || is_many) return pinned && walk->pinned ? KEEP_STAYS : KEEP_GOES;
    return walk->before != NEVER && created_at > walk->now ? KEEP_STAYS : KEEP_ENOUGH;
}
