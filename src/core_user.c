/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on users: who asks, and for the control socket recording and listing them.
 */
#include <apr_strings.h>

#include "core.h"
#include "request.h"
#include "user.h"

static salon_outcome_t user_added(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const user_t *user = user_record(req->data);
    return salon_reply(req, salon_json_integer(salon_json(), "id", user->shown.id));
}

static salon_outcome_t user_store(salon_req_t *req, apr_int64_t id, const char *name,
                                  salon_role_t role)
{
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    *claims = (token_claims_t){ .user_id = id, .has_name = true, .role = role, .has_role = true };
    apr_cpystrn(claims->name, name, sizeof(claims->name));
    user_sql_record(req, claims);
    req->data = claims;
    return salon_store(req, user_added);
}

static apr_int64_t user_id_next(void)
{
    apr_int64_t id = salon_next_id("user");
    while (id != 0 && user_find(id) != NULL) id = salon_next_id("user");
    return id;
}

salon_outcome_t core_user_add(salon_req_t *req)
{
    const char *name = salon_arg_string(req, "name");
    const char *role_name = salon_arg_string(req, "role");
    apr_int64_t id = salon_arg_integer(req, "id", 0);
    salon_role_t role = SALON_ROLE_USER;
    if (role_name != NULL && !salon_role_parse(role_name, &role))
        return salon_fail_argument(req, "role");
    if (!user_name_ok(name)) return salon_fail_argument(req, "name");
    if (salon_user_by_name(name) != NULL || (id != 0 && user_find(id) != NULL))
        return salon_fail(req, SALON_CONFLICT);
    if (id == 0) id = user_id_next();
    return id != 0 ? user_store(req, id, name, role) : salon_fail(req, SALON_UNAVAILABLE);
}

salon_outcome_t core_user_role(salon_req_t *req)
{
    const salon_user_t *user = salon_user_by_name(salon_arg_string(req, "name"));
    salon_role_t role;
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (!salon_role_parse(salon_arg_string(req, "role"), &role))
        return salon_fail_argument(req, "role");
    return user_store(req, user->id, user->name, role);
}

salon_outcome_t core_user_self(salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    json_object *json = salon_json_user(salon_json(), "user_id", "username", user->id);
    return salon_reply(req, salon_json_string(json, "role", salon_role_name(user->role)));
}

static void user_list_add(json_object *list, void *value, void *baton)
{
    const salon_user_t *user = value;
    (void)baton;
    if (user->erased) return;
    json_object *row = salon_json_integer(salon_json(), "id", user->id);
    salon_json_string(row, "name", user->name);
    salon_json_string(row, "role", salon_role_name(user->role));
    json_object_array_add(list, salon_json_integer(row, "connections", user->sessions));
}

salon_outcome_t core_user_list(salon_req_t *req)
{
    return salon_reply(req, salon_json_page(salon_json(), "users", req, user_all(), user_list_add,
                                            NULL));
}
