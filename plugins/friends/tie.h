/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people are to each other, in memory: for everybody, a tie to everybody they have to do with.
 * Ties come in pairs, one on each side, and change together.
 */
#ifndef TIE_H
#define TIE_H

#include <apr_tables.h>

#include <salon/plugin.h>

/* What a tie holds; "_BY" is how the other side sees it. */
#define TIE_FRIEND     0x01u
#define TIE_ASKED      0x02u /* wants to be a friend */
#define TIE_ASKED_BY   0x04u
#define TIE_BLOCKS     0x08u
#define TIE_BLOCKED_BY 0x10u
#define TIE_BLOCKED    (TIE_BLOCKS | TIE_BLOCKED_BY)
#define TIE_ANY        (TIE_FRIEND | TIE_ASKED | TIE_ASKED_BY | TIE_BLOCKED)

typedef struct tie_t {
    apr_int64_t user_id; /* the other one */
    unsigned flags;
    apr_int64_t since; /* when the last flag came */
} tie_t;

extern const salon_migration_t tie_migrations[];
extern const salon_personal_t tie_personal[];

/* Reads all; in start(). */
apr_status_t tie_load(apr_pool_t *pool);

/* What the other one is to the user; 0: nothing. */
unsigned tie_flags(apr_int64_t user_id, apr_int64_t other_id);
/* Both sides get, or lose, what is named from the user's side. */
void tie_add(apr_int64_t user_id, apr_int64_t other_id, unsigned flags, apr_int64_t since);
void tie_remove(apr_int64_t user_id, apr_int64_t other_id, unsigned flags);
/* The user's ties that have the flag, by the others' rising ids: const tie_t *, in the pool. */
const apr_array_header_t *tie_list(apr_int64_t user_id, unsigned flag, apr_pool_t *pool);

#endif
