/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mark that the load program puts at the start of each message's content: who sent it, which
 * of that sender's messages it is, and when it was due.  It is found again in a delivery without
 * parsing JSON, and needs no escaping there.
 */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAMP_LENGTH 25 /* '~', sender 4, sequence 8, microseconds 12 hexadecimal digits */

typedef struct stamp_t {
    uint32_t sender;
    uint32_t sequence; /* 1, 2, 3 ... for each sender */
    int64_t due;       /* nanoseconds, to the microsecond */
} stamp_t;

/* The time as a stamp can say it: cut to microseconds. */
static inline int64_t stamp_time(int64_t time)
{
    return time - time % 1000;
}

/* Writes STAMP_LENGTH characters. */
void stamp_write(char *at, const stamp_t *stamp);

/* False: there is none in the text. */
bool stamp_read(const char *text, size_t length, stamp_t *stamp_r);

#endif
