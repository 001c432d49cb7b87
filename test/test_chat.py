#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the chat dialect does with many messages at once, and how it is compressed.

How many messages wait together is not for the client to say; so what is checked is what must hold
in any case, and that there are batches at all.  Prints TAP.
"""

import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import Client, check, until  # noqa: E402

BURST = 60


def server():
    return salon_test.Server({"abuse_limit": "0"}, {"rate": '""'})


def opened(salond, name, *headers, query=""):
    client = Client(salond, "chat")
    path = f"{client.path}?token={salond.token(name)}{query}"
    client.open(*headers, path=path)
    client.say("join_room", room="general")
    client.hear("join_room_ack")
    return client


def burst(client):
    """Says much in one message; the texts."""
    texts = [f"message {number}" for number in range(BURST)]
    client.say("message_batch", messages=[
        {"type": "room_message", "data": {"room": "general", "content": text}} for text in texts])
    return texts


def heard(client, count):
    """So many messages of the room, and how many batches they came in."""
    messages, batches = [], 0
    while len(messages) < count:
        message = client.message()
        if message["type"] == "message_batch":
            check(set(message) == {"type", "data", "timestamp"}, f"{message}")
            check(set(message["data"]) == {"messages"}, f"{message}")
            check(1 < len(message["data"]["messages"]) <= 100, "an odd batch")
            batches += 1
            inner = message["data"]["messages"]
        else:
            inner = [message]
        messages += [each for each in inner if each["type"] == "room_message"]
    for message in messages:
        check(set(message) == {"type", "data", "timestamp", "user_id"}, f"{message}")
    return [message["data"]["content"] for message in messages], batches


def batches():
    """Who asks for batches gets them, in order; others do not"""
    with server() as salond:
        salond.ctl("room", "add", "general")
        with opened(salond, "alice") as alice, opened(salond, "bob", query="&batch=1") as bob, \
                opened(salond, "carol", query="&batch=0") as carol:
            def one_batch():
                texts = burst(alice)
                check(heard(alice, BURST) == (texts, 0), "alice hears something else")
                check(heard(carol, BURST) == (texts, 0), "carol hears something else")
                got, count = heard(bob, BURST)
                check(got == texts, f"bob hears {got}")
                return count > 0
            until(one_batch, "a batch")
            alice.say("room_message", room="general", content="alone")
            check(heard(bob, 1) == (["alone"], 0), "one alone is no batch")


def compressed():
    """Compression, and a sub-protocol of its name"""
    with server() as salond:
        salond.ctl("room", "add", "general")
        deflate = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
        named = "Sec-WebSocket-Protocol: permessage-deflate"
        with opened(salond, "alice", deflate) as alice, opened(salond, "bob", named) as bob, \
                opened(salond, "carol", deflate, named, query="&batch=1") as carol:
            check(alice.deflates and carol.deflates and not bob.deflates, "another agreement")
            text = "Bonjour tout le monde ! 👋 " * 40
            alice.say("room_message", room="general", content=text)
            for client in (alice, bob, carol):
                check(heard(client, 1) == ([text], 0), f"{client.path}: another text")
            check(alice.compressed > 0 and carol.compressed > 0, "nothing came compressed")
        with Client(salond, "chat") as client:
            path = f"{client.path}?token={salond.token('alice')}"
            _, answer = client.ask(named, path=path)
            check(answer.get("sec-websocket-protocol") == "permessage-deflate", f"{answer}")


def figures(salond):
    """The figures of /metrics, without what is common to their names."""
    with Client(salond, "chat") as client:
        _, _, body = client.get("/metrics")
    lines = [line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#")]
    return {name.removeprefix("salon_"): float(value) for name, value in lines}


def monitoring():
    """What is to be watched: connections, messages, waiting, reconnects, errors"""
    with server() as salond:
        salond.ctl("room", "add", "general")
        before = figures(salond)
        alice, bob = opened(salond, "alice"), opened(salond, "bob")
        now = figures(salond)
        check(now['dialect_sessions{dialect="chat"}'] == 2, f"{now}")
        check(now['dialect_sessions{dialect="veza"}'] == 0, f"{now}")
        check(now["reconnects_total"] == 0 and now["connection_errors_total"] == 0, f"{now}")
        texts = burst(alice)
        heard(bob, len(texts))
        heard(alice, len(texts))
        now = figures(salond)
        received = now["messages_received_total"] - before["messages_received_total"]
        check(received == 3, f"{received} messages")
        check(now["messages_stored_total"] == BURST, f"{now}")
        check(now["frames_sent_total"] >= 2 * BURST, f"{now}")
        check(now["message_latency_seconds_count"] >= 2 + BURST, f"{now}")
        check(now["message_latency_seconds_sum"] > 0, f"{now}")
        check(now['message_latency_seconds_bucket{le="+Inf"}'] ==
              now["message_latency_seconds_count"], f"{now}")
        # Just gone, gone in order, and not let in.
        bob.close()
        until(lambda: figures(salond)["connection_errors_total"] == 1, "an error")
        alice.frame(salon_test.CLOSE, b"\x03\xe8")
        alice.closed()
        until(lambda: figures(salond)["sessions"] == 0, "nobody there")
        with opened(salond, "alice"):
            check(figures(salond)["reconnects_total"] == 1, "not back")
            with opened(salond, "alice"):
                check(figures(salond)["reconnects_total"] == 1, "a second connection is not back")
        with Client(salond, "chat") as client:
            check(client.open(path=f"{client.path}?token=x").closed() == 1008, "let in")
        with Client(salond, "chat") as client:
            check(client.ask("Origin: https://evil.example")[0] == 403, "let in")
        until(lambda: figures(salond)["connection_errors_total"] == 5, "an error each")


if __name__ == "__main__":
    sys.exit(salon_test.run([batches, compressed, monitoring]))
