/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection: hostile texts through every kind of statement, numbers that come back whole,
 * statements that the SQLite driver could not stand as they are, failures and transactions.
 */
#include "test_database.h"

#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

typedef struct fixture_t {
    test_database_t *test;
    apr_pool_t *pool;
    db_t *db;
} fixture_t;

static fixture_t fixture;

/* CREATE TABLE, in the engine's way, after dropping what another run left. */
static void make_table(db_t *db, apr_pool_t *pool, const char *name, const char *columns)
{
    const char *drop = apr_pstrcat(pool, "DROP TABLE IF EXISTS ", name, NULL);
    const char *create = apr_pstrcat(pool, "CREATE TABLE ", name, " (", columns, ")",
                                     db_engine(db)->table_suffix, NULL);

    assert_int_equal(db_run(db, pool, drop, NULL), DB_OK);
    assert_int_equal(db_run(db, pool, create, NULL), DB_OK);
}

static int open_db(void **state)
{
    const char *message;

    if (test_database_make((void **)&fixture.test) != 0) return -1;
    fixture.pool = fixture.test->pool;
    fixture.db = db_make(fixture.pool, &fixture.test->config, fixture.test->dir);
    if (db_connect(fixture.db, fixture.pool, &message) != DB_OK) {
        fprintf(stderr, "%s\n", message);
        return -1;
    }
    make_table(fixture.db, fixture.pool, "texts",
               "id BIGINT NOT NULL PRIMARY KEY, from_id BIGINT, body TEXT, name VARCHAR(64)");
    *state = &fixture;
    return 0;
}

static int close_db(void **state)
{
    (void)state;
    db_close(fixture.db);
    return test_database_remove((void **)&fixture.test);
}

static bool is_sqlite(const fixture_t *f)
{
    return db_engine(f->db)->embedded;
}

static char *many_tables(apr_pool_t *pool)
{
    char *text = apr_pstrdup(pool, "x from t0");

    for (int i = 1; i < 300; i++) text = apr_psprintf(pool, "%s,t%d", text, i);
    return apr_pstrcat(pool, text, " where", NULL);
}

static void check_text(fixture_t *f, apr_int64_t id, const char *text)
{
    salon_rows_t rows;

    assert_int_equal(db_runf(f->db, f->pool, NULL,
                             "INSERT INTO texts (id, from_id, body) VALUES (%ld, 7, %s)", id, text),
                     DB_OK);
    assert_int_equal(db_runf(f->db, f->pool, &rows,
                             "SELECT id, body FROM texts WHERE body=%s", text), DB_OK);
    assert_int_equal(rows.count, 1);
    assert_int_equal(rows.columns, 2);
    assert_int_equal(salon_rows_integer(&rows, 0, 0), id);
    assert_string_equal(salon_rows_text(&rows, 0, 1), text);
    assert_int_equal(db_runf(f->db, f->pool, &rows,
                             "UPDATE texts SET body=%s, from_id=from_id+1 WHERE id=%ld AND body=%s",
                             text, id, text), DB_OK);
    assert_int_equal(rows.affected, 1);
    assert_int_equal(db_runf(f->db, f->pool, &rows,
                             "DELETE FROM texts WHERE body=%s", text), DB_OK);
    assert_int_equal(rows.affected, 1);
}

static void test_hostile_texts(void **state)
{
    static const char *const texts[] = {
        "", " ", "'", "''", "\\", "\\'", "\\'; DROP TABLE texts; --", "a\032b", "100%", "%s%n%d",
        "hi from, x", "hi from there", "from", " from ", "FROM", " FROM texts WHERE ",
        "x select foo(bar", "a SELECT (b", "(SELECT", "x AS y", "((((", "))))", "a;b", "\"a\"",
        "`a`", "x'41'", "CAST(x'41' AS TEXT)", "/* a */ b", "*/ SELECT (", "-- c",
        "\t\n\r", "$1 ?1 :a @b",
        "\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac", "e\xcc\x81", "NULL", "null",
    };
    fixture_t *f = *state;
    char byte[2] = "";

    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) check_text(f, 1 + i, texts[i]);
    check_text(f, 99, many_tables(f->pool));
    for (int i = 1; i < 128; i++) {
        byte[0] = (char)i;
        check_text(f, 100 + i, byte);
    }
}

