/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Few people have sanctions, and every request asks for them: who has none costs one look-up, and
 * only for the others a room's key is made.
 */
#include "sanction.h"

#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include <apr_hash.h>

#include "place.h"

/* Those that are being stored, and the people that they are about. */
#define COMING        "sanction"
#define COMING_PERSON "sanctioned person"

typedef sanctioned_t person_t;

/* A room; or the server. */
typedef struct {
    salon_map_t people; /* as below, those who have any there */
    char key[];
} territory_t;

static struct {
    apr_pool_t *pool;
    salon_map_t people;      /* user id -> person_t */
    apr_hash_t *territories; /* key -> territory_t, those with people */
    apr_int64_t over_at; /* nothing is over earlier */
} all = { .over_at = APR_INT64_MAX };

const char *const sanction_tables[] = {
    "CREATE TABLE sanctions (user_id BIGINT NOT NULL, place VARCHAR(120) NOT NULL,"
    " kind SMALLINT NOT NULL, expires_at BIGINT NOT NULL, created_at BIGINT NOT NULL,"
    " created_by BIGINT NOT NULL, reason TEXT, PRIMARY KEY (user_id, place, kind))",
    NULL,
};

const char *sanction_kind_name(sanction_kind_t kind)
{
    return kind == SANCTION_BAN ? "ban" : "mute";
}

/* ---- In memory ---- */

static person_t *person_find(apr_int64_t user_id)
{
    return salon_map_get(&all.people, user_id);
}

static person_t *person_of(apr_int64_t user_id)
{
    person_t *person = person_find(user_id);
    if (person != NULL) return person;
    person = calloc(1, sizeof(*person));
    if (person == NULL) abort();
    person->user_id = user_id;
    salon_map_set(&all.people, user_id, person);
    return person;
}

static void person_review(person_t *person)
{
    if (person->first != NULL) return;
    salon_map_set(&all.people, person->user_id, NULL);
    free(person);
}

/* NULL: none. */
static const sanction_t *sanction_first(apr_int64_t user_id)
{
    const person_t *person = person_find(user_id);
    return person != NULL ? person->first : NULL;
}

bool sanction_holds(const sanction_t *sanction, apr_int64_t now)
{
    return sanction->expires_at == 0 || sanction->expires_at > now;
}

const sanction_t *sanction_find(apr_int64_t user_id, const char *place, sanction_kind_t kind)
{
    apr_int64_t now = salon_now();
    const sanction_t *sanction = sanction_first(user_id);
    for (; sanction != NULL; sanction = sanction->next)
        if (sanction->kind == kind && sanction_holds(sanction, now) &&
            strcmp(sanction->place, place) == 0)
            return sanction;
    return NULL;
}

/* ---- Places ---- */

static territory_t *territory_find(const char *key)
{
    return apr_hash_get(all.territories, key, APR_HASH_KEY_STRING);
}

const salon_map_t *sanction_people(const char *place)
{
    static const salon_map_t nobody;
    const territory_t *territory = territory_find(place);
    return territory != NULL ? &territory->people : &nobody;
}

static void territory_join(person_t *person, const char *key)
{
    territory_t *territory = territory_find(key);
    if (territory == NULL) {
        size_t size = strlen(key) + 1;
        territory = calloc(1, sizeof(*territory) + size);
        if (territory == NULL) abort();
        memcpy(territory->key, key, size);
        apr_hash_set(all.territories, territory->key, APR_HASH_KEY_STRING, territory);
    }
    salon_map_set(&territory->people, person->user_id, person);
}

/* If the person has none there any more. */
static void territory_leave(const person_t *person, const char *key)
{
    territory_t *territory = territory_find(key);
    for (const sanction_t *s = person->first; s != NULL; s = s->next)
        if (strcmp(s->place, key) == 0) return;
    salon_map_set(&territory->people, person->user_id, NULL);
    if (territory->people.count > 0) return;
    apr_hash_set(all.territories, territory->key, APR_HASH_KEY_STRING, NULL);
    free(territory);
}

