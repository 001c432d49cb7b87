/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket framing, both sides, as far as a benchmark needs it: whole messages in one frame.
 */
#ifndef WS_H
#define WS_H

#include <stdbool.h>
#include <stddef.h>

#define WS_TEXT  1
#define WS_CLOSE 8
#define WS_PING  9
#define WS_PONG  10

#define WS_HEADER_MAX  14 /* bytes before a payload, at most */
#define WS_KEY_LENGTH  24 /* of Sec-WebSocket-Key */
#define WS_ACCEPT_SIZE 29 /* of Sec-WebSocket-Accept, with the NUL */

typedef struct ws_frame_t {
    int opcode;
    bool compressed; /* the bit RSV1 */
    unsigned char *payload; /* inside the buffer, unmasked */
    size_t length;
    size_t size; /* header and payload */
} ws_frame_t;

/* The frame at the start of the buffer; false: it is not complete yet.  Unmasks in place. */
bool ws_parse(unsigned char *buffer, size_t size, ws_frame_t *frame_r);

/* Writes the header of a final, unmasked frame, and says how long it is. */
size_t ws_header(unsigned char *at, int opcode, size_t length);

/* Writes a whole masked frame, at most WS_HEADER_MAX longer than its payload; says how long. */
size_t ws_masked(unsigned char *at, int opcode, const void *payload, size_t length);

/* What a server answers to a Sec-WebSocket-Key of WS_KEY_LENGTH. */
void ws_accept(const char *key, char accept_r[WS_ACCEPT_SIZE]);

#endif
