/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry of what plugins declare: operations and events by name.  Filled before the threads
 * start, read only afterwards.
 */
#ifndef OPERATION_H
#define OPERATION_H

#include <apr_pools.h>

#include "salon/plugin.h"

typedef struct operation_t {
    const salon_operation_t *row;
    const char *owner; /* the plugin's name; "core" */
} operation_t;

/* Before the first is registered. */
void operation_init(apr_pool_t *pool);
/* NULL: done; otherwise what is wrong with the table, in the pool. */
const char *operation_register(const char *owner, const salon_operation_t *rows);
const char *operation_register_events(const char *owner, const salon_event_t *rows);

/* Any thread, after the start; NULL: there is none. */
const operation_t *operation_find(const char *name);
const salon_event_t *event_find(const char *name);

#endif
