/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements and transactions, through libdbi.  Its own calls for transactions leak a result each,
 * and make every later dbi_result_free slower: BEGIN and COMMIT are statements like others.  Field
 * types are guesses: integers are read with the get_as functions, and a number that comes as text
 * is turned into one when it is asked for.
 */
#define LOG_AREA "db"

#include "db_private.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "log.h"
#include "sql.h"

#define SHAPE_LENGTH 60 /* of a statement's beginning, in the log */

/* ---- Rows ---- */

apr_int64_t salon_rows_integer(const salon_rows_t *rows, int row, int column)
{
    const salon_cell_t *cell;

    assert(row >= 0 && row < rows->count && column >= 0 && column < rows->columns);
    cell = &rows->cells[row * rows->columns + column];
    return cell->text != NULL ? strtoll(cell->text, NULL, 10) : cell->integer;
}

const char *salon_rows_text(const salon_rows_t *rows, int row, int column)
{
    assert(row >= 0 && row < rows->count && column >= 0 && column < rows->columns);
    return rows->cells[row * rows->columns + column].text;
}

/* Columns of libdbi count from 1. */
static void read_cell(dbi_result result, apr_pool_t *pool, unsigned column, salon_cell_t *cell)
{
    const char *text = NULL;

    if (dbi_result_field_is_null_idx(result, column)) {
        cell->null = true;
        return;
    }
    switch (dbi_result_get_field_type_idx(result, column)) {
    case DBI_TYPE_STRING:
        text = dbi_result_get_string_idx(result, column);
        break;
    case DBI_TYPE_BINARY:
        text = (const char *)dbi_result_get_binary_idx(result, column);
        break;
    default:
        cell->integer = dbi_result_get_as_longlong_idx(result, column);
        return;
    }
    cell->text = text == NULL ? ""
                              : apr_pstrmemdup(pool, text,
                                               dbi_result_get_field_length_idx(result, column));
}

static void read_rows(dbi_result result, apr_pool_t *pool, salon_rows_t *rows)
{
    unsigned columns = dbi_result_get_numfields(result);
    salon_cell_t *cells;

    *rows = (salon_rows_t){ .columns = columns == DBI_FIELD_ERROR ? 0 : (int)columns };
    if (rows->columns == 0) {
        rows->affected = (apr_int64_t)dbi_result_get_numrows_affected(result);
        return;
    }
    rows->count = (int)dbi_result_get_numrows(result);
    cells = apr_pcalloc(pool, ((apr_size_t)rows->count * columns + 1) * sizeof *cells);
    rows->cells = cells;
    while (dbi_result_next_row(result)) {
        for (unsigned i = 1; i <= columns; i++) read_cell(result, pool, i, cells++);
    }
}

/* ---- What went wrong ---- */

/* A word that may be a name of ours: those are let through to the log. */
static apr_size_t name_length(const char *text)
{
    apr_size_t length = 0;

    while (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == '.') {
        length++;
    }
    return length;
}

/* The first line of the database's message; what it quotes is left out, unless it is one word: it
 * may be what people said. */
static char *scrub_message(apr_pool_t *pool, const char *message)
{
    char *copy = apr_pstrdup(pool, message), *to = copy;

    for (const char *from = message; *from != '\0' && *from != '\n';) {
        char quote = *from;
        apr_size_t length;

        *to++ = *from++;
        if (quote != '\'' && quote != '"') continue;
        length = name_length(from);
        if (from[length] != quote) {
            const char *end = strrchr(from, quote);

            *to++ = '?';
            from = end != NULL ? end : from + strlen(from);
            continue;
        }
        memcpy(to, from, length + 1);
        to += length + 1;
        from += length + 1;
    }
    *to = '\0';
    return copy;
}

/* The statement up to where its first value may stand. */
static const char *statement_shape(apr_pool_t *pool, const char *statement)
{
    apr_size_t length = strcspn(statement, "=<>'");
    const char *values = strstr(statement, "VALUES");

    if (values != NULL && (apr_size_t)(values - statement) < length) {
        length = (apr_size_t)(values - statement);
    }
    return apr_pstrmemdup(pool, statement, length < SHAPE_LENGTH ? length : SHAPE_LENGTH);
}

