/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text is made on the chat thread, when salon_sql is called; the store thread runs it and puts
 * the rows into the request's pool, which nobody else touches while the request waits.
 */
#define LOG_AREA "statement"
#include "statement.h"

#include <assert.h>

#include <apr_tables.h>

#include "log.h"
#include "server.h"
#include "share.h"
#include "sql.h"

typedef struct statements_t {
    store_job_t job; /* first */
    salon_req_t *req;
    apr_pool_t *pool;
    apr_array_header_t *texts;
    salon_rows_t *rows;
    share_kind_t kind;   /* of a request that reads: its reader, */
    apr_int64_t user_id; /* and whose it is; 0: it is the writer's */
    salon_ran_t *ran; /* of one that belongs to no request; NULL: nobody waits */
    void *baton;
} statements_t;

db_status_t statement_run(db_t *db, statements_t *statements)
{
    int count = statements->texts->nelts;
    statements->rows = apr_pcalloc(statements->pool, sizeof(salon_rows_t) * (apr_size_t)count);
    for (int i = 0; i < count; i++) {
        db_status_t status = db_run(db, statements->pool,
                                    APR_ARRAY_IDX(statements->texts, i, const char *),
                                    &statements->rows[i]);
        if (status != DB_OK) return status;
    }
    return DB_OK;
}

static db_status_t jobs_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    (void)pool;
    for (int i = 0; i < count; i++) {
        db_status_t status = statement_run(db, (statements_t *)jobs[i]);
        if (status != DB_OK) return status;
    }
    return DB_OK;
}

static const store_class_t statement_class = { "statements", jobs_run };

static statements_t *statements_make(apr_pool_t *pool)
{
    statements_t *statements = apr_pcalloc(pool, sizeof(*statements));
    statements->job.class = &statement_class;
    statements->pool = pool;
    statements->texts = apr_array_make(pool, 4, sizeof(const char *));
    return statements;
}

static void text_add(statements_t *statements, const char *text)
{
    APR_ARRAY_PUSH(statements->texts, const char *) = text;
    statements->job.size += strlen(text);
}

__attribute__((format(printf, 2, 0))) static void
statement_add(statements_t *statements, const char *format, va_list args)
{
    text_add(statements, sql_vformat(statements->pool, store_engine(server.store), format, args));
}

static statements_t *statements_of(salon_req_t *req)
{
    if (req->statements == NULL) req->statements = statements_make(req->pool);
    return req->statements;
}

void salon_sql(salon_req_t *req, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    statement_add(statements_of(req), format, args);
    va_end(args);
}

void statement_sql(salon_req_t *req, const char *statement)
{
    text_add(statements_of(req), statement);
}

salon_outcome_t statement_failed(salon_req_t *req, db_status_t status)
{
    return salon_fail(req, status == DB_DUPLICATE ? SALON_CONFLICT : SALON_UNAVAILABLE);
}

static void statements_done(store_job_t *job)
{
    statements_t *statements = (statements_t *)job;
    salon_req_t *req = statements->req;
    if (statements->user_id != 0) share_done(statements->kind, statements->user_id);
    request_outcome(req, job->status == DB_OK ? req->then(req, statements->rows)
                                              : statement_failed(req, job->status));
}

static statements_t *statements_take(salon_req_t *req, salon_then_t *then)
{
    statements_t *statements = req->statements;
    assert(statements != NULL);
    req->statements = NULL;
    req->then = then;
    statements->req = req;
    statements->job.done = statements_done;
    return statements;
}

salon_outcome_t salon_store(salon_req_t *req, salon_then_t *then)
{
    statements_t *statements = statements_take(req, then);
    if (!store_push(server.store, &statements->job)) return salon_fail(req, SALON_UNAVAILABLE);
    return request_pending();
}

static salon_outcome_t query(salon_req_t *req, salon_then_t *then, share_kind_t kind)
{
    statements_t *statements = statements_take(req, then);
    statements->kind = kind;
    statements->user_id = req->user != NULL ? req->user->shown.id : SHARE_NOBODY;
    if (!share_push(kind, statements->user_id, &statements->job))
        return salon_fail(req, SALON_UNAVAILABLE);
    return request_pending();
}

salon_outcome_t salon_query(salon_req_t *req, salon_then_t *then)
{
    return query(req, then, SHARE_QUICK);
}

salon_outcome_t statement_query_slow(salon_req_t *req, salon_then_t *then)
{
    return query(req, then, SHARE_SLOW);
}

__attribute__((format(printf, 2, 0))) static const salon_rows_t *
load(apr_pool_t *pool, const char *format, va_list args)
{
    statements_t *statements = statements_make(pool);
    statement_add(statements, format, args);
    return store_run_now(server.store, &statements->job) == DB_OK ? statements->rows : NULL;
}

const salon_rows_t *salon_load(apr_pool_t *pool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const salon_rows_t *rows = load(pool, format, args);
    va_end(args);
    return rows;
}

apr_status_t salon_load_each(void (*take)(const salon_rows_t *rows, int row), const char *format,
                             ...)
{
    va_list args;
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    va_start(args, format);
    const salon_rows_t *rows = load(pool, format, args);
    va_end(args);
    for (int i = 0; rows != NULL && i < rows->count; i++) take(rows, i);
    apr_pool_destroy(pool);
    return rows != NULL ? APR_SUCCESS : APR_EGENERAL;
}

/* ---- Statements that belong to no request ---- */

static void alone_done(store_job_t *job)
{
    statements_t *statements = (statements_t *)job;
    bool ok = job->status == DB_OK;
    if (statements->ran != NULL) statements->ran(statements->baton, ok ? statements->rows : NULL);
    else if (!ok) log_error("a statement that nobody waits for has failed");
    apr_pool_destroy(statements->pool);
}

__attribute__((format(printf, 4, 0))) static bool
alone_push(bool (*push)(store_t *, store_job_t *), salon_ran_t *ran, void *baton,
           const char *format, va_list args)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    statements_t *statements = statements_make(pool);
    statements->job.done = alone_done;
    statements->ran = ran;
    statements->baton = baton;
    statement_add(statements, format, args);
    if (push(server.store, &statements->job)) return true;
    apr_pool_destroy(pool);
    return false;
}

bool salon_change(salon_ran_t *ran, void *baton, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool pushed = alone_push(store_push, ran, baton, format, args);
    va_end(args);
    return pushed;
}

bool salon_read(salon_ran_t *ran, void *baton, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bool pushed = alone_push(store_push_read, ran, baton, format, args);
    va_end(args);
    return pushed;
}

void salon_write(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!alone_push(store_push, NULL, NULL, format, args))
        log_error("too much waits for the database; a statement is lost");
    va_end(args);
}
