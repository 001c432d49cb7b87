/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences: numbers that are never given twice.  They are taken from the database in blocks, ahead
 * of need, so that several servers can share it; what a crash leaves of a block is lost, what a
 * clean stop leaves is given back.
 */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include "salon/plugin.h"

extern const salon_migration_t sequence_migrations[];

/* Before the first is opened. */
void sequence_init(apr_pool_t *pool);
/* Gives back what has not been used; the last that goes to the store before it stops. */
void sequence_stop(void);

#endif
