/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload changes is put together anew in a pool of its own.  The file with the service's
 * token is read here and nowhere else; neither it nor anybody's token gets into the log.
 */
#include "upstream.h"

#include <stdatomic.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#define WHOSE_PATH   "/api/v1/auth/me"
#define POST_PATH    "/api/v1/chat/messages"
#define WHOSE_MOST   65536 /* bytes of an answer */
#define POST_MOST    4096
#define TOKEN_MOST   4096
#define URL_MOST     2000
#define MILLISECONDS 1000

const char *upstream_url;
const char *upstream_token_file;
apr_int64_t upstream_timeout;

typedef struct {
    apr_pool_t *pool;
    const char *whose, *post;  /* URLs; NULL: there is no upstream */
    const char *authorization; /* a header; NULL: none */
} upstream_t;

static upstream_t upstream;
static atomic_bool exists; /* for network threads */

bool upstream_exists(void)
{
    return exists;
}

bool upstream_token_ok(const char *token)
{
    size_t length = strlen(token);
    for (const char *at = token; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~') return false;
    return length > 0 && length <= TOKEN_MOST;
}

/* ---- Settings ---- */

static bool url_ok(const char *url)
{
    static const char *const schemes[] = { "http://", "https://" };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t length = strlen(schemes[i]);
        if (strncmp(url, schemes[i], length) != 0) continue;
        for (const char *at = url; *at != '\0'; at++)
            if (*at <= ' ' || *at > '~' || *at == '?' || *at == '#') return false;
        return url[length] != '\0' && url[length] != '/' && strlen(url) <= URL_MOST;
    }
    return false;
}

/* Without the white space at the end. */
static const char *file_read(apr_pool_t *pool, const char *path, const char **text_r)
{
    apr_file_t *file;
    char text[200], bytes[TOKEN_MOST + 2];
    apr_size_t length = sizeof(bytes) - 1;
    apr_status_t rv = apr_file_open(&file, path, APR_FOPEN_READ, 0, pool);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(file, bytes, length, &length);
        apr_file_close(file);
        if (rv == APR_EOF) rv = APR_SUCCESS;
    }
    if (rv != APR_SUCCESS)
        return apr_psprintf(pool, "upstream_token_file: %s: %s", path,
                            apr_strerror(rv, text, sizeof(text)));
    while (length > 0 && apr_isspace(bytes[length - 1])) length--;
    bytes[length] = '\0';
    *text_r = apr_pstrdup(pool, bytes);
    return upstream_token_ok(bytes) ? NULL : "upstream_token_file: holds no token";
}

static const char *upstream_make(upstream_t *made)
{
    const char *token, *error = NULL;
    if (upstream_url[0] == '\0') return NULL;
    if (!url_ok(upstream_url))
        return "upstream: is written like https://backend.example or http://127.0.0.1:8080";
    char *base = apr_pstrdup(made->pool, upstream_url);
    while (base[strlen(base) - 1] == '/') base[strlen(base) - 1] = '\0';
    made->whose = apr_pstrcat(made->pool, base, WHOSE_PATH, NULL);
    made->post = apr_pstrcat(made->pool, base, POST_PATH, NULL);
    if (upstream_token_file[0] == '\0') return NULL;
    error = file_read(made->pool, upstream_token_file, &token);
    if (error == NULL)
        made->authorization = apr_pstrcat(made->pool, "Authorization: Bearer ", token, NULL);
    return error;
}

const char *upstream_configure(void)
{
    static char wrong[URL_MOST];
    upstream_t made = { 0 };
    apr_pool_create(&made.pool, NULL);
    const char *error = upstream_make(&made);
    if (error != NULL) {
        apr_cpystrn(wrong, error, sizeof(wrong));
        apr_pool_destroy(made.pool);
        return wrong;
    }
    if (upstream.pool != NULL) apr_pool_destroy(upstream.pool);
    upstream = made;
    exists = made.post != NULL;
    return NULL;
}

/* ---- Requests ---- */

bool upstream_whose(const char *token, salon_fetched_fn_t *done, void *baton)
{
    char bearer[TOKEN_MOST + 32];
    const char *headers[] = { bearer, "Accept: application/json", NULL };
    if (upstream.whose == NULL) return false;
    apr_snprintf(bearer, sizeof(bearer), "Authorization: Bearer %s", token);
    salon_fetch_t fetch = { .method = "GET",
                            .url = upstream.whose,
                            .headers = headers,
                            .timeout = upstream_timeout * MILLISECONDS,
                            .most = WHOSE_MOST };
    return salon_fetch(&fetch, done, baton);
}

bool upstream_post(apr_int64_t id, const char *text, salon_fetched_fn_t *done, void *baton)
{
    char key[48];
    const char *headers[] = { "Content-Type: application/json", "Accept: application/json", key,
                              upstream.authorization, NULL };
    if (upstream.post == NULL) return false;
    apr_snprintf(key, sizeof(key), "Idempotency-Key: %" APR_INT64_T_FMT, id);
    salon_fetch_t fetch = { .method = "POST",
                            .url = upstream.post,
                            .headers = headers,
                            .body = text,
                            .length = strlen(text),
                            .timeout = upstream_timeout * MILLISECONDS,
                            .most = POST_MOST };
    return salon_fetch(&fetch, done, baton);
}
