# SPDX-License-Identifier: Apache-2.0
"""Databases of earlier versions: what salond makes of them is what a new one has.

`salond --schema` prints the steps of each table's owner; the first so many of them are an earlier
version's database.  It gets a room with a message in it, and salond starts on it.
"""

import contextlib
import os
import re
import sqlite3
import subprocess

from salon_test import LIMIT, SALOND, Server, check, signed_in
from test_process import history

ROOM, TIMELINE = 7, 7 * 8 + 1  # a timeline's id: its owner's, and its kind's number

DATA = f"""
INSERT INTO sequences (name, next_value) VALUES ('message', 2);
INSERT INTO rooms (id, name, slug, is_private, is_memory, created_by, created_at)
    VALUES ({ROOM}, 'old', 'old', 0, 0, 2, 1700000000000);
INSERT INTO users (id, name, role) VALUES (2, 'alice', 0);
INSERT INTO timelines (id, seq, message_count) VALUES ({TIMELINE}, 1, 1);
INSERT INTO messages (id, timeline_id, seq, changed_seq, author_id, parent_id, reply_count,
                      created_at, edited_at, content, pinned, deleted)
    VALUES (1, {TIMELINE}, 1, 1, 2, 0, 0, 1700000000000, 0, 'from of old', 0, 0);
"""

DESCRIBE = {
    "pgsql": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable"
             " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2;"
             " SELECT indexdef, '' FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    "mysql": "SELECT table_name, column_name, column_type, collation_name, is_nullable"
             " FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2;"
             " SELECT table_name, index_name, seq_in_index, column_name, non_unique"
             " FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1, 2, 3",
}


class File:
    """The same as databases.Database, for SQLite."""

    def __init__(self, server):
        self.path = os.path.join(server.directory, "state", "salon.db")

    def run(self, script):
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            database.executescript(script)

    def describe(self):
        with contextlib.closing(sqlite3.connect(self.path)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"
                                      " ORDER BY name").fetchall()
            columns = [(name, sorted(row[1:4] for row in
                                     database.execute(f"PRAGMA table_info({name})")))
                       for name, in tables]
            return columns + database.execute("SELECT name, tbl_name FROM sqlite_master"
                                              " WHERE type = 'index' ORDER BY name").fetchall()


def file_of(server):
    return server.database or File(server)


def describe(server):
    if server.database:
        return server.database.ask(DESCRIBE[server.database.engine.driver])
    return File(server).describe()


def steps(server):
    """The script's parts: (version, statements); the first is for all."""
    done = subprocess.run([SALOND, "-q", "-c", server.config], text=True, timeout=LIMIT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(done.returncode == 0, done.stdout)
    parts = re.split(r"^-- (\w+) (\d+)\n", done.stdout, flags=re.M)
    return parts[0], [(int(parts[i + 1]), parts[i + 2]) for i in range(1, len(parts), 3)]


@contextlib.contextmanager
def unstarted():
    server = Server()
    os.makedirs(os.path.join(server.directory, "state"), exist_ok=True)
    failed = True
    try:
        yield server
        failed = False
    finally:
        if server.process:
            server.close(failed)
        else:
            server.remove()


def upgrade(newest, expected):
    """From the version that had no step above `newest`."""
    with unstarted() as server:
        first, parts = steps(server)
        file_of(server).run(first + "".join(text for version, text in parts if version <= newest) +
                            DATA)
        server.start()
        check(describe(server) == expected, f"from version {newest}: another schema")
        check([m["content"] for m in history(server, ROOM)] == ["from of old"], "history")
        with signed_in(server, "alice", ROOM) as client:
            client.say("send_message", room_id=ROOM, content="of today")
            client.hear("message_sent")
        server.stop()
        server.start()
        check([m["content"] for m in history(server, ROOM)] == ["from of old", "of today"],
              "history")


def test_upgrade():
    """Databases of every earlier version become what a new one is; the printed script is one"""
    with Server() as server:
        expected = describe(server)
        most = max(version for version, _ in steps(server)[1])
        check(most > 1, "there is but one version")
    for newest in range(1, most + 1):
        upgrade(newest, expected)


TESTS = [test_upgrade]
