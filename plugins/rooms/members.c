/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memberships, found from both sides: in each room by the user, and for each user as a list.
 */
#include "members.h"

#include <stdlib.h>

/* Of one user. */
typedef struct {
    apr_int64_t user_id;
    LIST_HEAD(, member_t) members;
} memberships_t;

static salon_map_t memberships_by_user; /* user id -> memberships_t */

static memberships_t *memberships_find(apr_int64_t user_id)
{
    return salon_map_get(&memberships_by_user, user_id);
}

static memberships_t *memberships_of(apr_int64_t user_id)
{
    memberships_t *memberships = memberships_find(user_id);
    if (memberships != NULL) return memberships;
    memberships = calloc(1, sizeof(*memberships));
    if (memberships == NULL) abort();
    memberships->user_id = user_id;
    salon_map_set(&memberships_by_user, user_id, memberships);
    return memberships;
}

static void member_free(member_t *member)
{
    memberships_t *memberships = memberships_find(member->user_id);
    LIST_REMOVE(member, of_user);
    free(member);
    if (!LIST_EMPTY(&memberships->members)) return;
    salon_map_set(&memberships_by_user, memberships->user_id, NULL);
    free(memberships);
}

void room_each_of(apr_int64_t user_id, void (*each)(const room_t *room, void *baton), void *baton)
{
    const member_t *member;
    const memberships_t *memberships = memberships_find(user_id);
    if (memberships == NULL) return;
    LIST_FOREACH(member, &memberships->members, of_user) each(member->room, baton);
}

member_t *room_member(const room_t *room, apr_int64_t user_id)
{
    return salon_map_get(&room->members, user_id);
}

member_t *room_member_add(room_t *room, apr_int64_t user_id, room_role_t role)
{
    member_t *member = room_member(room, user_id);
    if (member == NULL) {
        member = calloc(1, sizeof(*member));
        if (member == NULL) abort();
        member->user_id = user_id;
        member->room = room;
        LIST_INSERT_HEAD(&memberships_of(user_id)->members, member, of_user);
        salon_map_set(&room->members, user_id, member);
    }
    member->role = role;
    return member;
}

void room_member_remove(room_t *room, apr_int64_t user_id)
{
    member_t *member = room_member(room, user_id);
    if (member == NULL) return;
    salon_map_set(&room->members, user_id, NULL);
    member_free(member);
}

/* ---- Invitations ---- */

bool room_invited(const room_t *room, apr_int64_t user_id)
{
    return salon_map_get(&room->invitations, user_id) != NULL;
}

void room_invite(room_t *room, apr_int64_t user_id, bool invited)
{
    salon_map_set(&room->invitations, user_id, invited ? room : NULL);
}

/* ---- Of a room, of a user ---- */

void room_members_free(room_t *room)
{
    member_t *member;
    for (unsigned at = 0; (member = salon_map_next(&room->members, &at)) != NULL;)
        member_free(member);
    salon_map_clear(&room->members);
    salon_map_clear(&room->invitations);
}

void room_forget_user(apr_int64_t user_id)
{
    room_t *room;
    memberships_t *memberships;
    while ((memberships = memberships_find(user_id)) != NULL)
        room_member_remove(room_find(LIST_FIRST(&memberships->members)->room->id), user_id);
    for (unsigned at = 0; (room = salon_map_next(room_all(), &at)) != NULL;)
        room_invite(room, user_id, false);
}

/* Who has no connection does not look as if. */
bool room_member_is_online(const member_t *member)
{
    const salon_user_t *user = salon_map_get(salon_users_online(), member->user_id);
    return user != NULL && salon_user_appearance(user).online;
}

static int online_among_members(const room_t *room)
{
    int count = 0;
    const member_t *member;
    for (unsigned at = 0; (member = salon_map_next(&room->members, &at)) != NULL;)
        count += room_member_is_online(member);
    return count;
}

/* Looks at the members or at those who are connected, whichever are fewer. */
int room_online_count(const room_t *room)
{
    int count = 0;
    const member_t *member;
    const salon_user_t *user;
    const salon_map_t *online = salon_users_online();
    if (room->members.count <= online->count) return online_among_members(room);
    for (unsigned at = 0; (user = salon_map_next(online, &at)) != NULL;)
        if ((member = room_member(room, user->id)) != NULL) count += room_member_is_online(member);
    return count;
}

/* ---- In the tables ---- */

/* What they add is for a room that may have been removed, and for somebody who may have become a
 * member, since memory was asked: the transactions before this one know. */

void room_member_sql_add(salon_req_t *req, const room_t *room, apr_int64_t user_id,
                         room_role_t role)
{
    if (room->live) return;
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " SELECT id, %ld, %d, %ld FROM rooms WHERE id = %ld",
              (long)user_id, role, (long)salon_now(), (long)room->id);
}

void room_member_sql_remove(salon_req_t *req, const room_t *room, apr_int64_t user_id)
{
    if (room->live) return;
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld AND user_id = %ld",
              (long)room->id, (long)user_id);
}

void room_invitation_sql_add(salon_req_t *req, const room_t *room, apr_int64_t user_id)
{
    if (room->live) return;
    salon_sql(req, "INSERT INTO room_invitations (room_id, user_id)"
              " SELECT id, %ld FROM rooms WHERE id = %ld AND NOT EXISTS"
              " (SELECT role FROM room_members WHERE room_id = %ld AND user_id = %ld)",
              (long)user_id, (long)room->id, (long)room->id, (long)user_id);
}

void room_invitation_sql_remove(salon_req_t *req, const room_t *room, apr_int64_t user_id)
{
    if (room->live) return;
    salon_sql(req, "DELETE FROM room_invitations WHERE room_id = %ld AND user_id = %ld",
              (long)room->id, (long)user_id);
}

static void member_take(const salon_rows_t *rows, int row)
{
    room_t *room = room_find(salon_rows_integer(rows, row, 0));
    room_role_t role = (room_role_t)salon_rows_integer(rows, row, 2);
    if (room != NULL) room_member_add(room, salon_rows_integer(rows, row, 1), role);
}

static void invitation_take(const salon_rows_t *rows, int row)
{
    room_t *room = room_find(salon_rows_integer(rows, row, 0));
    if (room != NULL) room_invite(room, salon_rows_integer(rows, row, 1), true);
}

apr_status_t room_members_load(void)
{
    apr_status_t rv =
        salon_load_each(member_take, "SELECT room_id, user_id, role FROM room_members");
    return rv != APR_SUCCESS
               ? rv
               : salon_load_each(invitation_take, "SELECT room_id, user_id FROM room_invitations");
}
