/* SPDX-License-Identifier: Apache-2.0 */
/*
 * History: a page from memory where memory holds it, else one query by index, whatever the length
 * of the timeline.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "statement.h"
#include "timeline.h"

#define LIMIT_DEFAULT 50

/* What was asked for, and what has been found so far. */
typedef struct {
    salon_timeline_t *timeline;
    apr_int64_t timeline_id;
    apr_int64_t before, after, around, since;
    apr_int64_t offset; /* how many of the newest to leave out; -1: not asked for */
    apr_int64_t newest; /* with an offset: the position up to which messages count */
    apr_int64_t skip, below; /* the same page: so many left out, of those below that position */
    int limit;
    int older; /* of `around`: how many of the page are to be older ones */
} page_t;

/* Where a connection stood when it last asked for the newest page of a timeline: offsets count
 * from there, so that pages do not move while new messages come. */
typedef struct standing_t {
    apr_int64_t timeline_id, seq;
    apr_int64_t passed, below; /* from this position on there are so many; 0: not counted yet */
} standing_t;

struct standings_t {
    standing_t of[8]; /* the latest first */
};

/* The timeline may have been closed while the database was asked. */
static salon_outcome_t page_reply(salon_req_t *req, json_object *messages, bool has_more)
{
    const page_t *page = req->data;
    const salon_timeline_t *timeline = timeline_find(page->timeline_id);
    if (timeline == NULL) {
        json_object_put(messages);
        return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    }
    json_object *json = salon_json();
    salon_json_value(json, timeline->kind->member, timeline->kind->describe(timeline->owner_id));
    salon_json_value(json, "messages", messages);
    salon_json_boolean(json, "has_more", has_more);
    salon_json_integer(json, "total", timeline->info.count);
    salon_json_integer(json, "seq", timeline->info.seq);
    return salon_reply(req, json);
}

/* ---- Offsets ---- */

static standing_t *standing_find(struct standings_t *standings, apr_int64_t timeline_id)
{
    const size_t count = sizeof(standings->of) / sizeof(standings->of[0]);
    for (size_t i = 0; i < count; i++)
        if (standings->of[i].timeline_id == timeline_id) return &standings->of[i];
    return NULL;
}

static void standing_put(struct standings_t *standings, standing_t standing)
{
    const size_t count = sizeof(standings->of) / sizeof(standings->of[0]);
    standing_t *place = standing_find(standings, standing.timeline_id);
    if (place == NULL) place = &standings->of[count - 1];
    memmove(&standings->of[1], &standings->of[0],
            sizeof(standing_t) * (size_t)(place - standings->of));
    standings->of[0] = standing;
}

/* The position from which the offset counts. */
static apr_int64_t stand(salon_session_t *session, const page_t *page)
{
    standing_t standing = { .timeline_id = page->timeline_id,
                            .seq = page->timeline->info.seq };
    if (session == NULL) return standing.seq;
    if (session->standings == NULL) {
        session->standings = calloc(1, sizeof(*session->standings));
        if (session->standings == NULL) abort();
    }
    const standing_t *known = standing_find(session->standings, page->timeline_id);
    if (page->offset > 0 && known != NULL) standing = *known;
    standing_put(session->standings, standing);
    return standing.seq;
}

static standing_t *standing_of(const salon_session_t *session, const page_t *page)
{
    return session != NULL && session->standings != NULL
               ? standing_find(session->standings, page->timeline_id)
               : NULL;
}

/* Who goes on where an earlier page ended leaves out none but what comes in between; counting all
 * would take the longer the deeper. */
static void page_place(const salon_session_t *session, page_t *page)
{
    const standing_t *known = standing_of(session, page);
    page->below = page->newest + 1;
    page->skip = page->offset;
    if (known == NULL || known->passed == 0 || known->passed > page->offset) return;
    page->below = known->below;
    page->skip = page->offset - known->passed;
}

static void page_passed(const salon_session_t *session, const page_t *page, int count,
                        apr_int64_t last_seq)
{
    standing_t *known = standing_of(session, page);
    if (known == NULL || known->seq != page->newest || count == 0) return;
    known->passed = page->offset + count;
    known->below = last_seq;
}

