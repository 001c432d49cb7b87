#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What conversations cannot say of moderation: the file of words, and time that passes."""

import contextlib
import os
import signal
import sqlite3
import sys
import time

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import Server, check, signed_in, until  # noqa: E402

PLUGINS = ["rooms", "dm", "moderation", "veza"]


def server_with(words=None, **options):
    """A server, not started yet, with a file of words."""
    server = Server(plugins=PLUGINS, **options)
    write_words(server, words or "")
    if words is not None:
        with open(server.config, "a", encoding="utf-8") as file:
            file.write('moderation { words_file = "words" }\n')
    return server


def write_words(server, text):
    with open(os.path.join(server.directory, "words"), "w", encoding="utf-8") as file:
        file.write(text)


def table(server, statement, *values):
    path = os.path.join(server.directory, "state", "salon.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).fetchall()


def send(client, room, text):
    """What has been said, or the code of the refusal."""
    client.say("send_message", room_id=room, content=text)
    answer = client.message()
    if answer["type"] == "error":
        return answer["data"]["code"]
    client.hear("room_message")
    return answer["data"]["content"]


def test_expiry():
    """A sanction ends by itself, in memory and in the table"""
    with server_with(listener={"abuse_limit": 0}, endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        signed_in(server, "alice", room).close()
        server.ctl("user", "mute", "alice", "--room", "general", "--minutes", 1)
        server.stop()
        end = int(time.time() * 1000) + 1500
        table(server, "UPDATE sanctions SET expires_at = ?", end)
        server.start()
        with signed_in(server, "alice", room) as client:
            first = send(client, room, "a")
            check(time.time() * 1000 >= end or first == "USER_BLOCKED", f"muted, but: {first}")
            until(lambda: send(client, room, "b") == "b", "the mute ends")
            check(time.time() * 1000 >= end, "it ended early")
        check(server.ctl("user", "sanctions", "--room", "general") == "slow_seconds\t0", "listed")


def test_over_while_away():
    """What has ended while the server was away is forgotten at its start"""
    with server_with() as server:
        signed_in(server, "alice").close()
        server.ctl("user", "ban", "alice", "--minutes", 1)
        server.stop()
        table(server, "UPDATE sanctions SET expires_at = 1")
        server.start()
        signed_in(server, "alice").close()
        until(lambda: not table(server, "SELECT * FROM sanctions"), "the table is empty")


def test_many():
    """Of many who are sanctioned those whose time is over are forgotten, and nobody else"""
    with server_with() as server:
        room = server.ctl("room", "add", "general")
        signed_in(server, "alice").close()
        server.ctl("user", "ban", "alice", "--room", "general")
        server.stop()
        for number in range(300):
            table(server, "INSERT INTO sanctions (user_id, place, kind, expires_at, created_at,"
                  " created_by) VALUES (?, 'room/general', 2, ?, 1, 1)", 100 + number, number % 2)
        server.start()
        until(lambda: len(table(server, "SELECT * FROM sanctions")) == 151, "half of them went")
        listed = server.ctl("user", "sanctions", "--room", "general").splitlines()
        check(sum("ban" in line for line in listed) == 151, f"{len(listed)} lines")
        with signed_in(server, "alice") as client:
            check(send(client, room, "a") != "a", "a ban has ended")


def test_words():
    """Words are refused or masked, in rooms and in direct messages; SIGHUP reads them again"""
    with server_with("# words\nspam\ndarn = mask\n/[0-9]{6,}/ = mask\n") as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client, signed_in(server, "bob") as bob:
            check(send(client, room, "buy SPAM!") == "PERMISSION_DENIED", "not refused")
            check(send(client, room, "spammer") == "spammer", "not a whole word")
            check(send(client, room, "Darn é 1234567") == "**** é *******", "not masked")
            client.say("create_dm", user1_id=2, user2_id=3)
            dm = client.hear("dm_created")["conversation_id"]
            client.say("send_dm", conversation_id=dm, content="darn")
            check(client.hear("dm_message")["content"] == "****", "not masked for alice")
            check(bob.hear("dm_message")["content"] == "****", "not masked for bob")

            write_words(server, "/bad(/\n")
            server.process.send_signal(signal.SIGHUP)
            until(lambda: "words: line 1: " in server.log(), "the mistake is in the log")
            check(send(client, room, "darn") == "****", "the words that were there are gone")

            write_words(server, "other\n")
            server.ctl("reload")
            check(send(client, room, "darn spam") == "darn spam", "still refused")
            check(send(client, room, "other") == "PERMISSION_DENIED", "not refused")


def test_words_wrong():
    """With a file of words that is wrong or missing the server does not start"""
    for spoil in (lambda server: write_words(server, "fine\n/bad(/\n"),
                  lambda server: os.unlink(os.path.join(server.directory, "words"))):
        server = server_with("fine\n")
        try:
            spoil(server)
            try:
                server.start()
                raise salon_test.Failure("it starts")
            except salon_test.Failure as failure:
                check("words_file: " in str(failure), str(failure))
        finally:
            if server.running():
                server.kill()
            server.remove()


def test_ban_race():
    """Whoever joins while being banned does not hear the room in the end"""
    with server_with() as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as alice, signed_in(server, "bob") as bob:
            for number in range(10):
                bob.say("join_room", room_id=room)
                server.ctl("user", "ban", "bob", "--room", "general")
                joined = bob.message()["type"]
                check(joined in ("room_joined", "error"), joined)
                check(send(alice, room, f"{number}") == f"{number}", "alice cannot speak")
                bob.say("ping", timestamp="2024-01-01T12:00:00Z")
                bob.hear("pong")
                server.ctl("user", "lift", "bob", "--room", "general")


def test_audit_days():
    """Old entries of the audit log are removed where the configuration says so"""
    server = Server(plugins=PLUGINS, settings="moderation { audit_days = 1 }")
    with server:
        signed_in(server, "alice").close()
        server.ctl("user", "kick", "alice")
        server.ctl("user", "kick", "alice")
        server.stop()
        table(server, "UPDATE audit_log SET created_at = 1 WHERE id = (SELECT MIN(id)"
                      " FROM audit_log)")
        server.start()
        until(lambda: len(table(server, "SELECT id FROM audit_log")) == 1, "one is gone")
        check(len(server.ctl("audit").splitlines()) == 1, "not listed")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
