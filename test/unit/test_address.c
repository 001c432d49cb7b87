/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: their notation, the peer of real sockets on the loopback, groups for limits, and which
 * origins may connect.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "test_pool.h"

typedef struct listen_case_t {
    const char *text, *host;
    int port;
} listen_case_t;

typedef struct origin_t {
    const char *origin, *host;
    bool allowed;
} origin_t;

static const listen_case_t addresses[] = {
    { "127.0.0.1:8080", "127.0.0.1", 8080 },
    { "0.0.0.0:65535", "0.0.0.0", 65535 },
    { "127.0.0.1:0", "127.0.0.1", 0 },
    { "[::1]:8080", "::1", 8080 },
    { "[::]:1", "::", 1 },
    { "[2001:DB8:0:0::5]:443", "2001:db8::5", 443 },
    { "[2001:db8::5]:443", "2001:db8::5", 443 },
};

static const char *const no_addresses[] = {
    "", ":", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:999999999",
    "127.0.0.1:-1", "127.0.0.1:+1", "127.0.0.1: 80", "127.0.0.1:80 ", "127.0.0.1:80x",
    "127.0.0.1:x", "127.0.0.1:80:80", "127.0.0:80", "256.0.0.1:80", "1.2.3.4.5:80",
    " 127.0.0.1:80", "::1:80", "::1", "[::1]", "[::1]80", "[::1]:", "[::1", "[]:80",
    "[127.0.0.1]:80", "[::g]:80", "[[::1]]:80", "localhost:80",
};

typedef struct forwarded_t {
    const char *peer, *header, *expected;
} forwarded_t;

static const char *const proxies[] = { "127.0.0.1", "10.0.0.1", "::1", "2001:DB8:0::7",
                                      "::ffff:10.0.0.2", NULL };

static const forwarded_t forwardings[] = {
    { "192.0.2.1", NULL, "192.0.2.1" },
    { "192.0.2.1", "203.0.113.9", "192.0.2.1" },
    { "127.0.0.1", NULL, "127.0.0.1" },
    { "127.0.0.1", "", "127.0.0.1" },
    { "127.0.0.1", "203.0.113.9", "203.0.113.9" },
    { "::1", " 203.0.113.9 ", "203.0.113.9" },
    { "127.0.0.1", "2001:db8::1", "2001:db8::1" },
    { "127.0.0.1", "198.51.100.7, 203.0.113.9", "203.0.113.9" },
    { "127.0.0.1", "198.51.100.7, 203.0.113.9, 10.0.0.1", "203.0.113.9" },
    { "127.0.0.1", "198.51.100.7,203.0.113.9,\t10.0.0.1 ,127.0.0.1", "203.0.113.9" },
    { "127.0.0.1", "10.0.0.1", "10.0.0.1" },
    { "127.0.0.1", "203.0.113.9, unknown", "127.0.0.1" },
    { "127.0.0.1", "203.0.113.9, nonsense, 10.0.0.1", "10.0.0.1" },
    { "127.0.0.1", "203.0.113.9,", "127.0.0.1" },
    { "127.0.0.1", ",", "127.0.0.1" },
    { "127.0.0.1", "203.0.113.9:80", "127.0.0.1" },
    { "2001:db8::7", "203.0.113.9", "203.0.113.9" },
    { "10.0.0.2", "2001:DB8:0:0::9", "2001:db8::9" },
    { "127.0.0.1", "203.0.113.9, 2001:0db8::0007", "203.0.113.9" },
    { "127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9" },
    { "127.0.0.1", "1111111111111111111111111111111111111111111111111111", "127.0.0.1" },
};

