# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether faults of the programs would be reported from where they run: some are there on purpose in a build with sanitizers
(tests/lib/instrument-sanitize.c) or one for valgrind, and have to come out, from inside of the sandbox of a machine as well.
tests/sanitize and tests/memcheck run it first; it takes its own reports away again."""

import glob
import os
import re

from harness import case, check, check_match, main, run, wait_for, wait_for_unit
from vm import vm

NOTES = "/run/vmunit-tests-notes"
FOUND = "heap-buffer-overflow|Invalid write of size 1"
# Those of tests that have run before, outside or in another boot.
BEFORE = set(glob.glob(f"{NOTES}/report.*"))


def own(program="*"):
    """The reports that were written since we began."""
    return set(glob.glob(f"{NOTES}/report.{program}.*")) - BEFORE


def reports(program):
    texts = []
    for path in own(program):
        with open(path, encoding="utf-8", errors="replace") as f:
            texts.append(f.read())
    return "\n".join(texts)


def finding_in(path):
    """The first finding that a report speaks of, or None."""
    with open(f"{NOTES}/findings", encoding="utf-8") as f:
        pattern = f.read().rstrip("\n")
    with open(path, encoding="utf-8", errors="replace") as f:
        return next((line for line in f if re.search(pattern, line)), None)


def is_watched(program):
    with open(f"{NOTES}/watched", encoding="ascii") as f:
        return program in f.read().split()


def planted(program, use):
    """USE runs the program, whose end is no matter here."""
    if not is_watched(program):
        return
    path = f"{NOTES}/plant-{program}"
    with open(path, "w", encoding="ascii"):
        pass
    try:
        use()
        wait_for(lambda: re.search(FOUND, reports(program)), 20, f"a report of {program}")
    finally:
        os.unlink(path)
    text = reports(program)
    for report in own(program):
        os.unlink(report)
    if "AddressSanitizer" in text:
        check_match("runtime error: signed integer overflow", text, f"the report of {program}")


@case
def command_and_generator():
    planted("vmunit", lambda: run(["vmunit", "list"]))
    planted("vmunit-generator", lambda: run(["systemctl", "daemon-reload"]))


@case
def root_step():
    with vm("planted") as machine:
        machine.write()
        planted("vmunit-prepare", lambda: run(["vmunit", "start", machine.name]))


@case(timeout=300)
def sandbox():
    with vm("planted") as machine:
        for program in filter(is_watched, ("vmunit-monitor", "vmunit-supervisor")):
            machine.start()
            planted(program, lambda: run(["vmunit", "destroy", machine.name]))
            wait_for_unit(machine.unit)
    left = {path: line for path in own() if (line := finding_in(path))}
    check(not left, f"there are findings that nobody has planted: {left}")


main()
