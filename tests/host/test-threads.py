# SPDX-License-Identifier: LGPL-2.1-or-later
"""CPUs, time and schedulers of single threads, as the kernel has them: nothing here asks vmunit for what it set."""

import contextlib
import json
import os
import re
import signal
import time

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import vm

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


def right_to_real_time(machine):
    """(the kernel's limit, what systemd says of the filter)"""
    limit = check_match(r"^Max realtime priority +(\S+)", read(f"/proc/{machine.qemu()}/limits"))[1]
    return limit, unit_property(machine.unit, "RestrictRealtime")


def kernel(machine):
    """{group: (cpus of its threads, cpu.max, schedulers, names)} of every group below UNIT/vm; "" is that itself."""
    found = {}
    for name in ["", *(e.name for e in os.scandir(group(machine)) if e.is_dir())]:
        threads = tids(machine, name)
        try:
            limit = read(f"{group(machine, name)}/cpu.max")
        except FileNotFoundError:  # nobody asked for a limit
            limit = "max 100000"
        found[name] = (sorted({allowed(t) for t in threads}), limit, sorted({scheduler(t) for t in threads}))
    return found


def tuned(name, tuning, *, vcpu="<vcpu>1</vcpu>", **keywords):
    machine = vm(name, agent=False, **keywords)

    @contextlib.contextmanager
    def with_tuning():
        with machine as m:
            m.without_guest()
            m.xml = m.xml.replace(re.search(r"<vcpu>\d+</vcpu>", m.xml)[0], vcpu + tuning)
            yield m
    return with_tuning()


def start(machine, *, runs=False):
    """Starts it on a host that may be too busy for QEMU to tell in time what it can do. Where nobody needs the guest, it
    does not take the time of the rest."""
    machine.write()
    for _ in range(3):
        result = run(["vmunit", "start", machine.name, *([] if runs else ["--paused"])], timeout=SLOW)
        if "did not answer in time" not in result.err:
            break
    check_equal((result.rc, result.err), (0, ""), "the start")


def control(machine, method, *arguments):
    return run(["busctl", "--json=short", f"--address=unix:path=/run/vmunit/{machine.name}/control", "call", "org.vmunit",
                "/org/vmunit/Machine1", "org.vmunit.Machine1", method, *arguments])


def call(machine, method, *arguments):
    result = control(machine, method, *arguments)
    check_equal(result.rc, 0, f"{method}: {result.err}")
    return json.loads(result.out)["data"][0]


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
    """Every kind of setting at once, through a killed monitor and a restart."""
    with tuned("threads", ALL, vcpu="<vcpu>2</vcpu>", vcpus=2) as machine:
        start(machine)
        check_all(machine, "at the start")
        for n in (0, 1):
            (tid,) = tids(machine, f"vcpu{n}")
            check_match(rf"^CPU {n}/TCG", thread_name(tid))
            check_equal(read(f"{group(machine, f'vcpu{n}')}/cgroup.type"), "threaded")
        check_equal(right_to_real_time(machine), ("0", "yes"))
        check(machine.qemu() in tids(machine, "emulator"), "QEMU's first thread is not with the emulator's")
        told = {(kind, number): (tid, cpus) for kind, number, tid, cpus in call(machine, "GetThreads")}
        check_equal(sorted(told), [("emulator", 0), ("iothread", 1), ("iothread", 2), ("vcpu", 0), ("vcpu", 1)])
        for (kind, number), (tid, cpus) in told.items():
            check(tid in tids(machine, kind if kind == "emulator" else f"{kind}{number}"), f"{tid} is not {kind} {number}")
            check_equal(cpus, allowed(tid), f"the CPUs of {kind} {number}")

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

        run_ok(["vmunit", "destroy", machine.name])
        start(machine)
        check_all(machine, "after a restart")


@case(timeout=SLOW)
def real_time():
    """Schedulers that need a limit of the unit's, inside its filter."""
    tuning = """<iothreads>1</iothreads><cputune>
        <vcpupin vcpu='0' cpuset='3'/>
        <vcpusched vcpus='0' scheduler='fifo' priority='7'/>
        <iothreadsched iothreads='1' scheduler='rr' priority='99'/>
        <emulatorsched scheduler='batch'/>
      </cputune>"""
    with tuned("realtime", tuning) as machine:
        start(machine)
        (vcpu,) = tids(machine, "vcpu0")
        check_equal(scheduler(vcpu), ("fifo", 7), "the virtual CPU")
        check_equal(scheduler(machine.qemu()), ("batch", 0), "QEMU's first thread")
        rest = {thread_name(t): scheduler(t) for t in tids(machine)}
        check_equal(rest["IO iothread1"], ("rr", 99), f"the I/O thread among {rest}")
        # Nobody else has a right to real time.
        check_equal(right_to_real_time(machine), ("99", "no"))


