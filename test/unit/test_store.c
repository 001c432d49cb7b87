/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store threads: order, group commits, bad jobs that harm nobody, a database that goes away, is
 * full, or leaves a commit in doubt, and bounds.  To be run under ThreadSanitizer too.
 */
#include "test_database.h"

#include <stdatomic.h>
#include <string.h>

#include "sql.h"
#include "store.h"

typedef struct fixture_t {
    test_database_t *test;
    store_t *store;
    queue_t *finished;
} fixture_t;

/* What a job does is written on it. */
typedef struct job_t {
    store_job_t job; /* first */
    int id;
    int value;      /* of parent_id; or what was read */
    int group;      /* with how many it ran, the last time */
    int attempts;
    int lose;       /* so many attempts find the connection broken */
} job_t;

static fixture_t fixture;

static void deliver(queue_list_t *jobs, void *baton)
{
    queue_push_list(baton, jobs);
}

static const char *const schema[] = {
    "CREATE TABLE parents (id BIGINT NOT NULL PRIMARY KEY)",
    "CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, body TEXT, parent_id BIGINT"
    " REFERENCES parents(id) DEFERRABLE INITIALLY DEFERRED)",
    NULL
};
static const char *const schema_undeferred[] = {
    "CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, body TEXT, parent_id BIGINT)", NULL
};

static db_status_t run_drop(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    (void)jobs, (void)count;
    if (db_engine(db)->embedded) return DB_OK; /* a new file */
    db_run(db, pool, "DELETE FROM schema_versions WHERE owner = 'test'", NULL);
    db_run(db, pool, "DROP TABLE IF EXISTS items", NULL);
    return db_run(db, pool, "DROP TABLE IF EXISTS parents", NULL);
}

static const store_class_t dropping = { "dropping", run_drop };

static int open_store(void **state)
{
    salon_migration_t migrations[] = { { 1, schema }, { 0, NULL } };
    store_job_t drop = { .class = &dropping };
    const char *error;

    if (test_database_make((void **)&fixture.test) != 0) return -1;
    fixture.finished = queue_make(fixture.test->pool, NULL, NULL);
    fixture.store = store_open(fixture.test->pool, &fixture.test->config, fixture.test->dir,
                               deliver, fixture.finished, &error);
    if (fixture.store == NULL) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }
    if (strcmp(store_engine(fixture.store)->driver, "mysql") == 0) {
        migrations[0].statements = schema_undeferred;
    }
    store_run_now(fixture.store, &drop);
    error = store_migrate(fixture.store, "test", migrations);
    if (error != NULL) fprintf(stderr, "%s\n", error);
    *state = &fixture;
    return error == NULL ? 0 : -1;
}

static int close_store(void **state)
{
    (void)state;
    store_stop(fixture.store);
    return test_database_remove((void **)&fixture.test);
}

/* ---- Classes ---- */

static db_status_t run_insert(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    sql_text_t *text = sql_text_make(pool, db_engine(db), false);

    sql_text_add(text, "INSERT INTO items (id, body, parent_id) VALUES ");
    for (int i = 0; i < count; i++) {
        job_t *job = (job_t *)jobs[i];

        job->group = count;
        job->attempts++;
        if (job->attempts <= job->lose) return DB_LOST;
        sql_text_add(text, i == 0 ? "(%d, %s, " : ", (%d, %s, ", job->id, "it's a body");
        if (job->value != 0) sql_text_add(text, "%d)", job->value);
        else sql_text_add(text, "NULL)");
    }
    return db_run(db, pool, sql_text_string(text), NULL);
}

static db_status_t run_other(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    return run_insert(db, pool, jobs, count);
}

static db_status_t run_count(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    salon_rows_t rows;
    db_status_t status = db_run(db, pool, "SELECT COUNT(*) AS n FROM items", &rows);

    for (int i = 0; status == DB_OK && i < count; i++) {
        ((job_t *)jobs[i])->value = (int)salon_rows_integer(&rows, 0, 0);
        ((job_t *)jobs[i])->group = count;
    }
    return status;
}

/* Fails, and claims that nothing was wrong. */
static db_status_t run_liar(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    (void)jobs, (void)count;
    db_run(db, pool, "INSERT INTO items (id) VALUES (NULL)", NULL);
    return DB_OK;
}

