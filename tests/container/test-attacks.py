# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a QEMU that was taken over, or somebody who edits at the wrong moment, must not be able to do to the root steps."""

import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import time

from harness import (case, check, check_equal, check_match, journal, main, run, run_ok, unit_property, wait_for,
                     wait_for_exit)
from vm import nothing_left, vm

RUNTIME = "/run/vmunit"


def left(machine):
    return sorted(os.listdir(f"{RUNTIME}/{machine.name}"))


def edit(machine):
    with open(machine.path, "a", encoding="utf-8") as f:
        f.write("<!-- edited -->\n")


@case
def an_edit_does_not_keep_a_vm_from_coming_back():
    with vm("edited", lifecycle="<on_crash>restart</on_crash>") as machine:
        machine.start(ready=False)
        edit(machine)
        qemu = machine.qemu()
        os.kill(qemu, signal.SIGKILL)
        wait_for_exit(qemu)
        wait_for(lambda: machine.qemu() not in (None, qemu), 30, "another QEMU")
        machine.wait_state("running", 30)
        text = "\n".join(machine.journal())
        check_match(rf"{machine.path} changed on disk; restarted as it was loaded, run: systemctl daemon-reload", text)
        # The control: an ordinary start of the same is refused, and finds no copy to use.
        run_ok(["vmunit", "destroy", "edited"])
        check_equal(left(machine), ["state"], "what is left after the stop")
        check_equal(run(["systemctl", "start", machine.unit]).rc, 1, "systemctl start of an edited definition")
        check_equal(left(machine), ["state"], "what is left after the start that failed")
        run_ok(["vmunit", "start", "edited"])


@case
def two_creates_of_one_name():
    """The one that comes second neither overwrites what the first has written nor takes it away."""
    with vm("twice", agent=False) as machine:
        files = []
        os.makedirs("/var/log/vm", exist_ok=True)
        for n in range(2):
            files.append(f"/var/tmp/twice{n}.xml")
            with open(files[n], "w", encoding="utf-8") as f:
                f.write(machine.without_guest().xml.replace("<memory", f"<title>file {n}</title><memory", 1))
        for _ in range(6):
            both = [subprocess.Popen(["vmunit", "create", f], stderr=subprocess.PIPE, text=True) for f in files]
            said = [p.communicate(timeout=120)[1] for p in both]
            check_equal(sorted(p.returncode for p in both), [0, 1], f"statuses: {said}")
            winner = both[1].returncode == 0
            check_match("domain 'twice' is (being created|already active)", said[not winner])
            check_match(f"<title>file {int(winner)}</title>", run_ok(["vmunit", "dumpxml", "twice"]))
            check(os.path.exists(f"{RUNTIME}/.transient/twice.xml"), "the file of what runs is gone")
            run_ok(["vmunit", "destroy", "twice"])
        check_equal(os.listdir(f"{RUNTIME}/.transient"), [".lock"], "what is left")


@case
def two_definitions_of_one_uuid():
    """Whoever comes second is refused, however close they are."""
    uuid = "1b826c23-767d-4adc-a6b5-c13a8a3f9d3d"
    with vm("first", agent=False) as first, vm("second", agent=False) as second:
        for machine in (first, second):
            with open(f"/var/tmp/{machine.name}.xml", "w", encoding="utf-8") as f:
                f.write(machine.xml.replace("<memory", f"<uuid>{uuid}</uuid><memory", 1))
        for _ in range(6):
            both = [subprocess.Popen(["vmunit", "define", f"/var/tmp/{m.name}.xml"], stderr=subprocess.PIPE, text=True)
                    for m in (first, second)]
            said = [p.communicate(timeout=120)[1] for p in both]
            check_equal(sorted(p.returncode for p in both), [0, 1], f"statuses: {said}")
            check_match(f"is already defined with uuid {uuid}", "".join(said))
            for machine, p in zip((first, second), both):
                if p.returncode == 0:
                    run_ok(["vmunit", "undefine", machine.name])


