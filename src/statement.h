/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of plugins to the store: statements of a request (salon_sql, salon_store, salon_query),
 * of a plugin's start (salon_load), and of neither (salon_change, salon_read, salon_write).
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include "request.h"

/* As salon_sql, with a statement that is complete, and of whose text nothing came from outside. */
void statement_sql(salon_req_t *req, const char *statement);
/* Store thread: runs what salon_sql has gathered. */
db_status_t statement_run(db_t *db, struct statements_t *statements);
/* Like salon_query, for what takes the longer the more is stored: it holds up no quick queries. */
salon_outcome_t statement_query_slow(salon_req_t *req, salon_then_t *then);
/* A refused request for a job that has failed. */
salon_outcome_t statement_failed(salon_req_t *req, db_status_t status);

#endif
