# SPDX-License-Identifier: Apache-2.0
"""What is tested on each database server: test_pgsql.py and test_mysql.py run it.

The unit tests of the storage, every conversation of every dialect, and being stopped and killed
under load, each with an empty database, on one server of the test's own.  Under a sanitizer, which
sees most of it with SQLite, only some of the conversations.
"""

import asyncio
import concurrent.futures
import os
import subprocess
import sys

import engine_faults
import plans
import run_conversations
import salon_test
import test_media
import test_process
import test_removal
import test_retention
import upgrade
from salon_test import Server, Skip, check, databases

UNIT_TESTS = ["test_db", "test_migration", "test_position", "test_store"]
EACH_UNDER_SANITIZER = 6  # one conversation of so many
AT_ONCE = 4

engine = None


def unit_test(name):
    program = salon_test.find_built("", os.path.join("test", "unit", name))
    if os.environ.get("top_builddir"):
        program = os.path.join(os.environ["top_builddir"], "test", "unit", name)
    if not program or not os.path.exists(program):
        raise Skip(f"{name} has not been built")
    done = subprocess.run([program], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, **engine.fresh().environment()},
                          timeout=12 * salon_test.LIMIT)
    check(done.returncode == 0, f"{name}: {done.returncode}\n{done.stdout[-5000:]}")


def test_units():
    """The unit tests of the storage"""
    for name in UNIT_TESTS:
        unit_test(name)


def test_tables():
    """The database that a server of this test has is that of the engine, not a file"""
    with Server() as server:
        server.add_people("alice")
        check(server.database.ask("SELECT name FROM users WHERE id = 2") == [["alice"]],
              "alice is not in the database")
        check(not os.path.exists(os.path.join(server.directory, "state", "salon.db")),
              "there is a file")


TOGETHER = engine_faults.TOGETHER + [test_units, test_tables, test_media.permissions,
                                     upgrade.test_upgrade, plans.test_plans,
                                     *test_removal.ON_EACH, *test_retention.ON_EACH,
                                     test_process.test_stop_under_load,
                                     test_process.test_crash_under_load]
TESTS = TOGETHER + engine_faults.ALONE


def run_tests(tap, tests):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {pool.submit(salon_test.attempt, test): test for test in tests
                   if test in TOGETHER}
        for future in concurrent.futures.as_completed(futures):
            tap.result(salon_test.title(futures[future]), *future.result())
    for test in tests:
        if test not in TOGETHER:
            tap.result(salon_test.title(test), *salon_test.attempt(test))


def chosen(names):
    """The conversations and the tests; where names are given, the tests that contain one."""
    paths = list(run_conversations.files_of())
    if salon_test.SLOWER > 1:
        paths = paths[::EACH_UNDER_SANITIZER]
    if not names:
        return paths, TESTS
    return [], [test for test in TESTS if any(name in test.__name__ for name in names)]


def main(driver):
    global engine
    paths, tests = chosen(sys.argv[1:])
    try:
        with databases.used(driver) as engine:
            tap = salon_test.Tap(len(paths) + len(tests))
            asyncio.run(run_conversations.run_all(paths, tap))
            run_tests(tap, tests)
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
        return 0
    return 1 if tap.failed else 0
