/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GraphQL schema of live: rooms, as the canonical operations have them.
 */
#ifndef LIVE_GRAPHQL_ROOMS_H
#define LIVE_GRAPHQL_ROOMS_H

#include <salon/plugin.h>

#include "graphql.h"

extern const graphql_type_t *const graphql_room_types[];
/* A setting: seconds that a new room waits for the first one to enter. */
extern apr_int64_t graphql_unjoined_ttl;

/* One GraphQL request over HTTP; the baton of its run. */
typedef struct graphql_asked_t {
    salon_req_t *req;
    graphql_run_t *run; /* that waits for an operation; set by resolvers */
    bool answered;
    salon_outcome_t outcome; /* once it is answered */
    json_object *rooms;      /* the list, when it has been asked for; kept in the pool */
    json_object *coming;     /* the same, as far as it has come */
    graphql_request_t request;
} graphql_asked_t;

/* How a canonical refusal is told: the message, in the pool, and the code for programs. */
const char *graphql_refusal(apr_pool_t *pool, const char *code, json_object *details,
                            const char **code_r);

/* The routes' handlers. */
salon_handler_t graphql_get, graphql_post;
/* Makes the schema; in start(). */
apr_status_t graphql_start(apr_pool_t *pool);

#endif
