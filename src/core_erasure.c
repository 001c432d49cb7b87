/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operation user.erase.  What somebody has said stays where it is: the user's id, on which all
 * of it hangs, becomes that of nobody, so the size of it does not matter.  What the plugins' tables
 * have to be forgotten goes in one transaction with the name: after a crash either all or nothing
 * has happened.
 */
#include <string.h>

#include <apr_strings.h>

#include "api_token.h"
#include "core.h"
#include "hooks.h"
#include "plugin.h"
#include "request.h"
#include "statement.h"
#include "user.h"

static bool is_id(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

/* Who is named, NULL: nobody.  Digits are never a name, or somebody called like another's id would
 * be erased in the other's place. */
static user_t *person_of(const char *text)
{
    const salon_user_t *user = is_id(text) ? salon_user_by_id(apr_strtoi64(text, NULL, 10))
                                           : salon_user_by_name(text);
    return user != NULL ? user_find(user->id) : NULL;
}

/* The database has refused it: the person is as before. */
static apr_status_t spare(void *user)
{
    ((user_t *)user)->shown.erased = false;
    return APR_SUCCESS;
}

static salon_outcome_t erased(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    user_t *user = req->data;
    apr_int64_t id = user->shown.id;
    apr_pool_cleanup_kill(req->pool, user, spare);
    user_erase(user);
    api_token_forget_user(id);
    hooks_erased(id);
    salon_acted(&(salon_act_t){ .action = "user.erased",
                                .actor = salon_req_user(req),
                                .topic = SALON_SERVER,
                                .target_user_id = id });
    return salon_reply(req, salon_json_integer(salon_json(), "id", id));
}

static void forget(salon_req_t *req, const salon_personal_t *table, apr_int64_t id)
{
    for (; table != NULL && table->table != NULL; table++) {
        if (table->erasure != SALON_FORGET) continue;
        statement_sql(req, apr_psprintf(req->pool, "DELETE FROM %s WHERE %s = %ld", table->table,
                                        table->column, (long)id));
    }
}

/* All that the person had begun to store has been stored. */
static salon_outcome_t settled(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const user_t *user = req->data;
    apr_int64_t id = user->shown.id;
    hooks_erasing(req, id);
    for (int i = 0; i < plugin_count(); i++) forget(req, plugin_at(i)->personal, id);
    salon_sql(req, "UPDATE users SET name = %s, role = %d, erased_at = %ld WHERE id = %ld",
              USER_ERASED, (int)SALON_ROLE_USER, (long)salon_now(), (long)id);
    return salon_store(req, erased);
}

/* From the beginning the person can do nothing any more, and nobody finds them. */
salon_outcome_t core_user_erase(salon_req_t *req)
{
    const char *named = salon_arg_string(req, "user");
    user_t *user = person_of(named);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (!is_id(named) && user_is_ambiguous(named))
        return salon_fail_details(req, SALON_CONFLICT,
                                  salon_json_string(salon_json(), "reason",
                                                    "several people have that name; give an id"));
    if (user->shown.id == SALON_SYSTEM_USER) return salon_fail(req, SALON_DENIED);
    user->shown.erased = true;
    apr_pool_cleanup_register(req->pool, user, spare, apr_pool_cleanup_null);
    salon_close_user(user->shown.id, SALON_INVALID_TOKEN, "erased");
    req->data = user;
    salon_sql(req, "UPDATE users SET role = role WHERE id = %ld", (long)user->shown.id);
    return salon_store(req, settled);
}
