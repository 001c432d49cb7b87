/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are put into statements as they are, so they are looked at first.
 */
#include "catalog.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "sql.h"

static bool name_ok(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 64 &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static db_status_t columns_ask(db_t *db, apr_pool_t *pool, const char *name, salon_rows_t *rows_r)
{
    const engine_t *engine = db_engine(db);
    sql_text_t *text = sql_text_make(pool, engine, true);
    sql_text_add_plain(text, engine->columns_head);
    sql_text_add(text, "%s", name);
    sql_text_add_plain(text, engine->columns_tail);
    return db_run(db, pool, sql_text_string(text), rows_r);
}

db_status_t catalog_has(db_t *db, apr_pool_t *pool, const char *name, bool *there_r)
{
    salon_rows_t rows;
    db_status_t status = columns_ask(db, pool, name, &rows);
    *there_r = rows.count > 0;
    return status;
}

/* As the three engines call what migrations may use. */
static const struct {
    const char *name;
    bool text;
    apr_int64_t least, most;
} types[] = {
    { "bigint", false, INT64_MIN, INT64_MAX },
    { "smallint", false, INT16_MIN, INT16_MAX },
    { "integer", false, INT32_MIN, INT32_MAX },
    { "int", false, INT32_MIN, INT32_MAX },
    { "varchar", .text = true },
    { "character varying", .text = true },
    { "text", .text = true },
    { "mediumtext", .text = true },
};

/* "varchar(40)"; false: of no such type. */
static bool type_read(apr_pool_t *pool, const char *type, column_t *column)
{
    const char *length = strchr(type, '(');
    const char *name = apr_pstrmemdup(pool, type, strcspn(type, "("));
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcasecmp(name, types[i].name) != 0) continue;
        column->text = types[i].text;
        column->least = types[i].least;
        column->most = types[i].most;
        if (column->text && length != NULL) column->most = strtol(length + 1, NULL, 10);
        return true;
    }
    return false;
}

static const char *column_read(apr_pool_t *pool, const salon_rows_t *rows, int row, table_t *table)
{
    const char *name = salon_rows_text(rows, row, 0), *type = salon_rows_text(rows, row, 1);
    apr_int64_t place = salon_rows_integer(rows, row, 2);
    column_t *column = &table->columns[row];
    column->name = name;
    column->required = place > 0 || salon_rows_integer(rows, row, 3) != 0;
    if (!name_ok(name) || !type_read(pool, type, column))
        return apr_psprintf(pool, "table %s: column %s, %s: neither an integer nor text",
                            table->name, name, type);
    if (place > CATALOG_KEY)
        return apr_psprintf(pool, "table %s: its primary key has too many columns", table->name);
    if (place > 0) {
        table->key[place - 1] = row;
        table->key_count++;
    }
    return NULL;
}

const char *catalog_read(db_t *db, apr_pool_t *pool, const char *name, table_t *table_r)
{
    salon_rows_t rows;
    *table_r = (table_t){ .name = apr_pstrdup(pool, name) };
    if (!name_ok(name)) return apr_psprintf(pool, "table %s: not a name of a-z, 0-9, _", name);
    if (columns_ask(db, pool, name, &rows) != DB_OK)
        return apr_psprintf(pool, "table %s: its columns cannot be read", name);
    if (rows.count > CATALOG_COLUMNS)
        return apr_psprintf(pool, "table %s: too many columns", name);
    for (int i = 0; i < rows.count; i++) {
        const char *wrong = column_read(pool, &rows, i, table_r);
        if (wrong != NULL) return wrong;
    }
    table_r->column_count = rows.count;
    if (rows.count > 0 && table_r->key_count == 0)
        return apr_psprintf(pool, "table %s: has no primary key", name);
    return NULL;
}

int catalog_column(const table_t *table, const char *name)
{
    for (int i = 0; i < table->column_count; i++)
        if (strcmp(table->columns[i].name, name) == 0) return i;
    return -1;
}
