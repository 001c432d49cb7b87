/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A parser of our own, which makes json-c's values: json-c's takes single quotes, NaN, raw control
 * characters, bad UTF-8 and numbers past every bound, and cuts names at \u0000.  Each value is put
 * into what contains it as soon as it begins, so that whatever goes wrong, dropping the outermost
 * one drops all.  Of duplicate names in an object the last counts.  Relies on LC_NUMERIC being "C",
 * for strtod.
 */
#include "json.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* The longest number with an exponent, or with a fraction, that is looked at. */
#define NUMBER_MOST 320

/* What may come next. */
typedef enum want_t {
    WANT_VALUE,
    WANT_FIRST_VALUE, /* or the array's end */
    WANT_NAME,
    WANT_FIRST_NAME, /* or the object's end */
    WANT_MORE,       /* a comma, or the end of the array or object */
    WANT_END,
    DONE,
    BAD
} want_t;

typedef struct scan_t {
    const unsigned char *at, *end;
    const unsigned char *name, *name_end; /* the last one, without its quotes */
    bool unfit; /* the value at which it ended is written as it should, but cannot be taken */
    int depth;
    json_object *open[JSON_DEPTH + 1]; /* from 1 on: what we are in; 0: the outermost value */
    char *strings; /* the last name, with a NUL, and behind it the last string; both unescaped */
    size_t name_size, used;
} scan_t;

/* NUL at the end: the text itself holds none. */
static int peek(const scan_t *scan)
{
    return scan->at < scan->end ? *scan->at : '\0';
}

static bool accept(scan_t *scan, int c)
{
    if (peek(scan) != c)
        return false;
    scan->at++;
    return true;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static int hex_digit(int c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void skip_space(scan_t *scan)
{
    while (is_space(peek(scan)))
        scan->at++;
}

/* The four digits after \u; -1 if they are not. */
static int scan_unit(scan_t *scan)
{
    int unit = 0;

    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(peek(scan));

        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
        scan->at++;
    }
    return unit;
}

static bool fits(scan_t *scan, bool good)
{
    scan->unfit = !good;
    return good;
}

static void string_add(scan_t *scan, const void *bytes, size_t length)
{
    memcpy(scan->strings + scan->used, bytes, length);
    scan->used += length;
}

/* In UTF-8. */
static bool character_add(scan_t *scan, unsigned c)
{
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    int count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    unsigned char bytes[4];

    for (int i = count - 1; i > 0; i--, c >>= 6)
        bytes[i] = (unsigned char)(0x80 | (c & 0x3f));
    bytes[0] = (unsigned char)(lead[count] | c);
    string_add(scan, bytes, (size_t)count);
    return true;
}

/* After \u: a code point other than NUL, by a pair of surrogates if need be. */
static bool scan_unicode(scan_t *scan)
{
    int unit = scan_unit(scan), low;

    if (unit < 0)
        return false;
    if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return fits(scan, false);
    if (unit < 0xd800 || unit > 0xdbff)
        return character_add(scan, (unsigned)unit);
    if (!accept(scan, '\\') || !accept(scan, 'u'))
        return fits(scan, false);
    low = scan_unit(scan);
    if (!fits(scan, low >= 0xdc00 && low <= 0xdfff))
        return false;
    return character_add(scan, 0x10000u + ((unit & 0x3ffu) << 10) + (low & 0x3ffu));
}

/* After the backslash. */
static bool scan_escape(scan_t *scan)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(scan);
    const char *found = c != '\0' ? strchr(from, c) : NULL;

    if (accept(scan, 'u'))
        return scan_unicode(scan);
    if (found == NULL)
        return false;
    scan->at++;
    string_add(scan, to + (found - from), 1);
    return true;
}

/* Adds it to the strings. */
static bool scan_string(scan_t *scan)
{
    if (!accept(scan, '"'))
        return false;
    for (;;) {
        const unsigned char *from = scan->at;

        while (scan->at < scan->end && *scan->at >= 0x20 && *scan->at != '"' && *scan->at != '\\')
            scan->at++;
        string_add(scan, from, (size_t)(scan->at - from));
        if (accept(scan, '"'))
            return true;
        if (!accept(scan, '\\') || !scan_escape(scan))
            return false;
    }
}

/* ---- Values ---- */

static bool in_object(const scan_t *scan)
{
    return scan->depth > 0 && json_object_is_type(scan->open[scan->depth], json_type_object);
}

/* To where it belongs; takes it over. */
static bool value_add(scan_t *scan, json_object *value)
{
    if (scan->depth == 0)
        scan->open[0] = value;
    else if (in_object(scan))
        json_object_object_add(scan->open[scan->depth], scan->strings, value);
    else
        json_object_array_add(scan->open[scan->depth], value);
    return true;
}

static bool scan_text_value(scan_t *scan)
{
    size_t start = scan->used = scan->name_size;

    return scan_string(scan) &&
           value_add(scan, json_object_new_string_len(scan->strings + start,
                                                      (int)(scan->used - start)));
}

/* At least one. */
static bool scan_digits(scan_t *scan)
{
    const unsigned char *start = scan->at;

    while (is_digit(peek(scan)))
        scan->at++;
    return scan->at > start;
}

/* Digits without leading zeros. */
static bool integer_add(scan_t *scan, const unsigned char *digits, bool negative)
{
    uint64_t value = 0;

    if (!fits(scan, scan->at - digits <= 19))
        return false;
    while (digits < scan->at)
        value = value * 10 + (uint64_t)(*digits++ - '0');
    return fits(scan, value <= (uint64_t)INT64_MAX + negative) &&
           value_add(scan, json_object_new_int64((int64_t)(negative ? 0 - value : value)));
}

