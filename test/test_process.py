#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""salond and salonctl as processes: command line, refusing to start, signals, crashes, HTTP."""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (LIMIT, PEOPLE, PLUGIN_DIR, SALONCTL, SALOND, Client, Closed,  # noqa: E402
                        Failure, Server, Skip, base64url, check, claims_of, signed_in,
                        still_serves, until)


@contextlib.contextmanager
def unstarted(**options):
    """A server's files, without the server."""
    server = Server(**options)
    os.makedirs(os.path.join(server.directory, "state"), exist_ok=True)
    try:
        yield server
    finally:
        shutil.rmtree(server.directory, ignore_errors=True)


def salond(*words):
    """Exit status and output of a salond that is to end by itself."""
    try:
        done = subprocess.run([SALOND, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=LIMIT, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"salond {' '.join(words)} goes on running:\n"
                      f"{(late.stdout or b'').decode()}") from None
    check(not salon_test.REPORTS.search(done.stdout), done.stdout)
    return done.returncode, done.stdout


def change(server, old, new):
    with open(server.config, encoding="utf-8") as file:
        text = file.read()
    check(old in text, f"not in the configuration: {old}")
    with open(server.config, "w", encoding="utf-8") as file:
        file.write(text.replace(old, new, 1))


def line_of(server, text):
    with open(server.config, encoding="utf-8") as file:
        return next(n for n, line in enumerate(file, 1) if text in line)


def refuses_to_start(server, *words):
    """Exit status 1 and a line with those words; no secret in it."""
    status, output = salond("-c", server.config)
    check(status == 1, f"exit status {status}:\n{output}")
    check("salond: ready" not in output, "it says that it is ready")
    lines = [line for line in output.splitlines() if all(word in line for word in words)]
    check(lines, f"no line with {', '.join(words)}:\n{output}")
    check(server.key.decode() not in output, "the key is in the output")


# ---- The command line ---------------------------------------------------------------------------

def test_version():
    """salond -V: version, libraries, plugins"""
    with unstarted() as server:
        status, output = salond("-V")
        check(status == 0, f"exit status {status}")
        check(re.search(r"salond \d+\.\d+", output), output)
        for library in ("libwebsockets", "libuv", "json-c", "libdbi", "jwt"):
            check(library in output.lower(), f"no {library}: {output}")
        status, output = salond("-V", "-c", server.config)
        check(status == 0, f"exit status {status}")
        for name in server.plugins:
            check(name in output, f"no plugin {name}: {output}")


def test_wrong_usage():
    """Options that there are not"""
    for words, complaint in ((["-x"], "missing argument"), (["--nonsense"], "nonsense"),
                             (["-c"], "missing argument"), ([], "no configuration file"),
                             (["-t"], "no configuration file"),
                             (["-c", "/nonexistent/salond.conf"], "No such file"),
                             (["-c", "/dev/null", "more"], '"more" is too much'),
                             (["-c", "/dev/null", "--demo"], "takes no configuration"),
                             (["-c", "/dev/null", "--state", "/tmp"], "--state is a demo's"),
                             (["-c", "/dev/null", "--user", "alice"], "--user goes with")):
        status, output = salond(*words)
        check(status == 1, f"{words}: exit status {status}")
        check(complaint in output, f"{words}: {output}")


def test_ctl_token_blind():
    """salonctl token where the database cannot be read: nobody gets another role by accident"""
    with unstarted() as server:
        write(os.path.join(server.directory, "state", "salon.db"), "no database " * 500)
        for words in (("dave",), ("dave", "--id", 5), ("dave", "--role", "admin")):
            complaint = server.ctl_fails("token", *words)
            check("not a database" in complaint and "give --id and --role" in complaint, complaint)
        claims = claims_of(server.ctl("token", "dave", "--id", 5, "--role", "admin"))
        check(claims["role"] == "admin", f"{claims}")


def test_ctl_usage():
    """salonctl's options that are no command's, with and without a server"""
    def ctl(*words):
        return subprocess.run([SALONCTL, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=LIMIT, stdin=subprocess.DEVNULL)

    version, usage = ctl("--version").stdout, ctl("--help").stdout
    check(re.fullmatch(r"salonctl \d+\.\d+\S*\n", version), version)
    check(usage.startswith("usage: salonctl"), usage)
    for words in ((), ("--json",), ("--nonsense", "stats"), ("-c",), ("--state",)):
        done = ctl(*words)
        check(done.returncode == 1 and not done.stdout and done.stderr, f"{words}: {done}")
        check("no server" not in done.stderr, done.stderr)
    check("--nonsense: no such option" in ctl("--nonsense", "stats").stderr, "which one?")


def test_check_good():
    """salond -t with a good file, without opening anything"""
    with unstarted() as server:
        status, output = salond("-t", "-c", server.config)
        check(status == 0, f"exit status {status}: {output}")
        check(os.listdir(os.path.join(server.directory, "state")) == [], "something was opened")


def test_check_bad():
    """salond -t with bad files: FILE:LINE: what is wrong"""
    mistakes = [
        ("threads = 2", "thraeds = 2"), ("threads = 2", 'threads = "many"'),
        ("threads = 2", "threads = -2"), ("threads = 2", "threads = 2\nnonsense"),
        ('listen "127.0.0.1:0" {', 'listen "127.0.0.1" {'),
        ('listen "127.0.0.1:0" {', 'listen "127.0.0.1:99999" {'),
        ('dialect = "veza"', 'dialect = "klingon"'),
        ('rate = "60/60s"', 'rate = "fast"'), ('rate = "60/60s"', 'rate = "0/0s"'),
        ('dialect = "veza"', 'dialect = "veza"  max_length = -1'),
        ('endpoint "/ws"', 'endpoint "ws"'), ('endpoint "/ws"', 'endpoint "/ws/{"'),
        ('level = "debug"', 'level = "loud"'), ("jwt {", "jwt { no_such_setting = 1 "),
        ("jwt {", 'jwt { algorithms = { "none" } '),
        ("threads = 2", "rooms { allow_anonymous = 7 }"),
        ("threads = 2", "threads = 2\nlisten {"), ('plugins = { ', 'plugins = { "klingon", '),
    ]
    for old, new in mistakes:
        with unstarted() as server:
            change(server, old, new)
            status, output = salond("-t", "-c", server.config)
            check(status == 1, f"{new}: exit status {status}: {output}")
            place = re.search(re.escape(server.config) + r":(\d+): \S", output)
            check(place, f"{new}: no FILE:LINE: {output}")
            wrong = line_of(server, new.split("\n")[-1])
            off = abs(int(place.group(1)) - wrong)
            check(off <= 3, f"{new}: line {place.group(1)} in the place of {wrong}: {output}")
            status, _ = salond("-c", server.config)
            check(status == 1, f"{new}: it starts nevertheless")


def test_print_settings():
    """salond -T prints every setting, in a form that can be read again"""
    with unstarted(listener={"max_per_ip": 77}, endpoint={"max_length": 123}) as server:
        status, first = salond("-T", "-c", server.config)
        check(status == 0, f"exit status {status}: {first}")
        for text in ("state_dir", "max_per_ip", "77", "123", "ping_interval", "25", "abuse_limit",
                     "60/60s", "HS256", "auto_create", "sqlite3"):
            check(text in first, f"no {text}:\n{first}")
        check(server.key.decode() not in first, "the key is printed")
        copy = os.path.join(server.directory, "copy.conf")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(first)
        status, second = salond("-T", "-c", copy)
        check(status == 0, f"cannot be read again: {second}")
        check(first == second, f"not the same again:\n{first}\n----\n{second}")


def test_conf_d():
    """conf.d beside the file is read as well"""
    with unstarted() as server:
        os.makedirs(os.path.join(server.directory, "conf.d"))
        with open(os.path.join(server.directory, "conf.d", "10-more.conf"), "w",
                  encoding="utf-8") as file:
            file.write("rooms { allow_anonymous = false }\n")
        status, output = salond("-T", "-c", server.config)
        check(status == 0, f"exit status {status}: {output}")
        check(re.search(r"allow_anonymous\s*=\s*false", output), output)


# ---- Refusing to start --------------------------------------------------------------------------

def test_port_taken():
    """A port that is taken"""
    with unstarted() as server, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        change(server, "127.0.0.1:0", f"127.0.0.1:{port}")
        refuses_to_start(server, str(port))


def test_bad_key():
    """A key that is missing, a directory, empty, or too short"""
    for make in (os.unlink, lambda path: (os.unlink(path), os.mkdir(path)),
                 lambda path: open(path, "w").close(), lambda path: write(path, "x" * 31 + "\n"),
                 lambda path: write(path, "-----BEGIN PUBLIC KEY-----\n" + "A" * 64 + "\n"
                                    "-----END PUBLIC KEY-----\n")):
        with unstarted() as server:
            path = os.path.join(server.directory, "key")
            make(path)
            refuses_to_start(server, path)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def test_database_away():
    """A database in a directory that is not there; a file that is no database"""
    with unstarted(settings='database { driver = "sqlite3" name = "no/such/salon.db" }') as server:
        refuses_to_start(server, "salon.db")
    with unstarted() as server:
        path = os.path.join(server.directory, "state", "salon.db")
        write(path, "no database " * 500)
        refuses_to_start(server, "salond: database salon.db", "file is not a database")
        os.unlink(path)
        os.mkdir(path)
        refuses_to_start(server, "salond: database salon.db", "Is a directory")


def test_looked_at():
    """Another program that reads the file does no harm: nothing that is written later is lost"""
    with Server() as server:
        path = os.path.join(server.directory, "state", "salon.db")
        for name in ("alice", "bob", "carol"):
            server.add_people(name)
            with contextlib.closing(sqlite3.connect(path)) as database:
                names = [row[0] for row in database.execute("SELECT name FROM users")]
            check(name in names, f"{name} is not in the file: {names}")


def test_second_server():
    """A second salond on the same state directory"""
    with Server() as server:
        status, output = salond("-c", server.config)
        check(status == 1, f"exit status {status}: {output}")
        check(f"another server uses {server.directory}/state" in output, output)
        still_serves(server)


def test_state_dir():
    """A state directory that is not there, or is a file: that it is that, and why"""
    with unstarted() as server:
        state = os.path.join(server.directory, "state")
        os.rmdir(state)
        refuses_to_start(server, f"state_dir: {state}/salond.lock: No such file")
        write(state, "no directory")
        refuses_to_start(server, f"state_dir: {state}/salond.lock: Not a directory")


def test_unknown_plugin():
    """A plugin that is not there"""
    with unstarted() as server:
        change(server, "plugins = {", 'plugins = { "nosuch",')
        refuses_to_start(server, "nosuch")


# ---- Signals ------------------------------------------------------------------------------------

class Speaker(threading.Thread):
    """Says things as fast as it is answered, a few ahead, and remembers what was acknowledged."""

    def __init__(self, server, name, room, prefix):
        super().__init__(daemon=True)
        self.client = signed_in(server, name, room)
        self.room, self.prefix = room, prefix
        self.acknowledged = {}   # content -> message_id
        self.said = []           # contents, in order; the client_id is the content
        self.code = "nothing"
        self.problem = None

    def say(self):
        content = f"{self.prefix} number {len(self.said)}"
        self.said.append(content)
        self.client.say("send_message", room_id=self.room, content=content,
                        metadata={"client_id": content})

    def run(self):
        try:
            for _ in range(5):
                self.say()
            while True:
                message = self.client.message()
                if message["type"] == "message_sent":
                    data = message["data"]
                    self.acknowledged[data["content"]] = data["message_id"]
                    self.say()
                elif message["type"] not in ("room_message", "user_presence"):
                    raise Failure(f"{self.prefix}: {message}")
        except Closed as closed:
            self.code = closed.code
        except OSError:
            self.finish()
        except Failure as failure:
            self.problem = failure

    def finish(self):
        """Speaking failed: what has come in until then, and the code of the close, still count."""
        try:
            while True:
                message = self.client.message()
                if message["type"] == "message_sent":
                    self.acknowledged[message["data"]["content"]] = message["data"]["message_id"]
        except Closed as closed:
            self.code = closed.code

    def result(self):
        self.join(3 * LIMIT)
        check(not self.is_alive(), f"{self.prefix}: the connection is never closed")
        if self.problem:
            raise self.problem
        self.client.close()


def history(server, room):
    """All messages of a room, oldest first, page by page."""
    with signed_in(server, "frank") as client:
        pages, before = [], None
        while True:
            client.say("get_history", room_id=room, limit=100, before_id=before)
            page = client.hear("room_history")
            pages.insert(0, page["messages"])
            if not page["has_more"]:
                whole = [message for page in pages for message in page]
                check(len(whole) == page["total_count"],
                      f"{len(whole)} messages, total_count {page['total_count']}")
                return whole
            before = page["messages"][0]["id"]


def compare_history(messages, acknowledged):
    """Everything acknowledged is there once, under its id; ids rise."""
    ids = [message["id"] for message in messages]
    contents = [message["content"] for message in messages]
    check(ids == sorted(set(ids)), "ids do not rise")
    twice = {content for content in contents if contents.count(content) > 1} \
        if len(set(contents)) != len(contents) else set()
    check(not twice, f"twice in the history: {sorted(twice)[:5]}")
    stored = dict(zip(contents, ids))
    for content, number in acknowledged.items():
        check(content in stored, f"acknowledged, and lost: {content}")
        check(stored[content] == number, f"{content}: {number} became {stored[content]}")


def load(server, room, names, round_):
    speakers = [Speaker(server, name, room, f"{name} in round {round_}") for name in names]
    for speaker in speakers:
        speaker.start()
    until(lambda: sum(len(s.acknowledged) for s in speakers) >= 150 or
          any(s.problem for s in speakers), "150 messages are acknowledged", 3 * LIMIT)
    return speakers


def test_stop_under_load():
    """SIGTERM under load: exit status 0, everybody gets 1001, nothing acknowledged is lost"""
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        idle = signed_in(server, "dave", room)
        unsigned = Client(server).open()
        speakers = load(server, room, ("alice", "bob", "carol"), 0)
        server.stop()
        acknowledged = {}
        for speaker in speakers:
            speaker.result()
            check(speaker.code == 1001, f"{speaker.prefix}: closed with {speaker.code}, not 1001")
            acknowledged.update(speaker.acknowledged)
        for client in (idle, unsigned):
            code = client.closed()
            check(code == 1001, f"an idle one is closed with {code}, not 1001")
            client.close()
        server.start()
        compare_history(history(server, room), acknowledged)


def test_reload_during_start():
    """SIGHUP while the configuration is being read: it starts all the same"""
    with unstarted() as server:
        snippet = os.path.join(server.directory, "conf.d", "slow.conf")
        os.mkdir(os.path.dirname(snippet))
        os.mkfifo(snippet)
        server.launch()
        with open(snippet, "w", encoding="utf-8"):  # opened as soon as salond reads there
            server.process.send_signal(signal.SIGHUP)

        def ready():
            with contextlib.suppress(OSError):  # it may be read again
                os.close(os.open(snippet, os.O_WRONLY | os.O_NONBLOCK))
            return server.is_ready()
        until(ready, "salond is ready")
        os.unlink(snippet)
        server.await_ready()
        still_serves(server)
        server.stop()


def test_interrupt():
    """SIGINT ends it as SIGTERM does"""
    with Server() as server:
        with signed_in(server, "alice") as client:
            server.process.send_signal(signal.SIGINT)
            check(client.closed() == 1001, "not closed with 1001")
        server.expect_exit(0)


def test_stop_with_half_open():
    """SIGTERM while clients are half way in: it does not wait for them"""
    with Server() as server:
        clients = [Client(server) for _ in range(5)]
        for client in clients[:3]:
            client.send("GET /ws HTTP/1.1\r\nHost: a\r\n")
        deaf = signed_in(server, "alice", receive_buffer=4096)
        start = time.monotonic()
        server.stop()
        took = time.monotonic() - start
        check(took < 8 * salon_test.SLOWER, f"it took {took:.1f} s")
        for client in clients + [deaf]:
            client.close()


def test_long_lists():
    """salonctl prints a list that comes in pages as one, or the page that is asked for"""
    with Server() as server:
        rooms = [server.ctl("room", "add", name) for name in ("before", "large", "after")]
        server.stop()
        path = os.path.join(server.directory, "state", "salon.db")
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            for room, members in zip(rooms, (7, 2500, 1000)):
                database.executemany(
                    "INSERT INTO room_members (room_id, user_id, role, joined_at)"
                    " VALUES (?, ?, 0, 0)", [(room, n + 1) for n in range(members)])
            database.executemany("INSERT INTO users (id, name, role) VALUES (?, ?, 0)",
                                 [(3 * n, f"user{n}") for n in range(1, 1301)])
        server.start()
        rows = [line.split("\t") for line in server.ctl("user", "list").splitlines()]
        check([row[0] for row in rows] == ["1"] + [str(3 * n) for n in range(1, 1301)],
              f"{len(rows)} rows, {rows[:2]} ... {rows[-2:]}")
        whole = json.loads(server.ctl("user", "list", "--json"))
        check(list(whole) == ["users"] and len(whole["users"]) == 1301, f"{list(whole)}")
        listed = [len(server.ctl("room", "members", room).splitlines()) for room in rooms]
        check(listed == [7, 2500, 1000], f"members: {listed}")
        page = json.loads(server.ctl("user", "list", "--json", "--limit", 2, "--after", 3))
        check([user["id"] for user in page["users"]] == [6, 9] and page["next"] == 9, f"{page}")
        page = json.loads(server.ctl("user", "list", "--json", "--limit", 2, "--after", 3897))
        check([user["id"] for user in page["users"]] == [3900] and "next" not in page, f"{page}")


def test_crash_under_load():
    """kill -9 under load, again and again: what was acknowledged is there once, with its id"""
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        acknowledged, unanswered = {}, {}
        names = ("alice", "bob", "carol")
        for round_ in range(int(salon_test.ROUNDS or 4)):
            speakers = load(server, room, names, round_)
            server.kill()
            for speaker in speakers:
                speaker.result()
                acknowledged.update(speaker.acknowledged)
                name = speaker.prefix.split()[0]
                unanswered.setdefault(name, []).extend(
                    content for content in speaker.said if content not in speaker.acknowledged)
            server.start()
            compare_history(history(server, room), acknowledged)
        check(any(unanswered.values()), "nothing was under way when it was killed")
        for name, contents in unanswered.items():  # said again, each is there exactly once
            with signed_in(server, name, room) as client:
                for content in contents:
                    client.say("send_message", room_id=room, content=content,
                               metadata={"client_id": content})
                    sent = client.hear("message_sent")
                    check(sent["content"] == content, f"{content}: answered with {sent}")
                    acknowledged[content] = sent["message_id"]
        messages = history(server, room)
        compare_history(messages, acknowledged)
        check(len(messages) == len(acknowledged), "more messages than were said")


def test_reopen_log():
    """SIGHUP reopens the log file; everything goes on"""
    with Server(log_file="salond.log") as server:
        with signed_in(server, "alice") as client:
            moved = server.log_file + ".1"
            os.rename(server.log_file, moved)
            server.process.send_signal(signal.SIGHUP)
            until(lambda: os.path.exists(server.log_file), "the log is opened again")
            with signed_in(server, "bob"):
                pass

            def logged():
                with open(server.log_file, encoding="utf-8") as file:
                    return "WS_CONNECT: UserID=3, IP=127.0.0.1" in file.read()
            until(logged, "the new file has what is new")
            with open(moved, encoding="utf-8") as file:
                check("WS_CONNECT: UserID=3" not in file.read(), "the old file has it too")
            client.say("ping", timestamp="2024-01-01T12:00:00Z")
            client.hear("pong")


def test_reopen_log_with_mistake():
    """SIGHUP reopens the log file when the configuration is wrong, too"""
    with Server(log_file="salond.log") as server:
        change(server, "threads = 2", "thraeds = 2")
        os.rename(server.log_file, server.log_file + ".1")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: os.path.exists(server.log_file), "the log is opened again")
        until(lambda: "thraeds" in server.log(), "the new file has the mistake")


def test_reload_log():
    """A log that cannot be opened changes nothing, either"""
    with Server(listener={"metrics": "true"}) as server:
        change(server, 'target = "stderr"', 'target = "/nonexistent/log"')
        change(server, "metrics = true", "metrics = false")
        complaint = server.ctl_fails("reload")
        check("cannot log to /nonexistent/log" in complaint, complaint)
        with Client(server) as client:
            check(client.get("/metrics")[0] == 200, "the rest was taken nevertheless")


def test_reload():
    """Settings that can change do so with SIGHUP; a bad file changes nothing"""
    with Server(listener={"max_per_ip": 1}) as server:
        change(server, "max_per_ip = 1", "max_per_ip = nonsense!")
        before = len(server.log())
        server.process.send_signal(signal.SIGHUP)
        until(lambda: re.search(re.escape(server.config) + r":\d+", server.log()[before:]),
              "the mistake is in the log")
        still_serves(server)
        change(server, "max_per_ip = nonsense!", "max_per_ip = 50")
        server.ctl("reload")

        def two_at_once():
            with signed_in(server, "alice"):
                try:
                    with signed_in(server, "bob"):
                        return True
                except (OSError, Failure, Closed):
                    return False
        until(two_at_once, "the new limit holds")


def test_log_lines():
    """The log lines that tools match, and no secrets in them"""
    with Server() as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client:
            client.say("send_message", room_id=room, content="a secret between us two")
            client.hear("message_sent")
        with Client(server).open() as client:
            client.say("authenticate", token=server.token("bob", key=b"x" * 40))
            client.message()
        patterns = [r"WS_CONNECT: UserID=2, IP=127\.0\.0\.1",
                    rf"WS_MESSAGE: Type=\S+, UserID=2, Room={room}",
                    r"WS_DISCONNECT: UserID=2, Duration=\d+(\.\d+)?s"]
        for pattern in patterns:
            until(lambda pattern=pattern: re.search(pattern, server.log()), f"logged: {pattern}")


def test_log_injection():
    """A name with line breaks in it makes no line of its own"""
    with Server() as server:
        with Client(server).open() as client:
            token = server.token("mallory\nsalond: hacked", user_id=66)
            client.say("authenticate", token=token)
            client.message()
        with Client(server) as client:
            client.get("/x%0Asalond: hacked%0d", "User-Agent: a\tb\x1b[31m")
        still_serves(server)
        check(not re.search(r"^salond: hacked", server.log(), re.M), "a forged line")
        check("\x1b" not in server.log(), "an escape sequence")


# ---- HTTP ---------------------------------------------------------------------------------------

def test_http():
    """/healthz, /readyz and /metrics on every listener"""
    with Server() as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as speaker:
            speaker.say("send_message", room_id=room, content="to be counted")
            speaker.hear("message_sent")
            for port in server.ports:
                for path in ("/healthz", "/readyz", "/metrics"):
                    with Client(server, port=port) as client:
                        status, headers, body = client.get(path)
                        check(status == 200, f"{path}: {status}")
                        if path == "/metrics":
                            check_metrics(headers, body)
        for path, expected in (("/nothing", 404), ("/healthz/x", 404), ("/ws", None)):
            with Client(server) as client:
                status, _, _ = client.get(path)
                check(status == expected or (expected is None and 400 <= (status or 400) < 500),
                      f"{path}: {status}")


def check_metrics(headers, body):
    """Prometheus' text format, and no secrets or names of people in it."""
    check(headers.get("content-type", "").startswith("text/plain"), f"{headers}")
    samples = {}
    for line in body.splitlines():
        if line.startswith("#"):
            check(re.match(r"# (HELP|TYPE) [a-z_:]+ .", line), line)
            continue
        match = re.fullmatch(r'([a-z_:][a-z0-9_:]*(?:\{[^}]*\})?) (-?[0-9.e+]+|NaN|\+Inf)', line)
        check(match, f"no sample: {line}")
        check(match.group(1) not in samples, f"twice: {line}")
        samples[match.group(1)] = match.group(2)
    check(samples, "no samples")
    check(all(name.startswith("salon_") for name in samples), f"{list(samples)[:3]}")
    check("alice" not in body, "a user's name")


def test_http_kept_alive():
    """Several requests on one connection, and HEAD"""
    with Server() as server:
        with Client(server) as client:
            for _ in range(3):
                status, headers, _ = client.get("/healthz", "Connection: keep-alive")
                check(status == 200, f"{status}")
                if headers.get("connection", "").lower() == "close":
                    return
        still_serves(server)


def test_metrics_elsewhere():
    """metrics = false on a listener"""
    with Server({"metrics": "false"}) as server:
        with Client(server) as client:
            status, _, _ = client.get("/metrics")
            check(status in (403, 404), f"{status}")
        still_serves(server)


# ---- salonctl -----------------------------------------------------------------------------------

def test_ctl_token():
    """salonctl token: a signed JWT, without a running server"""
    with unstarted() as server:
        token = server.ctl("token", "alice", "--id", 2, "--role", "moderator", "--ttl", 100)
        claims = claims_of(token)
        head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
        check(head["alg"] == "HS256", f"{head}")
        body = ".".join(token.split(".")[:2])
        signature = base64url(hmac.new(
            server.key, body.encode(), hashlib.sha256).digest())
        check(token.split(".")[2] == signature, "signed with something else")
        check(claims.get("user_id", claims.get("sub")) in (2, "2"), f"{claims}")
        check(claims.get("username", claims.get("name")) == "alice", f"{claims}")
        check(claims["role"] == "moderator", f"{claims}")
        check(abs(claims["exp"] - time.time() - 100) < 20, f"{claims}")
        for words in (["token"], ["token", "alice", "--role", "emperor"],
                      ["token", "alice", "--id", "-1"], ["token", "alice", "--ttl", "soon"]):
            server.ctl_fails(*words)
        server.start()
        try:
            with Client(server).open() as client:
                client.say("authenticate", token=token)
                data = client.hear("auth_success")
                check((data["user_id"], data["role"]) == (2, "moderator"), f"{data}")
        finally:
            server.kill()


def table(text):
    return [line.split() for line in text.splitlines() if line.strip()]


def test_ctl_users():
    """salonctl user add, list, role"""
    with Server() as server:
        check(server.ctl("user", "add", "zoe", "--id", 50) == 50, "not the id asked for")
        other = server.ctl("user", "add", "yan")
        check(isinstance(other, int) and other not in (1, 50), f"{other}")
        check(server.ctl("user", "add", "xenia", "--role", "admin") not in (1, 50, other), "id")
        listing = server.ctl("user", "list")
        for name in ("zoe", "yan", "xenia"):
            check(any(name in row for row in table(listing)), f"no {name}:\n{listing}")
        users = as_rows(server.ctl("--json", "user", "list"))
        roles = {row_value(user, "username", "name"): user["role"] for user in users}
        check(roles["zoe"] == "user" and roles["xenia"] == "admin", f"{roles}")
        server.ctl("user", "role", "zoe", "moderator")
        users = as_rows(server.ctl("user", "list", "--json"))
        roles = {row_value(user, "username", "name"): user["role"] for user in users}
        check(roles["zoe"] == "moderator", f"{roles}")
        made = json.loads(str(server.ctl("user", "add", "walter", "--id", 60, "--json")))
        check(60 in (made.values() if isinstance(made, dict) else [made]), f"{made}")
        for words in (["user", "add", "again", "--id", 50], ["user", "role", "nobody", "admin"],
                      ["user", "role", "zoe", "emperor"], ["user", "add"],
                      ["user", "add", "x", "--id", "0"], ["user", "add", "x", "--id", "abc"],
                      ["user", "fly", "zoe"], ["user"]):
            server.ctl_fails(*words)
        server.stop()
        server.start()
        listing = server.ctl("user", "list")
        check("zoe" in listing and "walter" in listing, listing)


def as_rows(text):
    """A list in JSON, alone or as the one list of an object."""
    value = json.loads(str(text))
    if isinstance(value, dict):
        value = next(member for member in value.values() if isinstance(member, list))
    return value


def row_value(row, *names):
    return next(row[name] for name in names if name in row)


def test_ctl_rooms():
    """salonctl room add, list, remove, invite, role"""
    with Server() as server:
        server.add_people("alice", "bob")
        hall = server.ctl("room", "add", "Great Hall", "--slug", "hall", "--owner", "alice")
        den = server.ctl("room", "add", "Den", "--private", "--owner", "bob")
        check(isinstance(hall, int) and isinstance(den, int) and hall != den, f"{hall}, {den}")
        rooms = {row["name"]: row for row in as_rows(server.ctl("room", "list", "--json"))}
        check(set(rooms) >= {"Great Hall", "Den"}, f"{rooms}")
        check(rooms["Great Hall"]["slug"] == "hall", f"{rooms}")
        listing = server.ctl("room", "list")
        check("Great Hall" in listing and "Den" in listing, listing)
        server.ctl("room", "invite", "Den", "alice")
        server.ctl("room", "invite", "hall", "bob")       # by the slug
        server.ctl("room", "role", hall, "bob", "moderator")  # by the id
        with signed_in(server, "bob") as client:
            data = client.join(hall)
            check(data["user_role"] == "moderator", f"{data}")
        for words in (["room", "add", "Den"], ["room", "add", "Attic", "--owner", "nobody"],
                      ["room", "add", "Attic", "--slug", "hall"], ["room", "remove", "Nowhere"],
                      ["room", "role", "Den", "alice", "emperor"], ["room", "add"],
                      ["room", "add", "Attic", "--colour", "blue"], ["room", "add", ""]):
            server.ctl_fails(*words)
        check("bob" in server.ctl("room", "members", "Den"), "the members of a private room")
        server.ctl("room", "remove", "hall")
        listing = server.ctl("room", "list")
        check("Great Hall" not in listing and "Den" in listing, listing)
        server.stop()
        server.start()
        check("Great Hall" not in server.ctl("room", "list"), "it is back")
        with signed_in(server, "alice") as client:
            client.say("join_room", room_id=hall)
            check(client.message()["data"]["code"] == "ROOM_NOT_FOUND", "it is back")
        again = server.ctl("room", "add", "Great Hall", "--slug", "hall")
        check(again > den, "an id is given twice")


def test_ctl_not_utf8():
    """Words that are no text, or too long"""
    with Server() as server:
        for words in (("user", "add", b"caf\xe9"), ("token", b"caf\xe9", "--id", "7")):
            done = subprocess.run([SALONCTL, "-c", server.config, *words], timeout=LIMIT,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            check(done.returncode == 1 and b"not UTF-8" in done.stderr, f"{words}: {done}")
        check("too long" in server.ctl_fails("user", "add", "x" * 70000), "too long")


def test_long_state_dir():
    """A state directory in which no control socket can be"""
    with unstarted() as server:
        long = os.path.join(server.directory, "state", "d" * 100)
        os.mkdir(long)
        change(server, f'state_dir = "{server.directory}/state"', f'state_dir = "{long}"')
        refuses_to_start(server, "state_dir", "too long")
        check(os.listdir(os.path.join(server.directory, "state")) == ["d" * 100], "a stray socket")
        check("too long" in server.ctl_fails("stats"), "salonctl says something else")


def test_ctl_odd_names():
    """Names that are hard to quote"""
    with Server() as server:
        names = ["it's", 'say "x"', "back\\slash", "100% %s", "; DROP TABLE room; --", "Zoë 🦉",
                 "select foo(bar", "hi from, x"]
        ids = [server.ctl("room", "add", name) for name in names]
        rooms = {row_value(row, "id", "room_id"): row["name"]
                 for row in as_rows(server.ctl("room", "list", "--json"))}
        for number, name in zip(ids, names):
            check(rooms.get(number) == name, f"{name} became {rooms.get(number)}")
        with signed_in(server, "alice") as client:
            for number, name in zip(ids, names):
                check(client.join(number)["room_name"] == name, name)


def test_ctl_server():
    """salonctl stats, plugins, reload, stop; and what it says without a server"""
    with Server() as server:
        with signed_in(server, "alice"):
            stats = json.loads(str(server.ctl("stats", "--json")))
            check(isinstance(stats, dict) and 1 in stats.values(), f"{stats}")
            check(str(server.ctl("stats")).strip(), "stats prints nothing")
        plugins = json.dumps(json.loads(str(server.ctl("plugins", "--json"))))
        for name in server.plugins:
            check(name in plugins, f"no {name}: {plugins}")
            check(name in server.ctl("plugins"), name)
        server.ctl("reload")
        still_serves(server)
        for words in (["nonsense"], ["stats", "--nonsense"], []):
            done = server.run_ctl(*words)
            check(done.returncode != 0 and (done.stderr or done.stdout).strip(), f"{words}")
        server.ctl("stop")
        server.expect_exit(0)
        check("\n" not in server.ctl_fails("stats"), "more than one line")


def test_ctl_socket():
    """The control socket is not for everybody, and stands garbage"""
    with Server() as server:
        sockets = [os.path.join(top, name)
                   for top, _, names in os.walk(os.path.join(server.directory, "state"))
                   for name in names if not os.path.isfile(os.path.join(top, name))]
        check(len(sockets) == 1, f"sockets: {sockets}")
        directory = os.stat(os.path.dirname(sockets[0])).st_mode
        check(os.stat(sockets[0]).st_mode & 0o077 == 0 or directory & 0o077 == 0,
              "others may use the control socket")
        for data in (b"", b"\n", b"{}\n", b"[" * 10000, b"\xff\x00\x01" * 1000, b"null\n",
                     b'{"command": 5}\n', b'{"operation": "room.add", "arguments": []}\n',
                     secrets.token_bytes(5000)):
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(LIMIT)
                control.connect(sockets[0])
                with contextlib.suppress(OSError):
                    control.sendall(data)
                    control.shutdown(socket.SHUT_WR)
                    while control.recv(4096):
                        pass
        server.ctl("stats")
        still_serves(server)


def test_files_are_private():
    """What is stored is for nobody else"""
    with Server() as server:
        state = os.path.join(server.directory, "state")
        for top, _, names in os.walk(state):
            for name in names:
                mode = os.stat(os.path.join(top, name)).st_mode & 0o777
                check(mode & 0o077 == 0, f"{name}: mode {mode:o}")


# ---- The demo -----------------------------------------------------------------------------------

def free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


DEMO = ("alice", "bob", "carol", "dave")


def test_demo():
    """salond --demo: room general, four people, their tokens, three ports"""
    if not all(free(port) for port in (8080, 8081, 8000)):
        raise Skip("a port of the demo is taken")
    with unstarted() as server:
        state = os.path.join(server.directory, "demo")
        output = os.path.join(server.directory, "demo.output")
        with open(output, "wb") as file:
            process = subprocess.Popen(
                [SALOND, "--demo", "--state", state, "--plugins", PLUGIN_DIR], stdout=file,
                stderr=file, stdin=subprocess.DEVNULL)

        def text():
            with open(output, encoding="utf-8") as file:
                return file.read()
        try:
            until(lambda: "salond: ready" in text() or process.poll() is not None, "ready",
                  3 * LIMIT)
            if process.poll() is not None and "in use" in text():
                raise Skip("a port of the demo is taken")
            check(process.poll() is None, f"the demo ends:\n{text()}")
            until(lambda: all(re.search(rf"{name}\b.*eyJ", text()) for name in DEMO),
                  "the demo's tokens are printed")
            check_demo(server, text())
            done = subprocess.run([SALONCTL, "--state", state, "room", "list"], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
            check(done.returncode == 0 and "general" in done.stdout, f"{done}")
            process.send_signal(signal.SIGINT)
            check(process.wait(3 * LIMIT) == 0, f"exit status {process.returncode}:\n{text()}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def test_no_demo():
    """salonctl --state of a directory that is no demo's: it says so, and makes nothing there"""
    with unstarted() as server:
        state = os.path.join(server.directory, "mistyped")
        for words in (["user", "list"], ["token", "alice", "--id", "2"]):
            done = subprocess.run([SALONCTL, "--state", state, *words], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT)
            check(done.returncode == 1 and done.stdout == "", f"{done}")
            check(state in done.stderr, f"{done}")
            check(not os.path.exists(state), "a directory has been made")


def check_demo(server, text):
    tokens = {}
    for token in re.findall(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", text):
        claims = claims_of(token)
        tokens[claims.get("username", claims.get("name"))] = token
    for name in DEMO:
        with Client(server, port=8080).open() as client:
            client.say("authenticate", token=tokens[name])
            data = client.hear("auth_success")
            check((data["user_id"], data["role"]) == PEOPLE[name], f"{data}")
            check(client.join(1)["room_name"] == "general", "room 1 is not general")


def test_proxies():
    """Behind a reverse proxy, people are known by the address that it names"""
    with Server(listener={"proxies": '{ "127.0.0.1" }', "max_per_ip": 1}) as server:
        clients = []
        for forwarded in ("203.0.113.9", "198.51.100.7, 203.0.113.10"):
            client = Client(server)
            client.open(f"X-Forwarded-For: {forwarded}",
                        f"Authorization: Bearer {server.token('alice')}")
            client.hear("auth_success")
            clients.append(client)
        until(lambda: "WS_CONNECT: UserID=2, IP=203.0.113.9" in server.log(), "the first address")
        until(lambda: "WS_CONNECT: UserID=2, IP=203.0.113.10" in server.log(), "the second one")
        for client in clients:
            client.close()
    with Server() as server, Client(server) as client:
        client.open("X-Forwarded-For: 203.0.113.9",
                    f"Authorization: Bearer {server.token('alice')}")
        client.hear("auth_success")
        until(lambda: "WS_CONNECT: UserID=2, IP=127.0.0.1" in server.log(), "the peer's address")


def test_proxies_one_request():
    """What a header hides from lws is not somebody else's request, on a connection of a proxy's"""
    def answers(server, *headers):
        hidden = "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
        lines = ["GET /healthz HTTP/1.1", "Host: a", *headers, "X-Auth: b",
                 f"Content-Length: {len(hidden)}", "", hidden]
        with socket.create_connection(("127.0.0.1", server.port()), LIMIT) as connection:
            connection.sendall("\r\n".join(lines).encode())
            heard = b""
            while data := connection.recv(65536):
                heard += data
        check(b"connection: close" in heard.lower(), heard)
        return heard.count(b"HTTP/1.1 ")

    with Server() as server:
        for header in ("X-Forwarded-For: 203.0.113.9", "Via: 1.1 proxy"):
            check(answers(server, header) == 1, header)
    with Server(listener={"proxies": '{ "127.0.0.1" }'}) as server:
        check(answers(server) == 1, "from a proxy")


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
