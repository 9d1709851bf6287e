#!/usr/bin/env python3
"""Proves the container tier itself: what the rest of the tests takes for granted about systemd in the container, the
guest and the harness. Run by: tests/container/boot --driver python3 container/selftest.py"""

import os
import sys
import textwrap
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import (  # noqa: E402
    Console,
    Failure,
    Qmp,
    Serial,
    case,
    check,
    check_equal,
    check_match,
    journal,
    main,
    run,
    run_ok,
    unit_property,
    wait_for,
    wait_for_path,
    wait_for_unit,
)

GUEST = os.environ.get("VMUNIT_GUEST", "/usr/lib/vmunit-tests-guest")


# ---- the container


@case
def system_is_running():
    check_equal(run(["systemctl", "is-system-running", "--wait"]).out.strip(), "running", "the system's state")
    check_equal(run_ok(["systemctl", "list-units", "--failed", "--plain", "--no-legend"]), "", "failed units")
    check_equal(unit_property("machines.target", "ActiveState"), "active", "machines.target")


@case
def cgroup_v2_without_controllers():
    check_equal(run_ok(["stat", "-fc", "%T", "/sys/fs/cgroup"]).strip(), "cgroup2fs", "the hierarchy")
    with open("/sys/fs/cgroup/cgroup.controllers") as f:
        print("    controllers:", f.read().split())


@case
def journal_is_read_back():
    run_ok(["systemd-run", "--quiet", "--wait", "--unit=selftest-journal", "echo", "it was said"])
    entries = journal("-u", "selftest-journal")
    check("it was said" in [e["MESSAGE"] for e in entries], f"the line is missing in {entries}")


@case
def bridge_and_tap():
    run_ok("ip link add selftest0 type bridge && ip tuntap add selftest1 mode tap && ip link set selftest1 master selftest0")
    run_ok("ip address add 192.0.2.1/24 dev selftest0 && ip link set selftest0 up")
    run_ok("ip link delete selftest1 && ip link delete selftest0")


@case
def machined_registers():
    run_ok(["systemd-run", "--quiet", "--unit=selftest-machine", "--slice=machine", "sleep", "infinity"])
    leader = unit_property("selftest-machine", "MainPID")
    call = ["busctl", "call", "org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager"]
    run_ok([*call, "RegisterMachine", "sayssus", "selftest", "0", "selftest", "vm", leader, ""])
    check_match(r"^selftest +vm +selftest", run_ok(["machinectl", "list", "--no-legend"]), "machinectl list")
    run_ok(["machinectl", "terminate", "selftest"])
    wait_for_unit("selftest-machine.service")


# ---- what units can ask for


def transient(name, *properties, command, check=True):
    """Runs a command as a transient service to its end."""
    options = [f"--property={p}" for p in properties]
    words = [word.replace("$", "$$") for word in command]
    return run(["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={name}", *options, *words], check=check)


def sandboxed(name, setting, attempt):
    """The attempt must succeed without the setting and fail with it."""
    control = transient(f"selftest-{name}-control", command=["sh", "-c", attempt], check=False)
    check_equal(control.rc, 0, f"control: {control}")
    result = transient(f"selftest-{name}", setting, command=["sh", "-c", attempt], check=False)
    check(result.rc != 0, f"{setting} had no effect: {result}")
    check("203" not in str(result.rc), f"{setting} did not let the unit start: {result}")


@case
def dynamic_user():
    out = transient("selftest-dynamic", "DynamicUser=yes", command=["id", "-u"]).out
    check(61184 <= int(out) <= 65519, f"uid {out} is not a dynamic one")


@case
def sandbox_settings():
    sandboxed("network", "PrivateNetwork=yes", "[ $(readlink /proc/self/ns/net) = $(readlink /proc/1/ns/net) ]")
    sandboxed("devices", "PrivateDevices=yes", "test -e /dev/net/tun")
    sandboxed("strict", "ProtectSystem=strict", "touch /etc/selftest")
    sandboxed("namespaces", "RestrictNamespaces=yes", "unshare --uts true")
    sandboxed("syscalls", "SystemCallFilter=~sched_setscheduler", "chrt --idle 0 true")
    sandboxed("jit", "MemoryDenyWriteExecute=yes",
              "python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_READ|mmap.PROT_WRITE|mmap.PROT_EXEC)'")
    sandboxed("users", "PrivateUsers=yes", "[ \"$(readlink /proc/self/ns/user)\" = \"$(readlink /proc/1/ns/user)\" ]")


