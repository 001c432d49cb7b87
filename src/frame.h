/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame: one encoded WebSocket message, header included (RFC 6455, unmasked, as servers send).
 * Immutable and counted atomically, so that every receiver, on every thread, shares it; and so is
 * its compressed form, which is made when the first one wants it.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct deflate_t;

typedef struct frame_t {
    atomic_int refs;
    _Atomic(struct frame_t *) deflated; /* NULL: not yet tried; itself: there is no shorter form */
    unsigned length;                    /* of the bytes */
    unsigned char header;               /* bytes of them that are the header */
    bool droppable;                     /* a slow reader may miss it */
    unsigned char bytes[];
} frame_t;

typedef enum { FRAME_TEXT = 0x1, FRAME_CLOSE = 0x8, FRAME_PING = 0x9 } frame_opcode_t;

#define FRAME_HEADER_MOST 10

/* A new frame with one reference. */
frame_t *frame_make(frame_opcode_t opcode, const char *payload, size_t length, bool droppable);
/* Is it a message (and no control frame)? */
bool frame_is_message(const frame_t *frame);
/* Borrowed. */
const char *frame_payload(const frame_t *frame, size_t *length_r);
/* Any thread, with a deflate_t of its own.  The compressed form of a message, or the frame itself
 * where that is not shorter; borrowed, it lives as long as the frame. */
frame_t *frame_deflated(frame_t *frame, struct deflate_t *deflate);

/* Any thread.  One reference more; the frame. */
frame_t *frame_ref(frame_t *frame);
/* Takes several references at once. */
void frame_ref_many(frame_t *frame, int count);
/* Any thread.  One reference less, *frame is NULL then; the last one frees it. */
void frame_unref(frame_t **frame);

#endif
