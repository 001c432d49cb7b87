#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Files: up and down, whole and in parts; who may see them; what is refused, and what is left.

Prints TAP.
"""

import glob
import hashlib
import json
import os
import re
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import zlib

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import Client, LIMIT, PEOPLE, Skip, check, until  # noqa: E402

MEGA = 1 << 20


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(seed=0):
    """A picture of one pixel; another one for each seed."""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) +
            chunk(b"tEXt", b"seed\0" + str(seed).encode()) +
            chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + chunk(b"IEND", b""))


def server(settings="", **options):
    if "media" not in salon_test.built_plugins():
        raise Skip("the plugin media has not been built")
    plugins = ["rooms", "dm", "reactions", "moderation", "media", "veza", "probe"]
    return salon_test.Server(settings=f"media {{ {settings} }}", plugins=plugins,
                             test_plugins=True, **options)


class Web:
    """HTTP requests of one person on one connection."""

    def __init__(self, salond, name=None):
        self.salond = salond
        self.headers = [f"Authorization: Bearer {salond.token(name)}"] if name else []
        self.client = Client(salond)
        self.last = False

    def begin(self, method, path, *headers, length=None):
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *self.headers, *headers]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        self.client.send("\r\n".join(lines) + "\r\n\r\n")

    def answer(self, body=True):
        status, headers = self.client.head()
        data = b""
        if body and status not in (None, 304):
            data = self.client.take(int(headers["content-length"]))
        self.last = headers.get("connection") == "close"
        return status, headers, data

    def ask(self, method, path, *headers, body=None):
        if self.last:  # the server has said so
            self.client.close()
            self.client = Client(self.salond)
        self.begin(method, path, *headers, length=None if body is None else len(body))
        if body:
            self.client.send(body)
        return self.answer(method != "HEAD")

    def upload(self, body, *headers):
        status, _, data = self.ask("POST", "/media", *headers, body=body)
        return status, json.loads(data)

    def added(self, body, *headers):
        status, json_answer = self.upload(body, *headers)
        check(status == 201, f"not added: {status} {json_answer}")
        return json_answer

    def form(self, body, disposition='form-data; name="file"; filename="a.png"', before=b""):
        head = f"--=b\r\nContent-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n"
        whole = before + head.encode() + body + b"\r\n--=b--\r\n"
        return self.upload(whole, "Content-Type: multipart/form-data; boundary=\"=b\"")

    def close(self):
        self.client.close()


class Probe:
    """A WebSocket of the tests' own dialect."""

    def __init__(self, salond, name=None):
        path = salond.path("probe")
        if name:
            path += "?token=" + salond.token(name)
        self.client = Client(salond, "probe").open(path=path)
        if name:
            self.hear("answer", "session.authenticate")
        else:
            self.ask("session.anonymous")

    def hear(self, member, kind):
        while True:
            message = self.client.message()
            if message.get(member) == kind or message.get("refused") == kind:
                return message

    def say(self, kind, **arguments):
        self.client.frame(salon_test.TEXT, json.dumps({"type": kind, "args": arguments}))

    def ask(self, kind, **arguments):
        self.say(kind, **arguments)
        message = self.hear("answer", kind)
        check("refused" not in message, f"{kind}: {message}")
        return message["data"]

    def refused(self, kind, **arguments):
        self.say(kind, **arguments)
        message = self.hear("answer", kind)
        check("refused" in message, f"{kind} is not refused: {message}")
        return message["code"]


def below(salond, *parts):
    place = os.path.join(salond.directory, "state", *parts)
    return sorted(p for p in glob.glob(place + "/**", recursive=True) if os.path.isfile(p))


def shelf(salond):
    return below(salond, "media")


def expect_left(salond, count):
    """Nothing is under way, and so many files are there."""
    until(lambda: not below(salond, "uploads"), "temporary files are gone")
    until(lambda: len(shelf(salond)) == count, f"{count} files: {shelf(salond)}")


# ---- Up and down --------------------------------------------------------------------------------

