/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration: the files are parsed (settings_parse.c), which gives texts with their
 * places; then the settings outside of `listen` are taken from all files, then the listeners, so
 * that these can be checked against the plugins; last, plugins' targets are written, so that an
 * error changes none of them.
 */
#include "settings_private.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_tables.h>
#include <assert.h>
#include <confuse.h>

#include "address.h"

/* While the listeners are put together; the settings grow into config_t's. */
typedef struct endpoint_t {
    config_endpoint_t settings;
    const config_value_t *opened; /* where last; NULL: a default */
} endpoint_t;

typedef struct listener_t {
    config_listener_t settings;
    apr_array_header_t *endpoints; /* of endpoint_t * */
    const config_value_t *opened;
} listener_t;

/* Where a plugin's setting waits until everything has been found right. */
typedef union shadow_t {
    bool boolean;
    apr_int64_t integer;
    const char *string;
    const char *const *list;
} shadow_t;

typedef struct reader_t {
    apr_pool_t *pool;
    config_parser_t parser;
    config_t *config;
    const char *const *dialects;
    const config_section_t *sections; /* the plugins', and by the same index: */
    config_group_t *groups;
    shadow_t **shadows;
    int section_count;
    apr_array_header_t *listeners; /* of listener_t * */
} reader_t;

/* False. */
#define refuse(reader, place, ...) \
    config_fail(&(reader)->parser, (place)->file, (place)->line, __VA_ARGS__)

/* ---- From what was parsed to values ---- */

static bool take_row(reader_t *reader, cfg_opt_t *option, const config_row_t *row, void *base)
{
    if (!config_is_given(option)) return true;
    unsigned count = cfg_opt_size(option);
    const char **texts = apr_palloc(reader->pool, (count + 1) * sizeof(*texts));
    for (unsigned i = 0; i < count; i++) {
        const config_value_t *value = config_value_at(option, i);
        const char *wrong = config_check(reader->pool, row, value->text);
        if (wrong != NULL) return refuse(reader, value, "%s: %s", row->name, wrong);
        texts[i] = value->text;
    }
    config_store(reader->pool, row, texts, (int)count, reader->parser.directory,
                 config_slot(row, base));
    return true;
}

static bool take_rows(reader_t *reader, cfg_t *section, const config_row_t *rows, void *base)
{
    for (const config_row_t *row = rows; row != NULL && row->name != NULL; row++) {
        cfg_opt_t *option = config_option(section, row->name);
        if (option != NULL && !take_row(reader, option, row, base)) return false;
    }
    return true;
}

static bool take_group(reader_t *reader, cfg_t *file, const config_group_t *group, void *base)
{
    cfg_t *section = group->name[0] == '\0' ? file : cfg_getsec(file, group->name);
    return take_rows(reader, section, group->rows, base);
}

static bool take_groups(reader_t *reader, cfg_t *file)
{
    for (const config_group_t *group = config_groups; group->name != NULL; group++) {
        if (!take_group(reader, file, group, reader->config)) return false;
    }
    for (int i = 0; i < reader->section_count; i++) {
        if (!take_group(reader, file, &reader->groups[i], reader->shadows[i])) return false;
    }
    return true;
}

/* ---- Endpoints ---- */

/* Whether two patterns match the same paths: what stands in braces is only a name. */
static bool same_pattern(const char *a, const char *b)
{
    for (; *a == *b; a++, b++) {
        if (*a == '\0') return true;
        if (*a != '{') continue;
        a += strcspn(a, "}");
        b += strcspn(b, "}");
        if (*a != *b) return false;
        if (*a == '\0') return true;
    }
    return false;
}

static endpoint_t *add_endpoint(reader_t *reader, listener_t *listener, const char *path)
{
    endpoint_t *endpoint = apr_pcalloc(reader->pool, sizeof(*endpoint));
    config_store_fallbacks(reader->pool, config_endpoint_rows, &endpoint->settings);
    endpoint->settings.path = path;
    APR_ARRAY_PUSH(listener->endpoints, endpoint_t *) = endpoint;
    return endpoint;
}

static endpoint_t *find_endpoint(const listener_t *listener, const char *path)
{
    for (int i = 0; i < listener->endpoints->nelts; i++) {
        endpoint_t *endpoint = APR_ARRAY_IDX(listener->endpoints, i, endpoint_t *);
        if (same_pattern(endpoint->settings.path, path)) return endpoint;
    }
    return NULL;
}

