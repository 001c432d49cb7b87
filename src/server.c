/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which everything is made and ended.  What can fail is made first; threads start
 * last, when all that they look at is there.  The end goes the other way: no new connections,
 * connections closed, requests finished, everything written.
 */
#define LOG_AREA "server"
#include "server.h"

#include <signal.h>
#include <string.h>
#include <sys/param.h>
#include <sys/resource.h>
#include <unistd.h>

#include <apr_strings.h>

#include "acceptor.h"
#include "anonymous.h"
#include "chat.h"
#include "control.h"
#include "fetch.h"
#include "hooks.h"
#include "log.h"
#include "plugin.h"
#include "removal.h"
#include "retention.h"
#include "schema.h"
#include "sequence.h"
#include "timeline.h"
#include "topic.h"
#include "transfer.h"
#include "user.h"
#include "wire.h"

#define DESCRIPTORS 262144

server_t server;

config_t *server_config(apr_pool_t *pool, const char *file, const char **error_r)
{
    int count;
    const config_section_t *sections = plugin_sections(&count);
    return config_read(pool, file, sections, count, wire_names(), error_r);
}

/* ---- Making ---- */

static void descriptors_raise(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static const char *log_start(const config_log_t *log)
{
    salon_log_level_t level = SALON_LOG_INFO;
    char text[120];
    log_level_parse(log->level, &level);
    apr_status_t rv = log_open(log->target, level);
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(server.pool, "cannot log to %s: %s", log->target,
                        apr_strerror(rv, text, sizeof(text)));
}

static const char *log_begin(void)
{
    return log_start(&server.config->log);
}

/* One server to a state directory: the control socket and an embedded database are its own. */
static const char *state_lock(void)
{
    apr_file_t *file;
    char text[120];
    const char *directory = server.config->state_dir;
    const char *path = apr_pstrcat(server.pool, directory, "/salond.lock", NULL);
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE,
                                    APR_FPROT_UREAD | APR_FPROT_UWRITE, server.pool);
    if (rv != APR_SUCCESS)
        return apr_psprintf(server.pool, "cannot write to state_dir: %s: %s", path,
                            apr_strerror(rv, text, sizeof(text)));
    rv = apr_file_lock(file, APR_FLOCK_EXCLUSIVE | APR_FLOCK_NONBLOCK);
    if (rv == APR_SUCCESS) return NULL;
    if (APR_STATUS_IS_EAGAIN(rv) || APR_STATUS_IS_EACCES(rv))
        return apr_psprintf(server.pool, "another server uses %s", directory);
    return apr_psprintf(server.pool, "cannot lock %s: %s", path,
                        apr_strerror(rv, text, sizeof(text)));
}

static const char *store_begin(void)
{
    const char *error = NULL;
    server.store = store_open(server.pool, &server.config->database, server.config->state_dir,
                              chat_deliver, NULL, &error);
    if (server.store == NULL)
        return apr_psprintf(server.pool, "database %s: %s", server.config->database.name, error);
    return schema_apply(server.store);
}

static const char *state_begin(void)
{
    const char *error = anonymous_init(server.pool, server.config->state_dir);
    if (error != NULL) return error;
    sequence_init(server.pool);
    topic_init(server.pool);
    retention_init();
    removal_init();
    return plugin_start(server.pool);
}

static const char *nets_make(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int count = server.config->threads > 0 ? (int)server.config->threads : (int)MAX(cores, 1);
    server.net_count = MIN(count, NET_THREADS_MOST);
    server.nets = apr_pcalloc(server.pool, sizeof(*server.nets) * (apr_size_t)server.net_count);
    lws_set_log_level(LLL_ERR, net_log);
    for (int i = 0; i < server.net_count; i++) {
        server.nets[i] = net_make(i, server.config);
        if (server.nets[i] == NULL) return "cannot make a network thread";
    }
    return NULL;
}

static const char *threads_start(void)
{
    apr_status_t rv = store_start(server.store);
    if (rv == APR_SUCCESS) rv = fetch_start(server.pool);
    if (rv == APR_SUCCESS) rv = chat_start();
    for (int i = 0; rv == APR_SUCCESS && i < server.net_count; i++) rv = net_start(server.nets[i]);
    if (rv == APR_SUCCESS) rv = acceptor_start(server.nets, server.net_count);
    return rv == APR_SUCCESS ? NULL : "cannot start a thread";
}

