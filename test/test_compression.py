#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compression (permessage-deflate), sub-protocols and batches: what is agreed on, and what is sent.

One server for all, with the tests' own dialect, which knows sub-protocols and batches.
"""

import json
import random
import sys
import zlib

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (BINARY, PING, PONG, TEXT, Client, Closed, Server, check,  # noqa: E402
                        deflate, inflate, still_serves, until)

SHARED = None
PLAIN = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"


class Probe(Client):
    """A client of the tests' own dialect."""

    def __init__(self, server=None, **options):
        super().__init__(server or SHARED, "probe", **options)

    def enter(self, *headers, name="alice", query=""):
        path = f"{self.path}?token={self.server.token(name)}{query}"
        self.open(*headers, path=path)
        check(self.message()["answer"] == "session.authenticate", "not signed in")
        return self

    def ask_for(self, operation, compress=True, **arguments):
        text = json.dumps({"type": operation, "args": arguments}, ensure_ascii=False)
        self.frame(TEXT, deflate(text) if compress else text, reserved=0x40 if compress else 0)

    def answers(self):
        """A ping with a text of its own comes back, whatever came before."""
        stamp = str(random.randrange(10**9))
        self.ask_for("session.ping", self.deflates, timestamp=stamp)
        while True:
            message = self.message()
            if message.get("answer") == "session.ping" and message["data"]["timestamp"] == stamp:
                return

    def make_room(self):
        """A room of its own, of which it hears nothing but answers."""
        self.ask_for("room.create", self.deflates, name=f"Room {random.randrange(10**12)}",
                     memory=True)
        self.room = self.message()["data"]["id"]
        return self

    def say_text(self, text):
        """Something that is answered with the same text."""
        self.ask_for("room.send", self.deflates, room_id=self.room, content=text)

    def hear_text(self, text):
        message = self.message()
        check("data" in message, f"{message}"[:500])
        check(message["data"]["message"]["content"] == text, "another text")

    def hear_event(self, text):
        """The next message of somebody else; others come and go meanwhile."""
        while (message := self.message()).get("event") != "message.new":
            check("refused" not in message, f"{message}")
        check(message["data"]["message"]["content"] == text, "another text")

    def echo(self, text):
        self.say_text(text)
        self.hear_text(text)


def agreed(*headers, path=None):
    """The handshake's status, and what is agreed on."""
    with Probe() as client:
        status, answer = client.ask(*headers, path=path)
        return (status, answer.get("sec-websocket-extensions"),
                answer.get("sec-websocket-protocol"))


# ---- What is agreed on --------------------------------------------------------------------------

def test_offers():
    """The first offer that can be accepted is, with the parameters that it asks for"""
    for offer, expected in (
            ("permessage-deflate", PLAIN),
            ("permessage-deflate; client_max_window_bits", PLAIN),
            ("permessage-deflate; client_max_window_bits=9", PLAIN),
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", PLAIN),
            ("permessage-deflate; server_max_window_bits=10",
             PLAIN + "; server_max_window_bits=10"),
            ("permessage-deflate; server_max_window_bits=\"15\"",
             PLAIN + "; server_max_window_bits=15"),
            ("x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=9",
             PLAIN + "; server_max_window_bits=9"),
            ("permessage-deflate, permessage-deflate; client_max_window_bits", PLAIN),
            ("permessage-deflate; nonsense, permessage-deflate; server_max_window_bits=8, "
             "permessage-deflate", PLAIN + "; server_max_window_bits=8"),
            (",".join(["permessage-deflate"] * 13), PLAIN)):
        check(agreed(f"Sec-WebSocket-Extensions: {offer}") == (101, expected, None),
              f"{offer}: {agreed(f'Sec-WebSocket-Extensions: {offer}')}")
    half = "permessage-deflate; server_max_window_bits=7", "permessage-deflate"
    check(agreed(*(f"Sec-WebSocket-Extensions: {offer}" for offer in half))[1] == PLAIN,
          "offers in two headers")


