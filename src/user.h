/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of all users: in memory, by id and by name, and in the table users.  Chat thread.
 */
#ifndef USER_H
#define USER_H

#include "rates.h"
#include "salon/map.h"
#include "token.h"

typedef struct user_t {
    salon_user_t shown; /* first: what plugins see */
    char *name;
    struct salon_session_t *sessions; /* the first of its signed-in ones */
    rates_t own_rates;
    rates_t *rates; /* where what is done counts: the user's own, or an address's */
} user_t;

extern const salon_migration_t user_migrations[];

#define USER_ERASED TOKEN_ERASED /* the name of all who have been erased */

/* Reads the table; before the threads start. */
apr_status_t user_load(void);
apr_int64_t user_count(void);

/* A name as tokens may have it: not blank, no control characters, not USER_ERASED. */
bool user_name_ok(const char *name);
/* NULL: nobody has that id. */
user_t *user_find(apr_int64_t id);
bool user_is_erased(apr_int64_t id);
/* Have several that name? */
bool user_is_ambiguous(const char *name);
/* From now on nobody finds the user; the name is forgotten. */
void user_erase(user_t *user);
/* As the log shows who somebody is: 0 for NULL, and for somebody without an account. */
apr_int64_t user_logged_id(const user_t *user);
/* Does what the token says differ from what is known? */
bool user_differs(const token_claims_t *claims);
/* Adds the statements that record what the token says. */
void user_sql_record(salon_req_t *req, const token_claims_t *claims);
/* Puts it into the directory, when it has been recorded. */
user_t *user_record(const token_claims_t *claims);

/* Somebody without an account, see anonymous.h: found by id alone, and in no list. */
user_t *user_add_anonymous(const char *name, rates_t *rates);
void user_remove_anonymous(user_t **user);

/* All of them, by id; those without an account have negative ones, others may be erased. */
const salon_map_t *user_all(void);
/* The user has a connection from now on, or none. */
void user_connected(user_t *user, bool connected);

#endif