static void test_exact_keys(void **state)
{
    static const char *const names[] = { "bob", "Bob", "bob ", "b\xc3\xb6n" };
    fixture_t *f = *state;
    salon_rows_t rows;

    make_table(f->db, f->pool, "names", "name VARCHAR(64) NOT NULL PRIMARY KEY");
    for (int i = 0; i < 4; i++) {
        assert_int_equal(db_runf(f->db, f->pool, NULL, "INSERT INTO names (name) VALUES (%s)",
                                 names[i]), DB_OK);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(db_runf(f->db, f->pool, &rows, "SELECT name FROM names WHERE name=%s",
                                 names[i]), DB_OK);
        assert_int_equal(rows.count, 1);
        assert_string_equal(salon_rows_text(&rows, 0, 0), names[i]);
        assert_int_equal(db_runf(f->db, f->pool, NULL, "INSERT INTO names (name) VALUES (%s)",
                                 names[i]), DB_DUPLICATE);
    }
}

static void insert_rows(fixture_t *f)
{
    assert_int_equal(db_runf(f->db, f->pool, NULL,
                             "INSERT INTO texts (id, from_id, body, name) VALUES"
                             " (%ld, 1, %s, %s), (2, NULL, NULL, %s), (3, 5, %s, NULL)",
                             APR_INT64_C(9007199254740993), "one", "n1", "n2", ""), DB_OK);
}

static apr_int64_t first_integer(fixture_t *f, const char *statement)
{
    salon_rows_t rows;

    assert_int_equal(db_run(f->db, f->pool, statement, &rows), DB_OK);
    assert_int_equal(rows.count, 1);
    return salon_rows_integer(&rows, 0, 0);
}

