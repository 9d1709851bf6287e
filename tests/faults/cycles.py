# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts and stops without a fault, a thousand of them, by turns in all the ways there are: what is there afterwards is what was there
before."""

import glob
import os
import re

from engine import Hit, Row
from harness import check, check_equal, run, run_ok
from victims import ANSWER, LEFT, called

TIMES = 5  # as often as a fault
SPARE = {"descriptors of systemd": 2}  # connections that come and go


def tree(path):
    return sorted(os.path.relpath(os.path.join(d, f), path) for d, _, files in os.walk(path) for f in files)


def growing():
    """What a start and a stop must not make more of."""
    units = run_ok(["systemctl", "list-units", "--all", "--plain", "--no-legend", "vm@*", "vmunit*", "machine*"], timeout=ANSWER)
    with open("/proc/self/mountinfo", encoding="ascii") as f:
        mounts = len(f.readlines())
    return {
        "descriptors of systemd": len(os.listdir("/proc/1/fd")),
        "units": len(units.splitlines()),
        "control groups": len(glob.glob("/sys/fs/cgroup/machine.slice/*/")),
        "network devices": len(os.listdir("/sys/class/net")),
        "mounts": mounts,
        "processes": len([p for p in os.listdir("/proc") if p.isdigit() and b"vmunit-" in cmdline(p) or b"qemu-system" in cmdline(p)]),
        "files in /run/vmunit": [p for p in tree("/run/vmunit") if not re.match(r"next-id", p)],
        "labels": tree("/run/vmunit/.labels"),
        "runtime drop-ins": len(glob.glob("/run/systemd/system.control/**", recursive=True)),
        "dynamic users": len([p for p in glob.glob("/run/systemd/dynamic-uid/*")]),
        "machines": len(os.listdir("/run/systemd/machines")) if os.path.isdir("/run/systemd/machines") else 0,
    }


def cmdline(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().split(b"\0")[0]
    except OSError:
        return b""


def before(everything):
    everything.wanted *= TIMES
    for lane in everything.lanes:
        lane.machine.destroy()
        lane.machine.start()
        lane.machine.destroy()
        run(["systemctl", "reset-failed", lane.machine.unit])
    everything.was = growing()


def after(everything):
    for lane in everything.lanes:
        lane.machine.destroy()
        lane.machine.check_gone()
        # One whose supervisor was killed last has failed, which systemd remembers.
        run(["systemctl", "reset-failed", lane.machine.unit])
    now = growing()
    for what, value in everything.was.items():
        spare = SPARE.get(what, 0)
        good = now[what] <= value + spare if isinstance(value, int) else now[what] == value
        with called(LEFT):
            check(good, f"{what}: {value} before, {now[what]} after {everything.hits} starts and stops")
        print(f"    {what}: {value if isinstance(value, int) else len(value)} before, "
              f"{now[what] if isinstance(value, int) else len(now[what])} after", flush=True)


def cycle(lane, rng):
    m = lane.machine
    m.start()
    check_equal(m.state()[0], m.alive, "state after the start")
    ways = [["vmunit", "-q", "destroy", m.name], ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", m.unit]]
    words = rng.choice(ways)
    if not m.uefi and rng.random() < 0.1:  # a guest that is paused hears of no button
        m.until_guest()
        words = ["machinectl", "poweroff", m.name]
    done = run(words, timeout=2 * ANSWER)
    check_equal(done.rc, 0, f"status of {words}: {done.err}")
    m.wait_down()
    return Hit("a cycle", " ".join(words[:2]))


def rows():
    return [Row("cycles", "start-stop", cycle, before=before, after=after)]
