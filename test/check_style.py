#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what a compiler does not: layout, licence lines, words that do not belong, Makefile.am.

Prints TAP.  Needs nothing but the sources (top_srcdir, or the directory above this file).
"""

import os
import re
import sys
from pathlib import Path

TOP = Path(os.environ.get("top_srcdir") or Path(__file__).resolve().parent.parent)
FOLDERS = ("src", "plugins", "include", "test")
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"
COLUMNS = 100
LINES = 500

# Features and wire formats live in plugins: the core has no word for them.
FEATURE = re.compile(r"\b(rooms?|reactions?|friends?|veza|typing|moderators?)\b", re.IGNORECASE)
# What does not count, by file.
ALLOWED = {
    "src/demo.c": re.compile(r'"[^"]*"'),  # types commands
    "src/request.c": re.compile(r'"WS_MESSAGE[^"]*"[^"]*"[^"]*"'),  # a log line that tools match
    "src/role.c": re.compile(r'"moderator"'),  # a role on the whole server
    "src/settings_table.c": re.compile(r'"[^"]*"'),  # the shipped defaults name plugins
}


def sources():
    """Every C file, as (path relative to the top, lines)."""
    for folder in FOLDERS:
        for path in sorted((TOP / folder).rglob("*.[ch]")):
            text = path.read_text(encoding="utf-8", errors="replace")
            yield path.relative_to(TOP).as_posix(), text.split("\n")


def where(files, test):
    """The places "file:line: text" of all lines that the test finds."""
    return [f"{name}:{number}: {line.strip()}"
            for name, lines in files
            for number, line in enumerate(lines, 1) if test(line)]


def scripts():
    """The tests that are scripts, in the same form."""
    folder = TOP / "test"
    for path in sorted([*folder.glob("*.py"), *folder.glob("salon_test/*.py"),
                        *folder.glob("javascript/*.js")]):
        yield path.relative_to(TOP).as_posix(), path.read_text(encoding="utf-8").split("\n")


def without_licence(files):
    return [name for name, lines in files if lines[0] != SPDX]


def feature_words(files):
    found = []
    for name, lines in files:
        if not name.startswith("src/"):
            continue
        for number, line in enumerate(lines, 1):
            if FEATURE.search(ALLOWED[name].sub("", line) if name in ALLOWED else line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def badly_ended(files):
    return [name for name, lines in files if lines[-1] != "" or lines[-2:] == ["", ""]]


def too_long(files):
    return [f"{name}: {len(lines) - 1} lines" for name, lines in files
            if name.startswith(("src/", "plugins/")) and len(lines) - 1 > LINES]


def not_built(files):
    """Files that Makefile.am does not name, be it as they are, as NAME.la or as a program."""
    named = set(re.findall(r"[\w./+-]+", (TOP / "Makefile.am").read_text(encoding="utf-8")))
    others = [path.relative_to(TOP).as_posix()
              for pattern in ("man/*.in", "conf/*.in", "test/*.py")
              for path in sorted(TOP.glob(pattern))]
    return [name for name in [name for name, _ in files] + others
            if not {name, name.rpartition(".")[0], name.rpartition(".")[0] + ".la"} & named]


def checks(files):
    """(name, offending places, is it only a reminder)"""
    yield "every C file opens with its licence line", without_licence(files), False
    yield "no tabs", where(files, lambda line: "\t" in line), False
    yield f"no line over {COLUMNS} columns", where(files, lambda line: len(line) > COLUMNS), False
    yield "no spaces at the end of a line", where(files, lambda line: line != line.rstrip()), False
    yield "every file ends with one newline", badly_ended(files), False
    yield "no word of a feature in the core", feature_words(files), False
    yield "every source is in Makefile.am", not_built(files), False
    yield f"no source over {LINES} lines", too_long(files), True
    yield (f"no line of a test over {COLUMNS} columns",
           where(scripts(), lambda line: len(line) > COLUMNS), True)


def main():
    results = list(checks(list(sources())))
    print(f"1..{len(results)}")
    for number, (name, places, reminder) in enumerate(results, 1):
        note = " # TODO split them" if places and reminder else ""
        print(f"{'not ok' if places else 'ok'} {number} - {name}{note}")
        for place in places:
            print("#  ", place)
    return any(places and not reminder for _, places, reminder in results)


if __name__ == "__main__":
    # Failures are told in TAP; the status is for people who run it by hand.
    bad = main()
    sys.exit(1 if bad and sys.stdout.isatty() else 0)
