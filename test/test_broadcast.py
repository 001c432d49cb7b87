#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The dialect broadcast: what one connection sends reaches all others as it was sent."""

import json
import random
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import BINARY, TEXT, Client, Server, check, deflate  # noqa: E402

OFFER = "Sec-WebSocket-Extensions: permessage-deflate"


def refused(client, message="Invalid message format"):
    """The next thing is that error, and nothing else comes with it."""
    answer = json.loads(client.text())
    check(answer == {"type": "error", "data": {"message": message}}, f"{answer}")


def listening(server, count, *headers, **options):
    """Clients that hear; what is refused is answered after the opening has been handled."""
    clients = []
    for _ in range(count):
        client = Client(server, "broadcast", **options).open(*headers)
        client.frame(BINARY, "hello")
        refused(client)
        clients.append(client)
    return clients


TEXTS = ("", " ", "\n\t ", "hello", "{", "{}", "[1, 2", "null", '"quoted"', "{'a': NaN}", "\\u0000",
         '{"type":"ping","data":{}}', '{"type":"error"}', "é👋🦉 مرحبا e\u0301\u202e", "\x01\x1f\x7f",
         "<script>alert('x')</script>", "%s%d'; DROP TABLE users; --", "\ufeff", "\u2028",
         "x" * 4096, "👋" * 4096)


def test_texts():
    """Any text, byte for byte, to all others and not to the one who sent it"""
    with Server() as server:
        a, b, c = listening(server, 3)
        for speaker in (a, b, c):
            for text in TEXTS:
                speaker.frame(TEXT, text)
                for other in {a, b, c} - {speaker}:
                    check(other.text() == text, f"another text than {text[:50]!r}")
        a.frame(TEXT, "last")
        for other in (b, c):
            check(other.text() == "last", "something else was in between")
        c.frame(TEXT, "to all")
        check(a.text() == "to all", "it has heard itself")


def test_endpoints():
    """Tokens are not looked at, and another dialect hears nothing"""
    with Server() as server:
        a, b = listening(server, 2)
        path = server.path("broadcast")
        with Client(server, "broadcast").open("Authorization: Bearer nonsense",
                                              path=path + "?token=nonsense") as third:
            third.frame(TEXT, "hello")
            check(a.text() == b.text() == "hello", "not heard")
        with salon_test.signed_in(server, "alice") as alice:
            a.frame(TEXT, "hello again")
            check(b.text() == "hello again", "not heard")
            alice.say("ping", timestamp="2024-01-01T12:00:00Z")
            check(alice.message()["type"] == "pong", "another dialect hears it")


def test_order():
    """Fast talkers, and all hear the same order"""
    with Server() as server:
        talkers, ears = listening(server, 3), listening(server, 3)
        for number in range(200):
            talkers[number % 3].frame(TEXT, f"{number % 3} {number}")
        heard = [[ear.text() for _ in range(200)] for ear in ears]
        check(heard[0] == heard[1] == heard[2], "another order")
        for who in range(3):
            mine = [text for text in heard[0] if text.startswith(f"{who} ")]
            check(mine == [f"{who} {number}" for number in range(who, 200, 3)], f"{mine}")


def test_fragments_and_compression():
    """Pieces are joined, compressed messages expanded, each receiver served in its own way"""
    with Server() as server:
        (a, b), (plain,) = listening(server, 2, OFFER), listening(server, 1)
        text = "👋 hello " * 200
        payload = deflate(text)
        a.frame(TEXT, payload[:5], False, 0x40)
        a.frame(0, payload[5:])
        check(b.text() == plain.text() == text and b.compressed == 1, "another text")
        data = text.encode()
        for at in range(0, len(data), 7):
            plain.frame(0 if at else TEXT, data[at:at + 7], at + 7 >= len(data))
        check(a.text() == b.text() == text, "another text")


def test_refused():
    """Binary frames, bad UTF-8, NUL, too long: an error each; the connection stays"""
    with Server({"abuse_limit": 0}) as server:
        a, b = listening(server, 2)
        a.frame(BINARY, b"hello")
        refused(a)
        for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82",
                    b"hello\x00", b"\x00"):
            a.frame(TEXT, bad)
            refused(a)
        for long in ("x" * 4097, "👋" * 4097):
            a.frame(TEXT, long)
            refused(a, "Message too long")
        a.frame(TEXT, "still here")
        check(b.text() == "still here", "something else was heard")
        a.frame(TEXT, "x" * 65537)
        check(a.closed() == 1009, "max_message does not hold")


def test_max_length():
    """max_length of the endpoint holds"""
    with Server(endpoint={"max_length": 60000}) as server:
        a, b = listening(server, 2)
        a.frame(TEXT, "x" * 60000)
        check(b.text() == "x" * 60000, "another text")
        a.frame(TEXT, "x" * 60001)
        refused(a, "Message too long")


def test_rate():
    """A rate counts for all connections of an address; what is refused is heard by nobody"""
    with Server(endpoint={"rate": '"10/3600s"'}) as server:
        a, b = listening(server, 2)
        for number in range(10):
            (a, b)[number % 2].frame(TEXT, str(number))
            check((b, a)[number % 2].text() == str(number), "not heard")
        for client in (a, b):
            client.frame(TEXT, "too much")
            refused(client, "Rate limit exceeded")
        a.close()
        with Client(server, "broadcast").open() as c:
            c.frame(TEXT, "once more")
            refused(c, "Rate limit exceeded")


def test_abuse():
    """Who goes on and on with what is refused is closed with 1008"""
    with Server({"abuse_limit": 5}) as server:
        a, b = listening(server, 2)
        for _ in range(5):
            a.frame(BINARY, b"x")
        for _ in range(5):
            refused(a)
        check(a.closed() == 1008, "not closed")
        b.frame(TEXT, "x")
        salon_test.still_serves(server)


def test_auth_timeout():
    """Nobody has to sign in, and the connection lives on"""
    with Server({"auth_timeout": 1, "ping_interval": 1}) as server:
        a, b = listening(server, 2)
        a.last_ping = 2
        check(a.next_frame()[0] == 0x89, "no pings")
        b.frame(TEXT, "x")
        check(a.text() == "x", "not heard")


def test_vanishing():
    """Receivers that go away in the middle are no trouble for the others"""
    with Server({"output_limit": 100000}, {"max_length": 60000}) as server:
        a, b = listening(server, 2)
        others = listening(server, 10, receive_buffer=4096)
        for number in range(60):
            a.frame(TEXT, f"{number} " + "x" * 20000)
            check(b.text().startswith(f"{number} "), "another text")
            if number % 6 == 5:
                others.pop(random.randrange(len(others))).close()
        check(server.running(), "salond has ended")
        salon_test.still_serves(server)


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
