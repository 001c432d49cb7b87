# SPDX-License-Identifier: Apache-2.0
"""How each engine goes about what salond asks of it, on tables that are not small.

A preloaded library (faults/statements.c) writes down what salond really asks; each statement about
messages and timelines is then explained by the engine itself.  A plan that reads a whole table, or
sorts, fails, and so does a page of history that takes more than one query, or any from memory.
"""

import contextlib
import json
import os
import re
import sqlite3

import salon_test
from salon_test import Client, Server, Skip, check
from upgrade import file_of

STATEMENTS = salon_test.find_built("SALON_STATEMENTS_LIBRARY", "test/faults/.libs/statements.so")
MESSAGES, OTHERS = 3000, 2000  # in the room; other timelines, of one message each
FIRST = 1000000                # ids, below those of salond's own
TEXT = 0x1


class Watched(Server):
    """A server that writes down what it asks."""

    def __init__(self):
        if salon_test.SLOWER > 1:
            raise Skip("a sanitizer has to be loaded first")
        if not STATEMENTS or not os.path.exists(STATEMENTS):
            raise Skip("what writes statements down has not been built")
        super().__init__(plugins=["rooms", "veza", "probe"], test_plugins=True)
        self.record = os.path.join(self.directory, "statements")
        self.session = ""  # what salond has set for its own connections
        self.environment = {"LD_PRELOAD": STATEMENTS, "SALON_STATEMENTS": self.record}

    def asked(self):
        """What has been asked since, about messages and timelines."""
        with open(self.record, "r+b") as file:
            statements = file.read().decode().split("\0")
            file.truncate(0)
        self.session += "".join(s + "; " for s in statements if s.startswith("SET "))
        plain = [re.sub(r"^/\*.*?\*/ ", "", statement) for statement in statements]
        return [statement for statement in plain if re.search("messages|timelines", statement)]


class Asker(Client):
    """A client of the tests' own dialect."""

    def __init__(self, server):
        super().__init__(server, "probe")
        self.open(path=f"{self.path}?token={server.token('alice')}")
        self.message()

    def ask_for(self, operation, **arguments):
        self.frame(TEXT, json.dumps({"type": operation, "args": arguments}))
        while (message := self.message()).get("answer") != operation:
            check("refused" not in message, f"{operation} {arguments}: {message}")
        return message["data"]


def metrics(server):
    with Client(server) as client:
        text = client.get("/metrics")[2]
    return {name: int(value) for name, value in re.findall(r"^salon_(\S+) (\d+)$", text, re.M)}


def fill(server, room):
    """A long history in one room, and many other timelines, as a server in use has them."""
    timeline = room * 8 + 1
    rows = [f"({FIRST + i}, {timeline}, {i + 1}, {i + 1}, 2, 0, 0, 1700000000000, 0, 'text', 0, 0)"
            for i in range(MESSAGES)]
    rows += [f"({FIRST + MESSAGES + i}, {9000001 + 8 * i}, 1, 1, 2, 0, 0, 1700000000000, 0,"
             f" 'text', 0, 0)" for i in range(OTHERS)]
    others = ", ".join(f"({9000001 + 8 * i}, 1, 1)" for i in range(OTHERS))
    file_of(server).run(
        "INSERT INTO messages (id, timeline_id, seq, changed_seq, author_id, parent_id,"
        " reply_count, created_at, edited_at, content, pinned, deleted)"
        f" VALUES {', '.join(rows)};"
        f" INSERT INTO timelines (id, seq, message_count) VALUES {others};"
        f" UPDATE timelines SET seq = {MESSAGES}, message_count = {MESSAGES}"
        f" WHERE id = {timeline};")


# ---- What an engine says of a statement ---------------------------------------------------------

