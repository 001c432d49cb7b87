/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authors are stored by id and named when a message is shown, so that a new name holds for old
 * messages, too.  Mentions are stored as they were when the message was written.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "attachment.h"
#include "marks.h"
#include "user.h"

#define MENTIONS_MOST 50
#define MEMBERS       17 /* of a message as JSON, or so */

static const char *const messages_1[] = {
    "CREATE TABLE timelines (id BIGINT PRIMARY KEY, seq BIGINT NOT NULL,"
    " message_count BIGINT NOT NULL)",
    "CREATE TABLE messages (id BIGINT PRIMARY KEY, timeline_id BIGINT NOT NULL,"
    " seq BIGINT NOT NULL, changed_seq BIGINT NOT NULL, author_id BIGINT NOT NULL,"
    " parent_id BIGINT NOT NULL, reply_count BIGINT NOT NULL, created_at BIGINT NOT NULL,"
    " edited_at BIGINT NOT NULL, content TEXT NOT NULL, mentions TEXT, client_key VARCHAR(160),"
    " pinned SMALLINT NOT NULL, deleted SMALLINT NOT NULL)",
    "CREATE UNIQUE INDEX messages_seq ON messages (timeline_id, seq)",
    "CREATE INDEX messages_changed_seq ON messages (timeline_id, changed_seq)",
    "CREATE UNIQUE INDEX messages_client_key ON messages (client_key)",
    NULL,
};

static const char *const messages_2[] = {
    "ALTER TABLE messages ADD COLUMN marks TEXT",
    NULL,
};

static const char *const messages_3[] = {
    "ALTER TABLE messages ADD COLUMN attachment TEXT",
    "ALTER TABLE messages ADD COLUMN author_name VARCHAR(255)",
    NULL,
};

/* Of a timeline that stands there, nobody finds a message any more. */
static const char *const messages_4[] = {
    "CREATE TABLE timelines_going (id BIGINT PRIMARY KEY)",
    NULL,
};

const salon_migration_t message_migrations[] = { { 1, messages_1 },
                                                 { 2, messages_2 },
                                                 { 3, messages_3 },
                                                 { 4, messages_4 },
                                                 { 0, NULL } };

static apr_size_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *text_place(char **at, const char *text)
{
    if (text == NULL) return NULL;
    apr_size_t size = strlen(text) + 1;
    char *place = memcpy(*at, text, size);
    *at += size;
    return place;
}

message_t *message_copy(const message_t *message)
{
    apr_size_t size = sizeof(*message) + text_size(message->content) +
                      text_size(message->mentions) + text_size(message->client_key) +
                      text_size(message->marks) + text_size(message->attachment) +
                      text_size(message->author_name);
    message_t *copy = malloc(size);
    if (copy == NULL) abort();
    char *at = (char *)(copy + 1);
    *copy = *message;
    copy->content = text_place(&at, message->content);
    copy->mentions = text_place(&at, message->mentions);
    copy->client_key = text_place(&at, message->client_key);
    copy->marks = text_place(&at, message->marks);
    copy->attachment = text_place(&at, message->attachment);
    copy->author_name = text_place(&at, message->author_name);
    copy->size = size;
    return copy;
}

void message_copy_to(apr_pool_t *pool, const message_t *message, message_t *message_r)
{
    *message_r = *message;
    message_r->content = apr_pstrdup(pool, message->content);
    message_r->mentions = apr_pstrdup(pool, message->mentions);
    message_r->client_key = apr_pstrdup(pool, message->client_key);
    message_r->marks = apr_pstrdup(pool, message->marks);
    message_r->attachment = apr_pstrdup(pool, message->attachment);
    message_r->author_name = apr_pstrdup(pool, message->author_name);
}

