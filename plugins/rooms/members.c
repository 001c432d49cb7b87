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

static apr_hash_t *memberships_by_user; /* user id -> memberships_t */

static memberships_t *memberships_find(apr_int64_t user_id)
{
    return apr_hash_get(memberships_by_user, &user_id, sizeof(user_id));
}

static memberships_t *memberships_of(apr_int64_t user_id)
{
    memberships_t *memberships = memberships_find(user_id);
    if (memberships != NULL) return memberships;
    memberships = calloc(1, sizeof(*memberships));
    if (memberships == NULL) abort();
    memberships->user_id = user_id;
    apr_hash_set(memberships_by_user, &memberships->user_id, sizeof(memberships->user_id),
                 memberships);
    return memberships;
}

static void member_free(member_t *member)
{
    memberships_t *memberships = memberships_find(member->user_id);
    LIST_REMOVE(member, of_user);
    free(member);
    if (!LIST_EMPTY(&memberships->members)) return;
    apr_hash_set(memberships_by_user, &memberships->user_id, sizeof(memberships->user_id), NULL);
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
    return apr_hash_get(room->members, &user_id, sizeof(user_id));
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
        apr_hash_set(room->members, &member->user_id, sizeof(member->user_id), member);
    }
    member->role = role;
    return member;
}

void room_member_remove(room_t *room, apr_int64_t user_id)
{
    member_t *member = room_member(room, user_id);
    if (member == NULL) return;
    apr_hash_set(room->members, &user_id, sizeof(user_id), NULL);
    member_free(member);
}

/* ---- Invitations ---- */

bool room_invited(const room_t *room, apr_int64_t user_id)
{
    return apr_hash_get(room->invitations, &user_id, sizeof(user_id)) != NULL;
}

void room_invite(room_t *room, apr_int64_t user_id, bool invited)
{
    apr_int64_t *known = apr_hash_get(room->invitations, &user_id, sizeof(user_id));
    if (invited == (known != NULL)) return;
    if (invited) {
        known = malloc(sizeof(*known));
        if (known == NULL) abort();
        *known = user_id;
        apr_hash_set(room->invitations, known, sizeof(*known), known);
    } else {
        apr_hash_set(room->invitations, &user_id, sizeof(user_id), NULL);
        free(known);
    }
}

/* ---- Of a room, of a user ---- */

void room_members_free(room_t *room)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, room->members); i; i = apr_hash_next(i))
        member_free(apr_hash_this_val(i));
    for (apr_hash_index_t *i = apr_hash_first(NULL, room->invitations); i; i = apr_hash_next(i))
        free(apr_hash_this_val(i));
}

void room_forget_user(apr_int64_t user_id)
{
    apr_pool_t *pool;
    memberships_t *memberships;
    while ((memberships = memberships_find(user_id)) != NULL)
        room_member_remove(room_find(LIST_FIRST(&memberships->members)->room->id), user_id);
    apr_pool_create(&pool, NULL);
    const apr_array_header_t *rooms = room_all(pool);
    for (int i = 0; i < rooms->nelts; i++)
        room_invite(APR_ARRAY_IDX(rooms, i, room_t *), user_id, false);
    apr_pool_destroy(pool);
}

int room_online_count(const room_t *room)
{
    int count = 0;
    for (apr_hash_index_t *i = apr_hash_first(NULL, room->members); i; i = apr_hash_next(i)) {
        const member_t *member = apr_hash_this_val(i);
        const salon_user_t *user = salon_user_by_id(member->user_id);
        count += user != NULL && salon_user_appearance(user).online;
    }
    return count;
}

/* ---- In the tables ---- */

void room_member_sql_add(salon_req_t *req, const room_t *room, apr_int64_t user_id,
                         room_role_t role)
{
    if (room->live) return;
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " VALUES (%ld, %ld, %d, %ld)", (long)room->id, (long)user_id, role,
              (long)salon_now());
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
    salon_sql(req, "INSERT INTO room_invitations (room_id, user_id) VALUES (%ld, %ld)",
              (long)room->id, (long)user_id);
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

apr_status_t room_members_load(apr_pool_t *pool)
{
    memberships_by_user = apr_hash_make(pool);
    apr_status_t rv =
        salon_load_each(member_take, "SELECT room_id, user_id, role FROM room_members");
    return rv != APR_SUCCESS
               ? rv
               : salon_load_each(invitation_take, "SELECT room_id, user_id FROM room_invitations");
}
