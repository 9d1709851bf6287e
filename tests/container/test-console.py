# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who has a guest's console, and how another gets it."""

import os
import pty
import re
import signal
import subprocess

from harness import Console, Failure, case, check, check_equal, check_match, main, run, run_ok, wait_for, wait_for_exit
from vm import Vm, list_states

BUSY = "Active console session exists for this domain"
TAKEN = r"^error: another session has taken over the console of domain 'talk'$"


class Session:
    """`vmunit ARGUMENTS`, on a terminal of its own."""

    def __init__(self, *arguments):
        self.verb = arguments[0]
        self.pid, fd = pty.fork()
        if self.pid == 0:
            os.execvp("vmunit", ["vmunit", *arguments])
        self.terminal = Console(fd)

    def connected(self, name):
        self.terminal.expect(rf"^Connected to domain '{name}'.*$", 20)
        if self.verb == "console":
            self.terminal.expect(r"^Escape character is .*$", 20)
        return self

    def types(self, text):
        os.write(self.terminal.fd, text)

    def ends(self, status, text=None):
        if text:
            self.terminal.expect(text, 10)
        wait_for_exit(self.pid, 10)
        check_equal(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), status, "exit status of the session")
        self.terminal.close()


def with_pty(machine):
    machine.xml = re.sub(r"<serial type='file'>.*</serial>", "<serial type='pty'/>", machine.xml).replace("vmunit.count", "")
    return machine


def answers(terminal):
    try:
        return terminal.expect(r"^vmunit-guest: done cmdline 0$", 2)
    except Failure:
        return None


@case
def taken_by_force():
    """One session at a time, also behind a monitor that was replaced; the one before ends, and does not share."""
    machine = with_pty(Vm("talk")).write()
    try:
        run_ok(["vmunit", "start", "talk"])
        first = Session("console", "talk").connected("talk")
        # The guest may have said that it is up before anybody listened.
        wait_for(lambda: first.terminal.send("cmdline") or answers(first.terminal), 90, "an answer", interval=0.5)
        Session("console", "talk").ends(1, BUSY)

        second = Session("console", "talk", "--force").connected("talk")
        first.ends(1, TAKEN)
        for _ in range(10):
            check_match("console=ttyS0 quiet", "\n".join(second.terminal.ask("cmdline")), "the guest's answer")
        Session("console", "talk").ends(1, BUSY)

        # It outlives a monitor, and the next one still reaches it.
        os.kill(machine.monitor(), signal.SIGKILL)
        wait_for(lambda: run(["vmunit", "qemu-monitor-command", "talk", '{"execute":"query-status"}']).rc == 0, 20,
                 "the next monitor")
        second.terminal.ask("cmdline")
        Session("console", "talk").ends(1, BUSY)
        third = Session("console", "talk", "--force", "--devname", "serial0").connected("talk")
        second.ends(1, TAKEN)
        third.terminal.ask("cmdline")

        # It is free when its session has ended, whichever way.
        os.kill(third.pid, signal.SIGKILL)
        third.ends(-signal.SIGKILL)
        for _ in range(2):
            free = Session("console", "talk").connected("talk")
            free.terminal.ask("cmdline")
            free.types(b"\x1d")
            free.ends(0)
    finally:
        machine.remove()


class Looking(Session):
    """`vmunit console --read-only`"""

    def __init__(self, name):
        super().__init__("console", name, "--read-only")
        self.terminal.expect(rf"^Connected to domain '{name}', read-only.*$", 20)
        self.terminal.expect(r"^Escape character is .*$", 20)

    def sees(self, text):
        return self.terminal.expect(text, 20)

    def ends(self, status=0, text=None):
        self.types(b"halt\r\x1d")
        super().ends(status, text)


def asked_by(asking, looking):
    """The answer is seen by all of LOOKING."""
    asking.terminal.ask("cmdline")
    for session in looking:
        session.sees(r"console=ttyS0 quiet")
        session.sees(r"^vmunit-guest: done cmdline 0$")


def one_too_many(name, room):
    """As many as there is room for look on, without a terminal; the next is told."""
    command = ["vmunit", "console", name, "--read-only"]
    others = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(room)]
    try:
        for other in others:
            check_match(rf"^Connected to domain '{name}', read-only$", other.stdout.readline().decode().strip(), "the first line")
        refused = run(command)
        check_equal(refused.rc, 1, "exit status of one too many")
        check_match("too many sessions look at the consoles of this domain", refused.err, "one too many")
    finally:
        for other in others:
            other.terminate()
            check_equal(other.wait(10), 0, "exit status of one that was told to end")


