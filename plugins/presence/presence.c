/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presence: who is here, in what mood, and who is typing.
 *
 * Operations: presence.set, presence.get, typing.start, typing.stop.
 * Events, all droppable: presence {user_id, username, status, message, last_seen, room; turned:
 * true, who was offline is not any more, or the reverse; own: true, to the person's own
 * connections}, to friends and to those who share a room; typing.started, typing.stopped {room or
 * conversation, user_id, username, at}, to the others there.
 *
 * Whoever is invisible looks to others as if they were not connected, in everything that asks for
 * salon_user_appearance, too.
 */
#include <string.h>
#include <sys/param.h>

#include <apr_strings.h>

#include "person.h"
#include "typing.h"

#define MESSAGE_MOST 200

/* ---- Statuses ---- */

static salon_outcome_t was_set(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    person_t *person = person_of(salon_req_user(req)->id);
    person_choose(person, salon_req_data(req));
    return salon_reply(req, person_json(person, true));
}

static salon_outcome_t presence_set(salon_req_t *req)
{
    person_choice_t *choice = apr_pcalloc(salon_req_pool(req), sizeof(*choice));
    choice->message = salon_arg_string(req, "message");
    if (!person_status_parse(salon_arg_string(req, "status"), &choice->status))
        return salon_fail_argument(req, "status");
    salon_req_set_data(req, choice);
    person_sql(req, person_of(salon_req_user(req)->id), choice);
    return salon_store(req, was_set);
}

static bool is_in(const salon_topic_t *topics, int count, salon_topic_t topic)
{
    for (int i = 0; i < count; i++)
        if (topics[i].id == topic.id && strcmp(topics[i].kind, topic.kind) == 0) return true;
    return false;
}

/* Would the user be told, were one of their connections to hear everything that it may? */
static bool is_audience(const salon_user_t *user, apr_int64_t of_id, apr_pool_t *pool)
{
    int count, own_count;
    const salon_topic_t *topics = salon_audience(of_id, pool, &count);
    const salon_topic_t *own = salon_audience(user->id, pool, &own_count);
    if (user->id == of_id || is_in(topics, count, SALON_TOPIC("user", user->id))) return true;
    for (int i = 0; i < count; i++)
        if (strcmp(topics[i].kind, "user") != 0 && is_in(own, own_count, topics[i])) return true;
    return false;
}

