/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines are as hostile as any other bytes from outside: each row is held against the table's
 * description before it becomes SQL, so that the engines refuse the same.  Rows of a table that
 * follow each other become one statement.
 */
#include "import.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "catalog.h"
#include "migration.h"
#include "schema.h"
#include "sql.h"
#include "utf8.h"

#define BATCH_ROWS  200
#define BATCH_BYTES (512 << 10) /* of SQL: SQLite takes a million */

typedef struct importer_t {
    apr_pool_t *pool;
    db_t *db;
    const char *plugin_dir;
    lines_t *lines;
    apr_array_header_t *present; /* schema_part_t: whose empty tables are there already */
    apr_array_header_t *parts;   /* the same, as the header names them */
    apr_hash_t *tables;          /* const table_t, by their names */
    apr_hash_t *filled;          /* those that a row was for */
    apr_int64_t rows;
    bool ended;

    apr_pool_t *batch; /* of: */
    sql_text_t *text;  /* NULL: nothing waits */
    const table_t *table;
    int waiting;
    apr_int64_t first; /* the number of its first line */
} importer_t;

static const char *text_of(json_object *json, const char *name)
{
    json_object *value;
    return json_object_object_get_ex(json, name, &value) &&
                   json_object_is_type(value, json_type_string)
               ? json_object_get_string(value)
               : "";
}

/* 0: it is no number, or not there. */
static apr_int64_t integer_of(json_object *json, const char *name)
{
    json_object *value;
    return json_object_object_get_ex(json, name, &value) &&
                   json_object_is_type(value, json_type_int)
               ? json_object_get_int64(value)
               : 0;
}

/* ---- Rows ---- */

static const char *batch_run(importer_t *importer)
{
    db_status_t status = DB_OK;
    if (importer->text != NULL)
        status = db_run(importer->db, importer->batch, sql_text_string(importer->text), NULL);
    importer->text = NULL;
    importer->waiting = 0;
    apr_pool_clear(importer->batch);
    if (status == DB_OK) return NULL;
    return apr_psprintf(importer->pool, "lines %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT
                        ": table %s: %s", importer->first, importer->lines->number,
                        importer->table->name,
                        status == DB_DUPLICATE ? "a key is there twice"
                                               : "refused by the database; see the log");
}

static void batch_begin(importer_t *importer, const table_t *table)
{
    sql_text_t *text = sql_text_make(importer->batch, db_engine(importer->db), false);
    sql_text_add_plain(text, "INSERT INTO ");
    sql_text_add_plain(text, table->name);
    for (int i = 0; i < table->column_count; i++) {
        sql_text_add_plain(text, i == 0 ? " (" : ", ");
        sql_text_add_plain(text, table->columns[i].name);
    }
    sql_text_add_plain(text, ") VALUES ");
    importer->table = table;
    importer->text = text;
    importer->first = importer->lines->number;
    apr_hash_set(importer->filled, table->name, APR_HASH_KEY_STRING, table);
}

/* A quote takes two bytes. */
static bool batch_takes(const importer_t *importer, const table_t *table)
{
    return table == importer->table && importer->waiting < BATCH_ROWS &&
           sql_text_length(importer->text) + 2 * importer->lines->length <= BATCH_BYTES;
}

static const char *integer_wrong(const column_t *column, json_object *value)
{
    if (!json_object_is_type(value, json_type_int)) return "is not an integer";
    apr_int64_t number = json_object_get_int64(value);
    return number < column->least || number > column->most ? "is out of range" : NULL;
}

static const char *string_wrong(const column_t *column, json_object *value)
{
    if (!json_object_is_type(value, json_type_string)) return "is not a text";
    size_t length = (size_t)json_object_get_string_len(value);
    return column->most > 0 &&
                   utf8_count(json_object_get_string(value), length) > (size_t)column->most
               ? "is too long"
               : NULL;
}

/* NULL: it is added; otherwise what is wrong with it. */
static const char *value_add(sql_text_t *text, const column_t *column, json_object *value)
{
    if (value == NULL) {
        sql_text_add_plain(text, "NULL");
        return column->required ? "is missing" : NULL;
    }
    const char *wrong = column->text ? string_wrong(column, value) : integer_wrong(column, value);
    if (wrong != NULL) return wrong;
    if (column->text) sql_text_add(text, "%s", json_object_get_string(value));
    else sql_text_add(text, "%ld", (long)json_object_get_int64(value));
    return NULL;
}

