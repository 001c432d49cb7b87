/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every plugin that has the hook is called, in the order of loading.  Where they are asked, the
 * first that objects ends it; the others are not asked any more.
 */
#include "hooks.h"

#include <apr_tables.h>

#include "plugin.h"
#include "request.h"

/* The next plugin at or after *at that has hooks, and the place after it; NULL: no more. */
static const salon_hooks_t *hooks_next(int *at)
{
    while (*at < plugin_count()) {
        const salon_hooks_t *hooks = plugin_at((*at)++)->hooks;
        if (hooks != NULL) return hooks;
    }
    return NULL;
}

const char *salon_may_not(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    bool allowed = false;
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        const char *code = hooks->refuse != NULL ? hooks->refuse(user, what, topic) : NULL;
        if (code != NULL) return code;
        if (hooks->access == NULL) continue;
        salon_access_t access = hooks->access(user, what, topic);
        if (access == SALON_REFUSE) return SALON_DENIED;
        allowed |= access == SALON_ALLOW;
    }
    return allowed ? NULL : SALON_DENIED;
}

bool salon_may(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    return salon_may_not(user, what, topic) == NULL;
}

static salon_outcome_t hooks_attach(salon_req_t *req, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    if (salon_arg(req, "media") == NULL && salon_arg(req, "kind") == NULL)
        return (salon_outcome_t){ 0 };
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        json_object *details = NULL;
        if (hooks->attach == NULL) continue;
        const char *code = hooks->attach(salon_req_user(req), topic, req->arguments, &details);
        if (code != NULL) return salon_fail_details(req, code, details);
    }
    return (salon_outcome_t){ 0 };
}

salon_outcome_t hooks_say(salon_req_t *req, salon_topic_t topic, const char **content)
{
    const salon_user_t *user = salon_req_user(req);
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;) {
        json_object *details = NULL;
        if (hooks->say == NULL) continue;
        const char *code = hooks->say(user, topic, content, salon_req_pool(req), &details);
        if (code != NULL) return salon_fail_details(req, code, details);
    }
    return hooks_attach(req, topic);
}

void hooks_unsaid(salon_topic_t topic, apr_int64_t message_id)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->unsaid != NULL) hooks->unsaid(topic, message_id);
}

/* Its JSON form is made when the first plugin asks for it. */
static json_object *form_of(json_object **form, const message_t *message)
{
    if (*form == NULL) *form = message_json(message);
    return *form;
}

void hooks_storing(salon_req_t *req, salon_topic_t topic, const message_t *message)
{
    const salon_hooks_t *hooks;
    json_object *form = NULL;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->storing != NULL) hooks->storing(req, topic, form_of(&form, message));
    json_object_put(form);
}

void hooks_stored(const salon_req_t *req, salon_topic_t topic, const message_t *message)
{
    const salon_hooks_t *hooks;
    json_object *form = NULL;
    salon_session_t *session =
        req->session != NULL && !req->session->closed ? req->session : NULL;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->stored != NULL) hooks->stored(session, topic, form_of(&form, message));
    json_object_put(form);
}

salon_outcome_t hooks_writing(salon_req_t *req, int *at)
{
    const salon_hooks_t *hooks;
    while ((hooks = hooks_next(at)) != NULL) {
        salon_outcome_t outcome = hooks->writing != NULL ? hooks->writing(req) : SALON_GO_ON;
        if (outcome.kind != 0) return outcome;
    }
    return SALON_GO_ON;
}

void salon_acted(const salon_act_t *act)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->acted != NULL) hooks->acted(act);
    json_object_put(act->details);
}

static void audience_add(void *baton, salon_topic_t topic)
{
    APR_ARRAY_PUSH((apr_array_header_t *)baton, salon_topic_t) = topic;
}

const salon_topic_t *salon_audience(apr_int64_t user_id, apr_pool_t *pool, int *count_r)
{
    apr_array_header_t *topics = apr_array_make(pool, 16, sizeof(salon_topic_t));
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->audience != NULL) hooks->audience(user_id, audience_add, topics);
    *count_r = topics->nelts;
    return (const salon_topic_t *)(void *)topics->elts;
}

void hooks_signed_in(salon_session_t *session, const salon_user_t *user)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->signed_in != NULL) hooks->signed_in(session, user);
}

void hooks_signed_out(salon_session_t *session, const salon_user_t *user)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->signed_out != NULL) hooks->signed_out(session, user);
}

void hooks_subscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->subscribed != NULL) hooks->subscribed(session, topic);
}

void hooks_unsubscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->unsubscribed != NULL) hooks->unsubscribed(session, topic);
}

void hooks_erasing(salon_req_t *req, apr_int64_t user_id)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->erasing != NULL) hooks->erasing(req, user_id);
}

void hooks_erased(apr_int64_t user_id)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->erased != NULL) hooks->erased(user_id);
}

void hooks_tick(apr_int64_t now)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->tick != NULL) hooks->tick(now);
}

void hooks_reload(void)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->reload != NULL) hooks->reload();
}

void hooks_stop(void)
{
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->stop != NULL) hooks->stop();
}

salon_appearance_t salon_user_appearance(const salon_user_t *user)
{
    bool online = user->sessions > 0;
    salon_appearance_t appearance = { .online = online,
                                      .last_seen = online ? salon_now() : user->last_seen };
    const salon_hooks_t *hooks;
    for (int at = 0; (hooks = hooks_next(&at)) != NULL;)
        if (hooks->appear != NULL) hooks->appear(user, &appearance);
    return appearance;
}