/* ---- From memory ---- */

static salon_outcome_t reply_recent(salon_req_t *req, int from, int to, bool has_more)
{
    const page_t *page = req->data;
    json_object *messages = json_object_new_array_ext(to > from ? to - from : 1);
    for (int i = from; i < to; i++)
        json_object_array_add(messages, message_json(page->timeline->recent[i]));
    return page_reply(req, messages, has_more);
}

/* The place in memory behind the newest message that counts. */
static int newest_in_memory(const page_t *page)
{
    int index = page->timeline->recent_count;
    while (index > 0 && page->timeline->recent[index - 1]->seq > page->newest) index--;
    return index;
}

/* Not there, and all that are there: an empty page. */
static bool offset_in_memory(const page_t *page, int *from_r, int *to_r)
{
    apr_int64_t to = newest_in_memory(page) - page->offset;
    *to_r = (int)MAX(0, to);
    *from_r = MAX(0, *to_r - page->limit);
    return *from_r > 0 || timeline_complete(page->timeline);
}

/* Do the messages in memory cover this page?  If so: recent[*from_r] up to, not including, [*to_r].
 */
static bool page_in_memory(const page_t *page, int *from_r, int *to_r)
{
    const salon_timeline_t *timeline = page->timeline;
    if (page->around != 0 || page->since >= 0) return false;
    if (page->after != 0) {
        int index = timeline_index(timeline, page->after);
        *from_r = index + 1;
        *to_r = MIN(*from_r + page->limit, timeline->recent_count);
        return index >= 0;
    }
    if (page->offset >= 0) return offset_in_memory(page, from_r, to_r);
    *to_r = timeline->recent_count;
    if (page->before != 0) *to_r = timeline_index(timeline, page->before);
    *from_r = MAX(0, *to_r - page->limit);
    return *to_r >= 0 && (*from_r > 0 || timeline_complete(timeline));
}

static salon_outcome_t reply_from_memory(salon_req_t *req, int from, int to)
{
    const page_t *page = req->data;
    bool forward = page->after != 0;
    return reply_recent(req, from, to, forward ? to < page->timeline->recent_count : from > 0);
}

static int by_change(const void *a, const void *b)
{
    message_t *const *left = a, *const *right = b;
    return (*left)->changed_seq < (*right)->changed_seq ? -1 : 1;
}

/* What has been deleted is not in memory any more. */
static salon_outcome_t reply_changed(salon_req_t *req)
{
    const page_t *page = req->data;
    const salon_timeline_t *timeline = page->timeline;
    message_t *changed[TIMELINE_RECENT];
    int count = 0;
    for (int i = 0; i < timeline->recent_count; i++)
        if (timeline->recent[i]->changed_seq > page->since) changed[count++] = timeline->recent[i];
    qsort(changed, (size_t)count, sizeof(changed[0]), by_change);
    json_object *messages = json_object_new_array();
    for (int i = 0; i < MIN(count, page->limit); i++)
        json_object_array_add(messages, message_json(changed[i]));
    return page_reply(req, messages, count > page->limit);
}

/* A timeline of which nothing is stored has nothing else than its memory. */
static salon_outcome_t reply_volatile(salon_req_t *req)
{
    const page_t *page = req->data;
    const salon_timeline_t *timeline = page->timeline;
    if (page->since >= 0) return reply_changed(req);
    int index = page->around != 0 ? timeline_index(timeline, page->around) : -1;
    if (index < 0) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    int from = MAX(0, index - page->older);
    return reply_recent(req, from, MIN(from + page->limit, timeline->recent_count), from > 0);
}

/* ---- From the database ---- */

static void rows_add(json_object *messages, const salon_rows_t *rows, int from, int to, int step)
{
    message_t message;
    for (int row = from; row != to; row += step) {
        message_of_row(rows, row, &message);
        if (message.deleted) message.content = "";
        json_object_array_add(messages, message_json(&message));
    }
}

/* Is that there of which no message was found: the one that the page is counted from (deleted or
 * not), or the timeline? */
