/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that makes HTTP requests for plugins (<salon/fetch.h>).
 */
#ifndef FETCH_H
#define FETCH_H

#include "salon/fetch.h"

/* Before any other thread; then salon_fetch may be called. */
apr_status_t fetch_start(apr_pool_t *pool);
/* Chat thread.  Ends the thread; what is under way is answered with status 0, by notes to the chat
 * thread, and nothing more is begun.  Also right when fetch_start was not called. */
void fetch_stop(void);
/* Chat thread.  Those that have not been answered. */
int fetch_count(void);
/* The library's version. */
const char *fetch_version(void);

#endif