/* It keeps how it was written. */
static bool double_add(scan_t *scan, const unsigned char *start)
{
    char copy[NUMBER_MOST + 1];
    size_t length = (size_t)(scan->at - start);
    double value;

    if (!fits(scan, length <= NUMBER_MOST))
        return false;
    memcpy(copy, start, length);
    copy[length] = '\0';
    value = strtod(copy, NULL);
    return fits(scan, isfinite(value)) && value_add(scan, json_object_new_double_s(value, copy));
}

static bool scan_number(scan_t *scan)
{
    const unsigned char *start = scan->at, *digits, *end;
    bool negative = accept(scan, '-');

    digits = scan->at;
    if (!scan_digits(scan) || (*digits == '0' && scan->at - digits > 1))
        return false;
    end = scan->at;
    if (accept(scan, '.') && !scan_digits(scan))
        return false;
    if (accept(scan, 'e') || accept(scan, 'E')) {
        if (!accept(scan, '-'))
            accept(scan, '+');
        if (!scan_digits(scan))
            return false;
    }
    return scan->at == end ? integer_add(scan, digits, negative) : double_add(scan, start);
}

static bool scan_word(scan_t *scan, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return value_add(scan, *word == 'n' ? NULL : json_object_new_boolean(*word == 't'));
}

static want_t after_value(const scan_t *scan)
{
    return scan->depth > 0 ? WANT_MORE : WANT_END;
}

static want_t open_container(scan_t *scan, bool object)
{
    json_object *value;

    if (scan->depth == JSON_DEPTH)
        return BAD;
    scan->at++;
    value = object ? json_object_new_object() : json_object_new_array();
    value_add(scan, value);
    scan->open[++scan->depth] = value;
    return object ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
}

static bool close_container(scan_t *scan)
{
    if (!accept(scan, in_object(scan) ? '}' : ']'))
        return false;
    scan->depth--;
    return true;
}

static want_t scan_value(scan_t *scan)
{
    bool good;

    switch (peek(scan)) {
    case '{':
        return open_container(scan, true);
    case '[':
        return open_container(scan, false);
    case '"':
        good = scan_text_value(scan);
        break;
    case 't':
        good = scan_word(scan, "true");
        break;
    case 'f':
        good = scan_word(scan, "false");
        break;
    case 'n':
        good = scan_word(scan, "null");
        break;
    default:
        good = scan_number(scan);
    }
    return good ? after_value(scan) : BAD;
}

static want_t scan_name(scan_t *scan)
{
    scan->name = scan->at + 1;
    scan->used = 0;
    if (!scan_string(scan))
        return BAD;
    string_add(scan, "", 1);
    scan->name_size = scan->used;
    scan->name_end = scan->at - 1;
    skip_space(scan);
    return accept(scan, ':') ? WANT_VALUE : BAD;
}

static want_t scan_more(scan_t *scan)
{
    if (accept(scan, ','))
        return in_object(scan) ? WANT_NAME : WANT_VALUE;
    return close_container(scan) ? after_value(scan) : BAD;
}

static want_t scan_next(scan_t *scan, want_t want)
{
    switch (want) {
    case WANT_FIRST_VALUE:
        if (close_container(scan))
            return after_value(scan);
        return scan_value(scan);
    case WANT_VALUE:
        return scan_value(scan);
    case WANT_FIRST_NAME:
        if (close_container(scan))
            return after_value(scan);
        return scan_name(scan);
    case WANT_NAME:
        return scan_name(scan);
    case WANT_MORE:
        return scan_more(scan);
    default:
        return scan->at == scan->end ? DONE : BAD;
    }
}

/* DONE, or what was wanted where it went wrong.  What there is so far is open[0]. */
static want_t scan_text(scan_t *scan, const char *text, size_t length)
{
    want_t want = WANT_VALUE, next = WANT_VALUE;

    *scan = (scan_t){ .at = (const unsigned char *)text };
    if (length > INT32_MAX || !utf8_valid(text, length))
        return want;
    scan->end = scan->at + length;
    scan->strings = malloc(length + 1); /* what is unescaped is not longer */
    if (scan->strings == NULL)
        abort();
    while (next < DONE) {
        want = next;
        skip_space(scan);
        next = scan_next(scan, want);
    }
    free(scan->strings);
    return next == DONE ? DONE : want;
}

bool json_find_wrong(const char *text, size_t length, char *name, size_t size)
{
    scan_t scan;
    want_t want = scan_text(&scan, text, length);
    bool wrong = want == WANT_VALUE && scan.unfit && in_object(&scan);
    size_t name_length;

    json_object_put(scan.open[0]);
    if (!wrong)
        return false;
    name_length = (size_t)(scan.name_end - scan.name);
    if (name_length >= size || memchr(scan.name, '\\', name_length))
        return false;
    memcpy(name, scan.name, name_length);
    name[name_length] = '\0';
    return true;
}

bool json_parse(const char *text, size_t length, json_object **value_r)
{
    scan_t scan;
    bool complete = scan_text(&scan, text, length) == DONE;

    *value_r = complete ? scan.open[0] : NULL;
    if (!complete)
        json_object_put(scan.open[0]);
    return complete;
}

const char *json_text(json_object *value, size_t *length_r)
{
    return json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, length_r);
}
