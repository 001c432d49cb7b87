/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect for tests: it can ask for every operation there is, and shows what is canonical as it
 * is.  The token is in the query: ?token=.  Refusals name what was called, where that is known.
 *
 *   {"type": "room.send", "args": {...}}     {"answer": "room.send", "data": ...}
 *                                            {"refused": "room.send", "code": ..., "details": ...}
 *                                            {"event": "message.new", "data": ...}
 *
 * What is said with a text that begins with "note" is noted in a table of the probe, in the same
 * transaction; probe.notes tells the ids noted, and of which messages it has been told.
 */
#include <string.h>

#include <apr_strings.h>

#include <salon/dialect.h>
#include <salon/plugin.h>

/* All arguments, whatever they are: what an operation does not know, it does not look at. */
static void decode(salon_calls_t *calls, const salon_wire_message_t *row, json_object *payload)
{
    salon_call(calls, row, json_object_get(payload));
}

/* All but the arguments, which are ours. */
static json_object *answer(json_object *data)
{
    json_object *copy = salon_json();
    json_object_object_foreach(data, key, value) {
        if (strcmp(key, "asked") != 0) salon_json_value(copy, key, json_object_get(value));
    }
    if (json_object_object_length(copy) > 0) return salon_json_value(salon_json(), "data", copy);
    json_object_put(copy);
    return salon_json_value(salon_json(), "data", NULL);
}

static const salon_shape_t as_it_is[] = {
    { "data", "", SALON_COPY, NULL },
    { NULL, NULL, SALON_COPY, NULL },
};

/* A type is two words: the member that holds the second. */
static json_object *envelope(const char *type, json_object *data)
{
    char member[16];
    size_t length = strcspn(type, " ");
    apr_cpystrn(member, type, length + 1);
    return salon_json_string(data, member, type + length + 1);
}

static json_object *error(const salon_refusal_t *refusal)
{
    json_object *data = salon_json_string(salon_json(), "code", refusal->row->wire);
    salon_json_optional(data, "retry_after", refusal->retry_after);
    return salon_json_value(data, "details", json_object_get(refusal->details));
}

/* ---- Tables ---- */

#define CALL(name_)                                                                              \
    { .type = name_, .operation = name_, .reply = "answer " name_, .answer = answer,             \
      .error = "refused " name_, .decode = decode }

static const salon_wire_message_t messages[] = {
    CALL("session.authenticate"),
    CALL("session.anonymous"),
    CALL("session.ping"),
    CALL("user.self"),
    CALL("api_token.add"),
    CALL("api_token.list"),
    CALL("api_token.revoke"),
    CALL("session.close"),
    CALL("broadcast.listen"),
    CALL("broadcast.send"),
    CALL("message.edit"),
    CALL("message.delete"),
    CALL("media.get"),
    CALL("media.delete"),
    CALL("room.create"),
    CALL("room.remove"),
    CALL("room.list"),
    CALL("room.join"),
    CALL("room.leave"),
    CALL("room.members"),
    CALL("room.role"),
    CALL("room.invite"),
    CALL("room.send"),
    CALL("room.history"),
    CALL("room.pin"),
    CALL("room.stats"),
    CALL("room.enter"),
    CALL("room.active"),
    CALL("room.get"),
    CALL("video.add"), /* internal */
    CALL("dm.open"),
    CALL("dm.get"),
    CALL("dm.list"),
    CALL("dm.send"),
    CALL("dm.history"),
    CALL("dm.pin"),
    CALL("dm.read"),
    CALL("dm.block"),
    CALL("dm.delete"),
    CALL("reaction.add"),
    CALL("reaction.remove"),
    CALL("reaction.list"),
    CALL("friend.request"),
    CALL("friend.accept"),
    CALL("friend.decline"),
    CALL("friend.remove"),
    CALL("friend.block"),
    CALL("friend.list"),
    CALL("friend.requests"),
    CALL("friend.blocks"),
    CALL("presence.set"),
    CALL("presence.get"),
    CALL("typing.start"),
    CALL("typing.stop"),
    CALL("moderation.mute"),
    CALL("moderation.ban"),
    CALL("moderation.kick"),
    CALL("moderation.lift"),
    CALL("moderation.list"),
    CALL("moderation.slow"),
    CALL("report.add"),
    CALL("report.list"),
    CALL("audit.list"),
    CALL("probe.notes"),
    CALL("user.add"), /* internal: in no dialect */
    CALL("nobody.nothing"),
    { .type = NULL },
};

