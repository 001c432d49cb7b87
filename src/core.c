/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core itself offers, as a plugin does: signing in and out, users, messages by id, the
 * server's own figures and commands, and the HTTP routes of every listener.
 *
 * Events: message.new, message.edited, message.deleted, message.pinned, on a timeline's topic.
 */
#include <string.h>

#include <apr_strings.h>

#include "anonymous.h"
#include "api_token.h"
#include "metrics.h"
#include "plugin.h"
#include "request.h"
#include "salon/message.h"
#include "server.h"
#include "session.h"
#include "user.h"

#define CLOSE_NORMAL 1000
#define NAME_MOST    64
#define TTL_MOST     3153600000 /* seconds: a hundred years */

/* ---- Signing in ---- */

static salon_outcome_t signed_in(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const token_claims_t *claims = req->data;
    salon_session_t *session = req->session;
    user_t *user = user_record(claims);
    const char *code = salon_may_not(&user->shown, "sign_in", SALON_SERVER);
    if (code != NULL) return salon_fail(req, code);
    json_object *json = salon_json_integer(salon_json(), "user_id", user->shown.id);
    salon_json_string(json, "username", user->shown.name);
    salon_json_string(json, "role", salon_role_name(user->shown.role));
    salon_json_value(json, "session_id", session_id_json(session));
    salon_json_integer(json, "server_time", salon_now());
    salon_outcome_t outcome = salon_reply(req, json);
    if (!session->closed) session_sign_in(session, user, claims->expires);
    return outcome;
}

/* claims: NULL: the token is not valid. */
static salon_outcome_t sign_in(salon_req_t *req, token_claims_t *claims)
{
    const user_t *present = req->session->user;
    if (claims == NULL || (present != NULL && present->shown.id != claims->user_id)) {
        metrics_add(METRIC_SIGN_INS_REFUSED, 1);
        return salon_fail(req, SALON_INVALID_TOKEN);
    }
    req->data = claims;
    if (!user_differs(claims)) return signed_in(req, NULL);
    user_sql_record(req, claims);
    return salon_store(req, signed_in);
}

/* NULL: it is none, or the dialect does not take such. */
static token_claims_t *api_token_claims(salon_req_t *req)
{
    const api_token_t *token = api_token_find(salon_arg_string(req, "token"));
    if (token == NULL || !wire_dialect(req->session->wire)->api_tokens) return NULL;
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    *claims = (token_claims_t){ .user_id = token->user_id, .expires = token->expires_at };
    req->session->api_token_id = token->id;
    return claims;
}

static salon_outcome_t session_authenticate(salon_req_t *req)
{
    req->session->api_token_id = 0;
    return sign_in(req, req->call->claims != NULL ? req->call->claims : api_token_claims(req));
}

salon_outcome_t salon_sign_in(salon_req_t *req, const salon_identity_t *identity)
{
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    const char *name = identity->name != NULL
                           ? identity->name
                           : apr_psprintf(req->pool, "user%" APR_INT64_T_FMT, identity->id);
    if (strlen(name) >= sizeof(claims->name) || !user_name_ok(name)) return sign_in(req, NULL);
    *claims = (token_claims_t){ .user_id = identity->id,
                                .has_name = identity->name != NULL,
                                .role = identity->role,
                                .has_role = identity->has_role,
                                .expires = identity->expires };
    apr_cpystrn(claims->name, name, sizeof(claims->name));
    return sign_in(req, claims);
}

salon_outcome_t salon_sign_in_anonymous(salon_req_t *req, bool show_address)
{
    salon_session_t *session = req->session;
    if (session->user != NULL) return salon_fail(req, SALON_CONFLICT);
    user_t *user = anonymous_add(session->address, show_address);
    const char *code = salon_may_not(&user->shown, "sign_in", SALON_SERVER);
    if (code != NULL || session->closed) {
        anonymous_remove(&user);
        return salon_fail(req, code != NULL ? code : SALON_UNAVAILABLE);
    }
    session_sign_in(session, user, 0);
    json_object *json = salon_json_user(salon_json(), "user_id", "username", user->shown.id);
    return salon_reply(req, json);
}

