/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that is being written: JSON on its way to a client, without a tree in between.  What is
 * short needs no memory of its own.  Any thread, one at a time.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

#include <apr.h>
#include <json-c/json.h>

#define TEXT_FIRST  1024 /* bytes before memory is taken */
#define TEXT_NUMBER 20   /* bytes of the longest number */

typedef struct {
    char *bytes; /* without a NUL at the end */
    size_t length, size;
    char first[TEXT_FIRST]; /* so it must not be copied */
} text_t;

void text_begin(text_t *text);
void text_end(text_t *text);

void text_add(text_t *text, const char *bytes, size_t length);
void text_add_plain(text_t *text, const char *plain);
/* As JSON: a number; in quotes, escaped as far as JSON asks for it; any value (NULL: null), in
 * json-c's words without spaces and escaped slashes. */
void text_add_number(text_t *text, apr_int64_t value);
void text_add_string(text_t *text, const char *bytes, size_t length);
void text_add_json(text_t *text, json_object *value);
/* A member's name, in which nothing needs an escape, and the colon. */
void text_add_name(text_t *text, const char *name);

/* Writes a number, without a NUL; returns what is behind it. */
char *number_write(char *at, apr_int64_t value);

#endif
