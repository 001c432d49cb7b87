/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: defaults, what is taken from which file, every error with its line, plugins'
 * settings, and that what is printed is read back as the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>

#include "settings.h"

static char directory[] = "/tmp/salon-test-settings-XXXXXX";
static apr_pool_t *pool;
static const char *main_file;
static const char *const dialects[] = { "veza", "live", "broadcast", "chat", "relay", "messenger",
                                          NULL };

/* A plugin's settings, as a plugin has them. */
static bool auto_create;
static apr_int64_t ttl;
static const char *upstream, *token_file;
static const char *const *words;

static const salon_setting_t rooms_settings[] = {
    { "auto_create", SALON_SETTING_BOOLEAN, &auto_create, "false", 0, 0, "make rooms" },
    { NULL, 0, NULL, NULL, 0, 0, NULL }
};

static const salon_setting_t extra_settings[] = {
    { "ttl", SALON_SETTING_INTEGER, &ttl, "60", 5, 100, "seconds" },
    { "upstream", SALON_SETTING_STRING, &upstream, "", 0, 0, "where" },
    { "token_file", SALON_SETTING_STRING, &token_file, NULL, 0, 0, "a file" },
    { "words", SALON_SETTING_LIST, &words, "a b", 0, 0, "some words" },
    { NULL, 0, NULL, NULL, 0, 0, NULL }
};

static const config_section_t sections[] = {
    { "rooms", rooms_settings }, { "extra", extra_settings }, { "plain", NULL },
};
#define DEFAULT_PLUGINS \
    "rooms dm reactions presence moderation friends media veza chat live broadcast relay " \
    "messenger "
#define SECTIONS 3

