/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The listeners of a configuration and their endpoints, as settings.h says how they are merged: put
 * together while the files are gone through, and made what config_t holds at the end.
 */
#include "settings_private.h"

#include <string.h>

#include <assert.h>

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

static endpoint_t *add_endpoint(config_reader_t *reader, listener_t *listener, const char *path)
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

static bool check_dialect(config_reader_t *reader, cfg_t *section, const endpoint_t *endpoint)
{
    const char *dialect = endpoint->settings.dialect;
    cfg_opt_t *option = config_option(section, "dialect");
    const config_value_t *place = config_is_given(option) ? config_value_at(option, 0)
                                                          : endpoint->opened;
    if (dialect[0] == '\0') {
        return config_refuse(reader, place, "the endpoint \"%s\" has no dialect",
                             endpoint->settings.path);
    }
    if (config_listed(reader->dialects, dialect)) return true;
    return config_refuse(reader, place, "dialect: no plugin brings \"%s\"", dialect);
}

static bool take_endpoint(config_reader_t *reader, listener_t *listener, cfg_t *section)
{
    const config_value_t *opened = config_opened_at(section);
    if (strpbrk(opened->text, "?#") != NULL || route_compile(reader->pool, opened->text) == NULL) {
        return config_refuse(reader, opened,
                             "bad path pattern \"%s\"; it is written like /ws, /ws/{name}",
                             opened->text);
    }
    endpoint_t *endpoint = find_endpoint(listener, opened->text);
    if (endpoint == NULL) {
        endpoint = add_endpoint(reader, listener, opened->text);
    } else if (endpoint->opened->file == opened->file) {
        return config_refuse(reader, opened,
                             "the listener has an endpoint \"%s\" already, in line %d",
                             opened->text, endpoint->opened->line);
    }
    endpoint->opened = opened;
    endpoint->settings.path = opened->text;
    return config_take_rows(reader, section, config_endpoint_rows, &endpoint->settings)
           && check_dialect(reader, section, endpoint);
}

/* ---- Listeners ---- */

static listener_t *add_listener(config_reader_t *reader, const char *address)
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
static listener_t *find_listener(const config_reader_t *reader, const char *host, apr_port_t port)
{
    for (int i = 0; port != 0 && i < reader->listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(reader->listeners, i, listener_t *);
        const config_listener_t *settings = &listener->settings;
        if (settings->port == port && strcmp(settings->host, host) == 0) return listener;
    }
    return NULL;
}

static bool check_http(config_reader_t *reader, cfg_t *section)
{
    cfg_opt_t *option = config_option(section, "http");
    for (unsigned i = 0; i < cfg_opt_size(option); i++) {
        const config_value_t *value = config_value_at(option, i);
        if (config_listed(reader->config->plugins, value->text)) continue;
        return config_refuse(reader, value, "http: \"%s\" is not one of the plugins", value->text);
    }
    return true;
}

static bool take_listener(config_reader_t *reader, cfg_t *section)
{
    const config_value_t *opened = config_opened_at(section);
    const char *host;
    apr_port_t port;
    if (!address_parse(reader->pool, opened->text, &host, &port)) {
        return config_refuse(reader, opened,
                             "bad address \"%s\"; it is written like 127.0.0.1:8080, [::1]:8080",
                             opened->text);
    }
    listener_t *listener = find_listener(reader, host, port);
    if (listener == NULL) {
        listener = add_listener(reader, opened->text);
    } else if (listener->opened->file == opened->file) {
        return config_refuse(reader, opened, "there is a listener \"%s\" already, in line %d",
                             opened->text, listener->opened->line);
    }
    listener->opened = opened;
    if (!config_take_rows(reader, section, config_listen_rows, &listener->settings)) return false;
    if (!check_http(reader, section)) return false;
    for (unsigned i = 0; i < cfg_size(section, "endpoint"); i++) {
        if (!take_endpoint(reader, listener, cfg_getnsec(section, "endpoint", i))) return false;
    }
    return true;
}

/* What needs a plugin that is not there is left out. */
static void add_default_listener(config_reader_t *reader, const config_default_listener_t *row)
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

static void add_default_listeners(config_reader_t *reader)
{
    const config_default_listener_t *row = config_default_listeners;
    for (; row->address != NULL; row++) add_default_listener(reader, row);
}

bool config_take_listeners(config_reader_t *reader, cfg_t *file)
{
    for (unsigned i = 0; i < cfg_size(file, "listen"); i++) {
        if (!take_listener(reader, cfg_getnsec(file, "listen", i))) return false;
    }
    return true;
}

static void finish_listener(config_reader_t *reader, const listener_t *from, config_listener_t *to)
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

void config_finish_listeners(config_reader_t *reader)
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
