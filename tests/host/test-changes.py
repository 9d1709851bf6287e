# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of one machine while it runs and for its next start: what the kernel has after them, what is written, and
what leaves both as they are. The cases share the machine and what they have changed; each does first what it needs."""

import atexit
import contextlib
import glob
import json
import os
import re
import signal
import time

from device_list import Opener, loop_devices
from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import Vm

SLOW = 400  # seconds: an emulated host
MIB = 1 << 20
DISK = "/dev/vda"

DEFINITION = """<!-- ask Bob before
     you change this -->
<domain type='qemu'>
  <name>changes</name>
  <memory unit="MiB">64</memory>
  <vcpu cpuset='0-2'>2</vcpu>
  <iothreads>1</iothreads>
  <cputune> <!-- half of what others get -->
    <shares>512</shares>
  </cputune>
  <memtune><hard_limit unit='MiB'>900</hard_limit></memtune>
  <numatune><memory mode='strict' nodeset='0'/></numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><tcg><tb-cache unit='MiB'>16</tb-cache></tcg></features>
  <devices>
    <memballoon model='virtio'/> <!-- the last one -->
  </devices>
</domain>
"""

UNIT_FILES = ("cpu.weight", "cpu.max", "cpuset.cpus", "cpuset.cpus.effective", "cpuset.mems", "memory.max", "memory.high",
              "memory.min", "memory.swap.max", "io.weight", "io.max")  # fmt: skip

# What comes of DEFINITION.
AT_THE_START = {
    "cpu.weight": "50", "cpu.max": "max 100000", "cpuset.cpus": "0-2", "cpuset.cpus.effective": "0-2", "cpuset.mems": "0",
    "memory.max": str(900 * MIB), "memory.high": "max", "memory.min": "0", "memory.swap.max": "max", "io.weight": "default 100",
    "io.max": "", "vm runs on": ["0-2"], "vm is scheduled": [0], "vm may use": ["0"],
}  # fmt: skip


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read().strip()


def disk_number():
    number = os.stat(DISK).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"


def group(machine):
    return f"/sys/fs/cgroup{unit_property(machine.unit, 'ControlGroup')}"


def kernel(machine):
    """Everything the kernel has of the machine: its group's files, those of the groups of its threads, and where and
    how the threads of each run."""
    top, found = group(machine), {}
    for name in UNIT_FILES:
        try:
            found[name] = read(f"{top}/{name}")
        except FileNotFoundError:  # of a controller that nobody has asked for
            found[name] = AT_THE_START[name]
    for path in (f"{top}/vm", *glob.glob(f"{top}/vm/*/")):
        name = path[len(top) + 1:].rstrip("/")
        for file in ("cpu.max", "cpuset.cpus"):
            # Whether there is such a file while nobody asks for a limit is up to the other groups.
            with contextlib.suppress(FileNotFoundError):
                value = read(f"{path}/{file}")
                if value not in ("", "max 100000"):
                    found[f"{name}/{file}"] = value
        tids = read(f"{path}/cgroup.threads").split()
        found[f"{name} runs on"] = sorted({check_match(r"^Cpus_allowed_list:\t(.*)$", read(f"/proc/{t}/status"))[1] for t in tids})
        found[f"{name} is scheduled"] = sorted({os.sched_getscheduler(int(t)) & ~os.SCHED_RESET_ON_FORK for t in tids})
        found[f"{name} may use"] = sorted({check_match(r"^Mems_allowed_list:\t(.*)$", read(f"/proc/{t}/status"))[1] for t in tids})
    return found


def differences(before, after):
    return {k: after.get(k) for k in {**before, **after} if before.get(k) != after.get(k)}


def everything(machine):
    """What must not change when something is refused."""
    return kernel(machine), run_ok(["vmunit", "dumpxml", machine.name]), read(machine.path)


# ---- the machine


_machine = None


def start(name="changes"):
    # Nobody needs the guest: it would only take the time of the rest.
    for _ in range(3):
        result = run(["vmunit", "start", "--paused", name], timeout=SLOW)
        # The host may be too busy for QEMU to tell in time what it can do.
        if "did not answer in time" not in result.err:
            break
    check_equal((result.rc, result.err), (0, ""), "the start")


def the_machine():
    """It runs; its definition may have been changed."""
    global _machine
    if not _machine:
        # Weights of a device are for the scheduler bfq or for the controller that counts costs.
        with open("/sys/fs/cgroup/io.cost.qos", "w", encoding="ascii") as f:
            f.write(f"{disk_number()} enable=1")
        machine = Vm("changes")
        machine.xml = DEFINITION
        atexit.register(machine.remove)
        machine.write()
        start()
        _machine = machine
    return _machine


def restart():
    run_ok(["vmunit", "destroy", "changes"])
    start()


def fresh():
    """It runs, and is as DEFINITION says."""
    machine = the_machine()
    if read(machine.path) != DEFINITION.strip() or kernel(machine) != AT_THE_START:
        machine.write()
        restart()
    return machine


def set_live(*words):
    run_ok(["vmunit", words[0], "changes", *words[1:], "--live"])


def schedinfo(*words):
    return dict(re.findall(r"^(\w+) *: (-?\d+)$", run_ok(["vmunit", "schedinfo", "changes", *words]), re.M))


_changed = None


def changed():
    """It runs with another value of every kind than its definition has. Returns what the kernel then has."""
    global _changed
    if _changed and _changed == kernel(the_machine()):
        return _changed
    machine = fresh()
    disk = disk_number()
    check_equal(differences(AT_THE_START, kernel(machine)), {}, "what the kernel has at the start")
    set_live("schedinfo", "--set", "cpu_shares=2048", "global_quota=112350", "vcpu_period=50000", "vcpu_quota=12500",
             "emulator_quota=15000", "iothread_period=20000", "iothread_quota=10000")  # fmt: skip
    set_live("memtune", "--hard-limit", "800MiB", "--soft-limit", "700MiB", "--swap-hard-limit", "810MiB")
    set_live("blkiotune", "--weight", "800", "--device-weights", f"{DISK},250", "--device-read-bytes-sec", f"{DISK},80000000",
             "--device-write-iops-sec", f"{DISK},5000")  # fmt: skip
    set_live("numatune", "--nodeset", "0-1")
    set_live("vcpupin", "0", "1")
    set_live("vcpupin", "1", "2-3")
    set_live("emulatorpin", "0,3")
    set_live("iothreadpin", "1", "2")
    after = kernel(machine)
    for name, value in (("io.weight", rf"^default 160\n(.*\n)?{disk} 50$"),
                        ("io.max", rf"^{disk} rbps=80000000 wbps=max riops=max wiops=5000$")):
        check_match(value, after[name], name)
    expected = {
        "cpu.weight": "200", "cpu.max": "112350 100000", "cpuset.cpus": "0-3", "cpuset.cpus.effective": "0-3", "cpuset.mems": "0-1",
        "memory.max": str(800 * MIB), "memory.high": str(700 * MIB), "memory.min": "0", "memory.swap.max": str(10 * MIB),
        "io.weight": after["io.weight"], "io.max": after["io.max"],
        "vm runs on": [], "vm is scheduled": [], "vm may use": [],
    }  # fmt: skip
    for name, limit, cpus in (("vcpu0", "12500 50000", "1"), ("vcpu1", "12500 50000", "2-3"), ("emulator", "15000 100000", "0,3"),
                              ("iothread1", "10000 20000", "2")):  # fmt: skip
        expected |= {f"vm/{name}/cpu.max": limit, f"vm/{name}/cpuset.cpus": cpus, f"vm/{name} runs on": [cpus],
                     f"vm/{name} is scheduled": [0], f"vm/{name} may use": ["0-1"]}  # fmt: skip
    check_equal(differences(expected, after), {}, "what the kernel has after the changes")
    _changed = after
    return after


# ---- while it runs


@case(timeout=2 * SLOW)
def live_changes():
    """They are in the kernel and in the XML of what runs, as they were written, and not in the file."""
    changed()
    shown = schedinfo("--live")
    check_equal({k: shown[k] for k in ("cpu_shares", "global_quota", "global_period", "vcpu_period", "vcpu_quota", "emulator_quota",
                                       "iothread_period", "iothread_quota")},
                {"cpu_shares": "2048", "global_quota": "112350", "global_period": "100000", "vcpu_period": "50000",
                 "vcpu_quota": "12500", "emulator_quota": "15000", "iothread_period": "20000", "iothread_quota": "10000"})  # fmt: skip
    xml = run_ok(["vmunit", "dumpxml", "changes"])
    for element in ("<shares>2048</shares>", "<quota>12500</quota>", "<hard_limit unit='KiB'>819200</hard_limit>",
                    "<soft_limit unit='KiB'>716800</soft_limit>", "<memory mode='strict' nodeset='0-1'/>",
                    "<vcpupin vcpu='1' cpuset='2-3'/>", "<emulatorpin cpuset='0,3'/>", "<iothreadpin iothread='1' cpuset='2'/>",
                    f"<path>{DISK}</path>", "<read_bytes_sec>80000000</read_bytes_sec>"):  # fmt: skip
        check(element in xml, f"{element} is not in the XML of what runs: {xml}")
    check_match(r"^hard_limit *: 819200$", run_ok(["vmunit", "memtune", "changes"]))
    check_match(r"^numa_nodeset *: 0-1$", run_ok(["vmunit", "numatune", "changes"]))
    check_match(rf"^device_read_bytes_sec *: ?{DISK},80000000$", run_ok(["vmunit", "blkiotune", "changes"]))
    check_match(r"^ *1 +2-3$", run_ok(["vmunit", "vcpupin", "changes"]))
    check_equal(read(the_machine().path), DEFINITION.strip(), "the definition")
    check_equal(schedinfo("--config")["cpu_shares"], "512")


@case(timeout=2 * SLOW)
def a_killed_monitor():
    before = changed()
    machine = the_machine()
    old = machine.monitor()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: machine.monitor() not in (None, old), 90, "a new monitor", interval=0.2)
    wait_for(lambda: run(["vmunit", "qemu-monitor-command", "changes", '{"execute":"query-status"}']).rc == 0, 90,
             "the new monitor to answer", interval=0.2)
    check_equal(differences(before, kernel(machine)), {}, "changed by a new monitor")
    check_equal(schedinfo()["cpu_shares"], "2048")


# A machine with devices of the host of every kind that one can have: KVM, a tap, vhost, vsock, a disk.
WITH_DEVICES = """<domain type='kvm'>
  <name>devices</name>
  <memory unit="MiB">64</memory>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu mode='host-passthrough'/>
  <devices>
    <disk type='block'><driver name='qemu' type='raw'/><source dev='{disk}'/><target dev='vda' bus='virtio'/></disk>
    <interface type='bridge'><source bridge='changes0'/><model type='virtio'/><rom enabled='no'/></interface>
    <vsock model='virtio'><cid auto='no' address='53'/></vsock>
  </devices>
