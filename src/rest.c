/* SPDX-License-Identifier: Apache-2.0 */
/*
 * There is no second way of doing anything: what comes over HTTP becomes the arguments of an
 * operation, which is checked and handled as if a message had asked for it.
 */
#include "rest.h"

#include <string.h>

#include <apr_strings.h>

#include "check.h"
#include "http_request.h"
#include "json.h"
#include "wire.h"

/* ---- Answers ---- */

static void rest_reply(salon_req_t *req, json_object *data)
{
    const salon_wire_route_t *route = req->origin;
    json_object *shown = data != NULL ? json_object_get(data) : salon_json();
    json_object_object_add(shown, "asked", json_object_get(req->arguments));
    json_object *body = route->answer != NULL ? route->answer(shown)
                                              : salon_shape(route->shape, shown);
    json_object_object_del(shown, "asked");
    http_request_send(req, route->status != 0 ? route->status : 200, body, NULL);
    json_object_put(body);
    json_object_put(shown);
}

static void rest_refuse(salon_req_t *req, const char *code, json_object *details,
                        apr_int64_t retry_after)
{
    json_object *body =
        wire_route_error(req->spoken, req->origin, code, details, retry_after);
    http_request_send(req, http_request_status(code), body,
                      http_request_headers(req, code, retry_after));
    json_object_put(body);
}

static const request_sink_t rest_sink = { rest_reply, rest_refuse, request_release };

void rest_begin(salon_req_t *req, const plugin_route_t *route)
{
    req->sink = &rest_sink;
    req->origin = (void *)route->wire;
    req->spoken = wire_find(route->owner);
}

/* ---- Arguments ---- */

static salon_type_t type_of(const operation_t *operation, const char *name)
{
    const salon_argument_t *argument = operation->row->arguments;
    for (; argument != NULL && argument->name != NULL; argument++)
        if (strcmp(argument->name, name) == 0) return argument->type;
    return SALON_STRING;
}

/* A text of digits that fits into what JSON can hold exactly; otherwise it stays a text, which is
 * refused where a number is wanted. */
static json_object *number_of(const char *text)
{
    const char *from = text[0] == '-' ? text + 1 : text;
    size_t digits = strspn(from, "0123456789");
    if (digits == 0 || digits > 15 || from[digits] != '\0') return NULL;
    return json_object_new_int64(apr_atoi64(text));
}

static json_object *value_of(const char *text, salon_type_t type)
{
    json_object *value = NULL;
    if (type == SALON_INTEGER || type == SALON_ID) value = number_of(text);
    if (type == SALON_BOOLEAN && strcmp(text, "true") == 0) value = json_object_new_boolean(true);
    if (type == SALON_BOOLEAN && strcmp(text, "false") == 0) value = json_object_new_boolean(false);
    return value != NULL ? value : json_object_new_string(text);
}

/* False: the field leads through something that is no object. */
static bool argument_add(salon_req_t *req, const salon_wire_field_t *field, json_object *body)
{
    const char *text = salon_http_capture(req, field->wire);
    if (text == NULL) text = salon_http_query(req, field->wire);
    if (text != NULL)
        salon_json_value(req->arguments, field->argument,
                         value_of(text, type_of(req->operation, field->argument)));
    return body == NULL || wire_field_copy(field, body, req->arguments);
}

/* The wire's name of what is wrong with it; NULL: nothing. */
static const char *arguments_add(salon_req_t *req, json_object *body)
{
    const salon_wire_route_t *route = req->origin;
    for (const salon_wire_field_t *f = route->fields; f != NULL && f->wire != NULL; f++)
        if (!argument_add(req, f, body)) return f->wire;
    return NULL;
}

/* An absent body is an empty object. */
static bool body_parse(salon_req_t *req, json_object **body_r)
{
    apr_size_t length;
    const char *text = salon_http_body(req, &length);
    *body_r = NULL;
    if (length == 0) return true;
    return json_parse(text, length, body_r) && json_object_is_type(*body_r, json_type_object);
}

salon_outcome_t rest_run(salon_req_t *req, const plugin_route_t *route)
{
    json_object *body;
    rest_begin(req, route);
    req->operation = operation_find(route->wire->operation);
    if (req->operation == NULL) return salon_fail(req, SALON_UNKNOWN);
    req->arguments = salon_json();
    bool parsed = body_parse(req, &body);
    const char *wrong = parsed ? arguments_add(req, body) : NULL;
    json_object_put(body);
    if (!parsed) return salon_fail(req, SALON_INVALID);
    return wrong != NULL ? salon_fail_argument(req, wrong) : check_and_handle(req);
}
