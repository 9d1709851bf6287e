#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-schema.py PRINT-SCHEMA GOLDEN-DIRECTORY: the schemas against all definitions there are.

Every definition that is accepted, and every effective definition, follows the schema; with one word changed
(an unknown attribute, an unknown element, a value that is none) it does not any more."""

import os
import random
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

program, golden = sys.argv[1:]
# What an element holds is not looked into: other people's XML, and what is read over.
OPEN = {"metadata", "perf", "privateData", "mirror"}


def accepted():
    """Definitions without an .error or .err beside them that name nothing unknown."""
    for folder in ("definitions", "domain"):
        directory = os.path.join(golden, folder)
        for name in sorted(os.listdir(directory)):
            path = os.path.join(directory, name)
            if not name.endswith(".xml") or os.path.exists(path.removesuffix(".xml") + ".error"):
                continue
            out = path.removesuffix(".xml") + ".out"
            if os.path.exists(out) and "warning" in open(out, encoding="utf-8").read():
                continue
            yield path


def refused(schema, paths):
    """{path: message} of the files that do not follow the schema."""
    bad, messages = set(), {}
    for start in range(0, len(paths), 500):
        r = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", schema, *paths[start:start + 500]],
                           capture_output=True, text=True, check=False)
        for line in r.stderr.splitlines():
            if line.endswith(" fails to validate"):
                bad.add(line.removesuffix(" fails to validate"))
            elif ": " in line:
                messages.setdefault(line.split(":")[0], line)
        done = sum(line.endswith((" validates", " fails to validate")) for line in r.stderr.splitlines())
        assert done == len(paths[start:start + 500]), r.stderr[-500:]
    return {p: messages.get(p, "") for p in bad}


def elements(root):
    """All elements that the schema has a word on."""
    for child in root:
        if child.tag not in OPEN and not child.tag.startswith("{"):
            yield child
            yield from elements(child)


def break_attribute(element):
    element.set("nosuch", "1")


def break_child(element):
    ET.SubElement(element, "nosuch")


def break_value(element):
    names = [n for n in ("type", "device", "bus", "mode", "slot", "port", "index") if n in element.attrib
             and element.tag in ("disk", "controller", "interface", "input", "graphics", "cpu", "channel")]
    if not names:
        return False
    element.set(names[0], "no such word")
    return True


def mutants(path, directory):
    """Three wrong copies, each with one change at a place that the file's name decides."""
    chance = random.Random(os.path.basename(path))
    for change in (break_attribute, break_child, break_value):
        tree = ET.parse(path)
        places = list(elements(tree.getroot()))
        chance.shuffle(places)
        if any(change(place) is not False for place in places):
            copy = os.path.join(directory, f"{change.__name__}-{os.path.basename(path)}")
            tree.write(copy)
            yield copy


def devices(paths, directory):
    """Each device of the files in a file of its own, by element."""
    found = {}
    for path in paths:
        for i, device in enumerate(ET.parse(path).getroot().iterfind("devices/*")):
            copy = os.path.join(directory, f"{device.tag}-{i}-{os.path.basename(path)}")
            ET.ElementTree(device).write(copy)
            found.setdefault(device.tag, []).append(copy)
    return found


results = []


def case(name, problems):
    results.append(not problems)
    print(f"{'not ok' if problems else 'ok'} {len(results)} - {name}")
    for problem in problems[:20]:
        print(f"# {problem}")


with tempfile.TemporaryDirectory() as directory:
    schemas, copies = os.path.join(directory, "schemas"), os.path.join(directory, "copies")
    os.mkdir(schemas)
    os.mkdir(copies)
    subprocess.run([program, schemas], check=True)
    domain = os.path.join(schemas, "domain.rng")

    definitions = list(accepted())
    domains = os.path.join(golden, "domain")
    effective = [os.path.join(domains, n) for n in sorted(os.listdir(domains)) if n.endswith(".effective.xml")]
    definitions = [p for p in definitions if not p.endswith(".effective.xml")]
    assert len(definitions) > 80 and len(effective) > 60, (len(definitions), len(effective))
    case(f"{len(definitions)} accepted definitions follow the schema",
         [m or p for p, m in refused(domain, definitions).items()])
    case(f"{len(effective)} effective definitions follow the schema",
         [m or p for p, m in refused(domain, effective).items()])

    wrong = [m for path in effective for m in mutants(path, copies)]
    seen = refused(domain, wrong)
    case(f"{len(wrong)} definitions with one wrong word do not",
         [os.path.basename(p) for p in wrong if p not in seen])

    for tag, paths in sorted(devices(effective, copies).items()):
        if tag == "emulator":
            continue
        schema = os.path.join(schemas, f"{tag}.rng")
        case(f"each <{tag}> follows {tag}.rng",
             [m or p for p, m in refused(schema, paths).items()] if os.path.exists(schema) else ["no such schema"])
    words = re.findall(r'<define name="([^"]*)">', open(domain, encoding="utf-8").read())
    case("no definition stands there twice", sorted({w for w in words if words.count(w) > 1}))

print(f"1..{len(results)}")
sys.exit(0 if all(results) else 1)
