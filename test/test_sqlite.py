#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SQLite on a bad disk: damaged files, a full disk, writes and syncs that fail, power cuts.

A preloaded library (faults/faults.c) makes the disk fail as it is told, and records what is
written, so that the state of a file after a power cut can be made up: what had been synced, and of
the rest some, and some of that torn.  (That a file is gone counts as synced.)
"""

import errno
import mmap
import os
import random
import re
import struct
import subprocess
import sys
import time

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import (LIMIT, SALOND, Failure, Server, Skip, check,  # noqa: E402
                        signed_in, until)
from test_process import compare_history, history, load  # noqa: E402
from plans import test_plans  # noqa: E402,F401
from upgrade import test_upgrade  # noqa: E402,F401

FAULTS = salon_test.find_built("SALON_FAULTS_LIBRARY", "test/faults/.libs/faults.so")
ROUNDS = int(salon_test.ROUNDS or 3)
WRITE, TRUNCATE, SYNC, EVERYTHING, UNLINK = 1, 2, 3, 4, 5
SECTOR = 512


class Faulty(Server):
    """A server whose disk can fail."""

    def __init__(self, record=False, **options):
        if salon_test.SLOWER > 1:
            raise Skip("a sanitizer has to be loaded first")
        if not FAULTS or not os.path.exists(FAULTS):
            raise Skip("the faults have not been built")
        super().__init__(endpoint={"rate": '""'}, **options)
        path = os.path.join(self.directory, "faults")
        with open(path, "w+b") as file:
            file.write(bytes(20))
            file.flush()
            self.faults = mmap.mmap(file.fileno(), 20)
        self.record = os.path.join(self.directory, "record")
        self.environment = {"LD_PRELOAD": FAULTS, "SALON_FAULTS": path}
        if record:
            self.environment["SALON_RECORD"] = self.record

    def arm(self, operation, skip=0, count=1, error=errno.EIO):
        self.faults[:] = struct.pack("5i", operation, skip, count, error, 0)

    def disarm(self):
        """How often it has failed."""
        failed = struct.unpack("5i", self.faults[:])[4]
        self.faults[:] = bytes(20)
        return failed


def database(server):
    return os.path.join(server.directory, "state", "salon.db")


def run_salond(server):
    """Exit status and output of a salond that should not start."""
    try:
        done = subprocess.run([SALOND, "-c", server.config], text=True, timeout=LIMIT,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, **server.environment})
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


def say(client, room, content):
    """The message's id, or None when the server could not store it."""
    client.say("send_message", room_id=room, content=content, metadata={"client_id": content})
    while (message := client.message())["type"] in ("room_message", "user_presence"):
        pass
    if message["type"] == "message_sent":
        check(message["data"]["content"] == content, f"{message}")
        return message["data"]["message_id"]
    check(message["type"] == "error" and message["data"]["code"] == "SERVICE_UNAVAILABLE",
          f"{message}")
    return None


def say_until(client, room, content):
    """Says it again until it is stored."""
    return until(lambda: say(client, room, content), "it is stored")


def compare(server, room, acknowledged):
    """What is in memory, what was acknowledged, and what the next start finds are the same."""
    before = history(server, room)
    compare_history(before, acknowledged)
    server.stop()
    server.start()
    after = history(server, room)
    check([m["id"] for m in before] == [m["id"] for m in after], "memory was not the database")


# ---- Damaged files ------------------------------------------------------------------------------

def damage(path, offset, data):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(data)


