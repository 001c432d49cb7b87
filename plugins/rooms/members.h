/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is a member of which room, and who is invited: in memory, and in the tables room_members and
 * room_invitations.
 */
#ifndef MEMBERS_H
#define MEMBERS_H

#include "room.h"

/* Reads all, when the rooms are there; in start(). */
apr_status_t room_members_load(void);
/* Of a room that is removed. */
void room_members_free(room_t *room);

/* Calls `each` for the rooms that the user is a member of, in no order. */
void room_each_of(apr_int64_t user_id, void (*each)(const room_t *room, void *baton), void *baton);
/* NULL: not a member. */
member_t *room_member(const room_t *room, apr_int64_t user_id);
/* Who is a member already gets that role. */
member_t *room_member_add(room_t *room, apr_int64_t user_id, room_role_t role);
void room_member_remove(room_t *room, apr_int64_t user_id);
/* Add to the request what stores that; who is a member already must be removed first. */
void room_member_sql_add(salon_req_t *req, const room_t *room, apr_int64_t user_id,
                         room_role_t role);
void room_member_sql_remove(salon_req_t *req, const room_t *room, apr_int64_t user_id);
void room_invitation_sql_add(salon_req_t *req, const room_t *room, apr_int64_t user_id);
void room_invitation_sql_remove(salon_req_t *req, const room_t *room, apr_int64_t user_id);
bool room_invited(const room_t *room, apr_int64_t user_id);
/* From now on the user is invited, or is no longer. */
void room_invite(room_t *room, apr_int64_t user_id, bool invited);
/* Nobody's member and invited by nobody from now on; the hook. */
void room_forget_user(apr_int64_t user_id);
/* Does the member look as if connected; how many do? */
bool room_member_is_online(const member_t *member);
int room_online_count(const room_t *room);

#endif
