/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both sides agree on in the handshake, besides the endpoint: a sub-protocol and compression.
 * lws picks a sub-protocol among names that it knows beforehand and cannot do without one; accepts
 * an extension with the parameters of its own making; so here it is shown what it wants to see, and
 * its answer is written anew.
 */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <apr_pools.h>
#include <libwebsockets.h>

#include "offer.h"

#define HANDSHAKE_NAME 64 /* bytes of a sub-protocol's name with its NUL: as many as lws takes */

struct conn_t;
struct net_t;

typedef struct handshake_t {
    const char *subprotocol; /* of those that the client has named; NULL: none */
    offer_t offer;
    int mentioned;           /* how often lws has asked about it */
} handshake_t;

/* Fills net->protocols, for its virtual hosts: `only`, under two names. */
void handshake_protocols(struct net_t *net, const struct lws_protocols *only);
/* For a virtual host: the extension that lws is to accept. */
extern const struct lws_extension handshake_extensions[];

/* Reads the headers and decides, while they are there.  0, or the HTTP status to refuse with. */
int handshake_read(struct conn_t *conn, apr_pool_t *pool, handshake_t *handshake);
/* lws asks whether it may accept the extension (CONFIRM_EXTENSION_OKAY).  0: it may. */
int handshake_confirm(struct conn_t *conn);
/* lws has written its answer (ADD_HEADERS).  Non-zero: fail. */
int handshake_answer(struct conn_t *conn, struct lws_process_html_args *args);

#endif
