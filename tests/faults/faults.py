#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs on a booted system: injects faults into machines, and looks whether anything is lost by them.

    faults.py [--times N] [--seed SEED] [--lanes N] [--commit COMMIT] [ROW…]

A ROW is a glob of FAULT/STAGE ("kill-monitor/*"); all unless given. README.md says what they are. Writes injections.jsonl, a line for each injection,
faults.json, table.txt and table.md (tables.py) into the directory of results. The last line is "N passed, N failed, N skipped", of rows."""

import argparse
import fnmatch
import json
import os
import random
import sys

import clock
import cycles
import errors
import full
import kills
import power
import stalls
import tables
from engine import LANES, Run
from harness import run, run_ok

FAMILIES = (kills, stalls, errors, full, clock, cycles, power)
# What limits how often a unit may be started is a matter of how often faults are injected here.
LIMITS = ("vm@.service", "dbus.service", "systemd-machined.service", "systemd-journald.service", "systemd-logind.service", "polkit.service")
SOCKETS = ("dbus.socket", "systemd-journald.socket", "systemd-journald-dev-log.socket")


def lift_limits():
    for unit in (*LIMITS, *SOCKETS):
        directory = f"/etc/systemd/system/{unit}.d"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/50-faults.conf", "w", encoding="ascii") as f:
            f.write("[Unit]\nStartLimitIntervalSec=0\n")
            if unit in SOCKETS:
                f.write("[Socket]\nTriggerLimitIntervalSec=0\n")
    run_ok(["systemctl", "daemon-reload"])


def positive(text):
    n = int(text)
    if n < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1: {text}")
    return n


def write(everything, options):
    result = {"commit": options.commit, "seed": everything.seed, "times": options.times, "rows": everything.results}
    for name, content in (("faults.json", json.dumps(result, indent=1)), ("table.txt", tables.text(result)),
                          ("table.md", tables.markdown(result))):
        with open(os.path.join(everything.directory, name), "w", encoding="utf-8") as f:
            f.write(content)
    return tables.text(result)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=positive, default=200)
    parser.add_argument("--seed", default=None)
    parser.add_argument("--lanes", type=positive, default=LANES)
    parser.add_argument("--commit", default="unknown", help="what is tested, for the tables")
    parser.add_argument("--check", action="store_true", help="only look whether there are such rows")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    options = parser.parse_args()
    rows = [r for family in FAMILIES for r in family.rows()]
    for glob in options.rows:
        if not any(fnmatch.fnmatchcase(r.name, glob) for r in rows):
            sys.exit(f"no row is called {glob}; there are: {' '.join(r.name for r in rows)}")
    rows = [r for r in rows if not options.rows or any(fnmatch.fnmatchcase(r.name, g) for g in options.rows)]
    if options.check:
        return 0
    seed = options.seed or str(random.SystemRandom().randrange(1 << 32))
    print(f"commit {options.commit}, seed {seed}, {options.times} times each", flush=True)
    lift_limits()
    # A system that is up is one on which QEMU has been probed.
    everything = Run(seed, options.times, os.environ["VMUNIT_RESULTS"], options.lanes)
    for lane in everything.lanes:
        lane.machine.define()
    run_ok(["systemctl", "daemon-reload"])
    passed = failed = 0
    for row in rows:
        result = everything.row(row)
        enough = result["hits"] >= result["wanted"]
        good = enough and not result["problems"]
        passed, failed = passed + good, failed + (not good)
        if good:
            print(f"ok {row.name}: {result['hits']} hits of {result['attempts']} ({result['seconds']} s)", flush=True)
        else:
            why = "" if enough else f"only {result['hits']} hits of {result['attempts']}; "
            print(f"not ok {row.name}: {why}{len(result['problems'])} problems", flush=True)
        said = write(everything, options)
    for lane in everything.lanes:
        run(["vmunit", "-q", "destroy", lane.machine.name])
    print(said, end="")
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
