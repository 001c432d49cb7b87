/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timelines: the messages of a topic, in one order, stored.  Whatever people talk in (a room, a
 * conversation) owns a timeline and shares this code: positions without gaps, idempotent sending,
 * threads, mentions, history, edits, deletions, pins.
 *
 * A message's canonical JSON form: id, seq, changed_seq, author_id (null: somebody without an
 * account), author_name, kind, media (null: none), content, parent_id, reply_count, mentions
 * ([{user_id, username}]), pinned, created_at, edited_at (null: never), client_id.
 *
 * kind: "text", "image", "audio", "video", "file".  media: {url, type, duration, ids}, each of them
 * optional, but there is an url or an id: url is a relative path or begins with http:// or
 * https://, at most 2048 code points without control characters; type a MIME type; duration a
 * number of seconds, as it was given; ids at most 20 numbers.
 */
#ifndef SALON_MESSAGE_H
#define SALON_MESSAGE_H

#include <salon/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct salon_timeline_t salon_timeline_t;

/* How much of what is said is kept; 0: there is no limit.  What is beyond a limit is deleted some
 * time later, for good. */
typedef struct salon_keep_t {
    const char *name;     /* what such timelines are called, a constant: "public rooms" */
    apr_int64_t days;     /* nothing that is older */
    apr_int64_t messages; /* so many, the newest */
    bool pinned;          /* pinned messages stay, whatever their age, and beside that number */
} salon_keep_t;

#define SALON_KEEP_DAYS_MOST     36500 /* a hundred years */
#define SALON_KEEP_MESSAGES_MOST 1000000000

/* What salond must know of those who own timelines of one kind; a constant of the plugin. */
typedef struct salon_timeline_kind_t {
    const char *name; /* the topic's kind, too: "room" */
    int number;       /* 1 to 7, different for each kind, stored: never to be changed */
    /* The member that events of these messages carry beside "message": its name, and its value for
     * the owner with that id (a new reference; for a room: id, name, slug). */
    const char *member;
    json_object *(*describe)(apr_int64_t owner_id);
    /* Who is told of its messages, in the place of those who hear the topic: the persons, at
     * most two.  NULL: the topic. */
    int (*persons)(apr_int64_t owner_id, apr_int64_t user_ids[2]);
    /* The owner that people call so, see salon_topic_named; 0: none.  NULL: they have no names. */
    apr_int64_t (*find)(const char *text);
    /* How much is kept of what is said there (*keep_r is zero before; the name is always to be
     * said); false: everything.  Owner 0: may it be true of any?  NULL: everything, always. */
    bool (*keep)(apr_int64_t owner_id, salon_keep_t *keep_r);
} salon_timeline_kind_t;

/*
 * The timeline that `owner_id` has; lives until salon_timeline_close.  volatile_: nothing is
 * stored, the newest messages are kept in memory.  For a stored one, the plugin has run the
 * statement of salon_timeline_sql_add in the transaction that made the owner.
 * Opening reads nothing; what is needed is read when first asked for.
 */
SALON_API salon_timeline_t *salon_timeline_open(const salon_timeline_kind_t *kind,
                                                apr_int64_t owner_id, bool volatile_);
/* Forgets it and sets *timeline to NULL; what is stored stays. */
SALON_API void salon_timeline_close(salon_timeline_t **timeline);
/* Adds the statement that makes, or the ones that remove, the stored timeline of an owner.  From
 * the commit on nobody finds a message of one that is removed; the messages themselves are deleted
 * by and by, however many there are. */
SALON_API void salon_timeline_sql_add(salon_req_t *req, const salon_timeline_kind_t *kind,
                                      apr_int64_t owner_id);
SALON_API void salon_timeline_sql_remove(salon_req_t *req, const salon_timeline_kind_t *kind,
                                         apr_int64_t owner_id);

/* The arguments that sending takes: content, kind ("text" where nothing is said), media,
 * parent_id, client_id (of people without an account: not looked at). */
