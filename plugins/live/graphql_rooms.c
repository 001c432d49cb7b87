/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each field of the query and mutation asks for one operation: room.active, room.get or
 * room.create.
 */
#include "graphql_rooms.h"

#include <string.h>

#include <apr_strings.h>

#include <salon/dialect.h>

apr_int64_t graphql_unjoined_ttl;

/* ---- Refusals ---- */

static const struct {
    const char *code; /* NULL: all others */
    const char *message;
    const char *shown;
} refusals[] = {
    { SALON_NOT_SIGNED_IN, "Authentication required", "UNAUTHENTICATED" },
    { SALON_INVALID_TOKEN, "Invalid token", "UNAUTHENTICATED" },
    { SALON_DENIED, "Access denied", "FORBIDDEN" },
    { "user_sanctioned", "Access denied", "FORBIDDEN" },
    { SALON_CONFLICT, "A room with this name or slug exists already", "CONFLICT" },
    { SALON_INVALID, "Invalid value", "BAD_USER_INPUT" },
    { SALON_TOO_LONG, "Value too long", "BAD_USER_INPUT" },
    { SALON_RATE_LIMITED, "Rate limit exceeded", "RATE_LIMITED" },
    { "too_many_rooms", "Too many rooms", "RATE_LIMITED" },
    { SALON_UNKNOWN, "There are no rooms here", "UNAVAILABLE" },
    { SALON_UNAVAILABLE, "Service unavailable, try again later", "UNAVAILABLE" },
    { NULL, "Internal error", "INTERNAL_SERVER_ERROR" },
};

const char *graphql_refusal(apr_pool_t *pool, const char *code, json_object *details,
                            const char **code_r)
{
    size_t i = 0;
    while (refusals[i].code != NULL && strcmp(refusals[i].code, code) != 0) i++;
    *code_r = refusals[i].shown;
    json_object *field = json_object_object_get(details, "field");
    if (field == NULL) return refusals[i].message;
    return apr_pstrcat(pool, refusals[i].message, ": ", json_object_get_string(field), NULL);
}

/* ---- Asking for operations ---- */

static salon_outcome_t go_on(const graphql_asked_t *asked)
{
    return asked->answered ? asked->outcome : salon_req_wait(asked->req);
}

static salon_outcome_t refuse(graphql_asked_t *asked, const char *code, json_object *details)
{
    const char *shown;
    const char *message = graphql_refusal(salon_req_pool(asked->req), code, details, &shown);
    graphql_refuse(asked->run, message, shown);
    return go_on(asked);
}

static void ask(graphql_run_t *run, const char *operation, json_object *arguments,
                salon_asked_t *then)
{
    graphql_asked_t *asked = graphql_baton(run);
    asked->run = run;
    salon_ask(asked->req, operation, arguments, then);
}

/* ---- Resolvers ---- */

static apr_status_t put(void *json)
{
    json_object_put(json);
    return APR_SUCCESS;
}

/* They come in pages. */
static salon_outcome_t listed(salon_req_t *req, const char *code, json_object *data,
                              json_object *details)
{
    graphql_asked_t *asked = salon_req_data(req);
    json_object *page, *next;
    if (code != NULL) return refuse(asked, code, details);
    page = json_object_object_get(data, "rooms");
    for (size_t i = 0; i < json_object_array_length(page); i++)
        json_object_array_add(asked->coming, json_object_get(json_object_array_get_idx(page, i)));
    if (json_object_object_get_ex(data, "next", &next))
        return salon_ask(req, "room.active",
                         salon_json_value(salon_json(), "after", json_object_get(next)), listed);
    asked->rooms = asked->coming;
    graphql_answer(asked->run, json_object_get(asked->rooms));
    return go_on(asked);
}

/* Made once for a request, which may have it under many names. */
static void resolve_rooms(graphql_run_t *run, json_object *arguments)
{
    graphql_asked_t *asked = graphql_baton(run);
    (void)arguments;
    if (asked->rooms != NULL) {
        graphql_answer(run, json_object_get(asked->rooms));
        return;
    }
    asked->coming = json_object_new_array();
    apr_pool_cleanup_register(salon_req_pool(asked->req), asked->coming, put,
                              apr_pool_cleanup_null);
    ask(run, "room.active", NULL, listed);
}

/* One that the asker may not know of is as one that there is not. */
static salon_outcome_t described(salon_req_t *req, const char *code, json_object *data,
                                 json_object *details)
{
    graphql_asked_t *asked = salon_req_data(req);
    bool missing = code != NULL && (strcmp(code, "room_not_found") == 0 ||
                                    strcmp(code, SALON_DENIED) == 0 ||
                                    strcmp(code, SALON_TOO_LONG) == 0);
    if (code != NULL && !missing) return refuse(asked, code, details);
    graphql_answer(asked->run, missing ? NULL : json_object_get(data));
    return go_on(asked);
}

static void resolve_room(graphql_run_t *run, json_object *arguments)
{
    json_object *id = json_object_object_get(arguments, "id");
    json_object *slug = json_object_object_get(arguments, "slug");
    const char *text = json_object_get_string(id != NULL ? id : slug);
    if ((id == NULL) == (slug == NULL))
        graphql_refuse(run, "Either id or slug must be given", "BAD_USER_INPUT");
    else if (*text == '\0' || (id != NULL && text[strspn(text, "0123456789")] != '\0'))
        graphql_answer(run, NULL);
    else ask(run, "room.get", salon_json_string(salon_json(), "room", text), described);
}