@case
def a_bad_definition_says_why():
    with vm("bad") as machine:
        machine.xml = machine.xml.replace("<memory unit='MiB'>256<", "<memory unit='MiB'>much<")
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        check_equal(run(["systemctl", "start", machine.unit]).rc, 1, "systemctl start of a bad definition")
        text = "\n".join(machine.journal())
        check_match(r"bad\.xml:\d+:\d+: ", text)
        check("definition changed on disk" not in text, "the journal speaks of a change")


@case
def a_definition_that_others_can_write():
    with vm("others") as machine:
        machine.write()
        run_ok(["vmunit", "verify", "others"])
        os.chmod(machine.path, 0o646)
        reason = rf"the definition can be changed by others \(mode 0646\); run: chmod go-w '{machine.path}'"
        result = run(["vmunit", "verify", "others"])
        check_equal(result.rc, 1, "verify of a definition that others can write")
        check_match(reason, result.err)
        result = run(["vmunit", "start", "others"])
        check_equal(result.rc, 1, "start of a definition that others can write")
        check_match(reason, result.err)
        os.chmod(machine.path, 0o644)
        run_ok(["vmunit", "start", "others"])


# ---- chains of images


IMAGES = "/var/lib/test-chains"


@contextlib.contextmanager
def images():
    os.makedirs(IMAGES)
    try:
        for name in ("base.raw", "secret.raw"):
            with open(f"{IMAGES}/{name}", "wb") as f:
                f.truncate(1 << 20)
        run_ok(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", f"{IMAGES}/base.raw", f"{IMAGES}/top.qcow2"])
        yield f"{IMAGES}/top.qcow2"
    finally:
        for name in os.listdir(IMAGES):
            os.unlink(f"{IMAGES}/{name}")
        os.rmdir(IMAGES)


@case
def a_chain_that_changed_by_itself():
    with images() as top:
        disk = (f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{top}'/>"
                "<target dev='vda' bus='virtio'/></disk>")
        record = "/var/lib/vmunit/chained/chains"
        with vm("chained", devices=disk) as machine:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(record)
            machine.start(ready=False)
            check_equal(os.stat(record).st_mode & 0o7777, 0o600, "mode of the record")
            run_ok(["vmunit", "destroy", "chained"])
            # The control: unchanged, it starts again.
            run_ok(["vmunit", "start", "chained"])
            run_ok(["vmunit", "destroy", "chained"])

            run_ok(["qemu-img", "rebase", "-u", "-F", "raw", "-b", f"{IMAGES}/secret.raw", top])
            result = run(["vmunit", "start", "chained"])
            check_equal(result.rc, 1, "start with another chain")
            check_match(rf"backing chain of disk vda changed since the last start \('{IMAGES}/base\.raw' → "
                        rf"'{IMAGES}/secret\.raw'\); if that is wanted, write it into the definition \(<backingStore>\), or remove '{record}'", result.err)
            os.unlink(record)
            run_ok(["vmunit", "start", "chained"])
            run_ok(["vmunit", "destroy", "chained"])
            # An edit that says nothing of the chain changes nothing; one that writes it down is believed.
            run_ok(["qemu-img", "rebase", "-u", "-F", "raw", "-b", f"{IMAGES}/base.raw", top])
            check_equal(run(["vmunit", "start", "chained"]).rc, 1, "start with another chain")
            edit(machine)
            check_equal(run(["vmunit", "start", "chained"]).rc, 1, "start with another chain after an edit")
            machine.xml = machine.xml.replace(f"<source file='{top}'/>", f"<source file='{top}'/><backingStore type='file'>"
                                              f"<format type='raw'/><source file='{IMAGES}/base.raw'/></backingStore>")
            machine.write()
            run_ok(["vmunit", "start", "chained"])
            run_ok(["vmunit", "destroy", "chained"])
            # Nothing is left of a VM that was undefined.
            check(os.path.exists(record), "there is no record")
            run_ok(["vmunit", "undefine", "chained"])
            check(not os.path.exists(record), "there is a record of no VM")


# ---- control groups


@case
def the_group_of_the_root_steps_stays():
    with vm("grouped") as machine:
        machine.start(ready=False)
        uid = os.stat(f"/proc/{machine.qemu()}").st_uid
        group = f"/sys/fs/cgroup{unit_property(machine.unit, 'ControlGroup')}"

        def as_vm(*command):
            return run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *command])

        # The control: the unit's group does belong to the VM.
        check_equal(as_vm("mkdir", f"{group}/mine").rc, 0, "mkdir in the unit's group")
        check_equal(as_vm("rmdir", f"{group}/mine").rc, 0, "rmdir in the unit's group")
        for command in (["rmdir", f"{group}/.control/hold"], ["rmdir", f"{group}/.control"], ["mkdir", f"{group}/.control"],
                        ["mv", f"{group}/.control", f"{group}/other"]):
            check(as_vm(*command).rc != 0, f"{command} succeeded")
        check_equal(os.stat(f"{group}/.control").st_uid, 0, "owner of .control")

        run_ok(["systemctl", "kill", "--kill-whom=main", f"--signal={int(signal.SIGRTMIN) + 14}", machine.unit])
        started = time.monotonic()
        run_ok(["systemctl", "restart", machine.unit])
        check(time.monotonic() - started < 20, "the restart took too long")
        check_equal(machine.state()[0], "running")
        run_ok(["vmunit", "destroy", "grouped"])
        check(not os.path.exists(group), f"{group} is still there")
        nothing_left(machine)
        warnings = [e for e in journal(f"--unit={machine.unit}") if e.get("_PID") == "1" and int(e["PRIORITY"]) <= 4]
        check_equal([e["MESSAGE"] for e in warnings], [], "systemd's warnings about the unit")


