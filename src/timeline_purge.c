/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked at in one go is what oldest.h finds: some rows from the oldest on, so a purge
 * costs the same whatever the length of the timeline.
 */
#include "timeline_purge.h"

#include "hooks.h"
#include "metrics.h"
#include "oldest.h"
#include "server.h"
#include "sql.h"
#include "timeline.h"

/* ---- Store thread ---- */

static db_status_t count_read(db_t *db, apr_pool_t *pool, const purge_t *purge,
                              apr_int64_t *count_r)
{
    salon_rows_t rows;
    *count_r = 0;
    if (purge->keep.messages == 0) return DB_OK;
    db_status_t status = db_runf(db, pool, &rows, "SELECT message_count FROM timelines"
                                 " WHERE id = %ld", (long)purge->timeline_id);
    if (status == DB_OK && rows.count == 1)
        *count_r = salon_rows_integer(&rows, 0, 0) - purge->passed;
    return status;
}

static int rows_most(const purge_t *purge)
{
    return purge->dry ? PURGE_LOOK : OLDEST_DELETED;
}

/* What is deleted is not among those that are passed, for it is not counted any more. */
static void row_take(purge_t *purge, const salon_rows_t *rows, int row, keep_verdict_t verdict)
{
    bool deleted = salon_rows_integer(rows, row, OLDEST_IS_DELETED) != 0;
    if (!deleted && (purge->dry || verdict != KEEP_GOES)) purge->next_passed++;
    if (verdict != KEEP_ENOUGH) purge->over = false;
    if (verdict != KEEP_GOES) return;
    purge->gone[purge->count++] =
        (purged_t){ .id = salon_rows_integer(rows, row, OLDEST_ID),
                    .parent_id = salon_rows_integer(rows, row, OLDEST_PARENT_ID),
                    .created_at = salon_rows_integer(rows, row, OLDEST_CREATED_AT),
                    .deleted = deleted };
}

static void rows_take(purge_t *purge, const salon_rows_t *rows, apr_int64_t count)
{
    keep_walk_t walk = keep_walk(&purge->keep, purge->now, count);
    purge->count = 0;
    purge->over = true;
    purge->next_passed = purge->passed;
    for (int row = 0; row < rows->count; row++) {
        apr_int64_t created_at = salon_rows_integer(rows, row, OLDEST_CREATED_AT);
        bool pinned = salon_rows_integer(rows, row, OLDEST_PINNED) != 0;
        bool deleted = salon_rows_integer(rows, row, OLDEST_IS_DELETED) != 0;
        row_take(purge, rows, row, keep_next(&walk, created_at, pinned, deleted));
    }
}

static int live_count(const purge_t *purge)
{
    int count = 0;
    for (int i = 0; i < purge->count; i++) count += !purge->gone[i].deleted;
    return count;
}

static db_status_t rows_delete(db_t *db, apr_pool_t *pool, const purge_t *purge)
{
    apr_int64_t *ids = apr_palloc(pool, sizeof(*ids) * (apr_size_t)purge->count);
    for (int i = 0; i < purge->count; i++) ids[i] = purge->gone[i].id;
    db_status_t status = oldest_delete(db, pool, "messages", ids, purge->count);
    int live = live_count(purge);
    if (status != DB_OK || live == 0) return status;
    return db_runf(db, pool, NULL,
                   "UPDATE timelines SET message_count = message_count - %d WHERE id = %ld", live,
                   (long)purge->timeline_id);
}

/* Deleted replies have been taken off their parent's count already. */
static bool counts_for_parent(const purged_t *gone)
{
    return !gone->deleted && gone->parent_id != 0;
}

static db_status_t reply_uncount(db_t *db, apr_pool_t *pool, const purge_t *purge,
                                 apr_int64_t parent_id)
{
    int count = 0;
    for (int i = 0; i < purge->count; i++)
        count += counts_for_parent(&purge->gone[i]) && purge->gone[i].parent_id == parent_id;
    return db_runf(db, pool, NULL,
                   "UPDATE messages SET reply_count = reply_count - %d WHERE id = %ld", count,
                   (long)parent_id);
}

/* Most parents are older, and have gone; those that have not are pinned. */
static db_status_t replies_uncount(db_t *db, apr_pool_t *pool, const purge_t *purge)
{
    salon_rows_t parents;
    bool any = false;
    sql_text_t *text = sql_text_make(pool, db_engine(db), true);
    sql_text_add(text, "SELECT id FROM messages WHERE id IN (0");
    for (int i = 0; i < purge->count; i++) {
        if (!counts_for_parent(&purge->gone[i])) continue;
        sql_text_add(text, ", %ld", (long)purge->gone[i].parent_id);
        any = true;
    }
    if (!any) return DB_OK;
    sql_text_add(text, ")");
    db_status_t status = db_run(db, pool, sql_text_string(text), &parents);
    for (int row = 0; status == DB_OK && row < parents.count; row++)
        status = reply_uncount(db, pool, purge, salon_rows_integer(&parents, row, 0));
    return status;
}

static db_status_t purge_run(db_t *db, apr_pool_t *pool, purge_t *purge)
{
    salon_rows_t rows;
    apr_int64_t count;
    db_status_t status = count_read(db, pool, purge, &count);
    purge->next_after = purge->after;
    if (status == DB_OK)
        status = oldest_read(db, pool, purge->timeline_id, purge->after, rows_most(purge), &rows,
                             &purge->next_after);
    if (status != DB_OK) return status;
    rows_take(purge, &rows, count);
    if (purge->dry || purge->count == 0) return DB_OK;
    status = rows_delete(db, pool, purge);
    return status == DB_OK ? replies_uncount(db, pool, purge) : status;
}

static db_status_t purges_run(db_t *db, apr_pool_t *pool, store_job_t **jobs, int count)
{
    db_status_t status = DB_OK;
    for (int i = 0; i < count && status == DB_OK; i++)
        status = purge_run(db, pool, (purge_t *)jobs[i]);
    return status;
}

static const store_class_t purge_class = { "purge", purges_run };

/* ---- Chat thread ---- */

bool purge_push(purge_t *purge)
{
    purge->job.class = &purge_class;
    purge->job.size = sizeof(*purge);
    return purge->dry ? store_push_read(server.store, &purge->job)
                      : store_push(server.store, &purge->job);
}

/* Of what was deleted before, the plugins have been told then. */
void purge_follow(const purge_t *purge)
{
    salon_timeline_t *timeline = timeline_find(purge->timeline_id);
    metrics_add(METRIC_MESSAGES_EXPIRED, live_count(purge));
    for (int i = 0; timeline != NULL && i < purge->count; i++) {
        const purged_t *gone = &purge->gone[i];
        if (gone->deleted) continue;
        timeline_expired(timeline, gone->id, gone->parent_id);
        hooks_unsaid(timeline_topic(timeline), gone->id);
    }
}
