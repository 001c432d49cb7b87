/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incoming texts are told apart by the value of their first member, "type"; spaces between the
 * tokens are allowed for, and where "type" is not the first member it is searched.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <string.h>

#include "message.h"

#define ENVELOPE_SIZE 512 /* of a message without its content */

typedef struct spelling_t {
    const char *type; /* with the closing quote */
    size_t length;
    message_kind_t kind;
} spelling_t;

#define SPELLING(type, kind) { type "\"", sizeof type, kind }

/* The frequent ones first. */
static const spelling_t spellings[] = {
    SPELLING("room_message", MESSAGE_DELIVERY),
    SPELLING("chat_message", MESSAGE_DELIVERY),
    SPELLING("message_sent", MESSAGE_ACK),
    SPELLING("room_history", MESSAGE_PAGE),
    SPELLING("user_presence", MESSAGE_PRESENCE),
    SPELLING("user_joined", MESSAGE_PRESENCE),
    SPELLING("user_left", MESSAGE_PRESENCE),
    SPELLING("auth_success", MESSAGE_SIGNED_IN),
    SPELLING("room_joined", MESSAGE_JOINED),
    SPELLING("error", MESSAGE_REFUSED),
    SPELLING("auth_error", MESSAGE_REFUSED),
};

static const char *skip_spaces(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\n'))
        at++;
    return at;
}

/* The place after `token`, which is to stand here, spaces aside; NULL: something else does. */
static const char *expect(const char *at, const char *end, const char *token, size_t length)
{
    at = at ? skip_spaces(at, end) : NULL;
    if (at == NULL || (size_t)(end - at) < length || memcmp(at, token, length) != 0)
        return NULL;
    return at + length;
}

/* Where the value of "type" starts, after its quote; NULL: there is none. */
static const char *type_value(const char *text, const char *end)
{
    const char *at = expect(text, end, "{", 1);

    at = expect(at, end, "\"type\"", 6);
    if (at == NULL) {
        at = memmem(text, (size_t)(end - text), "\"type\"", 6);
        at = at ? at + 6 : NULL;
    }
    return expect(expect(at, end, ":", 1), end, "\"", 1);
}

message_kind_t message_kind(const char *text, size_t length)
{
    const char *end = text + length;
    const char *value = type_value(text, end);

    if (value == NULL)
        return MESSAGE_OTHER;
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        if ((size_t)(end - value) >= spellings[i].length
            && memcmp(value, spellings[i].type, spellings[i].length) == 0)
            return spellings[i].kind;
    return MESSAGE_OTHER;
}

size_t message_join(char *text, size_t size, long room)
{
    return (size_t)snprintf(text, size, "{\"type\":\"join_room\",\"data\":{\"room_id\":%ld}}",
                            room);
}

static char *append_content(char *at, const stamp_t *stamp, size_t size)
{
    stamp_write(at, stamp);
    memset(at + STAMP_LENGTH, 'x', size - STAMP_LENGTH);
    return at + size;
}

static size_t send_to_floor(char *text, const options_t *options, const stamp_t *stamp)
{
    static const char before[] = "{\"type\":\"room_message\",\"data\":{\"content\":\"";
    static const char after[] = "\"}}";
    size_t around = sizeof before - 1 + sizeof after - 1;
    size_t frame = (size_t)options->frame;
    size_t content = frame > around + STAMP_LENGTH ? frame - around : STAMP_LENGTH;
    char *end;

    memcpy(text, before, sizeof before - 1);
    end = append_content(text + sizeof before - 1, stamp, content);
    memcpy(end, after, sizeof after - 1);
    return around + content;
}

static size_t send_live(char *text, size_t size, const options_t *options, const stamp_t *stamp)
{
    char *end = text;

    end += snprintf(end, size, "{\"type\":\"chat_message\",\"data\":{\"message\":\"");
    end = append_content(end, stamp, (size_t)options->size);
    end += snprintf(end, size - (size_t)(end - text), "\"}}");
    return (size_t)(end - text);
}

size_t message_send(char *text, size_t size, const options_t *options, long room,
                    const stamp_t *stamp)
{
    char *end = text;

    if (options->floor)
        return send_to_floor(text, options, stamp);
    if (options->live)
        return send_live(text, size, options, stamp);
    end += snprintf(end, size,
                    "{\"type\":\"send_message\",\"data\":{\"room_id\":%ld,\"content\":\"", room);
    end = append_content(end, stamp, (size_t)options->size);
    end += snprintf(end, size - (size_t)(end - text), "\"");
    if (options->client_id)
        end += snprintf(end, size - (size_t)(end - text),
                        ",\"metadata\":{\"client_id\":\"%llx-%x-%x\"}",
                        (unsigned long long)stamp->due, stamp->sender, stamp->sequence);
    end += snprintf(end, size - (size_t)(end - text), "}}");
    return (size_t)(end - text);
}

size_t message_ask(char *text, size_t size, long room, long before)
{
    int length = snprintf(text, size, "{\"type\":\"get_history\",\"data\":{\"room_id\":%ld",
                          room);

    if (before != 0)
        length += snprintf(text + length, size - (size_t)length, ",\"before_id\":%ld", before);
    length += snprintf(text + length, size - (size_t)length, "}}");
    return (size_t)length;
}

size_t message_size(const options_t *options)
{
    return ENVELOPE_SIZE + (size_t)(options->floor ? options->frame : options->size);
}