static bool check_dialect(reader_t *reader, cfg_t *section, const endpoint_t *endpoint)
{
    const char *dialect = endpoint->settings.dialect;
    cfg_opt_t *option = config_option(section, "dialect");
    const config_value_t *place = config_is_given(option) ? config_value_at(option, 0)
                                                          : endpoint->opened;
    if (dialect[0] == '\0') {
        return refuse(reader, place, "the endpoint \"%s\" has no dialect",
                      endpoint->settings.path);
    }
    if (config_listed(reader->dialects, dialect)) return true;
    return refuse(reader, place, "dialect: no plugin brings \"%s\"", dialect);
}

static bool take_endpoint(reader_t *reader, listener_t *listener, cfg_t *section)
{
    const config_value_t *opened = config_opened_at(section);
    if (route_compile(reader->pool, opened->text) == NULL) {
        return refuse(reader, opened, "bad path pattern \"%s\"", opened->text);
    }
    endpoint_t *endpoint = find_endpoint(listener, opened->text);
    if (endpoint == NULL) {
        endpoint = add_endpoint(reader, listener, opened->text);
    } else if (endpoint->opened->file == opened->file) {
        return refuse(reader, opened, "the listener has an endpoint \"%s\" already, in line %d",
                      opened->text, endpoint->opened->line);
    }
    endpoint->opened = opened;
    endpoint->settings.path = opened->text;
    return take_rows(reader, section, config_endpoint_rows, &endpoint->settings)
           && check_dialect(reader, section, endpoint);
}

/* ---- Listeners ---- */

static listener_t *add_listener(reader_t *reader, const char *address)
{
    listener_t *listener = apr_pcalloc(reader->pool, sizeof(*listener));
    config_store_fallbacks(reader->pool, config_listen_rows, &listener->settings);
    listener->endpoints = apr_array_make(reader->pool, 4, sizeof(endpoint_t *));
    listener->settings.address = address;
    bool right = address_parse(reader->pool, address, &listener->settings.host,
                               &listener->settings.port);
    assert(right);
    APR_ARRAY_PUSH(reader->listeners, listener_t *) = listener;
    return listener;
}

/* Never one of port 0: the system gives each of them another port. */
static listener_t *find_listener(const reader_t *reader, const char *host, apr_port_t port)
{
    for (int i = 0; port != 0 && i < reader->listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(reader->listeners, i, listener_t *);
        const config_listener_t *settings = &listener->settings;
        if (settings->port == port && strcmp(settings->host, host) == 0) return listener;
    }
    return NULL;
}

static bool check_http(reader_t *reader, cfg_t *section)
{
    cfg_opt_t *option = config_option(section, "http");
    for (unsigned i = 0; i < cfg_opt_size(option); i++) {
        const config_value_t *value = config_value_at(option, i);
        if (config_listed(reader->config->plugins, value->text)) continue;
        return refuse(reader, value, "http: \"%s\" is not one of the plugins", value->text);
    }
    return true;
}

static bool take_listener(reader_t *reader, cfg_t *section)
{
    const config_value_t *opened = config_opened_at(section);
    const char *host;
    apr_port_t port;
    if (!address_parse(reader->pool, opened->text, &host, &port)) {
        return refuse(reader, opened, "bad address \"%s\"; it is written like 127.0.0.1:8080, "
                      "[::1]:8080", opened->text);
    }
    listener_t *listener = find_listener(reader, host, port);
    if (listener == NULL) {
        listener = add_listener(reader, opened->text);
    } else if (listener->opened->file == opened->file) {
        return refuse(reader, opened, "there is a listener \"%s\" already, in line %d",
                      opened->text, listener->opened->line);
    }
    listener->opened = opened;
    if (!take_rows(reader, section, config_listen_rows, &listener->settings)) return false;
    if (!check_http(reader, section)) return false;
    for (unsigned i = 0; i < cfg_size(section, "endpoint"); i++) {
        if (!take_endpoint(reader, listener, cfg_getnsec(section, "endpoint", i))) return false;
    }
    return true;
}

