/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The videos that the administrator has registered; each has a live room when somebody watches it.
 */
#ifndef VIDEO_H
#define VIDEO_H

#include <salon/plugin.h>

#define VIDEO_NOT_FOUND "video_not_found"

typedef struct video_t {
    apr_int64_t id;
    const char *title;
    apr_int64_t created_at;
} video_t;

/* Reads all; in start(). */
apr_status_t video_load(apr_pool_t *pool);
/* By a text, digits alone; NULL: none. */
const video_t *video_find(const char *text);
/* What its room is called, in the pool; and the reverse, 0: no room of a video is called so. */
const char *video_slug(const video_t *video, apr_pool_t *pool);
apr_int64_t video_id_of_slug(const char *slug);

salon_handler_t video_add, video_list, video_remove;

#endif
