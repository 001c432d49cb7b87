/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chat thread: one loop that owns all chat state and runs all plugin code.  Other threads reach
 * it through chat_post (chat_note.h) only.
 */
#ifndef CHAT_H
#define CHAT_H

#include <uv.h>

#include "chat_note.h"
#include "net.h"

/* Before the thread starts: everything that posts to it may be made then. */
void chat_init(apr_pool_t *pool);
/* Starts the thread. */
apr_status_t chat_start(void);
/* Finishes the requests that are under way, then ends the thread; nobody posts any more but the
 * store. */
void chat_stop(void);
/* After the store has ended, too: takes what it has still delivered, and closes the loop. */
void chat_close(void);

/* The loop, for timers and the control socket; chat thread, or before it starts. */
uv_loop_t *chat_loop(void);
/* Chat thread.  Notes leave together at the end of the turn. */
void chat_to_net(int thread, net_note_t *note);
/* Milliseconds of a monotonic clock.  Chat thread. */
apr_int64_t chat_now(void);
/* What a store thread calls with finished jobs. */
void chat_deliver(queue_list_t *jobs, void *baton);

#endif
