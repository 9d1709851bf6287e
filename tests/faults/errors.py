# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that fail with ENOMEM, or are interrupted: any one of those that one of our programs makes in a start, a run, a save,
a stop. strace makes them fail. Each injection is one call of one program: of all that a run without a fault has made, by chance."""

import contextlib
import os
import re
import select
import subprocess
import time

from clock import PRELOAD
from engine import Hit, Row
from harness import Failure, check, run, run_ok, wait_for
from kills import STAGES, Before, after, bring_up, recover, stop_words
from victims import ANSWER, Command, read

# For which the kernel has these errors. Without mmap and brk there is no memory; without the rest nothing can be opened, sent, made.
CALLS = {
    "ENOMEM": "openat mmap brk read write pread64 pwrite64 socket socketpair connect sendmsg recvmsg sendto recvfrom mkdir mkdirat unlink "
              "unlinkat rename renameat renameat2 linkat symlinkat fsync fdatasync ftruncate fallocate getdents64 newfstatat statx "
              "readlink readlinkat clone clone3 pipe2 memfd_create epoll_create1 epoll_ctl timerfd_create signalfd4 inotify_init1 "
              "inotify_add_watch bind listen fchown fchownat fchmod flock ioctl poll ppoll epoll_wait setxattr fcntl access faccessat2 "
              "chdir prctl mprotect".split(),
    "EINTR": "openat read write pread64 pwrite64 connect accept4 sendmsg recvmsg sendto recvfrom poll ppoll epoll_wait flock fsync "
             "fdatasync fallocate ftruncate wait4 waitid pselect6 statx".split(),
}
SPECS = "/usr/share/vmunit-faults"  # what the VM's own user can read
WRAP = f"{SPECS}/wrap"
HOLDER = "/usr/lib/vmunit-faults-hold.so"
HANG = 40  # seconds
# Seconds for a stop: one that nobody has told the guest of takes longer. But sd-bus, when it is a call of its own that fails, leaves the
# client alone that has just connected, and each side gives the other 25 seconds for that.
PATIENCE = 35
LIBEXEC = "/usr/libexec/vmunit"
# -D: the program is the process that systemd knows, and strace its grandchild.
WRAPPER = f"""#!/bin/sh
spec={SPECS}/$1.$2
shift 2
if [ -s "$spec" ]; then exec strace -D -f -qq $(cat "$spec") "$@"; fi
exec "$@"
"""
DROP_IN = """[Service]
ExecStartPre=
ExecStartPre=+{wrap} {name} prepare-start {libexec}/vmunit-prepare start %i
ExecStart=
ExecStart={wrap} {name} supervisor {libexec}/vmunit-supervisor
ExecStartPost=
ExecStartPost=+-{wrap} {name} prepare-register {libexec}/vmunit-prepare register %i
ExecStopPost=
ExecStopPost=+{wrap} {name} prepare-cleanup {libexec}/vmunit-prepare cleanup %i
SystemCallFilter=@debug
StandardError=append:{trace}
"""


def trace_of(m):
    return f"{SPECS}/{m.name}.trace"


def before(everything):
    os.makedirs(SPECS, exist_ok=True)
    with open(WRAP, "w", encoding="ascii") as f:
        f.write(WRAPPER)
    os.chmod(WRAP, 0o755)
    for lane in everything.lanes:
        m = lane.machine
        m.destroy()
        directory = f"/etc/systemd/system/{m.unit}.d"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/60-errors.conf", "w", encoding="ascii") as f:
            f.write(DROP_IN.format(wrap=WRAP, name=m.name, libexec=LIBEXEC, trace=trace_of(m)))
    run_ok(["systemctl", "daemon-reload"], timeout=ANSWER)
    for lane in everything.lanes:
        # The first start asks QEMU a lot of things, and is not what the others are like.
        lane.machine.start()
        lane.machine.destroy()


def end(everything):
    for lane in everything.lanes:
        lane.machine.destroy()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"/etc/systemd/system/{lane.machine.unit}.d/60-errors.conf")
    run_ok(["systemctl", "daemon-reload"], timeout=ANSWER)


def before_attached(everything):
    os.makedirs(SPECS, exist_ok=True)
    with open(PRELOAD, "w", encoding="ascii") as f:
        f.write(HOLDER + "\n")
    for lane in everything.lanes:
        lane.machine.destroy()


def end_attached(everything):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(PRELOAD)
    for lane in everything.lanes:
        lane.machine.destroy()


class Program:
    """One whose calls fail. SPEC: the name of its wrapper; without, it is the command itself. OPTIONS: strace's. EXCUSED: the guest may
    end by it. HANGS: QEMU is among it, which may wait for ever for what has failed."""

    before, end = staticmethod(before), staticmethod(end)
    uefi = True

    def __init__(self, title, stage, spec=None, program=None, excused=False, hangs=False, cleaned=True, options=()):
        self.title, self.stage, self.spec, self.hangs, self.options = title, stage, spec, hangs, options
        self.program, self.step = ("prepare", "cleanup") if not cleaned else (program or title, "")
        self.excused = excused
        self.calls = {}  # by error, kind of machine, and what was asked for

    def words(self, m, rng):
        if self.stage == "start":
            return m.start_words()
        return ["vmunit", "-q", "managedsave", m.name] if self.stage == "save" else ["vmunit", "-q", "destroy", m.name]

    def traced(self, m, words, options):
        """Runs what there is to run, with strace's options for the program; (exit status, what strace has said, the command)."""
        trace, options = trace_of(m), [*self.options, *options]
        with open(trace, "wb"):
            pass
        command = None
        try:
            command = self.begin(m, words, options, trace)
            command.words = words
            rc = self.ended(m, command)
            m.settle()
        finally:
            self.done(m, command)
        with open(trace, encoding="utf-8", errors="replace") as f:
            return rc, f.read(), command

    def begin(self, m, words, options, trace):
        if not self.spec:
            return Command(["strace", "-f", "-qq", "-o", trace, *options, *words])
        with open(f"{SPECS}/{m.name}.{self.spec}", "w", encoding="ascii") as f:
            f.write(" ".join(options))
        return Command(words)

    def done(self, m, command):
        if self.spec:
            os.unlink(f"{SPECS}/{m.name}.{self.spec}")

    def ended(self, m, command):
        """The exit status. A QEMU that hangs for want of memory holds up its own start, and nothing else: it can be destroyed."""
        if not self.hangs:
            return command.end()
        try:
            command.process.wait(HANG)
        except subprocess.TimeoutExpired:
            where = m.where()
            print(f"    hangs: {m.name} at [{where}]: {read(trace_of(m))[-300:]}", flush=True)
            done = run(["vmunit", "-q", "destroy", m.name], timeout=2 * ANSWER)
            check(done.rc == 0, f"it hangs at [{where}], and cannot be destroyed: {done.err!r}")
        return command.end()

    def learn(self, m, words, error):
        """All calls of a run without a fault: [(call, number), …]."""
        names = CALLS[error]
        rc, text, command = self.traced(m, words, ["-e", "trace=" + ",".join(f"?{n}" for n in names)])
        check(rc == 0, f"without a fault it failed: {command.err!r}")
        counts = {}
        for pid, call in re.findall(r"^(?:\[pid +(?=\d+\])|(?=\d+ +\w+\())?(?:(\d+)\]? +)?(\w+)\(", text, re.M):
            counts[call, pid] = counts.get((call, pid), 0) + 1
        most = {}
        for (call, _), n in counts.items():
            most[call] = max(most.get(call, 0), n)
        found = [(call, i + 1) for call, n in most.items() if call in names for i in range(n)]
        check(found, f"no trace of {self.title}: {text[:300]!r}")
        return found

    def held(self, m, rc, command, outcome):
        """What must hold of this one besides. Returns a word for it."""
        return ""


