#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""salonctl user erase: what is left of somebody in the database, in files, in what waits elsewhere.

What people see is in conversations (probe/erase.conv, veza/erased.conv).  Here the person is called
by a name that nothing else has, and afterwards it is looked for everywhere.  Prints TAP.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, Server, check, until  # noqa: E402
from test_media import Probe, Web, png, shelf  # noqa: E402
from test_relay import Backend, Person, metric  # noqa: E402
import test_relay  # noqa: E402

NAME, ID = "zacharias", 42
NEW_NAME = "deleted user"
SAID = ["messages.content", "messages.mentions"]  # what somebody has typed
salon_test.PEOPLE[NAME] = (ID, "user")
test_relay.PEOPLE[NAME] = ID


def everything(**options):
    return Server({"abuse_limit": "0"}, {"rate": '""'}, test_plugins=True,
                  plugins=salon_test.built_plugins() + ["probe"], **options)


def erase(salond, whom=NAME):
    return json.loads(salond.run_ctl("--json", "user", "erase", whom).stdout)


def database(salond):
    return sqlite3.connect(os.path.join(salond.directory, "state", "salon.db"))


def personal(salond):
    """Where ids of people stand: (table, column, what becomes of it)."""
    done = subprocess.run([salon_test.SALOND, "--list", "-c", salond.config], text=True,
                          stdout=subprocess.PIPE, check=True)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(*row[2].split("."), row[3]) for row in rows if row[0] == "personal"]


def rows_of(salond, number=ID):
    """{table.column: rows with that id}, of what is to go."""
    with database(salond) as db:
        return {f"{table}.{column}": count for table, column, fate in personal(salond)
                if fate == "forgotten"
                for count, in db.execute(f"SELECT COUNT(*) FROM {table} WHERE {column} = {number}")}


