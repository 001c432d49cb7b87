# SPDX-License-Identifier: Apache-2.0
"""What has been built, and is tested: programs and plugins.

Relies on the environment of the build: SALOND, SALONCTL, SALON_PLUGINS (the directory of the
plugins), SALON_TEST_PLUGINS; without it on a build in the source tree or in build/.
"""

import os

TEST_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP_DIR = os.path.dirname(TEST_DIR)


def find_built(variable, *candidates):
    """The path in an environment variable, else the first candidate that has been built."""
    if os.environ.get(variable):
        return os.path.abspath(os.environ[variable])
    for directory in (os.path.join(TOP_DIR, "build"), TOP_DIR):
        for candidate in candidates:
            path = os.path.join(directory, candidate)
            if os.path.exists(path):
                return path
    return None


SALOND = find_built("SALOND", "src/salond", "salond")
SALONCTL = find_built("SALONCTL", "src/salonctl", "salonctl")
PLUGIN_DIR = find_built("SALON_PLUGINS", "plugins/.libs", ".libs", "plugins")
TEST_PLUGIN_DIR = find_built("SALON_TEST_PLUGINS", "test/plugins/.libs")

# In the order of the shipped configuration.
ALL_PLUGINS = ["rooms", "dm", "reactions", "presence", "moderation", "friends", "media",
               "veza", "chat", "live", "broadcast", "relay", "messenger"]


def built_plugins():
    return [name for name in ALL_PLUGINS if PLUGIN_DIR and
            os.path.exists(os.path.join(PLUGIN_DIR, name + ".so"))]