void message_of_row(const salon_rows_t *rows, int row, message_t *m)
{
    *m = (message_t){
        .id = salon_rows_integer(rows, row, 0),
        .timeline_id = salon_rows_integer(rows, row, 1),
        .seq = salon_rows_integer(rows, row, 2),
        .changed_seq = salon_rows_integer(rows, row, 3),
        .author_id = salon_rows_integer(rows, row, 4),
        .parent_id = salon_rows_integer(rows, row, 5),
        .reply_count = salon_rows_integer(rows, row, 6),
        .created_at = salon_rows_integer(rows, row, 7),
        .edited_at = salon_rows_integer(rows, row, 8),
        .content = salon_rows_text(rows, row, 9),
        .mentions = salon_rows_text(rows, row, 10),
        .client_key = salon_rows_text(rows, row, 11),
        .pinned = salon_rows_integer(rows, row, 12) != 0,
        .deleted = salon_rows_integer(rows, row, 13) != 0,
        .marks = salon_rows_text(rows, row, 14),
        .attachment = salon_rows_text(rows, row, 15),
        .author_name = salon_rows_text(rows, row, 16),
    };
}

static json_object *integer_or_null(apr_int64_t value)
{
    return value != 0 ? json_object_new_int64(value) : NULL;
}

static const char *author_name(const message_t *m)
{
    const user_t *author = m->author_name == NULL ? user_find(m->author_id) : NULL;
    if (m->author_name != NULL) return m->author_name;
    return author != NULL ? author->shown.name : "";
}

/* Anything may have been imported. */
static json_object *mentions_parse(const char *mentions)
{
    json_object *list = mentions != NULL ? json_tokener_parse(mentions) : NULL;
    if (json_object_is_type(list, json_type_array)) return list;
    json_object_put(list);
    return json_object_new_array();
}

/* As they were called then, unless they have been erased. */
static json_object *mentions_json(const char *mentions)
{
    json_object *list = mentions_parse(mentions);
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *mention = json_object_array_get_idx(list, i);
        json_object *id = json_object_object_get(mention, "user_id");
        if (user_is_erased(json_object_get_int64(id)))
            salon_json_string(mention, "username", USER_ERASED);
    }
    return list;
}

json_object *message_json(const message_t *m)
{
    const char *client_id = m->client_key != NULL ? strchr(m->client_key, ':') : NULL;
    json_object *json = salon_json_sized(MEMBERS);
    salon_json_member(json, "id", json_object_new_int64(m->id));
    salon_json_member(json, "seq", json_object_new_int64(m->seq));
    salon_json_member(json, "changed_seq", json_object_new_int64(m->changed_seq));
    salon_json_member(json, "author_id", integer_or_null(m->author_id));
    salon_json_member(json, "author_name", json_object_new_string(author_name(m)));
    salon_json_member(json, "content", json_object_new_string(m->content));
    attachment_describe(json, m->attachment);
    salon_json_member(json, "parent_id", integer_or_null(m->parent_id));
    salon_json_member(json, "reply_count", json_object_new_int64(m->reply_count));
    salon_json_member(json, "mentions", mentions_json(m->mentions));
    salon_json_member(json, "pinned", json_object_new_boolean(m->pinned));
    if (m->deleted) salon_json_member(json, "deleted", json_object_new_boolean(true));
    salon_json_member(json, "created_at", json_object_new_int64(m->created_at));
    salon_json_member(json, "edited_at", integer_or_null(m->edited_at));
    if (client_id != NULL)
        salon_json_member(json, "client_id", json_object_new_string(client_id + 1));
    marks_describe(json, m->marks);
    return json;
}

/* ---- Mentions ---- */

static bool is_name_byte(unsigned char c)
{
    return c >= 0x80 || apr_isalnum(c) || c == '_' || c == '-' || c == '.';
}

