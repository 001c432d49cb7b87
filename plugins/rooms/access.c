/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles in a room, and what they are good for: one table says which words of salon_may mean what.
 */
#include <string.h>

#include "attendance.h"
#include "members.h"

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

/* Who is there as a guest takes part like a member, while that lasts. */
static bool may_take_part(const asking_t *a)
{
    return a->member != NULL || attendance_has_guest(a->room, a->user->id);
}

/*
 * People without an account see of a room what happens while they are in it; salonctl, which asks
 * as the system user, is in none and sees all.
 */
static bool may_look(const asking_t *a)
{
    if (a->user->id == SALON_SYSTEM_USER || may_take_part(a)) return true;
    return !a->user->anonymous && may_read(a);
}

static bool may_join(const asking_t *a)
{
    return !a->user->anonymous && (may_read(a) || room_invited(a->room, a->user->id));
}

static bool may_enter(const asking_t *a)
{
    return a->user->anonymous ? room_admits_anonymous(a->room) : may_join(a);
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
    { "read", may_look },         { "send", may_take_part },   { "stats", may_be_member },
    { "join", may_join },         { "pin", may_moderate },     { "moderate", may_moderate },
    { "invite", may_moderate },   { "manage", may_manage },    { "react", may_look },
    { "type", may_take_part },    { "audit", may_audit },      { "enter", may_enter },
};

bool room_admits_anonymous(const room_t *room)
{
    if (room->private_) return false;
    return room->anonymous == ROOM_AS_SET ? room_allow_anonymous : room->anonymous == ROOM_ANYBODY;
}

bool room_allows(const room_t *room, const salon_user_t *user, const char *what)
{
    if (user == NULL) return false;
    asking_t asking = { room, user, room_member(room, user->id) };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i].what, what) == 0) return rules[i].may(&asking);
    return false;
}
