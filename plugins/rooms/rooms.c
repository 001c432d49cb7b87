/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms: where many people talk.  Membership lasts; hearing a room is a matter of each connection.
 *
 * Operations: room.create, room.remove, room.list, room.join, room.leave, room.members, room.role,
 * room.invite, room.send, room.history, room.pin, room.stats.  A room is named by its id, or by a
 * text that is its id, name or slug.
 * Events: those of messages (core), with the member "room": id, name, slug, is_public.
 */
#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "room.h"

#define NAME_MOST 100
#define NOT_FOUND "room_not_found"

static bool auto_create;

/* ---- The room and the person that a request is about ---- */

static room_t *room_of(const salon_req_t *req)
{
    const char *text = salon_arg_string(req, "room");
    apr_int64_t id = salon_arg_integer(req, "room_id", 0);
    return text != NULL ? room_find_text(text) : room_find(id);
}

static salon_outcome_t no_room(salon_req_t *req)
{
    bool named = salon_arg(req, "room") != NULL || salon_arg(req, "room_id") != NULL;
    return named ? salon_fail(req, NOT_FOUND) : salon_fail_argument(req, "room_id");
}

static const salon_user_t *person_of(const salon_req_t *req)
{
    const char *name = salon_arg_string(req, "user");
    if (name != NULL) return salon_user_by_name(name);
    return salon_user_by_id(salon_arg_integer(req, "user_id", 0));
}

/* The room in which the asker may do `what`; NULL: *refused_r says why not. */
static room_t *room_for(salon_req_t *req, const char *what, salon_outcome_t *refused_r)
{
    room_t *room = room_of(req);
    if (room == NULL) {
        *refused_r = no_room(req);
        return NULL;
    }
    const char *code = salon_may_not(salon_req_user(req), what, room_topic(room));
    if (code == NULL) return room;
    *refused_r = salon_fail(req, code);
    return NULL;
}

static salon_access_t access_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (strcmp(topic.kind, "room") != 0) return SALON_NO_OPINION;
    const room_t *room = room_find(topic.id);
    return room != NULL && room_allows(room, user, what) ? SALON_ALLOW : SALON_NO_OPINION;
}

/* ---- Making and removing ---- */

typedef struct {
    apr_int64_t id, owner_id, created_at;
    const char *name, *slug;
    bool private_, memory;
    bool owned; /* the owner is a member; not where the server itself made the room */
    salon_handler_t *next; /* what goes on in the new room; NULL: it is the answer */
} new_room_t;