/* ---- Changes ---- */

/* Takes out, and frees, the person's sanctions that are to go; how many. */
static apr_size_t person_filter(person_t *person,
                                bool (*goes)(const sanction_t *sanction, const void *baton),
                                const void *baton)
{
    sanction_t *sanction, **link = &person->first;
    apr_size_t gone = 0;
    while ((sanction = *link) != NULL) {
        if (goes(sanction, baton)) {
            *link = sanction->next;
            territory_leave(person, sanction->place);
            free(sanction);
            gone++;
        } else {
            link = &sanction->next;
        }
    }
    return gone;
}

/* When the first of them is over. */
static apr_int64_t person_over_at(const person_t *person)
{
    apr_int64_t first = APR_INT64_MAX;
    for (const sanction_t *s = person->first; s != NULL; s = s->next)
        if (s->expires_at != 0) first = MIN(first, s->expires_at);
    return first;
}

static bool is_same(const sanction_t *sanction, const void *other)
{
    const sanction_t *s = other;
    return sanction->kind == s->kind && strcmp(sanction->place, s->place) == 0;
}

static bool is_there(const sanction_t *sanction, const void *place)
{
    return strcmp(sanction->place, place) == 0;
}

static bool is_over(const sanction_t *sanction, const void *now)
{
    return !sanction_holds(sanction, *(const apr_int64_t *)now);
}

/* One block: the sanction, and its texts behind it. */
static sanction_t *sanction_copy(const sanction_t *sanction)
{
    size_t place = strlen(sanction->place) + 1;
    size_t reason = sanction->reason != NULL ? strlen(sanction->reason) + 1 : 0;
    sanction_t *copy = malloc(sizeof(*copy) + place + reason);
    if (copy == NULL) abort();
    *copy = *sanction;
    char *texts = (char *)(copy + 1);
    copy->place = memcpy(texts, sanction->place, place);
    if (reason > 0) copy->reason = memcpy(texts + place, sanction->reason, reason);
    return copy;
}

void sanction_put(const sanction_t *sanction)
{
    person_t *person = person_of(sanction->user_id);
    person_filter(person, is_same, sanction);
    sanction_t *copy = sanction_copy(sanction);
    copy->next = person->first;
    person->first = copy;
    territory_join(person, copy->place);
    if (copy->expires_at != 0) all.over_at = MIN(all.over_at, copy->expires_at);
}

void sanction_remove(apr_int64_t user_id, const char *place)
{
    person_t *person = person_find(user_id);
    if (person == NULL) return;
    person_filter(person, is_there, place);
    person_review(person);
}

static bool is_any(const sanction_t *sanction, const void *nothing)
{
    (void)sanction, (void)nothing;
    return true;
}

void sanction_erased(apr_int64_t user_id)
{
    person_t *person = person_find(user_id);
    if (person == NULL) return;
    person_filter(person, is_any, NULL);
    person_review(person);
}

/* A map that is walked must not change, so who is to go is gathered first. */
static apr_size_t people_filter(apr_int64_t now, person_t **emptied_r)
{
    person_t *person;
    apr_size_t gone = 0;
    all.over_at = APR_INT64_MAX;
    for (unsigned at = 0; (person = salon_map_next(&all.people, &at)) != NULL;) {
        gone += person_filter(person, is_over, &now);
        all.over_at = MIN(all.over_at, person_over_at(person));
        if (person->first != NULL) continue;
        person->next = *emptied_r;
        *emptied_r = person;
    }
    return gone;
}

/* Looks at nobody before the first sanction is over. */
void sanction_sweep(apr_int64_t now)
{
    person_t *emptied = NULL, *person;
    if (now < all.over_at) return;
    apr_size_t gone = people_filter(now, &emptied);
    while ((person = emptied) != NULL) {
        emptied = person->next;
        person_review(person);
    }
    if (gone > 0)
        salon_write("DELETE FROM sanctions WHERE expires_at > 0 AND expires_at <= %ld", (long)now);
}

