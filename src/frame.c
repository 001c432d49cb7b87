/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames are made by us and not by lws: prepared bytes can be joined, many frames to one write, and
 * two framed lws_write() after a partial send would corrupt the stream.
 */
#include "frame.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MOST 10
#define FIN         0x80

static size_t header_write(unsigned char *at, frame_opcode_t opcode, size_t length)
{
    at[0] = (unsigned char)(FIN | opcode);
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

frame_t *frame_make(frame_opcode_t opcode, const char *payload, size_t length, bool droppable)
{
    frame_t *frame = malloc(sizeof(*frame) + HEADER_MOST + length);
    if (frame == NULL) abort();
    size_t header = header_write(frame->bytes, opcode, length);
    memcpy(frame->bytes + header, payload, length);
    atomic_init(&frame->refs, 1);
    frame->length = (unsigned)(header + length);
    frame->droppable = droppable;
    return frame;
}

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
    if (atomic_fetch_sub_explicit(&(*frame)->refs, 1, memory_order_acq_rel) == 1) free(*frame);
    *frame = NULL;
}
