/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script records each version as migration.c does, so a database that it has made is one that
 * salond takes for its own; the first versions of it make an older one.
 *
 * Tables are known by the statements that make them; those that a later step has dropped or renamed
 * are sorted out by the database's own catalogue (catalog.h).
 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "api_token.h"
#include "catalog.h"
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
        owner_print(pool, engine, (owner_t){ RECEIPT_OWNER, receipt_migrations }, out);
    for (int i = 0; (owner = owner_at(i)).name != NULL; i++) owner_print(pool, engine, owner, out);
}

/* ---- Parts ---- */

/* The place of an owner that has tables; -1: not known here. */
static int owner_find(const char *name)
{
    owner_t owner;
    for (int i = 0; (owner = owner_at(i)).name != NULL; i++)
        if (owner.migrations != NULL && strcmp(owner.name, name) == 0) return i;
    return -1;
}

/* False: there are no more than some earlier ones. */
static bool steps_take(apr_pool_t *pool, const salon_migration_t *migrations, schema_part_t *part)
{
    int count = 0, newest = 0;
    for (; migrations[count].version != 0 && migrations[count].version <= part->version; count++)
        newest = migrations[count].version;
    salon_migration_t *steps = apr_pcalloc(pool, sizeof(*steps) * (apr_size_t)(count + 1));
    for (int i = 0; i < count; i++) steps[i] = migrations[i];
    part->steps = steps;
    return newest == part->version;
}

const char *schema_part_find(apr_pool_t *pool, const char *plugin_dir, const char *owner,
                             apr_int64_t version, schema_part_t *part_r)
{
    const char *wrong = NULL;
    if (owner_find(owner) < 0) wrong = plugin_load(plugin_dir, owner);
    int place = owner_find(owner);
    if (wrong == NULL && place < 0) wrong = "it has no tables here";
    *part_r = (schema_part_t){ .owner = apr_pstrdup(pool, owner), .version = (int)version };
    if (wrong == NULL && (version < 1 || version > INT32_MAX ||
                          !steps_take(pool, owner_at(place).migrations, part_r)))
        wrong = apr_psprintf(pool, "this program does not know version %" APR_INT64_T_FMT, version);
    return wrong != NULL ? apr_psprintf(pool, "the tables of %s: %s", owner, wrong) : NULL;
}

static int parts_compare(const void *a, const void *b)
{
    const schema_part_t *x = a, *y = b;
    return owner_find(x->owner) - owner_find(y->owner);
}

const char *schema_parts_read(apr_pool_t *pool, const char *plugin_dir, db_t *db,
                              apr_array_header_t **parts_r)
{
    apr_array_header_t *parts = apr_array_make(pool, 16, sizeof(schema_part_t));
    salon_rows_t rows = { .count = 0 };
    const char *wrong = NULL;
    bool there;
    if (catalog_has(db, pool, "schema_versions", &there) != DB_OK ||
        (there && db_run(db, pool, "SELECT owner, MAX(version) AS n FROM schema_versions"
                                   " GROUP BY owner", &rows) != DB_OK))
        return "the table schema_versions cannot be read; see the log";
    for (int i = 0; wrong == NULL && i < rows.count; i++) {
        const char *owner = salon_rows_text(&rows, i, 0);
        if (strcmp(owner, RECEIPT_OWNER) == 0) continue;
        wrong = schema_part_find(pool, plugin_dir, owner, salon_rows_integer(&rows, i, 1),
                                 apr_array_push(parts));
    }
    if (wrong == NULL && parts->nelts > 0)
        qsort(parts->elts, (size_t)parts->nelts, sizeof(schema_part_t), parts_compare);
    *parts_r = parts;
    return wrong;
}

/* ---- Tables ---- */

static const char *behind(const char *text, const char *start)
{
    size_t length = strlen(start);
    return strncmp(text, start, length) == 0 ? text + length : NULL;
}

/* The name that the statement gives to a table; NULL: none. */
static const char *table_named(apr_pool_t *pool, const char *statement)
{
    const char *at = behind(statement, "CREATE TABLE ");
    if (at != NULL) {
        const char *rest = behind(at, "IF NOT EXISTS ");
        if (rest != NULL) at = rest;
    } else if (behind(statement, "ALTER TABLE ") != NULL) {
        at = strstr(statement, " RENAME TO ");
        if (at != NULL) at += strlen(" RENAME TO ");
    }
    return at != NULL ? apr_pstrmemdup(pool, at, strcspn(at, " (")) : NULL;
}

static bool names_have(const apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) return true;
    return false;
}

apr_array_header_t *schema_tables(apr_pool_t *pool, const schema_part_t *part)
{
    apr_array_header_t *names = apr_array_make(pool, 8, sizeof(const char *));
    for (const salon_migration_t *m = part->steps; m->version != 0; m++) {
        for (const char *const *s = m->statements; s != NULL && *s != NULL; s++) {
            const char *name = table_named(pool, *s);
            if (name != NULL && !names_have(names, name))
                APR_ARRAY_PUSH(names, const char *) = name;
        }
    }
    return names;
}

int schema_rows(const schema_part_t *part, const char *table)
{
    int count = 0;
    for (const salon_migration_t *m = part->steps; m->version != 0; m++) {
        for (const char *const *s = m->statements; s != NULL && *s != NULL; s++) {
            const char *at = behind(*s, "INSERT INTO ");
            if (at != NULL) at = behind(at, table);
            if (at != NULL && strchr(" (", *at) != NULL) count++;
        }
    }
    return count;
}