#define SALON_SEND_ARGUMENTS                                                                     \
    { "content", SALON_CONTENT, SALON_OR_MEDIA, 0, 0 },                                          \
    { "kind", SALON_KIND, SALON_OPTIONAL, 0, 0 }, { "media", SALON_MEDIA, SALON_OPTIONAL, 0, 0 }, \
    { "parent_id", SALON_ID, SALON_OPTIONAL, 0, 0 },                                             \
    { "client_id", SALON_STRING, SALON_OPTIONAL, 0, 128 }

/*
 * Statements that were added with salon_sql before are part of the transaction, and are run only
 * when the message is new.
 *
 * Stores what the request's arguments say, answers {<member>, message} and publishes
 * "message.new" of the same form, in that order.  The answer has "unheard" true when the connection
 * that asked does not hear the timeline's topic, and so will not be told.  A client_id that the
 * user has used before answers with the first message and "known" true, and publishes nothing.
 * Refusals: message_not_found (the parent is not of this timeline), unavailable.
 */
SALON_API salon_outcome_t salon_timeline_send(salon_req_t *req, salon_timeline_t *timeline);

/*
 * The arguments of history: limit, and at most one of before, after, around (message ids), since
 * (a position: everything that is new or has changed after it) and offset (how many of the newest
 * to leave out).  Offsets of one connection count from what was the newest when it last asked for
 * offset 0, so that pages do not move while new messages come; it remembers that of the eight
 * timelines that it has last asked for so.
 */
#define SALON_HISTORY_ARGUMENTS                                                                  \
    { "limit", SALON_INTEGER, SALON_OPTIONAL | SALON_CLAMP, 1, 100 },                            \
    { "before", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "after", SALON_ID, SALON_OPTIONAL, 0, 0 },   \
    { "around", SALON_ID, SALON_OPTIONAL, 0, 0 },                                                \
    { "since", SALON_INTEGER, SALON_OPTIONAL, 0, APR_INT64_MAX },                                \
    { "offset", SALON_INTEGER, SALON_OPTIONAL, 0, APR_INT64_MAX }

/*
 * Answers {<member>, messages (oldest first), has_more, total, seq}.  has_more: there are further
 * ones in the direction asked for (older ones, where none was).  total counts all messages of the
 * timeline that have not been deleted; seq is its position.  Deleted messages are left out, but
 * with `since` they are there, with deleted true and no content (not where nothing is stored: there
 * they are forgotten).
 */
SALON_API salon_outcome_t salon_timeline_history(salon_req_t *req, salon_timeline_t *timeline);

/*
 * Changes of one message (argument "message_id"), which move the timeline's position, stamp the
 * message and are told to the timeline's topic (answered with "unheard" as sending is).
 * `timeline` is where the message must be; NULL: anywhere.
 *  edit:   argument "content"; the author; answers and publishes {<member>, message} as
 *          "message.edited"
 *  delete: the author, or who may "moderate"; {<member>, message_id, user_id}, "message.deleted"
 *  pin:    argument "pin"; who may "pin"; {<member>, message_id, pinned, user_id, username, at},
 *          "message.pinned"
 * Refusals: message_not_found, permission_denied, unavailable.
 */
SALON_API salon_outcome_t salon_timeline_edit(salon_req_t *req, salon_timeline_t *timeline);
SALON_API salon_outcome_t salon_timeline_delete(salon_req_t *req, salon_timeline_t *timeline);
SALON_API salon_outcome_t salon_timeline_pin(salon_req_t *req, salon_timeline_t *timeline);

/*
 * Marks: what people put on a message, each person each value once: reactions, votes.  They are
 * kept with the message, and stand in its JSON form as the member `name`, a list of what
 * `describe` makes.
 */
typedef struct salon_mark_kind_t {
    const char *name;    /* stored: never to be changed */
    int most;            /* different values on one message */
    const char *added;   /* events: {<member>, message_id, value, user_id, username, at}; of
                          * `added` also id: as of a message, but nothing is stored under it */
    const char *removed;
    json_object *(*describe)(const char *value, const apr_int64_t *user_ids, int count);
} salon_mark_kind_t;

