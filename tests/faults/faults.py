#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs on a booted system: injects faults into machines, and looks whether anything is lost by them.

    faults.py [--times N] [--seed SEED] [--lanes N] [ROW…]

A ROW is a glob of FAULT/STAGE ("kill-monitor/*"); all unless given. README.md says what they are. Writes injections.jsonl, a line for each injection,
and faults.json into the directory of results. The last line is "N passed, N failed, N skipped", of rows."""

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


def table(results):
    lines = [f"{'fault':16} {'stage':10} {'hits':>5} {'of':>5} {'problems':>8} {'s each':>7} {'s':>6}  outcomes"]
    for r in results:
        outcomes = ", ".join(f"{n} {o}" for o, n in sorted(r["outcomes"].items(), key=lambda i: -i[1]))
        lines.append(f"{r['fault']:16} {r['stage']:10} {r['hits']:5} {r['attempts']:5} {len(r['problems']):8} {r['seconds_each']:7.2f} "
                     f"{r['seconds']:6.0f}  {outcomes}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", default=None)
    parser.add_argument("--lanes", type=int, default=LANES)
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
    print(f"seed {seed}, {options.times} times each", flush=True)
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
        with open(os.path.join(os.environ["VMUNIT_RESULTS"], "faults.json"), "w", encoding="utf-8") as f:
            json.dump({"seed": seed, "rows": everything.results}, f, indent=1)
    for lane in everything.lanes:
        run(["vmunit", "-q", "destroy", lane.machine.name])
    print(table(everything.results))
    with open(os.path.join(os.environ["VMUNIT_RESULTS"], "table.txt"), "w", encoding="utf-8") as f:
        f.write(f"seed {seed}\n{table(everything.results)}\n")
    print(f"{passed} passed, {failed} failed, 0 skipped", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
