#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A place that is removed has gone at once, with all that was said there; the rows follow.

They go in steps with pauses, so that what is asked for right after the removal of a long history
finds rows of it in the database, and nothing else does.  Prints TAP.
"""

import json
import signal
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
import test_moving  # noqa: E402
from salon_test import LIMIT, PEOPLE, check, until  # noqa: E402
from test_media import Probe, Web, png  # noqa: E402
from test_retention import ask, figures, fill, history, metric, send, server, write  # noqa: E402

MANY = 10000  # messages: a hundred steps
BOB = PEOPLE["bob"][0]
GENERAL = 1   # the room's id
REFUSED = ("message_not_found", "room_not_found")


def left(salond):
    """Of the messages, those whose place has gone, while the server is down."""
    return ask(salond, "SELECT COUNT(*) FROM messages WHERE timeline_id NOT IN"
                       " (SELECT id FROM timelines)")[0][0]


def all_gone(salond):
    """However long the pauses are, which grow with what else there is to do."""
    until(lambda: metric(salond, "timelines_going") == 0, "everything has gone", 20 * LIMIT)


def nothing_left(salond):
    """And what else there is, is whole."""
    all_gone(salond)
    salond.stop()
    check(left(salond) == 0, f"{left(salond)} messages are left")
    check(ask(salond, "SELECT COUNT(*) FROM timelines_going") == [[0]], "a mark is left")
    figures(salond)


def vanished(probe, message_id, place):
    """Nobody finds the message, whatever names it; place: another one."""
    for kind, arguments in (("message.edit", {"content": "new"}), ("message.delete", {}),
                            ("room.pin", {**place, "pin": True}),
                            ("reaction.add", {"emoji": "👍"}), ("reaction.list", {}),
                            ("report.add", {"reason": "none"})):
        code = probe.refused(kind, message_id=message_id, **arguments)
        check(code == "message_not_found", f"{kind}: {code}")
    for where in ("around", "before", "after"):
        code = probe.refused("room.history", **place, **{where: message_id})
        check(code == "message_not_found", f"{where}: {code}")
    code = probe.refused("room.send", **place, content="reply", parent_id=message_id)
    check(code == "message_not_found", f"reply: {code}")


def at_once():
    """Gone when the removal is answered: the place, its messages, its name and client ids"""
    with server() as salond:
        salond.ctl("room", "add", "other", "--owner", "alice")
        fill(salond, MANY, 1)
        alice, bob = Probe(salond, "alice"), Probe(salond, "bob")
        bob.ask("room.join", room="general")
        other = send(alice, "stays", room="other")
        old = send(alice, "old", room="general", client_id="again")
        alice.ask("reaction.add", message_id=old, emoji="👍")
        history(alice, room="general", around=10**12 + 1)
        check(alice.ask("room.remove", room="general")["id"] == GENERAL, "another room")
        for message_id in (old, 10**12 + 1, 10**12 + MANY):
            vanished(alice, message_id, {"room": "other"})
        check(bob.refused("room.history", room_id=GENERAL) == "room_not_found", "still there")
        check(bob.refused("room.send", room_id=GENERAL, content="x") == "room_not_found", "heard")
        check(alice.ask("room.create", name="general")["id"] > GENERAL + 1, "an id twice")
        sent = alice.ask("room.send", room="general", content="new", client_id="again")
        check("known" not in sent and sent["message"]["id"] > old, f"{sent}")
        sent = alice.ask("room.send", room="general", content="new", client_id="again")
        check(sent["known"] and sent["message"]["content"] == "new", f"{sent}")
        check(history(alice, room="general")["total"] == 1, "the new room has the old messages")
        all_gone(salond)
        check(metric(salond, "messages_removed_total") == MANY + 1, "counted otherwise")
        check(metric(salond, "messages_expired_total") == 0, "counted as too old")
        check(history(alice, room="other")["messages"][0]["id"] == other, "another one has gone")
        nothing_left(salond)
        check(ask(salond, "SELECT COUNT(*) FROM messages") == [[2]], "not both")


def removed_in_part(salond):
    """A long room, of which some has gone: the id of its last message."""
    fill(salond, MANY, 1)
    alice = Probe(salond, "alice")
    last = send(alice, "last", room="general", client_id="again")
    alice.ask("room.remove", room="general")
    alice.client.close()
    until(lambda: metric(salond, "messages_removed_total") > 0, "some have gone")
    return last


def goes_on(salond, last):
    """After a start."""
    check(left(salond) > 0, "nothing was left to be done")
    check(ask(salond, "SELECT COUNT(*) FROM timelines_going") == [[1]], "not marked")
    salond.start()
    alice = Probe(salond, "alice")
    alice.ask("room.create", name="general")
    vanished(alice, last, {"room": "general"})
    check("known" not in alice.ask("room.send", room="general", content="new", client_id="again"),
          "a message of a removed room was found again")
    nothing_left(salond)


def killed():
    """Killed in the middle: still gone for everybody, and the rows follow"""
    with server() as salond:
        last = removed_in_part(salond)
        salond.kill()
        goes_on(salond, last)


def stopped():
    """Stopping does not wait for it"""
    with server() as salond:
        last = removed_in_part(salond)
        salond.process.send_signal(signal.SIGTERM)
        salond.expect_exit(0)
        goes_on(salond, last)


def many():
    """Many small ones at once, of both kinds, and of those that keep nothing"""
    with server() as salond:
        alice, said = Probe(salond, "alice"), []
        names = [f"small-{i}" for i in range(120)]
        for name in names:
            alice.say("room.create", name=name)
        for name in names:
            alice.hear("answer", "room.create")
        for i, name in enumerate(names[:80]):
            said += [send(alice, "one", room=name) for _ in range(i % 3)]
        said.append(send(alice, "hello", user_id=BOB))
        salond.ctl("room", "add", "memory", "--memory", "--owner", "alice")
        for name in [*names, "memory"]:
            alice.say("room.remove", room=name)
        alice.say("dm.delete", user_id=BOB)
        for _ in range(len(names) + 1):
            check("refused" not in alice.hear("answer", "room.remove"), "refused")
        alice.hear("answer", "dm.delete")
        for message_id in said:
            check(alice.refused("message.edit", message_id=message_id, content="x") ==
                  "message_not_found", f"{message_id} is found")
        all_gone(salond)
        check(metric(salond, "messages_removed_total") == len(said), "counted otherwise")
        nothing_left(salond)


def racing():
    """Who says or changes something meanwhile is answered, by yes or by not found"""
    with server() as salond:
        alice, bob = Probe(salond, "alice"), Probe(salond, "alice")
        for turn in range(15):
            name = f"turn {turn}"
            alice.ask("room.create", name=name)
            said = send(alice, "said", room=name)
            for i in range(6):
                bob.say("message.edit", message_id=said, content=f"{i}")
                bob.say("room.send", room=name, content=f"{i}", client_id=f"{turn} {i}")
                bob.say("reaction.add", message_id=said, emoji="👍")
                if i == turn % 6:
                    alice.say("room.remove", room=name)
            for kind in ("message.edit", "room.send", "reaction.add") * 6:
                answer = bob.hear("answer", kind)
                check(answer.get("code") in (None, *REFUSED), f"{kind}: {answer}")
            check("refused" not in alice.hear("answer", "room.remove"), "not removed")
            vanished(alice, said, {"room": "general"})
        nothing_left(salond)


def files():
    """A file is used by no message of a place that has gone, also where that is found at a start"""
    with server() as salond:
        fill(salond, MANY, 1)
        web, alice = Web(salond, "alice"), Probe(salond, "alice")
        media = web.added(png(1))["media_id"]
        said = send(alice, "look", room="general", media={"ids": [media]})
        alice.ask("room.remove", room="general")
        salond.kill()
        web.close()
        check(ask(salond, f"SELECT COUNT(*) FROM messages WHERE id = {said}") == [[1]],
              "it has gone already")
        write(salond, "DELETE FROM media_uses",  # it may not have been, when the server died
              "INSERT INTO media_uses (media_id, message_id, topic_kind, topic_id)"
              f" VALUES ({media}, {said}, 'room', {GENERAL})")
        salond.start()
        rows = json.loads(salond.ctl("--json", "media", "list"))["media"]
        check([row["uses"] for row in rows] == [0], f"{rows}")
        nothing_left(salond)


def exported():
    """An export carries what is left, and an import goes on; it is nobody's personal data"""
    with server() as salond:
        removed_in_part(salond)
        salond.stop()
        check(left(salond) > 0, "nothing was left to be done")
        mine = [json.loads(line) for line in salond.ctl("user", "export", "alice").splitlines()]
        check("users" in [row.get("table") for row in mine], "alice is not in it")
        check("messages" not in [row.get("table") for row in mine], "what has gone is in it")
        with test_moving.stopped(plugins=salond.plugins, test_plugins=True) as other:
            test_moving.loads(other, test_moving.export(salond)[2])
            check(left(other) == left(salond), "not what was left")
            other.start()
            nothing_left(other)


ON_EACH = [at_once, killed, many, racing]

if __name__ == "__main__":
    sys.exit(salon_test.run([at_once, killed, stopped, many, racing, files, exported]))
