# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs rows of faults: each until it has hit its stage often enough, and writes down every injection."""

import ctypes
import json
import os
import random
import select
import signal
import threading
import time
import traceback

from harness import Failure, journal_note
from victims import PROGRAMS, Machine, kind_of

PROBLEMS_MAX = 20   # more of a row say nothing new
MISSES = 6          # times as many attempts as hits are wanted
LANES = 3


class Hit:
    """What one attempt came to. Without `stage` the fault came too late, or too early: it does not count."""

    def __init__(self, stage=None, outcome="", **more):
        self.stage, self.outcome, self.more = stage, outcome, more


class Row:
    """A fault in a stage. `inject(lane, rng)` returns a Hit, and raises Failure when something does not hold."""

    def __init__(self, fault, stage, inject, *, lanes=LANES, before=None, after=None, uefi=True, first=0, most=None):
        self.fault, self.stage, self.inject, self.lanes = fault, stage, inject, lanes
        self.before, self.after, self.uefi, self.first, self.most = before, after, uefi, first, most
        self.name = f"{fault}/{stage}"


class Length:
    """How long something takes, as measured, and random moments of it. It follows what it meets: a delay that came too late makes
    it shorter, one that hit a little longer, so that the end of a stage is met as its beginning is."""

    def __init__(self):
        self.seconds, self.lock = None, threading.Lock()

    def measured(self, seconds):
        with self.lock:
            self.seconds = seconds if self.seconds is None else 0.8 * self.seconds + 0.2 * seconds

    def moment(self, rng):
        return rng.random() * (self.seconds or 0.05)

    def late(self):
        with self.lock:
            self.seconds = max(0.0005, (self.seconds or 0.05) * 0.93)

    def hit(self):
        with self.lock:
            self.seconds = min(5.0, (self.seconds or 0.05) * 1.02)


class Executions:
    """Wakes up when one of our programs is executed, anywhere: the kernel says that its file was opened."""

    OPEN = 0x20

    def __init__(self, *programs):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        for program in programs:
            if libc.inotify_add_watch(self.fd, os.fsencode(PROGRAMS[program]), ctypes.c_uint32(self.OPEN)) < 0:
                raise OSError(ctypes.get_errno(), "inotify_add_watch", PROGRAMS[program])

    def wait(self, timeout):
        if not select.select([self.fd], [], [], max(0, timeout))[0]:
            return False
        try:
            os.read(self.fd, 65536)
        except BlockingIOError:
            pass
        return True

    def pid(self, machine, program, step, going_on, timeout=30):
        """(pidfd, pid) of the program of this machine as soon as it is there; None when it does not come while GOING_ON."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            more = self.wait(0.05)
            # The event comes before the process is the program: a moment later it is.
            until = time.monotonic() + (0.01 if more else 0)
            while True:
                pid = machine.pid(program, step)
                if pid:
                    try:
                        return os.pidfd_open(pid), pid
                    except ProcessLookupError:
                        pass
                if time.monotonic() >= until:
                    break
                time.sleep(0.0002)
            if not going_on():
                return None
        return None

    def close(self):
        os.close(self.fd)


def send(pidfd, number):
    """Whether there was still somebody to get the signal."""
    try:
        signal.pidfd_send_signal(pidfd, number)
        return not select.select([pidfd], [], [], 0)[0] if number != signal.SIGKILL else True
    except ProcessLookupError:
        return False


def ended(pidfd):
    return bool(select.select([pidfd], [], [], 0)[0])


class Lane:
    """A machine, and what happens to it, one thing after another."""

    def __init__(self, number):
        self.number = number
        self.machine = Machine(f"f{number}", uefi=number == 2)
        self.down = True


class Run:
    """All rows of one run."""

    def __init__(self, seed, times, directory, lanes=LANES):
        self.seed, self.times, self.directory = seed, times, directory
        self.lanes = [Lane(n) for n in range(lanes)]
        self.lock = threading.Lock()
        self.results = []
        self.log = open(os.path.join(directory, "injections.jsonl"), "a", encoding="utf-8")

    def row(self, row):
        """Runs it; its line of the table."""
        self.attempts = self.hits = 0
        self.stages, self.outcomes, self.problems, self.kinds, self.seconds = {}, {}, [], {}, 0.0
        self.wanted = min(self.times, row.most or self.times)
        began = time.monotonic()
        journal_note(f"row {row.name} begins")
        try:
            if row.before:
                row.before(self)
        except Failure as e:
            self.problems += [f"at the beginning: {e}"] * PROBLEMS_MAX
            print(f"    problem: {row.name}: {e}", flush=True)
        lanes = [k for k in self.lanes if row.uefi or not k.machine.uefi][row.first:][:row.lanes]
        threads = [threading.Thread(target=self.work, args=(row, lane)) for lane in lanes]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        try:
            if row.after:
                row.after(self)
        except Failure as e:
            self.problems.append(f"at the end: {e}")
            self.kinds[kind_of(e)] = self.kinds.get(kind_of(e), 0) + 1
        took = time.monotonic() - began
        result = {"fault": row.fault, "stage": row.stage, "wanted": self.wanted, "attempts": self.attempts, "hits": self.hits,
                  "stages": self.stages, "outcomes": self.outcomes, "problems": self.problems,
                  "problem_kinds": self.kinds, "seconds": round(took, 1),
                  "seconds_each": round(self.seconds / max(1, self.attempts), 3)}
        self.results.append(result)
        return result

    def next(self, row):
        with self.lock:
            if self.hits >= self.wanted or self.attempts >= MISSES * self.wanted + 20 or len(self.problems) >= PROBLEMS_MAX:
                return None
            self.attempts += 1
            return self.attempts

    def work(self, row, lane):
        while (number := self.next(row)) is not None:
            rng = random.Random(f"{self.seed}/{row.name}/{number}")
            began = time.monotonic()
            entry = {"row": row.name, "number": number, "machine": lane.machine.name}
            journal_note(f"{row.name} {number} on {lane.machine.name}")
            try:
                hit = row.inject(lane, rng)
                entry |= {"hit": hit.stage is not None, "stage": hit.stage, "outcome": hit.outcome, **hit.more}
            except Exception as e:  # whatever it is, it is a finding, and the others go on
                where = "" if isinstance(e, Failure) else "".join(traceback.format_tb(e.__traceback__)[-2:])
                entry |= {"hit": True, "stage": getattr(e, "stage", "?"), "outcome": "problem", "kind": kind_of(e),
                          "problem": f"{type(e).__name__}: {e} {where}"}
                print(f"    problem: {row.name} {number} on {lane.machine.name}: {e} {where}", flush=True)
                journal_note(f"{row.name} {number}: problem: {e}")
                lane.machine.forget_failure()
            entry["seconds"] = round(time.monotonic() - began, 3)
            self.note(entry)

    def note(self, entry):
        with self.lock:
            self.seconds += entry["seconds"]
            if entry["hit"]:
                self.hits += 1
                self.stages[entry["stage"]] = self.stages.get(entry["stage"], 0) + 1
                self.outcomes[entry["outcome"]] = self.outcomes.get(entry["outcome"], 0) + 1
            if "problem" in entry:
                self.kinds[entry["kind"]] = self.kinds.get(entry["kind"], 0) + 1
                self.problems.append(f"{entry['number']} on {entry['machine']}: {entry['problem']}")
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()
