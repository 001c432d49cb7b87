/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from outside: a strict scanner of our own in front of json-c, which takes single quotes,
 * NaN, raw control characters, bad UTF-8 and numbers past every bound, and cuts keys at \u0000.
 * What the scanner lets through, json-c parses, and writes out again as the same value.  Of
 * duplicate names in an object the last counts.  Relies on LC_NUMERIC being "C", for strtod.
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
    uint32_t objects; /* bit n: at depth n we are in an object, not an array */
} scan_t;

_Static_assert(JSON_DEPTH < 32, "a bit for each depth");

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

/* After \u: a code point other than NUL, by a pair of surrogates if need be. */
static bool scan_unicode(scan_t *scan)
{
    int unit = scan_unit(scan);

    if (unit < 0)
        return false;
    if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
        return fits(scan, false);
    if (unit < 0xd800 || unit > 0xdbff)
        return true;
    if (!accept(scan, '\\') || !accept(scan, 'u'))
        return fits(scan, false);
    unit = scan_unit(scan);
    return fits(scan, unit >= 0xdc00 && unit <= 0xdfff);
}

/* After the backslash. */
static bool scan_escape(scan_t *scan)
{
    switch (peek(scan)) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        scan->at++;
        return true;
    case 'u':
        scan->at++;
        return scan_unicode(scan);
    default:
        return false;
    }
}

static bool scan_string(scan_t *scan)
{
    if (!accept(scan, '"'))
        return false;
    for (;;) {
        while (scan->at < scan->end && *scan->at >= 0x20 && *scan->at != '"' && *scan->at != '\\')
            scan->at++;
        if (accept(scan, '"'))
            return true;
        if (!accept(scan, '\\') || !scan_escape(scan))
            return false;
    }
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
static bool fits_int64(const unsigned char *digits, const unsigned char *end, bool negative)
{
    uint64_t value = 0;

    if (end - digits > 19)
        return false;
    while (digits < end)
        value = value * 10 + (uint64_t)(*digits++ - '0');
    return value <= (uint64_t)INT64_MAX + negative;
}

static bool fits_double(const unsigned char *start, const unsigned char *end)
{
    char copy[NUMBER_MOST + 1];
    size_t length = (size_t)(end - start);

    if (length > NUMBER_MOST)
        return false;
    memcpy(copy, start, length);
    copy[length] = '\0';
    return isfinite(strtod(copy, NULL));
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
    if (scan->at == end)
        return fits(scan, fits_int64(digits, end, negative));
    return fits(scan, fits_double(start, scan->at));
}

static bool scan_word(scan_t *scan, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return false;
    scan->at += length;
    return true;
}

static want_t after_value(const scan_t *scan)
{
    return scan->depth > 0 ? WANT_MORE : WANT_END;
}

static want_t open_container(scan_t *scan, bool object)
{
    if (scan->depth == JSON_DEPTH)
        return BAD;
    scan->at++;
    scan->depth++;
    scan->objects = (scan->objects & ~(1u << scan->depth)) | (uint32_t)object << scan->depth;
    return object ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
}

static bool in_object(const scan_t *scan)
{
    return scan->objects >> scan->depth & 1;
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
        good = scan_string(scan);
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
    if (!scan_string(scan))
        return BAD;
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

/* DONE, or what was wanted where it went wrong. */
static want_t scan_text(scan_t *scan, const char *text, size_t length)
{
    want_t want = WANT_VALUE, next = WANT_VALUE;

    *scan = (scan_t){ .at = (const unsigned char *)text };
    if (!utf8_valid(text, length))
        return want;
    scan->end = scan->at + length;
    while (next < DONE) {
        want = next;
        skip_space(scan);
        next = scan_next(scan, want);
    }
    return next == DONE ? DONE : want;
}

bool json_scan(const char *text, size_t length)
{
    scan_t scan;

    return scan_text(&scan, text, length) == DONE;
}

bool json_find_wrong(const char *text, size_t length, char *name, size_t size)
{
    scan_t scan;
    want_t want = scan_text(&scan, text, length);
    size_t name_length;

    if (want != WANT_VALUE || !scan.unfit || !in_object(&scan))
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
    json_tokener *tokener;
    bool complete;

    *value_r = NULL;
    if (length > INT32_MAX || !json_scan(text, length))
        return false;
    while (is_space((unsigned char)text[length - 1]))
        length--;
    /* json-c counts a scalar inside the innermost container as one level more. */
    tokener = json_tokener_new_ex(JSON_DEPTH + 2);
    if (!tokener)
        abort(); /* out of memory */
    *value_r = json_tokener_parse_ex(tokener, text, (int)length);
    complete = json_tokener_get_parse_end(tokener) == length;
    /* A number at the very end might go on, for all json-c knows; a NUL says that it does not. */
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        *value_r = json_tokener_parse_ex(tokener, "", 1);
    complete = complete && json_tokener_get_error(tokener) == json_tokener_success;
    json_tokener_free(tokener);
    if (!complete) {
        json_object_put(*value_r);
        *value_r = NULL;
    }
    return complete;
}

const char *json_text(json_object *value, size_t *length_r)
{
    return json_object_to_json_string_length(
        value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, length_r);
}
