/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms with a slow mode, and who has last said something there: the former are stored, the
 * latter are not.
 */
#include "slow.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "audit.h"
#include "place.h"

typedef struct {
    char *place;
    apr_int64_t seconds;
    apr_hash_t *spoken; /* user id -> spoken_t */
    apr_pool_t *pool;
} slow_t;

typedef struct {
    apr_int64_t user_id, at;
} spoken_t;

static struct {
    apr_pool_t *pool;
    apr_hash_t *by_place;
} all;

const char *const slow_tables[] = {
    "CREATE TABLE slow_modes (place VARCHAR(120) PRIMARY KEY, seconds BIGINT NOT NULL)",
    NULL,
};

/* ---- In memory ---- */

static slow_t *slow_find(const char *place)
{
    return apr_hash_get(all.by_place, place, APR_HASH_KEY_STRING);
}

apr_int64_t slow_seconds(const char *place)
{
    const slow_t *slow = slow_find(place);
    return slow != NULL ? slow->seconds : 0;
}

static slow_t *slow_add(const char *place)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, all.pool);
    slow_t *slow = apr_pcalloc(pool, sizeof(*slow));
    *slow = (slow_t){ .place = apr_pstrmemdup(pool, place, strlen(place)),
                      .spoken = apr_hash_make(pool),
                      .pool = pool };
    apr_hash_set(all.by_place, slow->place, APR_HASH_KEY_STRING, slow);
    return slow;
}

static void spoken_forget(slow_t *slow, apr_int64_t before)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, slow->spoken); i; i = apr_hash_next(i)) {
        spoken_t *spoken = apr_hash_this_val(i);
        if (spoken->at > before) continue;
        apr_hash_set(slow->spoken, &spoken->user_id, sizeof(spoken->user_id), NULL);
        free(spoken);
    }
}

static void slow_remove(slow_t *slow)
{
    spoken_forget(slow, APR_INT64_MAX);
    apr_hash_set(all.by_place, slow->place, APR_HASH_KEY_STRING, NULL);
    apr_pool_destroy(slow->pool);
}

static void slow_put(const char *place, apr_int64_t seconds)
{
    slow_t *slow = slow_find(place);
    if (slow == NULL && seconds > 0) slow = slow_add(place);
    if (slow == NULL) return;
    slow->seconds = seconds;
    if (seconds == 0) slow_remove(slow);
}

void slow_sweep(apr_int64_t now)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, all.by_place); i; i = apr_hash_next(i)) {
        slow_t *slow = apr_hash_this_val(i);
        spoken_forget(slow, now - slow->seconds * 1000);
    }
}

static void row_take(const salon_rows_t *rows, int row)
{
    slow_put(salon_rows_text(rows, row, 0), salon_rows_integer(rows, row, 1));
}

apr_status_t slow_load(apr_pool_t *pool)
{
    all.pool = pool;
    all.by_place = apr_hash_make(pool);
    return salon_load_each(row_take, "SELECT place, seconds FROM slow_modes");
}

/* ---- Saying something ---- */

static spoken_t *spoken_of(slow_t *slow, apr_int64_t user_id)
{
    spoken_t *spoken = apr_hash_get(slow->spoken, &user_id, sizeof(user_id));
    if (spoken != NULL) return spoken;
    spoken = malloc(sizeof(*spoken));
    if (spoken == NULL) abort();
    *spoken = (spoken_t){ .user_id = user_id };
    apr_hash_set(slow->spoken, &spoken->user_id, sizeof(spoken->user_id), spoken);
    return spoken;
}

/* In the words of the core's own rates. */
static json_object *wait_json(const slow_t *slow, apr_int64_t milliseconds)
{
    json_object *json = salon_json_integer(salon_json(), "current_rate", 2);
    salon_json_integer(json, "limit", 1);
    salon_json_integer(json, "window", slow->seconds);
    return salon_json_integer(json, "retry_after", (milliseconds + 999) / 1000);
}

const char *slow_say(const salon_user_t *user, salon_topic_t topic, apr_pool_t *pool,
                     json_object **details_r)
{
    if (apr_hash_count(all.by_place) == 0) return NULL;
    const char *place = place_key(topic, pool);
    slow_t *slow = place != NULL ? slow_find(place) : NULL;
    if (slow == NULL || salon_may(user, "moderate", topic)) return NULL;
    spoken_t *spoken = spoken_of(slow, user->id);
    apr_int64_t now = salon_now(), free_at = spoken->at + slow->seconds * 1000;
    if (now < free_at && now >= spoken->at) {
        *details_r = wait_json(slow, free_at - now);
        return SALON_RATE_LIMITED;
    }
    spoken->at = now;
    return NULL;
}

/* ---- Setting it ---- */

typedef struct {
    place_t place;
    apr_int64_t seconds, at;
} change_t;

static json_object *change_json(const change_t *change, const salon_user_t *user)
{
    json_object *json = place_describe(salon_json(), &change->place);
    salon_json_integer(json, "seconds", change->seconds);
    salon_json_integer(json, "moderator_user_id", user->id);
    return salon_json_integer(json, "at", change->at);
}

static salon_outcome_t slow_stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const change_t *change = salon_req_data(req);
    slow_put(change->place.key, change->seconds);
    json_object *json = change_json(change, salon_req_user(req));
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    salon_publish(change->place.topic, "moderation.slowed", json);
    return outcome;
}

static salon_outcome_t change_store(salon_req_t *req, change_t *change)
{
    const salon_act_t act = { .action = "moderation.slow",
                              .actor = salon_req_user(req),
                              .topic = change->place.topic,
                              .details = salon_json_integer(salon_json(), "seconds",
                                                            change->seconds) };
    if (!audit_sql(req, &act)) return salon_fail(req, SALON_UNAVAILABLE);
    salon_sql(req, "DELETE FROM slow_modes WHERE place = %s", change->place.key);
    if (change->seconds > 0)
        salon_sql(req, "INSERT INTO slow_modes (place, seconds) VALUES (%s, %ld)",
                  change->place.key, (long)change->seconds);
    salon_req_set_data(req, change);
    return salon_store(req, slow_stored);
}

salon_outcome_t slow_set(salon_req_t *req)
{
    salon_outcome_t refused;
    change_t *change = apr_pcalloc(salon_req_pool(req), sizeof(*change));
    if (!place_of(req, &change->place, &refused)) return refused;
    if (place_is_server(&change->place)) return salon_fail_argument(req, "room_id");
    const char *code = place_may_not(salon_req_user(req), "moderate", &change->place);
    if (code != NULL) return salon_fail(req, code);
    change->seconds = salon_arg_integer(req, "seconds", 0);
    change->at = salon_now();
    return change_store(req, change);
}
