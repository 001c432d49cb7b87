/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applies the steps of a schema.  schema_versions has a row per owner and version, with the number
 * of statements that have run: where the engine cannot undo a CREATE TABLE, each statement is
 * recorded on its own, and a step that was interrupted goes on behind the last one.
 */
#define LOG_AREA "migration"

#include "migration.h"

#include <string.h>

#include <apr_strings.h>

#include "log.h"

typedef struct migrator_t {
    db_t *db;
    apr_pool_t *pool;
    const char *owner;
    salon_rows_t done; /* version, steps */
} migrator_t;

const char migration_table[] =
    "CREATE TABLE IF NOT EXISTS schema_versions (owner VARCHAR(64) NOT NULL,"
    " version BIGINT NOT NULL, steps BIGINT NOT NULL, PRIMARY KEY (owner, version))";

/* The row of a version, or -1. */
static int done_row(const migrator_t *migrator, int version)
{
    for (int i = 0; i < migrator->done.count; i++) {
        if (salon_rows_integer(&migrator->done, i, 0) == version) return i;
    }
    return -1;
}

static int statement_count(const salon_migration_t *migration)
{
    int count = 0;

    while (migration->statements != NULL && migration->statements[count] != NULL) count++;
    return count;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* A definition with the engine's own type in the place of TEXT. */
static const char *with_text_type(apr_pool_t *pool, const char *statement, const char *type)
{
    const char *rest = statement, *done = "";

    for (const char *at; (at = strstr(rest, " TEXT")) != NULL; rest = at + 5) {
        bool whole = strchr(" ,)", at[5]) != NULL; /* the end, too */

        done = apr_pstrcat(pool, done, apr_pstrmemdup(pool, rest, (apr_size_t)(at - rest)), " ",
                           whole ? type : "TEXT", NULL);
    }
    return apr_pstrcat(pool, done, rest, NULL);
}

const char *migration_translate(apr_pool_t *pool, const engine_t *engine, const char *statement)
{
    bool creates = starts_with(statement, "CREATE TABLE");

    if (creates || starts_with(statement, "ALTER TABLE")) {
        statement = with_text_type(pool, statement, engine->text_type);
    }
    if (!creates || statement[strlen(statement) - 1] != ')') return statement;
    return apr_pstrcat(pool, statement, engine->table_suffix, NULL);
}

static db_status_t run_statement(const migrator_t *migrator, const char *statement)
{
    const char *text = migration_translate(migrator->pool, db_engine(migrator->db), statement);

    return db_run(migrator->db, migrator->pool, text, NULL);
}

static db_status_t record(const migrator_t *migrator, int version, int steps, bool insert)
{
    return insert ? db_runf(migrator->db, migrator->pool, NULL,
                            "INSERT INTO schema_versions (owner, version, steps)"
                            " VALUES (%s, %d, %d)", migrator->owner, version, steps)
                  : db_runf(migrator->db, migrator->pool, NULL,
                            "UPDATE schema_versions SET steps=%d WHERE owner=%s AND version=%d",
                            steps, migrator->owner, version);
}

static db_status_t apply_whole(const migrator_t *migrator, const salon_migration_t *migration)
{
    int count = statement_count(migration);
    db_status_t status = db_begin(migrator->db, false);
    bool unknown;

    for (int i = 0; status == DB_OK && i < count; i++) {
        status = run_statement(migrator, migration->statements[i]);
    }
    if (status == DB_OK) status = record(migrator, migration->version, count, true);
    if (status == DB_OK) status = db_commit(migrator->db, &unknown);
    if (status != DB_OK) db_rollback(migrator->db);
    return status;
}

static db_status_t apply_stepwise(const migrator_t *migrator, const salon_migration_t *migration,
                                  int row)
{
    int count = statement_count(migration);
    int done = row < 0 ? 0 : (int)salon_rows_integer(&migrator->done, row, 1);
    db_status_t status = row < 0 ? record(migrator, migration->version, 0, true) : DB_OK;

    while (status == DB_OK && done < count) {
        status = run_statement(migrator, migration->statements[done]);
        if (status == DB_OK) status = record(migrator, migration->version, ++done, false);
    }
    return status;
}

/* NULL: done, or was done before. */
static const char *apply_one(const migrator_t *migrator, const salon_migration_t *migration)
{
    bool whole = db_engine(migrator->db)->transactional_ddl;
    int row = done_row(migrator, migration->version);
    db_status_t status;

    if (row >= 0 && (whole || salon_rows_integer(&migrator->done, row, 1) >=
                                  statement_count(migration))) {
        return NULL;
    }
    status = whole ? apply_whole(migrator, migration) : apply_stepwise(migrator, migration, row);
    if (status != DB_OK) {
        return apr_psprintf(migrator->pool, "migration %d of %s failed; see the log",
                            migration->version, migrator->owner);
    }
    log_info("schema of %s: version %d applied", migrator->owner, migration->version);
    return NULL;
}

/* Making it needs a right, also where it is there already. */
static db_status_t make_table(migrator_t *migrator)
{
    const char *asks = db_engine(migrator->db)->has_versions;
    salon_rows_t rows;
    db_status_t status = asks != NULL ? db_run(migrator->db, migrator->pool, asks, &rows) : DB_OK;

    if (asks != NULL && status == DB_OK && salon_rows_integer(&rows, 0, 0) == 1) return DB_OK;
    return status == DB_OK ? run_statement(migrator, migration_table) : status;
}

static const char *read_done(migrator_t *migrator)
{
    if (make_table(migrator) != DB_OK ||
        db_runf(migrator->db, migrator->pool, &migrator->done,
                "SELECT version, steps FROM schema_versions WHERE owner=%s",
                migrator->owner) != DB_OK) {
        return "the table schema_versions can neither be made nor read; see the log";
    }
    return NULL;
}

/* NULL: the table rises, and reaches as far as the database does. */
static const char *check_table(const migrator_t *migrator, const salon_migration_t *migrations)
{
    int newest = 0;

    for (const salon_migration_t *at = migrations; at->version != 0; at++) {
        if (at->version <= newest) {
            return apr_psprintf(migrator->pool, "migrations of %s: version %d is out of order",
                                migrator->owner, at->version);
        }
        newest = at->version;
    }
    for (int i = 0; i < migrator->done.count; i++) {
        if (salon_rows_integer(&migrator->done, i, 0) > newest) {
            return apr_psprintf(migrator->pool,
                                "the database is newer than this program: it has version %"
                                APR_INT64_T_FMT " of %s, and %d is known here",
                                salon_rows_integer(&migrator->done, i, 0), migrator->owner, newest);
        }
    }
    return NULL;
}

const char *migration_apply(db_t *db, apr_pool_t *pool, const char *owner,
                            const salon_migration_t *migrations)
{
    migrator_t migrator = { .db = db, .pool = pool, .owner = owner };
    const char *error = read_done(&migrator);

    if (error == NULL) error = check_table(&migrator, migrations);
    while (error == NULL && migrations->version != 0) error = apply_one(&migrator, migrations++);
    return error;
}
