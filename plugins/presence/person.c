/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is news is told at once, as far as the budget goes and the person was not told of just
 * before; else the person waits in a list, once, whatever happens meanwhile, and is told of as they
 * are when their turn comes.  Who has become again what others know is not told of at all.
 *
 * When somebody was last seen is stored once they have been away for the grace, a bounded number in
 * a tick: thousands who reconnect together write nothing, and hold up nobody's messages.
 */
#include "person.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>

#include <salon/map.h>

#include "heard.h"

#define DEPARTURES_PER_TICK 100

TAILQ_HEAD(person_list_t, person_t);

static struct {
    apr_pool_t *pool;
    salon_map_t people;
    struct person_list_t leaving; /* in the order of leaves_at */
    struct person_list_t waiting;
    pace_t pace;
} all;

apr_int64_t person_grace, person_interval, person_rate;

static const char *const presence_1[] = {
    "CREATE TABLE presence (user_id BIGINT PRIMARY KEY, status SMALLINT NOT NULL,"
    " message VARCHAR(200), last_seen BIGINT NOT NULL)",
    NULL,
};

const salon_migration_t person_migrations[] = { { 1, presence_1 }, { 0, NULL } };

const salon_personal_t person_personal[] = {
    { "presence", "user_id", SALON_FORGET },
    { NULL, NULL, SALON_KEEP },
};

static const char *const names[] = {
    [PERSON_ONLINE] = "online",       [PERSON_AWAY] = "away",       [PERSON_BUSY] = "busy",
    [PERSON_INVISIBLE] = "invisible", [PERSON_OFFLINE] = "offline",
};

bool person_status_parse(const char *name, person_status_t *status_r)
{
    for (int status = PERSON_ONLINE; status < PERSON_OFFLINE; status++) {
        if (strcmp(names[status], name) != 0) continue;
        *status_r = (person_status_t)status;
        return true;
    }
    return false;
}

/* ---- Who there is ---- */

person_t *person_find(apr_int64_t user_id)
{
    return salon_map_get(&all.people, user_id);
}

person_t *person_of(apr_int64_t user_id)
{
    person_t *person = person_find(user_id);
    if (person != NULL) return person;
    person = apr_pcalloc(all.pool, sizeof(*person));
    person->id = user_id;
    person->told_status = PERSON_OFFLINE;
    person->told_at = PACE_LONG_AGO;
    salon_map_set(&all.people, user_id, person);
    return person;
}

static void message_keep(person_t *person, const char *message)
{
    free((void *)person->message);
    person->message = message != NULL && message[0] != '\0' ? strdup(message) : NULL;
}

static void row_take(const salon_rows_t *rows, int row)
{
    person_t *person = person_of(salon_rows_integer(rows, row, 0));
    person->status = (person_status_t)salon_rows_integer(rows, row, 1);
    message_keep(person, salon_rows_text(rows, row, 2));
    person->last_seen = salon_rows_integer(rows, row, 3);
    person->stored = true;
}

apr_status_t person_load(apr_pool_t *pool)
{
    all.pool = pool;
    TAILQ_INIT(&all.leaving);
    TAILQ_INIT(&all.waiting);
    pace_fill(&all.pace, person_rate, pace_now());
    return salon_load_each(row_take, "SELECT user_id, status, message, last_seen FROM presence");
}

/* ---- How they look ---- */

/* What others see. */
static person_status_t person_shown(const person_t *person)
{
    return person->here && person->status != PERSON_INVISIBLE ? person->status : PERSON_OFFLINE;
}

static const char *message_shown(const person_t *person, person_status_t status)
{
    return status != PERSON_OFFLINE ? person->message : NULL;
}

json_object *person_json(const person_t *person, bool own)
{
    person_status_t status = own && person->here ? person->status : person_shown(person);
    bool offline = status == PERSON_OFFLINE;
    json_object *json = salon_json_user(salon_json(), "user_id", "username", person->id);
    salon_json_string(json, "status", names[status]);
    salon_json_string(json, "message", message_shown(person, own ? person->status : status));
    salon_json_integer(json, "last_seen", offline ? person->last_seen : salon_now());
    salon_json_value(json, "room", offline ? NULL : heard_name(person->rooms));
    return own ? salon_json_boolean(json, "own", true) : json;
}

/* ---- Telling ---- */

/* Is it other than what others know, whether the person is there at all? */
static bool is_turned(const person_t *person)
{
    return (person_shown(person) == PERSON_OFFLINE) != (person->told_status == PERSON_OFFLINE);
}

static bool is_news(const person_t *person)
{
    person_status_t status = person_shown(person);
    return status != person->told_status || (person->chosen && status != PERSON_OFFLINE);
}

static bool may_tell(const person_t *person, apr_int64_t now)
{
    return !all.pace.spent && now >= person->told_at + person_interval * 1000;
}

static void tell(person_t *person, apr_int64_t now)
{
    apr_pool_t *pool;
    int count;
    apr_pool_create(&pool, NULL);
    const salon_topic_t *topics = salon_audience(person->id, pool, &count);
    json_object *json = person_json(person, false);
    if (is_turned(person)) salon_json_boolean(json, "turned", true);
    pace_publish(&all.pace, topics, count, person->id, "presence", json);
    apr_pool_destroy(pool);
    person->told_status = person_shown(person);
    if (count > 0) person->told_at = now; /* else there was nobody to tell */
    if (person->told_status != PERSON_OFFLINE) person->chosen = false;
}

