# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs on a booted system: what a start, a stop and a list cost in system calls, D-Bus messages, processes and programs.
strace follows all that systemd makes. Writes counts.json into the directory of results; the medians of several."""

import json
import os
import signal
import statistics
import subprocess
import sys

import machines
import traces
from harness import check, run_ok, unit_property, wait_for

RUNS = 5
TRACE = os.path.join(os.environ["VMUNIT_RESULTS"], "trace")
# What is counted of an operation: our programs. systemd's own calls are its affair, and QEMU's QEMU's; what vmunit-guests asks
# depends on whether the supervisor is still there.
OURS = {
    "start": ("vmunit", "vmunit-prepare start", "vmunit-supervisor", "vmunit-monitor", "vmunit-prepare register"),
    "destroy": ("vmunit", "vmunit-prepare cleanup"),
}


class Strace:
    """Everything that the processes do, and those they make."""

    def __init__(self, pids, command=None):
        self.known = {pid: name for pid, name in pids.items()}
        self.path = TRACE + (".command" if command else "")
        words = ["strace", "-f", "-s", "32", "-o", self.path]
        words += command if command else ["-qq", *(w for pid in pids for w in ("-p", str(pid)))]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for pid in pids:
            wait_for(lambda pid=pid: self.traces(pid) or self.process.poll() is not None, 20, f"strace to be at {pid}", interval=0.01)
        check(command or self.process.poll() is None, "strace cannot trace")

    def traces(self, pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return f"TracerPid:\t{self.process.pid}\n" in f.read()

    def end(self):
        """Lets go, and says what there was."""
        if self.known:
            self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=60)
        check(self.known or self.process.returncode == 0, f"{self.process.args}: {errors}")
        with open(self.path, encoding="utf-8", errors="replace") as f:
            return traces.count(f.read(), self.known)


def both(pids, command):
    """What the command does, and what the processes do meanwhile."""
    manager = Strace({1: "systemd", **pids})
    counts = Strace({}, command).end()
    counts.update(manager.end())
    return counts


def numbers(operation, counts):
    """{"start.vmunit.syscalls": 1}; forks and execs of all together."""
    out = {}
    for program in OURS[operation]:
        key = f"{operation}.{program.replace(' ', '-')}"
        check(counts[program].syscalls > 0, f"{operation}: no trace of {program}: {sorted(counts)}")
        out[f"{key}.syscalls"] = counts[program].syscalls
        out[f"{key}.messages"] = counts[program].messages
    for what in ("forks", "execs"):
        out[f"{operation}.{what}"] = sum(c.numbers()[what] for c in counts.values())
    return out


def one_start(name):
    out = numbers("start", both({}, ["vmunit", "-q", "start", name]))
    out |= numbers("destroy", both({}, ["vmunit", "-q", "destroy", name]))
    wait_for(lambda: unit_property(f"vm@{name}.service", "ActiveState") == "inactive", 20, "the machine to be gone")
    return out


def lists():
    """What a list of few definitions costs, and what a hundred more of them do."""
    found = []
    for n in (20, 120):
        machines.define(n)
        run_ok(["systemctl", "daemon-reload"])
        found.append(Strace({}, ["vmunit", "list", "--all"]).end()["vmunit"])
    few, many = found
    return {"list.20-definitions.syscalls": few.syscalls, "list.20-definitions.messages": few.messages,
            "list.100-more.syscalls": many.syscalls - few.syscalls, "list.100-more.messages": many.messages - few.messages}


def main():
    name = machines.define(1)[0]
    run_ok(["vmunit", "-q", "start", name])  # probes QEMU, once for all
    run_ok(["vmunit", "-q", "destroy", name])
    runs = [one_start(name) for _ in range(RUNS)]
    found = {key: int(statistics.median(r[key] for r in runs)) for key in runs[0]} | lists()
    with open(os.path.join(os.environ["VMUNIT_RESULTS"], "counts.json"), "w", encoding="utf-8") as f:
        json.dump(found, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
