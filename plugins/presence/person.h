/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People: the status that each has chosen, whether they are here, and what others have been told of
 * it.  Kept in memory for everybody who has been seen, and in the table presence.
 */
#ifndef PERSON_H
#define PERSON_H

#include <sys/queue.h>

#include <apr_tables.h>

#include "pace.h"

/* The first four can be chosen, and are stored. */
typedef enum {
    PERSON_ONLINE,
    PERSON_AWAY,
    PERSON_BUSY,
    PERSON_INVISIBLE,
    PERSON_OFFLINE
} person_status_t;

typedef struct person_t {
    apr_int64_t id;
    person_status_t status; /* as chosen */
    const char *message;    /* as chosen; NULL: none */
    apr_int64_t last_seen;  /* what others see of somebody who is not here */
    bool here;              /* connected, or gone for less than the grace */
    bool stored;
    apr_int64_t gone_at;         /* when the last connection went, since 1970 */
    apr_int64_t leaves_at;       /* when that is news, by pace_now */
    apr_array_header_t *rooms;   /* that connections hear, see heard.h; NULL: none yet */
    person_status_t told_status; /* as others know it */
    bool chosen;           /* a status has been chosen that others have not been told of */
    apr_int64_t told_at;         /* by pace_now */
    bool is_leaving, is_waiting; /* in which lists */
    TAILQ_ENTRY(person_t) leaving;
    TAILQ_ENTRY(person_t) waiting;
} person_t;

typedef struct person_choice_t {
    person_status_t status;
    const char *message; /* NULL: as it is; "": none */
    apr_int64_t last_seen;
} person_choice_t;

extern const salon_migration_t person_migrations[];
extern const salon_personal_t person_personal[];

/* Settings. */
extern apr_int64_t person_grace, person_interval, person_rate;

/* Reads all; in start(). */
apr_status_t person_load(apr_pool_t *pool);

/* NULL: never seen. */
person_t *person_find(apr_int64_t user_id);
/* Makes one who has never been seen. */
person_t *person_of(apr_int64_t user_id);

/* The first connection has come, the last one has gone. */
void person_arrive(person_t *person);
void person_leave(person_t *person);

/* Hooks: somebody who is being erased looks gone; and what they have chosen is forgotten. */
void person_vanish(salon_req_t *req, apr_int64_t user_id);
void person_forget(apr_int64_t user_id);

/* Adds the statements that store a choice, and completes it; then makes it known. */
void person_sql(salon_req_t *req, person_t *person, person_choice_t *choice);
void person_choose(person_t *person, const person_choice_t *choice);

/* A connection of the person hears a room from now on, or does no longer. */
void person_hear(person_t *person, apr_int64_t room_id);
void person_hear_not(person_t *person, apr_int64_t room_id);

/* Tells what is due. */
void person_tick(apr_int64_t now);
/* Stores when those who have just gone were seen. */
void person_stop(void);

/* A new object: as others see the person, or (own) as the person does. */
json_object *person_json(const person_t *person, bool own);

/* False for a word that is no status, and for "offline", which nobody can choose. */
bool person_status_parse(const char *name, person_status_t *status_r);

#endif
