/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a dialect is made of: tables that say how one wire format spells the operations, answers,
 * events and refusals of the core.  Its functions see canonical JSON and nothing else, keep no
 * state and run on several threads: `open` and `decode` on network threads, `error` on all, the
 * others on the chat thread.
 */
#ifndef SALON_DIALECT_H
#define SALON_DIALECT_H

#include <salon/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Shapes: from a canonical object to a wire object ------------------------------------- */

typedef enum {
    SALON_COPY,    /* the value as it is; absent: null */
    SALON_TIME,    /* milliseconds to "2024-01-01T12:00:00.123Z"; null or 0: null */
    SALON_MICROS,  /* milliseconds to "2024-01-01T12:00:00.123000" */
    SALON_COUNT,   /* an array's length; absent: 0 */
    SALON_PRESENT, /* true unless absent or null */
    SALON_OR_LIST, /* the value; absent: [] */
    SALON_EACH,    /* an array, each of its objects in the `inner` shape; absent: [] */
    SALON_INNER, /* an object in the `inner` shape (with path "": the same object); absent: null */
    SALON_CONSTANT /* `path` itself, a string */
} salon_shape_kind_t;

typedef struct salon_shape_t {
    const char *name; /* on the wire, of what needs no escape; NULL ends the table */
    const char *path; /* where in the canonical object: "message.id" */
    salon_shape_kind_t kind;
    const struct salon_shape_t *inner;
} salon_shape_t;

/* A new object, in the order of the table.  Any thread. */
SALON_API json_object *salon_shape(const salon_shape_t *shape, json_object *canonical);

/* What the path leads to, borrowed; NULL: nothing, or null.  "" is the object itself. */
SALON_API json_object *salon_path(json_object *object, const char *path);

/* A new string: milliseconds since 1970 as RFC 3339 UTC, seconds alone where there are no
 * milliseconds. */
SALON_API json_object *salon_time_json(apr_int64_t time);

/* ---- Calls: what an opening or a message asks for ----------------------------------------- */

typedef struct salon_calls_t salon_calls_t;
typedef struct salon_wire_message_t salon_wire_message_t;

/*
 * Asks for the operation of `row`, with canonical arguments (consumed; NULL: none).  One wire
 * message may ask for several; they are handled in this order.
 */
SALON_API void salon_call(salon_calls_t *calls, const salon_wire_message_t *row,
                          json_object *arguments);
/* Refuses in the place of a call: code is canonical, `field` the wire's name of what is wrong, or
 * NULL.  row: NULL where it is not known. */
SALON_API void salon_call_refuse(salon_calls_t *calls, const salon_wire_message_t *row,
                                 const char *code, const char *field);
/* The generic way from a wire message's payload to a call, by the row's table of fields. */
SALON_API void salon_call_fields(salon_calls_t *calls, const salon_wire_message_t *row,
                                 json_object *payload);

/* A whole wire message (borrowed) that stands in another one: as if it had come alone. */
SALON_API void salon_call_message(salon_calls_t *calls, json_object *message);

typedef struct salon_wire_field_t {
    const char *wire;     /* a path in the payload: "metadata.client_id"; NULL ends the table */
    const char *argument; /* the operation's name for it; "media.url": a member of an object */
} salon_wire_field_t;

/* One type of message from the client: what it asks for, and how it is answered. */
struct salon_wire_message_t {
    const char *type; /* NULL ends the table */
    const char *operation; /* NULL: none, `decode` asks for others */
    const salon_wire_field_t *fields;
    const char *reply; /* the answer's type; NULL: no answer */
    const salon_shape_t *shape;
    const char *error; /* the type that refusals have; NULL: the dialect's */
    /* In the place of `shape`; NULL answered: no answer this time. */
    json_object *(*answer)(json_object *data);
    /* In the place of the generic way, where the table of fields cannot say it. */
    void (*decode)(salon_calls_t *calls, const salon_wire_message_t *row, json_object *payload);
    /* No client can name it: it is there for `open`, and for the `decode` of other rows. */
    bool hidden;
};

/*
 * A way over HTTP to an operation, for clients that change things there and hear of them over their
 * WebSocket.  The request goes through the same checks as a message, and counts for the rate of the
 * dialect's first endpoint on that listener; a refusal is what `error` makes, with a fitting
 * status.  Listeners serve it where they name the plugin ("http = {...}").
 */