def test_other_offers():
    """What cannot be accepted is not, and the client is let in without"""
    for offer in ("foo", "x-webkit-deflate-frame", "permessage-bzip2, foo; bar=1; baz=\"x\"",
                  "permessage-deflate; server_max_window_bits",
                  "permessage-deflate; server_max_window_bits=16",
                  "permessage-deflate; server_max_window_bits=99999999999999999999",
                  "permessage-deflate; client_max_window_bits=0",
                  "permessage-deflate; client_no_context_takeover=1", "", ",",
                  "permessage-deflate; client_max_window_bits; client_max_window_bits",
                  "permessage-deflate; mode=fast, permessage-deflate; level=9"):
        check(agreed(f"Sec-WebSocket-Extensions: {offer}") == (101, None, None), offer)
    for offer in ("permessage-deflate; ;", "permessage-deflate; =", "a b", "\"", "a=1",
                  "permessage-deflate; " + "x" * 300, ",".join(["permessage-deflate"] * 100)):
        check(agreed(f"Sec-WebSocket-Extensions: {offer}")[0] == 400, offer)
    still_serves(SHARED)


def test_switched_off():
    """compression = false"""
    with Server({"compression": "false"}) as server:
        with Client(server).open(OFFER) as client:
            check(not client.deflates, "it is agreed on")
            client.frame(TEXT, deflate("{}"), reserved=0x40)
            check(client.closed() in (1002, None), "RSV1 is taken")
        still_serves(server)


def test_subprotocols():
    """The first name that the dialect knows is agreed on; without one, none is"""
    for names, expected in (("permessage-deflate", "permessage-deflate"),
                            ("probe.v2", "probe.v2"), ("probe.v1", None), ("salon", None),
                            ("v1, permessage-deflate", "permessage-deflate"),
                            ("permessage-deflate,probe.v2", "permessage-deflate"),
                            ("probe.v2, permessage-deflate", "probe.v2"),
                            ("x" * 63 + ",probe.v2", None), ("a,b,c,d", None),
                            ("Permessage-Deflate", None), ("permessage-deflate2", None)):
        for offer, extension in ((None, None), ("permessage-deflate", PLAIN)):
            headers = [f"Sec-WebSocket-Protocol: {names}"]
            headers += [f"Sec-WebSocket-Extensions: {offer}"] if offer else []
            got = agreed(*headers)
            if "x" * 63 in names:
                check(got[0] == 400, f"{names}: {got}")
            else:
                check(got == (101, extension, expected), f"{names}: {got}")
    check(agreed("Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: probe.v2")[2] == "probe.v2",
          "names in two headers")
    check(agreed("Sec-WebSocket-Protocol: ") == (101, None, None), "no name at all")
    with Probe().enter("Sec-WebSocket-Protocol: permessage-deflate") as client:
        check(not client.deflates, "a sub-protocol is no extension")
        client.answers()


# ---- Messages to the server ---------------------------------------------------------------------

def test_compressed_messages():
    """Whatever compressor made it"""
    with Probe().enter(OFFER) as client:
        for size in (0, 1, 100, 5000, 50000):
            text = json.dumps({"type": "session.ping", "args": {
                "timestamp": "t", "x": "".join(random.choices("abcdef é", k=size))}},
                ensure_ascii=False)
            for level in (0, 1, 9):
                for bits in (9, 15):
                    for memory in (1, 9):
                        client.frame(TEXT, deflate(text, level, bits, memory), reserved=0x40)
                        check(client.message()["answer"] == "session.ping", f"{size} {level}")
        client.answers()


def test_plain_messages():
    """What is not compressed may come between"""
    with Probe().enter(OFFER) as client:
        for number in range(20):
            client.ask_for("session.ping", compress=number % 2 == 0, timestamp=str(number))
            check(client.message()["data"]["timestamp"] == str(number), "another answer")


def test_final_blocks():
    """Blocks that are marked as the last, several streams in one message, empty blocks"""
    text = json.dumps({"type": "session.ping", "args": {"timestamp": "Hello"}}).encode()
    parts = [text[:10], text[10:30], text[30:]]

    def final(data):
        compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
        return compressor.compress(data) + compressor.flush()

    with Probe().enter(OFFER) as client:
        for payload in (final(text) + b"\x00", b"".join(final(part) for part in parts) + b"\x00",
                        b"\x00\x00\x00\xff\xff" * 5 + deflate(text),
                        deflate(parts[0]) + b"\x00\x00\xff\xff" + deflate(parts[1] + parts[2])):
            client.frame(TEXT, payload, reserved=0x40)
            check(client.message()["data"]["timestamp"] == "Hello", f"{payload}")
        for payload in (b"", b"\x00", b"\x00\x00\x00\xff\xff\x00"):
            client.frame(TEXT, payload, reserved=0x40)
            check(client.message()["code"] == "invalid_format", "an empty message")


