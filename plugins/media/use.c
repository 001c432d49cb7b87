/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A use stands in three lists: of what it uses, of the place (topic) where the message is, and of
 * the message, which is found by its id, for that is what is told of a deleted one.
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
    LIST_HEAD(, media_use_t) uses;
} place_t;

struct media_use_t {
    media_t *media;
    place_t *place;
    apr_int64_t message_id;
    use_t *next_of_message;
    LIST_ENTRY(media_use_t) of_media, of_place;
};

static struct {
    apr_pool_t *pool;
    apr_hash_t *places;
    apr_hash_t *messages; /* id -> the latest of its uses */
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
    if (!LIST_EMPTY(&place->uses)) return;
    apr_hash_set(all.places, &place->key, sizeof(place->key), NULL);
    free(place);
}

/* ---- Uses of one message ---- */

static use_t *message_uses(apr_int64_t message_id)
{
    return apr_hash_get(all.messages, &message_id, sizeof(message_id));
}

/* The key is in the first one, so it goes before that does. */
static void message_set(apr_int64_t message_id, use_t *first)
{
    apr_hash_set(all.messages, &message_id, sizeof(message_id), NULL);
    if (first != NULL)
        apr_hash_set(all.messages, &first->message_id, sizeof(first->message_id), first);
}

static void leave_message(use_t *use)
{
    use_t *first = message_uses(use->message_id), **link = &first;
    while (*link != use) link = &(*link)->next_of_message;
    *link = use->next_of_message;
    message_set(use->message_id, first);
}

/* ---- Uses ---- */

void use_add(media_t *media, salon_topic_t topic, apr_int64_t message_id, apr_int64_t now)
{
    use_t *use = calloc(1, sizeof(*use));
    if (use == NULL) abort();
    use->media = media;
    use->place = place_make(topic);
    use->message_id = message_id;
    use->next_of_message = message_uses(message_id);
    message_set(message_id, use);
    LIST_INSERT_HEAD(&media->uses, use, of_media);
    LIST_INSERT_HEAD(&use->place->uses, use, of_place);
    media->idle_at = now;
    media_set_busy(media);
}

static void use_free(use_t *use)
{
    leave_message(use);
    LIST_REMOVE(use, of_media);
    LIST_REMOVE(use, of_place);
    place_free_unused(use->place);
    free(use);
}

static void use_free_at(use_t *use, apr_int64_t now)
{
    media_t *media = use->media;
    use_free(use);
    if (LIST_EMPTY(&media->uses) && !media->going) media_set_idle(media, now);
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

/* What is left of the place goes with its last use. */
static bool place_end(place_t *place, apr_int64_t now)
{
    use_t *use = place != NULL ? LIST_FIRST(&place->uses) : NULL, *next;
    bool any = use != NULL;
    for (; use != NULL; use = next) {
        next = LIST_NEXT(use, of_place);
        use_free_at(use, now);
    }
    return any;
}

static bool message_end(apr_int64_t message_id, apr_int64_t now)
{
    use_t *use = message_uses(message_id), *next;
    bool any = use != NULL;
    for (; use != NULL; use = next) {
        next = use->next_of_message;
        use_free_at(use, now);
    }
    return any;
}

void use_end(salon_topic_t topic, apr_int64_t message_id, apr_int64_t now)
{
    bool any = message_id != 0 ? message_end(message_id, now) : place_end(place_find(topic), now);
    if (any) forget_stored(topic, message_id, now);
}

void use_end_all(media_t *media)
{
    while (!LIST_EMPTY(&media->uses)) use_free(LIST_FIRST(&media->uses));
}

int use_count(const media_t *media)
{
    int count = 0;
    const use_t *use;
    LIST_FOREACH(use, &media->uses, of_media) count++;
    return count;
}

/* Of many uses in a row in one place, one is asked for. */
bool use_may_see(const salon_user_t *user, const media_t *media)
{
    const place_t *asked = NULL;
    const use_t *use;
    if (user != NULL && user->id == media->owner->user_id) return true;
    LIST_FOREACH(use, &media->uses, of_media) {
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
    all.messages = apr_hash_make(pool);
    all.kinds = apr_array_make(pool, 8, sizeof(const char *));
    apr_pool_create(&scratch, pool);
    const salon_rows_t *pruned = salon_load(
        scratch, "DELETE FROM media_uses WHERE NOT "
                 SALON_SQL_MESSAGE_EXISTS("media_uses.message_id"));
    apr_status_t rv = pruned != NULL ? uses_load(scratch) : APR_EGENERAL;
    apr_pool_destroy(scratch);
    return rv;
}
