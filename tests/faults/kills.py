# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody is killed (SIGKILL) at a random moment of a start, of a run, of a save, of a stop."""

import contextlib
import os
import signal
import time

import engine
from engine import Hit, Length, Row
from harness import Failure, check, check_equal, run, run_ok, wait_for
from victims import ANSWER, LOST, Command, called

STAGES = ("start", "run", "save", "stop")
# They are there for the guest, which ends with them.
GUESTS_OWN = ("qemu", "supervisor")
DAEMONS = {"dbus": "dbus.service", "machined": "systemd-machined.service", "journald": "systemd-journald.service"}


class Before:
    """What there was before the fault."""

    def __init__(self, machine, boot, saved):
        self.boot, self.saved = boot, saved   # what tells the guest from others, and whether it was saved
        self.machine = machine


def bring_up(lane):
    m = lane.machine
    if m.state()[0] == "shut off":
        m.start()
    return m.until_guest()


def saved_sometimes(lane, rng):
    """Down; in one of three cases with a managed save. (whether, the guest's number)"""
    m = lane.machine
    if rng.random() >= 1 / 3:
        m.destroy()
        return False, None
    boot = bring_up(lane)
    run_ok(["vmunit", "-q", "managedsave", m.name], timeout=2 * ANSWER)
    m.settle()
    check(m.has_save(), "there is no managed save")
    return True, boot


def prepare_stage(lane, stage, rng):
    if stage == "start":
        saved, boot = saved_sometimes(lane, rng)
        return Before(lane.machine, boot, saved)
    return Before(lane.machine, bring_up(lane), False)


def run_words(m, rng):
    """Something that is asked of a machine that runs."""
    query = ["vmunit", "qemu-monitor-command", m.name, '{"execute":"query-block"}']
    return rng.choice([query, ["vmunit", "domstats", m.name], ["vmunit", "-q", "suspend", m.name], ["vmunit", "dumpxml", m.name]])


def stop_words(m, rng):
    words = [["vmunit", "-q", "destroy", m.name], ["systemctl", "stop", m.unit], ["vmunit", "-q", "shutdown", m.name]]
    # A guest whose firmware is still at work hears of no button.
    return words[0] if m.uefi else rng.choice(words)


def words_of(m, stage, rng):
    if stage == "start":
        return rng.choice([m.start_words(), ["systemctl", "start", m.unit]]) if not m.uefi else m.start_words()
    if stage == "save":
        return ["vmunit", "-q", "managedsave", m.name]
    return run_words(m, rng) if stage == "run" else stop_words(m, rng)


class Operation:
    """What is under way while the fault is injected."""

    def __init__(self, machine, stage, rng):
        self.machine, self.stage = machine, stage
        self.words = words_of(machine, stage, rng)
        self.command = Command(self.words)

    def goes_on(self):
        if self.stage == "run":
            return True
        # A graceful stop goes on when the command that has asked for it has ended.
        return self.command.runs() or (self.stage == "stop" and os.path.exists(self.machine.group))


class Ours:
    """One of our programs, or QEMU: awaited if it is not there yet."""

    def __init__(self, program, step=""):
        self.program, self.step = program, step
        self.excused = program in GUESTS_OWN  # if the guest ends

    def before(self, machine, stage):
        self_exec = stage == "start" or self.program == "prepare"
        watch = engine.Executions(self.program) if self_exec else None
        pid = None if self_exec else machine.pid(self.program, self.step)
        with contextlib.suppress(ProcessLookupError):
            return watch, os.pidfd_open(pid) if pid else -1
        return watch, -1

    def find(self, state, operation):
        watch, fd = state
        if not watch:
            return fd
        found = watch.pid(operation.machine, self.program, self.step, operation.goes_on)
        return found[0] if found else -1

    def done(self, state, fd):
        if state[0]:
            state[0].close()
        if fd >= 0:
            os.close(fd)

    lasts = True  # as long as the process does, if that is shorter than the stage


class Client(Ours):
    """The command itself."""

    def __init__(self):
        super().__init__("client")

    def before(self, machine, stage):
        return None, -1

    def find(self, state, operation):
        return os.pidfd_open(operation.command.process.pid)


class Daemon(Ours):
    """One of the system's."""

    def __init__(self, unit):
        super().__init__("daemon")
        self.unit = unit

    def before(self, machine, stage):
        run(["systemctl", "start", self.unit], timeout=ANSWER)
        pid = int(run_ok(["systemctl", "show", "--value", "-p", "MainPID", self.unit], timeout=ANSWER))
        with contextlib.suppress(ProcessLookupError):
            return None, os.pidfd_open(pid) if pid else -1
        return None, -1


