# SPDX-License-Identifier: LGPL-2.1-or-later
"""Those that are compared: QEMU with nothing around it, vmunit, and libvirt. All of them start machines.py's machines."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from harness import check, fail, run, run_ok, wait_for

QMP_FD = 3
HIGH = 500  # out of the way of the numbers that QEMU's arguments name
LIBVIRT_SOCKETS = "/run/libvirt"


def spawn(words):
    """A command without input, whose output goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        return os.posix_spawnp(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)])
    finally:
        os.close(null)


def finish(pid, words):
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    check(status == 0, f"{words!r} gave {status}")


def timed(words):
    """Seconds from the execution of a command to its end."""
    began = time.monotonic()
    finish(spawn(words), words)
    return time.monotonic() - began


def timed_all(commands):
    """Seconds until all of them, run at once, have ended."""
    began = time.monotonic()
    for pid, words in [(spawn(words), words) for words in commands]:
        finish(pid, words)
    return time.monotonic() - began


class Qemu:
    """One that runs alone, with the arguments of a plan. What the plan has opened is open before; that is not measured."""

    def __init__(self, plan):
        self.words = plan["arguments"]
        ours, theirs = socket.socketpair()
        self.at = {QMP_FD: self.high(theirs.detach())}
        for f in plan["files"]:
            if f["user"] == "qemu":
                check(f["kind"] == "file", f"{f['name']} is not a file")
                self.at[f["number"]] = self.high(os.open(f["path"], os.O_RDWR if f.get("writable") else os.O_RDONLY))
        self.qmp, self.pid, self.buffer = ours, 0, b""

    @staticmethod
    def high(fd):
        try:
            return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, HIGH)
        finally:
            os.close(fd)

    def spawn(self):
        """Executes it, and asks it at once for all that it takes until the guest runs."""
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in self.at.items()]
        self.pid = os.posix_spawn(self.words[0], self.words, os.environ, file_actions=actions)
        for fd in (null, *self.at.values()):
            os.close(fd)
        self.qmp.sendall(b'{"execute":"qmp_capabilities"}\n{"execute":"cont","id":"cont"}\n')

    def until_answer(self, name):
        while True:
            line, newline, rest = self.buffer.partition(b"\n")
            if not newline:
                data = self.qmp.recv(65536)
                check(data, f"QEMU ended before it has answered {name}")
                self.buffer += data
                continue
            self.buffer = rest
            answer = json.loads(line)
            check("error" not in answer, f"{name}: {answer}")
            if answer.get("id") == name:
                return

    def quit(self):
        self.qmp.sendall(b'{"execute":"quit"}\n')
        os.waitpid(self.pid, 0)
        self.qmp.close()


class Alone:
    """QEMU, and nobody who looks after it: what any manager's start has in it."""

    title = "QEMU alone"

    def __init__(self):
        self.plans, self.running = {}, {}

    def plan(self, name):
        if name not in self.plans:
            self.plans[name] = json.loads(run_ok(["vmunit", "plan", "--json", name]))
        return self.plans[name]

    def start(self, name):
        return self.start_all([name])

    def start_all(self, names):
        self.running |= {name: Qemu(self.plan(name)) for name in names}
        began = time.monotonic()
        for name in names:
            self.running[name].spawn()
        for name in names:
            self.running[name].until_answer("cont")
        return time.monotonic() - began

    def destroy(self, name):
        began = time.monotonic()
        self.running.pop(name).quit()
        return time.monotonic() - began

    def destroy_all(self, names):
        for name in names:
            self.destroy(name)


class Commands:
    """A manager that is told by commands."""

    def __init__(self, title, words, start=None):
        self.title, self.words, self.start_words = title, words, start or (lambda name: [*words, "start", name])

    def start(self, name):
        return timed(self.start_words(name))

    def start_all(self, names):
        return timed_all([self.start_words(name) for name in names])

    def destroy(self, name):
        return timed([*self.words, "destroy", name])

    def destroy_all(self, names):
        return timed_all([[*self.words, "destroy", name] for name in names])


def vmunit():
    return Commands("vmunit start", ["vmunit", "-q"])


def systemctl():
    return Commands("systemctl start", ["vmunit", "-q"], lambda name: ["systemctl", "start", f"vm@{name}.service"])


@contextlib.contextmanager
def libvirt():
    """Debian's libvirtd and virtlogd with the settings they come with, but for three: QEMU runs as root (the user is in a package
    with units that are not here), without labels, and without groups of controllers that the container does not have. Yields
    the side, and the daemons by name."""
    os.makedirs(LIBVIRT_SOCKETS, exist_ok=True)
    os.makedirs("/etc/libvirt", exist_ok=True)
    with open("/etc/libvirt/qemu.conf", "w", encoding="ascii") as f:
        f.write('user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\n')
    run(["systemd-sysusers", "-"], input="u libvirt-qemu -\n", check=True)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        with open(f"{directory}/conf", "w", encoding="ascii") as f:
            f.write(f'unix_sock_dir = "{LIBVIRT_SOCKETS}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
                    f'log_outputs = "3:file:{directory}/log"\n')
        daemons = {}
        for words in (["virtlogd", "-p", f"{directory}/virtlogd.pid"],
                      ["libvirtd", "-f", f"{directory}/conf", "-p", f"{directory}/libvirtd.pid"]):
            daemon = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(daemon.wait)
            stack.callback(daemon.send_signal, signal.SIGTERM)
            daemons[words[0]] = daemon
        side = Commands("virsh start", ["virsh", "-q", "-c", "qemu:///system"])
        daemon = daemons["libvirtd"]
        wait_for(lambda: run([*side.words, "version"]).rc == 0 or daemon.poll() is not None, 120, "libvirtd to answer", interval=0.2)
        if daemon.poll() is not None:
            with open(f"{directory}/log", encoding="utf-8") as f:
                fail(f"libvirtd ended: {f.read()[-1000:]}")
        yield side, {name: d.pid for name, d in daemons.items()}


def tell(side, lines):
    """Many commands of virsh's in one."""
    run(side.words, input="".join(f"{line}\n" for line in lines), check=True, timeout=600)
