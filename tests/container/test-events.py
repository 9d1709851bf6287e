#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: what happens to machines is told as it happens, in libvirt's words and order; nothing twice, also when a monitor
is replaced; and a subscriber that does not read holds nobody up."""

import contextlib
import json
import os
import select
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time

from confinement import dbus_call
from harness import Failure, case, check, check_equal, check_match, main, run, run_ok, wait_for
from rfb import Rfb
from spice import Spice
from vm import TalkingVm, talking_vm, vm

SAVED = "/var/tmp/events.save"


class Listener:
    """A verb that tells events, from the moment on when it says that it listens."""

    def __init__(self, *words, program="vmunit"):
        self.lines, self._rest, self._errors = [], b"", tempfile.TemporaryFile()
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(f"{directory}/notify")
            ready.settimeout(30)
            self.process = subprocess.Popen([program, *words], stdout=subprocess.PIPE, stderr=self._errors,
                                            stdin=subprocess.DEVNULL, env={**os.environ, "NOTIFY_SOCKET": f"{directory}/notify"})
            check_match("READY=1", ready.recv(4096).decode(), "the notification")

    def read(self, timeout):
        """Takes what has come up to now, or waits for some of it. False: nothing came."""
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 1 << 20)
        if not data:
            raise Failure(f"it has ended: {self.errors()}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode() for line in lines]
        return True

    def until(self, wanted, timeout=30):
        """Waits until a line holds WANTED, and takes all up to it."""
        deadline = time.monotonic() + timeout
        while True:
            for i, line in enumerate(self.lines):
                if wanted in line:
                    taken, self.lines = self.lines[:i + 1], self.lines[i + 1:]
                    return taken
            if not self.read(max(0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                raise Failure(f"waited {timeout} s for {wanted!r}, there is {self.lines[-20:]}")

    def errors(self):
        self._errors.seek(0)
        return self._errors.read().decode()

    def end(self):
        """Interrupts it; what it said then, and its status."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=20)
        return (self._rest + out).decode(), self.process.returncode

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._errors.close()


@contextlib.contextmanager
def listener(*words):
    heard = Listener(*words)
    try:
        yield heard
    finally:
        heard.close()


def short(lines, *left_out):
    """The events in few words: "Started Booted", "reboot"."""
    words = []
    for line in lines:
        e = json.loads(line)
        if e["event"] in left_out:
            continue
        words.append(f"{e['type']} {e['detail']}" if e["event"] == "lifecycle" else e["event"])
    return words


def told(heard, wanted, expected):
    """All up to the line with WANTED is EXPECTED, but for what comes when it likes."""
    check_equal(short(heard.until(wanted), "agent-lifecycle", "rtc-change"), expected)


STARTED = ["Resumed Unpaused", "Started Booted"]


@case(timeout=300)
def a_life():
    machine = TalkingVm("alive", lifecycle="<on_crash>destroy</on_crash>", devices="<panic model='isa'/>")
    with listener("events", "--json") as heard:
        try:
            machine.write()
            told(heard, "Added", ["Defined Added"])
            machine.start()
            told(heard, "Booted", STARTED)
            run_ok(["vmunit", "suspend", "alive"])
            run_ok(["vmunit", "resume", "alive"])
            told(heard, "Resumed", ["Suspended Paused", "Resumed Unpaused"])
            # A new monitor: what it finds is known already.
            before = machine.monitor()
            os.kill(before, signal.SIGKILL)
            told(heard, '"gap"', ["gap"])
            check(machine.monitor() != before, "the same monitor")
            run_ok(["vmunit", "suspend", "alive"])
            told(heard, "Suspended", ["Suspended Paused"])
            os.kill(machine.monitor(), signal.SIGKILL)
            told(heard, '"gap"', ["gap"])
            run_ok(["vmunit", "resume", "alive"])
            told(heard, "Resumed", ["Resumed Unpaused"])
            machine.console.send("reboot")
            told(heard, '"reboot"', ["reboot"])
            machine.answers()
            machine.console.send("poweroff")
            # This guest's reboot is more than one reset.
            check_equal(short(heard.until("Stopped"), "agent-lifecycle", "rtc-change", "reboot"),
                        ["Shutdown Finished after guest request", "Stopped Shutdown"])
            # QEMU's own death, and a new life at once.
            machine.start()
            os.kill(machine.qemu(), signal.SIGKILL)
            told(heard, "Stopped", [*STARTED, "Stopped Failed"])
            machine.wait_stopped()
            machine.start()
            machine.console.send("panic")
            told(heard, "Stopped", [*STARTED, "Crashed Panicked", "Stopped Crashed"])
            machine.wait_stopped()
        finally:
            machine.remove()
        told(heard, "Undefined", ["Undefined Removed"])
        check_equal(heard.errors(), "")


