/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What requests are about to do: texts, counted, in one hash table.  A request's own are a list in
 * its pool, which takes them back when the request ends, however it does.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "request.h"
#include "server.h"

#define KEY_MOST 2048 /* bytes: names that clients choose are shorter */

typedef struct intent_t {
    int requests;
    char key[]; /* "kind text" */
} intent_t;

struct intention_t {
    intent_t *intent;
    struct intention_t *next; /* of the same request */
};

static apr_hash_t *intents;

__attribute__((format(printf, 3, 0))) static void key_write(char key[KEY_MOST], const char *kind,
                                                            const char *format, va_list args)
{
    int length = apr_snprintf(key, KEY_MOST, "%s ", kind);
    apr_vsnprintf(key + length, (apr_size_t)(KEY_MOST - length), format, args);
}

static intent_t *intent_find(const char *key)
{
    return intents != NULL ? apr_hash_get(intents, key, APR_HASH_KEY_STRING) : NULL;
}

static intent_t *intent_of(const char *key)
{
    intent_t *intent = intent_find(key);
    if (intent != NULL) return intent;
    size_t size = strlen(key) + 1;
    intent = malloc(sizeof(*intent) + size);
    if (intent == NULL) abort();
    intent->requests = 0;
    memcpy(intent->key, key, size);
    if (intents == NULL) intents = apr_hash_make(server.pool);
    apr_hash_set(intents, intent->key, APR_HASH_KEY_STRING, intent);
    return intent;
}

static void intent_leave(intent_t *intent)
{
    if (--intent->requests > 0) return;
    apr_hash_set(intents, intent->key, APR_HASH_KEY_STRING, NULL);
    free(intent);
}

void salon_intend_no_more(salon_req_t *req)
{
    for (; req->intentions != NULL; req->intentions = req->intentions->next)
        intent_leave(req->intentions->intent);
}

static apr_status_t request_ends(void *req)
{
    salon_intend_no_more(req);
    return APR_SUCCESS;
}

void salon_intend(salon_req_t *req, const char *kind, const char *format, ...)
{
    va_list args;
    char key[KEY_MOST];
    va_start(args, format);
    key_write(key, kind, format, args);
    va_end(args);
    intention_t *intention = apr_palloc(req->pool, sizeof(*intention));
    *intention = (intention_t){ .intent = intent_of(key), .next = req->intentions };
    intention->intent->requests++;
    if (req->intentions == NULL)
        apr_pool_cleanup_register(req->pool, req, request_ends, apr_pool_cleanup_null);
    req->intentions = intention;
}

bool salon_intended(const char *kind, const char *format, ...)
{
    va_list args;
    char key[KEY_MOST];
    if (intents == NULL || apr_hash_count(intents) == 0) return false;
    va_start(args, format);
    key_write(key, kind, format, args);
    va_end(args);
    return intent_find(key) != NULL;
}