static void test_numbers(void **state)
{
    static const char *const big[] = {
        "SELECT MAX(id) FROM texts", "SELECT MAX(id) AS n FROM texts",
        "SELECT max(id) mx FROM texts", "SELECT MAX(id) AS big FROM texts",
        "SELECT id AS other FROM texts WHERE from_id = 1",
        "SELECT\n\tt.id\nFROM texts t\nWHERE t.from_id = 1",
        "SELECT (SELECT MAX(u.id) FROM texts AS u) AS n FROM texts WHERE id = 2",
    };
    fixture_t *f = *state;
    salon_rows_t rows;

    insert_rows(f);
    for (unsigned i = 0; i < sizeof big / sizeof *big; i++) {
        assert_int_equal(first_integer(f, big[i]), APR_INT64_C(9007199254740993));
    }
    assert_int_equal(first_integer(f, "SELECT COUNT(*) AS n FROM texts"), 3);
    assert_int_equal(first_integer(f, "SELECT COUNT(*) FROM texts"), 3);
    assert_int_equal(first_integer(f, "SELECT COALESCE(MAX(from_id), 0) AS n FROM texts"), 5);
    assert_int_equal(first_integer(f, "SELECT SUM(from_id) AS n FROM texts"), 6);
    assert_int_equal(db_run(f->db, f->pool, "SELECT id, from_id, body, name FROM texts ORDER BY id",
                            &rows), DB_OK);
    assert_int_equal(rows.count, 3);
    assert_int_equal(rows.columns, 4);
    assert_null(salon_rows_text(&rows, 0, 2));
    assert_true(rows.cells[1].null && rows.cells[2].null && !rows.cells[3].null);
    assert_int_equal(salon_rows_integer(&rows, 0, 1), 0);
    assert_string_equal(salon_rows_text(&rows, 1, 2), "");
    assert_true(rows.cells[7].null);
    assert_string_equal(salon_rows_text(&rows, 2, 3), "n1");
    assert_int_equal(db_run(f->db, f->pool, "SELECT id, body FROM texts WHERE id = 99", &rows),
                     DB_OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(rows.columns, 2);
}

/* What the driver would hang on, smash its stack with, or print. */
static void test_shapes(void **state)
{
    static const struct { const char *statement; int count; } shapes[] = {
        { "SELECT from_id FROM (SELECT from_id FROM texts) AS s", 3 },
        { "SELECT from_id FROM texts WHERE from_id IN (SELECT from_id FROM texts)", 2 },
        { "SELECT body AS t, INSTR(body, name) AS n FROM texts", 3 },
        { "SELECT o.with_a_rather_long_column_name, texts.id FROM texts"
          " LEFT JOIN o ON o.with_a_rather_long_column_name = texts.from_id ORDER BY texts.id", 3 },
        { "SELECT o.with_a_rather_long_column_name FROM o, texts"
          " WHERE o.with_a_rather_long_column_name = texts.from_id", 1 },
        { "SELECT texts.id, texts.body FROM texts JOIN o"
          " ON o.with_a_rather_long_column_name = texts.from_id AND (texts.id > 0)", 1 },
        { "SELECT DISTINCT from_id, from_id + 1 AS n FROM texts", 3 },
        { "SELECT id FROM texts UNION SELECT with_a_rather_long_column_name FROM o", 4 },
        { "WITH w AS (SELECT id FROM texts) SELECT id FROM w", 3 },
        { "SELECT 1", 1 },
    };
    fixture_t *f = *state;
    salon_rows_t rows;

    make_table(f->db, f->pool, "o", "with_a_rather_long_column_name BIGINT NOT NULL PRIMARY KEY");
    assert_int_equal(db_run(f->db, f->pool, "INSERT INTO o VALUES (5)", NULL), DB_OK);
    insert_rows(f);
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        bool has_instr = strcmp(db_engine(f->db)->driver, "pgsql") != 0;

        if (!has_instr && strstr(shapes[i].statement, "INSTR") != NULL) continue;
        assert_int_equal(db_run(f->db, f->pool, shapes[i].statement, &rows), DB_OK);
        assert_int_equal(rows.count, shapes[i].count);
    }
    if (is_sqlite(f)) {
        assert_int_equal(db_run(f->db, f->pool, "SELECT id FROM texts WHERE body='x'", &rows),
                         DB_FAILED);
    }
}

/* The SQLite driver reports what it does not understand on standard output. */
static void test_silence(void **state)
{
    fixture_t *f = *state;
    const char *path = apr_pstrcat(f->pool, f->test->dir, "/out", NULL);
    int saved, out = open(path, O_CREAT | O_RDWR, 0600);
    const char *message;
    struct stat status;

    fflush(stdout);
    saved = dup(STDOUT_FILENO);
    dup2(out, STDOUT_FILENO);
    db_disconnect(f->db);
    assert_int_equal(db_connect(f->db, f->pool, &message), DB_OK);
    assert_int_equal(first_integer(f, "SELECT 1"), 1);
    if (db_engine(f->db)->on_idle != NULL) {
        assert_int_equal(db_run(f->db, f->pool, db_engine(f->db)->on_idle, NULL), DB_OK);
    }
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    assert_int_equal(fstat(out, &status), 0);
    close(out);
    close(saved);
    unlink(path);
    assert_int_equal(status.st_size, 0);
}

static void test_no_leak(void **state)
{
    fixture_t *f = *state;
    apr_pool_t *scratch;
    salon_rows_t rows;
    size_t before = 0;
    bool unknown;

    insert_rows(f);
    apr_pool_create(&scratch, f->pool);
    for (int i = 0; i < 2000; i++) {
        apr_pool_clear(scratch);
        if (i == 500) before = mallinfo2().uordblks;
        db_begin(f->db, false);
        db_runf(f->db, scratch, &rows, "SELECT t.id, t.body FROM texts t WHERE t.id=%d", 2);
        db_runf(f->db, scratch, &rows, "SELECT MAX(id) AS n, COUNT(*) AS n2 FROM texts");
        assert_int_equal(db_commit(f->db, &unknown), DB_OK);
    }
    assert_true(mallinfo2().uordblks < before + 4096);
    apr_pool_destroy(scratch);
}

