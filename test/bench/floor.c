/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor server: the least that a server must do to hand every message to everybody.  Bare
 * epoll, one thread, no sign-in, no rooms, nothing stored: a text frame that comes in is appended
 * to one log that all connections share, and at the end of each turn every connection that is
 * behind gets all it lacks in one send.  What salond costs above it is the price of its features.
 *
 *   floor [ADDRESS:PORT]    (port 0: any); says "floor: ready on PORT" when it listens
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "ws.h"

#define EVENTS          512
#define INPUT_SIZE      65536
#define LOG_SIZE        (64u << 20) /* a connection that is further behind is dropped */

typedef struct peer_t {
    int fd;
    bool open;    /* the handshake is done */
    bool blocked; /* the socket is full; epoll tells when it is not */
    uint64_t sent; /* position in the log */
    unsigned char *held; /* an incomplete request or frame */
    size_t held_size;
    struct peer_t *next;
    struct peer_t **link; /* what points here */
} peer_t;

static peer_t *peers;
static int epoll_fd;
static unsigned char *log_bytes; /* a ring */
static uint64_t log_end;
static unsigned char input[INPUT_SIZE];

/* ---- The log ------------------------------------------------------------------------------- */

static void log_append(const void *bytes, size_t size)
{
    size_t at = log_end % LOG_SIZE;
    size_t first = size < LOG_SIZE - at ? size : LOG_SIZE - at;

    memcpy(log_bytes + at, bytes, first);
    memcpy(log_bytes, (const char *)bytes + first, size - first);
    log_end += size;
}

static void log_frame(const ws_frame_t *frame)
{
    unsigned char header[WS_HEADER_MAX];

    log_append(header, ws_header(header, WS_TEXT, frame->length));
    log_append(frame->payload, frame->length);
}

/* ---- Connections --------------------------------------------------------------------------- */

static void peer_watch(peer_t *peer, uint32_t events, int operation)
{
    struct epoll_event event = { .events = events, .data.ptr = peer };

    if (epoll_ctl(epoll_fd, operation, peer->fd, &event) != 0)
        bench_die("epoll_ctl: %s", strerror(errno));
}

static void peer_add(int fd)
{
    static const int yes = 1;
    peer_t *peer = bench_alloc(1, sizeof *peer);

    *peer = (peer_t){ .fd = fd, .next = peers, .link = &peers };
    if (peers != NULL)
        peers->link = &peer->next;
    peers = peer;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peer_watch(peer, EPOLLIN, EPOLL_CTL_ADD);
}

static void peer_remove(peer_t *peer)
{
    *peer->link = peer->next;
    if (peer->next != NULL)
        peer->next->link = peer->link;
    close(peer->fd);
    free(peer->held);
    free(peer);
}

static void peer_block(peer_t *peer, bool blocked)
{
    if (peer->blocked == blocked)
        return;
    peer->blocked = blocked;
    peer_watch(peer, EPOLLIN | (blocked ? EPOLLOUT : 0u), EPOLL_CTL_MOD);
}

/* Sends all that the connection lacks: in one call, but where the ring wraps. */
static void peer_flush(peer_t *peer)
{
    while (peer->sent < log_end) {
        size_t at = peer->sent % LOG_SIZE;
        size_t lacks = (size_t)(log_end - peer->sent);
        size_t size = lacks < LOG_SIZE - at ? lacks : LOG_SIZE - at;
        ssize_t sent = send(peer->fd, log_bytes + at, size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN) {
            shutdown(peer->fd, SHUT_RDWR); /* read as an end, and removed then */
            peer->sent = log_end;
            return;
        }
        peer->sent += sent > 0 ? (uint64_t)sent : 0;
        peer_block(peer, sent < (ssize_t)size);
        if (peer->blocked)
            return;
    }
}

static void flush_all(void)
{
    for (peer_t *peer = peers; peer != NULL; peer = peer->next) {
        if (peer->open && log_end - peer->sent > LOG_SIZE) {
            shutdown(peer->fd, SHUT_RDWR);
            peer->sent = log_end;
        }
        if (peer->open && !peer->blocked)
            peer_flush(peer);
    }
}

/* ---- Receiving ----------------------------------------------------------------------------- */

/* Answers the handshake; says how many bytes it had; 0: incomplete, or bad. */
static size_t peer_upgrade(peer_t *peer, const char *request, size_t size)
{
    static const char name[] = "\r\nSec-WebSocket-Key: ";
    const char *end = memmem(request, size, "\r\n\r\n", 4);
    const char *key = memmem(request, size, name, sizeof name - 1);
    char accept[WS_ACCEPT_SIZE];
    char answer[200];
    int length;

    if (end == NULL || key == NULL || key + sizeof name - 1 + WS_KEY_LENGTH > end)
        return 0;
    ws_accept(key + sizeof name - 1, accept);
    length = snprintf(answer, sizeof answer,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept);
    if (send(peer->fd, answer, (size_t)length, MSG_NOSIGNAL) != length)
        return 0;
    peer->open = true;
    peer->sent = log_end;
    return (size_t)(end + 4 - request);
}

static size_t peer_take(peer_t *peer, unsigned char *bytes, size_t size)
{
    ws_frame_t frame;
    size_t done = 0;

    if (!peer->open)
        done = peer_upgrade(peer, (const char *)bytes, size);
    while (peer->open && ws_parse(bytes + done, size - done, &frame)) {
        if (frame.opcode == WS_TEXT)
            log_frame(&frame);
        done += frame.size;
    }
    return done;
}

/* False: the connection has ended. */
static bool peer_read(peer_t *peer)
{
    size_t held = peer->held_size;
    size_t left;
    size_t done;
    ssize_t got;

    memcpy(input, held > 0 ? peer->held : input, held);
    got = recv(peer->fd, input + held, INPUT_SIZE - held, 0);
    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    done = peer_take(peer, input, held + (size_t)got);
    left = held + (size_t)got - done;
    peer->held_size = left;
    if (left > 0) {
        peer->held = bench_grow(peer->held, left);
        memcpy(peer->held, input + done, left);
    }
    return left < INPUT_SIZE;
}

/* ---- The loop ------------------------------------------------------------------------------ */

static int listen_on(const char *text)
{
    static const int yes = 1;
    struct sockaddr_in address = bench_address(text);
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, SOMAXCONN) != 0)
        bench_die("%s: %s", text, strerror(errno));
    getsockname(fd, (struct sockaddr *)&address, &size);
    printf("floor: ready on %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        peer_add(fd);
}

static void handle(peer_t *peer, uint32_t events)
{
    if (events & EPOLLOUT)
        peer_block(peer, false); /* the turn's end sends what waits */
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !peer_read(peer))
        peer_remove(peer);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct epoll_event listening = { .events = EPOLLIN };
    int listener;

    signal(SIGPIPE, SIG_IGN);
    bench_all_files();
    log_bytes = bench_alloc(1, LOG_SIZE);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    listener = listen_on(argc > 1 ? argv[1] : "127.0.0.1:0");
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &listening);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(listener);
            else
                handle(events[i].data.ptr, events[i].events);
        }
        flush_all();
    }
}
