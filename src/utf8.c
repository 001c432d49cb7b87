/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8: validation after the table of well-formed byte sequences in RFC 3629, section 4.  What is
 * mostly ASCII is looked at eight bytes at a time.
 */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* What may follow a leading byte: how many bytes, and the bounds of the first of them. */
typedef struct lead_t {
    unsigned char first, last;
    unsigned char more;
    unsigned char low, high;
} lead_t;

static const lead_t leads[] = {
    { 0xc2, 0xdf, 1, 0x80, 0xbf },
    { 0xe0, 0xe0, 2, 0xa0, 0xbf },
    { 0xe1, 0xec, 2, 0x80, 0xbf },
    { 0xed, 0xed, 2, 0x80, 0x9f },
    { 0xee, 0xef, 2, 0x80, 0xbf },
    { 0xf0, 0xf0, 3, 0x90, 0xbf },
    { 0xf1, 0xf3, 3, 0x80, 0xbf },
    { 0xf4, 0xf4, 3, 0x80, 0x8f },
};

typedef struct range_t {
    uint32_t first, last;
} range_t;

static const range_t blanks[] = {
    { 0x0009, 0x000d }, { 0x0020, 0x0020 }, { 0x0085, 0x0085 }, { 0x00a0, 0x00a0 },
    { 0x1680, 0x1680 }, { 0x2000, 0x200b }, { 0x2028, 0x2029 }, { 0x202f, 0x202f },
    { 0x205f, 0x205f }, { 0x3000, 0x3000 }, { 0xfeff, 0xfeff },
};

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

/* How many of the next bytes are surely ASCII without NUL; a multiple of eight. */
static size_t skip_ascii(const unsigned char *at, size_t left)
{
    size_t skipped = 0;
    uint64_t word;

    while (left - skipped >= sizeof word) {
        memcpy(&word, at + skipped, sizeof word);
        /* A byte's top bit is set here if it is not ASCII, or if taking one from it borrows. */
        if ((word | (word - EACH_BYTE)) & (EACH_BYTE << 7))
            break;
        skipped += sizeof word;
    }
    return skipped;
}

static const lead_t *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

/* The length of the sequence that begins here, 0 if it is malformed. */
static size_t sequence_length(const unsigned char *at, size_t left)
{
    const lead_t *lead;

    if (*at < 0x80)
        return *at != '\0';
    lead = find_lead(*at);
    if (!lead || left <= lead->more || at[1] < lead->low || at[1] > lead->high)
        return 0;
    for (size_t i = 2; i <= lead->more; i++)
        if (!is_continuation(at[i]))
            return 0;
    return 1u + lead->more;
}

bool utf8_valid(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t done = 0;

    while (done < length) {
        size_t step = sequence_length(at + done, length - done);

        if (step == 0)
            return false;
        done += step;
        if (step == 1)
            done += skip_ascii(at + done, length - done);
    }
    return true;
}

size_t utf8_count(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += !is_continuation((unsigned char)text[i]);
    return count;
}

static bool is_blank(uint32_t point)
{
    for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++)
        if (point >= blanks[i].first && point <= blanks[i].last)
            return true;
    return false;
}

/* The code point of a well-formed sequence of that length. */
static uint32_t decode(const unsigned char *at, size_t length)
{
    uint32_t point = length == 1 ? *at : *at & (0x7fu >> length);

    for (size_t i = 1; i < length; i++)
        point = point << 6 | (at[i] & 0x3f);
    return point;
}

bool utf8_blank(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t done = 0;

    while (done < length) {
        size_t step = sequence_length(at + done, length - done);

        if (step == 0 || !is_blank(decode(at + done, step)))
            return false;
        done += step;
    }
    return true;
}
