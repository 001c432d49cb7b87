#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plugins that salond must refuse: with exit status 1 and one clear line, before anybody is served.

What tables alone can tell is refused by `salond -t` as well.  Needs the plugins in
SALON_TEST_PLUGINS: refused.so holds many descriptors, and is linked under the name of each.
"""

import os
import re
import sqlite3
import subprocess
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, REPORTS, SALOND, Server, check  # noqa: E402

# Plugin -> what the refusal says of it; all of them can be known without opening anything.
TABLES = {
    "wrong_magic": r"is not a plugin of Salon \(wrong magic\)",
    "other_major": r"is made for plugin interface \d+, this is \d+",
    "newer_minor": r"needs plugin interface \d+\.\d+, this is \d+\.\d+",
    "wrong_size": r"has a descriptor of \d+ bytes, \d+ are right",
    "nameless": r"exports no nameless_plugin",
    "other_name": r'calls itself "somebody"',
    "without_name": r'calls itself ""',
    "operation_twice": r'operation "room\.send" exists already',
    "operation_without_handler": r'operation "probe\.nothing" has no handler',
    "operation_without_dot": r'operation "probe" is not of the form noun\.verb',
    "operation_nowhere":
        r'operation "probe\.nowhere" does not say where one must be allowed',
    "event_twice": r'event "message\.new" .*exists already',
    "command_of_nothing":
        r'has a command "probe nothing" for "probe\.nothing", which is no operation',
    "route_no_pattern": r'has a route "/probe/\{id", which is no pattern',
    "dialect_without_function": r'dialect "speechless" lacks a function',
    "dialect_without_table": r'dialect "wordless" lacks a table',
    "dialect_without_name": r"has a dialect without a name",
    "dialect_twice": r'dialect "veza" exists already',
    "unlinked": r"cannot be loaded: .*undefined symbol: salon_nobody_has_this.*",
    "no_object": r"cannot be loaded: .*",
    "missing": r"cannot be loaded: .*No such file.*",
    "rooms": r"is named twice",
}

# Plugin -> the line; only the start itself can tell.
STARTS = {
    "start_fails": r'salond: plugin "start_fails" did not start; the log says why',
    "migration_fails": r"salond: migration 1 of migration_fails failed; see the log",
}


def server_with(name):
    """A server that has never run, whose last plugin is that one."""
    server = Server(plugins=["rooms", "veza", name], test_plugins=True)
    path = os.path.join(server.plugin_dir, name + ".so")
    if name == "no_object":
        with open(path, "wb") as file:
            file.write(b"This is a text.\n")
    elif name != "missing" and not os.path.exists(path):
        os.symlink(os.path.join(salon_test.TEST_PLUGIN_DIR, "refused.so"), path)
    return server


def run_salond(server, *options):
    os.makedirs(os.path.join(server.directory, "state"), exist_ok=True)
    return subprocess.run([SALOND, *options, "-c", server.config], text=True, timeout=3 * LIMIT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def expect_refusal(done, line):
    """Exit status 1, and one last line for people; before it, a server that has begun logs."""
    check(not REPORTS.search(done.stderr), done.stderr)
    check(done.returncode == 1, f"exit status {done.returncode}, not 1:\n{done.stderr}")
    check(done.stderr.endswith("\n"), f"no line at all: {done.stderr}")
    last = done.stderr.splitlines()[-1]
    check(re.fullmatch(line, last), f"not the words expected: {last}")


def refused_by_tables(name, words):
    def test():
        server = server_with(name)
        place = re.escape(server.config) + r":\d+"
        try:
            # -t tells it as a compiler does: nothing stands before the place.
            for option, prefix in ((), "salond: "), (("-t",), ""), (("-T",), "salond: "):
                done = run_salond(server, *option)
                expect_refusal(done, f'{prefix}{place}: plugin "{name}" {words}')
                check(len(done.stderr.splitlines()) == 1, f"more than a line:\n{done.stderr}")
                check(done.stdout == "", f"{option} prints:\n{done.stdout}")
                check(os.listdir(os.path.join(server.directory, "state")) == [],
                      "something was opened")
        finally:
            server.remove()
    return test


def refused_at_start(name, line):
    def test():
        server = server_with(name)
        try:
            check(run_salond(server, "-t").returncode == 0, "-t refuses it already")
            for _ in range(2):  # the first start that failed must not change what the next one says
                expect_refusal(run_salond(server), line)
        finally:
            server.remove()
    return test


def half_a_migration():
    """a migration that fails leaves nothing behind, and the server starts without it"""
    server = server_with("migration_fails")
    try:
        run_salond(server)
        database = sqlite3.connect(os.path.join(server.directory, "state", "salon.db"))
        tables = [name for name, in database.execute("SELECT name FROM sqlite_master")]
        database.close()
        check("messages" in tables, f"the others' migrations are not there: {tables}")
        check("half_made" not in tables, "the first half of the migration is there")
        server.plugins.remove("migration_fails")
        server.write_config()
        server.start()
        server.close()
    finally:
        server.remove()


def told_by_version():
    """salond -V tells of a plugin that it would refuse, and lists the others"""
    server = server_with("wrong_magic")
    try:
        done = run_salond(server, "-V")
        check(done.returncode == 0, f"exit status {done.returncode}")
        check('plugin "wrong_magic" is not a plugin of Salon' in done.stdout, done.stdout)
        for name in ("core", "rooms", "veza"):
            check(re.search(rf"^{name}\s+\S+\s+\S", done.stdout, re.M), f"without {name}")
    finally:
        server.remove()


def tests():
    for make, table in ((refused_by_tables, TABLES), (refused_at_start, STARTS)):
        for name, words in table.items():
            test = make(name, words)
            test.__name__ = name
            test.__doc__ = f"the plugin {name} is refused"
            yield test
    yield half_a_migration
    yield told_by_version


if __name__ == "__main__":
    sys.exit(salon_test.run(list(tests())))
