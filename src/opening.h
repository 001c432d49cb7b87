/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The opening of a WebSocket: what the handshake's headers say, and whether it is let in.
 */
#ifndef OPENING_H
#define OPENING_H

#include "conn.h"
#include "handshake.h"
#include "route.h"
#include "salon/dialect.h"

#define OPENING_QUERIES 16

struct salon_opening_t {
    apr_pool_t *pool;
    route_captures_t captures;
    int query_count;
    const char *queries[OPENING_QUERIES]; /* "name=value", decoded by lws */
    const char *bearer;
    handshake_t handshake;
};

/* Checks path and origin, and what else is asked for.  0: let in, conn->opening, ->wire and
 * ->endpoint are set; otherwise the HTTP status to refuse with. */
int opening_check(conn_t *conn);
void opening_free(struct salon_opening_t **opening);

/* A header's value in the pool, NULL without it; duplicates come joined by lws with ", ". */
const char *opening_header(struct lws *wsi, enum lws_token_indexes header, apr_pool_t *pool);
/* The token of "Authorization: Bearer", or NULL. */
const char *opening_read_bearer(struct lws *wsi, apr_pool_t *pool);
/* The query's parts; answers how many. */
int opening_read_queries(struct lws *wsi, apr_pool_t *pool, const char **parts, int most);
/* Of such parts, the value of the first with that name; NULL: none. */
const char *opening_query_find(const char *const *parts, int count, const char *name);

#endif
