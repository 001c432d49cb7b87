/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server for fuzzers: one thread, no ports, nothing on disk.  All of it is the real thing but the
 * chat thread's loop, the acceptor and the sequences, for which stand_in.c stands in (and must be
 * linked before the core).  The database is there while the server starts, and away from then on:
 * what is in memory works, everything else is refused as unavailable.
 */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "net.h"

#define STAND_IN_PONG 0x0a /* an opcode that lws sends and we do not */

/* Registers the plugins, and no more: enough to decode and encode. */
void stand_in_tables(void);
/* All of it: tables, configuration, users 2 alice, 3 bob, 4 carol (moderator), 5 dave (admin).
 * notes: takes what the chat thread sends to a network thread. */
void stand_in_begin(void (*notes)(net_note_t *note));
/* Before each input: rooms (1 "general" of alice's and dave's, 2 "secret" of dave's alone; both in
 * memory) and ids are as at the beginning. */
void stand_in_reset(void);
/* After each input: nobody is connected, nothing is under way. */
void stand_in_check(void);
/* A token that never expires, the same in every run. */
const char *stand_in_token(const char *name);
/* Is it one whole unmasked frame, with JSON if it is of text?  Answers its length; 0: not all of it
 * is there. */
size_t stand_in_check_frame(const unsigned char *bytes, size_t length, int *opcode_r);

#endif
