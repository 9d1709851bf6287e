#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""qemu:///session: machines of an ordinary user, run by his own systemd. Nothing of them is root's, nobody else reaches
them, and the system's machines are none of theirs."""

import contextlib
import functools
import os
import pty
import pwd
import re
import stat

from harness import Console, case, check, check_equal, check_match, main, run, run_ok, wait_for
from route import route
from vm import GUEST, TalkingVm, vm, ways_out

SESSION = ["vmunit", "-c", "qemu:///session"]

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>192</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{guest}/vmlinux</kernel>
    <initrd>{guest}/initrd</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <devices>
    <disk type='file'><driver name='qemu' type='raw'/><source file='{home}/{name}.img'/><target dev='vda' bus='virtio'/></disk>
    <serial type='pty'/>
    {devices}
  </devices>
</domain>
"""


class User:
    """An ordinary user who has a systemd of his own, as one has who is logged in."""

    def __init__(self, name):
        run_ok(["useradd", "--create-home", name])
        self.name, self.uid = name, pwd.getpwnam(name).pw_uid
        self.home, self.runtime = f"/home/{name}", f"/run/user/{self.uid}"
        os.chmod(self.home, 0o700)
        run_ok(["loginctl", "enable-linger", name])
        run_ok(["systemctl", "start", f"user@{self.uid}.service"])

    def command(self, command):
        return ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", "--reset-env", "env",
                f"XDG_RUNTIME_DIR={self.runtime}", f"HOME={self.home}", *command]

    def run(self, command, **keywords):
        return run(self.command(command), **keywords)

    def ok(self, command, **keywords):
        return run_ok(self.command(command), **keywords)

    def unit(self, unit, name):
        return self.ok(["systemctl", "--user", "show", "--value", "-p", name, unit]).rstrip("\n")

    def write(self, path, text, mode=0o600):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chown(path, self.uid, self.uid)
        os.chmod(path, mode)
        return path


@functools.cache
def user(name):
    return User(name)


class SessionVm(TalkingVm):
    """A machine of a user; its console is asked by that user."""

    def __init__(self, owner, name, devices=""):
        super().__init__(name)
        self.owner = owner
        self.path = f"{owner.home}/{name}.xml"
        self.xml = DOMAIN.format(name=name, guest=GUEST, home=owner.home, devices=devices)
        self.disk = owner.write(f"{owner.home}/{name}.img", "x" * (1 << 20))

    def vmunit(self, *arguments):
        return self.owner.ok([*SESSION, *arguments])

    def define(self):
        self.owner.write(self.path, self.xml)
        return self.vmunit("define", self.path)

    def start(self, **_):
        self.define()
        self.vmunit("start", self.name)
        return self

    def state(self):
        return re.fullmatch(r"(.*) \((.*)\)", self.vmunit("domstate", "--reason", self.name).strip()).groups()

    def connect(self):
        pid, fd = pty.fork()
        if pid == 0:
            command = self.owner.command([*SESSION, "console", self.name])
            os.execvp(command[0], command)
        self.client, self.console = pid, Console(fd)
        self.console.expect(rf"^Connected to domain '{re.escape(self.name)}'$")
        wait_for(self._answers, 90, f"{self.name} to answer")

    def group(self):
        return self.owner.unit(self.unit, "ControlGroup")

    def pids(self):
        """{program: pid} of all there is in the unit's control group."""
        found = {}
        for directory, _, _ in os.walk(f"/sys/fs/cgroup{self.group()}"):
            with contextlib.suppress(OSError), open(f"{directory}/cgroup.procs", encoding="ascii") as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/cmdline", "rb") as c:
                        found[os.path.basename(c.read().split(b"\0")[0].decode())] = int(pid)
        return found

    def remove(self):
        self.disconnect()
        self.owner.run([*SESSION, "destroy", self.name])
        self.owner.run([*SESSION, "managedsave-remove", self.name])
        self.owner.run([*SESSION, "undefine", self.name])


@contextlib.contextmanager
def session_vm(owner, name, **keywords):
    machine = SessionVm(owner, name, **keywords)
    try:
        yield machine
    finally:
        machine.remove()


