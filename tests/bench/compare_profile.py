# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the time of a start, a destroy, a list goes: CPU time of all who have to do with it, and what the settings of the unit's sandbox
cost."""

import contextlib
import os
import re

import sides
from harness import check, run, run_ok

# Who is there before, and has to do with it.
STANDING = {"systemd": "systemd", "dbus-daemon": "others", "systemd-journald": "others", "systemd-machined": "others",
            "systemd-logind": "others"}
MACHINE = {"qemu-system-x86_64": "QEMU", "vmunit-supervisor": "supervisor", "vmunit-monitor": "monitor"}
PROBE = "/run/systemd/system/bench-probe.service"
START = ["systemctl", "start", os.path.basename(PROBE)]
# Of what a machine's unit consists besides: what it runs, what it is told of that, and what is about its end.
NO_SANDBOX = ("Exec", "Type", "Notify", "Timeout", "KillMode", "SuccessExitStatus", "RootDirectoryStartOnly", "Environment", "Restart",
              "SyslogIdentifier", "LogExtraFields", "FileDescriptorStoreMax")


def cpu_seconds(pid):
    """The CPU time of all its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        # One that has ended meanwhile has been counted as its process's, or has just begun.
        with contextlib.suppress(FileNotFoundError), open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total / 1e9


def processes_of(program):
    """Their pids. The kernel keeps 15 characters."""
    pids = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                if f.read().rstrip("\n") == program[:15]:
                    pids.append(int(pid))
        except OSError:
            pass  # it has ended
    return pids


def waited_for(pid):
    """The CPU time of the children of a process that have ended, and of theirs, in the kernel's ticks of some milliseconds."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return sum(map(int, f.read().rpartition(")")[2].split()[13:15])) / os.sysconf("SC_CLK_TCK")


def of_machine():
    return {who: sum(map(cpu_seconds, processes_of(program))) for program, who in MACHINE.items()}


def spent(words):
    """Runs a command, whose end is the end of it. Seconds of CPU by who has spent them: "vmunit" is the command itself, "ended" those
    of systemd's children that are gone, with theirs."""
    standing = [(pid, who) for program, who in STANDING.items() for pid in processes_of(program) if program != "systemd" or pid == 1]
    before, machine = [cpu_seconds(pid) for pid, _ in standing], of_machine()
    waited = waited_for(1)
    _, status, usage = os.wait4(sides.spawn(words), 0)
    check(status == 0, f"{words} gave {status}")
    took = {"vmunit": usage.ru_utime + usage.ru_stime, "systemd": 0.0, "others": 0.0}
    for (pid, who), was in zip(standing, before):
        took[who] += cpu_seconds(pid) - was
    for who, seconds in of_machine().items():
        took[who] = seconds - machine[who]
    took["ended"] = waited_for(1) - waited
    return took


class Ticks:
    """Of what is counted in ticks only the sum of all runs is exact."""

    def __init__(self, bench, figure, side):
        self.bench, self.figure, self.side, self.values = bench, figure, side, []

    def end(self):
        self.bench.add(self.figure, self.side, sum(self.values) / len(self.values))


def profile(bench):
    """A start and a destroy, until the command has ended. What systemd's child does before it is the supervisor is the supervisor's
    here; of a destroy, the machine's processes are among those that have ended."""
    name = bench.define(1)[0]
    steps, ended = Ticks(bench, "start-cpu", "root steps"), Ticks(bench, "destroy-cpu", "ended")
    for _, counts in bench.in_turns([None]):
        start = spent(bench.vmunit.start_words(name))
        alive = of_machine()
        destroy = spent(["vmunit", "-q", "destroy", name])
        if not counts:
            continue
        steps.values.append(start.pop("ended"))
        ended.values.append(destroy.pop("ended") - sum(alive.values()))
        for who, seconds in start.items():
            bench.add("start-cpu", who, seconds)
        for who in ("vmunit", "systemd", "others"):
            bench.add("destroy-cpu", who, destroy[who])
    steps.end()
    ended.end()


def list_profile(bench):
    """`list --all` of one definition and of a hundred, and a command that only prints its version: what any of ours takes before it
    does something."""
    for n in (1, 100):
        bench.define(n)
        for words, counts in bench.in_turns([["vmunit", "list", "--all"], ["vmunit", "--version"]]):
            took = spent(words)
            if not counts:
                continue
            if "list" in words:
                for who in ("vmunit", "systemd", "others"):
                    bench.add(f"list-{n}-cpu", who, took[who])
            else:
                bench.add(f"list-{n}-cpu", "nothing", took["vmunit"])


def sandbox(bench):
    """How long systemd needs until a program runs with the settings of the machine's unit, with none of them, and with all but one."""
    name = bench.define(1)[0]
    text = run_ok(["systemctl", "cat", f"vm@{name}.service"]).replace("%n", f"vm@{name}.service").replace("%i", name)
    settings = {}
    for line in text.partition("[Service]")[2].splitlines():
        match = re.fullmatch(r"(\w+)=.*", line)
        if match and not match[1].startswith(NO_SANDBOX):
            settings.setdefault(match[1], []).append(line)
    check(len(settings) > 20, f"of the unit: {settings}")
    variants = {"all": list(settings), "none": []} | {f"without {k}=": [i for i in settings if i != k] for k in settings}

    def write(title):
        with open(PROBE, "w", encoding="utf-8") as f:
            f.write("[Service]\nType=exec\nExecStart=/usr/bin/cat\nStandardInput=null\n")
            f.write("".join(f"{line}\n" for key in variants[title] for line in settings[key]))
        run_ok(["systemctl", "daemon-reload"])

    def works(title):
        """Without the mount that has it in it, there is no program."""
        write(title)
        return run(START).rc == 0
    try:
        for title, counts in bench.in_turns(list(filter(works, variants)), max(3, bench.runs // 3)):
            write(title)
            took = sides.timed(START)
            if counts:
                bench.add("sandbox", title, took)
    finally:
        os.unlink(PROBE)
        run_ok(["systemctl", "daemon-reload"])