static const char *path_of(const char *name)
{
    return apr_pstrcat(pool, directory, "/", name, NULL);
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_files(const char *below)
{
    apr_dir_t *dir;
    apr_finfo_t entry;
    const char *path = apr_pstrcat(pool, directory, below, NULL);
    if (apr_dir_open(&dir, path, pool) != APR_SUCCESS) return;
    while (apr_dir_read(&entry, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        unlink(apr_pstrcat(pool, path, "/", entry.name, NULL));
    }
    apr_dir_close(dir);
}

static int set_up(void **state)
{
    (void)state;
    remove_files("/conf.d");
    rmdir(path_of("conf.d"));
    remove_files("");
    return 0;
}

static config_t *read_file(const char *file)
{
    const char *error;
    config_t *config = config_read(pool, file, sections, SECTIONS, dialects, &error);
    if (config != NULL) config_commit(config);
    if (config == NULL) print_error("%s\n", error);
    assert_non_null(config);
    assert_null(error);
    return config;
}

static config_t *read_text(const char *text)
{
    write_file("salond.conf", text);
    return read_file(main_file);
}

static config_t *read_default(void)
{
    return read_file(NULL);
}

/* What -T prints. */
static const char *print(const config_t *config)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(config, sections, SECTIONS, out);
    fclose(out);
    const char *copy = apr_pstrdup(pool, text);
    free(text);
    return copy;
}

static void assert_list(const char *const *list, const char *expected)
{
    const char *text = "";
    for (; *list != NULL; list++) text = apr_pstrcat(pool, text, *list, " ", NULL);
    assert_string_equal(text, expected);
}

/* ---- Defaults ---- */

static void test_defaults(void **state)
{
    (void)state;
    config_t *config = read_default();
    assert_null(config->file);
    assert_string_equal(config->state_dir, SALON_STATE_DIR);
    assert_string_equal(config->plugin_dir, SALON_PLUGIN_DIR);
    assert_list(config->plugins, DEFAULT_PLUGINS);
    assert_int_equal(config->threads, 0);
    assert_string_equal(config->database.driver, "sqlite3");
    assert_string_equal(config->database.name, "salon.db");
    assert_string_equal(config->database.password_file, "");
    assert_int_equal(config->database.wait, 5);
    assert_string_equal(config->log.target, "stderr");
    assert_string_equal(config->log.level, "info");
    assert_string_equal(config->jwt.key_file, "");
    assert_list(config->jwt.algorithms, "HS256 ");
    assert_true(config->jwt.require_exp);
    assert_int_equal(config->jwt.leeway, 0);
    assert_string_equal(config->jwt.issuer, "");
    assert_false(auto_create);
    assert_int_equal(ttl, 60);
    assert_string_equal(upstream, "");
    assert_string_equal(token_file, "");
    assert_list(words, "a b ");
}

static void test_default_listeners(void **state)
{
    (void)state;
    config_t *config = read_default();
    assert_int_equal(config->listener_count, 3);
    const config_listener_t *listener = &config->listeners[0];
    assert_string_equal(listener->address, "127.0.0.1:8080");
    assert_string_equal(listener->host, "127.0.0.1");
    assert_int_equal(listener->port, 8080);
    assert_list(listener->http, "media ");
    assert_list(listener->origins, "");
    assert_true(listener->metrics);
    assert_true(listener->compression);
    assert_int_equal(listener->max_connections, 0);
    assert_int_equal(listener->max_per_ip, 1000);
    assert_int_equal(listener->max_message, 65536);
    assert_int_equal(listener->handshake_timeout, 10);
    assert_int_equal(listener->auth_timeout, 10);
    assert_int_equal(listener->ping_interval, 25);
    assert_int_equal(listener->pong_timeout, 10);
    assert_int_equal(listener->output_limit, 1048576);
    assert_int_equal(listener->abuse_limit, 60);
    assert_int_equal(listener->endpoint_count, 2);
    assert_string_equal(listener->endpoints[1].path, "/ws/chat");
    assert_string_equal(listener->endpoints[1].dialect, "chat");
    assert_int_equal(listener->endpoints[1].rule.count, 2);
    const config_endpoint_t *endpoint = &listener->endpoints[0];
    assert_string_equal(endpoint->path, "/ws");
    assert_string_equal(endpoint->dialect, "veza");
    assert_int_equal(endpoint->max_length, 4096);
    assert_non_null(endpoint->route);
    assert_int_equal(endpoint->rule.count, 1);
    assert_int_equal(endpoint->rule.windows[0].limit, 60);
    assert_int_equal(config->listeners[1].port, 8081);
    assert_int_equal(config->listeners[2].port, 8000);
    assert_int_equal(config->listeners[2].endpoint_count, 4);
    endpoint = &config->listeners[2].endpoints[0];
    assert_string_equal(endpoint->path, "/chat/ws/room/{room}");
    assert_int_equal(endpoint->max_length, 1000);
    assert_list(config->listeners[2].http, "live messenger media ");
}

static void test_default_without_dialect(void **state)
{
    (void)state;
    static const char *const none[] = { NULL };
    const char *error;
    config_t *config = config_read(pool, NULL, NULL, 0, none, &error);
    assert_non_null(config);
    assert_int_equal(config->listeners[0].endpoint_count, 0);
}

static void test_empty_file(void **state)
{
    (void)state;
    assert_string_equal(print(read_text("")), print(read_default()));
    assert_string_equal(print(read_text("\n# nothing\n")), print(read_default()));
}

/* ---- Values ---- */

static void test_values(void **state)
{
    (void)state;
    config_t *config = read_text(
        "# a comment\n"
        "threads = 3 // another\n"
        "/* and\n one of two lines */\n"
        "plugins = { \"rooms\", # inside a list\n \"veza\", live }\n"
        "database { driver = \"pgsql\" port = 010 name = 'it' }\n"
        "database { host = \"db.example\" }\n"
        "jwt { require_exp = no leeway = 30 algorithms = { \"ES256\", ES384 } issuer = \"x\" }\n"
        "rooms { auto_create = on }\n"
        "extra { ttl = 100 upstream = \"http://a/b#c\" words = {} }\n"
        "plain { }\n"
        "listen \"[::1]:0\" {\n"
        "  http = { \"rooms\" } origins = { \"https://a.example\", \"*\" } metrics = false\n"
        "  max_message = 0 ping_interval = 5\n"
        "  endpoint \"/a/{x}\" { dialect = \"live\" rate = \"10/60s,100/3600s\" max_length = 10"
        " auto_create = true }\n"
        "  endpoint \"/b\" { dialect = \"veza\" }\n"
        "}\n");
    assert_int_equal(config->threads, 3);
    assert_list(config->plugins, "rooms veza live ");
    assert_string_equal(config->database.driver, "pgsql");
    assert_string_equal(config->database.host, "db.example");
    assert_int_equal(config->database.port, 10);
    assert_false(config->jwt.require_exp);
    assert_int_equal(config->jwt.leeway, 30);
    assert_list(config->jwt.algorithms, "ES256 ES384 ");
    assert_string_equal(config->jwt.issuer, "x");
    assert_true(auto_create);
    assert_int_equal(ttl, 100);
    assert_string_equal(upstream, "http://a/b#c");
    assert_list(words, "");
    assert_int_equal(config->listener_count, 1);
    const config_listener_t *listener = &config->listeners[0];
    assert_string_equal(listener->host, "::1");
    assert_int_equal(listener->port, 0);
    assert_list(listener->http, "rooms ");
    assert_list(listener->origins, "https://a.example * ");
    assert_false(listener->metrics);
    assert_int_equal(listener->max_message, 0);
    assert_int_equal(listener->ping_interval, 5);
    assert_int_equal(listener->pong_timeout, 10);
    assert_int_equal(listener->endpoint_count, 2);
    assert_string_equal(listener->endpoints[0].path, "/a/{x}");
    assert_int_equal(listener->endpoints[0].rule.count, 2);
    assert_int_equal(listener->endpoints[0].max_length, 10);
    assert_true(listener->endpoints[0].auto_create);
    assert_false(listener->endpoints[1].auto_create);
    assert_int_equal(listener->endpoints[1].rule.count, 0);
    assert_int_equal(listener->endpoints[1].max_length, 4096);
}

static void test_paths(void **state)
{
    (void)state;
    config_t *config = read_text("state_dir = \"state\" plugin_dir = \"/absolute\"\n"
                                 "database { name = \"my.db\" password_file = \"secret/db\" }\n"
                                 "jwt { key_file = \"key\" } log { target = \"x.log\" }\n"
                                 "extra { token_file = \"t\" upstream = \"u\" }\n");
    assert_string_equal(config->state_dir, path_of("state"));
    assert_string_equal(config->plugin_dir, "/absolute");
    assert_string_equal(config->database.name, "my.db");
    assert_string_equal(config->database.password_file, path_of("secret/db"));
    assert_string_equal(config->jwt.key_file, path_of("key"));
    assert_string_equal(config->log.target, path_of("x.log"));
    assert_string_equal(token_file, path_of("t"));
    assert_string_equal(upstream, "u");
    assert_string_equal(read_text("log { target = \"syslog\" }")->log.target, "syslog");
    assert_string_equal(read_text("log { target = \"stderr\" }")->log.target, "stderr");
}

/* A second reading starts from the defaults again, not from the first one's values. */
static void test_again(void **state)
{
    (void)state;
    read_text("extra { ttl = 77 words = { x } } rooms { auto_create = true }");
    assert_int_equal(ttl, 77);
    read_text("rooms { auto_create = true }");
    assert_int_equal(ttl, 60);
    assert_list(words, "a b ");
    assert_true(auto_create);
}

static void test_environment(void **state)
{
    (void)state;
    setenv("SALON_TEST", "from here", 1);
    assert_string_equal(read_text("jwt { issuer = \"<${SALON_TEST}>\" }")->jwt.issuer,
                        "<from here>");
    assert_string_equal(read_text("jwt { issuer = '<${SALON_TEST}>' }")->jwt.issuer,
                        "<${SALON_TEST}>");
    assert_string_equal(read_text("jwt { issuer = \"<\\${SALON_TEST}>\" }")->jwt.issuer,
                        "<${SALON_TEST}>");
}

/* ---- Several files ---- */

static void test_snippets(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("conf.d/20.conf", "threads = 20 extra { ttl = 20 }");
    write_file("conf.d/10.conf", "threads = 10 plugins = { live } database { user = me }\n"
                                 "jwt { key_file = \"key\" }");
    write_file("conf.d/30.conf~", "threads = 30");
    write_file("conf.d/.40.conf", "threads = 40");
    write_file("conf.d/.conf", "threads = 50");
    config_t *config = read_text("threads = 1 extra { upstream = \"u\" }\n"
                                 "database { host = \"h\" }");
    assert_int_equal(config->threads, 20);
    assert_list(config->plugins, "live ");
    assert_string_equal(config->database.user, "me");
    assert_string_equal(config->database.host, "h");
    assert_string_equal(config->database.driver, "sqlite3");
    assert_string_equal(config->jwt.key_file, path_of("key"));
    assert_int_equal(ttl, 20);
    assert_string_equal(upstream, "u");
    assert_int_equal(config->listener_count, 3);
}

static void test_merged_listeners(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("conf.d/a.conf", "listen \"127.0.0.1:1\" { max_per_ip = 7\n"
                                "  endpoint \"/x/{b}\" { rate = \"5/5s\" }\n"
                                "  endpoint \"/y\" { dialect = live } }\n"
                                "listen \"127.0.0.1:2\" { }");
    config_t *config = read_text("listen \"127.0.0.1:1\" { max_message = 9 max_per_ip = 8\n"
                                 "  endpoint \"/x/{a}\" { dialect = veza max_length = 3 } }");
    assert_int_equal(config->listener_count, 2);
    assert_int_equal(config->listeners[0].max_message, 9);
    assert_int_equal(config->listeners[0].max_per_ip, 7);
    assert_int_equal(config->listeners[0].endpoint_count, 2);
    const config_endpoint_t *endpoint = config->listeners[0].endpoints;
    assert_string_equal(endpoint[0].path, "/x/{b}");
    assert_string_equal(endpoint[0].dialect, "veza");
    assert_int_equal(endpoint[0].max_length, 3);
    assert_int_equal(endpoint[0].rule.windows[0].limit, 5);
    assert_string_equal(endpoint[1].dialect, "live");
    assert_int_equal(config->listeners[1].port, 2);
}

/* The system chooses: they will be different ports. */
static void test_port_zero(void **state)
{
    (void)state;
    config_t *config = read_text("listen \"127.0.0.1:0\" { endpoint \"/a\" { dialect = veza } }\n"
                                 "listen \"127.0.0.1:0\" { endpoint \"/b\" { dialect = veza } }");
    assert_int_equal(config->listener_count, 2);
    assert_string_equal(config->listeners[0].address, "127.0.0.1:0");
    assert_string_equal(config->listeners[0].endpoints[0].path, "/a");
    assert_string_equal(config->listeners[1].endpoints[0].path, "/b");
}

static void test_snippet_error(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("salond.conf", "threads = 1\n");
    write_file("conf.d/a.conf", "\n\nthreads = x\n");
    const char *error;
    assert_null(config_read(pool, main_file, sections, SECTIONS, dialects, &error));
    assert_string_equal(error, apr_pstrcat(pool, path_of("conf.d/a.conf"),
                                           ":3: threads: \"x\" is not a number", NULL));
    write_file("conf.d/a.conf", "threads = x");
    assert_null(config_read(pool, main_file, sections, SECTIONS, dialects, &error));
    assert_non_null(strstr(error, "/conf.d/a.conf:1: "));
}

static void test_snippets_no_directory(void **state)
{
    (void)state;
    write_file("salond.conf", "threads = 1\n");
    write_file("conf.d", "threads = 2\n");
    const char *error;
    assert_null(config_read(pool, main_file, sections, SECTIONS, dialects, &error));
    assert_string_equal(error, apr_pstrcat(pool, path_of("conf.d"),
                                           ": cannot be read: Not a directory", NULL));
}

/* ---- Errors ---- */

typedef struct wrong_t {
    int line;
    const char *error; /* a part of it */
    const char *text;
} wrong_t;

static const wrong_t wrongs[] = {
    { 2, "no such option 'treads'", "# x\ntreads = 3\n" },
    { 1, "no such option 'relay', and no plugin of that name is loaded", "relay { x = 1 }\n" },
    { 3, "no such option 'x'", "database {\n\n x = 1 }\n" },
    { 4, "no such option 'x'", "listen \"127.0.0.1:1\" {\n endpoint \"/a\" {\n # y\n x = 1 } }\n" },
    { 1, "for 'opened'", "listen \"127.0.0.1:1\" { \"opened|\" = 1 }" },
    { 1, "no such option 'include'", "include(\"x\")" },
    { 3, "threads: \"many\" is not a number", "/*\n*/\nthreads = many" },
    { 1, "threads: \"3.5\" is not a number", "threads = 3.5" },
    { 1, "threads: \"\" is not a number", "threads = \"\"" },
    { 1, "threads: \"0x10\" is not a number", "threads = 0x10" },
    { 1, "threads: 257 is not from 0 to 64", "threads = 257" },
    { 1, "threads: -1 is not from 0 to 64", "threads = -1" },
    { 1, "threads: 99999999999999999999 is not from", "threads = 99999999999999999999" },
    { 2, "port: 65536 is not from 0 to 65535", "database {\nport = 65536 }" },
    { 1, "unexpected token '{'", "threads = { 3 }" },
    { 1, "missing equal sign", "threads 3" },
    { 1, "missing opening brace", "database = 3" },
    { 1, "missing title", "listen { }" },
    { 2, "missing title", "\nlisten = \"x\"" },
    { 2, "unexpected closing brace", "threads = 3\n}" },
    { 2, "a brace is not closed", "\ndatabase {\n\n" },
    { 1, "a brace is not closed",
      "listen \"127.0.0.1:1\" {\n endpoint \"/\" { dialect = veza }\n" },
    { 1, "a brace is not closed", "plugins = { rooms,\n" },
    { 2, "premature end of file", "threads =\n" },
    { 2, "a string without end", "threads = 3\nstate_dir = \"abc\n\n\nthreads = 4\n" },
    { 2, "a string without end", "threads = 3\nstate_dir = 'abc\n\n" },
    { 2, "a comment without end", "threads = 3\n/* abc\n\n" },
    { 1, "closing brace", "state_dir = \"a${b\"\n jwt { }" },
    { 2, "escape sequence", "threads = 3\nstate_dir = \"a\\999\"\n" },
    { 1, "+= is not supported", "plugins += { \"live\" }" },
    { 2, "unexpected '+'", "threads = 3\ndatabase+{ }" },
    { 1, "unexpected '+' or '*'", "threads = * 3" },
    { 2, "not UTF-8", "threads = 3\nstate_dir = \"\xff\"\n" },
    { 1, "state_dir: is not UTF-8", "state_dir = \"\\xff\"\n" },
    { 1, "state_dir: must not be empty", "state_dir = \"\"\n" },
    { 2, "plugins: \"../x\" is no plugin's name", "plugins = { rooms,\n \"../x\" }" },
    { 2, "require_exp: \"maybe\" is neither true nor false", "jwt {\n require_exp = maybe }" },
    { 1, "algorithms: unknown algorithm \"none\"", "jwt { algorithms = { none } }" },
    { 2, "algorithms: HS algorithms cannot stand", "jwt {\n algorithms = { HS256, RS256 } }" },
    { 1, "level: unknown level \"loud\"", "log { level = loud }" },
    { 1, "driver: unknown driver \"oracle\"", "database { driver = oracle }" },
    { 3, "auto_create: \"2\" is neither", "\n\nrooms { auto_create = 2 }" },
    { 3, "ttl: 4 is not from 5 to 100", "extra {\n\nttl = 4 }" },
    { 1, "no such option 'x'", "plain { x = 1 }" },
    { 2, "bad address \"localhost:80\"", "\nlisten \"localhost:80\" {\n max_per_ip = 1\n }" },
    { 1, "bad address \"127.0.0.1\"", "listen \"127.0.0.1\" { }" },
    { 1, "bad address \"127.0.0.1:70000\"", "listen \"127.0.0.1:70000\" { }" },
    { 3, "a listener \"127.0.0.1:1\" already, in line 1",
      "listen \"127.0.0.1:1\" {\n}\nlisten \"127.0.0.1:1\" {\n }" },
    { 3, "a listener \"[0:0::1]:1\" already, in line 1",
      "listen \"[::1]:1\" {\n}\nlisten \"[0:0::1]:1\" {\n }" },
    { 2, "bad path pattern \"ws\"; it is written like /ws",
      "listen \"127.0.0.1:1\" {\n endpoint \"ws\" {\n dialect = veza } }" },
    { 2, "bad path pattern \"/ws?x=1\"",
      "listen \"127.0.0.1:1\" {\n endpoint \"/ws?x=1\" {\n dialect = veza } }" },
    { 2, "no such option 'treads'", "\xef\xbb\xbfthreads = 3\ntreads = 3\n" },
    { 3, "an endpoint \"/{b}\" already, in line 2",
      "listen \"127.0.0.1:1\" {\n endpoint \"/{a}\" { dialect = veza }\n"
      " endpoint \"/{b}\" { dialect = veza } }" },
    { 3, "no plugin brings \"klingon\"",
      "listen \"127.0.0.1:1\" {\n endpoint \"/\" {\n dialect = klingon } }" },
    { 2, "has no dialect", "listen \"127.0.0.1:1\" {\n endpoint \"/\" {\n } }" },
    { 2, "rate: bad rate \"10\"",
      "listen \"127.0.0.1:1\" { endpoint \"/\" { dialect = veza\n rate = \"10\" } }" },
    { 1, "max_length: 0 is not from 1",
      "listen \"127.0.0.1:1\" { endpoint \"/\" { dialect = veza max_length = 0 } }" },
    { 2, "http: \"nobody\" is not one of the plugins",
      "listen \"127.0.0.1:1\" { http = { rooms,\n nobody } }" },
    { 1, "origins: bad origin \"https://x/\"",
      "listen \"127.0.0.1:1\" { origins = { \"https://x/\" } }" },
    { 1, "max_message: \"64K\" is not a number", "listen \"127.0.0.1:1\" { max_message = 64K }" },
};

static void test_wrongs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
        const char *error = NULL;
        write_file("salond.conf", wrongs[i].text);
        ttl = -1;
        if (config_read(pool, main_file, sections, SECTIONS, dialects, &error) != NULL) {
            fail_msg("not refused: %s", wrongs[i].text);
        }
        assert_non_null(error);
        assert_int_equal(ttl, -1);
        const char *place = apr_psprintf(pool, "%s:%d: ", main_file, wrongs[i].line);
        if (strncmp(error, place, strlen(place)) != 0 || strstr(error, wrongs[i].error) == NULL) {
            fail_msg("line %d, \"%s\" expected, but: %s", wrongs[i].line, wrongs[i].error, error);
        }
        assert_null(strchr(error, '\n'));
        read_text("threads = 4"); /* the next one is not disturbed */
    }
}

