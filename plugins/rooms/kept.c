/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of one room holds in the place of all that is set: no limit at all, too.  It is kept
 * by id, for those rooms only; what is left of one that has ended is asked for by nobody.
 */
#include "kept.h"

#include <stdlib.h>

#include <apr_hash.h>

#include "rooms.h"

salon_keep_t kept_public = { .name = "public rooms" };
salon_keep_t kept_private = { .name = "private rooms" };

typedef struct {
    apr_int64_t room_id;
    salon_keep_t keep;
} own_t;

static apr_hash_t *owns; /* room id -> own_t */

const char *const kept_tables[] = {
    "CREATE TABLE room_kept (room_id BIGINT PRIMARY KEY, days BIGINT NOT NULL,"
    " messages BIGINT NOT NULL, pinned SMALLINT NOT NULL)",
    NULL,
};

/* ---- One room's own ---- */

static own_t *own_find(apr_int64_t room_id)
{
    return apr_hash_get(owns, &room_id, sizeof(room_id));
}

static void own_remove(apr_int64_t room_id)
{
    own_t *own = own_find(room_id);
    if (own == NULL) return;
    apr_hash_set(owns, &room_id, sizeof(room_id), NULL);
    free(own);
}

static void own_set(apr_int64_t room_id, const salon_keep_t *keep)
{
    own_remove(room_id);
    own_t *own = malloc(sizeof(*own));
    if (own == NULL) abort();
    *own = (own_t){ room_id, *keep };
    apr_hash_set(owns, &own->room_id, sizeof(own->room_id), own);
}

static void own_take(const salon_rows_t *rows, int row)
{
    own_set(salon_rows_integer(rows, row, 0),
            &(salon_keep_t){ .days = salon_rows_integer(rows, row, 1),
                             .messages = salon_rows_integer(rows, row, 2),
                             .pinned = salon_rows_integer(rows, row, 3) != 0 });
}

apr_status_t kept_load(apr_pool_t *pool)
{
    owns = apr_hash_make(pool);
    return salon_load_each(own_take, "SELECT room_id, days, messages, pinned FROM room_kept");
}

/* ---- Asking ---- */

static bool is_limit(const salon_keep_t *keep)
{
    return keep->days > 0 || keep->messages > 0;
}

bool kept_of(apr_int64_t room_id, salon_keep_t *keep_r)
{
    if (room_id == 0)
        return is_limit(&kept_public) || is_limit(&kept_private) || apr_hash_count(owns) > 0;
    const room_t *room = room_find(room_id);
    if (room == NULL) return false;
    const own_t *own = own_find(room_id);
    *keep_r = room->private_ ? kept_private : kept_public;
    const char *name = keep_r->name;
    if (own != NULL) *keep_r = own->keep;
    keep_r->name = name;
    return is_limit(keep_r);
}

/* ---- Saying ---- */

void kept_sql_remove(salon_req_t *req, apr_int64_t room_id)
{
    salon_sql(req, "DELETE FROM room_kept WHERE room_id = %ld", (long)room_id);
}

static json_object *own_json(const room_t *room, const salon_keep_t *keep)
{
    json_object *json = salon_json_integer(salon_json(), "id", room->id);
    salon_json_string(json, "name", room->name);
    salon_json_integer(json, "days", keep->days);
    salon_json_integer(json, "messages", keep->messages);
    return salon_json_boolean(json, "pinned", keep->pinned);
}

static salon_keep_t keep_asked(const salon_req_t *req)
{
    return (salon_keep_t){ .days = salon_arg_integer(req, "days", 0),
                           .messages = salon_arg_integer(req, "messages", 0),
                           .pinned = salon_arg_boolean(req, "pinned", true) };
}

static bool is_as_set(const salon_req_t *req)
{
    return salon_arg_boolean(req, "as_set", false);
}

static salon_outcome_t stored(salon_req_t *req, const salon_rows_t *rows)
{
    (void)rows;
    const room_t *room = room_of(req);
    salon_keep_t keep = keep_asked(req);
    if (room == NULL) return room_none(req);
    if (is_as_set(req)) {
        own_remove(room->id);
        return salon_reply(req, room_json(room));
    }
    own_set(room->id, &keep);
    return salon_reply(req, own_json(room, &keep));
}

/* There is nothing to delete where nothing is stored. */
salon_outcome_t room_keep(salon_req_t *req)
{
    static const char *const figures[] = { "days", "messages", "pinned" };
    const room_t *room = room_of(req);
    if (room == NULL) return room_none(req);
    if (room->live || room->memory) return salon_fail_argument(req, "room");
    for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
        if (is_as_set(req) && salon_arg(req, figures[i]) != NULL)
            return salon_fail_argument(req, figures[i]);
    salon_keep_t keep = keep_asked(req);
    kept_sql_remove(req, room->id);
    if (!is_as_set(req))
        salon_sql(req, "INSERT INTO room_kept (room_id, days, messages, pinned)"
                  " VALUES (%ld, %ld, %ld, %d)",
                  (long)room->id, (long)keep.days, (long)keep.messages, keep.pinned);
    return salon_store(req, stored);
}

salon_outcome_t room_kept(salon_req_t *req)
{
    json_object *list = json_object_new_array();
    apr_pool_t *pool = salon_req_pool(req);
    for (apr_hash_index_t *i = apr_hash_first(pool, owns); i; i = apr_hash_next(i)) {
        const own_t *own = apr_hash_this_val(i);
        const room_t *room = room_find(own->room_id);
        if (room != NULL) json_object_array_add(list, own_json(room, &own->keep));
    }
    return salon_reply(req, salon_json_value(salon_json(), "rooms", list));
}
