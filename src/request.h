/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request on its way: made of a client's call, an HTTP request or a control command; checked
 * against its operation's table; handled; answered once.  Chat thread.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "call.h"
#include "http.h"
#include "operation.h"
#include "route.h"
#include "session.h"
#include "store.h"

typedef enum { REQ_WAITING, REQ_RUNNING, REQ_DONE } req_state_t;

typedef struct intention_t intention_t; /* see intent.c */

/* Where answers go: one constant per origin of requests. */
typedef struct request_sink_t {
    void (*reply)(salon_req_t *req, json_object *data); /* data is borrowed */
    void (*refuse)(salon_req_t *req, const char *code, json_object *details,
                   apr_int64_t retry_after); /* details is borrowed, may be NULL */
    void (*finish)(salon_req_t *req); /* it has been answered; owns it from now on */
} request_sink_t;

struct salon_req_t {
    apr_pool_t *pool;
    const request_sink_t *sink;
    req_state_t state;
    salon_req_t *next; /* of the session */
    const operation_t *operation;
    json_object *arguments;
    const user_t *user;
    salon_topic_t topic; /* what it is about */
    void *data;
    bool answered;
    bool charged; /* it counts in the rate */
    int listener, endpoint; /* where its rate counts; endpoint -1: nowhere */
    /* of a session */
    salon_session_t *session;
    call_t *call;
    bool immediate; /* not among the session's requests */
    frame_t *held; /* the answer, while earlier requests have not been answered */
    int close_code;
    int plugins_asked; /* see hooks_writing */
    const char *close_reason;
    /* of HTTP */
    http_request_t *http;
    route_captures_t captures;
    const char *refused; /* see salon_http_refused */
    const wire_t *spoken; /* of a dialect's route, whose row is the origin */
    bool from_control; /* of the control socket: may do everything */
    /* of the control socket, of another request (ask.c), of a dialect's route (rest.c) */
    void *origin;
    /* of the store */
    struct statements_t *statements;
    salon_then_t *then;
    intention_t *intentions; /* the last one first */
};

/* A new one, of nobody, that counts nowhere. */
salon_req_t *request_make(const request_sink_t *sink);
/* Requests that have not been released. */
int request_count(void);

/* Takes the call over; request_start is the session's to call. */
salon_req_t *request_from_call(salon_session_t *session, call_t *call);
/* Takes it over, pool included, and runs it at once. */
void request_from_http(http_request_t *http);
/* arguments: consumed.  Runs at once. */
void request_from_control(const operation_t *operation, json_object *arguments,
                          const request_sink_t *sink, void *control);

bool request_is_pipelined(const salon_req_t *req);
bool request_is_immediate(const salon_req_t *req);

/* Checks and handles it. */
void request_start(salon_req_t *req);
/* What a handler, or a `then`, returned. */
void request_outcome(salon_req_t *req, salon_outcome_t outcome);
/* It has waited; goes on with this. */
void request_resume(salon_req_t *req, salon_handler_t *handler);
/* Answers one that came over HTTP; takes the reply over. */
salon_outcome_t request_http_answer(salon_req_t *req, http_reply_t *reply);
/* The asker has gone, or is told nothing. */
salon_outcome_t request_no_answer(salon_req_t *req);
/* For functions that answer later: the outcome that says so. */
salon_outcome_t request_pending(void);
/* Frees it, and sends what was held. */
void request_release(salon_req_t *req);

#endif