def up_and_down():
    """What was uploaded comes back, whole, with what a browser must know of it"""
    with server() as salond:
        alice = Web(salond, "alice")
        picture = png()
        added = alice.added(picture, "Content-Type: text/html")
        number = added["media_id"]
        check(added["url"] == f"/media/{number}" and added["size"] == len(picture), added)
        check(added["media_type"] == "image/png" and added["name"] == "", added)
        check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", added["created_at"]),
              added)
        status, headers, body = alice.ask("GET", added["url"])
        check(status == 200 and body == picture, f"{status} {body}")
        check(headers["content-type"] == "image/png", headers)
        check(headers["x-content-type-options"] == "nosniff", headers)
        check("sandbox" in headers["content-security-policy"], headers)
        check(headers["content-disposition"] == "inline", headers)
        check(headers["accept-ranges"] == "bytes" and "private" in headers["cache-control"],
              headers)
        status, json_form = alice.form(picture, 'form-data; name="file"; filename="t\u00e9.png"')
        check(status == 201 and json_form["name"] == "t\u00e9.png", json_form)
        _, headers, _ = alice.ask("HEAD", json_form["url"])
        check(headers["content-length"] == str(len(picture)), headers)
        check(headers["content-disposition"].endswith("filename*=UTF-8''t%C3%A9.png"), headers)
        text = alice.added("Une note, en texte, avec des accents: \u00e9\u00e8.\n".encode())
        _, headers, _ = alice.ask("GET", text["url"])
        check(headers["content-disposition"] == "attachment", headers)
        check(headers["content-type"] == "text/plain; charset=utf-8", headers)
        nobody = Web(salond)
        token = salond.token("alice")
        check(nobody.ask("GET", f"{added['url']}?token={token}")[2] == picture,
              "a token in the query")
        check(nobody.ask("HEAD", f"{added['url']}?token={token}")[0] == 200, "a token in the query")
        check(nobody.ask("GET", f"{added['url']}?token=x")[0] == 401, "a bad one")
        check(nobody.ask("DELETE", f"{added['url']}?token={token}")[0] == 401, "only for GET")
        check(nobody.ask("POST", f"/media?token={token}", body=b"x")[0] == 401, "only for GET")
        secret = salond.ctl("api-token", "add", "alice")
        salond.secrets.add(secret)
        bearer = f"Authorization: Bearer {secret}"
        check(nobody.ask("GET", added['url'], bearer)[2] == picture, "an API token")
        check(nobody.upload(picture, bearer)[0] == 201, "an API token")
        expect_left(salond, 2)  # equal contents once
        digest = hashlib.sha256(picture).hexdigest()
        path = os.path.join(salond.directory, "state", "media", digest[:2], digest[2:])
        check(path in shelf(salond), shelf(salond))


def large():
    """A hundred megabytes go up and down, and the server's memory stays as it is"""
    with server("quota = 0") as salond:
        alice = Web(salond, "alice")
        block = os.urandom(MEGA)
        digest = hashlib.sha256(png())
        before = salond.memory()
        size = 99 * MEGA + len(png())
        alice.begin("POST", "/media", length=size)
        alice.client.send(png())
        for _ in range(99):
            alice.client.send(block)
            digest.update(block)
        status, _, body = alice.answer()
        check(status == 201 and json.loads(body)["size"] == size, f"{status} {body}")
        alice.begin("GET", json.loads(body)["url"])
        status, headers = alice.client.head()
        check(status == 200 and headers["content-length"] == str(size), headers)
        found = hashlib.sha256(alice.client.input)
        left = size - len(alice.client.input)
        while left > 0:
            data = alice.client.socket.recv(262144)
            found.update(data)
            left -= len(data)
        check(found.digest() == digest.digest(), "another content comes back")
        grown = salond.memory("VmHWM") - before
        check(grown < 8 * MEGA * salon_test.SLOWER, f"{grown} bytes more")


def many_at_once():
    """Uploads and downloads side by side do not get into each other"""
    with server("quota = 0") as salond:
        people = ["alice", "bob", "carol", "dave"]
        webs = [Web(salond, name) for name in people for _ in range(3)]
        bodies = [png(i) + os.urandom(300000) for i in range(len(webs))]
        for web, body in zip(webs, bodies):
            web.begin("POST", "/media", length=len(body))
        for part in range(0, 400000, 50000):
            for web, body in zip(webs, bodies):
                web.client.send(body[part:part + 50000])
        urls = []
        for web in webs:
            status, _, body = web.answer()
            check(status == 201, f"{status} {body}")
            urls.append(json.loads(body)["url"])
        for web, url in zip(webs, urls):
            web.begin("GET", url)
        for web, body in zip(webs, bodies):
            check(web.answer()[2] == body, "another content")
        expect_left(salond, len(webs))


