/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Network threads: each has a libuv loop, an lws context on it, the connections that were handed to
 * it, and its own table of who hears which topic.  Everything reaches it as notes in one queue,
 * which keeps the order: what is published after a subscription is heard.
 */
#ifndef NET_H
#define NET_H

#include "address.h"
#include "call.h"
#include "frame.h"
#include "settings.h"

#define NET_THREADS_MOST 64

typedef struct net_t net_t;

typedef enum {
    NET_ADOPT,       /* a socket from the acceptor */
    NET_SEND,        /* a frame to one connection; and how many of its calls this answers */
    NET_PUBLISH,     /* frames, one per dialect, to all that hear a topic */
    NET_SUBSCRIBE,
    NET_UNSUBSCRIBE,
    NET_ADMIT,       /* the connection has signed in, or need not */
    NET_CLOSE,       /* once everything before has been sent */
    NET_HTTP,        /* the answer to an HTTP request */
    NET_RECEIVE,     /* its body may come */
    NET_RELOAD,      /* a newer configuration */
    NET_SHUTDOWN     /* close everything, then end */
} net_kind_t;

/* What the connections of one dialect are told; but not those of that user (0: all are). */
typedef struct net_frame_t {
    frame_t *frame; /* a reference; NULL: nothing */
    apr_int64_t except_user;
} net_frame_t;

typedef struct net_note_t {
    queue_node_t node; /* first */
    net_kind_t kind;
    /* Of all but ADOPT, RELOAD, SHUTDOWN; PUBLISH: whom to leave out, slot -1: nobody. */
    conn_ref_t conn;
    union {
        struct {
            int fd, listener;
            char address[ADDRESS_TEXT];
        } adopt;
        struct {
            frame_t *frame; /* a reference; NULL: none */
            int answered;
            size_t size; /* of the messages that were answered */
        } send;
        struct {
            int topic_count, *topics; /* allocated */
            apr_int64_t except_user;  /* 0: nobody */
            net_frame_t *frames;      /* by wire_index; allocated */
        } publish;
        int topic;
        apr_int64_t user_id; /* ADMIT; 0: nobody in particular */
        struct {
            int code;
            char reason[124];
        } close;
        struct http_reply_t *http;
        struct {
            apr_uint64_t number;
            apr_int64_t most; /* bytes of the file */
        } receive;
        struct {
            const config_t *config;
            const struct token_keys_t *keys;
        } reload;
    } as;
} net_note_t;

/* A new note, to be filled in and posted. */
net_note_t *net_note(net_kind_t kind, conn_ref_t conn);

/* Main thread, one after the other, before any of them is started.  NULL: failed (logged). */
net_t *net_make(int index, const config_t *config);
/* Starts the thread. */
apr_status_t net_start(net_t *net);
/* Waits for the thread's end, after NET_SHUTDOWN. */
void net_join(net_t *net);

/* After net_join, and when nobody posts any more. */
void net_free(net_t **net);
/* What lws logs: for lws_set_log_level. */
void net_log(int level, const char *line);

/* Any thread.  Takes the note, or all of the list. */
void net_post(net_t *net, net_note_t *note);
void net_post_list(net_t *net, queue_list_t *notes);
/* How many connections it has, or will have shortly.  Any thread. */
int net_load(const net_t *net);

#endif
