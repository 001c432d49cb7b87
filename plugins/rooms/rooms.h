/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the plugin share: the room that a request is about, and the handlers.
 */
#ifndef ROOMS_H
#define ROOMS_H

#include "room.h"

#define ROOM_NAME_MOST 100 /* code points */
#define ROOM_NOT_FOUND "room_not_found"

/* A setting: joining an unknown name makes the room. */
extern bool room_auto_create;

/* The one that the request names; NULL: there is none. */
room_t *room_of(const salon_req_t *req);
/* The refusal where room_of has found none. */
salon_outcome_t room_none(salon_req_t *req);
/* The subject of operations on a room that must exist: room_of finds it. */
salon_subject_t room_subject;
/* The same, for those that make one, too, if the asker may do `what` there; NULL: *refused_r says
 * why not. */
room_t *room_for(salon_req_t *req, const char *what, salon_outcome_t *refused_r);

/* Makes a public room, the asker's, and goes on with `next` in it.  What is no name is refused like
 * an unknown room. */
salon_outcome_t room_create_then(salon_req_t *req, const char *name, salon_handler_t *next);

/* 1 to 100 letters, digits and "._-", not digits alone: those are an id. */
bool room_slug_ok(const char *slug);
/* Is a room of that name or slug being stored? */
bool room_is_coming(const char *name);
/* Goes on with `next` when whatever is being stored now has been. */
salon_outcome_t room_await(salon_req_t *req, salon_handler_t *next);

salon_handler_t room_create, room_do_remove, room_enter, room_list, room_active, room_get;
salon_handler_t room_join, room_leave, room_members, room_role, room_do_invite;

#endif
