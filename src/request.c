/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request.  Handlers answer through the sink of its origin: a session's answers are
 * encoded by its dialect and kept in order.
 */
#define LOG_AREA "request"
#include "request.h"

#include <assert.h>

#include <apr_strings.h>

#include "check.h"
#include "latency.h"
#include "log.h"
#include "metrics.h"
#include "timeline.h"

enum { OUTCOME_ANSWERED = 1, OUTCOME_PENDING };

static int living;

int request_count(void)
{
    return living;
}

salon_outcome_t request_pending(void)
{
    return (salon_outcome_t){ OUTCOME_PENDING };
}

salon_req_t *request_make(const request_sink_t *sink)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    salon_req_t *req = apr_pcalloc(pool, sizeof(*req));
    req->pool = pool;
    req->sink = sink;
    req->endpoint = -1;
    living++;
    return req;
}

bool request_is_pipelined(const salon_req_t *req)
{
    return req->operation != NULL && (req->operation->row->flags & SALON_PIPELINED);
}

bool request_is_immediate(const salon_req_t *req)
{
    return req->operation != NULL && (req->operation->row->flags & SALON_IMMEDIATE);
}

/* ---- Answering ---- */

/* Sessions: the answer goes out now when nothing earlier is unanswered, else when that is. */
static void session_answer(salon_req_t *req, frame_t *frame)
{
    bool first = req->session->first == req || req->immediate;
    if (frame == NULL) return;
    if (first) session_send(req->session, frame, 0, 0);
    else req->held = frame;
}

static void session_reply(salon_req_t *req, json_object *data)
{
    json_object *shown = data != NULL ? json_object_get(data) : salon_json();
    json_object_object_add_ex(shown, "asked", json_object_get(req->arguments),
                              JSON_C_OBJECT_KEY_IS_CONSTANT);
    session_answer(req, wire_reply(req->session->wire, req->call->row, shown));
    json_object_object_del(shown, "asked");
    json_object_put(shown);
}

static void session_refuse(salon_req_t *req, const char *code, json_object *details,
                           apr_int64_t retry_after)
{
    int close_code;
    frame_t *frame =
        wire_error(req->session->wire, req->call->row, req->arguments, code, details, retry_after,
                   &close_code);
    if (req->call->opening) req->close_code = close_code;
    req->close_reason = wire_error_text(req->session->wire, code);
    if (req->close_code != 0) req->session->ending = true;
    session_answer(req, frame);
    session_refused(req->session);
}

static void session_finish(salon_req_t *req)
{
    salon_session_t *session = req->session;
    if (req->immediate) request_release(req);
    else session_advance(session);
}

static const request_sink_t session_sink = { session_reply, session_refuse, session_finish };

salon_req_t *request_from_call(salon_session_t *session, call_t *call)
{
    salon_req_t *req = request_make(&session_sink);
    req->session = session;
    req->listener = session->listener;
    req->endpoint = session->endpoint;
    req->call = call;
    req->operation = call->operation;
    req->arguments = call->arguments;
    return req;
}

static void session_release(salon_req_t *req)
{
    session_send(req->session, req->held, 1, req->call->size);
    if (req->answered && !req->call->opening)
        latency_note(LATENCY_MESSAGE, apr_time_now() - req->call->arrived);
    if (req->close_code != 0) salon_close(req->session, req->close_code, req->close_reason);
    call_free(&req->call);
}

void request_release(salon_req_t *req)
{
    if (req->call != NULL) session_release(req);
    else json_object_put(req->arguments);
    if (req->http != NULL) apr_pool_destroy(req->http->pool);
    living--;
    apr_pool_destroy(req->pool);
}

/* ---- The control socket ---- */

void request_from_control(const operation_t *operation, json_object *arguments,
                          const request_sink_t *sink, void *control)
{
    salon_req_t *req = request_make(sink);
    req->operation = operation;
    req->arguments = arguments;
    req->origin = control;
    req->from_control = true;
    req->user = user_find(SALON_SYSTEM_USER);
    request_start(req);
}

/* ---- The way of all ---- */

/* What the request says, else what its connection is bound to; NULL: nothing. */
static json_object *said(const salon_req_t *req, const char *name)
{
    json_object *value = salon_arg(req, name);
    return value != NULL ? value : json_object_object_get(req->session->defaults, name);
}

/* What the request names so: by an id or by a text; NULL: nothing. */
static const char *named_by(const salon_req_t *req, const char *noun, int length)
{
    json_object *value = said(req, apr_psprintf(req->pool, "%.*s_id", length, noun));
    if (value == NULL) value = said(req, apr_psprintf(req->pool, "%.*s", length, noun));
    bool plain = json_object_is_type(value, json_type_int) ||
                 json_object_is_type(value, json_type_string);
    return plain ? json_object_get_string(value) : NULL;
}

