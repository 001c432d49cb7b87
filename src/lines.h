/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines: one object a line, UTF-8, from a stream or to one.  One line is in memory at a time,
 * and none is longer than LINES_MOST.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stdio.h>

#include <apr_pools.h>
#include <json-c/json.h>

#define LINES_MOST (64 << 20) /* bytes */

typedef struct lines_t {
    FILE *stream;
    apr_pool_t *pool;   /* of what is wrong */
    apr_int64_t number; /* of the line that was read or written last, from 1 */
    size_t length;      /* of the line that was read last */
    char *line;
    size_t size;
    bool tells; /* on standard error, now and then, how far it is */
} lines_t;

/* The next object, a new reference; NULL: no more, or *wrong_r says what is wrong. */
json_object *lines_read(lines_t *lines, const char **wrong_r);
/* Takes the object over.  NULL: written; otherwise what is wrong. */
const char *lines_write(lines_t *lines, json_object *json);
/* What is wrong with the line that was read last. */
const char *lines_wrong(const lines_t *lines, const char *what);
/* Frees its memory. */
void lines_end(lines_t *lines);

#endif
