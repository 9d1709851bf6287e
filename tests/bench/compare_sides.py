# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs on a booted system: vmunit, libvirt and QEMU alone, measured one beside the other, in turns. Writes figures.json into the
directory of results; report.py makes tables and a picture of it.

    compare_sides.py [--runs N] [FIGURE…]"""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import machines
import sides
from compare_profile import cpu_seconds, list_profile, processes_of, profile, sandbox
from harness import Failure, check, run, run_ok, unit_property, wait_for

THEIRS = "/var/lib/test-definitions"
WARM_UP = 2
RUNNING = 50
IDLE_SECONDS = 60
GENERATOR = "/usr/lib/systemd/system-generators/vmunit-generator"


class Bench:
    """What the figures share: the sides, and what was measured: {figure: {side: [value, …]}}."""

    def __init__(self, runs, alone, virsh, daemons):
        self.runs, self.alone, self.virsh, self.daemons = runs, alone, virsh, daemons
        self.vmunit, self.systemctl = sides.vmunit(), sides.systemctl()
        self.figures, self.defined = {}, 0

    def add(self, figure, side, value):
        self.figures.setdefault(figure, {}).setdefault(side, []).append(value)

    def values(self):
        """How many there are."""
        return sum(len(values) for sides_of in self.figures.values() for values in sides_of.values())

    def define(self, n):
        """The names of the first n machines; just these are defined then, on both sides."""
        names = [machines.name_of(i) for i in range(max(n, self.defined))]
        if self.defined < n:
            machines.define(n)
            machines.define(n, THEIRS, "-libvirt")
            sides.tell(self.virsh, [f"define {THEIRS}/{name}.xml" for name in names[self.defined:]])
        elif self.defined > n:
            for name in names[n:]:
                os.unlink(f"{machines.DEFINITIONS}/{name}.xml")
            sides.tell(self.virsh, [f"undefine {name}" for name in names[n:]])
        if self.defined != n:
            run_ok(["systemctl", "daemon-reload"])
        self.defined = n
        return names[:n]

    def in_turns(self, things, runs=None):
        """(thing, whether it counts) for each run, the first one another every time."""
        for i in range(-WARM_UP, runs or self.runs):
            for k in range(len(things)):
                yield things[(i + k) % len(things)], i >= 0


# ---- starts and stops


def start(bench):
    """One start, and its end."""
    name = bench.define(1)[0]
    for side, counts in bench.in_turns([bench.alone, bench.vmunit, bench.systemctl, bench.virsh]):
        took, ended = side.start(name), side.destroy(name)
        if counts:
            bench.add("start", side.title, took)
            bench.add("destroy", side.title.replace("start", "destroy").replace("systemctl", "vmunit"), ended)


def parallel(bench, n, runs):
    names = bench.define(n)
    for side, counts in bench.in_turns([bench.alone, bench.vmunit, bench.virsh], runs):
        took = side.start_all(names)
        side.destroy_all(names)
        if counts:
            bench.add(f"parallel-{n}", side.title, took)


def parallel_20(bench):
    parallel(bench, 20, max(1, bench.runs // 3))


def parallel_50(bench):
    parallel(bench, 50, max(1, bench.runs // 6))


class Listener:
    """A command that prints events, and when each of its lines came."""

    def __init__(self, words):
        self.lines = []
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append((time.time(), line.decode()))

    def first(self, pattern, after=0, timeout=60):
        """(when it came, match, its number) of the first line that is like this, from that number on."""

        def look():
            for i in range(after, len(self.lines)):
                match = re.search(pattern, self.lines[i][1])
                if match:
                    return self.lines[i][0], match, i
            return None

        return wait_for(look, timeout, f"an event {pattern!r} in {self.lines[after:]}", interval=0.005)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.thread.join()


def unbuffered(words):
    """virsh writes lines at once to a terminal only."""
    return ["stdbuf", "-oL", *words]


class Listeners:
    """Both kinds of events of one machine that runs: what QEMU says, with its own time, and what is made of it."""

    def __init__(self, side, name):
        self.side, self.name = side, name
        self.qemu = Listener(unbuffered([*side.words, "qemu-monitor-event", "--domain", name, "--loop"]))
        self.lifecycle = Listener(unbuffered([*side.words, "event", "--domain", name, "--loop", "--event", "lifecycle"]))
        # Until both are there.
        for _ in range(30):
            self.pause()
            if all(any("esume" in line.lower() for _, line in k.lines) for k in (self.qemu, self.lifecycle)):
                return
            threading.Event().wait(0.2)
        raise Failure(f"no events of {name} from {side.title}")

    def pause(self):
        for verb in ("suspend", "resume"):
            run_ok([*self.side.words, verb, self.name])

    def end(self):
        for listener in (self.qemu, self.lifecycle):
            listener.end()


def shutdown(bench):
    """From QEMU's word that the guest has turned itself off until the machine is gone."""
    name = bench.define(1)[0]
    # What something wants is not forgotten by systemd, nor is when it ended.
    run_ok(["systemctl", "add-wants", "machines.target", f"vm@{name}.service"])
    for side, counts in bench.in_turns([bench.vmunit, bench.virsh]):
        side.start(name)
        listeners = Listeners(side, name)
        try:
            press_power_button(side, name, listeners.qemu)
            said = listeners.qemu.first(r"event SHUTDOWN at (\d+\.\d+)")[1]
            if side is bench.vmunit:
                unit = f"vm@{name}.service"
                wait_for(lambda: unit_property(unit, "ActiveState") == "inactive", 30, "the unit to end")
                end = timestamp(unit, "InactiveEnterTimestamp")
            else:
                end = listeners.lifecycle.first("Stopped")[0]
            if counts:
                bench.add("shutdown", side.words[0], end - float(said[1]))
        finally:
            listeners.end()


