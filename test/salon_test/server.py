# SPDX-License-Identifier: Apache-2.0
"""A salond of one's own: its configuration, its life, salonctl.

Every server gets a temporary directory and ports that the system chooses, so tests run side by
side.  When it is let go of, its log is searched for sanitizer reports and for secrets (keys,
tokens, what people said).
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

from .built import PLUGIN_DIR, SALONCTL, SALOND, TEST_PLUGIN_DIR, built_plugins
from .expect import LIMIT, Failure, Skip, check, until
from .tokens import base64url, sign

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
                 f"plugins = {{ {names} }}",
                 f'jwt {{ key_file = "{self.directory}/key" }}',
                 f'log {{ target = "{target}"  level = "debug" }}', "threads = 2",
                 self.settings_text()]
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

    def settings_text(self):
        """In a test that is about something else, nobody's going away is news."""
        own = re.search(r"presence \{([^}]*)", self.settings)
        if "presence" not in self.plugins or own and "grace" in own.group(1):
            return self.settings
        if own:
            return self.settings.replace("presence {", "presence { grace = 3600 ", 1)
        return self.settings + "\npresence { grace = 3600 }"

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
