#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the manual and the sample configuration tell what there is, and nothing else.

What there is, salond tells itself (--settings, --list, --help), with every plugin that has been
built; the interface of plugins is read from the headers.  The pages are read as sources (mdoc):
each thing stands in the head of a list's item (".It Ic room.send Ar content"), in a section whose
title says what is listed.  Prints TAP.  Needs salond and salonctl; mandoc for its own checks.
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from salon_test import ALL_PLUGINS, PLUGIN_DIR, SALOND, SALONCTL, TOP_DIR  # noqa: E402

TOP = os.environ.get("top_srcdir") or TOP_DIR
PLACE = re.compile(r"@\w+@")  # filled in by make


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as file:
        return file.read()


# ---- What there is ------------------------------------------------------------------------------

def output(*command, must=False):
    """What a command prints, on whichever stream; must: it has to succeed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, errors="replace")
    if must and done.returncode != 0:
        print(f"Bail out! {' '.join(command)}: {done.stdout}")
        sys.exit(1)
    return done.stdout


def salond(*options, config="", must=True):
    """What salond prints with that configuration."""
    with tempfile.TemporaryDirectory(prefix="salon-test-") as directory:
        path = os.path.join(directory, "salond.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config)
        return output(SALOND, "-c", path, "-p", PLUGIN_DIR, *options, must=must)


def built():
    """Every plugin, features before what may build on them."""
    names = [os.path.basename(path)[:-3] for path in glob.glob(os.path.join(PLUGIN_DIR, "*.so"))]
    return sorted(names, key=lambda name: (ALL_PLUGINS + [name]).index(name))


def lists():
    """--list as {kind: [columns]}; --settings as {name: (type, default)}."""
    config = "plugins = { " + ", ".join(f'"{name}"' for name in built()) + " }"
    rows = {}
    for line in salond("--list", config=config).splitlines():
        kind, *columns = line.split("\t")
        rows.setdefault(kind, []).append(columns)
    settings = {}
    for line in salond("--settings", config=config).splitlines():
        name, kind, default, *_ = line.split("\t")
        settings[name] = (kind, default)
    return rows, settings


# ---- The pages ----------------------------------------------------------------------------------

class Page:
    """A page's items: (section, head, body)."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-3]
        self.text = read(path)
        self.items = []
        section, item = "", None
        for line in self.text.splitlines():
            if line.startswith(".Sh "):
                section, item = line[4:], None
            elif line.startswith(".It "):
                item = [section, line[4:], ""]
                self.items.append(item)
            elif item:
                item[2] += line + "\n"

    def heads(self, section):
        """Heads and bodies of the items in sections whose title contains that."""
        return [(head, body) for title, head, body in self.items if section in title]


def differences(where, there, told):
    """Complaints: of two sets, or of two dicts of which the values must agree, too."""
    lines = [f"{where}: {name} is missing" for name in sorted(there) if name not in told]
    lines += [f"{where}: {name} does not exist" for name in sorted(told) if name not in there]
    if isinstance(there, dict):
        lines += [f"{where}: {name}: {told[name]}, but it is {there[name]}"
                  for name in there if name in told and told[name] != there[name]]
    return lines


def every(pages, section, pattern):
    """The matches of a pattern with the heads of those sections, of all pages."""
    found = [re.fullmatch(pattern, head) for page in pages for head, _ in page.heads(section)]
    return [match for match in found if match]


# ---- The checks ---------------------------------------------------------------------------------

def value_text(kind, default):
    """A default as it stands in salond.conf."""
    if kind == "list":
        words = ", ".join(f'"{word}"' for word in default.split())
        return f"{{ {words} }}" if words else "{ }"
    return f'"{default}"' if kind == "string" else default