static const char *values_add(importer_t *importer, const table_t *table, json_object *row)
{
    if (json_object_object_length(row) != table->column_count)
        return lines_wrong(importer->lines, "the table has other columns");
    sql_text_add_plain(importer->text, importer->waiting++ > 0 ? ", (" : "(");
    for (int i = 0; i < table->column_count; i++) {
        const column_t *column = &table->columns[i];
        json_object *value;
        if (i > 0) sql_text_add_plain(importer->text, ", ");
        if (!json_object_object_get_ex(row, column->name, &value))
            return lines_wrong(importer->lines, "the table has other columns");
        const char *wrong = value_add(importer->text, column, value);
        if (wrong != NULL)
            return lines_wrong(importer->lines, apr_pstrcat(importer->pool, table->name, ".",
                                                            column->name, " ", wrong, NULL));
    }
    sql_text_add_plain(importer->text, ")");
    return NULL;
}

static const char *row_take(importer_t *importer, json_object *json, json_object *row)
{
    const table_t *table =
        apr_hash_get(importer->tables, text_of(json, "table"), APR_HASH_KEY_STRING);
    const char *wrong = NULL;
    if (table == NULL || !json_object_is_type(row, json_type_object))
        return lines_wrong(importer->lines, "no row of a table that the header's schema has");
    if (importer->text != NULL && !batch_takes(importer, table)) wrong = batch_run(importer);
    if (wrong != NULL) return wrong;
    if (importer->text == NULL) batch_begin(importer, table);
    importer->rows++;
    return values_add(importer, table, row);
}

/* ---- All rows ---- */

/* Each server's first start makes sequences: without them the next one would give ids again. */
static const char *end_take(importer_t *importer, json_object *end)
{
    if (integer_of(end, "rows") != importer->rows)
        return lines_wrong(importer->lines, "rows are missing, or too many");
    if (apr_hash_get(importer->filled, "sequences", APR_HASH_KEY_STRING) == NULL)
        return lines_wrong(importer->lines, "no sequences: the export of no server's database");
    importer->ended = true;
    return NULL;
}

static const char *line_take(importer_t *importer, json_object *json)
{
    json_object *value;
    if (importer->ended) return lines_wrong(importer->lines, "something follows the end");
    if (json_object_object_get_ex(json, "row", &value)) return row_take(importer, json, value);
    if (json_object_object_get_ex(json, "end", &value)) return end_take(importer, value);
    return lines_wrong(importer->lines, "neither a row nor the end");
}

static const char *rows_take(importer_t *importer)
{
    const char *wrong = NULL;
    json_object *json;
    while (wrong == NULL && (json = lines_read(importer->lines, &wrong)) != NULL) {
        wrong = line_take(importer, json);
        json_object_put(json);
    }
    if (wrong == NULL && !importer->ended)
        wrong = lines_wrong(importer->lines, "the end is missing: not all of an export");
    return wrong == NULL ? batch_run(importer) : wrong;
}

/* What migrations have put into tables is in the export, too. */
static db_status_t part_empty(const importer_t *importer, const schema_part_t *part)
{
    apr_array_header_t *names = schema_tables(importer->pool, part);
    db_status_t status = DB_OK;
    for (int i = 0; status == DB_OK && i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        if (schema_rows(part, name) == 0 ||
            apr_hash_get(importer->tables, name, APR_HASH_KEY_STRING) == NULL)
            continue;
        status = db_run(importer->db, importer->pool,
                        apr_pstrcat(importer->pool, "DELETE FROM ", name, NULL), NULL);
    }
    return status;
}

static const char *rows_store(importer_t *importer)
{
    bool unknown = false;
    const char *wrong = NULL;
    db_status_t status = db_begin(importer->db, false);
    for (int i = 0; status == DB_OK && i < importer->parts->nelts; i++)
        status = part_empty(importer, &APR_ARRAY_IDX(importer->parts, i, schema_part_t));
    if (status != DB_OK) wrong = "a transaction cannot begin; see the log";
    if (wrong == NULL) wrong = rows_take(importer);
    if (wrong == NULL && db_commit(importer->db, &unknown) != DB_OK)
        wrong = unknown ? "the database has not said whether it has kept the rows; look into it"
                        : "the rows cannot be committed; see the log";
    if (wrong != NULL) db_rollback(importer->db);
    return wrong;
}

/* ---- Tables ---- */

static const char *table_make(importer_t *importer, const char *name)
{
    table_t *table = apr_palloc(importer->pool, sizeof(*table));
    const char *wrong = catalog_read(importer->db, importer->pool, name, table);
    if (wrong == NULL && table->column_count > 0)
        apr_hash_set(importer->tables, table->name, APR_HASH_KEY_STRING, table);
    return wrong;
}

/* Tables do not go back to an earlier version.  NULL: they need not. */
static const char *version_check(const importer_t *importer, const schema_part_t *part)
{
    for (int i = 0; i < importer->present->nelts; i++) {
        const schema_part_t *there = &APR_ARRAY_IDX(importer->present, i, schema_part_t);
        if (strcmp(there->owner, part->owner) == 0 && there->version > part->version)
            return apr_psprintf(importer->pool, "the tables of %s: version %d of them is there, and"
                                " the export has %d; an import needs a new database", part->owner,
                                there->version, part->version);
    }
    return NULL;
}

