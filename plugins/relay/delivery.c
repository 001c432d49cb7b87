/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step of a lane (read, post, then remove or park) ends in a function here, which decides on
 * the next; a failed one is tried again after a pause.  A message is removed only when the upstream
 * has it, so a crash can make it come there twice, with one and the same Idempotency-Key.
 */
#include "delivery.h"

#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>
#include <salon/dialect.h>

#include "upstream.h"

#define AREA        "relay"
#define LETTERS     16  /* read at a time */
#define REASON_MOST 200 /* bytes of what the upstream says */
#define SECOND      1000

apr_int64_t delivery_at_once;
apr_int64_t delivery_retry_most;
delivery_counts_t delivery_counts;

static struct {
    int busy; /* lanes */
    backoff_t away;
    bool stopping;
} delivery;

/* ---- Where a lane goes when a step has ended ---- */

/* On with it: before others, so that no more lanes than are worked on have texts in memory. */
static void lane_next(lane_t *lane, lane_step_t step)
{
    lane->step = step;
    delivery.busy--;
    lane_move_first(lane);
}

static void lane_rest(lane_t *lane)
{
    delivery.busy--;
    lane_clear(lane);
    lane->step = LANE_READ;
    lane_move(lane, LANE_READY);
    if (lane->waiting == 0) lane_free(lane);
}

/* What has been read is read again; what has been decided stays. */
static void lane_pause(lane_t *lane, apr_int64_t wait)
{
    delivery.busy--;
    delivery_counts.retries++;
    lane_clear(lane);
    if (lane->step == LANE_POST) lane->step = LANE_READ;
    backoff_failed(&lane->backoff, salon_now(), wait, delivery_retry_most * SECOND);
    lane_move(lane, LANE_PAUSING);
}

/* Its first message waits no longer. */
static void lane_shorten(lane_t *lane)
{
    lane->waiting--;
    delivery_counts.waiting--;
    lane->done++;
    const letter_t *letter = lane_letter(lane);
    if (letter == NULL) {
        lane_rest(lane);
        return;
    }
    lane->oldest_at = letter->created_at;
    lane_next(lane, LANE_POST);
}

/* ---- Reading ---- */

static void letters_take(lane_t *lane, const salon_rows_t *rows)
{
    apr_pool_create(&lane->pool, NULL);
    lane->letters = apr_array_make(lane->pool, rows->count, sizeof(letter_t));
    for (int i = 0; i < rows->count; i++) {
        const char *text = salon_rows_text(rows, i, 2);
        APR_ARRAY_PUSH(lane->letters, letter_t) =
            (letter_t){ .id = salon_rows_integer(rows, i, 0),
                        .created_at = salon_rows_integer(rows, i, 1),
                        .text = apr_pstrdup(lane->pool, text != NULL ? text : "") };
    }
    lane->oldest_at = lane_letter(lane)->created_at;
}

static void read_done(void *baton, const salon_rows_t *rows)
{
    lane_t *lane = baton;
    if (rows == NULL) {
        lane_pause(lane, 0);
    } else if (rows->count == 0) { /* somebody has been at the table */
        delivery_counts.waiting -= lane->waiting;
        lane->waiting = 0;
        lane_rest(lane);
    } else {
        letters_take(lane, rows);
        lane_next(lane, LANE_POST);
    }
    delivery_work();
}

/* Not more than are counted: of others we have yet to hear. */
static bool read_begin(lane_t *lane)
{
    return salon_read(read_done, lane,
                      "SELECT id, created_at, payload FROM relay_outbox"
                      " WHERE lane = %s AND parked_at = 0 ORDER BY id LIMIT %d",
                      lane->name, MIN(lane->waiting, LETTERS));
}

/* ---- Removing and parking ---- */

static void remove_done(void *baton, const salon_rows_t *rows)
{
    if (rows == NULL) lane_pause(baton, 0);
    else lane_shorten(baton);
    delivery_work();
}

static bool remove_begin(lane_t *lane)
{
    return salon_change(remove_done, lane, "DELETE FROM relay_outbox WHERE id = %ld",
                        (long)lane->id);
}

static void park_done(void *baton, const salon_rows_t *rows)
{
    if (rows != NULL) delivery_counts.parked++;
    remove_done(baton, rows);
}

static bool park_begin(lane_t *lane)
{
    return salon_change(park_done, lane,
                        "UPDATE relay_outbox SET parked_at = %ld, reason = %s WHERE id = %ld",
                        (long)salon_now(), lane->reason, (long)lane->id);
}

/* ---- Posting ---- */

/* What the upstream says of a message that it does not take, where that is plain text. */
static void reason_note(lane_t *lane, const salon_fetched_t *answer)
{
    json_object *json = NULL, *said = NULL;
    if (salon_json_parse(answer->body, answer->length, &json)) said = salon_path(json, "message");
    if (said == NULL) said = salon_path(json, "error");
    const char *text =
        json_object_is_type(said, json_type_string) ? json_object_get_string(said) : "";
    bool plain = strlen(text) <= REASON_MOST;
    for (const char *at = text; plain && *at != '\0'; at++) plain = (unsigned char)*at >= ' ';
    if (!plain) text = "";
    apr_snprintf(lane->reason, sizeof(lane->reason), "%d%s%s", answer->status,
                 text[0] != '\0' ? ": " : "", text);
    json_object_put(json);
}

