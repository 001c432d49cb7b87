#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The upstream of relay: who knows whose tokens are, and is handed what is said.

It is a server of its own (upstream.py), which is away, slow, or answers nonsense, as a test wants
it.  What must hold whatever it does: chatting goes on, nothing is lost, the order of a room stays,
and a message that comes twice bears one Idempotency-Key.  Prints TAP.
"""

import json
import os
import signal
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import TEXT, Client, Server, check, until, upstream  # noqa: E402

PEOPLE = {"alice": 2, "bob": 3, "carol": 4}
UNLIMITED = {"rate": '""'}
FAST = "retry_most = 1  upstream_timeout = 1"


class Backend(upstream.Server):
    """Knows everybody whose token is "token-of-NAME"; takes messages as `taking` says."""

    def __init__(self, port=0):
        self.lock = threading.Lock()
        self.revoked = set()    # tokens
        self.asked_of = []      # tokens that it was asked about
        self.posts = []         # (key, body) of everything that has come, taken or not
        self.taken = []         # the same, of what was taken
        self.authorization = set()
        self.whose = self.whose_usual
        self.taking = self.take
        self.shape = lambda person: person
        super().__init__(port)

    def asked(self, handler, body):
        if handler.path == "/api/v1/auth/me" and handler.command == "GET":
            token = (handler.headers.get("Authorization") or "").removeprefix("Bearer ")
            with self.lock:
                self.asked_of.append(token)
            self.whose(handler, token)
        elif handler.path == "/api/v1/chat/messages" and handler.command == "POST":
            post = (handler.headers.get("Idempotency-Key"), json.loads(body))
            check(handler.headers["Content-Type"] == "application/json", "not JSON")
            with self.lock:
                self.posts.append(post)
                self.authorization.add(handler.headers.get("Authorization"))
            self.taking(handler, post)
        else:
            handler.answer(404)

    def whose_usual(self, handler, token):
        name = token.removeprefix("token-of-").split("/")[0]
        if token in self.revoked or name not in PEOPLE or name == token:
            handler.answer_json(401, {"error": "unauthorized"})
            return
        person = {"id": PEOPLE[name], "username": name, "role": "user"}
        handler.answer_json(200, self.shape(person))

    def take(self, handler, post):
        with self.lock:
            self.taken.append(post)
        handler.answer_json(201, {"success": True})

    def die(self):
        """As when its process ends."""
        def hang_up(handler, _):
            handler.close_connection = True

        self.whose = self.taking = hang_up
        self.shutdown()
        self.server_close()

    def contents(self, posts=None):
        with self.lock:
            return [body["content"] for _, body in (self.taken if posts is None else posts)]

    def without_repeats(self):
        """What was taken, the first time of each key; a key always bears the same message."""
        found = {}
        with self.lock:
            for key, body in self.taken:
                check(found.setdefault(key, body) == body, f"two messages with key {key}")
        return list(found.values())


def server(backend, more="", **options):
    port = backend if isinstance(backend, int) else backend.port
    return Server(settings=f'relay {{ upstream = "http://127.0.0.1:{port}/"  {FAST}  {more} }}',
                  **options)


class Person(Client):
    """Somebody at a relay client."""

    def __init__(self, salond, name, token=None):
        super().__init__(salond, "relay")
        token = f"token-of-{name}" if token is None else token
        if len(token) > 8:
            salond.secrets.add(token)
        self.open(path=self.path + "?token=" + urllib.parse.quote(token, safe=""))

    def say(self, kind, **data):
        self.server.said(data.get("content"))
        self.frame(TEXT, json.dumps({"type": kind, **data}))

    def expect(self, kind, **data):
        message = self.message()
        check(message["type"] == kind, f"not {kind}: {message}")
        got = message.get("data", message)
        for key, value in data.items():
            check(got.get(key) == value, f"{key} is not {value}: {message}")
        return got

    def refused(self, text):
        message = self.message()
        check(message["type"] == "error" and message["message"] == text, f"not {text}: {message}")

    def joined(self, room):
        """In the room, and past the sign-in."""
        self.say("join", room=room)
        self.say("room_history", room=room, limit=1)
        self.expect("room_history")
        return self

    def tell(self, room, *contents):
        for content in contents:
            self.say("message", room=room, content=content)
        for content in contents:
            self.expect("message", content=content, room=room)


def metric(salond, name):
    values = json.loads(salond.run_ctl("--json", "stats").stdout)
    return values[name]


def all_delivered(salond):
    until(lambda: metric(salond, "relay_waiting") == 0, "everything has been handed on", 60)


# ---- Whose a token is ---------------------------------------------------------------------------

def signing_in():
    """The upstream says who it is, in whatever place; the answer is kept for a while"""
    shapes = [lambda p: p, lambda p: {"data": p}, lambda p: {"user": p},
              lambda p: {"success": True, "data": {"user": p}},
              lambda p: {"user_id": p["id"], "name": p["username"]},
              lambda p: {"data": {"user_id": str(p["id"]), "name": p["username"]}}]
    backend = Backend()
    with server(backend) as salond:
        for number, shape in enumerate(shapes):
            backend.shape = shape
            with Person(salond, "alice", f"token-of-alice/{number}") as alice:
                alice.joined("general").tell("general", f"it works, {number}")
            with Person(salond, "alice", f"token-of-alice/{number}") as alice:
                alice.joined("general")
        check(len(backend.asked_of) == len(shapes), f"asked {len(backend.asked_of)} times")
        client = Client(salond, "relay").open("Authorization: Bearer token-of-bob")
        client.frame(TEXT, '{"type": "dm", "to": 2, "content": "by the header"}')
        check(client.message()["data"]["username"] == "bob", "not bob")


def strangers():
    """A token that the upstream does not know: Invalid token, 1008; nothing bad gets through"""
    backend = Backend()
    with server(backend) as salond:
        for token in ("nobody", "token-of-nobody", "a\r\nX-Evil: yes", "é", "a b", "x" * 5000, ""):
            client = Person(salond, "", token)
            client.say("join", room="general")
            client.refused("Invalid token")
            check(client.closed() == 1008, "not closed with 1008")
        # An address ends at its first control character, encoded or not.
        check(set(backend.asked_of) <= {"nobody", "token-of-nobody", "a"}, f"{backend.asked_of}")
        for answer in ({"id": 0}, {"id": -4}, {"id": "x"}, {"id": 2 ** 60}, {}, [], {"data": 5},
                       {"id": 9, "username": ""}, {"id": 9, "username": "a\nb"}):
            backend.shape = lambda _, answer=answer: answer
            client = Person(salond, "alice")
            client.refused("Invalid token")
            check(client.closed() == 1008, "not closed with 1008")


def nobody_to_ask():
    """The upstream is away: a clear error, 1013; and it works again when it is back"""
    backend = Backend()

    def nonsense(handler, _):
        handler.answer(200, b"<html>it works!</html>")

    def too_much(handler, _):
        handler.answer_json(200, {"id": 2, "username": "alice", "more": "x" * 100000})

    ways = [lambda handler, _: handler.hang(), lambda handler, _: handler.cut(), nonsense, too_much,
            lambda handler, _: handler.answer(500), lambda handler, _: handler.answer(503),
            lambda handler, _: handler.answer(429), lambda handler, _: handler.answer(302)]
    with server(backend) as salond:
        for way in ways:
            backend.whose = way
            client = Person(salond, "alice")
            client.refused("Authentication service unavailable, try again later")
            check(client.closed() == 1013, "not closed with 1013")
        backend.whose = backend.whose_usual
        Person(salond, "alice").joined("general")
    with server(1) as salond:
        client = Person(salond, "alice")
        client.refused("Authentication service unavailable, try again later")
        check(client.closed() == 1013, "not closed with 1013")


def slow_answer():
    """What is asked for meanwhile waits, in its order; a hundred with one token ask once"""
    backend = Backend()
    go_on = threading.Event()

    def later(handler, token):
        go_on.wait(10)
        backend.whose_usual(handler, token)

    backend.whose = later
    with server(backend, "upstream_timeout = 9") as salond:
        people = [Person(salond, "alice") for _ in range(20)]
        for person in people:
            person.say("join", room="general")
            person.say("message", room="general", content="one after the other")
            person.say("room_history", room="general")
        until(lambda: backend.asked_of, "the question has come")
        gone = Person(salond, "bob")
        gone.say("join", room="general")
        gone.close()
        go_on.set()
        for person in people:
            kinds = []
            while "room_history" not in kinds:
                kinds.append(person.message()["type"])
            check(set(kinds) == {"message", "room_history"}, f"{kinds}")
        check(backend.asked_of.count("token-of-alice") == 1, f"asked {len(backend.asked_of)} times")


def revoked():
    """A token that is revoked meanwhile is refused with the next write; reading goes on"""
    backend = Backend()
    with server(backend, "auth_cache = 1") as salond:
        alice, bob = Person(salond, "alice").joined("general"), Person(salond, "bob")
        bob.joined("general")
        alice.tell("general", "still good")
        bob.expect("message")
        backend.revoked.add("token-of-alice")
        time.sleep(1.1)
        for number in range(3):
            alice.say("message", room="general", content=f"refused {number}")
        alice.say("room_history", room="general")
        for _ in range(3):
            alice.refused("Invalid token")
        alice.expect("room_history")
        bob.tell("general", "order is kept", "and time goes on")
        alice.expect("message", content="order is kept")
        alice.say("dm", to=3, content="nor this way")
        alice.expect("message", content="and time goes on")
        alice.refused("Invalid token")
        again = Person(salond, "alice")
        again.refused("Invalid token")
        check(again.closed() == 1008, "not closed with 1008")
        backend.shape = lambda person: {**person, "id": 9, "username": "eve"}
        time.sleep(1.1)
        bob.say("message", room="general", content="with somebody else's token")
        bob.refused("Invalid token")


def checking_while_away():
    """Who has signed in goes on chatting while the upstream is away, without waiting for it"""
    backend = Backend()
    with server(backend, "auth_cache = 0  upstream_timeout = 2", endpoint=UNLIMITED) as salond:
        alice = Person(salond, "alice").joined("general")
        backend.whose = lambda handler, _: handler.hang()
        alice.tell("general", "this one waits, for a second")
        asked, number, slowest = len(backend.asked_of), 0, 0
        while len(backend.asked_of) < asked + 2:
            began = time.monotonic()
            alice.tell("general", f"number {number}")
            time.sleep(0.01)  # it is not about how many there are
            slowest = max(slowest, time.monotonic() - began)
            number += 1
        check(slowest < 0.8 * salon_test.SLOWER, f"it has waited {slowest:.1f} s for the upstream")
        backend.whose = lambda handler, _: handler.answer(500)
        alice.tell("general", *[f"more {i}" for i in range(20)])


def asked_ahead():
    """Who goes on writing is asked about before the answer is too old, and never waits"""
    backend = Backend()
    with server(backend, "auth_cache = 2  upstream_timeout = 5", endpoint=UNLIMITED) as salond:
        alice = Person(salond, "alice").joined("general")
        first = time.monotonic()

        def later(handler, token):
            time.sleep(0.5)
            backend.whose_usual(handler, token)

        backend.whose = later
        while len(backend.asked_of) < 4:
            began = time.monotonic()
            alice.tell("general", f"at {began}")
            took = time.monotonic() - began
            time.sleep(0.01)
            check(took < 0.4 * salon_test.SLOWER, "it has waited")
        check(time.monotonic() - first > 2, "it asks too often")


def gone_while_held_back():
    """Who leaves while a message waits for the upstream: it is said, and nothing is left behind"""
    backend = Backend()
    with server(backend, "auth_cache = 0  upstream_timeout = 5") as salond:
        people = [Person(salond, name).joined("general") for name in PEOPLE]
        go_on = threading.Event()

        def later(handler, token):
            go_on.wait(10)
            backend.whose_usual(handler, token)

        backend.whose = later
        before = len(backend.asked_of)
        for person in people:
            person.say("message", room="general", content="good bye")
            person.say("message", room="general", content="really")
            person.say("room_history", room="general")
        until(lambda: len(backend.asked_of) >= before + 3, "they are being asked for")
        for person in people:
            person.close()
        until(lambda: metric(salond, "sessions") == 0, "they have gone")
        go_on.set()
        all_delivered(salond)
        until(lambda: len(backend.taken) == 6, "all of it was said")
        Person(salond, "alice").joined("general").tell("general", "hello again")


# ---- Handing on ---------------------------------------------------------------------------------

def what_is_handed_on():
    """Each message of relay, as the upstream wants it; of others only where that is set"""
    backend = Backend()
    with server(backend) as salond:
        alice, bob = Person(salond, "alice").joined("lobby"), Person(salond, "bob").joined("lobby")
        text = "é 👍 \"quotes\" \\ % ' <script>\n"
        alice.say("message", room="lobby", content=text)
        said = alice.expect("message", content=text)
        bob.expect("message", content=text)
        bob.say("dm", to=2, content="psst")
        direct = bob.expect("dm", content="psst")
        all_delivered(salond)
        check(sorted(backend.taken, key=lambda post: int(post[0])) == [
            (str(said["id"]), {"type": "message", "id": said["id"], "room": "lobby", "user_id": 2,
                               "username": "alice", "content": text,
                               "created_at": said["created_at"]}),
            (str(direct["id"]), {"type": "dm", "id": direct["id"], "to": 2, "user_id": 3,
                                 "username": "bob", "content": "psst",
                                 "created_at": direct["created_at"]})], f"{backend.taken}")
        check(backend.authorization == {None}, f"{backend.authorization}")


def hand_on_all():
    """With hand_on_all, and the service's token; a reload changes both"""
    backend = Backend()
    salond = server(backend, 'hand_on_all = true  upstream_token_file = "service"')
    path = os.path.join(salond.directory, "service")
    with open(salond.config, encoding="utf-8") as file:
        config = file.read().replace('"service"', f'"{path}"')
    with open(salond.config, "w", encoding="utf-8") as file:
        file.write(config)
    with open(path, "w", encoding="utf-8") as file:
        file.write("service-secret-1\n")
    salond.secrets |= {"service-secret-1", "service-secret-2"}
    with salond:
        room = salond.ctl("room", "add", "lobby")
        veza = salon_test.signed_in(salond, "carol", room)
        veza.say("send_message", room_id=room, content="from elsewhere")
        all_delivered(salond)
        until(lambda: backend.taken, "it has come")
        check(backend.taken[0][1]["content"] == "from elsewhere", f"{backend.taken}")
        check(backend.authorization == {"Bearer service-secret-1"}, f"{backend.authorization}")
        with open(path, "w", encoding="utf-8") as file:
            file.write("service-secret-2")
        with open(salond.config, "w", encoding="utf-8") as file:
            file.write(config.replace("hand_on_all = true", ""))
        salond.ctl("reload")
        veza.say("send_message", room_id=room, content="not this one")
        Person(salond, "alice").joined("lobby").tell("lobby", "but this one")
        all_delivered(salond)
        check(backend.contents() == ["from elsewhere", "but this one"], f"{backend.contents()}")
        check("Bearer service-secret-2" in backend.authorization, f"{backend.authorization}")
        os.unlink(path)
        check(salond.run_ctl("reload").returncode == 0, "the reload failed")
        Person(salond, "alice").joined("lobby").tell("lobby", "with the token that it had")
        all_delivered(salond)


