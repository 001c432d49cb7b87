/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachments: which addresses, types, durations and ids are taken, and what is kept of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>

#include "attachment.h"

/* JSON, and the field that is wrong. */
static const struct {
    const char *media, *field;
    int limit;
} cases[] = {
    { "{\"url\":\"/uploads/a b.jpg\"}", NULL, 0 },
    { "{\"url\":\"photo.jpg\"}", NULL, 0 },
    { "{\"url\":\"./a:b\"}", NULL, 0 },
    { "{\"url\":\"?a:b\"}", NULL, 0 },
    { "{\"url\":\"#a:b\"}", NULL, 0 },
    { "{\"url\":\"//host/a.jpg\"}", NULL, 0 },
    { "{\"url\":\"http://host/a.jpg\"}", NULL, 0 },
    { "{\"url\":\"HTTPS://host:8443/\xc3\xa9?x=javascript:1\"}", NULL, 0 },
    { "{\"url\":\"https://\"}", "media.url", 0 },
    { "{\"url\":\"https:evil\"}", "media.url", 0 },
    { "{\"url\":\"javascript:alert(1)\"}", "media.url", 0 },
    { "{\"url\":\"JaVaScRiPt:alert(1)\"}", "media.url", 0 },
    { "{\"url\":\" javascript:alert(1)\"}", "media.url", 0 },
    { "{\"url\":\"java\\tscript:alert(1)\"}", "media.url", 0 },
    { "{\"url\":\"data:text/html,x\"}", "media.url", 0 },
    { "{\"url\":\"ftp://host/a\"}", "media.url", 0 },
    { "{\"url\":\"a:b\"}", "media.url", 0 },
    { "{\"url\":\":\"}", "media.url", 0 },
    { "{\"url\":\"\"}", "media.url", 0 },
    { "{\"url\":\"  \"}", "media.url", 0 },
    { "{\"url\":\"/a\\u0001\"}", "media.url", 0 },
    { "{\"url\":\"/a\\n\"}", "media.url", 0 },
    { "{\"url\":\"/a\\u007f\"}", "media.url", 0 },
    { "{\"url\":\"/a\\u0085\"}", "media.url", 0 },
    { "{\"url\":\"/a\\u00a0\"}", NULL, 0 },
    { "{\"url\":5}", "media.url", 0 },
    { "{}", "media.url", 0 },
    { "{\"type\":\"image/png\"}", "media.url", 0 },
    { "{\"ids\":[]}", "media.url", 0 },
    { "{\"ids\":[1,9007199254740991]}", NULL, 0 },
    { "{\"ids\":[0]}", "media.ids", 0 },
    { "{\"ids\":[9007199254740992]}", "media.ids", 0 },
    { "{\"ids\":[1.0]}", "media.ids", 0 },
    { "{\"ids\":[null]}", "media.ids", 0 },
    { "{\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}", NULL, 0 },
    { "{\"ids\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21]}", "media.ids", 0 },
    { "{\"ids\":{\"1\":1}}", "media.ids", 0 },
    { "{\"url\":\"a\",\"type\":\"image/jpeg\"}", NULL, 0 },
    { "{\"url\":\"a\",\"type\":\"audio/webm;codecs=opus\"}", NULL, 0 },
    { "{\"url\":\"a\",\"type\":\"video/webm; codecs=\\\"vp8, opus\\\"\"}", NULL, 0 },
    { "{\"url\":\"a\",\"type\":\"image/svg+xml\"}", NULL, 0 },
    { "{\"url\":\"a\",\"type\":\"application/vnd.oasis.opendocument.text\"}", NULL, 0 },
    { "{\"url\":\"a\",\"type\":\"jpeg\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":\"image/\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":\"/jpeg\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":\"image/jp eg\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":\"image/jpeg;\\n\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":\"\"}", "media.type", 0 },
    { "{\"url\":\"a\",\"type\":1}", "media.type", 0 },
    { "{\"url\":\"a\",\"duration\":15.5}", NULL, 0 },
    { "{\"url\":\"a\",\"duration\":0}", NULL, 0 },
    { "{\"url\":\"a\",\"duration\":-1}", "media.duration", 0 },
    { "{\"url\":\"a\",\"duration\":-0.1}", "media.duration", 0 },
    { "{\"url\":\"a\",\"duration\":\"15.5\"}", "media.duration", 0 },
    { "{\"url\":\"a\",\"duration\":true}", "media.duration", 0 },
    { "{\"url\":null,\"ids\":[3],\"duration\":null,\"type\":null}", NULL, 0 },
};

