/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin may use.  A plugin is one shared object that exports one constant, <name>_plugin,
 * made of tables; salond reads the tables, checks what they declare, and calls the handlers.
 *
 * Three rules:
 *  1. Plugins run on the chat thread, one call at a time, and must not block.  They need no locks.
 *  2. Memory of salon_req_pool() lives until the request has been answered.
 *  3. A json_object passed to a salon_ function is consumed; one handed out by it is borrowed.
 *
 * Every function here is called on the chat thread, unless its comment says otherwise.
 * Identifiers of users, messages, rooms ... are positive and below 2^53.  Times are milliseconds
 * since 1970, UTC.  Text is UTF-8, checked when it came in, without NUL.
 */
#ifndef SALON_PLUGIN_H
#define SALON_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#include <apr_pools.h>
#include <json-c/json.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SALON_PLUGIN_MAGIC 0x73616c6fu /* "salo" */
#define SALON_ABI_MAJOR    1           /* another value: not compatible */
#define SALON_ABI_MINOR    0           /* a greater value: something was added at an end */

/* Marks what crosses the border between salond and its plugins. */
#define SALON_API __attribute__((visibility("default")))

typedef struct salon_req_t salon_req_t;         /* one request of one client */
typedef struct salon_session_t salon_session_t; /* one connection, as the chat thread sees it */
typedef struct salon_dialect_t salon_dialect_t; /* see <salon/dialect.h> */

/* ---- People ------------------------------------------------------------------------------- */

/* What somebody may do on the whole server, in rising order. */
typedef enum {
    SALON_ROLE_USER,
    SALON_ROLE_MODERATOR,
    SALON_ROLE_ADMIN,
    SALON_ROLE_SUPERUSER
} salon_role_t;

#define SALON_SYSTEM_USER 1 /* the id of the user in whose name the server itself acts */

/*
 * A person.  Lives as long as the server; name and role change when a newer token says so.
 * Somebody without an account is a user, too, as long as the one connection lasts: with a negative
 * id, which is shown to nobody (canonical JSON has null), and hidden from hooks.signed_in and
 * signed_out; and may ask only for operations with the flag SALON_ANONYMOUS.
 */
typedef struct salon_user_t {
    apr_int64_t id;
    const char *name;
    salon_role_t role;
    bool anonymous;
    bool erased;           /* see `erased` of salon_hooks_t; found by nobody any more */
    int sessions;          /* connections signed in as this user, in all dialects */
    apr_int64_t last_seen; /* when the last connection went; 0: never connected */
} salon_user_t;

/* The user with that id or name, or NULL.  Of several with one name, the one seen last.  Nobody
 * finds who has been erased, but for salon_json_user, which has a name for them. */
SALON_API const salon_user_t *salon_user_by_id(apr_int64_t id);
SALON_API const salon_user_t *salon_user_by_name(const char *name);

/* How somebody looks to others, who need not be told that somebody is connected (hooks.appear). */
typedef struct salon_appearance_t {
    bool online;
    apr_int64_t last_seen; /* now, for who is online; 0: never */
} salon_appearance_t;

SALON_API salon_appearance_t salon_user_appearance(const salon_user_t *user);

/* "user", "moderator", "admin", "superuser". */
SALON_API const char *salon_role_name(salon_role_t role);
/* The reverse; false for an unknown name, *role_r is then untouched. */
SALON_API bool salon_role_parse(const char *name, salon_role_t *role_r);

/* ---- Topics: who hears what --------------------------------------------------------------- */

/* A topic is a kind (a string constant: "room", "dm", "user") and a number. */
typedef struct salon_topic_t {
    const char *kind;
    apr_int64_t id;
} salon_topic_t;

#define SALON_TOPIC(kind_, id_) ((salon_topic_t){ .kind = (kind_), .id = (id_) })

/* From now on the connection hears what is published to the topic; no effect when it does already.
 * Every signed-in connection hears "user:<its user's id>" without asking. */
SALON_API void salon_subscribe(salon_session_t *session, salon_topic_t topic);
SALON_API void salon_unsubscribe(salon_session_t *session, salon_topic_t topic);
/* The same for all connections of a user. */
SALON_API void salon_unsubscribe_user(apr_int64_t user_id, salon_topic_t topic);
/* Nobody hears the topic any more. */
SALON_API void salon_unsubscribe_all(salon_topic_t topic);
/* Does the connection hear it? */
SALON_API bool salon_subscribed(const salon_session_t *session, salon_topic_t topic);

