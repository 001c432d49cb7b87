/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message: as a row, in memory, and in its canonical JSON form (salon/message.h).
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "salon/message.h"

extern const salon_migration_t message_migrations[];

/* Allocated in one piece, strings included. */
typedef struct message_t {
    apr_int64_t id, timeline_id, seq, changed_seq;
    apr_int64_t author_id, parent_id; /* author 0: without an account; parent 0: none */
    apr_int64_t reply_count;
    apr_int64_t created_at, edited_at; /* edited 0: never */
    const char *content;
    const char *mentions;   /* JSON; NULL: none */
    const char *client_key; /* "<author_id>[.<kind, from 2>]:<client_id>"; NULL: none */
    const char *marks;      /* JSON, see marks.h; NULL: none */
    const char *attachment; /* JSON, see attachment.h; NULL: text alone */
    const char *author_name; /* of somebody without an account; NULL: the user has a name */
    bool pinned, deleted;
    apr_size_t size; /* of the whole piece */
} message_t;

/* The columns of a SELECT whose rows message_of_row understands. */
#define MESSAGE_COLUMNS                                                                          \
    "id, timeline_id, seq, changed_seq, author_id, parent_id, reply_count, created_at, "         \
    "edited_at, content, mentions, client_key, pinned, deleted, marks, attachment, author_name"

#define MESSAGE_BY_ID "SELECT " MESSAGE_COLUMNS " FROM messages WHERE id = %ld"

/* A copy in one piece, to be freed with free(). */
message_t *message_copy(const message_t *message);
/* *message_r is the same, with strings of its own in the pool. */
void message_copy_to(apr_pool_t *pool, const message_t *message, message_t *message_r);
/* *message_r points into the rows. */
void message_of_row(const salon_rows_t *rows, int row, message_t *message_r);
/* A new object.  Chat thread. */
json_object *message_json(const message_t *message);
/* Who is named by @name in the text: JSON in the pool, NULL: nobody.  Chat thread. */
const char *message_mentions(apr_pool_t *pool, const char *content);

#endif