static db_status_t insert(fixture_t *f, int id)
{
    return db_runf(f->db, f->pool, NULL, "INSERT INTO texts (id) VALUES (%d)", id);
}

static void test_transactions(void **state)
{
    fixture_t *f = *state;
    bool unknown;

    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(insert(f, 1), DB_OK);
    assert_int_equal(db_commit(f->db, &unknown), DB_OK);
    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(insert(f, 2), DB_OK);
    db_rollback(f->db);
    assert_int_equal(first_integer(f, "SELECT COUNT(*) AS n FROM texts"), 1);
    db_rollback(f->db);

    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(insert(f, 3), DB_OK);
    assert_int_equal(insert(f, 1), DB_DUPLICATE);
    assert_int_equal(insert(f, 4), DB_DUPLICATE);
    assert_int_equal(db_commit(f->db, &unknown), DB_DUPLICATE);
    assert_false(unknown);
    db_rollback(f->db);
    assert_int_equal(first_integer(f, "SELECT COUNT(*) AS n FROM texts"), 1);
    assert_int_equal(insert(f, 5), DB_OK);
}

static void test_failures(void **state)
{
    fixture_t *f = *state;
    salon_rows_t rows;

    assert_int_equal(db_run(f->db, f->pool, "SELEC 1", &rows), DB_FAILED);
    assert_int_equal(rows.count, 0);
    assert_int_equal(db_run(f->db, f->pool, "SELECT a FROM nowhere", &rows), DB_FAILED);
    assert_int_equal(db_run(f->db, f->pool, "INSERT INTO texts (id) VALUES (NULL)", NULL),
                     DB_FAILED);
    assert_int_equal(insert(f, 1), DB_OK);
}

static void test_reconnect(void **state)
{
    fixture_t *f = *state;
    const char *message;
    bool unknown;

    assert_int_equal(insert(f, 1), DB_OK);
    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(insert(f, 2), DB_OK);
    db_disconnect(f->db);
    assert_int_equal(insert(f, 3), DB_LOST);
    assert_int_equal(db_commit(f->db, &unknown), DB_LOST);
    db_rollback(f->db);
    assert_int_equal(db_connect(f->db, f->pool, &message), DB_OK);
    assert_int_equal(first_integer(f, "SELECT COUNT(*) AS n FROM texts"), 1);
    assert_int_equal(insert(f, 4), DB_OK);
}

static void test_file(void **state)
{
    fixture_t *f = *state;
    config_database_t config = f->test->config;
    const char *message;
    struct stat status;
    db_t *db;

    if (!is_sqlite(f)) skip();
    assert_int_equal(stat(apr_pstrcat(f->pool, f->test->dir, "/test.db", NULL), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(apr_pstrcat(f->pool, f->test->dir, "/test.db-wal", NULL), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    config.name = "no/such/directory.db";
    db = db_make(f->pool, &config, f->test->dir);
    assert_int_equal(db_connect(db, f->pool, &message), DB_LOST);
    assert_non_null(strstr(message, "no/such/directory.db"));
    config.name = apr_pstrcat(f->pool, f->test->dir, "/test.db", NULL);
    assert_int_equal(db_connect(db, f->pool, &message), DB_OK);
    assert_int_equal(db_run(db, f->pool, "INSERT INTO texts (id) VALUES (1)", NULL), DB_OK);
    db_close(db);
    assert_int_equal(first_integer(f, "SELECT COUNT(*) AS n FROM texts"), 1);
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, open_db, close_db)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_hostile_texts),
        TEST(test_exact_keys),
        TEST(test_numbers),
        TEST(test_shapes),
        TEST(test_silence),
        TEST(test_no_leak),
        TEST(test_transactions),
        TEST(test_failures),
        TEST(test_reconnect),
        TEST(test_file),
    };
    int failures;

    apr_initialize();
    umask(022);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