/* SQLite alone: no page more than there are. */
static db_status_t run_full(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    char *body = apr_palloc(pool, 500001);
    db_status_t status;

    memset(body, 'x', 500000);
    body[500000] = '\0';
    db_run(db, pool, "PRAGMA max_page_count=20", NULL);
    status = db_runf(db, pool, NULL, "INSERT INTO items (id, body) VALUES (%d, %s)",
                     ((job_t *)jobs[0])->id, body);
    ((job_t *)jobs[0])->group = count;
    ((job_t *)jobs[0])->attempts++;
    return status;
}

static const store_class_t inserting = { "inserting", run_insert };
static const store_class_t other = { "other", run_other };
static const store_class_t counting = { "counting", run_count };
static const store_class_t lying = { "lying", run_liar };
static const store_class_t filling = { "filling", run_full };

/* ---- Helpers ---- */

static void push(fixture_t *f, job_t *job, const store_class_t *class, int id)
{
    job->job.class = class;
    job->job.size = 200;
    job->id = id;
    assert_true(store_push(f->store, &job->job));
}

/* Waits for so many jobs; they must come in the order in which they lie in memory. */
static void await(fixture_t *f, job_t *jobs, int count)
{
    int seen = 0;

    while (seen < count) {
        queue_list_t list = queue_wait(f->finished, -1);

        for (queue_node_t *node; (node = queue_list_pop(&list)) != NULL;) {
            assert_ptr_equal(node, &jobs[seen++].job.node);
        }
    }
}

static int count_items(fixture_t *f)
{
    job_t job = { .job = { .class = &counting } };

    assert_true(store_push_read(f->store, &job.job));
    await(f, &job, 1);
    assert_int_equal(job.job.status, DB_OK);
    return job.value;
}

/* ---- Tests ---- */

static void test_groups(void **state)
{
    enum { JOBS = 1200 };
    fixture_t *f = *state;
    job_t *jobs = calloc(JOBS, sizeof *jobs);

    for (int i = 0; i < JOBS; i++) push(f, &jobs[i], i == 100 ? &other : &inserting, i + 1);
    assert_int_equal(store_stats(f->store).waiting, JOBS);
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    await(f, jobs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].job.status, DB_OK);
        assert_int_equal(jobs[i].attempts, 1);
    }
    assert_int_equal(jobs[0].group, 100);
    assert_int_equal(jobs[100].group, 1);
    assert_int_equal(jobs[101].group, 411);
    assert_int_equal(jobs[600].group, 512);
    assert_int_equal(count_items(f), JOBS);
    assert_int_equal(store_stats(f->store).writes, JOBS + 1); /* the dropping one */
    assert_int_equal(store_stats(f->store).commits, 3 + 1);
    assert_int_equal(store_stats(f->store).reads, 1);
    assert_int_equal(store_stats(f->store).waiting, 0);
    free(jobs);
}

static void test_bad_jobs(void **state)
{
    enum { JOBS = 300 };
    fixture_t *f = *state;
    job_t *jobs = calloc(JOBS, sizeof *jobs);

    for (int i = 0; i < JOBS; i++) {
        bool bad = i == 77 || i == 299;

        push(f, &jobs[i], i == 33 ? &lying : &inserting, bad ? 1 : i + 1);
    }
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    await(f, jobs, JOBS);
    for (int i = 0; i < JOBS; i++) {
        db_status_t expected = i == 33 ? DB_FAILED : i == 77 || i == 299 ? DB_DUPLICATE : DB_OK;

        assert_int_equal(jobs[i].job.status, expected);
    }
    assert_int_equal(count_items(f), JOBS - 3);
    assert_int_equal(store_stats(f->store).failures, 3);
    free(jobs);
}

