/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests of a session, in the order in which they came: which of them may start, and which
 * have ended.
 */
#include "request.h"
#include "session.h"

static bool may_start(const salon_session_t *session, const salon_req_t *req)
{
    if (session->running == 0) return true;
    return !session->exclusive && request_is_pipelined(req);
}

static salon_req_t *next_waiting(const salon_session_t *session)
{
    salon_req_t *req = session->first;
    while (req != NULL && req->state != REQ_WAITING) req = req->next;
    return req;
}

static void pop_finished(salon_session_t *session)
{
    while (session->first != NULL && session->first->state == REQ_DONE) {
        salon_req_t *req = session->first;
        session->first = req->next;
        if (session->first == NULL) session->last = &session->first;
        session->running--;
        request_release(req);
    }
}

void session_advance(salon_session_t *session)
{
    if (session->advancing) return;
    session->advancing = true;
    for (;;) {
        pop_finished(session);
        salon_req_t *req = next_waiting(session);
        if (req == NULL || !may_start(session, req)) break;
        session->running++;
        session->exclusive = !request_is_pipelined(req);
        request_start(req);
    }
    session->advancing = false;
    if (session->closed && session->first == NULL) session_free(session);
}

/* What the opening asks for is answered before anything else. */
void session_call(salon_session_t *session, call_t *call)
{
    bool opening = session->first != NULL && session->first->call->opening;
    salon_req_t *req = request_from_call(session, call);
    req->immediate = request_is_immediate(req) && !opening && !call->in_order;
    if (req->immediate) {
        request_start(req);
        return;
    }
    *session->last = req;
    session->last = &req->next;
    session_advance(session);
}

void session_drop_waiting(salon_session_t *session)
{
    salon_req_t *req;
    while ((req = next_waiting(session)) != NULL) {
        salon_req_t **link = &session->first;
        while (*link != req) link = &(*link)->next;
        *link = req->next;
        if (session->last == &req->next) session->last = link;
        request_release(req);
    }
}