def test_fragments():
    """A compressed message in pieces, with control frames in between"""
    said = "👋 " * 500
    with Probe().enter(OFFER).make_room() as client:
        text = json.dumps({"type": "room.send", "args": {"room_id": client.room, "content": said}})
        payload = deflate(text)
        for size in (1, 7, 50):
            pieces = [payload[i:i + size] for i in range(0, len(payload), size)]
            for number, piece in enumerate(pieces):
                last = number == len(pieces) - 1
                client.frame(0 if number else TEXT, piece, last, 0 if number else 0x40)
                if number % 5 == 1:
                    client.frame(PING, "between")
                    client.frame(PONG, b"\xff")
            client.hear_text(said)
        client.frame(TEXT, b"", False, 0x40)
        client.frame(0, payload, False)
        client.frame(0, b"")
        client.hear_text(said)


def test_compressed_binary():
    """A binary message is refused, compressed or not"""
    with Probe().enter(OFFER) as client:
        client.frame(BINARY, deflate("{}"), reserved=0x40)
        check(client.message()["code"] == "invalid_format", "it is taken")
        client.answers()


def closes(code, act, *others):
    """After act(client) the server closes with that code (or one of the others), and serves."""
    with Probe().enter(OFFER) as client:
        try:
            act(client)
        except OSError:
            pass  # closed before all of it was out
        got = client.closed()
        check(got == code or got in others, f"closed with {got}, not {code}")
    still_serves(SHARED)


def test_reserved_bits():
    """RSV1 where it does not belong, and the others: 1002"""
    def continued(client):
        client.frame(TEXT, deflate("{}")[:1], False, 0x40)
        client.frame(0, deflate("{}")[1:], True, 0x40)

    def begun_plain(client):
        client.frame(TEXT, "{", False)
        client.frame(0, deflate("}"), True, 0x40)

    def empty_first(client):
        client.frame(TEXT, b"", False)
        client.frame(0, b"", False, 0x40)

    for act in (continued, begun_plain, empty_first):
        closes(1002, act)
    closes(1002, lambda client: client.frame(PONG, b"x", reserved=0x40))
    for bits in (0x20, 0x10, 0x60, 0x70):
        closes(1002, lambda client, bits=bits: client.frame(TEXT, "{}", reserved=bits), None)
    with Probe().enter() as client:
        client.frame(TEXT, deflate("{}"), reserved=0x40)
        check(client.closed() in (1002, None), "RSV1 is taken where nothing was agreed on")


def test_garbage():
    """What is no compressed message: 1007"""
    whole = deflate(json.dumps({"type": "session.ping", "args": {"timestamp": "x" * 500}}))
    closes(1007, lambda client: client.frame(TEXT, b"\xff" * 50, reserved=0x40))
    closes(1007, lambda client: client.frame(TEXT, "{}", reserved=0x40))
    closes(1007, lambda client: client.frame(TEXT, whole[:-3], reserved=0x40))
    closes(1007, lambda client: client.frame(TEXT, whole + b"\x07", reserved=0x40))
    closes(1007, lambda client: client.frame(TEXT, b"\x02\x03", reserved=0x40))  # what was before
    source = random.Random(1)
    for size in (1, 5, 100, 5000):
        for _ in range(5):
            with Probe().enter(OFFER) as client:
                client.frame(TEXT, source.randbytes(size), reserved=0x40)
                try:
                    check(client.message()["code"] == "invalid_format", "garbage is understood")
                except Closed as closed:
                    check(closed.code in (1007, 1009), f"closed with {closed.code}")
    still_serves(SHARED)


