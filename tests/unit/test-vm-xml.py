#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""test-vm-xml.py PRINT-VM-XML VM.XML.5.IN PRINT-SCHEMA: the manual page and the schema, two readers of the same
tables, know the same words; and the page is sound."""

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

page = subprocess.run(sys.argv[1:3], capture_output=True, text=True, check=True).stdout
with tempfile.TemporaryDirectory() as directory:
    subprocess.run([sys.argv[3], directory], check=True)
    schema = ET.parse(f"{directory}/domain.rng").getroot()

RNG = "{http://relaxng.org/ns/structure/1.0}"
documented = set(re.findall(r"^\.It Cm ([@<][^ >\n]+>?)", page, re.M))
failures = []


def bare(word):
    return word.replace("<qemu:", "<").replace("<vmunit:", "<")


words = {f"@{e.get('name')}" for e in schema.iter(RNG + "attribute") if e.get("name")}
words |= {f"@{e.text}" for e in schema.iter(RNG + "name")}  # several attributes with the same values
words |= {f"<{e.get('name')}>" for e in schema.iter(RNG + "element") if e.get("name")}
words.discard("<domain>")
words -= {"@unit", "@state"} - documented  # told with the value
for word in sorted(words - {bare(w) for w in documented}):
    failures.append(f"{word} is in the schema, but not in the page")

sections = re.findall(r"^\.Ss (\S+)$", page, re.M)
for path in {s for s in sections if sections.count(s) > 1}:
    failures.append(f"section {path} stands there twice")
for reference in re.findall(r"^\.Sx (\S+) \.$", page, re.M):
    if reference not in sections:
        failures.append(f"section {reference} is referred to, but is not there")
if "@ELEMENTS@" in page or "\n\n" in page or re.search(r"^\.\n", page, re.M):
    failures.append("the page has a place holder, an empty line or an empty request")
if len(documented) < 200 or len(words) < 150:
    failures.append(f"only {len(documented)} words in the page, {len(words)} in the schema")

print("\n".join(failures) or f"{len(documented)} words, {len(sections)} sections")
sys.exit(bool(failures))
