/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages: whom a text mentions (borders, punctuation of many scripts, many, repeated), their
 * canonical JSON form, and copies in one piece.  The users are recorded as a sign-in would.
 */
#include "test_database.h"

#include "marks.h"
#include "message.h"
#include "server.h"
#include "store.h"
#include "user.h"

#define MENTIONS_MOST 50
#define PLAIN         (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

static test_database_t *test;

static const struct {
    apr_int64_t id;
    const char *name;
} people[] = {
    { 2, "alice" },      { 3, "bob" },           { 4, "ann" },          { 5, "ann.lee" },
    { 6, "jean-luc" },   { 7, "under_score" },   { 8, "Zo\xc3\xab" },
    { 9, "\xe5\xbc\xa0\xe4\xbc\x9f" },
    { 10, "a" },         { 11, "dot." },         { 12, "x1" },          { 13, "two words" },
    { 14, "\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd" }, { 15, "emoji\xf0\x9f\x98\x80" },
};

/* A text, and the ids that it names, in order. */
static const struct {
    const char *text, *ids;
} texts[] = {
    { "", "" },
    { "@", "" },
    { "@@", "" },
    { "@ alice", "" },
    { "alice", "" },
    { "@nobody", "" },
    { "@alice", "2" },
    { " @alice ", "2" },
    { "@alice@bob", "2" }, /* an address, not a second person */
    { "@@alice", "2" },
    { "@alice @bob", "2 3" },
    { "@bob @alice", "3 2" },
    { "@alice @alice\n@alice", "2" },
    { "Hello @alice, and @bob: how are you?", "2 3" },
    { "(@alice) [@bob] {@ann} <@a> \"@x1\" '@alice' *@bob*", "2 3 4 10 12" },
    { "@alice! @bob? @ann; @a/ @x1\\", "2 3 4 10 12" },
    { "@alice's", "2" },
    { "@alice\t@bob\r\n@ann", "2 3 4" },
    /* the longest name that there is */
    { "@ann.", "4" },
    { "@ann...", "4" },
    { "@ann.lee", "5" },
    { "@ann.lee.", "5" },
    { "@ann.leex", "" },
    { "@ann-", "4" },
    { "@ann_", "4" },
    { "@dot.", "11" },
    { "@dot", "" },
    { "@jean-luc", "6" },
    { "@jean-luc-", "6" },
    { "@jean", "" },
    { "@under_score", "7" },
    { "@annabel", "" }, /* others, who do not exist */
    { "@alice2", "" },
    { "@Alice", "" },
    { "@two words", "" },
    /* addresses */
    { "mail alice@bob.example", "" },
    { "x@alice", "" },
    { "1@alice", "" },
    { ".@alice", "" },
    { "_@alice", "" },
    { "-@alice", "" },
    { ",@alice", "2" },
    { "/@alice", "2" },
    { ":@alice", "2" },
    /* other scripts */
    { "@Zo\xc3\xab", "8" },
    { "@Zo\xc3\xab, @\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd!", "8 14" },
    { "@Zo", "" },
    { "@\xe5\xbc\xa0\xe4\xbc\x9f", "9" },
    { "\xe4\xbd\xa0\xe5\xa5\xbd@\xe5\xbc\xa0\xe4\xbc\x9f", "9" }, /* no spaces between words */
    { "caf\xc3\xa9@alice", "2" },
    { "@emoji\xf0\x9f\x98\x80", "15" },
    { "@emoji\xf0\x9f\x98\x80.", "15" },
    { "@alic\xc3\xa9", "" },
    { "@alice\xcc\x81", "" }, /* a combining accent makes another name of it */
    { "@ann\xc3\xa9", "" },
    /* their punctuation */
    { "@alice\xe2\x80\xa6", "2" },                        /* … */
    { "@alice\xe2\x80\x99s", "2" },                       /* ’s */
    { "\xe2\x80\x9c@alice\xe2\x80\x9d", "2" },            /* “ ” */
    { "\xc2\xab\xc2\xa0@alice\xc2\xa0\xc2\xbb", "2" },    /* « » with narrow spaces */
    { "@alice\xe2\x80\x94@bob", "2 3" },                  /* — */
    { "@\xe5\xbc\xa0\xe4\xbc\x9f\xef\xbc\x8c@alice\xe3\x80\x82", "9 2" }, /* ， 。 */
    { "@alice\xe2\x80\xaf!", "2" },                       /* narrow no-break space */
    { "@alice\xf0\x9f\x98\x80", "2" },
    { "@emoji\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "15" },
    { "@ann\xe2\x80\xa6.\xe2\x80\xa6-", "4" },
    { "@alice\xe2\x9d\xa4\xef\xb8\x8f", "2" },            /* a heart, with its selector */
    { "@alice\xe2\x80\x8f", "2" },                        /* right-to-left mark */
};

static void discard(queue_list_t *jobs, void *baton)
{
    (void)jobs, (void)baton;
}

static void people_record(void)
{
    for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
        token_claims_t claims = { .user_id = people[i].id, .has_name = true, .has_role = true };
        apr_cpystrn(claims.name, people[i].name, sizeof(claims.name));
        user_record(&claims);
    }
}