def strike(victim, operation, state, length, rng, number=signal.SIGKILL):
    """The part of the stage in which the signal was sent; None when there was nobody left, or the stage was over."""
    fd = victim.find(state, operation)
    try:
        if fd < 0:
            return None
        began = time.monotonic()
        if length.seconds is None:
            # The first time it is only looked at how long it takes.
            while operation.goes_on() and not engine.ended(fd) and time.monotonic() - began < 5 and operation.stage != "run":
                time.sleep(0.0005)
            length.measured(time.monotonic() - began if operation.stage != "run" else 0.05)
            return None
        time.sleep(length.moment(rng))  # the random moment: nothing is waited for
        where = operation.machine.where()
        if not operation.goes_on() or engine.ended(fd) or not engine.send(fd, number):
            length.late()
            return None
        length.hit()
        return where
    finally:
        victim.done(state, fd)


def stays_up(m, operation):
    """A guest that hears of its button is off in a moment. Of a request that was lost with who had it, nothing is left."""
    try:
        wait_for(lambda: m.properties("ActiveState")["ActiveState"] in ("inactive", "failed"), 5 if "shutdown" in operation.words or operation.command.process.returncode else ANSWER)
        m.settle()
        return False
    except Failure:
        check("shutdown" in operation.words or operation.command.process.returncode != 0, f"{operation.words} is not done: {m.state()}")
        return True


def after(lane, victim, stage, before, operation, rc):
    """What must hold. Returns a word for what has become of it."""
    m = lane.machine
    m.settle()
    lost = stage == "stop" and stays_up(m, operation)
    state, reason = m.state()
    mine = victim.excused
    m.check_answers()
    m.check_files()
    if state == "shut off":
        m.check_gone(cleaned=(victim.program, victim.step) != ("prepare", "cleanup"))
    else:
        m.check_running()
        if stage != "start" and before.boot is not None:
            with called(LOST):
                check_equal((m.guest() or [None])[0], before.boot, "the guest that runs")
    if stage == "start" and rc == 0 and not mine:
        check(state != "shut off", f"the start says that all is well, and it is {state} ({reason})")
    if stage == "save":
        said = state == "shut off" and m.has_save() and (mine or reason == "saved")
        with called(LOST):
            check(rc != 0 or said, f"saved, says vmunit, and it is {state} ({reason})")
            check(state != "shut off" or m.has_save() or mine, f"the guest is gone, and nothing is saved: {state} ({reason})")
        check(state == "shut off" or not m.has_save(), "the guest runs, and its save counts")
    if stage == "run" and not mine:
        with called(LOST):
            check(state != "shut off", f"it has ended: {state} ({reason})")
    # What is restored goes through the monitor; without it that start fails, and what was saved is still there.
    if stage in ("start", "stop") and victim.program == "monitor" and not before.saved:
        check(rc == 0, f"{operation.words} failed: {operation.command.err!r}")
    m.check_no_torn_files()
    return f"{state} ({reason})" + (", asked in vain" if lost else "") + (", saved" if m.has_save() and reason != "saved" else "")


def recover(lane, victim, stage, before):
    """The next start succeeds, and the guest is the one that was saved."""
    m = lane.machine
    state = m.state()[0]
    saved, boot = m.has_save(), before.boot
    if state == "shut off":
        m.start()
        check(m.state()[0] == m.alive, f"started, and it is {m.state()}")
    elif state != m.alive:
        run_ok(["vmunit", "-q", "resume", m.name], timeout=ANSWER)
    now = m.until_guest()
    if saved or (before.saved and not victim.excused):
        with called(LOST):
            check_equal(now, boot, "the guest that was saved")
    m.check_running()


def killing(victim, stage, length, number=signal.SIGKILL):
    def inject(lane, rng):
        before = prepare_stage(lane, stage, rng)
        state = victim.before(lane.machine, stage)
        operation = Operation(lane.machine, stage, rng)
        where = strike(victim, operation, state, length, rng, number)
        try:
            rc = operation.command.end()
            outcome = after(lane, victim, stage, before, operation, rc)
            recover(lane, victim, stage, before)
        except Failure as e:
            e.stage = where
            raise Failure(f"{operation.words[:3]} hit at [{where}]: {e}") from e
        return Hit(where, outcome, rc=rc, words=" ".join(operation.words[:3]))

    return inject


def rows():
    found = []
    for name in ("monitor", "supervisor", "qemu"):
        found += [Row(f"kill-{name}", stage, killing(Ours(name), stage, Length())) for stage in STAGES]
    for stage, step in (("start", "start"), ("start", "register"), ("save", "cleanup"), ("stop", "cleanup")):
        title = stage if step != "register" else "register"
        found.append(Row("kill-prepare", title, killing(Ours("prepare", step), stage, Length())))
    found += [Row("kill-vmunit", stage, killing(Client(), stage, Length())) for stage in ("start", "save", "stop")]
    for name, unit in DAEMONS.items():
        found += [Row(f"kill-{name}", stage, killing(Daemon(unit), stage, Length()), lanes=2) for stage in STAGES]
    return found