def check_settings(pages, settings):
    told = {}
    for match in every(pages, "SETTINGS", r"Va (\S+) Li = (.*) Pq Vt (\w+)"):
        name, value, kind = match.groups()
        value = value.replace(r"\(dq", '"')
        if PLACE.search(value) and name in settings:
            value = value_text(*settings[name])
        told[name] = f"{value} ({kind})"
    there = {name: f"{value_text(kind, default)} ({kind})"
             for name, (kind, default) in settings.items()}
    return differences("salond.conf.5", there, told)


def sample():
    """The sample configuration with what is commented out taken in."""
    text = re.sub(r"(?m)^( *)#(?=\S)", r"\1", read("conf", "salond.conf.in"))
    return re.sub(r"(?m)^ *# .*$|^ *#$", "", text)


def names_in(text):
    """The settings of a configuration, as salond --settings names them."""
    names, path = set(), []
    text = re.sub(r"=\s*\{[^}]*\}", "= list", text)
    for name, brace, close in re.findall(r'(\w+)\s*(?:"[^"]*"\s*)?(=|\{)|(\})', text):
        if close:
            path.pop()
        elif brace == "{":
            path.append(name)
        else:
            names.add(".".join(path + [name]))
    return names


def check_sample(settings):
    text = sample()
    for name in PLACE.findall(text):
        setting = {"@SALON_STATE_DIR@": "state_dir", "@SALON_PLUGIN_DIR@": "plugin_dir"}[name]
        text = text.replace(name, settings[setting][1])
    lines = differences("salond.conf.in", set(settings), names_in(text))
    usual = salond("-T").splitlines()
    here = salond("-T", config=text, must=False).splitlines()
    if len(here) == 1:
        return lines + here
    lines += [f"salond.conf.in gives: {line.strip()}" for line in here if line not in usual]
    return lines + [f"salond.conf.in does not give: {line.strip()}"
                    for line in usual if line not in here]


def arguments(text):
    """"Ar a b Oo Ar c Oc" as "a,b,c?"."""
    names, optional = [], ""
    for word in text.split():
        if word in ("Oo", "Oc"):
            optional = "?" if word == "Oo" else ""
        elif word != "Ar":
            names.append(word + optional)
    return ",".join(names) or "-"


def check_operations(pages, rows):
    there = {name: names for _, name, names, *_ in rows["operation"]}
    told = {match[1]: arguments(match[2])
            for match in every(pages, "OPERATIONS", r"Ic ([\w.]+)(.*)")}
    return differences("operations", there, told)


def check_events(pages, rows):
    there = {name for _, name, *_ in rows["event"]}
    return differences("events", there,
                       {match[1] for match in every(pages, "EVENTS", r"Ic ([\w.]+)")})


def check_routes(pages, rows):
    there = {route for _, route, *_ in rows["route"]}
    return differences("routes", there,
                       {match[1] for match in every(pages, "HTTP", r"Cm ([A-Z]+ /\S*)")})


def check_metrics(pages, rows):
    there = {name: kind for _, name, kind, *_ in rows["metric"]}
    told = {match[1]: match[2] for match in every(pages, "METRICS", r"Dv (\w+) Pq (\w+)")}
    return differences("metrics", there, told)


# Columns that hold the id of something else than a person.
OTHER_IDS = {"timeline_id", "parent_id", "message_id", "room_id", "conversation_id", "media_id",
             "topic_id"}


def check_personal(pages, rows):
    """In the tables as they are in the end, whichever migrations have made them."""
    there = {column: erasure for _, column, erasure in rows["personal"]}
    told = {match[1]: match[2]
            for match in every(pages, "PERSONAL DATA", r"Va ([\w.]+) Pq (\w+)")}
    config = "plugins = { " + ", ".join(f'"{name}"' for name in built()) + " }"
    holds = {f"{table}.{column}"
             for table, columns in re.findall(r"(?s)(?:CREATE TABLE|ALTER TABLE) (\w+) (.*?);",
                                              salond("--schema", config=config))
             for column in re.findall(r"(\w+_id|\w+_by) BIGINT", columns)
             if column not in OTHER_IDS}
    lines = [f"personal: {name} may hold a person's id; OTHER_IDS or a plugin has to name it"
             for name in sorted(holds - set(there))]
    return lines + differences("personal data", there, told)