static int begin(void **state)
{
    const char *error = NULL;
    if (test_database_make((void **)&test) != 0) return -1;
    server.pool = test->pool;
    server.store = store_open(test->pool, &test->config, test->dir, discard, NULL, &error);
    if (server.store != NULL) error = store_migrate(server.store, "users", user_migrations);
    if (error != NULL) fprintf(stderr, "%s\n", error);
    if (error != NULL || user_load() != APR_SUCCESS) return -1;
    people_record();
    *state = test;
    return 0;
}

static int end(void **state)
{
    store_stop(server.store);
    return test_database_remove(state);
}

/* The ids of a list of mentions, as text. */
static const char *ids_of(const char *mentions)
{
    const char *ids = "";
    if (mentions == NULL) return ids;
    json_object *list = json_tokener_parse(mentions);
    assert_true(json_object_is_type(list, json_type_array));
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        json_object *mention = json_object_array_get_idx(list, i);
        apr_int64_t id = json_object_get_int64(json_object_object_get(mention, "user_id"));
        const char *name = json_object_get_string(json_object_object_get(mention, "username"));
        assert_int_equal(json_object_object_length(mention), 2);
        assert_string_equal(name, salon_user_by_id(id)->name);
        ids = apr_psprintf(test->pool, "%s%s%" APR_INT64_T_FMT, ids, *ids ? " " : "", id);
    }
    json_object_put(list);
    return ids;
}

static void test_mentions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *ids = ids_of(message_mentions(test->pool, texts[i].text));
        if (strcmp(ids, texts[i].ids) != 0)
            print_error("\"%s\" names \"%s\", not \"%s\"\n", texts[i].text, ids, texts[i].ids);
        assert_string_equal(ids, texts[i].ids);
    }
}

static void test_nobody_is_null(void **state)
{
    (void)state;
    assert_null(message_mentions(test->pool, "@nobody and alice"));
}

/* More people than are told; and a text that is all signs, as long as one may be. */
static void test_many(void **state)
{
    const char *text = "";
    char *signs = apr_pcalloc(test->pool, 16385);
    (void)state;
    for (int i = 0; i < MENTIONS_MOST + 10; i++) {
        token_claims_t claims = { .user_id = 1000 + i, .has_name = true, .has_role = true };
        apr_snprintf(claims.name, sizeof(claims.name), "many%d", i);
        user_record(&claims);
        text = apr_psprintf(test->pool, "%s @many%d @many%d", text, i, i);
    }
    json_object *list = json_tokener_parse(message_mentions(test->pool, text));
    assert_int_equal(json_object_array_length(list), MENTIONS_MOST);
    json_object_put(list);
    memset(signs, '@', 16384);
    assert_null(message_mentions(test->pool, signs));
    for (int i = 1; i < 16384; i++)
        if (i % 250 != 0) signs[i] = '.';
    assert_null(message_mentions(test->pool, signs));
    memset(signs, 'a', 16384);
    signs[0] = '@';
    assert_null(message_mentions(test->pool, signs));
}

/* A name that was taken over is the newer user's. */
static void test_renamed(void **state)
{
    token_claims_t claims = { .user_id = 3, .has_name = true, .has_role = true, .name = "robert" };
    (void)state;
    user_record(&claims);
    assert_string_equal(ids_of(message_mentions(test->pool, "@bob @robert")), "3");
    strcpy(claims.name, "bob");
    user_record(&claims);
    assert_string_equal(ids_of(message_mentions(test->pool, "@bob @robert")), "3");
}

/* ---- Copies and JSON ---- */

static const message_t sample = {
    .id = 77, .timeline_id = 9, .seq = 5, .changed_seq = 6, .author_id = 2, .parent_id = 70,
    .reply_count = 3, .created_at = 1704110400123, .edited_at = 1704110400999,
    .content = "Hello @bob", .mentions = "[{\"user_id\":3,\"username\":\"bob\"}]",
    .client_key = "2:a:b", .pinned = true,
    .attachment = "{\"kind\":\"audio\",\"media\":{\"url\":\"/a.ogg\",\"duration\":15.50}}",
};

