/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzing a network thread: its loop, lws, HTTP, frames and the joining of messages, with the chat
 * thread's real code behind it, all in one thread.  The input's first byte says what its other
 * bytes are, in what pieces they come, and how the connection ends.  Whatever comes, the connection
 * must be gone in the end and leave nothing behind: no session, no request, no descriptor; and a
 * client whose handshake was good must get whole frames of valid JSON, and nothing after a Close.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_strings.h>
#include <linux/sockios.h>
#include <sanitizer/lsan_interface.h>

#include "conn.h"
#include "server.h"
#include "stand_in.h"

/* The first byte. */
#define CONTENT       0x03 /* what the other bytes are */
#define CONTENT_HTTP  0    /* all that the client sends */
#define CONTENT_GUEST 1    /* what it sends after a handshake */
#define CONTENT_USER  2    /* the same, signed in, and with compression */
#define CONTENT_LINES 3    /* signed in; each line is the payload of a frame */
#define PIECES        0x0c /* how long the pieces are */
#define EXPIRE        0x10 /* its deadlines come, twice */
#define SLOW          0x20 /* it reads nothing before the end */
#define HALF_CLOSE    0x40
#define CLOSE         0x80 /* the server closes */

#define INPUT_MOST    10000
#define SEND_BUFFER   4608  /* the least that Linux allows */
#define OUTPUT_MOST   (1 << 20)
#define TURNS_MOST    4000
#define PATIENCE      10000 /* milliseconds; nothing takes that long */

static const size_t piece_sizes[] = { SIZE_MAX, 1, 17, 300 };

static net_t *net;
static const char *handshakes[CONTENT_LINES + 1];

static struct {
    int fd;
    bool reads, checks; /* does it read; are frames expected */
    unsigned char *output;
    size_t length;
} client;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Turns of the loop ---- */

/* Has anything come? */
static bool client_read(void)
{
    bool any = false;
    while (client.reads && client.length < OUTPUT_MOST) {
        ssize_t got =
            recv(client.fd, client.output + client.length, OUTPUT_MOST - client.length, 0);
        if (got <= 0) break;
        client.length += (size_t)got;
        any = true;
    }
    return any;
}

/* Bytes that the server has not taken yet. */
static int unread(void)
{
    int count = 0;
    if (client.fd >= 0) ioctl(client.fd, SIOCOUTQ, &count);
    return count;
}

static bool turn(void)
{
    uv_run(&net->loop, UV_RUN_NOWAIT);
    return client_read() || net->dirty != NULL;
}

/* Until nothing happens any more; what is held back by flow control stays unread. */
static void settle(void)
{
    int before = unread();
    for (int turns = 0, quiet = 0; quiet < 3 && turns < TURNS_MOST; turns++) {
        bool any = turn();
        int now = unread();
        quiet = any || now != before ? 0 : quiet + 1;
        before = now;
    }
}

/* ---- The client ---- */

static void client_open(bool slow)
{
    int pair[2], size = SEND_BUFFER;
    int failed = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair);
    assert(!failed);
    if (slow) setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    client.fd = pair[0];
    client.reads = !slow;
    client.length = 0;
    net_note_t *note = net_note(NET_ADOPT, (conn_ref_t){ 0 });
    note->as.adopt.fd = pair[1];
    apr_cpystrn(note->as.adopt.address, "127.0.0.1", ADDRESS_TEXT);
    net_post(net, note);
    settle();
}

/* Stops when the server does not take any more. */
static bool client_send(const void *bytes, size_t length)
{
    ssize_t sent = send(client.fd, bytes, length, MSG_NOSIGNAL);
    turn();
    return sent == (ssize_t)length;
}

static void client_send_pieces(const uint8_t *bytes, size_t length, size_t piece)
{
    while (length > 0) {
        size_t now = MIN(piece, length);
        if (!client_send(bytes, now)) return;
        bytes += now;
        length -= now;
    }
}

/* A text frame with a mask of zeros. */
static bool frame_send(const uint8_t *payload, size_t length, size_t piece)
{
    uint8_t header[8] = { 0x81, 0x80 | 126, (uint8_t)(length >> 8), (uint8_t)length };
    size_t header_length = 8;
    if (length < 126) {
        memset(header, 0, sizeof(header));
        header[0] = 0x81;
        header[1] = (uint8_t)(0x80 | length);
        header_length = 6;
    }
    if (length > UINT16_MAX || !client_send(header, header_length)) return false;
    client_send_pieces(payload, length, piece);
    return true;
}

static void lines_send(const uint8_t *at, size_t length, size_t piece)
{
    while (length > 0) {
        const uint8_t *end = memchr(at, '\n', length);
        size_t line = end != NULL ? (size_t)(end - at) : length;
        if (!frame_send(at, line, piece)) return;
        line += end != NULL;
        at += line;
        length -= line;
    }
}