def bomb(size):
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = b" " * 1048576
    data = b"".join(compressor.compress(zeros) for _ in range(size // len(zeros)))
    return data + compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]


def test_bombs():
    """A message that expands to more than max_message: 1009, and no memory for it"""
    closes(1009, lambda client: client.frame(TEXT, deflate(" " * 65537), reserved=0x40))
    with Probe().enter(OFFER) as client:
        client.ask_for("session.ping", timestamp="x", more=" " * 65400)
        check(client.message()["answer"] == "session.ping", "one just below the limit")
    large = bomb(40 * 1048576)
    check(len(large) < 65536, "the bomb is too big itself")
    nested = deflate(large)
    before = SHARED.memory()
    for payload in (large, nested + large, large[:30000]):
        closes(1009, lambda client, payload=payload: client.frame(TEXT, payload, reserved=0x40),
               1007)
    def pieces(client):
        for at in range(0, len(large), 1000):
            client.frame(0 if at else TEXT, large[at:at + 1000], False, 0 if at else 0x40)
        client.frame(0, b"")
    closes(1009, pieces)
    check(SHARED.memory() - before < 16 * 1048576, "a bomb has cost memory")
    with Server({"max_message": 4000}) as server:
        with Client(server).open(OFFER) as client:
            client.frame(TEXT, deflate(" " * 4001), reserved=0x40)
            check(client.closed() == 1009, "max_message does not hold")
        still_serves(server)


def test_long_compressed():
    """What is longer than any compressor would make it is refused before it has come: 1009"""
    closes(1009, lambda client: client.frame(TEXT, b"x" * 100, reserved=0x40, size=2 ** 40))
    closes(1009, lambda client: client.frame(TEXT, b"x" * 100, reserved=0x40, size=80000))
    with Probe().enter(OFFER) as client:
        text = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=65000))
        client.frame(TEXT, deflate(json.dumps({"type": "session.ping", "args": {
            "timestamp": "t", "x": text}}), 0), reserved=0x40)
        check(client.message()["answer"] == "session.ping", "one that cannot be compressed")


# ---- Messages to clients ------------------------------------------------------------------------

def test_answers():
    """Long ones are compressed where that was agreed on, short ones and control frames never"""
    with Probe().enter(OFFER).make_room() as client:
        for size in (100, 1000, 30000, 60000):
            before = client.compressed
            client.echo("x" * size)
            check(client.compressed == before + 1, f"not compressed: {size}")
        before = client.compressed
        client.answers()
        check(client.compressed == before, "a short answer is compressed")
        client.frame(PING, "x" * 125)
        check(client.next_frame() == (0x80 | PONG, b"x" * 125), "the pong")
    with Probe().enter().make_room() as client:
        client.echo("x" * 1000)
        check(client.compressed == 0, "compressed without being asked to")


def test_random_texts():
    """Texts of all lengths and kinds, there and back"""
    source = random.Random(2)
    with Probe().enter(OFFER).make_room() as client:
        for _ in range(60):
            letters = source.choice(("ab", "abcdefghijklmnopqrstuvwxyz \"\\", "👋é☕x"))
            size = int(10 ** source.uniform(0, 4))
            client.echo("".join(source.choices(letters, k=size)) + ".")


def test_incompressible():
    """What does not become shorter is sent as it is"""
    with Probe().enter(OFFER).make_room() as client:
        for _ in range(20):
            client.echo("".join(chr(random.randrange(0x4e00, 0x9fff)) for _ in range(3000)))


def test_window():
    """A client with a small window can expand everything that it is sent"""
    for bits in (8, 9, 11, 15):
        with Probe().enter(f"{OFFER}; server_max_window_bits={bits}").make_room() as client:
            compressed = 0
            for size in (10, 100, 1000, 30000):
                text = "".join(random.choices("abc", k=size))
                client.say_text(text + text)
                first, payload = client.next_frame()
                if first & 0x40:
                    compressed += 1
                    payload = inflate(payload, max(bits, 9))
                check(json.loads(payload)["data"]["message"]["content"] == text + text, "text")
            check(compressed > 0 or bits == 8, f"{bits}: nothing is compressed")


