/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apr_dso_load makes every symbol global, so two plugins with a function of one name would share
 * it; plugins therefore export their descriptor and nothing else.  That descriptor is looked at
 * with care: its first members are the same in every version, the others only once they agree.
 */
#define LOG_AREA "plugin"
#include "plugin.h"

#include <string.h>

#include <apr_dso.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "log.h"
#include "operation.h"
#include "wire.h"

#define PLUGINS_MOST 64
#define SIZE_LEAST   offsetof(salon_plugin_t, operations) /* name and version are read */

static struct {
    apr_pool_t *pool;
    int count;
    const salon_plugin_t *plugins[PLUGINS_MOST];
    int section_count;
    config_section_t sections[PLUGINS_MOST];
    apr_array_header_t *routes;   /* plugin_route_t */
    apr_array_header_t *commands; /* const salon_command_t * */
} all;

void plugin_init(apr_pool_t *pool)
{
    all.pool = pool;
    all.routes = apr_array_make(pool, 16, sizeof(plugin_route_t));
    all.commands = apr_array_make(pool, 16, sizeof(const salon_command_t *));
}

int plugin_count(void)
{
    return all.count;
}

const salon_plugin_t *plugin_at(int index)
{
    return all.plugins[index];
}

const config_section_t *plugin_sections(int *count_r)
{
    *count_r = all.section_count;
    return all.sections;
}

/* ---- Identity ---- */

static const char *identity_check(const char *name, const salon_plugin_t *plugin)
{
    if (plugin->magic != SALON_PLUGIN_MAGIC) return "is not a plugin of Salon (wrong magic)";
    if (plugin->major != SALON_ABI_MAJOR)
        return apr_psprintf(all.pool, "is made for plugin interface %d, this is %d", plugin->major,
                            SALON_ABI_MAJOR);
    if (plugin->minor > SALON_ABI_MINOR)
        return apr_psprintf(all.pool, "needs plugin interface %d.%d, this is %d.%d", plugin->major,
                            plugin->minor, SALON_ABI_MAJOR, SALON_ABI_MINOR);
    bool older = plugin->minor != SALON_ABI_MINOR; /* a newer one has been refused */
    if (plugin->size > sizeof(salon_plugin_t) ||
        (!older && plugin->size < sizeof(salon_plugin_t)) || plugin->size < SIZE_LEAST)
        return apr_psprintf(all.pool,
                            "has a descriptor of %" APR_SIZE_T_FMT " bytes, %" APR_SIZE_T_FMT
                            " are right",
                            plugin->size, sizeof(salon_plugin_t));
    if (plugin->name == NULL || strcmp(plugin->name, name) != 0)
        return apr_psprintf(all.pool, "calls itself \"%s\"", plugin->name ? plugin->name : "");
    return NULL;
}

static const char *refusal(const char *name, const char *what)
{
    return apr_psprintf(all.pool, "plugin \"%s\" %s", name, what);
}

/* ---- Registration ---- */

/* NULL: done; otherwise what is wrong with it. */
static const char *route_register(plugin_route_t route, const char *path)
{
    route.route = route_compile(all.pool, path);
    APR_ARRAY_PUSH(all.routes, plugin_route_t) = route;
    return route.route != NULL
               ? NULL
               : apr_psprintf(all.pool, "has a route \"%s\", which is no pattern", path);
}

static const char *routes_register(const salon_plugin_t *plugin)
{
    const char *wrong = NULL;
    const salon_wire_route_t *wire = plugin->dialect != NULL ? plugin->dialect->routes : NULL;
    for (const salon_http_route_t *row = plugin->routes; !wrong && row && row->method; row++)
        wrong = route_register(
            (plugin_route_t){ .owner = plugin->name, .method = row->method, .row = row },
            row->path);
    for (; !wrong && wire && wire->method; wire++)
        wrong = route_register(
            (plugin_route_t){ .owner = plugin->name, .method = wire->method, .wire = wire },
            wire->path);
    return wrong;
}

/* The operation is the plugin's own, or of one before it. */
static const char *commands_register(const salon_plugin_t *plugin)
{
    for (const salon_command_t *row = plugin->commands; row != NULL && row->words; row++) {
        if (operation_find(row->operation) == NULL)
            return apr_psprintf(all.pool, "has a command \"%s\" for \"%s\", which is no operation",
                                row->words, row->operation);
        APR_ARRAY_PUSH(all.commands, const salon_command_t *) = row;
    }
    return NULL;
}

static const char *tables_register(const salon_plugin_t *plugin)
{
    const char *wrong = operation_register(plugin->name, plugin->operations);
    if (wrong == NULL) wrong = operation_register_events(plugin->name, plugin->events);
    if (wrong == NULL) wrong = routes_register(plugin);
    if (wrong == NULL && plugin->dialect != NULL) wrong = wire_register(plugin->dialect);
    if (wrong == NULL) wrong = commands_register(plugin);
    if (plugin->settings != NULL)
        all.sections[all.section_count++] =
            (config_section_t){ .name = plugin->name, .settings = plugin->settings };
    return wrong;
}

const char *plugin_register(const salon_plugin_t *plugin)
{
    if (all.count == PLUGINS_MOST) return refusal(plugin->name, "is one too many");
    for (int i = 0; i < all.count; i++)
        if (strcmp(all.plugins[i]->name, plugin->name) == 0)
            return refusal(plugin->name, "is named twice");
    const char *wrong = tables_register(plugin);
    if (wrong != NULL) return refusal(plugin->name, wrong);
    all.plugins[all.count++] = plugin;
    return NULL;
}

