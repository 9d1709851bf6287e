# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an emulator that was taken over can do: where the attempts of confinement_attempts.py are made.

The emulator of a real VM is the puppet (tests/guest/puppet.c): it makes the system calls that it is told. Every attempt is
made by it inside of its unit and has to fail. The control is the same attempt by root outside, which has to succeed, or the
attempt proves nothing here. And to say what refuses it, root tries again behind one layer of the unit at a time."""

import contextlib
import errno
import os
import socket
import struct
import subprocess

from harness import check, connect_unix, run, run_ok, unit_property
from selinux_labels import sockets_for_all
from vm import GUEST, Vm

GUEST_PUPPET = f"{GUEST}/puppet"
EMULATOR = "/usr/local/bin/qemu-system-puppet"
DIRECTORY = "/var/lib/test-confinement"
OP_SYSCALL, OP_SILENT, OP_FLOOD = 1, 2, 3
REQUEST = struct.Struct("=IIII32Qq6Q")
REPLY = struct.Struct("=qq")

# x86_64, where these tests run.
NUMBERS = dict(
    read=0, write=1, open=2, close=3, mmap=9, mprotect=10, ioctl=16, shmget=29, shmat=30, socket=41, connect=42, sendto=44,
    sendmsg=46, bind=49, clone=56, fork=57, execve=59, kill=62, msgget=68, unlink=87, chmod=90, ptrace=101, syslog=103,
    setpriority=141, sched_setparam=142, sched_setaffinity=203, ioprio_set=251, fcntl=72, setuid=105, capset=126, mknod=133, personality=135, sched_setscheduler=144, modify_ldt=154, pivot_root=155, chroot=161,
    settimeofday=164, mount=165, umount2=166, swapon=167, reboot=169, sethostname=170, iopl=172, ioperm=173, init_module=175,
    delete_module=176, quotactl=179, clock_settime=227, mq_open=240, kexec_load=246, add_key=248, keyctl=250,
    unshare=272, perf_event_open=298, prlimit64=302, name_to_handle_at=303, open_by_handle_at=304, clock_adjtime=305, setns=308,
    process_vm_readv=310, kcmp=312, finit_module=313, bpf=321, userfaultfd=323, pidfd_send_signal=424,
    io_uring_setup=425, open_tree=428, fsopen=430, pidfd_open=434, pidfd_getfd=438, getdents64=217, fanotify_init=300, acct=163,
    setgroups=116, truncate=76, ftruncate=77, setresuid=117, fchmod=91, mkdir=83, rmdir=84, fsetxattr=190,
)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000


class Buffer:
    """The memory that a call's pointers lead into."""

    def __init__(self):
        self.data, self.relocations = bytearray(), []

    def add(self, data):
        while len(self.data) % 8:
            self.data.append(0)
        offset = len(self.data)
        self.data += data
        return offset

    def pointers(self, items):
        """An array of 64-bit words, of which bytes become addresses."""
        words = [(self.add(i), True) if isinstance(i, bytes) else (i, False) for i in items]
        offset = self.add(b"".join(struct.pack("=Q", w) for w, _ in words))
        self.relocations += [offset + 8 * n for n, (_, is_pointer) in enumerate(words) if is_pointer]
        return offset


class Array(list):
    """An argument that is a pointer to words, some of which are pointers."""


class Out:
    """An argument that is filled."""

    def __init__(self, size):
        self.size, self.data = size, None


class Refused(Exception):
    """The call failed; not to be taken for a failure of what connects us to the puppet."""

    def __init__(self, error, text=""):
        super().__init__(text or os.strerror(error))
        self.errno = error


class Gone(Exception):
    """The puppet is no more: what it was told has replaced it."""


