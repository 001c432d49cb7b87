/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core itself offers, as a plugin does: signing in and out, users, messages by id, the
 * server's own figures and commands, and the HTTP routes of every listener.
 *
 * Events: message.new, message.edited, message.deleted, message.pinned, on a timeline's topic.
 */
#include "core.h"

#include <string.h>

#include "api_token.h"
#include "metrics.h"
#include "plugin.h"
#include "removal.h"
#include "retention.h"
#include "salon/message.h"
#include "user.h"

#define NAME_MOST 64
#define TTL_MOST  3153600000 /* seconds: a hundred years */

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

static const char *refuse_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    (void)what, (void)topic;
    return user != NULL && user->erased ? SALON_INVALID_TOKEN : NULL;
}

static void stop_hook(void)
{
    retention_stop();
    removal_stop();
}

/* ---- Tables ---- */

static const salon_argument_t authenticate_arguments[] = {
    { "token", SALON_STRING, 0, 0, INT_MAX }, /* one that is too long is as good as any bad one */
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

static const salon_argument_t user_list_arguments[] = {
    SALON_PAGE_ARGUMENTS,
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t user_role_arguments[] = {
    { "name", SALON_STRING, 0, 1, NAME_MOST },
    { "role", SALON_STRING, 0, 1, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t user_erase_arguments[] = {
    { "user", SALON_STRING, 0, 1, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t look_arguments[] = {
    { "days", SALON_INTEGER, SALON_OPTIONAL, 0, SALON_KEEP_DAYS_MOST },
    { "messages", SALON_INTEGER, SALON_OPTIONAL, 0, SALON_KEEP_MESSAGES_MOST },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "session.authenticate", .handler = core_session_authenticate,
      .arguments = authenticate_arguments, .flags = SALON_ANYBODY,
      .help = "sign in with a token" },
    { .name = "session.anonymous", .handler = core_session_anonymous, .flags = SALON_ANYBODY,
      .help = "take part without an account" },
    { .name = "session.ping", .handler = core_session_ping, .arguments = ping_arguments,
      .flags = SALON_ANYBODY | SALON_IMMEDIATE, .help = "is the server there?" },
    { .name = "session.close", .handler = core_session_close, .arguments = close_arguments,
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
    { .name = "user.self", .handler = core_user_self, .help = "who asks" },
    { .name = "user.add", .handler = core_user_add, .arguments = user_add_arguments,
      .flags = SALON_INTERNAL, .help = "record a user" },
    { .name = "user.list", .handler = core_user_list, .arguments = user_list_arguments,
      .flags = SALON_INTERNAL, .help = "all users" },
    { .name = "user.role", .handler = core_user_role, .arguments = user_role_arguments,
      .flags = SALON_INTERNAL, .help = "give a user another role on the whole server" },
    { .name = "user.erase", .handler = core_user_erase, .arguments = user_erase_arguments,
      .flags = SALON_INTERNAL, .help = "erase a person; what they said stays, without them" },
    { .name = "retention.run", .handler = retention_run, .flags = SALON_INTERNAL,
      .help = "delete now what is too old or too many" },
    { .name = "retention.look", .handler = retention_look, .arguments = look_arguments,
      .flags = SALON_INTERNAL, .help = "what that would delete" },
    { .name = "server.stats", .handler = core_server_stats, .flags = SALON_INTERNAL,
      .help = "the figures of /metrics" },
    { .name = "server.plugins", .handler = core_server_plugins, .flags = SALON_INTERNAL,
      .help = "the plugins that are loaded" },
    { .name = "server.reload", .handler = core_server_reload, .flags = SALON_INTERNAL,
      .help = "read the configuration again" },
    { .name = "server.stop", .handler = core_server_stop, .flags = SALON_INTERNAL,
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

static const salon_hooks_t hooks = { .access = access_hook, .refuse = refuse_hook,
                                     .stop = stop_hook };

static const salon_personal_t personal[] = {
    { "users", "id", SALON_KEEP }, /* as somebody who has been erased */
    { "messages", "author_id", SALON_KEEP },
    { "api_tokens", "user_id", SALON_FORGET },
    { NULL, NULL, SALON_KEEP },
};

static const salon_http_route_t routes[] = {
    { "GET", "/healthz", core_healthz, 0, SALON_ROLE_USER },
    { "GET", "/readyz", core_readyz, 0, SALON_ROLE_USER },
    { "GET", "/metrics", core_metrics, 0, SALON_ROLE_USER },
    { NULL, NULL, NULL, 0, SALON_ROLE_USER },
};

static const salon_command_t commands[] = {
    { "user add", "NAME [--id N] [--role ROLE]", "user.add", "id", "record a user" },
    { "user list", "[--after AFTER] [--limit LIMIT]", "user.list", NULL, "all users" },
    { "user role", "NAME ROLE", "user.role", "id", "give a user another role" },
    { "user erase", "USER", "user.erase", "id", "erase a person for good, but for what they said" },
    { "api-token add", "NAME [--ttl TTL] [--label LABEL]", "api_token.add", "token",
      "make an API token" },
    { "api-token list", "[--name NAME]", "api_token.list", NULL, "API tokens" },
    { "api-token revoke", "TOKEN", "api_token.revoke", "id",
      "end an API token, or the one of that id" },
    { "retention run", "", "retention.run", NULL, "delete now what is too old or too many" },
    { "retention dry-run", "[--days DAYS] [--messages COUNT]", "retention.look", NULL,
      "what that would delete, or if no more were kept" },
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
    if (rv == APR_SUCCESS) rv = user_load();
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
    .personal = personal,
};
