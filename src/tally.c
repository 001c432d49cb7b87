/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both lists have rows whose first columns are the same, for people who read them without names.
 */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "salon/dialect.h"

#define TOPIC_LENGTH 64

static void row_count(tally_row_t *row, apr_int64_t messages, apr_int64_t oldest,
                      apr_int64_t newest)
{
    if (row->messages == 0 || oldest < row->oldest) row->oldest = oldest;
    if (row->messages == 0 || newest > row->newest) row->newest = newest;
    row->messages += messages;
}

/* The last one takes what is too much. */
static tally_row_t *kind_row(tally_t *tally, const char *kind)
{
    for (int i = 0; i < tally->kind_count; i++)
        if (strcmp(tally->kinds[i].kind, kind) == 0) return &tally->kinds[i];
    if (tally->kind_count == TALLY_KINDS) return &tally->kinds[TALLY_KINDS - 1];
    tally_row_t *row = &tally->kinds[tally->kind_count++];
    row->kind = kind;
    return row;
}

void tally_enter(tally_t *tally, const char *kind, salon_topic_t topic)
{
    tally->place = (tally_row_t){ .kind = kind, .topic = topic };
}

void tally_message(tally_t *tally, apr_int64_t created_at)
{
    row_count(&tally->place, 1, created_at, created_at);
}

/* The smallest gives way. */
static void place_keep(tally_t *tally, const tally_row_t *place)
{
    tally_row_t *smallest = &tally->places[0];
    if (tally->place_count < TALLY_PLACES) {
        tally->places[tally->place_count++] = *place;
        return;
    }
    tally->places_more++;
    for (int i = 1; i < TALLY_PLACES; i++)
        if (tally->places[i].messages < smallest->messages) smallest = &tally->places[i];
    if (smallest->messages < place->messages) *smallest = *place;
}

void tally_leave(tally_t *tally)
{
    tally_row_t *place = &tally->place;
    if (place->messages == 0) return;
    tally_row_t *kind = kind_row(tally, place->kind);
    row_count(kind, place->messages, place->oldest, place->newest);
    kind->places++;
    tally->messages += place->messages;
    place_keep(tally, place);
    *place = (tally_row_t){ 0 };
}

/* ---- Showing ---- */

static json_object *row_json(const tally_row_t *row)
{
    json_object *json = salon_json_string(salon_json(), "kind", row->kind);
    salon_json_integer(json, "messages", row->messages);
    salon_json_value(json, "oldest", salon_time_json(row->oldest));
    return salon_json_value(json, "newest", salon_time_json(row->newest));
}

static json_object *kind_json(const tally_row_t *row)
{
    return salon_json_integer(row_json(row), "places", row->places);
}

/* What its owner describes it with may have a name; a new reference. */
static json_object *place_name(salon_topic_t topic)
{
    json_object *described = salon_describe(topic), *name = NULL;
    if (described == NULL) return NULL;
    json_object_object_foreach(described, member, value) {
        (void)member;
        name = json_object_get(salon_path(value, "name"));
    }
    json_object_put(described);
    return name;
}

static json_object *place_json(const tally_row_t *row)
{
    char topic[TOPIC_LENGTH];
    json_object *json = row_json(row);
    apr_snprintf(topic, sizeof(topic), "%s:%" APR_INT64_T_FMT, row->topic.kind, row->topic.id);
    salon_json_string(json, "topic", topic);
    return salon_json_value(json, "name", place_name(row->topic));
}

static json_object *list_json(const tally_row_t *rows, int count,
                              json_object *(*json)(const tally_row_t *row))
{
    json_object *list = json_object_new_array();
    for (int i = 0; i < count; i++) json_object_array_add(list, json(&rows[i]));
    return list;
}

static int by_size(const void *a, const void *b)
{
    const tally_row_t *left = a, *right = b;
    return (left->messages < right->messages) - (left->messages > right->messages);
}

json_object *tally_json(tally_t *tally)
{
    qsort(tally->places, (size_t)tally->place_count, sizeof(tally_row_t), by_size);
    json_object *json = salon_json_integer(salon_json(), "messages", tally->messages);
    salon_json_value(json, "kinds", list_json(tally->kinds, tally->kind_count, kind_json));
    salon_json_value(json, "places", list_json(tally->places, tally->place_count, place_json));
    return salon_json_integer(json, "places_more", tally->places_more);
}
