/* SPDX-License-Identifier: Apache-2.0 */
/*
 * About 200 bytes for each entry.  Sending a message asks whether what it names is there, and that
 * cannot wait for a database without messages overtaking each other; so entries are in memory.
 */
#include "library.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include <salon/dialect.h>

#include "shelf.h"

#define LOAD_BATCH 1000

static struct {
    salon_map_t by_id;
    apr_hash_t *owners, *files, *types;
    apr_pool_t *pool;
    apr_int64_t bytes;
    media_t *idle, **idle_last;
} library;

static const char *const media_1[] = {
    "CREATE TABLE media_entries (id BIGINT PRIMARY KEY, user_id BIGINT NOT NULL,"
    " digest VARCHAR(64) NOT NULL, byte_count BIGINT NOT NULL, content_type VARCHAR(120) NOT NULL,"
    " file_name VARCHAR(255) NOT NULL, created_at BIGINT NOT NULL, idle_at BIGINT NOT NULL)",
    "CREATE INDEX media_entries_digest ON media_entries (digest)",
    "CREATE TABLE media_uses (media_id BIGINT NOT NULL, message_id BIGINT NOT NULL,"
    " topic_kind VARCHAR(40) NOT NULL, topic_id BIGINT NOT NULL,"
    " PRIMARY KEY (media_id, message_id))",
    "CREATE INDEX media_uses_message ON media_uses (message_id)",
    "CREATE INDEX media_uses_topic ON media_uses (topic_kind, topic_id)",
    NULL,
};

const salon_migration_t media_migrations[] = { { 1, media_1 }, { 0, NULL } };

/* ---- Files ---- */

media_file_t *media_file_hold(const char *digest, apr_int64_t size)
{
    media_file_t *file = apr_hash_get(library.files, digest, MEDIA_DIGEST);
    if (file == NULL) {
        file = calloc(1, sizeof(*file));
        if (file == NULL) abort();
        apr_cpystrn(file->digest, digest, sizeof(file->digest));
        file->size = size;
        apr_hash_set(library.files, file->digest, MEDIA_DIGEST, file);
    }
    file->holders++;
    return file;
}

/* What is put on the shelf again afterwards comes behind this removal. */
void media_file_release(media_file_t **file)
{
    media_file_t *released = *file;
    *file = NULL;
    if (--released->holders > 0) return;
    shelf_remove(released->digest);
    apr_hash_set(library.files, released->digest, MEDIA_DIGEST, NULL);
    free(released);
}

bool media_file_known(const char *digest)
{
    return apr_hash_get(library.files, digest, MEDIA_DIGEST) != NULL;
}

/* ---- Owners ---- */

media_owner_t *media_owner(apr_int64_t user_id)
{
    media_owner_t *owner = apr_hash_get(library.owners, &user_id, sizeof(user_id));
    if (owner != NULL) return owner;
    owner = apr_pcalloc(library.pool, sizeof(*owner));
    owner->user_id = user_id;
    apr_hash_set(library.owners, &owner->user_id, sizeof(owner->user_id), owner);
    return owner;
}

/* ---- Idle ones, in the order in which they became so ---- */

void media_set_busy(media_t *media)
{
    if (media->idle_link == NULL) return;
    *media->idle_link = media->idle_next;
    if (media->idle_next != NULL) media->idle_next->idle_link = media->idle_link;
    else library.idle_last = media->idle_link;
    media->idle_link = NULL;
    media->idle_next = NULL;
}

void media_set_idle(media_t *media, apr_int64_t now)
{
    media_set_busy(media);
    media->idle_at = now;
    media->idle_link = library.idle_last;
    *library.idle_last = media;
    library.idle_last = &media->idle_next;
}

media_t *media_idle_first(void)
{
    return library.idle;
}

/* ---- Entries ---- */

static media_t *entry_find(apr_int64_t id)
{
    return salon_map_get(&library.by_id, id);
}

media_t *media_find(apr_int64_t id)
{
    media_t *media = entry_find(id);
    return media != NULL && !media->going ? media : NULL;
}

media_t *media_find_going(apr_int64_t id)
{
    media_t *media = entry_find(id);
    return media != NULL && media->going ? media : NULL;
}

apr_int64_t media_bytes(void)
{
    return library.bytes;
}

apr_int64_t media_count(void)
{
    return library.by_id.count;
}

/* There are few, so each is kept once, for good. */
static const char *type_keep(const char *type)
{
    const char *kept = apr_hash_get(library.types, type, APR_HASH_KEY_STRING);
    if (kept != NULL) return kept;
    kept = apr_pstrdup(library.pool, type);
    apr_hash_set(library.types, kept, APR_HASH_KEY_STRING, kept);
    return kept;
}

