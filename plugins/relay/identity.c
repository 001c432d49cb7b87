/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache is bounded, oldest first; tokens themselves are not kept.
 */
#include "identity.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <openssl/evp.h>

#include "backoff.h"
#include "upstream.h"
#include "whose.h"

#define KNOWN_MOST 10000
#define AWAY_MOST  15000            /* milliseconds for which an upstream counts as away */
#define HASH       32
#define NAME       257               /* bytes; a longer one is no name */

apr_int64_t identity_cache;

typedef struct known_t {
    unsigned char hash[HASH];
    salon_identity_t identity;
    char name[NAME];
    apr_int64_t until;
    TAILQ_ENTRY(known_t) link;
} known_t;

typedef struct {
    unsigned char hash[HASH];
    apr_pool_t *pool;
    apr_array_header_t *waiters; /* waiter_t */
} question_t;

typedef struct {
    identity_done_t *done;
    void *baton;
} waiter_t;

static struct {
    apr_hash_t *known, *questions; /* by the token's hash */
    TAILQ_HEAD(known_list_t, known_t) oldest;
    backoff_t away;
} all;

static void token_hash(const char *token, unsigned char hash_r[HASH])
{
    if (EVP_Digest(token, strlen(token), hash_r, NULL, EVP_sha256(), NULL) != 1) abort();
}

/* ---- What is known ---- */

static void known_remove(known_t *known)
{
    apr_hash_set(all.known, known->hash, HASH, NULL);
    TAILQ_REMOVE(&all.oldest, known, link);
    free(known);
}

void identity_forget(void)
{
    known_t *known;
    while ((known = TAILQ_FIRST(&all.oldest)) != NULL) known_remove(known);
    backoff_reset(&all.away);
}

void identity_init(apr_pool_t *pool)
{
    all.known = apr_hash_make(pool);
    all.questions = apr_hash_make(pool);
    TAILQ_INIT(&all.oldest);
}

static void known_forget(const unsigned char hash[HASH])
{
    known_t *known = apr_hash_get(all.known, hash, HASH);
    if (known != NULL) known_remove(known);
}

static void known_add(const unsigned char hash[HASH], const salon_identity_t *identity)
{
    known_forget(hash);
    if (identity_cache == 0) return;
    if (apr_hash_count(all.known) >= KNOWN_MOST) known_remove(TAILQ_FIRST(&all.oldest));
    known_t *known = calloc(1, sizeof(*known));
    if (known == NULL) abort();
    memcpy(known->hash, hash, HASH);
    known->identity = *identity;
    known->until = salon_now() + identity_cache * 1000;
    if (identity->name != NULL) {
        apr_cpystrn(known->name, identity->name, NAME);
        known->identity.name = known->name;
    }
    apr_hash_set(all.known, known->hash, HASH, known);
    TAILQ_INSERT_TAIL(&all.oldest, known, link);
}

const salon_identity_t *identity_known(const char *token, apr_int64_t *until_r)
{
    unsigned char hash[HASH];
    token_hash(token, hash);
    const known_t *known = apr_hash_get(all.known, hash, HASH);
    if (known == NULL || salon_now() >= known->until) return NULL;
    *until_r = known->until;
    return &known->identity;
}

bool identity_is_away(void)
{
    return !backoff_over(&all.away, salon_now());
}

bool identity_in_doubt(void)
{
    return all.away.failures > 0;
}

void identity_overdue(void)
{
    if (!identity_is_away()) backoff_failed(&all.away, salon_now(), 0, AWAY_MOST);
}

/* ---- Questions ---- */

static void away_note(identity_status_t status, const salon_fetched_t *answer)
{
    bool was_away = all.away.failures > 0;
    if (status != IDENTITY_UNKNOWN) {
        backoff_reset(&all.away);
        if (was_away) salon_log(SALON_LOG_NOTICE, "relay", "the upstream checks tokens again");
        return;
    }
    backoff_failed(&all.away, salon_now(), 0, AWAY_MOST);
    if (!was_away)
        salon_log(SALON_LOG_WARNING, "relay",
                  "the upstream does not say whose a token is (status %d%s%s); who signs in now is"
                  " asked to come again",
                  answer->status, answer->error != NULL ? ", " : "",
                  answer->error != NULL ? answer->error : "");
}

static void answered(void *baton, const salon_fetched_t *answer)
{
    question_t *question = baton;
    json_object *json = NULL;
    salon_identity_t identity;
    identity_status_t status = whose_read(answer, &json, &identity);
    apr_hash_set(all.questions, question->hash, HASH, NULL);
    away_note(status, answer);
    if (status == IDENTITY_REFUSED) known_forget(question->hash);
    if (status == IDENTITY_GIVEN) known_add(question->hash, &identity);
    for (int i = 0; i < question->waiters->nelts; i++) {
        const waiter_t *waiter = &APR_ARRAY_IDX(question->waiters, i, waiter_t);
        waiter->done(waiter->baton, status, status == IDENTITY_GIVEN ? &identity : NULL);
    }
    json_object_put(json);
    apr_pool_destroy(question->pool);
}

static question_t *question_begin(const unsigned char hash[HASH], const char *token)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    question_t *question = apr_pcalloc(pool, sizeof(*question));
    question->pool = pool;
    question->waiters = apr_array_make(pool, 1, sizeof(waiter_t));
    memcpy(question->hash, hash, HASH);
    if (!upstream_whose(token, answered, question)) {
        apr_pool_destroy(pool);
        return NULL;
    }
    apr_hash_set(all.questions, question->hash, HASH, question);
    return question;
}

bool identity_ask(const char *token, identity_done_t *done, void *baton)
{
    unsigned char hash[HASH];
    token_hash(token, hash);
    question_t *question = apr_hash_get(all.questions, hash, HASH);
    if (question == NULL) question = question_begin(hash, token);
    if (question == NULL) return false;
    APR_ARRAY_PUSH(question->waiters, waiter_t) = (waiter_t){ done, baton };
    return true;
}
