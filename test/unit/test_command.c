/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of salonctl: from words to an operation and its arguments, by a table of the test's own;
 * the longest command wins; what is wrong is said, with the usage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "command.h"
#include "plugin.h"
#include "wire.h"

#define WORDS_MOST 12

static salon_outcome_t handler(salon_req_t *req)
{
    return salon_reply(req, NULL);
}

static const salon_argument_t arguments[] = {
    { "name", SALON_STRING, 0, 1, 0 },
    { "box", SALON_STRING, 0, 1, 0 },
    { "count", SALON_INTEGER, SALON_OPTIONAL, 0, 100 },
    { "owner_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "colour", SALON_STRING, SALON_OPTIONAL, 0, 0 },
    { "open", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "open_late", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "box.make", .handler = handler, .arguments = arguments },
    { .name = "box.list", .handler = handler },
    { .name = NULL },
};

static const salon_command_t commands[] = {
    { "box add", "NAME [--count N] [--owner-id ID] [--open-late] [--open] [--colour C]",
      "box.make", "id", "make a box" },
    { "box put", "BOX NAME [--count N]", "box.make", NULL, "put something in" },
    { "box put twice", "NAME", "box.make", NULL, "another, with one word more" },
    { "box", "", "box.list", NULL, "all boxes" },
    { "box count", "COUNT", "box.make", NULL, "a number" },
    { "box two", "[--open] NAME [--colour C] COUNT", "box.make", NULL, "options between" },
    { NULL, NULL, NULL, NULL, NULL },
};

static const salon_plugin_t plugin = {
    SALON_PLUGIN_HEADER,
    .name = "boxes",
    .version = "1.0",
    .summary = "for the test",
    .operations = operations,
    .commands = commands,
};

/* A line, its words parted by "|"; the operation, the arguments, the result. */
static const struct {
    const char *line, *operation, *json, *result;
} good[] = {
    { "box", "box.list", "{}", NULL },
    { "box|add|red", "box.make", "{\"name\":\"red\"}", "id" },
    { "box|add|a b  c", "box.make", "{\"name\":\"a b  c\"}", "id" },
    { "box|add|", "box.make", "{\"name\":\"\"}", "id" },
    { "box|add|12", "box.make", "{\"name\":\"12\"}", "id" }, /* a string stays one */
    { "box|add|red|--count|5", "box.make", "{\"name\":\"red\",\"count\":5}", "id" },
    { "box|add|--count|5|red", "box.make", "{\"count\":5,\"name\":\"red\"}", "id" },
    { "box|add|red|--count|-5", "box.make", "{\"name\":\"red\",\"count\":-5}", "id" },
    { "box|add|red|--owner-id|7", "box.make", "{\"name\":\"red\",\"owner_id\":7}", "id" },
    { "box|add|red|--open", "box.make", "{\"name\":\"red\",\"open\":true}", "id" },
    { "box|add|red|--open-late", "box.make", "{\"name\":\"red\",\"open_late\":true}", "id" },
    { "box|add|red|--open|--open-late", "box.make",
      "{\"name\":\"red\",\"open\":true,\"open_late\":true}", "id" },
    { "box|add|red|--colour|--open", "box.make", "{\"name\":\"red\",\"colour\":\"--open\"}", "id" },
    { "box|add|red|--colour|5", "box.make", "{\"name\":\"red\",\"colour\":\"5\"}", "id" },
    { "box|add|--|--colour|", "box.make", "{\"name\":\"--\",\"colour\":\"\"}", "id" },
    { "box|add|-x", "box.make", "{\"name\":\"-x\"}", "id" },
    { "box|add|caf\xc3\xa9 \"\\'", "box.make", "{\"name\":\"caf\xc3\xa9 \\\"\\\\'\"}", "id" },
    { "box|put|a|b", "box.make", "{\"box\":\"a\",\"name\":\"b\"}", NULL },
    { "box|put|twice|b", "box.make", "{\"name\":\"b\"}", NULL },
    { "box|count|12", "box.make", "{\"count\":12}", NULL },
    { "box|two|n|3|--open", "box.make", "{\"name\":\"n\",\"count\":3,\"open\":true}", NULL },
    { "box|two|--colour|c|n|3", "box.make", "{\"colour\":\"c\",\"name\":\"n\",\"count\":3}", NULL },
};

/* A line, and how the complaint begins; with the usage of a command that is known. */
static const struct {
    const char *line, *error;
} bad[] = {
    { "", "unknown command" },
    { "boxes", "unknown command" },
    { "bo", "unknown command" },
    { "crate|add|red", "unknown command" },
    { "box|ad|red", "\"ad\" is too much\nusage: salonctl box" },
    { "box|add", "name is missing\nusage: salonctl box add NAME [--count N]" },
    { "box|add|--open", "name is missing\n" },
    { "box|add|red|blue", "\"blue\" is too much\n" },
    { "box|add|red|--size|5", "unknown option --size\n" },
    { "box|add|red|--ope", "unknown option --ope\n" },
    { "box|add|red|--open-", "unknown option --open-\n" },
    { "box|add|red|--name|x", "unknown option --name\n" },
    { "box|add|red|--count", "--count wants a value\n" },
    { "box|add|red|--count|", "count: \"\" is not a number\n" },
    { "box|add|red|--count|5x", "count: \"5x\" is not a number\n" },
    { "box|add|red|--count|five", "count: \"five\" is not a number\n" },
    { "box|add|red|--count|0x10", "count: \"0x10\" is not a number\n" },
    { "box|add|red|--count| 5", "count: \" 5\" is not a number\n" },
    { "box|add|red|--count|99999999999999999999", "count: " },
    { "box|add|red|--owner-id|x", "owner_id: \"x\" is not a number\n" },
    { "box|put|a", "name is missing\n" },
    { "box|put", "box is missing\n" },
    { "box|count|x", "count: \"x\" is not a number\n" },
};

static int words_of(apr_pool_t *pool, const char *line, const char **words)
{
    char *rest = apr_pstrdup(pool, line);
    int count = 0;
    if (*line == '\0') return 0;
    for (;;) {
        char *end = strchr(rest, '|');
        words[count++] = rest;
        if (end == NULL) return count;
        *end = '\0';
        rest = end + 1;
    }
}

static int begin(void **state)
{
    static apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    plugin_init(pool);
    operation_init(pool);
    wire_init(pool);
    *state = pool;
    return plugin_register(&plugin) == NULL ? 0 : -1;
}

static int end(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

static void test_good(void **state)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *words[WORDS_MOST], *result = "?", *error = NULL;
        json_object *json = NULL;
        int count = words_of(*state, good[i].line, words);
        const operation_t *operation =
            command_parse(*state, words, count, &json, &result, &error);
        if (operation == NULL) fail_msg("%s: %s", good[i].line, error);
        assert_string_equal(operation->row->name, good[i].operation);
        assert_string_equal(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
                            good[i].json);
        if (good[i].result == NULL) assert_null(result);
        else assert_string_equal(result, good[i].result);
        json_object_put(json);
    }
}

static void test_bad(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *words[WORDS_MOST], *result = NULL, *error = NULL;
        json_object *json = NULL;
        int count = words_of(*state, bad[i].line, words);
        if (command_parse(*state, words, count, &json, &result, &error) != NULL)
            fail_msg("%s is taken: %s", bad[i].line, json_object_to_json_string(json));
        assert_null(json);
        assert_non_null(error);
        if (strncmp(error, bad[i].error, strlen(bad[i].error)) != 0)
            fail_msg("%s: %s", bad[i].line, error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("command", tests, begin, end);
}
