# SPDX-License-Identifier: Apache-2.0
"""A conversation: a file of statements, run against a salond of its own.

run_conversations.py says what the statements are, language.py how they and their values look.
"""

import asyncio
import json
import os
import re
import shlex

import websockets

from . import clock, language
from .built import built_plugins
from .caller import Caller
from .clock import Clock
from .dialects import DIALECTS
from .expect import LIMIT, Failure, Skip, until
from .server import PEOPLE, REPORTS, Server


class Connection:
    """One, under its name in the file; what it hears is queued by a task of its own."""

    def __init__(self, name, dialect, socket, talk):
        self.name, self.dialect, self.socket, self.talk = name, dialect, socket, talk
        self.input = asyncio.Queue()
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        try:
            async for message in self.socket:
                if self.talk.attentive or not self.dialect.is_attendance(message):
                    await self.input.put(message)
        except websockets.ConnectionClosed:
            pass
        await self.input.put(None)

    async def next(self):
        try:
            message = await asyncio.wait_for(self.input.get(), LIMIT)
        except asyncio.TimeoutError:
            raise Failure(f"{self.name} hears nothing within {LIMIT:g} s") from None
        if message is None:
            self.talk.note(f"{self.name} is closed: {self.socket.close_code}")
        else:
            self.talk.note(f"{self.name} < {message}")
        return message

    async def say(self, value):
        await self.send(json.dumps(value, ensure_ascii=False))

    async def send(self, data):
        self.talk.note(f"{self.name} > {data}")
        try:
            await self.socket.send(data)
        except websockets.ConnectionClosed:
            pass  # what is expected next will tell

    async def expect(self, expected):
        message = await self.next()
        if message is None:
            raise Failure(f"{self.name} was closed with {self.socket.close_code} "
                          f"{self.socket.close_reason}")
        try:
            if not isinstance(message, str):
                raise language.Mismatch("a binary frame")
            value = language.read_json(message)
            language.compare(expected, value, "", self.talk.variables)
            return value
        except (language.Mismatch, ValueError) as problem:
            raise Failure(f"{self.name}: {problem}\nheard: {message}") from None

    async def expect_eventually(self, expected):
        while (message := await self.next()) is not None:
            variables = dict(self.talk.variables)
            try:
                language.compare(expected, language.read_json(message), "", variables)
            except (language.Mismatch, ValueError, TypeError):
                continue
            self.talk.variables.update(variables)
            return
        raise Failure(f"{self.name} was closed with {self.socket.close_code} before")

    async def closed(self, code, eventually=False):
        while (message := await self.next()) is not None:
            if not eventually:
                raise Failure(f"{self.name} hears, in the place of a close: {message}")
        if code is not None and self.socket.close_code != code:
            raise Failure(f"{self.name} was closed with {self.socket.close_code}, not {code}")