/* What a plugin's operation is about: its argument that bears the operation's noun, or the name of
 * what people talk in.  The core's own are about nothing that may be logged. */
static const char *subject_of(const salon_req_t *req)
{
    const char *noun = req->operation->row->name, *subject = NULL;
    const salon_timeline_kind_t *kind;
    if (strcmp(req->operation->owner, "core") == 0) return "-";
    subject = named_by(req, noun, (int)strcspn(noun, "."));
    for (int i = 0; subject == NULL && (kind = timeline_kind_at(i)) != NULL; i++)
        subject = named_by(req, kind->name, (int)strlen(kind->name));
    return subject != NULL ? subject : "-";
}

static void message_log(const salon_req_t *req)
{
    if (!log_enabled(SALON_LOG_DEBUG) || req->call->row == NULL || req->operation == NULL) return;
    log_debug("WS_MESSAGE: Type=%s, UserID=%" APR_INT64_T_FMT ", Room=%s", req->call->row->type,
              user_logged_id(req->user), subject_of(req));
}

salon_outcome_t request_no_answer(salon_req_t *req)
{
    req->answered = true;
    return (salon_outcome_t){ OUTCOME_ANSWERED };
}

void request_start(salon_req_t *req)
{
    req->state = REQ_RUNNING;
    if (req->session != NULL && req->session->ending) {
        request_outcome(req, request_no_answer(req));
        return;
    }
    if (req->session != NULL) {
        req->user = req->session->user;
        if (req->call != NULL) message_log(req);
    }
    request_outcome(req, check_and_handle(req));
}

void request_outcome(salon_req_t *req, salon_outcome_t outcome)
{
    if (outcome.kind == OUTCOME_PENDING) return;
    assert(outcome.kind == OUTCOME_ANSWERED && req->answered);
    req->state = REQ_DONE;
    req->sink->finish(req);
}

void request_resume(salon_req_t *req, salon_handler_t *handler)
{
    request_outcome(req, handler(req));
}

salon_outcome_t salon_reply(salon_req_t *req, json_object *data)
{
    assert(!req->answered);
    req->answered = true;
    req->sink->reply(req, data);
    json_object_put(data);
    return (salon_outcome_t){ OUTCOME_ANSWERED };
}

salon_outcome_t salon_fail_details(salon_req_t *req, const char *code, json_object *details)
{
    apr_int64_t retry_after = 0;
    json_object *value;
    assert(!req->answered);
    req->answered = true;
    check_give_back(req);
    metrics_add(METRIC_REQUESTS_REFUSED, 1);
    if (details != NULL && json_object_object_get_ex(details, "retry_after", &value)) {
        retry_after = json_object_get_int64(value);
        json_object_object_del(details, "retry_after");
    }
    req->sink->refuse(req, code, details, retry_after);
    json_object_put(details);
    return (salon_outcome_t){ OUTCOME_ANSWERED };
}

salon_outcome_t salon_fail(salon_req_t *req, const char *code)
{
    return salon_fail_details(req, code, NULL);
}

salon_outcome_t salon_fail_argument(salon_req_t *req, const char *name)
{
    return salon_fail_details(req, SALON_INVALID, salon_json_string(salon_json(), "field", name));
}

salon_outcome_t salon_req_wait(salon_req_t *req)
{
    assert(!req->answered);
    return request_pending();
}

void salon_req_resume(salon_req_t *req, salon_handler_t *handler)
{
    request_resume(req, handler);
}

/* ---- What handlers ask of it ---- */

apr_pool_t *salon_req_pool(salon_req_t *req)
{
    return req->pool;
}

const salon_user_t *salon_req_user(const salon_req_t *req)
{
    return req->user != NULL ? &req->user->shown : NULL;
}

salon_session_t *salon_req_session(const salon_req_t *req)
{
    return req->session;
}

salon_topic_t salon_req_topic(const salon_req_t *req)
{
    return req->topic;
}

void salon_req_set_data(salon_req_t *req, void *data)
{
    req->data = data;
}

void *salon_req_data(const salon_req_t *req)
{
    return req->data;
}

json_object *salon_arg(const salon_req_t *req, const char *name)
{
    return json_object_object_get(req->arguments, name);
}

const char *salon_arg_string(const salon_req_t *req, const char *name)
{
    json_object *value = salon_arg(req, name);
    return value != NULL ? json_object_get_string(value) : NULL;
}

apr_int64_t salon_arg_integer(const salon_req_t *req, const char *name, apr_int64_t fallback)
{
    json_object *value = salon_arg(req, name);
    return value != NULL ? json_object_get_int64(value) : fallback;
}

bool salon_arg_boolean(const salon_req_t *req, const char *name, bool fallback)
{
    json_object *value = salon_arg(req, name);
    return value != NULL ? json_object_get_boolean(value) : fallback;
}
