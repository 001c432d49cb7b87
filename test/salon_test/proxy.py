# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that is as bad as a network can be, for what stands between salond and its database.

    with Proxy(port) as proxy:      proxy.port leads to port
        proxy.delay = 1.0           seconds that everything takes, each way there
        proxy.frozen = True         accepts, and lets nothing through, until it is False again
        proxy.cut()                 ends all connections
        proxy.swallow(b"COMMIT")    lets the next thing that contains it through, and cuts the
                                    connection in the place of passing on what is answered
"""

import socket
import threading
import time


class Link:
    """One connection, with a thread for each direction."""

    def __init__(self, proxy, client):
        self.proxy, self.client = proxy, client
        self.server = socket.create_connection(("127.0.0.1", proxy.target))
        self.swallows = False
        for pair in ((client, self.server, True), (self.server, client, False)):
            for one in pair[:2]:
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, target, asks):
        try:
            while data := source.recv(262144):
                self.proxy.hold(asks)
                if asks:
                    self.swallows = self.swallows or self.proxy.is_wanted(data)
                elif self.swallows:
                    break
                target.sendall(data)
        except OSError:
            pass
        self.close()

    def close(self):
        for one in (self.client, self.server):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Proxy:
    def __init__(self, target):
        self.target, self.delay, self.frozen, self.wanted = target, 0, False, None
        self.links, self.swallowed = [], 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            try:
                self.links.append(Link(self, client))
            except OSError:
                client.close()  # nobody is behind it

    def hold(self, asks):
        while self.frozen:
            time.sleep(0.01)
        if asks and self.delay:
            time.sleep(self.delay)

    def swallow(self, text):
        with self.lock:
            self.wanted = text

    def is_wanted(self, data):
        with self.lock:
            if self.wanted is None or self.wanted not in data:
                return False
            self.wanted = None
            self.swallowed += 1
            return True

    def cut(self):
        links, self.links = self.links, []
        for link in links:
            link.close()

    def close(self):
        self.frozen = False
        self.listener.close()
        self.cut()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
