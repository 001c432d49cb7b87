# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client on a bare socket, which can also be bad; and one of veza that is good."""

import base64
import json
import random
import secrets
import socket
import struct
import zlib

from .expect import LIMIT, Failure, check

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server has closed; code: of the close frame, None without one."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code


def inflate(payload, bits=15):
    """The text of a compressed message (RFC 7692); a whole one, and without what was before."""
    expander = zlib.decompressobj(-bits)
    data = expander.decompress(payload + b"\x00\x00\xff\xff")
    check(not expander.unused_data and not expander.unconsumed_tail, "bad compression")
    return data


def deflate(data, level=6, bits=15, memory=8, strategy=zlib.Z_DEFAULT_STRATEGY):
    """The payload of a compressed message."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits, memory, strategy)
    data = data.encode() if isinstance(data, str) else data
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Client:
    """A WebSocket client on a bare socket: it sends whatever it is told to."""

    def __init__(self, server, dialect="veza", receive_buffer=None, port=None):
        self.server = server
        self.path = server.path(dialect) if port is None else "/ws"
        self.input = b""
        self.frames = []
        self.answer_pings = True
        self.pings = 0
        self.last_ping = None  # next_frame returns this one
        self.deflates = False  # compression is agreed on
        self.compressed = 0    # messages that came so
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(LIMIT)
        self.socket.connect(("127.0.0.1", port or server.port(dialect)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- bytes

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def receive(self):
        """More input; False at the end.  A reset is an end as well."""
        try:
            data = self.socket.recv(262144)
        except socket.timeout:
            raise Failure(f"no answer within {LIMIT:g} s") from None
        except OSError:
            return False
        self.input += data
        return bool(data)

    def take(self, size):
        while len(self.input) < size:
            if not self.receive():
                raise Closed(None)
        data, self.input = self.input[:size], self.input[size:]
        return data

    def ended(self):
        """Waits for the end of the connection; what still came is dropped."""
        while self.receive():
            pass
        return True

    # -- HTTP

    def head(self):
        """The next answer's status (None when the server closes) and headers, in lower case."""
        while b"\r\n\r\n" not in self.input:
            if not self.receive():
                return None, {}
        text, self.input = self.input.split(b"\r\n\r\n", 1)
        lines = text.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(lines[0].split()[1]), headers

    def get(self, path, *headers, method="GET", body=""):
        """Status, headers, body of an answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
        status, answer = self.head()
        if "content-length" in answer:
            return status, answer, self.take(int(answer["content-length"])).decode()
        if status is not None:
            self.ended()
        data, self.input = self.input, b""
        return status, answer, data.decode()

    def ask(self, *headers, path=None):
        """Asks for a WebSocket; the answer's status and headers."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET {path or self.path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        self.send("\r\n".join(lines + list(headers)) + "\r\n\r\n")
        status, answer = self.head()
        self.deflates = "permessage-deflate" in answer.get("sec-websocket-extensions", "")
        return status, answer

    def open(self, *headers, path=None):
        status, _ = self.ask(*headers, path=path)
        check(status == 101, f"handshake: {status}")
        return self

    # -- frames

    def frame(self, opcode, payload=b"", final=True, reserved=0, size=None):
        """A masked frame; size: what its header says, where that is a lie."""
        payload = payload.encode() if isinstance(payload, str) else payload
        length = len(payload) if size is None else size
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", length)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", length)
        mask = secrets.token_bytes(4)
        key = (mask * (len(payload) // 4 + 1))[:len(payload)]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big"))
        self.send(head + mask + masked.to_bytes(len(payload), "big"))

    def next_frame(self):
        """(first byte, payload); pings are counted and answered on the way."""
        while True:
            first, second = self.take(2)
            check(not second & 0x80, "the server masks its frames")
            size = second & 0x7f
            if size == 126:
                size = struct.unpack("!H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self.take(8))[0]
            payload = self.take(size)
            if first & 0x0f != PING:
                return first, payload
            self.pings += 1
            if self.answer_pings:
                self.frame(PONG, payload)
            if self.pings == self.last_ping:
                return first, payload

    def text(self):
        """The next message's text; Closed where the server closes."""
        whole = b""
        while True:
            first, payload = self.next_frame()
            opcode = first & 0x0f
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            if opcode == PONG:
                continue
            check(not first & (0x30 if self.deflates else 0x70), "a reserved bit is set")
            if first & 0x40:
                check(first & 0x80, "a compressed message in pieces")
                payload = inflate(payload)
                self.compressed += 1
            whole += payload
            if first & 0x80:
                return whole.decode("utf-8")

    def message(self):
        return json.loads(self.text())

    def say(self, kind, **data):
        """A message in the form of veza."""
        self.server.said(data.get("content"))
        self.frame(TEXT, json.dumps({"type": kind, "data": data}))

    def hear(self, kind):
        """The data of the next message of that type; others are passed over."""
        while True:
            message = self.message()
            if message["type"] == kind:
                return message["data"]
            check(message["type"] not in ("error", "auth_error"), f"not {kind}: {message}")

    def sign_in(self, name, **claims):
        self.say("authenticate", token=self.server.token(name, **claims))
        return self.hear("auth_success")

    def join(self, room):
        self.say("join_room", room_id=room)
        return self.hear("room_joined")

    def closed(self):
        """The code with which the server closes; messages before it are passed over."""
        try:
            while True:
                self.text()
        except Closed as closed:
            return closed.code

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def signed_in(server, name, room=None, **options):
    """A client of veza that has signed in and, where there is a room, joined it."""
    client = Client(server, **options).open()
    client.sign_in(name)
    if room is not None:
        client.join(room)
    return client


def still_serves(server):
    """A good client signs in and is answered."""
    check(server.running(), "salond has ended:\n" + server.tail())
    with signed_in(server, "frank") as client:
        stamp = f"2024-01-01T12:00:00.{random.randrange(10**6):06}Z"
        client.say("ping", timestamp=stamp)
        check(client.hear("pong")["timestamp"] == stamp, "a pong with another timestamp")