static void log_failure(apr_pool_t *pool, db_status_t status, const char *statement,
                        const char *message)
{
    const char *text, *shape;

    if (status == DB_DUPLICATE || status == DB_RETRY) {
        log_debug("the database refused: %s", status == DB_RETRY ? "try again" : "duplicate key");
        return;
    }
    if (!log_limited()) return;
    text = scrub_message(pool, message);
    shape = statement_shape(pool, statement);
    if (status == DB_LOST) log_warning("connection lost: %s (%s...)", text, shape);
    else log_error("statement failed: %s (%s...)", text, shape);
}

/* ---- Statements ---- */

static db_status_t failed(db_t *db, apr_pool_t *pool, const char *statement)
{
    const char *message = NULL;
    int error = dbi_conn_error(db->conn, &message);
    db_status_t status = db->engine->status(error, message != NULL ? message : "");

    log_failure(pool, status, statement, message != NULL ? message : "");
    return status;
}

/* While it runs, another thread may see for how long it has been running. */
static dbi_result call(db_t *db, const char *statement)
{
    dbi_result result;

    atomic_store_explicit(&db->since, apr_time_now(), memory_order_relaxed);
    result = dbi_conn_query(db->conn, statement);
    db->statements++;
    atomic_store_explicit(&db->since, 0, memory_order_relaxed);
    return result;
}

static db_status_t query(db_t *db, apr_pool_t *pool, const char *statement, salon_rows_t *rows_r)
{
    const char *text = statement;
    dbi_result result;

    if (db->engine->disarm != NULL && sql_returns_rows(statement)) {
        text = db->engine->disarm(pool, statement);
        if (text == NULL) {
            log_error("a literal in a statement that returns rows (%s...); not run",
                      statement_shape(pool, statement));
            return DB_FAILED;
        }
    }
    result = call(db, text);
    if (result == NULL) return failed(db, pool, statement);
    if (rows_r != NULL) read_rows(result, pool, rows_r);
    dbi_result_free(result);
    return DB_OK;
}

db_status_t db_run(db_t *db, apr_pool_t *pool, const char *statement, salon_rows_t *rows_r)
{
    db_status_t status;

    if (rows_r != NULL) *rows_r = (salon_rows_t){ .count = 0 };
    if (!db->connected) return DB_LOST;
    if (db->doomed != DB_OK) return db->doomed;
    status = query(db, pool, statement, rows_r);
    if (db->in_transaction) db->doomed = status;
    return status;
}

db_status_t db_runf(db_t *db, apr_pool_t *pool, salon_rows_t *rows_r, const char *format, ...)
{
    const char *statement;
    va_list args;

    va_start(args, format);
    statement = sql_vformat(pool, db->engine, format, args);
    va_end(args);
    return db_run(db, pool, statement, rows_r);
}

apr_int64_t db_statements(const db_t *db)
{
    return db->statements;
}

/* ---- Transactions ---- */

/* A statement of the engine's table, whose failure is logged from a pool of its own. */
static db_status_t control(db_t *db, const char *statement)
{
    apr_pool_t *scratch;
    db_status_t status;
    dbi_result result;

    if (!db->connected) return DB_LOST;
    result = call(db, statement);
    if (result != NULL) {
        dbi_result_free(result);
        return DB_OK;
    }
    apr_pool_create(&scratch, db->pool);
    status = failed(db, scratch, statement);
    apr_pool_destroy(scratch);
    return status;
}

db_status_t db_begin(db_t *db, bool again)
{
    db_status_t status = control(db, db->engine->begin);

    db->in_transaction = status == DB_OK;
    db->again = again;
    db->doomed = DB_OK;
    return status;
}

bool db_is_again(const db_t *db)
{
    return db->again;
}

db_status_t db_commit(db_t *db, bool *unknown_r)
{
    db_status_t status;

    *unknown_r = false;
    if (!db->connected) return DB_LOST;
    if (db->doomed != DB_OK) return db->doomed;
    status = control(db, db->engine->commit);
    *unknown_r = status == DB_LOST;
    if (status == DB_OK) db->in_transaction = false;
    else db->doomed = status;
    return status;
}

/* Where that does not work, the session's state is unknown.  SQLite may have rolled back already,
 * on its own, when the disk was full: then a new connection costs little. */
void db_rollback(db_t *db)
{
    bool lost = db->doomed == DB_LOST;
    dbi_result result;

    db->doomed = DB_OK;
    if (!db->connected || !db->in_transaction) return;
    db->in_transaction = false;
    result = lost ? NULL : call(db, db->engine->rollback);
    if (result != NULL) dbi_result_free(result);
    else db_disconnect(db);
}
