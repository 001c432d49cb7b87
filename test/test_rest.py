#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""HTTP routes of a dialect: what they ask for is what messages ask for, statuses, CORS, bounds."""

import json
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import Client, Server, check  # noqa: E402
from salon_test.caller import Caller  # noqa: E402


def refused(answer, code, field=None):
    check(answer.json["code"] == code, f"{answer.json}")
    if field:
        check(answer.json["details"]["field"] == field, f"{answer.json}")


def serve(**options):
    return Server(test_plugins=True, plugins=salon_test.built_plugins() + ["probe"], **options)


def test_ways():
    """Bodies, captures and queries become arguments; answers have their status"""
    with serve() as server:
        alice = Caller(server, "probe", server.token("alice"))
        made = alice.expect(201, "POST", "/probe/rooms", {"called": "Hall 5"})
        check(made.headers["content-type"] == "application/json", f"{made.headers}")
        number = made.json["data"]["id"]
        check(made.json["data"]["name"] == "Hall 5", f"{made.json}")
        secret = alice.expect(201, "POST", "/probe/rooms",
                              {"called": "secret", "settings": {"private": True}})
        check(secret.json["data"]["is_public"] is False, f"{secret.json}")
        for path in (f"/probe/rooms/{number}/messages", "/probe/rooms/Hall%205/messages"):
            alice.expect(200, "POST", path, {"text": f"over {path} 👋"})
        page = alice.expect(200, "GET", f"/probe/rooms/{number}/messages?limit=1").json["data"]
        check(page["messages"][0]["content"].endswith("Hall%205/messages 👋"), f"{page}")
        check(page["total"] == 2 and page["has_more"], f"{page}")
        before = page["messages"][0]["id"]
        page = alice.expect(200, "GET", f"/probe/rooms/{number}/messages?before={before}")
        check(len(page.json["data"]["messages"]) == 1, f"{page.json}")
        once = [alice.expect(200, "POST", f"/probe/rooms/{number}/messages",
                             {"text": "once", "id": "a"}).json["data"] for _ in range(2)]
        check(once[0]["message"]["id"] == once[1]["message"]["id"] and once[1]["known"], f"{once}")
        head = alice.expect(200, "HEAD", "/probe/rooms")
        check(head.text == "" and int(head.headers["content-length"]) > 2, f"{head.headers}")
        alice.expect(200, "DELETE", "/probe/rooms?room=secret")
        alice.expect(200, "DELETE", "/probe/rooms", {"room": "Hall 5"})
        rooms = alice.expect(200, "GET", "/probe/rooms").json["data"]["rooms"]
        check(rooms == [], f"{rooms}")


def test_refusals():
    """Each refusal is the dialect's, with a status that fits"""
    with serve(endpoint={"max_length": 20}) as server:
        alice, bob = (Caller(server, "probe", server.token(name)) for name in ("alice", "bob"))
        nobody, liar = Caller(server, "probe"), Caller(server, "probe", "sat_" + "0" * 64)
        alice.expect(201, "POST", "/probe/rooms", {"called": "Hall"})
        hall = "/probe/rooms/Hall/messages"
        refused(nobody.expect(401, "GET", "/probe/rooms"), "not_authenticated")
        answer = liar.expect(401, "GET", "/probe/rooms")
        refused(answer, "invalid_token")
        check(answer.headers["www-authenticate"] == "Bearer", f"{answer.headers}")
        refused(bob.expect(403, "POST", hall, {"text": "hello"}), "permission_denied")
        refused(alice.expect(404, "GET", "/probe/rooms/none/messages"), "room_not_found")
        refused(alice.expect(404, "GET", "/probe/nothing"), "unknown_operation")
        alice.expect(404, "GET", "/probe/elsewhere")
        refused(alice.expect(409, "POST", "/probe/rooms", {"called": "Hall"}), "conflict")
        refused(alice.expect(400, "POST", "/probe/rooms", {}), "invalid_format", "called")
        refused(alice.expect(400, "POST", "/probe/rooms", {"called": "x", "settings": 5}),
                "invalid_format", "settings.private")
        refused(alice.expect(400, "POST", hall, {"text": " "}), "message_empty", "text")
        refused(alice.expect(400, "POST", hall, {"text": "x" * 21}), "message_too_long", "text")
        for body in ("{", "[]", "5", '{"text": "a" "b"}', "\xff", '{"text": "\\u0000"}'):
            answer = alice.expect(400, "POST", hall, body.encode("latin-1"))
            refused(answer, "invalid_format")
        refused(alice.expect(400, "GET", hall + "?limit=many"), "invalid_format", "limit")
        refused(alice.expect(400, "GET", hall + "?before=99999999999999999"),
                "invalid_format", "before")
        check(len(alice.expect(200, "GET", hall + "?limit=-5").json["data"]["messages"]) <= 1,
              "a limit is not clamped")
        answer = alice.expect(405, "PUT", "/probe/rooms", {})
        check("details" in answer.json, "not in the dialect's words")
        methods = {method.strip() for method in answer.headers["allow"].split(",")}
        check(methods == {"GET", "POST", "DELETE"}, f"{answer.headers}")
        answer = alice.expect(413, "POST", hall, b"x" * 70000)
        refused(answer, "too_large")
        check(answer.headers["connection"] == "close", f"{answer.headers}")
        server.ctl("user", "ban", "bob")
        refused(bob.expect(403, "GET", "/probe/rooms"), "user_sanctioned")