class Attached(Program):
    """One process alone, which strace takes hold of from outside: that is all there is for the monitor, behind whose filter nothing can be
    traced or executed, and of the supervisor its children are left out. In a start the monitor waits for that (hold.c)."""

    before, end = staticmethod(before_attached), staticmethod(end_attached)

    def __init__(self, program, stage, excused=False):
        super().__init__(f"{program}-{stage}", stage, program=program, excused=excused)
        self.tracers = {}  # by machine: strace, and the process
        # A question is no business of the supervisor's, nor is a machine that is paused already.
        self.uefi = (program, stage) != ("supervisor", "run")

    def words(self, m, rng):
        if self.stage == "stop":
            return stop_words(m, rng)
        if self.stage == "run":
            query = ["vmunit", "qemu-monitor-command", m.name, '{"execute":"query-block"}']
            suspend = ["vmunit", "-q", "suspend", m.name]
            return rng.choice([query, ["vmunit", "domstats", m.name], suspend] if self.program == "monitor" else [suspend])
        return super().words(m, rng)

    def begin(self, m, words, options, trace):
        hold = f"{SPECS}/hold.{m.name}"
        try:
            if self.stage != "start":
                self.attach(m, m.pid(self.program), options, trace)
                return Command(words)
            with open(hold, "wb"):
                pass
            command = Command(words)
            pid = wait_for(lambda: self.holding(m), ANSWER, f"the {self.program} to be held", interval=0.002)
            self.attach(m, pid, options, trace)
            return command
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(hold)

    def holding(self, m):
        """Its pid, when it is in the library that holds it."""
        pid = m.pid(self.program)
        return pid if pid and b"nanosleep" in (read(f"/proc/{pid}/wchan") or b"") else None

    def attach(self, m, pid, options, trace):
        check(pid, f"there is no {self.program}")
        tracer = subprocess.Popen(["strace", "-o", trace, *options, "-p", str(pid)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.tracers[m.name] = tracer, pid
        said, deadline = b"", time.monotonic() + ANSWER
        while b" attached" not in said:
            check(select.select([tracer.stderr], [], [], max(0, deadline - time.monotonic()))[0], f"strace has not attached: {said!r}")
            more = os.read(tracer.stderr.fileno(), 4096)
            check(more, f"strace has ended: {said!r}")
            said += more

    def ended(self, m, command):
        rc = super().ended(m, command)
        if self.stage == "stop":
            # What was asked for may go on when who has asked for it has ended; strace ends with the process.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.tracers[m.name][0].wait(5)
        return rc

    def done(self, m, command):
        tracer, pid = self.tracers.pop(m.name, (None, 0))
        if tracer:
            tracer.terminate()
            tracer.wait()
            tracer.stderr.close()
        if command:
            command.traced = pid

    def held(self, m, rc, command, outcome):
        check(rc == 0 or command.err.strip(), f"{command.words[:3]} gave {rc}, and no reason")
        check("did not answer" not in command.err, f"who has asked was left to wait: {command.err!r}")
        took = command.ended - command.began
        check(self.stage != "stop" or took < PATIENCE, f"{command.words[:3]} took {took:.0f} s")
        if "suspend" in command.words and rc == 0 and not outcome.startswith("shut off"):
            wait_for(lambda: m.state()[0] == "paused", ANSWER, "the state to be what suspend has made it", interval=0.05)
        if self.stage == "save" and not outcome.startswith("shut off"):
            # The next monitor has to undo it first.
            wait_for(lambda: m.state()[0] == m.alive and m.state()[1] != "saving", ANSWER, "the guest to go on", interval=0.05)
        if self.program != "monitor" or outcome.startswith("shut off"):
            return ""
        # Whatever happens to it, there is one, and it answers: check_running() has asked it.
        return ", the same monitor" if m.pid("monitor") == command.traced else ", another monitor"


def failing(program, error):
    def inject(lane, rng):
        m = lane.machine
        boot = None
        if program.stage == "start":
            m.destroy()
        else:
            boot = bring_up(lane)
        before_it = Before(m, boot, False)
        words = program.words(m, rng)
        kind = error, m.uefi, tuple(words[:3])
        if kind not in program.calls:
            program.calls[kind] = program.learn(m, words, error)
            return Hit()
        call, number = rng.choice(program.calls[kind])
        rc, text, command = program.traced(m, words, ["-Z", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"])
        hit = "INJECTED" in text
        try:
            outcome = after(lane, program, program.stage, before_it, Op(words, command), rc)
            outcome += program.held(m, rc, command, outcome)
            recover(lane, program, program.stage, before_it)
        except Failure as e:
            raise Failure(f"{words[:3]}: {call} {number} {'hit' if hit else 'did not come'}, {rc}, {command.err!r}: {e}") from e
        said = re.sub(r"\s+", " ", command.err.strip())
        return Hit(call if hit else None, ("done" if rc == 0 else "failed") + f": {outcome}", number_of_call=number, rc=rc, said=said,
                   words=" ".join(words[:3]), injected=[line for line in text.splitlines() if "INJECTED" in line][:3])

    return inject


class Op:
    """What `after` wants to know of the operation."""

    def __init__(self, words, command):
        self.words, self.command = words, command


# With the supervisor its children, until they execute something: what they are made with is its own.
OWN = ("-b", "execve")


def programs():
    return [Program("prepare-start", "start", "prepare-start"), Program("prepare-register", "start", "prepare-register"),
            Program("supervisor-start", "start", "supervisor", program="supervisor", excused=True, options=OWN),
            *(Attached("supervisor", stage, excused=True) for stage in STAGES if stage != "start"),
            *(Attached("monitor", stage) for stage in STAGES),
            Program("unit-start", "start", "supervisor", program="supervisor", excused=True, hangs=True),
            Program("vmunit-start", "start"), Program("vmunit-save", "save"), Program("vmunit-destroy", "stop"),
            Program("prepare-cleanup", "stop", "prepare-cleanup", cleaned=False)]


def rows():
    return [Row(error.lower(), program.title, failing(program, error), before=program.before, after=program.end, uefi=program.uefi)
            for error in CALLS for program in programs()]