/*
 * Tells every connection that hears the topic, in the order of the calls.  `event` is the name of
 * an event in some plugin's table; `data` (consumed) is its canonical form, the same for everybody:
 * it is encoded once per dialect, and shared.
 */
SALON_API void salon_publish(salon_topic_t topic, const char *event, json_object *data);
/* The same, but not to one connection. */
SALON_API void salon_publish_except(salon_topic_t topic, const salon_session_t *session,
                                    const char *event, json_object *data);
/* To several topics at once: a connection that hears more than one of them is told once.  Not to
 * the connections of except_user (0: nobody). */
SALON_API void salon_publish_topics(const salon_topic_t *topics, int count, apr_int64_t except_user,
                                    const char *event, json_object *data);
/* Calls `each` for the connections that hear the topic, in no order; it must not change who
 * does. */
SALON_API void salon_topic_each(salon_topic_t topic,
                                void (*each)(salon_session_t *session, void *baton), void *baton);
/* How many connections hear the topic; and those of them that would be told of such an event,
 * because their dialects have words for it. */
SALON_API int salon_topic_sessions(salon_topic_t topic);
SALON_API int salon_topic_listeners(salon_topic_t topic, const char *event);
/* Calls `each` for every topic of that kind that somebody hears, in no order; it must not change
 * who does. */
SALON_API void salon_topics_each(const char *kind,
                                 void (*each)(salon_topic_t topic, int sessions, void *baton),
                                 void *baton);

/* ---- Requests ----------------------------------------------------------------------------- */

/*
 * What a handler returns.  There is no other way to make one than the functions that say so.
 */
typedef struct salon_outcome_t {
    int kind; /* private to salond */
} salon_outcome_t;

typedef salon_outcome_t salon_handler_t(salon_req_t *req);

/* Lives until the request has been answered. */
SALON_API apr_pool_t *salon_req_pool(salon_req_t *req);
/* Who asks; NULL for somebody who has not signed in. */
SALON_API const salon_user_t *salon_req_user(const salon_req_t *req);
/* The connection that asks; NULL for a request that came over HTTP or the control socket. */
SALON_API salon_session_t *salon_req_session(const salon_req_t *req);

/* The arguments, as the operation's table declares them.  Absent or null ones: NULL, `fallback`. */
SALON_API json_object *salon_arg(const salon_req_t *req, const char *name);
SALON_API const char *salon_arg_string(const salon_req_t *req, const char *name);
SALON_API apr_int64_t salon_arg_integer(const salon_req_t *req, const char *name,
                                        apr_int64_t fallback);
SALON_API bool salon_arg_boolean(const salon_req_t *req, const char *name, bool fallback);
/* The user whose name is the one argument, else whose id is the other.  NULL: there is none. */
SALON_API const salon_user_t *salon_arg_user(const salon_req_t *req, const char *name_name,
                                             const char *id_name);

/* What it is about, as its operation's `subject` has found. */
SALON_API salon_topic_t salon_req_topic(const salon_req_t *req);

/* Something of the plugin's own, from the handler to its `then` (usually in the request's pool). */
SALON_API void salon_req_set_data(salon_req_t *req, void *data);
SALON_API void *salon_req_data(const salon_req_t *req);

/*
 * What a request is about to do is known to others while it is being stored: so two do not make the
 * same thing, and nobody says what would be heard after they have been silenced.  kind: a word of
 * the plugin's; the format is as printf's.  Several requests may intend the same.  It ends with
 * the request, however that does, or when it intends nothing any more.
 */
