/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that other requests make: with the asker of the one that asks, and a sink that hands the
 * answer to it.  Who answers at once is found out by returning, so that nothing is called from
 * within the handler that has answered.
 */
#include <assert.h>

#include "request.h"

typedef struct ask_t {
    salon_req_t *asker;
    salon_asked_t *then;
    bool starting, finished;
    const char *code;
    json_object *data, *details;
} ask_t;

static void ask_reply(salon_req_t *req, json_object *data)
{
    ask_t *ask = req->origin;
    ask->code = NULL;
    ask->data = json_object_get(data);
}

static void ask_refuse(salon_req_t *req, const char *code, json_object *details,
                       apr_int64_t retry_after)
{
    ask_t *ask = req->origin;
    ask->code = code;
    ask->details = details != NULL ? json_object_get(details) : salon_json();
    if (retry_after > 0) salon_json_integer(ask->details, "retry_after", retry_after);
}

static salon_outcome_t ask_done(salon_req_t *req)
{
    ask_t *ask = req->origin;
    salon_outcome_t outcome = ask->then(ask->asker, ask->code, ask->data, ask->details);
    json_object_put(ask->data);
    json_object_put(ask->details);
    request_release(req);
    return outcome;
}

static void ask_finish(salon_req_t *req)
{
    ask_t *ask = req->origin;
    salon_req_t *asker = ask->asker;
    ask->finished = true;
    if (!ask->starting) request_outcome(asker, ask_done(req));
}

static const request_sink_t ask_sink = { ask_reply, ask_refuse, ask_finish };

salon_outcome_t salon_ask(salon_req_t *asker, const char *operation, json_object *arguments,
                          salon_asked_t *then)
{
    salon_req_t *req = request_make(&ask_sink);
    ask_t *ask = apr_pcalloc(req->pool, sizeof(*ask));
    assert(!asker->answered);
    *ask = (ask_t){ .asker = asker, .then = then, .starting = true, .code = SALON_UNAVAILABLE };
    req->origin = ask;
    req->operation = operation_find(operation);
    req->arguments = arguments != NULL ? arguments : salon_json();
    req->session = asker->session;
    req->user = asker->user;
    req->listener = asker->listener;
    req->endpoint = asker->endpoint;
    if (req->operation != NULL) request_start(req);
    else request_outcome(req, salon_fail(req, SALON_UNKNOWN));
    ask->starting = false;
    return ask->finished ? ask_done(req) : request_pending();
}
