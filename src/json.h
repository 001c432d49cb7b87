/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from outside, as RFC 8259 has it; json-c's own parser is not strict enough.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#define JSON_DEPTH 16 /* the nesting that is accepted */

/* Any thread.  One JSON text and nothing else: valid UTF-8, no NUL (neither raw nor \u0000), at
 * most JSON_DEPTH deep, no number that a double or an int64 cannot hold (1e999), nor one of
 * hundreds of digits.  *value_r is a new reference (NULL for the text `null`).  False: malformed,
 * *value_r is NULL. */
bool json_parse(const char *text, size_t length, json_object **value_r);
/* Of a malformed text: which member has a value that the grammar allows, but not this server (a
 * number that nothing holds, NUL, half a surrogate pair).  False: it is wrong in another way. */
bool json_find_wrong(const char *text, size_t length, char *name, size_t size);
/* The compact text, without escaped slashes; lives as long as the value is not changed. */
const char *json_text(json_object *value, size_t *length_r);

#endif
