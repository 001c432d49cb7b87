/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state for each byte that may come next; only a chunk's content is taken in larger pieces.
 */
#include "chunked.h"

#include <sys/param.h>

#include <apr_lib.h>

#define DIGITS_MOST 8    /* of a chunk's size */
#define FRAME_MOST  8192 /* bytes of sizes, extensions and trailers in one body */

enum {
    SIZE,
    EXTENSION,
    SIZE_LF,
    CONTENT,
    CONTENT_CR,
    CONTENT_LF,
    LINE, /* a trailer's beginning, or the end */
    TRAILER,
    TRAILER_LF,
    LAST_LF,
    DONE,
    BAD
};

static int digit_value(int c)
{
    if (apr_isdigit(c)) return c - '0';
    return apr_tolower(c) - 'a' + 10;
}

static int size_next(chunked_t *c, int byte)
{
    if (apr_isxdigit(byte)) {
        c->left = c->left << 4 | (size_t)digit_value(byte);
        return ++c->digits <= DIGITS_MOST ? SIZE : BAD;
    }
    if (c->digits == 0) return BAD;
    if (byte == '\r') return SIZE_LF;
    return byte == ';' || byte == ' ' || byte == '\t' ? EXTENSION : BAD;
}

/* In the text of an extension or a trailer; `end` follows its CR. */
static int text_next(int byte, int text, int end)
{
    if (byte == '\r') return end;
    return apr_iscntrl(byte) && byte != '\t' ? BAD : text;
}

static int chunk_begin(chunked_t *c)
{
    c->digits = 0;
    return c->left > 0 ? CONTENT : LINE;
}

static int expect(int byte, int expected, int next)
{
    return byte == expected ? next : BAD;
}

static int next_state(chunked_t *c, int byte)
{
    if (++c->frame > FRAME_MOST) return BAD;
    switch (c->state) {
    case SIZE: return size_next(c, byte);
    case EXTENSION: return text_next(byte, EXTENSION, SIZE_LF);
    case SIZE_LF: return byte == '\n' ? chunk_begin(c) : BAD;
    case CONTENT_CR: return expect(byte, '\r', CONTENT_LF);
    case CONTENT_LF: return expect(byte, '\n', SIZE);
    case LINE: return text_next(byte, TRAILER, LAST_LF);
    case TRAILER: return text_next(byte, TRAILER, TRAILER_LF);
    case TRAILER_LF: return expect(byte, '\n', LINE);
    case LAST_LF: return expect(byte, '\n', DONE);
    default: return BAD;
    }
}

/* How many bytes were a chunk's. */
static size_t content_take(chunked_t *c, const char *bytes, size_t length, chunked_sink_t *sink,
                           void *baton)
{
    size_t taken = MIN(length, c->left);
    c->left -= taken;
    if (!sink(baton, bytes, taken)) c->state = BAD;
    else if (c->left == 0) c->state = CONTENT_CR;
    return taken;
}

chunked_end_t chunked_feed(chunked_t *chunked, const char *bytes, size_t length,
                           chunked_sink_t *sink, void *baton)
{
    for (size_t at = 0; at < length && chunked->state < DONE;) {
        if (chunked->state == CONTENT)
            at += content_take(chunked, bytes + at, length - at, sink, baton);
        else
            chunked->state = next_state(chunked, (unsigned char)bytes[at++]);
    }
    if (chunked->state == BAD) return CHUNKED_BAD;
    return chunked->state == DONE ? CHUNKED_DONE : CHUNKED_MORE;
}
