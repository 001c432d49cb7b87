/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path patterns.  A pattern is kept as steps, each some literal text and then a capture.  Relies on
 * the path having been percent-decoded once, as libwebsockets does before anybody sees it (it also
 * resolves dot segments and doubled slashes, and turns '+' into a space); decoding it again here
 * would break names with a '%' in them.  That an encoded slash has become one cannot be told.
 */
#include "route.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "utf8.h"

/* One step of a pattern: literal text up to a capture or the end, then the capture's name. */
typedef struct step_t {
    const char *literal;
    size_t length;
    const char *name; /* NULL: the pattern ends with the literal */
} step_t;

struct route_t {
    int captures;
    int weight;
    step_t steps[ROUTE_CAPTURES + 1]; /* the last one has no name */
};

static bool has_name(const route_t *route, const char *name)
{
    for (int i = 0; i < route->captures; i++)
        if (strcmp(route->steps[i].name, name) == 0)
            return true;
    return false;
}

/* "{name}" is at a segment's start; its name, and *at after it.  NULL: that is no capture. */
static const char *compile_capture(apr_pool_t *pool, const char *start, const char **at)
{
    const char *open = *at, *end = open + 1;

    while (apr_isalnum(*end) || *end == '_')
        end++;
    if (open == start || open[-1] != '/' || *end != '}' || end == open + 1)
        return NULL;
    if (end[1] != '/' && end[1] != '\0')
        return NULL;
    *at = end + 1;
    return apr_pstrmemdup(pool, open + 1, (apr_size_t)(end - open - 1));
}

route_t *route_compile(apr_pool_t *pool, const char *pattern)
{
    route_t *route = apr_pcalloc(pool, sizeof *route);
    const char *at = pattern;

    if (*pattern != '/')
        return NULL;
    for (;;) {
        step_t *step = &route->steps[route->captures];
        const char *name;

        step->length = strcspn(at, "{}");
        step->literal = apr_pstrmemdup(pool, at, step->length);
        route->weight += (int)step->length;
        at += step->length;
        if (*at == '\0')
            return route;
        name = *at == '{' ? compile_capture(pool, pattern, &at) : NULL;
        if (!name || route->captures == ROUTE_CAPTURES || has_name(route, name))
            return NULL;
        step->name = name;
        route->captures++;
    }
}

int route_weight(const route_t *route)
{
    return route->weight;
}

/* One segment as a captured value; NULL when it must not be. */
static const char *capture_value(apr_pool_t *pool, const char *segment, size_t length)
{
    const char *value = apr_pstrmemdup(pool, segment, length);

    if (length == 0 || !utf8_valid(value, length))
        return NULL;
    return strcmp(value, ".") == 0 || strcmp(value, "..") == 0 ? NULL : value;
}

/* The pattern's end is behind this step's capture. */
static bool is_last(const step_t *step)
{
    return step[1].length == 0 && step[1].name == NULL;
}

static void capture_add(route_captures_t *captures, const char *name, const char *value)
{
    captures->names[captures->count] = name;
    captures->values[captures->count++] = value;
}

/* rest: the last capture may be anything. */
static bool match(const route_t *route, const char *path, bool rest, apr_pool_t *pool,
                  route_captures_t *captures_r)
{
    captures_r->count = 0;
    for (const step_t *step = route->steps;; step++) {
        if (strncmp(path, step->literal, step->length) != 0)
            return false;
        path += step->length;
        if (!step->name)
            return *path == '\0';
        bool all = rest && is_last(step);
        size_t length = all ? strlen(path) : strcspn(path, "/");
        const char *value = capture_value(pool, path, length);
        if (!value && !all)
            return false;
        capture_add(captures_r, step->name, value ? value : "");
        path += length;
    }
}

bool route_match(const route_t *route, const char *path, apr_pool_t *pool,
                 route_captures_t *captures_r)
{
    return match(route, path, false, pool, captures_r);
}

bool route_match_rest(const route_t *route, const char *path, apr_pool_t *pool,
                      route_captures_t *captures_r)
{
    return match(route, path, true, pool, captures_r);
}

const char *route_capture(const route_captures_t *captures, const char *name)
{
    for (int i = 0; i < captures->count; i++)
        if (strcmp(captures->names[i], name) == 0)
            return captures->values[i];
    return NULL;
}
