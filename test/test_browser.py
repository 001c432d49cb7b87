#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Front ends in React, in a real Chromium, talk to salond."""

import json
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test.browser import IMPORTS, Browser, Site, read  # noqa: E402
from salon_test import Server, check  # noqa: E402

BODY = IMPORTS + '<body><script type="module">%s</script></body>'


def show(page, server, name, **options):
    """The app of a page, for that person."""
    address = f"ws://127.0.0.1:{server.port('chat')}{server.path('chat')}"
    options = {"address": address, "token": server.token(name), "room": "general", **options}
    page.call(f"show({json.dumps(options)})")
    page.until("document.getElementById('connected')")


def test_chat():
    """A page that speaks chat, also across a restart"""
    with Server() as server, Site({"/": BODY % read("chat.mjs")}) as site, Browser() as browser:
        server.ctl("room", "add", "general")
        alice, bob = browser.open(site.url("/")), browser.open(site.url("/"))
        show(alice, server, "alice")
        alice.until("chat.connected")
        show(bob, server, "bob", protocols=["permessage-deflate"])
        alice.until("chat.people.includes('bob')")
        check(bob.call("chat.client.current.socket.protocol") == "permessage-deflate",
              "the sub-protocol is not agreed on")
        check("permessage-deflate" in alice.call("chat.client.current.socket.extensions"),
              "the extension is not agreed on")
        long = "Hello from a page 👋 <script>alert(1)</script> " + "ever and " * 60 + "ever"
        alice.call(f"chat.say({json.dumps(long)})")
        expected = f"alice: {long}"
        for page in (alice, bob):
            page.until(f"shown().includes({json.dumps(expected)})")
        bob.call("chat.tell(2, 'between us')")
        for page in (alice, bob):
            page.until("shown().includes('bob: between us')")
        server.keep_ports()
        server.stop()
        for page in (alice, bob):
            page.until("!chat.connected")
        server.start()
        for page in (alice, bob):
            page.until("chat.connected && chat.client.current.opened === 2")
            page.until(f"shown().length === 1 && shown()[0] === {json.dumps(expected)}")
            check(page.call("chat.errors") == [], f"{page.call('chat.errors')}")


def test_chat_refused():
    """A page with a bad token learns why"""
    with Server() as server, Site({"/": BODY % read("chat.mjs")}) as site, Browser() as browser:
        page = browser.open(site.url("/"))
        address = f"ws://127.0.0.1:{server.port('chat')}{server.path('chat')}"
        page.call(f"show({json.dumps({'address': address, 'token': 'none', 'room': 'general'})})")
        page.until("window.chat?.errors.length > 0")
        check(page.call("chat.errors[0].code") == "AUTH_FAILED", f"{page.call('chat.errors')}")


def show_room(page, server, room, token=None):
    address = f"ws://127.0.0.1:{server.port('live')}/chat/ws/room"
    page.call(f"show({json.dumps({'address': address, 'room': room, 'token': token})})")


def test_live():
    """A page beside a stream, also across a restart and from room to room"""
    with Server() as server, Site({"/": BODY % read("live.mjs")}) as site, Browser() as browser:
        alice, guest = browser.open(site.url("/")), browser.open(site.url("/"))
        show_room(alice, server, "my-stream", server.token("alice"))
        alice.until("chat.joined")
        show_room(guest, server, "my-stream")
        guest.until("chat.joined")
        check(guest.call("chat.joined.connection_count") == 2, "not two connections")
        alice.until("heard('user_joined').length === 1")
        guest.call("chat.send('typing_start')")
        alice.until("heard('typing_start').length === 1")
        alice.call("chat.send('chat_message', { message: 'Hello from a page 👋' })")
        guest.call("chat.send('chat_message', { message: '<b>who am I?</b>' })")
        for page in (alice, guest):
            page.until("shown().length === 2")
            shown = page.call("shown()")
            check("alice: Hello from a page 👋" in shown, f"{shown}")
        name = alice.call("heard('user_joined')[0].data.username")
        check(f"{name}: <b>who am I?</b>" in shown, f"{shown}")
        guest.call("chat.send('chat_message', { message: ' ' })")
        guest.until("heard('error').length === 1")
        check(guest.call("heard('error')[0].data") == {"message": "Message cannot be empty"},
              f"{guest.call('heard(`error`)')}")
        server.keep_ports()
        server.stop()
        for page in (alice, guest):
            page.until("heard('closed').length > 0")
            check(page.call("heard('closed')[0].data") == 1001, "closed in another way")
        server.start()
        for page in (alice, guest):
            page.until("chat.joined")
        show_room(guest, server, "another-stream")
        alice.until("heard('user_left').length === 1")
        guest.until("chat.joined?.connection_count === 1")
        show_room(guest, server, "not a slug")
        guest.until("heard('closed').some((message) => message.data === 4004)")
        check(guest.call("heard('error').at(-1).data") == {"message": "Room not found"},
              f"{guest.call('heard(`error`)')}")


if __name__ == "__main__":
    sys.exit(salon_test.run([test_chat, test_chat_refused, test_live], parallel=2))
