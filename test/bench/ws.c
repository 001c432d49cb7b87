/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket framing.  A client must mask what it sends; one key will do for all, but not zero, for
 * which servers have a short cut.
 */
#include <stdint.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "ws.h"

#define FINAL    0x80
#define MASKED   0x80
#define RSV1     0x40
#define KEY_SIZE 4

#define ACCEPT_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */

/* The payload's length as the second byte and `extra` further ones say it. */
static uint64_t read_length(const unsigned char *buffer, int extra)
{
    uint64_t length = 0;

    if (extra == 0)
        return buffer[1] & 0x7f;
    for (int i = 0; i < extra; i++)
        length = length << 8 | buffer[2 + i];
    return length;
}

/* Masks, or unmasks: the same either way. */
static void mask(unsigned char *to, const unsigned char *from, size_t length,
                 const unsigned char *key)
{
    for (size_t i = 0; i < length; i++)
        to[i] = from[i] ^ key[i % KEY_SIZE];
}

bool ws_parse(unsigned char *buffer, size_t size, ws_frame_t *frame_r)
{
    size_t header;
    uint64_t length;
    int extra;

    if (size < 2)
        return false;
    extra = (buffer[1] & 0x7f) == 126 ? 2 : (buffer[1] & 0x7f) == 127 ? 8 : 0;
    header = 2 + (size_t)extra + (buffer[1] & MASKED ? KEY_SIZE : 0);
    if (size < header)
        return false;
    length = read_length(buffer, extra);
    if (length > size - header)
        return false;
    *frame_r = (ws_frame_t){ .opcode = buffer[0] & 0x0f,
                             .compressed = buffer[0] & RSV1,
                             .payload = buffer + header,
                             .length = length,
                             .size = header + length };
    if (buffer[1] & MASKED)
        mask(buffer + header, buffer + header, length, buffer + header - KEY_SIZE);
    return true;
}

size_t ws_header(unsigned char *at, int opcode, size_t length)
{
    int extra = length < 126 ? 0 : length < 65536 ? 2 : 8;

    at[0] = (unsigned char)(FINAL | opcode);
    at[1] = (unsigned char)(extra == 0 ? length : extra == 2 ? 126u : 127u);
    for (int i = 0; i < extra; i++)
        at[2 + i] = (unsigned char)((uint64_t)length >> 8 * (extra - 1 - i));
    return 2 + (size_t)extra;
}

size_t ws_masked(unsigned char *at, int opcode, const void *payload, size_t length)
{
    static const unsigned char key[KEY_SIZE] = { 0x53, 0xa1, 0x0c, 0xf6 };
    size_t header = ws_header(at, opcode, length);

    at[1] |= MASKED;
    memcpy(at + header, key, KEY_SIZE);
    mask(at + header + KEY_SIZE, payload, length, key);
    return header + KEY_SIZE + length;
}

void ws_accept(const char *key, char accept_r[WS_ACCEPT_SIZE])
{
    unsigned char text[WS_KEY_LENGTH + sizeof ACCEPT_SUFFIX];
    unsigned char digest[SHA_DIGEST_LENGTH];

    memcpy(text, key, WS_KEY_LENGTH);
    memcpy(text + WS_KEY_LENGTH, ACCEPT_SUFFIX, sizeof ACCEPT_SUFFIX);
    SHA1(text, sizeof text - 1, digest);
    EVP_EncodeBlock((unsigned char *)accept_r, digest, sizeof digest);
}
