#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GraphQL over HTTP: rooms are made and listed, refusals have their form, and the reference
implementation in JavaScript agrees about the schema and about which documents are valid."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import urllib.parse

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (Client, Failure, LIMIT, Server, Skip, check,  # noqa: E402
                        still_serves, until)

PATH = "/graphql"
TYPE = "Content-Type: application/json"

CREATE = """
mutation CreateChatRoom {
  createChatRoom(
    name: "Discussion Générale"
    slug: "live-general" # Identifiant unique lisible (optionnel)
    description: "Chat public"
    isPublic: true
  ) {
    id
    slug
    name
    isPublic
    createdAt
  }
}
"""

LIST = """
query GetChatRooms {
  chatRooms {
    id
    slug
    name
    description
    isPublic
    participantCount
  }
}
"""

MAKE = """mutation M($name: String!, $slug: String, $public: Boolean) {
  createChatRoom(name: $name, slug: $slug, isPublic: $public) { id slug name isPublic }
}"""


# ---- Asking -------------------------------------------------------------------------------------

def server(settings=""):
    if "live" not in salon_test.built_plugins():
        raise Skip("live has not been built")
    return Server(settings=settings)


def bearer(salond, name):
    return f"Authorization: Bearer {salond.token(name)}"


def send(salond, body, *headers, method="POST", path=PATH):
    """Status, headers and JSON of the answer to bytes that need not be JSON."""
    if isinstance(body, str):
        body = body.encode()
    with Client(salond, "live") as client:
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        client.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        status, answer = client.head()
        text = client.take(int(answer.get("content-length", 0)))
    is_json = "json" in answer.get("content-type", "")
    return status, answer, json.loads(text) if is_json else None


def post(salond, query, *headers, **members):
    """Status and JSON of the answer to a request as clients send it."""
    body = json.dumps({"query": query, **members})
    status, _, answer = send(salond, body, TYPE, *headers)
    return status, answer


def get(salond, *headers, **parameters):
    text = urllib.parse.urlencode(parameters)
    status, _, answer = send(salond, b"", *headers, method="GET", path=f"{PATH}?{text}")
    return status, answer


def data(salond, query, *headers, **members):
    """The data of a request in which nothing is wrong."""
    status, answer = post(salond, query, *headers, **members)
    check(status == 200 and "errors" not in answer, f"{query}: {status} {answer}")
    return answer["data"]


def expect_error(answer, message, code):
    """The first error, which must say so."""
    check(isinstance(answer[1], dict) and answer[1].get("errors"), f"not {code}: {answer}")
    error = answer[1]["errors"][0]
    check(error["message"] == message and error["extensions"]["code"] == code,
          f"not {code}: {answer}")
    return error


def enter(salond, slug, name=None):
    """A connection in the room."""
    query = f"?token={salond.token(name)}" if name else ""
    client = Client(salond, "live").open(path=f"/chat/ws/room/{slug}{query}")
    check(client.message()["type"] == "room_joined", f"{slug}: not joined")
    return client


# ---- Rooms --------------------------------------------------------------------------------------

def test_create():
    """The document's mutation makes a room, for whoever is signed in"""
    with server() as salond:
        room = data(salond, CREATE, bearer(salond, "alice"))["createChatRoom"]
        check(list(room) == ["id", "slug", "name", "isPublic", "createdAt"], f"{room}")
        check(isinstance(room["id"], int) and room["isPublic"] is True, f"{room}")
        check(room["slug"] == "live-general" and room["name"] == "Discussion Générale", f"{room}")
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", room["createdAt"]),
              f"{room}")
        answer = post(salond, CREATE, bearer(salond, "bob"))
        error = expect_error(answer, "A room with this name or slug exists already", "CONFLICT")
        check(error["path"] == ["createChatRoom"] and answer[0] == 200, f"{answer}")
        check(error["locations"] == [{"line": 3, "column": 3}], f"{answer}")
        check(answer[1]["data"] is None, f"{answer}")
        whole = """{chatRoom(slug: "live-general") {roomType allowAnonymous createdBy description
                    participantCount connectionCount}}"""
        check(data(salond, whole)["chatRoom"] ==
              {"roomType": "live", "allowAnonymous": True, "createdBy": 2,
               "description": "Chat public", "participantCount": 0, "connectionCount": 0},
              "not as it was made")


