/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection, as its network thread sees it: input is joined to messages and decoded, output is
 * frames that wait for the end of the loop's turn.  Everything about it is bounded: a message's
 * size, what waits to be handled, what waits to be sent.
 */
#ifndef CONN_H
#define CONN_H

#include <libwebsockets.h>

#include "address.h"
#include "net_private.h"
#include "roster.h"
#include "wheel.h"
#include "wire.h"

typedef enum {
    CONN_HANDSHAKE, /* nothing decided yet */
    CONN_HTTP,      /* a plain HTTP request */
    CONN_OPEN,      /* a WebSocket */
    CONN_CLOSING,   /* a WebSocket that will be closed when all its calls are answered */
    CONN_CLOSED,    /* the Close frame is the last of its output; the peer's is awaited */
    CONN_GONE       /* lws has been told to end it, or has ended it */
} conn_state_t;

struct conn_t {
    net_t *net;
    struct lws *wsi;
    int slot, listener;
    unsigned generation;
    conn_state_t state;
    const wire_t *wire;               /* of a WebSocket */
    int endpoint;                     /* its place among the listener's endpoints */
    struct salon_opening_t *opening;  /* between the handshake's check and its end */
    struct http_request_t *http;      /* while it is being read */
    struct http_upload_t *upload;     /* while its body comes, and until that is answered */
    struct http_reply_t *reply;       /* while it waits to be written */
    struct http_file_t *file;         /* while it is being sent */
    wheel_entry_t deadline;
    apr_int64_t user_id;              /* 0: nobody */
    roster_seats_t seats;
    apr_uint64_t told;                /* the last publication that reached it */
    int window_bits;                  /* of compressed messages to the client; 0: not agreed on */
    /* input */
    char *in;                         /* the message so far */
    unsigned in_length, in_capacity;
    unsigned waiting_calls;           /* not yet answered */
    size_t waiting_bytes;
    /* output */
    frame_t **out;
    unsigned out_count, out_capacity;
    size_t out_bytes;
    conn_t *next_dirty;
    int close_code;
    char *close_reason;
    char *origin; /* of the page that the last HTTP request came from, where it may; NULL: none */
    bool http_head, in_binary, in_slow, rx_stopped, admitted, dirty, pong_awaited, closed_by_peer;
    bool http_asked;   /* the chat thread has the request, and not answered */
    bool http_last;    /* no request will be read behind this one */
    bool http_alone;   /* nor behind the one that is answered now, of which nothing is unread */
    bool in_deflated;  /* the message that is coming is compressed */
    bool in_frame_end; /* what comes next of it is another frame */
    bool batches;      /* it wants messages that wait together in one */
    char peer[ADDRESS_TEXT];    /* of the socket */
    char address[ADDRESS_TEXT]; /* of who speaks through it: the same, or behind a proxy */
};

/* Takes a connected socket over from the acceptor; closes it when that fails. */
void conn_adopt(net_t *net, int fd, int listener, const char *address);
/* NULL: it has gone. */
conn_t *conn_find(net_t *net, conn_ref_t ref);
/* How other threads name it. */
conn_ref_t conn_ref(const conn_t *conn);
/* Its listener, as the newest configuration has it. */
const config_listener_t *conn_config(const conn_t *conn);

/* The headers of a request are there: learns who speaks. */
void conn_identify(conn_t *conn, apr_pool_t *pool);
/* Ends the connection unless it is told otherwise in time (milliseconds; 0: never). */
void conn_await(conn_t *conn, apr_int64_t milliseconds);
/* The handshake is complete. */
void conn_opened(conn_t *conn);
/* A piece of a message.  Non-zero: end the connection now (lws's convention). */
int conn_received(conn_t *conn, const char *bytes, size_t length);
/* A pong. */
void conn_ponged(conn_t *conn);
/* Anything at all was received: it lives. */
void conn_lives(conn_t *conn);
/* The socket can be written to again.  Non-zero: end the connection now. */
int conn_writeable(conn_t *conn);
/* The peer has sent its Close frame.  Non-zero: end the connection now; 0: lws answers it. */
int conn_closed_by_peer(conn_t *conn);
/* lws has closed the WebSocket. */
void conn_closed(conn_t *conn);
/* lws frees the connection. */
void conn_destroyed(conn_t *conn);

/* Takes one reference. */
void conn_send(conn_t *conn, frame_t *frame);
/* Some of its calls have been answered. */
void conn_answered(conn_t *conn, int calls, size_t bytes);
/* The user is known (0: nobody in particular): no more deadline for signing in. */
void conn_admit(conn_t *conn, apr_int64_t user_id);
/* Closes it when all output is out and all calls are answered. */
void conn_close(conn_t *conn, int code, const char *reason);
/* Ends it at once, without a word. */
void conn_kill(conn_t *conn);
/* lws_write, with a copy of the bytes, for lws wants space in front of them. */
int conn_write_copy(conn_t *conn, const void *bytes, size_t length, enum lws_write_protocol how);
/* Writes what waits, as far as the socket takes it. */
void conn_flush(conn_t *conn);
/* Its deadline has come. */
void conn_expired(conn_t *conn);

#endif
