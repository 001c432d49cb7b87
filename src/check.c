/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks are a list of functions, each of which lets a request pass or refuses it; the first
 * refusal counts.
 */
#include "check.h"

#include <sys/param.h>

#include "attachment.h"
#include "api_token.h"
#include "chat.h"
#include "hooks.h"
#include "server.h"
#include "utf8.h"

#define ID_MOST        9007199254740991 /* what JavaScript's numbers hold exactly */
#define FLOOD_BURST    2000             /* requests at once ... */
#define FLOOD_PAUSE    2                /* milliseconds in which one of them comes back */
#define STRING_MOST    255              /* code points, where a table says nothing */
#define CONTENT_MOST   4096             /* of requests that come over no endpoint */

static const salon_outcome_t passed = { 0 };

/* ---- Arguments ---- */

static salon_outcome_t too_long(salon_req_t *req, const char *name, apr_int64_t limit)
{
    json_object *details = salon_json_string(salon_json(), "field", name);
    return salon_fail_details(req, SALON_TOO_LONG, salon_json_integer(details, "limit", limit));
}

static salon_outcome_t check_integer(salon_req_t *req, const salon_argument_t *argument,
                                     json_object *value)
{
    if (!json_object_is_type(value, json_type_int)) return salon_fail_argument(req, argument->name);
    apr_int64_t number = json_object_get_int64(value);
    apr_int64_t clamped = MAX(argument->min, MIN(number, argument->max));
    if (number == clamped) return passed;
    if (!(argument->flags & SALON_CLAMP)) return salon_fail_argument(req, argument->name);
    json_object_object_add(req->arguments, argument->name, json_object_new_int64(clamped));
    return passed;
}

static salon_outcome_t check_id(salon_req_t *req, const salon_argument_t *argument,
                                json_object *value)
{
    apr_int64_t id = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
    return id > 0 && id <= ID_MOST ? passed : salon_fail_argument(req, argument->name);
}

static salon_outcome_t check_string(salon_req_t *req, const salon_argument_t *argument,
                                    json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return salon_fail_argument(req, argument->name);
    apr_int64_t most = argument->max > 0 ? argument->max : STRING_MOST;
    apr_int64_t length = (apr_int64_t)utf8_count(json_object_get_string(value),
                                                 (size_t)json_object_get_string_len(value));
    if (length > most) return too_long(req, argument->name, most);
    return length >= argument->min ? passed : salon_fail_argument(req, argument->name);
}

/* Where it came in; there is one. */
static const config_endpoint_t *endpoint_of(const salon_req_t *req)
{
    return &server.config->listeners[req->listener].endpoints[req->endpoint];
}

static salon_outcome_t check_content(salon_req_t *req, const salon_argument_t *argument,
                                     json_object *value)
{
    if (!json_object_is_type(value, json_type_string))
        return salon_fail_argument(req, argument->name);
    const char *text = json_object_get_string(value);
    size_t length = (size_t)json_object_get_string_len(value);
    apr_int64_t most =
        req->endpoint >= 0 ? endpoint_of(req)->max_length : CONTENT_MOST;
    if (most > 0 && (apr_int64_t)utf8_count(text, length) > most)
        return too_long(req, argument->name, most);
    bool may_be_blank = (argument->flags & SALON_MAY_BE_BLANK) ||
                        ((argument->flags & SALON_OR_MEDIA) && salon_arg(req, "media") != NULL);
    if (may_be_blank || !utf8_blank(text, length)) return passed;
    return salon_fail_details(req, SALON_BLANK,
                              salon_json_string(salon_json(), "field", argument->name));
}

static salon_outcome_t check_boolean(salon_req_t *req, const salon_argument_t *argument,
                                     json_object *value)
{
    return json_object_is_type(value, json_type_boolean) ? passed
                                                         : salon_fail_argument(req, argument->name);
}

static salon_outcome_t check_object(salon_req_t *req, const salon_argument_t *argument,
                                    json_object *value)
{
    return json_object_is_type(value, json_type_object) ? passed
                                                        : salon_fail_argument(req, argument->name);
}

