#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Moving data: what salonctl export and import carry from one database to another, of any engine.

Every table there is is filled with what its columns can hold, quotes, emoji and the largest numbers
included; what comes out at the end must be what went in, row for row.  Prints TAP.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (LIMIT, PEOPLE, SALONCTL, SALOND, SLOWER, Server, Skip, check,  # noqa: E402
                        databases, signed_in)

ROWS = 1234     # of each table: several pages, several statements
LARGEST = 2 ** 63 - 1
OWN = {"receipts", "schema_versions"}  # each server's own
TEXTS = ["", "plain", "O'Reilly \"quoted\" \\ back\\slash %s %ld", "\u00e9\u4e16\U0001f600\u200d",
         "\x1a\x01\t\n\r\x7f", " spaces at the end  ", "select x from y where 'z' --", "NULL",
         "x'00'"]


def table(server, statement, *values):
    path = os.path.join(server.directory, "state", "salon.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(statement, values).fetchall()


def columns(server, name):
    """(name, is it text, must it be there, most characters) of each."""
    found = []
    for _, column, kind, needed, _, key in table(server, f"PRAGMA table_info({name})"):
        limit = int(kind[8:-1]) if kind.startswith("VARCHAR(") else 4000
        found.append((column, kind.startswith(("VARCHAR", "TEXT")), needed or key, limit, kind))
    return found


def value(number, column):
    """One that no other row has, of the kinds that there are, in turn."""
    name, text, needed, limit, kind = column
    if not needed and number % 3 == 0:
        return None
    if text:
        return f"{number}:{TEXTS[number % len(TEXTS)]}"[:limit]
    if kind == "SMALLINT":
        return number % 5 - 1
    return LARGEST - number if number % 2 else number - 100


def fill(server):
    """Every table, as a server that has stopped has left it."""
    names = [name for name, in table(server, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    path = os.path.join(server.directory, "state", "salon.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for name in set(names) - OWN:
            found = columns(server, name)
            database.execute(f"DELETE FROM {name}")
            marks = ", ".join("?" for _ in found)
            database.executemany(
                f"INSERT INTO {name} VALUES ({marks})",
                ([value(number, column) for column in found] for number in range(ROWS)))
    return set(names) - OWN


@contextlib.contextmanager
def stopped(**options):
    """A server that has been configured, and never started."""
    server = Server(**options)
    os.makedirs(os.path.join(server.directory, "state"), exist_ok=True)
    try:
        yield server
    finally:
        server.remove()


def export(server):
    """The lines, but for the header, in an order of their own; and the header."""
    lines = server.run_ctl("export")
    check(lines.returncode == 0 and "exported:" in lines.stderr, f"export: {lines.stderr}")
    header, *rows, end = lines.stdout.split("\n")[:-1]
    check(json.loads(end)["end"]["rows"] == len(rows), f"the end says {end}, not {len(rows)}")
    return sorted(rows), json.loads(header), lines.stdout


def load(server, text):
    return subprocess.run([SALONCTL, "-c", server.config, "import"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          errors="surrogateescape", timeout=6 * LIMIT)


def loads(server, text):
    done = load(server, text)
    check(done.returncode == 0, f"import: {done.stderr}")
    check("imported:" in done.stderr and not done.stdout, f"import says {done}")


def refuses(server, text, reason):
    done = load(server, text)
    check(done.returncode == 1 and reason in done.stderr, f"not {reason!r}: {done.stderr}")


def long():
    if SLOWER > 1:
        raise Skip("without a sanitizer only")


def chain(*drivers):
    """From a file through these engines and back into a file: the same rows everywhere."""
    if drivers:
        long()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(stopped())
        first.start()
        first.stop()
        names = fill(first)
        rows, header, text = export(first)
        check(header["engine"] == "sqlite3" and header["format"] == 1, header)
        check(len(rows) == ROWS * len(names), f"{len(rows)} rows of {len(names)} tables")
        check({json.loads(row)["table"] for row in rows} == names, "a table is missing")
        for driver in drivers:
            engine = stack.enter_context(databases.make(driver))
            server = stack.enter_context(stopped(settings=engine.fresh().settings()))
            loads(server, text)
            came, header, text = export(server)
            check(header["engine"] == driver, header)
            check(came == rows, f"{driver}: other rows: " +
                  str([pair for pair in zip(rows, came) if pair[0] != pair[1]][:1]))
        last = stack.enter_context(stopped())
        loads(last, text)
        for name in names:
            check(sorted(map(repr, table(last, f"SELECT * FROM {name}"))) ==
                  sorted(map(repr, table(first, f"SELECT * FROM {name}"))), f"{name} differs")


def test_file():
    """Through a file: every table, row for row"""
    chain()


def test_pgsql():
    """Through PostgreSQL: every table, row for row"""
    chain("pgsql")


def test_mysql():
    """Through MariaDB: every table, row for row"""
    chain("mysql")


def test_pgsql_to_mysql():
    """From PostgreSQL to MariaDB and back: every table, row for row"""
    chain("pgsql", "mysql", "pgsql")


def lived_in(server):
    """Some people, a room, messages, and, with the plugin, a conversation; the room's id."""
    room = server.ctl("room", "add", "general")
    with signed_in(server, "alice", room) as alice, signed_in(server, "bob", room) as bob:
        for number in range(3):
            alice.say("send_message", room_id=room, content=f"number {number} of @bob's")
            bob.hear("room_message")
        if "dm" in server.plugins:
            bob.say("create_dm", user1_id=PEOPLE["bob"][0], user2_id=PEOPLE["alice"][0])
            bob.hear("dm_created")
    return room


def test_goes_on():
    """A server goes on where the other one was: histories, positions, ids given once"""
    with Server() as old, stopped() as new:
        room = lived_in(old)
        before = old.ctl("room", "members", "general")
        old.stop()
        loads(new, export(old)[2])
        new.start()
        check(new.ctl("room", "members", "general") == before, "other members")
        check(new.ctl("room", "add", "second") == room + 1, "the ids of rooms begin again")
        with signed_in(new, "alice", room) as alice:
            alice.say("get_history", room_id=room)
            messages = alice.hear("room_history")["messages"]
            check([m["content"] for m in messages] ==
                  [f"number {n} of @bob's" for n in range(3)], messages)
            alice.say("send_message", room_id=room, content="and one here")
            sent = alice.hear("message_sent")["message_id"]
            check(sent > messages[-1]["id"], "an id is given twice")
        new.stop()


def test_beside():
    """An export beside a running server is of one moment; an import is refused there"""
    with Server() as server, stopped() as other:
        lived_in(server)
        rows, _, text = export(server)
        refuses(server, text, "another server uses")
        loads(other, text)
        check(export(other)[0] == rows, "other rows")
        room = server.ctl("room", "add", "late")
        server.kill()
        refuses(server, text, "not empty: table sequences has rows")
        server.start()
        check(f"{room}\tlate\t" in server.ctl("room", "list"), "what followed an export is lost")


def test_files():
    """FILE in the place of standard input and output"""
    with Server() as server, stopped() as other:
        lived_in(server)
        path = os.path.join(server.directory, "export")
        check(server.ctl("export", path) == "", "export says something")
        check(os.stat(path).st_mode & 0o777 == 0o600, "others may read it")
        check("exists" in server.ctl_fails("export", path), "a file is overwritten")
        check(other.ctl("--json", "import", path) == "", "import says something")
        check("No such file" in other.ctl_fails("import", path + "-"), "a file that is not there")
        check("a server has run" not in other.ctl_fails("import", os.devnull), "nothing")


def test_nothing():
    """Where there is no database, an export fails, and leaves nothing behind"""
    with stopped() as server:
        path = os.path.join(server.directory, "export")
        check("no database" in server.ctl_fails("export", path), "not: no database")
        check(not os.path.exists(path) and
              not os.path.exists(os.path.join(server.directory, "state", "salon.db")),
              "something is left")
        with open(os.path.join(server.directory, "state", "salon.db"), "wb"):
            pass
        check("no server has used" in server.ctl_fails("export"), "an empty database")


def test_damaged():
    """What is not an export, or not all of one, changes nothing"""
    with Server() as server, stopped() as other:
        lived_in(server)
        _, _, text = export(server)
        lines = text.split("\n")[:-1]
        row = next(i for i, line in enumerate(lines) if '"messages"' in line and '"row"' in line)
        header, header_line = json.loads(lines[0]), lines[0]
        sequences = sum('"sequences"' in line for line in lines[1:])

        def changed(place, line):
            return "\n".join(lines[:place] + [line] + lines[place + 1:]) + "\n"

        def headed(**members):
            return changed(0, json.dumps({**header, **members}))

        message = json.loads(lines[row])

        def told(**members):
            values = {**message["row"], **members}
            return changed(row, json.dumps({**message, "row": values}))

        here = f"line {row + 1}: "
        fewer = {k: v for k, v in message["row"].items() if k != "seq"}
        wrong = [
            ("", "line 1: not the header"),
            ("{}\n", "line 1: not the header"),
            (headed(salon="user"), "line 1: not the header"),
            (headed(schema=[]), "line 1: not the header"),
            (headed(format=2), "a format that this program does not know"),
            (headed(schema={**header["schema"], "rooms": 99}), "does not know version 99"),
            (headed(schema={**header["schema"], "rooms": "1"}), "does not know version 0"),
            (headed(schema={**header["schema"], "rooms": -2**32 + 1}), "does not know version -"),
            (headed(schema={**header["schema"], "nosuch": 1}), "the tables of nosuch: "),
            (headed(schema={**header["schema"], "../x": 1}), "the tables of ../x: "),
            ("\n".join(lines[:-1]) + "\n", "the end is missing"),
            ("\n".join(lines[:row] + lines[row + 1:]) + "\n", "rows are missing"),
            (text + lines[row] + "\n", "something follows the end"),
            ("\n".join(line for line in lines if '"sequences"' not in line or line in header_line)
             .replace(f'"rows":{len(lines) - 2}', f'"rows":{len(lines) - 2 - sequences}') + "\n",
             "no sequences"),
            (changed(row, "{"), here + "not a JSON object"),
            (changed(row, ""), here + "not a JSON object"),
            (changed(row, "[]"), here + "not a JSON object"),
            (changed(row, lines[row] + "\0"), here + "not a JSON object"),
            (changed(row, lines[row].replace("number", "num\0ber")), here + "not a JSON object"),
            (changed(row, lines[row].replace("number", "num\\u0000ber")),
             here + "not a JSON object"),
            (changed(row, lines[row].replace("number", "num\udcffber")),
             here + "not a JSON object"),
            (changed(row, '{"a": 1}'), here + "neither a row nor the end"),
            (changed(row, '{"table": 1, "row": {}}'), here + "no row of a table"),
            (changed(row, '{"table": "messages", "row": []}'), here + "no row of a table"),
            (changed(row, '{"table": "nosuch", "row": {}}'), here + "no row of a table"),
            (changed(row, '{"table": "schema_versions", "row": {"owner": "x"}}'),
             here + "no row of a table"),
            (changed(row, json.dumps({**message, "row": fewer})), here + "the table has other"),
            (changed(row, json.dumps({**message, "row": {**fewer, "nosuch": 1}})),
             here + "the table has other"),
            (told(nosuch=1), here + "the table has other"),
            (told(seq="1"), here + "messages.seq is not an integer"),
            (told(seq=1.5), here + "messages.seq is not an integer"),
            (told(seq=None), here + "messages.seq is missing"),
            (told(seq=2**63), here + "not a JSON object"),
            (told(pinned=2**15), here + "messages.pinned is out of range"),
            (told(content=1), here + "messages.content is not a text"),
            (told(client_key="\u00e9" * 161), here + "messages.client_key is too long"),
        ]
        for damaged, reason in wrong:
            refuses(other, damaged, reason)
        refuses(other, text.replace(lines[row], lines[row] + "\n" + lines[row]).replace(
            f'"rows":{len(lines) - 2}', f'"rows":{len(lines) - 1}'), "a key is there twice")
        loads(other, text)


def test_again():
    """What could not be finished can be done again; what was, can not"""
    with Server() as server, stopped() as other:
        lived_in(server)
        _, _, text = export(server)
        refuses(other, text[:len(text) // 2], "line ")
        loads(other, text)
        refuses(other, text, "not empty: table sequences has rows")


def test_filled():
    """Rows that somebody has put there stay: an import is refused"""
    with Server() as server, stopped() as other:
        _, _, text = export(server)
        refuses(other, text.split("\n")[0] + "\n", "the end is missing")
        table(other, "INSERT INTO users (id, name, role) VALUES (7, 'mallory', 0)")
        refuses(other, text, "not empty: table users has rows")
        check(len(table(other, "SELECT * FROM users")) == 2, "a row has gone")


def person(server, name):
    """The header and the lines of somebody's rows."""
    done = server.run_ctl("user", "export", name)
    check(done.returncode == 0 and "exported:" in done.stderr, done.stderr)
    header, *rows, end = done.stdout.splitlines()
    check(json.loads(end)["end"]["rows"] == len(rows), end)
    return json.loads(header), rows


def personal(server):
    """Where ids of people stand: the columns of each table."""
    done = subprocess.run([SALOND, "-c", server.config, "--list"], text=True,
                          stdout=subprocess.PIPE, check=True)
    found = {}
    for kind, _, place, *_ in (line.split("\t") for line in done.stdout.splitlines()):
        if kind == "personal":
            found.setdefault(place.split(".")[0], []).append(place.split(".")[1])
    return found


def test_person():
    """One person's rows, and nobody else's, by name and by id; they are nothing to import"""
    with Server() as server, stopped() as other:
        lived_in(server)
        bob = PEOPLE["bob"][0]
        header, rows = person(server, "bob")
        check(header["salon"] == "person" and header["user_id"] == bob, header)
        check({json.loads(row)["table"] for row in rows} >=
              {"users", "room_members", "dm_conversations"}, rows)
        path = os.path.join(server.directory, "bob")
        server.ctl("--json", "user", "export", bob, path)
        check(os.stat(path).st_mode & 0o777 == 0o600, "others may read it")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        check(text.splitlines()[1:-1] == rows, "by id they are others")
        refuses(other, text, "line 1: not the header")
        check("nobody is called" in server.ctl_fails("user", "export", "nobody"), "somebody")
        check("usage" in server.ctl_fails("user", "export"), "no usage")


def test_person_whole():
    """Somebody whose id stands in every column: each row that plugins name, once"""
    with Server() as server:
        server.stop()
        fill(server)
        table(server, "DELETE FROM timelines_going")  # what is there is said to be gone
        somebody = value(1000, ("user_id", False, True, 0, "BIGINT"))
        places = personal(server)

        def concerned(row):
            return any(row["row"][name] == somebody for name in places.get(row["table"], []))

        rows = [row for row in export(server)[0] if concerned(json.loads(row))]
        check({json.loads(row)["table"] for row in rows} == set(places), "not every table")
        check(sorted(person(server, somebody)[1]) == rows, "other rows")


# In a small process: what a child has had before it became another program counts, too.
MEASURE = """import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stderr=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""


def peak(server, *words):
    """The most memory that salonctl needs, in megabytes."""
    told = subprocess.run([sys.executable, "-c", MEASURE, SALONCTL, "-c", server.config, *words],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    status, kilobytes = map(int, told.split())
    check(status == 0, f"{words}: exit status {status}")
    return kilobytes // 1024


def test_memory():
    """However much there is, and however long the texts: memory stays bounded"""
    long()
    with Server() as server, stopped() as other:
        lived_in(server)
        server.stop()
        path = os.path.join(server.directory, "export")
        few = peak(server, "export", path)
        table(server,
              "INSERT INTO messages (id, timeline_id, seq, changed_seq, author_id, parent_id,"
              " reply_count, created_at, edited_at, content, pinned, deleted)"
              " SELECT id + 1000000 * n, timeline_id, seq + 10 * n, 0, author_id, 0, 0, 0, 0,"
              " hex(zeroblob(30000)), 0, 0"
              " FROM messages, (WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL"
              " SELECT n + 1 FROM numbers WHERE n < 350) SELECT n FROM numbers)"
              " WHERE author_id = 2")
        os.unlink(path)
        much = peak(server, "export", path)
        check(os.stat(path).st_size > 50 << 20, "not much")
        check(much < few + 40, f"{much} MB for an export, {few} MB of little")
        much = peak(other, "import", path)
        check(much < few + 40, f"{much} MB for an import")


def test_too_long():
    """A line that is too long is refused before there is no memory left"""
    with stopped() as server:
        done = load(server, "{" + " " * (65 << 20))
        check(done.returncode == 1 and "line 1: too long" in done.stderr, done.stderr)


def test_other_plugins():
    """Data of plugins that are not configured goes along"""
    with Server() as server, stopped(plugins=["rooms", "veza"]) as other:
        lived_in(server)
        rows, _, text = export(server)
        server.stop()
        loads(other, text)
        check(export(other)[0] == rows, "other rows")


def test_older():
    """An export of an older version's database becomes a newer one where it is imported"""
    plugins = ["rooms", "veza"]
    with Server(plugins=plugins) as server, stopped(plugins=plugins) as other, stopped() as newer:
        lived_in(server)
        server.stop()
        _, _, text = export(server)
        lines = [json.loads(line) for line in text.split("\n")[:-1]]
        lines[0]["schema"]["rooms"] = 1
        lines = [line for line in lines if line.get("table") != "videos"]
        for line in lines:
            if line.get("table") == "rooms":
                line["row"].pop("description"), line["row"].pop("anonymous")
        old = "\n".join(map(json.dumps, lines)) + "\n"
        loads(other, old)
        refuses(newer, text[:len(text) // 2], "line ")
        refuses(newer, old, "of them is there, and the export has 1")
        other.start()
        rooms = other.ctl("room", "list")
        check(rooms == "1\tgeneral\tgeneral\ttrue\t2", rooms)
        other.ctl("video", "add", 7, "A title")
        other.stop()


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
