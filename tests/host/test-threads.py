# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPUs, time and schedulers of single threads, as the kernel has them: nothing here asks vmunit for what it set."""

import contextlib
import os
import re
import signal

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import talking_vm, vm

SLOW = 400  # seconds: an emulated host


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def group(machine, name=""):
    return f"/sys/fs/cgroup{unit_property(machine.unit, 'ControlGroup')}/vm/{name}".rstrip("/")


def tids(machine, name=""):
    return [int(t) for t in read(f"{group(machine, name)}/cgroup.threads").split()]


def allowed(tid):
    return re.search(r"^Cpus_allowed_list:\t(.*)$", read(f"/proc/{tid}/status"), re.M)[1]


def thread_name(tid):
    return read(f"/proc/{tid}/comm")


POLICIES = {os.SCHED_OTHER: "other", os.SCHED_BATCH: "batch", os.SCHED_IDLE: "idle", os.SCHED_FIFO: "fifo", os.SCHED_RR: "rr"}


def scheduler(tid):
    return POLICIES[os.sched_getscheduler(tid) & ~os.SCHED_RESET_ON_FORK], os.sched_getparam(tid).sched_priority


def kernel(machine):
    """{group: (cpus of its threads, cpu.max, schedulers, names)} of every group below UNIT/vm; "" is that itself."""
    found = {}
    for name in ["", *(e.name for e in os.scandir(group(machine)) if e.is_dir())]:
        threads = tids(machine, name)
        limit = read(f"{group(machine, name)}/cpu.max")
        found[name] = (sorted({allowed(t) for t in threads}), limit, sorted({scheduler(t) for t in threads}))
    return found


def tuned(name, tuning, *, vcpu="<vcpu>1</vcpu>", **keywords):
    machine = vm(name, **keywords)

    @contextlib.contextmanager
    def with_tuning():
        with machine as m:
            m.xml = m.xml.replace(re.search(r"<vcpu>\d+</vcpu>", m.xml)[0], vcpu + tuning)
            yield m
    return with_tuning()


def new_monitor(machine):
    old = machine.monitor()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: machine.monitor() not in (None, old), 60, "a new monitor")
    # It answers when it has taken over.
    wait_for(lambda: run(["vmunit", "qemu-monitor-command", machine.name, '{"execute":"query-status"}']).rc == 0,
             60, "the new monitor to answer")


ALL = """
  <iothreads>2</iothreads>
  <cputune>
    <period>50000</period><quota>40000</quota>
    <emulator_period>20000</emulator_period><emulator_quota>15000</emulator_quota>
    <iothread_quota>30000</iothread_quota>
    <vcpupin vcpu='0' cpuset='1'/>
    <vcpupin vcpu='1' cpuset='0,2-3'/>
    <emulatorpin cpuset='2-3'/>
    <iothreadpin iothread='2' cpuset='3'/>
    <vcpusched vcpus='1' scheduler='batch'/>
    <iothreadsched iothreads='1' scheduler='idle'/>
  </cputune>"""

ALL_KERNEL = {
    "vcpu0": (["1"], "40000 50000", [("other", 0)]),
    "vcpu1": (["0,2-3"], "40000 50000", [("batch", 0)]),
    "emulator": (["2-3"], "15000 20000", [("other", 0)]),
    "iothread1": (["0-3"], "30000 100000", [("idle", 0)]),
    "iothread2": (["3"], "30000 100000", [("other", 0)]),
}


def check_all(machine, when):
    found = kernel(machine)
    check_equal(found.pop("")[0], [], f"threads without a group, {when}")
    check_equal(found, ALL_KERNEL, f"the kernel's values, {when}")


@case(timeout=SLOW)
def all_kinds():
    """Every kind of setting at once, through a killed monitor, daemon-reloads and a restart."""
    with tuned("threads", ALL, vcpu="<vcpu>2</vcpu>", vcpus=2, cmdline="") as machine:
        machine.start(ready=False)
        check_all(machine, "at the start")
        for n in (0, 1):
            (tid,) = tids(machine, f"vcpu{n}")
            check_match(rf"^CPU {n}/TCG", thread_name(tid))
            check_equal(read(f"{group(machine, f'vcpu{n}')}/cgroup.type"), "threaded")
        check(machine.qemu() in tids(machine, "emulator"), "QEMU's first thread is not with the emulator's")

        # A new monitor leaves what it finds; a thread that somebody took out of its group is put back.
        (tid,) = tids(machine, "vcpu0")
        with open(f"{group(machine)}/cgroup.threads", "w", encoding="ascii") as f:
            f.write(str(tid))
        with open(f"{group(machine, 'iothread2')}/cpu.max", "w", encoding="ascii") as f:
            f.write("50000 100000")
        new_monitor(machine)
        wait_for(lambda: tids(machine, "vcpu0") == [tid], 30, "the thread to be put back")
        check_equal(read(f"{group(machine, 'iothread2')}/cpu.max"), "50000 100000", "a value by hand")
        with open(f"{group(machine, 'iothread2')}/cpu.max", "w", encoding="ascii") as f:
            f.write("30000 100000")
        check_all(machine, "after a new monitor")

        for _ in range(100):
            run_ok(["systemctl", "daemon-reload"])
        check_all(machine, "after 100 daemon-reloads")

        run_ok(["systemctl", "restart", machine.unit])
        check_all(machine, "after a restart")


if __name__ == "__main__":
    main()