def test_settings():
    """Whose rooms are that entering them makes, and how long one waits; a reload changes it"""
    with server("live { system_user = 3  unjoined_ttl = 1 }\n") as salond:
        creator = "query ($slug: String) { chatRoom(slug: $slug) { createdBy } }"
        alice = bearer(salond, "alice")
        with enter(salond, "lent"), enter(salond, "video-7-chat"):
            for slug in ("lent", "video-7-chat"):
                room = data(salond, creator, variables={"slug": slug})["chatRoom"]
                check(room == {"createdBy": 3}, f"{slug}: {room}")
        data(salond, MAKE, alice, variables={"name": "hers"})
        room = data(salond, creator, variables={"slug": "hers"})["chatRoom"]
        check(room == {"createdBy": 2}, f"made by somebody: {room}")
        gone = {"chatRoom": None}
        until(lambda: data(salond, creator, variables={"slug": "hers"}) == gone, "the room goes")
        with open(salond.config, encoding="utf-8") as file:
            config = file.read().replace("system_user = 3", "system_user = 4")
        with open(salond.config, "w", encoding="utf-8") as file:
            file.write(config)
        salond.ctl("reload")
        with enter(salond, "lent"):
            room = data(salond, creator, variables={"slug": "lent"})["chatRoom"]
            check(room == {"createdBy": 4}, f"after the reload: {room}")


def test_create_variables():
    """Variables, defaults and nulls; a slug is made where there is none"""
    with server() as salond:
        alice = bearer(salond, "alice")
        room = data(salond, MAKE, alice, variables={"name": "One two"},
                    operationName="M")["createChatRoom"]
        check(room["slug"] == f"room-{room['id']}" and room["isPublic"] is True, f"{room}")
        room = data(salond, MAKE, alice, variables={"name": "three", "public": None, "slug": None})
        check(room["createChatRoom"]["isPublic"] is True, f"{room}")
        check(room["createChatRoom"]["slug"] == "three", f"{room}")
        room = data(salond, MAKE, alice, variables={"name": "p", "public": False, "slug": "x.y_Z-"})
        check(room["createChatRoom"]["isPublic"] is False, f"{room}")
        for name in ("<script>", "'; DROP TABLE rooms", "%s%n", "👩‍👩‍👧", "مرحبا", "a\\b\"c"):
            room = data(salond, MAKE, alice, variables={"name": name})["createChatRoom"]
            check(room["name"] == name, f"{name}: {room}")


def test_create_refused():
    """What is no name, and who may not"""
    with server() as salond:
        alice = bearer(salond, "alice")
        for number, variables, message in (
                (1, {"name": ""}, "Invalid value: name"),
                (2, {"name": "123"}, "Invalid value: name"),
                (3, {"name": "x" * 101}, "Value too long: name"),
                (4, {"name": "a", "slug": "é"}, "Invalid value: slug"),
                (5, {"name": "a", "slug": "12"}, "Invalid value: slug"),
                (6, {"name": "a", "slug": ""}, "Invalid value: slug")):
            expect_error(post(salond, MAKE, alice, variables=variables), message,
                         "BAD_USER_INPUT")
        answer = post(salond, MAKE, variables={"name": "a"})
        expect_error(answer, "Authentication required", "UNAUTHENTICATED")
        check(answer[0] == 200, f"{answer}")
        for query in (MAKE, LIST):
            answer = post(salond, query, "Authorization: Bearer nonsense", variables={"name": "a"})
            expect_error(answer, "Invalid token", "UNAUTHENTICATED")
            check(answer[0] == 401, f"{answer}")
        old = f"Authorization: Bearer {salond.token('bob', exp=1000)}"
        check(post(salond, LIST, old)[0] == 401, "an expired token does")
        salond.add_people("erin")
        salond.ctl("user", "ban", "erin", "--minutes", 5)
        expect_error(post(salond, LIST, bearer(salond, "erin")), "Access denied", "FORBIDDEN")


