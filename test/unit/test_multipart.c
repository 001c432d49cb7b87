/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms as browsers and programs send them, and as nobody should; each in one piece, byte by byte,
 * and in pieces of other sizes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <cmocka.h>

#include "multipart.h"
#include "test_pool.h"

#define TYPE  "multipart/form-data; boundary=xYz"
#define BEGIN "--xYz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n"
#define END   "\r\n--xYz--\r\n"

typedef struct {
    char bytes[65536];
    size_t length, most;
} taken_t;

/* A boundary of 71 characters. */
#define TOO_LONG                                                                                 \
    "multipart/form-data; "                                                                      \
    "boundary=12345678901234567890123456789012345678901234567890123456789012345678901"

static bool take(void *baton, const char *bytes, size_t length)
{
    taken_t *taken = baton;
    if (taken->length + length > taken->most) return false;
    memcpy(taken->bytes + taken->length, bytes, length);
    taken->length += length;
    return true;
}

/* NULL: it is no form; "" also for one that is not complete. */
static const char *field(apr_pool_t *pool, const char *type, const char *body, size_t length,
                         size_t piece, const char **name_r)
{
    taken_t *taken = apr_pcalloc(pool, sizeof(*taken));
    taken->most = sizeof(taken->bytes);
    multipart_t *form = multipart_make(pool, type, "file", take, taken);
    if (form == NULL) return NULL;
    for (size_t at = 0; at < length; at += piece)
        if (!multipart_feed(form, body + at, length - at < piece ? length - at : piece))
            return NULL;
    *name_r = multipart_file_name(form);
    return multipart_complete(form) ? apr_pstrmemdup(pool, taken->bytes, taken->length) : "";
}

static void expect_all(const char *type, const char *body, size_t length, const char *expected,
                       const char *expected_name)
{
    static const size_t pieces[] = { 1, 2, 3, 7, 100000 };
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        apr_pool_t *pool;
        const char *name = "";
        apr_pool_create(&pool, NULL);
        const char *found = field(pool, type, body, length, pieces[i], &name);
        if (expected == NULL) {
            assert_null(found);
        } else {
            assert_non_null(found);
            assert_string_equal(found, expected);
            assert_string_equal(name, expected_name);
        }
        apr_pool_destroy(pool);
    }
}

static void expect(const char *body, const char *expected)
{
    expect_all(TYPE, body, strlen(body), expected, "a.txt");
}

