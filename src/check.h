/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is checked of every request before its handler runs, by the tables: sign-in, arguments, the
 * token's age, role, rate, what it is about, and whether the asker may do that there.
 */
#ifndef CHECK_H
#define CHECK_H

#include "request.h"

/* Refuses the request, or calls its operation's handler. */
salon_outcome_t check_and_handle(salon_req_t *req);
/* The request has made nothing, so it does not count in the rate. */
void check_give_back(salon_req_t *req);

#endif
