/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch is the dialect's words around the messages, with commas between them: nothing is encoded
 * again.
 */
#include "batch.h"

#include <stdlib.h>
#include <string.h>

#define TAIL_MOST 256

typedef struct {
    const char *head;
    char tail[TAIL_MOST];
    size_t head_length, tail_length;
} words_t;

static void words_fill(words_t *words, const salon_dialect_t *dialect)
{
    words->head = dialect->batch_head;
    words->head_length = strlen(words->head);
    dialect->batch_tail(words->tail, TAIL_MOST);
    words->tail_length = strlen(words->tail);
}

/* How many fit; *length_r: of the payload that they make. */
static unsigned messages_count(const words_t *words, frame_t *const *frames, unsigned count,
                               size_t most, size_t *length_r)
{
    size_t length = FRAME_HEADER_MOST + words->head_length + words->tail_length, one;
    unsigned taken = 0;
    while (taken < count && taken < BATCH_MOST && frame_is_message(frames[taken])) {
        frame_payload(frames[taken], &one);
        if (length + one + 1 > most) break;
        length += one + 1;
        taken++;
    }
    *length_r = length - FRAME_HEADER_MOST - 1; /* the last one has no comma behind it */
    return taken;
}

static void append(char **at, const char *bytes, size_t length)
{
    memcpy(*at, bytes, length);
    *at += length;
}

static char *payload_make(const words_t *words, frame_t *const *frames, unsigned count,
                          size_t length)
{
    size_t one;
    char *payload = malloc(length), *at = payload;
    if (payload == NULL) abort();
    append(&at, words->head, words->head_length);
    for (unsigned i = 0; i < count; i++) {
        const char *message = frame_payload(frames[i], &one);
        if (i > 0) append(&at, ",", 1);
        append(&at, message, one);
    }
    append(&at, words->tail, words->tail_length);
    return payload;
}

frame_t *batch_make(const salon_dialect_t *dialect, frame_t *const *frames, unsigned count,
                    size_t most, unsigned *count_r)
{
    words_t words;
    size_t length;
    if (count < 2) return NULL;
    words_fill(&words, dialect);
    *count_r = messages_count(&words, frames, count, most, &length);
    if (*count_r < 2) return NULL;
    char *payload = payload_make(&words, frames, *count_r, length);
    frame_t *frame = frame_make(FRAME_TEXT, payload, length, false);
    free(payload);
    return frame;
}
