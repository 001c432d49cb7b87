/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several requests about the same two people may be stored at once.  They are committed, and their
 * `then` is called, in one order; so a `then` looks at the memory again, which is as the database
 * was at its commit, and what has become void in between is taken back.
 */
#include "pair.h"

#include <sys/param.h>

#include "tie.h"

#define NOT_FOUND "friend_request_not_found"
#define BLOCKING  "friend blocking"

/* What a request is about, from the handler to the last `then`. */
typedef struct pair_t {
    const salon_user_t *me, *other;
    apr_int64_t now;
    salon_handler_t *otherwise; /* when there is no request any more to be accepted */
} pair_t;

static pair_t *pair_of(const salon_req_t *req)
{
    return salon_req_data(req);
}

static unsigned pair_flags(const pair_t *pair)
{
    return tie_flags(pair->me->id, pair->other->id);
}

bool friend_subject(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r)
{
    bool named = salon_arg(req, "username") != NULL || salon_arg(req, "user_id") != NULL;
    pair_t *pair = apr_pcalloc(salon_req_pool(req), sizeof(*pair));
    pair->me = salon_req_user(req);
    pair->other = salon_arg_user(req, "username", "user_id");
    pair->now = salon_now();
    salon_req_set_data(req, pair);
    bool right = pair->other != NULL && pair->other != pair->me;
    if (!named) *refused_r = salon_fail_argument(req, "user_id");
    else if (pair->other == NULL) *refused_r = salon_fail(req, SALON_USER_NOT_FOUND);
    else if (!right) *refused_r = salon_fail(req, SALON_DENIED);
    else *topic_r = SALON_TOPIC("user", pair->other->id);
    return right;
}

/* ---- What is said ---- */

json_object *friend_person_json(apr_int64_t user_id)
{
    return salon_json_user(salon_json(), "user_id", "username", user_id);
}

static const char *status_of(unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *status;
    } statuses[] = {
        { TIE_BLOCKS, "blocked" }, { TIE_FRIEND, "friends" }, { TIE_ASKED, "requested" },
        { TIE_ASKED_BY, "asked" },
    };
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (flags & statuses[i].flag) return statuses[i].status;
    return "none";
}

/* How things stand now. */
static salon_outcome_t pair_reply(salon_req_t *req)
{
    const pair_t *pair = pair_of(req);
    json_object *json = friend_person_json(pair->other->id);
    return salon_reply(req, salon_json_string(json, "status", status_of(pair_flags(pair))));
}

static void tell(const char *event, apr_int64_t to, apr_int64_t about, const apr_int64_t both[2])
{
    json_object *json = friend_person_json(about);
    json_object *ids = json_object_new_array(), *names = json_object_new_array();
    for (int i = 0; i < 2; i++) {
        json_object *person = friend_person_json(both[i]);
        json_object_array_add(ids, json_object_new_int64(both[i]));
        json_object_array_add(names,
                              json_object_get(json_object_object_get(person, "username")));
        json_object_put(person);
    }
    salon_json_value(json, "user_ids", ids);
    salon_publish(SALON_TOPIC("user", to), event, salon_json_value(json, "usernames", names));
}

static void tell_both(const char *event, const salon_user_t *first, const salon_user_t *second)
{
    const apr_int64_t both[2] = { first->id, second->id };
    tell(event, both[0], both[1], both);
    tell(event, both[1], both[0], both);
}

/* Takes away what is there of `lost`, answers, and tells both if that was anything. */
static salon_outcome_t pair_lose(salon_req_t *req, unsigned lost)
{
    const pair_t *pair = pair_of(req);
    bool changes = pair_flags(pair) & lost;
    tie_remove(pair->me->id, pair->other->id, lost);
    salon_outcome_t outcome = pair_reply(req);
    if (changes) tell_both("friend.removed", pair->me, pair->other);
    return outcome;
}

/* ---- Statements ---- */