/* Of a plugin that is made for an earlier minor version, the members added since are zero. */
static const salon_plugin_t *descriptor_copy(const salon_plugin_t *plugin)
{
    salon_plugin_t *copy = apr_pcalloc(all.pool, sizeof(*copy));
    memcpy(copy, plugin, plugin->size);
    return copy;
}

const char *plugin_load(const char *directory, const char *name)
{
    apr_dso_handle_t *dso;
    apr_dso_handle_sym_t symbol;
    char text[400];
    if (name[0] == '\0' || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        return refusal(name, "has a name that is not of a-z, 0-9, _");
    const char *path = apr_pstrcat(all.pool, directory, "/", name, ".so", NULL);
    if (apr_dso_load(&dso, path, all.pool) != APR_SUCCESS)
        return refusal(name, apr_psprintf(all.pool, "cannot be loaded: %s",
                                          apr_dso_error(dso, text, sizeof(text))));
    if (apr_dso_sym(&symbol, dso, apr_pstrcat(all.pool, name, "_plugin", NULL)) != APR_SUCCESS)
        return refusal(name, apr_psprintf(all.pool, "exports no %s_plugin", name));
    const char *wrong = identity_check(name, symbol);
    return wrong != NULL ? refusal(name, wrong) : plugin_register(descriptor_copy(symbol));
}

const char *plugin_start(apr_pool_t *pool)
{
    for (int i = 0; i < all.count; i++) {
        const salon_plugin_t *plugin = all.plugins[i];
        if (plugin->start == NULL) continue;
        if (plugin->start(pool) == APR_SUCCESS) {
            log_debug("%s has started", plugin->name);
            continue;
        }
        return plugin != &core_plugin ? refusal(plugin->name, "did not start; the log says why")
                                      : "users cannot be loaded or stored; the log says why";
    }
    return NULL;
}

/* ---- Routes and commands ---- */

static bool route_served(const config_listener_t *listener, const plugin_route_t *route)
{
    if (strcmp(route->owner, core_plugin.name) == 0)
        return listener->metrics || strcmp(route->row->path, "/metrics") != 0;
    for (const char *const *name = listener->http; *name != NULL; name++)
        if (strcmp(*name, route->owner) == 0) return true;
    return false;
}

/* The next route after this one, NULL at first, that has the path; NULL: there is none. */
static const plugin_route_t *route_next(const config_listener_t *listener, const char *path,
                                        const plugin_route_t *after, apr_pool_t *pool,
                                        route_captures_t *captures_r)
{
    const plugin_route_t *routes = (const plugin_route_t *)all.routes->elts;
    const plugin_route_t *route = after != NULL ? after + 1 : routes;
    for (; route < routes + all.routes->nelts; route++)
        if (route_served(listener, route) && route_match(route->route, path, pool, captures_r))
            return route;
    return NULL;
}

/* Of the paths that match, the one with the most literal text is meant, whatever the method is. */
static int path_weight(const config_listener_t *listener, const char *path, apr_pool_t *pool)
{
    int most = -1;
    route_captures_t captures;
    const plugin_route_t *route = NULL;
    while ((route = route_next(listener, path, route, pool, &captures)) != NULL)
        if (route_weight(route->route) > most) most = route_weight(route->route);
    return most;
}

const char *plugin_route_methods(const config_listener_t *listener, const char *path,
                                 apr_pool_t *pool)
{
    const char *methods = NULL;
    const plugin_route_t *route = NULL;
    route_captures_t captures;
    int weight = path_weight(listener, path, pool);
    while ((route = route_next(listener, path, route, pool, &captures)) != NULL) {
        if (route_weight(route->route) < weight) continue;
        methods = methods == NULL ? route->method
                                  : apr_pstrcat(pool, methods, ", ", route->method, NULL);
    }
    return methods;
}

const plugin_route_t *plugin_route_find(const config_listener_t *listener, const char *method,
                                        const char *path, apr_pool_t *pool,
                                        route_captures_t *captures_r, bool *path_known_r)
{
    const plugin_route_t *route = NULL;
    int weight = path_weight(listener, path, pool);
    *path_known_r = weight >= 0;
    if (strcmp(method, "HEAD") == 0) method = "GET"; /* the body is left out when it is written */
    while ((route = route_next(listener, path, route, pool, captures_r)) != NULL)
        if (route_weight(route->route) == weight && strcmp(route->method, method) == 0)
            return route;
    return NULL;
}

const char *plugin_http_dialect(const config_listener_t *listener)
{
    for (int i = 0; i < all.routes->nelts; i++) {
        const plugin_route_t *route = &APR_ARRAY_IDX(all.routes, i, plugin_route_t);
        if (route->wire != NULL && route_served(listener, route)) return route->owner;
    }
    return NULL;
}

/* How many words of the line the command's own words are; 0: they are others. */
static int words_match(const char *command, const char *const *words, int count)
{
    int used = 0;
    for (;;) {
        size_t length = strcspn(command, " ");
        if (used == count || strlen(words[used]) != length ||
            strncmp(words[used], command, length) != 0)
            return 0;
        used++;
        if (command[length] == '\0') return used;
        command += length + 1;
    }
}

const salon_command_t *plugin_command_find(const char *const *words, int count, int *used_r)
{
    const salon_command_t *best = NULL;
    *used_r = 0;
    for (int i = 0; i < all.commands->nelts; i++) {
        const salon_command_t *command = APR_ARRAY_IDX(all.commands, i, const salon_command_t *);
        int used = words_match(command->words, words, count);
        if (used <= *used_r) continue;
        best = command;
        *used_r = used;
    }
    return best;
}
