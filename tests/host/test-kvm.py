# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same start and stop on a host with KVM, cgroup controllers, NUMA nodes and SELinux (permissive)."""

import os
import socket
import subprocess

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for, wait_for_unit
from vm import list_states, nothing_left, talking_vm, vm

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


NOTIFY = "<metadata xmlns:vmunit='urn:vmunit:metadata'><vmunit:ready when='vsock-notify'/></metadata>"
PROXY = "/usr/libexec/vmunit/vmunit-ssh-proxy"
VSOCK = "<vsock model='virtio'><cid auto='yes'/></vsock>"


def with_vsock(machine, metadata=""):
    machine.xml = machine.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
    machine.xml = machine.xml.replace("<memory", f"{metadata}<memory", 1)
    return machine.write()


def start_and_talk(machine):
    run_ok(["systemctl", "start", "--no-block", machine.unit])
    wait_for(lambda: machine.state()[0] == "running", SLOW, f"{machine.name} to run")
    machine.connect()


def say(machine, words, answer="taken"):
    machine.console.send(f"exec notify {words}")
    return machine.console.expect(rf"^address=vsock-stream:2:(\d+)\n(?:.*\n)*?{answer}", SLOW).group(1)


@case(timeout=3 * SLOW)
def vsock_notify():
    """The unit is active when the guest's own systemd (here: one who plays it) says so over vsock, and not before; nobody
    else can say it, whatever a guest sends costs no more than it should, and a new monitor goes on."""
    run_ok("modprobe kvm_amd || modprobe kvm_intel; modprobe vhost_vsock")
    run_ok(["vmunit", "domcapabilities"])
    with talking_vm("booting", type="kvm", devices=VSOCK) as machine, talking_vm("other", type="kvm", devices=VSOCK) as other:
        with_vsock(machine, NOTIFY)
        with_vsock(other)
        run_ok(["systemctl", "daemon-reload"])
        start_and_talk(machine)
        start_and_talk(other)
        waits = lambda: check_equal(unit_property(machine.unit, "ActiveState"), "activating", "state of the unit")
        waits()
        port = say(machine, "X_SYSTEMD_UNIT_ACTIVE=ssh-access.target STATUS=READY=1 READY=10")
        waits()
        # Of messages that never end the oldest makes room for the next.
        for _ in range(6):
            say(machine, "hold READY= &", "held")
        say(machine, "$(head -c 4000 /dev/zero | tr '\\0' x)")
        waits()
        run_ok(["kill", "-KILL", str(machine.monitor())])
        # The other machine has no credential: it is told where, and says the same.
        check(port not in run_ok(["cat", f"/proc/{machine.qemu()}/cmdline"]), "the port is in QEMU's arguments")
        other.console.send(f"exec notify to vsock-stream:2:{port} READY=1")
        other.console.expect(r"^address=.*\n(taken|.*: )", SLOW)
        waits()
        check([m for m in machine.journal() if "somebody else than the guest speaks" in m], "the journal does not tell")
        check_equal(say(machine, "READY=1 STATUS=booted"), port)
        wait_for_unit(machine.unit, ("active",), timeout=60)
        check([m for m in machine.journal() if m.startswith("guest's systemd says that it is ready after ")], "the journal does not tell")
        # PID 1 of the guest waits for each of its messages to be taken, as long as it lives.
        say(machine, "STOPPING=1")
        run_ok(["kill", "-KILL", str(machine.monitor())])
        say(machine, "EXIT_STATUS=0")
        run_ok(["vmunit", "destroy", "booting"])
        check(not [m for m in machine.journal() if m.startswith("stopped before")], "ready, and said not to be")


@case(timeout=2 * SLOW)
def a_connection_by_name():
    """What ssh is given for vm/NAME is a connection with the guest's own port 22. (That ssh asks for it is shown by unit/test-ssh-proxy.py.)"""
    run_ok("modprobe kvm_amd || modprobe kvm_intel; modprobe vhost_vsock")
    with talking_vm("shell", type="kvm", devices=VSOCK) as machine:
        with_vsock(machine)
        run_ok(["systemctl", "daemon-reload"])
        start_and_talk(machine)
        check_match(r"nobody listens at vsock port 22 in domain 'shell'", run([PROXY, "vm/shell", "22"]).err)
        machine.console.send("exec notify serve 22 SSH-2.0-guest")
        machine.console.expect(r"^serves$", SLOW)
        ours, theirs = socket.socketpair()
        with ours, subprocess.Popen([PROXY, "vm/shell", "22"], stdout=theirs) as proxy:
            theirs.close()
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
            check_equal(proxy.wait(60), 0, "status of the proxy")
        with socket.socket(fileno=descriptors[0]) as guest:
            guest.settimeout(SLOW)
            check_equal(guest.makefile("rb").readline(), b"SSH-2.0-guest\r\n")
            guest.sendall(b"SSH-2.0-host\r\n")
            machine.console.expect(r"^heard=SSH-2\.0-host", SLOW)


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
