/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hash tables.  apr_hash is safe for many readers as long as nobody writes and nobody iterates
 * with its built-in iterator.
 */
#include "operation.h"

#include <apr_hash.h>
#include <apr_strings.h>

static struct {
    apr_pool_t *pool;
    apr_hash_t *operations, *events;
} registry;

void operation_init(apr_pool_t *pool)
{
    registry.pool = pool;
    registry.operations = apr_hash_make(pool);
    registry.events = apr_hash_make(pool);
}

static const char *row_check(const salon_operation_t *row)
{
    if (row->handler == NULL) return "has no handler";
    if (strchr(row->name, '.') == NULL) return "is not of the form noun.verb";
    if (row->may != NULL && row->subject == NULL) return "does not say where one must be allowed";
    if (operation_find(row->name) != NULL) return "exists already";
    return NULL;
}

const char *operation_register(const char *owner, const salon_operation_t *rows)
{
    for (const salon_operation_t *row = rows; row != NULL && row->name != NULL; row++) {
        const char *wrong = row_check(row);
        if (wrong != NULL)
            return apr_psprintf(registry.pool, "operation \"%s\" %s", row->name, wrong);
        operation_t *operation = apr_palloc(registry.pool, sizeof(*operation));
        *operation = (operation_t){ .row = row, .owner = owner };
        apr_hash_set(registry.operations, row->name, APR_HASH_KEY_STRING, operation);
    }
    return NULL;
}

const char *operation_register_events(const char *owner, const salon_event_t *rows)
{
    for (const salon_event_t *row = rows; row != NULL && row->name != NULL; row++) {
        if (event_find(row->name) != NULL)
            return apr_psprintf(registry.pool, "event \"%s\" of %s exists already", row->name,
                                owner);
        apr_hash_set(registry.events, row->name, APR_HASH_KEY_STRING, row);
    }
    return NULL;
}

const operation_t *operation_find(const char *name)
{
    return apr_hash_get(registry.operations, name, APR_HASH_KEY_STRING);
}

const salon_event_t *event_find(const char *name)
{
    return apr_hash_get(registry.events, name, APR_HASH_KEY_STRING);
}
