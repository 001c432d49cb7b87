/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and removing rooms.  A room is called by its name or its slug, so a new one's must both be
 * free of either kind: that is looked up in memory, among the rooms and those being stored.
 */
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "kept.h"
#include "live.h"
#include "members.h"
#include "rooms.h"
#include "video.h"

#define MAKING "room" /* names and slugs of those being stored */

typedef struct new_room_t {
    room_t facts;
    apr_int64_t ttl;       /* of a live one */
    bool owned;            /* the owner is a member; not where the server itself made the room */
    salon_handler_t *next; /* what goes on in the new room; NULL: it is the answer */
} new_room_t;

bool room_slug_ok(const char *slug)
{
    size_t length = strlen(slug);
    return length > 0 && length <= ROOM_NAME_MOST &&
           strspn(slug, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length &&
           slug[strspn(slug, "0123456789")] != '\0';
}

bool room_is_coming(const char *name)
{
    return salon_intended(MAKING, "%s", name);
}

static bool is_taken(const char *name)
{
    return room_is_coming(name) || room_find_name(name) != NULL;
}

typedef struct {
    salon_handler_t *next;
} await_t;

static salon_outcome_t awaited(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const await_t *await = salon_req_data(req);
    return await->next(req);
}

/* What is handed to the store comes back in the order in which it was handed over. */
salon_outcome_t room_await(salon_req_t *req, salon_handler_t *next)
{
    await_t *await = apr_palloc(salon_req_pool(req), sizeof(*await));
    await->next = next;
    salon_req_set_data(req, await);
    salon_sql(req, "SELECT id FROM rooms WHERE id = 0");
    return salon_store(req, awaited);
}

static salon_outcome_t create_go_on(salon_req_t *req, const new_room_t *new, const room_t *room)
{
    return new->next != NULL ? new->next(req) : salon_reply(req, room_details_json(room));
}

static salon_outcome_t created(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const new_room_t *new = salon_req_data(req);
    room_t *room = room_add(&new->facts);
    if (new->owned) room_member_add(room, room->created_by, ROOM_OWNER);
    return create_go_on(req, new, room);
}

static salon_outcome_t create_store(salon_req_t *req, new_room_t *new)
{
    const room_t *facts = &new->facts;
    salon_intend(req, MAKING, "%s", facts->name);
    salon_intend(req, MAKING, "%s", facts->slug);
    salon_req_set_data(req, new);
    salon_sql(req,
              "INSERT INTO rooms (id, name, slug, is_private, is_memory, created_by, created_at,"
              " description, anonymous) VALUES (%ld, %s, %s, %d, %d, %ld, %ld, %s, %d)",
              (long)facts->id, facts->name, facts->slug, facts->private_, facts->memory,
              (long)facts->created_by, (long)facts->created_at, facts->description,
              (int)facts->anonymous);
    if (new->owned) room_member_sql_add(req, facts, facts->created_by, ROOM_OWNER);
    salon_timeline_sql_add(req, &room_timeline, facts->id);
    return salon_store(req, created);
}

static salon_outcome_t create_live(salon_req_t *req, const new_room_t *new)
{
    const char *code = live_may_not_wait(new->facts.created_by);
    if (code != NULL) return salon_fail(req, code);
    room_t *room = live_add(&new->facts, new->ttl);
    if (new->owned) room_member_add(room, room->created_by, ROOM_OWNER);
    return create_go_on(req, new, room);
}

static salon_outcome_t create(salon_req_t *req, new_room_t *new)
{
    room_t *facts = &new->facts;
    live_reap();
    facts->id = salon_next_id("room");
    if (facts->id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    if (facts->slug == NULL && room_slug_ok(facts->name)) facts->slug = facts->name;
    if (facts->slug == NULL)
        facts->slug = apr_psprintf(salon_req_pool(req), "room-%" APR_INT64_T_FMT, facts->id);
    if (is_taken(facts->name) || is_taken(facts->slug)) return salon_fail(req, SALON_CONFLICT);
    facts->created_at = salon_now();
    return facts->live ? create_live(req, new) : create_store(req, new);
}

/* A name of digits alone could not be told from an id. */
static bool name_ok(const char *name)
{
    int length = 0; /* in characters */
    for (const char *at = name; *at != '\0'; at++) {
        if (apr_iscntrl(*at)) return false;
        length += (*at & 0xc0) != 0x80;
    }
    if (length > ROOM_NAME_MOST) return false;
    return name[strspn(name, "0123456789")] != '\0' && name[strspn(name, " ")] != '\0';
}

static room_anonymous_t anonymous_of(const salon_req_t *req)
{
    if (salon_arg(req, "anonymous") == NULL) return ROOM_AS_SET;
    return salon_arg_boolean(req, "anonymous", false) ? ROOM_ANYBODY : ROOM_MEMBERS_ONLY;
}

/* What a video's room is called is nobody else's to take. */
static bool is_reserved(const char *name)
{
    return name != NULL && video_id_of_slug(name) != 0;
}

salon_outcome_t room_create(salon_req_t *req)
{
    new_room_t *new = apr_pcalloc(salon_req_pool(req), sizeof(*new));
    const char *owner = salon_arg_string(req, "owner");
    const salon_user_t *user = salon_req_user(req);
    bool is_command = salon_req_session(req) == NULL && user->id == SALON_SYSTEM_USER;
    if (owner != NULL && is_command) user = salon_user_by_name(owner);
    if (user == NULL) return salon_fail(req, SALON_USER_NOT_FOUND);
    new->facts = (room_t){ .name = salon_arg_string(req, "name"),
                           .slug = salon_arg_string(req, "slug"),
                           .description = salon_arg_string(req, "description"),
                           .private_ = salon_arg_boolean(req, "private", false),
                           .memory = salon_arg_boolean(req, "memory", false),
                           .live = salon_arg_boolean(req, "live", false),
                           .anonymous = anonymous_of(req),
                           .created_by = user->id };
    new->ttl = salon_arg_integer(req, "unjoined_ttl", LIVE_TTL);
    new->owned = owner != NULL || !is_command;
    if (!name_ok(new->facts.name)) return salon_fail_argument(req, "name");
    if (new->facts.slug != NULL && !room_slug_ok(new->facts.slug))
        return salon_fail_argument(req, "slug");
    if (is_reserved(new->facts.name) || is_reserved(new->facts.slug))
        return salon_fail(req, SALON_CONFLICT);
    return create(req, new);
}

salon_outcome_t room_create_then(salon_req_t *req, const char *name, salon_handler_t *next)
{
    if (!name_ok(name) || is_reserved(name)) return room_none(req);
    new_room_t *new = apr_pcalloc(salon_req_pool(req), sizeof(*new));
    new->facts = (room_t){ .name = name, .anonymous = ROOM_AS_SET,
                           .created_by = salon_req_user(req)->id };
    new->owned = true;
    new->next = next;
    return create(req, new);
}

static salon_outcome_t removed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_find(salon_req_topic(req).id);
    if (room == NULL) return room_none(req);
    json_object *json = room_json(room);
    live_remove(room);
    return salon_reply(req, json);
}

salon_outcome_t room_do_remove(salon_req_t *req)
{
    const room_t *room = room_of(req);
    if (room->live) return removed(req, NULL);
    salon_timeline_sql_remove(req, &room_timeline, room->id);
    salon_sql(req, "DELETE FROM room_members WHERE room_id = %ld", (long)room->id);
    salon_sql(req, "DELETE FROM room_invitations WHERE room_id = %ld", (long)room->id);
    kept_sql_remove(req, room->id);
    salon_sql(req, "DELETE FROM rooms WHERE id = %ld", (long)room->id);
    return salon_store(req, removed);
}
