/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammar is the one of UTS #51 ("possible emoji", ED-1 to ED-17), a little wider where clients
 * differ: a variation selector may be missing, or be the one for text, or stand before a skin tone.
 * The table is wider than today's pictures, too: Unicode has set aside the places of future ones.
 */
#include "emoji.h"

#include <string.h>

#define TEXT_STYLE    0xfe0e
#define PICTURE_STYLE 0xfe0f
#define JOINER        0x200d
#define KEYCAP        0x20e3
#define TAG_FIRST     0xe0020
#define TAG_END       0xe007f

typedef unsigned code_t;

/* Extended_Pictographic, Regional_Indicator and Emoji_Modifier, rising. */
static const struct {
    code_t first, last;
} pictures[] = {
    { 0x000a9, 0x000a9 }, { 0x000ae, 0x000ae }, { 0x0203c, 0x0203c }, { 0x02049, 0x02049 },
    { 0x02122, 0x02122 }, { 0x02139, 0x02139 }, { 0x02194, 0x02199 }, { 0x021a9, 0x021aa },
    { 0x0231a, 0x0231b }, { 0x02328, 0x02328 }, { 0x02388, 0x02388 }, { 0x023cf, 0x023cf },
    { 0x023e9, 0x023f3 }, { 0x023f8, 0x023fa }, { 0x024c2, 0x024c2 }, { 0x025aa, 0x025ab },
    { 0x025b6, 0x025b6 }, { 0x025c0, 0x025c0 }, { 0x025fb, 0x025fe }, { 0x02600, 0x02605 },
    { 0x02607, 0x02612 }, { 0x02614, 0x02685 }, { 0x02690, 0x02705 }, { 0x02708, 0x02712 },
    { 0x02714, 0x02714 }, { 0x02716, 0x02716 }, { 0x0271d, 0x0271d }, { 0x02721, 0x02721 },
    { 0x02728, 0x02728 }, { 0x02733, 0x02734 }, { 0x02744, 0x02744 }, { 0x02747, 0x02747 },
    { 0x0274c, 0x0274c }, { 0x0274e, 0x0274e }, { 0x02753, 0x02755 }, { 0x02757, 0x02757 },
    { 0x02763, 0x02767 }, { 0x02795, 0x02797 }, { 0x027a1, 0x027a1 }, { 0x027b0, 0x027b0 },
    { 0x027bf, 0x027bf }, { 0x02934, 0x02935 }, { 0x02b05, 0x02b07 }, { 0x02b1b, 0x02b1c },
    { 0x02b50, 0x02b50 }, { 0x02b55, 0x02b55 }, { 0x03030, 0x03030 }, { 0x0303d, 0x0303d },
    { 0x03297, 0x03297 }, { 0x03299, 0x03299 }, { 0x1f000, 0x1f0ff }, { 0x1f10d, 0x1f10f },
    { 0x1f12f, 0x1f12f }, { 0x1f16c, 0x1f171 }, { 0x1f17e, 0x1f17f }, { 0x1f18e, 0x1f18e },
    { 0x1f191, 0x1f19a }, { 0x1f1ad, 0x1f1ff }, { 0x1f201, 0x1f20f }, { 0x1f21a, 0x1f21a },
    { 0x1f22f, 0x1f22f }, { 0x1f232, 0x1f23a }, { 0x1f23c, 0x1f23f }, { 0x1f249, 0x1f53d },
    { 0x1f546, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f774, 0x1f77f }, { 0x1f7d5, 0x1f7ff },
    { 0x1f80c, 0x1f80f }, { 0x1f848, 0x1f84f }, { 0x1f85a, 0x1f85f }, { 0x1f888, 0x1f88f },
    { 0x1f8ae, 0x1f8ff }, { 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 }, { 0x1f947, 0x1faff },
    { 0x1fc00, 0x1fffd },
};

/* ---- Code points ---- */

/* Valid UTF-8 of at most EMOJI_BYTES bytes to code points, and a 0 behind them. */
static void decode(const char *text, code_t *codes)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte != 0; codes++) {
        int more = (*byte >= 0xc0) + (*byte >= 0xe0) + (*byte >= 0xf0);
        *codes = more > 0 ? *byte & (0x3fU >> more) : *byte;
        for (byte++; more > 0; more--, byte++) *codes = *codes << 6 | (*byte & 0x3fU);
    }
    *codes = 0;
}

static bool is_picture(code_t code)
{
    size_t low = 0, high = sizeof(pictures) / sizeof(pictures[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (pictures[middle].last < code) low = middle + 1;
        else high = middle;
    }
    return low < sizeof(pictures) / sizeof(pictures[0]) && pictures[low].first <= code;
}

static bool is_style(code_t code)
{
    return code == TEXT_STYLE || code == PICTURE_STYLE;
}

static bool is_skin_tone(code_t code)
{
    return code >= 0x1f3fb && code <= 0x1f3ff;
}

static bool is_regional(code_t code)
{
    return code >= 0x1f1e6 && code <= 0x1f1ff;
}

static bool is_keycap_base(code_t code)
{
    return (code >= '0' && code <= '9') || code == '#' || code == '*';
}

/* ---- The grammar: each answers where it ends, or NULL ---- */

static const code_t *keycap_end(const code_t *code)
{
    if (is_style(*code)) code++;
    return *code == KEYCAP ? code + 1 : NULL;
}

/* Flags of regions (Scotland): letters that cannot be seen, and an end. */
static const code_t *tags_end(const code_t *code)
{
    while (*code >= TAG_FIRST && *code < TAG_END) code++;
    return *code == TAG_END ? code + 1 : NULL;
}

/* What joiners may join. */
static const code_t *part_end(const code_t *code)
{
    if (is_keycap_base(*code)) return keycap_end(code + 1);
    if (is_regional(code[0]) && is_regional(code[1])) return code + 2;
    if (!is_picture(*code)) return NULL;
    code++;
    if (is_style(*code)) code++;
    if (is_skin_tone(*code)) code++;
    return *code >= TAG_FIRST && *code <= TAG_END ? tags_end(code) : code;
}

static bool is_one_picture(const code_t *code)
{
    for (;;) {
        code = part_end(code);
        if (code == NULL) return false;
        if (*code == 0) return true;
        if (*code++ != JOINER) return false;
    }
}

static bool is_name(const char *text)
{
    size_t length = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789_+-");
    return length > 0 && length <= EMOJI_NAME && strcmp(text + 1 + length, ":") == 0;
}

bool emoji_valid(const char *text)
{
    code_t codes[EMOJI_BYTES + 1];
    if (strlen(text) > EMOJI_BYTES) return false;
    if (text[0] == ':') return is_name(text);
    decode(text, codes);
    return is_one_picture(codes);
}
