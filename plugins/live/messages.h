/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of the dialect, from clients and to them.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include <salon/dialect.h>

/* Places of the rows that no client can name; they come first. */
enum { LIVE_SIGN_IN, LIVE_GUEST, LIVE_ENTER, LIVE_BAN, LIVE_MUTE };

extern const salon_wire_message_t live_messages[];
extern const salon_wire_event_t live_events[];

#endif