def test_shared():
    """One event, for receivers with compression and without"""
    with Probe().enter(OFFER, name="dave") as speaker:
        speaker.ask_for("room.create", name="compressed")
        room = speaker.message()["data"]["id"]
        offers = [[OFFER], [], [OFFER + "; server_max_window_bits=9"]] * 3
        clients = [Probe().enter(*headers, name="bob") for headers in offers]
        for client in clients + [speaker]:
            client.ask_for("room.join", client.deflates, room_id=room)
            while client.message().get("answer") != "room.join":
                pass
        for number in range(10):
            text = f"{number} " + "hello " * (number * number * 5 + 1)
            speaker.ask_for("room.send", room_id=room, content=text)
            for client in clients:
                client.hear_event(text)
        for client, headers in zip(clients, offers):
            check((client.compressed > 2) == bool(headers), f"{headers}: {client.compressed}")
            client.close()
    figures = json.loads(SHARED.ctl("stats", "--json"))
    check(figures["deflate_saved_bytes_total"] > 1000, f"{figures}")


# ---- Batches ------------------------------------------------------------------------------------

def pings_of(client, count):
    """Asks for so many answers at once; what comes: a list for a batch, else an answer alone."""
    sent, really = [], client.send
    client.send = sent.append
    for number in range(count):
        client.ask_for("session.ping", client.deflates, timestamp=str(number))
    client.send = really
    client.send(b"".join(sent))
    heard, numbers = [], []
    while len(numbers) < count:
        message = client.message()
        inner = message["batch"] if "batch" in message else [message]
        check("batch" not in message or message["end"], "the batch's end")
        check(len(inner) <= 100, "too many in one batch")
        check("batch" not in message or len(inner) > 1, "a batch of one")
        heard.append(inner)
        numbers += [int(one["data"]["timestamp"]) for one in inner]
    check(numbers == list(range(count)), f"another order: {numbers}")
    return heard


def test_batches():
    """Messages that wait together come as one, in their order; one alone as it is"""
    for headers in ([], [OFFER]):
        with Probe().enter(*headers, query="&batch=1") as client:
            until(lambda c=client: any(len(inner) > 1 for inner in pings_of(c, 50)), "a batch")
            for count in (1, 2, 30):
                pings_of(client, count)
            check(len(pings_of(client, 1)) == 1, "one alone")


def test_long_batches():
    """Batches are bounded, and what is too long for one goes alone"""
    with Probe().enter(query="&batch=1").make_room() as client:
        for size in (100, 20000, 40000, 64000):
            for _ in range(8):
                client.say_text("x" * size)
            got = 0
            while got < 8:
                text = client.text()
                check(len(text) <= 65536, "a batch is too long")
                message = json.loads(text)
                for inner in message.get("batch", [message]):
                    check(inner["data"]["message"]["content"] == "x" * size, "another text")
                    got += 1


def test_no_batches():
    """Only who asks for them gets batches"""
    for query in ("", "&batch=0", "&batch=", "&batch=true", "&batch=11", "&Batch=1", "&xbatch=1"):
        with Probe().enter(query=query) as client:
            check(all(len(inner) == 1 for inner in pings_of(client, 50)), query)
    with Client(SHARED).open(path=SHARED.path() + "?batch=1") as client:  # no words for them
        client.sign_in("alice")


def test_close_after_batch():
    """What waits before a close is sent before it"""
    with Probe().enter(query="&batch=1") as client:
        sent, really = [], client.send
        client.send = sent.append
        for number in range(20):
            client.ask_for("session.ping", False, timestamp=str(number))
        client.ask_for("session.close", False)
        client.send = really
        client.send(b"".join(sent))
        numbers = []
        try:
            while True:
                message = client.message()
                numbers += [inner["data"]["timestamp"]
                            for inner in message.get("batch", [message])
                            if inner["answer"] == "session.ping"]
        except Closed as closed:
            check(closed.code == 1000, f"closed with {closed.code}")
        check(numbers == [str(number) for number in range(20)], f"{numbers}")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]


def begin():
    global SHARED
    SHARED = Server(endpoint={"rate": '""', "max_length": 100000}, test_plugins=True,
                    plugins=salon_test.built_plugins() + ["probe"])
    SHARED.start()
    return SHARED


if __name__ == "__main__":
    sys.exit(salon_test.run_on(begin, TESTS))