def pipelined():
    """Requests behind others on one connection are answered in turn, but for further bodies"""
    with server() as salond:
        alice = Web(salond, "alice")
        picture = png() + bytes(200000)
        alice.begin("POST", "/media", length=len(picture))
        alice.client.send(picture)
        alice.begin("GET", "/media/1")
        alice.begin("GET", "/media/1", "Range: bytes=0-3")
        alice.begin("GET", "/healthz")
        check(alice.answer()[0] == 201, "the upload")
        check(alice.answer()[2] == picture, "the download")
        check(alice.answer()[2] == b"\x89PNG", "the part")
        check(alice.answer()[2] == b"ok\n", "the last")
        for body in (b"", png(), picture):
            alice = Web(salond, "alice")
            alice.client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                              "POST /media HTTP/1.1\r\nHost: x\r\n"
                              f"{alice.headers[0]}\r\nContent-Length: {len(body)}\r\n\r\n")
            alice.client.send(body)
            check(alice.answer()[0] == 200, "the first")
            status = alice.answer(body=False)[0]
            check(status == (503 if body else 400), f"a body that came early: {status}")
        # One after the other.
        alice = Web(salond, "alice")
        for i in range(5):
            added = alice.added(png(i) + bytes(5000 * i))
            check(alice.ask("GET", added["url"])[2] == png(i) + bytes(5000 * i), "another content")
        salon_test.still_serves(salond)


def parts():
    """Ranges, conditions and HEAD"""
    with server() as salond:
        alice = Web(salond, "alice")
        body = png() + bytes(range(256)) * 100
        url, size = alice.added(body)["url"], len(body)
        whole = alice.ask("GET", url)[1]
        rows = [("bytes=0-0", 0, 1), ("bytes=-5", size - 5, 5), (f"bytes={size - 1}-", size - 1, 1),
                ("bytes=100-199", 100, 100), ("bytes=5-99999999999999999999", 5, size - 5)]
        for value, start, length in rows:
            status, headers, data = alice.ask("GET", url, f"Range: {value}")
            check(status == 206 and data == body[start:start + length], f"{value}: {status}")
            expected = f"bytes {start}-{start + length - 1}/{size}"
            check(headers["content-range"] == expected, f"{value}: {headers}")
            status, headers, _ = alice.ask("HEAD", url, f"Range: {value}")
            check(headers["content-length"] == str(length), f"{value}: {headers}")
        for value in (f"bytes={size}-", "bytes=-0", f"bytes={size + 5}-{size + 9}"):
            status, headers, data = alice.ask("GET", url, f"Range: {value}")
            check(status == 416 and data == b"", f"{value}: {status}")
            check(headers["content-range"] == f"bytes */{size}", f"{value}: {headers}")
        for value in ("bytes=5-3", "bytes=a-", "lines=1-2", "bytes=0-1,5-6", "bytes", "bytes=-"):
            status, headers, data = alice.ask("GET", url, f"Range: {value}")
            check(status == 200 and data == body, f"{value}: {status}")
        etag = whole["etag"]
        status, headers, data = alice.ask("GET", url, f"If-None-Match: W/\"x\", {etag}")
        check(status == 304 and headers["etag"] == etag, f"{status} {headers}")
        check(alice.ask("GET", url, "If-None-Match: \"other\"")[0] == 200, "another one is not it")
        check(alice.ask("GET", url, "Range: bytes=0-1", f"If-Range: {etag}")[0] == 206, "If-Range")
        check(alice.ask("GET", url, "Range: bytes=0-1", "If-Range: \"x\"")[0] == 200, "If-Range")


# ---- Forms --------------------------------------------------------------------------------------

def forms():
    """Forms of all kinds of clients, and names that are no names"""
    with server("per_minute = 0") as salond:
        alice = Web(salond, "alice")
        rows = [('form-data; name="file"; filename="../../etc/passwd"', "passwd"),
                ('form-data; name="file"; filename="C:\\\\dir\\\\a.png"', "a.png"),
                ('form-data; name="file"; filename="a\\"b.png"', 'a"b.png'),
                ('form-data; name="file"; filename="a%22b%0D%0Ac.png"', 'a"bc.png'),
                ('form-data; name="file"', ""),
                ('form-data; filename=x.png; name=file', "x.png"),
                ('form-data; name="file"; filename="' + "n" * 1000 + '"', "n" * 255),
                ('form-data; name="file"; filename*=UTF-8\'\'%e2%82%ac.png', "\u20ac.png")]
        for disposition, name in rows:
            status, answer = alice.form(png(), disposition)
            check(status == 201 and answer["name"] == name, f"{disposition}: {status} {answer}")
            headers = alice.ask("HEAD", answer["url"])[1]
            check("\r" not in headers["content-disposition"], headers)
        other = b"--=b\r\nContent-Disposition: form-data; name=x\r\n\r\nwords\r\n"
        check(alice.form(png(), before=other)[0] == 201, "another field before it")
        check(alice.form(png(), 'form-data; name="file"; filename="a"\r\n'
                         'Content-Transfer-Encoding: binary\r\nX-A--B: c')[0] == 201, "headers")
        expect_left(salond, 1)


