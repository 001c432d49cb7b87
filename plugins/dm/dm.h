/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the plugin share: the conversation that a request is about, and the handlers.
 */
#ifndef DM_H
#define DM_H

#include "conversation.h"

#define DM_NOT_FOUND "conversation_not_found"
#define DM_BLOCKED   "conversation_blocked"

/* How a request names a conversation: by its id, or by the other person's. */
#define DM_ARGUMENTS                                                                             \
    { "conversation_id", SALON_ID, SALON_OPTIONAL, 0, 0 },                                       \
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 }

/* The one that the request names, if the asker is one of the two in it; NULL: there is none. */
conversation_t *dm_of(const salon_req_t *req);
/* The refusal where dm_of has found none. */
salon_outcome_t dm_none(salon_req_t *req);

/* Now in milliseconds, but never the same twice: what happens can be put in order by it. */
apr_int64_t dm_moment(void);

/*
 * Goes on with `next` when there is a conversation between the asker and the other one of the two,
 * who are named in this order where it must be made; then both are told, too.  The requests that
 * wait for one and the same conversation go on in their order.
 * Refusals: permission_denied (the asker is neither, or both), user_not_found, unavailable, and
 * those of others for "dm" on the other's topic.
 */
salon_outcome_t dm_open_then(salon_req_t *req, apr_int64_t user1_id, apr_int64_t user2_id,
                             salon_handler_t *next);

/* By either of the two, or about to be. */
bool dm_is_blocked(const conversation_t *conversation);
/* Marks everything as read by that one of the two, and tells both, unless it was so already.  The
 * timeline is loaded. */
void dm_has_read(conversation_t *conversation, apr_int64_t user_id);

salon_handler_t dm_open, dm_get, dm_list, dm_block, dm_read;

#endif
