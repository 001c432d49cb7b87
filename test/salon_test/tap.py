# SPDX-License-Identifier: Apache-2.0
"""Running tests, which are functions, and telling of them in TAP (Test Anything Protocol)."""

import concurrent.futures
import os
import subprocess
import sys
import threading
import traceback

from .built import SALOND, TEST_DIR
from .client import Closed
from .expect import Failure, Skip, check


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
        own = [f for f in place if os.path.dirname(os.path.abspath(f.filename)) == TEST_DIR]
        return f"line {(own or place)[-1].lineno}: {failure}", None
    except Exception:  # a test's own mistake, or a server that is gone: the trace tells
        return traceback.format_exc(), None
    return None, None


def title(test):
    return f"{test.__name__}: {(test.__doc__ or '').splitlines()[0].rstrip('.')}"


def skipped():
    """Says that nothing can be tested, where that is so."""
    built = SALOND and os.path.exists(SALOND)
    if not built:
        print("1..0 # SKIP salond has not been built")
    return not built


def run(tests, last=None, parallel=4):
    """Runs functions, several at once, then the last, as one TAP stream; returns the exit status.

    A name on the command line chooses the tests that contain it.
    """
    if skipped():
        return 0
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


def run_on(begin, tests):
    """The same, with a server that all of them use: begin() makes and starts it."""
    if skipped():
        return 0
    server = begin()

    def server_ends():
        """The server that all this was done to has not ended, and ends well"""
        check(server.running(), "salond has ended:\n" + server.tail())
        server.close()

    try:
        return run(tests, server_ends)
    finally:
        if server.running():
            server.kill()
        server.remove()
