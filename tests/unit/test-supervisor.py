#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The supervisor as a process, with a stand-in for QEMU and one for the monitor that do what the test says.

Usage: test-supervisor.py SUPERVISOR
"""
import contextlib
import array
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

LIMIT = 20.0
SUPERVISOR = None
HELLO, READY, STATE, ENDING, RESTART, PONG, SHUTDOWN, REBOOT, RESET, PING, WAS_READY, HELPER_LOST = range(1, 13)
RUNNING, SHUT_OFF = 1, 5
BOOTED, CRASHED, SHUTDOWN_REASON = 1, 6, 15

# Tells what it was given over the socket that is its descriptor 20, then does what it is told there.
EMULATOR = '''#!%s
import os, signal, socket
s = socket.socket(fileno=20)
fds = sorted(int(f) for f in os.listdir("/proc/self/fd"))
links = [f for f in fds if f > 2 and os.path.exists("/proc/self/fd/%%d" %% f)]
import sys
def status(key): return [l for l in open("/proc/self/status") if l.startswith(key + ":")][0].split()[1]
mask = [l for l in open("/proc/self/status") if l.startswith("SigBlk")][0].split()[1]
s.send(repr({"fds": links, "argv": sys.argv[1:], "env": dict(os.environ), "mask": mask, "seccomp": status("Seccomp"), "no_new_privs": status("NoNewPrivs"),
             "stdin": os.readlink("/proc/self/fd/0"), "qmp": os.readlink("/proc/self/fd/3")}).encode())
signal.signal(signal.SIGTERM, lambda *a: os._exit(0))
while True:
    command = s.recv(100).decode().split()
    if not command: os._exit(9)
    if command[0] == "exit": os._exit(int(command[1]))
    if command[0] == "kill": os.kill(os.getpid(), int(command[1]))
    if command[0] == "ignore-term": signal.signal(signal.SIGTERM, signal.SIG_IGN); s.send(b"ok")
''' % sys.executable

# Sends the descriptor of its supervisor socket to the test, which then speaks for it, and waits for the end of QEMU and until it is
# written down.
MONITOR = '''#!%s
import array, os, socket
names = os.environ["LISTEN_FDNAMES"].split(":")
assert int(os.environ["LISTEN_PID"]) == os.getpid() and int(os.environ["LISTEN_FDS"]) == len(names)
t = socket.socket(fileno=3 + names.index("test"))
fds = array.array("i", [3, 3 + names.index("agent")])
t.sendmsg([("%%d " %% os.getpid() + " ".join(names)).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
os.close(3)
qmp = 3 + names.index("qmp")
while os.read(qmp, 100): pass
while b"shut off/" not in os.pread(names.index("state") + 3, 64, 0): os.sched_yield()
t.send(b"answered")
''' % sys.executable


# Says what it was given over the socket that is its descriptor 21, and ends with QEMU, whose end of the pair is closed then;
# or does what it was told by its arguments.
CAP_CHOWN, CAP_SETFCAP = 0, 31

HELPER = '''#!%s
import os, select, signal, socket, sys
s = socket.socket(fileno=21)
status = dict(l.rstrip().split(":", 1) for l in open("/proc/self/status"))
fds = [int(f) for f in os.listdir("/proc/self/fd") if int(f) > 2 and os.path.exists("/proc/self/fd/" + f)]
s.send(repr({"fds": sorted(fds), "argv": sys.argv[1:], "cwd": os.getcwd(), "env": sorted(os.environ), "pid": os.getpid(),
             "seccomp": status["Seccomp"].strip(), "uid": os.getuid(), "users": open("/proc/self/uid_map").read().split()[2],
             "bound": int(status["CapBnd"], 16)}).encode())
if sys.argv[1:2] == ["exit"]: os._exit(int(sys.argv[2]))
if sys.argv[1:2] == ["stay"]: signal.signal(signal.SIGTERM, signal.SIG_IGN)
while sys.argv[1:2] == ["stay"]: signal.pause()
select.select([22], [], [])
os._exit(0)
''' % sys.executable


class Monitor:
    def __init__(self, listener):
        data, ancillary, _, _ = listener.recvmsg(1000, socket.CMSG_SPACE(8))
        words = data.decode().split()
        self.pid, self.names = int(words[0]), words[1:]
        fds = array.array("i")
        fds.frombytes(ancillary[0][2][:8])
        self.socket = socket.socket(fileno=fds[0])
        self.agent = socket.socket(fileno=fds[1])
        self.socket.settimeout(LIMIT)

    def send(self, kind, a=0, b=0):
        self.socket.send(struct.pack("=III", kind, a, b))

    def receive(self):
        return struct.unpack("=III", self.socket.recv(100))


class SupervisorTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        d = self.directory.name
        self.emulator = self.script("qemu", EMULATOR)
        self.monitor_program = self.script("monitor", MONITOR)
        self.state_path = os.path.join(d, "state")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(LIMIT)
        self.notify.bind(os.path.join(d, "notify"))
        self.qemu, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.monitors, monitor_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.qemu.settimeout(LIMIT)
        self.monitors.settimeout(LIMIT)
        self.passed = {"qemu-test": theirs.fileno(), "test": monitor_end.fileno()}
        self.keep = [theirs, monitor_end]
        self.pid = 0

    def script(self, name, text):
        path = os.path.join(self.directory.name, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
        return path

    def tearDown(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for s in self.keep + [self.qemu, self.monitors, self.notify]:
            s.close()
        self.directory.cleanup()

    def start(self, record=None, emulator=None, stop_timeout=None, label=None, more=(), preexec=lambda: None):
        entries = ["version=1", "name=web", "emulator=" + (emulator or self.emulator),
                   "monitor=" + self.monitor_program, "arg=qemu-web", "arg=-name", "arg=guest=web", "arg=",
                   "env=A=b", "fd=20:qemu-test", "pair=12:agent", "monitor-fd=test", "monitor-fd=state", *more]
        if stop_timeout:
            entries.append("stop-timeout-ms=%d" % stop_timeout)
        if label:
            entries.append("label=" + label)
        if record is None:
            record = "".join(e + "\0" for e in entries).encode()
        for name, content in (("launch", record), ("plan", b"{}")):
            fd = os.memfd_create(name)
            os.write(fd, content)  # the offset stays at the end: as after an earlier reader
            self.passed[name] = fd
        self.passed["state"] = os.open(self.state_path, os.O_RDWR | os.O_CREAT)
        control = socket.socket(socket.AF_UNIX)
        self.keep.append(control)
        self.passed["control"] = control.fileno()

        self.pid = os.fork()
        if self.pid == 0:
            moved = [(n, os.dup(fd)) for n, fd in self.passed.items()]
            high = [(n, __import__("fcntl").fcntl(fd, __import__("fcntl").F_DUPFD, 200)) for n, fd in moved]
            for i, (n, fd) in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)
            # A descriptor that nobody planned: it must not reach QEMU.
            os.dup2(high[0][1], 3 + len(high), inheritable=True)
            env = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high)),
                   "LISTEN_FDNAMES": ":".join(n for n, _ in high), "SECRET": "x",
                   "NOTIFY_SOCKET": os.path.join(self.directory.name, "notify")}
            preexec()
            os.execve(SUPERVISOR, ["vmunit-supervisor"], env)
        for name in ("launch", "plan", "state"):
            os.close(self.passed[name])

    def running(self, **kwargs):
        """Starts and returns what QEMU saw, and the first monitor, which has said that the guest runs."""
        self.start(**kwargs)
        seen = eval(self.qemu.recv(100000).decode())
        monitor = Monitor(self.monitors)
        monitor.send(HELLO)
        monitor.send(STATE, RUNNING, BOOTED)
        monitor.send(READY)
        self.expect_notification("READY=1")
        return seen, monitor

    def expect_notification(self, text):
        while True:
            got = self.notify.recv(1000).decode()
            self.assertNotIn("MAINPID", got)
            if text in got:
                return

    def end(self):
        fd = os.pidfd_open(self.pid)
        try:
            self.assertTrue(select.select([fd], [], [], LIMIT)[0], "the supervisor did not end")
        finally:
            os.close(fd)
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)

    def state(self):
        with open(self.state_path) as f:
            text = f.read()
        self.assertEqual(len(text), 64)
        return text.strip()

    def test_qemu_gets_what_was_planned_and_nothing_else(self):
        seen, monitor = self.running()
        self.assertEqual(seen["fds"], [3, 12, 20])
        self.assertEqual(seen["argv"], ["-name", "guest=web", ""])
        self.assertEqual({k: v for k, v in seen["env"].items() if k != "LC_CTYPE"}, {"A": "b"})
        self.assertEqual(seen["stdin"], "/dev/null")
        self.assertTrue(seen["qmp"].startswith("socket:"))
        self.assertEqual(int(seen["mask"], 16), 0)
        self.assertEqual((seen["seccomp"], seen["no_new_privs"]), ("2", "1"))
        self.assertEqual(monitor.names, ["supervisor", "qmp", "plan", "control", "test", "state", "agent"])
        self.assertEqual(self.state(), "running/booted")

    def test_vhost_is_qemus_alone(self):
        """While another has it, the kernel's threads for it stay in the control group, and systemd waits for them."""
        with tempfile.TemporaryFile() as device:
            self.passed["vhost-net0"] = self.passed["vsock-vsock0"] = device.fileno()
            inode = os.fstat(device.fileno()).st_ino
            self.start(more=["fd=21:vhost-net0", "fd=22:vsock-vsock0"])
            seen = eval(self.qemu.recv(100000).decode())
            self.assertEqual(seen["fds"], [3, 12, 20, 21, 22])
            self.expect_notification("FDSTOREREMOVE=1\nFDNAME=vhost-net0")
            self.expect_notification("FDSTOREREMOVE=1\nFDNAME=vsock-vsock0")
            Monitor(self.monitors)
            # Those from 200 on are start()'s.
            held = []
            for fd in os.listdir(f"/proc/{self.pid}/fd"):
                with contextlib.suppress(FileNotFoundError):  # it opens and closes others meanwhile
                    held += [os.stat(f"/proc/{self.pid}/fd/{fd}").st_ino] if int(fd) < 200 else []
            self.assertGreater(len(held), 3)
            self.assertNotIn(inode, held)

    def with_helper(self, *arguments, more=()):
        """What start() needs for one, and the socket it speaks on."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(LIMIT)
        self.keep += [ours, theirs]
        self.passed["helper-test"] = theirs.fileno()
        self.passed["tpm-state"] = os.open(self.directory.name, os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, self.passed["tpm-state"])
        return ours, ["pair=13:tpm", "helper=tpm0:" + self.script("helper", HELPER), "helper-arg=swtpm",
                      *("helper-arg=" + a for a in arguments), "helper-fd=21:helper-test", "helper-pair=22:tpm",
                      "helper-directory=tpm-state", *more]

    def test_helper_gets_what_was_planned(self):
        said, more = self.with_helper("socket")
        seen, monitor = self.running(more=more)
        helper = eval(said.recv(10000).decode())
        self.assertEqual(helper["fds"], [21, 22])
        self.assertEqual(helper["argv"], ["socket"])
        self.assertEqual(helper["cwd"], self.directory.name)
        self.assertEqual([k for k in helper["env"] if k != "LC_CTYPE"], ["HOME", "PATH"])
        self.assertEqual(helper["seccomp"], "2")
        self.assertEqual(seen["fds"], [3, 12, 13, 20])
        self.assertNotIn("tpm", monitor.names)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)
        self.assertFalse(os.path.exists("/proc/%d" % helper["pid"]))

    def test_helper_that_is_root_of_a_namespace(self):
        """With nobody else in it; and it gives files no capabilities, which could be in force on the host."""
        said, more = self.with_helper("socket", more=["helper-allow=root"])
        if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode != 0:
            self.skipTest("no user namespaces here")
        self.running(more=more)
        helper = eval(said.recv(10000).decode())
        self.assertEqual((helper["uid"], helper["users"]), (0, "1"))
        self.assertTrue(helper["bound"] & 1 << CAP_CHOWN)
        self.assertFalse(helper["bound"] & 1 << CAP_SETFCAP)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)

    def test_helper_that_dies_is_told_of_and_again(self):
        said, more = self.with_helper("socket")
        _, monitor = self.running(more=more)
        os.kill(eval(said.recv(10000).decode())["pid"], signal.SIGKILL)
        self.assertEqual(monitor.receive()[0], HELPER_LOST)
        os.kill(monitor.pid, signal.SIGKILL)
        monitor = Monitor(self.monitors)
        monitor.send(HELLO, 1)
        self.assertEqual([monitor.receive()[0] for _ in range(2)], [WAS_READY, HELPER_LOST])
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)

    def test_helper_that_is_gone_before_the_machine_is_ready(self):
        """The start fails, and at once: QEMU could wait for it for ever."""
        said, more = self.with_helper("socket")
        self.start(more=more)
        self.qemu.recv(100000)
        monitor = Monitor(self.monitors)
        helper = os.pidfd_open(eval(said.recv(10000).decode())["pid"])
        signal.pidfd_send_signal(helper, signal.SIGKILL)
        self.assertTrue(select.select([helper], [], [], LIMIT)[0])
        os.close(helper)
        monitor.send(HELLO)
        monitor.send(READY)
        self.assertEqual(self.end(), -signal.SIGKILL)
        self.assertEqual(self.state(), "shut off/crashed")

    def test_helper_that_stays_is_killed(self):
        said, more = self.with_helper("stay")
        self.running(more=more)
        pid = eval(said.recv(10000).decode())["pid"]
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)
        self.assertFalse(os.path.exists("/proc/%d" % pid))

    def test_work_that_is_done_first(self):
        said, more = self.with_helper("exit", "0", more=["helper-ends=yes"])
        self.running(more=more)
        self.assertEqual(eval(said.recv(10000).decode())["argv"], ["exit", "0"])
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)

    def test_work_that_fails_starts_nothing(self):
        _, more = self.with_helper("exit", "4", more=["helper-ends=yes"])
        self.start(more=more)
        self.assertEqual(self.end(), 1)
        self.assertEqual(self.state(), "shut off/failed")
        self.keep[0].close()
        self.assertEqual(self.qemu.recv(10), b"")  # its end, without a word

    def test_work_can_be_stopped(self):
        said, more = self.with_helper("stay", more=["helper-ends=yes"])
        self.start(more=more)
        pid = eval(said.recv(10000).decode())["pid"]
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(self.end(), 1)
        self.assertFalse(os.path.exists("/proc/%d" % pid))

    def test_records_of_helpers_that_are_wrong(self):
        for wrong in (["helper-arg=x"], ["helper=tpm0:swtpm", "helper-arg=x"], ["helper=tpm0:/x"],
                      ["helper=tpm0:/x", "helper-arg=x", "helper-pair=4:none"],
                      ["pair=13:tpm", "helper=a:/x", "helper-arg=x", "helper-pair=4:tpm", "helper-pair=5:tpm"],
                      ["helper=a:/x", "helper-arg=x", "helper-allow=everything"], ["helper=a:/x", "helper-arg=x", "helper-ends=no"],
                      # What only a helper may have.
                      ["allow=root"], ["allow=sandbox"], ["allow=netlink"]):
            with self.subTest(wrong):
                self.start(more=wrong)
                self.assertEqual(self.end(), 1)
                self.assertEqual(os.path.getsize(self.state_path), 0)

    def test_exit_status_is_qemus(self):
        self.running()
        self.qemu.send(b"exit 3")
        self.assertEqual(self.end(), 3)
        self.assertEqual(self.state(), "shut off/crashed")

    def test_signal_is_qemus(self):
        self.running()
        self.qemu.send(b"kill 9")
        self.assertEqual(self.end(), -signal.SIGKILL)
        self.assertEqual(self.state(), "shut off/crashed")

    def test_last_words_of_the_monitor(self):
        _, monitor = self.running()
        monitor.send(ENDING, 0, SHUTDOWN_REASON)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/shutdown")

    def test_monitor_answers_before_it_leaves(self):
        self.running()
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.monitors.recv(100), b"answered")

    def test_guest_crash_fails_the_unit(self):
        _, monitor = self.running()
        monitor.send(ENDING, 0, CRASHED)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 134)
        self.assertEqual(self.state(), "shut off/crashed")

    def test_qemu_that_gives_up_qmp_before_the_guest_runs(self):
        """It is not waited for until the limit of the start."""
        self.monitor_program = "/bin/true"
        self.start()
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/failed")

    def test_forced_restart(self):
        _, monitor = self.running()
        monitor.send(RESTART)
        monitor.send(ENDING, 0, CRASHED)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 133)

    def test_systemd_hears_of_the_start_in_the_end(self):
        """The start waits for nothing else, and whoever tells it may have no memory for that just then."""
        path = os.path.join(self.directory.name, "notify")
        self.start()
        self.qemu.recv(100000)
        monitor = Monitor(self.monitors)
        os.rename(path, path + ".away")
        monitor.send(READY)
        monitor.send(HELLO)
        self.assertEqual(monitor.receive()[0], WAS_READY)  # so it has tried
        os.rename(path + ".away", path)
        self.expect_notification("READY=1")

    def test_killed_monitor_is_replaced(self):
        _, monitor = self.running()
        for _ in range(3):
            os.kill(monitor.pid, signal.SIGKILL)
            monitor.socket.close()
            monitor.agent.close()
            monitor = Monitor(self.monitors)
            monitor.send(HELLO, 1)
        self.qemu.send(b"exit 0")
        self.assertEqual(self.end(), 0)

    def test_stopped_monitor_is_replaced(self):
        _, monitor = self.running()
        os.kill(monitor.pid, signal.SIGSTOP)
        self.assertNotEqual(Monitor(self.monitors).pid, monitor.pid)

    def test_stop_request_outlives_the_monitor(self):
        _, monitor = self.running(stop_timeout=60000)
        os.kill(self.pid, signal.SIGTERM)
        self.expect_notification("STOPPING=1")
        kind, budget, _ = monitor.receive()
        self.assertEqual(kind, SHUTDOWN)
        self.assertTrue(50000 < budget <= 55000, budget)
        os.kill(monitor.pid, signal.SIGKILL)
        monitor = Monitor(self.monitors)
        monitor.send(HELLO, 1)
        self.assertEqual([monitor.receive()[0] for _ in range(2)], [WAS_READY, SHUTDOWN])

    def test_stop_that_goes_nowhere_ends_qemu(self):
        self.running(stop_timeout=400)
        os.kill(self.pid, signal.SIGTERM)
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/destroyed")

    def test_requests_by_signal(self):
        _, monitor = self.running()
        os.kill(self.pid, signal.SIGINT)
        self.assertEqual(monitor.receive()[0], REBOOT)
        os.kill(self.pid, signal.SIGRTMIN + 15)
        self.assertEqual(monitor.receive()[0], RESET)
        os.kill(self.pid, signal.SIGRTMIN + 4)
        self.assertEqual(monitor.receive(), (SHUTDOWN, 0xFFFFFFFF, 0))

    def test_destroy(self):
        self.running()
        os.kill(self.pid, signal.SIGRTMIN + 14)
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/destroyed")

    def test_destroy_before_stop(self):
        """The stop of the unit that follows changes nothing: nobody is asked to power off."""
        _, monitor = self.running()
        os.kill(self.pid, signal.SIGSTOP)
        os.kill(self.pid, signal.SIGRTMIN + 14)
        os.kill(self.pid, signal.SIGTERM)
        os.kill(self.pid, signal.SIGCONT)
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/destroyed")
        self.assertEqual(monitor.socket.recv(100), b"")

    def test_destroy_of_a_qemu_that_ignores_it(self):
        self.running()
        self.qemu.send(b"ignore-term")
        self.qemu.recv(10)
        os.kill(self.pid, signal.SIGRTMIN + 14)
        self.assertEqual(self.end(), 0)
        self.assertEqual(self.state(), "shut off/destroyed")

    def test_monitor_cannot_fake_states(self):
        _, monitor = self.running()
        monitor.send(STATE, SHUT_OFF, SHUTDOWN_REASON)
        monitor.send(STATE, 1000, 1)
        monitor.send(STATE, RUNNING, 1000)
        monitor.send(77, 1, 1)
        monitor.socket.send(b"x" * 5000)  # no record: the connection is closed
        self.assertEqual(monitor.socket.recv(10), b"")
        self.assertEqual(self.state(), "running/booted")

    def test_missing_emulator(self):
        self.start(emulator="/nonexistent/qemu")
        self.assertEqual(self.end(), 1)
        self.assertEqual(self.state(), "shut off/failed")

    def test_label_that_cannot_be_set(self):
        """Nothing of QEMU runs without the label it was planned with, and the message says which one it is."""
        label = "system_u:system_r:there_is_no_such_type_t:s0:c1,c2"
        with tempfile.TemporaryFile() as log:
            saved = os.dup(2)
            os.dup2(log.fileno(), 2)
            try:
                self.start(label=label)
                self.assertEqual(self.end(), 1)
            finally:
                os.dup2(saved, 2)
                os.close(saved)
            log.seek(0)
            self.assertIn(f"cannot set its SELinux label: {self.emulator} as {label}: ", log.read().decode())
        self.assertEqual(self.state(), "shut off/failed")
        self.qemu.settimeout(0.2)
        self.assertRaises(TimeoutError, self.qemu.recv, 10)

    def test_profile_that_it_has_not(self):
        """Nothing of QEMU runs when systemd has not given the unit its profile of AppArmor."""
        with tempfile.TemporaryFile() as log:
            saved = os.dup(2)
            os.dup2(log.fileno(), 2)
            try:
                self.start(more=["profile=vmunit-nobody"])
                self.assertEqual(self.end(), 1)
            finally:
                os.dup2(saved, 2)
                os.close(saved)
            log.seek(0)
            self.assertRegex(log.read().decode(), "profile of AppArmor.* 'vmunit-nobody'")
        self.assertEqual(self.state(), "shut off/failed")

    def test_filter_leaves_a_program_nothing_to_execute(self):
        # A program that is no script; what it says goes where a script would have its stderr.
        for emulator, status in (("/usr/bin/env", 126), (self.script("wrapper", "#!/bin/sh\nexec /usr/bin/env true"), 0)):
            with self.subTest(emulator=emulator):
                record = f"version=1\0name=a\0emulator={emulator}\0monitor=/bin/true\0arg=env\0arg=true\0"
                self.start(record=record.encode())
                self.assertEqual(self.end(), status)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_capabilities(self):
        def drop(but=None):
            prctl = ctypes.CDLL(None).prctl
            for c in range(64):
                if c != but:
                    prctl(24, c, 0, 0, 0)  # PR_CAPBSET_DROP
            # version 3, this thread; effective, permitted and inheritable of the lower 32, then of the upper
            bits = 1 << but if but is not None else 0
            ctypes.CDLL(None).capset(struct.pack("II", 0x20080522, 0), struct.pack("6I", bits, bits, bits, 0, 0, 0))
            if but is not None:
                prctl(47, 2, but, 0, 0)  # PR_CAP_AMBIENT_RAISE

        self.start(more=["unit=yes"])
        self.assertEqual(self.end(), 1)
        self.start(more=["unit=yes", "cap=SYS_RAWIO"])
        self.assertEqual(self.end(), 1)
        self.start(more=["unit=yes"], preexec=lambda: drop(17))
        self.assertEqual(self.end(), 1)
        for more, kept in ((["unit=yes", "cap=SYS_RAWIO"], 17), (["unit=yes"], None)):
            self.start(more=more, preexec=lambda kept=kept: drop(kept))
            self.qemu.recv(10000)
            self.qemu.send(b"exit 0")
            self.assertEqual(self.end(), 0)

    def test_damaged_records(self):
        for record in (b"", b"version=2\0name=a\0", b"version=1\0name=a\0emulator=/x\0", b"version=1",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0fd=3:a\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0fd=10:a\0fd=10:b\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0unknown=1\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0label=\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0profile=\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0label=a\0label=b\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0allow=all\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0unit=no\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0cap=EVERYTHING\0",
                       b"version=1\0name=a\0emulator=/bin/true\0arg=x\0fd=10:absent\0"):
            with self.subTest(record=record):
                self.start(record=record)
                self.assertEqual(self.end(), 1)


if __name__ == "__main__":
    SUPERVISOR = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2, warnings="ignore")