@case
def all_of_the_sandbox_together():
    """QEMU starts under the whole set that VMs get."""
    out = transient(
        "selftest-together", "DynamicUser=yes", "ProtectSystem=strict", "PrivateDevices=yes", "PrivateNetwork=yes",
        "PrivateUsers=yes", "ProtectProc=invisible", "ProtectKernelTunables=yes", "RestrictNamespaces=yes",
        "NoNewPrivileges=yes", "CapabilityBoundingSet=", "SystemCallFilter=@system-service seccomp",
        "SystemCallErrorNumber=EPERM", "RestrictAddressFamilies=AF_UNIX",
        command=["qemu-system-x86_64", "-sandbox", "on", "-accel", "tcg", "-version"],
    ).out
    check_match("QEMU emulator version", out)


FD_STORE_PUSH = """
import os, sys
sys.path.insert(0, "/usr/lib/vmunit-tests/lib")
from harness import push_fds
for name in ("one", "two"):
    fd = os.memfd_create(name)
    os.write(fd, name.encode())
    push_fds(os.environ["NOTIFY_SOCKET"], [fd], FDSTORE=1, FDNAME=name, FDPOLL=0)
"""

FD_STORE_READ = """
import os
names = os.environ["LISTEN_FDNAMES"].split(":")
print(os.getuid() != 0, sorted(n + "=" + os.pread(3 + i, 10, 0).decode() for i, n in enumerate(names)))
"""


@case
def fd_store():
    """A privileged step pushes descriptors, the unprivileged main process gets them."""
    for name, text in (("push", FD_STORE_PUSH), ("read", FD_STORE_READ)):
        with open(f"/run/selftest-{name}.py", "w") as f:
            f.write(text)
    with open("/run/systemd/system/selftest-fds.service", "w") as f:
        f.write(textwrap.dedent("""
            [Service]
            Type=oneshot
            DynamicUser=yes
            NotifyAccess=exec
            FileDescriptorStoreMax=8
            ExecStartPre=+python3 /run/selftest-push.py
            ExecStart=python3 /run/selftest-read.py
        """))
    run_ok(["systemctl", "daemon-reload"])
    run_ok(["systemctl", "start", "selftest-fds"])
    messages = [e["MESSAGE"] for e in journal("-u", "selftest-fds")]
    check("True ['one=one', 'two=two']" in messages, f"journal: {messages}")


@case
def delegated_cgroup():
    # Only the line "0::" counts: where the machine outside has cgroup v1, its hierarchies are listed as well.
    out = transient(
        "selftest-delegate", "DynamicUser=yes", "Delegate=yes",
        command=["sh", "-ec", "c=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup); mkdir $c/supervisor $c/vm; "
                 "echo $$ >$c/supervisor/cgroup.procs; mkdir $c/vm/vcpu0; echo threaded >$c/vm/vcpu0/cgroup.type; "
                 "cat /proc/self/cgroup $c/vm/vcpu0/cgroup.type"],
    ).out
    check_match(r"/selftest-delegate.service/supervisor$", out)
    check_match(r"^threaded$", out)


@case
def locked_memory():
    """Says whether mlockall works here; it is a matter of nspawn's system call filter."""
    attempt = "import ctypes; print(ctypes.CDLL(None).mlockall(3))"
    print("    mlockall:", transient("selftest-lock", "LimitMEMLOCK=infinity", command=["python3", "-c", attempt]).out.strip())


# ---- the guest


