# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same start and stop on a host with KVM, cgroup controllers, NUMA nodes and SELinux (permissive)."""

import os

from harness import case, check, check_equal, check_match, main, run_ok, unit_property
from vm import list_states, nothing_left, vm

SLOW = 400  # seconds: an emulated host that emulates virtualization


@case(timeout=2 * SLOW)
def kvm_start_and_stop():
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    check(os.path.exists("/dev/kvm"), "this host has no /dev/kvm")
    with vm("kvm", type="kvm") as machine:
        machine.xml = machine.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
        machine.start(timeout=SLOW)
        check_equal(machine.state(), ("running", "booted"))
        with open(f"/proc/{machine.qemu()}/maps", encoding="utf-8", errors="replace") as f:
            check_match(r"anon_inode:kvm-vcpu", f.read(), "the mappings of QEMU")
        qmp = run_ok(["vmunit", "qemu-monitor-command", "kvm", '{"execute":"query-kvm"}'])
        check_match(r'"enabled": ?true', qmp)
        stats = run_ok(["vmunit", "domstats", "kvm", "--vcpu", "--vm"])
        check_match(r"\n  vcpu\.0\.exits\.sum=[1-9]", stats, "what KVM counts of the virtual CPU")
        check_match(r"\n  vm\.\w+\.(sum|cur|max)=\d", stats, "what KVM counts of the machine")
        check_equal(run_ok(["getenforce"]).strip(), "Permissive")
        machine.ticks_go_on(timeout=SLOW)
        run_ok(["vmunit", "shutdown", "kvm"])
        machine.serial.expect("^vmunit-guest: (power button|agent shutdown)$", SLOW)
        check_equal(machine.wait_stopped(SLOW), "inactive")
        check_equal(machine.state(), ("shut off", "shutdown"))
        check_equal(list_states()["kvm"], "shut off")
        nothing_left(machine)


def cached_capabilities():
    return {(e.name, e.inode()) for e in os.scandir("/var/cache/vmunit") if e.name.endswith(".caps")}


@case(timeout=SLOW)
def cgroup_layout():
    """QEMU and its supervisor are where the design says, with the controllers handed down to them."""
    run_ok(["vmunit", "domcapabilities"])
    known = cached_capabilities()
    with vm("groups", cmdline="") as machine:
        machine.start(ready=False)
        # Without KVM in the unit: what its start finds out does not take the place of what is known already.
        check(known and known <= cached_capabilities(), "what was known of the emulator is gone")
        group = "/sys/fs/cgroup" + unit_property(machine.unit, "ControlGroup")
        check_equal(unit_property(machine.unit, "Slice"), "machine.slice")
        with open(f"{group}/vm/cgroup.procs", encoding="ascii") as f:
            check_equal([int(p) for p in f.read().split()], [machine.qemu()], "processes in vm")
        with open(f"{group}/supervisor/cgroup.procs", encoding="ascii") as f:
            check_equal(sorted(map(int, f.read().split())), sorted([machine.supervisor(), machine.monitor()]),
                        "processes in supervisor")
        with open(f"{group}/cgroup.subtree_control", encoding="ascii") as f:
            check_equal(set(f.read().split()) & {"cpu", "cpuset", "memory"}, {"cpu", "cpuset"}, "controllers handed down")
        for _ in range(3):
            run_ok(["systemctl", "daemon-reload"])
        with open(f"{group}/vm/cgroup.procs", encoding="ascii") as f:
            check_equal([int(p) for p in f.read().split()], [machine.qemu()], "processes in vm after daemon-reload")
        run_ok(["vmunit", "destroy", "groups"])
        nothing_left(machine)


if __name__ == "__main__":
    main()
