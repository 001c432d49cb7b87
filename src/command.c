/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A synopsis is a list of words: NAME is a positional argument "name", "[--role ROLE]" an option
 * with a value, "[--private]" one without.  The operation's table says which values are numbers.
 */
#include "command.h"

#include <errno.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "plugin.h"

typedef struct {
    apr_pool_t *pool;
    const operation_t *operation;
    const char *synopsis;
    json_object *arguments;
    const char *error;
} parse_t;

static const char *lower(apr_pool_t *pool, const char *text, size_t length)
{
    char *name = apr_pstrndup(pool, text, length);
    for (char *at = name; *at != '\0'; at++) *at = *at == '-' ? '_' : (char)apr_tolower(*at);
    return name;
}

/* The name of the n-th positional argument, NULL: there are fewer. */
static const char *positional(const parse_t *parse, int n)
{
    const char *at = parse->synopsis;
    while (*at != '\0') {
        size_t length = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, " ");
        if (*at != '[' && n-- == 0) return lower(parse->pool, at, length);
        at += length;
        while (*at == ' ') at++;
    }
    return NULL;
}

typedef enum { OPTION_UNKNOWN, OPTION_FLAG, OPTION_VALUE } option_t;

static option_t option_find(const parse_t *parse, const char *word)
{
    const char *bracketed = apr_pstrcat(parse->pool, "[", word, NULL);
    const char *at = parse->synopsis;
    size_t length = strlen(bracketed);
    while ((at = strstr(at, bracketed)) != NULL) {
        if (at[length] == ']') return OPTION_FLAG;
        if (at[length] == ' ') return OPTION_VALUE;
        at += length;
    }
    return OPTION_UNKNOWN;
}

static salon_type_t type_of(const parse_t *parse, const char *name)
{
    const salon_argument_t *argument = parse->operation->row->arguments;
    for (; argument != NULL && argument->name != NULL; argument++)
        if (strcmp(argument->name, name) == 0) return argument->type;
    return SALON_STRING;
}

static bool number_read(const char *text, apr_int64_t *number_r)
{
    char *end;
    errno = 0;
    *number_r = apr_strtoi64(text, &end, 10);
    return (apr_isdigit(*text) || *text == '-') && *end == '\0' && errno == 0;
}

static bool boolean_add(parse_t *parse, const char *name, const char *value)
{
    bool yes = strcmp(value, "yes") == 0;
    if (yes || strcmp(value, "no") == 0) {
        salon_json_boolean(parse->arguments, name, yes);
        return true;
    }
    parse->error = apr_psprintf(parse->pool, "%s: \"%s\" is neither yes nor no", name, value);
    return false;
}

static bool value_add(parse_t *parse, const char *name, const char *value)
{
    salon_type_t type = type_of(parse, name);
    apr_int64_t number;
    if (type == SALON_BOOLEAN) return boolean_add(parse, name, value);
    if (type != SALON_INTEGER && type != SALON_ID) {
        salon_json_string(parse->arguments, name, value);
        return true;
    }
    if (number_read(value, &number)) {
        salon_json_integer(parse->arguments, name, number);
        return true;
    }
    parse->error = apr_psprintf(parse->pool, "%s: \"%s\" is not a number", name, value);
    return false;
}

/* Answers how many words it has taken; 0: wrong. */
static int option_take(parse_t *parse, const char *const *words, int count)
{
    option_t option = option_find(parse, words[0]);
    const char *name = lower(parse->pool, words[0] + 2, strlen(words[0]) - 2);
    if (option == OPTION_FLAG) {
        salon_json_boolean(parse->arguments, name, true);
        return 1;
    }
    if (option == OPTION_UNKNOWN)
        parse->error = apr_psprintf(parse->pool, "unknown option %s", words[0]);
    else if (count < 2)
        parse->error = apr_psprintf(parse->pool, "%s wants a value", words[0]);
    else if (value_add(parse, name, words[1]))
        return 2;
    return 0;
}

static bool words_take(parse_t *parse, const char *const *words, int count)
{
    int positionals = 0;
    for (int i = 0; i < count;) {
        int taken = 1;
        if (strncmp(words[i], "--", 2) == 0 && apr_islower(words[i][2])) {
            taken = option_take(parse, words + i, count - i);
        } else {
            const char *name = positional(parse, positionals++);
            if (name == NULL)
                parse->error = apr_psprintf(parse->pool, "\"%s\" is too much", words[i]);
            taken = name != NULL && value_add(parse, name, words[i]);
        }
        if (taken == 0) return false;
        i += taken;
    }
    const char *missing = positional(parse, positionals);
    if (missing != NULL) parse->error = apr_psprintf(parse->pool, "%s is missing", missing);
    return missing == NULL;
}

const operation_t *command_parse(apr_pool_t *pool, const char *const *words, int count,
                                 json_object **arguments_r, const char **result_r,
                                 const char **error_r)
{
    int used;
    const salon_command_t *command = plugin_command_find(words, count, &used);
    if (command == NULL) {
        *error_r = "unknown command; see salonctl(8)";
        return NULL;
    }
    parse_t parse = { .pool = pool,
                      .operation = operation_find(command->operation),
                      .synopsis = command->synopsis,
                      .arguments = salon_json() };
    if (words_take(&parse, words + used, count - used)) {
        *arguments_r = parse.arguments;
        *result_r = command->result;
        return parse.operation;
    }
    json_object_put(parse.arguments);
    *error_r = apr_psprintf(pool, "%s\nusage: salonctl %s%s%s", parse.error, command->words,
                            command->synopsis[0] != '\0' ? " " : "", command->synopsis);
    return NULL;
}