typedef struct salon_wire_route_t {
    const char *method; /* NULL ends the table */
    const char *path;   /* "/conversation/{conversation_id}/messages" */
    const char *operation;
    /* From the members of the body, a JSON object; else what the path captured; else the query.
     * Text from these is a number where the operation wants one. */
    const salon_wire_field_t *fields;
    int status; /* of success; 0: 200 */
    const salon_shape_t *shape;
    json_object *(*answer)(json_object *data); /* in the place of `shape` */
} salon_wire_route_t;

/* An event, on its way to clients.  Rows of one event stand together; the first that fits
 * counts. */
typedef struct salon_wire_event_t {
    const char *event; /* NULL ends the table; an event that fits no row is not sent */
    const char *when;  /* a path that must lead to something in the event; NULL: always */
    const char *type;
    const salon_shape_t *shape;
    /* In the place of `shape`; NULL answered: this one is not sent. */
    json_object *(*encode)(json_object *data);
    /* A path to the id of a user whose connections in this dialect are not told; NULL: all are. */
    const char *except;
} salon_wire_event_t;

/* How a canonical code is spelled.  The row with code NULL is for all that have none, and last. */
typedef struct salon_wire_error_t {
    const char *code;
    const char *wire;
    const char *message;
    const char *severity;
    /* Where an opening is refused so, the connection is closed with this code; 0: it stays open. */
    int close;
} salon_wire_error_t;

/* A refusal, as a dialect's `error` sees it. */
typedef struct salon_refusal_t {
    const salon_wire_error_t *row;
    const salon_wire_message_t *message; /* what was refused; NULL: not known */
    json_object *asked;                  /* its arguments, checked or not; NULL: none */
    json_object *details;                /* fields in the wire's names; NULL: none */
    apr_int64_t retry_after;             /* seconds; 0: not said */
} salon_refusal_t;

/* ---- The opening of a connection ---------------------------------------------------------- */

typedef struct salon_opening_t salon_opening_t;

/* A capture of the endpoint's path pattern (one at its end can be anything, empty, too); a query
 * parameter; the token of the header "Authorization: Bearer".  NULL: none. */
SALON_API const char *salon_opening_capture(const salon_opening_t *opening, const char *name);
SALON_API const char *salon_opening_query(const salon_opening_t *opening, const char *name);
SALON_API const char *salon_opening_bearer(const salon_opening_t *opening);

/* Its members from `example` on may be left out. */
struct salon_dialect_t {
    const char *name;
    const char *payload; /* the member of a message that holds its fields; NULL: they stand flat */
    const salon_wire_message_t *messages;
    const salon_wire_event_t *events;
    const salon_wire_error_t *errors;
    const salon_wire_route_t *routes; /* NULL: none */
    const char *error_type; /* the type of a refusal */
    bool api_tokens;        /* may people sign in with an API token? */
    /* What an opening asks for before the first message; may be NULL. */
    void (*open)(const salon_opening_t *opening, salon_calls_t *calls);
    /* The whole wire message (a new object) around its data (consumed).  NULL: the member "type",
     * and the data in the member `payload`, or beside it where that is NULL. */
    json_object *(*envelope)(const char *type, json_object *data);
    /* The data of a refusal (a new object); NULL: nothing is said of it. */
    json_object *(*error)(const salon_refusal_t *refusal);
    /* For --demo: the end of a wscat line, and what to paste then; TOKEN stands for a token. */
    const char *example;
    /* Names of sub-protocols that clients may ask for; the first one asked for that is here is
     * agreed on.  NULL-terminated. */
    const char *const *subprotocols;
    /* Batches: the query parameter with which (at a value of 1) a client asks that messages which
     * wait for it together are sent as one; what stands before them, and (written with its NUL, of
     * any network thread) behind them.  Between them are commas. */
    const char *batch_query;
    const char *batch_head;
    void (*batch_tail)(char *buffer, size_t size);
    /* Messages are no JSON: in the place of decoding it.  The text is valid UTF-8 without NUL.  An
     * event or answer of which the encoding is a JSON string is then sent as that string's text,
     * without an envelope. */
    void (*decode_raw)(salon_calls_t *calls, const char *text, size_t length);
};

#ifdef __cplusplus
}
#endif

#endif