static bool slug_ok(const char *slug)
{
    size_t length = strlen(slug);
    return length > 0 && length <= NAME_MOST &&
           strspn(slug, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

static bool is_taken(const char *name)
{
    return room_find_name(name) != NULL;
}

static salon_outcome_t created(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const new_room_t *new = salon_req_data(req);
    room_t *room = room_add(new->id, new->name, new->slug, new->private_, new->memory,
                            new->owner_id, new->created_at);
    if (new->owned) room_member_add(room, new->owner_id, ROOM_OWNER);
    return new->next != NULL ? new->next(req) : salon_reply(req, room_json(room));
}

static salon_outcome_t create(salon_req_t *req, new_room_t *new)
{
    new->id = salon_next_id("room");
    if (new->id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    if (new->slug == NULL && slug_ok(new->name)) new->slug = new->name;
    if (new->slug == NULL)
        new->slug = apr_psprintf(salon_req_pool(req), "room-%" APR_INT64_T_FMT, new->id);
    if (is_taken(new->name) || is_taken(new->slug)) return salon_fail(req, SALON_CONFLICT);
    new->created_at = salon_now();
    salon_req_set_data(req, new);
    salon_sql(req,
              "INSERT INTO rooms (id, name, slug, is_private, is_memory, created_by, created_at)"
              " VALUES (%ld, %s, %s, %d, %d, %ld, %ld)",
              (long)new->id, new->name, new->slug, new->private_, new->memory, (long)new->owner_id,
              (long)new->created_at);
    if (new->owned)
        salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
                  " VALUES (%ld, %ld, %d, %ld)",
                  (long)new->id, (long)new->owner_id, ROOM_OWNER, (long)new->created_at);
    salon_timeline_sql_add(req, &room_timeline, new->id);
    return salon_store(req, created);
}

/* A name of digits alone could not be told from an id. */
static bool name_ok(const char *name)
{
    for (const char *at = name; *at != '\0'; at++)
        if (apr_iscntrl(*at)) return false;
    return name[strspn(name, "0123456789")] != '\0' && name[strspn(name, " ")] != '\0';
}

static salon_outcome_t room_create(salon_req_t *req)
{
    new_room_t *new = apr_pcalloc(salon_req_pool(req), sizeof(*new));
    const char *owner = salon_arg_string(req, "owner");
    const salon_user_t *user = salon_req_user(req);
    if (owner != NULL && salon_req_session(req) == NULL) user = salon_user_by_name(owner);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    new->name = salon_arg_string(req, "name");
    new->slug = salon_arg_string(req, "slug");
    new->private_ = salon_arg_boolean(req, "private", false);
    new->memory = salon_arg_boolean(req, "memory", false);
    new->owner_id = user->id;
    new->owned = owner != NULL || salon_req_session(req) != NULL;
    if (!name_ok(new->name)) return salon_fail_argument(req, "name");
    if (new->slug != NULL && (!slug_ok(new->slug) || !name_ok(new->slug)))
        return salon_fail_argument(req, "slug");
    return create(req, new);
}

static salon_outcome_t removed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_find(*(apr_int64_t *)salon_req_data(req));
    if (room == NULL) return no_room(req);
    json_object *json = room_json(room);
    room_remove(room);
    return salon_reply(req, json);
}

static salon_outcome_t room_do_remove(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "manage", &refused);
    if (room == NULL) return refused;
    salon_req_set_data(req, apr_pmemdup(salon_req_pool(req), &room->id, sizeof(room->id)));
    salon_timeline_sql_remove(req, &room_timeline, room->id);
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld", (long)room->id);
    salon_sql(req, "DELETE FROM room_invitations WHERE room_id = %ld", (long)room->id);
    salon_sql(req, "DELETE FROM rooms WHERE id = %ld", (long)room->id);
    return salon_store(req, removed);
}

static int compare_ids(const void *a, const void *b)
{
    const room_t *left = *(room_t *const *)a, *right = *(room_t *const *)b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static salon_outcome_t room_list(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    const apr_array_header_t *rooms = room_all(salon_req_pool(req));
    qsort(rooms->elts, (size_t)rooms->nelts, sizeof(room_t *), compare_ids);
    for (int i = 0; i < rooms->nelts; i++) {
        const room_t *room = APR_ARRAY_IDX(rooms, i, room_t *);
        if (salon_req_session(req) != NULL &&
            !salon_may(salon_req_user(req), "read", room_topic(room)))
            continue;
        json_object *row = room_json(room);
        salon_json_integer(row, "member_count", apr_hash_count(room->members));
        json_object_array_add(list, row);
    }
    return salon_reply(req, salon_json_value(salon_json(), "rooms", list));
}

/* ---- Joining and leaving ---- */

/* Things have changed, perhaps, while this was being stored and read: asks again. */
static salon_outcome_t join_ready(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "join", &refused);
    if (room == NULL) return refused;
    const salon_user_t *user = salon_req_user(req);
    const salon_timeline_info_t *info = salon_timeline_info(room->timeline);
    if (salon_req_session(req) != NULL) salon_subscribe(salon_req_session(req), room_topic(room));
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_integer(json, "member_count", apr_hash_count(room->members));
    salon_json_string(json, "role", room_effective_role(room, user));
    salon_json_value(json, "last_message_id",
                     info->last_message_id ? json_object_new_int64(info->last_message_id) : NULL);
    return salon_reply(req, json);
}

static salon_outcome_t join_load(salon_req_t *req)
{
    room_t *room = room_of(req);
    if (room == NULL) return no_room(req);
    return salon_timeline_load(req, room->timeline, join_ready);
}

