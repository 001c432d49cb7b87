/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins that salond must refuse, all in one shared object: what is loaded as NAME.so is the
 * descriptor NAME_plugin of it, so a link of each name is a plugin of its own.  Each is wrong in
 * one thing, and right in all others.
 */
#include <salon/dialect.h>

#define NAMED(name_) .name = name_, .version = "1.0", .summary = "wrong"

/* ---- Identity ---- */

#define IDENTITY(name_, magic_, major_, minor_, size_)                                           \
    SALON_PLUGIN(name_) = { .magic = (magic_), .major = (major_), .minor = (minor_),             \
                            .size = (size_), NAMED(#name_) }

IDENTITY(wrong_magic, 0x4e4f4e4f, SALON_ABI_MAJOR, SALON_ABI_MINOR, sizeof(salon_plugin_t));
IDENTITY(other_major, SALON_PLUGIN_MAGIC, SALON_ABI_MAJOR + 1, 0, sizeof(salon_plugin_t));
IDENTITY(newer_minor, SALON_PLUGIN_MAGIC, SALON_ABI_MAJOR, SALON_ABI_MINOR + 1,
         sizeof(salon_plugin_t) + sizeof(void *));
IDENTITY(wrong_size, SALON_PLUGIN_MAGIC, SALON_ABI_MAJOR, SALON_ABI_MINOR,
         sizeof(salon_plugin_t) - sizeof(void *));

SALON_PLUGIN(other_name) = { SALON_PLUGIN_HEADER, NAMED("somebody") };
SALON_PLUGIN(without_name) = { SALON_PLUGIN_HEADER, NAMED(NULL) };

/* ---- Operations and events ---- */

static salon_outcome_t handler(salon_req_t *req)
{
    return salon_reply(req, NULL);
}

#define OPERATION(plugin_, name_, handler_)                                                      \
    static const salon_operation_t plugin_##_operations[] = {                                    \
        { .name = name_, .handler = handler_ },                                                  \
        { .name = NULL },                                                                        \
    };                                                                                           \
    SALON_PLUGIN(plugin_) = { SALON_PLUGIN_HEADER, NAMED(#plugin_),                              \
                              .operations = plugin_##_operations }

OPERATION(operation_twice, "room.send", handler);
OPERATION(operation_without_handler, "probe.nothing", NULL);
OPERATION(operation_without_dot, "probe", handler);

static const salon_operation_t nowhere_operations[] = {
    { .name = "probe.nowhere", .handler = handler, .may = "read" },
    { .name = NULL },
};
SALON_PLUGIN(operation_nowhere) = { SALON_PLUGIN_HEADER, NAMED("operation_nowhere"),
                                    .operations = nowhere_operations };

static const salon_event_t known_events[] = {
    { "message.new", 0, "an event of the core" },
    { NULL, 0, NULL },
};
SALON_PLUGIN(event_twice) = { SALON_PLUGIN_HEADER, NAMED("event_twice"), .events = known_events };

static const salon_command_t bad_commands[] = {
    { "probe nothing", "", "probe.nothing", NULL, "done by an operation that nobody has" },
    { NULL, NULL, NULL, NULL, NULL },
};
SALON_PLUGIN(command_of_nothing) = { SALON_PLUGIN_HEADER, NAMED("command_of_nothing"),
                                     .commands = bad_commands };

/* ---- Routes ---- */

static const salon_http_route_t bad_routes[] = {
    { "GET", "/probe/{id", handler, 0, SALON_ROLE_USER },
    { NULL, NULL, NULL, 0, SALON_ROLE_USER },
};
SALON_PLUGIN(route_no_pattern) = { SALON_PLUGIN_HEADER, NAMED("route_no_pattern"),
                                   .routes = bad_routes };

/* ---- Dialects ---- */

static const salon_wire_message_t no_messages[] = { { .type = NULL } };
static const salon_wire_event_t no_events[] = { { .event = NULL } };
static const salon_wire_error_t one_error[] = { { NULL, "error", "Error", "high", 0 } };

static json_object *error(const salon_refusal_t *refusal)
{
    return salon_json_string(salon_json(), "code", refusal->row->wire);
}

#define DIALECT(plugin_, name_, messages_, error_)                                               \
    static const salon_dialect_t plugin_##_dialect = {                                           \
        .name = name_,                                                                           \
        .messages = messages_,                                                                   \
        .events = no_events,                                                                     \
        .errors = one_error,                                                                     \
        .error_type = "error",                                                                   \
        .error = error_,                                                                         \
    };                                                                                           \
    SALON_PLUGIN(plugin_) = { SALON_PLUGIN_HEADER, NAMED(#plugin_),                              \
                              .dialect = &plugin_##_dialect }

DIALECT(dialect_without_function, "speechless", no_messages, NULL);
DIALECT(dialect_without_table, "wordless", NULL, error);
DIALECT(dialect_without_name, NULL, no_messages, error);
DIALECT(dialect_twice, "veza", no_messages, error);

/* ---- What is known only when it starts ---- */

static apr_status_t start(apr_pool_t *pool)
{
    (void)pool;
    return APR_EGENERAL;
}

SALON_PLUGIN(start_fails) = { SALON_PLUGIN_HEADER, NAMED("start_fails"), .start = start };

static const char *const bad_statements[] = {
    "CREATE TABLE half_made (id BIGINT PRIMARY KEY)",
    "CREATE TABLE half_made (id BIGINT PRIMARY KEY)",
    NULL,
};
static const salon_migration_t bad_migrations[] = { { 1, bad_statements }, { 0, NULL } };
SALON_PLUGIN(migration_fails) = { SALON_PLUGIN_HEADER, NAMED("migration_fails"),
                                  .migrations = bad_migrations };