def explain_sqlite(server, statement):
    """A table is named as what is put together of it, so a scan of that is let through."""
    with contextlib.closing(sqlite3.connect(file_of(server).path)) as database:
        rows = [row[3] for row in database.execute("EXPLAIN QUERY PLAN " + statement)]
    made = sum(bool(re.match("CO-ROUTINE|MATERIALIZE", row)) for row in rows)
    own = ("CONSTANT ROW", "json_each")  # rows that stand in the statement
    scans = [row for row in rows if row.startswith("SCAN") and not any(o in row for o in own)]
    bad = [row for row in rows if "TEMP B-TREE" in row or row.startswith("SCAN timelines")]
    return rows, bad + scans[made:]


def explain_pgsql(server, statement):
    answer = server.database.ask(f"{server.session} EXPLAIN {statement}")
    rows = [row[0].strip() for row in answer]
    return rows, [row for row in rows if re.search(r"Seq Scan|\bSort\b", row)]


def explain_mysql(server, statement):
    rows = server.database.ask(f"{server.session} EXPLAIN {statement}")
    bad = [row for row in rows
           if re.search("filesort|temporary", row[-1])
           or row[2] in ("messages", "timelines") and row[3] in ("ALL", "index")]
    return [" ".join(row) for row in rows], bad


EXPLAIN = {None: explain_sqlite, "pgsql": explain_pgsql, "mysql": explain_mysql}

# The condition on the position is part of the search in the index, by each engine's own words.
POSITION = {None: r"SEARCH .*seq[<>]", "pgsql": r"Index Cond: .*seq", "mysql": r"messages range "}


def examine(server, statement):
    driver = server.database and server.database.engine.driver
    rows, bad = EXPLAIN[driver](server, statement)
    text = "\n".join([statement[:1500], *rows])
    check(not bad, f"{bad}\n{text}")
    if re.search(r"seq (<|>|<=|>=) ", statement):
        check(any(re.search(POSITION[driver], row) for row in rows), f"not by position:\n{text}")


# ---- The test -----------------------------------------------------------------------------------

PAGES = [
    {"before": FIRST + 1500}, {"after": FIRST + 1500}, {"around": FIRST + 1500}, {"since": 1500},
    {"before": FIRST + 1500, "limit": 100}, {"offset": 500}, {"before": FIRST + 10},
]


def page(server, client, room, queries, **arguments):
    """A page, which must cost that many queries, and nothing else; what was asked for it."""
    server.asked()
    before = metrics(server)
    data = client.ask_for("room.history", room_id=room, **arguments)
    after = metrics(server)
    asked = server.asked()
    check(data["messages"], f"{arguments}: no messages")
    check(after["store_queries_total"] - before["store_queries_total"] == queries == len(asked) and
          after["store_statements_total"] == before["store_statements_total"],
          f"{arguments}: not {queries} but {asked}")
    return asked


def examine_all(server, client, room):
    for arguments in PAGES:
        for statement in page(server, client, room, 1, **arguments):
            examine(server, statement)
    page(server, client, room, 0)
    page(server, client, room, 0, before=FIRST + MESSAGES - 10)
    server.asked()
    client.ask_for("room.send", room_id=room, content="hello")
    client.ask_for("room.send", room_id=room, content="hello again")
    for statement in server.asked():
        if not statement.startswith("INSERT"):
            examine(server, statement)


def test_plans():
    """A page of history is one query, by index; from memory it is none; sending scans nothing"""
    with Watched() as server:
        room = int(server.ctl("room", "add", "long"))
        fill(server, room)
        with Asker(server) as client:
            client.ask_for("room.join", room_id=room)
            client.ask_for("room.history", room_id=room, limit=1)
            for statement in server.asked():
                if re.match("SELECT.*ORDER BY", statement, re.I):
                    examine(server, statement)
            examine_all(server, client, room)
            if server.database:
                analyze = {"pgsql": "ANALYZE", "mysql": "ANALYZE TABLE messages, timelines"}
                server.database.ask(analyze[server.database.engine.driver])
                examine_all(server, client, room)


TESTS = [test_plans]
