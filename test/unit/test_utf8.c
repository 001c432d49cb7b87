/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8: every code point, every malformed form at its border, at every offset of the fast path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"

#define LITERAL(text) text, sizeof text - 1

typedef struct sample_t {
    const char *text;
    size_t length;
} sample_t;

static const sample_t malformed[] = {
    { LITERAL("\0") },
    { LITERAL("\x80") },
    { LITERAL("\xbf") },
    { LITERAL("\xc0\xaf") }, /* overlong */
    { LITERAL("\xc0\x80") },
    { LITERAL("\xc1\xbf") },
    { LITERAL("\xe0\x80\xaf") },
    { LITERAL("\xe0\x9f\xbf") },
    { LITERAL("\xf0\x80\x80\xaf") },
    { LITERAL("\xf0\x8f\xbf\xbf") },
    { LITERAL("\xed\xa0\x80") }, /* surrogates */
    { LITERAL("\xed\xbf\xbf") },
    { LITERAL("\xed\xa0\xbd\xed\xb8\x80") },
    { LITERAL("\xf4\x90\x80\x80") }, /* past U+10FFFF */
    { LITERAL("\xf5\x80\x80\x80") },
    { LITERAL("\xf8\x88\x80\x80\x80") },
    { LITERAL("\xfe") },
    { LITERAL("\xff") },
    { LITERAL("\xc3") }, /* cut short */
    { LITERAL("\xe2\x82") },
    { LITERAL("\xf0\x9f\x98") },
    { LITERAL("\xc3(") }, /* continued wrongly */
    { LITERAL("\xe2\x82(") },
    { LITERAL("\xe2(\xa1") },
    { LITERAL("\xf0\x9f\x98(") },
    { LITERAL("\xf0\x9f(\x98") },
    { LITERAL("\xc3\xc3") },
    { LITERAL("\xc3\xa9\xa9") },
};

static size_t encode(uint32_t point, char to[4])
{
    if (point < 0x80) {
        to[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        to[0] = (char)(0xc0 | point >> 6);
        to[1] = (char)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        to[0] = (char)(0xe0 | point >> 12);
        to[1] = (char)(0x80 | (point >> 6 & 0x3f));
        to[2] = (char)(0x80 | (point & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | point >> 18);
    to[1] = (char)(0x80 | (point >> 12 & 0x3f));
    to[2] = (char)(0x80 | (point >> 6 & 0x3f));
    to[3] = (char)(0x80 | (point & 0x3f));
    return 4;
}

static void test_every_code_point(void **state)
{
    char text[4];

    (void)state;
    for (uint32_t point = 0; point < 0x120000; point++) {
        size_t length = encode(point, text);
        bool good = point > 0 && (point < 0xd800 || point > 0xdfff) && point <= 0x10ffff;

        if (utf8_valid(text, length) != good)
            fail_msg("U+%04X", (unsigned)point);
        if (good)
            assert_int_equal(utf8_count(text, length), 1);
    }
}

/* All pairs of bytes, against what the tables of RFC 3629 say in other words. */
static void test_every_pair(void **state)
{
    (void)state;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char text[2] = { (char)a, (char)b };
            bool ascii = a > 0 && a < 0x80 && b > 0 && b < 0x80;
            bool two = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;

            if (utf8_valid(text, 2) != (ascii || two))
                fail_msg("%02x %02x", (unsigned)a, (unsigned)b);
        }
}

static void test_malformed_anywhere(void **state)
{
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        for (size_t before = 0; before < 20; before++)
            for (size_t after = 0; after < 20; after++) {
                size_t length = before + malformed[i].length + after;

                memset(text, 'a', sizeof text);
                assert_true(utf8_valid(text, length));
                memcpy(text + before, malformed[i].text, malformed[i].length);
                if (utf8_valid(text, length))
                    fail_msg("sample %zu, %zu before, %zu after", i, before, after);
            }
}

static void test_mixed(void **state)
{
    const char *text = "h\xc3\xa9llo \xe2\x82\xac and \xf0\x9f\x98\x80, then plain text again";

    (void)state;
    assert_true(utf8_valid(text, strlen(text)));
    assert_int_equal(utf8_count(text, strlen(text)), strlen(text) - 1 - 2 - 3);
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid(NULL, 0));
    assert_int_equal(utf8_count("", 0), 0);
}

static void test_blank(void **state)
{
    static const sample_t blank[] = {
        { LITERAL("") },
        { LITERAL(" \t\r\n\v\f") },
        { LITERAL("\xc2\x85\xc2\xa0") },         /* NEL, no-break space */
        { LITERAL("\xe1\x9a\x80") },             /* ogham */
        { LITERAL("\xe2\x80\x80\xe2\x80\x8a") }, /* en quad, hair space */
        { LITERAL("\xe2\x80\x8b\xef\xbb\xbf") }, /* zero width */
        { LITERAL("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80") },
    };
    static const sample_t seen[] = {
        { LITERAL("a") },
        { LITERAL("  .  ") },
        { LITERAL("\x08") },
        { LITERAL("\x1f") },
        { LITERAL("\xc2\xa1") },
        { LITERAL("\xe2\x80\x8c") }, /* U+200C */
        { LITERAL(" \xf0\x9f\x98\x80") },
        { LITERAL(" \xc2") },
    };

    (void)state;
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
        assert_true(utf8_blank(blank[i].text, blank[i].length));
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        assert_false(utf8_blank(seen[i].text, seen[i].length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_malformed_anywhere),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_blank),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