@case(timeout=SLOW)
def pins_beyond_the_cpuset():
    """A pin that leaves <vcpu cpuset> widens the unit and nobody else."""
    tuning = "<iothreads>1</iothreads><cputune><vcpupin vcpu='0' cpuset='2'/></cputune>"
    with tuned("beyond", tuning, vcpu="<vcpu cpuset='0-1'>2</vcpu>", vcpus=2) as machine:
        start(machine)
        check_equal(read(f"{os.path.dirname(group(machine))}/cpuset.cpus.effective"), "0-2", "the unit's CPUs")
        found = {name: cpus for name, (cpus, _, _) in kernel(machine).items()}
        check_equal(found, {"": [], "vcpu0": ["2"], "vcpu1": ["0-1"], "iothread1": ["0-1"], "emulator": ["0-1"]})


def set_threads(machine, settings):
    return control(machine, "SetThreads", "s", json.dumps(settings))


def qmp(machine, command, **arguments):
    out = run_ok(["vmunit", "qemu-monitor-command", machine.name, json.dumps({"execute": command, "arguments": arguments})])
    return json.loads(out)["return"]


@case(timeout=2 * SLOW)
def live_changes():
    """SetThreads: what it sets, what it takes away, what it refuses; virtual CPUs that come later."""
    with tuned("live", "", vcpu="<vcpu current='1'>2</vcpu>") as machine:
        start(machine)
        check_equal(list(kernel(machine)), [""], "groups at the start")
        pin = {"kind": "vcpu", "id": 0, "cpus": "1-2", "quota": 50000}
        check_equal(set_threads(machine, [pin, {"kind": "vcpu", "id": 1, "cpus": "3"}]).rc, 0)
        check_equal(kernel(machine)["vcpu0"], (["1-2"], "50000 100000", [("other", 0)]))
        new_monitor(machine)
        check_equal(kernel(machine)["vcpu0"], (["1-2"], "50000 100000", [("other", 0)]), "after a new monitor")

        # What cannot be had is refused by name, and nothing is changed.
        refused = set_threads(machine, [{"kind": "vcpu", "id": 0, "cpus": "1-9", "quota": 60000}])
        check(refused.rc != 0, "CPUs that are not there were taken")
        check_match(r"<vcpupin vcpu='0'>: .*1-9", refused.err)
        check_equal(kernel(machine)["vcpu0"], (["1-2"], "50000 100000", [("other", 0)]), "after a refusal")
        check(set_threads(machine, [{"kind": "vcpu", "id": 0, "quota": 1}]).rc != 0, "a quota of 1 was taken")

        slot = next(s for s in qmp(machine, "query-hotpluggable-cpus") if "qom-path" not in s)
        qmp(machine, "device_add", driver=slot["type"], id="vcpu1", **slot["props"])
        check_equal(set_threads(machine, [pin, {"kind": "vcpu", "id": 1, "cpus": "3"}]).rc, 0)
        check_equal(kernel(machine)["vcpu1"][0], ["3"], "the new virtual CPU")

        check_equal(set_threads(machine, []).rc, 0)
        check_equal(kernel(machine)["vcpu0"], (["0-3"], "max 100000", [("other", 0)]), "without settings")


@case(timeout=SLOW)
def plugged_at_the_start():
    vcpus = """<vcpu>3</vcpu><vcpus>
        <vcpu id='0' enabled='yes' hotpluggable='no'/>
        <vcpu id='1' enabled='no' hotpluggable='yes'/>
        <vcpu id='2' enabled='yes' hotpluggable='yes'/>
      </vcpus>"""
    with tuned("plugged", "<cputune><vcpupin vcpu='2' cpuset='1'/></cputune>", vcpu=vcpus) as machine:
        start(machine)
        cpus = {c["cpu-index"]: c["qom-path"] for c in qmp(machine, "query-cpus-fast")}
        check_equal(sorted(cpus), [0, 2])
        check_equal(cpus[2], "/machine/peripheral/vcpu2")
        check_equal(kernel(machine)["vcpu2"][0], ["1"])