def test_bodies():
    """A body is asked for, or refused such that who sends it all hears why"""
    with serve() as server:
        bearer = f"Authorization: Bearer {server.token('alice')}"
        body = json.dumps({"called": "Hall"})

        def begin(length, *headers):
            client = Client(server, "probe")
            lines = ["POST /probe/rooms HTTP/1.1", "Host: a", bearer, f"Content-Length: {length}"]
            client.send("\r\n".join([*lines, *headers]) + "\r\n\r\n")
            return client
        with begin(len(body), "Expect: 100-continue") as client:
            check(client.head()[0] == 100, "no word that the body is awaited")
            client.send(body)
            check(client.head()[0] == 201, "not made")
        most = 8 << 20
        with begin(most, "Expect: 100-continue") as client:
            check(client.head()[0] == 413, "too large, and awaited")
            check(client.take(2) and client.ended(), "the connection goes on")
        with begin(most) as client:
            client.send(bytes(most))
            status, headers = client.head()
            check(status == 413 and headers["connection"] == "close", f"{status} {headers}")
        with Client(server, "probe") as client:
            for _ in range(2):
                client.send("OPTIONS /probe/rooms HTTP/1.1\r\nHost: a\r\n\r\n")
                status, headers = client.head()
                check(status == 204 and "content-length" not in headers, f"{status} {headers}")
                check("content-type" not in headers, f"{headers}")


def chunks(body, size):
    pieces = [body[i:i + size] for i in range(0, len(body), size)]
    return "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + "0\r\n\r\n"


def test_chunks():
    """Bodies of which the length is not known beforehand"""
    with serve(listener={"max_message": 10000}) as server:
        bearer = f"Authorization: Bearer {server.token('alice')}"

        def ask(expected, body, *headers, method="POST", piece=None):
            with Client(server, "probe") as client:
                lines = [f"{method} /probe/rooms HTTP/1.1", "Host: a", bearer,
                         "Transfer-Encoding: chunked", *headers]
                text = "\r\n".join(lines) + "\r\n\r\n" + body
                for i in range(0, len(text), piece or len(text)):
                    client.send(text[i:i + (piece or len(text))])
                status, answer = client.head()
                check(status == expected, f"{body[:80]}: {status}, not {expected}")
                check(answer["connection"] == "close", f"{answer}")
                check(client.ended(), "the connection goes on")

        def body(name, length=0):
            return json.dumps({"called": name, "more": "x" * length})
        ask(201, chunks(body("one"), 1000))
        ask(201, chunks(body("pieces"), 3), piece=7)
        ask(201, chunks(body("long", 9000), 500))
        ask(201, chunks(body("behind"), 50) + "GET /probe/rooms HTTP/1.1\r\nHost: a\r\n\r\n")
        ask(400, "0\r\n\r\n")
        ask(400, "5\r\nhello\r\n0\r\n\r\n")
        ask(400, "hello\r\n")
        ask(413, chunks(body("large", 10000), 500))
        ask(413, chunks(body("larger", 5 << 20), 100000))
        ask(400, chunks(body("both"), 50), "Content-Length: 5")
        ask(501, chunks(body("coded"), 50), "Transfer-Encoding: gzip")
        ask(411, chunks('{"room": "one"}', 50), method="DELETE")
        rooms = Caller(server, "probe", server.token("alice")).expect(200, "GET", "/probe/rooms")
        names = {room["name"] for room in rooms.json["data"]["rooms"]}
        check(names == {"one", "pieces", "long", "behind"}, f"{names}")


