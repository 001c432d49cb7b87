#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What clients do that mean harm, or know no better; after each of it a good client is served.

Most tests share one server with the shipped limits; those that need other limits start their own.
"""

import json
import os
import random
import select
import socket
import struct
import sys
import time

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (BINARY, CLOSE, LIMIT, PING, PONG, TEXT, Client, Closed,  # noqa: E402
                        Failure, Server, check, signed_in, still_serves, until)

SHARED = None  # the server of the tests that need nothing special
ROOM = None


def refuses(*headers, path=None, statuses=(400, 403, 404, 405, 411, 413, 426, 501, None)):
    """A handshake with these headers is answered with an error, or the connection closed."""
    with Client(SHARED) as client:
        status, _ = client.ask(*headers, path=path)
        check(status in statuses, f"answered with {status}")
    still_serves(SHARED)


def sends(data, statuses=(400, 403, 404, 405, 411, 413, 414, 426, 431, 501, 505, None)):
    """These bytes are answered with an error, or the connection closed; never with a success."""
    with Client(SHARED) as client:
        try:
            client.send(data)
        except OSError:
            pass  # closed before all of it was out
        status, _ = client.head()
        check(status in statuses, f"answered with {status}")
        if status is not None:
            client.input = b""
            try:
                client.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            except OSError:
                pass
            client.ended()
    still_serves(SHARED)


def closes(code, act, *codes):
    """After act(client) the server closes with that code (or one of the others)."""
    with signed_in(SHARED, "alice") as client:
        try:
            act(client)
        except OSError:
            pass  # closed before all of it was out
        got = client.closed()
        check(got == code or got in codes, f"closed with {got}, not {code}")
    still_serves(SHARED)


def answers(client):
    """The connection works: a ping of the protocol is answered, whatever came before."""
    stamp = f"2024-01-01T12:00:00.{random.randrange(10**6):06}Z"
    client.say("ping", timestamp=stamp)
    while True:
        message = client.message()
        if message["type"] == "pong" and message["data"]["timestamp"] == stamp:
            return


# ---- The handshake ------------------------------------------------------------------------------

def test_upgrade_to_something_else():
    """`Upgrade: foo` on a connection that was kept alive"""
    for value in ("foo", "", "websocket, foo", "h2c", "websocketx", "TLS/1.0"):
        with Client(SHARED) as client:
            status, _, _ = client.get("/healthz", "Connection: keep-alive")
            check(status == 200, f"/healthz: {status}")
            try:
                client.send(f"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: {value}\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
                status, _ = client.head()
            except OSError:
                status = None
            check(status != 101, f"Upgrade: {value} is accepted")
    still_serves(SHARED)


def test_h2c_upgrade():
    """No HTTP/2 without TLS, by an upgrade or by prior knowledge"""
    sends("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n")
    sends(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")


def test_connect_method():
    """CONNECT opens nothing"""
    sends("CONNECT example.net:443 HTTP/1.1\r\nHost: example.net\r\n\r\n")
    sends("CONNECT /ws HTTP/1.1\r\nHost: a\r\n\r\n")


def test_methods():
    """Methods that nobody needs"""
    for method in ("TRACE", "PUT", "PATCH", "BREW", "OPTIONS"):
        sends(f"{method} /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
              (204, 400, 403, 404, 405, 411, 501, None))


def test_content_length():
    """A body's length that is none"""
    for value in ("-1", "99999999999999999999", "abc", "1e3", "0x10", "", "5, 6"):
        sends(f"POST /media HTTP/1.1\r\nHost: a\r\nContent-Length: {value}\r\n\r\nhello")
    sends("POST /media HTTP/1.1\r\nHost: a\r\n\r\nhello")


def test_transfer_encoding():
    """A chunked body, which lets requests be smuggled"""
    sends("POST /media HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
          "5\r\nhello\r\n0\r\n\r\n")
    sends("POST /media HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
          "\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")


