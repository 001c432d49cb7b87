# SPDX-License-Identifier: Apache-2.0
"""A database server that is newer, shared, stopped, killed, cut off, silent or slow.

Whatever it does: what was acknowledged is there, once, and positions have no gaps; who writes
hears within a bounded time that it did not work; what is in memory can be read; salond goes on, and
gets well by itself.  engine_tests.py runs these.
"""

import signal
import subprocess
import time

import salon_test
import test_removal
import test_retention
import upgrade
from salon_test import LIMIT, SALOND, Client, Server, check, signed_in, until
from salon_test.proxy import Proxy
from test_process import compare_history, history, load

ROUNDS = int(salon_test.ROUNDS or 3)


class Impatient(Server):
    """A server that does not wait long."""

    def database_text(self):
        return self.database.settings(more="wait = 2")


class Through(Server):
    """The same, and its database is behind a proxy."""

    def __init__(self, **options):
        self.proxy = Proxy(salon_test.server.DATABASES.port)
        super().__init__(**options)

    def database_text(self):
        return self.database.settings(self.proxy.port, "wait = 2")

    def remove(self):
        self.proxy.close()
        super().remove()


def ready(server):
    with Client(server) as client:
        return client.get("/readyz", "Connection: close")[0]


def wait_ready(server, status):
    until(lambda: ready(server) == status, f"/readyz says {status}", 3 * LIMIT)


def positions(server):
    """The messages of room 1 in the order of their positions, which have no gaps."""
    rows = server.database.ask("SELECT seq, id FROM messages WHERE timeline_id ="
                               " (SELECT MIN(timeline_id) FROM messages) ORDER BY seq")
    found = [int(row[0]) for row in rows]
    check(found == list(range(1, len(found) + 1)), f"positions have gaps: {found[-5:]}")
    last = server.database.ask("SELECT seq, message_count FROM timelines WHERE id ="
                               " (SELECT MIN(timeline_id) FROM messages)")
    check(last == [[str(len(found))] * 2], f"{last} for {len(found)} messages")


def compare(server, room, acknowledged):
    """In memory, in the database, and, after another start, in memory again."""
    before = history(server, room)
    compare_history(before, acknowledged)
    positions(server)
    server.stop()
    server.start()
    after = history(server, room)
    check([m["id"] for m in before] == [m["id"] for m in after], "memory was not the database")


def refused(client, room, content):
    """Says something that cannot be stored, and waits for the answer; seconds that it took."""
    began = time.monotonic()
    client.say("send_message", room_id=room, content=content)
    while (message := client.message())["type"] == "room_message":
        pass
    check(message["type"] == "error", f"{message}")
    check(message["data"]["code"] == "unavailable" or "unavailable" in str(message).lower(),
          f"{message}")
    return time.monotonic() - began


def answers_from_memory(server, client, room, contents):
    client.say("ping", timestamp="2024-01-01T12:00:00.000000Z")
    client.hear("pong")
    client.say("get_history", room_id=room, limit=10, before_id=None)
    page = client.hear("room_history")
    check([m["content"] for m in page["messages"]] == contents, f"{page}")
    with signed_in(server, "alice"):  # who is known
        pass


def send(client, room, content):
    client.say("send_message", room_id=room, content=content)
    return client.hear("message_sent")["message_id"]


def under_load(server, room, rounds, disturb):
    """Speakers, and what is done to the database meanwhile; what was acknowledged."""
    acknowledged, problems = {}, []
    speakers = load(server, room, ("alice", "bob", "carol"), 0)
    for _ in range(rounds):
        count = sum(len(speaker.acknowledged) for speaker in speakers)
        disturb()
        until(lambda: sum(len(s.acknowledged) for s in speakers) >= count + 60 or
              any(s.problem for s in speakers), "60 more messages are acknowledged", 3 * LIMIT)
        problems += [s.problem for s in speakers if s.problem]
    server.stop()
    for speaker in speakers:
        speaker.result()
        acknowledged.update(speaker.acknowledged)
    check(not problems, f"{problems}")
    server.start()
    return acknowledged


# ---- Starting -----------------------------------------------------------------------------------

