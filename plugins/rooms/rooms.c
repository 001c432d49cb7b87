/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooms: where many people talk.  Membership lasts; hearing a room is a matter of each connection.
 *
 * Operations: room.create, room.remove, room.list, room.active, room.get, room.enter, room.join,
 * room.leave, room.members, room.role, room.invite, room.send, room.history, room.pin, room.stats,
 * room.keep, room.kept; video.add, video.list, video.remove.  A room is named by its id, or by a
 * text that is its id, name or slug.
 * Events: room.entered, room.exited; and those of messages (core), with the member "room": id,
 * name, slug, is_public.
 */
#include <string.h>

#include "attendance.h"
#include "kept.h"
#include "live.h"
#include "members.h"
#include "rooms.h"
#include "video.h"

/* ---- The room that a request is about ---- */

room_t *room_of(const salon_req_t *req)
{
    const char *text = salon_arg_string(req, "room");
    apr_int64_t id = salon_arg_integer(req, "room_id", 0);
    live_reap();
    return text != NULL ? room_find_text(text) : room_find(id);
}

salon_outcome_t room_none(salon_req_t *req)
{
    bool named = salon_arg(req, "room") != NULL || salon_arg(req, "room_id") != NULL;
    return named ? salon_fail(req, ROOM_NOT_FOUND) : salon_fail_argument(req, "room_id|room");
}

room_t *room_for(salon_req_t *req, const char *what, salon_outcome_t *refused_r)
{
    room_t *room = room_of(req);
    if (room == NULL) {
        *refused_r = room_none(req);
        return NULL;
    }
    const char *code = salon_may_not(salon_req_user(req), what, room_topic(room));
    if (code == NULL) return room;
    *refused_r = salon_fail(req, code);
    return NULL;
}

bool room_subject(salon_req_t *req, salon_topic_t *topic_r, salon_outcome_t *refused_r)
{
    const room_t *room = room_of(req);
    if (room == NULL) *refused_r = room_none(req);
    else *topic_r = room_topic(room);
    return room != NULL;
}

static salon_access_t access_hook(const salon_user_t *user, const char *what, salon_topic_t topic)
{
    if (strcmp(topic.kind, "room") != 0) return SALON_NO_OPINION;
    const room_t *room = room_find(topic.id);
    return room != NULL && room_allows(room, user, what) ? SALON_ALLOW : SALON_NO_OPINION;
}

/* ---- Messages ---- */

static salon_outcome_t room_send(salon_req_t *req)
{
    return salon_timeline_send(req, room_of(req)->timeline);
}

static salon_outcome_t room_history(salon_req_t *req)
{
    return salon_timeline_history(req, room_of(req)->timeline);
}

static salon_outcome_t room_pin(salon_req_t *req)
{
    return salon_timeline_pin(req, room_of(req)->timeline);
}

/* ---- Statistics ---- */

static json_object *authors_json(const salon_timeline_stats_t *stats)
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < stats->author_count; i++) {
        json_object *row =
            salon_json_user(salon_json(), "user_id", "username", stats->authors[i].user_id);
        salon_json_integer(row, "message_count", stats->authors[i].count);
        json_object_array_add(list, row);
    }
    return list;
}

static salon_outcome_t stats_counted(salon_req_t *req, const salon_timeline_stats_t *stats)
{
    const room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    const salon_timeline_info_t *info = salon_timeline_info(room->timeline);
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    salon_json_integer(json, "member_count", room->members.count);
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
    if (room == NULL) return room_none(req);
    return salon_timeline_stats(req, room->timeline, stats_counted);
}

static salon_outcome_t room_stats(salon_req_t *req)
{
    return salon_timeline_load(req, room_of(req)->timeline, stats_loaded);
}

/* ---- Tables ---- */

#define ROOM_ARGUMENTS                                                                           \
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "room", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define PERSON_ARGUMENTS                                                                         \
    { "user_id", SALON_ID, SALON_OPTIONAL, 0, 0 }, { "user", SALON_STRING, SALON_OPTIONAL, 1, 0 }
