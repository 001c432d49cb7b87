# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a salond of one's own, tokens, salonctl, a raw client, TAP.

Every server gets a temporary directory and ports that the system chooses, so tests run side by
side.  Nothing here sleeps for a guessed time: everything waits for a condition, for at most
LIMIT seconds.  When a server is let go of, its log is searched for sanitizer reports and for
secrets (keys, tokens, what people said).

Relies on the environment of the build: SALOND, SALONCTL, SALON_PLUGINS (the directory of the
plugins); without it on a build in the source tree or in build/.
"""

import base64
import concurrent.futures
import hashlib
import hmac
import json
import os
import random
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib

TEST_DIR = os.path.dirname(os.path.abspath(__file__))
TOP_DIR = os.path.dirname(TEST_DIR)
SLOWER = float(os.environ.get("SALON_TEST_SLOWER") or "1")
ROUNDS = os.environ.get("SALON_TEST_ROUNDS")  # of what is done again and again; None: a few
LIMIT = 10 * SLOWER  # the longest wait for any condition, in seconds

# Who people are, unless a test says otherwise: name -> (id, role).
PEOPLE = {
    "alice": (2, "user"),
    "bob": (3, "user"),
    "carol": (4, "moderator"),
    "dave": (5, "admin"),
    "erin": (6, "user"),
    "frank": (7, "user"),
}

REPORTS = re.compile(
    r"ERROR: (?:Address|Leak|Undefined)\w*Sanitizer|WARNING: ThreadSanitizer|runtime error: "
    r"|Assertion .* failed|stack smashing|double free|corrupted size")


def find_built(variable, *candidates):
    """The path in an environment variable, else the first candidate that has been built."""
    if os.environ.get(variable):
        return os.path.abspath(os.environ[variable])
    for directory in (os.path.join(TOP_DIR, "build"), TOP_DIR):
        for candidate in candidates:
            path = os.path.join(directory, candidate)
            if os.path.exists(path):
                return path
    return None


SALOND = find_built("SALOND", "src/salond", "salond")
SALONCTL = find_built("SALONCTL", "src/salonctl", "salonctl")
PLUGIN_DIR = find_built("SALON_PLUGINS", "plugins/.libs", ".libs", "plugins")
TEST_PLUGIN_DIR = find_built("SALON_TEST_PLUGINS", "test/plugins/.libs")

# In the order of the shipped configuration.
ALL_PLUGINS = ["rooms", "dm", "reactions", "presence", "moderation", "friends", "media",
               "veza", "chat", "live", "broadcast", "relay", "messenger"]

# The shipped listeners: endpoints as path -> dialect, and the plugins whose routes they serve.
ALL_LISTENERS = [
    ({"/ws": "veza", "/ws/chat": "chat"}, ["media"]),
    ({"/ws": "relay"}, []),
    ({"/chat/ws/room/{room}": "live", "/chat/ws/video/{video}": "live", "/live/ws": "broadcast",
      "/ws/{api_token}": "messenger"}, ["live", "messenger", "media"]),
    ({"/probe": "probe"}, ["probe"]),  # the tests' own, where a server is asked for it
]

# What each dialect's endpoints say besides.
ENDPOINTS = {
    "veza": {"rate": '"60/60s"'},
    "chat": {"rate": '"10/60s,100/3600s"'},
    "live": {"rate": '"10/10s"', "max_length": 1000},
    "relay": {"rate": '"60/60s"'},
    "messenger": {"rate": '"60/60s"'},
    "broadcast": {},
    "probe": {"rate": '""'},
}


# Gives each Server an empty database (databases.use); None: everyone has a file, with SQLite.
DATABASES = None


class Failure(Exception):
    """What was expected did not happen; the text is for a person."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def until(condition, what, limit=LIMIT):
    """Waits until condition() is true and returns its value."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {limit:g} s: {what}")
        time.sleep(0.005)


def built_plugins():
    return [name for name in ALL_PLUGINS if PLUGIN_DIR and
            os.path.exists(os.path.join(PLUGIN_DIR, name + ".so"))]


# ---- Tokens -------------------------------------------------------------------------------------

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def sign(claims, key, algorithm="HS256"):
    """A JSON Web Token; the algorithm "none" has an empty signature."""
    head = base64url(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    body = base64url(json.dumps(claims).encode())
    text = f"{head}.{body}"
    if algorithm not in HASHES:
        return text + "."
    return text + "." + base64url(hmac.new(key, text.encode(), HASHES[algorithm]).digest())


def claims_of(token):
    """What a token says, unchecked."""
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


# ---- The server ---------------------------------------------------------------------------------

class Server:
    """A salond in a temporary directory.

    listener, endpoint: settings of every listener and endpoint (values as they stand in the file).
    settings: further lines of the file.  files: open files allowed (RLIMIT_NOFILE).
    log_file: salond logs there in the place of standard error.
    plugins: in the place of all that have been built.  test_plugins: the tests' own can be loaded,
    too; plugin_dir is then a directory of the server's own, with links.
    """

    def __init__(self, listener=None, endpoint=None, settings="", files=None, log_file=None,
                 plugins=None, test_plugins=False):
        if not SALOND or not os.path.exists(SALOND):
            raise Skip("salond has not been built")
        self.directory = tempfile.mkdtemp(prefix="salon-test-")
        self.config = os.path.join(self.directory, "salond.conf")
        self.output = os.path.join(self.directory, "output")
        self.log_file = log_file and os.path.join(self.directory, log_file)
        self.key = base64url(secrets.token_bytes(36)).encode()
        self.secrets = {self.key.decode()}
        self.plugins = built_plugins() if plugins is None else plugins
        self.listener, self.endpoint, self.settings = listener or {}, endpoint or {}, settings
        self.files = files
        self.environment = {}  # besides what the test has itself
        own = "database {" in settings
        self.database = DATABASES.fresh() if DATABASES and not own else None
        self.process = None
        self.places = {}   # dialect -> (index of its listener, path), of the first endpoint
        self.ports = []
        self.seen = 0      # how much of the log belongs to earlier lives
        self.plugin_dir = self.link_plugins() if test_plugins else PLUGIN_DIR
        with open(os.path.join(self.directory, "key"), "wb") as file:
            file.write(self.key + b"\n")
        self.write_config()

    # -- configuration

    def link_plugins(self):
        if not TEST_PLUGIN_DIR:
            self.remove()
            raise Skip("the tests' plugins have not been built")
        place = os.path.join(self.directory, "plugins")
        os.mkdir(place)
        for directory in (PLUGIN_DIR, TEST_PLUGIN_DIR):
            for name in os.listdir(directory):
                if name.endswith(".so"):
                    os.symlink(os.path.join(directory, name), os.path.join(place, name))
        return place

    def write_config(self):
        self.places, self.ports = {}, []
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(self.config_text())

    def listener_text(self, endpoints, http):
        lines = ['listen "127.0.0.1:0" {']
        for path, dialect in endpoints.items():
            settings = {**ENDPOINTS[dialect], **self.endpoint}
            more = "".join(f"  {name} = {value}" for name, value in settings.items())
            lines.append(f'    endpoint "{path}" {{ dialect = "{dialect}"{more} }}')
        lines += [f"    {name} = {value}" for name, value in self.listener.items()]
        if http:
            lines.append("    http = { " + ", ".join(f'"{name}"' for name in http) + " }")
        return "\n".join(lines + ["}"])

    def config_text(self):
        """The shipped configuration, as far as its plugins have been built."""
        target = self.log_file or "stderr"
        names = ", ".join(f'"{name}"' for name in self.plugins)
        parts = [f'state_dir = "{self.directory}/state"', f'plugin_dir = "{self.plugin_dir}"',
                 f"plugins = {{ {names} }}", self.presence_text(),
                 f'jwt {{ key_file = "{self.directory}/key" }}',
                 f'log {{ target = "{target}"  level = "debug" }}', "threads = 2", self.settings]
        if self.database:
            parts.append(self.database_text())
        for endpoints, http in ALL_LISTENERS:
            served = {path: name for path, name in endpoints.items() if name in self.plugins}
            for path, name in served.items():
                self.places.setdefault(name, (len(self.ports), path))
            if served:
                parts.append(self.listener_text(served, [n for n in http if n in self.plugins]))
                self.ports.append(None)
        return "\n".join(parts) + "\n"

    def database_text(self):
        return self.database.settings()

    def presence_text(self):
        """In a test that is about something else, nobody's going away is news."""
        if "presence" not in self.plugins or "presence {" in self.settings:
            return ""
        return "presence { grace = 3600 }"

    # -- life

    def log(self):
        """Everything that salond has said in all its lives."""
        text = ""
        for path in (self.output, self.log_file):
            if path and os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as file:
                    text += file.read()
        return text

    def new_log(self):
        return self.log()[self.seen:]

    def start(self):
        self.launch()
        self.await_ready()

    def launch(self):
        self.seen = len(self.log())
        state = os.path.join(self.directory, "state")
        os.makedirs(state, exist_ok=True)
        command = [SALOND, "-c", self.config]
        if self.files:
            command = ["prlimit", f"--nofile={self.files}:{self.files}"] + command
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output,
                                            stdin=subprocess.DEVNULL,
                                            env={**os.environ, **self.environment})

    def await_ready(self):
        try:
            until(self.is_ready, "salond is ready", 3 * LIMIT)
        except Failure:
            self.process.kill()
            self.process.wait()
            raise Failure("salond does not start:\n" + self.tail()) from None
        found = re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.new_log())
        check(len(found) >= len(self.ports), "a listener is not in the log:\n" + self.tail())
        self.ports = [int(port) for port in found[:len(self.ports)]]

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failure("ended")
        return "salond: ready" in self.new_log()

    def stop(self):
        """SIGTERM; it must write everything out and exit with 0."""
        self.process.send_signal(signal.SIGTERM)
        self.expect_exit(0)

    def expect_exit(self, status):
        try:
            code = self.process.wait(3 * LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("salond does not end:\n" + self.tail()) from None
        if code != status:
            self.check_log()
            raise Failure(f"salond: exit status {code}, not {status}:\n" + self.tail())

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def tail(self, lines=25):
        return "\n".join("  log: " + line for line in self.log().splitlines()[-lines:])

    def check_log(self):
        """Fails on what must never be in a log."""
        text = self.log()
        report = REPORTS.search(text)
        if report:
            start = text.rfind("\n", 0, report.start()) + 1
            raise Failure("in the log:\n" + text[start:start + 6000])
        for secret in self.secrets:
            place = text.find(secret)
            if place >= 0:
                start = text.rfind("\n", 0, place) + 1
                raise Failure("a secret is in the log: " + text[start:text.find("\n", place)])

    def close(self, failed=False):
        try:
            if self.running():
                if failed:
                    self.kill()
                else:
                    self.stop()
            self.check_log()
        finally:
            if self.running():
                self.kill()
            self.remove()

    def remove(self):
        if self.database:
            self.database.drop()
        if not os.environ.get("SALON_TEST_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.close(kind is not None)
        except Failure as failure:
            if kind is None or REPORTS.search(str(failure)):
                raise

    def keep_ports(self):
        """From the next start on it listens on the ports that it has now."""
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        for port in self.ports:
            text = text.replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"', 1)
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text)

    # -- use

    def memory(self, what="VmRSS"):
        """Bytes of salond's memory, as its /proc/PID/status says."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(what + r":\s+(\d+)", file.read()).group(1)) * 1024

    def processor_time(self):
        """Seconds of it that salond has used."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def port(self, dialect="veza"):
        return self.ports[self.places[dialect][0]]

    def path(self, dialect="veza"):
        return self.places[dialect][1]

    def token(self, name, key=None, algorithm="HS256", **claims):
        """A token of one of PEOPLE; claims replace the usual ones, None takes one away."""
        number, role = PEOPLE.get(name, (None, "user"))
        all_claims = {"user_id": number, "username": name, "role": role,
                      "exp": int(time.time()) + 3600, **claims}
        return self.token_of({k: v for k, v in all_claims.items() if v is not None},
                             key, algorithm)

    def token_of(self, claims, key=None, algorithm="HS256"):
        token = sign(claims, key or self.key, algorithm)
        signature = token.split(".")[2]
        self.secrets.update({token, signature} if signature else {token})
        return token

    def said(self, content):
        """Remembers what somebody says, where it is long enough to be recognised in a log."""
        if isinstance(content, str) and len(content) >= 10:
            self.secrets.add(content)
        return content

    def run_ctl(self, *words):
        """salonctl, as subprocess.run gives it back."""
        return subprocess.run([SALONCTL, "-c", self.config, *map(str, words)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=3 * LIMIT,
                              stdin=subprocess.DEVNULL)

    def ctl(self, *words):
        """What salonctl prints, without the last newline; a number as a number."""
        done = self.run_ctl(*words)
        command = "salonctl " + " ".join(map(str, words))
        check(done.returncode == 0, f"{command}: {done.stderr.strip() or done.returncode}")
        check(not REPORTS.search(done.stderr), f"{command}: {done.stderr}")
        text = done.stdout.rstrip("\n")
        return int(text) if re.fullmatch(r"\d+", text) else text

    def ctl_fails(self, *words):
        """What salonctl complains of: exit status 1, and a line on standard error."""
        done = self.run_ctl(*words)
        command = "salonctl " + " ".join(map(str, words))
        check(done.returncode == 1, f"{command}: exit status {done.returncode}, not 1")
        check(done.stderr.strip(), f"{command}: fails without a word")
        return done.stderr.strip()

    def add_people(self, *names):
        for name in names:
            self.ctl("user", "add", name, "--id", PEOPLE[name][0], "--role", PEOPLE[name][1])


# ---- A client that can also be bad --------------------------------------------------------------

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The server has closed; code: of the close frame, None without one."""

    def __init__(self, code, reason=""):
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code


def inflate(payload, bits=15):
    """The text of a compressed message (RFC 7692); a whole one, and without what was before."""
    expander = zlib.decompressobj(-bits)
    data = expander.decompress(payload + b"\x00\x00\xff\xff")
    check(not expander.unused_data and not expander.unconsumed_tail, "bad compression")
    return data


def deflate(data, level=6, bits=15, memory=8, strategy=zlib.Z_DEFAULT_STRATEGY):
    """The payload of a compressed message."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, -bits, memory, strategy)
    data = data.encode() if isinstance(data, str) else data
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


class Client:
    """A WebSocket client on a bare socket: it sends whatever it is told to."""

    def __init__(self, server, dialect="veza", receive_buffer=None, port=None):
        self.server = server
        self.path = server.path(dialect) if port is None else "/ws"
        self.input = b""
        self.frames = []
        self.answer_pings = True
        self.pings = 0
        self.last_ping = None  # next_frame returns this one
        self.deflates = False  # compression is agreed on
        self.compressed = 0    # messages that came so
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(LIMIT)
        self.socket.connect(("127.0.0.1", port or server.port(dialect)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # -- bytes

    def send(self, data):
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def receive(self):
        """More input; False at the end.  A reset is an end as well."""
        try:
            data = self.socket.recv(262144)
        except socket.timeout:
            raise Failure(f"no answer within {LIMIT:g} s") from None
        except OSError:
            return False
        self.input += data
        return bool(data)

    def take(self, size):
        while len(self.input) < size:
            if not self.receive():
                raise Closed(None)
        data, self.input = self.input[:size], self.input[size:]
        return data

    def ended(self):
        """Waits for the end of the connection; what still came is dropped."""
        while self.receive():
            pass
        return True

    # -- HTTP

    def head(self):
        """The next answer's status (None when the server closes) and headers, in lower case."""
        while b"\r\n\r\n" not in self.input:
            if not self.receive():
                return None, {}
        text, self.input = self.input.split(b"\r\n\r\n", 1)
        lines = text.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(lines[0].split()[1]), headers

    def get(self, path, *headers, method="GET", body=""):
        """Status, headers, body of an answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body)
        status, answer = self.head()
        if "content-length" in answer:
            return status, answer, self.take(int(answer["content-length"])).decode()
        if status is not None:
            self.ended()
        data, self.input = self.input, b""
        return status, answer, data.decode()

    def ask(self, *headers, path=None):
        """Asks for a WebSocket; the answer's status and headers."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET {path or self.path} HTTP/1.1", "Host: 127.0.0.1", "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}"]
        self.send("\r\n".join(lines + list(headers)) + "\r\n\r\n")
        status, answer = self.head()
        self.deflates = "permessage-deflate" in answer.get("sec-websocket-extensions", "")
        return status, answer

    def open(self, *headers, path=None):
        status, _ = self.ask(*headers, path=path)
        check(status == 101, f"handshake: {status}")
        return self

    # -- frames

    def frame(self, opcode, payload=b"", final=True, reserved=0, size=None):
        """A masked frame; size: what its header says, where that is a lie."""
        payload = payload.encode() if isinstance(payload, str) else payload
        length = len(payload) if size is None else size
        head = bytes([(0x80 if final else 0) | reserved | opcode])
        if length < 126:
            head += bytes([0x80 | length])
        elif length < 65536:
            head += bytes([0x80 | 126]) + struct.pack("!H", length)
        else:
            head += bytes([0x80 | 127]) + struct.pack("!Q", length)
        mask = secrets.token_bytes(4)
        key = (mask * (len(payload) // 4 + 1))[:len(payload)]
        masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big"))
        self.send(head + mask + masked.to_bytes(len(payload), "big"))

    def next_frame(self):
        """(first byte, payload); pings are counted and answered on the way."""
        while True:
            first, second = self.take(2)
            check(not second & 0x80, "the server masks its frames")
            size = second & 0x7f
            if size == 126:
                size = struct.unpack("!H", self.take(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self.take(8))[0]
            payload = self.take(size)
            if first & 0x0f != PING:
                return first, payload
            self.pings += 1
            if self.answer_pings:
                self.frame(PONG, payload)
            if self.pings == self.last_ping:
                return first, payload

    def text(self):
        """The next message's text; Closed where the server closes."""
        whole = b""
        while True:
            first, payload = self.next_frame()
            opcode = first & 0x0f
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else 1005
                raise Closed(code, payload[2:].decode("utf-8", "replace"))
            if opcode == PONG:
                continue
            check(not first & (0x30 if self.deflates else 0x70), "a reserved bit is set")
            if first & 0x40:
                check(first & 0x80, "a compressed message in pieces")
                payload = inflate(payload)
                self.compressed += 1
            whole += payload
            if first & 0x80:
                return whole.decode("utf-8")

    def message(self):
        return json.loads(self.text())

    def say(self, kind, **data):
        """A message in the form of veza."""
        self.server.said(data.get("content"))
        self.frame(TEXT, json.dumps({"type": kind, "data": data}))

    def hear(self, kind):
        """The data of the next message of that type; others are passed over."""
        while True:
            message = self.message()
            if message["type"] == kind:
                return message["data"]
            check(message["type"] not in ("error", "auth_error"), f"not {kind}: {message}")

    def sign_in(self, name, **claims):
        self.say("authenticate", token=self.server.token(name, **claims))
        return self.hear("auth_success")

    def join(self, room):
        self.say("join_room", room_id=room)
        return self.hear("room_joined")

    def closed(self):
        """The code with which the server closes; messages before it are passed over."""
        try:
            while True:
                self.text()
        except Closed as closed:
            return closed.code

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def signed_in(server, name, room=None, **options):
    """A client of veza that has signed in and, where there is a room, joined it."""
    client = Client(server, **options).open()
    client.sign_in(name)
    if room is not None:
        client.join(room)
    return client


def still_serves(server):
    """A good client signs in and is answered."""
    check(server.running(), "salond has ended:\n" + server.tail())
    with signed_in(server, "frank") as client:
        stamp = f"2024-01-01T12:00:00.{random.randrange(10**6):06}Z"
        client.say("ping", timestamp=stamp)
        check(client.hear("pong")["timestamp"] == stamp, "a pong with another timestamp")


# ---- TAP ----------------------------------------------------------------------------------------

class Tap:
    """Results, one line each, with what a failed one has to say as comments."""

    def __init__(self, count):
        self.count = 0
        self.failed = 0
        self.lock = threading.Lock()
        print(f"1..{count}", flush=True)

    def result(self, name, failure=None, skip=None):
        with self.lock:
            self.count += 1
            self.failed += failure is not None
            line = f"{'not ok' if failure is not None else 'ok'} {self.count} - {name}"
            print(line + (f" # SKIP {skip}" if skip else ""))
            for text in (failure or "").splitlines():
                print("#   " + text)
            sys.stdout.flush()


def attempt(test):
    """(failure, skip) of one test."""
    try:
        test()
    except Skip as skip:
        return None, str(skip)
    except (Failure, Closed, OSError, subprocess.TimeoutExpired) as failure:
        place = traceback.extract_tb(failure.__traceback__)
        own = [f for f in place if os.path.dirname(os.path.abspath(f.filename)) == TEST_DIR and
               os.path.basename(f.filename) != "salon_test.py"]
        return f"line {(own or place)[-1].lineno}: {failure}", None
    except Exception:  # a test's own mistake, or a server that is gone: the trace tells
        return traceback.format_exc(), None
    return None, None


def title(test):
    return f"{test.__name__}: {(test.__doc__ or '').splitlines()[0].rstrip('.')}"


def run(tests, last=None, parallel=4):
    """Runs functions, several at once, then the last, as one TAP stream; returns the exit status.

    A name on the command line chooses the tests that contain it.
    """
    chosen = [test for test in tests if not sys.argv[1:] or
              any(word in test.__name__ for word in sys.argv[1:])]
    tap = Tap(len(chosen) + (last is not None))
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        futures = {pool.submit(attempt, test): test for test in chosen}
        for future in concurrent.futures.as_completed(futures):
            tap.result(title(futures[future]), *future.result())
    if last:
        tap.result(title(last), *attempt(last))
    return 1 if tap.failed else 0