def check_commands(pages, rows):
    there = {f"{words} {synopsis}".strip() for _, words, synopsis, *_ in rows["command"]}
    there.update(re.findall(r"(?m)^  (?!and | )(.*)$", output(SALONCTL)))
    told = set()
    for match in every(pages, "COMMANDS", r"Cm (.*)"):
        text = re.sub(r"\b(Ar|Cm) ", "", match[1]).replace("Fl ", "-")
        told.add(text.replace("Oo ", "[").replace(" Oc", "]"))
    return differences("commands", there, told)


def options_of(page):
    """Each option's spellings, from "Fl c Ar file , Fl -config Ar file"."""
    return {" ".join("-" + flag for flag in re.findall(r"Fl (\S+)", head))
            for head, _ in page.heads("DESCRIPTION") if head.startswith("Fl ")}


def check_options(pages):
    there = {f"{short} {long}" for short, long in
             re.findall(r"(?m)^  (-\w), (--\w+)", output(SALOND, "--help"))}
    lines = differences("salond.8", there, options_of(pages["salond.8"]))
    usage = output(SALONCTL).split("\n\n", maxsplit=1)[0]
    return lines + differences("salonctl.8", set(re.findall(r"-+\w+", usage)),
                               options_of(pages["salonctl.8"]))


def check_dialect(page, rows, name):
    mine = {kind: [row[1:] for row in rows.get(kind, []) if row[0] == name]
            for kind in ("message", "hidden", "notice", "refusal", "error")}
    fields = {row[0]: row[1].split(",") if row[1] != "-" else [] for row in mine["message"]}
    told = {}
    for head, _ in page.heads("FROM THE CLIENT"):
        match = re.fullmatch(r"Cm (\S+)(.*)", head)
        if match:
            told[match[1]] = [field.rstrip("?") for field in arguments(match[2]).split(",")
                              if field != "-"]
    lines = differences(page.name, fields, told)
    types = {row[0]: "-" for row in mine["refusal"] + mine["notice"]}
    types["-"] = "-"
    answered = mine["message"] + mine["hidden"]
    types.update({kind: "-" for row in answered for kind in row[3:5]})
    types.update({row[3]: row[5] for row in answered if row[5] != "-"})
    types.update({row[0]: row[2] for row in mine["notice"] if row[2] != "-"})
    del types["-"]
    bodies = {head[3:]: body.split() for head, body in page.heads("TO THE CLIENT")
              if head.startswith("Cm ")}
    lines += differences(page.name, set(types), set(bodies))
    lines += [f"{page.name}: {kind}: {field} is missing" for kind in types if kind in bodies
              for field in types[kind].split(",") if field != "-" and field not in bodies[kind]]
    bodies = {head[3:]: " ".join(body.split()) for head, body in page.heads("REFUSALS")
              if head.startswith("Er ")}
    lines += differences(page.name, {row[0] for row in mine["error"]}, set(bodies))
    return lines + [f"{page.name}: {row[0]} lacks its message: {row[2]}" for row in mine["error"]
                    if row[0] in bodies and row[2] not in (row[0], "-")
                    and row[2] not in bodies[row[0]]]


def check_dialects(pages, rows):
    lines = []
    for name in sorted({row[0] for row in rows["refusal"]}):
        page = pages.get(f"salon-{name}.7")
        lines += check_dialect(page, rows, name) if page else [f"salon-{name}.7: there is no page"]
    return lines


def headers():
    texts = [read("include", "salon", name)
             for name in ("plugin.h", "message.h", "dialect.h", "fetch.h", "map.h")]
    return re.sub(r"(?s)/\*.*?\*/", "", "\n".join(texts))