static void wait_no_longer(person_t *person)
{
    TAILQ_REMOVE(&all.waiting, person, waiting);
    person->is_waiting = false;
}

static void person_changed(person_t *person)
{
    apr_int64_t now = pace_now();
    if (person->is_waiting || !is_news(person)) return;
    if (may_tell(person, now)) {
        tell(person, now);
        return;
    }
    TAILQ_INSERT_TAIL(&all.waiting, person, waiting);
    person->is_waiting = true;
}

static void waiting_tell(apr_int64_t now)
{
    person_t *person, *next;
    for (person = TAILQ_FIRST(&all.waiting); person != NULL; person = next) {
        next = TAILQ_NEXT(person, waiting);
        if (!is_news(person)) {
            wait_no_longer(person);
        } else if (may_tell(person, now)) {
            wait_no_longer(person);
            tell(person, now);
        }
        if (all.pace.spent) break;
    }
}

/* ---- Coming and going ---- */

static void leave_no_longer(person_t *person)
{
    if (!person->is_leaving) return;
    TAILQ_REMOVE(&all.leaving, person, leaving);
    person->is_leaving = false;
}

void person_arrive(person_t *person)
{
    leave_no_longer(person);
    person->here = true;
    person_changed(person);
}

/* Somebody invisible is not seen going; and of somebody who has been erased nothing is kept. */
static void seen_store(person_t *person)
{
    if (person->status == PERSON_INVISIBLE || salon_user_by_id(person->id) == NULL) return;
    person->last_seen = person->gone_at;
    if (person->stored)
        salon_write("UPDATE presence SET last_seen = %ld WHERE user_id = %ld",
                    (long)person->last_seen, (long)person->id);
    else
        salon_write("INSERT INTO presence (user_id, status, message, last_seen)"
                    " VALUES (%ld, %d, %s, %ld)", (long)person->id, (int)person->status,
                    person->message, (long)person->last_seen);
    person->stored = true;
}

static void depart(person_t *person)
{
    leave_no_longer(person);
    seen_store(person);
    person->here = false;
    person_changed(person);
}

void person_leave(person_t *person)
{
    leave_no_longer(person);
    person->gone_at = salon_now();
    person->leaves_at = pace_now() + person_grace * 1000;
    TAILQ_INSERT_TAIL(&all.leaving, person, leaving);
    person->is_leaving = true;
}

static void leaving_depart(apr_int64_t now)
{
    for (int i = 0; i < DEPARTURES_PER_TICK; i++) {
        person_t *person = TAILQ_FIRST(&all.leaving);
        if (person == NULL || person->leaves_at > now) return;
        depart(person);
    }
}

/* At once, whatever is left of the grace or the budget: later there is nobody who would be told. */
void person_vanish(salon_req_t *req, apr_int64_t user_id)
{
    (void)req;
    person_t *person = person_find(user_id);
    if (person == NULL || person_shown(person) == PERSON_OFFLINE) return;
    person->here = false;
    person->last_seen = salon_now();
    if (person->is_waiting) wait_no_longer(person);
    tell(person, pace_now());
}

void person_forget(apr_int64_t user_id)
{
    person_t *person = person_find(user_id);
    if (person == NULL) return;
    person->status = PERSON_ONLINE;
    message_keep(person, NULL);
    person->last_seen = 0;
    person->stored = false;
}

void person_tick(apr_int64_t now)
{
    pace_fill(&all.pace, person_rate, now);
    leaving_depart(now);
    waiting_tell(now);
}

void person_stop(void)
{
    person_t *person;
    TAILQ_FOREACH(person, &all.leaving, leaving) seen_store(person);
}

/* ---- Choosing ---- */

/* Who becomes invisible is seen for the last time. */
static apr_int64_t last_seen_chosen(const person_t *person, person_status_t status)
{
    bool vanishes = status == PERSON_INVISIBLE && person_shown(person) != PERSON_OFFLINE;
    return vanishes ? salon_now() : person->last_seen;
}

void person_sql(salon_req_t *req, person_t *person, person_choice_t *choice)
{
    const char *kept = person->message != NULL ? person->message : "";
    if (choice->message == NULL) choice->message = apr_pstrdup(salon_req_pool(req), kept);
    choice->last_seen = last_seen_chosen(person, choice->status);
    salon_sql(req, "DELETE FROM presence WHERE user_id = %ld", (long)person->id);
    salon_sql(req, "INSERT INTO presence (user_id, status, message, last_seen)"
              " VALUES (%ld, %d, %s, %ld)", (long)person->id, (int)choice->status,
              choice->message[0] != '\0' ? choice->message : NULL, (long)choice->last_seen);
    person->stored = true;
}

/* The person may have gone since the statements were added, and have been seen going. */
void person_choose(person_t *person, const person_choice_t *choice)
{
    person->last_seen = MAX(person->last_seen, choice->last_seen);
    person->status = choice->status;
    person->chosen = true;
    message_keep(person, choice->message);
    salon_publish(SALON_TOPIC("user", person->id), "presence", person_json(person, true));
    person_changed(person);
}

void person_hear(person_t *person, apr_int64_t room_id)
{
    heard_add(&person->rooms, all.pool, room_id);
}

void person_hear_not(person_t *person, apr_int64_t room_id)
{
    heard_remove(person->rooms, room_id);
}
