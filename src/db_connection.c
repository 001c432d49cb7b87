/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and ending a connection, and what must be known of it.  Each has an instance of libdbi
 * of its own, as nothing in the library is locked.  A connection that could not be opened is never
 * freed by it: it is used again.  dbi_conn_ping leaks, or resets the session: what is lost is
 * closed and made anew.  No driver ends a statement whose server says nothing any more; so another
 * thread may shut the socket, which ends the waiting.
 */
#define LOG_AREA "db"

#include "db_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#define PASSWORD_SIZE 1024
#define CLAIM_WAIT    apr_time_from_sec(60)
#define CLAIM_PAUSE   apr_time_from_msec(50)
#define DAMAGED       "the file is damaged; see salon-database(7) for what to do"
#define CHECKED_SIZE  (256 << 20) /* bytes of an embedded database's file */

/* The instance stays: ending it would unload the drivers, with client libraries below them that
 * were not made for that. */
static apr_status_t db_cleanup(void *data)
{
    db_t *db = data;

    db_disconnect(db);
    if (db->claim >= 0) close(db->claim);
    db->claim = -1;
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
    db->claim = db->socket = -1;
    apr_thread_mutex_create(&db->guard, APR_THREAD_MUTEX_DEFAULT, pool);
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

/* Ours is a second number of the same socket: nobody else can close it, and have it used anew. */
static void set_socket(db_t *db, int number)
{
    int old;

    apr_thread_mutex_lock(db->guard);
    old = db->socket;
    db->socket = number >= 0 ? fcntl(number, F_DUPFD_CLOEXEC, 0) : -1;
    apr_thread_mutex_unlock(db->guard);
    if (old >= 0) close(old);
}

void db_disconnect(db_t *db)
{
    set_socket(db, -1);
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

static const char *embedded_path(const db_t *db, apr_pool_t *pool)
{
    return apr_pstrcat(pool, embedded_dir(db), "/", db->config->name, NULL);
}

bool db_exists(const db_t *db, apr_pool_t *pool)
{
    return !db->engine->embedded || access(embedded_path(db, pool), F_OK) == 0;
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
    const char *path = embedded_path(db, pool);
    struct stat found;
    char reason[128];
    int file;

    if (access(path, R_OK | W_OK) == 0) {
        return stat(path, &found) == 0 && S_ISDIR(found.st_mode)
                   ? apr_psprintf(pool, "%s: Is a directory", path) : NULL;
    }
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
            return apr_psprintf(pool, "%s (%s)", conn_message(db, pool), *at);
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
    if (!db->engine->embedded) set_socket(db, dbi_conn_get_socket(db->conn));
    error = prepare_session(db, pool);
    if (error != NULL) db_disconnect(db);
    return error;
}

db_status_t db_connect(db_t *db, apr_pool_t *pool, const char **message_r)
{
    *message_r = db->connected ? NULL : open_connection(db, pool);
    return *message_r == NULL ? DB_OK : DB_LOST;
}

/* ---- A statement that takes too long ---- */

bool db_is_slow(const db_t *db, apr_interval_time_t limit)
{
    apr_int64_t since = atomic_load_explicit(&db->since, memory_order_relaxed);

    return since != 0 && apr_time_now() - since > limit;
}

void db_cut(db_t *db)
{
    apr_thread_mutex_lock(db->guard);
    if (db->socket >= 0) shutdown(db->socket, SHUT_RDWR);
    apr_thread_mutex_unlock(db->guard);
}

/* ---- One server at a time ---- */

/* The descriptor stays open as long as there is a connection to the file: see make_file. */
static const char *claim_file(db_t *db, apr_pool_t *pool)
{
    const char *path = embedded_path(db, pool);
    int file = open(path, O_RDONLY | O_CLOEXEC);

    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0) {
        db->claim = file;
        return NULL;
    }
    return apr_psprintf(pool, "another server uses %s, or it cannot be locked", path);
}

const char *db_claim(db_t *db, apr_pool_t *pool)
{
    apr_time_t end = apr_time_now() + CLAIM_WAIT;
    salon_rows_t rows;

    if (db->engine->embedded) return claim_file(db, pool);
    for (;;) {
        if (db_run(db, pool, db->engine->claim, &rows) != DB_OK) return "cannot be locked";
        if (rows.count == 1 && salon_rows_integer(&rows, 0, 0) == 1) return NULL;
        if (apr_time_now() > end) return "another server has been starting on it for a minute";
        apr_sleep(CLAIM_PAUSE);
    }
}

void db_release(db_t *db, apr_pool_t *pool)
{
    salon_rows_t rows;

    if (!db->engine->embedded) db_run(db, pool, db->engine->release, &rows);
}

/* ---- Is it whole? ---- */

static const char *first_text(const salon_rows_t *rows)
{
    const char *text = salon_rows_text(rows, 0, 0);

    return text != NULL ? text : "";
}

const char *db_check(db_t *db, apr_pool_t *pool)
{
    apr_finfo_t info;
    salon_rows_t rows;

    if (db->engine->check == NULL) return NULL;
    if (apr_stat(&info, embedded_path(db, pool), APR_FINFO_SIZE, pool) != APR_SUCCESS ||
        info.size > CHECKED_SIZE) {
        return NULL;
    }
    if (db_run(db, pool, db->engine->check, &rows) != DB_OK) return DAMAGED;
    if (rows.count == 1 && strcmp(first_text(&rows), "ok") == 0) return NULL;
    return DAMAGED;
}
