/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /media: what a person may upload, and the way of it from the temporary file to an entry.
 */
#ifndef MEDIA_UPLOAD_H
#define MEDIA_UPLOAD_H

#include <salon/plugin.h>

typedef struct upload_settings_t {
    apr_int64_t size_limit; /* bytes of one file */
    apr_int64_t quota;      /* bytes of one person; 0: any number */
    apr_int64_t capacity;   /* bytes of all; 0: any number */
    apr_int64_t per_minute; /* uploads of one person; 0: any number */
    const char *const *types;
} upload_settings_t;

extern upload_settings_t upload_settings;

salon_outcome_t upload_post(salon_req_t *req);

#endif
