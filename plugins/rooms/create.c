/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and removing rooms.  A room is called by its name or its slug, so a new one's must both be
 * free of either kind: that is looked up in memory, among the rooms and those being stored.
 */
#include <string.h>
#include <sys/queue.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "rooms.h"

typedef struct new_room_t {
    apr_int64_t id, owner_id, created_at;
    const char *name, *slug;
    bool private_, memory;
    bool owned;            /* the owner is a member; not where the server itself made the room */
    salon_handler_t *next; /* what goes on in the new room; NULL: it is the answer */
    LIST_ENTRY(new_room_t) link;
} new_room_t;

/* Those being stored. */
static LIST_HEAD(new_room_list_t, new_room_t) making;

static bool slug_ok(const char *slug)
{
    size_t length = strlen(slug);
    return length > 0 && length <= ROOM_NAME_MOST &&
           strspn(slug, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
               length;
}

bool room_is_coming(const char *name)
{
    const new_room_t *new;
    LIST_FOREACH(new, &making, link)
        if (strcmp(new->name, name) == 0 || strcmp(new->slug, name) == 0) return true;
    return false;
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

static apr_status_t making_end(void *new)
{
    LIST_REMOVE((new_room_t *)new, link);
    return APR_SUCCESS;
}

/* Nobody else gets its names until the request has come to its end. */
static void making_begin(salon_req_t *req, new_room_t *new)
{
    LIST_INSERT_HEAD(&making, new, link);
    apr_pool_cleanup_register(salon_req_pool(req), new, making_end, apr_pool_cleanup_null);
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
    making_begin(req, new);
    new->created_at = salon_now();
    salon_req_set_data(req, new);
    salon_sql(req,
              "INSERT INTO rooms (id, name, slug, is_private, is_memory, created_by, created_at)"
              " VALUES (%ld, %s, %s, %d, %d, %ld, %ld)",
              (long)new->id, new->name, new->slug, new->private_, new->memory, (long)new->owner_id,
              (long)new->created_at);
    if (new->owned) room_member_sql_add(req, new->id, new->owner_id, ROOM_OWNER);
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

salon_outcome_t room_create(salon_req_t *req)
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

salon_outcome_t room_create_then(salon_req_t *req, const char *name, salon_handler_t *next)
{
    if (!name_ok(name)) return room_none(req);
    new_room_t *new = apr_pcalloc(salon_req_pool(req), sizeof(*new));
    new->name = name;
    new->owner_id = salon_req_user(req)->id;
    new->owned = true;
    new->next = next;
    return create(req, new);
}

static salon_outcome_t removed(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    room_t *room = room_find(*(apr_int64_t *)salon_req_data(req));
    if (room == NULL) return room_none(req);
    json_object *json = room_json(room);
    room_remove(room);
    return salon_reply(req, json);
}

salon_outcome_t room_do_remove(salon_req_t *req)
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