class Puppet:
    """Somebody who makes calls."""

    def __init__(self, connection, process=None):
        self.connection, self.process = connection, process
        self.connection.settimeout(30)

    def request(self, op, number, arguments=(), pointers=0, buffer=None):
        data = bytes(buffer.data) if buffer else b""
        relocations = buffer.relocations if buffer else []
        self.connection.sendall(REQUEST.pack(op, len(data), pointers, len(relocations), *relocations,
                                             *[0] * (32 - len(relocations)), number,
                                             *[a & (1 << 64) - 1 for a in arguments], *[0] * (6 - len(arguments))) + data)
        reply = self.receive(REPLY.size + len(data))
        return *REPLY.unpack(reply[:REPLY.size]), reply[REPLY.size:]

    def receive(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.connection.recv(size - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Gone
            data += piece
        return data

    def call(self, name, *arguments):
        """Makes a call: integers, bytes (a pointer to them), str (a pointer to it, with its NUL), Array, Out, None."""
        buffer, values, pointers, outs = Buffer(), [], 0, []
        for n, a in enumerate(arguments):
            if isinstance(a, str):
                a = os.fsencode(a) + b"\0"
            if isinstance(a, Array):
                values.append(buffer.pointers(a))
            elif isinstance(a, Out):
                outs.append((a, buffer.add(bytes(a.size))))
                values.append(outs[-1][1])
            elif isinstance(a, bytes):
                values.append(buffer.add(a))
            else:
                values.append(a or 0)
                continue
            pointers |= 1 << n
        result, error, data = self.request(OP_SYSCALL, NUMBERS[name], values, pointers, buffer)
        if result == -1:
            raise Refused(error)
        for out, offset in outs:
            out.data = data[offset : offset + out.size]
        return result

    # --- what attempts are made of

    def open(self, path, flags=os.O_RDONLY, mode=0o600):
        return self.call("open", path, flags | os.O_CLOEXEC | os.O_NOCTTY, mode)

    def touch(self, path, flags=os.O_RDONLY):
        """Opens it, and does nothing with it."""
        self.call("close", self.open(path, flags))

    def read(self, path, size=64):
        fd, out = self.open(path), Out(size)
        try:
            n = self.call("read", fd, out, size)
        finally:
            self.call("close", fd)
        return out.data[:n]

    def write(self, path, data):
        fd = self.open(path, os.O_WRONLY)
        try:
            self.call("write", fd, data, len(data))
        finally:
            self.call("close", fd)

    def list(self, path):
        fd, out = self.open(path, os.O_RDONLY | os.O_DIRECTORY), Out(4096)
        try:
            self.call("getdents64", fd, out, 4096)
        finally:
            self.call("close", fd)

    def new_socket(self, family, kind, protocol=0):
        return self.call("socket", family, kind, protocol)

    def connect(self, path, kind=socket.SOCK_STREAM):
        fd = self.new_socket(socket.AF_UNIX, kind)
        address = struct.pack("=H", socket.AF_UNIX) + os.fsencode(path).replace(b"@", b"\0", 1) + b"\0"
        if path.startswith("@"):
            address = address[:-1]
        try:
            self.call("connect", fd, address, len(address))
        except Refused:
            self.call("close", fd)
            raise
        return fd

    def exchange(self, fd, data, size=4096):
        """Sends, and returns what comes back; an end of the connection is a refusal."""
        self.call("write", fd, data, len(data))
        out = Out(size)
        n = self.call("read", fd, out, size)
        if n == 0:
            raise Refused(errno.ECONNRESET)
        return out.data[:n]

    # --- as QEMU

    def be_silent(self, silent=True):
        self.request(OP_SILENT, int(silent))

    def flood(self, piece, size, fd=3, seconds=30):
        """How much of it was taken."""
        buffer = Buffer()
        buffer.add(piece)
        self.connection.settimeout(120)
        return self.request(OP_FLOOD, size, (fd, seconds * 1000), buffer=buffer)[0]

    def close(self):
        self.connection.close()
        if self.process:
            self.process.kill()
            self.process.wait()


# ---- D-Bus by hand: the attempts are made of system calls


def _dbus_string(text):
    return struct.pack("<I", len(text)) + text.encode() + b"\0"


def _pad(data, to):
    return data + bytes(-len(data) % to)


def dbus_call(serial, destination, path, interface, member, *strings):
    """A method call with strings for arguments."""
    body = b""
    for s in strings:
        body = _pad(body, 4) + _dbus_string(s)
    fields = b""
    for code, kind, text in ((1, "o", path), (2, "s", interface), (3, "s", member), (6, "s", destination)):
        fields = _pad(fields, 8) + bytes([code, 1]) + kind.encode() + b"\0" + _dbus_string(text)
    if strings:
        fields = _pad(fields, 8) + bytes([8, 1, ord("g"), 0, len(strings)]) + b"s" * len(strings) + b"\0"
    return _pad(struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), serial, len(fields)) + fields, 8) + body


