# SPDX-License-Identifier: Apache-2.0
"""Real database servers of a test's own: PostgreSQL and MariaDB, from the binaries of the system.

    with databases.make("pgsql") as engine:     starts it; stops it, whatever happens
        database = engine.fresh()               an empty one, with a user and a password
        database.settings()                     its block for salond.conf
        engine.stop(), engine.start()           the databases stay

Each has a temporary directory, a port that the system chooses, and no part in what the system runs
of the same kind.  They refuse to run as root: then they run as the user that Debian's package has
made, or as nobody.  They end with the test, also when that is killed.  Nothing is synced to disk:
it outlives a killed server, not a power cut; unless durable=True, which leaves everything that is
about speed and safety as the server's makers have set it.
"""

import concurrent.futures
import contextlib
import glob
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from . import server
from .expect import LIMIT, Failure, Skip, until

# The signal that a process gets when its parent dies means the thread that made it.
STARTER = concurrent.futures.ThreadPoolExecutor(1)


def find(name, *patterns):
    """A program in the path, or the newest that one of the patterns finds."""
    found = shutil.which(name)
    for pattern in patterns:
        found = found or max(glob.glob(os.path.join(pattern, name)), default=None)
    if not found:
        raise Skip(f"{name} is not installed")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, text="", environment=None):
    """What a command prints; its errors are a failure."""
    done = subprocess.run(command, input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=6 * LIMIT,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        raise Failure(f"{os.path.basename(command[0])}: {done.stderr.strip() or done.stdout}")
    return done.stdout.rstrip("\n")


class Database:
    """An empty database.  name: as the engine knows it."""

    def __init__(self, engine, name):
        self.engine, self.name = engine, name

    def settings(self, port=None, more=""):
        """port: of something that stands between."""
        engine = self.engine
        return (f'database {{ driver = "{engine.driver}"  host = "127.0.0.1"\n'
                f'    port = {port or engine.port}  name = "{self.name}"  user = "salon"\n'
                f'    password_file = "{engine.password_file}"  {more} }}')

    def environment(self):
        """For the unit tests (test_database.h)."""
        engine = self.engine
        return {"SALON_TEST_DRIVER": engine.driver, "SALON_TEST_HOST": "127.0.0.1",
                "SALON_TEST_PORT": str(engine.port), "SALON_TEST_NAME": self.name,
                "SALON_TEST_USER": "salon", "SALON_TEST_PASSWORD_FILE": engine.password_file}

    def ask(self, statement):
        """The rows of an answer, as lists of texts."""
        return [line.split("\t") for line in self.engine.ask(statement, self.name).splitlines()]

    def run(self, script):
        """As the user that salond is there."""
        self.engine.run(script, self.name)

    def drop(self):
        if self.engine.running():
            self.engine.drop(self.name)


class Engine:
    """One server.

    Of a kind are: driver, user, install(), command(), ask(), run(), create(), cut() and drop().
    """

    def __init__(self, durable=False):
        self.durable = durable
        self.process = None
        self.count = 0
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.find_programs()
        self.directory = tempfile.mkdtemp(prefix=f"salon-{self.driver}-")
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.password_file = os.path.join(self.directory, "password")
        with open(self.password_file, "w", encoding="ascii") as file:
            file.write(self.password + "\n")
        os.mkdir(self.data, 0o700)
        if os.geteuid() == 0:
            entry = self.owner()
            for path in (self.directory, self.data, self.password_file):
                os.chown(path, entry.pw_uid, entry.pw_gid)

    def owner(self):
        for name in (self.user, "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                pass
        raise Skip("there is no user to run it as")

    def unprivileged(self, command):
        words = ["setpriv", "--pdeathsig", "KILL"]
        if os.geteuid() == 0:
            entry = self.owner()
            words += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        return words + ["--"] + command

    # -- life

    def __enter__(self):
        try:
            STARTER.submit(run, self.unprivileged(self.install())).result()
            self.start()
            self.prepare()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_):
        self.remove()

    def start(self):
        """What a killed one has left behind may end a first attempt."""
        try:
            until(self.answers, f"{self.driver} answers", 6 * LIMIT)
        except Failure as failure:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                raise Failure(f"{failure}\n" + log.read()[-3000:]) from None

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = STARTER.submit(
                subprocess.Popen, self.unprivileged(self.command()), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.directory, start_new_session=True).result()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def answers(self):
        if not self.running():
            self.launch()
        try:
            return self.ask("SELECT 1") == "1"
        except Failure:
            return False

    def signal(self, number):
        """To all its processes."""
        for pid in [self.process.pid, *self.children()]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # it has ended by itself

    def children(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            return [int(word) for word in file.read().split()]

    def stop(self, how=None):
        """In the orderly way, which ends the connections, or with that signal."""
        self.process.send_signal(how or self.orderly)
        self.process.wait(6 * LIMIT)

    def remove(self):
        if self.running():
            self.signal(signal.SIGCONT)
            self.stop(self.hasty)
        shutil.rmtree(self.directory, ignore_errors=True)

    def fresh(self):
        self.count += 1
        name = f"salon_{self.count}"
        self.create(name)
        return Database(self, name)


class PostgreSQL(Engine):
    driver, user = "pgsql", "postgres"
    orderly, hasty = signal.SIGINT, signal.SIGQUIT
    settings = {"listen_addresses": "127.0.0.1", "log_min_messages": "warning",
                "log_min_error_statement": "panic"}
    hurried = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB",
               "max_connections": "60", "autovacuum": "off"}

    def find_programs(self):
        place = "/usr/lib/postgresql/*/bin"
        self.initdb, self.postgres = find("initdb", place), find("postgres", place)
        self.psql = find("psql", place)

    def install(self):
        return [self.initdb, "-D", self.data, "-U", "postgres", "--auth=scram-sha-256",
                "--pwfile", self.password_file, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
                "--no-instructions"]

    def command(self):
        words = [self.postgres, "-D", self.data, "-p", str(self.port), "-k", self.directory]
        for name, value in {**self.settings, **({} if self.durable else self.hurried)}.items():
            words += ["-c", f"{name}={value}"]
        return words

    def prepare(self):
        self.ask(f"CREATE ROLE salon LOGIN PASSWORD '{self.password}'")

    def ask(self, statement, name="postgres"):
        command = [self.psql, "-XqAt", "-F", "\t", "-h", "127.0.0.1", "-p", str(self.port),
                   "-U", "postgres", "-d", name, "-v", "ON_ERROR_STOP=1"]
        return run(command, statement, {"PGPASSWORD": self.password})

    def run(self, script, name):
        command = [self.psql, "-Xq", "-h", "127.0.0.1", "-p", str(self.port), "-U", "salon",
                   "-d", name, "-v", "ON_ERROR_STOP=1"]
        run(command, script, {"PGPASSWORD": self.password})

    def create(self, name):
        self.ask(f"CREATE DATABASE {name} OWNER salon TEMPLATE template0 ENCODING 'UTF8'")

    def drop(self, name):
        self.ask(f"DROP DATABASE {name} WITH (FORCE)")

    def restrict(self, name):
        """Leaves to salond the rows alone; the tables there are, are the administrator's."""
        self.ask(f"ALTER DATABASE {name} OWNER TO postgres")
        self.ask("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO salon",
                 name)

    def cut(self, name):
        """Ends everybody's connections to a database."""
        self.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


class MariaDB(Engine):
    driver, user = "mysql", "mysql"
    orderly, hasty = signal.SIGTERM, signal.SIGKILL
    hurried = ["--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2",
               "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M",
               "--max-connections=60"]

    def find_programs(self):
        self.mariadbd = find("mariadbd", "/usr/sbin", "/usr/libexec")
        self.installer, self.client = find("mariadb-install-db"), find("mariadb")

    def install(self):
        return [self.installer, "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                "--auth-root-authentication-method=normal", "--skip-name-resolve",
                "--innodb-flush-method=nosync", f"--tmpdir={self.directory}"]

    def command(self):
        """The server's own character set stays the old one: Salon's tables say what they need."""
        return [self.mariadbd, "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
                "--bind-address=127.0.0.1", f"--socket={self.directory}/socket",
                f"--tmpdir={self.directory}", "--skip-name-resolve", "--performance-schema=OFF",
                "--character-set-server=latin1", *([] if self.durable else self.hurried)]

    def prepare(self):
        self.ask(f"CREATE USER 'salon'@'127.0.0.1' IDENTIFIED BY '{self.password}'")

    def ask(self, statement, name="mysql"):
        command = [self.client, "--no-defaults", f"--socket={self.directory}/socket", "-u", "root",
                   "--default-character-set=utf8mb4", "-BN", name]
        return run(command, statement)

    def run(self, script, name):
        command = [self.client, "--no-defaults", "-h", "127.0.0.1", "-P", str(self.port),
                   "-u", "salon", "--default-character-set=utf8mb4", name]
        run(command, script, {"MYSQL_PWD": self.password})

    def create(self, name):
        self.ask(f"CREATE DATABASE {name}; GRANT ALL ON {name}.* TO 'salon'@'127.0.0.1'")

    def drop(self, name):
        self.ask(f"DROP DATABASE {name}")

    def restrict(self, name):
        self.ask(f"REVOKE ALL ON {name}.* FROM 'salon'@'127.0.0.1';"
                 f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO 'salon'@'127.0.0.1'")

    def cut(self, name):
        """Those that have ended by themselves meanwhile (1094) have ended."""
        rows = self.ask(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'")
        kills = "".join(f"KILL {number}; " for number in rows.split())
        self.ask("DELIMITER //\nBEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; "
                 f"{kills}END//")


ENGINES = {kind.driver: kind for kind in (PostgreSQL, MariaDB)}


def make(driver, durable=False):
    return ENGINES[driver](durable)


@contextlib.contextmanager
def used(driver):
    """While it lasts, every Server has a database of this engine; None: a file."""
    if not driver:
        yield None
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    with make(driver) as engine:
        server.DATABASES = engine
        try:
            yield engine
        finally:
            server.DATABASES = None