@case(timeout=300)
def saved_and_restored():
    with listener("events", "--json") as heard, talking_vm("kept", agent=False) as machine:
        machine.start()
        told(heard, "Booted", ["Defined Added", *STARTED])
        run_ok(["vmunit", "save", "kept", SAVED])
        lines = short(heard.until("Stopped"), "rtc-change")
        check_equal([w for w in lines if w != "migration-iteration"], ["Suspended Paused", "job-completed", "Stopped Saved"])
        check("migration-iteration" in lines, f"{lines}")
        run_ok(["vmunit", "restore", SAVED])
        told(heard, "Resumed", ["Started Restored", "Resumed Snapshot"])
        run_ok(["vmunit", "destroy", "kept"])
        told(heard, "Stopped", ["Shutdown Finished after host request", "Stopped Destroyed"])
        run_ok(["vmunit", "restore", SAVED, "--paused"])
        told(heard, "Suspended", ["Started Restored", "Suspended Restored"])
        run_ok(["vmunit", "resume", "kept"])
        told(heard, "Resumed", ["Resumed Unpaused"])
        run_ok(["vmunit", "destroy", "kept"])
        told(heard, "Stopped", ["Shutdown Finished after host request", "Stopped Destroyed"])
        run_ok(["vmunit", "start", "kept", "--paused"])
        told(heard, "Suspended", ["Started Booted", "Suspended Paused"])
        run_ok(["vmunit", "desc", "kept", "--config", "said"])
        run_ok(["vmunit", "setmem", "kept", "200M", "--config"])
        told(heard, "Updated", ["metadata-change", "Defined Updated"])
    os.unlink(SAVED)