static void test_lost_and_found(void **state)
{
    fixture_t *f = *state;
    job_t jobs[4] = { { .lose = 0 }, { .lose = 2 }, { .lose = 0 }, { .lose = 0 } };

    for (int i = 0; i < 4; i++) push(f, &jobs[i], &inserting, i + 1);
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    await(f, jobs, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(jobs[i].job.status, DB_OK);
    assert_int_equal(jobs[0].attempts, 3);
    assert_int_equal(count_items(f), 4);
    assert_true(store_ready(f->store));
}

static void test_away(void **state)
{
    fixture_t *f = *state;
    job_t jobs[2] = { { .lose = 1000000 }, { .lose = 0 } };
    apr_time_t start = apr_time_now();

    assert_true(store_ready(f->store));
    push(f, &jobs[0], &inserting, 1);
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    while (store_ready(f->store)) apr_sleep(1000);
    await(f, jobs, 1);
    assert_int_equal(jobs[0].job.status, DB_LOST);
    assert_in_range(jobs[0].attempts, 2, 100);
    assert_true(apr_time_now() - start >= apr_time_from_msec(500));
    while (!store_ready(f->store)) apr_sleep(1000);
    push(f, &jobs[1], &inserting, 2);
    await(f, &jobs[1], 1);
    assert_int_equal(jobs[1].job.status, DB_OK);
}

/* A violation that only the commit finds. */
static void test_bad_commit(void **state)
{
    fixture_t *f = *state;
    job_t jobs[3] = { { .value = 0 }, { .value = 9 }, { .value = 0 } };

    if (strcmp(store_engine(f->store)->driver, "mysql") == 0) skip();
    for (int i = 0; i < 3; i++) push(f, &jobs[i], &inserting, i + 1);
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    await(f, jobs, 3);
    assert_int_equal(jobs[0].job.status, DB_OK);
    assert_int_equal(jobs[1].job.status, DB_FAILED);
    assert_int_equal(jobs[2].job.status, DB_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(jobs[i].attempts, i == 0 ? 2 : 3);
    assert_int_equal(count_items(f), 2);
}

static void test_full(void **state)
{
    fixture_t *f = *state;
    job_t jobs[3] = { { .id = 0 } };

    if (!store_engine(f->store)->embedded) skip();
    push(f, &jobs[0], &inserting, 1);
    push(f, &jobs[1], &filling, 2);
    assert_int_equal(store_start(f->store), APR_SUCCESS);
    await(f, jobs, 2);
    assert_int_equal(jobs[0].job.status, DB_FULL);
    assert_int_equal(jobs[1].job.status, DB_FULL);
    assert_int_equal(jobs[1].attempts, 1);
    push(f, &jobs[2], &inserting, 3);
    await(f, &jobs[2], 1);
    assert_int_equal(jobs[2].job.status, DB_OK);
    assert_int_equal(count_items(f), 1);
}

static void test_bounds(void **state)
{
    fixture_t *f = *state;
    job_t *jobs = calloc(65537, sizeof *jobs);
    store_job_t huge = { .class = &counting, .size = 64 << 20 };
    int pushed = 0;

    jobs[0].job.size = 1;
    assert_true(store_push_read(f->store, &huge));
    assert_false(store_push_read(f->store, &jobs[0].job));
    for (; pushed < 65537; pushed++) {
        jobs[pushed].job.class = &counting;
        if (!store_push(f->store, &jobs[pushed].job)) break;
    }
    assert_int_equal(pushed, 65536);
    free(jobs);
}

static void test_run_now(void **state)
{
    fixture_t *f = *state;
    job_t job = { .job = { .class = &inserting }, .id = 1 };

    assert_int_equal(store_run_now(f->store, &job.job), DB_OK);
    assert_int_equal(store_run_now(f->store, &job.job), DB_DUPLICATE);
    assert_int_equal(job.job.status, DB_DUPLICATE);
}

/* Writers and readers at the same time; store_stop delivers everything. */
static void test_stop(void **state)
{
    enum { JOBS = 2000 };
    fixture_t *f = *state;
    job_t *jobs = calloc(2 * JOBS, sizeof *jobs);
    queue_list_t list;
    int last = 0, seen = 0;

    assert_int_equal(store_start(f->store), APR_SUCCESS);
    for (int i = 0; i < JOBS; i++) {
        push(f, &jobs[i], &inserting, i + 1);
        if (i % 10 == 0) {
            jobs[JOBS + i].job.class = &counting;
            assert_true(store_push_read(f->store, &jobs[JOBS + i].job));
        }
    }
    store_stop(f->store);
    assert_false(store_push(f->store, &jobs[0].job));
    list = queue_take(f->finished);
    for (queue_node_t *node; (node = queue_list_pop(&list)) != NULL; seen++) {
        job_t *job = (job_t *)node;

        assert_int_equal(job->job.status, DB_OK);
        if (job->job.class == &inserting) assert_int_equal(job->id, ++last);
    }
    assert_int_equal(seen, JOBS + JOBS / 10);
    free(jobs);
}

#define TEST(test_) cmocka_unit_test_setup_teardown(test_, open_store, close_store)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_groups),
        TEST(test_bad_jobs),
        TEST(test_lost_and_found),
        TEST(test_away),
        TEST(test_bad_commit),
        TEST(test_full),
        TEST(test_bounds),
        TEST(test_run_now),
        TEST(test_stop),
    };
    int failures;

    apr_initialize();
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failures;
}
