# SPDX-License-Identifier: Apache-2.0
"""HTTP requests as programs make them: somebody's, each on a connection of its own.

Client speaks HTTP, too: several requests on one connection, and requests that are wrong.
"""

import http.client
import json

from .expect import LIMIT, check


class Answer:
    """json: of a body that is an object; None of any other."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.text = response.read().decode()
        self.json = json.loads(self.text) if self.text.startswith("{") else None


class Caller:
    """Asks the listener that has the dialect's endpoint."""

    def __init__(self, server, dialect, token=None):
        self.port = server.port(dialect)
        self.token = token

    def ask(self, method, path, body=None, **headers):
        """The Answer; a body that is not text or bytes goes as JSON."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def expect(self, status, method, path, body=None, **headers):
        answer = self.ask(method, path, body, **headers)
        check(answer.status == status, f"{method} {path}: {answer.status} {answer.text[:300]}")
        return answer