static salon_outcome_t check_array(salon_req_t *req, const salon_argument_t *argument,
                                   json_object *value)
{
    return json_object_is_type(value, json_type_array) ? passed
                                                       : salon_fail_argument(req, argument->name);
}

static salon_outcome_t check_kind(salon_req_t *req, const salon_argument_t *argument,
                                  json_object *value)
{
    bool known = json_object_is_type(value, json_type_string) &&
                 attachment_kind_ok(json_object_get_string(value));
    return known ? passed : salon_fail_argument(req, argument->name);
}

static salon_outcome_t check_media(salon_req_t *req, const salon_argument_t *argument,
                                   json_object *value)
{
    if (!json_object_is_type(value, json_type_object))
        return salon_fail_argument(req, argument->name);
    attachment_wrong_t wrong = attachment_check(value);
    if (wrong.field == NULL) return passed;
    return wrong.limit > 0 ? too_long(req, wrong.field, wrong.limit)
                           : salon_fail_argument(req, wrong.field);
}

static salon_outcome_t (*const by_type[])(salon_req_t *, const salon_argument_t *,
                                          json_object *) = {
    [SALON_INTEGER] = check_integer, [SALON_ID] = check_id,           [SALON_STRING] = check_string,
    [SALON_CONTENT] = check_content, [SALON_BOOLEAN] = check_boolean, [SALON_OBJECT] = check_object,
    [SALON_ARRAY] = check_array,     [SALON_KIND] = check_kind,       [SALON_MEDIA] = check_media,
};

/* Where media stand for it, there is always a text: an empty one. */
static bool fill_content(salon_req_t *req, const salon_argument_t *argument, json_object **value_r)
{
    if (!(argument->flags & SALON_OR_MEDIA) || salon_arg(req, "media") == NULL) return false;
    *value_r = json_object_new_string("");
    json_object_object_add(req->arguments, argument->name, *value_r);
    return true;
}

/* The connection's own, where the request says nothing. */
static void argument_default(salon_req_t *req, const char *name)
{
    json_object *value;
    if (req->session == NULL || req->session->defaults == NULL || salon_arg(req, name) != NULL ||
        !json_object_object_get_ex(req->session->defaults, name, &value))
        return;
    json_object_object_add(req->arguments, name, json_object_get(value));
}

static salon_outcome_t check_arguments(salon_req_t *req)
{
    if (attachment_is_nothing(salon_arg(req, "media")))
        json_object_object_del(req->arguments, "media");
    for (const salon_argument_t *a = req->operation->row->arguments; a != NULL && a->name; a++) {
        argument_default(req, a->name);
        json_object *value = salon_arg(req, a->name);
        if (value == NULL && (a->flags & SALON_OPTIONAL)) continue;
        if (value == NULL && !fill_content(req, a, &value))
            return salon_fail_argument(req, a->name);
        salon_outcome_t outcome = by_type[a->type](req, a, value);
        if (outcome.kind != 0) return outcome;
    }
    return passed;
}

/* ---- The others ---- */

static salon_outcome_t check_decoded(salon_req_t *req)
{
    const call_t *call = req->call;
    if (call == NULL || call->code == NULL) return passed;
    if (call->field == NULL) return salon_fail(req, call->code);
    return salon_fail_details(req, call->code,
                              salon_json_string(salon_json(), "field", call->field));
}

static salon_outcome_t not_signed_in(salon_req_t *req)
{
    return salon_fail(req, SALON_NOT_SIGNED_IN);
}

/* What is wrong with a message is told only to those who may send messages at all. */
static salon_outcome_t check_signed_in(salon_req_t *req)
{
    unsigned open_to = SALON_ANYBODY;
    if (req->user != NULL && req->user->shown.anonymous) open_to |= SALON_ANONYMOUS;
    else if (req->user != NULL) return passed;
    if (req->operation == NULL) return req->user != NULL ? passed : not_signed_in(req);
    return req->operation->row->flags & open_to ? passed : not_signed_in(req);
}

static salon_outcome_t check_use(salon_req_t *req)
{
    if (req->from_control || req->user == NULL) return passed;
    const char *code = salon_may_not(&req->user->shown, "use", SALON_SERVER);
    return code == NULL ? passed : salon_fail(req, code);
}