static salon_outcome_t joined(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    if (room == NULL) return no_room(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    if (room_member(room, user_id) == NULL) room_member_add(room, user_id, ROOM_MEMBER);
    room_invite(room, user_id, false);
    return join_load(req);
}

/* Deletes before it inserts: two connections of one user may join at the same moment. */
static salon_outcome_t join_new(salon_req_t *req, const room_t *room)
{
    long room_id = (long)room->id, user_id = (long)salon_req_user(req)->id;
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld AND user_id = %ld", room_id,
              user_id);
    salon_sql(req, "DELETE FROM room_invitations WHERE room_id = %ld AND user_id = %ld", room_id,
              user_id);
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " VALUES (%ld, %ld, %d, %ld)", room_id, user_id, ROOM_MEMBER, (long)salon_now());
    return salon_store(req, joined);
}

static salon_outcome_t join_unknown(salon_req_t *req)
{
    const char *name = salon_arg_string(req, "room");
    if (name == NULL || !auto_create || !name_ok(name)) return no_room(req);
    new_room_t *new = apr_pcalloc(salon_req_pool(req), sizeof(*new));
    new->name = name;
    new->owner_id = salon_req_user(req)->id;
    new->owned = true;
    new->next = join_load;
    return create(req, new);
}

static salon_outcome_t room_join(salon_req_t *req)
{
    salon_outcome_t refused;
    if (room_of(req) == NULL) return join_unknown(req);
    room_t *room = room_for(req, "join", &refused);
    if (room == NULL) return refused;
    return room_member(room, salon_req_user(req)->id) != NULL ? join_load(req)
                                                              : join_new(req, room);
}

static salon_outcome_t left(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    if (room == NULL) return no_room(req);
    apr_int64_t user_id = salon_req_user(req)->id;
    room_member_remove(room, user_id);
    salon_unsubscribe_user(user_id, room_topic(room));
    return salon_reply(req, salon_json_value(salon_json(), "room", room_json(room)));
}

static salon_outcome_t room_leave(salon_req_t *req)
{
    room_t *room = room_of(req);
    const salon_user_t *user = salon_req_user(req);
    if (room == NULL) return no_room(req);
    if (room_member(room, user->id) == NULL && !salon_may(user, "read", room_topic(room)))
        return salon_fail(req, SALON_DENIED);
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld AND user_id = %ld", (long)room->id,
              (long)user->id);
    return salon_store(req, left);
}

/* ---- Members ---- */

static int by_user_id(const void *a, const void *b)
{
    json_object *const *left = a, *const *right = b;
    apr_int64_t one = json_object_get_int64(json_object_object_get(*left, "user_id"));
    apr_int64_t other = json_object_get_int64(json_object_object_get(*right, "user_id"));
    return one < other ? -1 : one > other;
}

static salon_outcome_t room_members(salon_req_t *req)
{
    salon_outcome_t refused;
    const room_t *room = room_for(req, "read", &refused);
    if (room == NULL) return refused;
    json_object *list = json_object_new_array();
    for (apr_hash_index_t *i = apr_hash_first(salon_req_pool(req), room->members); i;
         i = apr_hash_next(i)) {
        const member_t *member = apr_hash_this_val(i);
        const salon_user_t *user = salon_user_by_id(member->user_id);
        json_object *row = salon_json_integer(salon_json(), "user_id", member->user_id);
        salon_json_string(row, "username", user != NULL ? user->name : "");
        salon_json_string(row, "role", room_role_name(member->role));
        bool online = user != NULL && salon_user_appearance(user).online;
        json_object_array_add(list, salon_json_boolean(row, "is_online", online));
    }
    json_object_array_sort(list, by_user_id);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    return salon_reply(req, salon_json_value(json, "members", list));
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
    if (room == NULL) return no_room(req);
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

static salon_outcome_t room_role(salon_req_t *req)
{
    salon_outcome_t refused;
    const room_t *room = room_for(req, "manage", &refused);
    if (room == NULL) return refused;
    const salon_user_t *user = person_of(req);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    role_change_t *change = apr_pcalloc(salon_req_pool(req), sizeof(*change));
    change->user_id = user->id;
    if (!room_role_parse(salon_arg_string(req, "role"), &change->role))
        return salon_fail_argument(req, "role");
    salon_req_set_data(req, change);
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld AND user_id = %ld", (long)room->id,
              (long)user->id);
    salon_sql(req, "INSERT INTO room_members (room_id, user_id, role, joined_at)"
              " VALUES (%ld, %ld, %d, %ld)", (long)room->id, (long)user->id, change->role,
              (long)salon_now());
    return salon_store(req, role_changed);
}