static salon_outcome_t session_anonymous(salon_req_t *req)
{
    return salon_sign_in_anonymous(req, false);
}

static salon_outcome_t session_ping(salon_req_t *req)
{
    json_object *json = salon_json_integer(salon_json(), "server_time", salon_now());
    salon_json_string(json, "timestamp", salon_arg_string(req, "timestamp"));
    return salon_reply(req, json);
}

static salon_outcome_t session_close(salon_req_t *req)
{
    salon_close(req->session, CLOSE_NORMAL, "");
    return salon_reply(req, NULL);
}

/* ---- Messages by their id ---- */

static salon_outcome_t message_edit(salon_req_t *req)
{
    return salon_timeline_edit(req, NULL);
}

static salon_outcome_t message_delete(salon_req_t *req)
{
    return salon_timeline_delete(req, NULL);
}

/* ---- Access ---- */

/* Everybody may use the server, unless a plugin objects. */
static salon_access_t access_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    (void)user, (void)what;
    return strcmp(topic.kind, "server") == 0 ? SALON_ALLOW : SALON_NO_OPINION;
}

/* ---- Users ---- */

static salon_outcome_t user_added(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const user_t *user = user_record(req->data);
    return salon_reply(req, salon_json_integer(salon_json(), "id", user->shown.id));
}

static salon_outcome_t user_store(salon_req_t *req, apr_int64_t id, const char *name,
                                  salon_role_t role)
{
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    *claims = (token_claims_t){ .user_id = id, .has_name = true, .role = role, .has_role = true };
    apr_cpystrn(claims->name, name, sizeof(claims->name));
    user_sql_record(req, claims);
    req->data = claims;
    return salon_store(req, user_added);
}

static apr_int64_t user_id_next(void)
{
    apr_int64_t id = salon_next_id("user");
    while (id != 0 && user_find(id) != NULL) id = salon_next_id("user");
    return id;
}

static salon_outcome_t user_add(salon_req_t *req)
{
    const char *name = salon_arg_string(req, "name");
    const char *role_name = salon_arg_string(req, "role");
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    salon_role_t role = SALON_ROLE_USER;
    if (role_name != NULL && !salon_role_parse(role_name, &role))
        return salon_fail_argument(req, "role");
    if (!user_name_ok(name)) return salon_fail_argument(req, "name");
    if (salon_user_by_name(name) != NULL || (id != 0 && user_find(id) != NULL))
        return salon_fail(req, SALON_CONFLICT);
    if (id == 0) id = user_id_next();
    return id != 0 ? user_store(req, id, name, role) : salon_fail(req, SALON_UNAVAILABLE);
}

static salon_outcome_t user_role(salon_req_t *req)
{
    const salon_user_t *user = salon_user_by_name(salon_arg_string(req, "name"));
    salon_role_t role;
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (!salon_role_parse(salon_arg_string(req, "role"), &role))
        return salon_fail_argument(req, "role");
    return user_store(req, user->id, user->name, role);
}

static salon_outcome_t user_self(salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    json_object *json = salon_json_user(salon_json(), "user_id", "username", user->id);
    return salon_reply(req, salon_json_string(json, "role", salon_role_name(user->role)));
}

static void user_list_add(const user_t *user, void *list)
{
    json_object *row = salon_json_integer(salon_json(), "id", user->shown.id);
    salon_json_string(row, "name", user->shown.name);
    salon_json_string(row, "role", salon_role_name(user->shown.role));
    json_object_array_add(list, salon_json_integer(row, "connections", user->shown.sessions));
}

static salon_outcome_t user_list(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    user_each(user_list_add, list);
    return salon_reply(req, salon_json_value(salon_json(), "users", list));
}

/* ---- The server ---- */

static salon_outcome_t server_stats(salon_req_t *req)
{
    return salon_reply(req, metrics_json());
}