def press_power_button(side, name, listener):
    """The guest looks at the button only once it runs; that it was pressed before is lost."""
    for _ in range(30):
        run([*side.words, "shutdown", name])
        try:
            listener.first("event SHUTDOWN at", timeout=1)
            return
        except Failure:
            pass
    raise Failure(f"{name} does not turn itself off")


def timestamp(unit, name):
    text = run_ok(["systemctl", "show", "--value", "--timestamp=us+utc", "-p", name, unit]).strip()
    day, clock = text.split()[1:3]
    whole, _, micro = clock.partition(".")
    return time.mktime(time.strptime(f"{day} {whole}", "%Y-%m-%d %H:%M:%S")) - time.timezone + float(f"0.{micro}")


# ---- looking and writing


def in_tens(names):
    """A start needs its share of a CPU."""
    return (names[i:i + 10] for i in range(0, len(names), 10))


def run_machines(bench, names):
    for side in (bench.vmunit, bench.virsh):
        for few in in_tens(names):
            side.start_all(few)


def stop_machines(bench, names):
    for side in (bench.vmunit, bench.virsh):
        for few in in_tens(names):
            side.destroy_all(few)


def list_all(bench):
    names = []
    try:
        for n in (1, 100, 1000):
            more = bench.define(n)[len(names):RUNNING]
            run_machines(bench, more)
            names += more
            for side, counts in bench.in_turns([bench.vmunit, bench.virsh]):
                took = sides.timed([*side.words, "list", "--all"])
                if counts:
                    bench.add(f"list-{n}", side.words[0], took)
    finally:
        stop_machines(bench, names)


def definitions(bench):
    """One file: checked, defined, undefined."""
    with tempfile.TemporaryDirectory() as directory:
        path = f"{directory}/fresh.xml"
        with open(path, "w", encoding="utf-8") as f:
            f.write(machines.xml_of("fresh"))
        for side, counts in bench.in_turns([bench.vmunit, bench.virsh]):
            took = {verb: sides.timed([*side.words, verb, what]) for verb, what in (("define", path), ("undefine", "fresh"))}
            if side is bench.vmunit:
                took["verify"] = sides.timed([*side.words, "verify", path])
            for verb, seconds in took.items() if counts else ():
                bench.add(verb, side.words[0], seconds)