# ---- taps


TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB
IFF_TAP, IFF_MULTI_QUEUE, IFF_PERSIST, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x0100, 0x0800, 0x1000, 0x4000


def persist(ifname):
    """Does what QEMU could do with its own descriptor of the tap, by a further queue."""
    with open("/dev/net/tun", "r+b", buffering=0) as f:
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
        fcntl.ioctl(f, TUNSETIFF, struct.pack("16sH22x", ifname.encode(), flags))
        fcntl.ioctl(f, TUNSETPERSIST, 1)


@case
def a_persistent_tap_goes():
    run_ok("ip link add br7 type bridge && ip link set br7 up")
    try:
        devices = "<interface type='bridge'><source bridge='br7'/><model type='virtio'/><driver queues='2'/></interface>"
        with vm("tapped", devices=devices) as machine:
            machine.start(ready=False)
            ports = os.listdir("/sys/class/net/br7/brif")
            check_equal(len(ports), 1, "ports of the bridge")
            persist(ports[0])
            # The control: it would stay.
            with open(f"/sys/class/net/{ports[0]}/tun_flags", encoding="ascii") as f:
                check(int(f.read(), 0) & IFF_PERSIST, "the tap is not persistent")
            run_ok(["vmunit", "destroy", "tapped"])
            check(not os.path.exists(f"/sys/class/net/{ports[0]}"), f"{ports[0]} is still there")
            run_ok(["vmunit", "start", "tapped"])
    finally:
        run_ok("ip link delete br7")


# ---- other users


@case
def others_than_root_are_refused():
    def as_nobody(*words):
        system = ["-c", "qemu:///system"] if words[0] == "vmunit" else []
        return run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", words[0], *system, *words[1:]])

    with vm("owned") as machine:
        machine.start(ready=False)
        # What everybody may know.
        check_match(r"owned +running", as_nobody("vmunit", "list").out)
        for words, text in ((["suspend", "owned"], "only root may control domain 'owned'"),
                            (["shutdown", "owned"], "only root may control domain 'owned'"),
                            (["reset", "owned"], "only root may control domain 'owned'"),
                            (["qemu-monitor-command", "owned", "query-status"], "only root may control domain 'owned'"),
                            (["destroy", "owned"], "cannot stop unit 'vm@owned.service': Permission denied"),
                            (["define", machine.path], "Permission denied")):
            result = as_nobody("vmunit", *words)
            check_equal(result.rc, 1, f"vmunit {' '.join(words)}")
            check_match(text, result.err)
        # Not by the mode of the socket alone: the monitor itself looks at who it is.
        os.chmod(f"{RUNTIME}/owned/control", 0o666)
        call = ["busctl", f"--address=unix:path={RUNTIME}/owned/control", "call", "org.vmunit", "/org/vmunit/Machine1",
                "org.vmunit.Machine1", "GetState"]
        check(as_nobody(*call).rc != 0, "the monitor answers anybody")
        check_match("running", run_ok(call))
        # QEMU's own user is as little wanted as any other, and told so.
        uid = os.stat(f"/proc/{machine.qemu()}").st_uid
        result = run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *call])
        check(result.rc != 0, "the monitor answers QEMU's user")
        os.chmod(f"{RUNTIME}/owned/control", 0o600)
        check_match("Permission denied", run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *call]).err)
        check_equal(machine.state()[0], "running")


