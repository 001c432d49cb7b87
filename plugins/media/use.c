/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A use stands in two lists: of what it uses, and of the place (topic) where the message is.  What
 * is told of a deleted message is its id; it is looked for in the place's list.
 */
#include "use.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define LOAD_BATCH 1000

typedef struct media_use_t use_t;

typedef struct {
    apr_int64_t kind; /* its number among the kinds */
    apr_int64_t id;
} place_key_t;

typedef struct {
    place_key_t key; /* first */
    use_t *uses;
} place_t;

struct media_use_t {
    media_t *media;
    place_t *place;
    apr_int64_t message_id;
    use_t *next_of_media, *next_of_place;
};

static struct {
    apr_pool_t *pool;
    apr_hash_t *places;
    apr_array_header_t *kinds; /* const char *: there are few */
} all;

/* ---- Places ---- */

static int kind_number(const char *kind)
{
    for (int i = 0; i < all.kinds->nelts; i++)
        if (strcmp(APR_ARRAY_IDX(all.kinds, i, const char *), kind) == 0) return i;
    APR_ARRAY_PUSH(all.kinds, const char *) = apr_pstrdup(all.pool, kind);
    return all.kinds->nelts - 1;
}

static salon_topic_t topic_of(const place_t *place)
{
    return SALON_TOPIC(APR_ARRAY_IDX(all.kinds, place->key.kind, const char *), place->key.id);
}

static place_t *place_find(salon_topic_t topic)
{
    place_key_t key = { kind_number(topic.kind), topic.id };
    return apr_hash_get(all.places, &key, sizeof(key));
}

static place_t *place_make(salon_topic_t topic)
{
    place_t *place = place_find(topic);
    if (place != NULL) return place;
    place = calloc(1, sizeof(*place));
    if (place == NULL) abort();
    place->key = (place_key_t){ kind_number(topic.kind), topic.id };
    apr_hash_set(all.places, &place->key, sizeof(place->key), place);
    return place;
}

static void place_free_unused(place_t *place)
{
    if (place->uses != NULL) return;
    apr_hash_set(all.places, &place->key, sizeof(place->key), NULL);
    free(place);
}

/* ---- Uses ---- */

void use_add(media_t *media, salon_topic_t topic, apr_int64_t message_id, apr_int64_t now)
{
    use_t *use = malloc(sizeof(*use));
    if (use == NULL) abort();
    place_t *place = place_make(topic);
    *use = (use_t){ media, place, message_id, media->uses, place->uses };
    media->uses = place->uses = use;
    media->idle_at = now;
    media_set_busy(media);
}

static void leave_media(use_t *use)
{
    use_t **link = &use->media->uses;
    while (*link != use) link = &(*link)->next_of_media;
    *link = use->next_of_media;
}

static void leave_place(use_t *use)
{
    use_t **link = &use->place->uses;
    while (*link != use) link = &(*link)->next_of_place;
    *link = use->next_of_place;
}

/* The time is kept, so that what a restart finds unused is not taken for long unused. */
static void forget_stored(salon_topic_t topic, apr_int64_t message_id, apr_int64_t now)
{
    if (message_id != 0) {
        salon_write("UPDATE media_entries SET idle_at = %ld WHERE id IN"
                    " (SELECT media_id FROM media_uses WHERE message_id = %ld)",
                    (long)now, (long)message_id);
        salon_write("DELETE FROM media_uses WHERE message_id = %ld", (long)message_id);
        return;
    }
    salon_write("UPDATE media_entries SET idle_at = %ld WHERE id IN"
                " (SELECT media_id FROM media_uses WHERE topic_kind = %s AND topic_id = %ld)",
                (long)now, topic.kind, (long)topic.id);
    salon_write("DELETE FROM media_uses WHERE topic_kind = %s AND topic_id = %ld", topic.kind,
                (long)topic.id);
}

