/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zlib's raw streams.  A message ends with an empty stored block, of which the last four bytes
 * (00 00 ff ff) are not sent.  Output grows with what really comes, so a message of a few bytes
 * that says it is enormous costs no more than the limit.
 */
#include "deflate.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/param.h>

#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_BITS  15
#define MEMORY       8 /* zlib's default */
#define LEVEL        1 /* chat messages are short: more effort finds hardly more */
#define TAIL_LENGTH  4
#define STATE        0xff /* of z_stream.data_type */
#define STATE_WHOLE  0x80 /* nothing of a block is left to come, not even bits */
#define OUTPUT_LEAST 512

struct deflate_t {
    z_stream in, out;
};

static const unsigned char tail[TAIL_LENGTH] = { 0x00, 0x00, 0xff, 0xff };

static apr_status_t deflate_free(void *baton)
{
    deflate_t *state = baton;
    inflateEnd(&state->in);
    deflateEnd(&state->out);
    return APR_SUCCESS;
}

deflate_t *deflate_make(apr_pool_t *pool)
{
    deflate_t *state = apr_pcalloc(pool, sizeof(*state));
    if (inflateInit2(&state->in, -WINDOW_BITS) != Z_OK ||
        deflateInit2(&state->out, LEVEL, Z_DEFLATED, -WINDOW_BITS, MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    apr_pool_cleanup_register(pool, state, deflate_free, apr_pool_cleanup_null);
    return state;
}

/* ---- Compressing ---- */

/* zlib leaves no space over where there is more to come. */
size_t deflate_compress(deflate_t *state, const void *bytes, size_t length, void *to,
                        size_t size)
{
    z_stream *stream = &state->out;
    assert(length <= UINT_MAX && size <= UINT_MAX);
    deflateReset(stream);
    stream->next_in = bytes;
    stream->avail_in = (unsigned)length;
    stream->next_out = to;
    stream->avail_out = (unsigned)size;
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_out == 0) return 0;
    return size - stream->avail_out - TAIL_LENGTH;
}

/* At worst there are stored blocks, with five bytes each for what the least memory holds. */
size_t deflate_most(size_t length)
{
    return length + length / 16 + 64;
}

/* ---- Expanding ---- */

typedef struct {
    char *bytes;
    size_t size, most; /* one more than may be, so that too much is seen */
} output_t;

static bool output_grow(output_t *output, z_stream *stream)
{
    size_t size = MIN(MAX(output->size * 2, OUTPUT_LEAST), output->most);
    if (size == output->size) return false;
    output->bytes = realloc(output->bytes, size);
    if (output->bytes == NULL) abort();
    stream->next_out = (unsigned char *)output->bytes + output->size;
    stream->avail_out = (unsigned)(size - output->size);
    output->size = size;
    return true;
}

/* A block may be marked as a stream's last one, and another stream may follow in the message. */
static deflate_status_t expand_part(z_stream *stream, const void *bytes, size_t length,
                                    output_t *output)
{
    stream->next_in = bytes;
    stream->avail_in = (unsigned)length;
    do {
        if (stream->avail_out == 0 && !output_grow(output, stream)) return DEFLATE_TOO_LONG;
        int rv = inflate(stream, Z_SYNC_FLUSH);
        if (rv == Z_STREAM_END) rv = inflateReset(stream);
        if (rv != Z_OK && rv != Z_BUF_ERROR) return DEFLATE_BROKEN;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return DEFLATE_DONE;
}

static deflate_status_t expand(z_stream *stream, const void *bytes, size_t length,
                               output_t *output)
{
    inflateReset(stream);
    stream->avail_out = 0;
    deflate_status_t status = expand_part(stream, bytes, length, output);
    if (length == 0) return status; /* not even a block's head: some send nothing so */
    if (status == DEFLATE_DONE) status = expand_part(stream, tail, TAIL_LENGTH, output);
    if (status != DEFLATE_DONE) return status;
    return (stream->data_type & STATE) == STATE_WHOLE ? DEFLATE_DONE : DEFLATE_BROKEN;
}

deflate_status_t deflate_expand(deflate_t *state, const void *bytes, size_t length, size_t most,
                                char **text_r, size_t *length_r)
{
    output_t output = { .size = 0, .most = most + 1 };
    assert(length <= UINT_MAX && most < UINT_MAX);
    deflate_status_t status = expand(&state->in, bytes, length, &output);
    *text_r = NULL;
    *length_r = output.size - state->in.avail_out;
    if (status == DEFLATE_DONE && *length_r <= most) {
        *text_r = output.bytes;
        return DEFLATE_DONE;
    }
    free(output.bytes);
    return status == DEFLATE_DONE ? DEFLATE_TOO_LONG : status;
}
