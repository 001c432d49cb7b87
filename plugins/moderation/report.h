/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: messages that somebody wants a moderator to look at.
 */
#ifndef REPORT_H
#define REPORT_H

#include <salon/plugin.h>

extern const char *const report_tables[]; /* of the migration */

/* In start(). */
apr_status_t report_open(apr_pool_t *pool);

/* The operations report.add and report.list. */
salon_outcome_t report_add(salon_req_t *req);
salon_outcome_t report_list(salon_req_t *req);

#endif