/* It has left its place's list. */
static void use_free(use_t *use, apr_int64_t now)
{
    media_t *media = use->media;
    leave_media(use);
    if (media->uses == NULL && !media->going) media_set_idle(media, now);
    free(use);
}

void use_end(salon_topic_t topic, apr_int64_t message_id, apr_int64_t now)
{
    place_t *place = place_find(topic);
    if (place == NULL) return;
    use_t **link = &place->uses, *use;
    bool any = false;
    while ((use = *link) != NULL) {
        if (message_id != 0 && use->message_id != message_id) {
            link = &use->next_of_place;
            continue;
        }
        *link = use->next_of_place;
        use_free(use, now);
        any = true;
    }
    place_free_unused(place);
    if (any) forget_stored(topic, message_id, now);
}

void use_end_all(media_t *media)
{
    use_t *use;
    while ((use = media->uses) != NULL) {
        media->uses = use->next_of_media;
        leave_place(use);
        place_free_unused(use->place);
        free(use);
    }
}

int use_count(const media_t *media)
{
    int count = 0;
    for (const use_t *use = media->uses; use != NULL; use = use->next_of_media) count++;
    return count;
}

/* Of many uses in a row in one place, one is asked for. */
bool use_may_see(const salon_user_t *user, const media_t *media)
{
    const place_t *asked = NULL;
    if (user != NULL && user->id == media->owner->user_id) return true;
    for (const use_t *use = media->uses; use != NULL; use = use->next_of_media) {
        if (use->place == asked) continue;
        asked = use->place;
        if (salon_may(user, "read", topic_of(asked))) return true;
    }
    return false;
}

/* ---- Loading ---- */

/* What the two last entries of a page share does not end with it: keys go on behind both. */
static const salon_rows_t *page_load(apr_pool_t *pool, apr_int64_t media_id,
                                     apr_int64_t message_id)
{
    return salon_load(pool,
                      "SELECT media_id, message_id, topic_kind, topic_id FROM media_uses"
                      " WHERE media_id > %ld OR (media_id = %ld AND message_id > %ld)"
                      " ORDER BY media_id, message_id LIMIT %d",
                      (long)media_id, (long)media_id, (long)message_id, LOAD_BATCH);
}

static void row_take(const salon_rows_t *rows, int row)
{
    media_t *media = media_find(salon_rows_integer(rows, row, 0));
    if (media == NULL) return;
    salon_topic_t topic =
        SALON_TOPIC(salon_rows_text(rows, row, 2), salon_rows_integer(rows, row, 3));
    use_add(media, topic, salon_rows_integer(rows, row, 1), media->idle_at);
}

static apr_status_t uses_load(apr_pool_t *pool)
{
    apr_int64_t media_id = 0, message_id = 0;
    for (;;) {
        const salon_rows_t *rows = page_load(pool, media_id, message_id);
        if (rows == NULL) return APR_EGENERAL;
        for (int row = 0; row < rows->count; row++) row_take(rows, row);
        if (rows->count < LOAD_BATCH) return APR_SUCCESS;
        media_id = salon_rows_integer(rows, rows->count - 1, 0);
        message_id = salon_rows_integer(rows, rows->count - 1, 1);
        apr_pool_clear(pool);
    }
}

/* Of messages that are not stored, the last run has left uses; of entries that a crash has kept
 * from being written, too. */
apr_status_t use_load(apr_pool_t *pool)
{
    apr_pool_t *scratch;
    all.pool = pool;
    all.places = apr_hash_make(pool);
    all.kinds = apr_array_make(pool, 8, sizeof(const char *));
    apr_pool_create(&scratch, pool);
    const salon_rows_t *pruned = salon_load(
        scratch, "DELETE FROM media_uses WHERE NOT "
                 SALON_SQL_MESSAGE_EXISTS("media_uses.message_id"));
    apr_status_t rv = pruned != NULL ? uses_load(scratch) : APR_EGENERAL;
    apr_pool_destroy(scratch);
    return rv;
}
