#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs conversations: who connects, who says what, who must hear what, and nothing else.

    run_conversations.py [--database DRIVER] [FILE.conv | DIRECTORY]...
                                                         (default: all of conversations/)

DRIVER is pgsql or mysql: on a server of the test's own; without it, on SQLite.  The environment
variable SALON_TEST_DATABASE says the same.  Each file gets a salond of its own; several run at
once; one TAP line each.  Statements (see salon_test/language.py for their form and for values):

    setting listener.NAME = VALUE     of every listener; also endpoint.NAME; else SECTION.NAME.
                                      All of them stand before anything else.
    plugins NAME...                   these alone (default: all that have been built); among the
                                      settings
    dialect NAME                      of the connections opened from here on (default: the name of
                                      the file's directory)
    person NAME ID [ROLE]             one more than alice 2, bob 3, carol 4 (moderator), dave 5
                                      (admin), erin 6, frank 7
    ctl WORDS [-> $name]              salonctl; what it prints
    ctl! WORDS                        salonctl must fail
    let $name = EXPRESSION            "x" * 10 + $other
    check A OP B                      with ==, !=, <, >, <=, >=
    token $name = CLAIMS [alg=HS512] [key=other]
    open NAME [as PERSON] [in DIALECT] [OPTION]...
                                      connects, signs in, and expects the answer.  Options:
                                      unsigned; token=$t; header="A: b"; path=/x; refused=403;
                                      what else a path has, as room=lobby
    NAME > TYPE OBJECT, NAME > VALUE  says it, in the dialect's envelope, or as it is
    NAME >> TEXT                      says the text as it is ($name is replaced)
    NAME >binary HEX                  a binary frame
    NAME < TYPE OBJECT, NAME < VALUE  the next thing it hears
    NAME hears EVENT OBJECT           the same, where a dialect tells events from answers (probe)
    NAME eventually EVENT OBJECT, NAME eventually VALUE
                                      it hears this, whatever comes before
    NAME refused CODE [FIELD]         the next thing is the dialect's error; it names the field
    NAME nothing                      it has heard everything that was for it
    NAME closed CODE [eventually]     the server closes; eventually: whatever comes before
    NAME close, NAME drop             closes in the orderly way, or just goes away
    http PERSON METHOD /path [OBJECT] asks the default dialect's listener over HTTP (token=$t in the
                                      place of PERSON: with that token)
    answered STATUS [OBJECT]          what the answer to that is
    restart, kill                     salond, with SIGTERM or SIGKILL; everybody is disconnected
    later SECONDS                     for the server so much time has passed, besides what has; in
                                      a file that says so nobody is pinged
    repeat N … end                    $i counts from 1
    each $name in LIST … end          variables that a round has set are forgotten in the next

Of the probe's events room.entered and room.exited a file hears only if it names one of them.
At the end, everybody who is still connected must have heard everything that was for them.
"""

import asyncio
import glob
import os
import sys
import traceback

sys.dont_write_bytecode = True
from salon_test import TEST_DIR, Failure, Skip, Tap, databases  # noqa: E402
from salon_test.talk import Talk  # noqa: E402

AT_ONCE = 4


async def run_file(path, tap, gate):
    top = os.path.join(TEST_DIR, "conversations") + os.sep
    name = os.path.abspath(path).removeprefix(top)
    async with gate:
        failure = skip = None
        try:
            await Talk(path).run()
        except Skip as reason:
            skip = str(reason)
        except Failure as reason:
            failure = str(reason)
        except Exception:  # a mistake of the runner; one file must not end the others
            failure = traceback.format_exc()
        tap.result(name, failure, skip)


async def run_all(paths, tap):
    gate = asyncio.Semaphore(AT_ONCE)
    await asyncio.gather(*(run_file(path, tap, gate) for path in paths))


def files_of(arguments=()):
    for argument in arguments or [os.path.join(TEST_DIR, "conversations")]:
        if os.path.isdir(argument):
            yield from sorted(glob.glob(os.path.join(argument, "**", "*.conv"), recursive=True))
        else:
            yield argument


def main(arguments):
    driver = os.environ.get("SALON_TEST_DATABASE")
    if arguments[:1] == ["--database"]:
        driver, arguments = arguments[1], arguments[2:]
    paths = list(files_of(arguments))
    with databases.used(driver):
        tap = Tap(len(paths))
        asyncio.run(run_all(paths, tap))
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
