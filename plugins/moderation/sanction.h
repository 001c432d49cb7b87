/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody has been forbidden: where, by whom, until when.  All sanctions are in memory, by
 * person, and in the table `sanctions`; of one kind in one place a person has one at most.
 */
#ifndef SANCTION_H
#define SANCTION_H

#include <salon/map.h>

/* What sanctioned people are refused with. */
#define SANCTIONED "user_sanctioned"

/* Stored. */
typedef enum { SANCTION_MUTE = 1, SANCTION_BAN = 2 } sanction_kind_t;

typedef struct sanction_t {
    struct sanction_t *next; /* of the same person */
    apr_int64_t user_id;
    const char *place; /* a key, see place_t */
    sanction_kind_t kind;
    apr_int64_t expires_at; /* 0: for good */
    apr_int64_t created_at, created_by;
    const char *reason; /* NULL: none was given */
} sanction_t;

/* Who has any, those that are over included. */
typedef struct sanctioned_t {
    apr_int64_t user_id;
    sanction_t *first;
    struct sanctioned_t *next; /* of those who are to be forgotten */
} sanctioned_t;

extern const char *const sanction_tables[]; /* of the migration */

/* In start(). */
apr_status_t sanction_load(apr_pool_t *pool);

bool sanction_holds(const sanction_t *sanction, apr_int64_t now);
/* NULL: there is none in force. */
const sanction_t *sanction_find(apr_int64_t user_id, const char *place, sanction_kind_t kind);
/* Who has any in that place: by id, sanctioned_t. */
const salon_map_t *sanction_people(const char *place);

/* The statements, and then what is in memory: another one of that kind and place is replaced. */
void sanction_sql_put(salon_req_t *req, const sanction_t *sanction);
void sanction_put(const sanction_t *sanction);
/* While it is being stored it forbids already what it is going to: what would be said now would be
 * heard after it. */
void sanction_begin(salon_req_t *req, const sanction_t *sanction);
void sanction_sql_remove(salon_req_t *req, apr_int64_t user_id, const char *place);
void sanction_remove(apr_int64_t user_id, const char *place);

/* Forgets those of somebody; the hook of that name. */
void sanction_erased(apr_int64_t user_id);
/* Forgets those that are over. */
void sanction_sweep(apr_int64_t now);

/* The canonical code for who may not do what a sanction forbids; NULL: no objection. */
const char *sanction_refuse(const salon_user_t *user, const char *what, salon_topic_t topic);

const char *sanction_kind_name(sanction_kind_t kind);

#endif
