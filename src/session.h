/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions: a WebSocket connection as the chat thread sees it.  Keeps its requests in order: they
 * take effect and are answered in the order in which they came; pipelined ones may be stored
 * together, immediate ones (pings) overtake.
 */
#ifndef SESSION_H
#define SESSION_H

#include "call.h"
#include "conn.h"
#include "http.h"
#include "roster.h"
#include "salon/plugin.h"
#include "user.h"
#include "wire.h"

struct salon_session_t {
    conn_ref_t conn;
    const wire_t *wire;
    int listener, endpoint; /* places in the configuration */
    user_t *user;           /* NULL: not signed in */
    salon_session_t *next_of_user;
    apr_int64_t token_expires; /* seconds since 1970; 0: never */
    apr_int64_t api_token_id;  /* of the one that it has signed in with; 0: none */
    apr_int64_t opened_at;     /* milliseconds since 1970 */
    roster_seats_t seats;
    salon_req_t *first, **last; /* requests, in the order in which they came */
    int running;
    bool exclusive; /* the running one is not a pipelined one */
    bool advancing, closed;
    bool ending; /* it is about to be closed; nothing that it asks for is done */
    int budget; /* requests that it may make at once, see check.c */
    apr_int64_t budget_at; /* when that was so */
    int refused; /* messages, in the minute that began then */
    apr_int64_t refused_since;
    struct standings_t *standings; /* of its histories; NULL: none; allocated */
    json_object *defaults; /* arguments that requests get which lack them; NULL: none */
    unsigned char id[16];
    char address[];
};

/* ---- Network threads: these tell the chat thread ---- */
void session_post_opened(conn_t *conn);
void session_post_call(conn_t *conn, call_t *call);
void session_post_closed(conn_t *conn);
void session_post_http(conn_t *conn, http_request_t *request);

/* ---- Chat thread ---- */
/* Connections there are, and those of them that have signed in. */
apr_int64_t session_count(void);
apr_int64_t session_signed_in_count(void);
/* Those of one dialect. */
apr_int64_t session_count_in(const wire_t *wire);
/* Its user is known from now on; what it hears of another user ends. */
void session_sign_in(salon_session_t *session, user_t *user, apr_int64_t token_expires);
/* Closes the user's connections that have signed in with that API token. */
void session_end_token(apr_int64_t user_id, apr_int64_t api_token_id);
/* A frame (one reference, may be NULL); and that so many calls have thereby been answered. */
void session_send(salon_session_t *session, frame_t *frame, int answered, size_t size);
/* Counts a refusal; closes a connection that goes on and on. */
void session_refused(salon_session_t *session);
/* Its id as text. */
json_object *session_id_json(const salon_session_t *session);
/* Frees it: its connection has gone, and its last request has ended. */
void session_free(salon_session_t *session);

/* ---- Chat thread: its requests (session_queue.c) ---- */
/* Takes the call as a request, behind those that wait. */
void session_call(salon_session_t *session, call_t *call);
/* A request has been answered: what was held behind it goes on. */
void session_advance(salon_session_t *session);
/* Requests that have not started never will: the connection has gone. */
void session_drop_waiting(salon_session_t *session);

#endif