#define EVENT(name_) { .event = name_, .type = "event " name_, .shape = as_it_is }

static const salon_wire_event_t events[] = {
    EVENT("message.new"),
    EVENT("message.edited"),
    EVENT("message.deleted"),
    EVENT("message.pinned"),
    EVENT("room.entered"),
    EVENT("room.exited"),
    EVENT("dm.opened"),
    EVENT("dm.blocked"),
    EVENT("dm.read"),
    EVENT("dm.deleted"),
    EVENT("reaction.added"),
    EVENT("reaction.removed"),
    EVENT("friend.requested"),
    EVENT("friend.accepted"),
    EVENT("friend.removed"),
    EVENT("moderation.acted"),
    EVENT("moderation.slowed"),
    EVENT("presence"),
    EVENT("typing.started"),
    EVENT("typing.stopped"),
    EVENT("broadcast"),
    { .event = NULL },
};

#define CODE(code_) { code_, code_, "", "low", 0 }

static const salon_wire_error_t errors[] = {
    { SALON_INVALID_TOKEN, SALON_INVALID_TOKEN, "", "high", 1008 },
    CODE(SALON_INVALID),
    CODE(SALON_UNKNOWN),
    CODE(SALON_NOT_SIGNED_IN),
    CODE(SALON_DENIED),
    CODE(SALON_RATE_LIMITED),
    CODE(SALON_TOO_LONG),
    CODE(SALON_BLANK),
    CODE(SALON_MESSAGE_NOT_FOUND),
    CODE(SALON_USER_NOT_FOUND),
    CODE(SALON_CONFLICT),
    CODE(SALON_UNAVAILABLE),
    CODE(SALON_TOO_LARGE),
    CODE("room_not_found"),
    CODE("api_token_not_found"),
    CODE("video_not_found"),
    CODE("too_many_rooms"),
    CODE("user_sanctioned"),
    CODE("message_refused"),
    CODE("conversation_not_found"),
    CODE("conversation_blocked"),
    CODE("friend_request_not_found"),
    CODE("media_not_found"),
    CODE("too_many_marks"),
    { NULL, "a code that the probe does not know", "", "high", 0 },
};

static void open_connection(const salon_opening_t *opening, salon_calls_t *calls)
{
    const char *token = salon_opening_query(opening, "token");
    if (token != NULL)
        salon_call(calls, &messages[0], salon_json_string(salon_json(), "token", token));
}

/* ---- Hooks ---- */

static json_object *told; /* of each message that has been stored */

static void storing(salon_req_t *req, salon_topic_t topic, json_object *message)
{
    const char *content = json_object_get_string(salon_path(message, "content"));
    (void)topic;
    if (strncmp(content, "note", 4) != 0) return;
    salon_sql(req, "INSERT INTO probe_notes (message_id, content) VALUES (%ld, %s)",
              (long)json_object_get_int64(salon_path(message, "id")), content);
}

static void stored(salon_session_t *session, salon_topic_t topic, json_object *message)
{
    json_object *row = salon_json_string(salon_json(), "kind", topic.kind);
    salon_json_value(row, "id", json_object_get(salon_path(message, "id")));
    salon_json_value(row, "seq", json_object_get(salon_path(message, "seq")));
    salon_json_string(row, "dialect", session != NULL ? salon_session_dialect(session) : "");
    json_object_array_add(told, row);
}

