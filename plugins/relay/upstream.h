/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The upstream: another server that knows whose a token is, and keeps what is said.  Where it is,
 * and how requests to it are made.
 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <salon/fetch.h>

/* Settings. */
extern const char *upstream_url;        /* "": there is none */
extern const char *upstream_token_file; /* "": none */
extern apr_int64_t upstream_timeout;    /* seconds */

/* Takes over the settings, and reads the file.  NULL: done; else what is wrong, and everything is
 * as it was. */
const char *upstream_configure(void);
/* Any thread.  Is there one? */
bool upstream_exists(void);

/* Can the token stand in a header?  Any thread. */
bool upstream_token_ok(const char *token);
/* Asks whose the token is.  False: it cannot be asked now. */
bool upstream_whose(const char *token, salon_fetched_fn_t *done, void *baton);
/* Hands a message on, a JSON text, with its id.  False: not now. */
bool upstream_post(apr_int64_t id, const char *text, salon_fetched_fn_t *done, void *baton);

#endif