static apr_pool_t *pool;

static attachment_wrong_t check(const char *text)
{
    json_object *media = json_tokener_parse(text);
    assert_non_null(media);
    attachment_wrong_t wrong = attachment_check(media);
    json_object_put(media);
    return wrong;
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        attachment_wrong_t wrong = check(cases[i].media);
        const char *field = wrong.field != NULL ? wrong.field : "";
        if (strcmp(field, cases[i].field ? cases[i].field : "") != 0)
            print_error("%s: %s\n", cases[i].media, field);
        assert_string_equal(field, cases[i].field ? cases[i].field : "");
        assert_int_equal(wrong.limit, cases[i].limit);
    }
}

/* A text of so many characters of two bytes each, behind `before`. */
static const char *long_media(const char *name, const char *before, int count)
{
    char *text = apr_palloc(pool, (apr_size_t)count * 2 + 1);
    for (int i = 0; i < count; i++) memcpy(text + i * 2, "\xc3\xa9", 2);
    text[count * 2] = '\0';
    return apr_psprintf(pool, "{\"ids\":[1],\"%s\":\"%s%s\"}", name, before, text);
}

static void test_lengths(void **state)
{
    (void)state;
    assert_null(check(long_media("url", "/", 2047)).field);
    assert_string_equal(check(long_media("url", "/", 2048)).field, "media.url");
    assert_int_equal(check(long_media("url", "/", 2048)).limit, 2048);
    assert_string_equal(check(long_media("type", "a/b;", 252)).field, "media.type");
    assert_int_equal(check(long_media("type", "a/b;", 252)).limit, 255);
    assert_int_equal(check(long_media("type", "a/b;", 251)).limit, 0);
}

static void test_kinds(void **state)
{
    static const char *const known[] = { "text", "image", "audio", "video", "file" };
    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        assert_true(attachment_kind_ok(known[i]));
    assert_false(attachment_kind_ok("reaction"));
    assert_false(attachment_kind_ok("Text"));
    assert_false(attachment_kind_ok(""));
}

/* What comes out of the text that is kept. */
static void assert_kept(const char *kind, const char *media_text, const char *expected)
{
    json_object *media = media_text != NULL ? json_tokener_parse(media_text) : NULL;
    json_object *message = json_object_new_object();
    attachment_describe(message, attachment_text(pool, kind, media));
    int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    assert_string_equal(json_object_to_json_string_ext(message, flags), expected);
    json_object_put(message);
    json_object_put(media);
}

static void test_kept(void **state)
{
    (void)state;
    assert_null(attachment_text(pool, NULL, NULL));
    assert_null(attachment_text(pool, "text", NULL));
    assert_kept(NULL, NULL, "{\"kind\":\"text\",\"media\":null}");
    assert_kept("file", NULL, "{\"kind\":\"file\",\"media\":null}");
    assert_kept(NULL, "{\"url\":\"/a\"}", "{\"kind\":\"text\",\"media\":{\"url\":\"/a\"}}");
    assert_kept("audio",
                "{\"more\":1,\"ids\":[7,8],\"duration\":15.50,\"type\":\"a/b\",\"url\":\"/\\\"\"}",
                "{\"kind\":\"audio\",\"media\":{\"url\":\"/\\\"\",\"type\":\"a/b\","
                "\"duration\":15.50,\"ids\":[7,8]}}");
    assert_kept("audio", "{\"url\":\"/a\",\"duration\":1e2}",
                "{\"kind\":\"audio\",\"media\":{\"url\":\"/a\",\"duration\":1e2}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_kept),
    };

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&pool, NULL);
    return cmocka_run_group_tests_name("attachment", tests, NULL, NULL);
}
