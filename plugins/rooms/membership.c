/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in a room: joining, leaving, roles, invitations.  Each is stored before it takes effect in
 * memory, and finds the room anew then, for that may have been removed meanwhile.
 */
#include "attendance.h"
#include "members.h"
#include "rooms.h"

bool room_auto_create;

/* ---- Joining and leaving ---- */

/* Things have changed, perhaps, while this was being stored and read: asks again.  The answer goes
 * first: what is heard of the room comes after it. */
static salon_outcome_t join_ready(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "join", &refused);
    if (room == NULL) return refused;
    const salon_user_t *user = salon_req_user(req);
    if (room_member(room, user->id) == NULL) return salon_fail(req, SALON_DENIED);
    const salon_timeline_info_t *info = salon_timeline_info(room->timeline);
    salon_topic_t topic = room_topic(room);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_integer(json, "member_count", room->members.count);
    salon_json_string(json, "role", room_effective_role(room, user));
    salon_json_optional(json, "last_message_id", info->last_message_id);
    salon_outcome_t outcome = salon_reply(req, json);
    if (salon_req_session(req) != NULL) salon_subscribe(salon_req_session(req), topic);
    return outcome;
}

static salon_outcome_t join_load(salon_req_t *req)
{
    room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    return salon_timeline_load(req, room->timeline, join_ready);
}

static salon_outcome_t joined(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    if (room_member(room, user_id) == NULL) room_member_add(room, user_id, ROOM_MEMBER);
    room_invite(room, user_id, false);
    return join_load(req);
}

/* Who has become a member meanwhile, on another connection or by a role, stays what that is. */
static void sql_join(salon_req_t *req, const room_t *room, apr_int64_t user_id)
{
    if (room->live) return;
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " SELECT id, %ld, %d, %ld FROM rooms WHERE id = %ld AND NOT EXISTS"
              " (SELECT role FROM room_members WHERE room_id = %ld AND user_id = %ld)",
              (long)user_id, ROOM_MEMBER, (long)salon_now(), (long)room->id, (long)room->id,
              (long)user_id);
}

static salon_outcome_t join_new(salon_req_t *req, const room_t *room)
{
    apr_int64_t user_id = salon_req_user(req)->id;
    sql_join(req, room, user_id);
    room_invitation_sql_remove(req, room, user_id);
    return room_store(req, room, joined);
}

static salon_outcome_t join_known(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "join", &refused);
    if (room == NULL) return refused;
    return room_member(room, salon_req_user(req)->id) != NULL ? join_load(req)
                                                              : join_new(req, room);
}

/* Of two who come to an unknown room at the same moment, the later one finds the other's. */
static salon_outcome_t join_unknown(salon_req_t *req)
{
    const char *name = salon_arg_string(req, "room");
    const salon_session_t *session = salon_req_session(req);
    bool create = room_auto_create || salon_arg_boolean(req, "create", false) ||
                  (session != NULL && salon_session_auto_create(session));
    if (name == NULL || !create) return room_none(req);
    return room_is_coming(name) ? room_await(req, join_known)
                                : room_create_then(req, name, join_load);
}

salon_outcome_t room_join(salon_req_t *req)
{
    return room_of(req) == NULL ? join_unknown(req) : join_known(req);
}

typedef struct {
    const room_t *room;
    apr_int64_t user_id;
    apr_array_header_t *sessions;
} leaving_t;

static void leaving_add(salon_session_t *session, void *baton)
{
    const leaving_t *leaving = baton;
    if (salon_session_user(session)->id == leaving->user_id &&
        !attendance_is_guest(session, leaving->room))
        APR_ARRAY_PUSH(leaving->sessions, salon_session_t *) = session;
}

/* Connections that are there as guests stay.  The room may be gone afterwards. */
static void hear_no_longer(salon_req_t *req, const room_t *room, apr_int64_t user_id)
{
    salon_topic_t topic = room_topic(room);
    if (!attendance_has_guest(room, user_id)) {
        salon_unsubscribe_user(user_id, topic);
        return;
    }
    leaving_t leaving = { room, user_id,
                          apr_array_make(salon_req_pool(req), 4, sizeof(salon_session_t *)) };
    salon_topic_each(topic, leaving_add, &leaving);
    for (int i = 0; i < leaving.sessions->nelts; i++)
        salon_unsubscribe(APR_ARRAY_IDX(leaving.sessions, i, salon_session_t *), topic);
}

static salon_outcome_t left(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    room_member_remove(room, user_id);
    hear_no_longer(req, room, user_id);
    return salon_reply(req, json);
}

salon_outcome_t room_leave(salon_req_t *req)
{
    const room_t *room = room_of(req);
    const salon_user_t *user = salon_req_user(req);
    if (room_member(room, user->id) == NULL && !salon_may(user, "read", room_topic(room)))
        return salon_fail(req, SALON_DENIED);
    room_member_sql_remove(req, room, user->id);
    return room_store(req, room, left);
}

/* ---- The members and their roles ---- */

static const salon_user_t *person_of(const salon_req_t *req)
{
    return salon_arg_user(req, "user", "user_id");
}

static void members_add(json_object *list, void *value, void *baton)
{
    const member_t *member = value;
    (void)baton;
    json_object *row = salon_json_user(salon_json(), "user_id", "username", member->user_id);
    salon_json_string(row, "role", room_role_name(member->role));
    salon_json_boolean(row, "is_online", room_member_is_online(member));
    json_object_array_add(list, row);
}

salon_outcome_t room_members(salon_req_t *req)
{
    const room_t *room = room_of(req);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    return salon_reply(req, salon_json_page(json, "members", req, &room->members, members_add,
                                            NULL));
}

typedef struct {
    apr_int64_t user_id;
    room_role_t role;
} role_change_t;

static salon_outcome_t role_changed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const role_change_t *change = salon_req_data(req);
    room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    room_member_add(room, change->user_id, change->role);
    salon_acted(&(salon_act_t){
        .action = "room.role",
        .actor = salon_req_user(req),
        .topic = room_topic(room),
        .target_user_id = change->user_id,
        .details = salon_json_string(salon_json(), "role", room_role_name(change->role)) });
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_integer(json, "user_id", change->user_id);
    return salon_reply(req, salon_json_string(json, "role", room_role_name(change->role)));
}

salon_outcome_t room_role(salon_req_t *req)
{
    const room_t *room = room_of(req);
    const salon_user_t *user = person_of(req);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    role_change_t *change = apr_pcalloc(salon_req_pool(req), sizeof(*change));
    change->user_id = user->id;
    if (!room_role_parse(salon_arg_string(req, "role"), &change->role))
        return salon_fail_argument(req, "role");
    salon_req_set_data(req, change);
    room_member_sql_remove(req, room, user->id);
    room_member_sql_add(req, room, user->id, change->role);
    return room_store(req, room, role_changed);
}

static salon_outcome_t invited(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    const salon_user_t *user = person_of(req);
    if (room == NULL || user == NULL) return room_none(req);
    if (room_member(room, user->id) == NULL) room_invite(room, user->id, true);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    return salon_reply(req, salon_json_integer(json, "user_id", user->id));
}

salon_outcome_t room_do_invite(salon_req_t *req)
{
    const room_t *room = room_of(req);
    const salon_user_t *user = person_of(req);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    room_invitation_sql_remove(req, room, user->id);
    room_invitation_sql_add(req, room, user->id);
    return room_store(req, room, invited);
}
