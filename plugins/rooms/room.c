/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms and memberships are few beside messages, and asked for with every one of them; so all are
 * kept in memory (about 100 bytes a membership), and written through.
 */
#include "room.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

static struct {
    apr_pool_t *pool;
    apr_hash_t *by_id, *by_name, *by_slug;
} directory;

static const char *const rooms_1[] = {
    "CREATE TABLE rooms (id BIGINT PRIMARY KEY, name VARCHAR(255) NOT NULL,"
    " slug VARCHAR(100) NOT NULL, is_private SMALLINT NOT NULL, is_memory SMALLINT NOT NULL,"
    " created_by BIGINT NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX rooms_name ON rooms (name)",
    "CREATE UNIQUE INDEX rooms_slug ON rooms (slug)",
    "CREATE TABLE room_members (room_id BIGINT NOT NULL, user_id BIGINT NOT NULL,"
    " role SMALLINT NOT NULL, joined_at BIGINT NOT NULL, PRIMARY KEY (room_id, user_id))",
    "CREATE TABLE room_invitations (room_id BIGINT NOT NULL, user_id BIGINT NOT NULL,"
    " PRIMARY KEY (room_id, user_id))",
    NULL,
};

const salon_migration_t room_migrations[] = { { 1, rooms_1 }, { 0, NULL } };

static json_object *describe(apr_int64_t id)
{
    const room_t *room = room_find(id);
    return room != NULL ? room_json(room) : NULL;
}

static apr_int64_t find(const char *text)
{
    const room_t *room = room_find_text(text);
    return room != NULL ? room->id : 0;
}

const salon_timeline_kind_t room_timeline = {
    .name = "room", .number = 1, .member = "room", .describe = describe, .find = find
};

/* ---- Finding ---- */

room_t *room_find(apr_int64_t id)
{
    return apr_hash_get(directory.by_id, &id, sizeof(id));
}

room_t *room_find_name(const char *name)
{
    room_t *room = apr_hash_get(directory.by_name, name, APR_HASH_KEY_STRING);
    return room != NULL ? room : apr_hash_get(directory.by_slug, name, APR_HASH_KEY_STRING);
}

room_t *room_find_text(const char *text)
{
    bool is_id = text[strspn(text, "0123456789")] == '\0';
    room_t *room = is_id ? room_find(apr_strtoi64(text, NULL, 10)) : NULL;
    return room != NULL ? room : room_find_name(text);
}

const apr_array_header_t *room_all(apr_pool_t *pool)
{
    int count = (int)apr_hash_count(directory.by_id);
    apr_array_header_t *rooms = apr_array_make(pool, count, sizeof(room_t *));
    for (apr_hash_index_t *i = apr_hash_first(pool, directory.by_id); i; i = apr_hash_next(i))
        APR_ARRAY_PUSH(rooms, room_t *) = apr_hash_this_val(i);
    return rooms;
}

/* ---- Adding and removing ---- */

room_t *room_add(apr_int64_t id, const char *name, const char *slug, bool private_, bool memory,
                 apr_int64_t created_by, apr_int64_t created_at)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, directory.pool);
    room_t *room = apr_pcalloc(pool, sizeof(*room));
    *room = (room_t){ .id = id,
                      .name = apr_pstrdup(pool, name),
                      .slug = apr_pstrdup(pool, slug),
                      .private_ = private_,
                      .memory = memory,
                      .created_by = created_by,
                      .created_at = created_at,
                      .members = apr_hash_make(pool),
                      .invitations = apr_hash_make(pool),
                      .pool = pool };
    room->timeline = salon_timeline_open(&room_timeline, id, memory);
    apr_hash_set(directory.by_id, &room->id, sizeof(room->id), room);
    apr_hash_set(directory.by_name, room->name, APR_HASH_KEY_STRING, room);
    apr_hash_set(directory.by_slug, room->slug, APR_HASH_KEY_STRING, room);
    return room;
}

static void ids_free(apr_hash_t *hash)
{
    for (apr_hash_index_t *i = apr_hash_first(NULL, hash); i; i = apr_hash_next(i))
        free(apr_hash_this_val(i));
}

void room_remove(room_t *room)
{
    salon_unsubscribe_all(room_topic(room));
    salon_timeline_close(&room->timeline);
    apr_hash_set(directory.by_id, &room->id, sizeof(room->id), NULL);
    apr_hash_set(directory.by_name, room->name, APR_HASH_KEY_STRING, NULL);
    apr_hash_set(directory.by_slug, room->slug, APR_HASH_KEY_STRING, NULL);
    ids_free(room->members);
    ids_free(room->invitations);
    apr_pool_destroy(room->pool);
}

member_t *room_member(const room_t *room, apr_int64_t user_id)
{
    return apr_hash_get(room->members, &user_id, sizeof(user_id));
}

member_t *room_member_add(room_t *room, apr_int64_t user_id, room_role_t role)
{
    member_t *member = room_member(room, user_id);
    if (member == NULL) {
        member = malloc(sizeof(*member));
        if (member == NULL) abort();
        member->user_id = user_id;
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
    free(member);
}

void room_member_sql_add(salon_req_t *req, apr_int64_t room_id, apr_int64_t user_id,
                         room_role_t role)
{
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " VALUES (%ld, %ld, %d, %ld)", (long)room_id, (long)user_id, role, (long)salon_now());
}