def test_subprotocols():
    """A list of subprotocols, long or short, that nobody knows"""
    for value, statuses in (("x" * 62, (101,)), ("x" * 200, (400,)), ("a, b, c", (101,)),
                            (", ".join(["chat"] * 60), (400,)), ("," * 150, (400,)),
                            (", ,", (400,)), ("salon", (101,)), ("-", (101,)), ("\"a\"", (400,))):
        with Client(SHARED) as client:
            status, headers = client.ask(f"Sec-WebSocket-Protocol: {value}")
            check(status in statuses, f"{value} is answered with {status}")
            if status == 101:
                check("sec-websocket-protocol" not in headers, "a subprotocol is agreed on")
                client.sign_in("alice")
    still_serves(SHARED)


def test_origins():
    """Pages of other hosts may not connect, and two origins are none"""
    refuses("Origin: http://evil.example", statuses=(403,))
    refuses("Origin: http://127.0.0.1.evil.example", statuses=(403,))
    refuses("Origin: null", statuses=(403,))
    refuses("Origin: http://127.0.0.1", "Origin: http://evil.example", statuses=(403, 400, None))
    refuses("Origin: http://127.0.0.1", "Origin: http://127.0.0.1", statuses=(403, 400, None))
    refuses("Origin: ", statuses=(403, 400, None, 101))
    for origin in ("http://127.0.0.1", "http://127.0.0.1:3000", "https://127.0.0.1"):
        with Client(SHARED).open(f"Origin: {origin}") as client:
            client.sign_in("alice")


def test_configured_origins():
    """The setting `origins` is an exact list"""
    with Server({"origins": '{ "https://chat.example" }'}) as server:
        for origin, expected in (("https://chat.example", 101), ("http://chat.example", 403),
                                 ("https://chat.example:444", 403),
                                 ("https://chat.example.evil.example", 403),
                                 ("https://xchat.example", 403), ("http://127.0.0.1", 403)):
            with Client(server) as client:
                status, _ = client.ask(f"Origin: {origin}")
                check(status == expected, f"{origin}: {status}, not {expected}")
        still_serves(server)


def test_paths():
    """Paths that are no endpoint's"""
    for path in ("/", "/nothing", "/ws/", "/ws%00", "/ws%2f", "/WS", "/ws/../../etc/passwd",
                 "/" + "x" * 3000, "/%", "/%zz", "/ws;a=b", "ws"):
        refuses(path=path)


def test_versions():
    """Handshakes that are not those of RFC 6455"""
    head = "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    sends(head + "Sec-WebSocket-Version: 99\r\n" + key + "\r\n")
    sends(head + "Sec-WebSocket-Version: 13\r\n\r\n")
    sends(head.replace("GET", "POST") + "Sec-WebSocket-Version: 13\r\nContent-Length: 0\r\n" +
          key + "\r\n")


def test_headers():
    """Too many headers, too long ones, and broken ones"""
    sends("GET /healthz HTTP/1.1\r\nHost: a\r\n" + "X-Long: " + "x" * 70000 + "\r\n\r\n")
    sends("GET /healthz HTTP/1.1\r\nHost: a\r\n" +
          "".join(f"X-{i}: {i}\r\n" for i in range(3000)) + "\r\n")
    sends("GET /" + "x" * 20000 + " HTTP/1.1\r\nHost: a\r\n\r\n")
    sends("GET\r\n\r\n")
    sends("\r\n\r\n\r\n\r\nGET\0/ws HTTP/1.1\r\n\r\n")


def test_garbage():
    """Random bytes in the place of a handshake, and after it"""
    source = random.Random(1)
    for size in (1, 7, 100, 1000, 5000):
        for _ in range(4):
            with Client(SHARED) as client:
                client.send(bytes(source.randrange(256) for _ in range(size)) + b"\r\n\r\n")
    for size in (2, 14, 200, 3000):
        for _ in range(6):
            with Client(SHARED).open() as client:
                client.send(bytes(source.randrange(256) for _ in range(size)))
    for _ in range(20):
        with Client(SHARED) as client:
            client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + source.randbytes(200))
    still_serves(SHARED)


