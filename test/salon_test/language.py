# SPDX-License-Identifier: Apache-2.0
"""The language of the conversations: its JSON with placeholders, and comparing with it.

A statement starts in the first column and goes on in the lines below that are indented.  `#`
starts a comment line.  What the statements do is in run_conversations.py; the values are JSON, and

    $name     a variable; where something is expected and it has no value yet, it takes this one
    now+60    in what is sent: seconds since 1970, from now on (or now-60)

and, only where something is expected:

    ...       in an object: whatever members there are else; in a list, last: any further elements
    /regex/   a string that matches as a whole
    any  string  text (not empty)  integer  id (1 to 2^53 - 1)  number  boolean  object  list
    time      RFC 3339 in UTC with Z, within two minutes of now
    micros    the same moment with six decimals and without a zone
    a|b       one of these words, or null

Objects are compared with all their members: one too many is as wrong as one missing.
"""

import datetime
import json
import re

from . import clock

MISSING = object()


class Mismatch(Exception):
    """Where, and how, a value is not as expected."""


class Variable(str):
    pass


class Word(str):
    pass


class Regex(str):
    pass


class Rest:
    pass


TOKENS = re.compile(r"""\s*(?:
    (?P<string>"(?:[^"\\]|\\.)*")
  | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<now>now[+-]\d+)
  | (?P<variable>\$\w+)
  | (?P<regex>/(?:[^/\\]|\\.)+/)
  | (?P<word>[a-z]\w*(?:\|[a-z]\w*)*)
  | (?P<rest>\.\.\.)
  | (?P<mark>[][{},:])
)""", re.X)

CONSTANTS = {"null": None, "true": True, "false": False}


def tokens_of(text):
    place, found = 0, []
    while text[place:].strip():
        match = TOKENS.match(text, place)
        if not match:
            raise ValueError(f"not understood: {text[place:place + 40].strip()}")
        found.append((match.lastgroup, match.group(match.lastgroup)))
        place = match.end()
    return found


class Reader:
    """Reads one value with placeholders; `tokens` keeps what follows it."""

    def __init__(self, text):
        self.tokens = tokens_of(text)

    def take(self, mark=None):
        if not self.tokens:
            raise ValueError("a value ends too early")
        kind, text = self.tokens.pop(0)
        if mark is not None and text != mark:
            raise ValueError(f"{text} in the place of {mark}")
        return kind, text

    def at(self, mark):
        return bool(self.tokens) and self.tokens[0] == ("mark", mark)

    def value(self):
        kind, text = self.take()
        if kind == "string":
            return json.loads(text)
        if kind == "number":
            return json.loads(text)
        if kind == "now":
            return int(clock.now()) + int(text[3:])
        if kind == "variable":
            return Variable(text[1:])
        if kind == "regex":
            return Regex(text[1:-1].replace("\\/", "/"))
        if kind == "word":
            return CONSTANTS[text] if text in CONSTANTS else Word(text)
        if text == "{":
            return self.object()
        if text == "[":
            return self.list()
        raise ValueError(f"no value: {text}")

    def object(self):
        members = {}
        while not self.at("}"):
            kind, text = self.take()
            if kind == "rest":
                members[Rest] = True
            elif kind == "string":
                self.take(":")
                members[json.loads(text)] = self.value()
            else:
                raise ValueError(f"no member's name: {text}")
            if not self.at("}"):
                self.take(",")
        self.take("}")
        return members

    def list(self):
        elements = []
        while not self.at("]"):
            if self.tokens and self.tokens[0][0] == "rest":
                self.take()
                elements.append(Rest)
            else:
                elements.append(self.value())
            if not self.at("]"):
                self.take(",")
        self.take("]")
        return elements


def parse(text):
    reader = Reader(text)
    value = reader.value()
    if reader.tokens:
        raise ValueError(f"after the value: {reader.tokens[0][1]}")
    return value


def resolve(value, variables):
    """What is to be sent: every placeholder replaced."""
    if isinstance(value, Variable):
        if value not in variables:
            raise ValueError(f"${value} has no value")
        return variables[value]
    if isinstance(value, dict):
        return {key: resolve(member, variables) for key, member in value.items()}
    if isinstance(value, list):
        return [resolve(element, variables) for element in value]
    if isinstance(value, (Word, Regex)):
        raise ValueError(f"only where something is expected: {value}")
    return value