static const char *part_make(importer_t *importer, const char *owner, json_object *version)
{
    schema_part_t *part = apr_array_push(importer->parts);
    const char *wrong =
        schema_part_find(importer->pool, importer->plugin_dir, owner,
                         json_object_is_type(version, json_type_int)
                             ? json_object_get_int64(version) : 0, part);
    if (wrong == NULL) wrong = version_check(importer, part);
    if (wrong == NULL)
        wrong = migration_apply(importer->db, importer->pool, part->owner, part->steps);
    if (wrong != NULL) return wrong;
    apr_array_header_t *names = schema_tables(importer->pool, part);
    for (int i = 0; wrong == NULL && i < names->nelts; i++)
        wrong = table_make(importer, APR_ARRAY_IDX(names, i, const char *));
    return wrong;
}

static const char *schema_make(importer_t *importer, json_object *schema)
{
    const char *wrong = NULL;
    json_object_object_foreach(schema, owner, version) {
        if (wrong == NULL) wrong = part_make(importer, owner, version);
    }
    return wrong;
}

/* ---- The database ---- */

/* Is nothing in the tables but what migrations put there?  NULL: yes. */
static const char *part_check(const importer_t *importer, const schema_part_t *part)
{
    apr_array_header_t *names = schema_tables(importer->pool, part);
    for (int i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);
        salon_rows_t rows;
        table_t table;
        const char *wrong = catalog_read(importer->db, importer->pool, name, &table);
        if (wrong != NULL) return wrong;
        if (table.column_count == 0) continue;
        if (db_run(importer->db, importer->pool,
                   apr_psprintf(importer->pool, "SELECT %s FROM %s LIMIT %d",
                                table.columns[table.key[0]].name, name,
                                schema_rows(part, name) + 1), &rows) != DB_OK)
            return apr_psprintf(importer->pool, "table %s cannot be read; see the log", name);
        if (rows.count > schema_rows(part, name))
            return apr_psprintf(importer->pool, "the database is not empty: table %s has rows; an "
                                "import needs one that no server has used", name);
    }
    return NULL;
}

/* Claimed: so no server starts on it meanwhile. */
static const char *database_open(importer_t *importer)
{
    const char *message;
    if (db_connect(importer->db, importer->pool, &message) != DB_OK) return message;
    const char *wrong = db_claim(importer->db, importer->pool);
    const char *const *statement = db_engine(importer->db)->unlimited;
    for (; wrong == NULL && *statement != NULL; statement++)
        if (db_run(importer->db, importer->pool, *statement, NULL) != DB_OK)
            wrong = apr_psprintf(importer->pool, "%s failed", *statement);
    if (wrong == NULL)
        wrong = schema_parts_read(importer->pool, importer->plugin_dir, importer->db,
                                  &importer->present);
    for (int i = 0; wrong == NULL && i < importer->present->nelts; i++)
        wrong = part_check(importer, &APR_ARRAY_IDX(importer->present, i, schema_part_t));
    return wrong;
}

/* NULL: *schema_r is its schema, with the header's life. */
static const char *header_check(const importer_t *importer, json_object *header,
                                json_object **schema_r)
{
    if (header == NULL || strcmp(text_of(header, "salon"), EXPORT_KIND) != 0 ||
        !json_object_object_get_ex(header, "schema", schema_r) ||
        !json_object_is_type(*schema_r, json_type_object))
        return lines_wrong(importer->lines, "not the header of an export");
    if (integer_of(header, "format") != EXPORT_FORMAT)
        return lines_wrong(importer->lines, "a format that this program does not know");
    return NULL;
}

static const char *database_prepare(importer_t *importer)
{
    const char *wrong = NULL;
    json_object *schema, *header = lines_read(importer->lines, &wrong);
    if (wrong == NULL) wrong = header_check(importer, header, &schema);
    if (wrong == NULL) wrong = database_open(importer);
    if (wrong == NULL) wrong = schema_make(importer, schema);
    json_object_put(header);
    return wrong;
}

const char *import_all(apr_pool_t *pool, db_t *db, const char *plugin_dir, lines_t *lines,
                       moved_t *moved_r)
{
    importer_t importer = { .pool = pool, .db = db, .plugin_dir = plugin_dir, .lines = lines };
    importer.parts = apr_array_make(pool, 16, sizeof(schema_part_t));
    importer.tables = apr_hash_make(pool);
    importer.filled = apr_hash_make(pool);
    apr_pool_create(&importer.batch, pool);
    const char *wrong = database_prepare(&importer);
    if (wrong == NULL) wrong = rows_store(&importer);
    *moved_r = (moved_t){ .tables = apr_hash_count(importer.filled), .rows = importer.rows };
    return wrong;
}
