/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything in these headers comes from outside; numbers may be of any length.
 */
#include "range.h"

#include <string.h>
#include <strings.h>
#include <sys/param.h>

#include <apr_lib.h>

/* Decimal digits at *at, which moves behind them; what is too large counts as the largest.  -1:
 * there are none. */
static apr_int64_t number_read(const char **at)
{
    apr_int64_t value = -1;
    for (; apr_isdigit(**at); (*at)++) {
        int digit = **at - '0';
        if (value < 0) value = 0;
        value = value > (APR_INT64_MAX - digit) / 10 ? APR_INT64_MAX : value * 10 + digit;
    }
    return value;
}

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t') at++;
    return at;
}

static range_t part(apr_int64_t from, apr_int64_t to, apr_int64_t size)
{
    if (from >= size) return (range_t){ RANGE_NONE, 0, 0 };
    return (range_t){ RANGE_PART, from, MIN(to, size - 1) - from + 1 };
}

/* "-500": the last ones. */
static range_t suffix(apr_int64_t length, apr_int64_t size)
{
    if (length == 0 || size == 0) return (range_t){ RANGE_NONE, 0, 0 };
    length = MIN(length, size);
    return (range_t){ RANGE_PART, size - length, length };
}

static range_t range_parse(const char *text, apr_int64_t size)
{
    const range_t all = { RANGE_ALL, 0, size };
    if (strncasecmp(text, "bytes=", 6) != 0) return all;
    const char *at = skip_space(text + 6);
    apr_int64_t first = number_read(&at);
    if (*at++ != '-') return all;
    apr_int64_t last = number_read(&at);
    if (*skip_space(at) != '\0' || (first < 0 && last < 0)) return all;
    if (first < 0) return suffix(last, size);
    if (last >= 0 && last < first) return all;
    return part(first, last < 0 ? APR_INT64_MAX : last, size);
}

/* The next entity tag of a list, without what says that it is weak; *at behind it.  NULL: none. */
static const char *etag_next(const char **at, size_t *length_r)
{
    const char *start = *at + strspn(*at, " \t,");
    if (strncmp(start, "W/", 2) == 0) start += 2;
    const char *end = *start == '"' ? strchr(start + 1, '"') : NULL;
    if (end == NULL) return NULL;
    *length_r = (size_t)(end - start) + 1;
    *at = end + 1;
    return start;
}

static bool etag_listed(const char *list, const char *etag)
{
    size_t length;
    const char *found;
    if (strcmp(skip_space(list), "*") == 0) return true;
    while ((found = etag_next(&list, &length)) != NULL)
        if (length == strlen(etag) && strncmp(found, etag, length) == 0) return true;
    return false;
}

range_t range_find(const range_request_t *request, const char *etag, apr_int64_t size)
{
    if (request->if_none_match != NULL && etag_listed(request->if_none_match, etag))
        return (range_t){ RANGE_KNOWN, 0, 0 };
    bool whole = request->range == NULL ||
                 (request->if_range != NULL && strcmp(request->if_range, etag) != 0);
    return whole ? (range_t){ RANGE_ALL, 0, size } : range_parse(request->range, size);
}
