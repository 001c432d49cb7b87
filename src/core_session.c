/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in, by what dialects' clients have: a JSON Web Token, an API token, what an upstream says
 * of them, or nothing at all; and the end of a connection.
 */
#include <string.h>

#include <apr_strings.h>

#include "anonymous.h"
#include "api_token.h"
#include "core.h"
#include "metrics.h"
#include "session.h"
#include "user.h"

#define CLOSE_NORMAL 1000

static salon_outcome_t signed_in(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const token_claims_t *claims = req->data;
    salon_session_t *session = req->session;
    if (user_is_erased(claims->user_id)) return salon_fail(req, SALON_INVALID_TOKEN);
    user_t *user = user_record(claims);
    const char *code = salon_may_not(&user->shown, "sign_in", SALON_SERVER);
    if (code != NULL) return salon_fail(req, code);
    json_object *json = salon_json_integer(salon_json(), "user_id", user->shown.id);
    salon_json_string(json, "username", user->shown.name);
    salon_json_string(json, "role", salon_role_name(user->shown.role));
    salon_json_value(json, "session_id", session_id_json(session));
    salon_json_integer(json, "server_time", salon_now());
    salon_outcome_t outcome = salon_reply(req, json);
    if (!session->closed) session_sign_in(session, user, claims->expires);
    return outcome;
}

/* claims: NULL: the token is not valid. */
static salon_outcome_t sign_in(salon_req_t *req, token_claims_t *claims)
{
    const user_t *present = req->session->user;
    if (claims == NULL || user_is_erased(claims->user_id) ||
        (present != NULL && present->shown.id != claims->user_id)) {
        metrics_add(METRIC_SIGN_INS_REFUSED, 1);
        return salon_fail(req, SALON_INVALID_TOKEN);
    }
    req->data = claims;
    if (!user_differs(claims)) return signed_in(req, NULL);
    user_sql_record(req, claims);
    return salon_store(req, signed_in);
}

/* NULL: it is none, or the dialect does not take such. */
static token_claims_t *api_token_claims(salon_req_t *req)
{
    const api_token_t *token = api_token_find(salon_arg_string(req, "token"));
    if (token == NULL || !wire_dialect(req->session->wire)->api_tokens) return NULL;
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    *claims = (token_claims_t){ .user_id = token->user_id, .expires = token->expires_at };
    req->session->api_token_id = token->id;
    return claims;
}

salon_outcome_t core_session_authenticate(salon_req_t *req)
{
    req->session->api_token_id = 0;
    return sign_in(req, req->call->claims != NULL ? req->call->claims : api_token_claims(req));
}

salon_outcome_t salon_sign_in(salon_req_t *req, const salon_identity_t *identity)
{
    token_claims_t *claims = apr_pcalloc(req->pool, sizeof(*claims));
    const char *name = identity->name != NULL
                           ? identity->name
                           : apr_psprintf(req->pool, "user%" APR_INT64_T_FMT, identity->id);
    if (strlen(name) >= sizeof(claims->name) || !user_name_ok(name)) return sign_in(req, NULL);
    *claims = (token_claims_t){ .user_id = identity->id,
                                .has_name = identity->name != NULL,
                                .role = identity->role,
                                .has_role = identity->has_role,
                                .expires = identity->expires };
    apr_cpystrn(claims->name, name, sizeof(claims->name));
    return sign_in(req, claims);
}

salon_outcome_t salon_sign_in_anonymous(salon_req_t *req, bool show_address)
{
    salon_session_t *session = req->session;
    if (session->user != NULL) return salon_fail(req, SALON_CONFLICT);
    user_t *user = anonymous_add(session->address, show_address);
    const char *code = salon_may_not(&user->shown, "sign_in", SALON_SERVER);
    if (code != NULL || session->closed) {
        anonymous_remove(&user);
        return salon_fail(req, code != NULL ? code : SALON_UNAVAILABLE);
    }
    session_sign_in(session, user, 0);
    json_object *json = salon_json_user(salon_json(), "user_id", "username", user->shown.id);
    return salon_reply(req, json);
}

salon_outcome_t core_session_anonymous(salon_req_t *req)
{
    return salon_sign_in_anonymous(req, false);
}

salon_outcome_t core_session_ping(salon_req_t *req)
{
    json_object *json = salon_json_integer(salon_json(), "server_time", salon_now());
    salon_json_string(json, "timestamp", salon_arg_string(req, "timestamp"));
    return salon_reply(req, json);
}

salon_outcome_t core_session_close(salon_req_t *req)
{
    salon_close(req->session, CLOSE_NORMAL, "");
    req->session->ending = true;
    return salon_reply(req, NULL);
}
