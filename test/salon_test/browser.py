# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, driven over its DevTools protocol, and a site for its pages.

    with Site({"/": page}) as site, Browser() as browser:
        page = browser.open(site.url("/"))
        page.call("answer()")              # what an expression is, promises awaited

Pages find React as the modules `react` and `react-dom/client`, by the import map in IMPORTS.
"""

import asyncio
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading

import websockets

from .built import TEST_DIR
from .expect import LIMIT, Failure, Skip, check

MODULES = "/usr/share/nodejs"
REACT = {"/react.js": "react/umd/react.production.min.js",
         "/react-dom.js": "react-dom/umd/react-dom.production.min.js"}
IMPORTS = """<script src="/react.js"></script>
<script src="/react-dom.js"></script>
<script type="importmap">{"imports": {"react": "/module/react", "react-dom/client": "/module/dom"}}
</script>"""
WRAPPERS = {
    "/module/react": "export const { createElement, useCallback, useEffect, useRef, useState }"
                     " = React; export default React;",
    "/module/dom": "export const { createRoot } = ReactDOM;",
}


class Site:
    """Serves the texts it is given on a port of 127.0.0.1; a page's address is `url(path)`."""

    def __init__(self, pages):
        self.pages = {**WRAPPERS, **pages}
        for path, place in REACT.items():
            place = os.path.join(MODULES, place)
            if os.path.exists(place):
                with open(place, encoding="utf-8") as file:
                    self.pages[path] = file.read()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                text = site.pages.get(self.path.partition("?")[0])
                kind = "text/javascript" if "." in self.path or "/module" in self.path \
                    else "text/html"
                self.send_response(404 if text is None else 200)
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.end_headers()
                self.wfile.write((text or "").encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Page:
    """One page; a method waits for what the browser answers."""

    def __init__(self, browser, session):
        self.browser = browser
        self.session = session

    def call(self, expression, limit=3 * LIMIT):
        """The value of an expression in the page, when a promise has become one."""
        answer = self.browser.command("Runtime.evaluate", {
            "expression": expression, "awaitPromise": True, "returnByValue": True,
            "userGesture": True}, self.session, limit)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failure(f"{expression}: {details.get('exception', details).get('description')}")
        return answer["result"].get("value")

    def until(self, expression, limit=3 * LIMIT):
        """Waits, in the page, until an expression is true."""
        self.call("""(async () => {
            const until = performance.now() + %d;
            for (;;) {
                if (await (%s)) return;
                if (performance.now() > until) throw new Error('not in time');
                await new Promise((resolve) => setTimeout(resolve, 5));
            }
        })()""" % (limit * 1000, expression), limit + LIMIT)


class Browser:
    def __init__(self):
        program = shutil.which("chromium")
        if not program:
            raise Skip("no chromium")
        self.directory = tempfile.mkdtemp(prefix="salon-browser-")
        self.loop = asyncio.new_event_loop()
        self.count = 0
        self.socket = None
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--no-proxy-server", "--remote-debugging-port=0",
             f"--user-data-dir={self.directory}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True)
        try:
            self.socket = self.loop.run_until_complete(self.connect(self.find_address()))
        except BaseException:
            self.close()
            raise

    def find_address(self):
        seen = []
        for line in self.process.stderr:
            seen.append(line)
            found = re.search(r"DevTools listening on (ws://\S+)", line)
            if found:
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return found.group(1)
        raise Failure("chromium did not start: " + "".join(seen[-5:]))

    async def connect(self, address):
        return await websockets.connect(address, max_size=None, compression=None,
                                        ping_interval=None, open_timeout=3 * LIMIT)

    def command(self, method, parameters=None, session=None, limit=3 * LIMIT):
        async def ask():
            self.count += 1
            message = {"id": self.count, "method": method, "params": parameters or {}}
            if session:
                message["sessionId"] = session
            await self.socket.send(json.dumps(message))
            while True:
                answer = json.loads(await self.socket.recv())
                if answer.get("id") == message["id"]:
                    return answer
        answer = self.loop.run_until_complete(asyncio.wait_for(ask(), limit))
        check("error" not in answer, f"{method}: {answer.get('error')}")
        return answer["result"]

    def open(self, url):
        target = self.command("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.command("Target.attachToTarget",
                               {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        self.command("Page.navigate", {"url": url}, session)
        page.until(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")
        return page

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.socket:
            self.loop.run_until_complete(self.socket.wait_closed())
        self.loop.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def read(name):
    """A script of the directory browser/."""
    with open(os.path.join(TEST_DIR, "browser", name), encoding="utf-8") as file:
        return file.read()
