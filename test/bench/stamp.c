/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp is read once per delivery, which makes it the load program's busiest place: a search
 * for a character that stands nowhere else in a delivery, and a table for the digits.
 */
#include <string.h>

#include "stamp.h"

#define MARK            '~'
#define SENDER_DIGITS   4
#define SEQUENCE_DIGITS 8
#define DUE_DIGITS      12

static void write_hex(char *at, int digits, uint64_t value)
{
    while (digits-- > 0) {
        at[digits] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
}

static uint64_t read_hex(const char *at, int digits)
{
    static const unsigned char values[256] = {
        ['1'] = 1,  ['2'] = 2,  ['3'] = 3,  ['4'] = 4,  ['5'] = 5,  ['6'] = 6,  ['7'] = 7,
        ['8'] = 8,  ['9'] = 9,  ['a'] = 10, ['b'] = 11, ['c'] = 12, ['d'] = 13, ['e'] = 14,
        ['f'] = 15,
    };
    uint64_t value = 0;

    for (int i = 0; i < digits; i++)
        value = value << 4 | values[(unsigned char)at[i]];
    return value;
}

void stamp_write(char *at, const stamp_t *stamp)
{
    *at++ = MARK;
    write_hex(at, SENDER_DIGITS, stamp->sender);
    at += SENDER_DIGITS;
    write_hex(at, SEQUENCE_DIGITS, stamp->sequence);
    write_hex(at + SEQUENCE_DIGITS, DUE_DIGITS, (uint64_t)stamp->due / 1000);
}

bool stamp_read(const char *text, size_t length, stamp_t *stamp_r)
{
    const char *at = memchr(text, MARK, length);

    if (at == NULL || (size_t)(text + length - at) < STAMP_LENGTH)
        return false;
    at++;
    stamp_r->sender = (uint32_t)read_hex(at, SENDER_DIGITS);
    at += SENDER_DIGITS;
    stamp_r->sequence = (uint32_t)read_hex(at, SEQUENCE_DIGITS);
    stamp_r->due = (int64_t)read_hex(at + SEQUENCE_DIGITS, DUE_DIGITS) * 1000;
    return true;
}
