/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing messages on: of each lane one after the other, of some lanes at a time.
 */
#ifndef DELIVERY_H
#define DELIVERY_H

#include <salon/plugin.h>

#include "lane.h"

/* Settings. */
extern apr_int64_t delivery_at_once;    /* lanes */
extern apr_int64_t delivery_retry_most; /* seconds */

typedef struct delivery_counts_t {
    apr_int64_t waiting, parked, delivered, retries;
} delivery_counts_t;

extern delivery_counts_t delivery_counts;

/* So many messages more wait in the lane of that name; the first of them was said then. */
void delivery_add(const char *lane, int count, apr_int64_t created_at);
/* Begins what can be begun now. */
void delivery_work(void);
/* The upstream may be another one: no pauses any more. */
void delivery_restart(void);
void delivery_tick(apr_int64_t now);
/* Nothing is begun any more. */
void delivery_stop(void);

#endif