def no_forms():
    """Forms that are none are refused, and leave nothing"""
    with server("per_minute = 0", listener={"handshake_timeout": "1"}) as salond:
        part = b"--b\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n"
        end = b"\r\n--b--\r\n"
        form = "Content-Type: multipart/form-data; boundary=b"
        rows = [("Content-Type: multipart/form-data", part + png() + end),
                ("Content-Type: multipart/form-data; boundary=", part + png() + end),
                ("Content-Type: multipart/form-data; boundary=" + "x" * 71, part + png() + end),
                (form, part + png()),
                (form, part + png() + b"\r\n--b"),
                (form, part + png() + b"\r\n" + part + png(1) + end),
                (form, b"--b\r\nX: " + b"y" * 20000 + b"\r\n\r\n" + png() + end),
                (form, b"--b\r\nContent-Disposition: form-data; name=x\r\n\r\n" + png() + end),
                (form, b"--b\r\n\r\n" * 1000 + part + png() + end),
                (form, png()), (form, b"--b--\r\n"), (form, part + end),
                (form, b"--b\r\nContent-Disp\0osition: form-data; name=file\r\n\r\nx" + end)]
        alice = Web(salond, "alice")
        for header, body in rows:
            status, answer = alice.upload(body, header)
            check(status == 400 and answer["code"] == "invalid_format", f"{body[:90]}: {answer}")
        nested = (b"--b\r\nContent-Disposition: form-data; name=file; filename=n\r\n"
                  b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nwords\r\n--i--")
        status, answer = alice.upload(nested + end, form)
        check(status == 201 and answer["media_type"] == "text/plain", answer)
        expect_left(salond, 1)
        salon_test.still_serves(salond)


def bad_lengths():
    """Bodies without a length that can be relied on are refused at once"""
    with server() as salond:
        rows = [([], 411), (["Content-Length: -1"], 400), (["Content-Length: 1e3"], 400),
                (["Content-Length: 5", "Content-Length: 6"], 400), (["Content-Length: "], 411),
                (["Content-Length: 99999999999999999999"], 413),
                (["Transfer-Encoding: chunked"], 411), (["Transfer-Encoding: gzip"], 501),
                (["Transfer-Encoding: chunked", "Content-Length: 5"], 400)]
        for headers, expected in rows:
            alice = Web(salond, "alice")
            alice.begin("POST", "/media", *headers)
            status, _, body = alice.answer()
            check(status == expected, f"{headers}: {status}, not {expected}")
            check(set(json.loads(body)) == {"code", "message"}, f"{headers}: {body}")
            alice.close()
        alice = Web(salond, "alice")
        status, _, body = alice.ask("POST", "/media", body=b"")
        check(status == 400, f"an empty body: {status} {body}")
        check(alice.ask("GET", "/healthz")[0] == 200, "the connection goes on")
        expect_left(salond, 0)


# ---- What is refused ----------------------------------------------------------------------------

def types():
    """What a file is, its contents say, and not all is taken"""
    executable = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200)
    rows = [("a.png", b"<!DOCTYPE html><html><script>alert(1)</script></html>", None),
            ("a.jpg", executable, None),
            ("a.png", b"\x7fELF\2\1\1" + bytes(9) + b"\2\0>\0\1\0\0\0" + bytes(100), None),
            ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", None),
            ("a.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", None),
            ("a.txt", bytes(1000), "application/octet-stream"),
            ("a.png", b"\x89PNG\r\n\x1a\n and no more", "application/octet-stream"),
            ("a.exe", png(), "image/png"),
            ("a.bin", b"%PDF-1.4\n1 0 obj\n", "application/pdf"),
            ("a", b"#include <stdio.h>\nint main(void) { return 0; }\n", "text/plain"),
            ("a", b"GIF89a\1\0\1\0\0\0\0;", "image/gif"),
            ("a", b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9", "image/jpeg"),
            ("a", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data"
             + bytes(4), "audio/wav"),
            ("a", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100), "video/mp4")]
    with server() as salond:
        alice = Web(salond, "alice")
        for name, body, expected in rows:
            status, answer = alice.form(body, f'form-data; name="file"; filename="{name}"')
            if expected is None:
                check(status == 415 and answer["code"] == "unsupported_type", f"{name}: {answer}")
            else:
                check(status == 201 and answer["media_type"] == expected, f"{name}: {answer}")
        expect_left(salond, 9)
    with server('types = { "image/svg+xml" }') as salond:
        alice = Web(salond, "alice")
        added = alice.added(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>")
        headers = alice.ask("GET", added["url"])[1]
        check(headers["content-disposition"] == "attachment", headers)
        check(alice.upload(png())[0] == 415, "what is not in the list")


def refusals_are_heard():
    """Who may not upload hears it at once, and need not have sent anything"""
    with server(f"size_limit = {MEGA}  quota = {3 * MEGA}") as salond:
        def begins(name, length, *headers):
            web = Web(salond, name)
            web.begin("POST", "/media", *headers, length=length)
            status, _, body = web.answer()
            web.close()
            return status, json.loads(body)["code"]
        check(begins(None, 1000) == (401, "not_authenticated"), "nobody")
        check(begins(None, 1000, "Authorization: Bearer x") == (401, "invalid_token"), "bad token")
        check(begins("alice", MEGA + 1) == (413, "too_large"), "too large")
        check(begins("alice", 2000 * MEGA)[1] == "quota_exceeded", "far too large")
        alice = Web(salond, "alice")
        alice.added(png() + bytes(900000))
        # The client that first sends everything hears it as well.
        big = Web(salond, "alice")
        big.begin("POST", "/media", length=3 * MEGA)
        for _ in range(3):
            big.client.send(bytes(MEGA))
        status, headers, _ = big.answer()
        check(status == 413 and headers["connection"] == "close", f"after everything: {status}")
        check(big.client.ended(), "the connection goes on")
        # A form of which only the file is too large.
        status, answer = alice.form(bytes(MEGA + 1))
        check(status == 413 and answer["code"] == "too_large", answer)
        check(alice.form(png() + bytes(MEGA - len(png())))[0] == 201, "just large enough")
        expect_left(salond, 2)


def quota():
    """Nobody has more than the quota, whatever they do at once; what is removed is free again"""
    with server("quota = 300000  per_minute = 0") as salond:
        webs = [Web(salond, "alice") for _ in range(4)]
        for web in webs:
            web.begin("POST", "/media", length=100000)
        refused = [web for web in webs if web.client.socket in
                   select.select([w.client.socket for w in webs], [], [], LIMIT)[0]]
        check(len(refused) == 1, f"{len(refused)} of four are refused")
        check(json.loads(refused[0].answer()[2])["code"] == "quota_exceeded", "another code")
        urls = []
        for web in webs:
            if web not in refused:
                web.client.send(png() + bytes(100000 - len(png())))
                urls.append(json.loads(web.answer()[2])["url"])
        status, answer = webs[0].upload(png())
        check(status == 413 and answer["details"] == {"quota": 300000, "used": 300000} and
              answer["message"] == "Too large", answer)
        check(Web(salond, "bob").upload(png())[0] == 201, "bob has a quota of his own")
        check(webs[0].ask("DELETE", urls[0])[0] == 200, "removing")
        check(webs[0].upload(png())[0] == 201, "there is room again")
        webs[0].begin("POST", "/media", length=100000)
        webs[0].client.send(png())
        webs[0].close()  # what was expected is free again
        until(lambda: webs[1].upload(png() + bytes(90000))[0] == 201,
              "an upload cut off is counted")


def rate():
    """So many uploads a minute, and so many at once"""
    with server("per_minute = 5") as salond:
        alice = Web(salond, "alice")
        for _ in range(5):
            alice.added(png())
        status, headers, body = alice.ask("POST", "/media", body=png())
        check(status == 429 and json.loads(body)["code"] == "rate_limited", f"{status} {body}")
        check(0 < int(headers["retry-after"]) <= 60, headers)
        check(Web(salond, "bob").upload(png())[0] == 201, "others are not concerned")
    with server("per_minute = 0") as salond:
        webs = {web.client.socket: web for web in (Web(salond, "alice") for _ in range(5))}
        for web in webs.values():
            web.begin("POST", "/media", length=1000)
        answered = select.select(list(webs), [], [], LIMIT)[0]
        check([webs[s].answer()[0] for s in answered] == [429], "not one of five at once")


# ---- What goes wrong ----------------------------------------------------------------------------

def cut_off():
    """Uploads that end half-way leave nothing, however they end"""
    salond = server("quota = 0  per_minute = 0", listener={"handshake_timeout": "1"})
    with salond:
        for reset in (False, True):
            for sent in (0, 100, MEGA):
                alice = Web(salond, "alice")
                alice.begin("POST", "/media", length=10 * MEGA)
                alice.client.send(bytes(sent))
                if sent == MEGA:
                    until(lambda: below(salond, "uploads"), "a temporary file")
                if reset:
                    alice.client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                                   struct.pack("ii", 1, 0))
                alice.close()
                expect_left(salond, 0)
        # One that stalls, and one that drips.
        stalled, dripping = Web(salond, "alice"), Web(salond, "bob")
        for web in (stalled, dripping):
            web.begin("POST", "/media", length=10 * MEGA)
            web.client.send(bytes(MEGA))
        dripping.client.socket.settimeout(0.05)
        deadline = time.monotonic() + 3 * LIMIT
        gone = False
        while not gone:
            check(time.monotonic() < deadline, "a dripping upload goes on for ever")
            try:
                dripping.client.send(b"x")
                gone = dripping.client.socket.recv(1) == b""
            except socket.timeout:
                pass
            except OSError:
                gone = True
        check(stalled.client.ended(), "a stalled one ends")
        expect_left(salond, 0)
        # A crash, and an orderly end.
        for end in (salond.kill, salond.stop):
            web = Web(salond, "alice")
            web.begin("POST", "/media", length=10 * MEGA)
            web.client.send(bytes(MEGA))
            until(lambda: below(salond, "uploads"), "a temporary file")
            end()
            if end == salond.kill:
                check(below(salond, "uploads"), "a crash removes nothing")
            else:
                check(not below(salond, "uploads"), "something is left")
            salond.start()
            expect_left(salond, 0)
        salon_test.still_serves(salond)


