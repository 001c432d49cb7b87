/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plugins: loaded at the start, never unloaded.  What they are is checked before anything of them
 * is called; then their tables are registered.
 */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "route.h"
#include "salon/dialect.h"
#include "settings.h"

typedef struct plugin_route_t {
    const char *owner;
    route_t *route;
    const char *method;
    const salon_http_route_t *row;
    const salon_wire_route_t *wire; /* of a dialect, in the place of `row`; NULL: none */
} plugin_route_t;

/* The core's own tables are a plugin, too. */
extern const salon_plugin_t core_plugin;

/* Before the first is loaded. */
void plugin_init(apr_pool_t *pool);
/* Opens <directory>/<name>.so and registers its tables.  NULL: done; otherwise the refusal. */
const char *plugin_load(const char *directory, const char *name);
/* Registers tables that are linked in. */
const char *plugin_register(const salon_plugin_t *plugin);

/* Those that are registered, in their order; the first is the core. */
int plugin_count(void);
const salon_plugin_t *plugin_at(int index);
/* The sections that plugins with settings have in salond.conf; *count_r of them. */
const config_section_t *plugin_sections(int *count_r);

/* Calls every plugin's start(), in the order of loading.  NULL: done; otherwise what failed. */
const char *plugin_start(apr_pool_t *pool);

/* The route of a request, among those that this listener serves: of the path with the most literal
 * text; NULL: none.  path_known_r: there is one for another method. */
const plugin_route_t *plugin_route_find(const config_listener_t *listener, const char *method,
                                        const char *path, apr_pool_t *pool,
                                        route_captures_t *captures_r, bool *path_known_r);

/* The dialect whose words HTTP is answered in where a listener serves one over HTTP; NULL: none. */
const char *plugin_http_dialect(const config_listener_t *listener);
/* The methods that there are routes for, "GET, POST", in the pool; NULL: none for that path. */
const char *plugin_route_methods(const config_listener_t *listener, const char *path,
                                 apr_pool_t *pool);

/* The command of salonctl whose words begin the line, the longest; *used_r: how many of the words.
 * NULL: none. */
const salon_command_t *plugin_command_find(const char *const *words, int count, int *used_r);

#endif
