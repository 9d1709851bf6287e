# SPDX-License-Identifier: LGPL-2.1-or-later
"""One VM, from its file to its guest's console, and what must not end it."""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property, wait_for, wait_for_exit
from vm import Vm, list_states, nothing_left, vm


def shut_down_by(command, name):
    with vm(name) as machine:
        machine.start()
        check_equal(machine.state(), ("running", "booted"))
        check_equal(list_states()[name], "running")
        run_ok(command(machine), timeout=100)
        machine.serial.expect("^vmunit-guest: (power button|agent shutdown)$")
        check_equal(machine.wait_stopped(), "inactive", "the unit")
        check_equal(machine.state(), ("shut off", "shutdown"))
        check_equal(list_states()[name], "shut off")
        nothing_left(machine)
        check_equal(sorted(os.listdir(f"/run/vmunit/{name}")), ["state"], "what is left in the runtime directory")


@case
def vmunit_shutdown():
    shut_down_by(lambda m: ["vmunit", "shutdown", m.name], "soft")


@case
def systemctl_stop():
    shut_down_by(lambda m: ["systemctl", "stop", m.unit], "stop")


@case
def machinectl_poweroff():
    shut_down_by(lambda m: ["machinectl", "poweroff", m.name], "mpoweroff")


@case
def power_button_is_pressed_in_the_guest():
    """Without an agent only ACPI is left, and the guest says which one it was."""
    with vm("acpi", agent=False) as machine:
        machine.start()
        run_ok(["vmunit", "shutdown", "acpi"])
        machine.serial.expect_line("vmunit-guest: power button")
        check_equal(machine.wait_stopped(), "inactive")


@case
def destroy_is_at_once():
    with vm("destroyed", cmdline="vmunit.count vmunit.ignore-power-button vmunit.no-agent") as machine:
        machine.start()
        run_ok(["vmunit", "destroy", "destroyed"], timeout=10)
        check_equal(machine.wait_stopped(timeout=1), "inactive")
        check_equal(machine.state(), ("shut off", "destroyed"))
        nothing_left(machine)
        machine.start(ready=False)
        check_equal(machine.state()[0], "running")


@case
def destroy_of_a_frozen_vm():
    with vm("frozen") as machine:
        machine.start()
        for pid in (machine.qemu(), machine.monitor()):
            os.kill(pid, signal.SIGSTOP)
        run_ok(["vmunit", "destroy", "frozen"], timeout=20)
        check_equal(machine.state(), ("shut off", "destroyed"))
        nothing_left(machine)


@case
def suspend_and_resume():
    with vm("paused") as machine:
        machine.start()
        run_ok(["vmunit", "suspend", "paused"])
        check_equal(machine.state(), ("paused", "user"))
        check_equal(list_states()["paused"], "paused")
        before = len(machine.serial.ticks())
        os.kill(machine.monitor(), signal.SIGKILL)
        wait_for(lambda: run(["vmunit", "qemu-monitor-command", "paused", '{"execute":"query-status"}']).rc == 0, 20,
                 "the next monitor")
        check_equal(machine.state()[0], "paused", "after the monitor was replaced")
        check_equal(len(machine.serial.ticks()), before, "ticks of a paused guest")
        run_ok(["vmunit", "resume", "paused"])
        check_equal(machine.state(), ("running", "unpaused"))
        machine.ticks_go_on()


@case
def reboot_and_reset():
    with vm("rebooting") as machine:
        machine.start()
        supervisor = machine.supervisor()
        run_ok(["vmunit", "reboot", "rebooting"])
        machine.serial.expect_ready()
        run_ok(["vmunit", "reset", "rebooting"])
        machine.serial.expect_ready()
        check_equal(machine.supervisor(), supervisor, "the supervisor")


@case
def start_paused():
    with vm("held") as machine:
        machine.write()
        run_ok(["vmunit", "start", "--paused", "held"])
        check_equal(machine.state()[0], "paused")
        machine.watch(ready=False)
        run_ok(["vmunit", "resume", "held"])
        machine.serial.expect_ready()


# ---- what must not end a VM


