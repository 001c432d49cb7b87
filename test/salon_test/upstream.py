#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that is as good or as bad as a test wants it: see ANSWERS.

Run by itself it prints its port, and serves until its standard input ends.
"""

import http.server
import json
import sys
import threading
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        """length: what Content-Length says, where it is a lie."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, status, value, **headers):
        self.answer(status, json.dumps(value).encode(), Content_Type="application/json", **headers)

    def hang(self):
        """Nothing, until the server ends or the client has had enough."""
        self.connection.settimeout(60)
        try:
            self.rfile.read(1)
        except OSError:
            pass
        self.close_connection = True

    def cut(self):
        """Closes in the middle of the answer."""
        self.answer(200, b"only this", length=1000)
        self.close_connection = True

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.server.asked(self, self.rfile.read(length))

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = handle_any


class Server(http.server.ThreadingHTTPServer):
    """Subclasses say in `asked` what comes back."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that has gone is no news."""

    def asked(self, handler, body):
        raise NotImplementedError


# ---- By itself ----------------------------------------------------------------------------------

def echo(handler, body, _):
    handler.answer_json(200, {"method": handler.command, "body": body.decode(),
                              "headers": dict(handler.headers.items()),
                              "client": handler.client_address[1]})


ANSWERS = {
    "echo": echo,
    "status": lambda handler, body, word: handler.answer(
        int(word), b"" if word == "204" else b"as asked"),
    "later": lambda handler, body, word: handler.answer(503, Retry_After=word),
    "big": lambda handler, body, word: handler.answer(200, b"x" * int(word)),
    "moved": lambda handler, body, word: handler.answer(302, Location="/" + word),
    "round": lambda handler, body, word: handler.answer(302, Location="/round"),
    "elsewhere": lambda handler, body, word: handler.answer(302, Location="file:///etc/passwd"),
    "hang": lambda handler, body, word: handler.hang(),
    "cut": lambda handler, body, word: handler.cut(),
}


class ByPath(Server):
    def asked(self, handler, body):
        words = urllib.parse.urlsplit(handler.path).path.strip("/").split("/") + [""]
        ANSWERS[words[0]](handler, body, words[1])


if __name__ == "__main__":
    print(ByPath().port, flush=True)
    sys.stdin.read()