static salon_outcome_t invited(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_of(req);
    const salon_user_t *user = person_of(req);
    if (room == NULL || user == NULL) return no_room(req);
    if (room_member(room, user->id) == NULL) room_invite(room, user->id, true);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    return salon_reply(req, salon_json_integer(json, "user_id", user->id));
}

static salon_outcome_t room_do_invite(salon_req_t *req)
{
    salon_outcome_t refused;
    const room_t *room = room_for(req, "invite", &refused);
    if (room == NULL) return refused;
    const salon_user_t *user = person_of(req);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    salon_sql(req, "DELETE FROM room_invitations WHERE room_id = %ld AND user_id = %ld",
              (long)room->id, (long)user->id);
    if (room_member(room, user->id) == NULL)
        salon_sql(req, "INSERT INTO room_invitations (room_id, user_id) VALUES (%ld, %ld)",
                  (long)room->id, (long)user->id);
    return salon_store(req, invited);
}

/* ---- Messages ---- */

static salon_outcome_t room_send(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "send", &refused);
    return room != NULL ? salon_timeline_send(req, room->timeline) : refused;
}

static salon_outcome_t room_history(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "read", &refused);
    return room != NULL ? salon_timeline_history(req, room->timeline) : refused;
}

static salon_outcome_t room_pin(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "pin", &refused);
    return room != NULL ? salon_timeline_pin(req, room->timeline) : refused;
}

/* ---- Statistics ---- */

static json_object *authors_json(const salon_timeline_stats_t *stats)
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < stats->author_count; i++) {
        const salon_user_t *user = salon_user_by_id(stats->authors[i].user_id);
        json_object *row = salon_json_integer(salon_json(), "user_id", stats->authors[i].user_id);
        salon_json_string(row, "username", user != NULL ? user->name : "");
        salon_json_integer(row, "message_count", stats->authors[i].count);
        json_object_array_add(list, row);
    }
    return list;
}

static salon_outcome_t stats_counted(salon_req_t *req, const salon_timeline_stats_t *stats)
{
    const room_t *room = room_of(req);
    if (room == NULL) return no_room(req);
    const salon_timeline_info_t *info = salon_timeline_info(room->timeline);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_integer(json, "member_count", apr_hash_count(room->members));
    salon_json_integer(json, "online_count", room_online_count(room));
    salon_json_integer(json, "message_count", info->count);
    salon_json_integer(json, "messages_last_24h", stats->last_24h);
    salon_json_value(json, "top_contributors", authors_json(stats));
    salon_json_integer(json, "created_at", room->created_at);
    return salon_reply(req, salon_json_integer(json, "last_message_at", info->last_message_at));
}

static salon_outcome_t stats_loaded(salon_req_t *req)
{
    room_t *room = room_of(req);
    if (room == NULL) return no_room(req);
    return salon_timeline_stats(req, room->timeline, stats_counted);
}

static salon_outcome_t room_stats(salon_req_t *req)
{
    salon_outcome_t refused;
    room_t *room = room_for(req, "stats", &refused);
    return room != NULL ? salon_timeline_load(req, room->timeline, stats_loaded) : refused;
}

/* ---- Tables ---- */

#define ROOM_ARGUMENTS                                                                           \
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "room", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define PERSON_ARGUMENTS                                                                         \
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "user", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define END { NULL, 0, 0, 0, 0 }

