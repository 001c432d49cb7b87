#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How a large installation fares: each operation's share of the chat thread, at the size of 200,000
users.  Fills a SQLite database by SQL, starts salond on it, does one thing after the other, and
prints for each how long the chat thread was busy with it (salond's own salon_turn_seconds), how
long at a stretch, and how long the client waited.

    scale.py [--size FACTOR] [--connections N] [--only WORD] [--keep]

test/bench/README says what the figures mean.  Environment as for the tests (salon_test.py).
"""

import argparse
import contextlib
import json
import os
import re
import select
import sqlite3
import sys
import threading
import time

os.environ.setdefault("SALON_TEST_SLOWER", "12")
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from salon_test import ALL_PLUGINS, Client, Server  # noqa: E402
from salon_test.caller import Caller  # noqa: E402

FIRST = 1000          # the first user's id; who has a lot of everything
BIG = 1               # the room with a quarter of all users
ROOM, DM = 1, 2       # kinds of timelines, in the low bits of their ids
NOW = int(time.time() * 1000)


# ---- The database -------------------------------------------------------------------------------

class Size:
    """How many there are of everything."""

    def __init__(self, factor):
        self.users = int(200000 * factor)
        self.rooms = int(50000 * factor)
        self.big = self.users // 4         # members of the big room
        self.own = int(2000 * factor)      # rooms, friends, conversations of the first user
        self.conversations = int(100000 * factor)
        self.media = int(100000 * factor)
        self.acts = int(20000 * factor)    # sanctions; rows of the audit log
        self.messages = int(400000 * factor)  # of the big room


NUMBERS = ("WITH RECURSIVE n(n) AS (SELECT {from_} UNION ALL SELECT n + 1 FROM n WHERE n < {to})"
           " {insert}")

FILL = [  # table, columns, values; n counts from .. to
    ("users", "id, name, role", "{first} + n, 'user' || n, 0", "0", "users - 1"),
    ("presence", "user_id, status, message, last_seen", "{first} + n, 0, NULL, {now} - n",
     "0", "users - 1"),
    ("rooms", "id, name, slug, is_private, is_memory, created_by, created_at",
     "n, 'Room ' || n, 'room-' || n, n % 10 = 9, 0, {first} + n % {users}, {now}", "1", "rooms"),
    ("timelines", "id, seq, message_count", "n * 8 + 1, 0, 0", "1", "rooms"),
    ("room_members", "room_id, user_id, role, joined_at",
     "{big_room}, {first} + n, CASE n WHEN 0 THEN 2 ELSE 0 END, {now}", "0", "big - 1"),
    ("room_members", "room_id, user_id, role, joined_at", "n, {first}, 0, {now}", "2", "own"),
    ("room_members", "room_id, user_id, role, joined_at",
     "n / 4 + 2, {first} + 1 + (n * 7919) % ({users} - 1), 0, {now}", "0", "(rooms - 2) * 4"),
    ("friendships", "low_id, high_id, since", "{first}, {first} + n, {now}", "1", "own"),
    ("dm_conversations", "id, user1_id, user2_id, low_id, high_id, created_at, active_at",
     "n, {first}, {first} + n, {first}, {first} + n, {now}, {now} + n", "1", "own"),
    ("dm_conversations", "id, user1_id, user2_id, low_id, high_id, created_at, active_at",
     "n, {first} + n, {first} + n + 1, {first} + n, {first} + n + 1, {now}, {now} + n",
     "own + 1", "conversations"),
    ("timelines", "id, seq, message_count", "n * 8 + 2, 3, 3", "1", "conversations"),
    ("messages", MESSAGE := "id, timeline_id, seq, changed_seq, author_id, parent_id, reply_count,"
     " created_at, edited_at, content, pinned, deleted",
     "n, (n / 3 + 1) * 8 + 2, n % 3 + 1, n % 3 + 1, {first} + n / 3 + 1, 0, 0, {now}, 0,"
     " 'Here is what somebody said, number ' || n, 0, 0", "0", "conversations * 3 - 1"),
    ("messages", MESSAGE,
     "{conversations} * 3 + n, {big_room} * 8 + 1, n, n, {first} + n % {big}, 0, 0, {now} + n, 0,"
     " 'Here is what somebody said, number ' || n, 0, 0", "1", "messages"),
    ("media_entries", "id, user_id, digest, byte_count, content_type, file_name, created_at,"
     " idle_at", "n, {first} + n % {users}, printf('%064x', n), 1000, 'image/png', 'a.png', {now},"
     " {now}", "1", "media"),
    ("media_uses", "media_id, message_id, topic_kind, topic_id", "n, n, 'dm', n / 3 + 1",
     "1", "media"),
    ("audit_log", "id, topic, action, actor_id, target_user_id, message_id, details, created_at",
     "n, 'room:' || (n % 100 + 1), 'moderation.ban', {first}, {first} + n, 0, '{{}}', {now}",
     "1", "acts"),
    ("sanctions", "user_id, place, kind, expires_at, created_at, created_by, reason",
     "{first} + {users} - n, 'room/room-' || (n % 100 + 1), 1, 0, {now}, {first}, 'spam'",
     "1", "acts"),
]


def fill(path, size):
    values = {**vars(size), "first": FIRST, "now": NOW, "big_room": BIG}
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        for table, columns, row, first, last in FILL:
            first, last = (eval(text, {}, values) for text in (first, last))
            insert = f"INSERT OR IGNORE INTO {table} ({columns}) SELECT {row} FROM n"
            text = NUMBERS.format(from_=first, to=last, insert=insert.format(**values))
            database.execute(text)
        database.execute(f"UPDATE timelines SET seq = {size.messages},"
                         f" message_count = {size.messages} WHERE id = {BIG * 8 + ROOM}")
        database.execute("UPDATE sequences SET next_value = 10000000")
        database.commit()


# ---- Measuring ----------------------------------------------------------------------------------

class Meter:
    """What the chat thread does for what is done here."""

    def __init__(self, server, only):
        self.server, self.only = server, only
        self.idle = 0.0
        self.idle = self.turns(lambda: None)[0]

    def busy(self):
        _, _, text = Client(self.server).get("/metrics", "Connection: close")
        return float(re.search(r"salon_turn_seconds_sum (\S+)", text).group(1))

    def turns(self, action):
        """(milliseconds busy, the longest of 5 or more at a stretch, waited)"""
        before, logged, began = self.busy(), len(self.server.log()), time.monotonic()
        action()
        waited = time.monotonic() - began
        busy = (self.busy() - before) * 1000 - self.idle
        found = re.findall(r"debug chat: busy for ([0-9.]+) ms", self.server.log()[logged:])
        return max(busy, 0), max(map(float, found), default=0), waited * 1000

    def row(self, name, action):
        if self.only and self.only not in name:
            action()
            return
        busy, longest, waited = self.turns(action)
        shown = f"{longest:9.1f}" if longest else "      < 5"
        print(f"{name:44}{busy:9.1f}{shown}{waited:10.1f}", flush=True)


def megabytes(server, what="VmRSS"):
    return server.memory(what) / 2**20


# ---- Those who are connected --------------------------------------------------------------------

class Probe(Client):
    """Somebody who may ask for any operation (test/plugins/probe.c)."""

    def __init__(self, server, user, role="user"):
        super().__init__(server, "probe")
        token = server.token_of({"user_id": user, "username": f"user{user - FIRST}", "role": role,
                                 "exp": int(time.time()) + 3600})
        self.open(path=f"/probe?token={token}")
        self.ask_for("session.authenticate", token=token)

    def ask_for(self, operation, **arguments):
        self.frame(1, json.dumps({"type": operation, "args": arguments}))
        while True:
            answer = self.message()
            if operation in (answer.get("answer"), answer.get("refused")):
                return answer

    def expect(self, operation, **arguments):
        answer = self.ask_for(operation, **arguments)
        assert "answer" in answer, answer
        return answer["data"]


class Crowd:
    """Many who are in the big room, and read all that they are told, on a thread of its own."""

    def __init__(self, server, count):
        self.poll = select.epoll()
        self.sockets, self.going = {}, True
        for number in range(count):
            self.come(server, FIRST + 1 + number)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def come(self, server, user):
        client = Client(server).open()
        client.say("authenticate", token=server.token_of(
            {"user_id": user, "username": f"user{user - FIRST}", "exp": int(time.time()) + 3600}))
        client.say("join_room", room_id=BIG)
        client.hear("room_joined")
        client.socket.setblocking(False)
        self.sockets[client.socket.fileno()] = client.socket
        self.poll.register(client.socket, select.EPOLLIN)

    def read(self):
        while self.going:
            for number, _ in self.poll.poll(0.1):
                with contextlib.suppress(OSError):
                    self.sockets[number].recv(1 << 20)

    def go(self):
        self.going = False
        self.thread.join()
        for connection in self.sockets.values():
            connection.close()


def settled(server):
    """Waits until nothing is under way: half a second with hardly anything to do."""
    last = -1.0
    while (now := server.processor_time()) - last > 0.02:
        last = now
        time.sleep(0.5)


# ---- What is done -------------------------------------------------------------------------------

def lists(meter, first, admin):
    """Whatever answers with something that grows."""
    for name, who, arguments in [
            ("user.self", first, {}), ("room.list", first, {}),
            ("room.get", first, {"room": "Room 7"}), ("room.active", first, {}),
            ("room.members", first, {"room_id": BIG}), ("room.stats", first, {"room_id": BIG}),
            ("friend.list", first, {}), ("friend.requests", first, {}),
            ("dm.list", first, {"limit": 100}), ("dm.get", first, {"user_id": FIRST + 7}),
            ("presence.get", first, {"user_id": FIRST + 7}),
            ("presence.get", admin, {"user_id": FIRST}),
            ("presence.set", first, {"status": "busy"}),
            ("audit.list", first, {"room_id": BIG, "limit": 100}),
            ("moderation.list", first, {"room_id": BIG}),
            ("moderation.list", admin, {"room_id": BIG + 1}),
            ("report.list", first, {"room_id": BIG}),
            ("room.history", first, {"room_id": BIG, "limit": 100}),
            ("room.history", first, {"room_id": BIG, "limit": 100, "offset": 300}),
            ("room.history", first, {"room_id": BIG, "limit": 100, "offset": 390000}),
            ("room.create", first, {"name": "another room"}),
            ("room.join", first, {"room": "Room 3000"}),
            ("room.leave", first, {"room": "Room 3000"}),
            ("dm.open", first, {"user_id": FIRST + 9000}),
            ("moderation.ban", admin, {"user_id": FIRST + 6000, "room_id": BIG}),
            ("friend.request", first, {"user_id": FIRST + 9000})]:
        shown = " ".join(f"{key}={value}" for key, value in arguments.items() if key != "limit")
        meter.row(f"{name} {shown}", lambda: who.ask_for(name, **arguments))


def commands(meter):
    server = meter.server
    for words in [("stats",), ("user", "list"), ("room", "list"), ("room", "active"),
                  ("room", "members", BIG), ("media", "list"), ("audit",),
                  ("user", "sanctions", "--room", "room-7"), ("user", "add", "somebody"),
                  ("user", "role", "user7", "moderator"), ("user", "ban", "user6000"),
                  ("reload",)]:
        meter.row("salonctl " + " ".join(map(str, words)), lambda: server.run_ctl(*words))


def over_http(meter):
    server = meter.server
    token = server.token_of({"user_id": FIRST, "username": "user0", "exp": int(time.time()) + 600})
    caller = Caller(server, "messenger", token)
    for path in ["/me/friends", "/conversations?limit=100", "/me/friend_requests",
                 "/conversation/7/messages?limit=100"]:
        meter.row("GET " + path, lambda: caller.expect(200, "GET", path))
    rooms = {"query": "{ chatRooms { id slug name participantCount connectionCount } }"}
    meter.row("GraphQL chatRooms", lambda: caller.expect(200, "POST", "/graphql", rooms))


def many_rooms(meter, size):
    """Somebody is in many rooms, on two connections."""
    server = meter.server
    people = []
    meter.row("sign-in, in many rooms", lambda: people.append(Probe(server, FIRST)))
    meter.row("the same once more", lambda: people.append(Probe(server, FIRST)))
    for person in people:
        def join():
            for room in range(1, size.own + 1):
                person.expect("room.join", room_id=room)
        meter.row(f"{size.own} joins", join)
    for person in reversed(people):
        def leave():
            person.close()
            settled(server)
        meter.row("disconnect, in many rooms", leave)


def crowd(meter, count, first, admin):
    server = meter.server
    present = []
    meter.row(f"{count} sign in and join", lambda: present.append(Crowd(server, count)))
    print(f"# {megabytes(server):.0f} MB")
    settled(server)
    meter.row("room.send to them", lambda: first.ask_for("room.send", room_id=BIG, content="x"))
    for name, arguments in [("room.members", {"room_id": BIG}), ("room.stats", {"room_id": BIG}),
                            ("room.active", {}), ("presence.set", {"status": "away"}),
                            ("typing.start", {"room_id": BIG})]:
        meter.row(f"{name}, they are there", lambda: first.ask_for(name, **arguments))
    meter.row("/metrics", lambda: None)

    def all_go():
        present.pop().go()
        settled(server)
    meter.row("all disconnect", all_go)
    present.append(Crowd(server, count))
    settled(server)
    meter.row("room.remove, they are there", lambda: admin.ask_for("room.remove", room_id=BIG))
    present.pop().go()


ABUSERS = 20  # connections


def abuse(server, stop):
    """Somebody reads deep offsets, here and there, as fast as they come."""
    abuser, number = Probe(server, FIRST + 1), 0
    while not stop.is_set():
        number += 1
        abuser.expect("room.history", room_id=BIG, limit=100, offset=380000 - number * 7919 % 90000)


def starve(server):
    """What another's pages of history take beside one person's who reads more than all others."""
    other, stop = Probe(server, FIRST + 2), threading.Event()

    def read(*offsets):
        began = time.monotonic()
        for offset in offsets:
            other.expect("room.history", room_id=BIG, limit=50, offset=offset)
        return (time.monotonic() - began) * 1000 / len(offsets)

    def report(what):
        near, deep = max(read(0, 200, 300, 400) for _ in range(3)), read(350000, 300000)
        print(f"# a page of history {what}: {near:.1f} ms, and deep down {deep:.1f} ms", flush=True)
    report("alone")
    threads = [threading.Thread(target=abuse, args=(server, stop)) for _ in range(ABUSERS)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    report(f"beside {ABUSERS} abusing connections")
    stop.set()
    for thread in threads:
        thread.join()


def run(options):
    size = Size(options.size)
    settings = "presence { grace = 0 }"
    server = Server(listener={"max_per_ip": 0}, endpoint={"rate": '""'}, settings=settings,
                    files=20000, test_plugins=True, plugins=ALL_PLUGINS + ["probe"])
    server.start()
    server.stop()
    began = time.monotonic()
    fill(os.path.join(server.directory, "state", "salon.db"), size)
    print(f"# filled in {time.monotonic() - began:.1f} s")
    began = time.monotonic()
    with server:
        print(f"# started in {time.monotonic() - began:.1f} s,"
              f" {server.processor_time():.1f} s of a CPU, pid {server.process.pid}, "
              f"{megabytes(server):.0f} MB (most {megabytes(server, 'VmHWM'):.0f} MB)")
        print(f"{'':44}{'busy ms':>9}{'longest':>9}{'waited':>10}")
        settled(server)
        meter = Meter(server, options.only)
        meter.row("nothing, for a second", lambda: time.sleep(1))
        first, admin = Probe(server, FIRST), Probe(server, FIRST + 5000, "admin")
        lists(meter, first, admin)
        commands(meter)
        over_http(meter)
        if not options.only or options.only in "starve":
            starve(server)
        many_rooms(meter, size)
        crowd(meter, options.connections, first, admin)
        print(f"# {megabytes(server):.0f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=1)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--only", help="report what has this in its name")
    run(parser.parse_args())


if __name__ == "__main__":
    main()
