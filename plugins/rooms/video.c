/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Videos are few, and all in memory; each change is stored before it takes effect there.
 */
#include "video.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define SLUG        "video-"
#define DIGITS_MOST 16 /* of an id below 2^53 */

static apr_hash_t *videos; /* id -> video_t */

static video_t *video_by_id(apr_int64_t id)
{
    return apr_hash_get(videos, &id, sizeof(id));
}

/* 0: the text is no number. */
static apr_int64_t number_of(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= DIGITS_MOST && text[digits] == '\0'
               ? apr_strtoi64(text, NULL, 10)
               : 0;
}

const video_t *video_find(const char *text)
{
    return video_by_id(number_of(text));
}

const char *video_slug(const video_t *video, apr_pool_t *pool)
{
    return apr_psprintf(pool, SLUG "%" APR_INT64_T_FMT, video->id);
}

apr_int64_t video_id_of_slug(const char *slug)
{
    size_t length = strlen(SLUG);
    return strncmp(slug, SLUG, length) == 0 ? number_of(slug + length) : 0;
}

/* One block: the video, and its title behind it. */
static void video_put(apr_int64_t id, const char *title, apr_int64_t created_at)
{
    size_t length = strlen(title) + 1;
    video_t *video = malloc(sizeof(*video) + length);
    if (video == NULL) abort();
    char *copy = memcpy(video + 1, title, length);
    *video = (video_t){ .id = id, .title = copy, .created_at = created_at };
    apr_hash_set(videos, &video->id, sizeof(video->id), video);
}

static void video_drop(apr_int64_t id)
{
    video_t *video = video_by_id(id);
    apr_hash_set(videos, &id, sizeof(id), NULL);
    free(video);
}

static void row_take(const salon_rows_t *rows, int row)
{
    video_put(salon_rows_integer(rows, row, 0), salon_rows_text(rows, row, 1),
              salon_rows_integer(rows, row, 2));
}

apr_status_t video_load(apr_pool_t *pool)
{
    videos = apr_hash_make(pool);
    return salon_load_each(row_take, "SELECT id, title, created_at FROM videos");
}

/* ---- Operations ---- */

static json_object *video_json(apr_int64_t id, const char *title, apr_int64_t created_at)
{
    json_object *json = salon_json_integer(salon_json(), "id", id);
    salon_json_string(json, "title", title);
    return salon_json_integer(json, "created_at", created_at);
}

static salon_outcome_t added(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    const char *title = salon_arg_string(req, "title");
    const apr_int64_t *now = salon_req_data(req);
    video_put(id, title, *now);
    return salon_reply(req, video_json(id, title, *now));
}

salon_outcome_t video_add(salon_req_t *req)
{
    apr_int64_t id = salon_arg_integer(req, "id", 0), now = salon_now();
    salon_req_set_data(req, apr_pmemdup(salon_req_pool(req), &now, sizeof(now)));
    salon_sql(req, "INSERT INTO videos (id, title, created_at) VALUES (%ld, %s, %ld)", (long)id,
              salon_arg_string(req, "title"), (long)now);
    return salon_store(req, added);
}

static int by_id(const void *a, const void *b)
{
    const video_t *left = *(video_t *const *)a, *right = *(video_t *const *)b;
    return left->id < right->id ? -1 : left->id > right->id;
}

salon_outcome_t video_list(salon_req_t *req)
{
    apr_array_header_t *all = apr_array_make(salon_req_pool(req), 16, sizeof(video_t *));
    json_object *list = json_object_new_array();
    for (apr_hash_index_t *i = apr_hash_first(NULL, videos); i; i = apr_hash_next(i))
        APR_ARRAY_PUSH(all, video_t *) = apr_hash_this_val(i);
    qsort(all->elts, (size_t)all->nelts, sizeof(video_t *), by_id);
    for (int i = 0; i < all->nelts; i++) {
        const video_t *video = APR_ARRAY_IDX(all, i, video_t *);
        json_object_array_add(list, video_json(video->id, video->title, video->created_at));
    }
    return salon_reply(req, salon_json_value(salon_json(), "videos", list));
}

static salon_outcome_t gone(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    video_drop(id);
    return salon_reply(req, salon_json_integer(salon_json(), "id", id));
}

salon_outcome_t video_remove(salon_req_t *req)
{
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    if (video_by_id(id) == NULL) return salon_fail(req, VIDEO_NOT_FOUND);
    salon_sql(req, "DELETE FROM videos WHERE id = %ld", (long)id);
    return salon_store(req, gone);
}
