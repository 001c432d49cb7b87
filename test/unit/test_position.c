/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions: moved with and without a guess, and where the guess is wrong for all of them or for
 * some, in one transaction and in the next.
 */
#include "test_database.h"

#include "position.h"

enum { NORTH = 9, SOUTH = 17, NOWHERE = 33 };

typedef struct fixture_t {
    test_database_t *test;
    apr_pool_t *pool;
    db_t *db;
} fixture_t;

static fixture_t fixture;

static void run(const fixture_t *f, const char *statement)
{
    assert_int_equal(db_run(f->db, f->pool, statement, NULL), DB_OK);
}

static int open_db(void **state)
{
    const char *message;

    if (test_database_make((void **)&fixture.test) != 0) return -1;
    fixture.pool = fixture.test->pool;
    fixture.db = db_make(fixture.pool, &fixture.test->config, fixture.test->dir);
    if (db_connect(fixture.db, fixture.pool, &message) != DB_OK) return -1;
    run(&fixture, "DROP TABLE IF EXISTS timelines");
    run(&fixture, apr_pstrcat(fixture.pool, "CREATE TABLE timelines (id BIGINT NOT NULL PRIMARY"
                              " KEY, seq BIGINT NOT NULL, message_count BIGINT NOT NULL)",
                              db_engine(fixture.db)->table_suffix, NULL));
    run(&fixture, "INSERT INTO timelines (id, seq, message_count)"
                  " VALUES (9, 0, 0), (17, 100, 0)");
    *state = &fixture;
    return 0;
}

static int close_db(void **state)
{
    (void)state;
    run(&fixture, "DROP TABLE timelines");
    db_close(fixture.db);
    return test_database_remove((void **)&fixture.test);
}

/* Two at once, by 2 and 3. */
static db_status_t move_two(const fixture_t *f, apr_int64_t first, apr_int64_t second,
                            position_move_t moves[2])
{
    moves[0] = (position_move_t){ .timeline_id = first, .count = 2 };
    moves[1] = (position_move_t){ .timeline_id = second, .count = 3 };
    return positions_move(f->db, f->pool, moves, 2);
}

static void commit(const fixture_t *f)
{
    bool unknown;

    assert_int_equal(db_commit(f->db, &unknown), DB_OK);
}

/* In a transaction of their own. */
static void expect_two(const fixture_t *f, apr_int64_t first, apr_int64_t second)
{
    position_move_t moves[2];

    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(move_two(f, NORTH, SOUTH, moves), DB_OK);
    commit(f);
    assert_int_equal(moves[0].seq, first);
    assert_int_equal(moves[1].seq, second);
}

static void test_move(void **state)
{
    const fixture_t *f = *state;
    position_move_t moves[2];

    expect_two(f, 2, 103);
    expect_two(f, 4, 106);
    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(move_two(f, NORTH, NOWHERE, moves), DB_OK);
    commit(f);
    assert_int_equal(moves[0].seq, 6);
    assert_int_equal(moves[1].seq, -1);
}

/* Where nothing has been done yet, it is asked for at once. */
static void test_wrong_for_all(void **state)
{
    const fixture_t *f = *state;

    expect_two(f, 2, 103);
    run(f, "UPDATE timelines SET seq = seq + 1");
    expect_two(f, 5, 107);
    expect_two(f, 7, 110);
}

static void test_wrong_for_some(void **state)
{
    const fixture_t *f = *state;
    position_move_t moves[2];

    expect_two(f, 2, 103);
    run(f, "UPDATE timelines SET seq = seq + 1 WHERE id = 17");
    assert_int_equal(db_begin(f->db, false), DB_OK);
    assert_int_equal(move_two(f, NORTH, SOUTH, moves), DB_RETRY);
    db_rollback(f->db);
    expect_two(f, 4, 107);
}

/* What makes a guess wrong is done in each attempt; the second one guesses nothing. */
static void test_wrong_in_one_transaction(void **state)
{
    const fixture_t *f = *state;
    position_move_t moves[2];

    for (int again = 0; again < 2; again++) {
        assert_int_equal(db_begin(f->db, again), DB_OK);
        assert_int_equal(move_two(f, NORTH, SOUTH, moves), DB_OK);
        run(f, "DELETE FROM timelines WHERE id = 17");
        assert_int_equal(move_two(f, NORTH, SOUTH, moves), again ? DB_OK : DB_RETRY);
        if (!again) db_rollback(f->db);
    }
    commit(f);
    assert_int_equal(moves[0].seq, 4);
    assert_int_equal(moves[1].seq, -1);
}

/* Nothing is asked where a guess holds. */
static void test_note(void **state)
{
    const fixture_t *f = *state;
    apr_int64_t before;

    expect_two(f, 2, 103);
    run(f, "UPDATE timelines SET seq = seq + 1 WHERE id = 17");
    position_note(SOUTH, 104);
    before = db_statements(f->db);
    expect_two(f, 4, 107);
    assert_int_equal(db_statements(f->db) - before, 3);
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, open_db, close_db)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_move),
        TEST(test_wrong_for_all),
        TEST(test_wrong_for_some),
        TEST(test_wrong_in_one_transaction),
        TEST(test_note),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