/* The upstream as a whole, not this message. */
static bool is_away(int status)
{
    static const int statuses[] = { 0, 401, 429, 502, 503, 504 };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (status == statuses[i]) return true;
    return false;
}

static bool is_refused(int status)
{
    static const int others[] = { 401, 408, 425, 429 };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (status == others[i]) return false;
    return status >= 400 && status < 500;
}

static void failure_log(const lane_t *lane, const salon_fetched_t *answer, bool away)
{
    const char *between = answer->error != NULL ? ", " : "";
    const char *error = answer->error != NULL ? answer->error : "";
    if (away && delivery.away.failures == 0)
        salon_log(SALON_LOG_WARNING, AREA,
                  "the upstream takes no messages (status %d%s%s); %" APR_INT64_T_FMT
                  " wait; trying again",
                  answer->status, between, error, delivery_counts.waiting);
    else if (!away && lane->backoff.failures == 0)
        salon_log(SALON_LOG_WARNING, AREA,
                  "%s: the upstream does not take message %" APR_INT64_T_FMT
                  " (status %d%s%s); trying again",
                  lane->name, lane->id, answer->status, between, error);
}

static void post_failed(lane_t *lane, const salon_fetched_t *answer)
{
    apr_int64_t wait = MIN(answer->retry_after, 86400) * SECOND;
    lane->away = is_away(answer->status);
    failure_log(lane, answer, lane->away);
    if (lane->away) backoff_failed(&delivery.away, salon_now(), wait, delivery_retry_most * SECOND);
    lane_pause(lane, wait);
}

/* It has answered as it should. */
static void upstream_is_there(lane_t *lane)
{
    if (delivery.away.failures > 0) {
        salon_log(SALON_LOG_NOTICE, AREA,
                  "the upstream takes messages again; %" APR_INT64_T_FMT " wait",
                  delivery_counts.waiting);
        lane_resume(salon_now(), true);
    }
    backoff_reset(&delivery.away);
    backoff_reset(&lane->backoff);
}

static void post_taken(lane_t *lane)
{
    delivery_counts.delivered++;
    upstream_is_there(lane);
    if (delivery.stopping) /* what is stored now is stored still */
        salon_write("DELETE FROM relay_outbox WHERE id = %ld", (long)lane->id);
    lane_next(lane, LANE_REMOVE);
}

static void post_refused(lane_t *lane, const salon_fetched_t *answer)
{
    salon_log(SALON_LOG_WARNING, AREA,
              "%s: the upstream refuses message %" APR_INT64_T_FMT
              " with status %d; parked, see salonctl parked list",
              lane->name, lane->id, answer->status);
    reason_note(lane, answer);
    upstream_is_there(lane);
    lane_next(lane, LANE_PARK);
}

static void post_done(void *baton, const salon_fetched_t *answer)
{
    lane_t *lane = baton;
    if (answer->status >= 200 && answer->status < 300) post_taken(lane);
    else if (is_refused(answer->status)) post_refused(lane, answer);
    else if (delivery.stopping) lane_rest(lane);
    else post_failed(lane, answer);
    delivery_work();
}

/* By somebody who has been erased since it was read? */
static bool is_nobodys(const letter_t *letter)
{
    json_object *post = NULL;
    bool parsed = salon_json_parse(letter->text, strlen(letter->text), &post);
    json_object *id = parsed ? salon_path(post, "user_id") : NULL;
    bool erased = id != NULL && salon_user_by_id(json_object_get_int64(id)) == NULL;
    json_object_put(post);
    return erased;
}

static bool post_begin(lane_t *lane)
{
    const letter_t *letter = lane_letter(lane);
    lane->id = letter->id;
    if (is_nobodys(letter)) {
        lane->step = LANE_REMOVE;
        return remove_begin(lane);
    }
    return upstream_post(letter->id, letter->text, post_done, lane);
}

/* ---- Work ---- */

static bool (*const steps[])(lane_t *lane) = {
    [LANE_READ] = read_begin,
    [LANE_POST] = post_begin,
    [LANE_REMOVE] = remove_begin,
    [LANE_PARK] = park_begin,
};

/* While the upstream is away, what it has answered before is still written down. */
static bool may_begin(const lane_t *lane)
{
    if (delivery.stopping || lane == NULL || delivery.busy >= delivery_at_once) return false;
    bool decided = lane->step == LANE_REMOVE || lane->step == LANE_PARK;
    return decided || (upstream_exists() && backoff_over(&delivery.away, salon_now()));
}

void delivery_work(void)
{
    lane_t *lane;
    while (may_begin(lane = lane_ready())) {
        delivery.busy++;
        lane_move(lane, LANE_BUSY);
        if (!steps[lane->step](lane)) lane_pause(lane, 0);
    }
}

void delivery_add(const char *name, int count, apr_int64_t created_at)
{
    lane_t *lane = lane_get(name);
    if (lane->waiting == 0 || created_at < lane->oldest_at) lane->oldest_at = created_at;
    lane->waiting += count;
    delivery_counts.waiting += count;
}

void delivery_restart(void)
{
    backoff_reset(&delivery.away);
    lane_resume(APR_INT64_MAX, true);
    delivery_work();
}

void delivery_tick(apr_int64_t now)
{
    lane_resume(now, false);
    delivery_work();
}

void delivery_stop(void)
{
    delivery.stopping = true;
}
