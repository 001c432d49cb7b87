/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salonctl: sends its words to a running server's control socket and prints the answer.  Some need
 * no server: `token` reads the key, and knows people by the database; what moves data needs the
 * plugins' tables, and is done by salond, in the place of this process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "control.h"
#include "db.h"
#include "demo.h"
#include "json.h"
#include "log.h"
#include "settings.h"
#include "token.h"
#include "utf8.h"

#define TTL_DEFAULT 3600
#define NOT_UTF8    "a word is not UTF-8"

typedef struct {
    apr_pool_t *pool;
    const char *file;       /* -c */
    const char *state_dir;  /* --state, of a demo */
    const char *plugin_dir; /* --plugins, for salond */
    bool json;
    bool limited; /* as many rows as --limit says */
    apr_array_header_t *words;
    const config_t *config;
} options_t;

static int fail(const char *what)
{
    fprintf(stderr, "salonctl: %s\n", what);
    return EXIT_FAILURE;
}

static int usage(FILE *out)
{
    fputs("usage: salonctl [-c FILE | --state DIR] [--plugins DIR] [--json] COMMAND ...\n"
          "       salonctl --help | --version\n\n"
          "  token NAME [--id N] [--role ROLE] [--ttl SECONDS]\n"
          "  export [FILE]\n"
          "  import [FILE]\n"
          "  user export USER [FILE]\n"
          "  and the commands that salonctl(8) lists\n", out);
    return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --json may stand anywhere, the others before the command. */
static bool options_read(options_t *options, int argc, const char *const *argv)
{
    const struct {
        const char *name;
        const char **value_r;
    } names[] = {
        { "-c", &options->file },
        { "--state", &options->state_dir },
        { "--plugins", &options->plugin_dir },
    };
    options->words = apr_array_make(options->pool, 8, sizeof(const char *));
    for (int i = 1; i < argc; i++) {
        size_t n = options->words->nelts == 0 && i + 1 < argc ? 0 : 3;
        while (n < 3 && strcmp(argv[i], names[n].name) != 0) n++;
        if (strcmp(argv[i], "--json") == 0) options->json = true;
        else if (n < 3) *names[n].value_r = argv[++i];
        else APR_ARRAY_PUSH(options->words, const char *) = argv[i];
        options->limited |= strcmp(argv[i], "--limit") == 0;
    }
    return options->words->nelts > 0;
}

static const char *word_at(const options_t *options, int index)
{
    return index < options->words->nelts ? APR_ARRAY_IDX(options->words, index, const char *)
                                         : NULL;
}

static bool words_valid(const options_t *options)
{
    for (int i = 0; i < options->words->nelts; i++)
        if (!utf8_valid(word_at(options, i), strlen(word_at(options, i)))) return false;
    return true;
}

/* Without -c it is the installed file, or the demo's directory. */
static const char *config_find(options_t *options)
{
    const char *error = NULL;
    const char *file = options->file;
    if (file == NULL && options->state_dir == NULL) file = SALON_CONFIG_FILE;
    config_t *config = config_peek(options->pool, file, &error);
    if (config != NULL && options->state_dir != NULL && options->file == NULL)
        error = demo_find(options->pool, config, options->state_dir);
    options->config = config;
    return error;
}

/* ---- token ---- */

typedef struct {
    const char *name, *role;
    apr_int64_t id, ttl;
} token_wanted_t;

static const char *token_options(const options_t *options, token_wanted_t *wanted)
{
    *wanted = (token_wanted_t){ .name = word_at(options, 1), .ttl = TTL_DEFAULT };
    if (wanted->name == NULL || wanted->name[0] == '-') return "token: NAME is missing";
    for (int i = 2; i < options->words->nelts; i += 2) {
        const char *name = word_at(options, i), *value = word_at(options, i + 1);
        char *end = NULL;
        apr_int64_t number = value != NULL ? apr_strtoi64(value, &end, 10) : 0;
        bool is_number = value != NULL && *value != '\0' && *end == '\0' && number >= 0;
        if (value == NULL) return apr_psprintf(options->pool, "token: %s wants a value", name);
        if (strcmp(name, "--role") == 0) wanted->role = value;
        else if (strcmp(name, "--id") == 0 && is_number) wanted->id = number;
        else if (strcmp(name, "--ttl") == 0 && is_number) wanted->ttl = number;
        else return apr_psprintf(options->pool, "token: bad option %s %s", name, value);
    }
    return NULL;
}

/* What the database knows of the person; a database that is not there knows nobody.  NULL, or why
 * it cannot be asked. */
static const char *person_find(const options_t *options, token_wanted_t *wanted,
                               token_claims_t *claims)
{
    const char *message = NULL;
    salon_rows_t rows;
    db_t *db = db_make(options->pool, &options->config->database, options->config->state_dir);
    if (db_exists(db, options->pool) && db_connect(db, options->pool, &message) == DB_OK &&
        db_runf(db, options->pool, &rows, "SELECT id, role FROM users WHERE name = %s",
                wanted->name) == DB_OK &&
        rows.count > 0) {
        if (wanted->id == 0) claims->user_id = salon_rows_integer(&rows, 0, 0);
        if (claims->user_id == salon_rows_integer(&rows, 0, 0))
            claims->role = (salon_role_t)salon_rows_integer(&rows, 0, 1);
    }
    db_close(db);
    return message;
}

static int token_print(options_t *options)
{
    token_wanted_t wanted;
    const char *error = token_options(options, &wanted);
    if (error == NULL && !words_valid(options)) error = NOT_UTF8;
    if (error != NULL) return fail(error);
    const token_keys_t *keys = token_keys_load(options->pool, &options->config->jwt, &error);
    if (keys == NULL) return fail(error);
    token_claims_t claims = { .user_id = wanted.id, .has_role = true };
    if (strlen(wanted.name) >= sizeof(claims.name)) return fail("token: the name is too long");
    apr_cpystrn(claims.name, wanted.name, sizeof(claims.name));
    log_open("stderr", SALON_LOG_ERROR);
    error = person_find(options, &wanted, &claims);
    if (error != NULL && (wanted.id == 0 || wanted.role == NULL))
        return fail(apr_pstrcat(options->pool, "token: database: ", error,
                                "; give --id and --role", NULL));
    if (wanted.role != NULL && !salon_role_parse(wanted.role, &claims.role))
        return fail("token: no such role");
    if (claims.user_id == 0)
        return fail(apr_psprintf(options->pool,
                                 "token: nobody is called \"%s\"; give --id N, or make "
                                 "the user first (user add)",
                                 wanted.name));
    const char *token = token_make(options->pool, keys, &claims, salon_now() / 1000, wanted.ttl);
    if (token == NULL) return fail("token: the configured key cannot sign");
    if (options->json)
        printf("{\"token\":\"%s\",\"user_id\":%" APR_INT64_T_FMT "}\n", token, claims.user_id);
    else printf("%s\n", token);
    return EXIT_SUCCESS;
}

/* ---- Moving data ---- */

/* The salond beside this program, else the installed one: they are of one version. */
static const char *salond_find(apr_pool_t *pool)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    while (length > 0 && self[length - 1] != '/') length--;
    if (length > 0) {
        const char *beside = apr_pstrcat(pool, apr_pstrmemdup(pool, self, (apr_size_t)length),
                                         "salond", NULL);
        if (access(beside, X_OK) == 0) return beside;
    }
    return SALON_SBIN_DIR "/salond";
}

