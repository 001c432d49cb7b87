/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timelines in memory: figures and the newest messages, loaded when first asked for and kept as
 * long as memory allows.  Chat thread.
 *
 * Everything that changes a timeline, and the loading of it, goes through the one queue of the
 * writing store thread, so what is told after a load has happened after it.
 */
#ifndef TIMELINE_H
#define TIMELINE_H

#include "message.h"
#include "request.h"

#define TIMELINE_RECENT 128 /* messages in memory, of one timeline */

struct salon_timeline_t {
    apr_int64_t id;
    apr_int64_t owner_id;
    const salon_timeline_kind_t *kind;
    bool volatile_, loaded, loading, closed;
    salon_timeline_info_t info;
    message_t **recent; /* oldest first, without deleted ones; NULL: none were kept yet */
    int recent_count;
    apr_size_t size; /* bytes of these */
    struct waiter_t *waiters;
    salon_timeline_t *newer, *older; /* by last use, of the loaded stored ones */
};

/* NULL: not open. */
salon_timeline_t *timeline_find(apr_int64_t id);
/* The kinds there are, by 0, 1, 2 ...; NULL: no more. */
const salon_timeline_kind_t *timeline_kind_at(int index);
/* NULL: nothing open has that topic. */
salon_timeline_t *timeline_of_topic(salon_topic_t topic);
/* Its owner's topic. */
salon_topic_t timeline_topic(const salon_timeline_t *timeline);
/* All messages there are, are in memory. */
bool timeline_complete(const salon_timeline_t *timeline);
/* The place in `recent`; -1: not there. */
int timeline_index(const salon_timeline_t *timeline, apr_int64_t message_id);

/* Tells those whom messages of this timeline are for.  data: consumed. */
void timeline_publish(const salon_timeline_t *timeline, const char *event, json_object *data);

/* Answers with `data` (consumed), then publishes it.  The answer has the member "unheard" (true)
 * when the connection that asked will not hear the event. */
salon_outcome_t timeline_answer(salon_req_t *req, const salon_timeline_t *timeline,
                                const char *event, json_object *data);

/* A message has been committed, with the next position; copied. */
void timeline_append(salon_timeline_t *timeline, const message_t *message);
/* A message has been changed (edited, pinned, deleted) at position changed_seq; copied. */
void timeline_changed(salon_timeline_t *timeline, const message_t *message);
/* A message, which had not been deleted, is there no longer; no position has moved. */
void timeline_expired(salon_timeline_t *timeline, apr_int64_t message_id, apr_int64_t parent_id);
/* A new object: {<member>: ..., "message": ...}. */
json_object *timeline_json(const salon_timeline_t *timeline, const message_t *message);
/* The one of which nothing is stored that has this message; NULL: none. */
salon_timeline_t *timeline_volatile_with(apr_int64_t message_id);

#endif
