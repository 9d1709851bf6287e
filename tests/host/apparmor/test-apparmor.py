# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines on a host with AppArmor: each has a profile of its own, lives its whole life within it, and what is not in the
profile is refused, also to an emulator that was taken over."""

import contextlib
import errno
import os
import re
import shutil
import signal
import socket
import time

from boot_sector import IMAGE, gone_afterwards, replace_monitor, ticks_go_on, without_kvm
from confinement import DIRECTORY, EMULATOR, GUEST_PUPPET, PuppetVm, Refused
from harness import case, check, check_equal, check_match, journal, main, run, run_ok, wait_for, wait_for_exit
from vm import nothing_left

SLOW = 300  # seconds: an emulated host that emulates virtualization
OWN = "/etc/vm/apparmor"
WORD = re.compile(r'apparmor="(\w+)" operation="([^"]*)"(?: info="[^"]*")?(?: error=\S+)? profile="([^"]*)"(.*)')


def confinement(pid):
    with open(f"/proc/{pid}/attr/current", encoding="ascii") as f:
        return f.read().rstrip("\0\n")


def profiles():
    """{name: mode} of the kernel's profiles of machines."""
    with open("/sys/kernel/security/apparmor/profiles", encoding="ascii") as f:
        return dict(m.groups() for m in re.finditer(r"^(vmunit-\S+) \((\w+)\)$", f.read(), re.MULTILINE))


def lines(since, *verdicts):
    """[(verdict, operation, profile, rest)] that AppArmor has logged since the time."""
    run_ok(["journalctl", "--sync"])
    found = [WORD.search(str(e["MESSAGE"])) for e in journal("_TRANSPORT=audit", f"--since=@{since}")]
    return [m.groups() for m in found if m and m[1] in verdicts]


@contextlib.contextmanager
def nothing_refused():
    since = time.time()
    yield
    check_equal(sorted({f"{v} {o} {p}{r}" for v, o, p, r in lines(since, "DENIED", "ALLOWED")}), [], "refusals")


@contextlib.contextmanager
def file(path, text):
    """A file for a while."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    try:
        yield
    finally:
        os.unlink(path)


def template(flag=""):
    with open("/usr/share/vmunit/apparmor/template", encoding="ascii") as f:
        return f.read().replace("flags=(", f"flags=({flag}" if flag else "flags=(")


def check_confined(machine, expected):
    for what in (machine.supervisor, machine.monitor, machine.qemu):
        check_equal(confinement(what()), expected, what.__name__)


def use_devices(machine):
    out = run(["script", "-qec", f"timeout --foreground 5 vmunit console {machine.name} --devname serial1", "/dev/null"], timeout=60).out
    check_match(f"^Connected to domain '{machine.name}'", out.replace("\r", ""), "the console")
    with socket.create_connection(("127.0.0.1", 5900), timeout=60) as client:
        check_equal(client.recv(4), b"RFB ", "the greeting of VNC")


@contextlib.contextmanager
def taken_over(name, wait=True):
    """A machine whose emulator does as it is told."""
    os.makedirs(DIRECTORY, exist_ok=True)
    shutil.copy(GUEST_PUPPET, EMULATOR)
    with gone_afterwards(PuppetVm(name)) as machine:
        machine.start()
        yield machine.puppet


def refusal(function, *arguments):
    """The error of a call, or 0."""
    try:
        function(*arguments)
    except Refused as e:
        return e.errno
    return 0


@case
def it_is_the_active_one():
    with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as f:
        check_equal(f.read(), "Y\n")
    check_match(r"<secmodel>\s*<model>apparmor</model>\s*<doi>0</doi>\s*</secmodel>", run_ok("vmunit capabilities", timeout=SLOW))
    check_equal(profiles(), {})


@case(timeout=2 * SLOW)
def life():
    run_ok("modprobe tun && modprobe vhost_net && ip link add apparmor0 type bridge && ip link set apparmor0 up")
    devices = """<serial type='pty'/>
    <interface type='bridge'><source bridge='apparmor0'/><model type='virtio'/><rom enabled='no'/></interface>
    <graphics type='vnc' autoport='yes' listen='127.0.0.1'/><video><model type='none'/></video>"""
    with nothing_refused(), gone_afterwards(without_kvm("tcg", devices, lifecycle="<on_crash>restart</on_crash>")) as machine:
        machine.start(timeout=SLOW)
        check_equal(run_ok(["systemctl", "show", "-P", "AppArmorProfile", machine.unit]), "vmunit-tcg\n")
        check_equal(profiles(), {"vmunit-tcg": "enforce"})
        check_confined(machine, "vmunit-tcg (enforce)")
        check_match(r"^Security model: +apparmor\nSecurity DOI: +0\nSecurity label: +vmunit-tcg \(enforcing\)$", run_ok("vmunit dominfo tcg"))
        check_match(r"<seclabel type='dynamic' model='apparmor' relabel='yes'>\s*<label>vmunit-tcg</label>\s*<imagelabel>vmunit-tcg</imagelabel>",
                    run_ok("vmunit dumpxml tcg"))
        use_devices(machine)
        ticks_go_on(machine, SLOW)
        replace_monitor(machine)
        check_confined(machine, "vmunit-tcg (enforce)")
        old = machine.qemu()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: machine.qemu() not in (None, old), 60, "a restart")
        machine.watch(timeout=SLOW)
        check_confined(machine, "vmunit-tcg (enforce)")
        run_ok(["machinectl", "poweroff", "tcg"])
        check_equal(machine.wait_stopped(SLOW), "inactive")
        nothing_left(machine)
        check_equal(profiles(), {})


@case(timeout=SLOW)
def with_kvm():
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    with nothing_refused(), gone_afterwards(without_kvm("kvm", type="kvm")) as machine:
        machine.xml = machine.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
        machine.start(timeout=SLOW)
        check_confined(machine, "vmunit-kvm (enforce)")
        os.kill(machine.supervisor(), signal.SIGKILL)
        check_equal(machine.wait_stopped(), "failed")
        check_equal(profiles(), {})


if __name__ == "__main__":
    main()