static salon_outcome_t presence_get(salon_req_t *req)
{
    const salon_user_t *user = salon_req_user(req);
    apr_int64_t id = salon_arg_integer(req, "user_id", 0);
    if (salon_user_by_id(id) == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    if (!is_audience(user, id, salon_req_pool(req))) return salon_fail(req, SALON_DENIED);
    return salon_reply(req, person_json(person_of(id), user->id == id));
}

/* ---- Typing ---- */

/* The conversation with that person; there may be none yet: then it is a matter of whether the two
 * may begin one, and the person is told as such. */
static salon_topic_t topic_with(const salon_req_t *req, apr_int64_t other_id, const char **what_r)
{
    apr_int64_t id = salon_req_user(req)->id;
    char pair[50];
    apr_snprintf(pair, sizeof(pair), "%" APR_INT64_T_FMT ":%" APR_INT64_T_FMT, MIN(id, other_id),
                 MAX(id, other_id));
    salon_topic_t topic = salon_topic_named("dm", pair);
    if (topic.id != 0) return topic;
    *what_r = "dm";
    return SALON_TOPIC("user", other_id);
}

/* Where the request's arguments say; kind NULL: they say nothing. */
static salon_topic_t topic_of(const salon_req_t *req, const char **what_r, const char **unknown_r)
{
    const char *room = salon_arg_string(req, "room");
    apr_int64_t room_id = salon_arg_integer(req, "room_id", 0);
    apr_int64_t conversation_id = salon_arg_integer(req, "conversation_id", 0);
    apr_int64_t user_id = salon_arg_integer(req, "user_id", 0);
    *unknown_r = "room_not_found";
    if (room != NULL) return salon_topic_named("room", room);
    if (room_id != 0) return SALON_TOPIC("room", room_id);
    *unknown_r = "conversation_not_found";
    if (conversation_id != 0) return SALON_TOPIC("dm", conversation_id);
    *unknown_r = SALON_USER_NOT_FOUND;
    if (salon_user_by_id(user_id) != NULL) return topic_with(req, user_id, what_r);
    return SALON_TOPIC(user_id != 0 ? "user" : NULL, 0);
}

static bool is_unknown(salon_topic_t topic)
{
    if (strcmp(topic.kind, "user") == 0) return salon_user_by_id(topic.id) == NULL;
    json_object *described = salon_describe(topic);
    bool unknown = described == NULL;
    json_object_put(described);
    return unknown;
}

/* Other people's conversations are none of the asker's business; and people without an account have
 * none. */
static bool is_foreign(salon_topic_t topic, const salon_user_t *user)
{
    apr_int64_t ids[2];
    if (user->anonymous && strcmp(topic.kind, "room") != 0) return true;
    return salon_topic_persons(topic, ids) == 2 && ids[0] != user->id && ids[1] != user->id;
}

/* Refused for a reason of its own: muted, blocked.  Pages tell of every key that is pressed, and a
 * refusal of each would be one too many for who may only read. */
static bool is_hushed(const char *code)
{
    return code != NULL && strcmp(code, SALON_DENIED) != 0;
}

/* The topic in which the asker types; false: *refused_r says why there is none.  *heard_r: others
 * may hear of it. */
static bool topic_for(salon_req_t *req, salon_topic_t *topic_r, bool *heard_r,
                      salon_outcome_t *refused_r)
{
    const salon_user_t *user = salon_req_user(req);
    const char *what = "type", *unknown;
    *topic_r = topic_of(req, &what, &unknown);
    if (topic_r->kind == NULL) {
        *refused_r = salon_fail_argument(req, "room_id|room|conversation_id|user_id");
        return false;
    }
    bool known = !is_unknown(*topic_r) && !is_foreign(*topic_r, user);
    const char *code = known ? salon_may_not(user, what, *topic_r) : unknown;
    *heard_r = code == NULL;
    if (*heard_r || (known && is_hushed(code))) return true;
    *refused_r = salon_fail(req, code);
    return false;
}

/* Of the invisible nobody hears anything; people without an account cannot be that. */
static bool is_invisible(const salon_user_t *user)
{
    return !user->anonymous && person_of(user->id)->status == PERSON_INVISIBLE;
}

static salon_outcome_t typing_do_start(salon_req_t *req)
{
    bool heard;
    salon_topic_t topic;
    salon_outcome_t refused;
    const salon_user_t *user = salon_req_user(req);
    if (!topic_for(req, &topic, &heard, &refused)) return refused;
    if (heard && !is_invisible(user)) typing_start(user, topic);
    return salon_reply(req, NULL);
}

static salon_outcome_t typing_do_stop(salon_req_t *req)
{
    bool heard;
    salon_topic_t topic;
    salon_outcome_t refused;
    if (!topic_for(req, &topic, &heard, &refused)) return refused;
    typing_stop(salon_req_user(req), topic);
    return salon_reply(req, NULL);
}

/* ---- Hooks ---- */

static void on_signed_in(salon_session_t *session, const salon_user_t *user)
{
    (void)session;
    if (user->sessions == 1) person_arrive(person_of(user->id));
}

static void on_signed_out(salon_session_t *session, const salon_user_t *user)
{
    (void)session;
    if (user->sessions > 0) return;
    typing_stop_all(user);
    person_leave(person_of(user->id));
}

static void on_subscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_user_t *user = salon_session_user(session);
    if (user == NULL || user->anonymous || strcmp(topic.kind, "room") != 0) return;
    person_hear(person_of(user->id), topic.id);
}