@case(timeout=300)
def texts():
    """As virsh prints them; one event, one of a kind, and no more than was asked for."""
    with talking_vm("said") as machine:
        with listener("event", "--all", "--loop", "--timestamp") as heard, \
                listener("qemu-monitor-event", "--loop", "--event", "r.s", "--regex", "--no-case") as qemu:
            machine.start()
            lines = heard.until("Booted")
            stamp = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: "
            check_match(stamp + "event 'lifecycle' for domain 'said': Defined Added$", lines[0])
            check_match(stamp + "event 'agent-lifecycle' for domain 'said': state: 'disconnected' reason: 'domain started'$", lines[1])
            check_match(stamp + "event 'lifecycle' for domain 'said': Started Booted$", lines[-1])
            heard.until("state: 'connected' reason: 'channel event'", 90)
            check_match(r"^event RESUME at \d{10}\.\d{6} for domain 'said': <null>$", qemu.until("RESUME")[-1])
            run_ok(["vmunit", "setmem", "said", "200M"])
            heard.until("event 'balloon-change' for domain 'said': 2")
            run_ok(["vmunit", "desc", "said", "--live", "for now"])
            heard.until("event 'metadata-change' for domain 'said': type description, uri <null>")
            run_ok(["vmunit", "reset", "said"])
            heard.until("event 'reboot' for domain 'said'")
            check_match(r"""^event RESET at \d{10}\.\d{6} for domain 'said': \{"guest":false,"reason":"host-qmp-system-reset"\}$""",
                        qemu.until("RESET")[-1])
            out, status = qemu.end()
            check_match(r"event loop interrupted\nevents received: [2-9]\n\n$", out)
            check_equal(status, 0)
        # Only the first of a kind, of this domain.
        with listener("event", "said", "--event", "lifecycle") as one:
            run_ok(["vmunit", "suspend", "said"])
            out, _ = one.process.communicate(timeout=20)
            check_equal(out.decode(), "event 'lifecycle' for domain 'said': Suspended Paused\nevents received: 1\n\n")
            check_equal(one.process.returncode, 0)
        with listener("qemu-monitor-event", "said", "--event", "resume", "--no-case", "--pretty") as one:
            run_ok(["vmunit", "resume", "said"])
            out, _ = one.process.communicate(timeout=20)
            check_match(r"^event RESUME at \d+\.\d{6} for domain 'said': <null>\nevents received: 1\n\n$", out.decode())
        with listener("qemu-monitor-event", "--domain", "said", "--event", "STOP", "--timestamp", "--timeout", "60") as one, \
                listener("events", "--domain", "said", "--json", "--timeout", "3") as few:
            run_ok(["vmunit", "suspend", "said"])
            out, _ = one.process.communicate(timeout=20)
            check_match(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: event STOP for domain 'said': <null>\nevents received: 1\n\n$",
                        out.decode())
            out, _ = few.process.communicate(timeout=30)
            check_equal(short(out.decode().splitlines(), "agent-lifecycle", "rtc-change", "reboot", "balloon-change"), ["Suspended Paused"])
            run_ok(["vmunit", "resume", "said"])
        result = run(["vmunit", "event", "said", "--event", "tunable", "--timeout", "1"])
        check_equal(result.out, "event loop timed out\nevents received: 0\n\n")
        check_match("^warning: event 'tunable' does not occur: ", result.err)
        check_equal(result.rc, 1)
        # The others may know that it runs, and no more.
        result = run(["runuser", "-u", "nobody", "--", "vmunit", "-c", "qemu:///system", "event", "--all", "--timeout", "20"])
        check_match("error: access denied: only root may control domain 'said'", result.err)
        check_equal(result.rc, 1)


FULL = "/run/test-full"


