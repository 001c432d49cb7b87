/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is what costs here, and it shares the machine with the server: one recv takes what there
 * is of a connection into a buffer that all share, and only the rest of an incomplete frame is kept
 * with the connection.  Sockets are non-blocking; what one does not take at once waits in `out`.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients.h"
#include "ws.h"

#define PER_ADDRESS  200 /* connections from one source address */
#define INPUT_SIZE   (256 * 1024)
#define EVENTS       512
#define REQUEST_SIZE 1024
#define PATIENCE     (20 * BENCH_SECOND) /* for opening, without any progress */
#define EXTENSION    "permessage-deflate"
#define OFFER        "Sec-WebSocket-Extensions: " EXTENSION "\r\n"
#define COMPLAINTS   3                   /* troubles that are told in full; all are counted */

/* ---- Buffers ------------------------------------------------------------------------------- */

static void buffer_append(buffer_t *buffer, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    if (buffer->size + size > buffer->room) {
        buffer->room = 2 * (buffer->size + size);
        buffer->bytes = bench_grow(buffer->bytes, buffer->room);
    }
    memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
}

static void buffer_drop(buffer_t *buffer, size_t size)
{
    if (size == 0)
        return;
    buffer->size -= size;
    memmove(buffer->bytes, buffer->bytes + size, buffer->size);
}

static void buffer_free(buffer_t *buffer)
{
    free(buffer->bytes);
    *buffer = (buffer_t){ .size = 0 };
}

/* ---- Closing ------------------------------------------------------------------------------- */

static void complain(clients_t *clients, const client_t *client, const char *what, size_t length)
{
    if (clients->lost + clients->refused < COMPLAINTS)
        fprintf(stderr, "load: connection %d: %.*s\n", client->index, (int)length, what);
}

static void client_close(clients_t *clients, client_t *client)
{
    if (client->state == CLIENT_CLOSED)
        return;
    if (client->state == CLIENT_READY)
        clients->ready--;
    else
        clients->opening--;
    client->state = CLIENT_CLOSED;
    close(client->fd);
    free(client->token);
    client->token = NULL;
    buffer_free(&client->in);
    buffer_free(&client->out);
}

static void client_lose(clients_t *clients, client_t *client, const char *why)
{
    complain(clients, client, why, strlen(why));
    client_close(clients, client);
    clients->lost++;
}

/* ---- Sending ------------------------------------------------------------------------------- */

static void client_watch(clients_t *clients, client_t *client, bool write, int operation)
{
    struct epoll_event event = { .events = EPOLLIN | (write ? EPOLLOUT : 0u),
                                 .data.ptr = client };

    client->wants_write = write;
    if (epoll_ctl(clients->epoll, operation, client->fd, &event) != 0)
        bench_die("epoll_ctl: %s", strerror(errno));
}

/* Sends what waits, as far as the socket takes it. */
static void client_flush(clients_t *clients, client_t *client)
{
    ssize_t sent = 0;

    if (client->out.size > 0)
        sent = send(client->fd, client->out.bytes, client->out.size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        client_lose(clients, client, strerror(errno));
        return;
    }
    buffer_drop(&client->out, sent > 0 ? (size_t)sent : 0);
    if (client->wants_write != (client->out.size > 0))
        client_watch(clients, client, client->out.size > 0, EPOLL_CTL_MOD);
}

static void client_send(clients_t *clients, client_t *client, const void *bytes, size_t size)
{
    buffer_append(&client->out, bytes, size);
    if (!client->wants_write)
        client_flush(clients, client);
}

static void client_send_frame(clients_t *clients, client_t *client, int opcode, const void *payload,
                              size_t length)
{
    unsigned char frame[length + WS_HEADER_MAX];

    client_send(clients, client, frame, ws_masked(frame, opcode, payload, length));
}

static long client_room(const clients_t *clients, const client_t *client)
{
    const load_list_t *rooms = &clients->options->rooms;

    return rooms->count > 0 ? rooms->values[client->index % rooms->count] : 0;
}

bool clients_say(clients_t *clients, client_t *client, const stamp_t *stamp)
{
    size_t length;

    if (client->state != CLIENT_READY)
        return false;
    length = message_send(clients->text, message_size(clients->options), clients->options,
                          client_room(clients, client), stamp);
    client_send_frame(clients, client, WS_TEXT, clients->text, length);
    return client->state == CLIENT_READY;
}

