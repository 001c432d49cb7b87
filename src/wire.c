/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialects there are.  Their tables become hash tables, which are made before the threads start
 * and only read afterwards, by all of them.
 */
#include <string.h>

#include <apr_strings.h>

#include "wire_private.h"

static struct {
    apr_pool_t *pool;
    int count;
    wire_t wires[WIRE_MOST];
    const char *names[WIRE_MOST + 1];
} all;

void wire_init(apr_pool_t *pool)
{
    memset(&all, 0, sizeof(all));
    all.pool = pool;
}

static const char *tables_check(const salon_dialect_t *dialect)
{
    if (dialect->messages == NULL || dialect->events == NULL || dialect->errors == NULL)
        return "lacks a table";
    if (dialect->error == NULL || dialect->error_type == NULL)
        return "lacks a function";
    if (dialect->batch_query && (dialect->batch_head == NULL || dialect->batch_tail == NULL))
        return "lacks its words for batches";
    if (all.count == WIRE_MOST) return "is one too many";
    return wire_find(dialect->name) != NULL ? "exists already" : NULL;
}

static void tables_index(wire_t *wire)
{
    for (const salon_wire_message_t *row = wire->dialect->messages; row->type != NULL; row++)
        if (!row->hidden) apr_hash_set(wire->messages, row->type, APR_HASH_KEY_STRING, row);
    for (const salon_wire_event_t *row = wire->dialect->events; row->event != NULL; row++)
        if (apr_hash_get(wire->events, row->event, APR_HASH_KEY_STRING) == NULL)
            apr_hash_set(wire->events, row->event, APR_HASH_KEY_STRING, row);
    const salon_wire_error_t *row = wire->dialect->errors;
    for (; row->code != NULL; row++)
        apr_hash_set(wire->errors, row->code, APR_HASH_KEY_STRING, row);
    wire->fallback = row;
}

const char *wire_register(const salon_dialect_t *dialect)
{
    if (dialect->name == NULL) return "has a dialect without a name";
    const char *wrong = tables_check(dialect);
    if (wrong != NULL) return apr_psprintf(all.pool, "dialect \"%s\" %s", dialect->name, wrong);
    wire_t *wire = &all.wires[all.count];
    *wire = (wire_t){ .dialect = dialect,
                      .index = all.count,
                      .messages = apr_hash_make(all.pool),
                      .events = apr_hash_make(all.pool),
                      .errors = apr_hash_make(all.pool),
                      .operations = apr_hash_make(all.pool) };
    tables_index(wire);
    all.names[all.count++] = dialect->name;
    return NULL;
}

void wire_resolve(void)
{
    for (int i = 0; i < all.count; i++) {
        wire_t *wire = &all.wires[i];
        for (const salon_wire_message_t *row = wire->dialect->messages; row->type != NULL; row++) {
            const operation_t *operation =
                row->operation != NULL ? operation_find(row->operation) : NULL;
            if (operation == NULL || (operation->row->flags & SALON_INTERNAL)) continue;
            apr_hash_set(wire->operations, &row->operation, sizeof(row->operation), operation);
        }
    }
}

int wire_count(void)
{
    return all.count;
}

const wire_t *wire_at(int index)
{
    return &all.wires[index];
}

const wire_t *wire_find(const char *name)
{
    for (int i = 0; i < all.count; i++)
        if (strcmp(all.names[i], name) == 0) return &all.wires[i];
    return NULL;
}

int wire_index(const wire_t *wire)
{
    return wire->index;
}

const salon_dialect_t *wire_dialect(const wire_t *wire)
{
    return wire->dialect;
}

const char *const *wire_names(void)
{
    return all.names;
}
