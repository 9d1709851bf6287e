# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that fail with ENOMEM, or are interrupted: any one of those that one of our programs makes in a start, a save, a stop.
strace makes them fail. Each injection is one call of one program: of all that a run without a fault has made, by chance."""

import contextlib
import os
import re
import subprocess

from engine import Hit, Row
from harness import Failure, check, run, run_ok
from kills import Before, after, bring_up, recover
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
HANG = 40  # seconds
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


def end(everything):
    for lane in everything.lanes:
        lane.machine.destroy()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"/etc/systemd/system/{lane.machine.unit}.d/60-errors.conf")
    run_ok(["systemctl", "daemon-reload"], timeout=ANSWER)


class Program:
    """One whose calls fail. SPEC: the name of its wrapper; without, it is the command itself."""

    def __init__(self, title, stage, spec=None, excused=False, cleaned=True):
        self.title, self.stage, self.spec = title, stage, spec
        self.program, self.step = ("prepare", "cleanup") if not cleaned else (title, "")
        self.excused = excused
        self.calls = {}  # by error and kind of machine

    def words(self, m):
        if self.stage == "start":
            return m.start_words()
        return ["vmunit", "-q", "managedsave", m.name] if self.stage == "save" else ["vmunit", "-q", "destroy", m.name]

    def traced(self, m, options):
        """Runs what there is to run, with strace's options for the program; (exit status, what strace has said, the command)."""
        trace = trace_of(m)
        with open(trace, "wb"):
            pass
        words = self.words(m)
        if self.spec:
            with open(f"{SPECS}/{m.name}.{self.spec}", "w", encoding="ascii") as f:
                f.write(" ".join(options))
        else:
            words = ["strace", "-f", "-qq", "-o", trace, *options, *words]
        try:
            command = Command(words)
            command.words = self.words(m)
            rc = self.ended(m, command)
            m.settle()
        finally:
            if self.spec:
                os.unlink(f"{SPECS}/{m.name}.{self.spec}")
        with open(trace, encoding="utf-8", errors="replace") as f:
            return rc, f.read(), command

    def ended(self, m, command):
        """The exit status. A QEMU that hangs for want of memory holds up its own start, and nothing else: it can be destroyed."""
        if not self.excused:
            return command.end()
        try:
            command.process.wait(HANG)
        except subprocess.TimeoutExpired:
            where = m.where()
            print(f"    hangs: {m.name} at [{where}]: {read(trace_of(m))[-300:]}", flush=True)
            done = run(["vmunit", "-q", "destroy", m.name], timeout=2 * ANSWER)
            check(done.rc == 0, f"it hangs at [{where}], and cannot be destroyed: {done.err!r}")
        return command.end()

    def learn(self, m, error):
        """All calls of a run without a fault: [(call, number), …]."""
        names = CALLS[error]
        rc, text, command = self.traced(m, ["-e", "trace=" + ",".join(f"?{n}" for n in names)])
        check(rc == 0, f"without a fault it failed: {command.err!r}")
        counts = {}
        for pid, call in re.findall(r"^(?:\[pid +(\d+)\] |(?=\w+\())?(?:\d+ +)?(\w+)\(", text, re.M):
            counts[call, pid] = counts.get((call, pid), 0) + 1
        most = {}
        for (call, _), n in counts.items():
            most[call] = max(most.get(call, 0), n)
        found = [(call, i + 1) for call, n in most.items() if call in names for i in range(n)]
        check(found, f"no trace of {self.title}: {text[:300]!r}")
        return found


class Op:
    """What `after` wants to know of the operation."""

    def __init__(self, words, command):
        self.words, self.command = words, command


def failing(program, error):
    def inject(lane, rng):
        m = lane.machine
        boot = None
        if program.stage == "start":
            m.destroy()
        else:
            boot = bring_up(lane)
        before_it = Before(m, boot, False)
        if (error, m.uefi) not in program.calls:
            program.calls[error, m.uefi] = program.learn(m, error)
            return Hit()
        call, number = rng.choice(program.calls[error, m.uefi])
        rc, text, command = program.traced(m, ["-Z", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"])
        hit = "INJECTED" in text
        try:
            outcome = after(lane, program, program.stage, before_it, Op(program.words(m), command), rc)
            recover(lane, program, program.stage, before_it)
        except Failure as e:
            raise Failure(f"{call} {number} {'hit' if hit else 'did not come'}, {rc}, {command.err!r}: {e}") from e
        said = re.sub(r"\s+", " ", command.err.strip())
        return Hit(call if hit else None, ("done" if rc == 0 else "failed") + f": {outcome}", number_of_call=number, rc=rc, said=said,
                   injected=[line for line in text.splitlines() if "INJECTED" in line][:3])

    return inject


def rows():
    found = []
    for error in CALLS:
        for program in (Program("prepare-start", "start", "prepare-start"), Program("prepare-register", "start", "prepare-register"),
                        Program("supervisor", "start", "supervisor", excused=True), Program("vmunit-start", "start"),
                        Program("vmunit-save", "save"), Program("vmunit-destroy", "stop"),
                        Program("prepare-cleanup", "stop", "prepare-cleanup", cleaned=False)):
            found.append(Row(error.lower(), program.title, failing(program, error), before=before, after=end))
    return found