/* Where no list is configured. */
static const origin_t origins[] = {
    { NULL, "example.org", true },
    { NULL, NULL, true },
    { "https://example.org", "example.org", true },
    { "https://example.org:8443", "example.org", true },
    { "http://example.org", "example.org:8080", true },
    { "http://Example.ORG", "eXample.org:1", true },
    { "http://127.0.0.1:3000", "127.0.0.1:8080", true },
    { "http://localhost", "localhost:8080", true },
    { "http://my_host-1", "my_host-1", true },
    { "http://[::1]:3000", "[::1]:8080", true },
    { "http://[2001:DB8::1]", "[2001:db8::1]", true },
    { "http://[::1]", "[::2]", false },
    { "http://[::1]", "::1", false },
    { "http://localhost", "127.0.0.1", false },
    { "https://example.org", NULL, false },
    { "https://example.org", "", false },
    { "https://example.org", ":80", false },
    { "https://example.org", "example.com", false },
    { "https://example.org.evil.net", "example.org", false },
    { "https://evil-example.org", "example.org", false },
    { "https://example.or", "example.org", false },
    { "https://sub.example.org", "example.org", false },
    { "https://example.org", "sub.example.org", false },
    { "null", "null", false },
    { "null", "example.org", false },
    { "", "example.org", false },
    { "", "", false },
    { "example.org", "example.org", false },
    { "//example.org", "example.org", false },
    { "://example.org", "example.org", false },
    { "https:example.org", "example.org", false },
    { "https:/example.org", "example.org", false },
    { "https://", "example.org", false },
    { "https://:80", "example.org", false },
    { "https://example.org/", "example.org", false },
    { "https://example.org/path", "example.org", false },
    { "https://example.org?x", "example.org", false },
    { "https://example.org#x", "example.org", false },
    { "https://user@example.org", "example.org", false },
    { "https://evil.net@example.org", "example.org", false },
    { "https://example.org@evil.net", "example.org", false },
    { "https://example.org\\@evil.net", "example.org", false },
    { "https://example.org:", "example.org", false },
    { "https://example.org:x", "example.org", false },
    { "https://example.org:80x", "example.org", false },
    { "https://example.org:99999", "example.org", false },
    { "https://example.org ", "example.org", false },
    { " https://example.org", "example.org", false },
    { "https://example.org,  https://example.org", "example.org", false },
    { "https://example.org, https://evil.net", "example.org", false },
    { "https://example.org https://example.org", "example.org", false },
    { "https://example.org", "example.org, example.org", false },
    { "https://example.org", "example.org/x", false },
    { "http://[::1", "[::1", false },
    { "http://[]", "[]", false },
};

static void test_parse(void **state)
{
    const char *host;
    apr_port_t port;

    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        assert_true(address_parse(*state, addresses[i].text, &host, &port));
        assert_string_equal(host, addresses[i].host);
        assert_int_equal(port, addresses[i].port);
    }
    for (size_t i = 0; i < sizeof no_addresses / sizeof *no_addresses; i++)
        if (address_parse(*state, no_addresses[i], &host, &port))
            fail_msg("accepted: %s", no_addresses[i]);
}

/* A listening socket of any family and port on this address; its own address in `name`. */
static int listen_on(struct sockaddr *name, socklen_t length)
{
    int fd = socket(name->sa_family, SOCK_STREAM, 0);
    int off = 0;

    if (name->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (fd < 0 || bind(fd, name, length) != 0 || listen(fd, 1) != 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, name, &length), 0);
    return fd;
}

/* Connects to `name`, and reads the peer's address on the listener's side. */
static bool peer_of(int listener, const struct sockaddr *name, socklen_t length,
                    char text_r[ADDRESS_TEXT])
{
    int client = socket(name->sa_family, SOCK_STREAM, 0), server;
    bool found;

    assert_int_equal(connect(client, name, length), 0);
    server = accept(listener, NULL, NULL);
    found = address_of_peer(server, text_r);
    close(server);
    close(client);
    return found;
}

static void test_peer_v4(void **state)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = listen_on((struct sockaddr *)&name, sizeof name);
    char text[ADDRESS_TEXT];

    (void)state;
    assert_true(listener >= 0);
    assert_true(peer_of(listener, (struct sockaddr *)&name, sizeof name, text));
    assert_string_equal(text, "127.0.0.1");
    close(listener);
}

static void test_peer_v6(void **state)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    int listener = listen_on((struct sockaddr *)&name, sizeof name);
    char text[ADDRESS_TEXT];

    (void)state;
    if (listener < 0)
        skip(); /* a machine without IPv6 */
    assert_true(peer_of(listener, (struct sockaddr *)&name, sizeof name, text));
    assert_string_equal(text, "::1");
    close(listener);
}

