/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table relay_outbox: what is to be handed on to the upstream, from the transaction that stored
 * the message until the upstream has it; and what it has refused for good, which is parked there.
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include <salon/plugin.h>

extern bool outbox_all; /* a setting: hand on what is said in other dialects, too */

extern const salon_migration_t outbox_migrations[];
extern const salon_metric_t outbox_metrics[];

/* Reads what waits; in start(). */
apr_status_t outbox_load(apr_pool_t *pool);

/* Hooks. */
void outbox_storing(salon_req_t *req, salon_topic_t topic, json_object *message);
void outbox_stored(salon_session_t *session, salon_topic_t topic, json_object *message);
void outbox_erasing(salon_req_t *req, apr_int64_t user_id);
void outbox_erased(apr_int64_t user_id);

/* Operations: parked.list; parked.retry and parked.drop, argument "id". */
salon_handler_t outbox_parked, outbox_retry, outbox_drop;

#endif