def test_half_a_handshake():
    """Who does not finish the handshake is closed after handshake_timeout"""
    with Server({"handshake_timeout": 1}) as server:
        idle, partial, dripping = (Client(server) for _ in range(3))
        for client in (partial, dripping):
            client.send("GET /ws HTTP/1.1\r\nHost: a\r\nX-Drip: ")
        start = time.monotonic()
        while time.monotonic() - start < 4 * salon_test.SLOWER:
            try:
                dripping.send("x")
            except OSError:
                break
            ready, _, _ = select.select([dripping.socket], [], [], 0.1)
            if ready and not dripping.receive():
                break
        else:
            raise Failure("a dripping handshake lives on")
        for client in (idle, partial):
            client.ended()
        took = time.monotonic() - start
        check(took < 5 * salon_test.SLOWER, f"it took {took:.1f} s")
        still_serves(server)


def test_early_frames():
    """Frames in the same segment as the handshake: served, or closed"""
    with Client(SHARED) as client:
        sent = []
        client.send, really = sent.append, client.send
        client.say("authenticate", token=SHARED.token("alice"))
        client.say("ping", timestamp="2024-01-01T12:00:00Z")
        really(b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
               b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n" + b"".join(sent))
        status, headers = client.head()
        if status == 101:
            check(headers["sec-websocket-accept"] == "BACScCJPNqyz+UBoqMH89VmURoA=",
                  f"Sec-WebSocket-Accept: {headers['sec-websocket-accept']}")
            try:
                client.hear("auth_success")
                client.hear("pong")
            except Closed:
                pass
    still_serves(SHARED)


def test_bytes_one_by_one():
    """A handshake and frames that come byte by byte"""
    with Client(SHARED) as client:
        really = client.send
        client.send = lambda data: [really(bytes([byte])) for byte in
                                    (data.encode() if isinstance(data, str) else data)]
        client.open()
        client.sign_in("alice")
        client.say("ping", timestamp="2024-01-01T12:00:00Z")
        client.hear("pong")
    still_serves(SHARED)


# ---- Frames -------------------------------------------------------------------------------------

def test_reserved_bits():
    """A reserved bit without an extension is an error of the protocol"""
    for bit in (0x40, 0x20, 0x10):
        closes(1002, lambda client, bit=bit: client.frame(TEXT, "{}", reserved=bit), None)


def test_unknown_opcodes():
    """Opcodes that nobody has defined"""
    for opcode in (3, 7, 11, 15):
        closes(1002, lambda client, opcode=opcode: client.frame(opcode, "x"), None)


def test_binary_pong():
    """A PONG holds bytes, not text, and closes nothing"""
    with signed_in(SHARED, "alice") as client:
        client.frame(PONG, b"\xff\xfe\x80 not text")
        answers(client)
        client.frame(PONG, b"")
        client.frame(PONG, bytes(range(125)))
        answers(client)
    still_serves(SHARED)


def test_pings():
    """Pings are answered, and the connection goes on"""
    with signed_in(SHARED, "alice") as client:
        for number in range(10):
            client.frame(PING, f"ping {number}")
        heard = [client.next_frame() for _ in range(1)]
        check(heard[0][0] == 0x80 | PONG and heard[0][1].startswith(b"ping"), f"{heard}")
        answers(client)
        client.frame(PING, b"")
        answers(client)
    still_serves(SHARED)


def test_ping_flood():
    """Many pings: the connection is served or dropped, the others do not notice"""
    with signed_in(SHARED, "alice") as client:
        try:
            for _ in range(40):
                client.frame(PING, b"x" * 125)
                client.send(b"\x89\x80\x00\x00\x00\x00" * 200)
        except OSError:
            pass
        still_serves(SHARED)


def test_big_control_frames():
    """Control frames are short and whole"""
    closes(1002, lambda client: client.frame(PING, b"x" * 126), None)
    closes(1002, lambda client: client.frame(PING, b"x", final=False), None)


def test_close_frames():
    """Close frames with and without a code, good ones and bad ones"""
    for payload, codes in ((b"", (1000, 1005)), (struct.pack("!H", 1000), (1000,)),
                           (struct.pack("!H", 1001) + b"bye", (1001, 1000)),
                           (b"\x03", (1002, 1005, 1000, None)),
                           (struct.pack("!H", 5), (1002, 1000, None)),
                           (struct.pack("!H", 1006), (1002, 1000, None)),
                           (struct.pack("!H", 1000) + b"\xff\xff", (1007, 1002, 1000, None)),
                           (struct.pack("!H", 4999), (4999, 1000)), (b"x" * 126, (1002, None))):
        with signed_in(SHARED, "alice") as client:
            client.frame(CLOSE, payload)
            try:
                code = client.closed()
            except struct.error:  # the one byte comes back
                code = 1005
            check(code in codes, f"{payload[:10]}: answered with {code}")
    still_serves(SHARED)


def test_huge_length():
    """A frame that says it is enormous is refused at once, with 1009"""
    for size in (2 ** 62, 2 ** 40, 2 ** 31, 10 ** 7):
        closes(1009, lambda client, size=size: client.frame(TEXT, b"{" * 100, size=size))
    closes(1009, lambda client: client.frame(BINARY, b"x" * 100, size=2 ** 62))
    closes(1002, lambda client: client.frame(TEXT, b"x" * 100, size=2 ** 63 + 5), None, 1009)


def test_long_message():
    """A message over max_message: 1009; one just below it is read"""
    closes(1009, lambda client: client.frame(TEXT, b'{"x": "' + b"x" * 65536 + b'"}'))
    with signed_in(SHARED, "alice") as client:
        text = json.dumps({"type": "ping", "data": {"timestamp": "2024-01-01T12:00:00Z"}})
        client.frame(TEXT, text + " " * (65536 - len(text)))
        client.hear("pong")
    still_serves(SHARED)


def test_long_message_is_let_go():
    """Who answers the Close frame of 1009, behind the rest of the message, is not kept waiting"""
    with signed_in(SHARED, "alice") as client:
        began = time.monotonic()
        client.frame(TEXT, b"x" * 1000000)
        check(client.closed() == 1009, "not closed with 1009")
        client.frame(CLOSE, struct.pack("!H", 1009))
        client.ended()
        took = time.monotonic() - began
        check(took < 2 * salon_test.SLOWER, f"the connection ends after {took:.1f} s")
    still_serves(SHARED)


def test_long_in_pieces():
    """Fragments that are too much together: 1009"""
    def act(client):
        client.frame(TEXT, b"{" + b" " * 20000, final=False)
        for _ in range(10):
            client.frame(0, b" " * 20000, final=False)
    closes(1009, act)


def test_many_fragments():
    """Thousands of empty fragments cost little, and end some time"""
    with signed_in(SHARED, "alice") as client:
        try:
            client.frame(TEXT, b"", final=False)
            client.send(b"\x00\x80\x00\x00\x00\x00" * 20000)
        except OSError:
            pass
        still_serves(SHARED)
    still_serves(SHARED)


def test_behind_disconnect():
    """What stands behind `disconnect` is not done any more"""
    room = SHARED.ctl("room", "add", "Last words")
    with signed_in(SHARED, "alice", room) as client, signed_in(SHARED, "bob", room) as other:
        pieces = []
        client.send, send = pieces.append, client.send
        for kind, data in (("send_message", {"room_id": room, "content": "the last word"}),
                           ("disconnect", {}),
                           ("send_message", {"room_id": room, "content": "behind it"})):
            client.say(kind, **data)
        send(b"".join(pieces))
        heard = [client.message()["type"], client.message()["type"]]
        check(heard == ["message_sent", "room_message"], f"heard {heard}")
        check(client.closed() == 1000, "not closed with 1000")
        said = other.hear("room_message")["content"]
        check(said == "the last word", f"said: {said}")
        other.say("get_history", room_id=room, limit=1)
        said = other.hear("room_history")["messages"][0]["content"]
        check(said == "the last word", f"said behind it: {said}")


def test_fragments():
    """A message in pieces, with pings in between, is one message"""
    with signed_in(SHARED, "alice") as client:
        text = json.dumps({"type": "ping", "data": {"timestamp": "2024-01-01T12:00:00Z 👋🦉é"}},
                          ensure_ascii=False).encode()
        for size in (1, 3, 17):
            pieces = [text[i:i + size] for i in range(0, len(text), size)]
            for number, piece in enumerate(pieces):
                client.frame(0 if number else TEXT, piece, number == len(pieces) - 1)
                if number % 7 == 3:
                    client.frame(PING, "between")
                if number % 7 == 5:
                    client.frame(PONG, b"\xff\xff")
            check(client.hear("pong")["timestamp"].endswith("👋🦉é"), "not the same text")
        client.frame(TEXT, b"", final=False)
        client.frame(0, text, final=False)
        client.frame(0, b"")
        client.hear("pong")
    still_serves(SHARED)


def test_fragments_out_of_order():
    """A continuation of nothing, and a message within a message"""
    closes(1002, lambda client: client.frame(0, "{}"), None)

    def within(client):
        client.frame(TEXT, "{", final=False)
        client.frame(TEXT, "{}")
    closes(1002, within, None)


def test_bad_utf8():
    """Bytes that are no text: an error, or 1007; nobody else sees them"""
    listener = signed_in(SHARED, "bob", ROOM)
    for bad in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80",
                b"\xf8\x88\x80\x80\x80", b"\xc3("):
        with signed_in(SHARED, "alice", ROOM) as client:
            client.frame(TEXT, b'{"type": "send_message", "data": {"room_id": %d, "content": "'
                         % ROOM + bad + b'"}}')
            try:
                message = client.message()
                check(message["type"] == "error" and message["data"]["code"] == "INVALID_FORMAT",
                      f"{bad}: {message}")
                answers(client)
            except Closed as closed:
                check(closed.code == 1007, f"{bad}: closed with {closed.code}")
    answers(listener)
    listener.say("get_history", room_id=ROOM, limit=100, before_id=None)
    check(listener.hear("room_history")["messages"] == [], "bad text has been stored")
    listener.close()
    still_serves(SHARED)


