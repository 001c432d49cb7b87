# SPDX-License-Identifier: Apache-2.0
"""Time that a test makes pass: a preloaded library (faults/clock.c) lets a server's clocks leap.

So what takes minutes is over at once, and what must not be over yet is not, however slow the
machine is.
"""

import contextvars
import mmap
import os
import re
import struct
import subprocess
import time

from .built import SALOND, find_built
from .expect import Skip

LIBRARY = find_built("SALON_CLOCK_LIBRARY", "test/faults/.libs/clock.so")

# By how many seconds the servers of this task, or thread, are ahead.
AHEAD = contextvars.ContextVar("ahead", default=0)


def now():
    """Seconds since 1970, as the servers of this task see it."""
    return time.time() + AHEAD.get()


def sanitizers():
    """What salond needs to have loaded before anything else."""
    done = subprocess.run(["ldd", SALOND], stdout=subprocess.PIPE, text=True, check=True)
    return re.findall(r"=> (\S*/lib[at]san\S*)", done.stdout)


class Clock:
    """Of a server that has not been started yet; it is as good as the others' until it leaps."""

    def __init__(self, server):
        if not LIBRARY or not os.path.exists(LIBRARY):
            raise Skip("the clock has not been built")
        path = os.path.join(server.directory, "clock")
        with open(path, "w+b") as file:
            file.write(bytes(8))
            file.flush()
            self.ahead = mmap.mmap(file.fileno(), 8)
        AHEAD.set(0)
        server.environment.update(SALON_CLOCK=path, LD_PRELOAD=":".join(sanitizers() + [LIBRARY]))

    def leap(self, seconds):
        AHEAD.set(AHEAD.get() + seconds)
        self.ahead[:] = struct.pack("q", int(AHEAD.get() * 10**9))