@case(timeout=2 * SLOW)
def verbs_pin_what_runs_and_what_comes():
    """vcpupin and the others, and a virtual CPU and an I/O thread that come later: they get what their number was given."""
    tuning = "<iothreads>1</iothreads><cputune><vcpupin vcpu='1' cpuset='1'/></cputune>"
    with tuned("pinning", tuning, vcpu="<vcpu current='1'>2</vcpu>") as machine:
        start(machine)
        run_ok(["vmunit", "vcpupin", "pinning", "0", "0"], timeout=SLOW)
        check_equal([allowed(t) for t in tids(machine, "vcpu0")], ["0"], "virtual CPU 0")
        run_ok(["vmunit", "setvcpus", "pinning", "2"], timeout=SLOW)
        check_equal([allowed(t) for t in tids(machine, "vcpu1")], ["1"], "virtual CPU 1, which has just come")
        run_ok(["vmunit", "iothreadadd", "pinning", "4"], timeout=SLOW)
        run_ok(["vmunit", "iothreadpin", "pinning", "4", "1"], timeout=SLOW)
        check_equal([allowed(t) for t in tids(machine, "iothread4")], ["1"], "the I/O thread")
        run_ok(["vmunit", "emulatorpin", "pinning", "0-1,^0"], timeout=SLOW)
        check_equal({allowed(t) for t in tids(machine, "emulator")}, {"1"}, "the emulator")
        check_match(r"CPU Affinity: +y-*\n\n(.*\n)*CPU Affinity: +-y-*\n", run_ok(["vmunit", "vcpuinfo", "pinning"], timeout=SLOW))
        check_match(r"(?m)^ 4 +1$", run_ok(["vmunit", "iothreadinfo", "pinning"], timeout=SLOW))
        before = kernel(machine)
        for command in (["vcpupin", "pinning", "5", "0"], ["vcpupin", "pinning", "0", "99"], ["iothreadpin", "pinning", "9", "0"],
                        ["emulatorpin", "pinning", "0,^0"]):
            check_equal(run(["vmunit", *command], timeout=SLOW).rc, 1, f"{command} with what is not there")
        check_equal(kernel(machine), before, "after what was refused")
        new_monitor(machine)
        check_equal(kernel(machine), before, "after a new monitor")


def usage(path):
    """Microseconds of CPU time."""
    return int(re.search(r"^usage_usec (\d+)$", read(f"{path}/cpu.stat"), re.M)[1])


BUSY = """<disk type='file'><driver type='raw'/><source file='{path}'/><target dev='vda' bus='virtio'/></disk>"""


@contextlib.contextmanager
def busy(name, tuning):
    """A guest that does nothing but compute, from its boot sector on: a jump to itself."""
    path = f"/var/tmp/{name}.img"
    with open(path, "wb") as f:
        f.write(b"\xeb\xfe".ljust(510, b"\0") + b"\x55\xaa")
        f.truncate(1 << 20)  # of a disk of one sector the BIOS takes no notice
    with tuned(name, tuning, vcpu="<vcpu cpuset='3'>1</vcpu>", devices=BUSY.format(path=path)) as machine:
        start(machine, runs=True)
        # A boot sector is run at 7C00.
        wait_for(lambda: re.search(r"[ER]IP=0*7c00\b", run_ok(["vmunit", "qemu-monitor-command", "--hmp", name, "info registers"])),
                 SLOW, f"{name} to compute", interval=0.5)
        yield machine
    os.unlink(path)


@case(timeout=4 * SLOW)
def shares_and_quota():
    """What is promised is what is had: guests that compute, on one CPU."""
    shares = "<cputune><shares>{}</shares></cputune>".format
    with busy("half", shares(1024)) as half, busy("whole", shares(2048)) as whole:
        paths = [os.path.dirname(group(m)) for m in (half, whole)]
        before = [usage(p) for p in paths]
        # Long enough that a slice more or less does not count.
        wait_for(lambda: sum(usage(p) for p in paths) - sum(before) > 8e6, SLOW, "8 s of CPU time", interval=0.2)
        used = [usage(p) - b for p, b in zip(paths, before)]
        ratio = used[1] / used[0]
        print(f"   shares 1024 and 2048 got CPU time 1 : {ratio:.3f}")
        check(1.8 <= ratio <= 2.2, f"shares 1024 and 2048 got CPU time 1 : {ratio:.3f} ({used})")

        run_ok(["vmunit", "suspend", "half"])
        check_equal(set_threads(whole, [{"kind": "vcpu", "id": 0, "quota": 25000, "period": 100000}]).rc, 0)
        vcpu = group(whole, "vcpu0")
        begin, first = time.monotonic(), usage(vcpu)
        wait_for(lambda: usage(vcpu) - first > 3e6, SLOW, "3 s of the virtual CPU's time", interval=0.2)
        part = (usage(vcpu) - first) / 1e6 / (time.monotonic() - begin)
        print(f"   a quota of 25 % gave {part:.3f}")
        check(0.225 <= part <= 0.275, f"a quota of 25 % gave {part:.3f}")


if __name__ == "__main__":
    main()
