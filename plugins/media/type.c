/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and what clients say are not looked at.  Text of all kinds is plain text, but what a
 * browser would run or draw; libmagic's older names of types become those that browsers know.  A
 * type takes up to two milliseconds to find, so that is done off the chat thread; a magic_t is for
 * one thread at a time, which salon_work sees to.
 */
#include "type.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <apr_strings.h>
#include <magic.h>

#define HEAD_MOST 262144 /* bytes that are looked at */

static magic_t magic;

static const struct {
    const char *found, *known;
} aliases[] = {
    { "audio/x-wav", "audio/wav" },
    { "audio/x-m4a", "audio/mp4" },
    { "audio/x-flac", "audio/flac" },
    { "audio/x-hx-aac-adts", "audio/aac" },
    { "audio/x-aiff", "audio/aiff" },
    { "application/ogg", "audio/ogg" },
    { "video/x-m4v", "video/mp4" },
    { "image/x-ms-bmp", "image/bmp" },
    { "application/x-gzip", "application/gzip" },
    { "text/json", "application/json" },
};

/* Text that is more than that. */
static const char *const active[] = { "text/html", "text/xml", "text/javascript", "text/xsl",
                                      "text/calendar", "text/vcard", "text/rtf", "text/csv" };

static apr_status_t magic_end(void *data)
{
    (void)data;
    magic_close(magic);
    return APR_SUCCESS;
}

apr_status_t type_open(apr_pool_t *pool, const char **error_r)
{
    magic = magic_open(MAGIC_MIME_TYPE | MAGIC_ERROR);
    if (magic == NULL || magic_load(magic, NULL) != 0) {
        const char *error = magic != NULL ? magic_error(magic) : NULL;
        *error_r = apr_pstrdup(pool, error != NULL ? error : "libmagic cannot be used");
        if (magic != NULL) magic_close(magic);
        return APR_EGENERAL;
    }
    apr_pool_cleanup_register(pool, NULL, magic_end, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const char *type_known(const char *found)
{
    for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
        if (strcmp(aliases[i].found, found) == 0) return aliases[i].known;
    if (!has_prefix(found, "text/")) return found;
    for (size_t i = 0; i < sizeof(active) / sizeof(active[0]); i++)
        if (strcmp(active[i], found) == 0) return found;
    return "text/plain";
}

static const char *head_type(const char *path, char *head)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, head, HEAD_MOST) : -1;
    if (fd >= 0) close(fd);
    return length > 0 ? magic_buffer(magic, head, (size_t)length) : NULL;
}

/* Of several findings ("a/b\012- c/d") the first; what is no type at all becomes the general
 * one. */
static void type_clean(char *type, size_t size)
{
    for (char *at = type; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
    type[strspn(type, "abcdefghijklmnopqrstuvwxyz0123456789/.+-_")] = '\0';
    if (strchr(type, '/') == NULL) apr_cpystrn(type, "application/octet-stream", size);
}

void type_of_file(const char *path, char *type, size_t size)
{
    char *head = malloc(HEAD_MOST);
    if (head == NULL) abort();
    const char *found = head_type(path, head);
    apr_cpystrn(type, found != NULL ? found : "", size);
    free(head);
    type_clean(type, size);
    const char *known = type_known(type);
    if (known != type) apr_cpystrn(type, known, size);
}

bool type_listed(const char *const *list, const char *type)
{
    for (; *list != NULL; list++) {
        size_t length = strlen(*list);
        bool all_of = length > 0 && (*list)[length - 1] == '*';
        if (all_of ? strncmp(*list, type, length - 1) == 0 : strcmp(*list, type) == 0) return true;
    }
    return false;
}

/* SVG is a document with scripts. */
bool type_is_shown(const char *type)
{
    if (has_prefix(type, "image/")) return strcmp(type, "image/svg+xml") != 0;
    return has_prefix(type, "audio/") || has_prefix(type, "video/");
}

const char *type_sent(const char *type)
{
    return strcmp(type, "text/plain") == 0 ? "text/plain; charset=utf-8" : type;
}

const char *type_kind(const char *type)
{
    static const char *const kinds[] = { "image", "audio", "video" };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (has_prefix(type, kinds[i]) && type[strlen(kinds[i])] == '/') return kinds[i];
    return "file";
}
