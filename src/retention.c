/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run at a time, and of that one step (steps.h): to look which of the next timelines hold too
 * much, or to purge one of these.
 */
#define LOG_AREA "retention"
#include "retention.h"

#include <stdlib.h>
#include <sys/param.h>

#include <apr_tables.h>

#include "chat.h"
#include "log.h"
#include "steps.h"
#include "tally.h"
#include "timeline.h"
#include "timeline_purge.h"

#define MINUTE   60000 /* milliseconds */
#define FIRST    MINUTE
#define INTERVAL (60 * MINUTE)
#define AGAIN    (5 * MINUTE)  /* after one that has failed */
#define SPREAD   (10 * MINUTE) /* at most, of several servers that were started together */
#define PAGE     200          /* timelines that are looked at in one step */

typedef struct {
    apr_pool_t *pool;
    salon_req_t *req; /* that has asked for it; NULL: nobody has */
    bool dry;
    salon_keep_t supposed;          /* of a dry one: in the place of what is said; or no limit */
    apr_int64_t now;                /* when it has begun */
    apr_int64_t cursor;             /* timelines up to that one have been looked at */
    bool last_page;
    apr_array_header_t *due;        /* ids of those of them that hold too much */
    int at;                         /* the one whose turn it is */
    bool entered;                   /* it has been purged from */
    tally_t tally;
    purge_t purge;
} run_t;

typedef struct wish_t {
    struct wish_t *next;
    salon_req_t *req;
    bool dry;
} wish_t;

static struct {
    steps_t steps;  /* of a run's steps; between runs it waits for the next */
    run_t *run;     /* NULL: none */
    wish_t *wishes; /* runs that are asked for, the oldest first */
    apr_int64_t next_at; /* chat_now */
    apr_int64_t last_at;
    bool stopping;
} all;

apr_int64_t retention_running(void)
{
    return all.run != NULL && !all.run->dry;
}

apr_int64_t retention_last_at(void)
{
    return all.last_at / 1000;
}

/* ---- From run to run ---- */

static run_t *run_make(salon_req_t *req, bool dry)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    run_t *run = apr_pcalloc(pool, sizeof(*run));
    run->pool = pool;
    run->req = req;
    run->dry = dry;
    run->now = salon_now();
    run->due = apr_array_make(pool, PAGE, sizeof(apr_int64_t));
    return run;
}

static salon_outcome_t run_answer(salon_req_t *req)
{
    return salon_reply(req, tally_json(&((run_t *)req->data)->tally));
}

static salon_outcome_t run_refuse(salon_req_t *req)
{
    return salon_fail(req, SALON_UNAVAILABLE);
}

static apr_int64_t spread(void)
{
    return salon_now() / 7 % SPREAD;
}

static void run_note(const run_t *run, bool complete)
{
    if (run->dry) return;
    all.next_at = chat_now() + (complete ? INTERVAL + spread() : AGAIN);
    if (complete) all.last_at = salon_now();
    else if (!all.stopping) log_warning("ended early, since the database does not answer; the"
                                        " next run goes on");
    if (run->tally.messages > 0)
        log_notice("%" APR_INT64_T_FMT " messages have been deleted, too old or too many",
                   run->tally.messages);
}

static void run_end(bool complete)
{
    run_t *run = all.run;
    tally_leave(&run->tally);
    run_note(run, complete);
    all.run = NULL;
    if (run->req != NULL) {
        run->req->data = run;
        salon_req_resume(run->req, complete ? run_answer : run_refuse);
    }
    apr_pool_destroy(run->pool);
    steps_wait(&all.steps, all.wishes != NULL ? 0 : all.next_at - chat_now());
}

/* ---- From step to step ---- */

/* The next step, after a pause. */
static void step_end(run_t *run)
{
    if (all.stopping) run_end(false);
    else steps_go_on(&all.steps, run->dry ? STEPS_READING : STEPS_WRITING);
}

/* ---- Looking for timelines that hold too much ---- */

/* False: everything. */
static bool keep_of(const run_t *run, const salon_timeline_t *timeline, salon_keep_t *keep_r)
{
    const salon_timeline_kind_t *kind = timeline->kind;
    const salon_keep_t *supposed = &run->supposed;
    *keep_r = (salon_keep_t){ 0 };
    if (kind->keep == NULL) return false;
    bool limited = kind->keep(timeline->owner_id, keep_r);
    if (supposed->days == 0 && supposed->messages == 0) return limited;
    keep_r->days = supposed->days;
    keep_r->messages = supposed->messages;
    return true;
}

/* The columns of a row: a timeline's id, how many messages there are, when the oldest was said. */
static bool is_due(const run_t *run, const salon_rows_t *rows, int row)
{
    salon_keep_t keep;
    apr_int64_t oldest = salon_rows_integer(rows, row, 2);
    const salon_timeline_t *timeline = timeline_find(salon_rows_integer(rows, row, 0));
    if (timeline == NULL || oldest == 0 || !keep_of(run, timeline, &keep)) return false;
    keep_walk_t walk = keep_walk(&keep, run->now, salon_rows_integer(rows, row, 1));
    return keep_next(&walk, oldest, false, false) != KEEP_ENOUGH;
}

