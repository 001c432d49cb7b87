/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is, as its contents say; which types are taken, and how they are shown.  The one home
 * of libmagic.
 */
#ifndef MEDIA_TYPE_H
#define MEDIA_TYPE_H

#include <stdbool.h>

#include <apr_pools.h>

/* In start().  *error_r: why not. */
apr_status_t type_open(apr_pool_t *pool, const char **error_r);
/* On a working thread, one at a time.  The MIME type, in small letters, in the buffer; never
 * empty. */
void type_of_file(const char *path, char *type, size_t size);

/* Is it one of the list, of which a star at the end stands for anything? */
bool type_listed(const char *const *list, const char *type);
/* May a browser show it by itself?  Nothing in it is ever run then. */
bool type_is_shown(const char *type);
/* The Content-Type under which it is sent. */
const char *type_sent(const char *type);
/* The kind of message that it makes: "image", "audio", "video", "file". */
const char *type_kind(const char *type);

#endif
