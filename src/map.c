/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open addressing: an entry stands in the first free slot at or after its own.  Ids are often
 * consecutive, or differ in their upper bits alone: a multiplication spreads either.  Where one is
 * taken out, those behind it move up, so that there are no graves.
 */
#include "salon/map.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_LEAST 4

typedef salon_map_entry_t slot_t; /* id 0: free */

static unsigned home_of(const salon_map_t *map, apr_int64_t id)
{
    apr_uint64_t spread = (apr_uint64_t)id * 0x9e3779b97f4a7c15u; /* 2^64 by the golden ratio */
    return (unsigned)(spread >> 32) & (map->capacity - 1);
}

/* Where it is, or would be; there is a free slot always. */
static unsigned place_of(const salon_map_t *map, apr_int64_t id)
{
    unsigned at = home_of(map, id);
    while (map->slots[at].id != 0 && map->slots[at].id != id) at = (at + 1) & (map->capacity - 1);
    return at;
}

void *salon_map_get(const salon_map_t *map, apr_int64_t id)
{
    if (map->count == 0) return NULL;
    const slot_t *slot = &map->slots[place_of(map, id)];
    return slot->id == id ? slot->value : NULL;
}

static void capacity_set(salon_map_t *map, unsigned capacity)
{
    slot_t *old = map->slots;
    unsigned old_capacity = map->capacity;
    map->slots = calloc(capacity, sizeof(*map->slots));
    if (map->slots == NULL) abort();
    map->capacity = capacity;
    for (unsigned i = 0; i < old_capacity; i++)
        if (old[i].id != 0) map->slots[place_of(map, old[i].id)] = old[i];
    free(old);
}

/* Would the entry at `at` not be found any more were the slot at `gap` free? */
static bool is_cut_off(const salon_map_t *map, unsigned gap, unsigned at)
{
    unsigned mask = map->capacity - 1;
    return ((at - home_of(map, map->slots[at].id)) & mask) >= ((at - gap) & mask);
}

static void take_out(salon_map_t *map, apr_int64_t id)
{
    unsigned mask = map->capacity - 1, gap = place_of(map, id);
    if (map->slots[gap].id != id) return;
    for (unsigned at = (gap + 1) & mask; map->slots[at].id != 0; at = (at + 1) & mask) {
        if (!is_cut_off(map, gap, at)) continue;
        map->slots[gap] = map->slots[at];
        gap = at;
    }
    map->slots[gap] = (slot_t){ 0 };
    if (--map->count == 0) salon_map_clear(map);
}

/* At most three quarters are in use. */
void salon_map_set(salon_map_t *map, apr_int64_t id, void *value)
{
    assert(id != 0);
    if (value == NULL) {
        if (map->count > 0) take_out(map, id);
        return;
    }
    if (map->capacity == 0) capacity_set(map, CAPACITY_LEAST);
    else if ((unsigned)map->count >= map->capacity - map->capacity / 4)
        capacity_set(map, map->capacity * 2);
    slot_t *slot = &map->slots[place_of(map, id)];
    map->count += slot->id == 0;
    *slot = (slot_t){ id, value };
}

void *salon_map_next(const salon_map_t *map, unsigned *at)
{
    while (*at < map->capacity) {
        const slot_t *slot = &map->slots[(*at)++];
        if (slot->id != 0) return slot->value;
    }
    return NULL;
}

/* ---- Pages ---- */

/* A heap, the greatest id first, in which those with the least ids stay. */
static void sift_down(slot_t *heap, int count, int at, slot_t slot)
{
    for (int child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && heap[child + 1].id > heap[child].id) child++;
        if (heap[child].id <= slot.id) break;
        heap[at] = heap[child];
    }
    heap[at] = slot;
}

static void sift_up(slot_t *heap, int at, slot_t slot)
{
    for (; at > 0 && heap[(at - 1) / 2].id < slot.id; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = slot;
}

static int least_choose(const salon_map_t *map, apr_int64_t after, slot_t *heap, int most)
{
    int count = 0;
    for (unsigned i = 0; i < map->capacity; i++) {
        slot_t slot = map->slots[i];
        if (slot.id == 0 || slot.id <= after) continue;
        if (count < most) sift_up(heap, count++, slot);
        else if (slot.id < heap[0].id) sift_down(heap, count, 0, slot);
    }
    return count;
}

int salon_map_page(const salon_map_t *map, apr_int64_t after, salon_map_entry_t *entries, int most)
{
    int count = least_choose(map, after, entries, most);
    for (int left = count - 1; left > 0; left--) {
        slot_t greatest = entries[0];
        sift_down(entries, left, 0, entries[left]);
        entries[left] = greatest;
    }
    return count;
}

void salon_map_clear(salon_map_t *map)
{
    free(map->slots);
    *map = (salon_map_t){ 0 };
}