static void test_no_file(void **state)
{
    (void)state;
    const char *error;
    assert_null(config_read(pool, path_of("missing"), sections, SECTIONS, dialects, &error));
    assert_non_null(strstr(error, "missing: cannot be read: "));
    assert_null(config_peek(pool, path_of("missing"), &error));
    assert_non_null(strstr(error, "missing: cannot be read: "));
    assert_null(config_peek(pool, directory, &error));
}

/* ---- The first pass ---- */

static config_t *peek(const char *text)
{
    const char *error;
    write_file("salond.conf", text);
    config_t *config = config_peek(pool, main_file, &error);
    if (config == NULL) print_error("%s\n", error);
    assert_non_null(config);
    return config;
}

static void test_peek(void **state)
{
    (void)state;
    const char *error;
    assert_list(config_peek(pool, NULL, &error)->plugins, DEFAULT_PLUGINS);
    config_t *config = peek("unknown = 1 empty { } empty2 \"with title\" { } lists = { a, b }\n"
                            "none = {} x { plugins = { no } y \"}\" { z = { 1, 2 } w = '}' } }\n"
                            "many = threads # plugins = { no }\n"
                            "home = ${HOME} z { s = \"${HOME}}\" t = ${HOME} }\n"
                            "plugin_dir = \"here\" listen \"nonsense\" { } plugins = { \"one\",\n"
                            "two } relay { } other = \"x\"\n");
    assert_list(config->plugins, "one two ");
    assert_string_equal(config->plugin_dir, path_of("here"));
    assert_int_equal(config->threads, 0);
    assert_string_equal(config->state_dir, SALON_STATE_DIR);
}

