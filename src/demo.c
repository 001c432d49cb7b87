/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demo is made by commands, the same that an administrator would type.
 */
#define LOG_AREA "demo"
#include "demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_io.h>
#include <apr_strings.h>

#include "chat_note.h"
#include "command.h"
#include "log.h"
#include "request.h"
#include "server.h"
#include "wire.h"

#define TOKEN_TTL 2592000 /* seconds: a month */

static const struct person_t {
    apr_int64_t id;
    const char *name;
    salon_role_t role;
} people[] = {
    { 2, "alice", SALON_ROLE_USER },
    { 3, "bob", SALON_ROLE_USER },
    { 4, "carol", SALON_ROLE_MODERATOR },
    { 5, "dave", SALON_ROLE_ADMIN },
};

#define PEOPLE (sizeof(people) / sizeof(people[0]))

static const char *const commands[][8] = {
    { "user", "add", "alice", "--id", "2" },
    { "user", "add", "bob", "--id", "3" },
    { "user", "add", "carol", "--id", "4", "--role", "moderator" },
    { "user", "add", "dave", "--id", "5", "--role", "admin" },
    { "room", "add", "general" },
    { "video", "add", "1", "A first video" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static size_t next_command;

const char *demo_state_dir(apr_pool_t *pool)
{
    char *base;
    if (apr_env_get(&base, "XDG_STATE_HOME", pool) == APR_SUCCESS && base[0] == '/')
        return apr_pstrcat(pool, base, "/salon-demo", NULL);
    if (apr_env_get(&base, "HOME", pool) == APR_SUCCESS && base[0] == '/')
        return apr_pstrcat(pool, base, "/.local/state/salon-demo", NULL);
    return "/tmp/salon-demo";
}

static void state_set(apr_pool_t *pool, config_t *config, const char *state_dir)
{
    char *path;
    apr_filepath_merge(&path, NULL, state_dir, APR_FILEPATH_TRUENAME, pool);
    if (path == NULL) path = apr_pstrdup(pool, state_dir);
    config->state_dir = path;
    config->jwt.key_file = apr_pstrcat(pool, path, "/jwt.key", NULL);
}

const char *demo_prepare(apr_pool_t *pool, config_t *config, const char *state_dir)
{
    char text[120];
    server.demo = true;
    state_set(pool, config, state_dir);
    apr_status_t rv =
        apr_dir_make_recursive(config->state_dir,
                               APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE, pool);
    if (rv == APR_SUCCESS) rv = token_key_generate(config->jwt.key_file, pool);
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(pool, "cannot make %s: %s", config->state_dir,
                        apr_strerror(rv, text, sizeof(text)));
}

const char *demo_find(apr_pool_t *pool, config_t *config, const char *state_dir)
{
    char text[120];
    apr_finfo_t info;
    state_set(pool, config, state_dir);
    apr_status_t rv = apr_stat(&info, config->jwt.key_file, APR_FINFO_TYPE, pool);
    if (rv == APR_SUCCESS) return NULL;
    return apr_psprintf(pool, "%s is no demo's directory: %s", config->state_dir,
                        apr_strerror(rv, text, sizeof(text)));
}

/* ---- What is printed ---- */

static const char *token_of(apr_pool_t *pool, const struct person_t *person)
{
    token_claims_t claims = { .user_id = person->id, .role = person->role, .has_role = true };
    apr_cpystrn(claims.name, person->name, sizeof(claims.name));
    return token_make(pool, server.keys, &claims, salon_now() / 1000, TOKEN_TTL);
}

/* A path with something in the place of "{name}": the first that there is, or the token. */
static const char *path_filled(apr_pool_t *pool, const char *path, const char *token)
{
    const char *open = strchr(path, '{'), *close = open != NULL ? strchr(open, '}') : NULL;
    if (close == NULL) return path;
    const char *name = apr_pstrmemdup(pool, open + 1, (apr_size_t)(close - open - 1));
    return apr_pstrcat(pool, apr_pstrmemdup(pool, path, (apr_size_t)(open - path)),
                       strstr(name, "token") != NULL ? token : "1",
                       path_filled(pool, close + 1, token), NULL);
}

static void example_print(apr_pool_t *pool, const config_listener_t *listener,
                          const config_endpoint_t *endpoint)
{
    const salon_dialect_t *dialect = wire_dialect(wire_find(endpoint->dialect));
    if (dialect->example == NULL) return;
    const char *token = token_of(pool, &people[0]);
    const char *path = path_filled(pool, endpoint->path, token);
    printf("\n%s\n  wscat -c 'ws://%s%s", dialect->name, listener->address, path);
    const char *at = dialect->example;
    for (const char *mark; (mark = strstr(at, "TOKEN")) != NULL; at = mark + strlen("TOKEN"))
        printf("%.*s%s", (int)(mark - at), at, token);
    printf("%s\n", at);
}

static void banner_print(void)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const config_t *config = server.config;
    printf("\nSalon %s: a demo, on this machine only. What is said is kept in\n%s\n\n",
           SALON_VERSION, config->state_dir);
    for (size_t i = 0; i < PEOPLE; i++)
        printf("%-6s id %" APR_INT64_T_FMT "  %-10s %s\n", people[i].name, people[i].id,
               salon_role_name(people[i].role), token_of(pool, &people[i]));
    for (int l = 0; l < config->listener_count; l++)
        for (int e = 0; e < config->listeners[l].endpoint_count; e++)
            example_print(pool, &config->listeners[l], &config->listeners[l].endpoints[e]);
    printf("\nctrl-C ends it.\n");
    fflush(stdout);
    apr_pool_destroy(pool);
}

/* ---- What is made ---- */

static void on_reply(salon_req_t *req, json_object *data)
{
    (void)req, (void)data;
}

/* That it exists already is as good. */
static void on_refuse(salon_req_t *req, const char *code, json_object *details, apr_int64_t retry)
{
    (void)details, (void)retry;
    if (strcmp(code, SALON_CONFLICT) != 0)
        log_warning("\"%s\" failed: %s", req->operation->row->name, code);
}

static void command_run(void);

static void on_finish(salon_req_t *req)
{
    request_release(req);
    command_run();
}

static const request_sink_t demo_sink = { on_reply, on_refuse, on_finish };

static void command_run(void)
{
    if (next_command == COMMANDS) {
        banner_print();
        return;
    }
    const char *const *words = commands[next_command++];
    const char *result, *error = NULL;
    json_object *arguments;
    int count = 0;
    apr_pool_t *pool;
    while (words[count] != NULL) count++;
    apr_pool_create(&pool, NULL);
    const operation_t *operation = command_parse(pool, words, count, &arguments, &result, &error);
    apr_pool_destroy(pool);
    if (operation != NULL) request_from_control(operation, arguments, &demo_sink, NULL);
    else command_run();
}

static void begin_handle(chat_note_t *note)
{
    free(note);
    command_run();
}

bool salon_demo(void)
{
    return server.demo;
}

void demo_begin(void)
{
    chat_note_t *note = malloc(sizeof(*note));
    if (note == NULL) abort();
    note->handle = begin_handle;
    chat_post(note);
}
