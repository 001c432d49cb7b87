# SPDX-License-Identifier: Apache-2.0
"""How a test says what must be so, and how long it waits for that.

Nothing here sleeps for a guessed time: everything waits for a condition, for at most LIMIT
seconds.
"""

import os
import time

SLOWER = float(os.environ.get("SALON_TEST_SLOWER") or "1")
ROUNDS = os.environ.get("SALON_TEST_ROUNDS")  # of what is done again and again; None: a few
LIMIT = 10 * SLOWER  # the longest wait for any condition, in seconds


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
