#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What conversations cannot say of live rooms: many at once, figures over HTTP, and time."""

import asyncio
import json
import random
import re
import sys

import websockets

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, Server, check, until  # noqa: E402
from salon_test.caller import Caller  # noqa: E402

PLUGINS = ["rooms", "presence", "moderation", "veza", "live"]
ROOMS = 1000
AT_ONCE = 40


def server_with(settings="", plugins=None):
    return Server(listener={"abuse_limit": 0, "max_per_ip": 0}, endpoint={"rate": '""'},
                  settings=settings, plugins=plugins or PLUGINS)


# ---- Connections --------------------------------------------------------------------------------

class Client:
    """A connection of either dialect; what is heard is looked at in its order."""

    def __init__(self, socket):
        self.socket = socket

    async def say(self, kind, **data):
        await self.socket.send(json.dumps({"type": kind, "data": data}))

    async def hear(self, kind, **expected):
        """The data of the next message of that type and with those members."""
        while True:
            message = json.loads(await asyncio.wait_for(self.socket.recv(), LIMIT))
            data = message["data"]
            if message["type"] == kind and expected.items() <= data.items():
                return data
            check(message["type"] != "error", f"not {kind}: {message}")

    async def close(self):
        await self.socket.close()


async def connect(url):
    return Client(await websockets.connect(url, ping_interval=None, compression=None,
                                           open_timeout=LIMIT, close_timeout=LIMIT))


async def enter(server, room, person=None):
    """A live connection, in the room; and what it was told."""
    query = f"?token={server.token(person)}" if person else ""
    client = await connect(f"ws://127.0.0.1:{server.port('live')}/chat/ws/room/{room}{query}")
    return client, await client.hear("room_joined")


async def veza(server, person):
    client = await connect(f"ws://127.0.0.1:{server.port('veza')}/ws")
    await client.say("authenticate", token=server.token(person))
    await client.hear("auth_success")
    return client


def active(server):
    return json.loads(server.ctl("room", "active", "--json"))["rooms"]


# ---- Tests --------------------------------------------------------------------------------------

async def room_of_two(server, number, member):
    """Made by a guest, kept alive by somebody in the other dialect, ended by the later of them."""
    guest, joined = await enter(server, f"room-{number:x}.{number}", random.choice([None, "bob"]))
    room = joined["room_id"]
    await member.say("join_room", room_id=room)
    await member.hear("room_joined", room_id=room)
    await guest.hear("user_joined")
    await member.say("send_message", room_id=room, content=f"in {number}")
    check((await guest.hear("chat_message"))["message"] == f"in {number}", "another's message")
    if random.random() < 0.5:
        await member.say("leave_room", room_id=room)
        await member.hear("room_left", room_id=room)
        await guest.say("chat_message", message="alone")
        await guest.hear("chat_message", message="alone", room_id=room)
        await guest.close()
    else:
        await guest.close()
        await member.say("send_message", room_id=room, content="alone")
        await member.hear("room_message", content="alone", room_id=room)
        await member.say("leave_room", room_id=room)
        await member.hear("room_left", room_id=room)


async def many_rooms(server):
    numbers = iter(range(ROOMS))

    async def work():
        member = await veza(server, "alice")
        for number in numbers:
            await room_of_two(server, number, member)
        await member.close()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def test_thousand():
    """A thousand rooms are made and emptied from two dialects: none is left"""
    with server_with() as server:
        asyncio.run(many_rooms(server))
        until(lambda: not active(server), "nobody is in a room")
        check(server.ctl("room", "list") == "", "a room is left")


async def contended(server, slug):
    """Whatever others do at this moment, a room that one has entered is there."""
    guest, joined = await enter(server, slug, random.choice([None, "bob", "erin"]))
    for _ in range(random.randrange(3)):
        text = str(random.random())
        await guest.say("chat_message", message=text)
        await guest.hear("chat_message", message=text, room_id=joined["room_id"])
    await guest.close()


