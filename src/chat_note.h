/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other threads send to the chat thread: a node with a function, which the chat thread calls.
 */
#ifndef CHAT_NOTE_H
#define CHAT_NOTE_H

#include "queue.h"

typedef struct chat_note_t {
    queue_node_t node; /* first */
    void (*handle)(struct chat_note_t *note); /* chat thread; owns the note from now on */
} chat_note_t;

/* Any thread. */
void chat_post(chat_note_t *note);
/* Any thread.  Many at once; empties the list. */
void chat_post_list(queue_list_t *notes);

#endif