class Guest:
    """A guest under a bare QEMU in a transient service of an unprivileged user."""

    def __init__(self, name, *arguments, append="", serial="socket", machine="q35", kernel="vmlinux", properties=()):
        self.unit = f"selftest-{name}.service"
        directory = f"/run/selftest-{name}"
        chardev = {"socket": f"socket,id=serial,path={directory}/serial,server=on,wait=off",
                   "file": f"file,id=serial,path={directory}/serial"}[serial]
        self.started = time.monotonic()
        run_ok([
            "systemd-run", "--quiet", f"--unit={self.unit}", "--property=DynamicUser=yes",
            f"--property=RuntimeDirectory=selftest-{name}", "--property=ProtectSystem=strict",
            *(f"--property={p}" for p in properties),
            "qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-cpu", "max", "-m", "256", "-nodefaults",
            "-no-user-config", "-display", "none", "-sandbox", "on",
            "-kernel", f"{GUEST}/{kernel}", "-initrd", f"{GUEST}/initrd",
            "-append", f"console=ttyS0 quiet {append}",
            "-chardev", chardev, "-serial", "chardev:serial",
            "-qmp", f"unix:{directory}/qmp,server=on,wait=off",
            *(a.replace("@", directory) for a in arguments),
        ])  # fmt: skip
        self.directory = directory
        self.qmp = Qmp.connect(f"{directory}/qmp")
        self.console = Serial(f"{directory}/serial") if serial == "file" else Console.connect(f"{directory}/serial")
        self.console.expect_ready()
        print(f"    {name}: ready after {time.monotonic() - self.started:.1f} s")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qmp.close()
        self.console.close()
        run(["systemctl", "stop", self.unit])
        run(["systemctl", "reset-failed", self.unit])

    def expect_end(self, timeout=20):
        check_equal(wait_for_unit(self.unit, timeout=timeout), "inactive", "the unit's state after QEMU's end")


@case
def guest_answers_commands():
    with open("/run/selftest.img", "wb") as f:
        f.truncate(1 << 20)
    os.chmod("/run/selftest.img", 0o666)
    devices = ("-smp", "4,sockets=2,cores=2,threads=1",
               "-blockdev", "raw,node-name=disk,file.driver=file,file.filename=/run/selftest.img",
               "-device", "virtio-blk,drive=disk,serial=SELF1",
               "-netdev", "user,id=net", "-device", "virtio-net,netdev=net,mac=52:54:00:01:02:03")  # fmt: skip
    with Guest("commands", *devices, properties=["ReadWritePaths=/run/selftest.img"]) as guest:
        console = guest.console
        check_equal(console.ask("topology")[-1], "topology sockets=2 dies=1 cores=2 threads=1", "topology")
        check_match(r"online=0-3", console.ask("cpus")[0])
        check_equal(console.table("memory")[0]["online"], str(256 << 20), "memory")
        check_equal(console.table("numa")[0]["cpus"], "0-3", "CPUs of node 0")
        disk = [d for d in console.table("disks") if d["name"] == "vda"][0]
        check_equal((disk["size"], disk["ro"], disk["serial"]), (str(1 << 20), "0", "SELF1"), "disk")
        nic = console.table("nics")[0]
        check_equal((nic["mac"], nic["driver"]), ("52:54:00:01:02:03", "virtio_net"), "NIC")
        check("1af4:1001" in [p["id"] for p in console.table("pci")], "the disk is no PCI device")
        check("input name=Power Button" in console.ask("input"), "no power button")
        check_match("console=ttyS0", console.ask("cmdline")[0])
        check_equal(console.command("read vda")[0], 1, "status of reading what was not written")
        console.ask("write vda hello")
        check_equal(console.ask("read vda"), ["pattern word=hello"], "pattern")
        with open("/run/selftest.img", "rb") as f:
            check(f.read().startswith(b"vmunit-guest pattern hello "), "the pattern is not in the image")
        console.ask("ping 10.0.2.2 eth0 10.0.2.15/24")
        check_equal(console.command("exec echo one; echo two; exit 7"), (7, ["one", "two"]), "exec")
        check_equal(console.command("nonsense")[0], 127, "status of an unknown command")
        check(any(line.startswith("dmi sys_vendor=QEMU") for line in console.ask("dmi")), "no DMI")
        check_equal(console.ask("cat /proc/sys/kernel/ostype"), ["Linux"], "cat")
        console.send("poweroff")
        guest.expect_end()


