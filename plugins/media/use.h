/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages use what has been uploaded, and where these have been said: whoever may read there
 * may see it.
 */
#ifndef MEDIA_USE_H
#define MEDIA_USE_H

#include <salon/message.h>

#include "library.h"

/* The message uses it from now on. */
void use_add(media_t *media, salon_topic_t topic, apr_int64_t message_id, apr_int64_t now);
/* A message has been deleted; 0: all of that topic.  What is not used any more is idle. */
void use_end(salon_topic_t topic, apr_int64_t message_id, apr_int64_t now);
/* It is about to be removed. */
void use_end_all(media_t *media);
/* user: NULL: somebody who has not signed in. */
bool use_may_see(const salon_user_t *user, const media_t *media);
int use_count(const media_t *media);

/* In start(), after media_load. */
apr_status_t use_load(apr_pool_t *pool);

#endif
