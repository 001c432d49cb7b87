/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load program's connections: tens of thousands, in one thread, over epoll.  Each comes from
 * one of many addresses in 127.0.0.0/8, opens its WebSocket with its own user's token (or, of live
 * chats, none), and joins its room; then it is ready.  What it receives goes to the mode's
 * functions.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "histogram.h"
#include "load.h"
#include "message.h"
#include "unpack.h"

typedef enum {
    CLIENT_CLOSED,
    CLIENT_CONNECTING,
    CLIENT_UPGRADING,
    CLIENT_SIGNING_IN,
    CLIENT_JOINING,
    CLIENT_READY
} client_state_t;

typedef struct buffer_t {
    unsigned char *bytes;
    size_t size;
    size_t room;
} buffer_t;

typedef struct client_t {
    int fd;
    int index;
    client_state_t state;
    bool wants_write; /* epoll tells when the socket takes more */
    int64_t opened;   /* when connecting began */
    buffer_t in;      /* the start of a frame whose rest has not come */
    buffer_t out;     /* what the socket did not take */
    char *token;      /* the bearer token, while opening; NULL: made then */
} client_t;

typedef struct clients_t clients_t;

struct clients_t {
    const options_t *options;
    client_t *all;
    int count;
    int ready;
    int opening;
    int lost;                /* closed by the server, or never let in */
    int refused;             /* messages of the kind MESSAGE_REFUSED */
    uint64_t packed;         /* deliveries that came compressed */
    histogram_t *open_times; /* from the start of connecting to signed in and joined; may be NULL */
    int epoll;
    unsigned char *input;
    char *text; /* for a message being written */
    unpack_t *unpack;

    /* The mode's.  `due` is when tick is to be called next; it is called between two reads, so that
     * a flood of deliveries does not hold up what is to be sent. */
    void *baton;
    int64_t due;
    bool stop; /* ends clients_run */
    void (*tick)(clients_t *clients, int64_t now);
    void (*on_delivery)(clients_t *clients, client_t *client, const stamp_t *stamp, size_t size,
                        int64_t now);
    void (*on_ack)(clients_t *clients, client_t *client, const stamp_t *stamp, int64_t now);
    void (*on_page)(clients_t *clients, client_t *client, int64_t now);
    void (*on_presence)(clients_t *clients, client_t *client, int64_t now);
    void (*on_refused)(clients_t *clients, client_t *client, int64_t now);
};

#define CLIENTS_NEVER INT64_MAX

/* All closed. */
clients_t *clients_make(const options_t *options, int count);

/* Makes the tokens ahead, so that opening does not spend time on it. */
void clients_prepare(clients_t *clients);

/* Opens all that are closed, options->in_flight at once, and returns when each is ready or lost. */
void clients_open(clients_t *clients);

/* The same, but ends the program unless all are ready; of the first ones, or of all. */
void clients_open_first(clients_t *clients, int count);
void clients_open_all(clients_t *clients);

/* Closes one without a farewell; begins to open one that is closed. */
void clients_leave(clients_t *clients, client_t *client);
void clients_come(clients_t *clients, client_t *client);

/* Handles what comes until that time, or until `stop` is set; returns the time then. */
int64_t clients_run(clients_t *clients, int64_t until);

/* Sends a message from the client to its room; false: not sent, its connection is gone. */
bool clients_say(clients_t *clients, client_t *client, const stamp_t *stamp);

/* Asks for a page of its room's history (message_ask). */
void clients_ask(clients_t *clients, client_t *client, long before);

/* Closes all connections, and forgets *clients. */
void clients_free(clients_t **clients);

#endif
