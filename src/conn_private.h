/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a connection (conn.c, conn_input.c, conn_output.c) share.
 */
#ifndef CONN_PRIVATE_H
#define CONN_PRIVATE_H

#include "conn.h"

#define CLOSE_TIMEOUT 3000 /* milliseconds for the last output and the closing handshake */

/* Has been one since the handshake, and has not gone. */
bool conn_is_websocket(const conn_t *conn);
/* Appends the Close frame if it is to be closed and nothing is left to be answered. */
void conn_close_when_answered(conn_t *conn);

/* Takes a list of calls; size: bytes of the message that made them. */
void conn_post_calls(conn_t *conn, call_t *calls, size_t size);

/* Appends without asking whether that is too much; takes one reference. */
void conn_output_append(conn_t *conn, frame_t *frame);
/* What waits will not be sent. */
void conn_output_discard(conn_t *conn);
/* At the connection's end: nothing waits any more, and no flush. */
void conn_output_free(conn_t *conn);

#endif
