/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of settings, with their defaults: everything that is known of a setting stands in its
 * row.  Below them the way from a text to a value, the same for the core's and plugins' settings.
 */
#include "settings_private.h"

#include <stdint.h>
#include <string.h>

#include <apr_strings.h>
#include <assert.h>
#include <confuse.h>

#include "address.h"
#include "engine.h"
#include "log.h"
#include "utf8.h"

#define INTEGER_MOST ((APR_INT64_C(1) << 53) - 1)
#define DAY          86400

/* ---- Checks of single texts ---- */

static const char *check_filled(apr_pool_t *pool, const char *text)
{
    (void)pool;
    return text[0] != '\0' ? NULL : "must not be empty";
}

static const char *check_plugin(apr_pool_t *pool, const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (length > 0 && text[length] == '\0') return NULL;
    return apr_psprintf(pool, "\"%s\" is no plugin's name", text);
}

static const char *check_level(apr_pool_t *pool, const char *text)
{
    salon_log_level_t level;
    if (log_level_parse(text, &level)) return NULL;
    return apr_psprintf(pool, "unknown level \"%s\"; there are error, warning, notice, info, debug",
                        text);
}

static const char *check_driver(apr_pool_t *pool, const char *text)
{
    if (engine_find(text) != NULL) return NULL;
    return apr_psprintf(pool, "unknown driver \"%s\"; there are sqlite3, pgsql, mysql", text);
}

static const char *check_algorithm(apr_pool_t *pool, const char *text)
{
    if (token_algorithm_known(text)) return NULL;
    return apr_psprintf(pool, "unknown algorithm \"%s\"", text);
}

static const char *check_rate(apr_pool_t *pool, const char *text)
{
    rate_rule_t rule;
    if (rate_parse(text, &rule)) return NULL;
    return apr_psprintf(pool, "bad rate \"%s\"; it is written like 10/60s,100/3600s", text);
}

static const char *check_address(apr_pool_t *pool, const char *text)
{
    return address_is(text) ? NULL : apr_psprintf(pool, "\"%s\" is no address", text);
}

/* What a browser sends: scheme and host, perhaps a port, nothing behind it. */
static const char *check_origin(apr_pool_t *pool, const char *text)
{
    const char *host = strstr(text, "://");
    bool right = host != NULL && host > text && host[3] != '\0' && strchr(host + 3, '/') == NULL;
    if (right || strcmp(text, "*") == 0) return NULL;
    return apr_psprintf(pool, "bad origin \"%s\"; it is written like https://chat.example", text);
}

/* ---- The tables ---- */

/* clang-format off */
#define ROOT(member) offsetof(config_t, member)

static const config_row_t root_rows[] = {
    { "state_dir", SALON_SETTING_STRING, ROOT(state_dir), SALON_STATE_DIR, .flags = CONFIG_PATH,
      .check = check_filled, .help = "directory of the database file and the control socket" },
    { "plugin_dir", SALON_SETTING_STRING, ROOT(plugin_dir), SALON_PLUGIN_DIR, .flags = CONFIG_PATH,
      .check = check_filled, .help = "directory of the plugins" },
    { "plugins", SALON_SETTING_LIST, ROOT(plugins),
      "rooms dm reactions presence moderation friends media veza chat live broadcast relay"
      " messenger",
      .check = check_plugin,
      .help = "the plugins that are loaded: features and dialects" },
    { "threads", SALON_SETTING_INTEGER, ROOT(threads), "0", .max = 64,
      .help = "network threads; 0: one per core" },
    { .name = NULL }
};

static const config_row_t database_rows[] = {
    { "driver", SALON_SETTING_STRING, ROOT(database.driver), "sqlite3", .check = check_driver,
      .help = "sqlite3, pgsql or mysql" },
    { "host", SALON_SETTING_STRING, ROOT(database.host), "127.0.0.1",
      .help = "where the database server is (not for sqlite3)" },
    { "port", SALON_SETTING_INTEGER, ROOT(database.port), "0", .max = 65535,
      .help = "its port; 0: the usual one (not for sqlite3)" },
    { "name", SALON_SETTING_STRING, ROOT(database.name), "salon.db", .check = check_filled,
      .help = "the database; for sqlite3 a file, relative to state_dir" },
    { "user", SALON_SETTING_STRING, ROOT(database.user), "salon",
      .help = "whom to connect as (not for sqlite3)" },
    { "password_file", SALON_SETTING_STRING, ROOT(database.password_file), "",
      .flags = CONFIG_PATH, .help = "a file with the password; empty: none" },
    { "wait", SALON_SETTING_INTEGER, ROOT(database.wait), "5", .max = 3600,
      .help = "seconds that a write waits for a database that is away" },
    { .name = NULL }
};

static const config_row_t log_rows[] = {
    { "target", SALON_SETTING_STRING, ROOT(log.target), "stderr",
      .flags = CONFIG_PATH | CONFIG_TARGET, .check = check_filled,
      .help = "stderr, syslog, or a file" },
    { "level", SALON_SETTING_STRING, ROOT(log.level), "info", .check = check_level,
      .help = "error, warning, notice, info or debug" },
    { .name = NULL }
};