def test_serial():
    """Several mutations in one request, one after another; the first refusal ends it"""
    with server() as salond:
        alice = bearer(salond, "alice")
        rooms = data(salond, """mutation {
            a: createChatRoom(name: "a") { ...R } __typename
            b: createChatRoom(name: "b", isPublic: false) { ...R }
        } fragment R on ChatRoom { id t: __typename isPublic }""", alice)
        check(rooms["a"]["id"] < rooms["b"]["id"] and rooms["b"]["isPublic"] is False, f"{rooms}")
        check(rooms["a"]["t"] == "ChatRoom" and rooms["__typename"] == "Mutation", f"{rooms}")
        status, answer = post(salond, """mutation { c: createChatRoom(name: "c") { id }
            again: createChatRoom(name: "a") { id } d: createChatRoom(name: "d") { id } }""", alice)
        check(status == 200 and answer["data"] is None, f"{answer}")
        check(answer["errors"][0]["path"] == ["again"] and len(answer["errors"]) == 1, f"{answer}")
        names = ['{chatRoom(slug: "%s") {name}}' % name for name in "cd"]
        check(data(salond, names[0])["chatRoom"], "what came before is not there")
        check(data(salond, names[1])["chatRoom"] is None, "what comes after is there")


def test_list():
    """Rooms with somebody in them, counted by person and by connection"""
    with server() as salond:
        check(data(salond, LIST) == {"chatRooms": []}, "there are rooms")
        room = data(salond, CREATE, bearer(salond, "alice"))["createChatRoom"]
        check(data(salond, LIST) == {"chatRooms": []}, "an empty room is listed")
        clients = [enter(salond, "live-general", name) for name in ("alice", "alice", "bob")]
        clients.append(enter(salond, "live-general"))
        check(data(salond, LIST) == {"chatRooms": [
            {"id": room["id"], "slug": "live-general", "name": "Discussion Générale",
             "description": "Chat public", "isPublic": True, "participantCount": 3}]},
            f"{data(salond, LIST)}")
        other = enter(salond, "other")
        rooms = data(salond, "{chatRooms{slug description connectionCount}}")["chatRooms"]
        check(rooms == [{"slug": "live-general", "description": "Chat public",
                         "connectionCount": 4},
                        {"slug": "other", "description": None, "connectionCount": 1}], f"{rooms}")
        for client in clients + [other]:
            client.close()
        salon_test.until(lambda: data(salond, LIST) == {"chatRooms": []}, "rooms end")


def test_private():
    """A private room is seen by its members and by administrators"""
    with server() as salond:
        alice = bearer(salond, "alice")
        data(salond, MAKE, alice, variables={"name": "secret", "public": False})
        one = '{chatRoom(slug: "secret") {name isPublic}}'
        with enter(salond, "secret", "alice"):
            for who, seen in ((alice, True), (bearer(salond, "dave"), True),
                              (bearer(salond, "bob"), False), (bearer(salond, "carol"), False),
                              (None, False)):
                headers = [who] if who else []
                rooms = data(salond, LIST, *headers)["chatRooms"]
                check([room["name"] for room in rooms] == (["secret"] if seen else []),
                      f"{who}: {rooms}")
                check((data(salond, one, *headers)["chatRoom"] is not None) == seen, f"{who}")


def test_one():
    """chatRoom by id or slug, in all the ways in which one may say so"""
    with server() as salond:
        room = data(salond, CREATE, bearer(salond, "alice"))["createChatRoom"]
        number = room["id"]
        for query, variables in (
                ("{chatRoom(id: %d) {slug}}" % number, None),
                ('{chatRoom(id: "%d") {slug}}' % number, None),
                ('{chatRoom(slug: "live-general", id: null) {slug}}', None),
                ("query($x: ID!) {chatRoom(id: $x) {slug}}", {"x": number}),
                ("query($x: ID) {chatRoom(id: $x) {slug}}", {"x": str(number)}),
                ("query($x: Int!) {chatRoom(id: $x) {slug}}", {"x": number}),
                ("query($x: Int) {chatRoom(id: $x) {slug}}", {"x": float(number)}),
                ("query($x: String) {chatRoom(slug: $x) {slug}}", {"x": "live-general"})):
            found = data(salond, query, variables=variables)["chatRoom"]
            check(found == {"slug": "live-general"}, f"{query}: {found}")
        for text in ('id: 999', 'id: 0', 'id: -1', 'id: "x"', 'id: ""', 'id: "live-general"',
                     'slug: "none"', 'slug: ""', 'id: "99999999999999999999"',
                     'id: 99999999999999999999',
                     f'slug: "{"x" * 5000}"', 'id: "1 "', 'slug: "\\n"'):
            found = data(salond, "{chatRoom(%s) {slug}}" % text)["chatRoom"]
            check(found is None, f"{text}: {found}")
        for text in ("", '(id: 1, slug: "a")', "(id: null)"):
            expect_error(post(salond, "{chatRoom%s {slug}}" % text),
                         "Either id or slug must be given", "BAD_USER_INPUT")