static void on_unsubscribed(salon_session_t *session, salon_topic_t topic)
{
    const salon_user_t *user = salon_session_user(session);
    if (user == NULL || strcmp(topic.kind, "room") != 0) return;
    if (user->anonymous) typing_forget(user, topic);
    else person_hear_not(person_of(user->id), topic.id);
}

static void on_appear(const salon_user_t *user, salon_appearance_t *appearance)
{
    const person_t *person = person_find(user->id);
    if (person == NULL) return;
    if (person->status == PERSON_INVISIBLE)
        *appearance = (salon_appearance_t){ .last_seen = person->last_seen };
    else if (appearance->last_seen < person->last_seen)
        appearance->last_seen = person->last_seen;
}

static void on_tick(apr_int64_t wall_clock)
{
    apr_int64_t now = pace_now();
    (void)wall_clock;
    person_tick(now);
    typing_tick(now);
}

static const salon_hooks_t hooks = {
    .subscribed = on_subscribed,
    .unsubscribed = on_unsubscribed,
    .tick = on_tick,
    .signed_in = on_signed_in,
    .signed_out = on_signed_out,
    .appear = on_appear,
    .erasing = person_vanish,
    .erased = person_forget,
    .stop = person_stop,
};

/* ---- Tables ---- */

static const salon_argument_t set_arguments[] = {
    { "status", SALON_STRING, 0, 1, 0 },
    { "message", SALON_STRING, SALON_OPTIONAL, 0, MESSAGE_MOST },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t get_arguments[] = {
    { "user_id", SALON_ID, 0, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_argument_t typing_arguments[] = {
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "room", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    { "conversation_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { NULL, 0, 0, 0, 0 },
};

static const salon_operation_t operations[] = {
    { .name = "presence.set", .handler = presence_set, .arguments = set_arguments,
      .flags = SALON_WRITES, .help = "choose one's status, and perhaps a message with it" },
    { .name = "presence.get", .handler = presence_get, .arguments = get_arguments,
      .help = "somebody's status" },
    { .name = "typing.start", .handler = typing_do_start, .arguments = typing_arguments,
      .flags = SALON_IMMEDIATE | SALON_ANONYMOUS, .help = "tell that one is typing" },
    { .name = "typing.stop", .handler = typing_do_stop, .arguments = typing_arguments,
      .flags = SALON_IMMEDIATE | SALON_ANONYMOUS, .help = "tell that one types no longer" },
    { .name = NULL },
};

static const salon_event_t events[] = {
    { "presence", SALON_DROPPABLE, "somebody has come, has gone, or has another status" },
    { "typing.started", SALON_DROPPABLE, "somebody is typing" },
    { "typing.stopped", SALON_DROPPABLE, "somebody types no longer" },
    { NULL, 0, NULL },
};

static const salon_setting_t settings[] = {
    { "grace", SALON_SETTING_INTEGER, &person_grace, "2", 0, 3600,
      "seconds after the last connection until somebody counts as gone" },
    { "interval", SALON_SETTING_INTEGER, &person_interval, "2", 0, 3600,
      "seconds, at least, between two events about the same person" },
    { "rate", SALON_SETTING_INTEGER, &person_rate, "25000", 1, 10000000,
      "presence events delivered in a second, to all connections together" },
    { "typing_expiry", SALON_SETTING_INTEGER, &typing_expiry, "6", 1, 3600,
      "seconds after which somebody types no longer who has not said so again" },
    { "typing_interval", SALON_SETTING_INTEGER, &typing_interval, "2", 0, 3600,
      "seconds, at least, between two starts of one person in one place" },
    { "typing_rate", SALON_SETTING_INTEGER, &typing_rate, "25000", 1, 10000000,
      "typing events delivered in a second, to all connections together" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static apr_status_t start(apr_pool_t *pool)
{
    typing_init(pool);
    return person_load(pool);
}

SALON_PLUGIN(presence) = {
    SALON_PLUGIN_HEADER,
    .name = "presence",
    .version = "1.0",
    .summary = "presence: who is here, statuses, typing",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .settings = settings,
    .migrations = person_migrations,
    .personal = person_personal,
    .start = start,
};