/* ---- Being stored ---- */

void sanction_begin(salon_req_t *req, const sanction_t *s)
{
    salon_intend(req, COMING_PERSON, "%ld", (long)s->user_id);
    salon_intend(req, COMING, "%ld %d %s", (long)s->user_id, (int)s->kind, s->place);
}

static bool is_coming(apr_int64_t user_id, const char *place, sanction_kind_t kind)
{
    return salon_intended(COMING, "%ld %d %s", (long)user_id, (int)kind, place);
}

/* ---- In the table ---- */

void sanction_sql_put(salon_req_t *req, const sanction_t *s)
{
    salon_sql(req, "DELETE FROM sanctions WHERE user_id = %ld AND place = %s AND kind = %d",
              (long)s->user_id, s->place, (int)s->kind);
    salon_sql(req,
              "INSERT INTO sanctions (user_id, place, kind, expires_at, created_at, created_by,"
              " reason) VALUES (%ld, %s, %d, %ld, %ld, %ld, %s)",
              (long)s->user_id, s->place, (int)s->kind, (long)s->expires_at, (long)s->created_at,
              (long)s->created_by, s->reason);
}

void sanction_sql_remove(salon_req_t *req, apr_int64_t user_id, const char *place)
{
    salon_sql(req, "DELETE FROM sanctions WHERE user_id = %ld AND place = %s", (long)user_id,
              place);
}

static void row_take(const salon_rows_t *rows, int row)
{
    sanction_put(&(sanction_t){ .user_id = salon_rows_integer(rows, row, 0),
                                .place = salon_rows_text(rows, row, 1),
                                .kind = (sanction_kind_t)salon_rows_integer(rows, row, 2),
                                .expires_at = salon_rows_integer(rows, row, 3),
                                .created_at = salon_rows_integer(rows, row, 4),
                                .created_by = salon_rows_integer(rows, row, 5),
                                .reason = salon_rows_text(rows, row, 6) });
}

apr_status_t sanction_load(apr_pool_t *pool)
{
    all.pool = pool;
    all.territories = apr_hash_make(pool);
    return salon_load_each(row_take, "SELECT user_id, place, kind, expires_at, created_at,"
                                     " created_by, reason FROM sanctions");
}

/* ---- What they forbid ---- */

/* Who is muted may look at everything. */
static bool mute_forbids(const char *what)
{
    static const char *const silenced[] = { "send", "react", "pin", "type" };
    for (size_t i = 0; i < sizeof(silenced) / sizeof(silenced[0]); i++)
        if (strcmp(silenced[i], what) == 0) return true;
    return false;
}

static bool has(apr_int64_t user_id, const char *place, sanction_kind_t kind)
{
    return sanction_find(user_id, place, kind) != NULL || is_coming(user_id, place, kind);
}

static bool forbids(apr_int64_t user_id, const char *place, const char *what)
{
    if (has(user_id, place, SANCTION_BAN)) return true;
    return mute_forbids(what) && has(user_id, place, SANCTION_MUTE);
}

static bool forbids_in(apr_int64_t user_id, salon_topic_t topic, const char *what)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, all.pool);
    const char *key = place_key(topic, pool);
    bool forbidden = key != NULL && forbids(user_id, key, what);
    apr_pool_destroy(pool);
    return forbidden;
}

const char *sanction_refuse(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (user == NULL || place_ranking()) return NULL;
    if (sanction_first(user->id) == NULL && !salon_intended(COMING_PERSON, "%ld", (long)user->id))
        return NULL;
    bool forbidden = forbids(user->id, "", what) || forbids_in(user->id, topic, what);
    return forbidden ? SANCTIONED : NULL;
}
