/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quick start: a server without any configuration, with some people and a place to meet.
 */
#ifndef DEMO_H
#define DEMO_H

#include "settings.h"

/* Where its state is, without --state. */
const char *demo_state_dir(apr_pool_t *pool);
/* Makes the directory and the key, and puts both into the configuration.  NULL: done; otherwise
 * what is wrong. */
const char *demo_prepare(apr_pool_t *pool, config_t *config, const char *state_dir);
/* The same for a directory that there is already; nothing is made. */
const char *demo_find(apr_pool_t *pool, config_t *config, const char *state_dir);
/* Makes the people and the place, unless they exist, then prints what to paste.  Once the server is
 * ready; any thread. */
void demo_begin(void);

#endif
