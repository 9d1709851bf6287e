# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an emulator that was taken over can do: the attempts of tests/*/test-confinement.py, and where they are made.

The emulator of a real VM is the puppet (tests/guest/puppet.c): it makes the system calls that it is told. Every attempt is
made by it inside of its unit and has to fail. The control is the same attempt by root outside, which has to succeed, or the
attempt proves nothing here. And to say what refuses it, root tries again behind one layer of the unit at a time."""

import contextlib
import errno
import os
import socket
import stat
import struct
import subprocess

from harness import connect_unix, run, run_ok, unit_property
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
    setuid=105, capset=126, mknod=133, personality=135, sched_setscheduler=144, modify_ldt=154, pivot_root=155, chroot=161,
    settimeofday=164, mount=165, umount2=166, swapon=167, reboot=169, sethostname=170, iopl=172, ioperm=173, init_module=175,
    delete_module=176, quotactl=179, clock_settime=227, mq_open=240, kexec_load=246, add_key=248, keyctl=250,
    unshare=272, perf_event_open=298, prlimit64=302, name_to_handle_at=303, open_by_handle_at=304, clock_adjtime=305, setns=308,
    process_vm_readv=310, kcmp=312, finit_module=313, bpf=321, userfaultfd=323, pidfd_send_signal=424,
    io_uring_setup=425, open_tree=428, fsopen=430, pidfd_open=434, pidfd_getfd=438, getdents64=217, fanotify_init=300, acct=163,
    setgroups=116, truncate=76, ftruncate=77, setresuid=117, fchmod=91, mkdir=83, rmdir=84,
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
    p.call("write", fd, hello := dbus_call(1, bus, "/org/freedesktop/DBus", bus, "Hello"), len(hello))
    call = dbus_call(2, manager, "/org/freedesktop/systemd1", f"{manager}.Manager", "StartUnit", unit, "replace")
    p.call("write", fd, call, len(call))
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

    def __init__(self, name, devices=""):
        self.socket = f"{DIRECTORY}/{name}.sock"
        super().__init__(name, devices=f"<emulator>{EMULATOR}</emulator><channel type='unix'>"
                         f"<source mode='bind' path='{self.socket}'/><target type='virtio' name='test'/></channel>{devices}")
        self.puppet = None

    def start(self, **_):
        self.write()
        run_ok(["vmunit", "start", self.name])
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
    """A puppet of root's behind these settings of systemd alone; the socket is its stdin."""
    ours, theirs = socket.socketpair()
    options = [f"--property={p}" for p in properties]
    process = subprocess.Popen(["systemd-run", "--quiet", "--pipe", "--collect", *options, GUEST_PUPPET, "--control", "0"],
                               stdin=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    theirs.close()
    return Puppet(ours, process)


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
    record = (f"version=1|name=filter|emulator={GUEST_PUPPET}|monitor=/bin/true|arg=puppet|arg=--control|arg=20|"
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
            return None if attempt.replaces else Refused(errno.EPIPE, "the puppet ended")
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
                            "RestrictRealtime")
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


class World:
    """What there is to be attacked: another VM, its supervisor and ours, files, a listener."""

    target = "/run/systemd/system/confinement.target"

    def __init__(self, machine, victim, image):
        self.machine, self.victim, self.image = machine, victim, image
        self.victim_pid, self.supervisor, self.monitor = victim.qemu(), machine.supervisor(), machine.monitor()
        self.group = "/sys/fs/cgroup" + unit_property(machine.unit, "ControlGroup")
        self.victim_group = "/sys/fs/cgroup" + unit_property(victim.unit, "ControlGroup")
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


# --- other VMs


@attempt("uid", "mounts")
def read_the_image_of_another_vm(p, w):
    p.read(w.image)


@attempt("uid", "mounts")
def write_the_image_of_another_vm(p, w):
    p.touch(w.image, os.O_WRONLY)


@attempt("uid", "mounts")
def connect_to_the_control_socket_of_another_vm(p, w):
    p.connect(f"/run/vmunit/{w.victim.name}/control")


@attempt("uid")
def connect_to_its_own_control_socket(p, w):
    p.connect(f"/run/vmunit/{w.machine.name}/control")


@attempt("mounts")
def list_the_directory_of_another_vm(p, w):
    p.list(f"/run/vmunit/{w.victim.name}")


@attempt("uid", "mounts")
def read_the_plan_of_another_vm(p, w):
    p.read(f"/run/vmunit/{w.victim.name}/plan.json")


@attempt("uid")
def read_its_own_plan(p, w):
    p.read(f"/run/vmunit/{w.machine.name}/plan.json")


@attempt("uid")
def write_what_root_reads_of_it_later(p, w):
    p.touch(f"/run/vmunit/{w.machine.name}/plan.json", os.O_WRONLY)


@attempt("uid")
def make_a_file_where_root_reads_later(p, w):
    path = f"/run/vmunit/{w.machine.name}/confinement"
    p.touch(path, os.O_WRONLY | os.O_CREAT)
    p.call("unlink", path)


@attempt("uid", "seccomp", "unit's filter", changes=True)
def trace_another_vm(p, w):
    p.call("ptrace", 16902, w.victim_pid, 0, 0)  # PTRACE_SEIZE; it ends with the puppet


@attempt("uid", "seccomp")
def signal_another_vm(p, w):
    p.call("kill", w.victim_pid, 0)


@attempt("uid", "seccomp", passes=(errno.EFAULT,))
def read_the_memory_of_another_vm(p, w):
    # An address where there is nothing: EFAULT comes after the permission.
    p.call("process_vm_readv", w.victim_pid, Array([bytes(8), 8]), 1, Array([4096, 8]), 1, 0)


@attempt("uid", "mounts for its uid")
def open_the_memory_of_another_vm(p, w):
    p.touch(f"/proc/{w.victim_pid}/mem", os.O_RDWR)


@attempt("uid", "mounts for its uid")
def reach_into_the_files_of_another_vm(p, w):
    p.list(f"/proc/{w.victim_pid}/fd")


# --- its own supervisor and monitor, of the same uid


@attempt("seccomp")
def signal_its_supervisor(p, w):
    p.call("kill", w.supervisor, 0)


@attempt("seccomp")
def signal_its_monitor(p, w):
    p.call("kill", w.monitor, 0)


@attempt("seccomp")
def signal_everybody(p, w):
    # 0 is not delivered; to all of this uid but itself.
    p.call("kill", -1, 0)


@attempt("seccomp", "unit's filter", changes=True)
def trace_its_supervisor(p, w):
    p.call("ptrace", 16902, w.supervisor, 0, 0)


@attempt("uid")
def open_the_memory_of_its_supervisor(p, w):
    p.touch(f"/proc/{w.supervisor}/mem", os.O_RDWR)


@attempt("uid")
def open_the_files_of_its_monitor(p, w):
    p.list(f"/proc/{w.monitor}/fd")


@attempt("seccomp", "unit's filter", passes=(errno.EBADF,))
def take_a_descriptor_of_its_monitor(p, w):
    fd = p.call("pidfd_open", w.monitor, 0)
    try:
        p.call("pidfd_getfd", fd, 3, 0)
    finally:
        p.call("close", fd)


# --- files


@attempt("uid")
def read_etc_shadow(p, w):
    p.read("/etc/shadow")


@attempt("uid", "mounts")
def write_a_definition(p, w):
    p.touch("/etc/vm/confinement.xml", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/etc/vm/confinement.xml")


@attempt("mounts")
def read_its_own_definition(p, w):
    p.read(w.machine.path)


@attempt("uid", "mounts")
def write_a_unit(p, w):
    p.touch("/etc/systemd/system/confinement.service", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/etc/systemd/system/confinement.service")


@attempt("mounts")
def read_a_home_directory(p, w):
    p.read("/home/confinement")


@attempt("mounts")
def read_the_directory_of_root(p, w):
    p.read("/root/confinement")


@attempt("mounts")
def write_the_tmp_of_others(p, w):
    p.write("/tmp/confinement", b"x")


@attempt("mounts")
def write_the_var_tmp_of_others(p, w):
    p.write("/var/tmp/confinement", b"x")


@attempt("mounts")
def write_the_shared_memory_of_others(p, w):
    p.write("/dev/shm/confinement", b"x")


@attempt("mounts")
def read_what_others_serve(p, w):
    p.read("/srv/confinement")


@attempt("mounts")
def list_the_journal(p, w):
    p.list("/run/log/journal")


@attempt("uid", "mounts")
def write_a_log(p, w):
    p.touch("/var/log/confinement", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/var/log/confinement")


@attempt("mounts")
def write_an_emulator(p, w):
    p.touch("/usr/bin/confinement", os.O_WRONLY | os.O_CREAT)
    p.call("unlink", "/usr/bin/confinement")


@attempt("uid", "mounts for its uid")
def learn_about_the_first_process(p, w):
    p.read("/proc/1/environ", 1)


@attempt("mounts for its uid")
def learn_about_others_processes(p, w):
    p.read(f"/proc/{w.victim_pid}/cmdline", 1)


@attempt("uid", "mounts for its uid")
def reach_the_root_of_the_first_process(p, w):
    p.list("/proc/1/root")


@attempt("uid", "mounts")
def set_the_core_pattern(p, w):
    p.touch("/proc/sys/kernel/core_pattern", os.O_WRONLY)


@attempt("uid", "mounts")
def use_sysrq(p, w):
    p.touch("/proc/sysrq-trigger", os.O_WRONLY)


@attempt("uid", "mounts")
def suspend_the_host(p, w):
    p.touch("/sys/power/state", os.O_WRONLY)


@attempt("unit's filter")
def make_a_file_that_gives_its_uid_to_others(p, w):
    path = f"/tmp/confinement-{os.urandom(4).hex()}"
    fd = p.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        p.call("fchmod", fd, 0o4755)
    finally:
        p.call("close", fd)
        p.call("unlink", path)


# --- devices


@attempt("uid", "mounts")
def read_the_memory_of_the_host(p, w):
    p.touch("/dev/mem")


@attempt("uid", "mounts")
def read_the_disk_of_the_host(p, w):
    p.touch(w.disk)


@attempt("uid", "mounts")
def read_the_log_of_the_kernel(p, w):
    p.touch("/dev/kmsg")


@attempt("mounts")
def make_a_tap(p, w):
    p.touch("/dev/net/tun", os.O_RDWR)


@attempt("uid", "mounts")
def open_the_loop_control(p, w):
    p.touch("/dev/loop-control", os.O_RDWR)


@attempt("uid", "mounts")
def open_the_console(p, w):
    p.touch("/dev/console", os.O_WRONLY)


@attempt("uid", "capabilities", "seccomp")
def make_a_device(p, w):
    path = f"/tmp/confinement-{os.urandom(4).hex()}"
    p.call("mknod", path, stat.S_IFCHR | 0o600, 1 << 8 | 3)
    p.call("unlink", path)


@attempt("seccomp")
def type_into_a_terminal(p, w):
    fd = p.open("/dev/ptmx", os.O_RDWR)
    try:
        p.call("ioctl", fd, 0x5412, b"x")  # TIOCSTI
    finally:
        p.call("close", fd)


# --- privileges


@attempt("seccomp", "capabilities", changes=True)
def raise_a_capability(p, w):
    header, every = struct.pack("=II", 0x20080522, 0), 0xFFFFFFFF
    p.call("capset", header, struct.pack("=6I", 1 << 21, 1 << 21, 0, 0, 0, 0))  # CAP_SYS_ADMIN


@attempt("uid", "seccomp", changes=True)
def become_root(p, w):
    p.call("setresuid", 0, 0, 0)


@attempt("uid", "seccomp", "capabilities", changes=True)
def change_groups(p, w):
    p.call("setgroups", 0, None)


@attempt("seccomp", replaces=True)
def execute_a_shell(p, w):
    p.call("execve", "/bin/sh", Array([b"sh\0", b"-c\0", b"exit 0\0", 0]), Array([0]))


@attempt("seccomp")
def make_a_process(p, w):
    p.call("fork")


@attempt("seccomp", "unit's filter", changes=True)
def make_a_user_namespace(p, w):
    p.call("unshare", CLONE_NEWUSER)


@attempt("seccomp", "unit's filter", "capabilities", changes=True)
def make_a_mount_namespace(p, w):
    p.call("unshare", CLONE_NEWNS)


@attempt("seccomp", "unit's filter")
def make_a_process_in_namespaces(p, w):
    p.call("clone", CLONE_NEWUSER | CLONE_NEWNET | 17, 0, 0, 0, 0)


@attempt("seccomp", "unit's filter", "uid", changes=True)
def enter_the_namespaces_of_the_host(p, w):
    fd = p.open("/proc/1/ns/net")
    p.call("setns", fd, CLONE_NEWNET)


@attempt("seccomp", "capabilities", "unit's filter", passes=(errno.ENODEV,))
def mount_a_file_system(p, w):
    p.call("mount", "none", "/mnt", "no-such-file-system", 0, None)


@attempt("seccomp", "unit's filter", passes=(errno.ENOENT, errno.EINVAL))
def unmount_a_file_system(p, w):
    p.call("umount2", "/proc/no/such/mount", 0)


@attempt("seccomp", "capabilities", "unit's filter")
def open_the_tree_of_mounts(p, w):
    p.call("close", p.call("open_tree", -100, "/", 1))


@attempt("seccomp", "capabilities", "unit's filter", changes=True)
def change_the_root_directory(p, w):
    p.call("chroot", "/proc")


@attempt("seccomp", "capabilities", passes=(errno.ENOEXEC,))
def load_a_module(p, w):
    p.call("init_module", b"no module at all", 16, "")


@attempt("seccomp", "capabilities", passes=(errno.EINVAL,))
def load_another_kernel(p, w):
    p.call("kexec_load", 0, 10000, None, 0)


@attempt("seccomp", "capabilities", passes=(errno.EINVAL,))
def reboot_the_host(p, w):
    p.call("reboot", 0, 0, 0, None)


@attempt("seccomp", "capabilities", passes=(errno.EINVAL,))
def swap_on_a_file(p, w):
    p.call("swapon", "/etc/hostname", 0)


@attempt("seccomp", "capabilities")
def set_the_clock(p, w):
    # The time zone, to what it is; a wrong time would be refused before the permission is looked at.
    p.call("settimeofday", None, struct.pack("=ii", 0, 0))


@attempt("seccomp", "capabilities")
def adjust_the_clock(p, w):
    p.call("clock_adjtime", 0, struct.pack("=I", 8) + bytes(204))  # ADJ_ESTERROR, an estimate that nobody reads


@attempt("seccomp", "capabilities", passes=(errno.EINVAL,))
def name_the_host(p, w):
    p.call("sethostname", "a" * 70, 70)


@attempt("seccomp", "capabilities", passes=(errno.EACCES, errno.EISDIR))
def account_processes(p, w):
    p.call("acct", "/proc")


@attempt("seccomp", "capabilities")
def read_the_messages_of_the_kernel(p, w):
    p.call("syslog", 3, Out(64), 64)


@attempt("seccomp", "unit's filter", "capabilities", changes=True)
def use_io_ports(p, w):
    p.call("ioperm", 0x80, 1, 1)


# Newer kernels look at the number before they look at who asks.
@attempt("seccomp", passes=(errno.EINVAL, errno.ESTALE))
def open_a_file_by_its_number(p, w):
    fd = p.open("/usr")
    try:
        p.call("open_by_handle_at", fd, struct.pack("=Ii", 0, 1), os.O_RDONLY)
    finally:
        p.call("close", fd)


@attempt("uid")
def raise_a_limit(p, w):
    p.call("prlimit64", 0, 7, struct.pack("=QQ", 1 << 20, 1 << 20), None)  # RLIMIT_NOFILE


@attempt("unit's filter")
def become_a_real_time_process(p, w):
    p.call("sched_setscheduler", 0, 1, struct.pack("=i", 1))
    p.call("sched_setscheduler", 0, 0, struct.pack("=i", 0))


# --- parts of the kernel


@attempt("seccomp")
def use_the_kernels_keys(p, w):
    p.call("keyctl", 0, -3, 1)


@attempt("seccomp")
def add_a_key(p, w):
    p.call("add_key", "user", "confinement", b"x", 1, -3)


@attempt("seccomp", "unit's filter")
def run_a_bpf_program(p, w):
    p.call("bpf", 0, struct.pack("=IIIII", 2, 4, 4, 1, 0) + bytes(100), 72)  # BPF_MAP_CREATE: an array


@attempt("seccomp", "unit's filter")
def measure_others(p, w):
    p.call("perf_event_open", struct.pack("=IIQ", 1, 112, 1) + bytes(96), 0, -1, -1, 0)


@attempt("seccomp")
def watch_faults(p, w):
    p.call("close", p.call("userfaultfd", 1))


@attempt("seccomp")
def use_io_uring(p, w):
    p.call("close", p.call("io_uring_setup", 1, Out(120)))


@attempt("seccomp")
def behave_as_an_old_kernel(p, w):
    p.call("personality", 0xFFFFFFFF)


@attempt("seccomp", "unit's filter")
def use_segments(p, w):
    p.call("modify_ldt", 0, Out(16), 16)


@attempt("seccomp", "unit's filter", "capabilities")
def watch_what_others_open(p, w):
    p.call("close", p.call("fanotify_init", 0, 0))


@attempt("ipc")
def attach_shared_memory_of_others(p, w):
    p.call("shmat", w.shm, None, 0o10000)


@attempt("seccomp")
def make_a_message_queue(p, w):
    p.call("msgget", 0, 0o600)


# --- sockets


@attempt("network")
def connect_to_an_abstract_socket_of_the_host(p, w):
    p.call("close", p.connect("@vmunit-confinement"))


@attempt("network", "unit's filter", "seccomp")
def connect_to_a_service_of_the_host(p, w):
    fd = p.new_socket(socket.AF_INET, socket.SOCK_STREAM)
    address = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", w.tcp.getsockname()[1], bytes([127, 0, 0, 1]))
    try:
        p.call("connect", fd, address, 16)
    finally:
        p.call("close", fd)


@attempt("seccomp", "unit's filter", "capabilities")
def see_packets(p, w):
    p.call("close", p.new_socket(socket.AF_PACKET, socket.SOCK_RAW, 0x300))


@attempt("seccomp", "unit's filter", "capabilities")
def make_a_raw_socket(p, w):
    p.call("close", p.new_socket(socket.AF_INET, socket.SOCK_RAW, 1))


@attempt("seccomp", "unit's filter")
def speak_to_other_vms_by_vsock(p, w):
    p.call("close", p.new_socket(socket.AF_VSOCK, socket.SOCK_STREAM))


@attempt("seccomp", "unit's filter")
def configure_the_network(p, w):
    p.call("close", p.new_socket(socket.AF_NETLINK, socket.SOCK_RAW))


@attempt("seccomp", "unit's filter")
def use_the_crypto_of_the_kernel(p, w):
    p.call("close", p.new_socket(socket.AF_ALG, socket.SOCK_SEQPACKET))


@attempt("mounts")
def start_a_unit_over_the_bus(p, w):
    dbus_start_unit(p, "/run/dbus/system_bus_socket", "confinement.target")


@attempt("mounts", "uid")
def connect_to_the_manager(p, w):
    p.call("close", p.connect("/run/systemd/private"))


@attempt("mounts")
def write_to_the_journal_as_another(p, w):
    p.call("close", p.connect("/run/systemd/journal/socket", socket.SOCK_DGRAM))


@attempt("mounts")
def end_another_machine(p, w):
    p.call("close", p.connect("/run/systemd/userdb/io.systemd.Machine"))


# --- control groups


@attempt("uid")
def leave_its_control_group(p, w):
    p.touch("/sys/fs/cgroup/cgroup.procs", os.O_WRONLY)


@attempt("uid")
def freeze_another_vm(p, w):
    p.touch(f"{w.victim_group}/cgroup.freeze", os.O_WRONLY)


@attempt("uid")
def kill_another_vm_by_its_group(p, w):
    p.touch(f"{w.victim_group}/cgroup.kill", os.O_WRONLY)


@attempt("uid")
def change_the_limits_of_its_unit(p, w):
    p.touch(f"{w.group}/cgroup.freeze", os.O_WRONLY)


@attempt("uid")
def make_a_group_outside_of_its_own(p, w):
    path = "/sys/fs/cgroup/confinement"
    p.call("mkdir", path, 0o755)
    p.call("rmdir", path)
