/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow mode: in a room that has one, everybody but its moderators waits some seconds from one
 * message to the next.
 */
#ifndef SLOW_H
#define SLOW_H

#include <salon/plugin.h>

extern const char *const slow_tables[]; /* of the migration */

/* In start(). */
apr_status_t slow_load(apr_pool_t *pool);
/* Seconds, of a place's key; 0: none. */
apr_int64_t slow_seconds(const char *place);
/* See the hook `say`; what is not refused counts. */
const char *slow_say(const salon_user_t *user, salon_topic_t topic, apr_pool_t *pool,
                     json_object **details_r);
/* Forgets who has spoken long enough ago. */
void slow_sweep(apr_int64_t now);

/* The operation moderation.slow. */
salon_outcome_t slow_set(salon_req_t *req);

#endif
