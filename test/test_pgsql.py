#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Everything that is stored, on PostgreSQL (engine_tests.py says what)."""

import sys

sys.dont_write_bytecode = True
import engine_tests  # noqa: E402

if __name__ == "__main__":
    sys.exit(engine_tests.main("pgsql"))
