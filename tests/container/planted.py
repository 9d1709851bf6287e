# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether faults of the programs would be reported from where they run: some are there on purpose in a build with sanitizers
(tests/lib/instrument-sanitize.c), and have to come out, from inside of the sandbox of a machine as well. tests/sanitize runs it
first; it takes its own reports away again."""

import glob
import os
import re

from harness import case, check, check_match, main, run, wait_for, wait_for_unit
from vm import vm

NOTES = "/run/vmunit-tests-notes"
FOUND = "heap-buffer-overflow|Invalid write of size 1"


def reports(program):
    texts = []
    for path in glob.glob(f"{NOTES}/report.{program}.*"):
        with open(path, encoding="utf-8", errors="replace") as f:
            texts.append(f.read())
    return "\n".join(texts)


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
    for report in glob.glob(f"{NOTES}/report.{program}.*"):
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
    left = [path for path in glob.glob(f"{NOTES}/report.*") if os.path.getsize(path) > 0]
    check(not left, f"there are reports that nobody has planted: {left}")


main()
