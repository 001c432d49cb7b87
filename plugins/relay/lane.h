/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane: the messages of one room or conversation that wait to be handed on.  It is in one place
 * at a time: ready, pausing after a failure, or with somebody who works on it.
 */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>
#include <sys/queue.h>

#include <apr_pools.h>
#include <apr_tables.h>

#include "backoff.h"

/* What is to be done next for its first message. */
typedef enum { LANE_READ, LANE_POST, LANE_REMOVE, LANE_PARK } lane_step_t;

typedef enum { LANE_READY, LANE_PAUSING, LANE_BUSY } lane_place_t;

/* A message, as it is read from the table. */
typedef struct letter_t {
    apr_int64_t id, created_at;
    const char *text;
} letter_t;

typedef struct lane_t {
    char *name; /* its topic: "room:12" */
    int waiting;
    apr_int64_t oldest_at; /* when the first was said, as far as is known */
    lane_step_t step;
    lane_place_t place;
    TAILQ_ENTRY(lane_t) link;
    backoff_t backoff;
    bool away;        /* it pauses because the upstream is away */
    apr_pool_t *pool; /* of the letters; NULL: none have been read */
    apr_array_header_t *letters; /* letter_t */
    int done;         /* of the letters */
    apr_int64_t id;   /* the first message, for LANE_REMOVE and LANE_PARK */
    char reason[256]; /* for LANE_PARK */
} lane_t;

void lane_init(apr_pool_t *pool);
/* Made where there is none; a new one is ready. */
lane_t *lane_get(const char *name);
/* Nothing waits in it, and nobody works on it. */
void lane_free(lane_t *lane);
/* Puts it there: at the end. */
void lane_move(lane_t *lane, lane_place_t place);
/* Makes it the first that is ready. */
void lane_move_first(lane_t *lane);
/* The first that is ready, or NULL. */
lane_t *lane_ready(void);
/* Those whose pause is over become ready; with `away`, those for which the upstream was. */
void lane_resume(apr_int64_t now, bool away);
/* When the oldest message of all was said; 0: there is none. */
apr_int64_t lane_oldest(void);

/* The present letter; NULL: all that were read are done. */
const letter_t *lane_letter(const lane_t *lane);
/* Forgets the letters. */
void lane_clear(lane_t *lane);

#endif
