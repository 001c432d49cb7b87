/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line may have any bytes until it is parsed, NUL among them: so it is read byte by byte, which
 * stdio does from its buffer.
 */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "json.h"

#define FIRST_SIZE 4096
#define TELL_EACH  100000 /* lines */

static void count(lines_t *lines)
{
    lines->number++;
    if (lines->tells && lines->number % TELL_EACH == 0)
        fprintf(stderr, "salond: %" APR_INT64_T_FMT " lines ...\n", lines->number);
}

static void line_grow(lines_t *lines)
{
    lines->size = lines->size == 0 ? FIRST_SIZE : 2 * lines->size;
    lines->line = realloc(lines->line, lines->size);
    if (lines->line == NULL) abort();
}

/* False: no more, or *wrong_r says what is wrong. */
static bool line_read(lines_t *lines, const char **wrong_r)
{
    int c;
    count(lines);
    lines->length = 0;
    while ((c = getc_unlocked(lines->stream)) != EOF && c != '\n') {
        if (lines->length == LINES_MOST) {
            *wrong_r = lines_wrong(lines, "too long");
            return false;
        }
        if (lines->length == lines->size) line_grow(lines);
        lines->line[lines->length++] = (char)c;
    }
    if (!ferror(lines->stream)) return c == '\n' || lines->length > 0;
    *wrong_r = lines_wrong(lines, strerror(errno));
    return false;
}

json_object *lines_read(lines_t *lines, const char **wrong_r)
{
    json_object *json = NULL;
    if (!line_read(lines, wrong_r)) return NULL;
    if (lines->length > 0 && json_parse(lines->line, lines->length, &json) &&
        json_object_is_type(json, json_type_object))
        return json;
    json_object_put(json);
    *wrong_r = lines_wrong(lines, "not a JSON object");
    return NULL;
}

const char *lines_wrong(const lines_t *lines, const char *what)
{
    return apr_psprintf(lines->pool, "line %" APR_INT64_T_FMT ": %s", lines->number, what);
}

const char *lines_write(lines_t *lines, json_object *json)
{
    const char *wrong = NULL;
    size_t length;
    const char *text = json_text(json, &length);
    count(lines);
    if (length > LINES_MOST)
        wrong = lines_wrong(lines, "too long");
    else if (fwrite(text, 1, length, lines->stream) != length ||
             putc('\n', lines->stream) == EOF)
        wrong = apr_psprintf(lines->pool, "cannot write: %s", strerror(errno));
    json_object_put(json);
    return wrong;
}

void lines_end(lines_t *lines)
{
    free(lines->line);
    lines->line = NULL;
}