def test_at_once():
    """Three servers start at once on one empty database; each gets ids of its own"""
    servers = [Server() for _ in range(3)]
    try:
        for server in servers[1:]:
            server.database.drop()
            server.database = servers[0].database
            server.write_config()
        for server in servers:
            server.launch()
        for server in servers:
            server.await_ready()
        ids = [server.ctl("room", "add", f"room {i}") for i, server in enumerate(servers)]
        check(len(set(ids)) == 3, f"{ids}")
        for server in servers:
            server.stop()
            server.check_log()
    finally:
        for server in servers:
            if server.running():
                server.kill()
        for server in servers[1:]:
            server.database = None
        for server in servers:
            server.remove()


def test_newer():
    """A database that is newer than salond is refused, with a clear line"""
    with Server() as server:
        server.stop()
        server.database.ask("INSERT INTO schema_versions (owner, version, steps)"
                            " VALUES ('messages', 999, 1)")
        done = subprocess.run([SALOND, "-c", server.config], text=True, timeout=LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == 1, f"exit status {done.returncode}: {done.stdout}")
        check("newer" in done.stdout and "999 of messages" in done.stdout, done.stdout)


def test_restricted():
    """Somebody else makes the tables, with the printed script; salond may change rows alone"""
    with upgrade.unstarted() as server:
        first, parts = upgrade.steps(server)
        database = server.database
        database.ask(first + "".join(text for _, text in parts))
        database.engine.restrict(database.name)
        server.start()
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client:
            send(client, room, "hello")


# ---- Running ------------------------------------------------------------------------------------

def test_cut():
    """All connections are ended, again and again, under load"""
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        engine = server.database.engine
        acknowledged = under_load(server, room, ROUNDS,
                                  lambda: engine.cut(server.database.name))
        compare(server, room, acknowledged)


