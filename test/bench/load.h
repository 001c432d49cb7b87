/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load program's options and modes.  A mode is one kind of measurement, in a file of its own.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>

#include "bench.h"
#include "token.h"

#define LOAD_LIST_MAX 1024

typedef struct load_list_t {
    long values[LOAD_LIST_MAX];
    int count;
} load_list_t;

typedef struct options_t {
    const char *server; /* ADDRESS:PORT */
    struct sockaddr_in address;
    const char *path;
    bool floor;        /* the server is the floor: no sign-in, no rooms, no acknowledgements */
    bool live;         /* the dialect of live chats: the path is the room, only senders sign in */
    const char *label; /* the server's name in the tables */
    const char *key_file;
    token_key_t key;
    long pid;          /* the server's; 0: CPU and memory are not measured */
    load_list_t rooms; /* client n joins the n-th of them, again from the start */
    load_list_t rates; /* messages a second, of all senders together */
    int connections;
    int senders;       /* the first ones of the connections */
    int outstanding;   /* messages of one sender that wait for their acknowledgement */
    double seconds;
    double warmup;
    int size;          /* bytes of content */
    int frame;         /* bytes of a delivery, for the floor to send */
    int in_flight;     /* connections being opened at once */
    long first_user;
    bool deflate;      /* offer compression, and insist on it */
    bool client_id;    /* send one with each message, as front ends do */
    bool newest;       /* history: the newest page, in the place of an old one */
    long first_message; /* history: the id of the room's first one; the others follow in a row */
    long messages;     /* history: how many there are */
    const char *metric;
    double slack;      /* kilobytes by which memory may grow and still count as flat */
    int moves;         /* connections that come in a second, and that go */
    double away;       /* seconds between leaving and coming back */
    double allowed;    /* presence events a second; 0: not known */
    const char *output;
} options_t;

/* Each runs one mode, prints its table, and answers the exit status. */
int fanout_run(const options_t *options);
int acks_run(const options_t *options);
int accept_run(const options_t *options);
int history_run(const options_t *options);
int idle_run(const options_t *options);
int lossless_run(const options_t *options);
int presence_run(const options_t *options);
int churn_run(const options_t *options);

#endif
