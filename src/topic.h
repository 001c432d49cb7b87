/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics, as the chat thread sees them: which sessions hear what.  A topic exists while somebody
 * hears it; network threads know it by its number.
 */
#ifndef TOPIC_H
#define TOPIC_H

#include "salon/plugin.h"

/* Before anybody hears anything. */
void topic_init(apr_pool_t *pool);
/* Topics that somebody hears. */
apr_int64_t topic_count(void);
/* The session hears nothing any more (its connection has gone; the network thread knows). */
void topic_leave_all(salon_session_t *session);

#endif