def test_rate():
    """Making rooms counts for the rate of the endpoint, others' rates not at all"""
    with server() as salond:
        alice = bearer(salond, "alice")
        many = "mutation {" + " ".join(
            f'r{n}: createChatRoom(name: "r{n}") {{id}}' for n in range(11)) + "}"
        status, answer = post(salond, many, alice)
        check(status == 200 and answer["data"] is None, f"{answer}")
        error = answer["errors"][0]
        check(error["message"] == "Rate limit exceeded" and error["path"] == ["r10"], f"{answer}")
        check(error["extensions"]["code"] == "RATE_LIMITED", f"{answer}")
        expect_error(post(salond, MAKE, alice, variables={"name": "x"}), "Rate limit exceeded",
                     "RATE_LIMITED")
        data(salond, MAKE, bearer(salond, "bob"), variables={"name": "x"})
        data(salond, LIST, alice)


def test_without_rooms():
    """Where there are no rooms, it says so"""
    if "live" not in salon_test.built_plugins():
        raise Skip("live has not been built")
    with Server(plugins=["live"]) as salond:
        expect_error(post(salond, LIST), "There are no rooms here", "UNAVAILABLE")
        data(salond, "{__schema {queryType {name}}}")


# ---- HTTP ---------------------------------------------------------------------------------------

def test_get():
    """Queries by GET, mutations not"""
    with server() as salond:
        # libwebsockets takes an encoded line feed for the end of the line
        answer = get(salond, query=" ".join(LIST.split()))
        check(answer == (200, {"data": {"chatRooms": []}}), f"{answer}")
        query = ("query A($x: ID!) {chatRoom(id: $x) {id}} "
                 "query B {__typename} mutation C {__typename}")
        answer = get(salond, query=query, variables='{"x": 9}', operationName="A")
        check(answer == (200, {"data": {"chatRoom": None}}), f"{answer}")
        answer = get(salond, query=query, variables="", operationName="B")
        check(answer == (200, {"data": {"__typename": "Query"}}), f"{answer}")
        alice = bearer(salond, "alice")
        check(get(salond, alice, query=query, operationName="C")[0] == 405, "a mutation by GET")
        one_line = " ".join(re.sub("#.*", "", CREATE).split())
        check(get(salond, alice, query=one_line)[0] == 405, "a mutation by GET")
        check(data(salond, '{chatRoom(slug: "live-general") {id}}')["chatRoom"] is None,
              "a mutation by GET is made")
        for parameters in ({}, {"query": ""}, {"query": "{__typename}", "variables": "[]"},
                           {"query": "{__typename}", "variables": "{"}, {"query": "{a}"},
                           {"query": "{__typename}", "operationName": "Other"}):
            status, answer = get(salond, **parameters)
            check(status == 400 and answer["errors"], f"{parameters}: {status} {answer}")
        status, _, _ = send(salond, b"", method="GET", path=f"{PATH}?query=%7B%ff%7D")
        check(status == 400, f"bad UTF-8: {status}")
        check(send(salond, b"", method="DELETE")[0] == 405, "DELETE is known")


