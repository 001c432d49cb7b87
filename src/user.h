/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of all users: in memory, by id and by name, and in the table users.  Chat thread.
 */
#ifndef USER_H
#define USER_H

#include "rate.h"
#include "salon/plugin.h"
#include "token.h"

/* How much somebody has done at one endpoint. */
typedef struct user_rate_t {
    struct user_rate_t *next;
    int listener, endpoint;
    rate_log_t *log;
} user_rate_t;

typedef struct user_t {
    salon_user_t shown; /* first: what plugins see */
    char *name;
    struct salon_session_t *sessions; /* the first of its signed-in ones */
    user_rate_t *rates;
    bool busy; /* in the list of those with rates */
    struct user_t *next_busy;
} user_t;

extern const salon_migration_t user_migrations[];

/* Reads the table; before the threads start. */
apr_status_t user_load(apr_pool_t *pool);
apr_int64_t user_count(void);

/* A name as tokens may have it: not blank, no control characters. */
bool user_name_ok(const char *name);
/* NULL: nobody has that id. */
user_t *user_find(apr_int64_t id);
/* Does what the token says differ from what is known? */
bool user_differs(const token_claims_t *claims);
/* Adds the statements that record what the token says. */
void user_sql_record(salon_req_t *req, const token_claims_t *claims);
/* Puts it into the directory, when it has been recorded. */
user_t *user_record(const token_claims_t *claims);

/* The rate log for an endpoint; made when there is none. */
rate_log_t *user_rate(user_t *user, int listener, int endpoint);
/* Frees rate logs in which nothing matters any more. */
void user_rates_sweep(apr_int64_t now);

/* Calls `each` for all, in no order. */
void user_each(void (*each)(const user_t *user, void *baton), void *baton);

#endif
