/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What changes between two people: the handlers of the operations of these names.  Each answers
 * {user_id, username, status}: the other one, and how things stand now ("friends", "requested" and
 * "asked" (by the other one), "blocked", "none").
 */
#ifndef PAIR_H
#define PAIR_H

#include <salon/plugin.h>

salon_handler_t friend_request, friend_accept, friend_decline, friend_remove, friend_block;

/* Their subject: somebody else, whom the arguments username or user_id name. */
salon_subject_t friend_subject;

/* Is one of the two just blocking the other?  What would be said now would be heard after that. */
bool friend_is_blocking(apr_int64_t user_id, apr_int64_t other_id);

/* Nobody has to do with somebody who has been erased any more, and is told so; the hook. */
void friend_erased(apr_int64_t user_id);

/* A new object: user_id, username. */
json_object *friend_person_json(apr_int64_t user_id);

#endif