class Talk:
    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.statements = language.statements(text)
        if not self.statements:
            raise Failure(f"{path}: nothing is said in it")
        self.default = os.path.basename(os.path.dirname(os.path.abspath(path)))
        self.attentive = bool(re.search(r"\broom\.(entered|exited)\b", text))
        self.leaps = bool(re.search(r"^later ", text, re.M))
        self.probed = self.default == "probe" or \
            bool(re.search(r"^(dialect|open .*\bin) probe\b", text, re.M))
        self.variables, self.clients, self.notes = {}, {}, []
        self.people = dict(PEOPLE)
        self.server = self.clock = None
        self.line = 0

    def note(self, text):
        self.notes.append(text if len(text) < 600 else text[:600] + " …")

    def fill(self, text):
        """A text with its $names replaced."""
        def value(match):
            name = language.Variable(match.group(1) or match.group(2))
            return str(language.resolve(name, self.variables))
        return re.sub(r"\$(?:\{(\w+)\}|(\w+))", value, text)

    # -- statements

    def read_settings(self):
        """Takes the settings away from the front; the server that they ask for."""
        groups, lines, plugins = {"listener": {}, "endpoint": {}}, {}, built_plugins()
        while self.statements and re.match("setting |plugins ", self.statements[0][1]):
            self.line, text = self.statements.pop(0)
            if text.startswith("plugins "):
                plugins = text.split()[1:]
                continue
            name, _, value = text[len("setting "):].partition("=")
            section, _, key = name.strip().rpartition(".")
            if section in groups:
                groups[section][key] = value.strip()
            else:
                lines.setdefault(section, []).append(f"{key} = {value.strip()}")
        if self.leaps:
            groups["listener"].setdefault("ping_interval", "0")
        more = "\n".join("%s { %s }" % (section, "\n".join(rows)) if section else "\n".join(rows)
                         for section, rows in lines.items())
        return Server(groups["listener"], groups["endpoint"], more,
                                 plugins=plugins + ["probe"] * self.probed,
                                 test_plugins=self.probed)

    async def dialect(self, rest):
        self.default = rest.strip()

    async def person(self, rest):
        name, number, *role = rest.split()
        self.people[name] = (int(number), role[0] if role else "user")

    async def ctl(self, rest):
        command, _, target = rest.partition("->")
        words = [self.fill(word) for word in shlex.split(command)]
        printed = await asyncio.to_thread(self.server.ctl, *words)
        self.note(f"salonctl {command.strip()}: {printed}")
        if target:
            self.variables[target.strip()[1:]] = printed

    async def ctl_fails(self, rest):
        words = [self.fill(word) for word in shlex.split(rest)]
        self.note(f"salonctl {rest}: " + await asyncio.to_thread(self.server.ctl_fails, *words))

    async def let(self, rest):
        name, _, expression = rest.partition("=")
        self.variables[name.strip()[1:]] = language.compute(expression, self.variables)

    async def check(self, rest):
        left, operator, right = re.fullmatch(r"(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)", rest).groups()
        a = language.compute(left, self.variables)
        b = language.compute(right, self.variables)
        good = {"==": a == b, "!=": a != b, "<": a < b, ">": a > b,
                "<=": a <= b, ">=": a >= b}[operator]
        if not good:
            raise Failure(f"{a!r} {operator} {b!r} does not hold")

    async def token(self, rest):
        name, claims, options = re.fullmatch(r"(\S+)\s*=\s*(\$\w+|\{.*\})([^}]*)", rest,
                                             re.S).groups()
        claims = language.resolve(language.parse(claims), self.variables)
        options = dict(word.split("=") for word in options.split())
        key = b"another key, of the same length as ours" if options.get("key") else None
        self.variables[name.strip()[1:]] = self.server.token_of(claims, key,
                                                                options.get("alg", "HS256"))

    def token_for(self, person):
        if person not in self.people:
            raise ValueError(f"nobody is called {person}")
        number, role = self.people[person]
        return self.server.token(person, user_id=number, role=role,
                                 exp=int(clock.now()) + 86400)

    async def open(self, rest):
        words = shlex.split(rest)
        name, person, dialect, options, captures = words[0], None, self.default, {}, {}
        person = name.split(".")[0]
        rest = iter(words[1:])
        for word in rest:
            key, has_value, value = word.partition("=")
            if word == "as":
                person = next(rest)
            elif word == "in":
                dialect = next(rest)
            elif key in ("unsigned", "token", "header", "path", "refused"):
                options[key] = self.fill(value)
            elif has_value:
                captures[key] = self.fill(value)
            else:
                raise ValueError(f"open: {word}?")
        await self.connect(name, person, dialect, options, captures)

    async def connect(self, name, person, dialect, options, captures):
        form = DIALECTS[dialect]
        if dialect not in self.server.places:
            raise Skip(f"the dialect {dialect} has not been built")
        token = None
        if "unsigned" not in options:
            token = options.get("token") or self.token_for(person)
        headers = [tuple(options["header"].split(": ", 1))] if "header" in options else []
        url = form.url(self.server, dialect, options.get("path"), captures, token)
        self.note(f"open {name} {url}")
        try:
            socket = await websockets.connect(
                url, extra_headers=headers, ping_interval=None, compression=None, max_size=None,
                max_queue=None, open_timeout=LIMIT, close_timeout=LIMIT)
        except websockets.InvalidStatusCode as answer:
            if str(answer.status_code) == options.get("refused"):
                return
            raise Failure(f"{name}: handshake refused: {answer.status_code}") from None
        client = self.clients[name] = Connection(name, form, socket, self)
        if "refused" in options:
            raise Failure(f"{name}: the handshake was not refused")
        if token:
            await form.sign_in(client, token)

    def request(self, who, method, path, body):
        token = who[len("token="):] if who.startswith("token=") else self.token_for(who)
        answer = Caller(self.server, self.default, token).ask(
            method, path, body, Content_Type="application/json")
        return answer.status, answer.text

    async def http(self, rest):
        who, method, path, *body = rest.split(None, 3)
        if body:
            value = language.resolve(language.parse(body[0]), self.variables)
            self.remember(value)
            body = json.dumps(value, ensure_ascii=False).encode()
        self.answered = await asyncio.to_thread(self.request, self.fill(who), method,
                                                self.fill(path), body or None)
        self.note(f"{rest}: {self.answered}")

    async def http_answer(self, rest):
        status, _, value = rest.partition(" ")
        if str(self.answered[0]) != status:
            raise Failure(f"answered with {self.answered[0]}, not {status}: {self.answered[1]}")
        try:
            language.compare(language.parse(value or "{...}"), json.loads(self.answered[1]), "",
                             self.variables)
        except (language.Mismatch, ValueError) as problem:
            raise Failure(f"{problem}\nanswered: {self.answered[1]}") from None

    async def restart(self, _):
        await asyncio.to_thread(self.server.stop)
        for name in list(self.clients):
            await self.clients.pop(name).closed(1001)
        await asyncio.to_thread(self.server.start)

    async def kill(self, _):
        self.server.kill()
        for name in list(self.clients):
            await self.clients.pop(name).closed(None, True)
        await asyncio.to_thread(self.server.start)

    def all_gone(self):
        """Those who have closed or dropped their connections have gone for the server, too."""
        stats = json.loads(self.server.ctl("--json", "stats"))
        return stats["sessions"] == len(self.clients)

    async def later(self, rest):
        """Between two questions that follow each other, the server looks what is due."""
        await asyncio.to_thread(until, self.all_gone, "the server knows who is there")
        self.clock.leap(int(rest))
        for _ in range(2):
            await asyncio.to_thread(self.server.ctl, "stats")

    # -- what connections do

    def remember(self, value):
        """What people say must not be in the log."""
        if isinstance(value, dict):
            self.server.said(value.get("content"))
            for member in value.values():
                self.remember(member)

    def message(self, wrap, rest):
        """TYPE OBJECT in the dialect's envelope, or a value."""
        kind = re.match(r"([a-z_.]+)\s+(?=\{)", rest)
        return wrap(kind.group(1), language.parse(rest[kind.end():])) if kind else \
            language.parse(rest)

    async def say(self, client, rest):
        value = language.resolve(self.message(client.dialect.envelope, rest), self.variables)
        self.remember(value)
        await client.say(value)

    async def say_text(self, client, rest):
        await client.send(self.fill(rest))

    async def say_binary(self, client, rest):
        await client.send(bytes.fromhex(rest))

    async def hear(self, client, rest):
        await client.expect(self.message(client.dialect.answer, rest))

    async def hear_event(self, client, rest):
        await client.expect(self.message(client.dialect.event, rest))

    async def hear_eventually(self, client, rest):
        await client.expect_eventually(self.message(client.dialect.event, rest))

    async def refused(self, client, rest):
        code, _, field = self.fill(rest).partition(" ")
        heard = await client.expect(client.dialect.refusal(code, field))
        if field and field.strip() not in json.dumps(heard, ensure_ascii=False):
            raise Failure(f"{client.name}: the refusal does not name {field}: {heard}")

    async def nothing(self, client, _):
        await client.dialect.nothing(client)

    async def closed(self, client, rest):
        code, _, how = rest.partition(" ")
        await client.closed(int(code), how.strip() == "eventually")
        del self.clients[client.name]

    async def close(self, client, _):
        await client.socket.close()
        del self.clients[client.name]

    async def drop(self, client, _):
        client.socket.transport.abort()
        del self.clients[client.name]

    VERBS = {"dialect": dialect, "person": person, "ctl": ctl, "ctl!": ctl_fails, "let": let,
             "check": check, "token": token, "open": open, "http": http, "answered": http_answer,
             "restart": restart, "kill": kill, "later": later}
    ACTIONS = {">": say, ">>": say_text, ">binary": say_binary, "<": hear,
               "hears": hear_event, "eventually": hear_eventually, "refused": refused,
               "nothing": nothing, "closed": closed, "close": close, "drop": drop}

    async def statement(self, text):
        word, _, rest = text.partition(" ")
        if word in self.VERBS:
            return await self.VERBS[word](self, rest)
        action, _, rest = rest.partition(" ")
        if action not in self.ACTIONS:
            raise ValueError(f"no such statement: {text}")
        if word not in self.clients:
            raise ValueError(f"{word} is not connected")
        return await self.ACTIONS[action](self, self.clients[word], rest)

    def rounds(self, text):
        """The variable of a loop and its values; None for what is no loop."""
        loop = re.fullmatch(r"repeat (\S+)", text)
        if loop:
            return "i", range(1, int(self.fill(loop.group(1))) + 1)
        loop = re.fullmatch(r"each \$(\w+) in (.*)", text, re.S)
        if loop:
            return loop.group(1), language.resolve(language.parse(loop.group(2)), self.variables)
        return None

    def end_of(self, rows):
        """Where the loop ends whose body begins here."""
        depth = 1
        for index, (_, text) in enumerate(rows):
            depth += -1 if text == "end" else re.match(r"(repeat|each) ", text) is not None
            if depth == 0:
                return index
        raise ValueError("a loop without an end")

    async def block(self, rows):
        rows = list(rows)
        while rows:
            self.line, text = rows.pop(0)
            loop = self.rounds(text)
            if not loop:
                await self.statement(text)
                continue
            end = self.end_of(rows)
            before = self.variables
            for value in loop[1]:
                self.variables = {**before, loop[0]: value}
                await self.block(rows[:end])
            del rows[:end + 1]

    async def run(self):
        with_failure = True
        self.server = self.read_settings()
        try:
            if self.leaps:
                self.clock = Clock(self.server)
            await asyncio.to_thread(self.server.start)
            await self.block(self.statements)
            for client in list(self.clients.values()):
                await client.dialect.nothing(client)
            for client in list(self.clients.values()):
                await client.socket.close()
            with_failure = False
        except (Failure, ValueError) as failure:
            raise Failure(f"{self.path}:{self.line}: {failure}\n" + self.context()) from None
        finally:
            for client in self.clients.values():
                client.reader.cancel()
                client.socket.transport.abort()
            await asyncio.to_thread(self.let_go, with_failure)

    def let_go(self, failed):
        try:
            self.server.close(failed)
        except Failure as failure:
            if not failed or REPORTS.search(str(failure)):
                raise

    def context(self):
        """What happened last, for the one who reads the failure."""
        last = "\n".join("  " + note for note in self.notes[-10:])
        return f"the last that happened:\n{last}\n{self.server.tail(8)}"
