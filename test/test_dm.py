#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What happens to a conversation of two from many connections at the same moment.

Nobody can say here in which order the server comes to it; so what is checked is what must hold in
any order.  Prints TAP.
"""

import random
import sys

sys.dont_write_bytecode = True
import salon_test  # noqa: E402
from salon_test import PEOPLE, check  # noqa: E402

ALICE, BOB = PEOPLE["alice"][0], PEOPLE["bob"][0]


def server():
    return salon_test.Server({"abuse_limit": "0"}, {"rate": '""'})


def settle(client):
    """Everything that the client hears before its next answer."""
    client.say("list_dms")
    heard = []
    while True:
        message = client.message()
        if message["type"] == "dm_list":
            return heard
        heard.append(message)


def of_type(heard, kind):
    return [message["data"] for message in heard if message["type"] == kind]


def one_for_both():
    """Both open it at the same moment, on two connections each: it is one, and works."""
    with server() as salond:
        clients = [salon_test.signed_in(salond, name) for name in ("alice", "bob") * 2]
        for client in clients:
            client.say("create_dm", user1_id=ALICE, user2_id=BOB)
        ids = {client.hear("dm_created")["conversation_id"] for client in clients}
        check(len(ids) == 1, f"several conversations: {ids}")
        clients[0].say("send_dm", conversation_id=ids.pop(), content="to the only one there is")
        for client in clients:
            check(client.hear("dm_message")["author_id"] == ALICE, "somebody else's message")
            client.say("list_dms")
            check(len(client.hear("dm_list")["conversations"]) == 1, "not one in the list")
            client.close()


def block_while_sending():
    """Who has blocked hears nothing after that, and every message is either heard or refused."""
    with server() as salond:
        alice = [salon_test.signed_in(salond, "alice") for _ in range(2)]
        bob = salon_test.signed_in(salond, "bob")
        bob.say("create_dm", user1_id=BOB, user2_id=ALICE)
        dm = bob.hear("dm_created")["conversation_id"]
        for _ in range(25):
            count = random.randint(2, 40)
            block = random.randrange(count)
            for i in range(count):
                alice[i % 2].say("send_dm", conversation_id=dm, content="quickly")
                if i == block:
                    bob.say("block_dm", conversation_id=dm, block=True)
            before = 0
            while (message := bob.message())["type"] != "dm_blocked":
                before += message["type"] == "dm_message"
            refusals = [m for client in alice for m in of_type(settle(client), "error")]
            check(all(r["code"] == "CONVERSATION_BLOCKED" for r in refusals), f"{refusals}")
            check(before + len(refusals) == count,
                  f"of {count}, {before} heard and {len(refusals)} refused")
            check(not of_type(settle(bob), "dm_message"), "heard after the block")
            bob.say("block_dm", conversation_id=dm, block=False)
            bob.hear("dm_blocked")
            for client in alice:
                settle(client)


if __name__ == "__main__":
    sys.exit(salon_test.run([one_for_both, block_while_sending]))