static void test_peek_wrong(void **state)
{
    (void)state;
    const char *error;
    write_file("salond.conf", "x {\n a = 1 }\n\nplugins = { a,\n \"B\" }");
    assert_null(config_peek(pool, main_file, &error));
    assert_non_null(strstr(error, "salond.conf:5: plugins: \"B\" is no plugin's name"));
    write_file("salond.conf", "x = 1\nplugins = { a\n");
    assert_null(config_peek(pool, main_file, &error));
    assert_non_null(strstr(error, "salond.conf:"));
    assert_list(peek("plugins = { a }")->plugins, "a ");
}

static void test_peek_snippets(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("conf.d/a.conf", "plugins = { \"a\", \"b\" } relay { }");
    config_t *config = peek("plugins = { \"c\" } plugin_dir = \"/x\"");
    assert_list(config->plugins, "a b ");
    assert_string_equal(config->plugin_dir, "/x");
}

/* ---- Printing ---- */

/* Read in another directory, so that no relative name can be left. */
static void assert_round_trip(const char *text)
{
    const char *printed = print(read_text(text));
    assert_int_equal(mkdir(path_of("conf.d"), 0700), 0);
    write_file("conf.d/printed", printed);
    const char *again = print(read_file(path_of("conf.d/printed")));
    assert_string_equal(again, printed);
    unlink(path_of("conf.d/printed"));
    rmdir(path_of("conf.d"));
}