def test_doubt():
    """Answers to commits get lost: what took effect is acknowledged, and done once"""
    with Through(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        proxy = server.proxy

        def swallow():
            proxy.swallow(b"COMMIT")
            until(lambda: proxy.wanted is None, "a commit is swallowed")
        acknowledged = under_load(server, room, 2 * ROUNDS, swallow)
        check(proxy.swallowed == 2 * ROUNDS, "no answer was swallowed")
        check("had taken effect" in server.log(), "no doubt was resolved")
        compare(server, room, acknowledged)
        proxy.swallow(b"COMMIT")
        other = server.ctl("room", "add", "other")
        check(server.database.ask("SELECT COUNT(*) FROM rooms") == [["2"]], "rooms")
        with signed_in(server, "dave", other) as client:
            said = send(client, other, "to be kept")
            proxy.swallow(b"COMMIT")
            client.say("pin_message", room_id=other, message_id=said, pin=True)
            check(client.hear("message_pinned")["message_id"] == said, "not pinned")
            proxy.swallow(b"COMMIT")
            client.say("add_reaction", message_id=said, emoji="\U0001f44d")
            client.hear("reaction_added")
        check(proxy.wanted is None, "nothing was committed")


def test_doubt_stays():
    """The database is away after a commit that was not answered: that one waits, and is right"""
    with Through(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client, signed_in(server, "bob", room) as other:
            first = send(client, room, "the first")
            server.proxy.swallow(b"COMMIT")
            client.say("send_message", room_id=room, content="the second")
            until(lambda: server.proxy.wanted is None, "a commit is swallowed")
            server.proxy.frozen = True
            server.proxy.cut()
            check(refused(other, room, "not stored") < LIMIT, "took too long")
            server.proxy.frozen = False
            second = client.hear("message_sent")["message_id"]
            wait_ready(server, 200)
            check([m["id"] for m in history(server, room)] == [first, second], "history")
        compare(server, room, {"the first": first, "the second": second})


def silence(server, room, begin, end):
    """Between begin() and end() the database says nothing: what works, and what does not."""
    with signed_in(server, "alice", room) as client, signed_in(server, "bob", room) as other:
        sent = {"before": send(client, room, "before")}
        begin()
        wait_ready(server, 503)
        answers_from_memory(server, other, room, ["before"])
        for i in range(3):
            took = refused(client, room, f"refused {i}")
            check(took < 2 + LIMIT, f"{took:.1f} s")
        answers_from_memory(server, other, room, ["before"])
        end()
        wait_ready(server, 200)
        sent["after"] = send(client, room, "after")
        answers_from_memory(server, other, room, ["before", "after"])
    compare(server, room, sent)


def test_frozen():
    """The database accepts everything and answers nothing, then goes on"""
    with Through() as server:
        room = server.ctl("room", "add", "general")

        def freeze(frozen):
            server.proxy.frozen = frozen
        silence(server, room, lambda: freeze(True), lambda: freeze(False))


def test_slow():
    """The database takes a second for everything: writes take longer, nothing else does"""
    with Through() as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client, signed_in(server, "bob", room) as other:
            sent = {"quick": send(client, room, "quick")}
            server.proxy.delay = 1
            client.say("send_message", room_id=room, content="slow")
            began = time.monotonic()
            for _ in range(5):
                answers_from_memory(server, other, room, ["quick"])
            check(time.monotonic() - began < 1, "reading waits for writing")
            sent["slow"] = client.hear("message_sent")["message_id"]
            check(time.monotonic() - began > 1, "the proxy does not delay")
            server.proxy.delay = 0
            check(ready(server) == 200, "not ready")
        compare(server, room, sent)


def test_expiring():
    """The database goes away while messages are being deleted: each goes once"""
    with Through(settings="rooms { public_keep_days = 1 }") as server:
        server.add_people("alice")
        server.ctl("room", "add", "general")
        test_retention.fill(server, 2000, 2)
        server.proxy.swallow(b"COMMIT")
        check(test_retention.retention(server) == {"public rooms": 1980}, "other messages went")
        check("had taken effect" in server.log(), "no answer was swallowed")
        test_retention.figures(server)
        test_retention.fill(server, 2000, 2, 2 * 10**12)
        server.proxy.frozen = True
        server.proxy.cut()
        server.ctl_fails("retention", "run")
        server.proxy.frozen = False
        wait_ready(server, 200)
        check(test_retention.retention(server) == {"public rooms": 1980}, "not the rest")
        test_retention.figures(server)


def test_removing():
    """The database goes away while a removed room's messages are being deleted: all of them go"""
    with Through() as server:
        server.add_people("alice")
        server.ctl("room", "add", "general")
        test_retention.fill(server, test_removal.MANY, 2)
        server.ctl("room", "remove", "general")
        until(lambda: test_retention.metric(server, "messages_removed_total") > 0, "some have gone")
        server.proxy.swallow(b"COMMIT")
        until(lambda: "had taken effect" in server.log(), "the answer is swallowed")
        server.proxy.frozen = True
        server.proxy.cut()
        wait_ready(server, 503)
        server.proxy.frozen = False
        wait_ready(server, 200)
        test_removal.all_gone(server)
        check(test_retention.metric(server, "messages_removed_total") == test_removal.MANY,
              "counted otherwise")
        test_removal.nothing_left(server)


# ---- The last: the database server itself -------------------------------------------------------

def test_stopped():
    """The database server is stopped, and started again"""
    engine = salon_test.server.DATABASES
    with Impatient() as server:
        room = server.ctl("room", "add", "general")
        silence(server, room, engine.stop, engine.start)


def test_stopped_process():
    """The database server's processes are halted (SIGSTOP), and go on"""
    engine = salon_test.server.DATABASES
    with Impatient() as server:
        room = server.ctl("room", "add", "general")
        try:
            silence(server, room, lambda: engine.signal(signal.SIGSTOP),
                    lambda: engine.signal(signal.SIGCONT))
        finally:
            engine.signal(signal.SIGCONT)


def test_killed():
    """The database server is killed under load, and started again"""
    engine = salon_test.server.DATABASES
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")

        def restart():
            engine.stop(signal.SIGKILL)
            engine.start()
        acknowledged = under_load(server, room, ROUNDS, restart)
        compare(server, room, acknowledged)


TOGETHER = [test_frozen, test_slow, test_cut, test_doubt, test_doubt_stays, test_expiring,
            test_removing, test_at_once, test_newer, test_restricted]
ALONE = [test_stopped, test_stopped_process, test_killed]  # nobody else has the server meanwhile