/* salond, with the same configuration.  user: NULL, or whose data. */
static int salond_run(const options_t *options, const char *mode, const char *file,
                      const char *user)
{
    bool demo = options->file == NULL && options->state_dir != NULL;
    const char *program = salond_find(options->pool);
    const char *words[8] = { program };
    int count = 1;
    words[count++] = demo ? "--demo" : "-c";
    if (demo) words[count++] = apr_pstrcat(options->pool, "--state=", options->state_dir, NULL);
    else words[count++] = options->file != NULL ? options->file : SALON_CONFIG_FILE;
    if (options->plugin_dir != NULL)
        words[count++] = apr_pstrcat(options->pool, "--plugins=", options->plugin_dir, NULL);
    words[count++] = apr_pstrcat(options->pool, mode, file != NULL ? file : "-", NULL);
    if (user != NULL) words[count++] = apr_pstrcat(options->pool, "--user=", user, NULL);
    execv(program, (char *const *)words);
    return fail(apr_psprintf(options->pool, "%s: %s", program, strerror(errno)));
}

static int export_run(options_t *options)
{
    if (options->words->nelts > 2) return usage(stderr);
    return salond_run(options, "--export=", word_at(options, 1), NULL);
}

static int import_run(options_t *options)
{
    if (options->words->nelts > 2) return usage(stderr);
    return salond_run(options, "--import=", word_at(options, 1), NULL);
}