def disk_full():
    """Where the disk is full, an upload is refused, and leaves nothing; others go on"""
    salond = server("quota = 0")
    state = os.path.join(salond.directory, "state")
    os.makedirs(state)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "tmpfs", state],
                             stderr=subprocess.DEVNULL, check=False).returncode == 0
    try:
        if not mounted:
            salond.remove()
            raise Skip("no small disk can be had")
        with salond:
            alice = Web(salond, "alice")
            status, answer = alice.upload(png() + bytes(50 * MEGA))
            check(status == 507 and answer["code"] == "no_space", f"{status} {answer}")
            expect_left(salond, 0)
            check(alice.upload(png() + bytes(5 * MEGA))[0] == 201, "a smaller one")
    finally:
        if mounted:
            subprocess.run(["umount", "-l", state], check=False)
            salond.remove()


def slow_but_steady():
    """An upload that is slow, but comes, is taken; input that waits costs no processor time"""
    with server(listener={"handshake_timeout": "1"}) as salond:
        body = png() + bytes(40000)
        alice = Web(salond, "alice")
        alice.begin("POST", "/media", length=len(body))
        for start in range(0, len(body), 4000):
            alice.client.send(body[start:start + 4000])
            time.sleep(0.2)  # slower than the time-out in all, faster than the least pace
        check(alice.answer()[0] == 201, "refused")


