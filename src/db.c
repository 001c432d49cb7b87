/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdbi, and what must be known about it.  Each connection has an instance of its own, as nothing
 * in the library is locked.  Its transaction calls leak a result each, and make every later
 * dbi_result_free slower: BEGIN and COMMIT are statements like others.  A connection that could not
 * be opened is never freed by it: it is used again.  dbi_conn_ping leaks, or resets the session:
 * what is lost is closed and made anew.  Field types are guesses: integers are read with the get_as
 * functions, and a number that comes as text is turned into one when it is asked for.
 */
#define LOG_AREA "db"

#include "db.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>
#include <dbi/dbi.h>

#include "log.h"
#include "sql.h"

#define PASSWORD_SIZE 1024
#define SHAPE_LENGTH  60 /* of a statement's beginning, in the log */

struct db_t {
    apr_pool_t *pool;
    const engine_t *engine;
    const config_database_t *config;
    const char *state_dir;
    dbi_inst instance; /* NULL: libdbi has no drivers at all */
    dbi_conn conn;     /* NULL: none was made yet */
    bool connected;
    bool in_transaction;
    db_status_t doomed; /* of the transaction: why it can only be rolled back */
};

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

/* ---- The connection ---- */

/* The instance stays: ending it would unload the drivers, with client libraries below them that
 * were not made for that. */
static apr_status_t db_cleanup(void *data)
{
    db_disconnect(data);
    return APR_SUCCESS;
}

db_t *db_make(apr_pool_t *pool, const config_database_t *config, const char *state_dir)
{
    db_t *db = apr_pcalloc(pool, sizeof *db);

    db->pool = pool;
    db->engine = engine_find(config->driver);
    assert(db->engine != NULL);
    db->config = config;
    db->state_dir = state_dir;
    if (dbi_initialize_r(NULL, &db->instance) > 0) {
        dbi_set_verbosity_r(0, db->instance);
    } else {
        db->instance = NULL;
    }
    apr_pool_cleanup_register(pool, db, db_cleanup, apr_pool_cleanup_null);
    return db;
}

void db_close(db_t *db)
{
    apr_pool_cleanup_run(db->pool, db, db_cleanup);
}

const engine_t *db_engine(const db_t *db)
{
    return db->engine;
}

void db_disconnect(db_t *db)
{
    if (db->connected) {
        dbi_conn_close(db->conn);
        db->conn = NULL;
    }
    db->connected = false;
    db->in_transaction = false;
    db->doomed = DB_OK;
}

/* An absolute name is one below "/". */
static const char *embedded_dir(const db_t *db)
{
    return db->config->name[0] == '/' ? "/" : db->state_dir;
}

/* Makes it durable that the directory has the file; SQLite does so for its other files only. */
static void sync_directory(const char *path, apr_pool_t *pool)
{
    int directory = open(apr_pstrmemdup(pool, path, (apr_size_t)(strrchr(path, '/') - path + 1)),
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (directory < 0) return;
    fsync(directory);
    close(directory);
}

/*
 * SQLite would make the file with the process's umask; its other files take their mode from it.  A
 * file that is there is not opened: closing it again would, as POSIX has it, end the locks that
 * another connection of this process holds on it, and with them the life of the write-ahead log as
 * soon as another process has looked at the database.
 */
static const char *make_file(const db_t *db, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, embedded_dir(db), "/", db->config->name, NULL);
    char reason[128];
    int file;

    if (access(path, R_OK | W_OK) == 0) return NULL;
    file = errno == ENOENT ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (file < 0) {
        return apr_psprintf(pool, "%s: %s", path, apr_strerror(errno, reason, sizeof reason));
    }
    close(file);
    sync_directory(path, pool);
    return NULL;
}

/* Read anew for each connection, so that it may change.  NULL: done, otherwise what is wrong. */
static const char *set_password(const db_t *db, apr_pool_t *pool)
{
    const char *path = db->config->password_file;
    char password[PASSWORD_SIZE + 1], reason[128];
    apr_size_t length = 0;
    apr_file_t *file;
    apr_status_t rv;

    if (path == NULL || *path == '\0') return NULL;
    rv = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, password, PASSWORD_SIZE, &length);
        apr_file_close(file);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        return apr_psprintf(pool, "%s: %s", path, apr_strerror(rv, reason, sizeof reason));
    }
    while (length > 0 && (password[length - 1] == '\n' || password[length - 1] == '\r')) length--;
    password[length] = '\0';
    dbi_conn_set_option(db->conn, "password", password);
    explicit_bzero(password, sizeof password);
    return NULL;
}