static salon_outcome_t check_token_age(salon_req_t *req)
{
    const salon_session_t *session = req->session;
    if (session == NULL || !(req->operation->row->flags & SALON_WRITES)) return passed;
    if (session->token_expires == 0 || salon_now() / 1000 < session->token_expires) return passed;
    return salon_fail(req, SALON_INVALID_TOKEN);
}

static salon_outcome_t check_role(salon_req_t *req)
{
    salon_role_t role = req->user != NULL ? req->user->shown.role : SALON_ROLE_USER;
    return role >= req->operation->row->role ? passed : salon_fail(req, SALON_DENIED);
}

static salon_outcome_t check_rate(salon_req_t *req)
{
    int cost = req->operation->row->cost;
    rate_refusal_t refusal;
    if (req->endpoint < 0 || cost == 0 || req->user == NULL) return passed;
    rate_log_t *log = rates_log(req->user->rates, req->listener, req->endpoint);
    req->charged = rate_take(log, &endpoint_of(req)->rule, cost, chat_now(), &refusal);
    if (req->charged) return passed;
    json_object *details = salon_json();
    salon_json_integer(details, "current_rate", refusal.current);
    salon_json_integer(details, "limit", refusal.limit);
    salon_json_integer(details, "window", refusal.window);
    salon_json_integer(details, "retry_after", refusal.retry_after);
    return salon_fail_details(req, SALON_RATE_LIMITED, details);
}

void check_give_back(salon_req_t *req)
{
    if (!req->charged) return;
    rate_log_t *log = rates_log(req->user->rates, req->listener, req->endpoint);
    rate_give_back(log, &endpoint_of(req)->rule, req->operation->row->cost);
    req->charged = false;
}

/* What costs nothing in the rate is bounded, too: per connection, far above what anybody needs. */
static salon_outcome_t check_flood(salon_req_t *req)
{
    salon_session_t *session = req->session;
    if (session == NULL || req->operation->row->cost > 0) return passed;
    apr_int64_t now = chat_now();
    int refill = (int)MIN((now - session->budget_at) / FLOOD_PAUSE, FLOOD_BURST);
    if (refill > 0) session->budget_at = now;
    session->budget = MIN(session->budget + refill, FLOOD_BURST);
    if (session->budget-- > 0) return passed;
    session->budget = 0;
    return salon_fail_details(req, SALON_RATE_LIMITED,
                              salon_json_integer(salon_json(), "retry_after", 1));
}

static salon_outcome_t check_writing(salon_req_t *req)
{
    bool writes = req->session != NULL && (req->operation->row->flags & SALON_WRITES);
    return writes ? hooks_writing(req, &req->plugins_asked) : passed;
}

static salon_outcome_t (*const checks[])(salon_req_t *) = {
    check_signed_in, check_use,  check_decoded, check_arguments,
    check_token_age, check_role, check_rate, check_flood, check_writing,
};

/* After all others, which may have made it wait: what is true now counts. */
static salon_outcome_t check_subject(salon_req_t *req)
{
    salon_outcome_t refused;
    const salon_operation_t *row = req->operation->row;
    if (row->subject == NULL) return passed;
    if (!row->subject(req, &req->topic, &refused)) return refused;
    if (row->may == NULL || req->from_control) return passed;
    const char *code = salon_may_not(salon_req_user(req), row->may, req->topic);
    return code == NULL ? passed : salon_fail(req, code);
}

static salon_outcome_t handle(salon_req_t *req)
{
    salon_outcome_t outcome = check_subject(req);
    return outcome.kind != 0 ? outcome : req->operation->row->handler(req);
}

salon_outcome_t check_and_handle(salon_req_t *req)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        salon_outcome_t outcome = checks[i](req);
        if (outcome.kind != 0) return outcome;
    }
    return handle(req);
}

salon_outcome_t salon_req_go_on(salon_req_t *req)
{
    salon_outcome_t outcome = check_use(req); /* it has waited */
    if (outcome.kind == 0) outcome = hooks_writing(req, &req->plugins_asked);
    return outcome.kind != 0 ? outcome : handle(req);
}
