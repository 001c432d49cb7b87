/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is typing where.  Kept in memory only; what is told of it may be missed by slow readers.
 */
#ifndef TYPING_H
#define TYPING_H

#include "pace.h"

/* Settings. */
extern apr_int64_t typing_expiry, typing_interval, typing_rate;

void typing_init(apr_pool_t *pool);

/* The user types there, or has stopped. */
void typing_start(const salon_user_t *user, salon_topic_t topic);
void typing_stop(const salon_user_t *user, salon_topic_t topic);
/* Anywhere. */
void typing_stop_all(const salon_user_t *user);
/* The user, who is about to vanish, is not there any more. */
void typing_forget(const salon_user_t *user, salon_topic_t topic);

void typing_tick(apr_int64_t now);

#endif
