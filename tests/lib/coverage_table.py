#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""coverage_table.py [--pure] COVERAGE.json FAILED SKIPPED: of each folder, how many of its lines were run, and how many must be. FAILED is 1
when a test of those that ran them has failed or counters are missing, which counts as a folder that has too few. With --pure, what only
the container runs is not asked for. The last line is "N passed, N failed, N skipped"."""

import collections
import glob
import json
import os
import sys

PURE, REST = 90, 75
LEAST = {folder: PURE for folder in ("src/basic", "src/domain", "src/domain-xml", "src/qemu", "src/unit", "src/plan")}
# Most of these runs on a systemd only, in the container tier. Without it: what the suites without privileges come to.
ALONE = {"src/host": 68, "src/monitor": 66, "src/operations": 71, "src/prepare": 13, "src/supervisor": 63}
WORST = 12
SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def folders_with_code():
    """Those that must be in the table: one that nobody has counted has no lines too few."""
    found = glob.glob(os.path.join(SOURCES, "src/*/*.c")) + glob.glob(os.path.join(SOURCES, "generators/*.c"))
    return {os.path.relpath(os.path.dirname(path), SOURCES) for path in found}


def main():
    pure = sys.argv[1] == "--pure"
    path, a_test_failed, skipped = sys.argv[1 + pure :]
    with open(path, encoding="utf-8") as f:
        files = json.load(f)["files"]
    folders = collections.defaultdict(lambda: [0, 0])
    for file in files:
        folder = folders[file["filename"].rpartition("/")[0]]
        folder[0] += file["line_covered"]
        folder[1] += file["line_total"]
    for name in folders_with_code():
        folders.setdefault(name, [0, 0])
    passed, failed = len(folders), 0
    print(f"{'':18} {'run':>6} {'lines':>6} {'':>7} {'at least':>8}")
    for name, (run, total) in sorted(folders.items()):
        least = LEAST.get(name, REST)
        if pure:
            least = ALONE.get(name, least)
        percent = 100 * run / total if total else 0.0
        wrong = percent < least
        passed, failed = passed - wrong, failed + wrong
        print(f"{name:18} {run:6} {total:6} {percent:6.1f}% {least:7}%{'  too few' if wrong else ''}")
    print("\nmost lines not run:")
    for file in sorted(files, key=lambda f: f["line_covered"] - f["line_total"])[:WORST]:
        print(f"  {file['line_total'] - file['line_covered']:5} of {file['line_total']:5}  {file['filename']}")
    if a_test_failed != "0":
        print("\nnot ok: a test of them failed, or counters are missing")
        failed += 1
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
