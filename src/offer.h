/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client offers in its handshake's header Sec-WebSocket-Extensions, as far as it concerns
 * permessage-deflate (RFC 7692, 7.1).  Several offers may be made; the first that can be accepted
 * counts.
 */
#ifndef OFFER_H
#define OFFER_H

#include <stdbool.h>

#define OFFER_NAME     "permessage-deflate"
#define OFFER_BITS_ALL 15 /* the window that there is without a limit */

typedef struct offer_t {
    int window_bits; /* of what is sent to the client, 8 to 15; 0: there is nothing to accept */
    bool limited;    /* the client asked for that window, and must be told that it gets it */
    int mentions;    /* how often the header names the extension, acceptably or not */
} offer_t;

/* False: the header is not well formed. */
bool offer_read(const char *header, offer_t *offer_r);

#endif
