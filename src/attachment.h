/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message is beside its text: its kind, and the media that go with it.  Both are kept as one
 * JSON text with the message, NULL for text alone.
 */
#ifndef ATTACHMENT_H
#define ATTACHMENT_H

#include <stdbool.h>

#include <apr_pools.h>
#include <json-c/json.h>

/* What is wrong with media that came from outside. */
typedef struct attachment_wrong_t {
    const char *field; /* "media.url"; NULL: nothing */
    int limit;         /* code points, when it is too long; 0: it is malformed */
} attachment_wrong_t;

/* One of "text", "image", "audio", "video", "file"? */
bool attachment_kind_ok(const char *kind);
attachment_wrong_t attachment_check(json_object *media);
/* An empty list of ids and nothing else: as good as no media.  media: whatever came, or NULL. */
bool attachment_is_nothing(json_object *media);
/* In the pool; kind and media may be NULL.  Of checked media; what they have beside the known
 * members is left out. */
const char *attachment_text(apr_pool_t *pool, const char *kind, json_object *media);
/* Adds the members "kind" and "media" (null: none) to a message's JSON form. */
void attachment_describe(json_object *message, const char *attachment);

#endif