static salon_outcome_t server_plugins(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < plugin_count(); i++) {
        json_object *row = salon_json_string(salon_json(), "name", plugin_at(i)->name);
        salon_json_string(row, "version", plugin_at(i)->version);
        json_object_array_add(list, salon_json_string(row, "summary", plugin_at(i)->summary));
    }
    return salon_reply(req, salon_json_value(salon_json(), "plugins", list));
}

static salon_outcome_t server_do_reload(salon_req_t *req)
{
    const char *wrong = server_reload(req->pool);
    if (wrong == NULL) return salon_reply(req, NULL);
    return salon_fail_details(req, SALON_CONFLICT,
                              salon_json_string(salon_json(), "reason", wrong));
}

static salon_outcome_t server_do_stop(salon_req_t *req)
{
    server_stop();
    return salon_reply(req, NULL);
}

/* ---- HTTP ---- */

static salon_outcome_t text_reply(salon_req_t *req, int status, const char *text)
{
    return salon_http_reply(req, status, "text/plain; charset=utf-8", text, strlen(text));
}

static salon_outcome_t healthz(salon_req_t *req)
{
    return text_reply(req, 200, "ok\n");
}

static salon_outcome_t readyz(salon_req_t *req)
{
    bool ready = server.ready && store_ready(server.store);
    return text_reply(req, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

static salon_outcome_t metrics(salon_req_t *req)
{
    const char *text = metrics_text(req->pool);
    return salon_http_reply(req, 200, "text/plain; version=0.0.4", text, strlen(text));
}

/* ---- Tables ---- */

static const salon_argument_t authenticate_arguments[] = {
    { "token", SALON_STRING, 0, 1, TOKEN_LENGTH },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t ping_arguments[] = {
    { "timestamp", SALON_STRING, SALON_OPTIONAL, 0, 64 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t close_arguments[] = {
    { "reason", SALON_STRING, SALON_OPTIONAL, 0, 1000 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t edit_arguments[] = {
    { "message_id", SALON_ID, 0, 0, 0 },
    { "content", SALON_CONTENT, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t delete_arguments[] = {
    { "message_id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t user_add_arguments[] = {
    { "name", SALON_STRING, 0, 1, NAME_MOST },
    { "id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "role", SALON_STRING, SALON_OPTIONAL, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t api_token_add_arguments[] = {
    { "name", SALON_STRING, SALON_OPTIONAL, 1, NAME_MOST },
    { "ttl", SALON_INTEGER, SALON_OPTIONAL, 1, TTL_MOST },
    { "label", SALON_STRING, SALON_OPTIONAL, 0, 100 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t api_token_list_arguments[] = {
    { "name", SALON_STRING, SALON_OPTIONAL, 1, NAME_MOST },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t api_token_revoke_arguments[] = {
    { "token", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    { "id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t user_role_arguments[] = {
    { "name", SALON_STRING, 0, 1, NAME_MOST },
    { "role", SALON_STRING, 0, 1, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "session.authenticate", .handler = session_authenticate,
      .arguments = authenticate_arguments, .flags = SALON_ANYBODY,
      .help = "sign in with a token" },
    { .name = "session.anonymous", .handler = session_anonymous, .flags = SALON_ANYBODY,
      .help = "take part without an account" },
    { .name = "session.ping", .handler = session_ping, .arguments = ping_arguments,
      .flags = SALON_ANYBODY | SALON_IMMEDIATE, .help = "is the server there?" },
    { .name = "session.close", .handler = session_close, .arguments = close_arguments,
      .flags = SALON_ANYBODY, .help = "close the connection when everything has been answered" },
    { .name = "message.edit", .handler = message_edit, .arguments = edit_arguments,
      .flags = SALON_WRITES, .cost = 1, .help = "change the text of a message of one's own" },
    { .name = "message.delete", .handler = message_delete, .arguments = delete_arguments,
      .flags = SALON_WRITES, .help = "delete a message, one's own or where one may moderate" },
    { .name = "api_token.add", .handler = api_token_add, .arguments = api_token_add_arguments,
      .flags = SALON_WRITES, .cost = 1, .help = "make an API token, which is shown once" },
    { .name = "api_token.list", .handler = api_token_list, .arguments = api_token_list_arguments,
      .help = "one's API tokens" },
    { .name = "api_token.revoke", .handler = api_token_revoke,
      .arguments = api_token_revoke_arguments, .flags = SALON_WRITES,
      .help = "end an API token, and the connections that were made with it" },
    { .name = "user.self", .handler = user_self, .help = "who asks" },
    { .name = "user.add", .handler = user_add, .arguments = user_add_arguments,
      .flags = SALON_INTERNAL, .help = "record a user" },
    { .name = "user.list", .handler = user_list, .flags = SALON_INTERNAL, .help = "all users" },
    { .name = "user.role", .handler = user_role, .arguments = user_role_arguments,
      .flags = SALON_INTERNAL, .help = "give a user another role on the whole server" },
    { .name = "server.stats", .handler = server_stats, .flags = SALON_INTERNAL,
      .help = "the figures of /metrics" },
    { .name = "server.plugins", .handler = server_plugins, .flags = SALON_INTERNAL,
      .help = "the plugins that are loaded" },
    { .name = "server.reload", .handler = server_do_reload, .flags = SALON_INTERNAL,
      .help = "read the configuration again" },
    { .name = "server.stop", .handler = server_do_stop, .flags = SALON_INTERNAL,
      .help = "end the server" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "message.new", 0, "somebody has said something" },
    { "message.edited", 0, "a message has another text" },
    { "message.deleted", 0, "a message has been deleted" },
    { "message.pinned", 0, "a message has been pinned, or is not any more" },
    { NULL, 0, NULL },
};

static const salon_hooks_t hooks = { .access = access_hook };

static const salon_http_route_t routes[] = {
    { "GET", "/healthz", healthz, 0, SALON_ROLE_USER },
    { "GET", "/readyz", readyz, 0, SALON_ROLE_USER },
    { "GET", "/metrics", metrics, 0, SALON_ROLE_USER },
    { NULL, NULL, NULL, 0, SALON_ROLE_USER },
};

static const salon_command_t commands[] = {
    { "user add", "NAME [--id N] [--role ROLE]", "user.add", "id", "record a user" },
    { "user list", "", "user.list", NULL, "all users" },
    { "user role", "NAME ROLE", "user.role", "id", "give a user another role" },
    { "api-token add", "NAME [--ttl TTL] [--label LABEL]", "api_token.add", "token",
      "make an API token" },
    { "api-token list", "[--name NAME]", "api_token.list", NULL, "API tokens" },
    { "api-token revoke", "TOKEN", "api_token.revoke", "id",
      "end an API token, or the one of that id" },
    { "stats", "", "server.stats", NULL, "the server's figures" },
    { "plugins", "", "server.plugins", NULL, "the plugins that are loaded" },
    { "reload", "", "server.reload", NULL, "read the configuration again" },
    { "stop", "", "server.stop", NULL, "end the server" },
    { NULL, NULL, NULL, NULL, NULL },
};

static apr_status_t start(apr_pool_t *pool)
{
    apr_status_t rv = salon_sequence_open(pool, "message", 1, 10000);
    if (rv != APR_SUCCESS) return rv;
    rv = salon_sequence_open(pool, "user", SALON_SYSTEM_USER + 1, 32);
    if (rv == APR_SUCCESS) rv = user_load(pool);
    return rv == APR_SUCCESS ? api_token_load(pool) : rv;
}

const salon_plugin_t core_plugin = {
    SALON_PLUGIN_HEADER,
    .name = "core",
    .version = SALON_VERSION,
    .summary = "users, sign-in, messages, HTTP",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .routes = routes,
    .commands = commands,
    .start = start,
    .metrics = metrics_gauges,
};
