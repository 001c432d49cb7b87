#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is too old or too many goes, and nothing else; with what hangs on it, and for good.

Ages are written into the database while the server is down.  Prints TAP.
"""

import contextlib
import json
import re
import signal
import sqlite3
import sys
import threading
import time

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import PEOPLE, check, until  # noqa: E402
from test_media import Probe, Web, png  # noqa: E402

DAY = 86400000
ALICE, BOB = PEOPLE["alice"][0], PEOPLE["bob"][0]
COLUMNS = ("id, timeline_id, seq, changed_seq, author_id, parent_id, reply_count, created_at,"
           " edited_at, content, pinned, deleted")


@contextlib.contextmanager
def server(settings=""):
    """With people, and a room called general."""
    plugins = ["rooms", "dm", "reactions", "moderation", "media", "veza", "probe"]
    with salon_test.Server({"abuse_limit": "0"}, {"rate": '""'}, settings=settings,
                           plugins=plugins, test_plugins=True) as salond:
        salond.add_people("alice", "bob", "dave")
        salond.ctl("room", "add", "general", "--owner", "alice")
        yield salond


def write(salond, *statements):
    """In the database, while the server is down."""
    if salond.database:
        salond.database.run(";\n".join(statements) + ";")
    else:
        with contextlib.closing(sqlite3.connect(salond.directory + "/state/salon.db")) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()


def change(salond, *statements):
    """In the database of a server that is down meanwhile."""
    salond.stop()
    write(salond, *statements)
    salond.start()


def ask(salond, statement):
    """What the database says, while the server is down (with SQLite)."""
    if salond.database:
        return [[int(cell) for cell in row] for row in salond.database.ask(statement)]
    with contextlib.closing(sqlite3.connect(salond.directory + "/state/salon.db")) as database:
        return [list(row) for row in database.execute(statement)]


def age(ids, days):
    names = ", ".join(str(i) for i in ids)
    moment = int(time.time() * 1000) - days * DAY - DAY // 2
    return f"UPDATE messages SET created_at = {moment} WHERE id IN ({names})"


def retention(salond, how="run", *limits):
    """What was deleted, or would be: a number for each kind."""
    said = json.loads(salond.ctl("--json", "retention", how, *limits))
    kinds = {row["kind"]: row["messages"] for row in said["kinds"]}
    check(sum(kinds.values()) == said["messages"], f"does not add up: {said}")
    check(sum(row["messages"] for row in said["places"]) == said["messages"] or
          said["places_more"] > 0, f"places do not add up: {said}")
    check(all(row["oldest"] <= row["newest"] for row in said["kinds"] + said["places"]),
          f"newer is older: {said}")
    return kinds


def send(probe, content, **arguments):
    kind = "dm.send" if {"user_id", "conversation_id"} & arguments.keys() else "room.send"
    return probe.ask(kind, content=content, **arguments)["message"]["id"]


def history(probe, kind="room", **arguments):
    return probe.ask(f"{kind}.history", limit=100, **arguments)


def contents(page):
    return [message["content"] for message in page["messages"]]


def figures(salond):
    """Every timeline counts what is there, and every message its replies."""
    wrong = ask(salond, "SELECT t.id, t.message_count, COUNT(m.id) FROM timelines t"
                        " LEFT JOIN messages m ON m.timeline_id = t.id AND m.deleted = 0"
                        " GROUP BY t.id, t.message_count"
                        " HAVING t.message_count <> COUNT(m.id)")
    check(wrong == [], f"timelines count what is not there: {wrong}")
    wrong = ask(salond, "SELECT p.id, p.reply_count, COUNT(r.id) FROM messages p"
                        " LEFT JOIN messages r ON r.parent_id = p.id AND r.deleted = 0"
                        " GROUP BY p.id, p.reply_count HAVING p.reply_count <> COUNT(r.id)")
    check(wrong == [], f"messages count replies that are not there: {wrong}")


def metric(salond, name):
    with salon_test.Client(salond) as client:
        body = client.get("/metrics", "Connection: close")[2]
    return int(re.search(rf"^salon_{name} (\d+)", body, re.MULTILINE).group(1))


# ---- By age -------------------------------------------------------------------------------------

AGES = ("rooms { public_keep_days = 30  private_keep_days = 10  private_keep_pinned = false }\n"
        "dm { keep_days = 5 }")


def by_age():
    """Each kind has its own age; a dry run says the same, and deletes nothing"""
    with server(AGES) as salond:
        salond.ctl("room", "add", "board", "--private", "--owner", "alice")
        alice = Probe(salond, "alice")
        alice.ask("room.join", room="general")
        ids = {}
        for place in ({"room": "general"}, {"room": "board"}, {"user_id": BOB}):
            sent = [send(alice, f"{i}", **place) for i in range(8)]
            ids[next(iter(place.values()))] = sent
        kept = {"general": ids["general"][1], "board": ids["board"][1]}
        for room, message_id in kept.items():
            alice.ask("room.pin", room=room, message_id=message_id, pin=True)
        alice.ask("message.delete", message_id=ids["general"][0])
        days = [40, 39, 31, 29, 11, 9, 6, 0]
        change(salond, *[age([sent[i]], days[i]) for sent in ids.values() for i in range(8)])
        expected = {"public rooms": 1, "private rooms": 5, "direct messages": 7}
        for how in ("dry-run", "dry-run", "run"):
            found = retention(salond, how)
            check(found == expected, f"{how}: {found}")
        check(retention(salond) == {} and retention(salond, "dry-run") == {}, "some were left")
        check(metric(salond, "messages_expired_total") == 13, "counted otherwise")
        check(metric(salond, "retention_last_timestamp_seconds") > 0, "no run is remembered")
        alice = Probe(salond, "alice")
        for place, left in (({"room": "general"}, "134567"), ({"room": "board"}, "567"),
                            ({"user_id": BOB}, "7")):
            page = history(alice, "dm" if "user_id" in place else "room", **place)
            check("".join(contents(page)) == left, f"{place}: {contents(page)}")
            check(page["total"] == len(left) and not page["has_more"], f"{place}: {page}")
        salond.stop()
        figures(salond)
        check(ask(salond, "SELECT COUNT(*) FROM messages WHERE deleted = 1") == [[0]],
              "what was deleted before is still remembered")


# ---- By number ----------------------------------------------------------------------------------

def hears(probe):
    """Every event until the next answer."""
    probe.say("session.ping")
    heard = []
    while True:
        message = probe.client.message()
        if message.get("answer") == "session.ping":
            return heard
        heard.append(message)


def by_number():
    """The newest stay; nobody is told, and who asks finds the same everywhere"""
    with server("rooms { public_keep_messages = 5 }") as salond:
        alice, bob = Probe(salond, "alice"), Probe(salond, "bob")
        for probe in (alice, bob):
            probe.ask("room.join", room="general")
        ids = [send(alice, f"{i}", room="general") for i in range(150)]
        alice.ask("room.pin", room="general", message_id=ids[3], pin=True)
        alice.ask("reaction.add", message_id=ids[149], emoji="👍")
        seq = history(alice, room="general")["seq"]
        check(len(hears(bob)) >= 150, "bob has not heard them")
        check(retention(salond) == {"public rooms": 144}, "other messages went")
        check(hears(bob) == [], "bob was told")
        page = history(alice, room="general")
        check(contents(page) == ["3", "145", "146", "147", "148", "149"], f"{contents(page)}")
        check(page["seq"] == seq and page["total"] == 6, f"seq {page['seq']}, {page['total']}")
        vanished(alice, ids[100])
        new = send(alice, "new", room="general")
        check(new > ids[149], "an id was given again")
        page = history(alice, room="general", since=seq)
        check(contents(page) == ["new"] and page["seq"] == seq + 1, f"{page}")
        page = history(alice, room="general", since=0)
        check(contents(page)[:1] == ["145"] and len(page["messages"]) == 7, f"{contents(page)}")
        check(contents(history(alice, room="general", before=ids[145])) == ["3"], "before")
        check(contents(history(alice, room="general", offset=6)) == ["3"], "offset")
        check(contents(history(alice, room="general", offset=7)) == [], "offset behind the last")
        check(alice.ask("room.stats", room="general")["message_count"] == 7, "stats")
        before = [history(alice, room="general"), history(alice, room="general", since=0)]
        salond.stop()
        figures(salond)
        salond.start()
        alice = Probe(salond, "alice")
        after = [history(alice, room="general"), history(alice, room="general", since=0)]
        check(before == after, f"memory was not the database:\n{before}\n{after}")


def vanished(probe, message_id):
    """It is as if it had never been."""
    for kind, arguments in (("message.edit", {"content": "new"}), ("message.delete", {}),
                            ("room.pin", {"room": "general", "pin": True}),
                            ("reaction.add", {"emoji": "👍"}), ("reaction.list", {}),
                            ("report.add", {"reason": "none"})):
        code = probe.refused(kind, message_id=message_id, **arguments)
        check(code == "message_not_found", f"{kind}: {code}")
    for place in ("around", "before", "after"):
        code = probe.refused("room.history", room="general", **{place: message_id})
        check(code == "message_not_found", f"{place}: {code}")
    code = probe.refused("room.send", room="general", content="reply", parent_id=message_id)
    check(code == "message_not_found", f"reply: {code}")


def nothing_left():
    """A place of which everything has gone, but for what is pinned far back, goes on"""
    with server("rooms { public_keep_days = 1 }") as salond:
        alice = Probe(salond, "alice")
        ids = [send(alice, f"{i}", room="general") for i in range(140)]
        alice.ask("room.pin", room="general", message_id=ids[0], pin=True)
        change(salond, age(ids, 2))
        alice = Probe(salond, "alice")
        history(alice, room="general")  # the newest are in memory
        check(retention(salond) == {"public rooms": 139}, "other messages went")
        stats = alice.ask("room.stats", room="general")
        check(stats["message_count"] == 1 and stats["last_message_at"] > 0, f"{stats}")
        check(contents(history(alice, room="general")) == ["0"], "the pinned one is not there")
        send(alice, "new", room="general")
        check(contents(history(alice, room="general")) == ["0", "new"], "not both")
        alice.ask("room.pin", room="general", message_id=ids[0], pin=False)
        check(retention(salond) == {"public rooms": 1}, "what is not pinned any more has stayed")


# ---- What hangs on messages ---------------------------------------------------------------------

def replies():
    """Replies stay readable without their parents, and parents count the replies that are left"""
    with server("rooms { public_keep_days = 1 }") as salond:
        alice = Probe(salond, "alice")
        pinned, parent = (send(alice, text, room="general") for text in ("pinned", "parent"))
        alice.ask("room.pin", room="general", message_id=pinned, pin=True)
        old = [send(alice, "old reply", room="general", parent_id=p)
               for p in (pinned, pinned, pinned, parent)]
        alice.ask("message.delete", message_id=old[0])
        new = [send(alice, "new reply", room="general", parent_id=p) for p in (pinned, parent)]
        change(salond, age([pinned, parent, *old], 2))
        alice = Probe(salond, "alice")
        history(alice, room="general")
        check(retention(salond) == {"public rooms": 4}, "other messages went")
        for _ in range(2):
            messages = history(alice, room="general")["messages"]
            check([m["id"] for m in messages] == [pinned, *new], f"{messages}")
            check([m["parent_id"] for m in messages] == [None, pinned, parent], f"{messages}")
            check(messages[0]["reply_count"] == 1, f"{messages[0]}")
            salond.stop()
            salond.start()
            alice = Probe(salond, "alice")


def direct_messages():
    """What has gone is neither unread nor the last message; what was read stays read"""
    with server("dm { keep_days = 1 }") as salond:
        alice, bob = Probe(salond, "alice"), Probe(salond, "bob")
        ids = [send(alice, f"{i}", user_id=BOB) for i in range(5)]
        bob.ask("dm.read", user_id=ALICE, message_id=ids[1])
        check(bob.ask("dm.get", user_id=ALICE)["unread_count"] == 3, "not three unread")
        change(salond, age(ids[:4], 2))
        retention(salond)
        bob = Probe(salond, "bob")
        row = bob.ask("dm.get", user_id=ALICE)
        check(row["unread_count"] == 1 and row["last_message"]["id"] == ids[4], f"{row}")
        check(bob.refused("dm.read", user_id=ALICE, message_id=ids[3]) == "message_not_found",
              "read what is not there")
        change(salond, age(ids, 2))
        retention(salond)
        bob = Probe(salond, "bob")
        row = bob.ask("dm.get", user_id=ALICE)
        check(row["unread_count"] == 0 and row["last_message"] is None, f"{row}")
        bob.ask("dm.read", user_id=ALICE)
        check(history(bob, "dm", user_id=ALICE)["messages"] == [], "something is left")


def files():
    """A file is used by the messages that are left"""
    with server("rooms { public_keep_messages = 1 }") as salond:
        web, alice = Web(salond, "alice"), Probe(salond, "alice")
        uploaded = [web.added(png(i))["media_id"] for i in range(2)]
        for use in (uploaded[:1], uploaded[:1], uploaded):
            send(alice, "look", room="general", media={"ids": use})
        check(salond.ctl("media", "list").count("\t3") == 1, "not used three times")
        retention(salond)
        rows = json.loads(salond.ctl("--json", "media", "list"))["media"]
        check([row["uses"] for row in rows] == [1, 1], f"{rows}")
        send(alice, "without", room="general")
        retention(salond)
        rows = json.loads(salond.ctl("--json", "media", "list"))["media"]
        check([row["uses"] for row in rows] == [0, 0], f"{rows}")
        salond.stop()
        check(ask(salond, "SELECT COUNT(*) FROM media_uses") == [[0]], "uses are left")
        web.close()


def reports():
    """What was reported stays with the report"""
    with server("rooms { public_keep_messages = 1 }") as salond:
        alice, dave = Probe(salond, "alice"), Probe(salond, "dave")
        bad = send(alice, "bad words", room="general")
        dave.ask("report.add", message_id=bad, reason="rude")
        send(alice, "fine", room="general")
        retention(salond)
        listed = dave.ask("report.list", room="general")["reports"]
        check([row["content"] for row in listed] == ["bad words"], f"{listed}")


# ---- What is set --------------------------------------------------------------------------------

def nothing_set():
    """Nothing is deleted unasked"""
    with server() as salond:
        alice = Probe(salond, "alice")
        ids = [send(alice, "old", room="general") for _ in range(3)]
        change(salond, age(ids, 36600))
        for how in ("dry-run", "run"):
            check(retention(salond, how) == {}, f"{how}: found something")
        for limit, would in (("--days", 3), ("--messages", 2)):
            found = retention(salond, "dry-run", limit, "1")
            check(found == {"public rooms": would}, f"{limit}: {found}")
        check(history(Probe(salond, "alice"), room="general")["total"] == 3, "some have gone")


def reload():
    """A reload holds for the next run"""
    with server() as salond:
        alice, ports = Probe(salond, "alice"), salond.ports
        for i in range(5):
            send(alice, f"{i}", room="general")
        text, salond.ports = salond.config_text(), ports
        for wanted, left in ((4, 4), (0, 4), (2, 2)):
            with open(salond.config, "w", encoding="utf-8") as file:
                file.write(f"{text}rooms {{ public_keep_messages = {wanted} }}\n")
            salond.ctl("reload")
            retention(salond)
            total = history(alice, room="general")["total"]
            check(total == left, f"{total} are left of {wanted}")


def one_room():
    """What is said of one room takes precedence, also that everything is kept"""
    with server("rooms { public_keep_messages = 2 }") as salond:
        for name in ("archive", "short"):
            salond.ctl("room", "add", name, "--owner", "alice")
        check(salond.ctl("room", "keep", "archive") == salond.ctl("room", "keep", "2"), "not an id")
        salond.ctl("room", "keep", "short", "--messages", "1", "--pinned", "no")
        for words in (("archive", "--days", "36501"), ("archive", "--days", "-1"), ("nowhere",),
                      ("archive", "--as-set", "--days", "1")):
            salond.ctl_fails("room", "keep", *words)
        alice = Probe(salond, "alice")
        for room in ("general", "archive", "short"):
            for i in range(4):
                last = send(alice, f"{i}", room=room)
                alice.ask("room.pin", room=room, message_id=last, pin=i == 0)
        salond.stop()
        salond.start()
        check(salond.ctl("room", "kept").splitlines() in
              (["2\tarchive\t0\t0\ttrue", "3\tshort\t0\t1\tfalse"],
               ["3\tshort\t0\t1\tfalse", "2\tarchive\t0\t0\ttrue"]), "not the rooms")
        check(retention(salond) == {"public rooms": 4}, "other messages went")
        alice = Probe(salond, "alice")
        left = {room: "".join(contents(history(alice, room=room)))
                for room in ("general", "archive", "short")}
        check(left == {"general": "023", "archive": "0123", "short": "3"}, f"{left}")
        salond.ctl("room", "keep", "archive", "--as-set")
        salond.ctl("room", "remove", "short")
        check(salond.ctl("room", "kept") == "", "still said")
        check(retention(salond) == {"public rooms": 1}, "as is set")
        salond.stop()
        check(ask(salond, "SELECT COUNT(*) FROM room_kept") == [[0]], "still stored")


# ---- Much, and trouble --------------------------------------------------------------------------

def fill(salond, count, days, first=10**12):
    """Messages in the first room, old ones, every hundredth of them pinned; first: their ids."""
    timeline, seq = ask_down(salond, "SELECT id, seq FROM timelines ORDER BY id LIMIT 1")[0]
    moment = int(time.time() * 1000) - days * DAY
    rows = ",\n".join(f"({first + i}, {timeline}, {seq + i}, {seq + i}, {ALICE}, 0, 0,"
                      f" {moment - count + i}, 0, 'old', {int(i % 100 == 0)}, 0)"
                      for i in range(1, count + 1))
    change(salond, f"INSERT INTO messages ({COLUMNS}) VALUES {rows}",
           f"UPDATE timelines SET seq = seq + {count}, message_count = message_count + {count}"
           f" WHERE id = {timeline}")


def ask_down(salond, statement):
    salond.stop()
    rows = ask(salond, statement)
    salond.start()
    return rows


def pinned_many():
    """More pinned ones than are looked at in one go hide nothing behind them"""
    with server("rooms { public_keep_days = 1 }") as salond:
        fill(salond, 3000, 2)
        change(salond, "UPDATE messages SET pinned = 1 WHERE seq < 2500")
        gone = {"public rooms": 495}
        check(retention(salond, "dry-run") == gone, "the dry run finds others")
        check(retention(salond) == gone, "other messages went")
        check(retention(salond) == {}, "some were left")
        salond.stop()
        figures(salond)


def killed():
    """Killed in the middle: what is there is whole, and the next run does the rest"""
    with server("rooms { public_keep_days = 1 }") as salond:
        fill(salond, 6000, 2)
        runner = threading.Thread(target=salond.run_ctl, args=("retention", "run"))
        runner.start()
        until(lambda: metric(salond, "messages_expired_total") > 0, "something is deleted")
        salond.kill()
        runner.join()
        salond.start()
        salond.stop()
        figures(salond)
        salond.start()
        left = ask_down(salond, "SELECT COUNT(*) FROM messages")[0][0]
        check(60 <= left < 6000, f"{left} are left")
        retention(salond)
        salond.stop()
        figures(salond)
        check(ask(salond, "SELECT COUNT(*) FROM messages") == [[60]], "not the pinned ones")


def stopped():
    """Stopping waits for no run; who has asked for one, or waits for the next, is told"""
    with server("rooms { public_keep_days = 1 }") as salond:
        fill(salond, 6000, 2)
        said = []
        runners = [threading.Thread(target=lambda: said.append(salond.run_ctl("retention", "run")))
                   for _ in range(4)]
        for runner in runners:
            runner.start()
        until(lambda: metric(salond, "messages_expired_total") > 0, "something is deleted")
        salond.process.send_signal(signal.SIGTERM)
        salond.expect_exit(0)
        for runner in runners:
            runner.join()
        check(len(said) == 4, f"not all were answered: {said}")
        figures(salond)
        salond.start()
        retention(salond)
        salond.stop()
        check(ask(salond, "SELECT COUNT(*) FROM messages") == [[60]], "not the pinned ones")


def while_talking():
    """Who talks meanwhile is answered, in order, and loses nothing"""
    with server("rooms { public_keep_days = 1 }") as salond:
        fill(salond, 4000, 2)
        alice = Probe(salond, "alice")
        alice.ask("room.join", room="general")
        runner = threading.Thread(target=salond.run_ctl, args=("retention", "run"))
        runner.start()
        sent = []
        while runner.is_alive() or len(sent) < 50:
            sent.append(send(alice, "now", room="general"))
            if len(sent) % 20 == 0:
                alice.ask("message.edit", message_id=sent[-1], content="edited")
        runner.join()
        page = history(alice, room="general")
        check([m["id"] for m in page["messages"]][-len(sent[-100:]):] == sent[-100:],
              "what was said meanwhile is not there")
        check(page["total"] == 40 + len(sent), f"{page['total']} for {len(sent)}")
        salond.stop()
        figures(salond)


ON_EACH = [by_age, by_number, replies, killed, while_talking]

if __name__ == "__main__":
    sys.exit(salon_test.run([by_age, by_number, nothing_left, replies, direct_messages, files,
                             reports, nothing_set, reload, one_room, pinned_many, killed, stopped,
                             while_talking]))
