/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of all plugins as text.  A line's columns have tabs between them: the kind of the row,
 * the plugin, the row's name, and what else the table says of it; salond(8) lists them.
 */
#include "listing.h"

#include "metrics.h"
#include "plugin.h"
#include "salon/dialect.h"

static const struct flag_t {
    unsigned flag;
    const char *name;
} operation_flags[] = {
    { SALON_WRITES, "writes" },       { SALON_PIPELINED, "pipelined" },
    { SALON_IMMEDIATE, "immediate" }, { SALON_ANYBODY, "anybody" },
    { SALON_INTERNAL, "internal" },   { 0, NULL },
}, event_flags[] = {
    { SALON_DROPPABLE, "droppable" }, { 0, NULL },
}, route_flags[] = {
    { SALON_SIGNED_IN, "signed_in" }, { 0, NULL },
};

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

/* The next word of a list; *between stays "" until there was one. */
static void word(FILE *out, const char **between, const char *text, const char *mark)
{
    fprintf(out, "%s%s%s", *between, text, mark);
    *between = ",";
}

static void flags_list(FILE *out, const struct flag_t *names, unsigned flags)
{
    const char *between = "";
    for (; names->name != NULL; names++)
        if (flags & names->flag) word(out, &between, names->name, "");
    fputs(*between ? "\t" : "-\t", out);
}

/* Optional ones bear a question mark. */
static void arguments_list(FILE *out, const salon_argument_t *a)
{
    const char *between = "";
    for (; a != NULL && a->name != NULL; a++)
        word(out, &between, a->name, a->flags & (SALON_OPTIONAL | SALON_OR_MEDIA) ? "?" : "");
    fputs(*between ? "\t" : "-\t", out);
}

static void operations_list(FILE *out, const salon_plugin_t *plugin)
{
    for (const salon_operation_t *row = plugin->operations; row != NULL && row->name; row++) {
        fprintf(out, "operation\t%s\t%s\t", plugin->name, row->name);
        arguments_list(out, row->arguments);
        flags_list(out, operation_flags, row->flags);
        fprintf(out, "%s\t%d\t%s\n", salon_role_name(row->role), row->cost, or_none(row->help));
    }
}

static void events_list(FILE *out, const salon_plugin_t *plugin)
{
    for (const salon_event_t *row = plugin->events; row != NULL && row->name; row++) {
        fprintf(out, "event\t%s\t%s\t", plugin->name, row->name);
        flags_list(out, event_flags, row->flags);
        fprintf(out, "%s\n", or_none(row->help));
    }
}

static void routes_list(FILE *out, const salon_plugin_t *plugin)
{
    for (const salon_http_route_t *row = plugin->routes; row != NULL && row->method; row++) {
        fprintf(out, "route\t%s\t%s %s\t", plugin->name, row->method, row->path);
        flags_list(out, route_flags, row->flags);
        fprintf(out, "%s\n", salon_role_name(row->role));
    }
}

static void commands_list(FILE *out, const salon_plugin_t *plugin)
{
    for (const salon_command_t *row = plugin->commands; row != NULL && row->words; row++)
        fprintf(out, "command\t%s\t%s\t%s\t%s\t%s\n", plugin->name, row->words, row->synopsis,
                row->operation, or_none(row->help));
}

static void personal_list(FILE *out, const salon_plugin_t *plugin)
{
    for (const salon_personal_t *row = plugin->personal; row != NULL && row->table; row++)
        fprintf(out, "personal\t%s\t%s.%s\t%s\n", plugin->name, row->table, row->column,
                row->erasure == SALON_FORGET ? "forgotten" : "kept");
}

/* ---- Dialects ---- */

static void fields_list(FILE *out, const salon_wire_field_t *field)
{
    const char *between = "";
    for (; field != NULL && field->wire != NULL; field++) word(out, &between, field->wire, "");
    fputs(*between ? "\t" : "-\t", out);
}

/* With those of the shapes within it. */
static void shape_words(FILE *out, const char **between, const salon_shape_t *shape)
{
    for (; shape != NULL && shape->name != NULL; shape++) {
        word(out, between, shape->name, "");
        shape_words(out, between, shape->inner);
    }
}

static void shape_list(FILE *out, const salon_shape_t *shape)
{
    const char *between = "";
    shape_words(out, &between, shape);
    fputs(*between ? "\n" : "-\n", out);
}

static void ways_list(FILE *out, const salon_dialect_t *dialect)
{
    for (const salon_wire_route_t *row = dialect->routes; row != NULL && row->method; row++) {
        fprintf(out, "route\t%s\t%s %s\t%s\t", dialect->name, row->method, row->path,
                row->operation);
        fields_list(out, row->fields);
        shape_list(out, row->shape);
    }
}

static void types_list(FILE *out, const salon_dialect_t *dialect)
{
    for (const salon_wire_message_t *row = dialect->messages; row->type != NULL; row++) {
        fprintf(out, "%s\t%s\t%s\t", row->hidden ? "hidden" : "message", dialect->name, row->type);
        fields_list(out, row->fields);
        fprintf(out, "%s\t%s\t%s\t", or_none(row->operation), or_none(row->reply),
                or_none(row->error));
        shape_list(out, row->shape);
    }
    for (const salon_wire_event_t *row = dialect->events; row->event != NULL; row++) {
        fprintf(out, "notice\t%s\t%s\t%s\t", dialect->name, row->type, row->event);
        shape_list(out, row->shape);
    }
}

/* Where messages are no JSON, their types are not on the wire. */
static void dialect_list(FILE *out, const salon_dialect_t *dialect)
{
    if (dialect->decode_raw == NULL) types_list(out, dialect);
    ways_list(out, dialect);
    fprintf(out, "refusal\t%s\t%s\n", dialect->name, dialect->error_type);
    const salon_wire_error_t *row = dialect->errors;
    do {
        fprintf(out, "error\t%s\t%s\t%s\t%s\t%d\n", dialect->name, row->wire, or_none(row->code),
                or_none(row->message), row->close);
    } while ((row++)->code != NULL);
}

void listing_print(FILE *out)
{
    for (int i = 0; i < plugin_count(); i++) {
        const salon_plugin_t *plugin = plugin_at(i);
        operations_list(out, plugin);
        events_list(out, plugin);
        routes_list(out, plugin);
        commands_list(out, plugin);
        personal_list(out, plugin);
        if (plugin->dialect != NULL) dialect_list(out, plugin->dialect);
    }
    metrics_list(out);
}