def slow_reader():
    """Who does not read a file, and has sent more, costs neither memory nor processor time"""
    with server() as salond:
        alice = Web(salond, "alice")
        url = alice.added(png() + bytes(40 * MEGA))["url"]
        before = salond.memory()
        webs = []
        for _ in range(5):
            web = Web(salond, "alice")
            web.begin("GET", url)
            check(web.client.head()[0] == 200, "no answer")
            web.begin("GET", "/healthz")
            webs.append(web)
        start = salond.processor_time()
        time.sleep(1)  # a measurement
        used = salond.processor_time() - start
        check(used < 0.3 * salon_test.SLOWER, f"{used} s of processor time in one second")
        check(salond.memory() - before < 4 * MEGA * salon_test.SLOWER, "memory grows")
        check(alice.ask("GET", "/healthz")[0] == 200, "others wait")
        for web in webs[:2]:
            web.client.input = web.client.input[-1000000:]
            rest = 40 * MEGA + len(png())
            check(len(web.client.take(rest)) == rest, "not all of it")
            check(web.answer()[2] == b"ok\n", "the next answer")
        for web in webs[2:]:
            web.close()


def missing_file():
    """A file that has gone or been changed from outside is an error, not another file"""
    with server() as salond:
        alice = Web(salond, "alice")
        url = alice.added(png())["url"]
        path = shelf(salond)[0]
        with open(path, "ab") as file:
            file.write(b"more")
        check(alice.ask("GET", url)[0] == 503, "a longer file")
        os.unlink(path)
        check(alice.ask("GET", url)[0] == 503, "no file")
        os.symlink("/etc/passwd", path)
        check(alice.ask("GET", url)[0] == 503, "a link")
        os.unlink(path)
        check(alice.added(png())["url"] != url, "another entry")
        check(alice.ask("GET", url)[2] == png(), "it is there again")


