/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each connection that has signed in so keeps its token.  Requests that write make the upstream be
 * asked again, early enough that most never wait.  When its answer is no longer good, the next one
 * is held back, with those behind it, until there is a new one; but not for long, and not at all
 * once the upstream has been found away, until it answers again: chatting goes on without it.
 */
#include "sign_in.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include <apr_hash.h>
#include <apr_tables.h>

#include "identity.h"
#include "upstream.h"

#define HELD_MOST 1000 /* milliseconds for which a request is held back */

/* A connection's. */
typedef struct holder_t {
    salon_session_t *session; /* NULL: it has gone, and only the question keeps this */
    char *token;
    apr_int64_t good_until;
    bool refused, asking;
    bool overdue;             /* so long that nobody is held back for the answer any more */
    apr_pool_t *pool;         /* of `held`; NULL: there are none */
    apr_array_header_t *held; /* salon_req_t * */
    apr_int64_t held_until;
    TAILQ_ENTRY(holder_t) link; /* of those that hold requests back */
} holder_t;

static apr_hash_t *holders; /* by session */
static TAILQ_HEAD(holder_list_t, holder_t) holding = TAILQ_HEAD_INITIALIZER(holding);

void sign_in_init(apr_pool_t *pool)
{
    holders = apr_hash_make(pool);
}

static holder_t *holder_of(const salon_session_t *session)
{
    return apr_hash_get(holders, &session, sizeof(session));
}

/* ---- Holders ---- */

static void holder_free(holder_t *holder)
{
    free(holder->token);
    free(holder);
}

static void holder_add(salon_session_t *session, const char *token, apr_int64_t good_until)
{
    holder_t *holder = calloc(1, sizeof(*holder));
    if (holder == NULL) abort();
    holder->session = session;
    holder->token = strdup(token);
    holder->good_until = good_until;
    apr_hash_set(holders, &holder->session, sizeof(holder->session), holder);
}

/* The requests that are held back go on, in their order: with `handler`. */
static void holder_release(holder_t *holder, salon_handler_t *handler)
{
    apr_pool_t *pool = holder->pool;
    const apr_array_header_t *held = holder->held;
    if (pool == NULL) return;
    TAILQ_REMOVE(&holding, holder, link);
    holder->pool = NULL;
    for (int i = 0; i < held->nelts; i++)
        salon_req_resume(APR_ARRAY_IDX(held, i, salon_req_t *), handler);
    apr_pool_destroy(pool);
}

static void holder_remove(salon_session_t *session)
{
    holder_t *holder = holder_of(session);
    if (holder == NULL) return;
    apr_hash_set(holders, &holder->session, sizeof(holder->session), NULL);
    holder->session = NULL;
    if (!holder->asking) holder_free(holder);
}

void sign_in_signed_out(salon_session_t *session, const salon_user_t *user)
{
    (void)user;
    holder_remove(session);
}

/* ---- Signing in ---- */

typedef struct {
    salon_req_t *req;
    identity_status_t status;
    const salon_identity_t *identity;
} waiting_t;

/* A request that did not sign in leaves no holder behind. */
static apr_status_t sign_in_end(void *baton)
{
    salon_session_t *session = baton;
    if (salon_session_user(session) == NULL) holder_remove(session);
    return APR_SUCCESS;
}

static salon_outcome_t sign_in_as(salon_req_t *req, const salon_identity_t *identity,
                                  apr_int64_t good_until)
{
    salon_session_t *session = salon_req_session(req);
    if (holder_of(session) != NULL) return salon_fail(req, SALON_CONFLICT);
    holder_add(session, salon_arg_string(req, "token"), good_until);
    apr_pool_cleanup_register(salon_req_pool(req), session, sign_in_end, apr_pool_cleanup_null);
    return salon_sign_in(req, identity);
}

static salon_outcome_t sign_in_resumed(salon_req_t *req)
{
    const waiting_t *waiting = salon_req_data(req);
    if (waiting->status == IDENTITY_REFUSED) return salon_fail(req, SALON_INVALID_TOKEN);
    if (waiting->status == IDENTITY_UNKNOWN) return salon_fail(req, SIGN_IN_AWAY);
    return sign_in_as(req, waiting->identity, salon_now() + identity_cache * 1000);
}

