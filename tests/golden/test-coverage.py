#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-coverage.py PRINT-SCHEMA SOURCE-ROOT: is every row of the element tables used by a definition that is
accepted, and every diagnostic of the pure core seen in an expected text?

The rows are taken from the schema, which is made from them. What cannot be shown by a file stands below, with
its reason; an exception that is not needed any more is an error, too."""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

program, root = sys.argv[1:]
tests = os.path.join(root, "tests")
RNG = "{http://relaxng.org/ns/structure/1.0}"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"

# Rows that stand in many tables: one case is enough.
SHARED = ("<acpi>", "<alias>", "<address>", "<boot>", "<rom>", "<seclabel>", "<log>", "<protocol>", "@iommu", "@ats",
          "@packed", "@page_per_vq")
# "definition: word": reason.
ROWS_WITHOUT_CASE = {
    "acceleration: @rendernode": "for the vhostuser driver of a video device, which is not supported",
    "devices-memory: <uuid>": "for POWER machines only: refused",
    "disk-source: @mode": "for volumes of pools, which are not supported",
    "disk-source: @pool": "for volumes of pools, which are not supported",
    "disk-source: @volume": "for volumes of pools, which are not supported",
    "hostdev-source-auth-secret: @uuid": "there are no secrets yet; @usage has a case",
    "interface: <route>": "for containers: QEMU gives the guest no route",
    # Not shown yet.
    "auth: @type": "an old place of the type, which the secret has now",
}
# The beginning of a message: reason.
DIAGNOSTICS_WITHOUT_CASE = {
    "src/domain/domain-validate-info.c": "when memory runs out",
    "XML: ": "changing a text: tests/unit/test-xml-edit.c",
    # Facts of a host: the cases have a host with everything, and an emulator with everything.
    "domain type 'kvm' needs /dev/kvm": "a host without it",
    "this host has no /dev/vhost-net": "a host without it",
    "not supported: <cpu match='strict'> with check='partial'": "a host whose processor is known",
    "nothing is known about the processor": "a host whose processor is not known",
    "is a partition or logical volume": "a chain of images that was looked at",
    "has no 'vmgenid' for <genid>": "an emulator without it",
    "has no video device '%s'": "an emulator without it",
    "has no KVM in it": "an emulator without it",
    "is not possible in a session": "the cases are root's: tests/unit/test-domain.c",
    # For definitions that were not made from a file, which the parser has not checked.
    "<name> is missing": "the element must be there, and a name is never empty",
    "the command line has no -name": "the name of the file stands in",
    # Tables are complete; the last branch says so should a value be added without its line.
    "not supported: <sound model='%s'>": "the last branch of a table",
    "%s: not supported: type '%s'": "the last branch of a table",
    "not supported: <serial> with <target type='%s'>": "the last branch of a table",
    "not supported: <channel> with <target type='%s'>": "the last branch of a table",
    "not supported: a second <console> with <target type='%s'>": "the last branch of a table",
    "not supported: <controller type='%s'>": "the last branch of a table",
    "not supported: <input type='%s' bus='%s'>": "the last branch of a table",
    "not supported: disk %s: protocol '%s'": "the last branch of a table",
    "not supported: disk %s: type '%s'": "the last branch of a table",
    "not supported: disk %s: bus '%s'": "the last branch of a table",
    "not supported: <video> model '%s'": "the last branch of a table",
    # Should two kinds of devices ever be given the same; those that are written are checked before.
    "alias '%s' is used twice: by %s and by %s": "vmunit gives each device its own",
}


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()


def files(directory, suffixes):
    for folder, _, names in sorted(os.walk(os.path.join(tests, directory))):
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.join(folder, name)


# --- rows ---

class Grammar:
    """The definitions of the schema: {name: ({attributes}, {element: definition})}."""

    def __init__(self, path):
        self.definitions = {}
        for define in ET.parse(path).getroot().iter(RNG + "define"):
            attributes, children = set(), {}
            self.read(define, attributes, children)
            self.definitions[define.get("name")] = (attributes, children)
        self.hit = set()

    def read(self, node, attributes, children):
        for child in node:
            if child.get("{urn:vmunit:schema}effect") == "none":
                continue
            if child.tag == RNG + "attribute":
                attributes.update([child.get("name")] if child.get("name") else [
                    n.text for n in child.iter(RNG + "name") if n.get("{urn:vmunit:schema}effect") != "none"])
            elif child.tag == RNG + "element" and child.get("name"):
                name = (f"{{{child.get('ns')}}}" if child.get("ns") else "") + child.get("name")
                references = [r.get("name") for r in child.iter(RNG + "ref")]
                children.setdefault(name, set()).update(references)
                inner = set()
                self.read(child, inner, {})  # attributes told with a value: @unit, @state
            elif child.tag != RNG + "define":
                self.read(child, attributes, children)

    def walk(self, element, definition):
        attributes, children = self.definitions[definition]
        for name in element.keys():
            if name in attributes:
                self.hit.add(f"{definition}: @{name}")
        for child in element:
            if child.tag in children:
                self.hit.add(f"{definition}: <{child.tag.replace(QEMU, 'qemu:')}>")
                for reference in children[child.tag]:
                    if reference != "anything":
                        self.walk(child, reference)

    def rows(self):
        for definition, (attributes, children) in self.definitions.items():
            if definition != "anything":
                yield from (f"{definition}: @{a}" for a in attributes)
                yield from (f"{definition}: <{c.replace(QEMU, 'qemu:')}>" for c in children)


def accepted():
    for folder in ("golden/definitions", "golden/domain", "oracle/domain"):
        for path in files(folder, ".xml"):
            if not os.path.exists(path.removesuffix(".xml") + ".error"):
                yield path


def unused_rows():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([program, directory], check=True)
        grammar = Grammar(os.path.join(directory, "domain.rng"))
    for path in accepted():
        try:
            grammar.walk(ET.parse(path).getroot(), "domain")
        except ET.ParseError:
            pass  # a case of bad namespaces, which our parser warns of
    shared = {f"*: {row.split()[1]}" for row in grammar.hit if row.endswith(SHARED)}
    missing = {f"*: {row.split()[1]}" if row.endswith(SHARED) else row for row in set(grammar.rows()) - grammar.hit}
    return sorted(missing - shared)


# --- diagnostics ---

CALL = re.compile(r"\b(?:diag_error|diag_error_code|diag_warning|xml_reader_error|emit_unwired|emit_refused)\s*\(")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
CONVERSION = re.compile(r"%(?:[-0 #+]*[0-9*]*(?:\.(?:\*|[0-9]+))?(?:hh|h|ll|l|z|j)?[diouxXcsp]|%)")


def arguments(text, start):
    """The text between the parenthesis at START and its end."""
    depth, quoted, i = 0, False, start
    while i < len(text):
        c = text[i]
        if quoted:
            i += c == "\\"
            quoted = c != '"'
        elif c == '"':
            quoted = True
        elif c in "()":
            depth += 1 if c == "(" else -1
            if depth == 0:
                return text[start + 1:i]
        i += 1
    return ""


def formats():
    """Every literal format of a diagnostic, as (place, format)."""
    for folder in ("domain", "domain-xml", "qemu", "plan"):
        for name in sorted(os.listdir(os.path.join(root, "src", folder))):
            if not name.endswith(".c"):
                continue
            text = read(os.path.join(root, "src", folder, name))
            text = text.replace('" PRIu64 "', "lu").replace('" PRId64 "', "ld").replace('" PRIu64', 'lu"').replace('" PRId64', 'ld"')
            for call in CALL.finditer(text):
                # The format is the first string, with those written behind it.
                m = re.search(r'"(?:[^"\\]|\\.)*"(?:\s*"(?:[^"\\]|\\.)*")*', arguments(text, call.end() - 1))
                if not m:
                    continue
                literal = "".join(STRING.findall(m[0])).encode('latin1', 'backslashreplace').decode("unicode_escape")
                yield f"src/{folder}/{name}:{text.count(chr(10), 0, call.start()) + 1}", literal


def is_seen(parts, expected):
    """Only the lines with the longest part are looked at in whole."""
    longest, pattern, at = max(parts, key=len), re.compile(".*?".join(map(re.escape, parts))), 0
    while (at := expected.find(longest, at)) >= 0:
        end = expected.find("\n", at)
        end = len(expected) if end < 0 else end
        if pattern.search(expected, expected.rfind("\n", 0, at) + 1, end):
            return True
        at = end
    return False


def unseen_diagnostics():
    expected = "\n".join(read(p) for p in files("golden", (".err", ".error", ".unwired", ".out", ".txt", "stderr")))
    expected += "\n".join(read(p) for p in files("unit", ".c")) + "\n".join(read(p) for p in files("oracle", (".err", ".error", ".unwired")))
    for place, literal in formats():
        if not is_seen(CONVERSION.split(literal), expected):
            yield f"{place}: {literal}"


# --- the two cases ---

results = []


def case(name, found, exceptions):
    missing = [f for f in found if not any(e in f for e in exceptions)]
    stale = [e for e in exceptions if not any(e in f for f in found)]
    results.append(not missing and not stale)
    print(f"{'ok' if results[-1] else 'not ok'} {len(results)} - {name}")
    for line in missing:
        print(f"# no case: {line}")
    for line in stale:
        print(f"# the exception is not needed: {line}")


print("1..2")
case("every row of the tables is used by a definition", unused_rows(), ROWS_WITHOUT_CASE)
case("every diagnostic is seen in an expected text", list(unseen_diagnostics()), DIAGNOSTICS_WITHOUT_CASE)
sys.exit(0 if all(results) else 1)
