/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Emoji: what people see as one picture is one, whatever it is made of; two, text, and what is too
 * long are none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../plugins/reactions/emoji.h"

static const char *const good[] = {
    "👍", "😀", "🎉", "❤", "❤️", "☺", "☺︎", "✔", "©", "®", "™", "ℹ", "‼", "↔", "⌚", "Ⓜ", "▶", "☀",
    "♾️", "⚧", "⭐", "〰", "㊙", "🀄", "🃏", "🅰", "🆗", "🈁", "🦀", "🫠", "🪿", "🧑", "🛝",
    /* skin tones, also after a selector */
    "👍🏻", "👍🏿", "☝🏽", "☝️🏽", "🫱🏼",
    /* joined */
    "👨‍👩‍👧‍👦", "👩‍❤️‍💋‍👨", "👩🏽‍❤️‍💋‍👨🏿", "🧑🏻‍🤝‍🧑🏿", "🏳️‍🌈", "🏴‍☠️", "❤️‍🔥", "🕵️‍♂️", "🤷🏽‍♀️", "👩‍🚀",
    "🐻‍❄️",
    /* flags */
    "🇫🇷", "🇯🇵", "🇺🇳", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "🏴",
    /* keycaps */
    "1️⃣", "0⃣", "#️⃣", "*️⃣",
    /* a code point that Unicode keeps for a picture to come */
    "\xf0\x9f\xab\xbf",
    /* names */
    ":a:", ":+1:", ":-1:", ":thumbs_up:", ":100:", ":abcdefghijklmnopqrstuvwxyz012345:",
};

static const char *const bad[] = {
    "", " ", "a", "A", "1", "#", "*", "é", "ß", "ﷺ", "漢", "한", "क्षि", "ok", "+1", "<script>", "'",
    "%", "\n", "\t", "\x7f", "\xe2\x80\x8d", "\xef\xb8\x8f", "\xe2\x83\xa3", "!", "?", "…",
    "€", "→", "•",
    /* two, or one and something else */
    "👍👍", "👍 ", " 👍", "👍👎", "👍a", "a👍", "👍\xcc\x81", "👍🏽🏽", "👍🏽🏽🏽", "❤️❤️", "❤️️", "1️⃣2️⃣",
    "👍1️⃣", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "🇫🇷🇫🇷", "🇫🇷🇫", "🇫🇷👍",
    /* joined with nothing, or with text */
    "👨\xe2\x80\x8d", "\xe2\x80\x8d👨", "👨\xe2\x80\x8d\xe2\x80\x8d👩", ("👨\xe2\x80\x8d" "a"),
    "a\xe2\x80\x8d👨",
    /* keycaps of what is no key, and half of one */
    "a️⃣", "1️", "12⃣", "👍⃣x",
    /* a flag of a region that has no end, or no letters' flag */
    "🏴\xf3\xa0\x81\xa7\xf3\xa0\x81\xa2", "\xf3\xa0\x81\xbf", "\xf3\xa0\x81\xa7",
    /* names */
    ":", "::", ":a", "a:", ":A:", ":a b:", ":a::", ":a:b:", ":é:", ":👍:", ": :", ":a:\n",
    ":abcdefghijklmnopqrstuvwxyz0123456:",
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!emoji_valid(good[i])) fail_msg("refused: %s", good[i]);
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (emoji_valid(bad[i])) fail_msg("taken (%zu): %s", i, bad[i]);
}

/* Nine joined pictures are 60 bytes; what follows makes 63, 64, and then 65. */
#define NINE JOINED JOINED JOINED JOINED JOINED JOINED JOINED JOINED "👍"
#define JOINED "👍\xe2\x80\x8d"

static void test_length(void **state)
{
    (void)state;
    assert_int_equal(strlen(NINE), 60);
    assert_true(emoji_valid(NINE));
    assert_true(emoji_valid(NINE "\xef\xb8\x8f"));
    assert_int_equal(strlen(NINE "🏽"), EMOJI_BYTES);
    assert_true(emoji_valid(NINE "🏽"));
    assert_false(emoji_valid(NINE "\xe2\x80\x8d©"));
    assert_false(emoji_valid(NINE "\xe2\x80\x8d👍"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