def compute(text, variables):
    """A small expression: terms with + and *, from left to right ("x" * 10 + "y")."""
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|\$\w+|-?\d+|[+*]', text)
    if not parts or len(parts) % 2 == 0:
        raise ValueError(f"not understood: {text}")
    values = [resolve(parse(part), variables) for part in parts[::2]]
    result = values[0]
    for sign, value in zip(parts[1::2], values[1:]):
        if sign == "*":
            result = result * value
        elif isinstance(result, str) or isinstance(value, str):
            result = str(result) + str(value)
        else:
            result = result + value
    return result


def is_time(value, form):
    pattern = {"time": r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?)Z",
               "micros": r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})"}[form]
    match = isinstance(value, str) and re.fullmatch(pattern, value)
    if not match:
        return False
    text = match.group(1) if "." in match.group(1) else match.group(1) + ".0"
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f")
    now = datetime.datetime.utcfromtimestamp(clock.now())
    return abs((now - moment).total_seconds()) < 120


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


WORDS = {
    "any": lambda value: value is not MISSING,
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "text": lambda value: isinstance(value, str) and value.strip() != "",
    "integer": is_integer,
    "id": lambda value: is_integer(value) and 1 <= value < 2 ** 53,
    "number": lambda value: is_integer(value) or isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "time": lambda value: is_time(value, "time"),
    "micros": lambda value: is_time(value, "micros"),
}


def show(value, length=200):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[:length] + " …"


def compare_object(expected, value, place, variables):
    if not isinstance(value, dict):
        raise Mismatch(f"{place}: no object: {show(value)}")
    for key, member in expected.items():
        if key is Rest:
            continue
        if key not in value:
            raise Mismatch(f"{place}.{key} is missing")
        compare(member, value[key], f"{place}.{key}", variables)
    extra = [] if Rest in expected else [key for key in value if key not in expected]
    if extra:
        raise Mismatch(f"{place}.{extra[0]} is one too many: {show(value[extra[0]])}")


def compare_list(expected, value, place, variables):
    if not isinstance(value, list):
        raise Mismatch(f"{place}: no list: {show(value)}")
    open_end = bool(expected) and expected[-1] is Rest
    wanted = expected[:-1] if open_end else expected
    for index, element in enumerate(wanted):
        if index >= len(value):
            raise Mismatch(f"{place}[{index}] is missing")
        compare(element, value[index], f"{place}[{index}]", variables)
    if len(value) > len(wanted) and not open_end:
        raise Mismatch(f"{place}[{len(wanted)}] is one too many: {show(value[len(wanted)])}")


def compare(expected, value, place, variables):
    """Raises Mismatch where the value is not as expected; gives values to new variables."""
    if isinstance(expected, Variable):
        if expected not in variables:
            variables[expected] = value
            return
        expected = variables[expected]
    if isinstance(expected, Word):
        for word in expected.split("|"):
            if word not in WORDS:
                raise ValueError(f"no such word: {word}")
            if WORDS[word](value):
                return
        raise Mismatch(f"{place}: not {expected}: {show(value)}")
    if isinstance(expected, Regex):
        if not isinstance(value, str) or not re.fullmatch(expected, value):
            raise Mismatch(f"{place}: does not match /{expected}/: {show(value)}")
    elif isinstance(expected, dict):
        compare_object(expected, value, place, variables)
    elif isinstance(expected, list):
        compare_list(expected, value, place, variables)
    elif type(expected) is not type(value) or expected != value:
        raise Mismatch(f"{place}: expected {show(expected)}, got {show(value)}")


def strict_object(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member is there twice")
    return dict(pairs)


def no_constant(text):
    raise ValueError(f"{text} is not JSON")


def read_json(text):
    """What a server sent: strict JSON without repeated members."""
    return json.loads(text, object_pairs_hook=strict_object, parse_constant=no_constant)


def statements(text):
    """(line number, text) of each statement."""
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            if not found:
                raise ValueError(f"line {number}: goes on from nothing")
            found[-1] = (found[-1][0], found[-1][1] + "\n" + line.strip())
        else:
            found.append((number, line.rstrip()))
    return found
