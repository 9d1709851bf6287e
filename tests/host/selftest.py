#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Proves the host tier itself: what the rest of the tests takes for granted about the emulated host.
Run by: tests/host/boot --driver python3 host/selftest.py"""

import glob
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import (  # noqa: E402
    Serial,
    case,
    check,
    check_equal,
    check_match,
    journal,
    main,
    run,
    run_ok,
    unit_property,
)

GUEST = os.environ.get("VMUNIT_GUEST", "/usr/lib/vmunit-tests-guest")

# Asks the kernel for KVM's API version.
OPEN_KVM = "import fcntl, os; print('kvm', fcntl.ioctl(os.open('/dev/kvm', os.O_RDWR), 0xAE00, 0))"


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def transient(name, *properties, command):
    """Runs a command as a transient service to its end."""
    options = [f"--property={p}" for p in properties]
    return run(["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit=selftest-{name}", *options, *command])


@case
def system_is_running():
    check_equal(run(["systemctl", "is-system-running", "--wait"]).out.strip(), "running", "the system's state")
    check_equal(run_ok(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]), "", "failed units")
    print("    up for", read("/proc/uptime").split()[0], "s;", run_ok(["systemd-analyze", "time"]).splitlines()[0])


@case
def cgroup_v2_with_controllers():
    check_equal(run_ok(["stat", "-fc", "%T", "/sys/fs/cgroup"]).strip(), "cgroup2fs", "the hierarchy")
    controllers = set(read("/sys/fs/cgroup/cgroup.controllers").split())
    wanted = {"cpu", "cpuset", "memory", "io", "pids", "hugetlb"}
    check(wanted <= controllers, f"missing: {wanted - controllers}")


@case
def unit_properties_reach_the_kernel():
    run_ok(["systemd-run", "--quiet", "--unit=selftest-limits", "--property=CPUWeight=77", "--property=CPUQuota=50%",
            "--property=MemoryMax=64M", "--property=TasksMax=9", "--property=AllowedCPUs=1", "--property=AllowedMemoryNodes=1",
            "--property=IOReadBandwidthMax=/dev/vda 1M", "sleep", "infinity"])  # fmt: skip
    group = "/sys/fs/cgroup" + unit_property("selftest-limits", "ControlGroup")
    expected = {"cpu.weight": "77", "cpu.max": "50000 100000", "memory.max": str(64 << 20), "pids.max": "9",
                "cpuset.cpus.effective": "1", "cpuset.mems.effective": "1"}
    actual = {name: read(f"{group}/{name}") for name in expected}
    check_match("rbps=1000000", read(f"{group}/io.max"), "io.max")
    run_ok(["systemctl", "stop", "selftest-limits"])
    check_equal(actual, expected, "the cgroup's files")


@case
def memory_limit_is_kept():
    eat = ["python3", "-c", "b'x' * (200 << 20)"]
    control = transient("eats", "MemoryMax=400M", command=eat)
    check_equal(control.rc, 0, f"control: {control}")
    result = transient("starves", "MemoryMax=50M", "MemorySwapMax=0", command=eat)
    check(result.rc != 0, "the limit had no effect")
    check(any(e.get("UNIT_RESULT") == "oom-kill" for e in journal("-u", "selftest-starves")), "not ended by the OOM killer")


@case
def two_numa_nodes():
    check_equal([read(f"/sys/devices/system/node/node{n}/cpulist") for n in (0, 1)], ["0-1", "2-3"], "CPUs of the nodes")
    check_equal(len(glob.glob("/sys/devices/system/node/node[0-9]*")), 2, "nodes")
    out = transient("numa", "NUMAPolicy=bind", "NUMAMask=1", command=["numactl", "--show"]).out
    check_match(r"^policy: bind$", out)
    check_match(r"^membind: 1 *$", out)


@case
def huge_pages():
    pages = "/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"
    with open(pages, "w", encoding="ascii") as f:
        f.write("4")
    check_equal(read(pages), "4", "huge pages of node 1")
    with open(pages, "w", encoding="ascii") as f:
        f.write("0")


@case
def selinux():
    mode = "Enforcing" if "enforcing=1" in read("/proc/cmdline") else "Permissive"
    check_equal(run_ok(["getenforce"]).strip(), mode)
    check_match("^unconfined_u:unconfined_r:unconfined_t:", read("/proc/self/attr/current").rstrip("\0"), "our context")
    for path, label in {
        "/etc/passwd": "etc_t",
        "/usr/bin/qemu-system-x86_64": "qemu_exec_t",
        "/dev/kvm": "kvm_device_t",
        "/etc/systemd/system/vmunit-test-driver.service": "systemd_unit_t",
        "/usr/lib/vmunit-tests": "tmp_t",
        "/run/vmunit-tests-results": "tmp_t",
    }.items():
        check_equal(run_ok(["stat", "-c", "%C", path]).split(":")[2], label, f"label of {path}")
    # A label of a domain's own, and that the policy knows it.
    with open("/var/tmp/selftest-labelled", "w", encoding="ascii"):
        pass
    run_ok(["chcon", "system_u:object_r:svirt_image_t:s0:c1,c2", "/var/tmp/selftest-labelled"])
    run_ok(["rm", "/var/tmp/selftest-labelled"])


@case
def denials_are_logged():
    """Permissive mode is of use only if what would be refused can be read afterwards."""
    run(["runcon", "system_u:system_r:ping_t:s0", "cat", "/etc/shadow"])
    messages = [str(e["MESSAGE"]) for e in journal("_TRANSPORT=audit")]
    check(any("denied" in m and "ping_t" in m for m in messages), "no denial in the journal")


@case
def who_may_open_kvm():
    run_ok(["modprobe", "kvm_amd"])
    check_equal(run_ok(["stat", "-c", "%A %U %G", "/dev/kvm"]).strip(), "crw-rw---- root kvm", "/dev/kvm")
    python = ["python3", "-c", OPEN_KVM]
    attempts = {
        "dynamic": (False, "DynamicUser=yes"),
        "group": (True, "DynamicUser=yes", "SupplementaryGroups=kvm"),
        "group-private-users": (None, "DynamicUser=yes", "SupplementaryGroups=kvm", "PrivateUsers=yes"),
        "private": (False, "DynamicUser=yes", "SupplementaryGroups=kvm", "PrivateDevices=yes"),
        "private-bound": (True, "DynamicUser=yes", "SupplementaryGroups=kvm", "PrivateDevices=yes", "BindPaths=/dev/kvm",
                          "DeviceAllow=/dev/kvm rw"),
        "private-bound-not-allowed": (None, "DynamicUser=yes", "SupplementaryGroups=kvm", "PrivateDevices=yes",
                                      "BindPaths=/dev/kvm"),
        "private-bound-no-group": (None, "DynamicUser=yes", "PrivateDevices=yes", "BindPaths=/dev/kvm",
                                   "DeviceAllow=/dev/kvm rw"),
        "closed": (False, "DynamicUser=yes", "SupplementaryGroups=kvm", "DevicePolicy=closed"),
        "allowed": (True, "DynamicUser=yes", "SupplementaryGroups=kvm", "DevicePolicy=closed", "DeviceAllow=/dev/kvm rw"),
    }  # fmt: skip
    wrong = []
    for name, (expected, *properties) in attempts.items():
        result = transient(f"kvm-{name}", *properties, command=python)
        opened = "kvm 12" in result.out
        print(f"    {' '.join(properties)}: {'opens' if opened else result.err.strip().splitlines()[-1:]}")
        if expected not in (None, opened):
            wrong.append(name)
    check_equal(wrong, [], "attempts with another outcome than expected")


@case(timeout=400)
def nested_guest():
    """A guest under KVM, as an unprivileged unit."""
    run_ok(["modprobe", "kvm_amd"])
    started = time.monotonic()
    run_ok([
        "systemd-run", "--quiet", "--unit=selftest-nested", "--property=DynamicUser=yes", "--property=SupplementaryGroups=kvm",
        "--property=RuntimeDirectory=selftest-nested",
        "qemu-system-x86_64", "-accel", "kvm", "-machine", "q35,sata=off,smbus=off,hpet=off", "-cpu", "host", "-m", "256",
        "-nodefaults", "-no-user-config", "-display", "none", "-sandbox", "on",
        "-kernel", f"{GUEST}/vmlinux", "-initrd", f"{GUEST}/initrd",
        "-append", "console=ttyS0 quiet mitigations=off tsc=reliable no_timer_check",
        "-chardev", "file,id=serial,path=/run/selftest-nested/serial", "-serial", "chardev:serial",
    ])  # fmt: skip
    serial = Serial("/run/selftest-nested/serial")
    serial.expect_ready(300)
    print(f"    ready after {time.monotonic() - started:.1f} s")
    pid = unit_property("selftest-nested", "MainPID")
    print("    QEMU's context:", read(f"/proc/{pid}/attr/current").rstrip("\0"))
    run_ok(["systemctl", "stop", "selftest-nested"])
    with open(f"{os.environ['VMUNIT_RESULTS']}/nested-serial", "w", encoding="utf-8") as f:
        f.write(serial.text)


main()
