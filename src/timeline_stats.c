/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of a timeline that only the database, or a look at every message in memory, can tell.
 */
#include <sys/param.h>

#include "statement.h"
#include "timeline.h"

#define DAY        86400000 /* milliseconds */
#define AUTHORS    5

typedef salon_outcome_t stats_then_t(salon_req_t *req, const salon_timeline_stats_t *stats);

typedef struct {
    stats_then_t *then;
    void *data; /* the plugin's own */
} asked_t;

static salon_outcome_t stats_counted(salon_req_t *req, const salon_rows_t *rows)
{
    const asked_t *asked = req->data;
    salon_timeline_stats_t stats = { .author_count = MIN(rows[0].count, AUTHORS) };
    for (int i = 0; i < stats.author_count; i++) {
        stats.authors[i].user_id = salon_rows_integer(&rows[0], i, 0);
        stats.authors[i].count = salon_rows_integer(&rows[0], i, 1);
    }
    stats.last_24h = rows[1].count > 0 ? salon_rows_integer(&rows[1], 0, 0) : 0;
    req->data = asked->data;
    return asked->then(req, &stats);
}

/* The author's place, moved towards the front when it has overtaken others. */
static void author_count(salon_timeline_stats_t *stats, apr_int64_t user_id, int count)
{
    int at = stats->author_count;
    if (at == AUTHORS && stats->authors[AUTHORS - 1].count >= count) return;
    if (at == AUTHORS) at--;
    else stats->author_count++;
    while (at > 0 && stats->authors[at - 1].count < count) {
        stats->authors[at] = stats->authors[at - 1];
        at--;
    }
    stats->authors[at].user_id = user_id;
    stats->authors[at].count = count;
}

static bool author_seen(const salon_timeline_t *timeline, int before, apr_int64_t user_id)
{
    for (int i = 0; i < before; i++)
        if (timeline->recent[i]->author_id == user_id) return true;
    return false;
}

static salon_timeline_stats_t stats_of_memory(const salon_timeline_t *timeline)
{
    salon_timeline_stats_t stats = { 0 };
    apr_int64_t since = salon_now() - DAY;
    for (int i = 0; i < timeline->recent_count; i++) {
        apr_int64_t author = timeline->recent[i]->author_id;
        int count = 0;
        stats.last_24h += timeline->recent[i]->created_at > since;
        if (author == 0 || author_seen(timeline, i, author)) continue;
        for (int j = i; j < timeline->recent_count; j++)
            count += timeline->recent[j]->author_id == author;
        author_count(&stats, author, count);
    }
    return stats;
}

salon_outcome_t salon_timeline_stats(salon_req_t *req, salon_timeline_t *timeline,
                                     stats_then_t *then)
{
    if (timeline->volatile_) {
        salon_timeline_stats_t stats = stats_of_memory(timeline);
        return then(req, &stats);
    }
    asked_t *asked = apr_palloc(req->pool, sizeof(*asked));
    *asked = (asked_t){ .then = then, .data = req->data };
    req->data = asked;
    salon_sql(
        req,
        "SELECT author_id, COUNT(*) AS n FROM messages WHERE timeline_id = %ld AND deleted = 0"
        " AND author_id > 0 GROUP BY author_id ORDER BY n DESC LIMIT %d",
        (long)timeline->id, AUTHORS);
    salon_sql(req,
              "SELECT COUNT(*) AS n FROM messages WHERE timeline_id = %ld AND deleted = 0"
              " AND created_at > %ld",
              (long)timeline->id, (long)(salon_now() - DAY));
    return statement_query_slow(req, stats_counted);
}
