/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the same bytes as json-c does, which goes through a function and a bounds check for each
 * of a value's pieces, and keeps the text with the value.  What is rare is left to it.
 */
#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)

void text_begin(text_t *text)
{
    text->bytes = text->first;
    text->length = 0;
    text->size = sizeof(text->first);
}

void text_end(text_t *text)
{
    if (text->bytes != text->first) free(text->bytes);
    text->bytes = NULL;
}

static void text_grow(text_t *text, size_t more)
{
    while (text->size - text->length < more) text->size *= 2;
    char *bytes = realloc(text->bytes != text->first ? text->bytes : NULL, text->size);
    if (bytes == NULL) abort();
    if (text->bytes == text->first) memcpy(bytes, text->first, text->length);
    text->bytes = bytes;
}

/* Space for so many more bytes. */
static char *text_reserve(text_t *text, size_t more)
{
    if (text->size - text->length < more) text_grow(text, more);
    return text->bytes + text->length;
}

void text_add(text_t *text, const char *bytes, size_t length)
{
    memcpy(text_reserve(text, length), bytes, length);
    text->length += length;
}

void text_add_plain(text_t *text, const char *plain)
{
    text_add(text, plain, strlen(plain));
}

static void add_byte(text_t *text, char byte)
{
    *text_reserve(text, 1) = byte;
    text->length++;
}

char *number_write(char *at, apr_int64_t value)
{
    apr_uint64_t rest = value < 0 ? 0 - (apr_uint64_t)value : (apr_uint64_t)value;
    char digits[TEXT_NUMBER], *first = digits + sizeof(digits);
    do {
        *--first = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (value < 0) *--first = '-';
    size_t length = (size_t)(digits + sizeof(digits) - first);
    memcpy(at, first, length);
    return at + length;
}

void text_add_number(text_t *text, apr_int64_t value)
{
    char *end = number_write(text_reserve(text, TEXT_NUMBER), value);
    text->length = (size_t)(end - text->bytes);
}

/* What stands behind the backslash; 0: the character has no short form. */
static char escape_of(unsigned char c)
{
    static const char escapes[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
        ['"'] = '"',  ['\\'] = '\\',
    };
    return c < sizeof(escapes) ? escapes[c] : 0;
}

static void add_escaped(text_t *text, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    char short_form[] = { '\\', escape_of(c) };
    char long_form[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 0x0f] };
    if (short_form[1] != 0) text_add(text, short_form, sizeof(short_form));
    else text_add(text, long_form, sizeof(long_form));
}

/* Is one of the bytes below `limit`?  Right for limits up to 128. */
static bool has_below(uint64_t word, uint64_t limit)
{
    return (word - EACH_BYTE * limit) & ~word & EACH_BYTE << 7;
}

/* How many bytes need no escape; what is long is looked at eight bytes at a time. */
static size_t plain_length(const char *bytes, size_t length)
{
    size_t plain = 0;
    for (uint64_t word; length - plain >= sizeof(word); plain += sizeof(word)) {
        memcpy(&word, bytes + plain, sizeof(word));
        if (has_below(word, 0x20) || has_below(word ^ EACH_BYTE * '"', 1) ||
            has_below(word ^ EACH_BYTE * '\\', 1))
            break;
    }
    while (plain < length && (unsigned char)bytes[plain] >= 0x20 && bytes[plain] != '"' &&
           bytes[plain] != '\\')
        plain++;
    return plain;
}

void text_add_string(text_t *text, const char *bytes, size_t length)
{
    add_byte(text, '"');
    for (;;) {
        size_t plain = plain_length(bytes, length);
        text_add(text, bytes, plain);
        if (plain == length) break;
        add_escaped(text, (unsigned char)bytes[plain]);
        bytes += plain + 1;
        length -= plain + 1;
    }
    add_byte(text, '"');
}

void text_add_name(text_t *text, const char *name)
{
    size_t length = strlen(name);
    char *at = text_reserve(text, length + 3);
    at[0] = '"';
    memcpy(at + 1, name, length);
    memcpy(at + 1 + length, "\":", 2);
    text->length += length + 3;
}

static void add_object(text_t *text, json_object *object)
{
    char before = '{';
    json_object_object_foreach(object, name, value)
    {
        add_byte(text, before);
        text_add_string(text, name, strlen(name));
        add_byte(text, ':');
        text_add_json(text, value);
        before = ',';
    }
    text_add_plain(text, before == '{' ? "{}" : "}");
}

static void add_array(text_t *text, json_object *array)
{
    size_t count = json_object_array_length(array);
    add_byte(text, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) add_byte(text, ',');
        text_add_json(text, json_object_array_get_idx(array, i));
    }
    add_byte(text, ']');
}

/* Doubles, which keep the text that they were read from, and integers that are larger. */
static void add_rare(text_t *text, json_object *value)
{
    size_t length;
    const char *written = json_text(value, &length);
    text_add(text, written, length);
}

static void add_integer(text_t *text, json_object *value)
{
    apr_int64_t number = json_object_get_int64(value);
    if (number < INT64_MAX) text_add_number(text, number);
    else add_rare(text, value);
}

void text_add_json(text_t *text, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null: text_add_plain(text, "null"); break;
    case json_type_boolean:
        text_add_plain(text, json_object_get_boolean(value) ? "true" : "false");
        break;
    case json_type_int: add_integer(text, value); break;
    case json_type_string:
        text_add_string(text, json_object_get_string(value),
                        (size_t)json_object_get_string_len(value));
        break;
    case json_type_array: add_array(text, value); break;
    case json_type_object: add_object(text, value); break;
    default: add_rare(text, value); break;
    }
}
