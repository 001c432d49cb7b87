/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugins are told and asked while the server runs, on the chat thread.  salon_may_not and the
 * like, by which they ask each other, are here as well.
 */
#ifndef HOOKS_H
#define HOOKS_H

#include "message.h"
#include "salon/plugin.h"

/* Calls that hook of every plugin that has it, in their order. */
void hooks_signed_in(salon_session_t *session, const salon_user_t *user);
void hooks_signed_out(salon_session_t *session, const salon_user_t *user);
void hooks_subscribed(salon_session_t *session, salon_topic_t topic);
void hooks_unsubscribed(salon_session_t *session, salon_topic_t topic);
void hooks_erasing(salon_req_t *req, apr_int64_t user_id);
void hooks_erased(apr_int64_t user_id);
void hooks_tick(apr_int64_t now);
void hooks_reload(void);
void hooks_stop(void);
/* Asks the plugins from *at on; kind 0: nobody objects, else the outcome, and *at is behind the one
 * whose it is. */
salon_outcome_t hooks_writing(salon_req_t *req, int *at);
/* What the asker is about to say in the topic: kind 0: nobody objects (*content may be another text
 * then, the arguments kind and media others); otherwise the request has been refused. */
salon_outcome_t hooks_say(salon_req_t *req, salon_topic_t topic, const char **content);

/* A message has been deleted; 0: the topic ceases to be. */
void hooks_unsaid(salon_topic_t topic, apr_int64_t message_id);

/* A message is about to be stored: plugins may add statements to the request. */
void hooks_storing(salon_req_t *req, salon_topic_t topic, const message_t *message);
/* It has been. */
void hooks_stored(const salon_req_t *req, salon_topic_t topic, const message_t *message);

#endif
