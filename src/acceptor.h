/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The acceptor: a thread that owns the listening sockets, applies the limits per address and in
 * all, and hands each new socket to the network thread with the fewest connections.
 */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include "net.h"
#include "settings.h"

/* Opens the ports, in the order of the configuration.  NULL: done; otherwise what is wrong, in the
 * pool. */
const char *acceptor_open(apr_pool_t *pool, const config_t *config);
/* Starts the thread.  nets: who gets the sockets; read until acceptor_stop. */
apr_status_t acceptor_start(net_t *const *nets, int count);
/* Closes the ports and ends the thread. */
void acceptor_stop(void);
/* The newer configuration's limits. */
void acceptor_reload(const config_t *config);
/* Any thread: a connection that had been handed out has ended. */
void acceptor_released(const char *address, int listener);

#endif
