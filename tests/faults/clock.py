# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wall clock jumps at a random moment of a start, of a run, of a save, of a stop: by a second or by years, on and back. What is asked for
is done all the same.

The container shares its clock with the machine, so it is a library (clock.c) that jumps, in all programs that the container executes
from then on: ours, QEMU, strangers' but systemd itself. It stays where it has jumped to until it jumps again."""

import contextlib
import os
import struct
import time

from engine import Hit, Length, Row
from harness import Failure, check, check_equal, run_ok
from kills import STAGES, Operation, Ours, after, prepare_stage, recover
from victims import read

LIBRARY = "/usr/lib/vmunit-faults-clock.so"
OFFSET = "/usr/share/vmunit-faults/clock"
PRELOAD = "/etc/ld.so.preload"
JUMPS = (1, 60, 3600, 86400, 366 * 86400, 10 * 366 * 86400)


def set_offset(seconds):
    with open(OFFSET, "r+b", buffering=0) as f:
        f.write(struct.pack("<q", seconds))


def before(everything):
    os.makedirs(os.path.dirname(OFFSET), exist_ok=True)
    for lane in everything.lanes:
        lane.machine.destroy()
    with open(OFFSET, "wb") as f:
        f.write(bytes(8))
    with open(PRELOAD, "w", encoding="ascii") as f:
        f.write(LIBRARY + "\n")
    set_offset(-86400 * 1000)
    said = int(run_ok(["date", "+%s"]))
    check(abs(time.time() - 86400 * 1000 - said) < 60, f"the clock does not jump: {said}")
    set_offset(0)


def end(everything):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(PRELOAD)
    for lane in everything.lanes:
        lane.machine.destroy()


class Clock(Ours):
    def __init__(self):
        super().__init__("clock")


def jumping(stage, length):
    def inject(lane, rng):
        m = lane.machine
        before_it = prepare_stage(lane, stage, rng)
        for program, pid in m.processes().items():
            check(b"vmunit-faults-clock" in (read(f"/proc/{pid}/maps") or b"vmunit-faults-clock"), f"{program} has the machine's clock")
        operation = Operation(m, stage, rng)
        began = time.monotonic()
        where = None
        if length.seconds is None:
            while operation.goes_on() and stage != "run" and time.monotonic() - began < 5:
                time.sleep(0.0005)
            length.measured(time.monotonic() - began if stage != "run" else 0.05)
        else:
            time.sleep(length.moment(rng))  # the random moment: nothing is waited for
            where = m.where()
            if operation.goes_on():
                set_offset(rng.choice((-1, 1)) * rng.choice(JUMPS))
                length.hit()
            else:
                where = None
                length.late()
        try:
            rc = operation.command.end()
            outcome = after(lane, Clock(), stage, before_it, operation, rc)
            check_equal(rc, 0, f"status; {operation.command.err!r}")
            check("vain" not in outcome, "the guest was not asked")
            recover(lane, Clock(), stage, before_it)
        except Failure as e:
            raise Failure(f"{operation.words[:3]} hit at [{where}]: {e}") from e
        return Hit(where, outcome, rc=rc)

    return inject


def rows():
    return [Row("clock-jump", stage, jumping(stage, Length()), before=before, after=end) for stage in STAGES]
