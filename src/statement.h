/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements of a request: the way of plugins to the store (salon_sql, salon_store, salon_query,
 * salon_load).
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include "request.h"

/* A refused request for a job that has failed. */
salon_outcome_t statement_failed(salon_req_t *req, db_status_t status);

#endif
