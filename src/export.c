/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written is what import.c takes: so a text that is no UTF-8, which only damage brings into
 * a database, ends it.
 */
#include "export.h"

#include <errno.h>
#include <string.h>

#include <apr_strings.h>

#include "plugin.h"
#include "scan.h"
#include "schema.h"
#include "utf8.h"

typedef struct exporter_t {
    apr_pool_t *pool;
    db_t *db;
    lines_t *lines;
    apr_array_header_t *parts; /* schema_part_t */
    moved_t moved;
} exporter_t;

/* ---- Rows ---- */

/* False: it is no UTF-8. */
static bool value_add(json_object *values, const column_t *column, const salon_rows_t *rows,
                      int row, int index)
{
    const salon_cell_t *cell = &rows->cells[row * rows->columns + index];
    if (cell->null) {
        salon_json_value(values, column->name, NULL);
    } else if (!column->text) {
        salon_json_integer(values, column->name, salon_rows_integer(rows, row, index));
    } else {
        if (cell->text == NULL || !utf8_valid(cell->text, strlen(cell->text))) return false;
        salon_json_string(values, column->name, cell->text);
    }
    return true;
}

static const char *row_write(void *baton, const table_t *table, const salon_rows_t *rows, int row)
{
    exporter_t *exporter = baton;
    json_object *json = salon_json_string(salon_json(), "table", table->name);
    json_object *values = salon_json();
    salon_json_value(json, "row", values);
    for (int i = 0; i < table->column_count; i++) {
        if (value_add(values, &table->columns[i], rows, row, i)) continue;
        json_object_put(json);
        return apr_psprintf(exporter->pool, "column %s: a text is not UTF-8",
                            table->columns[i].name);
    }
    exporter->moved.rows++;
    return lines_write(exporter->lines, json);
}

static const char *rows_write(exporter_t *exporter, const table_t *table,
                              const selection_t *selection)
{
    apr_int64_t before = exporter->moved.rows;
    const char *wrong =
        scan_table(exporter->db, exporter->pool, table, selection, row_write, exporter);
    if (exporter->moved.rows > before) exporter->moved.tables++;
    return wrong;
}

/* ---- The whole ---- */

static const char *snapshot_begin(const exporter_t *exporter)
{
    const engine_t *engine = db_engine(exporter->db);
    const char *const *lists[] = { engine->unlimited, engine->snapshot };
    const char *message;
    if (!db_exists(exporter->db, exporter->pool)) return "there is no database";
    if (db_connect(exporter->db, exporter->pool, &message) != DB_OK) return message;
    for (int i = 0; i < 2; i++)
        for (const char *const *at = lists[i]; *at != NULL; at++)
            if (db_run(exporter->db, exporter->pool, *at, NULL) != DB_OK)
                return apr_psprintf(exporter->pool, "%s failed", *at);
    return NULL;
}

static const char *begin(exporter_t *exporter, const char *plugin_dir)
{
    const char *wrong = snapshot_begin(exporter);
    if (wrong == NULL)
        wrong = schema_parts_read(exporter->pool, plugin_dir, exporter->db, &exporter->parts);
    if (wrong == NULL && exporter->parts->nelts == 0) wrong = "no server has used this database";
    return wrong;
}

/* What every header says. */
static json_object *header_make(const exporter_t *exporter, const char *kind)
{
    json_object *json = salon_json_string(salon_json(), "salon", kind);
    salon_json_integer(json, "format", EXPORT_FORMAT);
    salon_json_string(json, "version", SALON_VERSION);
    salon_json_string(json, "engine", db_engine(exporter->db)->driver);
    return salon_json_integer(json, "exported_at", salon_now());
}

static const char *end_write(exporter_t *exporter)
{
    json_object *json = salon_json_integer(salon_json(), "tables", exporter->moved.tables);
    salon_json_integer(json, "rows", exporter->moved.rows);
    return lines_write(exporter->lines, salon_json_value(salon_json(), "end", json));
}

/* ---- Everything ---- */

static const char *header_write(exporter_t *exporter)
{
    json_object *schema = salon_json();
    for (int i = 0; i < exporter->parts->nelts; i++) {
        const schema_part_t *part = &APR_ARRAY_IDX(exporter->parts, i, schema_part_t);
        salon_json_integer(schema, part->owner, part->version);
    }
    return lines_write(exporter->lines,
                       salon_json_value(header_make(exporter, EXPORT_KIND), "schema", schema));
}

