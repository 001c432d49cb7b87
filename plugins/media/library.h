/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has been uploaded: entries, each of one person; the files that they name, one for equal
 * contents; and how much each person has.  All of it is in memory, without the files' contents.
 */
#ifndef MEDIA_LIBRARY_H
#define MEDIA_LIBRARY_H

#include <sys/queue.h>

#include <salon/map.h>

#define MEDIA_DIGEST 64 /* characters */

/* Goes when nobody holds it any more, and with it the file on the disk. */
typedef struct media_file_t {
    char digest[MEDIA_DIGEST + 1];
    apr_int64_t size;
    int holders; /* entries, and uploads under way */
} media_file_t;

typedef struct media_owner_t {
    apr_int64_t user_id;
    apr_int64_t bytes;    /* of all entries, however often a content is among them */
    apr_int64_t expected; /* bytes of uploads under way ... */
    int uploads;          /* ... and how many these are */
    apr_int64_t minute;   /* when the one began in which `begun` uploads were begun */
    apr_int64_t begun;
} media_owner_t;

typedef struct media_t {
    apr_int64_t id;
    media_owner_t *owner;
    media_file_t *file;
    const char *type;
    apr_int64_t created_at;
    apr_int64_t idle_at; /* since when nothing uses it */
    bool going;          /* it is being removed from the database */
    LIST_HEAD(media_uses_t, media_use_t) uses;
    struct media_t *idle_next, **idle_link; /* link NULL: in use */
    char name[];
} media_t;

extern const salon_migration_t media_migrations[];

/* The entry, unless it is being removed; or NULL. */
media_t *media_find(apr_int64_t id);
media_owner_t *media_owner(apr_int64_t user_id);
/* Bytes of all entries. */
apr_int64_t media_bytes(void);
apr_int64_t media_count(void);
/* Takes the file's hold over; nothing uses it yet. */
media_t *media_add(apr_int64_t id, media_file_t *file, const salon_upload_t *as, const char *type,
                   apr_int64_t user_id, apr_int64_t now);
/* Its uses must have ended. */
void media_remove(media_t *media);
/* Removes those of somebody that nothing uses, and that are in the database no longer; a hook. */
void media_forget_unused(apr_int64_t user_id);
/* It is used, or not any more. */
void media_set_busy(media_t *media);
void media_set_idle(media_t *media, apr_int64_t now);
/* The entry that has been idle for the longest time, unless it is being removed; NULL: none. */
media_t *media_idle_first(void);
/* The entry whose removal from the database has been asked for has gone there, or has not. */
media_t *media_find_going(apr_int64_t id);
/* All entries, by id. */
const salon_map_t *media_all(void);

/* The file with that content, which one more holds from now on. */
media_file_t *media_file_hold(const char *digest, apr_int64_t size);
void media_file_release(media_file_t **file);
bool media_file_known(const char *digest);

/* In start(). */
apr_status_t media_load(apr_pool_t *pool);

/* "/media/12" */
typedef struct media_url_t {
    char text[40];
} media_url_t;

media_url_t media_url(const media_t *media);
/* {media_id, url, media_type, size, name, user_id, created_at}. */
json_object *media_json(const media_t *media);
/* The same for HTTP, where times are text. */
json_object *media_http_json(const media_t *media);

#endif
