#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind of machine, one line each, with what its guest says of it: the rows are in lib/machines, and how to add one is
told there. Two machines run at a time, each asked by a process of its own."""

import fnmatch
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import finish, run_cases
from machines import Run, all_machines

AT_ONCE = 2
ASKING = 120  # seconds for what is asked of one kind


def chosen(globs):
    """(machine, kinds) of those that were asked for."""
    for machine in all_machines():
        kinds = [k for k in machine.kinds if not globs or any(fnmatch.fnmatchcase(k.name, glob) for glob in globs)]
        if kinds:
            yield machine, kinds


def play(machine, kinds):
    """Starts the machine with all of these kinds, and asks for one after the other."""
    run = Run(machine, kinds)
    try:
        return run_cases((kind.name, lambda kind=kind: run.observe(kind), machine.boots + ASKING) for kind in kinds)
    finally:
        run.close()


class Worker:
    """A process that plays one machine."""

    def __init__(self, machine, kinds):
        self.alone, self.name, self.n = machine.alone, machine.name, len(kinds)
        self.output = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.pid = os.fork()
        if self.pid == 0:
            os.dup2(self.output.fileno(), 1)
            os.dup2(self.output.fileno(), 2)
            count = play(machine, kinds)
            print(" ".join(map(str, count.values())), flush=True)
            os._exit(0)

    def result(self):
        """What it said, and its counts: all have failed if it did not come to that."""
        self.output.seek(0)
        lines = self.output.read().splitlines()
        self.output.close()
        try:
            passed, failed, skipped = map(int, lines[-1].split())
            return lines[:-1], {"passed": passed, "failed": failed, "skipped": skipped}
        except (ValueError, IndexError):
            return [*lines, f"not ok {self.name}: the process that asks has ended"], {"failed": self.n}


def main(globs):
    pending = sorted(chosen(globs), key=lambda m: m[0].alone)
    if not pending:
        sys.exit(f"no kind matches {globs}")
    total, running = {"passed": 0, "failed": 0, "skipped": 0}, {}
    while pending or running:
        while pending and len(running) < AT_ONCE and not (running and pending[0][0].alone) and \
                not any(worker.alone for worker in running.values()):
            worker = Worker(*pending.pop(0))
            running[worker.pid] = worker
        pid, _ = os.wait()
        lines, count = running.pop(pid).result()
        print("\n".join(lines), flush=True)
        for key, n in count.items():
            total[key] += n
    shutil.rmtree("/var/lib/vm-machines", ignore_errors=True)
    finish(total)


main(sys.argv[1:])