static const config_row_t jwt_rows[] = {
    { "key_file", SALON_SETTING_STRING, ROOT(jwt.key_file), "", .flags = CONFIG_PATH,
      .help = "a file with the secret (HS algorithms, at least 32 bytes) or the PEM public key" },
    { "algorithms", SALON_SETTING_LIST, ROOT(jwt.algorithms), "HS256", .check = check_algorithm,
      .check_list = token_algorithms_check,
      .help = "accepted signatures: HS256, HS384, HS512; or RS256 ... ES512" },
    { "require_exp", SALON_SETTING_BOOLEAN, ROOT(jwt.require_exp), "true",
      .help = "refuse tokens that never expire" },
    { "leeway", SALON_SETTING_INTEGER, ROOT(jwt.leeway), "0", .max = DAY,
      .help = "seconds that clocks may differ, on exp and nbf" },
    { "issuer", SALON_SETTING_STRING, ROOT(jwt.issuer), "",
      .help = "what iss must be; empty: anything" },
    { "audience", SALON_SETTING_STRING, ROOT(jwt.audience), "",
      .help = "what aud must be or contain; empty: anything" },
    { .name = NULL }
};

const config_group_t config_groups[] = {
    { "", root_rows },
    { "database", database_rows },
    { "log", log_rows },
    { "jwt", jwt_rows },
    { NULL, NULL }
};

#define LISTEN(member) offsetof(config_listener_t, member)

const config_row_t config_listen_rows[] = {
    { "http", SALON_SETTING_LIST, LISTEN(http), "", .check = check_plugin,
      .help = "plugins whose HTTP routes are served here" },
    { "origins", SALON_SETTING_LIST, LISTEN(origins), "", .check = check_origin,
      .help = "pages that may connect; empty: those of the same host; \"*\": all" },
    { "proxies", SALON_SETTING_LIST, LISTEN(proxies), "", .check = check_address,
      .help = "addresses of reverse proxies, whose X-Forwarded-For is believed" },
    { "metrics", SALON_SETTING_BOOLEAN, LISTEN(metrics), "true",
      .help = "answer GET /metrics here" },
    { "compression", SALON_SETTING_BOOLEAN, LISTEN(compression), "true",
      .help = "compress messages (permessage-deflate) for clients that offer it" },
    { "max_connections", SALON_SETTING_INTEGER, LISTEN(max_connections), "0",
      .help = "connections at a time; 0: no limit" },
    { "max_per_ip", SALON_SETTING_INTEGER, LISTEN(max_per_ip), "1000",
      .help = "connections at a time from one address; 0: no limit" },
    { "max_message", SALON_SETTING_INTEGER, LISTEN(max_message), "65536", .max = 1 << 24,
      .help = "bytes of one message from a client; 0: no limit" },
    { "handshake_timeout", SALON_SETTING_INTEGER, LISTEN(handshake_timeout), "10", .max = DAY,
      .help = "seconds for the HTTP request; 0: no limit" },
    { "auth_timeout", SALON_SETTING_INTEGER, LISTEN(auth_timeout), "10", .max = DAY,
      .help = "seconds for signing in; 0: no limit" },
    { "ping_interval", SALON_SETTING_INTEGER, LISTEN(ping_interval), "25", .max = DAY,
      .help = "seconds of silence before a ping; 0: no pings" },
    { "pong_timeout", SALON_SETTING_INTEGER, LISTEN(pong_timeout), "10", .max = DAY,
      .help = "seconds for answering a ping; 0: no limit" },
    { "output_limit", SALON_SETTING_INTEGER, LISTEN(output_limit), "1048576", .max = 1 << 30,
      .help = "bytes that may wait for one connection; 0: no limit" },
    { "abuse_limit", SALON_SETTING_INTEGER, LISTEN(abuse_limit), "60", .max = 1000000,
      .help = "refused messages a minute before the connection is closed; 0: no limit" },
    { .name = NULL }
};

#define ENDPOINT(member) offsetof(config_endpoint_t, member)

const config_row_t config_endpoint_rows[] = {
    { "dialect", SALON_SETTING_STRING, ENDPOINT(dialect), "",
      .help = "the protocol that is spoken here; must be given" },
    { "rate", SALON_SETTING_STRING, ENDPOINT(rate), "", .check = check_rate,
      .help = "messages that one user may send: \"10/60s,100/3600s\"; empty: no limit" },
    { "max_length", SALON_SETTING_INTEGER, ENDPOINT(max_length), "4096", .min = 1, .max = 1 << 20,
      .help = "characters of what people say in one message" },
    { "auto_create", SALON_SETTING_BOOLEAN, ENDPOINT(auto_create), "false",
      .help = "joining what does not exist makes it" },
    { .name = NULL }
};

