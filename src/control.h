/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: <state_dir>/control.sock, for salonctl.  One JSON object a line in each
 * direction: {"words": ["user", "add", "ann"]} is answered by {"ok": true, "data": ..., "result":
 * "id"} or {"ok": false, "error": "..."}.  Commands are those of the plugins' tables.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <apr_pools.h>

#define CONTROL_SOCKET "control.sock"
#define CONTROL_LINE   65536 /* bytes of a request, at most */

/* Opens the socket on the chat thread's loop, before that thread starts.  NULL: done; otherwise
 * what is wrong, in the pool. */
const char *control_open(apr_pool_t *pool, const char *state_dir);
/* After that thread has ended, and before its loop is closed: lets go of whoever is connected. */
void control_close(void);

#endif
