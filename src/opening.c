/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in lws's HTTP_CONFIRM_UPGRADE, while the headers are there.  lws has already decoded the
 * path and the query.  Origin is compared whole: of two Origin headers lws makes one text, which
 * then matches nothing.
 */
#include "opening.h"

#include <string.h>
#include <strings.h>

#define HTTP_STATUS_UPGRADE_REQUIRED 426

const char *opening_header(struct lws *wsi, enum lws_token_indexes header, apr_pool_t *pool)
{
    int length = lws_hdr_total_length(wsi, header);
    if (length <= 0) return NULL;
    char *value = apr_palloc(pool, (apr_size_t)length + 1);
    if (lws_hdr_copy(wsi, value, length + 1, header) < 0) return NULL;
    return value;
}

const char *opening_read_bearer(struct lws *wsi, apr_pool_t *pool)
{
    const char *value = opening_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, pool);
    if (value == NULL || strncasecmp(value, "Bearer ", 7) != 0) return NULL;
    value += 7;
    while (*value == ' ') value++;
    return value;
}

int opening_read_queries(struct lws *wsi, apr_pool_t *pool, const char **parts, int most)
{
    int count = 0;
    while (count < most) {
        int length = lws_hdr_fragment_length(wsi, WSI_TOKEN_HTTP_URI_ARGS, count);
        if (length <= 0) break;
        char *part = apr_palloc(pool, (apr_size_t)length + 1);
        if (lws_hdr_copy_fragment(wsi, part, length + 1, WSI_TOKEN_HTTP_URI_ARGS, count) < 0) break;
        parts[count++] = part;
    }
    return count;
}

const char *opening_query_find(const char *const *parts, int count, const char *name)
{
    size_t length = strlen(name);
    for (int i = 0; i < count; i++)
        if (strncmp(parts[i], name, length) == 0 && parts[i][length] == '=')
            return parts[i] + length + 1;
    return NULL;
}

typedef bool match_t(const route_t *route, const char *path, apr_pool_t *pool,
                     route_captures_t *captures_r);

/* Of the listener's endpoints, the place of the one that matches with the most literal text; -1. */
static int endpoint_find(const config_listener_t *listener, const char *path, match_t *matches,
                         apr_pool_t *pool, route_captures_t *captures_r)
{
    int best = -1, best_weight = -1;
    for (int i = 0; i < listener->endpoint_count; i++) {
        const route_t *route = listener->endpoints[i].route;
        route_captures_t captures;
        if (route_weight(route) <= best_weight || !matches(route, path, pool, &captures)) continue;
        best = i;
        best_weight = route_weight(route);
        *captures_r = captures;
    }
    return best;
}

/* A name that is missing, or has a slash in it, is for the dialect to refuse: it says why, which a
 * handshake's status does not say to a page. */
static int endpoint_of(const config_listener_t *listener, const char *path, apr_pool_t *pool,
                       route_captures_t *captures_r)
{
    int endpoint = endpoint_find(listener, path, route_match, pool, captures_r);
    return endpoint >= 0 ? endpoint
                         : endpoint_find(listener, path, route_match_rest, pool, captures_r);
}

static bool origin_allowed(conn_t *conn, apr_pool_t *pool)
{
    return address_origin_allowed(opening_header(conn->wsi, WSI_TOKEN_ORIGIN, pool),
                                  opening_header(conn->wsi, WSI_TOKEN_HOST, pool),
                                  conn_config(conn)->origins);
}

/* lws takes any version for the one it speaks. */
static bool version_supported(conn_t *conn, apr_pool_t *pool)
{
    const char *version = opening_header(conn->wsi, WSI_TOKEN_VERSION, pool);
    return version != NULL && strcmp(version, "13") == 0;
}

static int opening_fill(conn_t *conn, struct salon_opening_t *opening)
{
    const char *path = opening_header(conn->wsi, WSI_TOKEN_GET_URI, opening->pool);
    if (path == NULL) return HTTP_STATUS_METHOD_NOT_ALLOWED;
    conn->endpoint = endpoint_of(conn_config(conn), path, opening->pool, &opening->captures);
    if (conn->endpoint < 0) return HTTP_STATUS_NOT_FOUND;
    if (!version_supported(conn, opening->pool)) return HTTP_STATUS_UPGRADE_REQUIRED;
    if (!origin_allowed(conn, opening->pool)) return HTTP_STATUS_FORBIDDEN;
    opening->query_count =
        opening_read_queries(conn->wsi, opening->pool, opening->queries, OPENING_QUERIES);
    opening->bearer = opening_read_bearer(conn->wsi, opening->pool);
    conn_identify(conn, opening->pool);
    conn->wire = wire_find(conn_config(conn)->endpoints[conn->endpoint].dialect);
    return handshake_read(conn, opening->pool, &opening->handshake);
}

int opening_check(conn_t *conn)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, conn->net->pool);
    struct salon_opening_t *opening = apr_pcalloc(pool, sizeof(*opening));
    opening->pool = pool;
    int status = opening_fill(conn, opening);
    opening_free(&conn->opening);
    if (status == 0) conn->opening = opening;
    else apr_pool_destroy(pool);
    return status;
}

void opening_free(struct salon_opening_t **opening)
{
    if (*opening != NULL) apr_pool_destroy((*opening)->pool);
    *opening = NULL;
}

const char *salon_opening_capture(const salon_opening_t *opening, const char *name)
{
    return route_capture(&opening->captures, name);
}

const char *salon_opening_query(const salon_opening_t *opening, const char *name)
{
    return opening_query_find(opening->queries, opening->query_count, name);
}

const char *salon_opening_bearer(const salon_opening_t *opening)
{
    return opening->bearer;
}
