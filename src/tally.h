/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has deleted, or would: for each kind of timelines by the name that its owner gives it,
 * and for each place, of which the larger ones are told one by one.
 */
#ifndef TALLY_H
#define TALLY_H

#include "salon/message.h"

#define TALLY_KINDS  16
#define TALLY_PLACES 100 /* that are told */

typedef struct tally_row_t {
    const char *kind;
    salon_topic_t topic; /* of a place */
    apr_int64_t messages, oldest, newest;
    int places; /* of a kind */
} tally_row_t;

/* All zero is empty. */
typedef struct tally_t {
    tally_row_t kinds[TALLY_KINDS], places[TALLY_PLACES];
    int kind_count, place_count, places_more;
    apr_int64_t messages;
    tally_row_t place; /* that is being counted */
} tally_t;

/* From here on the messages of that place; kind: a constant. */
void tally_enter(tally_t *tally, const char *kind, salon_topic_t topic);
void tally_message(tally_t *tally, apr_int64_t created_at);
/* All of the place have been counted. */
void tally_leave(tally_t *tally);
/* A new object: messages, kinds, places, places_more. */
json_object *tally_json(tally_t *tally);

#endif
