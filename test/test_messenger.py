#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Messenger over HTTP: what conversations cannot say: headers, malformed bodies, bounds, secrets.

Also that the OpenAPI document and the routes tell the same.
"""

import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import LIMIT, Client, Server, check  # noqa: E402
from salon_test.caller import Caller  # noqa: E402


class Person(Caller):
    def __init__(self, server, name=None, token=None):
        super().__init__(server, "messenger", token or (server.token(name) if name else None))

    def refused(self, status, code, method, path, body=None, **headers):
        answer = self.expect(status, method, path, body, **headers)
        check(set(answer.json) - {"retry_after"} == {"code", "message"}, f"{answer.json}")
        check(answer.json["code"] == code and answer.json["message"], f"{answer.json}")
        return answer


SEND = "/conversation/send_message"


# ---- The OpenAPI document -----------------------------------------------------------------------

def document():
    top = os.environ.get("top_srcdir") or salon_test.TOP_DIR
    with open(os.path.join(top, "conf", "openapi.json"), encoding="utf-8") as file:
        return json.load(file)


def resolved(doc, schema):
    """What a schema is, references followed."""
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            value = doc
            for word in part["$ref"].removeprefix("#/").split("/"):
                value = value[word]
            return value
    return schema


def words(doc, schema):
    """The names of members, and of those within."""
    schema, found = resolved(doc, schema), set()
    for name, inner in schema.get("properties", {}).items():
        found |= {name} | words(doc, inner)
    return found | (words(doc, schema["items"]) if "items" in schema else set())


def fits(doc, schema, value, place):
    """Complains of an answer that is not as the document says."""
    if value is None:
        check(schema.get("nullable"), f"{place} is null")
        return
    schema = resolved(doc, schema)
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    check(type(value) is kinds[schema["type"]], f"{place}: {value!r} is no {schema['type']}")
    check(value in schema.get("enum", [value]), f"{place}: {value!r}")
    if "example" in schema:
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", value), f"{place}: {value}")
    for element in value if isinstance(value, list) else ():
        fits(doc, schema["items"], element, place + "[]")
    if isinstance(value, dict):
        check(set(value) == set(schema["required"]), f"{place}: {sorted(value)}")
        for name, inner in value.items():
            fits(doc, schema["properties"][name], inner, f"{place}.{name}")


def answer_schema(operation):
    return operation["responses"]["200"]["content"]["application/json"]["schema"]


def fields_of(operation):
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return {row["name"] for row in operation.get("parameters", ())} | \
        set(body.get("schema", {}).get("properties", {}))


def routes_listed(server):
    """{"GET /me": (fields, members of the answer)}, as salond tells them."""
    told = subprocess.run([salon_test.SALOND, "-c", server.config, "-p", salon_test.PLUGIN_DIR,
                           "--list"], text=True, stdout=subprocess.PIPE, check=True,
                          timeout=LIMIT).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    names = [(row[2], [set(column.split(",")) - {"-"} for column in row[4:6]]) for row in rows
             if row[:2] == ["route", "messenger"]]
    return dict(names)


def test_openapi():
    """The document says of each route what there is, and answers are as it says"""
    doc = document()
    with Server() as server:
        routes = routes_listed(server)
        told = {f"{method.upper()} {path}": operation for path, way in doc["paths"].items()
                for method, operation in way.items()}
        check(set(told) == set(routes), f"{set(told) ^ set(routes)}")
        for name, (fields, members) in routes.items():
            check(fields_of(told[name]) == fields, f"{name}: {fields_of(told[name])}: {fields}")
            answer = words(doc, answer_schema(told[name]))
            check(answer == members, f"{name}: {answer ^ members}")
        names = [operation["operationId"] for operation in told.values()]
        check(len(names) == len(set(names)), "an operationId that is not unique")
        alice, bob = Person(server, "alice"), Person(server, "bob")
        bob.expect(200, "GET", "/me")

        def do(who, name, body=None, **captures):
            method, path = name.split()
            value = who.expect(200, method, path.format(**captures), body).json
            fits(doc, answer_schema(told[name]), value, name)
            return value

        do(alice, "GET /me")
        dm = do(alice, "POST /create_conversation", {"other_user_id": 3})["conversation_id"]
        first = do(alice, "POST " + SEND, {"conversation_id": dm, "content": "Hello there, bob!"})
        do(bob, "GET /conversations")
        do(bob, "GET /conversation/{conversation_id}", conversation_id=dm)
        do(bob, "GET /conversation/{conversation_id}/messages", conversation_id=dm)
        do(bob, "POST /conversation/mark_read", {"conversation_id": dm})
        message = {"message_id": first["message_id"]}
        do(alice, "DELETE /conversation/delete_message", message)
        do(alice, "GET /conversations")
        do(bob, "POST /delete_conversation", {"conversation_id": dm})
        do(alice, "POST /me/send_friend_request", {"username": "bob"})
        do(bob, "GET /me/friend_requests")
        do(bob, "POST /me/accept_friend_request", {"user_id": 2})
        do(bob, "GET /me/friends")
        do(bob, "DELETE /me/remove_friend", {"user_id": 2})
        token = do(alice, "POST /me/api_tokens", {"label": "phone", "ttl": 60})
        server.secrets.add(token["api_token"])
        do(alice, "GET /me/api_tokens")
        do(alice, "DELETE /me/api_tokens/{id}", id=token["id"])


# ---- The rest -----------------------------------------------------------------------------------

def check_others_refusals(server, alice):
    """What other plugins refuse on the listener is refused in the same words"""
    nobody, liar = Person(server), Person(server, token="sat_" + "0" * 64)
    nobody.refused(401, "NOT_AUTHENTICATED", "POST", "/media", b"hello")
    liar.refused(401, "INVALID_TOKEN", "POST", "/media", b"hello")
    alice.refused(415, "UNSUPPORTED_TYPE", "POST", "/media", b"<html></html>")
    alice.refused(400, "INVALID_FORMAT", "POST", "/media", b"")
    alice.refused(404, "MEDIA_NOT_FOUND", "GET", "/media/99")
    alice.refused(405, "METHOD_NOT_ALLOWED", "PUT", "/media", {})
    alice.refused(403, "PERMISSION_DENIED", "GET", "/monitoring/chat/stats")


def test_refusals():
    """Every refusal is {code, message} with a status that fits"""
    with Server() as server:
        alice, nobody = Person(server, "alice"), Person(server)
        bob, liar = Person(server, "bob"), Person(server, token="sat_" + "0" * 64)
        bob.expect(200, "GET", "/me")
        nobody.refused(401, "NOT_AUTHENTICATED", "GET", "/me")
        answer = liar.refused(401, "INVALID_TOKEN", "POST", SEND, {})
        check(answer.headers["www-authenticate"] == "Bearer", f"{answer.headers}")
        dm = alice.expect(200, "POST", "/create_conversation", {"other_user_id": 3}).json
        dm = dm["conversation_id"]
        for body in ("{", "[]", "7", "null", '"x"', "other_user_id=3", '{"other_user_id": 3} 5'):
            alice.refused(400, "INVALID_FORMAT", "POST", "/create_conversation", body)
        for wrong in (None, "3", 3.5, 0, -3, [3], {}, True, 2 ** 53):
            answer = alice.refused(400, "INVALID_FORMAT", "POST", "/create_conversation",
                                   {"other_user_id": wrong})
            check("other_user_id" in answer.json["message"], f"{answer.json}")
        for content in (None, "", " \n", 5, ["x"]):
            for more in ({}, {"media_ids": []}):
                alice.refused(400, "INVALID_FORMAT", "POST", SEND,
                              {"conversation_id": dm, "content": content, **more})
        alice.refused(400, "MESSAGE_TOO_LONG", "POST", SEND,
                      {"conversation_id": dm, "content": "é" * 4097})
        alice.expect(200, "POST", SEND, {"conversation_id": dm, "content": "é" * 4096})
        alice.refused(404, "MEDIA_NOT_FOUND", "POST", SEND,
                      {"conversation_id": dm, "content": "look", "media_ids": [9]})
        alice.expect(413, "POST", SEND, {"conversation_id": dm, "content": "x" * 70000})
        answer = alice.refused(405, "METHOD_NOT_ALLOWED", "PUT", "/me", {})
        check(answer.headers["allow"] == "GET", f"{answer.headers}")
        answer = alice.refused(405, "METHOD_NOT_ALLOWED", "GET", SEND)
        check(answer.headers["allow"] == "POST", f"{answer.headers}")
        alice.refused(404, "NOT_FOUND", "GET", "/me/nothing")
        check_others_refusals(server, alice)
        for limit, status in (("-1", 200), ("0", 200), ("1000", 200), ("many", 400), ("", 400)):
            alice.expect(status, "GET", f"/conversation/{dm}/messages?limit={limit}")
        bob.expect(200, "POST", "/me/send_friend_request", {"username": "alice"})
        bob.refused(404, "USER_NOT_FOUND", "POST", "/me/send_friend_request", {"user_id": 99})


def test_rates():
    """Messages of both ways count together; Retry-After says when again"""
    with Server(endpoint={"rate": '"2/60s"'}) as server:
        alice, bob = Person(server, "alice"), Person(server, "bob")
        bob.expect(200, "GET", "/me")
        dm = alice.expect(200, "POST", "/create_conversation", {"other_user_id": 3}).json
        dm = dm["conversation_id"]
        with Client(server, "messenger") as client:
            client.open(path=f"/ws/{alice.token}")
            client.frame(1, json.dumps({"type": "send_message", "receiver_id": 3,
                                        "content": "there"}))
            check(client.message()["content"] == "there", "not said")
        alice.expect(200, "POST", SEND, {"conversation_id": dm, "content": "here"})
        answer = alice.refused(429, "RATE_LIMIT_EXCEEDED", "POST", SEND,
                               {"conversation_id": dm, "content": "too much"})
        check(0 < int(answer.headers["retry-after"]) <= 60, f"{answer.headers}")
        check(answer.json["retry_after"] == int(answer.headers["retry-after"]), f"{answer.json}")
        bob.expect(200, "POST", SEND, {"conversation_id": dm, "content": "not mine"})


def test_secrets():
    """Tokens in paths and headers are in no log, at its most talkative"""
    with Server() as server:
        server.ctl("user", "add", "alice", "--id", 2)
        token = server.ctl("api-token", "add", "alice")
        made = Person(server, token=token).expect(200, "POST", "/me/api_tokens").json["api_token"]
        wrong = "sat_" + "1234567890abcdef" * 4
        server.secrets.update({token, made, wrong})
        for secret, code in ((wrong, 4008), (token, None), (made, None)):
            with Client(server, "messenger") as client:
                client.open(path=f"/ws/{secret}")
                if code:
                    check(client.closed() == code, "a wrong token is let in")
                else:
                    client.frame(1, json.dumps({"type": "get_online_friends"}))
                    check(client.message() == {"type": "online_friends", "friends": []}, "?")
        Person(server).expect(404, "GET", f"/ws/{token}/more")
        server.ctl("api-token", "revoke", made)
        Person(server, token=made).refused(401, "INVALID_TOKEN", "GET", "/me")


def test_origins():
    """Pages of the listener's origins may ask"""
    there = "https://chat.example"
    with Server(listener={"origins": f'{{ "{there}" }}'}) as server:
        asked = Person(server).expect(204, "OPTIONS", SEND, Origin=there,
                                      Access_Control_Request_Method="POST",
                                      Access_Control_Request_Headers="authorization, content-type")
        check(asked.headers["access-control-allow-origin"] == there, f"{asked.headers}")
        check("POST" in asked.headers["access-control-allow-methods"], f"{asked.headers}")
        answer = Person(server).refused(401, "NOT_AUTHENTICATED", "POST", SEND, {}, Origin=there)
        check(answer.headers["access-control-allow-origin"] == there, f"{answer.headers}")
        answer = Person(server, "alice").expect(200, "GET", "/me", Origin="https://evil.example")
        check("access-control-allow-origin" not in answer.headers, f"{answer.headers}")


if __name__ == "__main__":
    sys.exit(salon_test.run([test_openapi, test_refusals, test_rates, test_secrets, test_origins]))