static void set_text(const db_t *db, const char *option, const char *value)
{
    if (value != NULL && *value != '\0') dbi_conn_set_option(db->conn, option, value);
}

static const char *set_options(const db_t *db, apr_pool_t *pool)
{
    const config_database_t *config = db->config;

    for (const engine_option_t *option = db->engine->options; option->name != NULL; option++) {
        if (option->text != NULL) dbi_conn_set_option(db->conn, option->name, option->text);
        else dbi_conn_set_option_numeric(db->conn, option->name, option->number);
    }
    set_text(db, "dbname", config->name);
    if (db->engine->embedded) {
        dbi_conn_set_option(db->conn, "sqlite3_dbdir", embedded_dir(db));
        return make_file(db, pool);
    }
    set_text(db, "host", config->host);
    set_text(db, "username", config->user);
    if (config->port > 0) dbi_conn_set_option_numeric(db->conn, "port", (int)config->port);
    return set_password(db, pool);
}

static const char *conn_message(const db_t *db, apr_pool_t *pool)
{
    const char *message = NULL;
    char *copy;

    dbi_conn_error(db->conn, &message);
    copy = apr_pstrdup(pool, message != NULL && *message != '\0' ? message : "no reason given");
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == '\n') *at = at[1] == '\0' ? '\0' : ' ';
    }
    return copy;
}

/* One session's settings.  NULL: done, otherwise what is wrong. */
static const char *prepare_session(db_t *db, apr_pool_t *pool)
{
    for (const char *const *at = db->engine->on_connect; *at != NULL; at++) {
        if (db_run(db, pool, *at, NULL) != DB_OK) {
            return apr_psprintf(pool, "%s failed", *at);
        }
    }
    return NULL;
}

static const char *open_connection(db_t *db, apr_pool_t *pool)
{
    const char *error;

    if (db->instance == NULL) return "libdbi has no drivers; install the one for the database";
    if (db->conn == NULL) db->conn = dbi_conn_new_r(db->engine->driver, db->instance);
    if (db->conn == NULL) {
        return apr_psprintf(pool, "libdbi has no driver %s; install it", db->engine->driver);
    }
    error = set_options(db, pool);
    if (error != NULL) return error;
    if (dbi_conn_connect(db->conn) < 0) return conn_message(db, pool);
    db->connected = true;
    error = prepare_session(db, pool);
    if (error != NULL) db_disconnect(db);
    return error;
}

db_status_t db_connect(db_t *db, apr_pool_t *pool, const char **message_r)
{
    *message_r = db->connected ? NULL : open_connection(db, pool);
    return *message_r == NULL ? DB_OK : DB_LOST;
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
    result = dbi_conn_query(db->conn, text);
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

/* ---- Transactions ---- */

/* A statement of the engine's table, whose failure is logged from a pool of its own. */
static db_status_t control(db_t *db, const char *statement)
{
    apr_pool_t *scratch;
    db_status_t status;
    dbi_result result;

    if (!db->connected) return DB_LOST;
    result = dbi_conn_query(db->conn, statement);
    if (result != NULL) {
        dbi_result_free(result);
        return DB_OK;
    }
    apr_pool_create(&scratch, db->pool);
    status = failed(db, scratch, statement);
    apr_pool_destroy(scratch);
    return status;
}

db_status_t db_begin(db_t *db)
{
    db_status_t status = control(db, db->engine->begin);

    db->in_transaction = status == DB_OK;
    db->doomed = DB_OK;
    return status;
}

db_status_t db_commit(db_t *db, bool *unknown_r)
{
    db_status_t status;

    *unknown_r = false;
    if (!db->connected) return DB_LOST;
    if (db->doomed != DB_OK) return db->doomed;
    status = control(db, db->engine->commit);
    *unknown_r = status != DB_OK;
    if (status == DB_OK) db->in_transaction = false;
    else db->doomed = status;
    return status;
}

/* Where that does not work, the session's state is unknown.  SQLite may have rolled back already,
 * on its own, when the disk was full: then a new connection costs little. */
void db_rollback(db_t *db)
{
    dbi_result result;

    db->doomed = DB_OK;
    if (!db->connected || !db->in_transaction) return;
    db->in_transaction = false;
    result = dbi_conn_query(db->conn, db->engine->rollback);
    if (result != NULL) dbi_result_free(result);
    else db_disconnect(db);
}