def dbus_start_unit(p, path, unit):
    """Asks the manager at the end of the bus at PATH to start a unit; raises EPERM when it says no."""
    fd = p.connect(path)
    answer = p.exchange(fd, b"\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n")
    if b"REJECTED" in answer or b"OK" not in answer:
        raise Refused(errno.EACCES, f"the bus says {answer!r}")
    bus, manager = "org.freedesktop.DBus", "org.freedesktop.systemd1"
    p.call("sendto", fd, hello := dbus_call(1, bus, "/org/freedesktop/DBus", bus, "Hello"), len(hello), socket.MSG_NOSIGNAL)
    call = dbus_call(2, manager, "/org/freedesktop/systemd1", f"{manager}.Manager", "StartUnit", unit, "replace")
    p.call("sendto", fd, call, len(call), socket.MSG_NOSIGNAL)
    data = b""
    for _ in range(20):
        out = Out(4096)
        n = p.call("read", fd, out, 4096)
        data += out.data[:n]
        # The answer to serial 2: field 5, type u. Then its kind is in the first line before.
        at = data.find(b"\x05\x01u\0\x02\0\0\0")
        if at >= 0:
            head = data.rfind(b"l", 0, at)
            while head >= 0 and data[head + 1 : head + 2] not in (b"\2", b"\3"):
                head = data.rfind(b"l", 0, head)
            p.call("close", fd)
            if head < 0 or data[head + 1] != 2:
                raise Refused(errno.EPERM, "the manager refuses")
            return
        if n == 0:
            break
    raise Refused(errno.ECONNRESET, "no answer")


class PuppetVm(Vm):
    """A VM whose emulator is the puppet."""

    def __init__(self, name, devices="", lifecycle=""):
        self.socket = f"{DIRECTORY}/{name}.sock"
        super().__init__(name, devices=f"<emulator>{EMULATOR}</emulator><channel type='unix'>"
                         f"<source mode='bind' path='{self.socket}'/><target type='virtio' name='test'/></channel>{devices}", lifecycle=lifecycle)
        self.puppet = None

    def start(self, **_):
        self.write()
        run_ok(["vmunit", "start", self.name])
        with sockets_for_all():
            self.puppet = Puppet(connect_unix(self.socket))
        return self

    def qemu(self):
        return self.pid_of("qemu-system-puppet")


# ---- where attempts are made


def spawn(command, **keywords):
    """A puppet outside of a unit. COMMAND is what goes before its own words."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen([*command, GUEST_PUPPET, "--control", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                               stdin=subprocess.DEVNULL, start_new_session=True, **keywords)
    theirs.close()
    return Puppet(ours, process)


def spawn_in_unit(*properties):
    """A puppet of root's behind these settings of systemd alone; the socket is its stdin and, or it could not be written to, its
    stdout. systemd connects it: where SELinux refuses, the bus does not carry descriptors of ours."""
    path = f"/run/confinement-{os.urandom(4).hex()}.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(60)
        options = [f"--property={p}" for p in (f"StandardInput=file:{path}", f"StandardOutput=file:{path}", *properties)]
        run_ok(["systemd-run", "--quiet", "--collect", *options, GUEST_PUPPET, "--control", "0"])
        connection, _ = listener.accept()
    os.unlink(path)
    return Puppet(connection)


SUPERVISOR = """
import fcntl, os, sys
fd, record = int(sys.argv[1]), sys.argv[2].replace("|", "\\0").encode()
def memfd(data):
    m = os.memfd_create("x"); os.write(m, data); return m