def test_bodies():
    """Bodies that are no requests"""
    with server() as salond:
        for body in (b"", b"{", b"[]", b"null", b'"{a}"', b"{}", b'{"query": null}',
                     b'{"query": 1}', b'{"query": ["{a}"]}', b'[{"query": "{__typename}"}]',
                     b'{"query": "{__typename}", "variables": []}',
                     b'{"query": "{__typename}", "variables": "{}"}',
                     b'{"query": "{__typename}", "operationName": 1}',
                     b'{"query": "{__typename}", "extensions": 1}',
                     b'{"query": "{__typename}"} x', b"{'query': '{__typename}'}",
                     b'{"query": "{__typename \\u0000}"}', b'{"query": "\xff{__typename}"}',
                     b'{"query": "{__typename\xed\xa0\x80}"}', b'{"query": "{a\\ud800}"}',
                     b'{"query": ' + b"[" * 10000):
            status, _, answer = send(salond, body, TYPE)
            check(status == 400 and answer["errors"][0]["message"], f"{body[:60]}: {status}")
            check("data" not in answer, f"{body[:60]}: {answer}")
        good = b'{"query": "{__typename}", "variables": null, "operationName": null, "x": 1}'
        for kind, expected in (("application/json", 200), ("Application/JSON; charset=utf-8", 200),
                               ("application/jsonx", 415), ("text/plain", 415),
                               ("application/x-www-form-urlencoded", 415), (None, 415)):
            headers = [f"Content-Type: {kind}"] if kind else []
            status, _, answer = send(salond, good, *headers)
            check(status == expected, f"{kind}: {status} {answer}")
        for accept, expected in (("*/*", "application/json; charset=utf-8"),
                                 ("application/json", "application/json; charset=utf-8"),
                                 ("application/graphql-response+json, application/json;q=0.9",
                                  "application/graphql-response+json; charset=utf-8")):
            _, headers, _ = send(salond, good, TYPE, f"Accept: {accept}")
            check(headers["content-type"] == expected, f"{accept}: {headers}")
        still_serves(salond)


def test_bounds():
    """What is too deep, too much or goes round in circles costs little, and others go on"""
    with server() as salond:
        enter(salond, "room")
        aliases = " ".join(f"a{n}: chatRooms {{id}}" for n in range(2000))
        few = " ".join(f"a{n}: chatRooms {{id}}" for n in range(300))
        double = "".join(f"fragment F{n} on Query {{...F{n + 1} ...F{n + 1}}} " for n in range(40))
        circle = "fragment A on Query {...B} fragment B on Query {...A}"
        types = "{__schema {types {" + "fields {type {ofType {" * 40 + "name" + "}}}" * 40 + "}}}"
        for query, expected in (
                ("{" * 5000, 400), ("{chatRooms " * 5000, 400), ("{a(b: " + "[" * 5000, 400),
                ("query($a: " + "[" * 5000, 400), (f"{{{aliases}}}", 400), (f"{{{few}}}", 200),
                ("{...F0}" + double + "fragment F40 on Query {__typename}", 400),
                ("{...A}" + circle, 400), (types, 400), ("{__typename " * 2, 400),
                ("{a " + "@skip(if: true) " * 1000 + "}", 400), ("#" * 60000, 400),
                ('{chatRoom(id: ' + "9" * 5000 + ") {id}}", 200),
                ('{chatRoom(id: "' + "9" * 5000 + '") {id}}', 200),
                ("query Q(" + "$a: Int " * 900 + ") {__typename}", 400)):
            status, answer = post(salond, query)
            check(status == expected, f"{query[:50]}: {status} {str(answer)[:300]}")
            check(len(json.dumps(answer)) < 20000, f"{query[:50]}: a long answer")
        status, _, _ = send(salond, b'{"query": "{' + b"a" * 1000000 + b'}"}', TYPE)
        check(status == 413, f"a large body: {status}")
        still_serves(salond)


# ---- The reference implementation ---------------------------------------------------------------

