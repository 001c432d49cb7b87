/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script records each version as migration.c does, so a database that it has made is one that
 * salond takes for its own; the first versions of it make an older one.
 */
#include "schema.h"

#include "api_token.h"
#include "message.h"
#include "migration.h"
#include "plugin.h"
#include "receipt.h"
#include "sequence.h"
#include "user.h"

typedef struct {
    const char *name;
    const salon_migration_t *migrations;
} owner_t;

static const owner_t core[] = {
    { "sequences", sequence_migrations },
    { "users", user_migrations },
    { "api_tokens", api_token_migrations },
    { "messages", message_migrations },
};

#define CORE_COUNT ((int)(sizeof(core) / sizeof(core[0])))

/* The owner at this place; name NULL: there are no more. */
static owner_t owner_at(int place)
{
    if (place < CORE_COUNT) return core[place];
    if (place - CORE_COUNT >= plugin_count()) return (owner_t){ NULL, NULL };
    const salon_plugin_t *plugin = plugin_at(place - CORE_COUNT);
    return (owner_t){ plugin->name, plugin->migrations };
}

const char *schema_apply(store_t *store)
{
    const char *error = NULL;
    owner_t owner;
    for (int i = 0; error == NULL && (owner = owner_at(i)).name != NULL; i++)
        if (owner.migrations != NULL) error = store_migrate(store, owner.name, owner.migrations);
    return error;
}

static void owner_print(apr_pool_t *pool, const engine_t *engine, owner_t owner, FILE *out)
{
    for (const salon_migration_t *m = owner.migrations; m != NULL && m->version != 0; m++) {
        int steps = 0;
        fprintf(out, "\n-- %s %d\n", owner.name, m->version);
        for (; m->statements != NULL && m->statements[steps] != NULL; steps++)
            fprintf(out, "%s;\n", migration_translate(pool, engine, m->statements[steps]));
        fprintf(out, "INSERT INTO schema_versions (owner, version, steps) VALUES ('%s', %d, %d);\n",
                owner.name, m->version, steps);
    }
}

void schema_print(apr_pool_t *pool, const engine_t *engine, FILE *out)
{
    owner_t owner;
    fprintf(out, "-- for %s\n%s;\n", engine->driver,
            migration_translate(pool, engine, migration_table));
    if (!engine->embedded)
        owner_print(pool, engine, (owner_t){ "receipts", receipt_migrations }, out);
    for (int i = 0; (owner = owner_at(i)).name != NULL; i++) owner_print(pool, engine, owner, out);
}
