/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deliveries are counted before it is known who misses an event; so the count is never too low.
 */
#include "pace.h"

#include <sys/param.h>
#include <time.h>

apr_int64_t pace_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (apr_int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pace_fill(pace_t *pace, apr_int64_t rate, apr_int64_t now)
{
    apr_int64_t passed = MIN(now - pace->at, 1000);
    pace->left = MIN(pace->left + rate * passed / 1000, rate);
    pace->at = now;
    if (pace->left == rate) pace->spent = false;
}

void pace_publish(pace_t *pace, const salon_topic_t *topics, int count, apr_int64_t except_user,
                  const char *event, json_object *data)
{
    for (int i = 0; i < count; i++) pace->left -= salon_topic_sessions(topics[i]);
    if (pace->left <= 0) pace->spent = true;
    salon_publish_topics(topics, count, except_user, event, data);
}
