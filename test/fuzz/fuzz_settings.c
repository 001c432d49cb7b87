/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing the configuration: a file is refused with a line that says why, or read; and then what
 * salond -T prints of it reads as the same.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "settings.h"

#define SIZE_MOST 20000

static bool flag;
static apr_int64_t number;
static const char *text, *some_file;
static const char *const *list;

static const salon_setting_t plugin_settings[] = {
    { "flag", SALON_SETTING_BOOLEAN, &flag, "true", 0, 0, "" },
    { "number", SALON_SETTING_INTEGER, &number, "3", -5, 60, "" },
    { "text", SALON_SETTING_STRING, &text, "a text", 0, 0, "" },
    { "some_file", SALON_SETTING_STRING, &some_file, "", 0, 0, "" },
    { "list", SALON_SETTING_LIST, &list, "a b", 0, 0, "" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static const config_section_t sections[] = { { "plugin", plugin_settings } };
static const char *const dialects[] = { "veza", "chat", NULL };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static config_t *read_text(apr_pool_t *pool, const void *bytes, size_t size, const char **error_r)
{
    int fd = memfd_create("salond.conf", MFD_CLOEXEC);
    ssize_t written = write(fd, bytes, size);
    assert(written == (ssize_t)size);
    const char *file = apr_psprintf(pool, "/proc/self/fd/%d", fd);
    *error_r = NULL;
    config_t *config = config_read(pool, file, sections, 1, dialects, error_r);
    close(fd);
    if (config != NULL) config_commit(config);
    return config;
}

/* To be freed. */
static char *print_text(const config_t *config, size_t *length_r)
{
    char *printed;
    FILE *out = open_memstream(&printed, length_r);
    config_print(config, sections, 1, out);
    fclose(out);
    return printed;
}

static void round_trip(apr_pool_t *pool, const config_t *config)
{
    const char *error;
    size_t length, length_again;
    char *printed = print_text(config, &length);
    config_t *again = read_text(pool, printed, length, &error);
    if (again == NULL) fprintf(stderr, "%s\n%s\n", error, printed);
    assert(again != NULL);
    char *printed_again = print_text(again, &length_again);
    if (strcmp(printed, printed_again) != 0) fprintf(stderr, "%s\n%s\n", printed, printed_again);
    assert(length == length_again && memcmp(printed, printed_again, length) == 0);
    free(printed_again);
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *pool;
    const char *error;
    if (size > SIZE_MOST) return 0;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    config_t *config = read_text(pool, data, size, &error);
    assert((config == NULL) == (error != NULL));
    if (config != NULL) round_trip(pool, config);
    apr_pool_destroy(pool);
    apr_terminate();
    return 0;
}
