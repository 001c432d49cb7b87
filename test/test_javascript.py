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
    path = os.path.join(salon_test.TEST_DIR, "javascript", script)
    done = subprocess.run([node, path, *arguments],
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
        seen = run_node(server, "veza.js",
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
        seen = run_node(server, "deflate.js",
                        f"ws://127.0.0.1:{server.port('broadcast')}{path}", "100")
        check(seen["extensions"] == ["permessage-deflate"] * 2, f"{seen['extensions']}")
        check(seen["wrong"] == 0, f"{seen['wrong']} texts came otherwise")
        check(seen["pieces"] == 50, f"{50 - seen['pieces']} texts in pieces came otherwise")
        for name in ("window", "takeover"):
            check(seen[name] == ["permessage-deflate", True], f"{name}: {seen[name]}")
        check(seen["none"] == ["", True], f"without: {seen['none']}")
        check(seen["unknown"] == "Server sent no subprotocol", f"{seen['unknown']}")
        check("deflate_saved_bytes_total" in server.ctl("stats"), "no figure of it")


def check_chat(server, *protocol):
    seen = run_node(server, "chat.js",
                    f"ws://127.0.0.1:{server.port('chat')}{server.path('chat')}",
                    server.token("alice"), server.token("bob"), "general", "3", *protocol)
    hello = "Bonjour tout le monde ! 👋"
    check(seen["protocol"] == "".join(protocol), f"agreed on {seen['protocol']}")
    check(seen["joined"] == {"room": "general", "success": True,
                             "message": "Joined room successfully"}, f"{seen['joined']}")
    check(seen["own"] == seen["heard"] and seen["own"]["content"] == hello, f"{seen['own']}")
    check(seen["handled"] == [hello, "👍"], f"{seen['handled']}")
    check(seen["reaction"]["reply_to"] == seen["own"]["id"], f"{seen['reaction']}")
    check(seen["direct"]["from_user_id"] == 2 and seen["direct"]["to_user_id"] == 3,
          f"{seen['direct']}")
    check([message["content"] for message in seen["history"]["messages"]][-1] == hello,
          f"{seen['history']}")
    check(seen["error"]["code"] == "ROOM_NOT_FOUND" and
          seen["error"]["details"]["room"] == "nonexistent_room", f"{seen['error']}")
    check(seen["recent"] and seen["pong"]["timestamp"], f"{seen['own']} {seen['pong']}")
    check(seen["closed"] == [1005, 1005], f"closed with {seen['closed']}")


def test_chat():
    """Two pages that speak chat"""
    with Server() as server:
        server.ctl("room", "add", "general")
        check_chat(server)
        check_chat(server, "permessage-deflate")


if __name__ == "__main__":
    sys.exit(salon_test.run([test_veza, test_compression, test_chat]))