/* In start(). */
SALON_API void salon_mark_kind(const salon_mark_kind_t *kind);
/* Puts the value on the message (argument "message_id"), or takes it off, for the asker, who
 * must be allowed to "react" there; answers and publishes ("unheard" as of sending).  What is so
 * already is answered, not published.  where: the topic in which the message must be; NULL:
 * anywhere.  Refusals: message_not_found, permission_denied, too_many_marks, unavailable. */
SALON_API salon_outcome_t salon_mark(salon_req_t *req, const salon_mark_kind_t *kind,
                                     const char *value, bool add, const salon_topic_t *where);
/* Answers {<member>, message_id, <name>: the list} of the message (argument "message_id"), which
 * the asker must be allowed to "read". */
SALON_API salon_outcome_t salon_marks(salon_req_t *req, const salon_mark_kind_t *kind);
#define SALON_TOO_MANY_MARKS "too_many_marks"

/* Reads the message (argument "message_id"), which the asker must be allowed to "read", and calls
 * `found` with its JSON form (borrowed).  Refusals: message_not_found, unavailable, and those of
 * salon_may_not. */
typedef salon_outcome_t salon_message_found_t(salon_req_t *req, salon_topic_t topic,
                                              json_object *message);
SALON_API salon_outcome_t salon_message_find(salon_req_t *req, salon_message_found_t *found);

/* A condition of SQL: a message with the id in that column ("table.column") is stored, and neither
 * it nor its timeline has been deleted. */
#define SALON_SQL_MESSAGE_EXISTS(column)                                                         \
    "EXISTS (SELECT id FROM messages WHERE messages.id = " column " AND messages.deleted = 0"     \
    " AND messages.timeline_id NOT IN (SELECT id FROM timelines_going))"

/* Adds a SELECT whose only number is how many messages of others there are after the position. */
SALON_API void salon_timeline_sql_unread(salon_req_t *req, const salon_timeline_kind_t *kind,
                                         apr_int64_t owner_id, apr_int64_t seq,
                                         apr_int64_t user_id);
/* Adds a SELECT whose only row, if any, is the newest message; and makes its JSON form of it. */
SALON_API void salon_timeline_sql_last(salon_req_t *req, const salon_timeline_kind_t *kind,
                                       apr_int64_t owner_id);
SALON_API json_object *salon_timeline_last_json(const salon_rows_t *rows);
/* Adds a SELECT whose only number, if any, is the position of that message. */
SALON_API void salon_timeline_sql_position(salon_req_t *req, const salon_timeline_kind_t *kind,
                                           apr_int64_t owner_id, apr_int64_t message_id);

/*
 * What is known of the timeline without asking the database, once `ready` has been called: see
 * salon_timeline_load.
 */
typedef struct salon_timeline_info_t {
    apr_int64_t seq;             /* the position of the last change */
    apr_int64_t count;           /* messages, without deleted ones */
    apr_int64_t last_message_id; /* 0: none */
    apr_int64_t last_message_at; /* 0: none */
} salon_timeline_info_t;

SALON_API const salon_timeline_info_t *salon_timeline_info(const salon_timeline_t *timeline);

/* Calls `ready` when the timeline's newest messages and figures are in memory: within this call
 * when they are there already. */
SALON_API salon_outcome_t salon_timeline_load(salon_req_t *req, salon_timeline_t *timeline,
                                              salon_handler_t *ready);

/* Figures that are counted in the database. */
typedef struct salon_timeline_stats_t {
    apr_int64_t last_24h;
    int author_count; /* of the most active ones, most active first */
    struct {
        apr_int64_t user_id, count;
    } authors[5];
} salon_timeline_stats_t;

/* Counts, then calls `then`; the timeline may have been closed by then.  Refusal: unavailable. */
SALON_API salon_outcome_t salon_timeline_stats(
    salon_req_t *req, salon_timeline_t *timeline,
    salon_outcome_t (*then)(salon_req_t *req, const salon_timeline_stats_t *stats));

#ifdef __cplusplus
}
#endif

#endif