static void test_round_trip(void **state)
{
    (void)state;
    setenv("SALON_TEST", "expanded", 1);
    assert_round_trip("");
    assert_round_trip("state_dir = \"a b\"\n"
                      "database { password_file = 'p' name = '${SALON_TEST}' }\n"
                      "jwt { issuer = \"q\\\"\\\\'\\n\\t\\x01\\x7f\\e${SALON_TEST}\\${X}$Y {#}\"\n"
                      "  audience = \"\xc3\xa4\xe2\x82\xac\" require_exp = false }\n"
                      "extra { words = { } upstream = '// /* # \\\\' } plain { }\n"
                      "listen \"[::1]:80\" { origins = { \"https://x\", \"*\" }\n"
                      "  endpoint \"/a/{b}\" { dialect = live rate = \"1/2s,3/4s\" } }\n"
                      "listen \"127.0.0.1:0\" { http = { rooms, \"veza\" } metrics = off }\n"
                      "listen \"127.0.0.1:0\" { max_per_ip = 0 }\n");
}

static void test_print(void **state)
{
    (void)state;
    const char *text = print(read_text("jwt { issuer = \"a\\${b}\" }\nextra { ttl = 9 }"));
    assert_non_null(strstr(text, "\nthreads = 0\n"));
    assert_non_null(strstr(text, "\n    issuer = \"a\\${b}\"\n"));
    assert_non_null(strstr(text, "\nlisten \"127.0.0.1:8080\" {\n"));
    assert_non_null(strstr(text, "\n    endpoint \"/ws\" {\n        dialect = \"veza\"\n"));
    assert_non_null(strstr(text, "\n    origins = { }\n"));
    assert_non_null(strstr(text, "\nextra {\n    ttl = 9\n"));
    assert_non_null(strstr(text, "\n    words = { \"a\", \"b\" }\n"));
}

