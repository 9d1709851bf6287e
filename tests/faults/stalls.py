# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody stands still (SIGSTOP) from a random moment of a start, of a run, of a save, of a stop: the monitor; or QEMU, whose QMP then
says nothing, for a while or for good."""

import contextlib
import os
import signal
import time

from engine import Hit, Length, Row
from harness import Failure, check, check_equal, run
from kills import STAGES, Operation, Ours, after, killing, prepare_stage, recover, strike
from victims import ANSWER

PATIENCE = 20  # seconds for a question about a machine that stands still; QMP's own limit is below


class Stalled(Ours):
    """Nobody who goes on later is an excuse for a guest that is lost."""

    def __init__(self):
        super().__init__("qemu")
        self.excused = False


def go_on(m, stage, rng):
    time.sleep(rng.random() * 1.5)  # as long as it stands still
    pid = m.pid("qemu")
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def for_a_while(stage, length):
    victim = Stalled()

    def inject(lane, rng):
        m = lane.machine
        before = prepare_stage(lane, stage, rng)
        state = victim.before(m, stage)
        operation = Operation(m, stage, rng)
        where = strike(victim, operation, state, length, rng, signal.SIGSTOP)
        try:
            if where:
                go_on(m, stage, rng)
            rc = operation.command.end()
            outcome = after(lane, victim, stage, before, operation, rc)
            check(not where or stage == "save" or rc == 0, f"failed, though QEMU only took longer: {operation.command.err!r}")
            recover(lane, victim, stage, before)
        except Failure as e:
            raise Failure(f"{operation.words[:3]} hit at [{where}]: {e}") from e
        return Hit(where, outcome, rc=rc, words=" ".join(operation.words[:3]))

    return inject


def timed(what, function):
    began = time.monotonic()
    value = function()
    took = time.monotonic() - began
    check(took < PATIENCE, f"{what} took {took:.0f} s")
    return value


def still_destroyed(lane, operation):
    """Nobody waits for it for long, and it can be ended."""
    m = lane.machine
    timed("domstate", m.state)
    timed("list", m.check_answers)
    done = timed("destroy", lambda: run(["vmunit", "-q", "destroy", m.name], timeout=3 * ANSWER))
    rc = operation.command.end()
    m.settle()
    state = m.state()
    check(state[0] == "shut off", f"destroyed ({done.rc}, {done.err!r}), and it is {state}")
    m.check_gone()
    m.check_files()
    m.check_no_torn_files()
    return rc, state


def for_good(stage, length):
    victim = Ours("qemu")

    def inject(lane, rng):
        m = lane.machine
        before = prepare_stage(lane, stage, rng)
        state = victim.before(m, stage)
        operation = Operation(m, stage, rng)
        where = strike(victim, operation, state, length, rng, signal.SIGSTOP)
        try:
            if not where:
                rc = operation.command.end()
                outcome = after(lane, victim, stage, before, operation, rc)
            else:
                rc, (word, reason) = still_destroyed(lane, operation)
                outcome = f"{word} ({reason})"
                check_equal(rc == 0 and stage == "save", m.has_save() and stage == "save", "saved, and there is a save")
            recover(lane, victim, stage, before)
        except Failure as e:
            raise Failure(f"{operation.words[:3]} hit at [{where}]: {e}") from e
        return Hit(where, outcome, rc=rc, words=" ".join(operation.words[:3]))

    return inject


def rows():
    return [*(Row("stall-monitor", stage, killing(Ours("monitor"), stage, Length(), signal.SIGSTOP)) for stage in STAGES),
            *(Row("stall-qemu", stage, for_a_while(stage, Length())) for stage in STAGES),
            *(Row("freeze-qemu", stage, for_good(stage, Length())) for stage in STAGES)]