void clients_ask(clients_t *clients, client_t *client, long before)
{
    size_t length = message_ask(clients->text, message_size(clients->options),
                                client_room(clients, client), before);

    if (client->state == CLIENT_READY)
        client_send_frame(clients, client, WS_TEXT, clients->text, length);
}

/* ---- Opening: connect, handshake, sign-in, join --------------------------------------------- */

/* 127.1.0.1 and on, PER_ADDRESS connections from each; the kernel chooses the port. */
static void bind_source(const client_t *client)
{
    static const int yes = 1;
    uint32_t host = (uint32_t)(client->index / PER_ADDRESS);
    struct sockaddr_in source = { .sin_family = AF_INET };

    source.sin_addr.s_addr = htonl((127u << 24 | 1u << 16) + (host / 250 << 8) + host % 250 + 1);
    setsockopt(client->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (bind(client->fd, (const struct sockaddr *)&source, sizeof source) != 0)
        bench_die("bind: %s", strerror(errno));
}

static void make_token(const options_t *options, client_t *client)
{
    bool nobody = options->live && client->index >= options->senders;

    if (options->floor || nobody || client->token != NULL)
        return;
    client->token = bench_alloc(1, TOKEN_SIZE);
    token_make(&options->key, options->first_user + client->index, client->token);
}

static void client_start(clients_t *clients, client_t *client)
{
    static const int yes = 1;
    const options_t *options = clients->options;

    make_token(options, client);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        bench_die("socket: %s", strerror(errno));
    bind_source(client);
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    client->state = CLIENT_CONNECTING;
    client->opened = bench_now();
    clients->opening++;
    if (connect(client->fd, (const struct sockaddr *)&options->address,
                sizeof options->address) != 0 && errno != EINPROGRESS)
        bench_die("%s: %s", options->server, strerror(errno));
    client_watch(clients, client, true, EPOLL_CTL_ADD);
}

static void client_request(clients_t *clients, client_t *client)
{
    const options_t *options = clients->options;
    char request[REQUEST_SIZE];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: c2Fsb24gYmVuY2htYXJrIQ==\r\n%s%s%s%s\r\n",
                          options->path, options->server,
                          options->deflate ? OFFER : "",
                          client->token ? "Authorization: Bearer " : "",
                          client->token ? client->token : "", client->token ? "\r\n" : "");

    client->state = CLIENT_UPGRADING;
    client->wants_write = false;
    client_send(clients, client, request, (size_t)length);
    if (client->state == CLIENT_UPGRADING)
        client_watch(clients, client, client->out.size > 0, EPOLL_CTL_MOD);
}

/* Connected, or not. */
static void client_connected(clients_t *clients, client_t *client)
{
    int error = 0;
    socklen_t size = sizeof error;

    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        client_lose(clients, client, strerror(error));
    else
        client_request(clients, client);
}

static void client_ready(clients_t *clients, client_t *client, int64_t now)
{
    client->state = CLIENT_READY;
    clients->opening--;
    clients->ready++;
    free(client->token);
    client->token = NULL;
    if (clients->open_times != NULL)
        histogram_add(clients->open_times, now - client->opened);
}

static void client_join(clients_t *clients, client_t *client, int64_t now)
{
    char text[100];
    long room = client_room(clients, client);

    if (room == 0) {
        client_ready(clients, client, now);
        return;
    }
    client->state = CLIENT_JOINING;
    client_send_frame(clients, client, WS_TEXT, text, message_join(text, sizeof text, room));
}

/* ---- Receiving ----------------------------------------------------------------------------- */

static void take_stamped(clients_t *clients, client_t *client, message_kind_t kind,
                         const char *text, size_t length, int64_t now)
{
    stamp_t stamp;

    if (!stamp_read(text, length, &stamp))
        return;
    if (kind == MESSAGE_DELIVERY && clients->on_delivery != NULL)
        clients->on_delivery(clients, client, &stamp, length, now);
    if (kind == MESSAGE_ACK && clients->on_ack != NULL)
        clients->on_ack(clients, client, &stamp, now);
}

static void take_refusal(clients_t *clients, client_t *client, const char *text, size_t length,
                         int64_t now)
{
    if (client->state != CLIENT_READY) {
        complain(clients, client, text, length);
        client_lose(clients, client, "not let in");
        return;
    }
    complain(clients, client, text, length);
    clients->refused++;
    if (clients->on_refused != NULL)
        clients->on_refused(clients, client, now);
}