@case
def looked_at():
    """Others look on, whoever has it; one that does not read holds up nobody; a monitor that is replaced is not noticed."""
    machine = with_pty(Vm("talk")).write()
    try:
        run_ok(["vmunit", "start", "talk"])
        early = Looking("talk")
        early.sees(r"^vmunit-guest: ready$")
        holder = Session("console", "talk").connected("talk")
        wait_for(lambda: holder.terminal.send("cmdline") or answers(holder.terminal), 90, "an answer", interval=0.5)
        late = Looking("talk")
        asked_by(holder, [early, late])

        # What is typed does not reach the guest, which would halt.
        early.types(b"halt\r")
        asked_by(holder, [early, late])

        # Stopped, it loses what has no room, and is told.
        os.kill(late.pid, signal.SIGSTOP)
        for _ in range(300):
            holder.terminal.ask("cmdline")
        os.kill(late.pid, signal.SIGCONT)
        asked_by(holder, [early, late])

        # With the next monitor it goes on.
        old = machine.monitor()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: machine.monitor() not in (None, old), 20, "the next monitor")
        seen = early.terminal.position
        wait_for(lambda: holder.terminal.ask("cmdline") and "done cmdline" in early.terminal.text[seen:], 20, "a copy by the next monitor", interval=0.2)
        asked_by(holder, [early])

        # Another takes it over, and leaves it: they stay.
        third = Session("console", "talk", "--force").connected("talk")
        holder.ends(1, TAKEN)
        asked_by(third, [early, late])
        third.types(b"\x1d")
        third.ends(0)
        late.ends()
        fourth = Session("console", "talk").connected("talk")
        asked_by(fourth, [early])
        one_too_many("talk", 15)

        run_ok(["vmunit", "destroy", "talk"])
        wait_for_exit(early.pid, 20)
        check_equal(os.waitstatus_to_exitcode(os.waitpid(early.pid, 0)[1]), 0, "exit status of who looked on")
        fourth.ends(0)
    finally:
        machine.remove()


@case
def begun_with_its_console():
    """--console of start and create: what they say, then the session; the domain outlives it. Without a terminal it runs, too."""
    machine = with_pty(Vm("at-once")).write()
    fleeting = with_pty(Vm("fleeting"))
    fleeting.unit = "vmunit-vm-fleeting.service"
    with open("/tmp/fleeting.xml", "w", encoding="utf-8") as f:
        f.write(fleeting.xml)
    try:
        for words, done, name in ((["start", "at-once"], "Domain 'at-once' started", "at-once"),
                                  (["create", "/tmp/fleeting.xml"], "Domain 'fleeting' created from /tmp/fleeting.xml", "fleeting")):
            session = Session(*words, "--console")
            session.terminal.expect(rf"^{done}$", 30)
            session.connected(name)
            session.terminal.expect(r"^vmunit-guest: ready$", 90)
            session.types(b"\x1d")
            session.ends(0)
            check_equal(run_ok(["vmunit", "domstate", name]).strip(), "running")
            run_ok(["vmunit", "destroy", name])
        result = run(["vmunit", "start", "at-once", "--console"])
        check_equal(result.rc, 1, "exit status without a terminal")
        check_match("^error: Cannot run interactive console without a controlling TTY$", result.err)
        check_equal(run_ok(["vmunit", "domstate", "at-once"]).strip(), "running", "state of what was started without a terminal")
    finally:
        machine.remove()
        fleeting.remove()


@case
def run_goes_on_without_its_console():
    """That somebody takes the console of `vmunit run` does not end the domain; ^C does."""
    machine = with_pty(Vm("lent").without_guest())
    machine.unit = "vmunit-vm-lent.service"
    with open("/tmp/lent.xml", "w", encoding="utf-8") as f:
        f.write(machine.xml)
    try:
        runner = Session("run", "/tmp/lent.xml").connected("lent")
        other = Session("console", "lent", "--force").connected("lent")
        runner.terminal.expect(r"^Another session has taken over the console of domain 'lent'; \^C ends it$", 10)
        other.types(b"\x1d")
        other.ends(0)
        check_equal(run_ok(["vmunit", "domstate", "lent"]).strip(), "running")
        runner.types(b"\x03")
        runner.ends(0, r"^Domain 'lent' has ended$")
        check("lent" not in list_states(), "the domain is still there")
    finally:
        machine.remove()


if __name__ == "__main__":
    main()
