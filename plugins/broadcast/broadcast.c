/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect without rooms, names or types: what one connection sends reaches every other one as it
 * was sent.  Nobody signs in; the rate limit counts per address.
 *
 * Operations: broadcast.listen, broadcast.send; event: broadcast.
 */
#include <salon/dialect.h>

#define EVERYBODY SALON_TOPIC("broadcast", 0)

static salon_outcome_t broadcast_listen(salon_req_t *req)
{
    salon_subscribe(salon_req_session(req), EVERYBODY);
    return salon_reply(req, NULL);
}

static salon_outcome_t broadcast_send(salon_req_t *req)
{
    json_object *text = json_object_get(salon_arg(req, "text"));
    salon_publish_except(EVERYBODY, salon_req_session(req), "broadcast",
                         salon_json_value(salon_json(), "text", text));
    return salon_reply(req, NULL);
}

static const salon_argument_t send_arguments[] = {
    { "text", SALON_CONTENT, SALON_MAY_BE_BLANK, 0, 0 },
    { NULL, SALON_STRING, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "broadcast.listen", .handler = broadcast_listen, .flags = SALON_ANONYMOUS,
      .help = "hear what others broadcast" },
    { .name = "broadcast.send", .handler = broadcast_send, .arguments = send_arguments,
      .flags = SALON_ANONYMOUS, .cost = 1, .help = "say something to all others who listen" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "broadcast", 0, "somebody has said something: text" },
    { NULL, 0, NULL },
};

/* ---- The dialect ---- */

enum { CALL_SEND, CALL_ENTER, CALL_LISTEN };

static const salon_wire_message_t wire_messages[] = {
    [CALL_SEND] = { .type = "broadcast", .operation = "broadcast.send" },
    [CALL_ENTER] = { .type = "enter", .operation = "session.anonymous" },
    [CALL_LISTEN] = { .type = "listen", .operation = "broadcast.listen" },
    { .type = NULL },
};

/* The string alone is the message. */
static json_object *text_of(json_object *data)
{
    return json_object_get(salon_path(data, "text"));
}

static const salon_wire_event_t wire_events[] = {
    { .event = "broadcast", .type = "broadcast", .encode = text_of },
    { .event = NULL },
};

#define ERROR(code_, message_, close_) { code_, message_, message_, "low", close_ }

static const salon_wire_error_t wire_errors[] = {
    ERROR(SALON_INVALID, "Invalid message format", 0),
    ERROR(SALON_TOO_LONG, "Message too long", 0),
    ERROR(SALON_RATE_LIMITED, "Rate limit exceeded", 0),
    ERROR(SALON_DENIED, "Access denied", 1008),
    ERROR(NULL, "Internal server error", 1011),
};

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    (void)opening;
    salon_call(calls, &wire_messages[CALL_ENTER], NULL);
    salon_call(calls, &wire_messages[CALL_LISTEN], NULL);
}

static void decode_text(salon_calls_t *calls, const char *text, size_t length)
{
    json_object *string = json_object_new_string_len(text, (int)length);
    salon_call(calls, &wire_messages[CALL_SEND],
               salon_json_value(salon_json(), "text", string));
}

static json_object *error(const salon_refusal_t *refusal)
{
    return salon_json_string(salon_json(), "message", refusal->row->message);
}

static const salon_dialect_t dialect = {
    .name = "broadcast",
    .payload = "data",
    .messages = wire_messages,
    .events = wire_events,
    .errors = wire_errors,
    .error_type = "error",
    .open = open_connection,
    .decode_raw = decode_text,
    .error = error,
    .example = "'\n  twice; then type  hello  in one\n  and expect  hello  in the other",
};

SALON_PLUGIN(broadcast) = {
    SALON_PLUGIN_HEADER,
    .name = "broadcast",
    .version = "1.0",
    .summary = "whatever one connection sends, to all others",
    .operations = operations,
    .events = events,
    .dialect = &dialect,
};