def test_rates():
    """What is said over HTTP and over the socket counts together"""
    with serve(endpoint={"rate": '"3/60s"'}) as server:
        alice = Caller(server, "probe", server.token("alice"))
        alice.expect(201, "POST", "/probe/rooms", {"called": "Hall"})
        with Client(server, "probe") as client:
            client.open(path=f"{server.path('probe')}?token={server.token('alice')}")
            check("answer" in client.message(), "not signed in")
            said = {"type": "room.send", "args": {"room": "Hall", "content": "there"}}
            client.frame(1, json.dumps(said).encode())
            check("answer" in client.message(), "not said")
        alice.expect(200, "POST", "/probe/rooms/Hall/messages", {"text": "here"})
        answer = alice.expect(429, "POST", "/probe/rooms/Hall/messages", {"text": "too much"})
        refused(answer, "rate_limited")
        check(0 < int(answer.headers["retry-after"]) <= 60, f"{answer.headers}")
        check(answer.json["details"]["limit"] == 3, f"{answer.json}")


def test_tokens():
    """API tokens do as well as others, until they are revoked"""
    with serve() as server:
        server.ctl("user", "add", "alice")
        token = server.ctl("api-token", "add", "alice")
        server.secrets.add(token)
        alice = Caller(server, "probe", token)
        alice.expect(201, "POST", "/probe/rooms", {"called": "Hall"})
        server.ctl("api-token", "revoke", token)
        refused(alice.expect(401, "GET", "/probe/rooms"), "invalid_token")


def test_origins():
    """Pages of other origins see answers where the listener lets them"""
    there, elsewhere = "https://chat.example", "https://evil.example"
    with serve(listener={"origins": f'{{ "{there}" }}'}) as server:
        alice = Caller(server, "probe", server.token("alice"))
        asked = Caller(server, "probe").expect(204, "OPTIONS", "/probe/rooms", Origin=there,
                                               Access_Control_Request_Method="DELETE",
                                               Access_Control_Request_Headers="authorization")
        check(asked.headers["access-control-allow-origin"] == there, f"{asked.headers}")
        check("DELETE" in asked.headers["access-control-allow-methods"], f"{asked.headers}")
        check("authorization" in asked.headers["access-control-allow-headers"], f"{asked.headers}")
        for status, caller in ((200, alice), (401, Caller(server, "probe"))):
            answer = caller.expect(status, "GET", "/probe/rooms", Origin=there)
            check(answer.headers["access-control-allow-origin"] == there, f"{answer.headers}")
            check(answer.headers["vary"] == "origin", f"{answer.headers}")
        for status, method in ((200, "GET"), (204, "OPTIONS")):
            answer = alice.expect(status, method, "/probe/rooms", Origin=elsewhere)
            check("access-control-allow-origin" not in answer.headers, f"{answer.headers}")
        asked = Caller(server, "probe").expect(204, "OPTIONS", "/probe/rooms")
        check("access-control-allow-methods" not in asked.headers, f"{asked.headers}")
        check("OPTIONS" in asked.headers["allow"], f"{asked.headers}")
        Caller(server, "probe").expect(404, "OPTIONS", "/probe/elsewhere", Origin=there)


if __name__ == "__main__":
    sys.exit(salon_test.run([test_ways, test_refusals, test_bodies, test_chunks, test_rates,
                              test_tokens, test_origins]))