@case(timeout=240)
def no_room_for_what_the_guest_writes():
    """It stands still, and all that tells about it says why; with more room it goes on where it was."""
    disk = (f"<disk type='file'><driver name='qemu' type='raw' error_policy='enospace'/><source file='{FULL}/image'/>"
            "<target dev='vda' bus='virtio'/></disk>")
    os.makedirs(FULL, exist_ok=True)
    run_ok(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", FULL])
    try:
        with open(f"{FULL}/image", "wb") as f:
            f.truncate(8 << 20)
        with talking_vm("brimming", devices=disk) as machine:
            machine.start()
            check_equal(run_ok(["vmunit", "domblkerror", "brimming"]).strip(), "No errors found")
            with listener("event", "brimming", "--event", "io-error") as heard:
                machine.console.send("exec dd if=/dev/zero of=/dev/vda bs=64k count=64 conv=fsync 2>/dev/null && echo all written")
                check_match(rf"^event 'io-error' for domain 'brimming': {FULL}/image \(\S+\) pause$", heard.until("io-error", 60)[-1], "the event")
            wait_for(lambda: machine.state() == ("paused", "I/O error"), 20, "the machine to be paused")
            check_equal(run_ok(["vmunit", "domblkerror", "brimming"]).strip(), "vda: no space")
            check_match("^  state.state=3\n  state.reason=5$", run_ok(["vmunit", "domstats", "brimming", "--state"]), "domstats")
            # Without more room it stands still again.
            run_ok(["vmunit", "resume", "brimming"])
            wait_for(lambda: machine.state() == ("paused", "I/O error"), 30, "it to stand still again")
            run_ok(["mount", "-o", "remount,size=32M", FULL])
            run_ok(["vmunit", "resume", "brimming"])
            machine.console.expect("^all written$", 60)
            # domblkerror goes on to tell of the last one: so does QEMU.
            check_equal(machine.state()[0], "running", "state with more room")
    finally:
        run_ok(["umount", FULL])


class Control:
    """A connection to a monitor, for more calls than a command line makes."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(f"/run/vmunit/{name}/control")
        self.socket.settimeout(30)
        # BEGIN is in front of the answer, as libsystemd does it: a server may leave what comes with it until there is more.
        self.socket.sendall(b"\0AUTH ANONYMOUS 616e6f6e\r\nBEGIN\r\n")
        check_match("^OK [0-9a-f]{32}\r\n$", self.socket.recv(4096).decode(), "the authentication")
        self.data, self.serial = b"", 0

    def ask(self, member, *strings):
        self.serial += 1
        self.socket.sendall(dbus_call(self.serial, "org.vmunit", "/org/vmunit/Machine1", "org.vmunit.Machine1", member, *strings))
        return self.serial

    def message(self):
        """The next message: its kind (2: an answer, 3: an error, 4: a signal)."""
        def have(n):
            while len(self.data) < n:
                data = self.socket.recv(1 << 16)
                check(data, "the monitor has closed the connection")
                self.data += data
        have(16)
        order, kind, _, _, body, _, fields = struct.unpack("<cBBBIII", self.data[:16])
        check_equal(order, b"l")
        size = 16 + (fields + 7) // 8 * 8 + body
        have(size)
        self.data = self.data[size:]
        return kind

    def answer(self):
        while (kind := self.message()) == 4:
            pass
        check_equal(kind, 2, "the kind of the answer")

    def close(self):
        self.socket.close()


def stop_and_go(control, times):
    """Makes twice as many events."""
    under_way = 0
    for i in range(2 * times):
        control.ask("Qmp", '{"execute": "cont"}' if i % 2 else '{"execute": "stop"}')
        under_way += 1
        if under_way == 8:
            control.answer()
            under_way -= 1
    for _ in range(under_way):
        control.answer()


@case(timeout=400)
def who_does_not_read():
    """Ten thousand events past a subscriber that is stopped: the machine and the other subscriber do not notice; the monitor
    does not grow; and when it goes on it knows that it has missed something, and hears of what comes."""
    with talking_vm("flood", agent=False) as machine:
        machine.start()
        with listener("events", "--json") as asleep, listener("qemu-monitor-event", "--loop", "--regex", "--event", "STOP|RESUME") as awake:
            monitor = machine.monitor()
            asleep.process.send_signal(signal.SIGSTOP)
            control = Control("flood")
            stop_and_go(control, 20)
            memory = resident(monitor)
            began, slowest = time.monotonic(), 0
            for _ in range(50):
                stop_and_go(control, 100)
                asked = time.monotonic()
                control.ask("GetState")
                control.answer()
                slowest = max(slowest, time.monotonic() - asked)
                while awake.read(0):
                    pass
            took = time.monotonic() - began
            while len(awake.lines) < 10040 and awake.read(10):
                pass
            check_equal(len(awake.lines), 10040, "events that the other one has read")
            grown = resident(monitor) - memory
            print(f"    10000 events in {took:.1f} s, slowest answer in between {slowest * 1000:.1f} ms, the monitor grew by {grown} KiB")
            check(grown < 16384, f"the monitor grew by {grown} KiB")
            check_equal(machine.monitor(), monitor, "the monitor")
            control.close()
            asleep.process.send_signal(signal.SIGCONT)
            asleep.until('"gap"', 60)
            run_ok(["vmunit", "suspend", "flood"])
            asleep.until("Suspended")
            run_ok(["vmunit", "resume", "flood"])
            machine.console.send("cmdline")
            machine.console.expect(r"^vmunit-guest: done cmdline 0$", 30)


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


@case(timeout=300)
def how_long_it_takes():
    """From QEMU's own time of an event to the line, one event at a time. The figure is told and not judged: what else the
    machine does is in it."""
    with talking_vm("quick", agent=False) as machine:
        machine.start()
        with listener("qemu-monitor-event", "quick", "--loop", "--regex", "--event", "STOP|RESUME") as heard:
            control, took = Control("quick"), []
            for i in range(200):
                control.ask("Qmp", '{"execute": "cont"}' if i % 2 else '{"execute": "stop"}')
                while not heard.lines:
                    check(heard.read(10), "no event")
                now = time.time()
                took.append(now - float(heard.lines.pop(0).split()[3]))
                control.answer()
            control.close()
            took.sort()
            print(f"    event to line: median {statistics.median(took) * 1000:.2f} ms, 95 % {took[189] * 1000:.2f} ms, of {len(took)}")
            check(all(t >= 0 for t in took), "a line before its event")


@case(timeout=300)
def one_that_hangs():
    """A monitor that is stopped: the others' events come, and its own when it goes on."""
    with talking_vm("stuck", agent=False) as stuck, talking_vm("free", agent=False) as free:
        stuck.start()
        free.start()
        os.kill(stuck.supervisor(), signal.SIGSTOP)
        os.kill(stuck.monitor(), signal.SIGSTOP)
        try:
            with listener("events", "--json") as heard:
                run_ok(["vmunit", "suspend", "free"])
                check_equal(short(heard.until("Suspended")), ["Suspended Paused"])
                os.kill(stuck.monitor(), signal.SIGCONT)
                os.kill(stuck.supervisor(), signal.SIGCONT)
                run_ok(["vmunit", "suspend", "stuck"])
                check_equal(short(heard.until("stuck"), "gap"), ["Suspended Paused"])
                # systemd executes itself anew: its connections end.
                run_ok(["systemctl", "daemon-reexec"])
                run_ok(["vmunit", "destroy", "free"])
                check_equal(short(heard.until("Stopped")), ["Shutdown Finished after host request", "Stopped Destroyed"])
                run_ok(["systemctl", "daemon-reload"])
                run_ok(["vmunit", "resume", "stuck"])
                check_equal(short(heard.until("stuck")), ["Resumed Unpaused"])
        finally:
            for pid in (stuck.supervisor(), stuck.monitor()):
                os.kill(pid, signal.SIGCONT)


@case
def displays():
    """Who looks at a screen. What comes of a VNC client is QEMU's secret, as it was not QEMU that accepted it."""
    vnc, spice = 5977, 5988
    devices = f"<graphics type='vnc' port='{vnc}'/><graphics type='spice' port='{spice}'/><video><model type='vga'/></video>"
    with vm("shown", agent=False, devices=devices) as machine:
        machine.without_guest()
        machine.start(ready=False)
        with listener("events", "--json", "shown") as heard:
            with Rfb("localhost", vnc) as client:
                client.login()
                port = client.socket.getsockname()[1]
                e = json.loads(heard.until("graphics")[-1])
                check_equal({k: e[k] for k in ("phase", "local", "remote")},
                            {"phase": "connect", "local": {"family": "IPv4", "address": "127.0.0.1", "service": str(vnc)},
                             "remote": {"family": "IPv4", "address": "127.0.0.1", "service": str(port)}})
            with Spice("localhost", spice) as client:
                client.login()
                check_equal([json.loads(heard.until("graphics")[-1])["phase"] for _ in range(2)], ["connect", "initialize"])
            check_equal(json.loads(heard.until("graphics")[-1])["phase"], "disconnect")


if __name__ == "__main__":
    main()