static void take_text(clients_t *clients, client_t *client, const char *text, size_t length,
                      int64_t now)
{
    message_kind_t kind = message_kind(text, length);
    client_state_t joining = clients->options->live ? CLIENT_SIGNING_IN : CLIENT_JOINING;

    if (kind == MESSAGE_DELIVERY || kind == MESSAGE_ACK)
        take_stamped(clients, client, kind, text, length, now);
    else if (kind == MESSAGE_PAGE && clients->on_page != NULL)
        clients->on_page(clients, client, now);
    else if (kind == MESSAGE_PRESENCE && clients->on_presence != NULL)
        clients->on_presence(clients, client, now);
    else if (kind == MESSAGE_SIGNED_IN && client->state == CLIENT_SIGNING_IN)
        client_join(clients, client, now);
    else if (kind == MESSAGE_JOINED && client->state == joining)
        client_ready(clients, client, now);
    else if (kind == MESSAGE_REFUSED)
        take_refusal(clients, client, text, length, now);
}

/* The text of a compressed message in the place of its bytes. */
static bool take_packed(clients_t *clients, client_t *client, ws_frame_t *frame)
{
    const char *text = NULL;

    if (clients->options->deflate)
        text = unpack(clients->unpack, frame->payload, frame->length, &frame->length);
    if (text == NULL) {
        client_lose(clients, client, "what came is not compressed as was agreed");
        return false;
    }
    frame->payload = (unsigned char *)(uintptr_t)text;
    if (message_kind(text, frame->length) == MESSAGE_DELIVERY)
        clients->packed++;
    return true;
}

static void take_close(clients_t *clients, client_t *client, const ws_frame_t *frame)
{
    char why[160];
    int code = frame->length >= 2 ? frame->payload[0] << 8 | frame->payload[1] : 0;

    snprintf(why, sizeof why, "closed by the server with %d %.*s", code,
             frame->length > 2 ? (int)frame->length - 2 : 0, (const char *)frame->payload + 2);
    client_lose(clients, client, why);
}

static void take_frame(clients_t *clients, client_t *client, ws_frame_t *frame, int64_t now)
{
    if (frame->compressed && !take_packed(clients, client, frame))
        return;
    if (frame->opcode == WS_TEXT)
        take_text(clients, client, (const char *)frame->payload, frame->length, now);
    else if (frame->opcode == WS_PING)
        client_send_frame(clients, client, WS_PONG, frame->payload, frame->length);
    else if (frame->opcode == WS_CLOSE)
        take_close(clients, client, frame);
}

/* The answer to the handshake; says how many bytes it has, 0 while it is incomplete. */
static size_t take_upgrade(clients_t *clients, client_t *client, const char *text, size_t size,
                           int64_t now)
{
    static const char accepted[] = "HTTP/1.1 101";
    const char *end = memmem(text, size, "\r\n\r\n", 4);
    const char *line = memchr(text, '\r', size);

    if (end == NULL)
        return 0;
    if (memcmp(text, accepted, sizeof accepted - 1) != 0) {
        complain(clients, client, text, (size_t)(line - text));
        client_lose(clients, client, "the handshake was refused");
        return 0;
    }
    if (clients->options->deflate && memmem(text, (size_t)(end - text), EXTENSION,
                                            sizeof EXTENSION - 1) == NULL) {
        client_lose(clients, client, "compression was not agreed on");
        return 0;
    }
    client->state = CLIENT_SIGNING_IN;
    if (clients->options->floor)
        client_ready(clients, client, now);
    return (size_t)(end + 4 - text);
}

/* Handles what is complete, and says how many bytes that was. */
static size_t take_bytes(clients_t *clients, client_t *client, unsigned char *bytes, size_t size,
                         int64_t now)
{
    ws_frame_t frame;
    size_t done = 0;

    if (client->state == CLIENT_UPGRADING)
        done = take_upgrade(clients, client, (const char *)bytes, size, now);
    if (client->state == CLIENT_UPGRADING)
        return 0;
    while (client->state != CLIENT_CLOSED && ws_parse(bytes + done, size - done, &frame)) {
        take_frame(clients, client, &frame, now);
        done += frame.size;
    }
    return done;
}

