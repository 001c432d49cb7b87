/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works in two passes over lines that are found again each time, so it needs no list of them.
 */
#include "graphql_block.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/param.h>

typedef struct line_t {
    const char *start;
    size_t length; /* without its end */
    size_t indent;
} line_t;

/* What is common to the lines, and which of them count. */
typedef struct block_t {
    size_t indent;
    int first, last; /* not blank; first > last: all are */
} block_t;

static bool is_blank(const line_t *line)
{
    return line->indent == line->length;
}

/* The line at *at, which is then after its end; false: there was no more. */
static bool next_line(const char **at, const char *end, line_t *line_r)
{
    if (*at > end) return false;
    const char *to = *at;
    while (to < end && *to != '\n' && *to != '\r') to++;
    *line_r = (line_t){ .start = *at, .length = (size_t)(to - *at) };
    while (line_r->indent < line_r->length && strchr(" \t", (*at)[line_r->indent]) != NULL)
        line_r->indent++;
    bool pair = end - to > 1 && to[0] == '\r' && to[1] == '\n';
    *at = to + (pair ? 2 : 1);
    return true;
}

static block_t measure(const char *raw, const char *end)
{
    block_t block = { .indent = SIZE_MAX, .first = INT_MAX, .last = -1 };
    line_t line;
    for (int i = 0; next_line(&raw, end, &line); i++) {
        if (is_blank(&line)) continue;
        if (i > 0) block.indent = MIN(block.indent, line.indent);
        block.first = MIN(block.first, i);
        block.last = i;
    }
    return block;
}

static char *put_line(char *to, const char *from, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (length - i >= 4 && memcmp(from + i, "\\\"\"\"", 4) == 0) continue;
        *to++ = from[i];
    }
    return to;
}

const char *graphql_block(apr_pool_t *pool, const char *raw, size_t length)
{
    const char *end = raw + length;
    block_t block = measure(raw, end);
    char *value = apr_palloc(pool, length + 1), *to = value;
    line_t line;
    for (int i = 0; next_line(&raw, end, &line) && i <= block.last; i++) {
        if (i < block.first) continue;
        if (i > block.first) *to++ = '\n';
        size_t skip = i == 0 ? 0 : MIN(block.indent, line.length);
        to = put_line(to, line.start + skip, line.length - skip);
    }
    *to = '\0';
    return value;
}