static const char *list(void)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_list(sections, SECTIONS, out);
    fclose(out);
    const char *copy = apr_pstrdup(pool, text);
    free(text);
    return copy;
}

static void test_list(void **state)
{
    (void)state;
    const char *text = list();
    assert_non_null(strstr(text, "\nthreads\tinteger\t0\t"));
    assert_non_null(strstr(text, "\ndatabase.driver\tstring\tsqlite3\t"));
    assert_non_null(strstr(text, "\nlisten.max_message\tinteger\t65536\t"));
    assert_non_null(strstr(text, "\nlisten.endpoint.rate\tstring\t\t"));
    assert_non_null(strstr(text, "\nrooms.auto_create\tboolean\tfalse\tmake rooms\n"));
    assert_non_null(strstr(text, "\nextra.words\tlist\ta b\tsome words\n"));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        int tabs = 0;
        for (const char *at = line; *at != '\n'; at++) tabs += *at == '\t';
        assert_int_equal(tabs, 3);
    }
}

/* ---- The sample ---- */

static const char *read_sample(void)
{
    const char *srcdir = getenv("srcdir");
    const char *path = apr_pstrcat(pool, srcdir != NULL ? srcdir : ".", "/conf/salond.conf.in",
                                   NULL);
    FILE *file = fopen(path, "r");
    if (file == NULL) return NULL;
    char *text = apr_pcalloc(pool, 65536);
    size_t length = fread(text, 1, 65535, file);
    assert_true(length < 65535);
    fclose(file);
    return text;
}

