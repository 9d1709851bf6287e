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
import subprocess
import time

from boot_sector import IMAGE, gone_afterwards, replace_monitor, ticks_go_on, without_kvm
from confinement import DIRECTORY, EMULATOR, GUEST_PUPPET, Array, Gone, Puppet, PuppetVm, Refused
from harness import case, check, check_equal, check_match, journal, main, run, run_ok, wait_for
from route import route
from vm import nothing_left, talking_vm

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
def taken_over(name):
    """A machine whose emulator does as it is told."""
    os.makedirs(DIRECTORY, exist_ok=True)
    shutil.copy(GUEST_PUPPET, EMULATOR)
    with gone_afterwards(PuppetVm(name)) as machine:
        machine.start()
        yield machine


def root_with(profile):
    """A puppet of root's, with all rights and no layer but this profile; its file is the emulator's, which the profile has."""
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(["aa-exec", "-p", profile, "--", EMULATOR, "--control", str(theirs.fileno())],
                               pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    theirs.close()
    return Puppet(ours, process)


def outcome(attempt, puppet):
    """What became of it: "succeeded", or the word of the error."""
    try:
        attempt(puppet)
    except Refused as e:
        return errno.errorcode[e.errno]
    except Gone:
        pass
    return "succeeded"


SECRET = "/etc/vmunit-secret"
# What root may do, and a machine must not. The last one is the end of who does it. Sockets of the host are not among it: this
# kernel's AppArmor does not ask whom a unix socket is connected to, and a unit's mounts are what hides them.
ATTEMPTS = {
    "read a file that everybody may read": lambda p: p.read(SECRET),
    "read the passwords": lambda p: p.touch("/etc/shadow"),
    "write to a file": lambda p: p.touch(SECRET, os.O_WRONLY),
    "read the image of another machine": lambda p: p.touch(IMAGE),
    "make a file": lambda p: p.touch("/etc/vmunit-made", os.O_WRONLY | os.O_CREAT),
    "talk to the network": lambda p: p.new_socket(socket.AF_INET, socket.SOCK_STREAM),
    "send raw packets": lambda p: p.new_socket(socket.AF_PACKET, socket.SOCK_RAW),
    "mount": lambda p: p.call("mount", "none", "/mnt", "tmpfs", 0, None),
    "signal a process": lambda p: p.call("kill", os.getpid(), signal.SIGCONT),
    "open a disk of the host": lambda p: p.touch("/dev/vda"),
    "execute a program": lambda p: p.call("execve", "/bin/true", Array([b"true\0", 0]), Array([0])),
}


def attempts(puppet):
    try:
        return {name: outcome(attempt, puppet) for name, attempt in ATTEMPTS.items()}
    finally:
        puppet.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink("/etc/vmunit-made")


@case
def it_is_the_active_one():
    with open("/sys/module/apparmor/parameters/enabled", encoding="ascii") as f:
        check_equal(f.read(), "Y\n")
    check_match(r"<secmodel>\s*<model>apparmor</model>\s*<doi>0</doi>\s*</secmodel>", run_ok("vmunit capabilities", timeout=SLOW))
    check_equal(profiles(), {})


@case(timeout=2 * SLOW)
def life():
    run_ok("modprobe tun && modprobe vhost_net && { ip link show apparmor0 || ip link add apparmor0 type bridge; } && ip link set apparmor0 up")
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
def an_emulator_that_was_taken_over():
    with file(SECRET, "secret"), taken_over("attacker") as machine:
        check_equal(confinement(machine.qemu()), "vmunit-attacker (enforce)")
        # Its uid may, its mounts have it, no filter knows paths: AppArmor is all there is.
        since = time.time()
        check_equal(outcome(ATTEMPTS["read a file that everybody may read"], machine.puppet), "EACCES")
        check([line for line in lines(since, "DENIED") if line[2] == "vmunit-attacker" and SECRET in line[3]], "the log has nothing")
        # Root itself with nothing in the way but the profile.
        everywhere = root_with("unconfined")
        check_equal(set(attempts(everywhere).values()), {"succeeded"}, "unconfined")
        check_equal({k: v for k, v in attempts(root_with("vmunit-attacker")).items() if v not in ("EACCES", "EPERM")}, {}, "behind the profile")


@case(timeout=SLOW)
def an_administrator_s_additions():
    site = "/etc/vmunit-site"
    with (file(SECRET, "secret"), file(site, "site"), file(f"{OWN}/adds.rules", f"  {SECRET} r,\n"),
          file("/etc/apparmor.d/local/vmunit", f"  {site} r,\n"), taken_over("adds") as machine):
        check_equal(machine.puppet.read(SECRET), b"secret")
        check_equal(machine.puppet.read(site), b"site")
        check_equal(outcome(lambda p: p.touch("/etc/hostname"), machine.puppet), "EACCES")
    with file(f"{OWN}/wrong.rules", "  this is no rule,\n"), gone_afterwards(without_kvm("wrong")) as machine:
        machine.write()
        result = run(["vmunit", "start", "wrong"], timeout=SLOW)
        check_match("cannot load the profile of AppArmor '/run/vmunit/wrong/vmunit-wrong': .*syntax error", result.err)
        check_equal(profiles(), {})


@case(timeout=SLOW)
def complain_mode():
    """By a template of the machine's own, and by AppArmor's own directory for that; all others are held back."""
    os.makedirs("/etc/apparmor.d/force-complain", exist_ok=True)
    for by, path, text in (("template", f"{OWN}/free.template", template("complain,")),
                           ("link", "/etc/apparmor.d/force-complain/vmunit-free", "")):
        with file(SECRET, "secret"), file(path, text), taken_over("free") as machine:
            check_equal(confinement(machine.qemu()), "vmunit-free (complain)", by)
            since = time.time()
            check_equal(machine.puppet.read(SECRET), b"secret", by)
            check([line for line in lines(since, "ALLOWED") if line[2] == "vmunit-free" and SECRET in line[3]], f"{by}: the log has nothing")
            check_match(r"^Security label: +vmunit-free \(permissive\)$", run_ok("vmunit dominfo free"))
            check(any("complain mode" in m for m in machine.journal()), "the start does not say so")
    check_equal(profiles(), {})


@case(timeout=SLOW)
def labels_of_definitions():
    with gone_afterwards(without_kvm("free")) as machine:
        machine.xml = machine.xml.replace("</domain>", "<seclabel type='none' model='apparmor'/></domain>")
        machine.start(ready=False)
        check_confined(machine, "unconfined")
        check_equal(profiles(), {})
    label = "<seclabel type='static' model='apparmor' relabel='no'><label>mine</label></seclabel></domain>"
    with gone_afterwards(without_kvm("static")) as machine:
        machine.xml = machine.xml.replace("</domain>", label)
        machine.write()
        check_match("there is no profile 'mine' of AppArmor", run(["vmunit", "start", "static"], timeout=SLOW).err)
        run_ok(["apparmor_parser", "--replace"], input="profile mine flags=(attach_disconnected) { file, network, signal, unix, ptrace, }")
        machine.start(ready=False)
        check_confined(machine, "mine (enforce)")
    run_ok(["apparmor_parser", "--remove"], input="profile mine { }")


SHARED_MEMORY = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"


@case(timeout=2 * SLOW)
def processes_beside_qemu():
    """virtiofsd and passt lock themselves in within the machine's profile, and serve their devices."""
    folder = "/srv/apparmor-folder"
    devices = (f"<filesystem type='mount'><driver type='virtiofs'/><source dir='{folder}'/><target dir='t'/></filesystem>"
               "<interface type='user'><ip address='10.7.0.5' family='ipv4' prefix='24'/><model type='virtio'/><backend type='passt'/></interface>")
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    os.mkdir(folder)
    os.chown(folder, 4711, 4711)
    try:
        with nothing_refused(), route(), talking_vm("helped", type="kvm", lifecycle=SHARED_MEMORY, devices=devices) as machine:
            machine.start()
            for program in ("virtiofsd", "passt"):
                check_equal(confinement(machine.pid_of(program)), "vmunit-helped (enforce)", program)
            check_equal(machine.console.ask("exec modprobe virtiofs; mkdir /t; mount -t virtiofs t /t && mkdir /t/d && echo x >/t/d/new && mv /t/d/new /t/d/newer "
                                            "&& chmod 600 /t/d/newer && cat /t/d/newer"), ["x"], "the folder")
            machine.console.ask("dhcp eth0")
            check_match(r"inet 10\.7\.0\.5/24", "\n".join(machine.console.ask("exec ip address show dev eth0")), "the guest's address")
            run_ok(["vmunit", "destroy", "helped"])
            machine.wait_stopped()
    finally:
        shutil.rmtree(folder)


@case(timeout=SLOW)
def with_kvm():
    """The last one: with an emulated KVM, emulators take their time to say what they can do."""
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
