/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversations there are, in memory: by id, and by the pair of people in them.
 */
#ifndef CONVERSATION_H
#define CONVERSATION_H

#include <salon/message.h>

/* Two people, the lower id first. */
typedef struct pair_t {
    apr_int64_t low, high;
} pair_t;

/* What a conversation is to one of the two. */
typedef struct person_t {
    apr_int64_t user_id;
    apr_int64_t blocked_at; /* when this one has blocked it; 0: has not */
    apr_int64_t read_seq;   /* everything up to this position has been read */
} person_t;

typedef struct conversation_t {
    apr_int64_t id;
    pair_t pair;
    person_t persons[2]; /* in the order in which they were named first */
    apr_int64_t created_at;
    salon_timeline_t *timeline;
} conversation_t;

extern const salon_timeline_kind_t conversation_timeline;
/* Settings: how much is kept of what people say to each other. */
extern salon_keep_t conversation_kept;
extern const salon_migration_t conversation_migrations[];
extern const salon_personal_t conversation_personal[];

/* Reads all conversations; in start(). */
apr_status_t conversation_load(apr_pool_t *pool);

pair_t conversation_pair(apr_int64_t a, apr_int64_t b);

/* NULL: none. */
conversation_t *conversation_find(apr_int64_t id);
conversation_t *conversation_between(pair_t pair);
/* Puts one into the directory. */
conversation_t *conversation_add(apr_int64_t id, apr_int64_t user1_id, apr_int64_t user2_id,
                                 apr_int64_t created_at);
/* Takes it out, and frees it. */
void conversation_remove(conversation_t *conversation);

/* Somebody who has been erased has read nothing, and blocks nothing any more; the hook. */
void conversation_forget(apr_int64_t user_id);

/* NULL: not one of the two. */
person_t *conversation_person(conversation_t *conversation, apr_int64_t user_id);
/* The one of the two that user_id is not. */
person_t *conversation_other(conversation_t *conversation, apr_int64_t user_id);
/* Who has blocked it, first; 0: nobody. */
apr_int64_t conversation_blocked_by(const conversation_t *conversation);

salon_topic_t conversation_topic(const conversation_t *conversation);
/* A new object: id, user1_id, user2_id, is_blocked, blocked_by, created_at. */
json_object *conversation_json(const conversation_t *conversation);
/* Tells both, on all their connections.  data: consumed. */
void conversation_publish(const conversation_t *conversation, const char *event,
                          json_object *data);

#endif
