# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share.

Most of them need no more than these names; what has a module of its own besides is named there:
caller (HTTP), databases, proxy (between salond and its database), upstream, browser, and the
conversations: language, dialects, talk.
"""

from .built import (ALL_PLUGINS, PLUGIN_DIR, SALONCTL, SALOND, TEST_DIR, TEST_PLUGIN_DIR, TOP_DIR,
                    built_plugins, find_built)
from .client import (BINARY, CLOSE, PING, PONG, TEXT, Client, Closed, deflate, inflate, signed_in,
                     still_serves)
from .expect import LIMIT, ROUNDS, SLOWER, Failure, Skip, check, until
from .server import PEOPLE, REPORTS, Server
from .tap import Tap, attempt, run, run_on, title
from .tokens import base64url, claims_of, sign
