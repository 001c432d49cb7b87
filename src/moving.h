/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving data: what salond does in the place of serving, when it is asked to export or to import.
 */
#ifndef MOVING_H
#define MOVING_H

#include "settings.h"

typedef struct moving_t {
    const config_t *config;
    const char *plugin_dir; /* of plugins that are not configured, but have data */
    const char *file;       /* "-": standard output or input */
    const char *person;     /* whose data are exported; NULL: everything is */
} moving_t;

/* Into the file, which must not be there and is made for our user alone; it is removed again when
 * something is wrong.  NULL: done, and said on standard error; otherwise what is wrong. */
const char *moving_export(apr_pool_t *pool, const moving_t *moving);
/* Out of the file.  The same. */
const char *moving_import(apr_pool_t *pool, const moving_t *moving);

#endif
