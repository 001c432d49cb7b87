/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reference program does with its database, through the database's own C library and
 * prepared statements: direct_sqlite3.c, direct_pgsql.c and direct_mysql.c each define
 * direct_engine.  The tables are those that salond has made there.  What fails ends the program.
 */
#ifndef DIRECT_H
#define DIRECT_H

#include <stddef.h>
#include <stdint.h>

#include "report.h"

/* The columns of `messages` that salond writes and reads. */
#define DIRECT_COLUMNS                                                                           \
    "id, timeline_id, seq, changed_seq, author_id, parent_id, reply_count, created_at, "         \
    "edited_at, content, mentions, client_key, pinned, deleted, marks, attachment, author_name"
#define DIRECT_COLUMN_COUNT 17

#define DIRECT_PAGE 51 /* messages of a page, and the one that says whether there are more */

typedef struct direct_place_t {
    const char *name; /* of the database, or its file */
    int port;
    const char *user;
    const char *password; /* NULL: none */
} direct_place_t;

typedef struct direct_timeline_t {
    int64_t id;
    int64_t seq;   /* after the messages of this transaction */
    int64_t count; /* how many these are */
} direct_timeline_t;

typedef struct direct_message_t {
    int64_t id, timeline_id, seq, author_id, created_at;
    char content[512];
    char client_key[64];
} direct_message_t;

typedef struct direct_engine_t {
    void (*open)(const direct_place_t *place);
    /* Makes an empty timeline, unless there is one of that id. */
    void (*add_timeline)(int64_t id);
    /* One transaction, durable when this returns: the timelines' positions, and the messages. */
    void (*store)(const direct_timeline_t *timelines, int timeline_count,
                  const direct_message_t *const *messages, int message_count);
    /* Reads the page before a message, all columns; says how many rows that were. */
    int (*page)(int64_t timeline_id, int64_t before);
    /* The planner's knowledge of the tables, brought up to date as the server itself does. */
    void (*analyze)(void);
} direct_engine_t;

extern const direct_engine_t direct_engine;

/* ---- What is done with it: each prints a row, and ends the program where something fails ---- */

typedef struct direct_options_t {
    direct_place_t place;
    options_t report; /* label, output */
    int senders;
    int size; /* bytes of content */
    double seconds, warmup;
    int64_t timeline, first, messages; /* of history: its messages have the ids from first on */
} direct_options_t;

void direct_sends(const direct_options_t *options);
void direct_pages(const direct_options_t *options);
void direct_fill(const direct_options_t *options);

/* A message, but for its position. */
void direct_compose(const direct_options_t *options, direct_message_t *message, int64_t id,
                    int64_t timeline_id, int64_t author_id);

/* ---- Statements ---- */

#define DIRECT_UPDATE "UPDATE timelines SET seq = ?, message_count = message_count + ? WHERE id = ?"

/* As salond has it: for MariaDB alone that is no comment, and it needs it. */
#define DIRECT_SELECT(timeline, before, anchor)                                                  \
    "SELECT " DIRECT_COLUMNS " FROM messages /*! FORCE INDEX (messages_seq) */"                  \
    " WHERE timeline_id = " timeline                                                             \
    " AND deleted = 0 AND seq < (SELECT seq FROM messages WHERE id = " before                    \
    " AND timeline_id = " anchor ") ORDER BY seq DESC LIMIT 51"

#endif