</domain>
"""
DEVICES = ["/dev/kvm", "/dev/net/tun", "/dev/vhost-net", "/dev/vhost-vsock"]


@contextlib.contextmanager
def machine_with_devices(disk):
    run_ok("modprobe kvm_amd || modprobe kvm_intel; modprobe -a tun vhost_net vhost_vsock")
    run_ok("ip link add changes0 type bridge && ip link set changes0 up")
    machine = Vm("devices")
    machine.xml = WITH_DEVICES.format(disk=disk)
    try:
        machine.write()
        start(machine.name)
        yield machine
        # At once: the kernel's threads for vhost are gone with QEMU.
        run_ok(["vmunit", "destroy", machine.name])
        check_equal(unit_property(machine.unit, "Result"), "success")
    finally:
        machine.remove()
        run(["systemctl", "revert", machine.unit])
        run_ok(["ip", "link", "del", "changes0"])


def reads(machine):
    answer = run_ok(["vmunit", "qemu-monitor-command", machine.name, '{"execute":"query-blockstats"}'])
    stats = json.loads(answer)["return"][0]["stats"]
    check_equal(stats["failed_rd_operations"], 0, "reads from the disk that failed")
    return stats["rd_operations"]


def check_uses_devices(machine):
    """It works with those that it was handed: KVM runs its firmware, which reads the disk."""
    before = reads(machine)
    run_ok(["vmunit", "reset", machine.name])
    run_ok(["vmunit", "resume", machine.name])
    wait_for(lambda: reads(machine) > before, 120, "the firmware to read the disk", interval=0.2)
    run_ok(["vmunit", "suspend", machine.name])


# Each takes seconds on the slow CPUs there, beside other tests above all. RELOADS=100 is for a quiet machine.
RELOADS = int(os.environ.get("RELOADS", "30"))


@case(timeout=6 * SLOW)
def many_reloads():
    """What was changed while the machine runs is there after any number of them. So is the list of devices, which is
    looked at all the time: what is in it from the start, or was added later, can be opened, and nothing else can."""
    before = changed()
    machine = the_machine()
    with loop_devices("/var/tmp", 3) as (disk, added, other), machine_with_devices(disk) as user:
        allowed, refused = [disk, *DEVICES], [other, DISK, "/dev/mem", "/dev/loop-control"]
        listed = unit_property(user.unit, "DeviceAllow")
        # The clocks are ProtectClock='s.
        check_equal(sorted(listed.splitlines()), sorted(["char-rtc r", *(f"{d} rw" for d in allowed)]), "the list")
        check_equal(unit_property(user.unit, "DevicePolicy"), "closed")
        for path in (*allowed, *refused, added):
            os.close(os.open(path, os.O_RDWR))
        with Opener(f"{group(user)}/vm", allowed, [*refused, added]) as opener:
            opener.look()
            opener.check()
            run_ok(["systemctl", "set-property", "--runtime", user.unit, f"DeviceAllow={added} rw"])
            opener.allowed, opener.refused = [*allowed, added], refused
            opener.start()
            begin = time.monotonic()
            for i in range(RELOADS):
                run_ok(["systemctl", "daemon-reload"])
                if i % 10 == 9:
                    check_equal(differences(before, kernel(machine)), {}, f"changed by {i + 1} reloads")
            print(f"   {(time.monotonic() - begin) / RELOADS:.2f} s each; {opener.n} rounds of opening devices meanwhile")
        check(opener.n >= RELOADS, f"only {opener.n} rounds")
        opener.check()
        check_uses_devices(user)
        # QEMU was handed all of them and opens none: it goes on without a list.
        run_ok(["systemctl", "set-property", "--runtime", user.unit, "DeviceAllow="])
        with Opener(f"{group(user)}/vm", [], [*allowed, *refused, added]) as opener:
            for _ in range(2):
                opener.look()
                opener.check()
                check_uses_devices(user)
                run_ok(["systemctl", "daemon-reload"])
    check_equal(schedinfo()["cpu_shares"], "2048")


@case(timeout=2 * SLOW)
def refused_changes():
    """What cannot be is named; the kernel, what runs and the file stay as they are."""
    changed()
    machine = the_machine()
    before = everything(machine)
    for words, text in (
            (("schedinfo", "--set", "cpu_shares=0"), "value of 'cpu_shares' is out of range [2, 262144]"),
            (("schedinfo", "--set", "vcpu_quota=-2"), "value of 'vcpu_quota' is out of range [1000, 17592186044415]"),
            (("schedinfo", "--set", "cpu_shares=300", "vcpu_quota=1"), "value of 'vcpu_quota' is out of range"),
            (("schedinfo", "--set", "global_period=9"), "value of 'global_period' is out of range [1000, 1000000]"),
            (("vcpupin", "0", "99"), "CPU 99 in cpulist '99' exceed the maxcpu 4"),
            (("vcpupin", "7", "1"), "vcpu 7 is out of range of "),
            (("vcpupin", "0", "0-3,^0-3"), "Invalid cpulist '0-3,^0-3'"),
            (("emulatorpin", "0-9"), "CPU 9 in cpulist '0-9' exceed the maxcpu 4"),
            (("iothreadpin", "8", "1"), " 8 not found"),
            (("numatune", "--nodeset", "7"), "numatune: this machine has no NUMA node 7 with memory"),
            (("numatune", "--mode", "interleave"), "can't change numatune mode for running domain"),
            (("memtune", "--hard-limit", "900MiB"), "hard_limit tunable value must be lower than or equal to swap_hard_limit"),
            (("blkiotune", "--weight", "5000"), "blkiotune: weight is 5000, not a number from 10 to 1000"),
            (("blkiotune", "--device-weights", "/dev/vdb,500"), "blkiotune: device '/dev/vdb': it takes no weight"),
            (("blkiotune", "--device-read-iops-sec", "/dev/null,500"), "blkiotune: device '/dev/null': it is not a block device"),
    ):  # fmt: skip
        # What must not be done in one place must not be done in the other.
        result = run(["vmunit", words[0], machine.name, *words[1:], "--live", "--config"])
        check_equal(result.rc, 1, f"exit status of {words}")
        check(text in result.err, f"{words}: {result.err!r}, not {text!r}")
    result = run(["vmunit", "vcpupin", machine.name, "0", "99", "--live"])
    check("CPU 99 in cpulist '99' exceed the maxcpu 4" in result.err, repr(result))
    check_equal(everything(machine), before, "after what was refused")


@case(timeout=2 * SLOW)
def set_by_the_user():
    """systemctl set-property is a change as well: it is shown, and a later change leaves it alone."""
    machine = the_machine()
    changed()
    run_ok(["systemctl", "set-property", "--runtime", machine.unit, "CPUWeight=300", "MemoryMax=805M", "CPUQuota=50%",
            "IOWeight=60", "MemoryMin=20M", "AllowedMemoryNodes=0", f"IOWriteBandwidthMax={DISK} 60M"])  # fmt: skip
    before = kernel(machine)
    check_equal([before[n] for n in ("cpu.weight", "memory.max", "cpu.max", "memory.min", "cpuset.mems")],
                ["300", str(805 * MIB), "50000 100000", str(20 * MIB), "0"])  # fmt: skip
    check_match(r" wbps=60000000 ", before["io.max"], "io.max")
    shown = schedinfo()
    check_equal((shown["cpu_shares"], shown["global_quota"]), ("3072", "50000"), "shares and quota")
    xml = run_ok(["vmunit", "dumpxml", "changes"])
    for element in ("<shares>3072</shares>", "<min_guarantee unit='KiB'>20480</min_guarantee>"):
        check(element in xml, f"{element} is not in the XML of what runs: {xml}")
    check_match(rf"^hard_limit *: {805 * 1024}$", run_ok(["vmunit", "memtune", "changes"]))
    check_match(rf"^weight *: 300$(?s:.*)^device_write_bytes_sec *: ?{DISK},60000000$", run_ok(["vmunit", "blkiotune", "changes"]))
    check_match(r"^numa_nodeset *: 0$", run_ok(["vmunit", "numatune", "changes"]))
    check_equal(kernel(machine), before, "after having been shown")
    set_live("schedinfo", "--set", "vcpu_quota=30000")
    expected = {"vm/vcpu0/cpu.max": "30000 50000", "vm/vcpu1/cpu.max": "30000 50000"}
    check_equal(differences(before, kernel(machine)), expected, "changed by a change of something else")
    run_ok(["systemctl", "daemon-reload"])
    check_equal(differences(before, kernel(machine)), expected, "changed by a reload")
    check_equal(schedinfo()["cpu_shares"], "3072")


# ---- for the next start


def changed_lines(old, new):
    old, new = old.splitlines(), new.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


_text = None


def changed_for_the_next_start():
    """It runs as DEFINITION says, and its file says something else. Returns that."""
    global _text
    if _text and _text == read(the_machine().path):
        return _text
    machine = fresh()
    text = read(machine.path)
    for words, lines in (
            (("schedinfo", "--set", "cpu_shares=256"), (["    <shares>512</shares>"], ["    <shares>256</shares>"])),
            (("numatune", "--nodeset", "1"), (["  <numatune><memory mode='strict' nodeset='0'/></numatune>"],
                                              ["  <numatune><memory mode='strict' nodeset='1'/></numatune>"])),
            (("schedinfo", "--set", "vcpu_quota=20000"), ([], ["    <quota>20000</quota>"])),
            (("vcpupin", "1", "0"), ([], ["    <vcpupin vcpu='1' cpuset='0'/>"])),
            (("memtune", "--hard-limit", "850MiB"), (["  <memtune><hard_limit unit='MiB'>900</hard_limit></memtune>"],
                                                     ["  <memtune><hard_limit unit='KiB'>870400</hard_limit></memtune>"])),
            (("blkiotune", "--device-read-iops-sec", f"{DISK},6000"), None),
    ):  # fmt: skip
        run_ok(["vmunit", words[0], "changes", *words[1:], "--config"])
        after = read(machine.path)
        if lines:
            check_equal(changed_lines(text, after), lines, f"lines changed by {words}")
        text = after
    _text = text
    return text


@case(timeout=2 * SLOW)
def config_changes():
    """One place of the file is another; the kernel has what it had."""
    text = changed_for_the_next_start()
    check_equal(differences(AT_THE_START, kernel(the_machine())), {}, "changed in the kernel")
    check_equal(re.findall("<!--.*?-->", text, re.S), re.findall("<!--.*?-->", DEFINITION, re.S), "the comments")
    check_equal((schedinfo()["cpu_shares"], schedinfo("--config")["cpu_shares"]), ("512", "256"))


@case(timeout=2 * SLOW)
def the_next_start():
    """What was changed for it is there, what was changed while the machine ran is not; both at once is both."""
    changed_for_the_next_start()
    machine = the_machine()
    set_live("schedinfo", "--set", "vcpu_quota=25000", "global_quota=50000")
    set_live("memtune", "--soft-limit", "700MiB")
    set_live("vcpupin", "0", "1")
    run_ok(["systemctl", "set-property", "--runtime", machine.unit, "IOWeight=60"])
    run_ok(["vmunit", "schedinfo", "changes", "--set", "emulator_quota=30000", "--config"])
    run_ok(["vmunit", "schedinfo", "changes", "--set", "cpu_shares=4096", "--live", "--config"])
    now = kernel(machine)
    check_equal([now[n] for n in ("cpu.weight", "cpu.max", "memory.high", "vm/vcpu0/cpu.max", "vm/vcpu0/cpuset.cpus")],
                ["400", "50000 100000", str(700 * MIB), "25000 100000", "1"])  # fmt: skip
    check("vm/emulator/cpu.max" not in now, "the next start's quota is there")
    check_match("<shares>4096</shares>", read(machine.path))
    restart()
    found = kernel(machine)
    expected = {**AT_THE_START, "cpu.weight": "400", "cpuset.mems": "1", "memory.max": str(850 * MIB),
                "io.max": f"{disk_number()} rbps=max wbps=max riops=6000 wiops=max"}  # fmt: skip
    check_equal({k: v for k, v in found.items() if k in UNIT_FILES}, {k: v for k, v in expected.items() if k in UNIT_FILES})
    threads = {"vm/vcpu0/cpu.max": "20000 100000", "vm/vcpu0 runs on": ["0-2"], "vm/vcpu1/cpu.max": "20000 100000",
               "vm/vcpu1 runs on": ["0"], "vm/emulator/cpu.max": "30000 100000", "vm/emulator runs on": ["0-2"],
               "vm/emulator may use": ["1"]}  # fmt: skip
    check_equal({k: found.get(k) for k in threads}, threads)
    check_equal((schedinfo()["cpu_shares"], schedinfo()["vcpu_quota"]), ("4096", "20000"))


if __name__ == "__main__":
    main()
