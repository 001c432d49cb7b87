#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A database server for a benchmark: database.py pgsql|mysql

In a temporary directory of its own, with the durability that it has by default.  Prints
"ready PORT NAME USER PASSWORD_FILE" (on 127.0.0.1) when there is an empty database, then serves
until it is told to end (SIGTERM, or the end of its input).  Exit status 77: it is not installed.
"""

import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir))
from salon_test import Skip, databases  # noqa: E402


def main(driver):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with databases.make(driver, durable=True) as engine:
            name = engine.fresh().name
            print("ready", engine.port, name, "salon", engine.password_file, flush=True)
            sys.stdin.read()
    except Skip as reason:
        print(f"{driver}: {reason}", file=sys.stderr)
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