static void assert_json(const message_t *message, const char *expected)
{
    json_object *json = message_json(message);
    assert_string_equal(json_object_to_json_string_ext(json, PLAIN), expected);
    json_object_put(json);
}

static void test_json(void **state)
{
    message_t bare = { .id = 1, .seq = 1, .changed_seq = 1, .author_id = 999, .created_at = 5,
                       .content = "" };
    (void)state;
    assert_json(&sample,
                "{\"id\":77,\"seq\":5,\"changed_seq\":6,\"author_id\":2,\"author_name\":\"alice\","
                "\"content\":\"Hello @bob\",\"kind\":\"audio\","
                "\"media\":{\"url\":\"/a.ogg\",\"duration\":15.50},"
                "\"parent_id\":70,\"reply_count\":3,"
                "\"mentions\":[{\"user_id\":3,\"username\":\"bob\"}],\"pinned\":true,"
                "\"created_at\":1704110400123,\"edited_at\":1704110400999,\"client_id\":\"a:b\"}");
    assert_json(&bare, "{\"id\":1,\"seq\":1,\"changed_seq\":1,\"author_id\":999,"
                       "\"author_name\":\"\",\"content\":\"\",\"kind\":\"text\","
                       "\"media\":null,\"parent_id\":null,\"reply_count\":0,"
                       "\"mentions\":[],\"pinned\":false,\"created_at\":5,\"edited_at\":null}");
    static const char *const no_mentions[] = { "[]", "", "{}", "7", "[", "\"text\"" };
    for (size_t i = 0; i < sizeof(no_mentions) / sizeof(no_mentions[0]); i++) {
        bare.mentions = no_mentions[i];
        json_object *shown = message_json(&bare);
        assert_int_equal(json_object_array_length(json_object_object_get(shown, "mentions")), 0);
        json_object_put(shown);
    }
    bare.author_id = 0;
    bare.author_name = "Anonymous_ab12";
    json_object *json = message_json(&bare);
    assert_null(json_object_object_get(json, "author_id"));
    assert_string_equal(json_object_get_string(json_object_object_get(json, "author_name")),
                        "Anonymous_ab12");
    json_object_put(json);
}

static void test_copies(void **state)
{
    (void)state;
    message_t *copy = message_copy(&sample);
    assert_ptr_not_equal(copy->content, sample.content);
    assert_string_equal(copy->content, sample.content);
    assert_string_equal(copy->mentions, sample.mentions);
    assert_string_equal(copy->client_key, sample.client_key);
    assert_string_equal(copy->attachment, sample.attachment);
    assert_null(copy->author_name);
    assert_int_equal(copy->seq, sample.seq);
    assert_int_equal(copy->size, sizeof(message_t) + sizeof("Hello @bob") +
                                     sizeof("[{\"user_id\":3,\"username\":\"bob\"}]") +
                                     sizeof("2:a:b") + strlen(sample.attachment) + 1);
    free(copy);
}

static json_object *vote_describe(const char *value, const apr_int64_t *user_ids, int count)
{
    (void)user_ids;
    return salon_json_integer(salon_json(), value, count);
}

static const salon_mark_kind_t votes = { .name = "votes", .most = 2, .describe = vote_describe };

/* What an import has brought, or damage. */
static void test_damaged(void **state)
{
    static const char *const damaged[] = {
        "", "[", "7", "[]", "null", "{\"votes\":[1]}", "{\"votes\":{\"a\":7}}",
        "{\"other\":1,\"votes\":{\"a\":[1]}}",
    };
    (void)state;
    salon_mark_kind(&votes);
    message_t message = { .id = 1, .author_id = 2, .content = "", .client_key = "no colon" };
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        const char *changed;
        message.marks = message.attachment = damaged[i];
        json_object *json = message_json(&message);
        assert_int_equal(json_object_array_length(json_object_object_get(json, "votes")), 0);
        assert_null(json_object_object_get(json, "client_id"));
        json_object_put(json);
        assert_int_equal(marks_change(test->pool, damaged[i], &votes, "a", 3, true, &changed),
                         MARKS_CHANGED);
        assert_string_equal(changed, "{\"votes\":{\"a\":[3]}}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mentions),
        cmocka_unit_test(test_nobody_is_null),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_damaged),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("message", tests, begin, end);
}