@case
def who_may_not_ask_is_not_told_that_nothing_runs():
    def as_user(uid, *words):
        return run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "vmunit", "-c", "qemu:///system", *words])

    with vm("asked") as machine:
        machine.start(ready=False)
        # Without a name the bus lets nobody in; and somebody with a name may find no bus.
        for uid, hidden in ((54321, ""), (65534, "/run/dbus/system_bus_socket")):
            if hidden:
                check_match(r"asked +running", as_user(uid, "list").out)
                os.rename(hidden, hidden + ".away")
            try:
                for words, text in ((["list"], "Failed to list domains"), (["list", "--all"], "Failed to list domains"),
                                    (["domstate", "asked"], "cannot ask systemd for the running domains: "),
                                    (["dominfo", "asked"], "cannot ask systemd for the running domains: ")):
                    result = as_user(uid, *words)
                    check_equal((result.rc, result.out.strip()), (1, ""), f"{words} of {uid}")
                    check_match(text, result.err)
            finally:
                if hidden:
                    os.rename(hidden + ".away", hidden)
        check_equal(machine.state()[0], "running")


@case
def what_is_said_of_a_start_is_text():
    """Reasons come from the journal, where QEMU can write: nothing of it is a command to the terminal of who asked."""
    with vm("loud") as machine:
        machine.write()
        drop_in = f"/run/systemd/system/{machine.unit}.d/90-loud.conf"
        os.makedirs(os.path.dirname(drop_in), exist_ok=True)
        with open(drop_in, "w", encoding="ascii") as f:
            f.write("[Service]\nExecStartPre=/bin/printf 'qemu-system-x86_64: \\033]0;owned\\007\\033[2Jno \\302\\233 \\303\\244\\n'\n"
                    "ExecStartPre=/bin/false\n")
        run_ok(["systemctl", "daemon-reload"])
        try:
            result = run(["vmunit", "start", "loud"])
        finally:
            os.unlink(drop_in)
            run_ok(["systemctl", "daemon-reload"])
        check_equal(result.rc, 1, "status")
        check("error: qemu-system-x86_64: ?]0;owned??[2Jno ?? ä\n" in result.err, f"what is said: {result.err!r}")


# ---- machined


def machines():
    return run_ok(["machinectl", "list", "--no-pager", "--no-legend", "--all"])


@case
def a_machine_of_the_same_name_stays():
    run_ok(["systemd-run", "--quiet", "--unit=other-machine", "sleep", "1000"])
    try:
        leader = unit_property("other-machine.service", "MainPID")
        run_ok(["busctl", "call", "org.freedesktop.machine1", "/org/freedesktop/machine1",
                "org.freedesktop.machine1.Manager", "RegisterMachine", "sayssus", "namesake", "0", "test", "container",
                leader, ""])
        with vm("namesake") as machine:
            machine.start(ready=False)
            check_match("cannot register machine 'namesake'", "\n".join(machine.journal()))
            run_ok(["vmunit", "destroy", "namesake"])
            check_match(r"^namesake +container +test", machines())
    finally:
        run_ok(["systemctl", "stop", "other-machine.service"])
    # The control: without the other one it is known while it runs, and not afterwards.
    with vm("namesake") as machine:
        machine.start(ready=False)
        check_match(r"^namesake +vm +vmunit", machines())
        run_ok(["vmunit", "destroy", "namesake"])
        check("namesake" not in machines(), "machined still knows it")


main()
