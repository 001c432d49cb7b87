/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in chunks, as clients send them and as nobody may; in one piece, and in smaller ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chunked.h"

typedef struct {
    char bytes[64];
    size_t length;
} taken_t;

static bool take(void *baton, const char *bytes, size_t length)
{
    taken_t *taken = baton;
    if (taken->length + length >= sizeof(taken->bytes)) return false;
    memcpy(taken->bytes + taken->length, bytes, length);
    taken->length += length;
    return true;
}

static chunked_end_t feed(const char *text, size_t piece, taken_t *taken)
{
    chunked_t chunked = { 0 };
    chunked_end_t end = CHUNKED_MORE;
    size_t length = strlen(text);
    *taken = (taken_t){ .length = 0 };
    for (size_t at = 0; at < length && end == CHUNKED_MORE; at += piece)
        end = chunked_feed(&chunked, text + at, length - at < piece ? length - at : piece, take,
                           taken);
    return end;
}

static const struct {
    const char *text, *body; /* NULL: it is none */
    chunked_end_t end;
} rows[] = {
    { "5\r\nhello\r\n0\r\n\r\n", "hello", CHUNKED_DONE },
    { "5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n", "hello, world", CHUNKED_DONE },
    { "0\r\n\r\n", "", CHUNKED_DONE },
    { "000\r\n\r\n", "", CHUNKED_DONE },
    { "A\r\n0123456789\r\n0\r\n\r\n", "0123456789", CHUNKED_DONE },
    { "0a\r\n0123456789\r\n00\r\n\r\n", "0123456789", CHUNKED_DONE },
    { "2;name=value\r\nab\r\n0;x\r\n\r\n", "ab", CHUNKED_DONE },
    { "2 ;name=\"v\"\r\nab\r\n0\r\n\r\n", "ab", CHUNKED_DONE },
    { "2\r\nab\r\n0\r\nDigest: x\r\nOther: y\r\n\r\n", "ab", CHUNKED_DONE },
    { "2\r\n\r\n\r\n0\r\n\r\n", "\r\n", CHUNKED_DONE },
    { "2\r\nab\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "ab", CHUNKED_DONE },
    { "", NULL, CHUNKED_MORE },
    { "5\r\nhel", NULL, CHUNKED_MORE },
    { "5\r\nhello\r\n", NULL, CHUNKED_MORE },
    { "5\r\nhello\r\n0\r\n", NULL, CHUNKED_MORE },
    { "5\r\nhello\r\n0\r\n\r", NULL, CHUNKED_MORE },
    { "\r\n", NULL, CHUNKED_BAD },
    { "x\r\n", NULL, CHUNKED_BAD },
    { " 5\r\nhello", NULL, CHUNKED_BAD },
    { "-5\r\nhello", NULL, CHUNKED_BAD },
    { "+5\r\nhello", NULL, CHUNKED_BAD },
    { "0x5\r\nhello", NULL, CHUNKED_BAD },
    { "5\nhello\n0\n\n", NULL, CHUNKED_BAD },
    { "5\rhello", NULL, CHUNKED_BAD },
    { "5\r\nhello0\r\n\r\n", NULL, CHUNKED_BAD },
    { "5\r\nhello\n0\r\n\r\n", NULL, CHUNKED_BAD },
    { "5\r\nhello!\r\n0\r\n\r\n", NULL, CHUNKED_BAD },
    { "2;a\nab\r\n0\r\n\r\n", NULL, CHUNKED_BAD },
    { "2\r\nab\r\n0\r\nA: b\n\r\n", NULL, CHUNKED_BAD },
    { "2\r\nab\r\n0\r\n\rx", NULL, CHUNKED_BAD },
    { "100000000\r\n", NULL, CHUNKED_BAD },
    { "0000000001\r\n", NULL, CHUNKED_BAD },
    { "ffffffffffffffff\r\n", NULL, CHUNKED_BAD },
    { "40\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n0\r\n\r\n", NULL,
      CHUNKED_BAD },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t piece = 1; piece < 100; piece += piece < 5 ? 1 : 90) {
            taken_t taken;
            if (feed(rows[i].text, piece, &taken) != rows[i].end)
                fail_msg("in pieces of %zu: %s", piece, rows[i].text);
            if (rows[i].body == NULL) continue;
            assert_int_equal(taken.length, strlen(rows[i].body));
            assert_memory_equal(taken.bytes, rows[i].body, taken.length);
        }
    }
}

/* What is no content is bounded, too. */
static void test_frame(void **state)
{
    static char text[10000];
    taken_t taken;
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "1;", 2);
    assert_int_equal(feed(text, sizeof(text), &taken), CHUNKED_BAD);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(feed(text, sizeof(text), &taken), CHUNKED_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
