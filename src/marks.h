/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks: what people put on messages (salon/message.h).  Stored with the message as one JSON text:
 * {"<kind>": {"<value>": [user ids, in the order in which they came]}}.
 */
#ifndef MARKS_H
#define MARKS_H

#include "salon/message.h"

typedef enum { MARKS_CHANGED, MARKS_UNCHANGED, MARKS_TOO_MANY } marks_outcome_t;

/* Any thread.  The text with the mark put on or taken off, in the pool; NULL when none are left.
 * marks: the text as it is; NULL: none. */
marks_outcome_t marks_change(apr_pool_t *pool, const char *marks, const salon_mark_kind_t *kind,
                             const char *value, apr_int64_t user_id, bool add,
                             const char **marks_r);
/* Chat thread.  Adds a member for every kind there is to a message's JSON form. */
void marks_describe(json_object *message, const char *marks);

#endif