@contextlib.contextmanager
def system_vm(name):
    with vm(name, agent=False) as machine:
        machine.without_guest()
        yield machine


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@case(timeout=300)
def life_of_a_machine():
    """define, start, console, suspend, resume, save, restore, managedsave, shutdown, undefine; all of it the user's."""
    alice = user("alice")
    with session_vm(alice, "own", devices="<interface type='user'><model type='virtio'/></interface>") as m:
        check_equal(m.define(), f"Domain 'own' defined from {m.path}\n\n", "define")
        check(os.path.exists(f"{alice.home}/.config/vm/own.xml"), "there is no definition in the user's own directory")
        check_equal(m.vmunit("start", "own"), "Domain 'own' started\n\n", "start")
        check_equal(m.state(), ("running", "booted"), "state")
        check_match(r"^ 1 +own +running$", m.vmunit("list"))
        m.connect()
        check("vda" in " ".join(m.console.ask("disks")), "the guest does not see its disk")

        programs = m.pids()
        check_equal(sorted(p.split("-")[0] for p in programs), ["qemu", "vmunit", "vmunit"], "what runs in the unit")
        for program, pid in programs.items():
            s = status(pid)
            check_equal(set(s["Uid"].split()), {str(alice.uid)}, f"the uids of {program}")
            check_equal(set(s["Gid"].split()), {str(alice.uid)}, f"the gids of {program}")
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                check_equal(int(s[kind], 16), 0, f"{kind} of {program}")
            check_equal(s["NoNewPrivs"], "1", f"NoNewPrivs of {program}")
            check_equal(s["Seccomp"], "2", f"Seccomp of {program}")
        check_match(rf"/user-{alice.uid}\.slice/user@{alice.uid}\.service/machine\.slice/", m.group(), "the control group")

        m.vmunit("suspend", "own")
        check_equal(m.state(), ("paused", "user"), "state after suspend")
        m.vmunit("resume", "own")
        check_equal(m.state()[0], "running", "state after resume")
        m.console.ask("cmdline")

        m.disconnect()
        file = f"{alice.home}/own.save"
        m.vmunit("save", "own", file)
        check_equal(m.state(), ("shut off", "saved"), "state after save")
        check_equal(os.stat(file).st_uid, alice.uid, "the owner of the file")
        check_equal(m.vmunit("restore", file), f"Domain restored from {file}\n\n", "restore")
        check_equal(m.state(), ("running", "restored"), "state after restore")
        m.connect()
        m.disconnect()
        m.vmunit("managedsave", "own")
        check(os.path.exists(f"{alice.home}/.local/state/vmunit/own/saved"), "there is no managed save in the user's own directory")
        m.vmunit("start", "own")
        check_equal(m.state(), ("running", "restored"), "state after the managed save")
        m.connect()
        m.disconnect()

        m.vmunit("shutdown", "own")
        wait_for(lambda: m.state()[0] == "shut off", 60, "the guest to shut down", interval=0.2)
        check_equal(m.state(), ("shut off", "shutdown"), "state after shutdown")
        wait_for(lambda: not m.group(), 10, "the unit to be gone")
        check_equal(os.listdir(f"{alice.runtime}/vmunit/own"), ["state"], "what is left in the runtime directory")
        m.vmunit("undefine", "own")
        check("own" not in m.vmunit("list", "--all"), "it is still there")


def visible(owner, pid, path):
    """Whether a process of the user's in the namespaces of PID, which is what QEMU is, sees PATH."""
    return run(["nsenter", f"--target={pid}", "--mount", "--root", "--wd=/", "test", "-e", path]).rc == 0


@case(timeout=180)
def what_qemu_sees_of_its_user():
    """No home, no sockets of the session; both are there for the user's other programs."""
    alice = user("alice")
    secret = alice.write(f"{alice.home}/secret", "s")
    with session_vm(alice, "held") as m:
        m.start()
        qemu = next(pid for name, pid in m.pids().items() if name.startswith("qemu-system"))
        outside = int(alice.unit("init.scope", "ControlGroup") and run_ok(["pgrep", "-u", "alice", "-x", "systemd"]).split()[0])
        for path in (secret, m.disk, f"{alice.runtime}/systemd/private", "/run/dbus/system_bus_socket"):
            check(visible(alice, outside, path), f"{path} is not there at all")
            check(not visible(alice, qemu, path), f"QEMU sees {path}")
        check(visible(alice, qemu, f"{alice.runtime}/vmunit/held/control"), "QEMU does not see what is the machine's own")
        for namespace in ("user", "mnt", "net", "uts"):
            check(os.readlink(f"/proc/{qemu}/ns/{namespace}") != os.readlink(f"/proc/{outside}/ns/{namespace}"),
                  f"QEMU has the {namespace} namespace of its user")


