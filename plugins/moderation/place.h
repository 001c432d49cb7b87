/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a moderator acts: in a room, or on the whole server; and who may act there upon whom.
 */
#ifndef PLACE_H
#define PLACE_H

#include <salon/plugin.h>

/* Code points of the reasons that people give. */
#define REASON_MOST 500

typedef struct place_t {
    salon_topic_t topic; /* SALON_SERVER: everywhere */
    /* What it is remembered by: "" everywhere, else "room/<slug>", so that what was decided in a
     * room that comes and goes holds when it is made again. */
    const char *key;
} place_t;

/* The place that the arguments room, room_id name; without them the server.  False: there is no
 * such room, and the request has been refused. */
bool place_of(salon_req_t *req, place_t *place_r, salon_outcome_t *refused_r);
/* The subjects of lists: the place in which the asker may moderate, or audit, which then is the
 * request's data; of a client it must be a room. */
salon_subject_t place_moderated, place_audited;
bool place_is_server(const place_t *place);
/* The key of a topic that is a room, in the pool; NULL: it is none. */
const char *place_key(salon_topic_t topic, apr_pool_t *pool);
/* What a topic is stored as, in the pool. */
const char *place_topic_text(salon_topic_t topic, apr_pool_t *pool);
/* Adds the member "room", unless it is the server. */
json_object *place_describe(json_object *object, const place_t *place);
/* Answers what has been listed of a place, which is the request's data: it, and each row's form in
 * the list `name`. */
salon_outcome_t place_reply(salon_req_t *req, const salon_rows_t *rows, const char *name,
                            json_object *(*form)(const salon_rows_t *rows, int row));

/* May the user do that ("moderate", "manage", "audit") there?  On the whole server administrators
 * may.  NULL, or the code to fail with. */
const char *place_may_not(const salon_user_t *user, const char *what, const place_t *place);
/* Does the user stand above the other one there? */
bool place_outranks(const salon_user_t *user, const salon_user_t *other, const place_t *place);
/* True while ranks are being compared: what somebody is suffers from no sanction. */
bool place_ranking(void);

#endif
