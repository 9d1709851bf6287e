# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU command line as a structure that can be compared: the same reader for every side.

    argv = parse("A=b /usr/bin/qemu … -device '{"driver":"ahci","id":"sata0"}' …")
    for difference in compare(ours, theirs): print(difference)

Every option becomes an entry with an identity, "device[sata0]" or "machine", and properties by name, whether it was
written as JSON or as key=value. What is written twice with the same identity is counted: "vnc", "vnc#2".
"""

import json
import re
import shlex
from dataclasses import dataclass, field

# How the value of an option is read. FIRST is the key of a leading value without one (None: there is no such thing),
# IDENTITY names the properties that tell one of them from another.
FLAGS = {"-S", "-no-user-config", "-nodefaults", "-no-shutdown", "-no-reboot", "-no-acpi", "-no-hpet", "-nographic",
         "-only-migratable", "-snapshot", "-no-fd-bootchk", "-enable-kvm", "-usb", "-daemonize", "-mem-prealloc"}
PAIRS = {
    # option: (FIRST, IDENTITY)
    "-accel": ("accel", ("accel",)),
    "-acpitable": (None, ()),
    "-add-fd": (None, ("fd",)),
    "-audiodev": ("driver", ("id",)),
    "-blockdev": ("driver", ("node-name",)),
    "-boot": ("order", ()),
    "-chardev": ("backend", ("id",)),
    "-compat": (None, ()),
    "-cpu": ("model", ()),
    "-device": ("driver", ("id",)),
    "-display": ("type", ()),
    "-drive": (None, ("if", "unit", "id")),
    "-fsdev": ("fsdriver", ("id",)),
    "-fw_cfg": ("name", ("name",)),
    "-icount": ("shift", ()),
    "-m": ("size", ()),
    "-machine": ("type", ()),
    "-mon": ("chardev", ("id",)),
    "-msg": (None, ()),
    "-name": ("guest", ()),
    "-net": ("type", ()),
    "-netdev": ("type", ("id",)),
    "-numa": ("type", ("type", "nodeid", "src", "dst", "node-id", "socket-id", "core-id", "initiator", "target",
                       "hierarchy", "data-type", "node", "level")),
    "-object": ("qom-type", ("id",)),
    "-overcommit": (None, ()),
    "-prom-env": (None, ()),
    "-rtc": (None, ()),
    "-sandbox": ("enable", ()),
    "-serial": ("device", ()),
    "-parallel": ("device", ()),
    "-smbios": (None, ("type",)),
    "-smp": ("cpus", ()),
    "-spice": (None, ()),
    "-tpmdev": ("type", ("id",)),
    "-vnc": ("display", ()),
}
# Options whose order among themselves the guest sees: ports, slots and transports are given out in that order.
ORDERED = ("device", "serial", "parallel", "drive", "vnc", "smbios", "acpitable", "numa", "global")


class SyntaxProblem(Exception):
    """A command line that cannot be read."""


@dataclass
class Entry:
    identity: str
    properties: dict
    text: str


@dataclass
class Argv:
    emulator: str = ""
    environment: dict = field(default_factory=dict)
    words: list = field(default_factory=list)    # as they were read
    entries: dict = field(default_factory=dict)  # identity: Entry, in the order of the command line

    def add(self, identity, properties, text):
        unique, n = identity, 1
        while unique in self.entries:
            n += 1
            unique = f"{identity}#{n}"
        self.entries[unique] = Entry(unique, properties, text)

    def order(self, option):
        return [i for i in self.entries if re.split(r"[\[#]", i)[0] == option]


@dataclass(frozen=True)
class Difference:
    """`where` is "device[net0].mac", "device[net0]" when one side has no such thing, or "order of device"."""

    where: str
    ours: object
    theirs: object

    def __str__(self):
        return f"{self.where}: {show(self.ours)}, libvirt {show(self.theirs)}"


def show(value):
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)


# --- reading ---

def flatten(value, prefix="", into=None):
    """{"a": {"b": [1, 2]}} as {"a.b.0": 1, "a.b.1": 2}: what QEMU's own key=value form calls them."""
    into = {} if into is None else into
    if isinstance(value, dict):
        for key, member in value.items():
            flatten(member, f"{prefix}.{key}" if prefix else key, into)
        if not value and prefix:
            into[prefix] = "{}"
    elif isinstance(value, list):
        for i, member in enumerate(value):
            flatten(member, f"{prefix}.{i}", into)
        if not value:
            into[prefix] = "[]"
    else:
        into[prefix] = "<null>" if value is None else value  # None is "not there"
    return into