def test_damaged():
    """Files that are damaged, in several places: refused with a clear line, and left as they are"""
    with Server(endpoint={"rate": '""'}) as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client:
            for i in range(100):
                client.say("send_message", room_id=room, content=f"message {i} " + "x" * 500)
                client.hear("message_sent")
        server.stop()
        path = database(server)
        with open(path, "rb") as file:
            whole = file.read()
        check(len(whole) > 60000, "the file is too small")
        for offset, data in ((0, b"no database"), (100, bytes(50)), (4096, b"\xff" * 200),
                             (len(whole) // 4096 // 2 * 4096, b"\x0d" + b"\xa5" * 500)):
            damage(path, offset, data)
            with open(path, "rb") as file:
                damaged = file.read()
            status, output = run_salond(server)
            check(status == 1, f"damaged at {offset}: exit status {status}\n{output}")
            last = output.splitlines()[-1]
            check(re.search("salon.db: .*(not a database|malformed|damaged)", last), output)
            with open(path, "rb") as file:
                check(file.read() == damaged, f"damaged at {offset}: the file was changed")
            with open(path, "wb") as file:
                file.write(whole)
        os.truncate(path, len(whole) // 2)
        status, output = run_salond(server)
        check(status == 1 and "salon.db" in output.splitlines()[-1], f"{status} {output}")
        with open(path, "wb") as file:
            file.write(whole)
        server.start()
        check(len(history(server, room)) == 100, "not everything is there")


# ---- Single faults ------------------------------------------------------------------------------

def each_fault(operation, error):
    """The disk fails once, at every place in turn."""
    acknowledged, failures = {}, 0
    with Faulty() as server:
        room = server.ctl("room", "add", "general")
        for skip in range(6):
            with signed_in(server, "alice", room) as client:
                server.arm(operation, skip, 1, error)
                for i in range(4):
                    content = f"{skip} {i} of this"
                    number = say(client, room, content)
                    failures += number is None
                    acknowledged[content] = number or say_until(client, room, content)
            server.disarm()
        check(failures > 0, "nothing has failed")
        compare(server, room, acknowledged)


def test_write_fails():
    """Each write fails once: what is refused is not there, and works when it is tried again"""
    each_fault(WRITE, errno.EIO)
    each_fault(WRITE, errno.ENOSPC)


def test_sync_fails():
    """Each sync fails once"""
    each_fault(SYNC, errno.EIO)


def test_start_fails():
    """The disk fails at some place of the start: refused, or not; the next start works"""
    operations = {WRITE: 40, SYNC: 30, TRUNCATE: 4}
    for operation, count in operations.items():
        step = max(1, count // (4 * ROUNDS))
        for skip in range(0, count, step):
            with unstarted() as server:
                server.arm(operation, skip)
                server.launch()
                try:
                    server.await_ready()
                except Failure:
                    check("rror" in server.log(), f"ended without a word: {server.log()}")
                else:
                    server.stop()
                server.disarm()
                server.start()
                room = server.ctl("room", "add", "general")
                with signed_in(server, "alice", room) as client:
                    check(say(client, room, "hello"), "nothing can be said")


def unstarted():
    class Unstarted(Faulty):
        def __enter__(self):
            return self
    return Unstarted()


def test_stop_fails():
    """The disk fails while salond ends: nothing is lost"""
    acknowledged = {}
    with Faulty() as server:
        room = server.ctl("room", "add", "general")
        for skip in range(0, 12, 2):
            with signed_in(server, "alice", room) as client:
                for i in range(3):
                    content = f"{skip} {i} of this"
                    acknowledged[content] = say(client, room, content)
            server.arm(EVERYTHING, skip, 1)
            server.stop()
            server.disarm()
            server.start()
            compare_history(history(server, room), acknowledged)


# ---- A full disk --------------------------------------------------------------------------------

def test_full():
    """The disk is full for a while: writes are refused, reads go on, and then all is well"""
    acknowledged = {}
    with Faulty() as server:
        room = server.ctl("room", "add", "general")
        with signed_in(server, "alice", room) as client, signed_in(server, "bob", room) as other:
            acknowledged["before"] = say(client, room, "before")
            server.arm(EVERYTHING, 0, 1 << 30, errno.ENOSPC)
            for i in range(5):
                check(say(client, room, f"refused {i}") is None, "stored on a full disk")
                check([m["content"] for m in history_page(other, room)] == ["before"], "history")
            check("disk is full" in server.log(), "the log does not say so")
            check(server.disarm() >= 5, "nothing has failed")
            acknowledged["after"] = say(client, room, "after")
            check(acknowledged["after"], "still refused")
        compare(server, room, acknowledged)


def history_page(client, room):
    client.say("get_history", room_id=room, limit=10, before_id=None)
    return client.hear("room_history")["messages"]


# ---- Power cuts ---------------------------------------------------------------------------------

def records(path):
    """What was done to the files, in order: operation, name, offset, bytes or length."""
    with open(path, "rb") as file:
        data = file.read()
    place, head = 0, struct.Struct("2i2q")
    while place + head.size <= len(data):
        operation, name_length, offset, length = head.unpack_from(data, place)
        place += head.size
        name = os.path.basename(data[place:place + name_length].decode())
        place += name_length
        content = data[place:place + length] if operation == WRITE else None
        place += length if operation == WRITE else 0
        yield operation, name, offset, content if operation == WRITE else length


class Disk:
    """One file: what is certain, and what was done since."""

    def __init__(self):
        self.durable, self.pending = bytearray(), []

    def sync(self):
        for step in self.pending:
            self.apply(self.durable, *step)
        self.pending = []

    @staticmethod
    def apply(content, operation, offset, value):
        if operation == TRUNCATE:
            del content[value:]
            content.extend(bytes(value - len(content)))
            return
        content.extend(bytes(max(0, offset - len(content))))
        content[offset:offset + len(value)] = value

    def after_cut(self, chance):
        """Some of what is pending has reached the disk, some of it in part."""
        content = bytearray(self.durable)
        for operation, offset, value in self.pending:
            fate = chance.random()
            if fate < 0.4:
                continue
            if operation == WRITE and fate < 0.7:
                sectors = range(0, len(value), SECTOR)
                for start in chance.sample(sectors, chance.randrange(len(sectors) + 1)):
                    self.apply(content, WRITE, offset + start, value[start:start + SECTOR])
            else:
                self.apply(content, operation, offset, value)
        return content


def cut_power(server, chance):
    """Replaces the files by what a power cut would have left of them."""
    disks = {}
    for operation, name, offset, value in records(server.record):
        disk = disks.setdefault(name, Disk())
        if operation == SYNC:
            disk.sync()
        elif operation == UNLINK:
            del disks[name]
        else:
            disk.pending.append((operation, offset, value))
    state = os.path.dirname(database(server))
    for name in os.listdir(state):
        if name.startswith("salon.db"):
            os.unlink(os.path.join(state, name))
    with open(server.record, "wb"):
        pass
    for name, disk in disks.items():
        if name.endswith("-shm"):
            continue
        content = disk.after_cut(chance)
        with open(os.path.join(state, name), "wb") as file:
            file.write(content)
        with open(server.record, "ab") as file:  # the next life begins with it
            path = os.path.join(state, name).encode()
            file.write(struct.pack("2i2q", WRITE, len(path), 0, len(content)) + path + content)
            file.write(struct.pack("2i2q", SYNC, len(path), 0, 0) + path)


def test_power_cut():
    """The power fails under load, again and again: everything acknowledged is there, once"""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    acknowledged = {}
    try:
        with Faulty(record=True) as server:
            room = server.ctl("room", "add", "general")
            for round_ in range(ROUNDS):
                speakers = load(server, room, ("alice", "bob", "carol"), round_)
                time.sleep(chance.random() / 10)  # any moment will do
                server.kill()
                for speaker in speakers:
                    speaker.result()
                    acknowledged.update(speaker.acknowledged)
                cut_power(server, chance)
                server.start()
                compare_history(history(server, room), acknowledged)
    except Failure as failure:
        raise Failure(f"seed {seed}: {failure}") from None


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]

if __name__ == "__main__":
    sys.exit(salon_test.run(TESTS))