high = [fcntl.fcntl(f, fcntl.F_DUPFD, 200) for f in (memfd(record), memfd(b"{}"), fd, memfd(b""), memfd(b" " * 64))]
for i, f in enumerate(high):
    os.dup2(f, 3 + i, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="5", LISTEN_FDNAMES="launch:plan:puppet:control:state")
os.environ.pop("NOTIFY_SOCKET", None)
os.execv("/usr/libexec/vmunit/vmunit-supervisor", ["vmunit-supervisor"])
"""


def spawn_behind_the_filter():
    """Root's puppet behind the supervisor's filter of system calls and nothing else: in no unit of its own, and without a
    control group that the supervisor could take for one."""
    ours, theirs = socket.socketpair()
    record = (f"version=1|name=filter|emulator={GUEST_PUPPET}|monitor=/bin/false|arg=puppet|arg=--control|arg=20|"
              "fd=20:puppet|")
    process = subprocess.Popen(["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                'umount -l /sys/fs/cgroup; exec python3 -c "$0" "$@"', SUPERVISOR, str(theirs.fileno()), record],
                               pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    theirs.close()
    return Puppet(ours, process)


class Layer:
    """One of the layers, alone, in front of root."""

    def __init__(self, name, spawner, stays=False, says=None):
        self.name, self.spawner, self.stays, self.says, self.puppet = name, spawner, stays, says, None

    def attempt(self, attempt, world):
        """None when it succeeded, otherwise the error."""
        if self.puppet is None:
            self.puppet = self.spawner()
        try:
            attempt.function(self.puppet, world)
        except Gone:
            self.puppet.close()
            self.puppet = None
            check(attempt.replaces, f"the puppet behind '{self.name}' ended")
            return None
        except Refused as e:
            # A filter's no is one of these; another error is for the way it was put in place.
            return e if self.says is None or e.errno in self.says else None
        finally:
            if attempt.changes and self.puppet and not self.stays:
                self.close()
        return None

    def close(self):
        if self.puppet:
            self.puppet.close()
            self.puppet = None


def unit_settings(unit, *names):
    """Some of the unit's settings, as it has them."""
    text = run_ok(["systemctl", "cat", unit])
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line.split("=", 1)[0] in names and not line.startswith("#")]


def in_group(group):
    """A puppet of root's in that control group, where the device list holds."""
    def enter():
        with open(f"{group}/cgroup.procs", "w", encoding="ascii") as f:
            f.write("0")
    return spawn([], preexec_fn=enter)


def layers(machine):
    """The layers of a running machine whose emulator is the puppet."""
    pid = machine.pid_of("qemu-system-puppet")
    uid = os.stat(f"/proc/{pid}").st_uid
    group = "/sys/fs/cgroup" + unit_property(machine.unit, "ControlGroup")
    filters = unit_settings(machine.unit, "SystemCallFilter", "SystemCallErrorNumber", "SystemCallArchitectures",
                            "RestrictNamespaces", "RestrictAddressFamilies", "LockPersonality", "RestrictSUIDSGID",
                            "RestrictRealtime", "MemoryDenyWriteExecute")
    user = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    enter = lambda what: lambda: spawn(["nsenter", f"--target={pid}", what])  # noqa: E731
    return [
        Layer("uid", lambda: spawn(user)),
        Layer("capabilities", lambda: spawn(["setpriv", "--bounding-set=-all", "--inh-caps=-all"])),
        Layer("mounts", enter("--mount")),
        # To root, other processes are there all the same.
        Layer("mounts for its uid", lambda: spawn(["nsenter", f"--target={pid}", "--mount", *user])),
        Layer("network", enter("--net")),
        Layer("ipc", enter("--ipc")),
        Layer("devices", lambda: in_group(f"{group}/vm")),
        Layer("unit's filter", lambda: spawn_in_unit(*filters), says=(errno.EPERM, errno.EAFNOSUPPORT)),
        Layer("seccomp", spawn_behind_the_filter, says=(errno.EPERM,)),
    ]