static salon_outcome_t notes_read(salon_req_t *req, const salon_rows_t *rows)
{
    json_object *ids = json_object_new_array();
    for (int i = 0; i < rows->count; i++)
        json_object_array_add(ids, json_object_new_int64(salon_rows_integer(rows, i, 0)));
    json_object *json = salon_json_value(salon_json(), "notes", ids);
    return salon_reply(req, salon_json_value(json, "told", json_object_get(told)));
}

static salon_outcome_t notes(salon_req_t *req)
{
    salon_sql(req, "SELECT message_id FROM probe_notes ORDER BY message_id");
    return salon_query(req, notes_read);
}

static apr_status_t start(apr_pool_t *pool)
{
    (void)pool;
    told = json_object_new_array();
    return APR_SUCCESS;
}

static void stop(void)
{
    json_object_put(told);
}

static const salon_hooks_t hooks = { .storing = storing, .stored = stored, .stop = stop };

static const salon_operation_t operations[] = {
    { .name = "probe.notes", .handler = notes, .help = "what has been noted" },
    { .name = NULL },
};

static const char *const notes_1[] = {
    "CREATE TABLE probe_notes (message_id BIGINT PRIMARY KEY, content TEXT NOT NULL)",
    NULL,
};

static const salon_migration_t migrations[] = { { 1, notes_1 }, { 0, NULL } };

static const char *const subprotocols[] = { "probe.v2", "permessage-deflate", NULL };

static void batch_tail(char *buffer, size_t size)
{
    apr_cpystrn(buffer, "],\"end\":true}", size);
}

static const salon_wire_field_t create_fields[] = { { "called", "name" },
                                                    { "settings.private", "private" },
                                                    { NULL, NULL } };
static const salon_wire_field_t send_fields[] = { { "room", "room" },
                                                  { "text", "content" },
                                                  { "id", "client_id" },
                                                  { NULL, NULL } };
static const salon_wire_field_t page_fields[] = { { "room", "room" },
                                                  { "limit", "limit" },
                                                  { "before", "before" },
                                                  { NULL, NULL } };
static const salon_wire_field_t gone_fields[] = { { "room", "room" }, { NULL, NULL } };

/* Ways over HTTP: some of the same operations. */
static const salon_wire_route_t routes[] = {
    { .method = "POST", .path = "/probe/rooms", .operation = "room.create",
      .fields = create_fields, .status = 201, .shape = as_it_is },
    { .method = "GET", .path = "/probe/rooms", .operation = "room.list", .shape = as_it_is },
    { .method = "POST", .path = "/probe/rooms/{room}/messages", .operation = "room.send",
      .fields = send_fields, .answer = answer },
    { .method = "GET", .path = "/probe/rooms/{room}/messages", .operation = "room.history",
      .fields = page_fields, .answer = answer },
    { .method = "DELETE", .path = "/probe/rooms", .operation = "room.remove",
      .fields = gone_fields, .shape = as_it_is },
    { .method = "GET", .path = "/probe/nothing", .operation = "nobody.nothing",
      .shape = as_it_is },
    { .method = NULL },
};

static const salon_dialect_t dialect = {
    .name = "probe",
    .payload = "args",
    .messages = messages,
    .events = events,
    .errors = errors,
    .error_type = "refused ",
    .routes = routes,
    .api_tokens = true,
    .open = open_connection,
    .envelope = envelope,
    .error = error,
    .subprotocols = subprotocols,
    .batch_query = "batch",
    .batch_head = "{\"batch\":[",
    .batch_tail = batch_tail,
};

SALON_PLUGIN(probe) = {
    SALON_PLUGIN_HEADER,
    .name = "probe",
    .version = "1.0",
    .summary = "a dialect for tests",
    .operations = operations,
    .hooks = &hooks,
    .migrations = migrations,
    .dialect = &dialect,
    .start = start,
};