static void page_take(run_t *run, const salon_rows_t *rows)
{
    apr_array_clear(run->due);
    run->at = 0;
    run->last_page = rows->count < PAGE;
    for (int row = 0; row < rows->count; row++) {
        run->cursor = salon_rows_integer(rows, row, 0);
        if (is_due(run, rows, row)) APR_ARRAY_PUSH(run->due, apr_int64_t) = run->cursor;
    }
}

static void page_read(void *baton, const salon_rows_t *rows)
{
    run_t *run = baton;
    if (rows == NULL) {
        run_end(false);
        return;
    }
    page_take(run, rows);
    step_end(run);
}

static void page_look(run_t *run)
{
    bool begun = salon_read(
        page_read, run,
        "SELECT id, message_count, (SELECT created_at FROM messages"
        " WHERE timeline_id = timelines.id ORDER BY seq LIMIT 1) AS n"
        " FROM timelines WHERE id > %ld ORDER BY id LIMIT %d",
        (long)run->cursor, PAGE);
    if (!begun) steps_put_off(&all.steps);
}

/* ---- Purging one ---- */

static void timeline_leave(run_t *run)
{
    tally_leave(&run->tally);
    run->entered = false;
    run->at++;
}

static void purge_count(run_t *run)
{
    const purge_t *purge = &run->purge;
    for (int i = 0; i < purge->count; i++)
        if (!purge->gone[i].deleted) tally_message(&run->tally, purge->gone[i].created_at);
}

static void purge_done(store_job_t *job)
{
    run_t *run = all.run;
    purge_t *purge = (purge_t *)job;
    if (job->status != DB_OK) {
        run_end(false);
        return;
    }
    purge_count(run);
    if (!run->dry) purge_follow(purge);
    purge->after = purge->next_after;
    purge->passed = purge->next_passed;
    if (purge->over) timeline_leave(run);
    step_end(run);
}

static void timeline_enter(run_t *run, const salon_timeline_t *timeline, const salon_keep_t *keep)
{
    run->entered = true;
    run->purge.timeline_id = timeline->id;
    run->purge.after = run->purge.passed = 0;
    tally_enter(&run->tally, keep->name, timeline_topic(timeline));
}

/* What is to be kept is asked each time: a reload holds at once. */
static void timeline_purge(run_t *run)
{
    salon_keep_t keep;
    const salon_timeline_t *timeline =
        timeline_find(APR_ARRAY_IDX(run->due, run->at, apr_int64_t));
    if (timeline == NULL || !keep_of(run, timeline, &keep)) {
        timeline_leave(run);
        step_end(run);
        return;
    }
    if (!run->entered) timeline_enter(run, timeline, &keep);
    run->purge.job.done = purge_done;
    run->purge.keep = keep;
    run->purge.now = run->now;
    run->purge.dry = run->dry;
    if (!purge_push(&run->purge)) steps_put_off(&all.steps);
}

/* ---- The next step ---- */

static void step_begin(run_t *run)
{
    if (run->at < run->due->nelts) timeline_purge(run);
    else if (run->last_page) run_end(true);
    else page_look(run);
}

/* Where everything is kept, nothing is asked of the database. */
static bool is_wanted(void)
{
    const salon_timeline_kind_t *kind;
    salon_keep_t keep;
    for (int i = 0; (kind = timeline_kind_at(i)) != NULL; i++)
        if (kind->keep != NULL && kind->keep(0, &keep)) return true;
    return false;
}

/* A copy, for it is in the request's pool. */
static wish_t wish_pop(void)
{
    wish_t wish = *all.wishes;
    all.wishes = wish.next;
    return wish;
}

static run_t *wish_take(void)
{
    wish_t wish = wish_pop();
    run_t *run = run_make(wish.req, wish.dry);
    run->supposed.days = salon_arg_integer(wish.req, "days", 0);
    run->supposed.messages = salon_arg_integer(wish.req, "messages", 0);
    return run;
}

static void step(void)
{
    if (all.run == NULL && all.wishes != NULL) all.run = wish_take();
    else if (all.run == NULL && is_wanted()) all.run = run_make(NULL, false);
    if (all.run != NULL) step_begin(all.run);
    else steps_wait(&all.steps, FIRST);
}

void retention_init(void)
{
    steps_init(&all.steps, step);
    all.next_at = chat_now() + FIRST;
    steps_wait(&all.steps, FIRST);
}

/* A step that waits for the store ends the run when that has answered. */
void retention_stop(void)
{
    all.stopping = true;
    if (all.run != NULL && steps_waits(&all.steps)) run_end(false);
    steps_stop(&all.steps);
    while (all.wishes != NULL) salon_req_resume(wish_pop().req, run_refuse);
}

/* ---- Operations ---- */

static salon_outcome_t wish_add(salon_req_t *req, bool dry)
{
    if (all.stopping) return salon_fail(req, SALON_UNAVAILABLE);
    wish_t *wish = apr_palloc(salon_req_pool(req), sizeof(*wish));
    wish_t **link = &all.wishes;
    *wish = (wish_t){ .req = req, .dry = dry };
    while (*link != NULL) link = &(*link)->next;
    *link = wish;
    if (all.run == NULL) steps_wait(&all.steps, 0);
    return salon_req_wait(req);
}

salon_outcome_t retention_run(salon_req_t *req)
{
    return wish_add(req, false);
}

salon_outcome_t retention_look(salon_req_t *req)
{
    return wish_add(req, true);
}
