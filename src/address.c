/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses as text and as numbers, and the check of a browser's Origin.  Names are not looked up:
 * whatever needs the network has no place here.  The Origin header is taken apart strictly; a
 * duplicated one, which arrives joined by a comma, is no origin and is refused.
 */
#include "address.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <apr_strings.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* "Host[:port]", taken apart; the host of an IPv6 address has its brackets. */
typedef struct authority_t {
    const char *host;
    size_t length;
} authority_t;

/* One to five digits up to the end, at most 65535. */
static bool parse_port(const char *text, apr_port_t *port_r)
{
    size_t digits = strspn(text, "0123456789");
    long value;

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return false;
    value = strtol(text, NULL, 10);
    if (value > 65535)
        return false;
    *port_r = (apr_port_t)value;
    return true;
}

bool address_parse(apr_pool_t *pool, const char *text, const char **host_r, apr_port_t *port_r)
{
    bool v6 = *text == '[';
    const char *start = text + v6;
    const char *end = strchr(start, v6 ? ']' : ':');
    unsigned char binary[sizeof(struct in6_addr)];
    char shortest[INET6_ADDRSTRLEN];
    const char *host;

    if (!end || end[v6] != ':' || !parse_port(end + v6 + 1, port_r))
        return false;
    host = apr_pstrmemdup(pool, start, (apr_size_t)(end - start));
    if (inet_pton(v6 ? AF_INET6 : AF_INET, host, binary) != 1)
        return false;
    inet_ntop(v6 ? AF_INET6 : AF_INET, binary, shortest, sizeof shortest);
    *host_r = apr_pstrdup(pool, shortest);
    return true;
}

static void text_of_v6(const struct in6_addr *address, char text_r[ADDRESS_TEXT])
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, &address->s6_addr[12], text_r, ADDRESS_TEXT);
    else
        inet_ntop(AF_INET6, address, text_r, ADDRESS_TEXT);
}

bool address_of_peer(int fd, char text_r[ADDRESS_TEXT])
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } peer;
    socklen_t length = sizeof peer;

    text_r[0] = '\0';
    if (getpeername(fd, &peer.any, &length) != 0)
        return false;
    if (peer.any.sa_family == AF_INET)
        inet_ntop(AF_INET, &peer.v4.sin_addr, text_r, ADDRESS_TEXT);
    else if (peer.any.sa_family == AF_INET6)
        text_of_v6(&peer.v6.sin6_addr, text_r);
    return text_r[0] != '\0';
}

static apr_uint64_t big_endian(const unsigned char *bytes, int count)
{
    apr_uint64_t value = 0;

    for (int i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* IPv4 stands where its mapped form would, in a part of IPv6 that nobody is given. */
static apr_uint64_t group_of_v4(const unsigned char *bytes)
{
    return APR_UINT64_C(0xffff) << 32 | big_endian(bytes, 4);
}

apr_uint64_t address_group(const char *text)
{
    struct in6_addr v6;
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1)
        return group_of_v4((const unsigned char *)&v4);
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return 0;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return group_of_v4(&v6.s6_addr[12]);
    return big_endian(v6.s6_addr, 8);
}

/* In the form that a peer's address has.  False: it is no address. */
static bool text_of_text(const char *text, char text_r[ADDRESS_TEXT])
{
    struct in6_addr v6;
    struct in_addr v4;
    bool is_v4 = inet_pton(AF_INET, text, &v4) == 1;

    if (!is_v4 && inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    if (is_v4)
        inet_ntop(AF_INET, &v4, text_r, ADDRESS_TEXT);
    else
        text_of_v6(&v6, text_r);
    return true;
}

bool address_is(const char *text)
{
    char same[ADDRESS_TEXT];

    return text_of_text(text, same);
}

bool address_listed(const char *text, const char *const *list)
{
    char same[ADDRESS_TEXT];

    for (; *list; list++)
        if (text_of_text(*list, same) && strcmp(same, text) == 0)
            return true;
    return false;
}

/* The last element of a list with commas, without spaces; *length_r is then that of what stands
 * before it.  False: it is no address. */
static bool last_address(const char *list, size_t *length_r, char text_r[ADDRESS_TEXT])
{
    size_t end = *length_r, start;
    char text[ADDRESS_TEXT];

    while (end > 0 && (list[end - 1] == ' ' || list[end - 1] == '\t'))
        end--;
    for (start = end; start > 0 && list[start - 1] != ','; start--)
        ;
    *length_r = start > 0 ? start - 1 : 0;
    while (start < end && (list[start] == ' ' || list[start] == '\t'))
        start++;
    if (end - start >= ADDRESS_TEXT)
        return false;
    memcpy(text, list + start, end - start);
    text[end - start] = '\0';
    return text_of_text(text, text_r);
}

void address_forwarded(const char *peer, const char *header, const char *const *proxies,
                       char text_r[ADDRESS_TEXT])
{
    size_t length = header ? strlen(header) : 0;
    char before[ADDRESS_TEXT];

    apr_cpystrn(text_r, peer, ADDRESS_TEXT);
    while (length > 0 && address_listed(text_r, proxies)) {
        if (!last_address(header, &length, before))
            return;
        apr_cpystrn(text_r, before, ADDRESS_TEXT);
    }
}

/* The characters of a host from here on: a name, or an address in brackets; 0 if it is neither. */
static size_t host_length(const char *text)
{
    size_t length = 0;

    if (*text == '[') {
        length = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");
        return length > 1 && text[length] == ']' ? length + 1 : 0;
    }
    while (isalnum((unsigned char)text[length]) || (text[length] && strchr("-._", text[length])))
        length++;
    return length;
}

static bool parse_authority(const char *text, authority_t *authority_r)
{
    apr_port_t port;

    authority_r->host = text;
    authority_r->length = host_length(text);
    if (authority_r->length == 0)
        return false;
    text += authority_r->length;
    return *text == '\0' || (*text == ':' && parse_port(text + 1, &port));
}

/* "scheme://host[:port]" and nothing else. */
static bool parse_origin(const char *origin, authority_t *authority_r)
{
    const char *at = origin;

    if (!isalpha((unsigned char)*at))
        return false;
    while (isalnum((unsigned char)*at) || (*at && strchr("+-.", *at)))
        at++;
    return strncmp(at, "://", 3) == 0 && parse_authority(at + 3, authority_r);
}

static bool is_listed(const char *origin, const char *const *allowed)
{
    for (; *allowed; allowed++)
        if (strcmp(*allowed, "*") == 0 || strcasecmp(*allowed, origin) == 0)
            return true;
    return false;
}

bool address_origin_allowed(const char *origin, const char *host, const char *const *allowed)
{
    authority_t page, here;
    bool is_null;

    if (!origin)
        return true;
    is_null = strcmp(origin, "null") == 0;
    if (!is_null && !parse_origin(origin, &page))
        return false;
    if (allowed && *allowed)
        return is_listed(origin, allowed);
    return !is_null && host && parse_authority(host, &here) && page.length == here.length &&
           strncasecmp(page.host, here.host, page.length) == 0;
}
