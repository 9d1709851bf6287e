# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changes of what runs and of definitions, by several at once, by others, and where they cannot be made."""

import contextlib
import subprocess

from harness import case, check, check_equal, check_match, main, run, run_ok, skip, unit_property
from vm import configured, vm

BOUND = 60  # seconds: a command that hangs
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
# Locks all it can open below a directory, says how many, and keeps them until its input ends.
HOLD = """import fcntl, os, sys
held = []
for top, directories, files in os.walk(sys.argv[1]):
    for path in [top, *(os.path.join(top, f) for f in files)]:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(fd)
        except OSError:
            pass
print(len(held), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def defined(name, vcpu="<vcpu current='1'>4</vcpu>"):
    with vm(name) as machine:
        machine.without_guest()
        machine.xml = machine.xml.replace("<vcpu>1</vcpu>", vcpu)
        yield machine.write()


@contextlib.contextmanager
def running(name, *arguments):
    with defined(name, *arguments) as machine:
        run_ok(["vmunit", "start", name])
        yield machine


def vmunit(*words, **options):
    return run_ok(["timeout", str(BOUND), "vmunit", *words], **options)


def value(text, key):
    """Of lines like "key : value"."""
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}[key]


@case(timeout=240)
def nobody_can_hold_up_others():
    """A lock is taken by whoever can open a file; what vmunit locks only root can open."""
    with running("held"), defined("next"):
        holder = subprocess.Popen([*NOBODY, "python3", "-c", HOLD, "/run/vmunit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        try:
            check(int(holder.stdout.readline()) > 1, "nothing could be locked, so nothing is shown")
            vmunit("setmem", "held", "100M", "--live")
            check_match("<currentMemory unit='KiB'>102400</currentMemory>", vmunit("dumpxml", "held"))
            vmunit("setvcpus", "held", "2", "--config")
            vmunit("start", "next")
            vmunit("destroy", "next")
        finally:
            holder.communicate()


@case(timeout=240)
def changes_at_once_are_all_there():
    with defined("many", "<vcpu>4</vcpu>") as machine:
        commands = [["vcpupin", "many", str(i), "0", "--config"] for i in range(4)]
        commands += [["emulatorpin", "many", "1", "--config"], ["schedinfo", "many", "cpu_shares=777", "--config"]]
        processes = [subprocess.Popen(["timeout", str(BOUND), "vmunit", *c], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                     for c in commands]
        for command, process in zip(commands, processes):
            text = process.communicate()[0]
            check_equal(process.returncode, 0, f"{command}: {text}")
        with open(machine.path, encoding="utf-8") as f:
            text = f.read()
        for i in range(4):
            check_match(rf"""<vcpupin vcpu=['"]{i}['"] cpuset=['"]0['"]/>""", text)
        check_match(r"""<emulatorpin cpuset=['"]1['"]/>""", text)
        check_match("<shares>777</shares>", text)


@case(timeout=240)
def a_pin_that_fails_changes_nothing():
    """There is no controller for it here. The unit is as wide as it was, and so is what vcpupin says."""
    with open("/sys/fs/cgroup/cgroup.controllers", encoding="ascii") as f:
        if "cpuset" in f.read().split():
            skip("this machine can pin")
    with running("narrow", "<vcpu>2</vcpu>") as machine:
        run_ok(["systemctl", "set-property", "--runtime", machine.unit, "AllowedCPUs=0"])
        before = vmunit("vcpupin", "narrow")
        result = run(["vmunit", "vcpupin", "narrow", "0", "1", "--live"])
        check_equal(result.rc, 1, result.out + result.err)
        check_equal(unit_property(machine.unit, "AllowedCPUs"), "0")
        check_equal(vmunit("vcpupin", "narrow"), before)


@case(timeout=240)
def what_systemd_takes_does_not_keep_others_from_changes():
    """Quotas and periods that no definition could have: the nearest one is shown, and other changes are made."""
    with running("odd") as machine:
        for name, setting, key, shown in (
                ("CPUQuota", "0.5%", "global_quota", "1000"), ("CPUQuotaPeriodSec", "2s", "global_period", "1000000")):
            run_ok(["systemctl", "set-property", "--runtime", machine.unit, f"{name}={setting}"])
            check_equal(value(vmunit("schedinfo", "odd"), key), shown, f"{key} with {name}={setting}")
            vmunit("setmem", "odd", "100M", "--live")
            run_ok(["systemctl", "set-property", "--runtime", machine.unit, f"{name}="])


@case(timeout=240)
def both_or_none():
    """A definition that cannot be written is no reason to change what runs."""
    with running("ro"):
        run_ok(["mount", "--bind", "/etc/vm", "/etc/vm"])
        try:
            run_ok(["mount", "-o", "remount,ro,bind", "/etc/vm"])
            result = run(["vmunit", "setvcpus", "ro", "2", "--live", "--config"])
            check_equal(result.rc, 1, result.out + result.err)
            check_match("cannot write '/etc/vm/ro.xml': Read-only file system", result.err)
            info = vmunit("vcpuinfo", "ro")
            check_equal(info.count("VCPU:"), 1, f"virtual CPUs of {info}")
            check_match(r"^current +live +1$", vmunit("vcpucount", "ro"))
        finally:
            run_ok(["umount", "/etc/vm"])


@case(timeout=240)
def who_may_not_read_what_runs_is_told_so():
    with running("unread"):
        vmunit("setvcpus", "unread", "2", "--live")
        for verb in ("vcpucount", "schedinfo", "memtune"):
            result = run([*NOBODY, "timeout", str(BOUND), "vmunit", "-c", "qemu:///system", verb, "unread"])
            check_equal(result.rc, 1, f"{verb}: {result.out}")
            check_match("cannot read what runs as domain 'unread': Permission denied", result.err)


@case(timeout=240)
def host_shutdown_asked_for_after_systemd_has_read_it():
    """ExecStop= saves or ends a machine when the host goes down; vmunit.conf may ask for that between a reload and the start."""
    def stops(machine):
        return "/vmunit-guests" in unit_property(machine.unit, "ExecStop")
    with defined("late") as machine:
        run_ok(["systemctl", "daemon-reload"])
        check("VMUNIT_DIGEST=" in unit_property(machine.unit, "Environment"), "systemd has not read the machine's drop-in")
        check(not stops(machine), "a machine is asked to power off by default, which takes no ExecStop=")
        for start in (["vmunit", "start", "late"], ["systemctl", "start", machine.unit]):
            with configured("[Host]\nHostShutdown=save\n"):
                run_ok(start)
                check(stops(machine), "the machine would not be saved")
                vmunit("destroy", "late")
            run_ok(["systemctl", "daemon-reload"])
            check(not stops(machine), "ExecStop= of nobody who asks for it")
        run_ok(["systemctl", "start", machine.unit])
        with configured("[Host]\nHostShutdown=destroy\n"):
            run_ok(["systemctl", "daemon-reload"])
            check(stops(machine), "nothing would end the machine that runs")


if __name__ == "__main__":
    main()