static void test_types(void **state)
{
    static const char *const bad[] = {
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"x",
        "multipart/form-data; boundary=\"a \"",
        "multipart/form-data; boundary=a\x01",
        "multipart/form-data; boundary=\"a\r\nb\"",
        TOO_LONG,
    };
    (void)state;
    assert_true(multipart_is("multipart/form-data; boundary=x"));
    assert_true(multipart_is("Multipart/Form-Data;boundary=x"));
    assert_false(multipart_is("multipart/mixed; boundary=x"));
    assert_false(multipart_is("image/png"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_all(bad[i], BEGIN END, strlen(BEGIN END), NULL, NULL);
    expect_all("multipart/form-data; charset=utf-8; Boundary=\"xYz\"", BEGIN "hi" END,
               strlen(BEGIN "hi" END), "hi", "a.txt");
}

static void test_forms(void **state)
{
    (void)state;
    expect(BEGIN "hello" END, "hello");
    expect(BEGIN END, "");
    expect(BEGIN "hello\r\n--xYz--", "hello");
    expect(BEGIN "hello\r\n--xYz--epilogue, --xYz too\r\n--xYz\r\n", "hello");
    expect("\r\n" BEGIN "hello" END, "hello");
    expect("preamble\r\n" BEGIN "hello" END, "hello");
    expect(BEGIN "a\r\n--xYz \t\r\n\r\nother" END, "a");
    expect("--xYz\r\nContent-Disposition: form-data; name=text\r\n\r\nabc\r\n" BEGIN "hello" END,
           "hello");
    expect(BEGIN "hello\r\n--xYz\r\n"
                 "content-disposition: form-data; name=x; filename=y\r\n\r\nz" END,
           "hello");
    expect("--xYz\r\n\r\nno headers\r\n" BEGIN "hello" END, "hello");
    expect("--xYz\r\ncontent-disposition:form-data;name=file;filename=a.txt\r\n"
           "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\nX-A-B--C: --\r\n\r\n"
           "hello" END,
           "hello");
}

static void test_near_boundaries(void **state)
{
    const char *near = "\r\n--xY\r\n--xyz\r\n-xYz--xYz\r\r\n";
    expect(apr_pstrcat(*state, BEGIN, near, END, NULL), near);
    expect(BEGIN "\r\r\r\n\n\r\n\r" END, "\r\r\r\n\n\r\n\r");
    expect(BEGIN "--xYz--\n--xYz" END, "--xYz--\n--xYz");
}

static void test_nested(void **state)
{
    const char *inner = "--in\r\nContent-Disposition: file; filename=b\r\n\r\nB\r\n--in--";
    (void)state;
    expect(apr_pstrcat(*state,
                       "--xYz\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n"
                       "Content-Type: multipart/mixed; boundary=in\r\n\r\n",
                       inner, END, NULL),
           inner);
}

static void test_not_complete(void **state)
{
    (void)state;
    expect_all(TYPE, "", 0, "", "");
    expect(BEGIN "hello", "");
    expect(BEGIN "hello\r\n--xYz", "");
    expect(BEGIN "hello\r\n--xYz-", "");
    expect(BEGIN "hello\r\n--xYz\r\n", "");
    expect_all(TYPE, "--xYz--", 7, "", "");
    expect_all(TYPE, "--xYz\r\nContent-Disposition: form-data; name=other\r\n\r\nx" END,
               strlen("--xYz\r\nContent-Disposition: form-data; name=other\r\n\r\nx" END), "", "");
}

static void test_no_forms(void **state)
{
    (void)state;
    expect(BEGIN "a\r\n" BEGIN "b" END, NULL);
    expect(BEGIN "hello\r\n--xYzW\r\n", NULL);
    expect(BEGIN "hello\r\n--xYz-x\r\n", NULL);
    expect("--xYz\nContent-Disposition: form-data; name=file\n\nx\n--xYz--\n", NULL);
    expect_all(TYPE, "--xYz\r\nA: \0b\r\n\r\n" END, sizeof("--xYz\r\nA: \0b\r\n\r\n" END) - 1, NULL,
               NULL);
    char *head = apr_palloc(*state, 20001);
    memset(head, 'a', 20000);
    head[20000] = '\0';
    expect(apr_pstrcat(*state, "--xYz\r\nX-Long: ", head, "\r\n\r\nx" END, NULL), NULL);
    char *parts = "";
    for (int i = 0; i < 300; i++) parts = apr_pstrcat(*state, parts, "--xYz\r\n\r\n\r\n", NULL);
    expect(apr_pstrcat(*state, parts, BEGIN "x" END, NULL), NULL);
}

static void test_names(void **state)
{
    static const struct {
        const char *disposition, *name;
    } rows[] = {
        { "form-data; name=\"file\"; filename=\"../../x\\\"y.png\"", "x\"y.png" },
        { "form-data; name=file", "" },
        { "form-data; name=file; filename=\"\"", "" },
        { "form-data; name=file; filename*=UTF-8''%C3%A9", "\xc3\xa9" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *body = apr_pstrcat(*state, "--xYz\r\nContent-Disposition: ",
                                       rows[i].disposition, "\r\n\r\nx" END, NULL);
        expect_all(TYPE, body, strlen(body), "x", rows[i].name);
    }
}

static void test_sink_refuses(void **state)
{
    taken_t taken = { .most = 3 };
    multipart_t *form = multipart_make(*state, TYPE, "file", take, &taken);
    assert_true(multipart_feed(form, BEGIN "abc", strlen(BEGIN "abc")));
    assert_false(multipart_feed(form, "d", 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_forms),
        WITH_POOL(test_near_boundaries),
        WITH_POOL(test_nested),
        cmocka_unit_test(test_not_complete),
        WITH_POOL(test_no_forms),
        WITH_POOL(test_names),
        WITH_POOL(test_sink_refuses),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("multipart", tests, NULL, NULL);
}