static salon_outcome_t reply_empty(salon_req_t *req, const salon_rows_t *rows)
{
    return rows->count > 0 ? page_reply(req, json_object_new_array(), false)
                           : salon_fail(req, SALON_MESSAGE_NOT_FOUND);
}

static salon_outcome_t query_empty(salon_req_t *req)
{
    const page_t *page = req->data;
    apr_int64_t anchor = page->before + page->after + page->around; /* at most one is not 0 */
    if (anchor != 0)
        salon_sql(req, "SELECT id FROM messages WHERE id = %ld AND timeline_id = %ld",
                  (long)anchor, (long)page->timeline_id);
    else
        salon_sql(req, "SELECT id FROM timelines WHERE id = %ld", (long)page->timeline_id);
    return salon_query(req, reply_empty);
}

/* Newest first in the rows, one more than asked for when there are further ones. */
static salon_outcome_t reply_backward(salon_req_t *req, const salon_rows_t *rows)
{
    const page_t *page = req->data;
    int count = MIN(rows->count, page->limit);
    if (rows->count == 0) return query_empty(req);
    json_object *messages = json_object_new_array();
    rows_add(messages, rows, count - 1, -1, -1);
    return page_reply(req, messages, rows->count > page->limit);
}

static salon_outcome_t reply_forward(salon_req_t *req, const salon_rows_t *rows)
{
    const page_t *page = req->data;
    int count = MIN(rows->count, page->limit);
    if (rows->count == 0 && page->since < 0) return query_empty(req);
    json_object *messages = json_object_new_array();
    rows_add(messages, rows, 0, count, 1);
    return page_reply(req, messages, rows->count > page->limit);
}

/* Both sides are in one answer, which says of each row on which it is, and promises no order. */
#define SIDE_COLUMN 17
enum { OLDER, NEWER };

static int by_position(const void *a, const void *b)
{
    const message_t *left = a, *right = b;
    return left->seq < right->seq ? -1 : left->seq > right->seq;
}

static salon_outcome_t reply_around(salon_req_t *req, const salon_rows_t *rows)
{
    const page_t *page = req->data;
    message_t *found = apr_palloc(req->pool, sizeof(*found) * (apr_size_t)(rows->count + 1));
    int older = 0;
    if (rows->count == 0) return query_empty(req);
    for (int row = 0; row < rows->count; row++) {
        message_of_row(rows, row, &found[row]);
        older += salon_rows_integer(rows, row, SIDE_COLUMN) == OLDER;
    }
    qsort(found, (size_t)rows->count, sizeof(*found), by_position);
    json_object *messages = json_object_new_array();
    for (int row = older > page->older; row < rows->count; row++)
        json_object_array_add(messages, message_json(&found[row]));
    return page_reply(req, messages, older > page->older);
}

/* MariaDB and MySQL, for whom alone this is no comment, would read all of a timeline that is most
 * of the table, up to the page. */
#define BY_INDEX(name) " FROM messages /*! FORCE INDEX (" name ") */ WHERE timeline_id = %ld"
#define SELECT_MESSAGES "SELECT " MESSAGE_COLUMNS BY_INDEX("messages_seq")
#define SELECT_CHANGES  "SELECT " MESSAGE_COLUMNS BY_INDEX("messages_changed_seq")
#define POSITION_OF     "(SELECT seq FROM messages WHERE id = %ld AND timeline_id = %ld)"

#define SEQ_COLUMN 2
#define SKIP_QUICK 1000 /* so many are left out in about a millisecond */

static salon_outcome_t reply_offset(salon_req_t *req, const salon_rows_t *rows)
{
    const page_t *page = req->data;
    int count = MIN(rows->count, page->limit);
    if (count > 0)
        page_passed(req->session, page, count, salon_rows_integer(rows, count - 1, SEQ_COLUMN));
    return reply_backward(req, rows);
}