static salon_outcome_t created(salon_req_t *req, const char *code, json_object *data,
                               json_object *details)
{
    graphql_asked_t *asked = salon_req_data(req);
    if (code != NULL) return refuse(asked, code, details);
    salon_json_integer(data, "participant_count", 0);
    salon_json_integer(data, "connection_count", 0);
    graphql_answer(asked->run, json_object_get(data));
    return go_on(asked);
}

/* The argument, unless it is absent or null. */
static void take(json_object *to, const char *key, json_object *arguments, const char *name)
{
    json_object *value = json_object_object_get(arguments, name);
    if (value != NULL) salon_json_value(to, key, json_object_get(value));
}

static void resolve_create(graphql_run_t *run, json_object *arguments)
{
    json_object *room = salon_json_boolean(salon_json(), "live", true);
    json_object *public = json_object_object_get(arguments, "isPublic");
    take(room, "name", arguments, "name");
    take(room, "slug", arguments, "slug");
    take(room, "description", arguments, "description");
    take(room, "anonymous", arguments, "allowAnonymous");
    salon_json_integer(room, "unjoined_ttl", graphql_unjoined_ttl);
    salon_json_boolean(room, "private", public != NULL && !json_object_get_boolean(public));
    ask(run, "room.create", room, created);
}

/* ---- Types ---- */

static bool time_write(json_object *value, json_object **shown_r)
{
    if (!json_object_is_type(value, json_type_int)) return false;
    *shown_r = salon_time_json(json_object_get_int64(value));
    return true;
}

#define END { .name = NULL }
#define END_ARGUMENTS { NULL, NULL, NULL, NULL }

static const graphql_type_t time_type = {
    .kind = GRAPHQL_SCALAR,
    .name = "DateTime",
    .help = "A time in UTC, as RFC 3339 has it: `2025-11-27T16:30:00Z`.",
    .specified_by = "https://www.rfc-editor.org/rfc/rfc3339",
    .write = time_write,
};

static const graphql_field_t room_fields[] = {
    { .name = "id", .type = "Int!", .help = "The number by which it can be entered." },
    { .name = "slug", .type = "String!", .help = "The text by which it can be entered." },
    { .name = "name", .type = "String!", .help = "What it is called." },
    { .name = "description", .type = "String", .help = "What it is about." },
    { .name = "roomType", .type = "String!", .member = "type",
      .help = "`live`: it ends when the last one leaves." },
    { .name = "isPublic", .type = "Boolean!", .member = "is_public",
      .help = "Anybody may enter; otherwise those who are invited." },
    { .name = "allowAnonymous", .type = "Boolean!", .member = "allow_anonymous",
      .help = "So may those who have no account." },
    { .name = "createdBy", .type = "Int!", .member = "created_by", .help = "A user's id." },
    { .name = "createdAt", .type = "DateTime!", .member = "created_at" },
    { .name = "participantCount", .type = "Int!", .member = "participant_count",
      .help = "How many people are there." },
    { .name = "connectionCount", .type = "Int!", .member = "connection_count",
      .help = "How many connections they have there." },
    END,
};

static const graphql_argument_t room_arguments[] = {
    { "id", "ID", NULL, "Its number." },
    { "slug", "String", NULL, "Its slug." },
    END_ARGUMENTS,
};

static const graphql_argument_t create_arguments[] = {
    { "name", "String!", NULL, "At most 100 characters, and not digits alone." },
    { "slug", "String", NULL,
      "Letters, digits, `.`, `_`, `-`, and not digits alone; made where it is left out." },
    { "description", "String", NULL, "What it is about." },
    { "isPublic", "Boolean", "true", "Whether anybody may enter." },
    { "allowAnonymous", "Boolean", NULL, "Whether those may who have no account." },
    END_ARGUMENTS,
};

static const graphql_field_t query_fields[] = {
    { .name = "chatRooms", .type = "[ChatRoom!]!", .resolve = resolve_rooms,
      .help = "The rooms with somebody in them; private ones for their members." },
    { .name = "chatRoom", .type = "ChatRoom", .arguments = room_arguments,
      .resolve = resolve_room, .help = "The room with that id or slug." },
    END,
};

static const graphql_field_t mutation_fields[] = {
    { .name = "createChatRoom", .type = "ChatRoom!", .arguments = create_arguments,
      .resolve = resolve_create,
      .help = "Makes a room, and owns it. It ends when the last one leaves, or nobody comes." },
    END,
};

static const graphql_type_t query_type = {
    .kind = GRAPHQL_OBJECT, .name = "Query", .help = "What can be asked.", .fields = query_fields
};
static const graphql_type_t mutation_type = {
    .kind = GRAPHQL_OBJECT, .name = "Mutation", .help = "What can be done, signed in.",
    .fields = mutation_fields
};
static const graphql_type_t room_type = {
    .kind = GRAPHQL_OBJECT, .name = "ChatRoom", .help = "Where people talk.",
    .fields = room_fields
};

const graphql_type_t *const graphql_room_types[] = {
    &query_type, &mutation_type, &room_type, &graphql_int, &graphql_string, &graphql_boolean,
    &graphql_id, &time_type, NULL,
};
