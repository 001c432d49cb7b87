#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client in JavaScript, on an independent WebSocket library (Node's ws), talks to salond."""

import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, Server, Skip, check  # noqa: E402


def run_node(server, script, *arguments):
    """The JSON that a script prints."""
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        raise Skip("no node")
    done = subprocess.run([node, os.path.join(salon_test.TEST_DIR, script), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=3 * LIMIT)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    check(done.returncode == 0, f"{script}: {done.stderr}\n{server.tail()}")
    return json.loads(done.stdout)


def test_veza():
    """Two pages that speak veza"""
    with Server() as server:
        room = server.ctl("room", "add", "general")
        seen = run_node(server, "client_veza.js",
                        f"ws://127.0.0.1:{server.port()}{server.path()}",
                        server.token("alice"), server.token("bob"), str(room))
        hello, answer = "Hello from a page 👋", "Hello to you, @alice"
        check(seen["users"] == ["alice", "bob"], f"{seen['users']}")
        check(seen["members"] == 2, f"{seen['members']} members")
        check(seen["extensions"] == "permessage-deflate", f"agreed on {seen['extensions']}")
        for name in ("sent", "own", "heard"):
            check(seen[name]["content"] == hello, f"{name}: {seen[name]}")
            check(seen[name]["message_id"] == seen["sent"]["message_id"], f"{name}: {seen[name]}")
        check(seen["answer"]["content"] == answer and seen["answer"]["author_id"] == 3,
              f"{seen['answer']}")
        check(seen["history"] == [hello, answer], f"{seen['history']}")
        check(seen["safe"] and seen["recent"], f"{seen['sent']}")
        check(seen["closed"] == [1000, 1000], f"closed with {seen['closed']}")


def test_compression():
    """Random texts of up to 60 KB, compressed in both directions"""
    with Server({"max_message": 100000}, {"max_length": 100000}) as server:
        path = server.path("broadcast")
        seen = run_node(server, "client_deflate.js",
                        f"ws://127.0.0.1:{server.port('broadcast')}{path}", "100")
        check(seen["extensions"] == ["permessage-deflate"] * 2, f"{seen['extensions']}")
        check(seen["wrong"] == 0, f"{seen['wrong']} texts came otherwise")
        check(seen["pieces"] == 50, f"{50 - seen['pieces']} texts in pieces came otherwise")
        for name in ("window", "takeover"):
            check(seen[name] == ["permessage-deflate", True], f"{name}: {seen[name]}")
        check(seen["none"] == ["", True], f"without: {seen['none']}")
        check(seen["unknown"] == "Server sent no subprotocol", f"{seen['unknown']}")
        check("deflate_saved_bytes_total" in server.ctl("stats"), "no figure of it")


if __name__ == "__main__":
    sys.exit(salon_test.run([test_veza, test_compression]))
