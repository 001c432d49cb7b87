/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salond: command line and signals.  All threads but the main one have signals blocked; the main
 * thread waits for them and does nothing else.
 */
#define LOG_AREA "salond"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_strings.h>
#include <apr_version.h>
#include <dbi/dbi.h>
#include <libwebsockets.h>
#include <uv.h>

#include "demo.h"
#include "fetch.h"
#include "listing.h"
#include "log.h"
#include "moving.h"
#include "plugin.h"
#include "schema.h"
#include "server.h"
#include "wire.h"

#define POOLS_KEPT (8u << 20) /* bytes of ended requests' pools that are kept for later ones */

typedef enum {
    MODE_RUN,
    MODE_EXPORT,
    MODE_IMPORT,
    MODE_TEST,
    MODE_PRINT,
    MODE_SCHEMA,
    MODE_SETTINGS, /* from here on without a configuration file, too */
    MODE_LIST,
    MODE_VERSION
} run_mode_t;

typedef struct {
    run_mode_t mode;
    const char *file;
    bool demo;
    const char *state_dir; /* of the demo */
    const char *plugin_dir;
    const char *moved;  /* a file, or "-" */
    const char *person; /* whose data */
} options_t;

static const apr_getopt_option_t option_table[] = {
    { "config", 'c', 1, "the configuration file" },
    { "test", 't', 0, "check the configuration" },
    { "print", 'T', 0, "print every setting with its effective value" },
    { "schema", 'q', 0, "print the statements that make the database's tables" },
    { "export", 'x', 1, "write all that is stored to that file, - is standard output" },
    { "user", 'u', 1, "of that person alone, with --export" },
    { "import", 'i', 1, "store what such a file, or standard input, has" },
    { "settings", 'S', 0, "list every setting there is, with type, default and help" },
    { "list", 'l', 0, "list every operation, event, command ... there is" },
    { "demo", 'd', 0, "run without any configuration, on this machine only" },
    { "state", 's', 1, "the demo's directory" },
    { "plugins", 'p', 1, "the directory of plugins, in the place of the configured one" },
    { "version", 'V', 0, "versions, and the plugins found" },
    { "help", 'h', 0, "this" },
    { NULL, 0, 0, NULL },
};

static int fail(const char *what)
{
    fprintf(stderr, "salond: %s\n", what);
    return EXIT_FAILURE;
}

/* FILE:LINE: what is wrong, alone on the line, as compilers do. */
static int test_end(const char *error)
{
    if (error == NULL) return EXIT_SUCCESS;
    fprintf(stderr, "%s\n", error);
    return EXIT_FAILURE;
}

static void usage_print(FILE *out)
{
    fprintf(out, "usage: salond -c FILE [-t | -T | -q | -x FILE [-u NAME] | -i FILE]\n"
                 "       salond --demo [--state DIR]\n\n");
    for (const apr_getopt_option_t *o = option_table; o->optch != 0; o++)
        fprintf(out, "  -%c, --%-9s %s\n", o->optch, o->name, o->description);
}

/* What does not go together; NULL: nothing.  rest: the first word that is no option's. */
static const char *options_wrong(const options_t *options, const char *rest)
{
    bool needs_file = options->mode < MODE_SETTINGS;
    if (rest != NULL) return apr_pstrcat(server.pool, "\"", rest, "\" is too much", NULL);
    if (options->demo && options->file != NULL) return "a demo takes no configuration file";
    if (options->state_dir != NULL && !options->demo)
        return "--state is a demo's; else the configuration says it";
    if (options->person != NULL && options->mode != MODE_EXPORT)
        return "--user goes with --export";
    if (needs_file && options->file == NULL && !options->demo)
        return "no configuration file: -c FILE, or --demo to try it without";
    return NULL;
}

/* False: wrong, or help was asked for: *status_r is the exit status. */
static bool options_read(int argc, const char *const *argv, options_t *options, int *status_r)
{
    apr_getopt_t *state;
    const char *argument;
    apr_status_t rv;
    int option;
    apr_getopt_init(&state, server.pool, argc, argv);
    while ((rv = apr_getopt_long(state, option_table, &option, &argument)) == APR_SUCCESS) {
        switch (option) {
        case 'c': options->file = argument; break;
        case 't': options->mode = MODE_TEST; break;
        case 'T': options->mode = MODE_PRINT; break;
        case 'q': options->mode = MODE_SCHEMA; break;
        case 'x': options->mode = MODE_EXPORT; options->moved = argument; break;
        case 'i': options->mode = MODE_IMPORT; options->moved = argument; break;
        case 'u': options->person = argument; break;
        case 'S': options->mode = MODE_SETTINGS; break;
        case 'l': options->mode = MODE_LIST; break;
        case 'V': options->mode = MODE_VERSION; break;
        case 'd': options->demo = true; break;
        case 's': options->state_dir = argument; break;
        case 'p': options->plugin_dir = argument; break;
        default: usage_print(stdout); *status_r = EXIT_SUCCESS; return false;
        }
    }
    const char *wrong = NULL; /* APR has said of an option what is wrong with it */
    if (rv == APR_EOF) wrong = options_wrong(options, state->ind < argc ? argv[state->ind] : NULL);
    if (rv == APR_EOF && wrong == NULL) return true;
    if (wrong != NULL) fail(wrong);
    if (wrong == NULL || argc == 1) usage_print(stderr);
    *status_r = EXIT_FAILURE;
    return false;
}