SALON_API void salon_intend(salon_req_t *req, const char *kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
SALON_API void salon_intend_no_more(salon_req_t *req);
/* Does any request intend that? */
SALON_API bool salon_intended(const char *kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Done.  `data` (consumed, may be NULL) is the canonical answer to the one who asked. */
SALON_API salon_outcome_t salon_reply(salon_req_t *req, json_object *data);

/*
 * The canonical codes that salond itself uses.  A plugin adds its own ("room_not_found"): a code is
 * a word, and each dialect's table says how it is spelled there.
 */
#define SALON_INVALID           "invalid_format"    /* details: field */
#define SALON_UNKNOWN           "unknown_operation" /* no such operation, or no such type */
#define SALON_NOT_SIGNED_IN     "not_authenticated"
#define SALON_INVALID_TOKEN     "invalid_token"
#define SALON_DENIED            "permission_denied"
#define SALON_RATE_LIMITED      "rate_limited"      /* details: current_rate, limit, window */
#define SALON_TOO_LONG          "message_too_long"  /* details: field, limit */
#define SALON_BLANK             "message_empty"
#define SALON_MESSAGE_NOT_FOUND "message_not_found"
#define SALON_USER_NOT_FOUND    "user_not_found"
#define SALON_CONFLICT          "conflict"          /* what was to be made exists already */
#define SALON_UNAVAILABLE       "unavailable"       /* the database is away; try again */
#define SALON_TOO_LARGE         "too_large"         /* a body over HTTP; details: limit (bytes) */
#define SALON_UNSUPPORTED       "unsupported_type"  /* a body of a type that is not taken */
#define SALON_QUOTA             "quota_exceeded"    /* the asker has too much here already */
#define SALON_NO_SPACE          "no_space"          /* the disk is full */

/* Refused.  `code` is a string constant. */
SALON_API salon_outcome_t salon_fail(salon_req_t *req, const char *code);
/* Refused, with an object (consumed) that says more; its keys are the canonical argument names. */
SALON_API salon_outcome_t salon_fail_details(salon_req_t *req, const char *code,
                                             json_object *details);
/* Answered later: exactly one salon_req_resume must follow, not before the handler has returned;
 * the request goes on with `handler` then.  Its connection may have gone by that time. */
SALON_API salon_outcome_t salon_req_wait(salon_req_t *req);
SALON_API void salon_req_resume(salon_req_t *req, salon_handler_t *handler);
/* For hooks.writing: nothing against it. */
#define SALON_GO_ON ((salon_outcome_t){ .kind = 0 })
/* The handler that goes on where hooks.writing has held a request back. */
SALON_API salon_outcome_t salon_req_go_on(salon_req_t *req);
/*
 * Asks for another operation in the name of who asks here: checked like any request, its argument
 * table, role and rate included.  arguments: an object, consumed; NULL: none.  Then calls `then`,
 * perhaps before this call has returned, and gives back what that returns, or that it is answered
 * later.  code: NULL: `data` is the answer; otherwise why it was refused.  Both objects are
 * borrowed, and may be NULL.
 */
typedef salon_outcome_t salon_asked_t(salon_req_t *req, const char *code, json_object *data,
                                      json_object *details);
SALON_API salon_outcome_t salon_ask(salon_req_t *req, const char *operation,
                                    json_object *arguments, salon_asked_t *then);
/* SALON_INVALID, naming the argument; of several that would do ("room_id|room"), a dialect tells
 * the one that its message has. */
SALON_API salon_outcome_t salon_fail_argument(salon_req_t *req, const char *name);

/*
 * May this user do `what` ("read", "send", "join", "pin", "moderate" ...) in the topic?  Every
 * plugin's access hook is asked: one refusal is final, and somebody must have said yes.
 * user may be NULL: somebody who has not signed in.
 */
SALON_API bool salon_may(const salon_user_t *user, const char *what, salon_topic_t topic);
/* The same, with the reason: NULL when allowed, otherwise the code to fail with (SALON_DENIED,
 * or the one of the plugin that refused). */
SALON_API const char *salon_may_not(const salon_user_t *user, const char *what,
                                    salon_topic_t topic);

/* The topic of the whole server, for things that are done nowhere in particular: "sign_in", and
 * "use", which is asked before every operation of somebody who has signed in. */
#define SALON_SERVER SALON_TOPIC("server", 0)

typedef enum { SALON_NO_OPINION, SALON_ALLOW, SALON_REFUSE } salon_access_t;

/* Closes the connection once what is queued for it has gone out.  reason: at most 123 bytes. */
SALON_API void salon_close(salon_session_t *session, int code, const char *reason);
/* The same for all connections of a user, with the code that the dialect of each has for this
 * refusal. */
SALON_API void salon_close_user(apr_int64_t user_id, const char *refusal, const char *reason);
/* The user that the connection has signed in as, or NULL. */
SALON_API const salon_user_t *salon_session_user(const salon_session_t *session);
/* The name of the dialect that it speaks. */
SALON_API const char *salon_session_dialect(const salon_session_t *session);
/* Its endpoint's setting auto_create: is what it joins made, where it does not exist? */
SALON_API bool salon_session_auto_create(const salon_session_t *session);
/* From now on the connection's requests have this argument, where the operation knows it and they
 * do not say it themselves.  value: consumed. */
SALON_API void salon_session_default(salon_session_t *session, const char *argument,
                                     json_object *value);
/* How many connections there are. */
SALON_API int salon_sessions(void);
/* Does the server run as a demo, for those who try it on their own machine? */
SALON_API bool salon_demo(void);

/* Who somebody is, as a plugin has found out. */
typedef struct salon_identity_t {
    apr_int64_t id;
    const char *name;    /* NULL: as it is known, else "user<id>" */
    salon_role_t role;
    bool has_role;       /* false: as it is known, else SALON_ROLE_USER */
    apr_int64_t expires; /* seconds since 1970, when that ceases to be so; 0: never */
} salon_identity_t;

/* Signs the asking connection in, and answers as the operation session.authenticate does; one that
 * has signed in as somebody else is refused with SALON_INVALID_TOKEN, and so is a name that no
 * token may have. */
SALON_API salon_outcome_t salon_sign_in(salon_req_t *req, const salon_identity_t *identity);
/* The same for somebody without an account, called Anonymous_<address> or Anonymous_<hash>;
 * answers {user_id: null, username}. */
SALON_API salon_outcome_t salon_sign_in_anonymous(salon_req_t *req, bool show_address);

/*
 * Something that those who are answerable for the server may want to look up later: a pin, a
 * deletion of what somebody else said, a change of roles.  Plugins hear of it (hooks.acted).
 */
typedef struct salon_act_t {
    const char *action;         /* "message.pinned", "room.role" ... */
    const salon_user_t *actor;
    salon_topic_t topic;        /* where; SALON_SERVER: nowhere in particular */
    apr_int64_t target_user_id; /* whom it concerns; 0: nobody */
    apr_int64_t message_id;     /* 0: none */
    json_object *details;       /* consumed by salon_acted; NULL: none */
} salon_act_t;

/* Tells the plugins of it. */
SALON_API void salon_acted(const salon_act_t *act);

/* What a topic is called for people: a new object with one member, as events carry it ({"room":
 * {id, name, slug}}); NULL: nobody knows the topic. */
SALON_API json_object *salon_describe(salon_topic_t topic);
/* The topic of that kind that people call so: by a room's id, name or slug.  id 0: none. */
SALON_API salon_topic_t salon_topic_named(const char *kind, const char *text);
/* The two persons whose own topics hear what happens in such a topic, in its place (of a
 * conversation): 2; or 0: the topic itself is heard. */
SALON_API int salon_topic_persons(salon_topic_t topic, apr_int64_t user_ids[2]);
/* The topics in which people are who should hear of this user's coming and going: those that every
 * plugin's audience hook names.  *count_r of them, in the pool. */
SALON_API const salon_topic_t *salon_audience(apr_int64_t user_id, apr_pool_t *pool, int *count_r);

/* ---- Storage ------------------------------------------------------------------------------ */

/*
 * What one statement gave back.  Rows and columns count from 0.
 */
typedef struct salon_cell_t {
    apr_int64_t integer;
    const char *text; /* NULL: an integer, or NULL */
    bool null;
} salon_cell_t;

typedef struct salon_rows_t {
    int count;
    int columns;
    apr_int64_t affected; /* rows changed, of a statement that returns none */
    const salon_cell_t *cells;
} salon_rows_t;

/* 0 for a null. */
SALON_API apr_int64_t salon_rows_integer(const salon_rows_t *rows, int row, int column);
/* NULL for a null; lives as long as the rows do. */
SALON_API const char *salon_rows_text(const salon_rows_t *rows, int row, int column);

/*
 * Adds a statement to the request.  The directives are %s (text, quoted here; NULL becomes NULL),
 * %d (int), %ld (long; apr_int64_t), %%; nothing else, and never a value in the format itself.
 * Portable SQL in capitals; <salon-plugin(7)> lists what libdbi's drivers can stand.
 */
SALON_API void salon_sql(salon_req_t *req, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Called when the statements have been committed: rows[i] is what the i-th gave back. */
typedef salon_outcome_t salon_then_t(salon_req_t *req, const salon_rows_t *rows);

/*
 * Runs the added statements in one transaction, all or none, then calls `then`, never before this
 * call has returned.  When the database refuses, the request fails with SALON_CONFLICT (a key
 * exists already) or SALON_UNAVAILABLE, and `then` is not called.
 */
SALON_API salon_outcome_t salon_store(salon_req_t *req, salon_then_t *then);
/* The same for SELECTs alone: does not wait behind writes; sees everything committed before. */
SALON_API salon_outcome_t salon_query(salon_req_t *req, salon_then_t *then);

/* One statement that changes something and that nobody waits for; a failure is logged.  Committed
 * after what was stored before. */
SALON_API void salon_write(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Statements that belong to no request.  `ran` is called once, never within this call, with what
 * the statement gave back; NULL: it failed.  False: too much waits, and it is not called.
 * salon_change: one that changes something, like salon_store; salon_read: a SELECT, like
 * salon_query.
 */
typedef void salon_ran_t(void *baton, const salon_rows_t *rows);
SALON_API bool salon_change(salon_ran_t *ran, void *baton, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
SALON_API bool salon_read(salon_ran_t *ran, void *baton, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Only in a plugin's start(): runs one statement and waits.  NULL when it failed (logged). */
SALON_API const salon_rows_t *salon_load(apr_pool_t *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, and calls `take` for each row; none of it is kept.  APR_EGENERAL: failed (logged). */
SALON_API apr_status_t salon_load_each(void (*take)(const salon_rows_t *rows, int row),
                                       const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Sequences of numbers that are never given twice, not even after a crash (which may skip some).
 * Opened in start(): `first` is the least number that may be given, `block` how many are reserved
 * at once.
 */
SALON_API apr_status_t salon_sequence_open(apr_pool_t *pool, const char *name, apr_int64_t first,
                                           apr_int64_t block);
/* The next number; 0: none can be had now (the database is away): fail with SALON_UNAVAILABLE. */
SALON_API apr_int64_t salon_next_id(const char *sequence);

/* ---- HTTP --------------------------------------------------------------------------------- */

/* What the route's path pattern captured ("/media/{id}"), or the query holds; NULL: nothing. */
SALON_API const char *salon_http_capture(const salon_req_t *req, const char *name);
SALON_API const char *salon_http_query(const salon_req_t *req, const char *name);
/* A header: "content-type" or "accept"; NULL: there is none. */
SALON_API const char *salon_http_header(const salon_req_t *req, const char *name);
/* Of a route with SALON_ANSWERS_ALL: the code for which anybody else would be refused (a bad token,
 * a ban from the server), who then counts as not signed in; NULL: none. */
SALON_API const char *salon_http_refused(const salon_req_t *req);
/* The body as it came; *length_r in bytes, 0 for none. */
SALON_API const char *salon_http_body(const salon_req_t *req, apr_size_t *length_r);
/* Done.  The text is copied.  For a route's handler, in the place of salon_reply. */
SALON_API salon_outcome_t salon_http_reply(salon_req_t *req, int status, const char *content_type,
                                           const char *body, apr_size_t length);

/*
 * Bodies that are files: a route with the flag SALON_UPLOAD is called when the headers are there,
 * before anything of the body has been read.  It may refuse, which costs nothing, or return
 * salon_http_receive: the body goes to a temporary file as it comes, and `received` is called when
 * that is complete.  A body that is larger than `most` bytes is refused (SALON_TOO_LARGE); one that
 * never becomes complete ends the request, without a call (its pool's cleanups tell).  The body is
 * either the file itself or a form (multipart/form-data) with the field "file".
 */
SALON_API salon_outcome_t salon_http_receive(salon_req_t *req, apr_int64_t most,
                                             salon_handler_t *received);
/* The body's length as announced; of a form, all of it. */
SALON_API apr_int64_t salon_http_length(const salon_req_t *req);

typedef struct salon_upload_t {
    const char *path;   /* on the state directory's file system; goes with the request ... */
    bool taken;         /* ... unless this has been set, for it has been moved */
    apr_int64_t size;
    const char *digest; /* SHA-256, hexadecimal, lower case */
    const char *name;   /* as the client calls the file, without a path, fit to be shown; or "" */
} salon_upload_t;

/* What has been received. */
SALON_API salon_upload_t *salon_http_upload(const salon_req_t *req);

typedef struct salon_file_t {
    const char *path;
    apr_int64_t size;
    const char *type; /* the Content-Type */
    const char *name; /* under which it may be kept; "": none */
    bool shown_inline;
    const char *etag; /* without quotes; another one when the content is another */
} salon_file_t;

/* Done: with the file or the part of it that the request asks for, or, where the client has it, by
 * saying so.  The strings are copied; the file must not change. */
SALON_API salon_outcome_t salon_http_file(salon_req_t *req, const salon_file_t *file);

/* ---- Work that may block ------------------------------------------------------------------ */

/*
 * `work` runs on another thread, where it may read and write files, but must call nothing of this
 * header that does not say "any thread"; one at a time, in the order of these calls.  Then the
 * request goes on with `then`.
 */
SALON_API salon_outcome_t salon_work(salon_req_t *req, void (*work)(void *baton), void *baton,
                                     salon_handler_t *then);
/* The same for no request: then `done` (may be NULL) is called. */
SALON_API void salon_work_later(void (*work)(void *baton), void (*done)(void *baton), void *baton);

/* ---- Small things ------------------------------------------------------------------------- */

typedef enum {
    SALON_LOG_ERROR,
    SALON_LOG_WARNING,
    SALON_LOG_NOTICE,
    SALON_LOG_INFO,
    SALON_LOG_DEBUG
} salon_log_level_t;

/* Any thread.  One line; `area` is the plugin's name.  Never a token, never what people said. */
SALON_API void salon_log(salon_log_level_t level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Where plugins may keep files, each in a directory of its name; it is there, and absolute or
 * relative to the working directory, which does not change. */
SALON_API const char *salon_state_directory(void);

/* Any thread.  Now, in milliseconds since 1970. */
SALON_API apr_int64_t salon_now(void);

/* Any thread.  One JSON text from outside, strictly: valid UTF-8, no NUL, at most 16 deep, nothing
 * behind it.  *value_r: a new reference (NULL for the text `null`).  False: it is none. */
SALON_API bool salon_json_parse(const char *text, size_t length, json_object **value_r);

/* Shorthand for building answers: adds a value and gives the object back. */
SALON_API json_object *salon_json(void);
SALON_API json_object *salon_json_integer(json_object *object, const char *key, apr_int64_t value);
SALON_API json_object *salon_json_string(json_object *object, const char *key, const char *value);
SALON_API json_object *salon_json_boolean(json_object *object, const char *key, bool value);
SALON_API json_object *salon_json_value(json_object *object, const char *key, json_object *value);
/* An object that will have so many members; and a new member, whose name is a constant: where there
 * are many such objects, as in pages of messages, names are not copied, nor looked for. */
SALON_API json_object *salon_json_sized(int members);
SALON_API json_object *salon_json_member(json_object *object, const char *name, json_object *value);
/* null in the place of 0. */
SALON_API json_object *salon_json_optional(json_object *object, const char *key,
                                           apr_int64_t value);
/* All members of another one (consumed, may be NULL). */
SALON_API json_object *salon_json_merge(json_object *object, json_object *more);
/* Two members: a user's id (null: somebody without an account) and name ("" where there is no such
 * user). */
SALON_API json_object *salon_json_user(json_object *object, const char *id_key,
                                       const char *name_key, apr_int64_t user_id);

/* ---- The tables --------------------------------------------------------------------------- */

typedef enum {
    SALON_INTEGER, /* min..max; with SALON_CLAMP what is outside is moved to the border */
    SALON_ID,      /* an integer from 1 to 2^53 - 1 */
    SALON_STRING,  /* min..max code points; max 0: 255 */
    SALON_CONTENT, /* what people say: not blank, as long as the endpoint allows */
    SALON_BOOLEAN,
    SALON_OBJECT,
    SALON_ARRAY,
    SALON_KIND,    /* how a message is to be shown: "text", "image", "audio", "video", "file" */
    SALON_MEDIA    /* what goes with it: an object, see <salon/message.h> */
} salon_type_t;

#define SALON_OPTIONAL 0x01u /* of an argument: may be absent or null */
#define SALON_CLAMP    0x02u
/* Of content: may be blank, or absent (then it is ""), where there is the argument "media". */
#define SALON_OR_MEDIA 0x04u
#define SALON_MAY_BE_BLANK 0x08u /* of content: whatever goes with it */

typedef struct salon_argument_t {
    const char *name; /* NULL ends the table */
    salon_type_t type;
    unsigned flags;
    apr_int64_t min, max;
} salon_argument_t;

/* Of an operation. */
#define SALON_WRITES    0x01u /* changes something: wants a token that has not expired */
#define SALON_PIPELINED 0x02u /* may start while earlier pipelined ones are being stored */
#define SALON_IMMEDIATE 0x04u /* waits for nothing: neither for earlier requests nor the database */
#define SALON_ANYBODY   0x08u /* also for those who have not signed in */
#define SALON_ANONYMOUS 0x20u /* also for people without an account */
#define SALON_INTERNAL  0x10u /* only for the control socket and other plugins, in no dialect */

/* Finds what a request is about, as its arguments name it.  False: there is no such thing, and the
 * request has been refused: *refused_r. */
typedef bool salon_subject_t(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r);

typedef struct salon_operation_t {
    const char *name; /* "noun.verb"; NULL ends the table */
    salon_handler_t *handler;
    const salon_argument_t *arguments; /* NULL: none */
    unsigned flags;
    salon_role_t role; /* at least */
    int cost;          /* how many messages of the rate limit it counts for */
    const char *help;
    /* What it is about, which the handler then finds there; NULL: nothing that could be missing. */
    salon_subject_t *subject;
    const char *may; /* what the asker must be allowed to do there (salon_may); NULL: nothing */
} salon_operation_t;

#define SALON_DROPPABLE 0x01u /* of an event: a slow reader may miss it */

typedef struct salon_event_t {
    const char *name; /* NULL ends the table */
    unsigned flags;
    const char *help;
} salon_event_t;

typedef enum {
    SALON_SETTING_BOOLEAN, /* target: bool * */
    SALON_SETTING_INTEGER, /* target: apr_int64_t * */
    SALON_SETTING_STRING,  /* target: const char ** */
    SALON_SETTING_LIST     /* target: const char *const **, NULL-terminated */
} salon_setting_type_t;

/* One line of a plugin's section in salond.conf, which bears the plugin's name. */
typedef struct salon_setting_t {
    const char *name; /* NULL ends the table */
    salon_setting_type_t type;
    void *target;
    const char *fallback; /* as it would stand in the file: "true", "30", "text"; a list: "a b" */
    apr_int64_t min, max; /* of an integer; both 0: any that is not negative */
    const char *help;
} salon_setting_t;

/* One step of a plugin's schema; applied in rising order, each in a transaction, and recorded. */
typedef struct salon_migration_t {
    int version; /* from 1; 0 ends the table */
    const char *const *statements;
} salon_migration_t;

/*
 * A column of the plugin's tables that holds somebody's id: `salonctl user export` writes the rows,
 * and this says what becomes of them when that person is erased.
 */
typedef enum {
    SALON_FORGET, /* they are deleted; wants an index on the column */
    SALON_KEEP    /* they stay, as part of what others see; the id then is nobody's any more */
} salon_erasure_t;

typedef struct salon_personal_t {
    const char *table;  /* NULL ends the table */
    const char *column; /* BIGINT */
    salon_erasure_t erasure;
} salon_personal_t;

/* Of a route. */
#define SALON_SIGNED_IN   0x01u /* wants a bearer token */
#define SALON_UPLOAD      0x02u /* its body is a file, see salon_http_receive */
#define SALON_ANSWERS_ALL 0x04u /* its handler makes refusals, too: see salon_http_refused */
#define SALON_QUERY_TOKEN 0x08u /* a token may be the query's "token": pages cannot set headers for
                                 * what they show */

typedef struct salon_http_route_t {
    const char *method; /* NULL ends the table */
    const char *path;   /* "/media/{id}" */
    salon_handler_t *handler;
    unsigned flags;
    salon_role_t role;
} salon_http_route_t;

/*
 * A command of salonctl, done by an operation.  `words` are what is typed first ("room add");
 * `synopsis` what follows, and names the arguments: "NAME [--slug SLUG] [--private]" fills "name",
 * "slug", "private".  `result` names the member of the answer that is printed alone; NULL: the
 * members of the answer, one a line; of a list, its rows.
 */
typedef struct salon_command_t {
    const char *words; /* NULL ends the table */
    const char *synopsis;
    const char *operation;
    const char *result;
    const char *help;
} salon_command_t;

/* A figure of the plugin's, for /metrics (as salon_<name>) and `salonctl stats`. */
typedef struct salon_metric_t {
    const char *name; /* NULL ends the table; begins with the plugin's name */
    const char *type; /* "gauge", or "counter" (its name then ends in _total) */
    const char *help;
    apr_int64_t (*read)(void); /* now */
} salon_metric_t;

/* What a plugin hears of; each may be NULL. */
typedef struct salon_hooks_t {
    /* See salon_may. */
    salon_access_t (*access)(const salon_user_t *user, const char *what, salon_topic_t topic);
    /* A refusal that is final, whatever others allow: its code; NULL: no objection. */
    const char *(*refuse)(const salon_user_t *user, const char *what, salon_topic_t topic);
    /* Somebody is about to say something there.  May put another text (in the pool) in the place
     * of *content; or refuse: the code, and perhaps *details_r (a new object; "retry_after",
     * seconds, in it is for everybody to understand).  NULL: no objection. */
    const char *(*say)(const salon_user_t *user, salon_topic_t topic, const char **content,
                       apr_pool_t *pool, json_object **details_r);
    /* See salon_acted; the act's details are borrowed. */
    void (*acted)(const salon_act_t *act);
    /* See salon_audience: calls `add` for each topic. */
    void (*audience)(apr_int64_t user_id, void (*add)(void *baton, salon_topic_t topic),
                     void *baton);
    /* A connection hears a topic from now on, or does no longer (also when it ends). */
    void (*subscribed)(salon_session_t *session, salon_topic_t topic);
    void (*unsubscribed)(salon_session_t *session, salon_topic_t topic);
    /* Four times a second; now: as salon_now(). */
    void (*tick)(apr_int64_t now);
    /* A connection has signed in; user->sessions is 1 for the user's first. */
    void (*signed_in)(salon_session_t *session, const salon_user_t *user);
    /* A signed-in connection has gone; user->sessions is 0 after the user's last. */
    void (*signed_out)(salon_session_t *session, const salon_user_t *user);
    /* The configuration has been read again, and the settings' targets have been written. */
    void (*reload)(void);
    /* A message is about to be handed to the store: what is added with salon_sql here runs in the
     * same transaction, and only when the message is new (where nothing of the topic is stored,
     * the message waits for it).  message: its canonical form (<salon/message.h>), borrowed; the
     * positions in it are 0. */
    void (*storing)(salon_req_t *req, salon_topic_t topic, json_object *message);
    /* A new message has been stored, or is in memory where nothing is; once for each, in the order
     * of the commits, after everybody has been told.  session: whose message it is; NULL: the
     * connection has gone, or the message came otherwise. */
    void (*stored)(salon_session_t *session, salon_topic_t topic, json_object *message);
    /* A connection's request that writes something has passed all other checks.  SALON_GO_ON, a
     * refusal, or salon_req_wait: and later salon_req_resume with salon_req_go_on, or with a
     * handler that refuses. */
    salon_outcome_t (*writing)(salon_req_t *req);
    /* Somebody is about to say something with media, or another kind than text: may complete the
     * arguments "kind" and "media" (<salon/message.h>), which have been checked; or refuse, as
     * `say` does. */
    const char *(*attach)(const salon_user_t *user, salon_topic_t topic, json_object *arguments,
                          json_object **details_r);
    /* A message has been deleted, by somebody or since no more is kept there (then it may be one of
     * a hundred); 0: the topic ceases to be, with all that was said there. */
    void (*unsaid)(salon_topic_t topic, apr_int64_t message_id);
    /* See salon_user_appearance: may change what connections alone would tell. */
    void (*appear)(const salon_user_t *user, salon_appearance_t *appearance);
    /* Somebody is about to be erased, for whom nobody looks any more; what others know of them is
     * still there.  What is added with salon_sql here is part of the transaction. */
    void (*erasing)(salon_req_t *req, apr_int64_t user_id);
    /* Somebody has been erased: their rows are gone as salon_plugin_t.personal says, their
     * connections are being closed; what is in memory of them is to go, too. */
    void (*erased)(apr_int64_t user_id);
    /* The server ends: nobody is connected any more; what salon_write is given now is still
     * stored. */
    void (*stop)(void);
} salon_hooks_t;

typedef struct salon_plugin_t {
    apr_uint32_t magic;
    apr_uint16_t major, minor;
    apr_size_t size;
    const char *name;
    const char *version;
    const char *summary;
    const salon_operation_t *operations;
    const salon_event_t *events;
    const salon_hooks_t *hooks;
    const salon_setting_t *settings;
    const salon_migration_t *migrations;
    const salon_http_route_t *routes;
    const salon_command_t *commands;
    const salon_dialect_t *dialect;
    /* Loads state; before anybody is served.  Anything but APR_SUCCESS ends the server's start. */
    apr_status_t (*start)(apr_pool_t *pool);
    const salon_metric_t *metrics;
    const salon_personal_t *personal;
} salon_plugin_t;

/* How a plugin's descriptor begins: SALON_PLUGIN(rooms) = { SALON_PLUGIN_HEADER, ... }; it is the
 * one symbol that the plugin shows. */
#define SALON_PLUGIN(name_)                                                                      \
    SALON_API extern const salon_plugin_t name_##_plugin;                                        \
    const salon_plugin_t name_##_plugin

/* Its first line. */
#define SALON_PLUGIN_HEADER                                                                      \
    .magic = SALON_PLUGIN_MAGIC, .major = SALON_ABI_MAJOR, .minor = SALON_ABI_MINOR,             \
    .size = sizeof(salon_plugin_t)

#ifdef __cplusplus
}
#endif

#endif
