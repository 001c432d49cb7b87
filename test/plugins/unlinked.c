/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that calls what neither it nor salond has: it must be refused before anything runs.
 */
#include <salon/plugin.h>

apr_status_t salon_nobody_has_this(apr_pool_t *pool);

static apr_status_t start(apr_pool_t *pool)
{
    return salon_nobody_has_this(pool);
}

SALON_PLUGIN(unlinked) = {
    SALON_PLUGIN_HEADER,
    .name = "unlinked",
    .version = "1.0",
    .summary = "wrong",
    .start = start,
};