def kill_monitor(machine, number):
    """Ends or freezes the monitor at a random moment, in half of the cases in the middle of a command."""
    command = None
    if number % 2:
        command = subprocess.Popen(["vmunit", "qemu-monitor-command", machine.name, '{"execute":"query-cpus-fast"}'],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(random.random() * 0.03)  # the random moment: nothing is waited for
    monitor = machine.monitor()
    if monitor:
        with contextlib.suppress(ProcessLookupError):
            os.kill(monitor, signal.SIGSTOP if number % 5 == 0 else signal.SIGKILL)
        wait_for_exit(monitor)
    if command:
        out, err = command.communicate(timeout=60)
        check(command.returncode in (0, 1), f"the command ended with {command.returncode}")
        check((command.returncode == 0) == ('"return"' in out), f"neither done nor failed cleanly: {out!r} {err!r}")
        check((command.returncode == 1) == err.startswith("error: "), f"neither done nor failed cleanly: {out!r} {err!r}")


@case(timeout=300)
def hundred_dead_monitors():
    with vm("immortal") as machine:
        machine.start()
        supervisor, qemu = machine.supervisor(), machine.qemu()
        for number in range(100):
            kill_monitor(machine, number)
        wait_for(lambda: run(["vmunit", "qemu-monitor-command", "immortal", '{"execute":"query-status"}']).rc == 0, 30,
                 "a monitor that answers")
        check_equal((machine.supervisor(), machine.qemu()), (supervisor, qemu), "supervisor and QEMU")
        check_equal(list_states()["immortal"], "running")
        check_equal(machine.state()[0], "running")
        machine.ticks_go_on()
        replaced = sum("starting another one" in m for m in machine.journal())
        check(replaced >= 90, f"only {replaced} monitors were replaced")


def survives(name, *commands):
    with vm(name) as machine:
        machine.start()
        qemu = machine.qemu()
        for command in commands:
            run_ok(command, timeout=90)
        machine.ticks_go_on()
        check_equal(list_states()[name], "running")
        check_equal(machine.qemu(), qemu, "QEMU")
        run_ok(["vmunit", "shutdown", name])
        check_equal(machine.wait_stopped(), "inactive")


@case
def daemon_reload():
    survives("reloaded", *[["systemctl", "daemon-reload"]] * 3)


@case
def daemon_reexec():
    survives("reexeced", ["systemctl", "daemon-reexec"])


@case
def restart_of_dbus():
    survives("busless", ["systemctl", "restart", "dbus.service"])


@case
def dead_supervisor():
    with vm("orphan") as machine:
        machine.start()
        pids = [machine.supervisor(), machine.qemu(), machine.monitor()]
        os.kill(pids[0], signal.SIGKILL)
        for pid in pids:
            wait_for_exit(pid)
        check_equal(machine.wait_stopped(), "failed")
        check_equal(machine.state(), ("shut off", "crashed"))
        nothing_left(machine)
        machine.start()
        check_equal(machine.state(), ("running", "booted"))


@case
def dead_qemu():
    with vm("killed") as machine:
        machine.start()
        os.kill(machine.qemu(), signal.SIGKILL)
        check_equal(machine.wait_stopped(), "failed")
        check_equal(unit_property(machine.unit, "Result"), "signal")
        check_equal(machine.state(), ("shut off", "crashed"))
        check(any("SIGKILL" in m for m in machine.journal()), "the journal does not name the signal")
        nothing_left(machine)


@case
def dead_qemu_comes_back():
    with vm("phoenix", lifecycle="<on_crash>restart</on_crash>") as machine:
        machine.start()
        qemu = machine.qemu()
        os.kill(qemu, signal.SIGKILL)
        wait_for_exit(qemu)
        wait_for(lambda: machine.qemu() not in (None, qemu), 30, "another QEMU")
        machine.watch()
        check_equal(machine.state(), ("running", "booted"))


# ---- what a guest does itself


PANIC = "<panic model='isa'/>"


@case
def action_changed_while_it_runs():
    """set-lifecycle-action --live: what the guest's crash comes to, also under another monitor; dumpxml says it."""
    with vm("changed", lifecycle="<on_crash>destroy</on_crash>", devices=PANIC, cmdline="vmunit.count vmunit.panic=25") as machine:
        machine.start()
        run_ok(["vmunit", "set-lifecycle-action", "changed", "crash", "preserve", "--live"])
        check_match("<on_crash>preserve</on_crash>", run_ok(["vmunit", "dumpxml", "changed"]))
        check_match("<on_crash>destroy</on_crash>", run_ok(["vmunit", "dumpxml", "changed", "--inactive"]))
        check_equal(run(["vmunit", "set-lifecycle-action", "changed", "reboot", "preserve", "--live"]).rc, 1, "what is not possible")
        run_ok(["kill", "-KILL", str(machine.monitor())])
        wait_for(lambda: machine.state() == ("crashed", "panicked"), 120, "the guest to crash, and to be kept")
        run_ok(["vmunit", "destroy", "changed"])


def panics(name, action):
    machine = Vm(name, cmdline="vmunit.panic=1", devices=PANIC, lifecycle=f"<on_crash>{action}</on_crash>")
    machine.start()
    return machine


@case
def panic_destroy():
    machine = panics("panic-destroy", "destroy")
    try:
        check_equal(machine.wait_stopped(), "failed")
        check_equal(machine.state(), ("shut off", "crashed"))
        nothing_left(machine)
    finally:
        machine.remove()


@case
def panic_restart():
    machine = panics("panic-restart", "restart")
    try:
        wait_for(lambda: int(unit_property(machine.unit, "NRestarts")) >= 1, 60, "a restart", interval=0.1)
        machine.watch()
    finally:
        machine.remove()


@case
def panic_preserve():
    machine = panics("panic-preserve", "preserve")
    try:
        machine.wait_state("crashed", 60)
        check_equal(machine.state(), ("crashed", "panicked"))
        check_equal(unit_property(machine.unit, "ActiveState"), "active")
        os.kill(machine.monitor(), signal.SIGKILL)
        wait_for(lambda: run(["vmunit", "qemu-monitor-command", machine.name, '{"execute":"query-status"}']).rc == 0, 20,
                 "the next monitor")
        check_equal(machine.state(), ("crashed", "panicked"), "after the monitor was replaced")
        run_ok(["vmunit", "destroy", machine.name])
    finally:
        machine.remove()


@case
def guest_powers_off():
    with vm("leaving", cmdline="vmunit.poweroff=1") as machine:
        machine.start(ready=False)
        check_equal(machine.wait_stopped(), "inactive")
        check_equal(machine.state(), ("shut off", "shutdown"))


@case
def stop_escalates():
    """A guest that ignores everything is ended within the unit's own limit, step by step in the journal."""
    with vm("stubborn", cmdline="vmunit.ignore-power-button vmunit.no-agent") as machine:
        os.makedirs(f"/etc/systemd/system/{machine.unit}.d", exist_ok=True)
        override = f"/etc/systemd/system/{machine.unit}.d/90-test.conf"
        with open(override, "w", encoding="ascii") as f:
            f.write("[Service]\nTimeoutStopSec=25s\n")
        try:
            machine.start()
            begun = time.monotonic()
            run_ok(["systemctl", "stop", machine.unit], timeout=60)
            took = time.monotonic() - begun
            check(took < 25, f"it took {took:.1f} s of 25")
            check_equal(machine.wait_stopped(timeout=1), "inactive")
            text = "\n".join(machine.journal())
            check_match(r"asked the guest to power off", text)
            check_match(r"asked again", text)
            check_match(r"ending QEMU", text)
        finally:
            os.unlink(override)
            run_ok(["systemctl", "daemon-reload"])


# ---- machined, identity, isolation


@case
def machined():
    with vm("web.example") as machine:
        machine.start()
        check_match(r"^web\.example +vm +vmunit", run_ok(["machinectl", "list", "--no-pager"]))
        status = run_ok(["machinectl", "status", "web.example", "--no-pager"])
        check_match(rf"Leader: {machine.supervisor()} \(vmunit-supervi", status)
        check_match(r"Unit: vm@web\.example\.service", status)
        run_ok(["machinectl", "terminate", "web.example"])
        machine.wait_stopped()
        nothing_left(machine)
        check("web.example" not in run_ok(["machinectl", "list", "--no-pager"]), "machined still knows it")


@case
def registering_is_killed():
    """The guest runs by then, and may have used up what it was restored from: it is not ended for the step that comes last."""
    run_ok(["systemctl", "start", "systemd-machined.service"])
    machined = int(unit_property("systemd-machined.service", "MainPID"))
    with vm("unregistered") as machine:
        machine.write()
        os.kill(machined, signal.SIGSTOP)
        try:
            start = subprocess.Popen(["vmunit", "start", "unregistered"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            step = wait_for(lambda: machine.supervisor() and machine.pid_of("vmunit-prepare"), 60, "the step that registers it")
            os.kill(step, signal.SIGKILL)
            out, err = start.communicate(timeout=60)
        finally:
            os.kill(machined, signal.SIGCONT)
        check_equal((start.returncode, err), (0, ""), f"the start, {out!r}")
        check_equal(machine.state(), ("running", "booted"))
        machine.watch()


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@case
def own_uid_and_no_capabilities():
    with vm("one") as one, vm("two") as two:
        one.start()
        two.start(ready=False)
        uids = set()
        for machine in (one, two):
            for pid in (machine.supervisor(), machine.qemu(), machine.monitor()):
                status = status_of(pid)
                uid = set(status["Uid"].split())
                check_equal(len(uid), 1, "real, effective, saved and file system uid differ")
                check("0" not in uid, f"process {pid} runs as root")
                for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    check_equal(int(status[kind], 16), 0, f"{kind} of {status['Name']}")
                check_equal(status["NoNewPrivs"], "1", f"NoNewPrivs of {status['Name']}")
                check_equal(status["Seccomp"], "2", f"Seccomp of {status['Name']}")
            uids |= uid
        check_equal(len(uids), 2, "different uids")


@case
def what_can_be_written():
    """Of all that is mounted for QEMU, only its own directories and what everybody has a private one of; and the directory that all of
    it is mounted in, which machines share, tells nobody who else there is."""
    with vm("zqx7") as machine:
        machine.start(ready=False)
        with open(f"/proc/{machine.qemu()}/mountinfo", encoding="utf-8") as f:
            mounts = [line.split() for line in f]
        # What is built for tests/coverage or tests/sanitize has a place to write to.
        writable = {m[4] for m in mounts if "rw" in m[5].split(",")} - {"/run/vmunit-tests-notes"}
        check_equal(writable, {"/run/vmunit/zqx7", "/run/vmunit/.group", "/var/lib/vmunit/zqx7", "/tmp", "/var/tmp", "/proc", "/dev/pts",
                               "/dev/mqueue", "/dev/hugepages"}, "what QEMU can write to")
        root = f"/proc/{machine.qemu()}/root"
        check_equal(set(os.listdir(f"{root}/run/vmunit")), {".group", "zqx7"}, "/run/vmunit")
        check_equal(set(os.listdir(f"{root}/run/systemd")), {"notify", "incoming"}, "/run/systemd")
        check_equal(os.listdir(f"{root}/var/lib"), ["vmunit"], "/var/lib")
        check_equal(os.listdir(f"{root}/var/lib/vmunit"), ["zqx7"], "/var/lib/vmunit")
        found = [os.path.join(where, name) for where, folders, files in os.walk("/run/vmunit/.root") for name in folders + files]
        check(found, "machines have no root directory")
        check(not [path for path in found if "zqx7" in path], f"the root directory of all tells names: {found}")


def as_process(pid, command, keep_uid=True):
    """Runs a command in the mount namespace and root of a process and, unless told not to, with its uid and gid."""
    status = status_of(pid)
    user = [f"--reuid={status['Uid'].split()[0]}", f"--regid={status['Gid'].split()[0]}", "--clear-groups",
            "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if keep_uid else []
    return run(["nsenter", f"--target={pid}", "--mount", "--root", "--wd=/", "setpriv", *user, "--", *command])


@case
def a_vm_cannot_open_another_ones_disk():
    images = {}
    for name in ("mine", "theirs"):
        images[name] = f"/var/lib/vm-{name}.img"
        with open(images[name], "wb") as f:
            f.truncate(1 << 20)
        os.chmod(images[name], 0o600)
    disk = "<disk type='file' device='disk'><source file='{}'/><target dev='vda' bus='virtio'/></disk>"
    try:
        with vm("mine", devices=disk.format(images["mine"])) as mine, \
                vm("theirs", devices=disk.format(images["theirs"])) as theirs:
            mine.start()
            theirs.start()
            # From inside the context of QEMU: not even its own image by its path, let alone the other one's.
            for image in images.values():
                result = as_process(mine.qemu(), ["dd", f"if={image}", "of=/dev/null", "count=1"])
                check(result.rc != 0 and re.search("Permission denied|No such file", result.err), f"{image} could be opened: {result}")
            # The control: the same attempt as root outside succeeds. (What it is that forbids it: test-confinement.py.)
            check_equal(run(["dd", f"if={images['theirs']}", "of=/dev/null", "count=1"]).rc, 0, "as root")
            # Nor by way of the other VM's processes.
            result = as_process(mine.qemu(), ["ls", f"/proc/{theirs.qemu()}/fd"])
            check(result.rc != 0, f"the descriptors of the other VM could be listed: {result.out}")
            # And the guests do have their disks.
            qmp = run_ok(["vmunit", "qemu-monitor-command", "mine", '{"execute":"query-block"}'])
            check_match(r"\"virtual-size\": ?1048576", qmp)
    finally:
        for image in images.values():
            os.unlink(image)


@case
def one_image_two_vms():
    image = "/var/lib/vm-shared.img"
    with open(image, "wb") as f:
        f.truncate(1 << 20)
    disk = f"<disk type='file' device='disk'><source file='{image}'/><target dev='vda' bus='virtio'/></disk>"
    try:
        with vm("first", devices=disk) as first, vm("second", devices=disk) as second:
            first.start(ready=False)
            second.write()
            result = run(["vmunit", "start", "second"])
            check_equal(result.rc, 1)
            check_match("another process, such as a VM, has it open for writing", result.err)
            check_equal(first.state()[0], "running")
    finally:
        os.unlink(image)


# ---- bad definitions


def domain(name, body, kind="qemu"):
    return f"<domain type='{kind}'>\n  <name>{name}</name>\n{body}</domain>\n"


OS = "  <os><type arch='x86_64' machine='{}'>hvm</type></os>\n"
PLAIN = "  <memory unit='MiB'>64</memory>\n" + OS.format("q35")
DISK = "    <disk type='file'><source file='{}'/><target dev='{}'/></disk>\n"

GIGABYTE = object()  # too large to be held here

# name → (text of the file, where, the message)
MALFORMED = {
    "not-xml": ("this is no XML\n", ":1:1", "not well-formed XML: Start tag expected, '<' not found"),
    "wrong-root": ("<network><name>wrong-root</name></network>\n", ":1:1", "root element is <network>, expected <domain>"),
    "other-name": (domain("another", PLAIN), ":2:3", "name 'another' does not match the file's name 'other-name.xml'"),
    "dots": (domain("../dots", PLAIN), ":2:3", "name '../dots' cannot contain '/'"),
    "nesting": (GIGABYTE, "", "larger than 4 MiB"),
    "deep": ("<domain>" + "<a>" * 400000 + "</a>" * 400000 + "</domain>\n", ":1:198",
             "elements are nested deeper than 64 levels"),
    "entities": ("<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>\n"
                 + domain("entities", "  <title>&b;</title>\n" + PLAIN),
                 ":1:1", "document type declarations are not allowed"),
    "missing-disk": (domain("missing-disk", PLAIN + "  <devices>\n" + DISK.format("/srv/none/a.img", "vda")
                            + "  </devices>\n"),
                     ":6:5", "cannot open '/srv/none/a.img' for disk vda: '/srv/none' does not exist"),
    "machine": (domain("machine", "  <memory unit='MiB'>64</memory>\n" + OS.format("pc-nonesuch")), ":4:3",
                "emulator '/usr/bin/qemu-system-x86_64' has no machine 'pc-nonesuch'; it knows: pc, q35; "
                "and 53 versions of them"),
    "no-memory": (domain("no-memory", "  <memory>0</memory>\n" + OS.format("q35")), ":3:3",
                  "memory is 0: a machine needs some"),
    "twice": (domain("twice", PLAIN + "  <devices>\n" + DISK.format("/dev/null", "vda") + DISK.format("/dev/zero", "vda")
                     + "  </devices>\n"), ":7:5", "disk target 'vda' is used twice"),
}


def write_malformed(path, text):
    with open(path, "w", encoding="utf-8") as f:
        if text is GIGABYTE:
            f.write("<domain>")
            for _ in range(1024):
                f.write("<a>" * 349525)
        else:
            f.write(text)


def exactly(directory, name):
    """The message about a file, as a program prints it or as the journal has it."""
    _, place, message = MALFORMED[name]
    return rf"^(error: )?{re.escape(f'{directory}/{name}.xml{place}')}: (error: )?{re.escape(message)}$"


@case(timeout=200)
def malformed_definitions():
    with vm("bystander") as bystander:
        bystander.start()
        try:
            for name, (text, _, _) in MALFORMED.items():
                write_malformed(f"/etc/vm/{name}.xml", text)
            before = {name: os.stat(f"/etc/vm/{name}.xml").st_mtime_ns for name in MALFORMED}
            run_ok(["systemctl", "daemon-reload"])
            for name in MALFORMED:
                message = exactly("/etc/vm", name)
                result = run(["vmunit", "start", name])
                check_equal(result.rc, 1, f"the status of start {name}")
                check_match(message, result.err, f"start {name}")
                check(unit_property(f"vm@{name}.service", "ActiveState") in ("failed", "inactive"), f"{name} is active")
                check(len(result.err) < 2000, f"{name}: a long message")
                # The unit by itself says the same, for who starts it with systemctl.
                check_equal(run(["systemctl", "start", f"vm@{name}.service"]).rc, 1, f"systemctl start vm@{name}")
                lines = [str(e.get("MESSAGE", "")) for e in journal(f"--unit=vm@{name}.service")]
                check(any(re.search(message, line) for line in lines), f"the journal of vm@{name} has no {message!r}: {lines}")
            after = {name: os.stat(f"/etc/vm/{name}.xml").st_mtime_ns for name in MALFORMED}
            check_equal(after, before, "the files")
            check_equal(list_states()["bystander"], "running")
            bystander.ticks_go_on()
        finally:
            for name in MALFORMED:
                os.unlink(f"/etc/vm/{name}.xml")
                run(["systemctl", "reset-failed", f"vm@{name}.service"])
            run_ok(["systemctl", "daemon-reload"])


@case
def malformed_definitions_are_refused_by_define():
    for name, (text, _, _) in MALFORMED.items():
        if name in ("missing-disk", "other-name"):
            continue  # may be defined: the disk may come later; the name is what counts, not the file given
        path = f"/tmp/{name}.xml"
        write_malformed(path, text)
        before = sorted(os.listdir("/etc/vm"))
        result = run(["vmunit", "define", path])
        check_equal(result.rc, 1, f"the status of define {name}")
        # A file that is too large is not read at all.
        check_match(exactly("/tmp", name) if text is not GIGABYTE else "'/tmp/nesting.xml': larger than 4 MiB$", result.err,
                    f"define {name}")
        os.unlink(path)
        check_equal(sorted(os.listdir("/etc/vm")), before, "/etc/vm")


@case
def a_stale_drop_in_does_not_start():
    with vm("stale") as machine:
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        with open(machine.path, "a", encoding="utf-8") as f:
            f.write("<!-- edited -->\n")
        check_equal(run(["systemctl", "start", machine.unit]).rc, 1, "systemctl start of an edited definition")
        check(any("definition changed on disk, run: systemctl daemon-reload" in m for m in machine.journal()),
              "the journal does not say why")
        run_ok(["vmunit", "start", "stale"])  # reloads by itself
        check_equal(machine.state()[0], "running")


@case
def edited_while_it_runs():
    """A reload with an edited definition changes nothing that runs, and a restart takes the edited one."""
    with vm("edited") as machine:
        machine.start()
        qemu = machine.qemu()
        machine.xml = machine.xml.replace("<memory unit='MiB'>256", "<memory unit='MiB'>288")
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        machine.ticks_go_on()
        check_equal(machine.qemu(), qemu, "QEMU")
        check_match(r"^Max memory: +262144 KiB$", run_ok(["vmunit", "dominfo", "edited"]))
        run_ok(["systemctl", "restart", machine.unit], timeout=100)
        check(machine.qemu() != qemu, "it was not restarted")
        check_match(r"^Max memory: +294912 KiB$", run_ok(["vmunit", "dominfo", "edited"]))


@case
def deleted_while_it_runs():
    with vm("deleted") as machine:
        machine.start()
        os.unlink(machine.path)
        run_ok(["systemctl", "daemon-reload"])
        check_equal(unit_property(machine.unit, "NeedDaemonReload"), "no")
        machine.ticks_go_on()
        check_equal(list_states()["deleted"], "running")
        run_ok(["systemctl", "stop", machine.unit], timeout=100)
        check("deleted" not in list_states(), "still listed")


@case
def enable_and_mask():
    with vm("enabled", cmdline="") as machine:
        machine.write()
        run_ok(["systemctl", "enable", machine.unit])
        try:
            run_ok(["systemctl", "daemon-reload"])
            check_match(r"^Autostart: +enable$", run_ok(["vmunit", "dominfo", "enabled"]))
            run_ok(["systemctl", "stop", "machines.target"])
            run_ok(["systemctl", "start", "machines.target"])
            wait_for(lambda: machine.state()[0] == "running", 60, "the VM to be started by machines.target")
        finally:
            run_ok(["systemctl", "disable", machine.unit])
        run_ok(["vmunit", "destroy", "enabled"])
        run_ok(["systemctl", "mask", "--runtime", machine.unit])
        try:
            result = run(["vmunit", "start", "enabled"])
            check_equal(result.rc, 1)
            check_match("is masked", result.err)
        finally:
            run_ok(["systemctl", "unmask", "--runtime", machine.unit])


# ---- definitions and transient VMs


@case
def define_and_undefine():
    machine = Vm("lifecycle")
    with open("/tmp/lifecycle.xml", "w", encoding="utf-8") as f:
        f.write(machine.xml)
    try:
        check_equal(run_ok(["vmunit", "define", "/tmp/lifecycle.xml"]).strip(),
                    "Domain 'lifecycle' defined from /tmp/lifecycle.xml")
        with open(machine.path, encoding="utf-8") as f:
            check_equal(f.read(), machine.xml, "the stored definition")
        check_equal(list_states()["lifecycle"], "shut off")
        uuid = run_ok(["vmunit", "domuuid", "lifecycle"]).strip()
        check_equal(run_ok(["vmunit", "domuuid", "lifecycle"]).strip(), uuid, "the derived UUID")
        check_equal(run_ok(["vmunit", "domname", uuid]).strip(), "lifecycle")
        run_ok(["vmunit", "undefine", "lifecycle"])
        check("lifecycle" not in list_states(), "still listed")
        check_equal(run(["vmunit", "domstate", "lifecycle"]).rc, 1)
    finally:
        machine.remove()


@case(timeout=180)
def destroyed_gracefully():
    """QEMU is asked to end: that is why it did, whoever is faster to say it; also when the guest stands still."""
    with vm("gentle") as machine:
        machine.start()
        for paused in [False, True] * 4:
            if paused:
                run_ok(["vmunit", "suspend", "gentle"])
            run_ok(["vmunit", "destroy", "--graceful", "gentle"])
            check_equal(machine.state(), ("shut off", "destroyed"), "state")
            run_ok(["vmunit", "start", "gentle"])


@case
def create_transient():
    machine = Vm("fleeting")
    os.makedirs("/var/log/vm", exist_ok=True)
    with open("/tmp/fleeting.xml", "w", encoding="utf-8") as f:
        f.write(machine.xml)
    machine.unit = "vmunit-vm-fleeting.service"
    try:
        check_equal(run_ok(["vmunit", "create", "/tmp/fleeting.xml"]).strip(),
                    "Domain 'fleeting' created from /tmp/fleeting.xml")
        machine.watch()
        check_equal(machine.state(), ("running", "booted"))
        check_match(r"^fleeting +vm +vmunit", run_ok(["machinectl", "list", "--no-pager"]))
        status = status_of(machine.qemu())
        check_equal((int(status["CapBnd"], 16), status["NoNewPrivs"]), (0, "1"), "hardening")
        check(status["Uid"].split()[0] != "0", "QEMU runs as root")
        run_ok(["vmunit", "shutdown", "fleeting"])
        machine.wait_stopped()
        check("fleeting" not in list_states(), "a transient VM that has ended is listed")
        # Nor does the next one of the name know anything of it.
        run_ok(["vmunit", "define", "/tmp/fleeting.xml"])
        check_equal(machine.state(), ("shut off", "unknown"), "state of a machine that never ran")
        machine.unit = "vm@fleeting.service"
        run_ok(["vmunit", "start", "fleeting"])
        machine.watch()
        run_ok(["vmunit", "destroy", "--graceful", "fleeting"])
        check_equal(machine.state(), ("shut off", "destroyed"), "state after its own end")
    finally:
        machine.remove()


@case
def console():
    """`vmunit console` reaches the guest's console, types into it and leaves at ^]."""
    machine = Vm("talk")
    machine.xml = re.sub(r"<serial type='file'>.*</serial>", "<serial type='pty'/>", machine.xml).replace("vmunit.count", "")
    machine.write()
    try:
        run_ok(["vmunit", "start", "talk"])
        import pty
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp("vmunit", ["vmunit", "console", "talk"])
        from harness import Console
        terminal = Console(fd)
        terminal.expect(r"^Connected to domain 'talk'$")
        terminal.expect(r"^Escape character is \^\] \(Ctrl \+ \]\)$")
        # The guest may have said that it is up before anybody listened.
        wait_for(lambda: terminal.send("cmdline") or _done(terminal), 90, "an answer", interval=0.5)
        os.write(fd, b"\x1d")
        wait_for(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, 10, "the console to end")
    finally:
        machine.remove()


def _done(terminal):
    from harness import Failure
    try:
        return terminal.expect(r"^vmunit-guest: done cmdline 0$", 2)
    except Failure:
        return None


@case
def threads_need_controllers():
    """Without cgroup controllers, as here, what needs them is an error at the start, and nothing else is."""
    with vm("pinned", cmdline="") as machine:
        machine.xml = machine.xml.replace("<vcpu>1</vcpu>", "<vcpu>1</vcpu><cputune><vcpupin vcpu='0' cpuset='0'/></cputune>")
        machine.write()
        result = run(["vmunit", "start", machine.name])
        check(result.rc != 0, "a pin that cannot be had was taken")
        check_match("<cputune> needs the cgroup controller 'cpuset'", result.err)
        nothing_left(machine)
        machine.xml = machine.xml.replace("<vcpupin vcpu='0' cpuset='0'/>", "<vcpusched vcpus='0' scheduler='batch'/>")
        machine.write()
        machine.start(ready=False)
        policies = [os.sched_getscheduler(int(t)) for t in os.listdir(f"/proc/{machine.qemu()}/task")]
        check_equal(policies.count(os.SCHED_BATCH), 1, f"threads with the scheduler 'batch' among {policies}")


@case
def vcpus_plugged_at_the_start():
    with vm("plugged", cmdline="") as machine:
        machine.xml = machine.xml.replace("<vcpu>1</vcpu>", """<vcpu>3</vcpu><vcpus>
            <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>
            <vcpu id='1' enabled='yes' hotpluggable='yes' order='2'/>
            <vcpu id='2' enabled='no' hotpluggable='yes'/></vcpus>""")
        machine.start()
        out = run_ok(["vmunit", "qemu-monitor-command", "plugged", '{"execute":"query-cpus-fast"}'])
        check_equal(sorted(c["cpu-index"] for c in json.loads(out)["return"]), [0, 1])
        check_match("/machine/peripheral/vcpu1", out)

@case
def autodestroy():
    """--autodestroy: a machine ends with the vmunit that has started it, also with one that is killed."""
    with vm("brief") as machine:
        machine.write()
        shutil.move(machine.path, "/tmp/brief.xml")
        run_ok(["vmunit", "create", "/tmp/brief.xml", "--autodestroy"])
        check_equal(run(["vmunit", "domstate", "brief"]).rc, 1, "a machine of a command that has ended")

        shell = subprocess.Popen(["vmunit", "-q"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        shell.stdin.write("create /tmp/brief.xml --autodestroy\n")
        shell.stdin.flush()
        wait_for(lambda: list_states().get("brief") == "running", 30, "the shell's machine")
        check_equal(machine.state(), ("running", "booted"))
        shell.kill()
        shell.wait()
        wait_for(lambda: "brief" not in list_states(), 20, "the machine of a shell that was killed to end")

        # A defined one; without the option nothing of it happens.
        shutil.move("/tmp/brief.xml", machine.path)
        run_ok(["vmunit", "start", "brief", "--autodestroy"])
        check_equal(machine.state(), ("shut off", "destroyed"))
        run_ok(["vmunit", "start brief; list"])
        check_equal(machine.state(), ("running", "booted"))
        run_ok(["vmunit", "destroy brief; start brief --autodestroy; connect qemu:///system; domstate brief"])
        check_equal(machine.state(), ("shut off", "destroyed"))



if __name__ == "__main__":
    main()