#define END { NULL, 0, 0, 0, 0 }
#define DESCRIPTION_MOST 1000   /* code points */
#define TEXT_MOST        100000 /* the same */

/* unjoined_ttl, and created_by below: for dialects, which do not let clients say them. */
static const salon_argument_t create_arguments[] = {
    { "name", SALON_STRING, 0, 1, ROOM_NAME_MOST },
    { "slug", SALON_STRING, SALON_OPTIONAL, 1, ROOM_NAME_MOST },
    { "private", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "memory", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "owner", SALON_STRING, SALON_OPTIONAL, 1, 0 },
    { "description", SALON_STRING, SALON_OPTIONAL, 0, DESCRIPTION_MOST },
    { "anonymous", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "live", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "unjoined_ttl", SALON_INTEGER, SALON_OPTIONAL, 1, LIVE_TTL_MOST },
    END,
};
/* Whatever is too long to be a name is an unknown room. */
static const salon_argument_t enter_arguments[] = {
    { "room_id", SALON_ID, SALON_OPTIONAL, 0, 0 },
    { "room", SALON_STRING, SALON_OPTIONAL, 0, TEXT_MOST },
    { "video", SALON_STRING, SALON_OPTIONAL, 0, TEXT_MOST },
    { "create", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "bind", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "created_by", SALON_ID, SALON_OPTIONAL, 0, 0 },
    END,
};
static const salon_argument_t room_arguments[] = { ROOM_ARGUMENTS, END };
static const salon_argument_t list_arguments[] = { SALON_PAGE_ARGUMENTS, END };
static const salon_argument_t members_arguments[] = { ROOM_ARGUMENTS, SALON_PAGE_ARGUMENTS, END };
/* create: make the room where there is none of that name; for dialects, which do not let clients
 * say it. */
static const salon_argument_t join_arguments[] = {
    ROOM_ARGUMENTS, { "create", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 }, END
};
static const salon_argument_t role_arguments[] = {
    ROOM_ARGUMENTS, PERSON_ARGUMENTS, { "role", SALON_STRING, 0, 1, 0 }, END
};
static const salon_argument_t invite_arguments[] = { ROOM_ARGUMENTS, PERSON_ARGUMENTS, END };
static const salon_argument_t send_arguments[] = { ROOM_ARGUMENTS, SALON_SEND_ARGUMENTS, END };
static const salon_argument_t history_arguments[] = { ROOM_ARGUMENTS, SALON_HISTORY_ARGUMENTS,
                                                      END };