# ---- the attempts


class Attempt:
    def __init__(self, function, by, changes, replaces, passes):
        self.name, self.function = function.__name__, function
        self.by = set(by)           # layers that must be among those which refuse it
        self.alone = False          # nothing but SELinux is in the way
        self.changes = changes      # when it succeeds, the puppet is another one
        self.replaces = replaces    # when it succeeds, the puppet is gone
        self.passes = passes        # errors that only come behind the permission


ATTEMPTS = []


def attempt(*by, changes=False, replaces=False, passes=()):
    """Registers an attempt. PASSES: an error that says that it was let through; so that it does no harm when it is."""

    def register(function):
        def tried(p, w):
            try:
                function(p, w)
            except Refused as e:
                if e.errno not in passes:
                    raise

        tried.__name__ = function.__name__
        ATTEMPTS.append(Attempt(tried, by, changes, replaces, passes))
        return function

    return register


class Pair:
    """Two machines, of which one attacks the other and its own supervisor and monitor."""

    def __init__(self, machine, victim, image):
        self.machine, self.victim, self.image = machine, victim, image
        self.victim_pid, self.supervisor, self.monitor = victim.qemu(), machine.supervisor(), machine.monitor()
        self.group = "/sys/fs/cgroup" + unit_property(machine.unit, "ControlGroup")
        self.victim_group = "/sys/fs/cgroup" + unit_property(victim.unit, "ControlGroup")
        self.image_fd = next(fd for fd in os.listdir(f"/proc/{self.victim_pid}/fd") if self.has_image(fd))
        uid = os.stat(f"/proc/{self.victim_pid}").st_uid
        self.terminal = next(t.path for t in os.scandir("/dev/pts") if t.name.isdigit() and t.stat().st_uid == uid)

    def has_image(self, fd):
        with contextlib.suppress(OSError):
            return os.path.samefile(f"/proc/{self.victim_pid}/fd/{fd}", f"{self.image}.2")
        return False


class World(Pair):
    """What else there is to be attacked: files, a listener."""

    target = "/run/systemd/system/confinement.target"

    def __init__(self, machine, victim, image, emulator):
        super().__init__(machine, victim, image)
        self.emulator = emulator
        self.disk = next((f"/dev/{d}" for d in ("vda", "sda", "nvme0n1") if os.path.exists(f"/dev/{d}")), "/dev/vda")
        self.stack = contextlib.ExitStack()
        self.tcp = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.abstract = self.stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind("\0vmunit-confinement")
        self.abstract.listen(100)
        for directory in ("/home", "/root", "/tmp", "/var/tmp", "/dev/shm", "/srv", "/mnt"):
            path = f"{directory}/confinement"
            with open(path, "w", encoding="ascii") as f:
                f.write("secret")
            os.chmod(path, 0o666)
            self.stack.callback(os.unlink, path)
        self.stack.callback(os.chmod, "/root", os.stat("/root").st_mode & 0o7777)
        os.chmod("/root", 0o755)
        with open(self.target, "w", encoding="ascii") as f:
            f.write("[Unit]\nDescription=Started by an attacker\n")
        self.stack.callback(os.unlink, self.target)
        run_ok(["systemctl", "daemon-reload"])
        self.shm = int(run_ok(["ipcmk", "--shmem", "4096", "--mode", "0666"]).split()[-1])
        self.stack.callback(run, ["ipcrm", "--shmem-id", str(self.shm)])

    def close(self):
        self.stack.close()