const config_default_listener_t config_default_listeners[] = {
    { "127.0.0.1:8080", "media",
      { { "/ws", "veza", "60/60s", 4096, false },
        { "/ws/chat", "chat", "10/60s,100/3600s", 4096, false } } },
    { "127.0.0.1:8081", "", { { "/ws", "relay", "60/60s", 4096, false } } },
    { "127.0.0.1:8000", "live messenger media",
      { { "/chat/ws/room/{room}", "live", "10/10s", 1000, false },
        { "/chat/ws/video/{video}", "live", "10/10s", 1000, false },
        { "/live/ws", "broadcast", "", 4096, false },
        { "/ws/{api_token}", "messenger", "60/60s", 4096, false } } },
    { NULL, NULL, { { NULL, NULL, NULL, 0, false } } }
};
/* clang-format on */

/* ---- From text to value ---- */

const char *config_type_name(salon_setting_type_t type)
{
    static const char *const names[] = {
        [SALON_SETTING_BOOLEAN] = "boolean",
        [SALON_SETTING_INTEGER] = "integer",
        [SALON_SETTING_STRING] = "string",
        [SALON_SETTING_LIST] = "list",
    };
    return names[type];
}

void *config_slot(const config_row_t *row, const void *base)
{
    return (void *)((uintptr_t)base + row->offset);
}

static const char *check_integer(apr_pool_t *pool, const config_row_t *row, const char *text)
{
    apr_int64_t most = row->max == 0 && row->min >= 0 ? INTEGER_MOST : row->max;
    const char *digits = text + (text[0] == '-');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0') {
        return apr_psprintf(pool, "\"%s\" is not a number", text);
    }
    apr_int64_t value = apr_strtoi64(text, NULL, 10);
    if (value >= row->min && value <= most) return NULL;
    return apr_psprintf(pool, "%s is not from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT, text,
                        row->min, most);
}

const char *config_check(apr_pool_t *pool, const config_row_t *row, const char *text)
{
    if (!utf8_valid(text, strlen(text))) return "is not UTF-8";
    if (row->type == SALON_SETTING_INTEGER) {
        return check_integer(pool, row, text);
    }
    if (row->type == SALON_SETTING_BOOLEAN && cfg_parse_boolean(text) < 0) {
        return apr_psprintf(pool, "\"%s\" is neither true nor false", text);
    }
    return row->check != NULL ? row->check(pool, text) : NULL;
}

/* Of a setting that names a file: the name as everybody understands it. */
static const char *resolve(apr_pool_t *pool, const config_row_t *row, const char *text,
                           const char *directory)
{
    static const char *const words[] = { "stderr", "syslog", NULL };
    if ((row->flags & CONFIG_PATH) == 0 || text[0] == '\0' || text[0] == '/') return text;
    if ((row->flags & CONFIG_TARGET) != 0 && config_listed(words, text)) return text;
    return directory != NULL ? apr_pstrcat(pool, directory, "/", text, NULL) : text;
}

static const char *const *copy_list(apr_pool_t *pool, const char *const *texts, int count)
{
    const char **list = apr_pcalloc(pool, ((size_t)count + 1) * sizeof(*list));
    for (int i = 0; i < count; i++) list[i] = apr_pstrdup(pool, texts[i]);
    return list;
}

void config_store(apr_pool_t *pool, const config_row_t *row, const char *const *texts, int count,
                  const char *directory, void *slot)
{
    assert(row->type == SALON_SETTING_LIST || count == 1);
    switch (row->type) {
    case SALON_SETTING_BOOLEAN:
        *(bool *)slot = cfg_parse_boolean(texts[0]) == 1;
        break;
    case SALON_SETTING_INTEGER:
        *(apr_int64_t *)slot = apr_strtoi64(texts[0], NULL, 10);
        break;
    case SALON_SETTING_STRING:
        *(const char **)slot = apr_pstrdup(pool, resolve(pool, row, texts[0], directory));
        break;
    case SALON_SETTING_LIST:
        *(const char *const **)slot = copy_list(pool, texts, count);
        break;
    }
}

const char *const *config_words(apr_pool_t *pool, const char *text)
{
    char **words;
    apr_tokenize_to_argv(text, &words, pool);
    return (const char *const *)words;
}

bool config_listed(const char *const *list, const char *name)
{
    for (; *list != NULL; list++) {
        if (strcmp(*list, name) == 0) return true;
    }
    return false;
}

void config_store_fallbacks(apr_pool_t *pool, const config_row_t *rows, void *base)
{
    for (const config_row_t *row = rows; row->name != NULL; row++) {
        const char *fallback = row->fallback != NULL ? row->fallback : "";
        const char *const *texts = &fallback;
        int count = 1;
        if (row->type == SALON_SETTING_LIST) {
            texts = config_words(pool, fallback);
            for (count = 0; texts[count] != NULL; count++) continue;
        }
        assert(row->type == SALON_SETTING_LIST || config_check(pool, row, texts[0]) == NULL);
        config_store(pool, row, texts, count, NULL, config_slot(row, base));
    }
}
