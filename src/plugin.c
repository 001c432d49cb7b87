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
#include "request.h"
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
        if (plugin->start(pool) != APR_SUCCESS) return refusal(plugin->name, "did not start");
        log_debug("%s has started", plugin->name);
    }
    return NULL;
}

/* ---- Hooks ---- */

/* The next plugin at or after *at that has hooks, and the place after it; NULL: no more. */
static const salon_hooks_t *hooks_next(int *at)
{
    while (*at < all.count) {
        const salon_hooks_t *hooks = all.plugins[(*at)++]->hooks;
        if (hooks != NULL) return hooks;
    }
    return NULL;
}

const char *salon_may_not(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    bool allowed = false;
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        const char *code = hooks->refuse != NULL ? hooks->refuse(user, what, topic) : NULL;
        if (code != NULL) return code;
        if (hooks->access == NULL) continue;
        salon_access_t access = hooks->access(user, what, topic);
        if (access == SALON_REFUSE) return SALON_DENIED;
        allowed |= access == SALON_ALLOW;
    }
    return allowed ? NULL : SALON_DENIED;
}

bool salon_may(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    return salon_may_not(user, what, topic) == NULL;
}

static salon_outcome_t plugin_attach(salon_req_t *req, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    if (salon_arg(req, "media") == NULL && salon_arg(req, "kind") == NULL)
        return (salon_outcome_t){ 0 };
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        json_object *details = NULL;
        if (hooks->attach == NULL) continue;
        const char *code = hooks->attach(salon_req_user(req), topic, req->arguments, &details);
        if (code != NULL) return salon_fail_details(req, code, details);
    }
    return (salon_outcome_t){ 0 };
}

salon_outcome_t plugin_say(salon_req_t *req, salon_topic_t topic, const char **content)
{
    const salon_user_t *user = salon_req_user(req);
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        json_object *details = NULL;
        if (hooks->say == NULL) continue;
        const char *code = hooks->say(user, topic, content, salon_req_pool(req), &details);
        if (code != NULL) return salon_fail_details(req, code, details);
    }
    return plugin_attach(req, topic);
}

void plugin_unsaid(salon_topic_t topic, apr_int64_t message_id)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->unsaid != NULL) hooks->unsaid(topic, message_id);
}

/* Its JSON form is made when the first plugin asks for it. */
static json_object *form_of(json_object **form, const message_t *message)
{
    if (*form == NULL) *form = message_json(message);
    return *form;
}

void plugin_storing(salon_req_t *req, salon_topic_t topic, const message_t *message)
{
    const salon_hooks_t *hooks;
    json_object *form = NULL;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->storing != NULL) hooks->storing(req, topic, form_of(&form, message));
    json_object_put(form);
}

void plugin_stored(const salon_req_t *req, salon_topic_t topic, const message_t *message)
{
    const salon_hooks_t *hooks;
    json_object *form = NULL;
    salon_session_t *session =
        req->session != NULL && !req->session->closed ? req->session : NULL;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->stored != NULL) hooks->stored(session, topic, form_of(&form, message));
    json_object_put(form);
}

salon_outcome_t plugin_writing(salon_req_t *req, int *at)
{
    const salon_hooks_t *hooks;
    while ((hooks = hooks_next(at)) != NULL) {
        salon_outcome_t outcome = hooks->writing != NULL ? hooks->writing(req) : SALON_GO_ON;
        if (outcome.kind != 0) return outcome;
    }
    return SALON_GO_ON;
}

void salon_acted(const salon_act_t *act)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->acted != NULL) hooks->acted(act);
    json_object_put(act->details);
}

static void audience_add(void *baton, salon_topic_t topic)
{
    APR_ARRAY_PUSH((apr_array_header_t *)baton, salon_topic_t) = topic;
}

const salon_topic_t *salon_audience(apr_int64_t user_id, apr_pool_t *pool, int *count_r)
{
    apr_array_header_t *topics = apr_array_make(pool, 16, sizeof(salon_topic_t));
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->audience != NULL) hooks->audience(user_id, audience_add, topics);
    *count_r = topics->nelts;
    return (const salon_topic_t *)(void *)topics->elts;
}

void plugin_signed_in(salon_session_t *session, const salon_user_t *user)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->signed_in != NULL) hooks->signed_in(session, user);
}

void plugin_signed_out(salon_session_t *session, const salon_user_t *user)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->signed_out != NULL) hooks->signed_out(session, user);
}

void plugin_subscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->subscribed != NULL) hooks->subscribed(session, topic);
}

void plugin_unsubscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->unsubscribed != NULL) hooks->unsubscribed(session, topic);
}

void plugin_tick(apr_int64_t now)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->tick != NULL) hooks->tick(now);
}

void plugin_reload(void)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->reload != NULL) hooks->reload();
}

void plugin_stop(void)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->stop != NULL) hooks->stop();
}

salon_appearance_t salon_user_appearance(const salon_user_t *user)
{
    bool online = user->sessions > 0;
    salon_appearance_t appearance = { .online = online,
                                      .last_seen = online ? salon_now() : user->last_seen };
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->appear != NULL) hooks->appear(user, &appearance);
    return appearance;
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

const char *plugin_route_methods(const config_listener_t *listener, const char *path,
                                 apr_pool_t *pool)
{
    const char *methods = NULL;
    route_captures_t captures;
    for (int i = 0; i < all.routes->nelts; i++) {
        const plugin_route_t *route = &APR_ARRAY_IDX(all.routes, i, plugin_route_t);
        if (!route_served(listener, route) || !route_match(route->route, path, pool, &captures))
            continue;
        methods = methods == NULL ? route->method
                                  : apr_pstrcat(pool, methods, ", ", route->method, NULL);
    }
    return methods;
}

const plugin_route_t *plugin_route_find(const config_listener_t *listener, const char *method,
                                        const char *path, apr_pool_t *pool,
                                        route_captures_t *captures_r, bool *path_known_r)
{
    const plugin_route_t *best = NULL;
    if (strcmp(method, "HEAD") == 0) method = "GET"; /* the body is left out when it is written */
    for (int i = 0; i < all.routes->nelts; i++) {
        const plugin_route_t *route = &APR_ARRAY_IDX(all.routes, i, plugin_route_t);
        route_captures_t captures;
        if (best != NULL && route_weight(route->route) <= route_weight(best->route)) continue;
        if (!route_served(listener, route) || !route_match(route->route, path, pool, &captures))
            continue;
        *path_known_r = true;
        if (strcmp(route->method, method) != 0) continue;
        best = route;
        *captures_r = captures;
    }
    return best;
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
