/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moderators do to people: a mute, a ban, a kick, and taking them back are one deed with other
 * parts.  It is stored together with its line in the audit log; then it takes effect, and is told.
 */
#include "deed.h"

#include <string.h>

#include "audit.h"
#include "place.h"
#include "sanction.h"
#include "slow.h"

#define MINUTE 60000 /* milliseconds */

typedef struct {
    const char *name, *audited;
    const char *needs;    /* what one must be allowed to do there */
    sanction_kind_t kind; /* what is remembered; 0: nothing */
    bool out;             /* the person has to leave */
} action_t;

static const action_t mute = { "mute", "moderation.mute", "moderate", SANCTION_MUTE, false };
static const action_t ban = { "ban", "moderation.ban", "manage", SANCTION_BAN, true };
static const action_t kick = { "kick", "moderation.kick", "moderate", 0, true };
static const action_t lift = { "lift", "moderation.lift", "moderate", 0, false };

/* What a request is about to do. */
typedef struct {
    const action_t *action;
    place_t place;
    sanction_t sanction; /* whom, for how long, why; of every action */
    apr_int64_t minutes;
} deed_t;

static json_object *deed_json(const deed_t *deed)
{
    const sanction_t *s = &deed->sanction;
    json_object *json = place_describe(salon_json(), &deed->place);
    salon_json_string(json, "action", deed->action->name);
    salon_json_integer(json, "target_user_id", s->user_id);
    salon_json_integer(json, "moderator_user_id", s->created_by);
    salon_json_integer(json, "duration_minutes", deed->minutes);
    salon_json_optional(json, "expires_at", s->expires_at);
    salon_json_string(json, "reason", s->reason);
    return salon_json_integer(json, "at", s->created_at);
}

static void deed_tell(const deed_t *deed, json_object *json)
{
    apr_int64_t user_id = deed->sanction.user_id;
    bool everywhere = place_is_server(&deed->place);
    salon_publish(everywhere ? SALON_TOPIC("user", user_id) : deed->place.topic,
                  "moderation.acted", json);
    if (!deed->action->out) return;
    if (everywhere) salon_close_user(user_id, SANCTIONED, deed->action->name);
    else salon_unsubscribe_user(user_id, deed->place.topic);
}

static salon_outcome_t deed_stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const deed_t *deed = salon_req_data(req);
    if (deed->action->kind != 0) sanction_put(&deed->sanction);
    if (deed->action == &lift) sanction_remove(deed->sanction.user_id, deed->place.key);
    json_object *json = deed_json(deed);
    salon_outcome_t outcome = salon_reply(req, json_object_get(json));
    deed_tell(deed, json);
    return outcome;
}

static json_object *deed_details(const deed_t *deed)
{
    json_object *json = salon_json_integer(salon_json(), "duration_minutes", deed->minutes);
    return salon_json_string(json, "reason", deed->sanction.reason);
}

static salon_outcome_t deed_store(salon_req_t *req, deed_t *deed)
{
    const sanction_t *s = &deed->sanction;
    const salon_act_t act = { .action = deed->action->audited,
                              .actor = salon_req_user(req),
                              .topic = deed->place.topic,
                              .target_user_id = s->user_id,
                              .details = deed_details(deed) };
    if (!audit_sql(req, &act)) return salon_fail(req, SALON_UNAVAILABLE);
    if (deed->action->kind != 0) {
        sanction_begin(req, s);
        sanction_sql_put(req, s);
    }
    if (deed->action == &lift) sanction_sql_remove(req, s->user_id, deed->place.key);
    salon_req_set_data(req, deed);
    return salon_store(req, deed_stored);
}

/* Lifting a ban takes what banning takes. */
static const char *may_not(const salon_user_t *user, const deed_t *deed,
                           const salon_user_t *target)
{
    const char *needs = deed->action->needs;
    if (deed->action == &lift && target != NULL &&
        sanction_find(target->id, deed->place.key, SANCTION_BAN) != NULL)
        needs = ban.needs;
    return place_may_not(user, needs, &deed->place);
}

static deed_t *deed_make(salon_req_t *req, const action_t *action)
{
    deed_t *deed = apr_pcalloc(salon_req_pool(req), sizeof(*deed));
    deed->action = action;
    if (action->kind != 0) deed->minutes = salon_arg_integer(req, "minutes", 0);
    deed->sanction = (sanction_t){ .kind = action->kind,
                                   .created_at = salon_now(),
                                   .created_by = salon_req_user(req)->id,
                                   .reason = salon_arg_string(req, "reason") };
    if (deed->minutes > 0)
        deed->sanction.expires_at = deed->sanction.created_at + deed->minutes * MINUTE;
    return deed;
}

static salon_outcome_t act(salon_req_t *req, const action_t *action)
{
    salon_outcome_t refused;
    deed_t *deed = deed_make(req, action);
    const salon_user_t *user = salon_req_user(req);
    const salon_user_t *target = salon_arg_user(req, "user", "user_id");
    if (!place_of(req, &deed->place, &refused)) return refused;
    const char *code = may_not(user, deed, target);
    if (code != NULL) return salon_fail(req, code);
    if (target == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (!place_outranks(user, target, &deed->place)) return salon_fail(req, SALON_DENIED);
    deed->sanction.user_id = target->id;
    deed->sanction.place = deed->place.key;
    return deed_store(req, deed);
}

salon_outcome_t moderation_mute(salon_req_t *req)
{
    return act(req, &mute);
}

salon_outcome_t moderation_ban(salon_req_t *req)
{
    return act(req, &ban);
}

salon_outcome_t moderation_kick(salon_req_t *req)
{
    return act(req, &kick);
}

salon_outcome_t moderation_lift(salon_req_t *req)
{
    return act(req, &lift);
}

/* ---- Looking at them ---- */

typedef struct {
    const char *place;
    apr_int64_t now;
} listing_t;

static json_object *sanction_json(const sanction_t *s)
{
    json_object *row = salon_json_user(salon_json(), "user_id", "username", s->user_id);
    salon_json_string(row, "action", sanction_kind_name(s->kind));
    salon_json_optional(row, "expires_at", s->expires_at);
    salon_json_integer(row, "created_at", s->created_at);
    salon_json_integer(row, "moderator_user_id", s->created_by);
    return salon_json_string(row, "reason", s->reason);
}

static void list_add(json_object *list, void *value, void *baton)
{
    const sanctioned_t *person = value;
    const listing_t *listing = baton;
    for (const sanction_t *s = person->first; s != NULL; s = s->next)
        if (strcmp(s->place, listing->place) == 0 && sanction_holds(s, listing->now))
            json_object_array_add(list, sanction_json(s));
}

salon_outcome_t moderation_list(salon_req_t *req)
{
    const place_t *place = salon_req_data(req);
    listing_t listing = { place->key, salon_now() };
    json_object *json = place_describe(salon_json(), place);
    if (!place_is_server(place))
        salon_json_integer(json, "slow_seconds", slow_seconds(place->key));
    return salon_reply(req, salon_json_page(json, "sanctions", req, sanction_people(place->key),
                                            list_add, &listing));
}
