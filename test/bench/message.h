/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON texts that the load program exchanges with the server: how what it sends is written, and
 * how what comes in is told apart without parsing it.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <stddef.h>

#include "load.h"
#include "stamp.h"

typedef enum {
    MESSAGE_OTHER,
    MESSAGE_DELIVERY,  /* room_message, chat_message */
    MESSAGE_ACK,       /* message_sent */
    MESSAGE_PRESENCE,  /* user_presence, user_joined, user_left */
    MESSAGE_SIGNED_IN, /* auth_success */
    MESSAGE_JOINED,    /* room_joined */
    MESSAGE_PAGE,      /* room_history */
    MESSAGE_REFUSED    /* auth_error, error */
} message_kind_t;

message_kind_t message_kind(const char *text, size_t length);

/* Each writes into `text` and answers the length. */
size_t message_join(char *text, size_t size, long room);
/* A message to the room; for the floor, the delivery itself, which it hands on as it is. */
size_t message_send(char *text, size_t size, const options_t *options, long room,
                    const stamp_t *stamp);

/* A page of the room's history before a message; 0: the newest. */
size_t message_ask(char *text, size_t size, long room, long before);

/* The most that message_send writes. */
size_t message_size(const options_t *options);

#endif