/* ---- Plugins and configuration ---- */

static const char *plugins_load(const options_t *options, const config_t *config)
{
    const char *directory = options->plugin_dir ? options->plugin_dir : config->plugin_dir;
    plugin_init(server.pool);
    operation_init(server.pool);
    wire_init(server.pool);
    const char *wrong = plugin_register(&core_plugin);
    for (const char *const *name = config->plugins; wrong == NULL && *name != NULL; name++) {
        wrong = plugin_load(directory, *name);
        if (wrong == NULL || options->mode != MODE_VERSION) continue;
        printf("%s\n", wrong); /* -V tells what it finds */
        wrong = NULL;
    }
    wire_resolve();
    if (wrong == NULL || config->plugins_at == NULL) return wrong;
    return apr_pstrcat(server.pool, config->plugins_at, ": ", wrong, NULL);
}

static const char *settings_load(const options_t *options)
{
    const char *error = NULL;
    const config_t *peeked = config_peek(server.pool, options->file, &error);
    if (peeked == NULL) return error;
    error = plugins_load(options, peeked);
    if (error != NULL) return error;
    config_t *config = server_config(server.pool, options->file, &error);
    if (config == NULL) return error;
    if (options->demo)
        error = demo_prepare(server.pool, config,
                             options->state_dir ? options->state_dir : demo_state_dir(server.pool));
    config_commit(config);
    server.config = config;
    return error;
}

static void version_print(void)
{
    printf("salond %s\nAPR %s, libwebsockets %s, libuv %s, json-c %s, libdbi %s, libjwt %s, "
           "libcurl %s\n",
           SALON_VERSION, apr_version_string(), lws_get_library_version(), uv_version_string(),
           json_c_version(), dbi_version(), LIBJWT_VERSION, fetch_version());
    for (int i = 0; i < plugin_count(); i++)
        printf("%-12s %-8s %s\n", plugin_at(i)->name, plugin_at(i)->version, plugin_at(i)->summary);
}

static int print_and_leave(run_mode_t mode)
{
    int count;
    const config_section_t *sections = plugin_sections(&count);
    if (mode == MODE_PRINT) config_print(server.config, sections, count, stdout);
    if (mode == MODE_SCHEMA)
        schema_print(server.pool, engine_find(server.config->database.driver), stdout);
    if (mode == MODE_SETTINGS) config_list(sections, count, stdout);
    if (mode == MODE_LIST) listing_print(stdout);
    if (mode == MODE_VERSION) version_print();
    return EXIT_SUCCESS;
}

static int move(const options_t *options)
{
    bool export = options->mode == MODE_EXPORT;
    moving_t moving = {
        .config = server.config,
        .plugin_dir = options->plugin_dir ? options->plugin_dir : server.config->plugin_dir,
        .file = options->moved,
        .person = options->person,
    };
    const char *wrong = export ? moving_export(server.pool, &moving)
                               : moving_import(server.pool, &moving);
    if (wrong == NULL) return EXIT_SUCCESS;
    return fail(apr_pstrcat(server.pool, export ? "export: " : "import: ", wrong, NULL));
}

/* ---- Signals, and the end ---- */

static void reload_handle(chat_note_t *note)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const char *error = server_reload(pool);
    if (error != NULL) log_error("reload: %s; going on as before", error);
    else log_notice("configuration read again");
    apr_pool_destroy(pool);
    free(note);
}

static void signals_block(sigset_t *set_r)
{
    sigemptyset(set_r);
    sigaddset(set_r, SIGTERM);
    sigaddset(set_r, SIGINT);
    sigaddset(set_r, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set_r, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void signals_wait(const sigset_t *set)
{
    int signal_number;
    while (sigwait(set, &signal_number) != 0 || signal_number == SIGHUP) {
        chat_note_t *note = malloc(sizeof(*note));
        if (note == NULL) abort();
        note->handle = reload_handle;
        chat_post(note);
    }
    log_notice("signal %d: stopping", signal_number);
}

static int run(bool demo, const sigset_t *signals)
{
    const char *error = server_make();
    if (error != NULL) return fail(error);
    log_notice("salond: ready");
    if (demo) demo_begin();
    signals_wait(signals);
    server_end();
    return EXIT_SUCCESS;
}

int main(int argc, const char *const *argv)
{
    options_t options = { .mode = MODE_RUN };
    int status = EXIT_SUCCESS;
    apr_initialize();
    apr_pool_create(&server.pool, NULL);
    apr_allocator_max_free_set(apr_pool_allocator_get(server.pool), POOLS_KEPT);
    if (!options_read(argc, argv, &options, &status)) return status;
    sigset_t signals; /* from the beginning: one that asks for a reload must not end the start */
    if (options.mode == MODE_RUN) signals_block(&signals);
    const char *error = settings_load(&options);
    if (options.mode == MODE_TEST) return test_end(error);
    if (error != NULL) return fail(error);
    if (options.moved != NULL) return move(&options);
    if (options.mode != MODE_RUN) return print_and_leave(options.mode);
    return run(options.demo, &signals);
}
