/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rooms there are, in memory: by id, by name, by slug, each with its members.
 */
#ifndef ROOM_H
#define ROOM_H

#include <sys/queue.h>

#include <apr_tables.h>

#include <salon/map.h>
#include <salon/message.h>

/* What a member may do, in rising order; stored. */
typedef enum { ROOM_MEMBER, ROOM_MODERATOR, ROOM_OWNER } room_role_t;

typedef struct member_t {
    apr_int64_t user_id;
    room_role_t role;
    const struct room_t *room;
    LIST_ENTRY(member_t) of_user;
} member_t;

/* Somebody who is in a room at the moment; or has been, and others have not been told yet. */
typedef struct attendant_t {
    apr_int64_t user_id;
    int connections, guests; /* that hear the room; those of them that are there as guests */
    TAILQ_HEAD(changes_t, change_t) changes; /* that others have not been told of */
} attendant_t;

/* May people without an account enter?  Stored. */
typedef enum { ROOM_MEMBERS_ONLY, ROOM_ANYBODY, ROOM_AS_SET } room_anonymous_t;

typedef struct room_t {
    apr_int64_t id;
    const char *name, *slug;
    const char *description; /* NULL: none */
    bool private_;
    bool memory; /* what is said is not stored */
    bool live;   /* nothing of it is stored, and it ends with the last connection */
    room_anonymous_t anonymous;
    apr_int64_t created_by, created_at;
    salon_map_t members;     /* user id -> member_t */
    salon_map_t invitations; /* user id -> anything */
    salon_map_t attendants;  /* user id -> attendant_t */
    salon_map_t guests;      /* connection, as a number -> itself */
    int people;              /* who are there */
    apr_int64_t unjoined_until; /* of a live one that nobody is in, see live.c; else 0 */
    TAILQ_ENTRY(room_t) unjoined;
    salon_timeline_t *timeline;
} room_t;

extern const salon_timeline_kind_t room_timeline;
/* A setting: may people without an account enter public rooms that do not say? */
extern bool room_allow_anonymous;
extern const salon_migration_t room_migrations[];
extern const salon_personal_t room_personal[];

/* Reads all rooms; in start(). */
apr_status_t room_load(apr_pool_t *pool);

/* NULL: none. */
room_t *room_find(apr_int64_t id);
/* By name, or by slug; NULL: none. */
room_t *room_find_name(const char *name);
/* By a text that is an id, a name or a slug; NULL: none. */
room_t *room_find_text(const char *text);
/* All rooms, by id. */
const salon_map_t *room_all(void);

/* Puts a room into the directory: a copy, up to created_at. */
room_t *room_add(const room_t *facts);
/* Takes it out, lets go of those who hear it, and frees it. */
void room_remove(room_t *room);

/* Runs the statements that were added, then `then`; of a live room there are none, and `then` is
 * called at once. */
salon_outcome_t room_store(salon_req_t *req, const room_t *room, salon_then_t *then);

const char *room_role_name(room_role_t role);
/* False for an unknown name. */
bool room_role_parse(const char *name, room_role_t *role_r);
/* The user's role in the room, or on the whole server where that is higher: its name. */
const char *room_effective_role(const room_t *room, const salon_user_t *user);

salon_topic_t room_topic(const room_t *room);
/* A new object: id, name, slug, is_public. */
json_object *room_json(const room_t *room);
/* The same, and: description, type ("live", "lasting"), allow_anonymous, created_by, created_at. */
json_object *room_details_json(const room_t *room);
bool room_admits_anonymous(const room_t *room);
/* May the user do this in the room?  See salon_may. */
bool room_allows(const room_t *room, const salon_user_t *user, const char *what);

#endif
