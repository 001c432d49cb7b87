/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms belong to another plugin: they are found and described through salond, and what somebody is
 * in one is told by what that person may do there.
 */
#include "place.h"

#include <string.h>

#include <apr_strings.h>

#define ROOM "room"

static bool ranking;

/* ---- Where ---- */

bool place_is_server(const place_t *place)
{
    return place->key[0] == '\0';
}

const char *place_key(salon_topic_t topic, apr_pool_t *pool)
{
    if (strcmp(topic.kind, ROOM) != 0) return NULL;
    json_object *json = salon_describe(topic), *room, *slug;
    const char *key = NULL;
    if (json_object_object_get_ex(json, ROOM, &room) &&
        json_object_object_get_ex(room, "slug", &slug))
        key = apr_pstrcat(pool, ROOM "/", json_object_get_string(slug), NULL);
    json_object_put(json);
    return key;
}

const char *place_topic_text(salon_topic_t topic, apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s:%" APR_INT64_T_FMT, topic.kind, topic.id);
}

bool place_of(salon_req_t *req, place_t *place_r, salon_outcome_t *refused_r)
{
    const char *name = salon_arg_string(req, "room");
    apr_int64_t id = salon_arg_integer(req, "room_id", 0);
    *place_r = (place_t){ .topic = SALON_SERVER, .key = "" };
    if (name == NULL && id == 0) return true;
    place_r->topic = name != NULL ? salon_topic_named(ROOM, name) : SALON_TOPIC(ROOM, id);
    place_r->key = place_key(place_r->topic, salon_req_pool(req));
    if (place_r->key != NULL) return true;
    *refused_r = salon_fail(req, "room_not_found");
    return false;
}

static bool place_for(salon_req_t *req, const char *what, salon_topic_t *topic_r,
                      salon_outcome_t *refused_r)
{
    place_t *place = apr_palloc(salon_req_pool(req), sizeof(*place));
    if (!place_of(req, place, refused_r)) return false;
    const char *code = place_may_not(salon_req_user(req), what, place);
    bool is_wide = place_is_server(place) && salon_req_session(req) != NULL;
    if (is_wide) *refused_r = salon_fail_argument(req, "room_id");
    else if (code != NULL) *refused_r = salon_fail(req, code);
    salon_req_set_data(req, place);
    *topic_r = place->topic;
    return !is_wide && code == NULL;
}

bool place_moderated(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r)
{
    return place_for(req, "moderate", topic_r, refused_r);
}

bool place_audited(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r)
{
    return place_for(req, "audit", topic_r, refused_r);
}

json_object *place_describe(json_object *object, const place_t *place)
{
    json_object *json = salon_describe(place->topic), *room;
    if (json_object_object_get_ex(json, ROOM, &room))
        salon_json_value(object, ROOM, json_object_get(room));
    json_object_put(json);
    return object;
}

salon_outcome_t place_reply(salon_req_t *req, const salon_rows_t *rows, const char *name,
                            json_object *(*form)(const salon_rows_t *rows, int row))
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < rows->count; i++) json_object_array_add(list, form(rows, i));
    json_object *json = place_describe(salon_json(), salon_req_data(req));
    return salon_reply(req, salon_json_value(json, name, list));
}

/* ---- Who ---- */

const char *place_may_not(const salon_user_t *user, const char *what, const place_t *place)
{
    if (user->id == SALON_SYSTEM_USER) return NULL;
    if (!place_is_server(place)) return salon_may_not(user, what, place->topic);
    return user->role >= SALON_ROLE_ADMIN ? NULL : SALON_DENIED;
}

/* Among people of the same role on the server. */
static int rank_of(const salon_user_t *user, const place_t *place)
{
    enum { MEMBER, MODERATOR, OWNER };
    if (place_is_server(place)) return MEMBER;
    if (salon_may(user, "manage", place->topic)) return OWNER;
    return salon_may(user, "moderate", place->topic) ? MODERATOR : MEMBER;
}

/* The role on the server comes first, since anybody can make a room and own it; administrators all
 * stand alike. */
bool place_outranks(const salon_user_t *user, const salon_user_t *other, const place_t *place)
{
    if (user->id == SALON_SYSTEM_USER || other->id == SALON_SYSTEM_USER)
        return other->id != SALON_SYSTEM_USER;
    if (user->role != other->role) return user->role > other->role;
    ranking = true;
    bool above = rank_of(user, place) > rank_of(other, place);
    ranking = false;
    return above;
}

bool place_ranking(void)
{
    return ranking;
}