def test_raw_nul():
    """A byte of zero within a message"""
    with signed_in(SHARED, "alice") as client:
        for text in (b'{"type": "ping", "data": {"timestamp": "a\x00b"}}', b"\x00" * 50,
                     b'{"type": "ping", "data": {"timestamp": "x"}}\x00'):
            client.frame(TEXT, text)
            message = client.message()
            check(message["type"] == "error" and message["data"]["code"] == "INVALID_FORMAT",
                  f"{message}")
    still_serves(SHARED)


def test_vanishing():
    """Clients that go away in the middle of everything"""
    for number in range(60):
        client = Client(SHARED)
        if number % 4 == 0:
            client.send("GET /ws HTTP/1.1\r\nHost:")
        elif number % 4 == 1:
            client.ask()
        else:
            client.open()
            client.say("authenticate", token=SHARED.token("erin"))
            if number % 4 == 3:
                client.say("join_room", room_id=ROOM)
                client.send(b"\x81\xfe\x10\x00abcd half of a frame")
        if number % 3 == 0:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    still_serves(SHARED)


# ---- Limits -------------------------------------------------------------------------------------

def test_slow_reader():
    """Who does not read is dropped at output_limit; the others get everything"""
    with Server({"output_limit": 262144, "ping_interval": 0}, {"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        slow = signed_in(server, "alice", room, receive_buffer=4096)
        good = signed_in(server, "bob", room)
        speaker = signed_in(server, "carol", room)
        before = server.memory()
        text = "🦉" * 4000
        count = 0
        while "WS_DISCONNECT: UserID=2" not in server.new_log():
            check(count < 3000, "the slow reader is never dropped")
            for _ in range(20):
                speaker.say("send_message", room_id=room, content=text)
                for client in (speaker, good):
                    check(client.hear("room_message")["content"] == text, "another text")
            count += 20
        growth = server.memory() - before
        check(growth < (64 << 20) * salon_test.SLOWER, f"{growth >> 20} MB more memory")
        speaker.say("send_message", room_id=room, content="who is still here?")
        check(good.hear("room_message")["content"] == "who is still here?", "out of order")
        slow.ended()
        still_serves(server)
        for client in (slow, good, speaker):
            client.close()


def test_long_history():
    """The longest page of the longest messages reaches a client that reads"""
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client:
            for _ in range(100):
                client.say("send_message", room_id=room, content="🦉" * 4096)
                client.hear("message_sent")
            client.say("get_history", room_id=room, limit=100, before_id=None)
            page = client.hear("room_history")["messages"]
            check(len(page) == 100, f"{len(page)} messages")
            answers(client)
        still_serves(server)


def test_pongs_alone():
    """Who says nothing but answers pings stays"""
    with Server({"ping_interval": 1, "pong_timeout": 1}) as server:
        quiet = signed_in(server, "bob")
        quiet.last_ping = 4
        check(quiet.next_frame()[0] & 0x0f == PING, "something else than a ping")
        answers(quiet)
        still_serves(server)


def test_silent_peer():
    """Who does not answer pings is dropped after pong_timeout; who does stays"""
    with Server({"ping_interval": 1, "pong_timeout": 1}) as server:
        silent = signed_in(server, "alice")
        good = signed_in(server, "bob")

        def silent_is_gone():
            answers(good)
            return "WS_DISCONNECT: UserID=2" in server.new_log()
        until(silent_is_gone, "the silent one is gone")
        check(good.pings > 0, "nobody was pinged")
        silent.ended()
        answers(good)
        still_serves(server)


def test_max_connections():
    """max_connections of a listener; a place that is given up is free again"""
    with Server({"max_connections": 5}) as server:
        clients = [signed_in(server, "alice") for _ in range(5)]
        for _ in range(10):
            with Client(server) as client:
                try:
                    status, _ = client.ask()
                except OSError:
                    status = None
                check(status in (None, 503, 429), f"one too many is answered with {status}")
        for client in clients:
            answers(client)
            client.close()
        until(lambda: can_connect(server), "a place is free again")
        still_serves_soon(server)


def test_max_per_ip():
    """max_per_ip: what one address may have; another has its own"""
    with Server({"max_per_ip": 3}) as server:
        clients = [signed_in(server, "alice") for _ in range(3)]
        check(not can_connect(server), "a fourth is let in")
        with socket.socket() as bound:
            bound.settimeout(LIMIT)
            bound.bind(("127.0.0.2", 0))
            bound.connect(("127.0.0.1", server.port()))
            bound.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            check(bound.recv(100).startswith(b"HTTP/1."), "another address is refused")
        for client in clients:
            client.close()
        still_serves_soon(server)


def can_connect(server):
    with Client(server) as client:
        try:
            return client.ask()[0] == 101
        except OSError:
            return False


def still_serves_soon(server):
    """still_serves, once the connections that went have been counted out."""
    def serves():
        try:
            still_serves(server)
            return True
        except (OSError, Failure, Closed):
            check(server.running(), "salond has ended:\n" + server.tail())
            return False
    until(serves, "a good client is served")


def test_no_more_files():
    """Out of file descriptors: no spinning, no flood of log lines; it recovers"""
    with Server(files=100) as server:
        clients = []
        for _ in range(300):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", server.port()))
            clients.append(client)
        until(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) >= 60,
              "the file descriptors are in use")
        lines, cpu = server.log().count("\n"), server.processor_time()
        time.sleep(1)  # what is measured is a second of it
        used, said = server.processor_time() - cpu, server.log().count("\n") - lines
        check(used < 0.25 * salon_test.SLOWER, f"{used:.2f} s of CPU in one second")
        check(said < 60, f"{said} log lines in one second")
        for client in clients:
            client.close()
        still_serves_soon(server)


def test_many_accepts():
    """A thousand connections, at once, and again: all served"""
    with Server() as server:
        for _ in range(2):
            clients = []
            for _ in range(400):
                client = Client(server)
                client.send("GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
                clients.append(client)
            for client in clients:
                check(client.head()[0] == 101, "a handshake fails")
            for client in clients:
                client.close()
        still_serves(server)


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]


def begin():
    global SHARED, ROOM
    SHARED = Server(endpoint={"rate": '""'})
    SHARED.start()
    ROOM = SHARED.ctl("room", "add", "general")
    return SHARED


if __name__ == "__main__":
    sys.exit(salon_test.run_on(begin, TESTS))
