/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A map from ids to pointers, for what there are hundreds of thousands of: 16 bytes for an entry,
 * and half as much again; none while it is empty.  All zero is an empty map.
 */
#ifndef SALON_MAP_H
#define SALON_MAP_H

#include <salon/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct salon_map_entry_t {
    apr_int64_t id;
    void *value;
} salon_map_entry_t;

typedef struct salon_map_t {
    int count;
    unsigned capacity; /* the rest is private to salond */
    salon_map_entry_t *slots;
} salon_map_t;

/* Any thread, if no other uses the map at that time.  NULL: there is none; no id is 0. */
SALON_API void *salon_map_get(const salon_map_t *map, apr_int64_t id);
/* NULL takes it out; a map that is empty then owns no memory. */
SALON_API void salon_map_set(salon_map_t *map, apr_int64_t id, void *value);
/*
 * The values, in no order: *at is 0 at first; NULL: there are no more.  Meanwhile nothing must be
 * put in; what is taken out in between may make others be met twice, or not at all.
 */
SALON_API void *salon_map_next(const salon_map_t *map, unsigned *at);
/* The entries with the least ids above `after`, up to `most` of them, by rising ids; how many.
 * Looks at every entry there is. */
SALON_API int salon_map_page(const salon_map_t *map, apr_int64_t after, salon_map_entry_t *entries,
                             int most);
/* Empties it, and frees its memory; the values are the caller's. */
SALON_API void salon_map_clear(salon_map_t *map);

/*
 * Chat thread.  Lists of what there may be any number of are answered in pages: the arguments of an
 * operation that does so, and what adds to its answer the list `name` with a page of the map, by
 * rising ids.  `add` adds a value to the list, or leaves it out.  Where there are more, the answer
 * has "next": what "after" must be to go on.
 */
#define SALON_PAGE_MOST 500
#define SALON_PAGE_ARGUMENTS                                                                     \
    { "after", SALON_ID, SALON_OPTIONAL, 0, 0 },                                                 \
    { "limit", SALON_INTEGER, SALON_OPTIONAL | SALON_CLAMP, 1, SALON_PAGE_MOST }
typedef void salon_list_add_t(json_object *list, void *value, void *baton);
SALON_API json_object *salon_json_page(json_object *answer, const char *name,
                                       const salon_req_t *req, const salon_map_t *map,
                                       salon_list_add_t *add, void *baton);

/* Chat thread.  Those with an account who are connected: salon_user_t; not to be changed. */
SALON_API const salon_map_t *salon_users_online(void);

#ifdef __cplusplus
}
#endif

#endif