static const salon_argument_t video_arguments[] = { { "id", SALON_ID, 0, 0, 0 }, END };
static const salon_argument_t video_add_arguments[] = {
    { "id", SALON_ID, 0, 0, 0 }, { "title", SALON_STRING, 0, 1, 0 }, END
};
/* Only salonctl asks; as_set: what the settings say. */
static const salon_argument_t keep_arguments[] = {
    ROOM_ARGUMENTS,
    { "days", SALON_INTEGER, SALON_OPTIONAL, 0, SALON_KEEP_DAYS_MOST },
    { "messages", SALON_INTEGER, SALON_OPTIONAL, 0, SALON_KEEP_MESSAGES_MOST },
    { "pinned", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    { "as_set", SALON_BOOLEAN, SALON_OPTIONAL, 0, 0 },
    END,
};
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
      .flags = SALON_WRITES, .subject = room_subject, .may = "manage",
      .help = "remove a room with all its messages" },
    { .name = "room.list", .handler = room_list, .arguments = list_arguments,
      .help = "the rooms that one may read" },
    { .name = "room.active", .handler = room_active, .arguments = list_arguments,
      .flags = SALON_ANYBODY | SALON_ANONYMOUS, .help = "the rooms with somebody in them" },
    { .name = "room.get", .handler = room_get, .arguments = room_arguments,
      .flags = SALON_ANYBODY | SALON_ANONYMOUS, .help = "one room" },
    { .name = "room.enter", .handler = room_enter, .arguments = enter_arguments,
      .flags = SALON_ANONYMOUS, .help = "hear a room and talk there, while the connection lasts" },
    { .name = "room.join", .handler = room_join, .arguments = join_arguments,
      .flags = SALON_WRITES, .help = "become a member, and hear the room" },
    { .name = "room.leave", .handler = room_leave, .arguments = room_arguments,
      .flags = SALON_WRITES, .subject = room_subject, .help = "be a member no longer" },
    { .name = "room.members", .handler = room_members, .arguments = members_arguments,
      .subject = room_subject, .may = "read", .help = "the members and their roles" },
    { .name = "room.role", .handler = room_role, .arguments = role_arguments,
      .flags = SALON_WRITES, .subject = room_subject, .may = "manage",
      .help = "give a member another role" },
    { .name = "room.invite", .handler = room_do_invite, .arguments = invite_arguments,
      .flags = SALON_WRITES, .subject = room_subject, .may = "invite",
      .help = "let somebody join a private room" },
    { .name = "room.send", .handler = room_send, .arguments = send_arguments,
      .flags = SALON_WRITES | SALON_PIPELINED | SALON_ANONYMOUS, .cost = 1,
      .subject = room_subject, .may = "send", .help = "say something" },
    { .name = "room.history", .handler = room_history, .arguments = history_arguments,
      .flags = SALON_ANONYMOUS, .subject = room_subject, .may = "read", .help = "what was said" },
    { .name = "room.pin", .handler = room_pin, .arguments = pin_arguments, .flags = SALON_WRITES,
      .subject = room_subject, .may = "pin", .help = "pin a message, or do so no longer" },
    { .name = "room.stats", .handler = room_stats, .arguments = room_arguments,
      .subject = room_subject, .may = "stats", .help = "figures of a room" },
    { .name = "room.keep", .handler = room_keep, .arguments = keep_arguments,
      .flags = SALON_INTERNAL, .help = "say of one room how much of it is kept" },
    { .name = "room.kept", .handler = room_kept, .flags = SALON_INTERNAL,
      .help = "the rooms of which that has been said" },
    { .name = "video.add", .handler = video_add, .arguments = video_add_arguments,
      .flags = SALON_INTERNAL, .help = "register a video, which then has a live room" },
    { .name = "video.list", .handler = video_list, .flags = SALON_INTERNAL, .help = "all videos" },
    { .name = "video.remove", .handler = video_remove, .arguments = video_arguments,
      .flags = SALON_INTERNAL, .help = "forget a video" },
    { .name = NULL },
};

#define PAGE "[--after AFTER] [--limit LIMIT]"

static const salon_command_t commands[] = {
    { "room add",
      "NAME [--slug SLUG] [--private] [--memory] [--owner NAME] [--description TEXT]"
      " [--anonymous yes|no]",
      "room.create", "id", "make a room" },
    { "room list", PAGE, "room.list", NULL, "all rooms" },
    { "room active", PAGE, "room.active", NULL, "the rooms with somebody in them" },
    { "room remove", "ROOM", "room.remove", "id", "remove a room with all its messages" },
    { "room invite", "ROOM USER", "room.invite", "user_id", "let somebody join a private room" },
    { "room role", "ROOM USER ROLE", "room.role", "user_id", "give somebody a role in a room" },
    { "room members", "ROOM " PAGE, "room.members", NULL, "the members and their roles" },
    { "room keep", "ROOM [--days DAYS] [--messages COUNT] [--pinned yes|no] [--as-set]",
      "room.keep", "id", "say of one room how much of it is kept" },
    { "room kept", "", "room.kept", NULL, "the rooms of which that has been said" },
    { "video add", "ID TITLE", "video.add", "id", "register a video" },
    { "video list", "", "video.list", NULL, "all videos" },
    { "video remove", "ID", "video.remove", "id", "forget a video" },
    { NULL, NULL, NULL, NULL, NULL },
};

typedef struct {
    void (*add)(void *baton, salon_topic_t topic);
    void *baton;
} audience_t;

static void audience_add(const room_t *room, void *baton)
{
    const audience_t *audience = baton;
    audience->add(audience->baton, room_topic(room));
}