static const char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (at == NULL) return text;
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text, (size_t)(at - text)), to,
                       replace(at + strlen(from), from, to), NULL);
}

/* Takes the "#" away where no space follows. */
static const char *uncomment(const char *text)
{
    char *copy = apr_pstrdup(pool, text);
    for (char *line = copy; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \n");
        if (line[0] == '#' && line[1] != ' ' && line[1] != '\n') line[0] = ' ';
    }
    return copy;
}

/* The sections of plugins, which this test has not loaded; test/check_manual.py looks at those. */
static const char *without_plugins(const char *text)
{
    static const char *const names[] = { "dm",    "reactions", "presence", "moderation",
                                         "rooms", "media",     "live",     "relay" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *begin = strstr(text, apr_pstrcat(pool, "\n#", names[i], " {", NULL));
        const char *end = begin != NULL ? strstr(begin, "\n#}") : NULL;
        if (end == NULL) continue;
        text = apr_pstrcat(pool, apr_pstrmemdup(pool, text, (size_t)(begin - text)), end + 3, NULL);
    }
    return text;
}

/* As it is installed it changes nothing; with every setting taken out of its comment neither; and
 * no setting is missing. */
static void test_sample(void **state)
{
    (void)state;
    const char *text = read_sample();
    if (text == NULL) skip();
    text = without_plugins(text);
    text = replace(text, "@SALON_STATE_DIR@", SALON_STATE_DIR);
    text = replace(text, "@SALON_PLUGIN_DIR@", SALON_PLUGIN_DIR);
    assert_null(strchr(text, '@'));
    assert_string_equal(print(read_text(text)), print(read_default()));
    assert_string_equal(print(read_text(uncomment(text))), print(read_default()));
    const char *next;
    for (const char *line = list(); *line != '\0'; line = next) {
        next = strchr(line, '\n') + 1;
        const char *name = apr_pstrmemdup(pool, line, strcspn(line, "\t"));
        if (strncmp(name, "extra.", 6) == 0) continue;
        const char *dot = strrchr(name, '.');
        const char *setting = apr_pstrcat(pool, "#", dot != NULL ? dot + 1 : name, " = ", NULL);
        if (strstr(text, setting) == NULL) fail_msg("%s is not in the sample", name);
    }
}

