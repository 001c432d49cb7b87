/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers of permessage-deflate (RFC 7692, 7.1): which of them can be accepted, which window the
 * client asks for, how often the extension is named, and what is no list of extensions at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "offer.h"

#define D  "permessage-deflate"
#define S  "server_no_context_takeover"
#define C  "client_no_context_takeover"
#define SB "server_max_window_bits"
#define CB "client_max_window_bits"

static const struct {
    const char *header;
    int window_bits;
    bool limited;
    int mentions;
} offers[] = {
    /* none */
    { "", 0, false, 0 },
    { "  ", 0, false, 0 },
    { ",, ,", 0, false, 0 },
    { "x-webkit-deflate-frame", 0, false, 0 },
    { "permessage-deflat", 0, false, 0 },
    { "permessage-deflatex", 0, false, 0 },
    { "foo; a=1; b=\"two\", bar", 0, false, 0 },
    { "foo; " D, 0, false, 0 },
    /* one that can be accepted */
    { D, 15, false, 1 },
    { " \t" D " ", 15, false, 1 },
    { "," D ",", 15, false, 1 },
    { D "; " S, 15, false, 1 },
    { D "; " C, 15, false, 1 },
    { D "; " CB, 15, false, 1 },
    { D ";" CB "=8", 15, false, 1 },
    { D " ; " CB " = 15 ; " S "\t;" C, 15, false, 1 },
    { D "; " SB "=8", 8, true, 1 },
    { D "; " SB "=9", 9, true, 1 },
    { D "; " SB "=15", 15, true, 1 },
    { D "; " SB "=\"10\"; " CB "=\"11\"; " S "; " C, 10, true, 1 },
    { "foo, " D, 15, false, 1 },
    /* one that cannot */
    { D "; foo", 0, false, 1 },
    { D "; foo=1", 0, false, 1 },
    { D "; " S "; " S, 0, false, 1 },
    { D "; " C "; " SB "=10; " C, 0, false, 1 },
    { D "; " CB "; " CB "=10", 0, false, 1 },
    { D "; " S "=1", 0, false, 1 },
    { D "; " C "=true", 0, false, 1 },
    { D "; " SB, 0, false, 1 },
    { D "; " SB "=7", 0, false, 1 },
    { D "; " SB "=16", 0, false, 1 },
    { D "; " SB "=08", 0, false, 1 },
    { D "; " SB "=+9", 0, false, 1 },
    { D "; " SB "=1000000000000000000000", 0, false, 1 },
    { D "; " CB "=7", 0, false, 1 },
    { D "; " CB "=16", 0, false, 1 },
    { D "; " CB "=x", 0, false, 1 },
    { D "; Server_No_Context_Takeover", 0, false, 1 },
    /* several: the first that can be */
    { D ", " D, 15, false, 2 },
    { D "; " SB "=10, " D, 10, true, 2 },
    { D ", " D "; " SB "=10", 15, false, 2 },
    { D "; " SB "=7, foo, " D "; " SB "=12," D, 12, true, 3 },
    { D "; foo, " D "; bar", 0, false, 2 },
};

static const char *const no_lists[] = {
    ";", "=", D ";", D "; ;", D "; =", D "; " CB "=", D "; " CB "=\"", D "; " CB "=\"8",
    D "; " CB "=\"\"", D "; " CB "=\"8\"8", D "; " CB "=8 9", D " foo", D "; foo bar", "\"" D "\"",
    D "(comment)", D "\x01", "\xc3\xa9", D "; foo=\"a b\"",
};

static void test_offers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        offer_t offer;
        bool good = offer_read(offers[i].header, &offer);
        if (!good || offer.window_bits != offers[i].window_bits ||
            offer.limited != offers[i].limited || offer.mentions != offers[i].mentions)
            fail_msg("\"%s\": %d, window %d, limited %d, %d mentions", offers[i].header, good,
                     offer.window_bits, offer.limited, offer.mentions);
    }
}

static void test_no_lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(no_lists) / sizeof(no_lists[0]); i++) {
        offer_t offer;
        if (offer_read(no_lists[i], &offer)) fail_msg("\"%s\" is taken", no_lists[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offers),
        cmocka_unit_test(test_no_lists),
    };

    return cmocka_run_group_tests_name("offer", tests, NULL, NULL);
}