# ---- Who may see it -----------------------------------------------------------------------------

def permissions():
    """The uploader sees it, and who may read a message that uses it, for as long as it does"""
    with server() as salond:
        alice, bob, erin, nobody = (Web(salond, name) for name in ("alice", "bob", "erin", None))
        url = alice.added(png())["url"]
        number = int(url.split("/")[-1])

        def seen():
            return [web.ask("GET", url)[0] for web in (alice, bob, erin, nobody)]
        check(seen() == [200, 404, 404, 401], seen())
        probes = {name: Probe(salond, name) for name in ("alice", "bob", "erin")}
        # In a conversation of two.
        dm = probes["alice"].ask("dm.open", user_id=PEOPLE["bob"][0])["conversation"]["id"]
        sent = probes["alice"].ask("dm.send", conversation_id=dm, media={"ids": [number]})
        check(sent["message"]["media"] == {"url": url, "type": "image/png", "ids": [number],
                                           "duration": None}
              or sent["message"]["media"]["url"] == url, sent)
        check(sent["message"]["kind"] == "image", sent)
        check(seen() == [200, 200, 404, 401], seen())
        check(probes["bob"].ask("media.get", media_id=number)["url"] == url, "media.get")
        check(probes["erin"].refused("media.get", media_id=number) == "media_not_found", "get")
        # Who may see it may show it to others.
        room = probes["bob"].ask("room.create", name="hidden", private=True)["id"]
        probes["bob"].ask("room.join", room_id=room)
        shown = probes["bob"].ask("room.send", room_id=room, content="x", media={"url": url})
        check(shown["message"]["media"]["ids"] == [number], shown)
        check(seen() == [200, 200, 404, 401], seen())
        probes["bob"].ask("room.invite", room_id=room, user_id=PEOPLE["erin"][0])
        probes["erin"].ask("room.join", room_id=room)
        check(seen() == [200, 200, 200, 401], seen())
        probes["bob"].ask("message.delete", message_id=shown["message"]["id"])
        check(seen() == [200, 200, 404, 401], seen())
        # It is as before after a restart.
        salond.stop()
        salond.start()
        alice, bob, erin, nobody = (Web(salond, name) for name in ("alice", "bob", "erin", None))
        check(seen() == [200, 200, 404, 401], seen())
        probes = {name: Probe(salond, name) for name in ("alice", "bob")}
        probes["alice"].ask("message.delete", message_id=sent["message"]["id"])
        check(seen() == [200, 404, 404, 401], seen())


def others_files():
    """What is not there, and what one may not see, cannot be sent; and is the same"""
    with server() as salond:
        alice = Web(salond, "alice")
        url = alice.added(png())["url"]
        number = int(url.split("/")[-1])
        erin = Probe(salond, "erin")
        room = erin.ask("room.create", name="public")["id"]
        erin.ask("room.join", room_id=room)
        for media in ({"ids": [number]}, {"url": url}, {"ids": [99999]}, {"url": "/media/99999"}):
            code = erin.refused("room.send", room_id=room, content="x", media=media)
            check(code == "media_not_found", f"{media}: {code}")
        for other in ("/uploads/1.png", "https://example.org/media/1", "/media/x", "/media/01"):
            erin.ask("room.send", room_id=room, content="x", media={"url": other})
        check(Web(salond, "erin").ask("GET", url)[0] == 404, "still")
        # Several ids, one twice: each is used once.
        own = [Web(salond, "erin").added(png(i))["media_id"] for i in range(3)]
        erin.ask("room.send", room_id=room, media={"ids": own + own[:1], "url": f"/media/{own[2]}"})
        check([Web(salond, "bob").ask("GET", f"/media/{i}")[0] for i in own] == [200] * 3, "bob")
        # Paths that are none.
        for path in ("/media/0", "/media/-1", "/media/x", "/media/1x",
                     "/media/99999999999999999999", "/media/%2e%2e", "/media/", "/media/1/2"):
            status = Web(salond, "alice").ask("GET", path)[0]
            check(status == 404, f"{path}: {status}")
        check(alice.ask("DELETE", f"/media/{own[0]}")[0] == 403, "another's")
        check(alice.ask("DELETE", "/media/99999")[0] == 404, "nobody's")
        check(Web(salond).ask("DELETE", url)[0] == 401, "who?")


