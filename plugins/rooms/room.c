/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms and memberships are few beside messages, and asked for with every one of them; so all are
 * kept in memory (about 100 bytes a membership), and written through.
 */
#include "attendance.h"
#include "kept.h"
#include "live.h"
#include "members.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

static struct {
    salon_map_t by_id;
    apr_hash_t *by_name, *by_slug;
} directory;

bool room_allow_anonymous;

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

static const char *const rooms_2[] = {
    "ALTER TABLE rooms ADD COLUMN description VARCHAR(1000)",
    "ALTER TABLE rooms ADD COLUMN anonymous SMALLINT DEFAULT 2 NOT NULL",
    "CREATE TABLE videos (id BIGINT PRIMARY KEY, title VARCHAR(255) NOT NULL,"
    " created_at BIGINT NOT NULL)",
    NULL,
};

static const char *const rooms_3[] = {
    "CREATE INDEX room_members_user ON room_members (user_id)",
    "CREATE INDEX room_invitations_user ON room_invitations (user_id)",
    NULL,
};

const salon_migration_t room_migrations[] = {
    { 1, rooms_1 }, { 2, rooms_2 }, { 3, rooms_3 }, { 4, kept_tables }, { 0, NULL },
};

const salon_personal_t room_personal[] = {
    { "rooms", "created_by", SALON_KEEP },
    { "room_members", "user_id", SALON_FORGET },
    { "room_invitations", "user_id", SALON_FORGET },
    { NULL, NULL, SALON_KEEP },
};

static json_object *describe(apr_int64_t id)
{
    const room_t *room = room_find(id);
    return room != NULL ? room_json(room) : NULL;
}

static apr_int64_t find(const char *text)
{
    live_reap();
    const room_t *room = room_find_text(text);
    return room != NULL ? room->id : 0;
}

const salon_timeline_kind_t room_timeline = {
    .name = "room",
    .number = 1,
    .member = "room",
    .describe = describe,
    .find = find,
    .keep = kept_of,
};

/* ---- Finding ---- */

room_t *room_find(apr_int64_t id)
{
    return salon_map_get(&directory.by_id, id);
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

const salon_map_t *room_all(void)
{
    return &directory.by_id;
}

/* ---- Adding and removing ---- */

/* A copy with the texts behind it, in one block. */
static room_t *facts_copy(const room_t *facts)
{
    size_t name = strlen(facts->name) + 1, slug = strlen(facts->slug) + 1;
    size_t description = facts->description != NULL ? strlen(facts->description) + 1 : 0;
    room_t *room = malloc(sizeof(*room) + name + slug + description);
    if (room == NULL) abort();
    char *texts = (char *)(room + 1);
    *room = *facts;
    room->name = memcpy(texts, facts->name, name);
    room->slug = memcpy(texts + name, facts->slug, slug);
    if (description > 0)
        room->description = memcpy(texts + name + slug, facts->description, description);
    return room;
}

room_t *room_add(const room_t *facts)
{
    room_t *room = facts_copy(facts);
    room->timeline = salon_timeline_open(&room_timeline, room->id, room->memory || room->live);
    salon_map_set(&directory.by_id, room->id, room);
    apr_hash_set(directory.by_name, room->name, APR_HASH_KEY_STRING, room);
    apr_hash_set(directory.by_slug, room->slug, APR_HASH_KEY_STRING, room);
    return room;
}

/* Out of the directory first: those who are told that a connection hears it no longer find that it
 * is gone. */
void room_remove(room_t *room)
{
    salon_topic_t topic = room_topic(room);
    salon_map_set(&directory.by_id, room->id, NULL);
    apr_hash_set(directory.by_name, room->name, APR_HASH_KEY_STRING, NULL);
    apr_hash_set(directory.by_slug, room->slug, APR_HASH_KEY_STRING, NULL);
    salon_unsubscribe_all(topic);
    salon_timeline_close(&room->timeline);
    attendance_forget(room);
    room_members_free(room);
    free(room);
}

salon_outcome_t room_store(salon_req_t *req, const room_t *room, salon_then_t *then)
{
    return room->live ? then(req, NULL) : salon_store(req, then);
}

/* ---- Loading ---- */

static void room_take(const salon_rows_t *rows, int row)
{
    room_add(&(room_t){ .id = salon_rows_integer(rows, row, 0),
                        .name = salon_rows_text(rows, row, 1),
                        .slug = salon_rows_text(rows, row, 2),
                        .private_ = salon_rows_integer(rows, row, 3) != 0,
                        .memory = salon_rows_integer(rows, row, 4) != 0,
                        .created_by = salon_rows_integer(rows, row, 5),
                        .created_at = salon_rows_integer(rows, row, 6),
                        .description = salon_rows_text(rows, row, 7),
                        .anonymous = (room_anonymous_t)salon_rows_integer(rows, row, 8) });
}

apr_status_t room_load(apr_pool_t *pool)
{
    directory.by_name = apr_hash_make(pool);
    directory.by_slug = apr_hash_make(pool);
    apr_status_t rv =
        salon_load_each(room_take, "SELECT id, name, slug, is_private, is_memory, created_by,"
                                   " created_at, description, anonymous FROM rooms");
    return rv == APR_SUCCESS ? room_members_load() : rv;
}

salon_topic_t room_topic(const room_t *room)
{
    return SALON_TOPIC("room", room->id);
}

json_object *room_json(const room_t *room)
{
    json_object *json = salon_json();
    salon_json_member(json, "id", json_object_new_int64(room->id));
    salon_json_member(json, "name", json_object_new_string(room->name));
    salon_json_member(json, "slug", json_object_new_string(room->slug));
    return salon_json_member(json, "is_public", json_object_new_boolean(!room->private_));
}

json_object *room_details_json(const room_t *room)
{
    json_object *json = room_json(room);
    salon_json_string(json, "description", room->description);
    salon_json_string(json, "type", room->live ? "live" : "lasting");
    salon_json_boolean(json, "allow_anonymous", room_admits_anonymous(room));
    salon_json_integer(json, "created_by", room->created_by);
    return salon_json_integer(json, "created_at", room->created_at);
}