static void sql_request_remove(salon_req_t *req, const salon_user_t *asker,
                               const salon_user_t *asked)
{
    salon_sql(req, "DELETE FROM friend_requests WHERE asker_id = %ld AND asked_id = %ld",
              (long)asker->id, (long)asked->id);
}

static void sql_friendship_remove(salon_req_t *req, const pair_t *pair)
{
    salon_sql(req, "DELETE FROM friendships WHERE low_id = %ld AND high_id = %ld",
              (long)MIN(pair->me->id, pair->other->id), (long)MAX(pair->me->id, pair->other->id));
}

static void sql_block_remove(salon_req_t *req, const pair_t *pair)
{
    salon_sql(req, "DELETE FROM friend_blocks WHERE blocker_id = %ld AND blocked_id = %ld",
              (long)pair->me->id, (long)pair->other->id);
}

/* ---- Accepting ---- */

static salon_outcome_t no_request(salon_req_t *req)
{
    return salon_fail(req, NOT_FOUND);
}

static salon_outcome_t accepted(salon_req_t *req, const salon_rows_t *rows)
{
    const pair_t *pair = pair_of(req);
    bool known = pair_flags(pair) & TIE_FRIEND;
    if (rows[3].count == 0) return pair->otherwise(req);
    tie_remove(pair->me->id, pair->other->id, TIE_ASKED | TIE_ASKED_BY);
    tie_add(pair->me->id, pair->other->id, TIE_FRIEND, pair->now);
    salon_outcome_t outcome = pair_reply(req);
    if (!known) tell_both("friend.accepted", pair->other, pair->me);
    return outcome;
}

/* Whether there is still a request, and no block, is seen where they are stored. */
static salon_outcome_t befriend(salon_req_t *req)
{
    const pair_t *pair = pair_of(req);
    long me = (long)pair->me->id, other = (long)pair->other->id;
    long low = MIN(me, other), high = MAX(me, other);
    salon_sql(req, "INSERT INTO friendships (low_id, high_id, since) SELECT %ld, %ld, %ld"
              " FROM friend_requests WHERE asker_id = %ld AND asked_id = %ld AND NOT EXISTS"
              " (SELECT since FROM friend_blocks WHERE (blocker_id = %ld AND blocked_id = %ld)"
              " OR (blocker_id = %ld AND blocked_id = %ld))",
              low, high, (long)pair->now, other, me, other, me, me, other);
    sql_request_remove(req, pair->other, pair->me);
    sql_request_remove(req, pair->me, pair->other);
    salon_sql(req, "SELECT since FROM friendships WHERE low_id = %ld AND high_id = %ld", low, high);
    return salon_store(req, accepted);
}

salon_outcome_t friend_accept(salon_req_t *req)
{
    pair_t *pair = pair_of(req);
    unsigned flags = pair_flags(pair);
    if (flags & TIE_FRIEND) return pair_reply(req);
    pair->otherwise = no_request;
    return flags & TIE_ASKED_BY ? befriend(req) : no_request(req);
}

/* ---- Asking ---- */

static salon_outcome_t requested(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const pair_t *pair = pair_of(req);
    unsigned flags = pair_flags(pair);
    if (flags & (TIE_BLOCKED | TIE_FRIEND)) {
        salon_write("DELETE FROM friend_requests WHERE asker_id = %ld AND asked_id = %ld",
                    (long)pair->me->id, (long)pair->other->id);
        return salon_fail(req, flags & TIE_FRIEND ? SALON_CONFLICT : SALON_DENIED);
    }
    if (flags & TIE_ASKED_BY) return befriend(req);
    tie_add(pair->me->id, pair->other->id, TIE_ASKED, pair->now);
    salon_outcome_t outcome = pair_reply(req);
    if (!(flags & TIE_ASKED))
        salon_publish(SALON_TOPIC("user", pair->other->id), "friend.requested",
                      friend_person_json(pair->me->id));
    return outcome;
}

