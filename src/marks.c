/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One text per message keeps a page of history one query, whatever people have put on its messages.
 * It is changed inside the transaction, from what is stored then, so that nobody's mark is lost.
 */
#include "marks.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#define KINDS_MOST  8
#define LENGTH_MOST 49152 /* bytes of one message's text: MariaDB's TEXT holds 65535 */

static const salon_mark_kind_t *kinds[KINDS_MOST];
static int kind_count;

void salon_mark_kind(const salon_mark_kind_t *kind)
{
    assert(kind_count < KINDS_MOST);
    kinds[kind_count++] = kind;
}

/* ---- Reading ---- */

static bool is_lists(json_object *values)
{
    if (!json_object_is_type(values, json_type_object)) return false;
    json_object_object_foreach(values, value, users) {
        (void)value;
        if (!json_object_is_type(users, json_type_array)) return false;
    }
    return true;
}

/* A new object: {kind: {value: [user id]}}.  What is damaged, or comes from elsewhere and is none,
 * is no mark. */
static json_object *marks_read(const char *marks)
{
    json_object *all = marks != NULL ? json_tokener_parse(marks) : NULL;
    bool good = json_object_is_type(all, json_type_object);
    if (good) {
        json_object_object_foreach(all, kind, values) {
            (void)kind;
            good = good && is_lists(values);
        }
    }
    if (good) return all;
    json_object_put(all);
    return json_object_new_object();
}

/* ---- Changing ---- */

static int user_place(json_object *users, apr_int64_t user_id)
{
    int count = users != NULL ? (int)json_object_array_length(users) : 0;
    for (int i = 0; i < count; i++)
        if (json_object_get_int64(json_object_array_get_idx(users, (size_t)i)) == user_id) return i;
    return -1;
}

/* The member, made when it is not there. */
static json_object *member(json_object *object, const char *key, json_object *(*make)(void))
{
    json_object *value = json_object_object_get(object, key);
    if (value != NULL) return value;
    value = make();
    json_object_object_add(object, key, value);
    return value;
}

static marks_outcome_t mark_add(json_object *values, const char *value, apr_int64_t user_id,
                                int most)
{
    json_object *users = json_object_object_get(values, value);
    if (user_place(users, user_id) >= 0) return MARKS_UNCHANGED;
    if (users == NULL && json_object_object_length(values) >= most) return MARKS_TOO_MANY;
    json_object_array_add(member(values, value, json_object_new_array),
                          json_object_new_int64(user_id));
    return MARKS_CHANGED;
}

static marks_outcome_t mark_remove(json_object *values, const char *value, apr_int64_t user_id)
{
    json_object *users = json_object_object_get(values, value);
    int place = user_place(users, user_id);
    if (place < 0) return MARKS_UNCHANGED;
    json_object_array_del_idx(users, (size_t)place, 1);
    if (json_object_array_length(users) == 0) json_object_object_del(values, value);
    return MARKS_CHANGED;
}

marks_outcome_t marks_change(apr_pool_t *pool, const char *marks, const salon_mark_kind_t *kind,
                             const char *value, apr_int64_t user_id, bool add,
                             const char **marks_r)
{
    json_object *all = marks_read(marks);
    json_object *values = member(all, kind->name, json_object_new_object);
    marks_outcome_t outcome = add ? mark_add(values, value, user_id, kind->most)
                                  : mark_remove(values, value, user_id);
    if (json_object_object_length(values) == 0) json_object_object_del(all, kind->name);
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    *marks_r = json_object_object_length(all) > 0
                   ? apr_pstrdup(pool, json_object_to_json_string_ext(all, flags))
                   : NULL;
    json_object_put(all);
    if (outcome == MARKS_CHANGED && add && strlen(*marks_r) > LENGTH_MOST) return MARKS_TOO_MANY;
    return outcome;
}

/* ---- Showing ---- */

static json_object *kind_list(const salon_mark_kind_t *kind, json_object *values)
{
    json_object *list = json_object_new_array();
    if (values == NULL) return list;
    json_object_object_foreach(values, value, users) {
        int count = (int)json_object_array_length(users);
        apr_int64_t *ids = malloc(sizeof(*ids) * (size_t)count);
        if (ids == NULL) abort();
        for (int i = 0; i < count; i++)
            ids[i] = json_object_get_int64(json_object_array_get_idx(users, (size_t)i));
        json_object_array_add(list, kind->describe(value, ids, count));
        free(ids);
    }
    return list;
}

void marks_describe(json_object *message, const char *marks)
{
    json_object *all = marks_read(marks);
    for (int i = 0; i < kind_count; i++)
        salon_json_member(message, kinds[i]->name,
                          kind_list(kinds[i], json_object_object_get(all, kinds[i]->name)));
    json_object_put(all);
}
