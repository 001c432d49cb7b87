# SPDX-License-Identifier: Apache-2.0
"""How each dialect is spoken by the connections of a conversation.

Clients of the dialects' front ends open, wrap and answer differently; here is what a conversation
need not say each time.
"""

import asyncio
import random

from . import language
from .expect import LIMIT, Failure
from .tokens import claims_of


class Dialect:
    """How one wire format is opened and how its messages are wrapped."""

    payload = "data"       # the member that holds a message's fields; None: they stand flat
    token_query = False    # the token is in the address

    def url(self, server, name, path, captures, token):
        path = path or server.path(name)
        for key, value in captures.items():
            path = path.replace("{%s}" % key, str(value))
        if self.token_query and token:
            path += ("&" if "?" in path else "?") + "token=" + token
        return f"ws://127.0.0.1:{server.port(name)}{path}"

    def envelope(self, kind, fields):
        return {"type": kind, **({self.payload: fields} if self.payload else fields)}

    def answer(self, kind, fields):
        return self.envelope(kind, fields)

    def event(self, kind, fields):
        return self.envelope(kind, fields)

    async def sign_in(self, client, token):
        """Says who it is, where the address has not said it already."""

    def refusal(self, code, field):
        raise Failure("this dialect has no form for `refused` yet")

    def is_attendance(self, message):
        """Does it tell who comes and goes?  Conversations about something else do not hear it."""
        return False

    async def nothing(self, client):
        """Fails when something is there that nobody expected."""
        waiter = await client.socket.ping()
        await asyncio.wait_for(waiter, LIMIT)
        if not client.input.empty():
            raise Failure(f"{client.name} hears: {await client.input.get()}")


class Veza(Dialect):
    async def sign_in(self, client, token):
        await client.say(self.envelope("authenticate", {"token": token}))
        claims = claims_of(token)
        await client.expect({"type": "auth_success", "data": {
            "user_id": claims["user_id"], "username": claims["username"],
            "role": claims.get("role", "user"), "session_id": language.Word("text"),
            "server_time": language.Word("time")}})

    def refusal(self, code, field):
        return {"type": "error", "data": {
            "code": code, "message": language.Word("text"),
            "severity": language.Regex("low|medium|high|critical"),
            "retry_after": language.Word("integer|null"), "details": language.Word("object|null")}}

    async def nothing(self, client):
        stamp = f"2024-01-01T12:00:00.{random.randrange(10**6):06}Z"
        await client.say(self.envelope("ping", {"timestamp": stamp}))
        await client.expect({"type": "pong", "data": {
            "timestamp": stamp, "server_time": language.Word("time")}})


class InAddress(Dialect):
    token_query = True


class Chat(InAddress):
    """What somebody has caused names them beside the data."""

    causes = {"room_message": "user_id", "direct_message": "from_user_id",
              "user_connected": "user_id", "user_disconnected": "user_id"}

    def answer(self, kind, fields):
        message = {"type": kind, "data": fields, "timestamp": language.Word("time")}
        if kind in self.causes:
            unsaid = language.Word("id") if language.Rest in fields else None
            who = fields.get(self.causes[kind], unsaid)
            if who is not None:
                message["user_id"] = who
        return message

    event = answer

    async def sign_in(self, client, token):
        """Nothing answers that; what is asked next is answered behind it."""
        await client.say(self.envelope("dm_history", {"with_user": 1}))
        await client.expect({"type": language.Regex("message_history|error"),
                             language.Rest: True})

    def refusal(self, code, field):
        return self.answer("error", {"code": code, "message": language.Word("text"),
                                     "details": language.Word("object")})

    async def nothing(self, client):
        await client.say(self.envelope("ping", {}))
        await client.expect(self.answer("pong", {"timestamp": language.Word("time")}))


class Live(InAddress):
    """A refusal is a sentence; the first message, room_joined, is for the file to expect."""

    def refusal(self, code, field):
        return self.envelope("error", {"message": f"{code} {field}".strip()})

    async def nothing(self, client):
        await client.say(self.envelope("ping", {}))
        await client.expect(self.envelope("pong", {}))


class Messenger(Dialect):
    """Flat, with the token in the path."""

    payload = None

    def url(self, server, name, path, captures, token):
        return super().url(server, name, path, {"api_token": token or "none", **captures}, None)

    async def sign_in(self, client, token):
        """Nothing answers that; what is asked next is answered behind it."""
        await client.say({"type": "get_online_friends"})
        await client.expect({"type": "online_friends", "friends": language.Word("list")})

    def refusal(self, code, field):
        expected = {"type": "error", "code": code, "message": language.Word("text")}
        if code == "RATE_LIMIT_EXCEEDED":
            expected["retry_after"] = language.Word("integer")
        return expected

    async def nothing(self, client):
        await self.sign_in(client, None)


class Relay(InAddress):
    payload = None
    MESSAGES = {
        "INVALID_FORMAT": "Invalid message format", "UNKNOWN_TYPE": "Unknown message type",
        "INVALID_TOKEN": "Invalid token", "UNAVAILABLE": "Service unavailable, try again later",
        "PERMISSION_DENIED": "Permission denied", "SANCTIONED": "You are muted or banned",
        "REFUSED": "Message refused by the filter", "RATE_LIMIT_EXCEEDED": "Rate limit exceeded",
        "MESSAGE_TOO_LONG": "Message too long", "ROOM_NOT_FOUND": "Room not found",
        "USER_NOT_FOUND": "User not found", "CONVERSATION_BLOCKED": "Conversation blocked"}

    def answer(self, kind, fields):
        return {"type": kind, "data": fields}

    async def nothing(self, client):
        """There is no ping; but everybody may look whether the system has said something."""
        await client.say({"type": "dm_history", "with": 1})
        await client.expect(self.answer("dm_history", []))

    def refusal(self, code, field):
        expected = {"type": "error", "message": self.MESSAGES[code]}
        if field or code == "RATE_LIMIT_EXCEEDED":
            expected["data"] = language.Word("object")
        return expected


class Probe(Dialect):
    """The tests' own dialect, for every operation (test/plugins/probe.c)."""

    payload = "args"
    token_query = True

    def answer(self, kind, fields):
        return {"answer": kind, "data": fields}

    def event(self, kind, fields):
        return {"event": kind, "data": fields}

    async def sign_in(self, client, token):
        claims = claims_of(token)
        await client.expect(self.answer("session.authenticate", {
            "user_id": claims["user_id"], "username": claims["username"],
            "role": claims.get("role", "user"), "session_id": language.Word("text"),
            "server_time": language.Word("integer")}))

    def refusal(self, code, field):
        return {"refused": language.Word("string"), "code": code,
                "retry_after": language.Word("integer|null"),
                "details": language.Word("object|null")}

    def is_attendance(self, message):
        return isinstance(message, str) and \
            message.endswith(('"event":"room.entered"}', '"event":"room.exited"}'))

    async def nothing(self, client):
        stamp = str(random.randrange(10**6))
        await client.say(self.envelope("session.ping", {"timestamp": stamp}))
        await client.expect(self.answer("session.ping", {
            "timestamp": stamp, "server_time": language.Word("integer")}))


DIALECTS = {"veza": Veza(), "chat": Chat(), "live": Live(), "relay": Relay(),
            "messenger": Messenger(), "broadcast": Dialect(), "probe": Probe()}