static salon_outcome_t ask(salon_req_t *req)
{
    const pair_t *pair = pair_of(req);
    sql_request_remove(req, pair->me, pair->other);
    salon_sql(req, "INSERT INTO friend_requests (asker_id, asked_id, since) VALUES (%ld, %ld, %ld)",
              (long)pair->me->id, (long)pair->other->id, (long)pair->now);
    return salon_store(req, requested);
}

salon_outcome_t friend_request(salon_req_t *req)
{
    pair_t *pair = pair_of(req);
    unsigned flags = pair_flags(pair);
    if (flags & TIE_BLOCKED) return salon_fail(req, SALON_DENIED);
    if (flags & TIE_FRIEND) return salon_fail(req, SALON_CONFLICT);
    pair->otherwise = ask;
    if (flags & TIE_ASKED_BY) return befriend(req);
    return flags & TIE_ASKED ? pair_reply(req) : ask(req);
}

/* ---- Declining, removing, blocking ---- */

static salon_outcome_t declined(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    return pair_lose(req, TIE_ASKED_BY);
}

salon_outcome_t friend_decline(salon_req_t *req)
{
    const pair_t *pair = pair_of(req);
    if (!(pair_flags(pair) & TIE_ASKED_BY)) return no_request(req);
    sql_request_remove(req, pair->other, pair->me);
    return salon_store(req, declined);
}

static salon_outcome_t removed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    return pair_lose(req, TIE_FRIEND | TIE_ASKED);
}

salon_outcome_t friend_remove(salon_req_t *req)
{
    const pair_t *pair = pair_of(req);
    if (!(pair_flags(pair) & (TIE_FRIEND | TIE_ASKED))) return no_request(req);
    sql_friendship_remove(req, pair);
    sql_request_remove(req, pair->me, pair->other);
    return salon_store(req, removed);
}

bool friend_is_blocking(apr_int64_t user_id, apr_int64_t other_id)
{
    return salon_intended(BLOCKING, "%ld:%ld", (long)MIN(user_id, other_id),
                          (long)MAX(user_id, other_id));
}

static salon_outcome_t blocked(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const pair_t *pair = pair_of(req);
    tie_add(pair->me->id, pair->other->id, TIE_BLOCKS, pair->now);
    return pair_lose(req, TIE_FRIEND | TIE_ASKED | TIE_ASKED_BY);
}

static salon_outcome_t unblocked(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const pair_t *pair = pair_of(req);
    tie_remove(pair->me->id, pair->other->id, TIE_BLOCKS);
    return pair_reply(req);
}

salon_outcome_t friend_block(salon_req_t *req)
{
    pair_t *pair = pair_of(req);
    sql_block_remove(req, pair);
    if (!salon_arg_boolean(req, "block", true)) return salon_store(req, unblocked);
    salon_intend(req, BLOCKING, "%ld:%ld", (long)MIN(pair->me->id, pair->other->id),
                 (long)MAX(pair->me->id, pair->other->id));
    sql_friendship_remove(req, pair);
    sql_request_remove(req, pair->me, pair->other);
    sql_request_remove(req, pair->other, pair->me);
    salon_sql(req, "INSERT INTO friend_blocks (blocker_id, blocked_id, since)"
              " VALUES (%ld, %ld, %ld)",
              (long)pair->me->id, (long)pair->other->id, (long)pair->now);
    return salon_store(req, blocked);
}

/* ---- Erasing ---- */

void friend_erased(apr_int64_t user_id)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const apr_array_header_t *ties = tie_list(user_id, TIE_ANY, pool);
    for (int i = 0; i < ties->nelts; i++) {
        const tie_t tie = *APR_ARRAY_IDX(ties, i, const tie_t *);
        const apr_int64_t both[2] = { user_id, tie.user_id };
        tie_remove(user_id, tie.user_id, TIE_ANY);
        if (tie.flags & ~TIE_BLOCKED) tell("friend.removed", tie.user_id, user_id, both);
    }
    apr_pool_destroy(pool);
}