def check_functions(page, code):
    there = set(re.findall(r"SALON_API [^;{]*?\b(salon_\w+)\(", code))
    told = {name for _, head, _ in page.items for name in re.findall(r"Fn (salon_\w+)", head)}
    return differences(page.name, there, told)


def check_constants(page, code):
    """Macros and constants both ways, members of the tables one way."""
    there = set(re.findall(r"\bSALON_[A-Z][A-Z_]*\b", code))
    there -= set(re.findall(r"#ifndef (\w+)", code))
    told = set(re.findall(r"\bSALON_[A-Z][A-Z_]*\b", page.text))
    lines = differences(page.name, there, told)
    words = set(re.findall(r"\w+", page.text))
    for body, name in re.findall(r"(?s)struct salon_\w+ \{(.*?)\n\} (salon_\w+_t);", code):
        members = re.findall(r"(?:\(\*)?(\w+)\)?(?:\[\d+\])?(?:\([^;]*\))?\s*[,;]", body)
        lines += [f"{page.name}: {name}: {member} is missing"
                  for member in members if member not in words]
    return lines


def check_codes(page, code):
    there = {word: name for name, word in re.findall(r'#define (SALON_\w+) +"(\w+)"', code)}
    told = dict(match.groups() for match in
                every([page], "REFUSALS", r"Er (\w+) Pq Dv (\w+)"))
    return differences(page.name, there, told)


def check_references(pages):
    lines = []
    for page in pages.values():
        for name, section in re.findall(r"Xr (\S+) (\d)", page.text):
            if f"{name}.{section}" not in pages:
                lines.append(f"{page.name}: there is no page {name}({section})")
        for title in re.findall(r"(?:^\.| )Sx ([^.,\n]*\w)", page.text, re.MULTILINE):
            if f".Sh {title}\n" not in page.text and f".Ss {title}\n" not in page.text:
                lines.append(f"{page.name}: there is no section {title}")
    return lines


def check_mandoc(pages):
    paths = [os.path.join(TOP, "man", name + ".in") for name in pages]
    return output("mandoc", "-Tlint", "-Wwarning", *paths).splitlines()


def checks():
    """(name, complaints; None where it could not be checked)"""
    paths = sorted(glob.glob(os.path.join(TOP, "man", "*.in")))
    all_pages = {page.name: page for page in map(Page, paths)}
    pages, interface = list(all_pages.values()), all_pages["salon-plugin.7"]
    rows, settings = lists()
    code = headers()
    yield "every setting", check_settings(pages, settings)
    yield "every setting in the sample configuration", check_sample(settings)
    yield "every operation", check_operations(pages, rows)
    yield "every event", check_events(pages, rows)
    yield "every HTTP route", check_routes(pages, rows)
    yield "every metric", check_metrics(pages, rows)
    yield "every command", check_commands(pages, rows)
    yield "every column that holds a person's id", check_personal(pages, rows)
    yield "every option", check_options(all_pages)
    yield "every message and error of the dialects", check_dialects(all_pages, rows)
    yield "every function of the plugins' interface", check_functions(interface, code)
    yield "every constant and member of it", check_constants(interface, code)
    yield "every code of a refusal", check_codes(interface, code)
    yield "references lead somewhere", check_references(all_pages)
    yield "mandoc has no complaint", check_mandoc(all_pages) if shutil.which("mandoc") else None


def main():
    if not SALOND or not SALONCTL or not PLUGIN_DIR:
        print("1..0 # SKIP salond has not been built")
        return False
    results = list(checks())
    print(f"1..{len(results)}")
    for number, (name, complaints) in enumerate(results, 1):
        note = " # SKIP no mandoc" if complaints is None else ""
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}{note}")
        for line in complaints or []:
            print("#  ", line)
    return any(complaints for _, complaints in results)


if __name__ == "__main__":
    # Failures are told in TAP; the status is for people who run it by hand.
    bad = main()
    sys.exit(1 if bad and sys.stdout.isatty() else 0)