async def few_names(server):
    names = [f"name-{number}" for number in range(5)]

    async def work():
        for _ in range(ROOMS // AT_ONCE):
            await contended(server, random.choice(names))
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def test_contended():
    """Rooms of few names come and go: none ends under somebody"""
    with server_with() as server:
        asyncio.run(few_names(server))
        until(lambda: not active(server), "nobody is in a room")
        check(server.ctl("room", "list") == "", "a room is left")


async def slow_news(server):
    """With five deliveries a second: who stays is told of, late; who comes and goes is not."""
    first, _ = await enter(server, "here", "alice")
    others = [(await enter(server, "here", name))[0] for name in ("bob", "carol", "erin", "frank")]
    for _ in range(20):
        fleeting, _ = await enter(server, "here", "dave")
        await fleeting.close()
    for name in ("bob", "carol", "erin", "frank"):
        await first.hear("user_joined", username=name)
    await others[0].say("chat_message", message="messages do not wait")
    await first.hear("chat_message")
    await others[0].close()
    await first.hear("user_left", username="bob")
    for client in others[1:] + [first]:
        await client.close()


def test_budget():
    """Coming and going is told as the budget allows, and in the end to everybody"""
    with server_with("rooms { attendance_rate = 5 }") as server:
        asyncio.run(slow_news(server))
        until(lambda: not active(server), "nobody is in a room")


def get(server, token=None):
    """(status, type, object) of the figures."""
    answer = Caller(server, "live", token).ask("GET", "/monitoring/chat/stats")
    return answer.status, answer.headers["content-type"], answer.json


async def figures(server, admin):
    general = server.ctl("room", "add", "general")
    clients = [(await enter(server, general, name))[0] for name in ("alice", "bob", None)]
    stream, joined = await enter(server, "stream")
    member = await veza(server, "erin")
    expected = {"total_connections": 5, "active_rooms": 2,
                "rooms": {str(general): 3, str(joined["room_id"]): 1}}
    check(get(server, admin) == (200, "application/json", expected), get(server, admin))
    await member.say("join_room", room_id=general)
    await member.hear("room_joined")
    await stream.close()
    expected = {"total_connections": 4, "active_rooms": 1, "rooms": {str(general): 4}}
    until(lambda: get(server, admin)[2] == expected, "the room that nobody is in is not counted")
    for client in clients + [member]:
        await client.close()


def test_stats():
    """GET /monitoring/chat/stats: for administrators, over all dialects"""
    with server_with() as server:
        admin = server.token("dave", user_id=5, role="admin")
        nothing = {"total_connections": 0, "active_rooms": 0, "rooms": {}}
        check(get(server, admin)[2] == nothing, get(server, admin))
        check(get(server, server.token("root", user_id=9, role="superuser"))[0] == 200, "superuser")
        for token, status in ((None, 401), ("nonsense", 401), (server.token("alice"), 403),
                              (server.token("carol", user_id=4, role="moderator"), 403)):
            answer = get(server, token)
            check(answer[:2] == (status, "application/json") and answer[2]["code"], answer)
        asyncio.run(figures(server, admin))


def test_alone():
    """The dialect works without the plugins that it has words for"""
    with server_with(plugins=["rooms", "live"]) as server:
        async def talk():
            client, _ = await enter(server, "here", "dave")
            await client.say("typing_start")
            await client.say("moderation_action", action="mute", target_user_id=2,
                             duration_minutes=1)
            for _ in range(2):
                message = json.loads(await client.socket.recv())
                check(message == {"type": "error", "data": {"message": "Unknown message type"}},
                      message)
            await client.say("chat_message", message="x")
            await client.hear("chat_message")
            await client.close()
        asyncio.run(talk())


LOG_LINES = [r"WS_CONNECT: UserID=\d+, IP=127\.0\.0\.1",
             r"WS_MESSAGE: Type=\w+, UserID=\d+, Room=\S+",
             r"WS_DISCONNECT: UserID=\d+, Duration=\d+\.\d+s"]


def test_log():
    """The log lines that tools match are the same of people without an account, who are user 0"""
    with server_with() as server:
        async def talk():
            for person in ("alice", None):
                client, joined = await enter(server, "here", person)
                await client.say("chat_message", message="x")
                await client.hear("chat_message")
                await client.close()
                number, room = (2 if person else 0), joined["room_id"]
                until(lambda: f"WS_DISCONNECT: UserID={number}," in server.log(), "it is logged")
                line = f"WS_MESSAGE: Type=chat_message, UserID={number}, Room={room}"
                check(line in server.log(), f"not logged: {line}")
        asyncio.run(talk())
        lines = [line for line in server.log().splitlines() if "WS_" in line]
        for line in lines:
            check(any(re.search(pattern + "$", line) for pattern in LOG_LINES), line)


TESTS = [test_thousand, test_contended, test_budget, test_stats, test_alone, test_log]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
