#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The example of salon-plugin(7) is built from the page as it stands, loaded, and used."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, PLUGIN_DIR, SALOND, Server, Skip, check  # noqa: E402

TOP = os.environ.get("top_srcdir") or salon_test.TOP_DIR
PAGE = os.path.join(TOP, "man", "salon-plugin.7.in")
WARNINGS = ["-std=gnu17", "-Wall", "-Wextra", "-Wshadow", "-Wstrict-prototypes",
            "-Wmissing-prototypes", "-Wformat=2", "-Wundef", "-Werror"]


def example():
    """The C source between the marks."""
    with open(PAGE, encoding="utf-8") as file:
        text = re.search(r'(?ms)^\.\\" dice\.c begins\n\.Bd -literal\n(.*)^\.Ed\n'
                         r'\.\\" dice\.c ends', file.read())
    check(text, f"no example in {PAGE}")
    return text[1].replace(r"\e", "\\")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=6 * LIMIT)
    check(done.returncode == 0, f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def build(directory):
    """dice.so, beside links to the plugins that it is loaded with."""
    compiler = shlex.split(os.environ.get("CC") or "cc")
    if not shutil.which(compiler[0]) or not shutil.which("pkg-config"):
        raise Skip("no compiler, or no pkg-config")
    source = os.path.join(directory, "dice.c")
    with open(source, "w", encoding="utf-8") as file:
        file.write(example())
    for name in ("rooms", "veza"):
        os.symlink(os.path.join(os.path.abspath(PLUGIN_DIR), name + ".so"),
                   os.path.join(directory, name + ".so"))
    flags = run("pkg-config", "--cflags", "apr-1", "json-c").split()
    run(*compiler, *WARNINGS, "-shared", "-fPIC", "-fvisibility=hidden", *flags,
        "-I" + os.path.join(TOP, "include"), "-o", os.path.join(directory, "dice.so"), source)


def dice_server(settings="dice { sides = 20 }"):
    """A server, not started yet, that has the example as a plugin."""
    server = Server(plugins=["rooms", "veza", "dice"], settings=settings)
    try:
        build(server.directory)
    except BaseException:
        server.remove()
        raise
    with open(server.config, encoding="utf-8") as file:
        text = file.read()
    text = text.replace(f'plugin_dir = "{PLUGIN_DIR}"', f'plugin_dir = "{server.directory}"')
    text = re.sub(r'(listen "[^"]*" \{)', r'\1 http = { "dice" }', text, 1)
    with open(server.config, "w", encoding="utf-8") as file:
        file.write(text)
    return server


def test_use():
    """Its route, command, setting and table"""
    with dice_server() as server:
        address = f"http://127.0.0.1:{server.port()}/dice"
        with urllib.request.urlopen(address, timeout=LIMIT) as answer:
            text = answer.read().decode()
        value = re.fullmatch(r'\{ ?"value": ?(\d+) ?\}', text)
        check(value and 1 <= int(value[1]) <= 20, f"GET /dice: {text}")
        room = server.ctl("room", "add", "general")
        check(server.ctl("dice", "roll", room, "--sides", 2) in (1, 2), "salonctl dice roll")
        check("sides" in server.ctl_fails("dice", "roll", room, "--sides", 1), "one side")
        check("schema of dice: version 1" in server.log(), "no migration")
        server.stop()
        server.start()  # its table and sequence are there already
        check(server.ctl("dice", "roll", room) in range(1, 21), "salonctl dice roll, again")


def test_tables():
    """salond tells of its tables"""
    server = dice_server()
    try:
        check("\ndice {\n    sides = 20\n}" in run(SALOND, "-T", "-c", server.config),
              "salond -T lacks the setting")
        check("dice.sides\tinteger\t6\t" in run(SALOND, "-S", "-c", server.config),
              "salond -S lacks the setting")
        rows = run(SALOND, "-l", "-c", server.config)
        for row in ("operation\tdice\tdice.roll\troom_id,sides?\twrites\tuser\t1\t",
                    "event\tdice\tdice.rolled\t-\t", "route\tdice\tGET /dice\t",
                    "command\tdice\tdice roll\tROOM_ID [--sides N]\tdice.roll\t"):
            check(row in rows, f"salond -l lacks: {row}")
    finally:
        server.remove()


def test_bounds():
    """A setting out of its bounds is an error with its line"""
    server = dice_server("dice { sides = 1 }")
    try:
        done = subprocess.run([SALOND, "-t", "-c", server.config], stderr=subprocess.PIPE,
                              text=True, timeout=3 * LIMIT)
        check(done.returncode == 1 and re.search(r"salond\.conf:\d+: sides: 1 is not", done.stderr),
              f"salond -t: {done.stderr}")
    finally:
        server.remove()


def test_symbols():
    """It exports its descriptor and nothing else"""
    if not shutil.which("nm"):
        raise Skip("no nm")
    server = dice_server()
    try:
        names = run("nm", "-D", "--defined-only", os.path.join(server.directory, "dice.so"))
        check([line.split()[-1] for line in names.splitlines()] == ["dice_plugin"], names)
    finally:
        server.remove()


if __name__ == "__main__":
    sys.exit(salon_test.run([test_use, test_tables, test_bounds, test_symbols]))