static void client_read(clients_t *clients, client_t *client)
{
    size_t held = client->in.size;
    size_t done;
    ssize_t got;

    if (held > INPUT_SIZE / 2)
        bench_die("a frame of more than %d bytes", INPUT_SIZE / 2);
    if (held > 0)
        memcpy(clients->input, client->in.bytes, held);
    got = recv(client->fd, clients->input + held, INPUT_SIZE - held, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            client_lose(clients, client, got == 0 ? "closed by the server" : strerror(errno));
        return;
    }
    client->in.size = 0;
    done = take_bytes(clients, client, clients->input, held + (size_t)got, bench_now());
    if (client->state != CLIENT_CLOSED)
        buffer_append(&client->in, clients->input + done, held + (size_t)got - done);
}

/* ---- The loop ------------------------------------------------------------------------------ */

static void client_event(clients_t *clients, client_t *client, uint32_t events)
{
    if (client->state == CLIENT_CLOSED)
        return;
    if (client->state == CLIENT_CONNECTING) {
        client_connected(clients, client);
        return;
    }
    if (events & EPOLLOUT)
        client_flush(clients, client);
    if (client->state != CLIENT_CLOSED && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        client_read(clients, client);
}

static int64_t tick_if_due(clients_t *clients)
{
    int64_t now = bench_now();

    if (now >= clients->due)
        clients->tick(clients, now);
    return now;
}

int64_t clients_run(clients_t *clients, int64_t until)
{
    struct epoll_event events[EVENTS];
    int64_t now = tick_if_due(clients);

    clients->stop = false;
    while (now < until && !clients->stop) {
        int64_t wake = until < clients->due ? until : clients->due;
        int64_t left = wake > now ? wake - now : 0;
        struct timespec wait = { .tv_sec = left / BENCH_SECOND, .tv_nsec = left % BENCH_SECOND };
        int count = epoll_pwait2(clients->epoll, events, EVENTS, &wait, NULL);

        now = tick_if_due(clients);
        for (int i = 0; i < count; i++) {
            client_event(clients, events[i].data.ptr, events[i].events);
            now = tick_if_due(clients);
        }
    }
    return now;
}

clients_t *clients_make(const options_t *options, int count)
{
    clients_t *clients = bench_alloc(1, sizeof *clients);

    bench_need_files(count);
    *clients = (clients_t){ .options = options, .count = count, .due = CLIENTS_NEVER };
    clients->all = bench_alloc((size_t)count, sizeof *clients->all);
    clients->input = bench_alloc(1, INPUT_SIZE);
    clients->text = bench_alloc(1, message_size(options));
    clients->unpack = unpack_make();
    clients->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++)
        clients->all[i].index = i;
    return clients;
}

void clients_prepare(clients_t *clients)
{
    for (int i = 0; i < clients->count; i++)
        make_token(clients->options, &clients->all[i]);
}

void clients_leave(clients_t *clients, client_t *client)
{
    client_close(clients, client);
}

void clients_come(clients_t *clients, client_t *client)
{
    if (client->state == CLIENT_CLOSED)
        client_start(clients, client);
}

static void open_some(clients_t *clients, int count)
{
    int64_t progress = bench_now();
    int ready = clients->ready;
    int next = 0;

    while (next < count || clients->opening > 0) {
        while (next < count && clients->opening < clients->options->in_flight) {
            if (clients->all[next].state == CLIENT_CLOSED)
                client_start(clients, &clients->all[next]);
            next++;
        }
        clients_run(clients, bench_now() + BENCH_MILLISECOND / 10);
        if (clients->ready != ready)
            progress = bench_now();
        ready = clients->ready;
        if (bench_now() > progress + PATIENCE)
            bench_die("%d of %d connections are ready, and nothing moves", ready, count);
    }
}

void clients_open(clients_t *clients)
{
    open_some(clients, clients->count);
}

void clients_open_first(clients_t *clients, int count)
{
    open_some(clients, count);
    if (clients->ready < count)
        bench_die("only %d of %d connections could be opened", clients->ready, count);
}

void clients_open_all(clients_t *clients)
{
    clients_open_first(clients, clients->count);
}

void clients_free(clients_t **clients)
{
    clients_t *gone = *clients;

    for (int i = 0; i < gone->count; i++)
        client_close(gone, &gone->all[i]);
    close(gone->epoll);
    free(gone->all);
    free(gone->input);
    free(gone->text);
    unpack_free(&gone->unpack);
    free(gone);
    *clients = NULL;
}