static const salon_argument_t create_arguments[] = {
    { "name", SALON_STRING, 0, 1, NAME_MOST },
    { "slug", SALON_STRING, SALON_OPTIONAL, 1, NAME_MOST },
    { "private", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "memory", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "owner", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    END,
};
static const salon_argument_t room_arguments[] = { ROOM_ARGUMENTS, END };
static const salon_argument_t role_arguments[] = {
    ROOM_ARGUMENTS, PERSON_ARGUMENTS, { "role", SALON_STRING, 0, 1, 0 }, END
};
static const salon_argument_t invite_arguments[] = { ROOM_ARGUMENTS, PERSON_ARGUMENTS, END };
static const salon_argument_t send_arguments[] = { ROOM_ARGUMENTS, SALON_SEND_ARGUMENTS, END };
static const salon_argument_t history_arguments[] = { ROOM_ARGUMENTS, SALON_HISTORY_ARGUMENTS,
                                                      END };
static const salon_argument_t pin_arguments[] = {
    ROOM_ARGUMENTS,
    { "message_id", SALON_ID, 0, 0, 0 },
    { "pin", SALON_BOOLEAN, 0, 0, 0 },
    END,
};

static const salon_operation_t operations[] = {
    { .name = "room.create", .handler = room_create, .arguments = create_arguments,
      .flags = SALON_WRITES, .cost = 1, .help = "make a room, and own it" },
    { .name = "room.remove", .handler = room_do_remove, .arguments = room_arguments,
      .flags = SALON_WRITES, .help = "remove a room with all its messages" },
    { .name = "room.list", .handler = room_list, .help = "the rooms that one may read" },
    { .name = "room.join", .handler = room_join, .arguments = room_arguments,
      .flags = SALON_WRITES, .help = "become a member, and hear the room" },
    { .name = "room.leave", .handler = room_leave, .arguments = room_arguments,
      .flags = SALON_WRITES, .help = "be a member no longer" },
    { .name = "room.members", .handler = room_members, .arguments = room_arguments,
      .help = "the members and their roles" },
    { .name = "room.role", .handler = room_role, .arguments = role_arguments,
      .flags = SALON_WRITES, .help = "give a member another role" },
    { .name = "room.invite", .handler = room_do_invite, .arguments = invite_arguments,
      .flags = SALON_WRITES, .help = "let somebody join a private room" },
    { .name = "room.send", .handler = room_send, .arguments = send_arguments,
      .flags = SALON_WRITES | SALON_PIPELINED, .cost = 1, .help = "say something" },
    { .name = "room.history", .handler = room_history, .arguments = history_arguments,
      .help = "what was said" },
    { .name = "room.pin", .handler = room_pin, .arguments = pin_arguments, .flags = SALON_WRITES,
      .help = "pin a message, or do so no longer" },
    { .name = "room.stats", .handler = room_stats, .arguments = room_arguments,
      .help = "figures of a room" },
    { .name = NULL },
};

static const salon_command_t commands[] = {
    { "room add", "NAME [--slug SLUG] [--private] [--memory] [--owner NAME]", "room.create", "id",
      "make a room" },
    { "room list", "", "room.list", NULL, "all rooms" },
    { "room remove", "ROOM", "room.remove", "id", "remove a room with all its messages" },
    { "room invite", "ROOM USER", "room.invite", "user_id", "let somebody join a private room" },
    { "room role", "ROOM USER ROLE", "room.role", "user_id", "give somebody a role in a room" },
    { "room members", "ROOM", "room.members", NULL, "the members and their roles" },
    { NULL, NULL, NULL, NULL, NULL },
};

static const salon_setting_t settings[] = {
    { "auto_create", SALON_SETTING_BOOLEAN, &auto_create, "false", 0, 0,
      "joining an unknown name makes the room" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

static void audience_hook(apr_int64_t user_id, void (*add)(void *baton, salon_topic_t topic),
                          void *baton)
{
    apr_pool_t *pool;
    apr_pool_create(&pool, NULL);
    const apr_array_header_t *rooms = room_all(pool);
    for (int i = 0; i < rooms->nelts; i++) {
        const room_t *room = APR_ARRAY_IDX(rooms, i, room_t *);
        if (room_member(room, user_id) != NULL) add(baton, room_topic(room));
    }
    apr_pool_destroy(pool);
}

static const salon_hooks_t hooks = { .access = access_hook, .audience = audience_hook };

static apr_status_t start(apr_pool_t *pool)
{
    apr_status_t rv = salon_sequence_open(pool, "room", 1, 16);
    return rv != APR_SUCCESS ? rv : room_load(pool);
}

SALON_PLUGIN(rooms) = {
    SALON_PLUGIN_HEADER,
    .name = "rooms",
    .version = "1.0",
    .summary = "rooms: membership, messages, history, pins",
    .operations = operations,
    .hooks = &hooks,
    .settings = settings,
    .migrations = room_migrations,
    .commands = commands,
    .start = start,
};