/* What needs a plugin that is not there is left out. */
static void add_default_listener(reader_t *reader, const config_default_listener_t *row)
{
    listener_t *listener = add_listener(reader, row->address);
    const char *const *words = config_words(reader->pool, row->http);
    apr_array_header_t *http = apr_array_make(reader->pool, 4, sizeof(const char *));
    for (; *words != NULL; words++) {
        if (config_listed(reader->config->plugins, *words)) {
            APR_ARRAY_PUSH(http, const char *) = *words;
        }
    }
    APR_ARRAY_PUSH(http, const char *) = NULL;
    listener->settings.http = (const char *const *)(void *)http->elts;
    for (const config_default_endpoint_t *each = row->endpoints; each->path != NULL; each++) {
        if (!config_listed(reader->dialects, each->dialect)) continue;
        config_endpoint_t *settings = &add_endpoint(reader, listener, each->path)->settings;
        settings->dialect = each->dialect;
        settings->rate = each->rate;
        settings->max_length = each->max_length;
        settings->auto_create = each->auto_create;
    }
}

static void add_default_listeners(reader_t *reader)
{
    const config_default_listener_t *row = config_default_listeners;
    for (; row->address != NULL; row++) add_default_listener(reader, row);
}

static bool take_listeners(reader_t *reader, cfg_t *file)
{
    for (unsigned i = 0; i < cfg_size(file, "listen"); i++) {
        if (!take_listener(reader, cfg_getnsec(file, "listen", i))) return false;
    }
    return true;
}

/* ---- The end ---- */

static void finish_listener(reader_t *reader, const listener_t *from, config_listener_t *to)
{
    *to = from->settings;
    to->endpoint_count = from->endpoints->nelts;
    to->endpoints = apr_pcalloc(reader->pool, (size_t)to->endpoint_count * sizeof(*to->endpoints));
    for (int i = 0; i < to->endpoint_count; i++) {
        config_endpoint_t *endpoint = &to->endpoints[i];
        *endpoint = APR_ARRAY_IDX(from->endpoints, i, endpoint_t *)->settings;
        endpoint->route = route_compile(reader->pool, endpoint->path);
        bool right = rate_parse(endpoint->rate, &endpoint->rule);
        assert(right && endpoint->route != NULL);
    }
}

static void finish_listeners(reader_t *reader)
{
    if (reader->listeners->nelts == 0) add_default_listeners(reader);
    config_t *config = reader->config;
    config->listener_count = reader->listeners->nelts;
    config->listeners = apr_pcalloc(reader->pool, (size_t)config->listener_count
                                                      * sizeof(*config->listeners));
    for (int i = 0; i < config->listener_count; i++) {
        finish_listener(reader, APR_ARRAY_IDX(reader->listeners, i, listener_t *),
                        &config->listeners[i]);
    }
}

static void write_target(const salon_setting_t *setting, const shadow_t *shadow)
{
    switch (setting->type) {
    case SALON_SETTING_BOOLEAN: *(bool *)setting->target = shadow->boolean; break;
    case SALON_SETTING_INTEGER: *(apr_int64_t *)setting->target = shadow->integer; break;
    case SALON_SETTING_STRING: *(const char **)setting->target = shadow->string; break;
    case SALON_SETTING_LIST: *(const char *const **)setting->target = shadow->list; break;
    }
}

static void write_targets(const salon_setting_t *settings, const shadow_t *shadows)
{
    for (int i = 0; settings != NULL && settings[i].name != NULL; i++) {
        write_target(&settings[i], &shadows[i]);
    }
}

/* What config_commit will write. */
typedef struct config_pending_t {
    int count;
    const config_section_t *sections;
    shadow_t *const *shadows;
} config_pending_t;

static void pending_keep(reader_t *reader)
{
    config_pending_t *pending = apr_palloc(reader->pool, sizeof(*pending));
    *pending = (config_pending_t){ .count = reader->section_count,
                                   .sections = reader->sections,
                                   .shadows = reader->shadows };
    reader->config->pending = pending;
}

void config_commit(const config_t *config)
{
    const config_pending_t *pending = config->pending;
    for (int i = 0; pending != NULL && i < pending->count; i++)
        write_targets(pending->sections[i].settings, pending->shadows[i]);
}

/* ---- The beginning ---- */

static bool names_a_file(const salon_setting_t *setting)
{
    const char *end = strstr(setting->name, "_file");
    return setting->type == SALON_SETTING_STRING && end != NULL && end[5] == '\0';
}

