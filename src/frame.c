/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames are made by us and not by lws: prepared bytes can be joined, many frames to one write, and
 * two framed lws_write() after a partial send would corrupt the stream.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#include "deflate.h"

#define FIN            0x80
#define RSV1           0x40 /* the payload is compressed */
#define OPCODE         0x0f
#define DEFLATED_LEAST 128     /* bytes; of less there is hardly anything to gain */
#define DEFLATED_MOST  (1 << 20) /* of more, compressing would hold up all others */

static size_t header_write(unsigned char *at, int first, size_t length)
{
    at[0] = (unsigned char)(FIN | first);
    if (length < 126) {
        at[1] = (unsigned char)length;
        return 2;
    }
    int bytes = length < 65536 ? 2 : 8;
    at[1] = bytes == 2 ? 126 : 127;
    for (int i = 0; i < bytes; i++)
        at[2 + i] = (unsigned char)((unsigned long long)length >> (8 * (bytes - 1 - i)));
    return 2 + (size_t)bytes;
}

static frame_t *frame_alloc(size_t length)
{
    frame_t *frame = malloc(sizeof(*frame) + FRAME_HEADER_MOST + length);
    if (frame == NULL) abort();
    return frame;
}

static void frame_fill(frame_t *frame, int first, const void *payload, size_t length,
                       bool droppable)
{
    unsigned char header[FRAME_HEADER_MOST];
    size_t header_length = header_write(header, first, length);
    memmove(frame->bytes + header_length, payload, length);
    memcpy(frame->bytes, header, header_length);
    atomic_init(&frame->refs, 1);
    atomic_init(&frame->deflated, NULL);
    frame->header = (unsigned char)header_length;
    frame->length = (unsigned)(header_length + length);
    frame->droppable = droppable;
}

frame_t *frame_make(frame_opcode_t opcode, const char *payload, size_t length, bool droppable)
{
    frame_t *frame = frame_alloc(length);
    frame_fill(frame, opcode, payload, length, droppable);
    return frame;
}

bool frame_is_message(const frame_t *frame)
{
    return (frame->bytes[0] & OPCODE) == FRAME_TEXT;
}

const char *frame_payload(const frame_t *frame, size_t *length_r)
{
    *length_r = frame->length - frame->header;
    return (const char *)frame->bytes + frame->header;
}

/* ---- The compressed form ---- */

/* The frame itself: there is no shorter one. */
static frame_t *deflated_make(frame_t *frame, deflate_t *deflate)
{
    size_t length;
    const char *payload = frame_payload(frame, &length);
    if (!frame_is_message(frame) || length < DEFLATED_LEAST || length > DEFLATED_MOST) return frame;
    frame_t *deflated = frame_alloc(length - 1 + DEFLATE_SPARE);
    unsigned char *to = deflated->bytes + FRAME_HEADER_MOST;
    size_t shorter = deflate_compress(deflate, payload, length, to, length - 1 + DEFLATE_SPARE);
    if (shorter == 0) {
        free(deflated);
        return frame;
    }
    frame_fill(deflated, RSV1 | FRAME_TEXT, to, shorter, frame->droppable);
    deflated = realloc(deflated, sizeof(*deflated) + deflated->length);
    if (deflated == NULL) abort();
    return deflated;
}

static void deflated_unref(frame_t *frame, frame_t *deflated)
{
    if (deflated != NULL && deflated != frame) frame_unref(&deflated);
}

/* Of two threads that make it at the same time, the second takes the first one's. */
frame_t *frame_deflated(frame_t *frame, deflate_t *deflate)
{
    frame_t *present = atomic_load_explicit(&frame->deflated, memory_order_acquire);
    if (present != NULL) return present;
    frame_t *made = deflated_make(frame, deflate);
    if (atomic_compare_exchange_strong_explicit(&frame->deflated, &present, made,
                                                memory_order_acq_rel, memory_order_acquire))
        return made;
    deflated_unref(frame, made);
    return present;
}

/* ---- References ---- */

frame_t *frame_ref(frame_t *frame)
{
    frame_ref_many(frame, 1);
    return frame;
}

void frame_ref_many(frame_t *frame, int count)
{
    atomic_fetch_add_explicit(&frame->refs, count, memory_order_relaxed);
}

void frame_unref(frame_t **frame)
{
    if (atomic_fetch_sub_explicit(&(*frame)->refs, 1, memory_order_acq_rel) == 1) {
        deflated_unref(*frame, atomic_load_explicit(&(*frame)->deflated, memory_order_relaxed));
        free(*frame);
    }
    *frame = NULL;
}