@case
def where_nothing_says_otherwise():
    """An ordinary user's machines are his own, root's the system's; what is said in whatever way wins."""
    alice = user("alice")
    with session_vm(alice, "own") as own, system_vm("theirs") as theirs:
        own.define()
        theirs.write()
        check_equal(alice.ok(["vmunit", "uri"]).strip(), "qemu:///session", "an ordinary user's")
        check_equal(run_ok(["vmunit", "uri"]).strip(), "qemu:///system", "root's")
        check_equal(alice.ok(["vmunit", "list", "--all", "--name"]).split(), ["own"], "an ordinary user's machines")
        check_equal(run_ok(["vmunit", "list", "--all", "--name"]).split(), ["theirs"], "root's machines")
        for words in (["vmunit", "-c", "qemu:///system"], ["env", "VMUNIT_DEFAULT_URI=qemu:///system", "vmunit"]):
            check_equal(alice.ok([*words, "uri"]).strip(), "qemu:///system", " ".join(words))
            check_equal(alice.ok([*words, "list", "--all", "--name"]).split(), ["theirs"], " ".join(words))
        with open("/etc/vm/vmunit.conf", "w", encoding="ascii") as f:
            f.write("[Connect]\nURIDefault=qemu:///system\n")
        try:
            check_equal(alice.ok(["vmunit", "uri"]).strip(), "qemu:///system", "with URIDefault=")
        finally:
            os.unlink("/etc/vm/vmunit.conf")