static void sign_in_answered(void *baton, identity_status_t status,
                             const salon_identity_t *identity)
{
    waiting_t *waiting = baton;
    waiting->status = status;
    waiting->identity = identity;
    salon_req_resume(waiting->req, sign_in_resumed);
}

salon_outcome_t sign_in(salon_req_t *req)
{
    apr_int64_t until;
    const char *token = salon_arg_string(req, "token");
    const salon_identity_t *identity = identity_known(token, &until);
    if (identity != NULL) return sign_in_as(req, identity, until);
    waiting_t *waiting = apr_pcalloc(salon_req_pool(req), sizeof(*waiting));
    waiting->req = req;
    salon_req_set_data(req, waiting);
    if (!upstream_token_ok(token)) return salon_fail(req, SALON_INVALID_TOKEN);
    if (!identity_ask(token, sign_in_answered, waiting)) return salon_fail(req, SIGN_IN_AWAY);
    return salon_req_wait(req);
}

/* ---- Writing ---- */

static salon_outcome_t refuse(salon_req_t *req)
{
    return salon_fail(req, SALON_INVALID_TOKEN);
}

/* A token that is somebody else's now is not good for the one who signed in with it. */
static bool is_refused(const holder_t *holder, identity_status_t status,
                       const salon_identity_t *identity)
{
    const salon_user_t *user =
        holder->session != NULL ? salon_session_user(holder->session) : NULL;
    if (status == IDENTITY_GIVEN && user != NULL) return user->id != identity->id;
    return status == IDENTITY_REFUSED;
}

static void holder_answered(void *baton, identity_status_t status,
                            const salon_identity_t *identity)
{
    holder_t *holder = baton;
    holder->asking = holder->overdue = false;
    holder->refused = is_refused(holder, status, identity);
    if (status == IDENTITY_GIVEN) holder->good_until = salon_now() + identity_cache * 1000;
    bool gone = holder->session == NULL;
    holder_release(holder, holder->refused ? refuse : salon_req_go_on);
    if (gone) holder_free(holder);
}

/* Half of the time for which an answer holds is left for the next one to come. */
static bool is_fresh(const holder_t *holder, apr_int64_t now)
{
    return now < holder->good_until - identity_cache * 1000 / 2;
}

static void holder_refresh(holder_t *holder, apr_int64_t now)
{
    apr_int64_t until;
    if (holder->asking || is_fresh(holder, now)) return;
    if (identity_known(holder->token, &until) != NULL) holder->good_until = until;
    if (is_fresh(holder, now) || identity_is_away()) return;
    holder->overdue = identity_in_doubt();
    holder->asking = identity_ask(holder->token, holder_answered, holder);
}

static bool must_wait(const holder_t *holder, apr_int64_t now)
{
    return now >= holder->good_until && holder->asking && !holder->overdue;
}

static salon_outcome_t hold(salon_req_t *req, holder_t *holder, apr_int64_t now)
{
    if (holder->pool == NULL) {
        apr_pool_create(&holder->pool, NULL);
        holder->held = apr_array_make(holder->pool, 4, sizeof(salon_req_t *));
        holder->held_until = now + HELD_MOST;
        TAILQ_INSERT_TAIL(&holding, holder, link);
    }
    APR_ARRAY_PUSH(holder->held, salon_req_t *) = req;
    return salon_req_wait(req);
}

salon_outcome_t sign_in_writing(salon_req_t *req)
{
    apr_int64_t now = salon_now();
    holder_t *holder = holder_of(salon_req_session(req));
    if (holder == NULL || !upstream_exists()) return SALON_GO_ON;
    if (holder->refused) return salon_fail(req, SALON_INVALID_TOKEN);
    holder_refresh(holder, now);
    return must_wait(holder, now) ? hold(req, holder, now) : SALON_GO_ON;
}

/* The question goes on, but nobody waits for the answer any more. */
void sign_in_tick(apr_int64_t now)
{
    holder_t *holder;
    while ((holder = TAILQ_FIRST(&holding)) != NULL && now >= holder->held_until) {
        holder->overdue = true;
        identity_overdue();
        holder_release(holder, salon_req_go_on);
    }
}