def room_goes():
    """With a room, the use of what was shown there ends, live or not"""
    with server() as salond:
        alice, bob = Web(salond, "alice"), Web(salond, "bob")
        owner = Probe(salond, "alice")
        url = alice.added(png())["url"]
        room = owner.ask("room.create", name="shortlived")["id"]
        owner.ask("room.join", room_id=room)
        owner.ask("room.send", room_id=room, content="x", media={"url": url})
        check(bob.ask("GET", url)[0] == 200, "bob may read there")
        salond.ctl("room", "remove", room)
        check(bob.ask("GET", url)[0] == 404, "there is no there")
        check(alice.ask("GET", url)[0] == 200, "it is alice's")


# ---- Tidying up ---------------------------------------------------------------------------------

def database(salond, *statements):
    with sqlite3.connect(os.path.join(salond.directory, "state", "salon.db")) as base:
        return [base.execute(statement).fetchall() for statement in statements]


def sweeping():
    """What no message uses goes after the grace, and what nobody names as well"""
    with server("grace = 1") as salond:
        alice, probe = Web(salond, "alice"), Probe(salond, "alice")
        used, unused, twin, fresh = (alice.added(png(i)) for i in (1, 2, 2, 3))
        room = probe.ask("room.create", name="kept")["id"]
        probe.ask("room.join", room_id=room)
        probe.ask("room.send", room_id=room, content="x", media={"url": used["url"]})
        probe.ask("room.send", room_id=room, content="x", media={"url": twin["url"]})
        expect_left(salond, 3)
        salond.stop()
        database(salond, "UPDATE media_entries SET idle_at = idle_at - 7200000"
                         f" WHERE id <> {fresh['media_id']}")
        stray = os.path.join(salond.directory, "state", "media", "ab", "c" * 62)
        os.makedirs(os.path.dirname(stray), exist_ok=True)
        with open(stray, "wb") as file:
            file.write(b"nobody names this")
        salond.start()
        alice = Web(salond, "alice")
        until(lambda: alice.ask("GET", unused["url"])[0] == 404, "the unused one goes")
        until(lambda: not os.path.exists(stray), "the stray one goes")
        check([alice.ask("GET", x["url"])[0] for x in (used, twin, fresh)] == [200] * 3, "others")
        expect_left(salond, 3)
        listed = json.loads(salond.ctl("media", "list", "--json"))["media"]
        check([(row["media_id"], row["uses"]) for row in listed] ==
              [(used["media_id"], 1), (twin["media_id"], 1), (fresh["media_id"], 0)], listed)
        salond.ctl("media", "remove", used["media_id"])
        salond.ctl_fails("media", "remove", used["media_id"])
        expect_left(salond, 2)
        check(database(salond, "SELECT COUNT(*) FROM media_uses") == [[(1,)]], "uses")
        # The same content again, at once after it has gone.
        for _ in range(5):
            again = alice.added(png(9))
            check(alice.ask("DELETE", again["url"])[0] == 200, "removing")
        kept = alice.added(png(9))
        check(alice.ask("GET", kept["url"])[2] == png(9), "it is there")
        expect_left(salond, 3)


def reload_types():
    """What a reload changes holds from then on"""
    with server() as salond:
        alice = Web(salond, "alice")
        check(alice.upload(png())[0] == 201, "before")
        with open(salond.config, encoding="utf-8") as file:
            text = file.read()
        with open(salond.config, "w", encoding="utf-8") as file:
            file.write(text.replace("media {  }", 'media { types = { "audio/*" }  quota = 500 }'))
        salond.ctl("reload")
        check(alice.upload(png())[0] == 415, "after")
        check(alice.upload(bytes(600))[0] == 413, "the quota")


def without():
    """Without the plugin there is no route, and messages may name what they like"""
    with salon_test.Server(plugins=["rooms", "veza", "probe"], test_plugins=True) as salond:
        alice = Web(salond, "alice")
        check(alice.ask("POST", "/media", body=png())[0] == 404, "a route")
        probe = Probe(salond, "alice")
        room = probe.ask("room.create", name="free")["id"]
        probe.ask("room.join", room_id=room)
        probe.ask("room.send", room_id=room, media={"ids": [5]})


TESTS = [up_and_down, large, many_at_once, pipelined, parts, forms, no_forms, bad_lengths, types,
         refusals_are_heard, quota, rate, cut_off, disk_full, slow_but_steady, slow_reader,
         missing_file, permissions, others_files, room_goes, sweeping, reload_types, without]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS, parallel=2))