static salon_outcome_t query_offset(salon_req_t *req, page_t *page)
{
    if (page->offset >= page->timeline->info.count)
        return page_reply(req, json_object_new_array(), false);
    page_place(req->session, page);
    salon_sql(req, SELECT_MESSAGES
              " AND deleted = 0 AND seq < %ld ORDER BY seq DESC LIMIT %d OFFSET %ld",
              (long)page->timeline_id, (long)page->below, page->limit + 1, (long)page->skip);
    return page->skip > SKIP_QUICK ? statement_query_slow(req, reply_offset)
                                   : salon_query(req, reply_offset);
}

static salon_outcome_t query_backward(salon_req_t *req, const page_t *page)
{
    if (page->before != 0)
        salon_sql(req, SELECT_MESSAGES " AND deleted = 0 AND seq < " POSITION_OF
                  " ORDER BY seq DESC LIMIT %d",
                  (long)page->timeline_id, (long)page->before, (long)page->timeline_id,
                  page->limit + 1);
    else
        salon_sql(req, SELECT_MESSAGES " AND deleted = 0 ORDER BY seq DESC LIMIT %d",
                  (long)page->timeline_id, page->limit + 1);
    return salon_query(req, reply_backward);
}

static salon_outcome_t query_forward(salon_req_t *req, const page_t *page)
{
    if (page->since >= 0)
        salon_sql(req, SELECT_CHANGES " AND changed_seq > %ld ORDER BY changed_seq LIMIT %d",
                  (long)page->timeline_id, (long)page->since, page->limit + 1);
    else
        salon_sql(req, SELECT_MESSAGES " AND deleted = 0 AND seq > " POSITION_OF
                  " ORDER BY seq LIMIT %d",
                  (long)page->timeline_id, (long)page->after, (long)page->timeline_id,
                  page->limit + 1);
    return salon_query(req, reply_forward);
}

#define SIDE                                                                                     \
    "SELECT " MESSAGE_COLUMNS ", %d AS n FROM (" SELECT_MESSAGES " AND deleted = 0 AND seq "

static salon_outcome_t query_around(salon_req_t *req, const page_t *page)
{
    long timeline = (long)page->timeline_id, around = (long)page->around;
    salon_sql(req,
              SIDE "< " POSITION_OF " ORDER BY seq DESC LIMIT %d) AS messages UNION ALL "
              SIDE ">= " POSITION_OF " ORDER BY seq LIMIT %d) AS messages",
              OLDER, timeline, around, timeline, page->older + 1,
              NEWER, timeline, around, timeline, page->limit - page->older);
    return salon_query(req, reply_around);
}

static salon_outcome_t history_ready(salon_req_t *req)
{
    page_t *page = req->data;
    int from = 0, to = 0;
    page->timeline = timeline_find(page->timeline_id);
    if (page->timeline == NULL) return salon_fail(req, SALON_MESSAGE_NOT_FOUND);
    if (page->offset >= 0) page->newest = stand(req->session, page);
    if (page_in_memory(page, &from, &to)) return reply_from_memory(req, from, to);
    if (page->timeline->volatile_) return reply_volatile(req);
    if (page->around != 0) return query_around(req, page);
    if (page->offset >= 0) return query_offset(req, page);
    return page->after != 0 || page->since >= 0 ? query_forward(req, page)
                                                : query_backward(req, page);
}

salon_outcome_t salon_timeline_history(salon_req_t *req, salon_timeline_t *timeline)
{
    page_t *page = apr_pcalloc(req->pool, sizeof(*page));
    page->timeline_id = timeline->id;
    page->before = salon_arg_integer(req, "before", 0);
    page->after = salon_arg_integer(req, "after", 0);
    page->around = salon_arg_integer(req, "around", 0);
    page->since = salon_arg_integer(req, "since", -1);
    page->offset = salon_arg_integer(req, "offset", -1);
    page->limit = (int)salon_arg_integer(req, "limit", LIMIT_DEFAULT);
    page->older = page->limit / 2;
    int anchors =
        (page->before != 0) + (page->after != 0) + (page->around != 0) + (page->since >= 0);
    if (anchors > 1) return salon_fail_argument(req, "before");
    if (anchors > 0 && page->offset >= 0) return salon_fail_argument(req, "offset");
    req->data = page;
    return salon_timeline_load(req, timeline, history_ready);
}