# Documents whose verdict must be the reference's, beside those above and what is made of them.
DOCUMENTS = [
    CREATE, LIST, MAKE,
    "{chatRooms{id}chatRooms{slug}}", "{a:chatRooms{id}a:chatRoom{id}}",
    "{chatRoom(id:1){id}chatRoom(id:2){id}}", "{chatRoom(id:99999999999999999999){id}}",
    "{chatRoom(id:1,id:1){id}}",
    "query($s:String=\"a\"){chatRoom(slug:$s){id @skip(if:true)}}",
    "query($b:Boolean!){chatRooms @include(if:$b){id ...on ChatRoom{name ...F}}}"
    "fragment F on ChatRoom{slug createdAt roomType}",
    "query A{chatRooms{id}}query B{__typename}", "query A{__typename}query A{__typename}",
    "mutation{createChatRoom(name:1){id}}",
    "mutation($n:String){createChatRoom(name:$n){id}}",
    "mutation($n:String=\"x\"){createChatRoom(name:$n){id}}",
    "{chatRooms(first:3){id}}", "{chatRooms}", "{chatRooms{id{x}}}", "{chatRooms{nothing}}",
    "{__schema{types{name fields(includeDeprecated:true){name}}}}", "{__type{name}}",
    "{__type(name:\"ChatRoom\"){...T}}fragment T on __Type{name ofType{...U}}"
    "fragment U on __Type{kind}",
    "{chatRoom(slug:\"\"\" a \"\"\",id:null){createdAt}}", "{chatRoom(id:{a:1}){id}}",
    "query($x:DateTime){chatRoom(slug:$x){id}}", "query($x:[ID]){chatRoom(id:$x){id}}",
]


def mutated(text, chance):
    """The document with a word or two left out, doubled, or put elsewhere."""
    words = re.findall(r'"(?:\\.|[^"\\])*"|#.*|\.\.\.|[$@]?\w+|\s+|.', text)
    for _ in range(chance.randint(1, 2)):
        place, other = chance.randrange(len(words)), chance.randrange(len(words))
        change = chance.randrange(4)
        if change == 0:
            words[place] = ""
        elif change == 1:
            words.insert(place, words[other])
        elif change == 2:
            words[place], words[other] = words[other], words[place]
        else:
            words[place] = chance.choice(["{", "}", "(", ")", "id", "name", ":", "$n", "null", "!",
                                          "true", "1", '"x"', "...", "on", "@skip(if: true)", "F"])
    return "".join(words)


def reference(salond, documents):
    node = shutil.which("node") or shutil.which("nodejs")
    if not node:
        raise Skip("no node")
    address = f"http://127.0.0.1:{salond.port('live')}{PATH}"
    script = os.path.join(salon_test.TEST_DIR, "javascript", "graphql.js")
    done = subprocess.run([node, script, address],
                          input=json.dumps(documents), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=3 * LIMIT)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    check(done.returncode == 0, done.stderr)
    return json.loads(done.stdout)


def test_reference():
    """The reference implementation takes the schema, and finds the same documents wrong"""
    seed = int(os.environ.get("SALON_TEST_SEED") or "1")
    chance = random.Random(seed)
    count = int(os.environ.get("SALON_TEST_DOCUMENTS") or "300")
    documents = DOCUMENTS + [mutated(chance.choice(DOCUMENTS), chance) for _ in range(count)]
    with server() as salond:
        seen = reference(salond, documents)
        check(seen["wrong"] == [], f"the schema: {seen['wrong']}")
        for line in ("type Query {", "  chatRooms: [ChatRoom!]!", "scalar DateTime @specifiedBy",
                     "  chatRoom(", "  participantCount: Int!", "  isPublic: Boolean = true",
                     "  createdAt: DateTime!"):
            check(line in seen["schema"], f"not in the schema: {line}\n{seen['schema']}")
        for text, complaints in zip(documents, seen["complaints"]):
            # A document of several operations is valid, but does not say which is asked for.
            members = {"operationName": "A"} if "query A" in text else {}
            status, answer = post(salond, text, variables={"n": "x", "b": True}, **members)
            code = answer.get("errors", [{}])[0].get("extensions", {}).get("code")
            valid = code not in ("GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED")
            if valid == bool(complaints):
                raise Failure(f"{text}\nhere: {answer}\nthere: {complaints}\nseed {seed}")


if __name__ == "__main__":
    sys.exit(salon_test.run([
        test_create, test_settings, test_create_variables, test_create_refused, test_serial,
        test_list, test_private, test_one, test_rate, test_without_rooms, test_get, test_bodies,
        test_bounds, test_reference]))
