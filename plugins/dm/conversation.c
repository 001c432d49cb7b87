/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations are asked for with every message in them, so all are kept in memory (about 200
 * bytes each beside their timelines), and written through.  Both people may have blocked one; each
 * writes a row of their own, so that neither undoes what the other does at the same moment.
 */
#include "conversation.h"

#include <stdlib.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include <salon/map.h>

static struct {
    salon_map_t by_id;
    apr_hash_t *by_pair;
} directory;

salon_keep_t conversation_kept = { .name = "direct messages" };

static const char *const conversations_1[] = {
    "CREATE TABLE dm_conversations (id BIGINT PRIMARY KEY, user1_id BIGINT NOT NULL,"
    " user2_id BIGINT NOT NULL, low_id BIGINT NOT NULL, high_id BIGINT NOT NULL,"
    " created_at BIGINT NOT NULL, active_at BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX dm_conversations_pair ON dm_conversations (low_id, high_id)",
    "CREATE TABLE dm_persons (conversation_id BIGINT NOT NULL, user_id BIGINT NOT NULL,"
    " blocked_at BIGINT NOT NULL, read_seq BIGINT NOT NULL,"
    " PRIMARY KEY (conversation_id, user_id))",
    "CREATE INDEX dm_persons_user ON dm_persons (user_id)",
    NULL,
};

const salon_migration_t conversation_migrations[] = { { 1, conversations_1 }, { 0, NULL } };

const salon_personal_t conversation_personal[] = {
    { "dm_conversations", "user1_id", SALON_KEEP },
    { "dm_conversations", "user2_id", SALON_KEEP },
    { "dm_conversations", "low_id", SALON_KEEP },
    { "dm_conversations", "high_id", SALON_KEEP },
    { "dm_persons", "user_id", SALON_FORGET },
    { NULL, NULL, SALON_KEEP },
};

static json_object *describe(apr_int64_t id)
{
    const conversation_t *conversation = conversation_find(id);
    return conversation != NULL ? conversation_json(conversation) : NULL;
}

static int persons(apr_int64_t id, apr_int64_t user_ids[2])
{
    const conversation_t *conversation = conversation_find(id);
    if (conversation == NULL) return 0;
    for (int i = 0; i < 2; i++) user_ids[i] = conversation->persons[i].user_id;
    return 2;
}

/* "2:7": between those two people. */
static apr_int64_t find(const char *text)
{
    char *end;
    apr_int64_t a = apr_strtoi64(text, &end, 10);
    apr_int64_t b = *end == ':' ? apr_strtoi64(end + 1, &end, 10) : 0;
    const conversation_t *conversation =
        *end == '\0' ? conversation_between(conversation_pair(a, b)) : NULL;
    return conversation != NULL ? conversation->id : 0;
}

static bool keep(apr_int64_t id, salon_keep_t *keep_r)
{
    (void)id;
    *keep_r = conversation_kept;
    return conversation_kept.days > 0 || conversation_kept.messages > 0;
}

const salon_timeline_kind_t conversation_timeline = {
    .name = "dm",
    .number = 2,
    .member = "conversation",
    .describe = describe,
    .persons = persons,
    .find = find,
    .keep = keep,
};

/* ---- Finding ---- */

pair_t conversation_pair(apr_int64_t a, apr_int64_t b)
{
    return a < b ? (pair_t){ a, b } : (pair_t){ b, a };
}

conversation_t *conversation_find(apr_int64_t id)
{
    return salon_map_get(&directory.by_id, id);
}

conversation_t *conversation_between(pair_t pair)
{
    return apr_hash_get(directory.by_pair, &pair, sizeof(pair));
}

person_t *conversation_person(conversation_t *conversation, apr_int64_t user_id)
{
    for (int i = 0; i < 2; i++)
        if (conversation->persons[i].user_id == user_id) return &conversation->persons[i];
    return NULL;
}

person_t *conversation_other(conversation_t *conversation, apr_int64_t user_id)
{
    return &conversation->persons[conversation->persons[0].user_id == user_id];
}