/* The same row as the core's own, its value in the plugin's shadows. */
static config_row_t row_of(const salon_setting_t *setting, int index)
{
    static const char *const fallbacks[] = {
        [SALON_SETTING_BOOLEAN] = "false",
        [SALON_SETTING_INTEGER] = "0",
        [SALON_SETTING_STRING] = "",
        [SALON_SETTING_LIST] = "",
    };
    return (config_row_t){
        .name = setting->name,
        .type = setting->type,
        .offset = (size_t)index * sizeof(shadow_t),
        .fallback = setting->fallback != NULL ? setting->fallback : fallbacks[setting->type],
        .min = setting->min,
        .max = setting->max,
        .flags = names_a_file(setting) ? CONFIG_PATH : 0,
        .help = setting->help,
    };
}

static void add_plugin(reader_t *reader, int index)
{
    const config_section_t *section = &reader->sections[index];
    int count = 0;
    while (section->settings != NULL && section->settings[count].name != NULL) count++;
    config_row_t *rows = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*rows));
    for (int i = 0; i < count; i++) rows[i] = row_of(&section->settings[i], i);
    reader->groups[index] = (config_group_t){ .name = section->name, .rows = rows };
    reader->shadows[index] = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(shadow_t));
    config_store_fallbacks(reader->pool, rows, reader->shadows[index]);
}

static void add_plugins(reader_t *reader, const config_section_t *sections, int count)
{
    reader->sections = sections;
    reader->section_count = count;
    reader->groups = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*reader->groups));
    reader->shadows = apr_pcalloc(reader->pool, ((size_t)count + 1) * sizeof(*reader->shadows));
    for (int i = 0; i < count; i++) add_plugin(reader, i);
}

static void begin(reader_t *reader, apr_pool_t *pool, const char *file)
{
    memset(reader, 0, sizeof(*reader));
    reader->pool = pool;
    config_parser_begin(&reader->parser, pool);
    reader->config = apr_pcalloc(pool, sizeof(*reader->config));
    reader->config->file = apr_pstrdup(pool, file);
    reader->listeners = apr_array_make(pool, 8, sizeof(listener_t *));
    for (const config_group_t *group = config_groups; group->name != NULL; group++) {
        config_store_fallbacks(pool, group->rows, reader->config);
    }
}

static config_t *end(reader_t *reader, const char **error_r)
{
    *error_r = reader->parser.error;
    config_parser_end(&reader->parser);
    return *error_r == NULL ? reader->config : NULL;
}

static cfg_t *file_at(const reader_t *reader, int index)
{
    return APR_ARRAY_IDX(reader->parser.files, index, cfg_t *);
}

/* Who loads the plugins says where one is named that cannot be. */
static void note_plugins(reader_t *reader, cfg_t *file)
{
    cfg_opt_t *option = config_option(file, "plugins");
    if (!config_is_given(option) || cfg_opt_size(option) == 0) return;
    const config_value_t *value = config_value_at(option, 0);
    reader->config->plugins_at = apr_psprintf(reader->pool, "%s:%d", value->file, value->line);
}

config_t *config_peek(apr_pool_t *pool, const char *file, const char **error_r)
{
    reader_t reader;
    begin(&reader, pool, file);
    add_plugins(&reader, NULL, 0);
    bool right = config_parse(&reader.parser, config_grammar(pool, reader.groups, 0), file, true);
    for (int i = 0; right && i < reader.parser.files->nelts; i++) {
        note_plugins(&reader, file_at(&reader, i));
        right = take_groups(&reader, file_at(&reader, i));
    }
    return end(&reader, error_r);
}

config_t *config_read(apr_pool_t *pool, const char *file, const config_section_t *sections,
                      int section_count, const char *const *dialects, const char **error_r)
{
    reader_t reader;
    begin(&reader, pool, file);
    reader.dialects = dialects;
    add_plugins(&reader, sections, section_count);

    cfg_opt_t *grammar = config_grammar(pool, reader.groups, section_count);
    bool right = config_parse(&reader.parser, grammar, file, false);
    int files = reader.parser.files->nelts;
    for (int i = 0; right && i < files; i++) right = take_groups(&reader, file_at(&reader, i));
    for (int i = 0; right && i < files; i++) right = take_listeners(&reader, file_at(&reader, i));
    if (right) {
        finish_listeners(&reader);
        pending_keep(&reader);
    }
    return end(&reader, error_r);
}
