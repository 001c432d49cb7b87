/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: where we listen, who connects, which browser pages may.
 */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>

#include <apr_network_io.h>

/* "127.0.0.1:8080", "[::1]:8080": no names; port 0 is any.  False: malformed.  host_r: without
 * brackets, the same for each way of writing an address. */
bool address_parse(apr_pool_t *pool, const char *text, const char **host_r, apr_port_t *port_r);

#define ADDRESS_TEXT 46 /* the longest textual address, with its NUL */

/* The peer of a connected socket, as text; IPv4-mapped IPv6 as IPv4.  False: it has none. */
bool address_of_peer(int fd, char text_r[ADDRESS_TEXT]);
/* What counts as one address for limits: IPv4 whole, of IPv6 the first 64 bits.  0: no address. */
apr_uint64_t address_group(const char *text);

/* Is the text an address? */
bool address_is(const char *text);
/* Is an address, as address_of_peer writes it, one of the NULL-terminated list, whichever way that
 * is written? */
bool address_listed(const char *text, const char *const *list);
/* Who speaks through reverse proxies.  header: what X-Forwarded-For says, NULL: nothing; proxies:
 * those that are believed, NULL-terminated.  The peer itself, unless it is a proxy: then the last
 * of the header's addresses that is none; what is no address, and all before it, is not believed.
 */
void address_forwarded(const char *peer, const char *header, const char *const *proxies,
                       char text_r[ADDRESS_TEXT]);

/*
 * May a page of this origin open a WebSocket here?  origin: the header's value, NULL without one
 * (a client that is no browser: allowed).  allowed: NULL-terminated, exact matches but for
 * upper and lower case; "*" is any.  With an empty list: the same host as in the Host header,
 * whatever the port.  What is no origin is refused always, "null" unless it is listed (or "*").
 */
bool address_origin_allowed(const char *origin, const char *host, const char *const *allowed);

#endif