@case
def guest_counts_and_heeds_the_power_button():
    with Guest("button", append="vmunit.count", serial="file", machine="pc") as guest:
        first = guest.console.expect(r"^vmunit-guest: tick 5$")
        check(first, "no ticks")
        guest.qmp.execute("system_powerdown")
        guest.console.expect_line("vmunit-guest: power button")
        check_equal(guest.qmp.event("SHUTDOWN")["data"]["reason"], "guest-shutdown", "reason")
        guest.expect_end()
        ticks = guest.console.ticks()
        check_equal(ticks, list(range(1, len(ticks) + 1)), "ticks")


@case
def guest_ignores_the_power_button():
    with Guest("deaf", append="vmunit.ignore-power-button") as guest:
        for _ in range(2):
            guest.qmp.execute("system_powerdown")
            guest.console.expect_line("vmunit-guest: power button")
        guest.console.ask("exec true")


def panics(name, device):
    with Guest(name, "-device", device, "-action", "panic=pause") as guest:
        guest.console.send("panic")
        check_equal(guest.qmp.event("GUEST_PANICKED")["data"]["action"], "pause", "action")
        wait_for(lambda: guest.qmp.execute("query-status")["status"] == "guest-panicked", message="state guest-panicked")


@case
def guest_panics_isa():
    panics("panic-isa", "pvpanic")


@case
def guest_panics_pci():
    panics("panic-pci", "pvpanic-pci")


@case
def guest_suspends_and_reboots():
    # A kernel started through its PVH entry resets the machine when it wakes up.
    with Guest("suspend", kernel="vmlinuz") as guest:
        guest.console.send("suspend")
        guest.qmp.event("SUSPEND")
        guest.qmp.execute("system_wakeup")
        guest.console.expect_line("vmunit-guest: done suspend 0")
        guest.console.send("reboot")
        guest.qmp.event("RESET")
        guest.console.expect_ready()


AGENT = ("-device", "virtio-serial", "-chardev", "socket,id=agent,path=@/agent,server=on,wait=off",
         "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0")  # fmt: skip


@case
def guest_agent():
    with Guest("agent", *AGENT) as guest:
        agent = Qmp.connect(f"{guest.directory}/agent", greeting=False)
        check_equal(agent.execute("guest-ping"), {}, "guest-ping")
        check_match(r"^\d+\.", agent.execute("guest-info")["version"])
        check_equal(agent.execute("guest-get-host-name")["host-name"], "vmunit-guest", "host name")
        agent.execute("guest-get-fsinfo")
        agent.execute("guest-network-get-interfaces")
        pid = agent.execute("guest-exec", path="/bin/echo", arg=["hi"], **{"capture-output": True})["pid"]
        check(wait_for(lambda: agent.execute("guest-exec-status", pid=pid)["exited"]), "guest-exec did not end")
        agent.connection.sendall(b'{"execute": "guest-shutdown"}\n')
        guest.console.expect_line("vmunit-guest: agent shutdown")
        guest.expect_end()


@case
def guest_without_agent():
    with Guest("mute", *AGENT, append="vmunit.no-agent") as guest:
        agent = Qmp.connect(f"{guest.directory}/agent", greeting=False)
        try:
            agent.execute("guest-ping", timeout=1)
        except Failure:
            return
        raise Failure("the agent answered")


@case
def guest_console_on_virtio():
    """The guest finds its console when it is not a serial port."""
    arguments = ("-device", "virtio-serial", "-chardev", "socket,id=hvc,path=@/hvc,server=on,wait=off",
                 "-device", "virtconsole,chardev=hvc")  # fmt: skip
    directory = "/run/selftest-hvc"
    run_ok([
        "systemd-run", "--quiet", "--unit=selftest-hvc", "--property=DynamicUser=yes", "--property=RuntimeDirectory=selftest-hvc",
        "qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "256", "-nodefaults", "-display", "none",
        "-kernel", f"{GUEST}/vmlinux", "-initrd", f"{GUEST}/initrd", "-append", "console=hvc0 quiet",
        *(a.replace("@", directory) for a in arguments),
    ])  # fmt: skip
    wait_for_path(f"{directory}/hvc")
    console = Console.connect(f"{directory}/hvc")
    console.expect_ready()
    console.ask("cpus")
    console.send("poweroff")
    check_equal(wait_for_unit("selftest-hvc.service"), "inactive", "state")


main()