@case(timeout=180)
def nobody_elses():
    """Another user has machines of his own, and no way to these; the system's list has none of both."""
    alice, bob = user("alice"), user("bob")
    with session_vm(alice, "hers") as hers, session_vm(bob, "his") as his, system_vm("theirs") as theirs:
        hers.start()
        his.start()
        theirs.write()
        run_ok(["vmunit", "start", "theirs"])
        names = [hers.vmunit("list", "--name").split(), his.vmunit("list", "--name").split(),
                 run_ok(["vmunit", "list", "--name"]).split()]
        check_equal(names, [["hers"], ["his"], ["theirs"]], "the machines of each")

        # The control: she reaches hers in the very way that he does not.
        control = f"{alice.runtime}/vmunit/hers/control"
        check_equal(stat.S_IMODE(os.stat(control).st_mode), 0o600, "the mode of the control socket")
        reach = ["python3", "-c", f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({control!r}); print('in')"]
        check_equal(alice.ok(reach), "in\n", "her own way to the control socket")
        refused = bob.run(reach)
        check(refused.rc != 0 and "Permission denied" in refused.err, f"he comes as far as {refused!r}")
        stolen = ["env", f"XDG_RUNTIME_DIR={alice.runtime}", *SESSION, "domstate", "hers"]
        check_equal(alice.ok(stolen).strip(), "running", "her own way with the same command")
        result = bob.run(stolen)
        check_equal(result.rc, 1, "his way with her runtime directory")
        check_match(r"^error: .*(cannot use|Permission denied)", result.err)
        result = bob.run([*SESSION, "destroy", "hers"])
        check_match("failed to get domain 'hers'", result.err)
        check_equal(hers.state()[0], "running", "state afterwards")

        # Nor have they a way to the system's.
        for owner in (alice, bob):
            check_equal(owner.run([*SESSION, "domstate", "theirs"]).rc, 1, "the system's machine in a session")
        check_equal(run_ok(["vmunit", "domstate", "theirs"]).strip(), "running", "the system's machine")


REFUSED = (
    ("<interface type='bridge'><source bridge='br0'/></interface>", "interface of type 'bridge'"),
    ("<interface type='network'><source network='default'/></interface>", "interface of type 'network'"),
    ("<hostdev mode='subsystem' type='usb'><source><vendor id='0x1234'/><product id='0x5678'/></source></hostdev>", "hostdev"),
)


@case
def what_needs_root():
    """Refused where it is written, with its element and the reason, at define and at start; root has no session."""
    alice = user("alice")
    for devices, words in REFUSED:
        m = SessionVm(alice, "wants", devices=devices)
        alice.write(m.path, m.xml)
        result = alice.run([*SESSION, "define", m.path])
        check_equal(result.rc, 1, f"status with {words}")
        check_match(rf"wants\.xml:\d+:\d+: {re.escape(words)} is not possible in a session \(qemu:///session\): ", result.err)
        check(not os.path.exists(f"{alice.home}/.config/vm/wants.xml"), "it was defined")
        # Somebody has put it there himself.
        os.makedirs(f"{alice.home}/.config/vm", exist_ok=True)
        run_ok(["chown", "-R", "alice:alice", f"{alice.home}/.config"])
        file = alice.write(f"{alice.home}/.config/vm/wants.xml", m.xml)
        for command in ([*SESSION, "start", "wants"], ["systemctl", "--user", "start", "vm@wants.service"]):
            check_equal(alice.run(command).rc, 1, f"status of {command}")
        os.unlink(file)
    result = run([*SESSION, "list"])
    check_equal(result.rc, 1, "root's own session")
    check_match("root has no session", result.err)


@case(timeout=180)
def a_folder_and_a_network():
    """By virtiofsd and passt: what they lock themselves in with, every user may."""
    alice = user("alice")
    folder = f"{alice.home}/folder"
    devices = (f"<filesystem type='mount'><driver type='virtiofs'/><source dir='{folder}'/><target dir='t'/></filesystem>"
               "<interface type='user'><ip address='10.7.0.5' family='ipv4' prefix='24'/><model type='virtio'/><backend type='passt'/></interface>")
    alice.ok(["mkdir", folder])
    with route(), session_vm(alice, "helped", devices=devices) as m:
        m.xml = m.xml.replace("<vcpu>", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><vcpu>")
        m.start()
        m.connect()
        check_equal(m.console.ask("exec modprobe virtiofs; mkdir /t; mount -t virtiofs t /t && echo x >/t/new && cat /t/new"), ["x"], "the folder")
        check_equal(os.stat(f"{folder}/new").st_uid, alice.uid, "the owner of what the guest makes")
        check_equal(ways_out(m.pids().values()), [], "ways to the host's root directory")
        m.console.ask("dhcp eth0")
        check_match(r"inet 10\.7\.0\.5/24", "\n".join(m.console.ask("exec ip address show dev eth0")), "the guest's address")


@case(timeout=180)
def created_and_run():
    """A transient machine, and what a start of another image says: the user's rights are those of the start."""
    alice = user("alice")
    with session_vm(alice, "brief") as m:
        alice.write(m.path, m.xml)
        check_equal(m.vmunit("create", m.path), f"Domain 'brief' created from {m.path}\n\n", "create")
        check_equal(alice.unit("vmunit-vm-brief.service", "ActiveState"), "active", "its unit")
        m.vmunit("destroy", "brief")
        check_equal(alice.run([*SESSION, "domstate", "brief"]).rc, 1, "it is gone")
        # Root's file is not opened for a user, and the message says which and why.
        m.xml = m.xml.replace(m.disk, "/etc/shadow")
        m.define()
        result = alice.run([*SESSION, "start", "brief"])
        check_equal(result.rc, 1, "start with /etc/shadow as disk")
        check_match(r"'/etc/shadow'.*Permission denied", result.err)
        check_equal(m.state()[0], "shut off", "state")


GUEST_DEVICES = """<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <video><model type='vga'/></video>"""


@case(timeout=300)
def queries_and_the_rest():
    """What asks about a machine and what changes it or its definition, as in the system's: without root."""
    alice = user("alice")
    run_ok(["usermod", "-a", "-G", "systemd-journal", "alice"])
    with session_vm(alice, "asked", devices=GUEST_DEVICES) as m, system_vm("asked") as namesake:
        # Of the same name as the system's, whose log is another one.
        namesake.write()
        run_ok(["vmunit", "start", "asked"])
        m.start()
        m.connect()
        m.disconnect()
        for words, pattern in (
                (["dominfo", "asked"], r"^State: +running\n(.*\n)*Persistent: +yes\nAutostart: +disable\n"),
                (["domstats", "asked", "--state", "--balloon", "--vcpu", "--block"], r"^  state.state=1\n(.*\n)*  block\.0\.name=vda\n"),
                (["domblklist", "asked"], rf"^ vda +{m.disk}$"),
                (["domblkstat", "asked", "vda"], r"^vda rd_req [1-9][0-9]*$"),
                (["domcontrol", "asked"], "^ok$"), (["vcpuinfo", "asked"], r"^State: +running$"),
                (["dommemstat", "asked"], r"^rss [1-9]"), (["ttyconsole", "asked"], "^/dev/pts/"),
                (["list", "--title", "--state-running"], r"^ \d+ +asked +running"),
                (["qemu-monitor-command", "asked", "--hmp", "info", "name"], "^asked$"),
                (["top", "--batch"], r"^ \d+ +asked +\d"),
                (["domxml-to-native", "qemu-argv", "--domain", "asked"], "^LC_ALL=C .*guest=asked")):
            check_match(pattern, m.vmunit(*words), " ".join(words))
        wait_for(lambda: alice.run([*SESSION, "guestinfo", "asked", "--hostname"]).rc == 0, 60, "the agent", interval=0.3)
        check_match("^Time: [0-9]+", m.vmunit("domtime", "asked"), "domtime")
        check_equal(m.vmunit("diff", "asked"), "", "diff")

        # Its own log, and nothing of the system's.
        supervisor, other = int(alice.unit(m.unit, "MainPID")), namesake.supervisor()
        check(f"Main PID: {supervisor}\n" in m.vmunit("status", "asked"), "status has another process")
        for words in (["status", "asked", "-n", "50"], ["logs", "asked", "-n", "50"]):
            text = m.vmunit(*words)
            check_match(r"systemd\[\d+\]: Started ", text, " ".join(words))
            check(f"[{other}]" not in text and "systemd[1]:" not in text, f"{words}: lines of the system's machine in\n{text}")

        m.vmunit("desc", "asked", "--title", "hers", "--config", "--live")
        check_equal(m.vmunit("desc", "asked", "--title"), "hers\n", "title of what runs")
        m.vmunit("setmem", "asked", "128M", "--live", "--config")
        check_match("<currentMemory unit='KiB'>131072<", m.vmunit("dumpxml", "asked"), "dumpxml")
        for words, file in ((["screenshot", "asked"], "shot"), (["dump", "asked"], "core"), (["dump", "asked", "--memory-only"], "memory")):
            path = f"{alice.home}/{file}"
            m.vmunit(*words, path)
            check_equal((os.stat(path).st_uid, os.stat(path).st_size > 1000), (alice.uid, True), path)
        m.vmunit("send-key", "asked", "KEY_A")
        m.vmunit("reset", "asked")
        m.vmunit("destroy", "asked")

        edit = alice.command(["env", "EDITOR=sed -i s/hers/edited/", *SESSION, "edit", "asked"])
        check_equal(run_ok(edit), "Domain 'asked' XML configuration edited.\n\n", "edit")
        m.vmunit("domrename", "asked", "renamed")
        check_equal(m.vmunit("desc", "renamed", "--title"), "edited\n", "title behind edit and domrename")
        m.vmunit("domrename", "renamed", "asked")
        check_equal(namesake.state()[0], "running", "the system's machine")


@case(timeout=180)
def starts_with_its_user():
    """autostart is enable of the user's unit: his systemd starts it, and not that of the system."""
    carol = user("carol")
    with session_vm(carol, "early") as m:
        m.define()
        check_match("^Domain 'early' marked as autostarted$", m.vmunit("autostart", "early"), "autostart")
        check_match("early", m.vmunit("list", "--all", "--autostart"), "list")
        check_equal(carol.run(["systemctl", "--user", "is-enabled", m.unit]).out, "enabled\n", "systemctl")
        check(not m.group(), "it runs already")
        run_ok(["systemctl", "restart", f"user@{carol.uid}.service"], timeout=60)
        wait_for(lambda: carol.unit(m.unit, "ActiveState") == "active", 60, "the unit", interval=0.2)
        check_equal(m.state(), ("running", "booted"), "state")
        m.vmunit("destroy", "early")
        m.vmunit("autostart", "early", "--disable")
        check(carol.run(["systemctl", "--user", "is-enabled", m.unit]).out != "enabled\n", "still enabled")


main()
