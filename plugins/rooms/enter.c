/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entering a room: being there, as a guest or a member, as long as the connection lasts.  Where the
 * room does not exist, a live one is made.
 */
#include "attendance.h"
#include "live.h"
#include "rooms.h"
#include "video.h"

/* ---- The room, where it exists ---- */

static json_object *entered_json(const salon_req_t *req, const room_t *room)
{
    bool hears = salon_subscribed(salon_req_session(req), room_topic(room));
    json_object *json = salon_json_value(salon_json(), "room", room_json(room));
    return salon_json_integer(json, "connection_count",
                              salon_topic_sessions(room_topic(room)) + !hears);
}

/* The answer goes first: what is heard of the room comes after it. */
static salon_outcome_t enter(salon_req_t *req, room_t *room)
{
    salon_session_t *session = salon_req_session(req);
    const char *code = salon_may_not(salon_req_user(req), "enter", room_topic(room));
    if (code != NULL) return salon_fail(req, code);
    if (salon_arg_boolean(req, "bind", false))
        salon_session_default(session, "room_id", json_object_new_int64(room->id));
    salon_outcome_t outcome = salon_reply(req, entered_json(req, room));
    salon_subscribe(session, room_topic(room));
    attendance_be_guest(session, room);
    return outcome;
}

/* ---- Where it does not ---- */

static salon_outcome_t enter_new(salon_req_t *req, const char *slug, const char *description)
{
    const char *code = live_may_not_make();
    if (code != NULL) return salon_fail(req, code);
    apr_int64_t id = salon_next_id("room");
    if (id == 0) return salon_fail(req, SALON_UNAVAILABLE);
    room_t *room = live_add(&(room_t){ .id = id,
                                       .name = slug,
                                       .slug = slug,
                                       .description = description,
                                       .live = true,
                                       .anonymous = ROOM_AS_SET,
                                       .created_by = salon_arg_integer(req, "created_by",
                                                                       SALON_SYSTEM_USER),
                                       .created_at = salon_now() },
                            LIVE_TTL);
    salon_outcome_t outcome = enter(req, room);
    live_left(room); /* nobody is in it who was refused */
    return outcome;
}

static salon_outcome_t enter_slug(salon_req_t *req, const char *slug, const char *description)
{
    room_t *room = room_find_name(slug);
    return room != NULL ? enter(req, room) : enter_new(req, slug, description);
}

static salon_outcome_t enter_video(salon_req_t *req)
{
    const video_t *video = video_find(salon_arg_string(req, "video"));
    if (video == NULL) return salon_fail(req, VIDEO_NOT_FOUND);
    return enter_slug(req, video_slug(video, salon_req_pool(req)), video->title);
}

static salon_outcome_t enter_known(salon_req_t *req)
{
    room_t *room = room_of(req);
    return room != NULL ? enter(req, room) : room_none(req);
}

salon_outcome_t room_enter(salon_req_t *req)
{
    const char *text = salon_arg_string(req, "room");
    if (salon_req_session(req) == NULL) return salon_fail(req, SALON_DENIED);
    live_reap();
    if (salon_arg(req, "video") != NULL) return enter_video(req);
    if (room_of(req) != NULL || text == NULL || !room_slug_ok(text)) return enter_known(req);
    if (room_is_coming(text)) return room_await(req, enter_known);
    if (!salon_arg_boolean(req, "create", false)) return room_none(req);
    return enter_slug(req, text, NULL);
}