def places_of(salond, text):
    """Where in the database the text stands, table.column."""
    with database(salond) as db:
        tables = [name for name, in
                  db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [(table, row[1]) for table in tables
                   for row in db.execute(f"PRAGMA table_info({table})")]
        return sorted(f"{table}.{column}" for table, column in columns
                      if db.execute(f"SELECT 1 FROM {table} WHERE {column} LIKE ? LIMIT 1",
                                    (f"%{text}%",)).fetchone())


def live_a_life(salond):
    """Puts something into every table; nobody types the name but in one message."""
    salond.add_people("alice", "bob")
    salond.ctl("user", "add", NAME, "--id", ID)
    salond.ctl("api-token", "add", NAME, "--label", "mine")
    salond.ctl("room", "add", "Cellar", "--private")
    salond.ctl("room", "invite", "Cellar", NAME)
    salond.ctl("user", "mute", NAME, "--room", "Cellar")
    one, alice, bob = (Probe(salond, name) for name in (NAME, "alice", "bob"))
    one.ask("room.create", name="Den")
    one.ask("presence.set", status="busy", message="thinking")
    alice.ask("friend.request", user_id=ID)
    one.ask("friend.accept", user_id=2)
    one.ask("friend.request", user_id=3)
    bob.ask("friend.block", user_id=ID, block=True)
    bob.ask("friend.block", user_id=ID, block=False)
    one.ask("friend.block", user_id=3, block=True)
    one.ask("dm.send", user_id=2, content="between the two of us")
    said = one.ask("room.send", room="Den", content="what is said stays")["message"]["id"]
    alice.ask("room.join", room="Den")
    alice.ask("room.send", room="Den", content=f"hello @{NAME}, and @bob")
    alice.ask("report.add", message_id=said, reason="because")
    return one, alice, bob


def nothing_left():
    """No row, and no name but where somebody has typed it"""
    with everything() as salond:
        live_a_life(salond)
        check(places_of(salond, NAME) == ["messages.content", "messages.mentions", "users.name"],
              f"the name stands in {places_of(salond, NAME)}")
        check(sum(rows_of(salond).values()) >= 6, f"no life: {rows_of(salond)}")
        done = erase(salond)
        check(done == {"id": ID}, done)
        check(not any(rows_of(salond).values()), f"left: {rows_of(salond)}")
        check(places_of(salond, NAME) == SAID, places_of(salond, NAME))
        check(places_of(salond, NEW_NAME) == ["users.name"], places_of(salond, NEW_NAME))
        acts = json.loads(salond.run_ctl("--json", "audit").stdout)["logs"]
        check(acts[0]["action"] == "user.erased" and acts[0]["target_user_id"] == ID, acts[0])
        check(NAME not in str(acts), "named in the audit log")
        check(NAME not in salond.run_ctl("user", "list").stdout, "listed")
        check("user_not_found" in salond.ctl_fails("user", "erase", ID), "erased again")
        salond.ctl("reload")
        check("user_not_found" in salond.ctl_fails("user", "erase", NAME), "known by the old name")


def called_the_same(salond, number):
    """A connection of somebody else of that name."""
    salond.ctl("user", "add", f"twin{number}", "--id", number)
    twin = salon_test.Client(salond).open()
    twin.say("authenticate", token=salond.token_of(
        {"user_id": number, "username": NAME, "exp": 4000000000}))
    twin.hear("auth_success")
    return twin


def told_apart():
    """Of two with one name the id decides; nobody else is touched, who may be erased as well"""
    with everything() as salond:
        one, alice, bob = live_a_life(salond)
        twin, third = (called_the_same(salond, number) for number in (77, 78))
        check("conflict" in salond.ctl_fails("user", "erase", NAME), "one of the two")
        one.ask("session.ping")
        check(erase(salond, ID)["id"] == ID, "the other one")
        check(erase(salond, 78)["id"] == 78, "the one who was seen last")
        check(third.closed() is not None, "the third is still connected")
        twin.say("ping", timestamp="2024-01-01T12:00:00Z")
        twin.hear("pong")
        check(alice.ask("user.self")["username"] == "alice", "alice is gone")
        check(salond.ctl("user", "erase", NAME) == 77, "the twin stays")
        # Digits are an id, whoever is called so.
        salond.ctl("user", "add", "2", "--id", 500)
        check(salond.ctl("user", "erase", "2") == 2, "by name, where it is an id")
        check("user_not_found" in salond.ctl_fails("user", "erase", "2"), "by name, later")
        check(salond.ctl("user", "erase", "500") == 500, "not by id")
        check(bob.ask("friend.list") == {"friends": []}, "bob has friends")


def uploads():
    """What no message uses goes, with its file; what one uses can still be seen by those there"""
    with everything() as salond:
        one, alice, _ = live_a_life(salond)
        web = Web(salond, NAME)
        used, unused = web.added(png(1)), web.added(png(2))
        shared = web.added(png(3))
        other = Web(salond, "alice")
        others = other.added(png(3))
        one.ask("room.send", room="Den", content="", media={"ids": [used["media_id"]]})
        check(len(shelf(salond)) == 3, shelf(salond))
        erase(salond)
        until(lambda: len(shelf(salond)) == 2, "the file of the unused one is gone")
        listed = [m["media_id"] for m in
                  json.loads(salond.run_ctl("--json", "media", "list").stdout)["media"]]
        for _ in range(2):
            check(listed == [used["media_id"], others["media_id"]], f"{shared} {unused}: {listed}")
            check(other.ask("GET", used["url"])[0] == 200, "alice sees it no longer")
            check(other.ask("GET", unused["url"])[0] == 404, "still there")
            check(web.ask("GET", used["url"])[0] == 401, "still signed in")
            for socket in (other, web):
                socket.close()
            salond.kill()
            salond.start()
            other, web = Web(salond, "alice"), Web(salond, NAME)
            listed = [m["media_id"] for m in
                      json.loads(salond.run_ctl("--json", "media", "list").stdout)["media"]]


def while_sending():
    """Everything that was acknowledged is there, under the new name, and nothing else"""
    with everything() as salond:
        live_a_life(salond)
        clients = [Probe(salond, NAME) for _ in range(3)]
        eraser = threading.Thread(target=erase, args=(salond,))
        acknowledged = []
        for number in range(60):
            for client in clients:
                client.say("room.send", room="Den", content=f"quickly, {number}")
            if number == 30:
                eraser.start()
        for client in clients:
            try:
                while True:
                    message = client.client.message()
                    if message.get("answer") == "room.send":
                        acknowledged.append(message["data"]["message"]["id"])
            except (salon_test.Closed, OSError):
                pass
        eraser.join(LIMIT)
        with database(salond) as db:
            stored = {number for number, in db.execute(
                "SELECT id FROM messages WHERE content LIKE 'quickly, %'")}
        check(set(acknowledged) <= stored, f"lost: {set(acknowledged) - stored}")
        check(not any(rows_of(salond).values()), f"left: {rows_of(salond)}")
        check(places_of(salond, NAME) == SAID, places_of(salond, NAME))
        alice = Probe(salond, "alice")
        for message in alice.ask("room.history", room="Den")["messages"]:
            check(message["author_name"] in (NEW_NAME, "alice"), message)


def killed():
    """Whenever the server is killed: all or nothing; and the command completes it"""
    with everything() as salond:
        live_a_life(salond)
        gone = False
        for _ in range(8):
            ctl = subprocess.Popen([salon_test.SALONCTL, "-c", salond.config, "user", "erase",
                                    str(ID)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                ctl.wait(random.uniform(0, 0.05))
            except subprocess.TimeoutExpired:
                pass
            salond.kill()
            ctl.wait(LIMIT)
            left, names = rows_of(salond), places_of(salond, NAME)
            check(("users.name" in names) == any(left.values()), f"half done: {left} {names}")
            check(not gone or not any(left.values()), f"back again: {left}")
            gone = not any(left.values())
            salond.start()
        if not gone:
            erase(salond, ID)
        check(not any(rows_of(salond).values()), f"left: {rows_of(salond)}")
        check(places_of(salond, NAME) == SAID, places_of(salond, NAME))


def not_handed_on():
    """What waits for an upstream that is away is not handed on; what others say is"""
    backend = Backend()
    settings = f'relay {{ upstream = "http://127.0.0.1:{backend.port}/"  {test_relay.FAST} }}'
    with Server(endpoint={"rate": '""'}, settings=settings) as salond:
        one = Person(salond, NAME).joined("general")
        bob = Person(salond, "bob").joined("general")
        backend.taking = lambda handler, post: handler.answer_json(422, {"message": "no"})
        one.tell("general", "this will be parked")
        until(lambda: metric(salond, "relay_parked") == 1, "it is parked")
        backend.taking = lambda handler, post: handler.answer_json(503, {})
        one.tell("general", *(f"this will never be handed on {i}" for i in range(20)))
        for client in (one, bob):
            client.say("room_history", room="general", limit=1)
        bob.say("message", room="general", content="but this")
        until(lambda: metric(salond, "relay_waiting") == 21, "they wait")
        with database(salond) as db:
            check(db.execute("SELECT COUNT(*) FROM relay_outbox").fetchone() == (22,), "not stored")
        erase(salond)
        backend.taking = backend.take
        until(lambda: metric(salond, "relay_waiting") == 0, "nothing waits", 60)
        check(backend.contents() == ["but this"], backend.contents())
        until(lambda: metric(salond, "relay_parked") == 0, "nothing is parked")
        check("relay_outbox.payload" not in places_of(salond, NAME), "named in the outbox")


def many_messages():
    """Thousands that mention or are by the person: others talk on meanwhile"""
    with everything() as salond:
        _, alice, bob = live_a_life(salond)
        room = alice.ask("room.history", room="Den", limit=1)
        salond.stop()
        mentions = json.dumps([{"user_id": ID, "username": NAME}], separators=(",", ":"))
        with database(salond) as db:
            (timeline,) = db.execute("SELECT timeline_id FROM messages WHERE content LIKE '%stays'"
                                     ).fetchone()
            db.executemany(
                "INSERT INTO messages (id, timeline_id, seq, changed_seq, author_id, parent_id,"
                " reply_count, created_at, edited_at, content, mentions, pinned, deleted)"
                " VALUES (?, ?, ?, ?, ?, 0, 0, 1, 0, 'old', ?, 0, 0)",
                [(10 ** 6 + 3 * i, timeline, 10 + i, 10 + i, ID if i % 2 else 3,
                  mentions if i % 10 == 0 else None) for i in range(30000)])
            db.execute("UPDATE timelines SET seq = 40000, message_count = 30003 WHERE id = ?",
                       (timeline,))
            db.execute("UPDATE sequences SET next_value = 2000000 WHERE name = 'message'")
        salond.start()
        alice, bob = Probe(salond, "alice"), Probe(salond, "bob")
        check(room["room"]["name"] == "Den", room)
        ctl = subprocess.Popen([salon_test.SALONCTL, "--json", "-c", salond.config, "user", "erase",
                                NAME], stdout=subprocess.PIPE, text=True)
        sent = 0
        while ctl.poll() is None:
            alice.ask("room.send", room="Den", content=f"meanwhile {sent}")
            sent += 1
        check(json.loads(ctl.stdout.read()) == {"id": ID}, "not erased")
        history = bob.ask("room.history", room="Den", before=10 ** 6 + 300, limit=100)["messages"]
        check({m["author_name"] for m in history} <= {NEW_NAME, "bob", "alice"}, history)


TESTS = [nothing_left, told_apart, uploads, while_sending, killed, not_handed_on, many_messages]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
