/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame: one encoded WebSocket message, header included (RFC 6455, unmasked, as servers send).
 * Immutable and counted atomically, so that every receiver, on every thread, shares it.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct frame_t {
    atomic_int refs;
    unsigned length; /* of the bytes */
    bool droppable;  /* a slow reader may miss it */
    unsigned char bytes[];
} frame_t;

typedef enum { FRAME_TEXT = 0x1, FRAME_CLOSE = 0x8, FRAME_PING = 0x9 } frame_opcode_t;

/* A new frame with one reference. */
frame_t *frame_make(frame_opcode_t opcode, const char *payload, size_t length, bool droppable);
/* Any thread.  One reference more; the frame. */
frame_t *frame_ref(frame_t *frame);
/* Takes several references at once. */
void frame_ref_many(frame_t *frame, int count);
/* Any thread.  One reference less, *frame is NULL then; the last one frees it. */
void frame_unref(frame_t **frame);

#endif