static void audience_hook(apr_int64_t user_id, void (*add)(void *baton, salon_topic_t topic),
                          void *baton)
{
    room_each_of(user_id, audience_add, &(audience_t){ add, baton });
}

static room_t *room_of_topic(salon_topic_t topic)
{
    return strcmp(topic.kind, "room") == 0 ? room_find(topic.id) : NULL;
}

static void subscribed_hook(salon_session_t *session, salon_topic_t topic)
{
    room_t *room = room_of_topic(topic);
    if (room == NULL) return;
    live_joined(room);
    attendance_begin(session, room);
}

static void unsubscribed_hook(salon_session_t *session, salon_topic_t topic)
{
    room_t *room = room_of_topic(topic);
    if (room == NULL) return;
    attendance_end(session, room);
    live_left(room);
}

static void tick_hook(apr_int64_t now)
{
    attendance_tick(now);
    live_tick(now);
}

static const salon_hooks_t hooks = { .access = access_hook,
                                     .audience = audience_hook,
                                     .subscribed = subscribed_hook,
                                     .unsubscribed = unsubscribed_hook,
                                     .tick = tick_hook,
                                     .erased = room_forget_user };

static const salon_event_t events[] = {
    { "room.entered", SALON_DROPPABLE, "a connection hears a room from now on" },
    { "room.exited", SALON_DROPPABLE, "a connection does not hear a room any more" },
    { NULL, 0, NULL },
};

static const salon_setting_t settings[] = {
    { "auto_create", SALON_SETTING_BOOLEAN, &room_auto_create, "false", 0, 0,
      "joining an unknown name makes the room, at every endpoint" },
    { "allow_anonymous", SALON_SETTING_BOOLEAN, &room_allow_anonymous, "true", 0, 0,
      "people without an account may enter public rooms that do not say otherwise" },
    { "attendance_rate", SALON_SETTING_INTEGER, &attendance_rate, "100000", 1, 10000000,
      "events about coming and going that are delivered in a second, to all connections together" },
    { "live_most", SALON_SETTING_INTEGER, &live_most, "10000", 0, 1000000,
      "live rooms at a time" },
    { "public_keep_days", SALON_SETTING_INTEGER, &kept_public.days, "0", 0, SALON_KEEP_DAYS_MOST,
      "days after which a message in a public room is deleted; 0: never" },
    { "public_keep_messages", SALON_SETTING_INTEGER, &kept_public.messages, "0", 0,
      SALON_KEEP_MESSAGES_MOST, "messages of a public room that are kept, the newest; 0: all" },
    { "public_keep_pinned", SALON_SETTING_BOOLEAN, &kept_public.pinned, "true", 0, 0,
      "keep pinned ones all the same" },
    { "private_keep_days", SALON_SETTING_INTEGER, &kept_private.days, "0", 0, SALON_KEEP_DAYS_MOST,
      "the same of private rooms" },
    { "private_keep_messages", SALON_SETTING_INTEGER, &kept_private.messages, "0", 0,
      SALON_KEEP_MESSAGES_MOST, "the same of private rooms" },
    { "private_keep_pinned", SALON_SETTING_BOOLEAN, &kept_private.pinned, "true", 0, 0,
      "the same of private rooms" },
    { NULL, 0, NULL, NULL, 0, 0, NULL },
};

/* A thousand live rooms can be made at once before the next block has been reserved. */
static apr_status_t start(apr_pool_t *pool)
{
    apr_status_t rv = salon_sequence_open(pool, "room", 1, 4096);
    attendance_tick(salon_now());
    if (rv == APR_SUCCESS) rv = room_load(pool);
    if (rv == APR_SUCCESS) rv = kept_load(pool);
    return rv == APR_SUCCESS ? video_load(pool) : rv;
}

SALON_PLUGIN(rooms) = {
    SALON_PLUGIN_HEADER,
    .name = "rooms",
    .version = "1.0",
    .summary = "rooms: membership, messages, history, pins",
    .operations = operations,
    .events = events,
    .hooks = &hooks,
    .settings = settings,
    .migrations = room_migrations,
    .personal = room_personal,
    .commands = commands,
    .start = start,
};
