/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes are few words each, for there are as many as rooms and conversations in which something
 * waits; their texts are in memory only while somebody works on them.
 */
#include "lane.h"

#include <stdlib.h>
#include <string.h>

#include <apr_hash.h>

TAILQ_HEAD(lane_list_t, lane_t);

static struct {
    apr_hash_t *by_name;
    struct lane_list_t lists[LANE_BUSY + 1];
} all;

void lane_init(apr_pool_t *pool)
{
    all.by_name = apr_hash_make(pool);
    for (int i = 0; i <= LANE_BUSY; i++) TAILQ_INIT(&all.lists[i]);
}

lane_t *lane_get(const char *name)
{
    lane_t *lane = apr_hash_get(all.by_name, name, APR_HASH_KEY_STRING);
    if (lane != NULL) return lane;
    lane = calloc(1, sizeof(*lane));
    if (lane == NULL) abort();
    lane->name = strdup(name);
    apr_hash_set(all.by_name, lane->name, APR_HASH_KEY_STRING, lane);
    TAILQ_INSERT_TAIL(&all.lists[LANE_READY], lane, link);
    return lane;
}

void lane_free(lane_t *lane)
{
    apr_hash_set(all.by_name, lane->name, APR_HASH_KEY_STRING, NULL);
    TAILQ_REMOVE(&all.lists[lane->place], lane, link);
    lane_clear(lane);
    free(lane->name);
    free(lane);
}

void lane_move(lane_t *lane, lane_place_t place)
{
    TAILQ_REMOVE(&all.lists[lane->place], lane, link);
    lane->place = place;
    TAILQ_INSERT_TAIL(&all.lists[place], lane, link);
}

void lane_move_first(lane_t *lane)
{
    TAILQ_REMOVE(&all.lists[lane->place], lane, link);
    lane->place = LANE_READY;
    TAILQ_INSERT_HEAD(&all.lists[LANE_READY], lane, link);
}

lane_t *lane_ready(void)
{
    return TAILQ_FIRST(&all.lists[LANE_READY]);
}

void lane_resume(apr_int64_t now, bool away)
{
    lane_t *next;
    for (lane_t *lane = TAILQ_FIRST(&all.lists[LANE_PAUSING]); lane != NULL; lane = next) {
        next = TAILQ_NEXT(lane, link);
        if (backoff_over(&lane->backoff, now) || (away && lane->away)) lane_move(lane, LANE_READY);
    }
}

apr_int64_t lane_oldest(void)
{
    apr_int64_t oldest = 0;
    for (int i = 0; i <= LANE_BUSY; i++) {
        const lane_t *lane;
        TAILQ_FOREACH(lane, &all.lists[i], link)
            if (lane->waiting > 0 && (oldest == 0 || lane->oldest_at < oldest))
                oldest = lane->oldest_at;
    }
    return oldest;
}

const letter_t *lane_letter(const lane_t *lane)
{
    if (lane->pool == NULL || lane->done == lane->letters->nelts) return NULL;
    return &APR_ARRAY_IDX(lane->letters, lane->done, letter_t);
}

void lane_clear(lane_t *lane)
{
    if (lane->pool != NULL) apr_pool_destroy(lane->pool);
    lane->pool = NULL;
    lane->letters = NULL;
    lane->done = 0;
}