static const char *part_write(exporter_t *exporter, const schema_part_t *part)
{
    static const selection_t everything = { .column_count = 0 };
    apr_array_header_t *names = schema_tables(exporter->pool, part);
    const char *wrong = NULL;
    for (int i = 0; wrong == NULL && i < names->nelts; i++) {
        table_t table;
        wrong = catalog_read(exporter->db, exporter->pool, APR_ARRAY_IDX(names, i, const char *),
                             &table);
        if (wrong == NULL && table.column_count > 0)
            wrong = rows_write(exporter, &table, &everything);
    }
    return wrong;
}

/* In the order in which they are made, so that what others refer to comes first. */
static const char *parts_write(exporter_t *exporter)
{
    const char *wrong = NULL;
    for (int i = 0; wrong == NULL && i < exporter->parts->nelts; i++)
        wrong = part_write(exporter, &APR_ARRAY_IDX(exporter->parts, i, schema_part_t));
    return wrong;
}

const char *export_all(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                       moved_t *moved_r)
{
    exporter_t exporter = { .pool = pool, .db = db, .lines = lines };
    const char *wrong = begin(&exporter, plugin_dir);
    if (wrong == NULL) wrong = header_write(&exporter);
    if (wrong == NULL) wrong = parts_write(&exporter);
    if (wrong == NULL) wrong = end_write(&exporter);
    *moved_r = exporter.moved;
    return wrong;
}

/* ---- One person ---- */

/* By the id, where there are digits alone, else by the name.  NULL: *id_r. */
static const char *person_find(const exporter_t *exporter, const char *name, apr_int64_t *id_r)
{
    salon_rows_t rows;
    db_status_t status =
        name[strspn(name, "0123456789")] == '\0'
            ? db_runf(exporter->db, exporter->pool, &rows, "SELECT id FROM users WHERE id = %ld",
                      (long)apr_strtoi64(name, NULL, 10))
            : db_runf(exporter->db, exporter->pool, &rows, "SELECT id FROM users WHERE name = %s",
                      name);
    if (status != DB_OK) return "the users cannot be read; see the log";
    if (rows.count == 0) return apr_psprintf(exporter->pool, "nobody is called \"%s\"", name);
    if (rows.count > 1)
        return apr_psprintf(exporter->pool, "several people are called \"%s\"; give an id", name);
    *id_r = salon_rows_integer(&rows, 0, 0);
    return NULL;
}

/* What was said in a place that has been removed is nobody's any more, though it may still be
 * there.  The table came later than others. */
static const char *not_going(const exporter_t *exporter, const table_t *table)
{
    bool there = false;
    if (catalog_column(table, "timeline_id") < 0) return NULL;
    if (catalog_has(exporter->db, exporter->pool, "timelines_going", &there) != DB_OK || !there)
        return NULL;
    return "timeline_id NOT IN (SELECT id FROM timelines_going)";
}

/* All columns of one table at once; those that a later start will add have nobody's id. */
static const char *person_table_write(exporter_t *exporter, const salon_personal_t *personal,
                                      apr_int64_t id)
{
    selection_t selection = { .value = id };
    table_t table;
    const char *name = personal->table;
    const char *wrong = catalog_read(exporter->db, exporter->pool, name, &table);
    for (; wrong == NULL && personal->table != NULL; personal++)
        if (strcmp(personal->table, name) == 0 && selection.column_count < CATALOG_COLUMNS &&
            catalog_column(&table, personal->column) >= 0)
            selection.columns[selection.column_count++] = personal->column;
    if (wrong != NULL || selection.column_count == 0) return wrong;
    selection.condition = not_going(exporter, &table);
    return rows_write(exporter, &table, &selection);
}

static const char *person_rows_write(exporter_t *exporter, const salon_personal_t *personal,
                                     apr_int64_t id)
{
    const char *wrong = NULL;
    for (const salon_personal_t *p = personal; wrong == NULL && p && p->table; p++) {
        const salon_personal_t *first = personal;
        while (strcmp(first->table, p->table) != 0) first++;
        if (first == p) wrong = person_table_write(exporter, p, id);
    }
    return wrong;
}

const char *export_person(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                          const char *name, moved_t *moved_r)
{
    exporter_t exporter = { .pool = pool, .db = db, .lines = lines };
    apr_int64_t id = 0;
    const char *wrong = begin(&exporter, plugin_dir);
    if (wrong == NULL) wrong = person_find(&exporter, name, &id);
    if (wrong == NULL)
        wrong = lines_write(lines, salon_json_integer(header_make(&exporter, EXPORT_PERSON),
                                                      "user_id", id));
    for (int i = 0; wrong == NULL && i < plugin_count(); i++)
        wrong = person_rows_write(&exporter, plugin_at(i)->personal, id);
    if (wrong == NULL) wrong = end_write(&exporter);
    *moved_r = exporter.moved;
    return wrong;
}