static const char *keys_load(void)
{
    const char *error = NULL;
    server.keys = token_keys_load(server.pool, &server.config->jwt, &error);
    return server.keys != NULL ? NULL : error;
}

static const char *control_begin(void)
{
    return control_open(server.pool, server.config->state_dir);
}

static const char *ports_open(void)
{
    return acceptor_open(server.pool, server.config);
}

static const char *transfer_begin(void)
{
    return transfer_init(server.pool, server.config->state_dir);
}

static const char *(*const steps[])(void) = {
    log_begin,   keys_load,   state_lock, transfer_begin, ports_open,
    store_begin, state_begin, control_begin, nets_make, threads_start,
};

const char *server_make(void)
{
    server.started_at = salon_now();
    descriptors_raise();
    chat_init(server.pool);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const char *error = steps[i]();
        if (error != NULL) return error;
    }
    server.ready = true;
    return NULL;
}

/* ---- Reloading ---- */

/* The listeners and endpoints themselves cannot change while connections hold them. */
static const char *reload_fits(const config_t *old, const config_t *new)
{
    if (old->listener_count != new->listener_count) return "listeners were added or removed";
    for (int l = 0; l < old->listener_count; l++) {
        const config_listener_t *a = &old->listeners[l], *b = &new->listeners[l];
        if (strcmp(a->address, b->address) != 0) return "a listener has another address";
        if (a->endpoint_count != b->endpoint_count) return "endpoints were added or removed";
        for (int e = 0; e < a->endpoint_count; e++)
            if (strcmp(a->endpoints[e].path, b->endpoints[e].path) != 0 ||
                strcmp(a->endpoints[e].dialect, b->endpoints[e].dialect) != 0)
                return "an endpoint has another path or dialect";
    }
    return NULL;
}

static void reload_spread(const config_t *config, const token_keys_t *keys)
{
    server.config = config;
    server.keys = keys;
    acceptor_reload(config);
    for (int i = 0; i < server.net_count; i++) {
        net_note_t *note = net_note(NET_RELOAD, (conn_ref_t){ 0 });
        note->as.reload.config = config;
        note->as.reload.keys = keys;
        net_post(server.nets[i], note);
    }
}

/* NULL: both are there; else what is wrong, in the pool. */
static const char *reload_read(apr_pool_t *pool, config_t **config_r, const token_keys_t **keys_r)
{
    const char *error = NULL;
    *config_r = server_config(pool, server.config->file, &error);
    if (*config_r == NULL) return error;
    error = reload_fits(server.config, *config_r);
    if (error != NULL) return apr_psprintf(pool, "%s; that takes a restart", error);
    *keys_r = token_keys_load(pool, &(*config_r)->jwt, &error);
    return *keys_r != NULL ? NULL : error;
}

const char *server_reload(apr_pool_t *pool)
{
    apr_pool_t *kept; /* threads may look at a configuration for as long as they like */
    config_t *config;
    const token_keys_t *keys;
    if (server.config->file == NULL) return log_begin();
    apr_pool_create(&kept, NULL);
    const char *error = reload_read(kept, &config, &keys);
    if (error == NULL) error = log_start(&config->log);
    if (error != NULL) {
        error = apr_pstrdup(pool, error);
        apr_pool_destroy(kept);
        log_begin(); /* what rotates the log cannot know that the configuration is wrong */
        return error;
    }
    config_commit(config);
    config->state_dir = server.config->state_dir;
    reload_spread(config, keys);
    hooks_reload();
    return NULL;
}

const char *salon_state_directory(void)
{
    return server.config->state_dir;
}

void server_stop(void)
{
    kill(getpid(), SIGTERM);
}

/* ---- The end ---- */

void server_end(void)
{
    server.ready = false;
    acceptor_stop();
    for (int i = 0; i < server.net_count; i++)
        net_post(server.nets[i], net_note(NET_SHUTDOWN, (conn_ref_t){ 0 }));
    for (int i = 0; i < server.net_count; i++) net_join(server.nets[i]);
    chat_stop();
    sequence_stop();
    store_stop(server.store);
    control_close();
    chat_close();
    for (int i = 0; i < server.net_count; i++) net_free(&server.nets[i]);
    unlink(apr_pstrcat(server.pool, server.config->state_dir, "/" CONTROL_SOCKET, NULL));
    log_notice("salond: stopped");
}
