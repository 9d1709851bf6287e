# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual machines for the drivers of the container and host tiers: definitions and what is done with them."""

import contextlib
import os
import pty
import re
import signal
import subprocess

from harness import (Console, Failure, Serial, check, check_equal, fail, journal, run, run_ok, unit_property, wait_for,
                     wait_for_unit)

GUEST = os.environ.get("VMUNIT_GUEST", "/usr/lib/vmunit-tests-guest")
LOGS = "/var/log/vm"

DOMAIN = """<domain type='{type}'{xmlns}>
  <name>{name}</name>
  <memory unit='MiB'>{memory}</memory>
  <vcpu>{vcpus}</vcpu>
  <os>
    <type arch='x86_64' machine='{machine}'>hvm</type>
    <kernel>{guest}/vmlinux</kernel>
    <initrd>{guest}/initrd</initrd>
    <cmdline>console=ttyS0 quiet {cmdline}</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'/>
  {lifecycle}
  <devices>
    <serial type='file'><source path='{log}'/></serial>
    {agent}
    {devices}
  </devices>
</domain>
"""

AGENT = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"


class Vm:
    """A VM with the tests' guest whose console goes to a file."""

    def __init__(self, name, *, agent=True, cmdline="vmunit.count", devices="", lifecycle="", memory=256, vcpus=1,
                 machine="q35", type="qemu"):
        self.name, self.unit, self.log = name, f"vm@{name}.service", f"{LOGS}/{name}.log"
        self.path = f"/etc/vm/{name}.xml"
        self.xml = DOMAIN.format(name=name, memory=memory, vcpus=vcpus, guest=GUEST, cmdline=cmdline, log=self.log,
                                 agent=AGENT if agent else "", devices=devices, lifecycle=lifecycle, machine=machine,
                                 type=type, xmlns="")
        self.serial = None

    def write(self):
        os.makedirs("/etc/vm", exist_ok=True)
        os.makedirs(LOGS, exist_ok=True)
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(self.xml)
        return self

    def without_guest(self):
        """For cases that only ask the host: nothing is loaded, and the firmware soon halts."""
        self.xml = re.sub(r" *<(kernel|initrd|cmdline)>.*</\1>\n", "", self.xml)
        return self

    def start(self, *, ready=True, timeout=90):
        """Defines it if need be and starts it by `vmunit start`; waits for the guest's line."""
        if not os.path.exists(self.path):
            self.write()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.log)
        run_ok(["vmunit", "start", self.name])
        self.watch(ready=ready, timeout=timeout)
        return self

    def watch(self, *, ready=True, timeout=90):
        if self.serial:
            self.serial.close()
        self.serial = Serial(self.log)
        if ready:
            self.serial.expect_ready(timeout)

    def state(self):
        """(state, reason) as `vmunit domstate --reason` says."""
        out = run_ok(["vmunit", "domstate", "--reason", self.name]).strip()
        match = re.fullmatch(r"(.*) \((.*)\)", out)
        check(match, f"domstate said {out!r}")
        return match.groups()

    def wait_state(self, state, timeout=20):
        return wait_for(lambda: self.state()[0] == state, timeout, f"{self.name} to be {state}", interval=0.05)

    def wait_stopped(self, timeout=60):
        return wait_for_unit(self.unit, timeout=timeout)

    def supervisor(self):
        return int(unit_property(self.unit, "MainPID"))

    def processes(self):
        """{program: [pid, …]} of everything in the unit's cgroup."""
        group = unit_property(self.unit, "ControlGroup")
        found = {}
        for directory, _, _ in os.walk(f"/sys/fs/cgroup{group}") if group else ():
            with contextlib.suppress(OSError), open(f"{directory}/cgroup.procs", encoding="ascii") as f:
                for pid in f.read().split():
                    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as c:
                        program = os.path.basename(c.read().split(b"\0")[0].decode())
                        found.setdefault(program, []).append(int(pid))
        return found

    def pid_of(self, program):
        """The pid of the only process of that program ("vmunit-monitor"), or None."""
        pids = [p for name, ps in self.processes().items() if name.startswith(program) for p in ps]
        check(len(pids) <= 1, f"several {program}: {pids}")
        return pids[0] if pids else None

    def qemu(self):
        return self.pid_of("qemu-system")

    def monitor(self):
        return self.pid_of("vmunit-monitor")

    def ticks_go_on(self, more=3, timeout=20):
        """The guest counts on: `more` further ticks come, and none was left out so far."""
        numbers = self.serial.ticks()
        last = numbers[-1] if numbers else 0
        self.serial.expect(rf"^vmunit-guest: tick {last + more}$", timeout, position=0)
        numbers = self.serial.ticks()
        check_equal(numbers, list(range(1, len(numbers) + 1)), "the guest's ticks")

    def journal(self):
        """The messages of this start, oldest first."""
        entries = journal(f"--unit={self.unit}")
        return [str(e.get("MESSAGE", "")) for e in entries]

    def remove(self):
        """Ends it and forgets it, whatever state it is in."""
        if self.serial:
            self.serial.close()
            self.serial = None
        run(["systemctl", "kill", "--kill-whom=main", f"--signal={int(signal.SIGRTMIN) + 14}", self.unit])
        run(["systemctl", "stop", self.unit])
        run(["systemctl", "reset-failed", self.unit])
        for path in (self.path, self.log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


@contextlib.contextmanager
def vm(name, **keywords):
    """A VM that is gone afterwards."""
    machine = Vm(name, **keywords)
    try:
        yield machine
    finally:
        machine.remove()


@contextlib.contextmanager
def configured(text):
    """With that for /etc/vm/vmunit.conf; systemd is told nothing."""
    with open("/etc/vm/vmunit.conf", "w", encoding="ascii") as f:
        f.write(text)
    try:
        yield
    finally:
        os.unlink("/etc/vm/vmunit.conf")


def list_states():
    """{name: state} as `vmunit list --all` prints it."""
    rows = run_ok(["vmunit", "list", "--all"]).splitlines()[2:]
    return {m[2]: m[3].strip() for m in (re.match(r"\s*(\S+)\s+(\S+)\s+(.*)", r) for r in rows) if m}


def nothing_left(machine):
    """No process, mount or tap of the machine is there any more."""
    group = unit_property(machine.unit, "ControlGroup")
    if group and os.path.exists(f"/sys/fs/cgroup{group}/cgroup.procs"):
        fail(f"{group} is still there")
    out = subprocess.run(["pgrep", "-f", f"guest={machine.name}[, ]"], capture_output=True, text=True).stdout
    check_equal(out, "", "QEMU processes left")


def mount_of(path):
    """The number of the mount that PATH is in."""
    fd = os.open(path, os.O_PATH)
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
            return int(re.search(r"(?m)^mnt_id:\s*(\d+)$", f.read())[1])
    finally:
        os.close(fd)


def ways_out(pids):
    """Directories that these processes have open, or are in, from which ".." leads to the root directory of the host."""
    host, found = mount_of("/"), []
    for pid in pids:
        for path in [f"/proc/{pid}/cwd", *(f"/proc/{pid}/fd/{n}" for n in os.listdir(f"/proc/{pid}/fd"))]:
            with contextlib.suppress(FileNotFoundError):
                if os.path.isdir(path) and mount_of(path + "/.." * 64) == host:
                    found.append(f"{path} -> {os.readlink(path)}")
    return found


class TalkingVm(Vm):
    """A VM whose console is a pty, reached by `vmunit console`: its guest can be asked."""

    def __init__(self, name, **keywords):
        super().__init__(name, **{"cmdline": "", **keywords})
        self.xml = re.sub(r"<serial type='file'>.*</serial>", "<serial type='pty'/>", self.xml, count=1)
        self.console = None

    def start(self, **_):
        self.write()
        # The first one on an emulated host asks the emulator what it can do.
        run_ok(["vmunit", "start", self.name], timeout=180)
        self.connect()
        return self

    def connect(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp("vmunit", ["vmunit", "console", self.name])
        self.client, self.console = pid, Console(fd)
        self.console.expect(rf"^Connected to domain '{re.escape(self.name)}'$")
        self.answers()

    def answers(self):
        """Waits. The guest may have said that it is up before anybody listened: it is up when it answers."""
        wait_for(self._answers, 180, f"{self.name} to answer")

    def _answers(self):
        self.console.send("cmdline")
        try:
            self.console.expect(r"^vmunit-guest: done cmdline 0$", 2)
        except Failure:
            return False
        # What was asked in vain before may be answered now, before this.
        self.console.send("exec echo in step")
        self.console.expect(r"^in step\nvmunit-guest: done exec 0$", 30)
        return True

    def disconnect(self):
        if self.console:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.client, signal.SIGTERM)
            os.waitpid(self.client, 0)
            self.console.close()
            self.console = None

    def remove(self):
        self.disconnect()
        super().remove()


@contextlib.contextmanager
def talking_vm(name, **keywords):
    machine = TalkingVm(name, **keywords)
    try:
        yield machine
    finally:
        machine.remove()