apr_int64_t conversation_blocked_by(const conversation_t *conversation)
{
    const person_t *a = &conversation->persons[0], *b = &conversation->persons[1];
    if (a->blocked_at == 0 && b->blocked_at == 0) return 0;
    if (a->blocked_at == 0) return b->user_id;
    return b->blocked_at == 0 || a->blocked_at <= b->blocked_at ? a->user_id : b->user_id;
}

/* ---- Adding and removing ---- */

conversation_t *conversation_add(apr_int64_t id, apr_int64_t user1_id, apr_int64_t user2_id,
                                 apr_int64_t created_at)
{
    conversation_t *conversation = malloc(sizeof(*conversation));
    if (conversation == NULL) abort();
    *conversation = (conversation_t){
        .id = id,
        .pair = conversation_pair(user1_id, user2_id),
        .persons = { { .user_id = user1_id }, { .user_id = user2_id } },
        .created_at = created_at,
        .timeline = salon_timeline_open(&conversation_timeline, id, false),
    };
    salon_map_set(&directory.by_id, id, conversation);
    apr_hash_set(directory.by_pair, &conversation->pair, sizeof(conversation->pair), conversation);
    return conversation;
}

void conversation_remove(conversation_t *conversation)
{
    salon_timeline_close(&conversation->timeline);
    salon_map_set(&directory.by_id, conversation->id, NULL);
    apr_hash_set(directory.by_pair, &conversation->pair, sizeof(conversation->pair), NULL);
    free(conversation);
}

/* Without a block that nobody could take back the other one can delete the conversation. */
void conversation_forget(apr_int64_t user_id)
{
    conversation_t *conversation;
    for (unsigned at = 0; (conversation = salon_map_next(&directory.by_id, &at)) != NULL;) {
        person_t *person = conversation_person(conversation, user_id);
        if (person != NULL) *person = (person_t){ .user_id = user_id };
    }
}

/* ---- Loading ---- */

static void conversation_take(const salon_rows_t *rows, int row)
{
    conversation_add(salon_rows_integer(rows, row, 0), salon_rows_integer(rows, row, 1),
                     salon_rows_integer(rows, row, 2), salon_rows_integer(rows, row, 3));
}

static void person_take(const salon_rows_t *rows, int row)
{
    conversation_t *conversation = conversation_find(salon_rows_integer(rows, row, 0));
    apr_int64_t user_id = salon_rows_integer(rows, row, 1);
    person_t *person = conversation != NULL ? conversation_person(conversation, user_id) : NULL;
    if (person == NULL) return;
    person->blocked_at = salon_rows_integer(rows, row, 2);
    person->read_seq = salon_rows_integer(rows, row, 3);
}

apr_status_t conversation_load(apr_pool_t *pool)
{
    directory.by_pair = apr_hash_make(pool);
    apr_status_t rv = salon_load_each(
        conversation_take, "SELECT id, user1_id, user2_id, created_at FROM dm_conversations");
    return rv != APR_SUCCESS
               ? rv
               : salon_load_each(person_take, "SELECT conversation_id, user_id, blocked_at,"
                                              " read_seq FROM dm_persons");
}

/* ---- For others ---- */

salon_topic_t conversation_topic(const conversation_t *conversation)
{
    return SALON_TOPIC("dm", conversation->id);
}

json_object *conversation_json(const conversation_t *conversation)
{
    apr_int64_t blocked_by = conversation_blocked_by(conversation);
    json_object *json = salon_json_integer(salon_json(), "id", conversation->id);
    salon_json_integer(json, "user1_id", conversation->persons[0].user_id);
    salon_json_integer(json, "user2_id", conversation->persons[1].user_id);
    salon_json_boolean(json, "is_blocked", blocked_by != 0);
    salon_json_optional(json, "blocked_by", blocked_by);
    return salon_json_integer(json, "created_at", conversation->created_at);
}

void conversation_publish(const conversation_t *conversation, const char *event, json_object *data)
{
    const salon_topic_t topics[] = { SALON_TOPIC("user", conversation->persons[0].user_id),
                                     SALON_TOPIC("user", conversation->persons[1].user_id) };
    salon_publish_topics(topics, 2, 0, event, data);
}