def faults():
    """Whatever goes wrong, everything comes, in the order of its room"""
    backend = Backend()
    count = 0
    ways = [lambda handler, post: handler.answer(500), lambda handler, post: handler.answer(503),
            lambda handler, post: handler.cut(), lambda handler, post: handler.answer(302),
            lambda handler, post: handler.answer(429, Retry_After="1"),
            lambda handler, post: handler.answer(401), lambda handler, post: handler.answer(408),
            lambda handler, post: handler.hang(), lambda handler, post: handler.answer(425)]

    def bad(handler, post):
        """Every other time; sometimes it has taken the message all the same."""
        nonlocal count
        with backend.lock:
            count += 1
            number = count
            if number % 4 == 1:
                backend.taken.append(post)
        if number % 2:
            ways[number // 2 % len(ways)](handler, post)
        else:
            backend.take(handler, post)

    backend.taking = bad
    with server(backend) as salond:
        alice = Person(salond, "alice")
        for room in ("one", "two"):
            alice.joined(room)
        for i in range(6):
            alice.tell("one", f"one {i}")
            alice.tell("two", f"two {i}")
        all_delivered(salond)
        check(metric(salond, "relay_parked") == 0, "something was parked")
        check(metric(salond, "relay_delivered_total") == 12, "not twelve")
        check(metric(salond, "relay_retries_total") > 0, "no retries")
    got = backend.without_repeats()
    for room in ("one", "two"):
        said = [post["content"] for post in got if post["room"] == room]
        check(said == [f"{room} {i}" for i in range(6)], f"{said}")


def long_absence():
    """The upstream is away while people chat, and across kill -9 and restarts; then all comes"""
    probe = Backend()
    port = probe.port
    with server(probe, "auth_cache = 3600") as salond:
        alice = Person(salond, "alice").joined("general")
        probe.die()
        contents = [f"while it is away {i}" for i in range(40)]
        began = time.monotonic()
        alice.tell("general", *contents[:20])
        check(time.monotonic() - began < 2, "chatting waits for the upstream")
        check(metric(salond, "relay_waiting") == 20, f"{metric(salond, 'relay_waiting')} wait")
        salond.kill()
        salond.start()
        check(metric(salond, "relay_waiting") == 20, "forgotten by kill -9")
        backend = Backend(port)
        backend.taking = lambda handler, _: handler.answer(503)
        alice = Person(salond, "alice").joined("general")
        alice.tell("general", *contents[20:])
        until(lambda: metric(salond, "relay_oldest_seconds") >= 1, "it gets old")
        salond.stop()
        salond.start()
        check(metric(salond, "relay_waiting") == 40, "forgotten by a restart")
        backend.taking = backend.take
        all_delivered(salond)
        check(metric(salond, "relay_oldest_seconds") == 0, "nothing is old")
        check(backend.contents() == contents, f"{backend.contents()}")


def kill_while_delivering():
    """kill -9 again and again, with an upstream that is slow: all comes, in order"""
    backend = Backend()

    def slowly(handler, post):
        time.sleep(0.02)
        backend.take(handler, post)

    backend.taking = slowly
    with server(backend, "auth_cache = 3600") as salond:
        said = []
        for life in range(4):
            alice = Person(salond, "alice").joined("general")
            contents = [f"life {life}, {i}" for i in range(15)]
            alice.tell("general", *contents)
            said += contents
            until(lambda: len(backend.taken) > 3 * life, "some have come")
            salond.kill()
            salond.start()
        all_delivered(salond)
        check([post["content"] for post in backend.without_repeats()] == said, "not all, in order")
        check(len(backend.taken) <= len(said) + 16, f"{len(backend.taken)} for {len(said)}")


def parked():
    """What is refused for good is put aside, visibly, and does not hold up the others"""
    backend = Backend()

    def picky(handler, post):
        if "bad" in post[1]["content"]:
            handler.answer_json(422, {"message": "no bad words"})
        else:
            backend.take(handler, post)

    backend.taking = picky
    with server(backend) as salond:
        alice = Person(salond, "alice").joined("general")
        alice.tell("general", "first", "bad one", "second", "bad two", "third")
        alice.say("dm", to=4, content="bad to nobody")
        alice.refused("User not found")
        Person(salond, "bob").joined("general")
        alice.say("dm", to=3, content="bad three")
        alice.expect("dm")
        all_delivered(salond)
        until(lambda: metric(salond, "relay_parked") == 3, "three are parked")
        check(backend.contents() == ["first", "second", "third"], f"{backend.contents()}")
        rows = json.loads(salond.run_ctl("--json", "parked", "list").stdout)["parked"]
        check([row["reason"] for row in rows] == ["422: no bad words"] * 3, f"{rows}")
        check(rows[0]["room"] == "general" and rows[0]["user_id"] == 2, f"{rows}")
        check(rows[2]["to"] == 3, f"{rows}")
        salond.kill()
        salond.start()
        check(metric(salond, "relay_parked") == 3, "forgotten")
        one, two, three = [row["id"] for row in rows]
        check(salond.ctl("parked", "drop", two) == two, "not dropped")
        salond.ctl_fails("parked", "drop", two)
        salond.ctl_fails("parked", "retry", two)
        salond.ctl_fails("parked", "retry", 999)
        backend.taking = backend.take
        check(salond.ctl("parked", "retry", one) == one, "not taken up again")
        salond.ctl_fails("parked", "retry", one)
        all_delivered(salond)
        check(backend.contents()[3:] == ["bad one"], f"{backend.contents()}")
        backend.taking = picky
        salond.ctl("parked", "retry", three)
        until(lambda: metric(salond, "relay_parked") == 1, "it is parked again")
        listing = str(salond.ctl("parked", "list"))
        check(str(three) in listing and "bad three" not in listing, listing)


def order_within_a_room():
    """Of one room one at a time; of several at once, but not more than is set"""
    backend = Backend()
    under_way, most, together = set(), 0, 0

    def watch(handler, post):
        nonlocal most, together
        room = post[1]["room"]
        with backend.lock:
            together += room in under_way
            under_way.add(room)
            most = max(most, len(under_way))
        time.sleep(0.03)
        with backend.lock:
            under_way.discard(room)
        backend.take(handler, post)

    backend.taking = watch
    with server(backend, "at_once = 3") as salond:
        alice = Person(salond, "alice")
        rooms = [f"room-{i}" for i in range(6)]
        for room in rooms:
            alice.joined(room)
        for i in range(5):
            for room in rooms:
                alice.tell(room, f"{room} {i}")
        all_delivered(salond)
        check(together == 0, "two of one room at the same time")
        check(1 < most <= 3, f"{most} at once")
        for room in rooms:
            said = [post["content"] for post in backend.without_repeats() if post["room"] == room]
            check(said == [f"{room} {i}" for i in range(5)], f"{said}")


def clean_stop():
    """The server ends at once, whatever the upstream does, and nothing is forgotten"""
    backend = Backend()
    backend.taking = lambda handler, _: handler.hang()
    with server(backend, "upstream_timeout = 60") as salond:
        Person(salond, "alice").joined("general").tell("general", "in the middle of it")
        until(lambda: backend.posts, "it is under way")
        backend.whose = lambda handler, _: handler.hang()
        waiting = Person(salond, "bob")
        until(lambda: "token-of-bob" in backend.asked_of, "he is being asked for")
        began = time.monotonic()
        salond.stop()
        check(time.monotonic() - began < 5 * salon_test.SLOWER, "the end waits for the upstream")
        waiting.close()
        backend.taking, backend.whose = backend.take, backend.whose_usual
        salond.start()
        all_delivered(salond)
        check(backend.contents() == ["in the middle of it"], f"{backend.contents()}")


def wrong_settings():
    """An upstream that is none, and a token's file that is not there, end the start"""
    for line in ('upstream = "ftp://a"', 'upstream = "127.0.0.1:8080"', 'upstream = "http://"',
                 'upstream = "http://a/?b"', 'upstream = "http://a b"',
                 'upstream = "http://a"  upstream_token_file = "/nowhere/at/all"'):
        salond = Server(settings=f"relay {{ {line} }}")
        try:
            salond.start()
            raise salon_test.Failure(f"it starts with {line}")
        except salon_test.Failure as failure:
            check("upstream" in str(failure) and "did not start" in str(failure), str(failure))
        finally:
            salond.remove()


def joining_together():
    """Many who join an unknown room at the same moment are all in it"""
    with Server() as salond:
        people = []
        for i in range(12):
            token = salond.token_of({"user_id": 100 + i, "username": f"p{i}",
                                     "exp": int(time.time()) + 600})
            people.append(Person(salond, "", token))
        for person in people:
            person.say("join", room="all at once")
        for person in people:
            person.say("message", room="all at once", content="here")
            while person.message()["data"].get("user_id") != 100 + people.index(person):
                pass


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(salon_test.run([
        signing_in, strangers, nobody_to_ask, slow_answer, revoked, checking_while_away,
        asked_ahead, gone_while_held_back, what_is_handed_on, hand_on_all, faults, long_absence,
        kill_while_delivering, parked, order_within_a_room, clean_stop, wrong_settings,
        joining_together], parallel=2))