media_t *media_add(apr_int64_t id, media_file_t *file, const salon_upload_t *as, const char *type,
                   apr_int64_t user_id, apr_int64_t now)
{
    size_t length = strlen(as->name) + 1;
    media_t *media = calloc(1, sizeof(*media) + length);
    if (media == NULL) abort();
    media->id = id;
    media->owner = media_owner(user_id);
    media->file = file;
    media->type = type_keep(type);
    media->created_at = now;
    memcpy(media->name, as->name, length);
    media->owner->bytes += file->size;
    library.bytes += file->size;
    salon_map_set(&library.by_id, media->id, media);
    media_set_idle(media, now);
    return media;
}

void media_remove(media_t *media)
{
    media_set_busy(media);
    media->owner->bytes -= media->file->size;
    library.bytes -= media->file->size;
    salon_map_set(&library.by_id, media->id, NULL);
    media_file_release(&media->file);
    free(media);
}

const salon_map_t *media_all(void)
{
    return &library.by_id;
}

/* Those that are on their way out already go by themselves. */
void media_forget_unused(apr_int64_t user_id)
{
    media_t *next;
    for (media_t *media = library.idle; media != NULL; media = next) {
        next = media->idle_next;
        if (media->owner->user_id == user_id) media_remove(media);
    }
}

media_url_t media_url(const media_t *media)
{
    media_url_t url;
    apr_snprintf(url.text, sizeof(url.text), "/media/%" APR_INT64_T_FMT, media->id);
    return url;
}

json_object *media_json(const media_t *media)
{
    json_object *json = salon_json_integer(salon_json(), "media_id", media->id);
    salon_json_string(json, "url", media_url(media).text);
    salon_json_string(json, "media_type", media->type);
    salon_json_integer(json, "size", media->file->size);
    salon_json_string(json, "name", media->name);
    salon_json_integer(json, "user_id", media->owner->user_id);
    return salon_json_integer(json, "created_at", media->created_at);
}

json_object *media_http_json(const media_t *media)
{
    return salon_json_value(media_json(media), "created_at", salon_time_json(media->created_at));
}

/* ---- Loading ---- */

static void row_take(const salon_rows_t *rows, int row)
{
    salon_upload_t as = { .name = salon_rows_text(rows, row, 5) };
    media_file_t *file = media_file_hold(salon_rows_text(rows, row, 2),
                                         salon_rows_integer(rows, row, 3));
    media_t *media = media_add(salon_rows_integer(rows, row, 0), file, &as,
                               salon_rows_text(rows, row, 4), salon_rows_integer(rows, row, 1),
                               salon_rows_integer(rows, row, 6));
    media->idle_at = salon_rows_integer(rows, row, 7);
}

/* A thousand at a time, for rows take more memory than what they become. */
static apr_status_t entries_load(apr_pool_t *pool)
{
    apr_int64_t last = 0;
    for (;;) {
        const salon_rows_t *rows = salon_load(
            pool,
            "SELECT id, user_id, digest, byte_count, content_type, file_name, created_at, idle_at"
            " FROM media_entries WHERE id > %ld ORDER BY id LIMIT %d",
            (long)last, LOAD_BATCH);
        if (rows == NULL) return APR_EGENERAL;
        for (int row = 0; row < rows->count; row++) row_take(rows, row);
        if (rows->count < LOAD_BATCH) return APR_SUCCESS;
        last = salon_rows_integer(rows, rows->count - 1, 0);
        apr_pool_clear(pool);
    }
}

static int idle_compare(const void *a, const void *b)
{
    const media_t *const *x = a, *const *y = b;
    return ((*x)->idle_at > (*y)->idle_at) - ((*x)->idle_at < (*y)->idle_at);
}

/* They have been added by rising ids. */
static void idle_sort(void)
{
    unsigned count = 0, i = 0;
    for (const media_t *media = library.idle; media != NULL; media = media->idle_next) count++;
    media_t **all = calloc(count + 1, sizeof(media_t *));
    if (all == NULL) abort();
    for (media_t *media = library.idle; media != NULL; media = media->idle_next) all[i++] = media;
    qsort(all, count, sizeof(media_t *), idle_compare);
    for (i = 0; i < count; i++) media_set_idle(all[i], all[i]->idle_at);
    free(all);
}

apr_status_t media_load(apr_pool_t *pool)
{
    apr_pool_t *scratch;
    library.pool = pool;
    library.owners = apr_hash_make(pool);
    library.files = apr_hash_make(pool);
    library.types = apr_hash_make(pool);
    library.idle_last = &library.idle;
    apr_pool_create(&scratch, pool);
    apr_status_t rv = entries_load(scratch);
    apr_pool_destroy(scratch);
    if (rv == APR_SUCCESS) idle_sort();
    return rv;
}