static int user_export_run(options_t *options)
{
    if (options->words->nelts < 3 || options->words->nelts > 4) return usage(stderr);
    return salond_run(options, "--export=", word_at(options, 3), word_at(options, 2));
}

/* ---- The control socket ---- */

static int socket_open(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    errno = ENAMETOOLONG;
    if (strlen(path) >= sizeof(address.sun_path)) return -1;
    apr_cpystrn(address.sun_path, path, sizeof(address.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
    close(fd);
    return -1;
}

/* after: where a list goes on; 0: it begins. */
static const char *request_text(const options_t *options, apr_int64_t after)
{
    json_object *words = json_object_new_array();
    for (int i = 0; i < options->words->nelts; i++)
        json_object_array_add(words, json_object_new_string(word_at(options, i)));
    if (after != 0) {
        json_object_array_add(words, json_object_new_string("--after"));
        json_object_array_add(words, json_object_new_string(apr_ltoa(options->pool, after)));
    }
    json_object *request = salon_json_value(salon_json(), "words", words);
    const char *text = apr_pstrcat(options->pool, json_text(request, NULL), "\n", NULL);
    json_object_put(request);
    return text;
}

/* The answer's line; NULL: none came. */
static json_object *exchange(const options_t *options, FILE *stream, apr_int64_t after)
{
    char *line = NULL;
    size_t size = 0;
    json_object *answer = NULL;
    fputs(request_text(options, after), stream);
    fflush(stream);
    ssize_t length = getline(&line, &size, stream);
    if (length > 0) answer = json_tokener_parse(line);
    free(line);
    return answer;
}

static bool is_ok(json_object *answer)
{
    return json_object_get_boolean(json_object_object_get(answer, "ok"));
}

/* The rows of a page, behind those that there are. */
static void lists_join(json_object *data, json_object *page)
{
    json_object_object_foreach(page, key, rows) {
        json_object *list = json_object_object_get(data, key);
        if (!json_object_is_type(rows, json_type_array)) continue;
        for (size_t i = 0; i < json_object_array_length(rows); i++)
            json_object_array_add(list, json_object_get(json_object_array_get_idx(rows, i)));
    }
}

/* Where a list has more pages, those too, unless so many have been asked for; what fails on the way
 * is the answer. */
static json_object *exchange_all(const options_t *options, int fd)
{
    FILE *stream = fdopen(fd, "r+");
    json_object *answer = exchange(options, stream, 0);
    json_object *data = json_object_object_get(answer, "data"), *next;
    while (!options->limited && json_object_object_get_ex(data, "next", &next)) {
        json_object *page = exchange(options, stream, json_object_get_int64(next));
        json_object *more = json_object_object_get(page, "data");
        json_object_object_del(data, "next");
        if (!is_ok(page)) {
            json_object_put(answer);
            answer = page;
            break;
        }
        lists_join(data, more);
        if (json_object_object_get_ex(more, "next", &next))
            json_object_object_add(data, "next", json_object_get(next));
        json_object_put(page);
    }
    fclose(stream);
    return answer;
}

/* ---- Printing ---- */

static const char *plain(json_object *value)
{
    return value != NULL ? json_object_get_string(value) : "-";
}

static void row_print(json_object *row)
{
    const char *between = "";
    if (!json_object_is_type(row, json_type_object)) {
        printf("%s\n", plain(row));
        return;
    }
    json_object_object_foreach(row, key, value) {
        (void)key;
        printf("%s%s", between, plain(value));
        between = "\t";
    }
    printf("\n");
}

static void member_print(const char *key, json_object *value)
{
    if (!json_object_is_type(value, json_type_array)) {
        printf("%s\t%s\n", key, plain(value));
        return;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++)
        row_print(json_object_array_get_idx(value, i));
}

/* One member alone, or the rows of its list, or all members. */
static void data_print(json_object *data, const char *member)
{
    json_object *value = NULL;
    if (member != NULL && json_object_object_get_ex(data, member, &value)) {
        printf("%s\n", plain(value));
        return;
    }
    if (!json_object_is_type(data, json_type_object)) return;
    json_object_object_foreach(data, key, each) {
        if (!json_object_is_type(each, json_type_object)) member_print(key, each);
    }
}

static int command_run(const options_t *options)
{
    const char *path =
        apr_pstrcat(options->pool, options->config->state_dir, "/" CONTROL_SOCKET, NULL);
    if (!words_valid(options)) return fail(NOT_UTF8);
    int fd = socket_open(path);
    if (fd < 0)
        return fail(
            apr_psprintf(options->pool, "no server answers at %s: %s", path, strerror(errno)));
    json_object *answer = exchange_all(options, fd);
    if (answer == NULL) return fail("the server gave no answer");
    int status = EXIT_SUCCESS;
    json_object *data = json_object_object_get(answer, "data");
    if (!is_ok(answer))
        status = fail(plain(json_object_object_get(answer, "error")));
    else if (options->json)
        printf("%s\n", json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN));
    else data_print(data, json_object_get_string(json_object_object_get(answer, "result")));
    json_object_put(answer);
    return status;
}

/* The commands that are no server's. */
static const struct {
    const char *words[2];
    int (*run)(options_t *options);
} commands[] = {
    { { "token" }, token_print },
    { { "export" }, export_run },
    { { "import" }, import_run },
    { { "user", "export" }, user_export_run },
};

static bool words_are(const options_t *options, const char *const words[2])
{
    for (int i = 0; i < 2 && words[i] != NULL; i++) {
        const char *word = word_at(options, i);
        if (word == NULL || strcmp(word, words[i]) != 0) return false;
    }
    return true;
}

/* What stands in the place of a command. */
static int option_run(const options_t *options)
{
    const char *option = word_at(options, 0);
    if (strcmp(option, "--help") == 0) return usage(stdout);
    if (strcmp(option, "--version") != 0)
        return fail(apr_pstrcat(options->pool, option, ": no such option, or its value is missing",
                                NULL));
    printf("salonctl %s\n", SALON_VERSION);
    return EXIT_SUCCESS;
}

int main(int argc, const char *const *argv)
{
    options_t options = { 0 };
    apr_initialize();
    apr_pool_create(&options.pool, NULL);
    if (!options_read(&options, argc, argv)) return usage(stderr);
    if (word_at(&options, 0)[0] == '-') return option_run(&options);
    const char *error = config_find(&options);
    if (error != NULL) return fail(error);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (words_are(&options, commands[i].words)) return commands[i].run(&options);
    return command_run(&options);
}