static void client_say(int flags, const uint8_t *data, size_t size)
{
    int content = flags & CONTENT;
    size_t piece = piece_sizes[(flags & PIECES) >> 2];
    if (content != CONTENT_HTTP) client_send(handshakes[content], strlen(handshakes[content]));
    if (content == CONTENT_LINES) lines_send(data, size, piece);
    else client_send_pieces(data, size, piece);
    settle();
}

/* ---- The end ---- */

static conn_t *conn_only(void)
{
    for (int slot = 0; net->open > 0 && slot < net->slot_count; slot++)
        if (net->conns[slot] != NULL) return net->conns[slot];
    return NULL;
}

static void deadlines_come(void)
{
    for (int i = 0; i < 2 && conn_only() != NULL; i++) {
        conn_expired(conn_only());
        settle();
    }
}

static void server_closes(void)
{
    if (conn_only() == NULL) return;
    net_note_t *note = net_note(NET_CLOSE, conn_ref(conn_only()));
    note->as.close.code = LWS_CLOSE_STATUS_GOINGAWAY;
    apr_cpystrn(note->as.close.reason, "server stops", sizeof(note->as.close.reason));
    net_post(net, note);
    settle();
}

/* A connection that is not read any more may see only by its deadline that nobody is there. */
static void wait_until_gone(void)
{
    apr_time_t end = apr_time_now() + apr_time_from_msec(PATIENCE);
    settle();
    if (conn_only() != NULL && conn_only()->state != CONN_GONE) {
        assert(conn_only()->deadline.link != NULL);
        deadlines_come();
    }
    while (net->open > 0) {
        uv_run(&net->loop, UV_RUN_NOWAIT);
        assert(apr_time_now() < end);
    }
    settle();
}

static void client_end(int flags)
{
    if (flags & EXPIRE) deadlines_come();
    if (flags & CLOSE) server_closes();
    client.reads = true;
    settle();
    if (flags & HALF_CLOSE) shutdown(client.fd, SHUT_WR);
    settle();
    close(client.fd);
    client.fd = -1;
    client.reads = false;
    wait_until_gone();
}

/* ---- What must hold ---- */

static size_t head_check(void)
{
    static const char status[] = "HTTP/1.1 101 ";
    const unsigned char *end = memmem(client.output, client.length, "\r\n\r\n", 4);
    assert(end != NULL && memcmp(client.output, status, strlen(status)) == 0);
    return (size_t)(end - client.output) + 4;
}

/* The last frame may have been cut short by the end of the connection.  Behind a Close of ours,
 * while the peer's is awaited, lws may still answer a ping, and what breaks the protocol with a
 * Close of its own; but no data follow (RFC 6455, 5.5.1). */
static void output_check(void)
{
    bool closed = false;
    size_t length, at = head_check();
    int opcode;
    while ((length = stand_in_check_frame(client.output + at, client.length - at, &opcode)) > 0) {
        assert(!closed || opcode == STAND_IN_PONG || opcode == FRAME_CLOSE);
        closed |= opcode == FRAME_CLOSE;
        at += length;
    }
}

static int descriptor_probe(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

static void nothing_left_check(void)
{
    assert(net->open == 0 && net_load(net) == 0);
    assert(net->dirty == NULL && net->to_chat.count == 0);
    stand_in_check();
}

/* ---- The target ---- */

static void take_note(net_note_t *note)
{
    net_post(net, note);
}

static const char *handshake_make(const char *further)
{
    return apr_pstrcat(server.pool, "GET /ws HTTP/1.1\r\nHost: a\r\n"
                       "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n", further, "\r\n", NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    stand_in_begin(take_note);
    lws_set_log_level(LLL_ERR, net_log);
    net = net_make(0, server.config);
    if (net == NULL) return 1;
    server.nets = &net;
    __lsan_register_root_region(net, sizeof(*net)); /* it is in a pool */
    handshakes[CONTENT_GUEST] = handshake_make("");
    const char *token =
        apr_pstrcat(server.pool, "Authorization: Bearer ", stand_in_token("alice"), "\r\n", NULL);
    handshakes[CONTENT_LINES] = handshake_make(token);
    handshakes[CONTENT_USER] = handshake_make(apr_pstrcat(
        server.pool, token, "Sec-WebSocket-Protocol: a, b\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n", NULL));
    client.output = malloc(OUTPUT_MOST);
    return client.output == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int lowest_free = descriptor_probe();
    if (size == 0 || size > INPUT_MOST) return 0;
    stand_in_reset();
    client_open(data[0] & SLOW);
    client_say(data[0], data + 1, size - 1);
    client_end(data[0]);
    if ((data[0] & CONTENT) != CONTENT_HTTP) output_check();
    nothing_left_check();
    assert(descriptor_probe() == lowest_free);
    return 0;
}
