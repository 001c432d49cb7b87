/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People without an account: a user for each connection, with a negative id, that nothing is stored
 * of; what one of them does counts for all who come from the same address.  Chat thread.
 */
#ifndef ANONYMOUS_H
#define ANONYMOUS_H

#include "user.h"

/* Makes or reads the secret in the state directory that names are made with; before the threads
 * start.  NULL: done; otherwise what is wrong, in the pool. */
const char *anonymous_init(apr_pool_t *pool, const char *state_dir);

/* A new one, called Anonymous_<address>, or else Anonymous_<a short hash of it>, which is the same
 * each time. */
user_t *anonymous_add(const char *address, bool show_address);
/* What has been done from that address without an account; to be used at once. */
rates_t *anonymous_rates(const char *address);
/* Frees it. */
void anonymous_remove(user_t **user);

#endif
