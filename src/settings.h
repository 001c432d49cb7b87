/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: salond.conf and conf.d/, read with libconfuse by tables of settings.  The same
 * tables give the defaults, `salond -T` and the check of the manual.  Unknown names and wrong
 * types are errors with file and line.
 *
 * FILE is read first, then every *.conf in conf.d/ beside it, in alphabetical order.  Later ones
 * override single values and replace whole lists.  A `listen` block of another address is added,
 * one of the same address (but for port 0) is merged into the earlier one: its settings override,
 * its endpoints of the same path are merged in the same way, others are added.  Within one file the
 * same address or path twice is an error.  One `listen` block anywhere, and the default listeners
 * are gone.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdio.h>

#include <apr_network_io.h>
#include <apr_pools.h>

#include "rate.h"
#include "route.h"
#include "salon/plugin.h"
#include "token.h"

/* endpoint "/ws" { ... } */
typedef struct config_endpoint_t {
    const char *path;
    const char *dialect;
    const char *rate;
    apr_int64_t max_length; /* code points of one text */
    bool auto_create;       /* what is joined and does not exist is made */
    /* made from the above */
    route_t *route;
    rate_rule_t rule;
} config_endpoint_t;

/* listen "127.0.0.1:8080" { ... } */
typedef struct config_listener_t {
    const char *address;
    const char *const *http;    /* plugins whose routes are served here */
    const char *const *origins;
    const char *const *proxies; /* reverse proxies, whose X-Forwarded-For is believed */
    bool metrics;               /* is GET /metrics answered here */
    bool compression;           /* is permessage-deflate agreed on */
    apr_int64_t max_connections, max_per_ip;
    apr_int64_t max_message;                     /* bytes */
    apr_int64_t handshake_timeout, auth_timeout; /* seconds; 0 of any of these: no limit */
    apr_int64_t ping_interval, pong_timeout;
    apr_int64_t output_limit;                    /* bytes */
    apr_int64_t abuse_limit;                     /* refused messages a minute */
    /* made from the above */
    const char *host;
    apr_port_t port;
    int endpoint_count;
    config_endpoint_t *endpoints;
} config_listener_t;

typedef struct config_database_t {
    const char *driver; /* sqlite3, pgsql, mysql */
    const char *host;
    apr_int64_t port;
    const char *name;   /* sqlite3: a file, relative to state_dir */
    const char *user;
    const char *password_file;
    apr_int64_t wait;   /* seconds that a write waits for a database that is away */
} config_database_t;

typedef struct config_log_t {
    const char *target; /* stderr, syslog, a file */
    const char *level;
} config_log_t;

typedef struct config_t {
    const char *file;
    const char *state_dir;
    const char *plugin_dir;
    const char *const *plugins;
    const char *plugins_at; /* "FILE:LINE"; NULL: they are the default */
    apr_int64_t threads;
    config_database_t database;
    config_log_t log;
    token_settings_t jwt;
    int listener_count;
    config_listener_t *listeners;
    const struct config_pending_t *pending; /* plugins' values, for config_commit */
} config_t;

/* The settings of a plugin, for config_read. */
typedef struct config_section_t {
    const char *name;
    const salon_setting_t *settings;
} config_section_t;

/*
 * First pass: the core's own settings, without listeners, for those who have not loaded the plugins
 * (yet); what is unknown is ignored.  file NULL: the defaults.  *error_r: "FILE:LINE: what is
 * wrong", in the pool; NULL on success.  One thread at a time may read a configuration:
 * libconfuse's lexer is one for the process.
 */
config_t *config_peek(apr_pool_t *pool, const char *file, const char **error_r);

/*
 * Reads everything and checks it; plugins' settings are written to their targets by config_commit.
 * dialects: NULL-terminated names of those there are (an endpoint of another one is an error; of
 * the default listeners it is left out).  file NULL: the defaults.  Relative state_dir, plugin_dir,
 * log.target and *_file (plugins' too) are made absolute, from the directory of `file`;
 * database.name is left as it is, for state_dir.
 */
config_t *config_read(apr_pool_t *pool, const char *file, const config_section_t *sections,
                      int section_count, const char *const *dialects, const char **error_r);

/* Writes what was read for plugins to their targets.  Chat thread, or before it starts. */
void config_commit(const config_t *config);

/* Every setting with its effective value, in the form of the file, and such that config_read makes
 * the same of it; a password's or key's file is named, never read. */
void config_print(const config_t *config, const config_section_t *sections, int section_count,
                  FILE *out);

/* Every setting there is, one a line: name ("threads", "listen.endpoint.rate"), type (boolean,
 * integer, string, list), default and help, with tabs between them: what the check of the manual
 * compares with (salond --settings). */
void config_list(const config_section_t *sections, int section_count, FILE *out);

#endif
