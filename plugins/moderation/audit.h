/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: who has done what to whom, where and when.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <salon/plugin.h>

extern const char *const audit_tables[]; /* of the migration */

/* In start(). */
apr_status_t audit_open(apr_pool_t *pool);
/* Adds the entry to what the request stores; false: it cannot be made now (unavailable).  The act's
 * details are consumed. */
bool audit_sql(salon_req_t *req, const salon_act_t *act);
/* Writes what others tell (hook `acted`). */
void audit_write(const salon_act_t *act);
/* Removes entries that were made before that moment. */
void audit_forget(apr_int64_t before);

/* The operation audit.list. */
salon_outcome_t audit_list(salon_req_t *req);

#endif