def generator(bench):
    """All definitions, as at boot and at every daemon-reload."""
    with tempfile.TemporaryDirectory() as directory:
        for n in (100, 1000):
            bench.define(n)
            for i in range(max(3, bench.runs // 3)):
                out = [f"{directory}/{n}.{i}.{k}" for k in range(3)]
                for d in out:
                    os.mkdir(d)
                bench.add(f"generator-{bench.defined}", "vmunit", sides.timed([GENERATOR, *out]))
                for d in out:
                    shutil.rmtree(d)
        for _ in range(max(3, bench.runs // 3)):
            bench.add("daemon-reload", "vmunit", sides.timed(["systemctl", "daemon-reload"]))


# ---- what is there while machines run


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1]) / 1024


def resident(bench):
    """Memory and CPU time of all that is not QEMU, with machines that do nothing."""
    for name, pid in bench.daemons.items():
        bench.add("memory-nothing-runs", name, pss(pid))
    check(not processes_of("vmunit-supervisor") + processes_of("vmunit-monitor"), "something of ours runs without machines")
    bench.add("memory-nothing-runs", "vmunit", 0.0)
    names = bench.define(RUNNING)
    run_machines(bench, names)
    try:
        groups = {"vmunit": processes_of("vmunit-supervisor") + processes_of("vmunit-monitor"), "libvirt": list(bench.daemons.values())}
        check(len(processes_of("vmunit-supervisor")) == RUNNING, "not all of our machines run")
        for program in ("vmunit-supervisor", "vmunit-monitor"):
            for pid in processes_of(program):
                bench.add("memory-per-machine", program, pss(pid))
        before = sum(v[0] for k, v in bench.figures["memory-nothing-runs"].items() if k in bench.daemons)
        bench.add("memory-per-machine", "libvirt", (sum(map(pss, groups["libvirt"])) - before) / RUNNING)
        bench.add("memory-all", "libvirt", sum(map(pss, groups["libvirt"])))
        bench.add("memory-all", "vmunit", sum(map(pss, groups["vmunit"])))
        used = {side: sum(map(cpu_seconds, pids)) for side, pids in groups.items()}
        began = time.monotonic()
        threading.Event().wait(IDLE_SECONDS)  # this is the measurement
        passed = time.monotonic() - began
        for side, pids in groups.items():
            bench.add("cpu-idle", side, (sum(map(cpu_seconds, pids)) - used[side]) / passed * 100)
    finally:
        stop_machines(bench, names)


def events(bench):
    """From QEMU's word to the line that is printed. QEMU says when it was (`qemu-monitor-event` prints it)."""
    name = bench.define(1)[0]
    for side in (bench.vmunit, bench.virsh):
        side.start(name)
    listeners = {}
    try:
        for side in (bench.vmunit, bench.virsh):
            listeners[side] = Listeners(side, name)
        for side, counts in bench.in_turns([bench.vmunit, bench.virsh]):
            qemu, lifecycle = listeners[side].qemu, listeners[side].lifecycle
            for verb, event, word in (("suspend", "STOP", "Suspended"), ("resume", "RESUME", "Resumed")):
                at, then = len(qemu.lines), len(lifecycle.lines)
                run_ok([*side.words, verb, name])
                raw, match, _ = qemu.first(rf"event {event} at (\d+\.\d+)", at)
                came, _, _ = lifecycle.first(word, then)
                if counts:
                    bench.add("event", side.words[0], came - float(match[1]))
                    bench.add("qemu-monitor-event", side.words[0], raw - float(match[1]))
    finally:
        for both in listeners.values():
            both.end()
        stop_machines(bench, [name])


def loaded_size(path):
    """KiB of a program or library that are mapped: symbols for debuggers, which ours may have, are not."""
    with open(path, "rb") as f:
        header = f.read(64)
        where, (size, n) = struct.unpack_from("<Q", header, 32)[0], struct.unpack_from("<HH", header, 54)
        f.seek(where)
        segments = [struct.unpack("<IIQQQQQQ", f.read(size)) for _ in range(n)]
    return sum(s[5] for s in segments if s[0] == 1) / 1024


def sizes(bench):
    """Programs that are there for as long as a machine runs, and what they are linked with."""
    programs = {name: f"/usr/libexec/vmunit/{name}" for name in ("vmunit-supervisor", "vmunit-monitor")}
    programs |= {name: shutil.which(name) for name in ("libvirtd", "virtlogd")}
    for name, path in programs.items():
        libraries = re.findall(r"=> (/\S+)", run_ok(["ldd", path]))
        bench.add("program-size", name, loaded_size(path))
        bench.add("libraries", name, len(libraries))
        bench.add("libraries-size", name, sum(map(loaded_size, libraries)))


FIGURES = {f.__name__.replace("_", "-"): f for f in (
    start, profile, sandbox, list_profile, shutdown, events, definitions, parallel_20, parallel_50, resident, list_all, generator, sizes)}


def describe():
    with open("/proc/loadavg", encoding="ascii") as f:
        load = f.read().split()[:3]
    return {"time": time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime()), "load": load, "cpus": os.cpu_count(), "kernel": platform.release(),
            "systemd": run_ok(["systemctl", "--version"]).splitlines()[0],
            "qemu": run_ok(["qemu-system-x86_64", "--version"]).splitlines()[0],
            "libvirt": run_ok(["virsh", "--version"]).strip()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("figures", nargs="*", metavar="FIGURE")
    options = parser.parse_args()
    figures = options.figures or list(FIGURES)
    check(options.runs > 0, "it must be run at least once")
    check(set(figures) <= FIGURES.keys(), f"figures are {', '.join(FIGURES)}")
    before = describe()
    with sides.libvirt() as (virsh, daemons):
        bench = Bench(options.runs, sides.Alone(), virsh, daemons)
        bench.define(1)
        for name in FIGURES:
            if name not in figures:
                continue
            began, had = time.monotonic(), bench.values()
            FIGURES[name](bench)
            check(bench.values() > had, f"{name}: nothing was measured")
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
            # What was measured stays, whatever becomes of the rest.
            with open(os.path.join(os.environ["VMUNIT_RESULTS"], "figures.json"), "w", encoding="utf-8") as f:
                json.dump({"before": before, "after": describe(), "runs": options.runs, "figures": bench.figures}, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