/* Punctuation, spaces and pictures, among what is_name_byte takes for letters. */
static const struct {
    unsigned first, last;
} punctuation[] = {
    { 0x0080, 0x00a9 }, { 0x00ab, 0x00b4 }, { 0x00b6, 0x00b9 }, { 0x00bb, 0x00bf },
    { 0x0387, 0x0387 }, { 0x0589, 0x058a }, { 0x05be, 0x05be }, { 0x060c, 0x060c },
    { 0x061b, 0x061f }, { 0x066a, 0x066d }, { 0x06d4, 0x06d4 }, { 0x0964, 0x0965 },
    { 0x2000, 0x206f }, { 0x20a0, 0x20cf }, { 0x2190, 0x2bff }, { 0x3000, 0x3004 },
    { 0x3008, 0x3020 }, { 0x3030, 0x3030 }, { 0xfe00, 0xfe6f }, { 0xfeff, 0xfeff },
    { 0xff00, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff65 },
    { 0x1f000, 0x1faff },
};

/* The last character of the text, and how many bytes it takes. */
static unsigned last_character(const char *at, apr_size_t length, apr_size_t *bytes_r)
{
    static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    apr_size_t bytes = 1;
    while (bytes < length && bytes < 4 && ((unsigned char)at[length - bytes] & 0xc0) == 0x80)
        bytes++;
    *bytes_r = bytes;
    unsigned character = (unsigned char)at[length - bytes] & lead[bytes];
    for (apr_size_t i = length - bytes + 1; i < length; i++)
        character = character << 6 | ((unsigned char)at[i] & 0x3f);
    return character;
}

static bool is_punctuation(unsigned character)
{
    for (size_t i = 0; i < sizeof(punctuation) / sizeof(punctuation[0]); i++)
        if (character >= punctuation[i].first && character <= punctuation[i].last) return true;
    return false;
}

/* The next shorter text that may be a name: without the sign that ends it ("ann." or "ann-"), else
 * what stands before its last punctuation; 0: none. */
static apr_size_t shorter(const char *at, apr_size_t length)
{
    apr_size_t bytes;
    if (strchr(".-_", at[length - 1]) != NULL) return length - 1;
    while (length > 0 && !is_punctuation(last_character(at, length, &bytes))) length -= bytes;
    return length > 0 ? length - bytes : 0;
}

/* The user whose name begins here: the longest that there is, so that "@ann." names ann. */
static const salon_user_t *name_read(const char *at, apr_size_t length)
{
    char name[TOKEN_NAME];
    for (; length > 0; length = shorter(at, length)) {
        if (length >= sizeof(name)) continue;
        apr_cpystrn(name, at, length + 1);
        const salon_user_t *user = salon_user_by_name(name);
        if (user != NULL) return user;
    }
    return NULL;
}

static bool mention_known(json_object *list, apr_int64_t user_id)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *known = json_object_array_get_idx(list, i);
        if (json_object_get_int64(json_object_object_get(known, "user_id")) == user_id) return true;
    }
    return false;
}

static void mention_add(json_object *list, const salon_user_t *user)
{
    if (mention_known(list, user->id)) return;
    json_object *mention = salon_json_integer(salon_json(), "user_id", user->id);
    json_object_array_add(list, salon_json_string(mention, "username", user->name));
}

const char *message_mentions(apr_pool_t *pool, const char *content)
{
    json_object *list = NULL;
    for (const char *at = strchr(content, '@'); at != NULL; at = strchr(at + 1, '@')) {
        if (at > content && is_name_byte((unsigned char)at[-1]) && (unsigned char)at[-1] < 0x80)
            continue;
        apr_size_t length = 0;
        while (is_name_byte((unsigned char)at[1 + length])) length++;
        const salon_user_t *user = name_read(at + 1, length);
        if (user == NULL) continue;
        if (list == NULL) list = json_object_new_array();
        mention_add(list, user);
        if (json_object_array_length(list) == MENTIONS_MOST) break;
    }
    if (list == NULL) return NULL;
    const char *text =
        apr_pstrdup(pool, json_object_to_json_string_ext(list, JSON_C_TO_STRING_PLAIN));
    json_object_put(list);
    return text;
}