int main(void)
{
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    if (mkdtemp(directory) == NULL) return 1;
    main_file = path_of("salond.conf");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_defaults, set_up),
        cmocka_unit_test_setup(test_default_listeners, set_up),
        cmocka_unit_test_setup(test_default_without_dialect, set_up),
        cmocka_unit_test_setup(test_empty_file, set_up),
        cmocka_unit_test_setup(test_values, set_up),
        cmocka_unit_test_setup(test_paths, set_up),
        cmocka_unit_test_setup(test_again, set_up),
        cmocka_unit_test_setup(test_environment, set_up),
        cmocka_unit_test_setup(test_snippets, set_up),
        cmocka_unit_test_setup(test_merged_listeners, set_up),
        cmocka_unit_test_setup(test_port_zero, set_up),
        cmocka_unit_test_setup(test_snippet_error, set_up),
        cmocka_unit_test_setup(test_snippets_no_directory, set_up),
        cmocka_unit_test_setup(test_wrongs, set_up),
        cmocka_unit_test_setup(test_no_file, set_up),
        cmocka_unit_test_setup(test_peek, set_up),
        cmocka_unit_test_setup(test_peek_wrong, set_up),
        cmocka_unit_test_setup(test_peek_snippets, set_up),
        cmocka_unit_test_setup(test_round_trip, set_up),
        cmocka_unit_test_setup(test_print, set_up),
        cmocka_unit_test_setup(test_list, set_up),
        cmocka_unit_test_setup(test_sample, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    set_up(NULL);
    rmdir(directory);
    return failed;
}