def split_commas(text):
    """At commas; two of them are one in the value."""
    return [part.replace("\0", ",") for part in text.replace(",,", "\0").split(",")]


def read_pairs(text, first):
    properties = {}
    for i, part in enumerate(split_commas(text)):
        key, equals, value = part.partition("=")
        if not equals:
            key, value = (first, part) if i == 0 and first else (part, "on")
            if i > 0 and part[:1] in "+-":
                key, value = part[1:], "on" if part[0] == "+" else "off"
        n, unique = 1, key
        while unique in properties:  # hostfwd=…,hostfwd=…
            n += 1
            unique = f"{key}#{n}"
        properties[unique] = value
    return properties


def read_value(option, text):
    first, identity = PAIRS[option]
    if text.startswith("{"):
        properties = flatten(json.loads(text))
    elif option == "-numa" or option != "-acpitable":
        properties = read_pairs(text, first)
    else:
        properties = {"table": text}
    named = [str(properties[key]) for key in identity if key in properties]
    return option[1:] + (f"[{','.join(named)}]" if named else ""), properties


def read_global(text):
    if text.startswith("driver="):
        p = read_pairs(text, None)
        return f"global[{p.get('driver')}.{p.get('property')}]", {"value": p.get("value")}
    name, _, value = text.partition("=")
    return f"global[{name}]", {"value": value}


def parse_words(words):
    words = list(words)
    argv = Argv(words=list(words))
    while words and re.match(r"^[A-Za-z_][A-Za-z0-9_]*=", words[0]):
        name, _, value = words.pop(0).partition("=")
        argv.environment[name] = value
    if not words:
        raise SyntaxProblem("there is no emulator")
    argv.emulator = words.pop(0)
    while words:
        option = words.pop(0)
        if option.startswith("--"):
            option = option[1:]
        if option in FLAGS or not option.startswith("-") or not words:
            argv.add(option.lstrip("-"), {}, option)
            continue
        if option not in PAIRS and option != "-global":
            # A word of qemu:commandline or one that needs no structure: -uuid, -kernel, -k …
            if words[0].startswith("-") and option not in ("-append",):
                argv.add(option[1:], {}, option)
            else:
                text = words.pop(0)
                argv.add(option[1:], {"value": text}, f"{option} {text}")
            continue
        text = words.pop(0)
        identity, properties = read_global(text) if option == "-global" else read_value(option, text)
        argv.add(identity, properties, f"{option} {text}")
    return argv


def parse(text):
    """What `domxml-to-native` prints: words as a shell reads them, lines perhaps continued by a backslash."""
    return parse_words(shlex.split(text))


# --- comparing ---

def plain(value):
    return "on" if value is True else "off" if value is False else str(value)


def same(a, b):
    """JSON knows numbers from strings and so does QEMU; key=value does not."""
    if a is None or b is None:
        return a is b
    if type(a) is type(b):
        return a == b
    return False


def same_written(a, b, both_json):
    return same(a, b) if both_json else a is not None and b is not None and plain(a) == plain(b)


def compare_entry(ours, theirs):
    both_json = "{" in ours.text[:24] and "{" in theirs.text[:24]
    for name in list(theirs.properties) + [n for n in ours.properties if n not in theirs.properties]:
        a, b = ours.properties.get(name), theirs.properties.get(name)
        if not same_written(a, b, both_json):
            yield Difference(f"{ours.identity}.{name}", a, b)


def compare_order(ours, theirs):
    for option in ORDERED:
        a, b = ours.order(option), theirs.order(option)
        both = set(a) & set(b)
        a, b = [i for i in a if i in both], [i for i in b if i in both]
        if a != b:
            at = next(i for i, (x, y) in enumerate(zip(a, b)) if x != y)
            yield Difference(f"order of {option}", " ".join(a[at:at + 4]), " ".join(b[at:at + 4]))


def compare(ours, theirs):
    """Every difference, in the order of their command line."""
    if ours.emulator != theirs.emulator:
        yield Difference("emulator", ours.emulator, theirs.emulator)
    for name in sorted({*ours.environment, *theirs.environment}):
        if ours.environment.get(name) != theirs.environment.get(name):
            yield Difference(f"environment.{name}", ours.environment.get(name), theirs.environment.get(name))
    for identity in list(theirs.entries) + [i for i in ours.entries if i not in theirs.entries]:
        a, b = ours.entries.get(identity), theirs.entries.get(identity)
        if a and b:
            yield from compare_entry(a, b)
        else:
            yield Difference(identity, a and a.text, b and b.text)
    yield from compare_order(ours, theirs)