void room_member_sql_remove(salon_req_t *req, apr_int64_t room_id, apr_int64_t user_id)
{
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld AND user_id = %ld", (long)room_id,
              (long)user_id);
}

static bool room_invited(const room_t *room, apr_int64_t user_id)
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

/* ---- Loading ---- */

static apr_status_t members_load(apr_pool_t *pool)
{
    const salon_rows_t *rows = salon_load(pool, "SELECT room_id, user_id, role FROM room_members");
    const salon_rows_t *invited = salon_load(pool, "SELECT room_id, user_id FROM room_invitations");
    if (rows == NULL || invited == NULL) return APR_EGENERAL;
    for (int i = 0; i < rows->count; i++) {
        room_t *room = room_find(salon_rows_integer(rows, i, 0));
        if (room != NULL)
            room_member_add(room, salon_rows_integer(rows, i, 1),
                            (room_role_t)salon_rows_integer(rows, i, 2));
    }
    for (int i = 0; i < invited->count; i++) {
        room_t *room = room_find(salon_rows_integer(invited, i, 0));
        if (room != NULL) room_invite(room, salon_rows_integer(invited, i, 1), true);
    }
    return APR_SUCCESS;
}

apr_status_t room_load(apr_pool_t *pool)
{
    directory.pool = pool;
    directory.by_id = apr_hash_make(pool);
    directory.by_name = apr_hash_make(pool);
    directory.by_slug = apr_hash_make(pool);
    const salon_rows_t *rows = salon_load(
        pool, "SELECT id, name, slug, is_private, is_memory, created_by, created_at FROM rooms");
    if (rows == NULL) return APR_EGENERAL;
    for (int i = 0; i < rows->count; i++)
        room_add(salon_rows_integer(rows, i, 0), salon_rows_text(rows, i, 1),
                 salon_rows_text(rows, i, 2), salon_rows_integer(rows, i, 3) != 0,
                 salon_rows_integer(rows, i, 4) != 0, salon_rows_integer(rows, i, 5),
                 salon_rows_integer(rows, i, 6));
    return members_load(pool);
}

/* ---- Roles ---- */

static const char *const role_names[] = {
    [ROOM_MEMBER] = "member", [ROOM_MODERATOR] = "moderator", [ROOM_OWNER] = "owner"
};

const char *room_role_name(room_role_t role)
{
    return role_names[role];
}

bool room_role_parse(const char *name, room_role_t *role_r)
{
    for (int role = ROOM_MEMBER; role <= ROOM_OWNER; role++) {
        if (strcmp(role_names[role], name) != 0) continue;
        *role_r = (room_role_t)role;
        return true;
    }
    return false;
}

/* An owner stands above a moderator of the whole server, and below an administrator. */
const char *room_effective_role(const room_t *room, const salon_user_t *user)
{
    static const int rank[] = { [SALON_ROLE_USER] = -1, [SALON_ROLE_MODERATOR] = ROOM_MODERATOR,
                                [SALON_ROLE_ADMIN] = ROOM_OWNER + 1,
                                [SALON_ROLE_SUPERUSER] = ROOM_OWNER + 2 };
    const member_t *member = room_member(room, user->id);
    room_role_t role = member != NULL ? member->role : ROOM_MEMBER;
    return rank[user->role] > (int)role ? salon_role_name(user->role) : room_role_name(role);
}

/* ---- Access ---- */

typedef struct {
    const room_t *room;
    const salon_user_t *user;
    const member_t *member; /* NULL: none */
} asking_t;

static bool may_read(const asking_t *a)
{
    return a->member != NULL || !a->room->private_;
}

static bool may_be_member(const asking_t *a)
{
    return a->member != NULL;
}

static bool may_join(const asking_t *a)
{
    return may_read(a) || room_invited(a->room, a->user->id);
}

static bool may_moderate(const asking_t *a)
{
    if (a->member != NULL && a->member->role >= ROOM_MODERATOR) return true;
    if (a->user->role >= SALON_ROLE_ADMIN) return true;
    return a->user->role >= SALON_ROLE_MODERATOR && may_read(a);
}

/* Those who moderate the whole server are answerable for private rooms, too. */
static bool may_audit(const asking_t *a)
{
    return may_moderate(a) || a->user->role >= SALON_ROLE_MODERATOR;
}

static bool may_manage(const asking_t *a)
{
    return (a->member != NULL && a->member->role == ROOM_OWNER) ||
           a->user->role >= SALON_ROLE_ADMIN;
}

static const struct {
    const char *what;
    bool (*may)(const asking_t *asking);
} rules[] = {
    { "read", may_read },         { "send", may_be_member }, { "stats", may_be_member },
    { "join", may_join },         { "pin", may_moderate },   { "moderate", may_moderate },
    { "invite", may_moderate },   { "manage", may_manage },   { "react", may_read },
    { "type", may_be_member },    { "audit", may_audit },
};

bool room_allows(const room_t *room, const salon_user_t *user, const char *what)
{
    if (user == NULL) return false;
    asking_t asking = { room, user, room_member(room, user->id) };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].what, what) == 0) return rules[i].may(&asking);
    return false;
}

salon_topic_t room_topic(const room_t *room)
{
    return SALON_TOPIC("room", room->id);
}

json_object *room_json(const room_t *room)
{
    json_object *json = salon_json_integer(salon_json(), "id", room->id);
    salon_json_string(json, "name", room->name);
    salon_json_string(json, "slug", room->slug);
    return salon_json_boolean(json, "is_public", !room->private_);
}
