/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All ties are kept (about 100 bytes each side): everybody's coming and going asks for them.  The
 * tables hold everything once: a friendship, a request, a block.
 */
#include "tie.h"

#include <stdlib.h>

#include <salon/map.h>

typedef struct {
    salon_map_t ties; /* user id -> tie_t */
} person_t;

static struct {
    apr_pool_t *pool;
    salon_map_t people;        /* user id -> person_t; they stay */
    apr_array_header_t *spare; /* tie_t *, to be used again: a pool gives nothing back */
} directory;

static const char *const friends_1[] = {
    "CREATE TABLE friendships (low_id BIGINT NOT NULL, high_id BIGINT NOT NULL,"
    " since BIGINT NOT NULL, PRIMARY KEY (low_id, high_id))",
    "CREATE TABLE friend_requests (asker_id BIGINT NOT NULL, asked_id BIGINT NOT NULL,"
    " since BIGINT NOT NULL, PRIMARY KEY (asker_id, asked_id))",
    "CREATE TABLE friend_blocks (blocker_id BIGINT NOT NULL, blocked_id BIGINT NOT NULL,"
    " since BIGINT NOT NULL, PRIMARY KEY (blocker_id, blocked_id))",
    NULL,
};

static const char *const friends_2[] = {
    "CREATE INDEX friendships_high ON friendships (high_id)",
    "CREATE INDEX friend_requests_asked ON friend_requests (asked_id)",
    "CREATE INDEX friend_blocks_blocked ON friend_blocks (blocked_id)",
    NULL,
};

const salon_migration_t tie_migrations[] = { { 1, friends_1 }, { 2, friends_2 }, { 0, NULL } };

const salon_personal_t tie_personal[] = {
    { "friendships", "low_id", SALON_FORGET },
    { "friendships", "high_id", SALON_FORGET },
    { "friend_requests", "asker_id", SALON_FORGET },
    { "friend_requests", "asked_id", SALON_FORGET },
    { "friend_blocks", "blocker_id", SALON_FORGET },
    { "friend_blocks", "blocked_id", SALON_FORGET },
    { NULL, NULL, SALON_KEEP },
};

/* ---- One side ---- */

static person_t *person_find(apr_int64_t id)
{
    return salon_map_get(&directory.people, id);
}

static person_t *person_make(apr_int64_t id)
{
    person_t *person = person_find(id);
    if (person != NULL) return person;
    person = apr_pcalloc(directory.pool, sizeof(*person));
    salon_map_set(&directory.people, id, person);
    return person;
}

static tie_t *tie_find(apr_int64_t user_id, apr_int64_t other_id)
{
    const person_t *person = person_find(user_id);
    return person != NULL ? salon_map_get(&person->ties, other_id) : NULL;
}

static tie_t *tie_make(apr_int64_t user_id, apr_int64_t other_id)
{
    tie_t *tie = tie_find(user_id, other_id);
    if (tie != NULL) return tie;
    tie_t **spare = apr_array_pop(directory.spare);
    tie = spare != NULL ? *spare : apr_palloc(directory.pool, sizeof(*tie));
    *tie = (tie_t){ .user_id = other_id };
    salon_map_set(&person_make(user_id)->ties, other_id, tie);
    return tie;
}

static void side_add(apr_int64_t user_id, apr_int64_t other_id, unsigned flags, apr_int64_t since)
{
    tie_t *tie = tie_make(user_id, other_id);
    tie->flags |= flags;
    tie->since = since;
}

static void side_remove(apr_int64_t user_id, apr_int64_t other_id, unsigned flags)
{
    tie_t *tie = tie_find(user_id, other_id);
    if (tie == NULL) return;
    tie->flags &= ~flags;
    if (tie->flags != 0) return;
    salon_map_set(&person_find(user_id)->ties, other_id, NULL);
    APR_ARRAY_PUSH(directory.spare, tie_t *) = tie;
}

/* ---- Both sides ---- */

static unsigned mirrored(unsigned flags)
{
    return (flags & TIE_FRIEND) | (flags & (TIE_ASKED | TIE_BLOCKS)) << 1 |
           (flags & (TIE_ASKED_BY | TIE_BLOCKED_BY)) >> 1;
}

unsigned tie_flags(apr_int64_t user_id, apr_int64_t other_id)
{
    const tie_t *tie = tie_find(user_id, other_id);
    return tie != NULL ? tie->flags : 0;
}

void tie_add(apr_int64_t user_id, apr_int64_t other_id, unsigned flags, apr_int64_t since)
{
    side_add(user_id, other_id, flags, since);
    side_add(other_id, user_id, mirrored(flags), since);
}

void tie_remove(apr_int64_t user_id, apr_int64_t other_id, unsigned flags)
{
    side_remove(user_id, other_id, flags);
    side_remove(other_id, user_id, mirrored(flags));
}

static int by_id(const void *a, const void *b)
{
    const tie_t *const *one = a, *const *other = b;
    return ((*one)->user_id > (*other)->user_id) - ((*one)->user_id < (*other)->user_id);
}

const apr_array_header_t *tie_list(apr_int64_t user_id, unsigned flag, apr_pool_t *pool)
{
    const person_t *person = person_find(user_id);
    apr_array_header_t *list = apr_array_make(pool, 16, sizeof(const tie_t *));
    if (person == NULL) return list;
    const tie_t *tie;
    for (unsigned at = 0; (tie = salon_map_next(&person->ties, &at)) != NULL;)
        if (tie->flags & flag) APR_ARRAY_PUSH(list, const tie_t *) = tie;
    qsort(list->elts, (size_t)list->nelts, sizeof(const tie_t *), by_id);
    return list;
}

/* ---- Loading ---- */

static bool load(const salon_rows_t *rows, unsigned flag)
{
    for (int i = 0; rows != NULL && i < rows->count; i++)
        tie_add(salon_rows_integer(rows, i, 0), salon_rows_integer(rows, i, 1), flag,
                salon_rows_integer(rows, i, 2));
    return rows != NULL;
}

apr_status_t tie_load(apr_pool_t *pool)
{
    directory.pool = pool;
    directory.spare = apr_array_make(pool, 16, sizeof(tie_t *));
    bool loaded =
        load(salon_load(pool, "SELECT low_id, high_id, since FROM friendships"), TIE_FRIEND) &&
        load(salon_load(pool, "SELECT asker_id, asked_id, since FROM friend_requests"),
             TIE_ASKED) &&
        load(salon_load(pool, "SELECT blocker_id, blocked_id, since FROM friend_blocks"),
             TIE_BLOCKS);
    return loaded ? APR_SUCCESS : APR_EGENERAL;
}
