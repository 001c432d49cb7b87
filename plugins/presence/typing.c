/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry stands for one person in one topic, and lives while others believe that the person
 * types, or while a start would come too soon after the last one.  So a client that starts and
 * stops as fast as it can causes one start and one stop in each interval.
 */
#include "typing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <apr_hash.h>
#include <apr_strings.h>

#define TYPING_MOST 10000 /* who type at one moment */

typedef struct typing_t {
    char *key;
    const salon_user_t *user;
    salon_topic_t topic;
    bool wanted, told; /* does the person type; do others know */
    apr_int64_t expires_at, told_at;
    TAILQ_ENTRY(typing_t) link;
} typing_t;

TAILQ_HEAD(typing_list_t, typing_t);

static struct {
    apr_hash_t *entries;
    struct typing_list_t list;
    pace_t pace;
} all;

apr_int64_t typing_expiry, typing_interval, typing_rate;

/* ---- Entries ---- */

static void key_write(char key[80], const salon_user_t *user, salon_topic_t topic)
{
    apr_snprintf(key, 80, "%s:%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT, topic.kind, topic.id,
                 user->id);
}

static typing_t *typing_find(const salon_user_t *user, salon_topic_t topic)
{
    char key[80];
    key_write(key, user, topic);
    return apr_hash_get(all.entries, key, APR_HASH_KEY_STRING);
}

/* The newest ones lose: who types is never worth much memory. */
static bool is_full(void)
{
    return apr_hash_count(all.entries) >= TYPING_MOST;
}

static typing_t *typing_add(const salon_user_t *user, salon_topic_t topic)
{
    char key[80];
    typing_t *typing = malloc(sizeof(*typing));
    if (typing == NULL) abort();
    key_write(key, user, topic);
    *typing = (typing_t){ .key = strdup(key), .user = user, .topic = topic,
                          .told_at = PACE_LONG_AGO };
    apr_hash_set(all.entries, typing->key, APR_HASH_KEY_STRING, typing);
    TAILQ_INSERT_TAIL(&all.list, typing, link);
    return typing;
}

static void typing_remove(typing_t *typing)
{
    apr_hash_set(all.entries, typing->key, APR_HASH_KEY_STRING, NULL);
    TAILQ_REMOVE(&all.list, typing, link);
    free(typing->key);
    free(typing);
}

void typing_init(apr_pool_t *pool)
{
    all.entries = apr_hash_make(pool);
    TAILQ_INIT(&all.list);
    pace_fill(&all.pace, typing_rate, pace_now());
}

/* What one may when one starts, one may not for ever. */
static bool may_type(const typing_t *typing)
{
    bool is_person = strcmp(typing->topic.kind, "user") == 0;
    return salon_may(typing->user, is_person ? "dm" : "type", typing->topic);
}

/* ---- Telling ---- */

/* A topic that nobody can describe is a person's own, or has gone meanwhile. */
static void tell(const typing_t *typing, const char *event)
{
    apr_int64_t ids[2];
    salon_topic_t topics[2] = { typing->topic };
    int count = salon_topic_persons(typing->topic, ids);
    json_object *json = salon_describe(typing->topic);
    for (int i = 0; i < count; i++) topics[i] = SALON_TOPIC("user", ids[i]);
    if (json == NULL) json = salon_json();
    salon_json_user(json, "user_id", "username", typing->user->id);
    salon_json_integer(json, "at", salon_now());
    pace_publish(&all.pace, topics, count > 0 ? count : 1, typing->user->id, event, json);
}

static bool may_start(const typing_t *typing, apr_int64_t now)
{
    return !all.pace.spent && now >= typing->told_at + typing_interval * 1000;
}

static void tell_start(typing_t *typing, apr_int64_t now)
{
    typing->told = true;
    typing->told_at = now;
    tell(typing, "typing.started");
}

/* Others who know of a start learn of its end, whatever that costs. */
static void end(typing_t *typing)
{
    typing->wanted = false;
    if (!typing->told) return;
    typing->told = false;
    tell(typing, "typing.stopped");
}

/* ---- What people do ---- */

void typing_start(const salon_user_t *user, salon_topic_t topic)
{
    apr_int64_t now = pace_now();
    typing_t *typing = typing_find(user, topic);
    if (typing == NULL && is_full()) return;
    if (typing == NULL) typing = typing_add(user, topic);
    typing->wanted = true;
    typing->expires_at = now + typing_expiry * 1000;
    if (may_start(typing, now)) tell_start(typing, now);
}

void typing_stop(const salon_user_t *user, salon_topic_t topic)
{
    typing_t *typing = typing_find(user, topic);
    if (typing != NULL) end(typing);
}

void typing_stop_all(const salon_user_t *user)
{
    typing_t *typing;
    TAILQ_FOREACH(typing, &all.list, link)
        if (typing->user == user) end(typing);
}

void typing_forget(const salon_user_t *user, salon_topic_t topic)
{
    typing_t *typing = typing_find(user, topic);
    if (typing == NULL) return;
    end(typing);
    typing_remove(typing);
}

static void typing_review(typing_t *typing, apr_int64_t now)
{
    if (typing->wanted && (typing->expires_at <= now || !may_type(typing))) end(typing);
    if (typing->wanted && !typing->told && may_start(typing, now)) tell_start(typing, now);
    if (!typing->wanted && now >= typing->told_at + typing_interval * 1000) typing_remove(typing);
}

void typing_tick(apr_int64_t now)
{
    typing_t *typing, *next;
    pace_fill(&all.pace, typing_rate, now);
    for (typing = TAILQ_FIRST(&all.list); typing != NULL; typing = next) {
        next = TAILQ_NEXT(typing, link);
        typing_review(typing, now);
    }
}
