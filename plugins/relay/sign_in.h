/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in with a token that the upstream knows, and checking it again, now and then, when
 * somebody writes.
 */
#ifndef SIGN_IN_H
#define SIGN_IN_H

#include <salon/plugin.h>

#define SIGN_IN_AWAY "upstream_away" /* a code: the upstream does not say whose the token is */

void sign_in_init(apr_pool_t *pool);

/* The operation: argument "token". */
salon_handler_t sign_in;

/* Hooks. */
salon_outcome_t sign_in_writing(salon_req_t *req);
void sign_in_tick(apr_int64_t now);
void sign_in_signed_out(salon_session_t *session, const salon_user_t *user);

#endif