static void test_peer_mapped(void **state)
{
    struct sockaddr_in6 name = { .sin6_family = AF_INET6 };
    struct sockaddr_in through = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char text[ADDRESS_TEXT];
    int listener;

    (void)state;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &name.sin6_addr);
    listener = listen_on((struct sockaddr *)&name, sizeof name);
    if (listener < 0)
        skip();
    through.sin_port = name.sin6_port;
    assert_true(peer_of(listener, (struct sockaddr *)&through, sizeof through, text));
    assert_string_equal(text, "127.0.0.1");
    close(listener);
}

static void test_no_peer(void **state)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    char text[ADDRESS_TEXT];

    (void)state;
    assert_false(address_of_peer(fd, text));
    close(fd);
    assert_false(address_of_peer(-1, text));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_false(address_of_peer(pair[0], text));
    close(pair[0]);
    close(pair[1]);
}

static void test_group(void **state)
{
    (void)state;
    assert_true(address_group("10.0.0.1") != address_group("10.0.0.2"));
    assert_true(address_group("10.0.0.1") == address_group("::ffff:10.0.0.1"));
    assert_true(address_group("2001:db8:1:2::1") == address_group("2001:db8:1:2:ffff::9"));
    assert_true(address_group("2001:db8:1:2::1") != address_group("2001:db8:1:3::1"));
    assert_true(address_group("10.0.0.1") != address_group("::1"));
    assert_true(address_group("10.0.0.1") != address_group("0:0:a00:1::"));
    assert_true(address_group("nonsense") == 0);
}

static void test_same_host(void **state)
{
    const char *const none[] = { NULL };

    (void)state;
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++)
        if (address_origin_allowed(origins[i].origin, origins[i].host, none) != origins[i].allowed)
            fail_msg("origin %s, host %s", origins[i].origin, origins[i].host);
    assert_true(address_origin_allowed("http://a", "a", NULL));
}

static void test_listed(void **state)
{
    const char *const list[] = { "https://chat.example.org", "http://localhost:3000", NULL };
    const char *const null_too[] = { "https://a.example", "null", NULL };

    (void)state;
    assert_true(address_origin_allowed(NULL, "x", list));
    assert_true(address_origin_allowed("https://chat.example.org", "x", list));
    assert_true(address_origin_allowed("HTTPS://Chat.Example.Org", NULL, list));
    assert_true(address_origin_allowed("http://localhost:3000", "x", list));
    assert_false(address_origin_allowed("http://localhost", "x", list));
    assert_false(address_origin_allowed("http://localhost:3001", "x", list));
    assert_false(address_origin_allowed("http://chat.example.org", "x", list));
    assert_false(address_origin_allowed("https://chat.example.org:443", "x", list));
    assert_false(address_origin_allowed("https://x", "x", list)); /* same host, but not listed */
    assert_false(address_origin_allowed("https://chat.example.org,  https://chat.example.org", "x",
                                        list));
    assert_false(address_origin_allowed("null", "x", list));
    assert_true(address_origin_allowed("null", "x", null_too));
}

static void test_any(void **state)
{
    const char *const any[] = { "https://a.example", "*", NULL };

    (void)state;
    assert_true(address_origin_allowed("https://whoever.example:99", "x", any));
    assert_true(address_origin_allowed("null", "x", any));
    assert_false(address_origin_allowed("https://a.example,  https://b.example", "x", any));
    assert_false(address_origin_allowed("*", "x", any));
    assert_false(address_origin_allowed("", "x", any));
}

static void test_forwarded(void **state)
{
    (void)state;
    char text[ADDRESS_TEXT];
    for (size_t i = 0; i < sizeof(forwardings) / sizeof(forwardings[0]); i++) {
        address_forwarded(forwardings[i].peer, forwardings[i].header, proxies, text);
        assert_string_equal(text, forwardings[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_POOL(test_parse),
        cmocka_unit_test(test_peer_v4),
        cmocka_unit_test(test_peer_v6),
        cmocka_unit_test(test_peer_mapped),
        cmocka_unit_test(test_no_peer),
        cmocka_unit_test(test_group),
        cmocka_unit_test(test_same_host),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_any),
        cmocka_unit_test(test_forwarded),
    };

    apr_initialize();
    atexit(apr_terminate);
    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
