/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Browsers escape a quote in the names of form-data as %22 and line ends as %0D and %0A, and leave
 * backslashes alone (they once sent whole paths); other clients write \" for a quote.  Both are
 * understood.  A name that is not UTF-8 is none.
 */
#include "disposition.h"

#include <string.h>
#include <strings.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "utf8.h"

#define NAME_MOST 255 /* bytes */

static bool is_token(char c)
{
    return apr_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t') at++;
    return at;
}

bool disposition_is(const char *value, const char *word)
{
    size_t length = strlen(word);
    if (strncasecmp(value, word, length) != 0) return false;
    const char *end = skip_space(value + length);
    return *end == ';' || *end == '\0';
}

/* ---- Parameters ---- */

/* From behind the opening quote; *at_r behind the closing one.  NULL: there is none. */
static const char *quoted_read(apr_pool_t *pool, const char *at, const char **at_r)
{
    char *text = apr_palloc(pool, strlen(at) + 1), *to = text;
    for (; *at != '"'; at++) {
        if (*at == '\0') return NULL;
        if (at[0] == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
        *to++ = *at;
    }
    *to = '\0';
    *at_r = at + 1;
    return text;
}

static const char *value_read(apr_pool_t *pool, const char *at, const char **at_r)
{
    if (*at == '"') return quoted_read(pool, at + 1, at_r);
    const char *end = at;
    while (*end != '\0' && strchr("; \t\"", *end) == NULL) end++;
    *at_r = end;
    return apr_pstrmemdup(pool, at, (apr_size_t)(end - at));
}

/* One "; name=value"; NULL: there is no further one. */
static const char *parameter_read(apr_pool_t *pool, const char **at, const char **value_r)
{
    const char *start = skip_space(*at);
    if (*start != ';') return NULL;
    while (*start == ';') start = skip_space(start + 1);
    const char *end = start;
    while (is_token(*end)) end++;
    const char *equals = skip_space(end);
    if (end == start || *equals != '=') return NULL;
    *value_r = value_read(pool, skip_space(equals + 1), at);
    return *value_r != NULL ? apr_pstrmemdup(pool, start, (apr_size_t)(end - start)) : NULL;
}

const char *disposition_parameter(apr_pool_t *pool, const char *value, const char *name)
{
    const char *at = value + strcspn(value, ";"), *found, *text;
    while ((found = parameter_read(pool, &at, &text)) != NULL)
        if (strcasecmp(found, name) == 0) return text;
    return NULL;
}

/* ---- Names ---- */

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c != '\0' ? strchr(digits, apr_tolower(c)) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Undoes %XX, of all characters or of `only` these.  NULL: a NUL is among them. */
static const char *percent_decode(apr_pool_t *pool, const char *text, const char *only)
{
    char *result = apr_pstrdup(pool, text), *to = result;
    for (const char *at = text; *at != '\0'; at++) {
        int high = at[0] == '%' ? hex_digit(at[1]) : -1;
        int low = high >= 0 ? hex_digit(at[2]) : -1;
        char c = (char)(high * 16 + low);
        if (low < 0 || (only != NULL && (c == '\0' || strchr(only, c) == NULL))) {
            *to++ = *at;
            continue;
        }
        if (c == '\0') return NULL;
        *to++ = c;
        at += 2;
    }
    *to = '\0';
    return result;
}

/* "UTF-8'en'na%C3%AFve"; NULL: in another character set, or malformed. */
static const char *extended_decode(apr_pool_t *pool, const char *value)
{
    if (strncasecmp(value, "UTF-8'", 6) != 0) return NULL;
    const char *quote = strchr(value + 6, '\'');
    return quote != NULL ? percent_decode(pool, quote + 1, NULL) : NULL;
}

static const char *last_part(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (*at == '/' || *at == '\\') name = at + 1;
    return name;
}

/* How many bytes of the text are a character that is left out: controls, also of C1, and those that
 * embed or override a direction (U+200E, 200F, 202A to 202E, 2066 to 2069) or end a line (2028,
 * 2029).  0: none. */
static int unwanted(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x20 || b[0] == 0x7f) return 1;
    if (b[0] == 0xc2 && b[1] < 0xa0) return 2;
    if (b[0] != 0xe2 || (b[1] != 0x80 && b[1] != 0x81)) return 0;
    if (b[1] == 0x81) return b[2] >= 0xa6 && b[2] <= 0xa9 ? 3 : 0;
    return b[2] == 0x8e || b[2] == 0x8f || (b[2] >= 0xa8 && b[2] <= 0xae) ? 3 : 0;
}

const char *disposition_clean(apr_pool_t *pool, const char *name)
{
    if (!utf8_valid(name, strlen(name))) return "";
    name = last_part(name);
    char *result = apr_palloc(pool, strlen(name) + 1), *to = result;
    while (*name != '\0') {
        int skip = unwanted(name);
        if (skip == 0) *to++ = *name++;
        else name += skip;
    }
    if (to - result > NAME_MOST) { /* not in the middle of a character */
        to = result + NAME_MOST;
        while (((unsigned char)*to & 0xc0) == 0x80) to--;
    }
    *to = '\0';
    while (to > result && to[-1] == ' ') *--to = '\0';
    result += strspn(result, " ");
    return strcmp(result, ".") == 0 || strcmp(result, "..") == 0 ? "" : result;
}

const char *disposition_file_name(apr_pool_t *pool, const char *value)
{
    const char *extended = disposition_parameter(pool, value, "filename*");
    if (extended != NULL) extended = extended_decode(pool, extended);
    if (extended != NULL && utf8_valid(extended, strlen(extended)))
        return disposition_clean(pool, extended);
    const char *plain = disposition_parameter(pool, value, "filename");
    if (plain == NULL) return "";
    return disposition_clean(pool, percent_decode(pool, plain, "\"\r\n"));
}

/* ---- Making one ---- */

/* For those who do not know "filename*"; a '%' some of them would decode. */
static const char *ascii_name(apr_pool_t *pool, const char *name)
{
    char *result = apr_palloc(pool, strlen(name) + 1), *to = result;
    for (; *name != '\0'; name++) {
        if (((unsigned char)*name & 0xc0) == 0x80) continue; /* one '_' for a character */
        bool plain = (unsigned char)*name < 0x80 && strchr("\"\\%", *name) == NULL;
        *to++ = plain ? *name : '_';
    }
    *to = '\0';
    return result;
}

static const char *extended_name(apr_pool_t *pool, const char *name)
{
    char *result = apr_palloc(pool, strlen(name) * 3 + 1), *to = result;
    for (; *name != '\0'; name++) {
        if (is_token(*name) && strchr("*'%", *name) == NULL) *to++ = *name;
        else to += apr_snprintf(to, 4, "%%%02X", (unsigned char)*name);
    }
    *to = '\0';
    return result;
}

const char *disposition_make(apr_pool_t *pool, bool shown_inline, const char *name)
{
    const char *type = shown_inline ? "inline" : "attachment";
    if (name[0] == '\0') return type;
    return apr_psprintf(pool, "%s; filename=\"%s\"; filename*=UTF-8''%s", type,
                        ascii_name(pool, name), extended_name(pool, name));
}
