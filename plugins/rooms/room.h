/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms there are, in memory: by id, by name, by slug, each with its members.
 */
#ifndef ROOM_H
#define ROOM_H

#include <apr_hash.h>
#include <apr_tables.h>

#include <salon/message.h>

/* What a member may do, in rising order; stored. */
typedef enum { ROOM_MEMBER, ROOM_MODERATOR, ROOM_OWNER } room_role_t;

typedef struct member_t {
    apr_int64_t user_id;
    room_role_t role;
} member_t;

typedef struct room_t {
    apr_int64_t id;
    char *name, *slug;
    bool private_, memory;
    apr_int64_t created_by, created_at;
    apr_hash_t *members;     /* user id -> member_t */
    apr_hash_t *invitations; /* user id -> itself */
    apr_pool_t *pool;
    salon_timeline_t *timeline;
} room_t;

extern const salon_timeline_kind_t room_timeline;
extern const salon_migration_t room_migrations[];

/* Reads all rooms; in start(). */
apr_status_t room_load(apr_pool_t *pool);

/* NULL: none. */
room_t *room_find(apr_int64_t id);
/* By name, or by slug; NULL: none. */
room_t *room_find_name(const char *name);
/* By a text that is an id, a name or a slug; NULL: none. */
room_t *room_find_text(const char *text);
/* All rooms, in no order: room_t *, in the pool. */
const apr_array_header_t *room_all(apr_pool_t *pool);

/* Puts a room into the directory. */
room_t *room_add(apr_int64_t id, const char *name, const char *slug, bool private_, bool memory,
                 apr_int64_t created_by, apr_int64_t created_at);
/* Takes it out, and frees it. */
void room_remove(room_t *room);

/* NULL: not a member. */
member_t *room_member(const room_t *room, apr_int64_t user_id);
/* Who is a member already gets that role. */
member_t *room_member_add(room_t *room, apr_int64_t user_id, room_role_t role);
void room_member_remove(room_t *room, apr_int64_t user_id);
/* Add to the request what stores that; who is a member already must be removed first. */
void room_member_sql_add(salon_req_t *req, apr_int64_t room_id, apr_int64_t user_id,
                         room_role_t role);
void room_member_sql_remove(salon_req_t *req, apr_int64_t room_id, apr_int64_t user_id);
/* From now on the user is invited, or is no longer. */
void room_invite(room_t *room, apr_int64_t user_id, bool invited);
/* Members who look as if they were connected. */
int room_online_count(const room_t *room);

const char *room_role_name(room_role_t role);
/* False for an unknown name. */
bool room_role_parse(const char *name, room_role_t *role_r);
/* The user's role in the room, or on the whole server where that is higher: its name. */
const char *room_effective_role(const room_t *room, const salon_user_t *user);

salon_topic_t room_topic(const room_t *room);
/* A new object: id, name, slug, is_public. */
json_object *room_json(const room_t *room);
/* May the user do this in the room?  See salon_may. */
bool room_allows(const room_t *room, const salon_user_t *user, const char *what);

#endif
