#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of states, lib/state_table.py, against libvirt: what virsh says in each cell.

  states.py --virsh "virsh -c URI" [STATE…]   compares; with --print, writes the rows as they stand in the table

The libvirtd must be able to run machines (type qemu)."""

import argparse
import os
import pathlib
import shlex
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "lib"))

from state_table import VIRSH, read
from states import VERBS, Side


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--virsh", required=True)
    parser.add_argument("--print", action="store_true")
    parser.add_argument("state", nargs="*")
    options = parser.parse_args()
    table = read(VIRSH)
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="states") as directory:
        os.chmod(directory, 0o755)
        side = Side(shlex.split(options.virsh), directory)
        try:
            for state in options.state or table:
                if options.print:
                    print(f"== {state}")
                for line, status, text, after in side.cells(state, VERBS.strip().splitlines() if options.print else list(table[state])):
                    if options.print:
                        print(f"{line} | {status} | {after} | {text}".replace("\n", " / ").rstrip(), flush=True)
                    elif (status, text, after) != table[state][line]:
                        failed += 1
                        print(f"not ok {state}: {line}\n  table: {table[state][line]}\n  virsh: {(status, text, after)}")
                    else:
                        passed += 1
        finally:
            side.remove()
    if not options.print:
        print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
