# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices as the guest sees them: disks, networks, displays, and the terminal of `vmunit run`."""

import contextlib
import os
import pty
import re
import socket
import subprocess
from xml.etree import ElementTree

from harness import Console, case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from images import IMAGES, MIB, images, raw
from vm import TalkingVm, talking_vm, vm


def disk(path, target, bus, *, kind="disk", driver="", more=""):
    return (f"<disk type='file' device='{kind}'>{driver}<source file='{path}'/>"
            f"<target dev='{target}' bus='{bus}'/>{more}</disk>")


@case
def disks_of_every_bus():
    with images():
        devices = "".join([
            disk(raw("a", 11 * MIB), "vda", "virtio", more="<serial>first</serial>"),
            disk(raw("b", 12 * MIB), "sda", "scsi"),
            disk(raw("c", 13 * MIB), "sdb", "sata"),
            disk(raw("d", 14 * MIB), "vdb", "virtio", more="<readonly/>"),
            disk(raw("e", 15 * MIB), "sdc", "sata", kind="cdrom"),
            "<controller type='scsi' model='virtio-scsi'/>",
        ])
        with talking_vm("disks", devices=devices) as machine:
            machine.start()
            disks = {int(d["size"]) // MIB: d for d in machine.console.table("disks") if int(d["size"])}
            check_equal(sorted(disks), [11, 12, 13, 14, 15], "sizes in MiB")
            check_equal(disks[11]["serial"], "first")
            check_equal([disks[n]["ro"] for n in (11, 12, 13, 14)], ["0", "0", "0", "1"], "read-only")
            machine.console.ask(f"write {disks[11]['name']}")
            machine.console.ask(f"read {disks[11]['name']}")
            status, _ = machine.console.command(f"write {disks[14]['name']}")
            check(status != 0, "a read-only disk was written")
        with open(f"{IMAGES}/a", "rb") as f:
            check(f.read(512).strip(b"\0"), "what the guest wrote is not in the image")


@case
def ide_and_floppy_on_pc():
    with images():
        devices = disk(raw("h", 11 * MIB), "hda", "ide") + disk(raw("f", 1474560), "fda", "fdc", kind="floppy")
        with talking_vm("old", devices=devices, machine="pc") as machine:
            machine.start()
            sizes = [int(d["size"]) for d in machine.console.table("disks")]
            check(11 * MIB in sizes, f"the IDE disk is not among {sizes}")


def places(name):
    """{what: address, or MAC and address} of the devices in the effective definition."""
    devices = ElementTree.fromstring(run_ok(["vmunit", "dumpxml", "--inactive", name])).find("devices")
    found = {}
    for device in devices:
        address = device.find("address")
        if address is None or address.get("type") not in ("pci", "usb"):
            continue
        target, mac, index = device.find("target"), device.find("mac"), device.get("index")
        key = (device.tag, target.get("dev") if target is not None else None, device.get("type"), index)
        found[key] = (mac.get("address") if mac is not None else None, tuple(sorted(address.items())))
    return found


@case
def devices_stay_where_they_were():
    record = "/var/lib/vmunit/stay/places"
    with images():
        first = disk(raw("a", 11 * MIB), "vdb", "virtio") + "<interface type='user'><model type='virtio'/></interface>"
        more = "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"
        with talking_vm("stay", devices=first + more) as machine:
            machine.start()
            before = places("stay")
            info = os.stat(record)
            check_equal((info.st_uid, info.st_mode & 0o7777), (0, 0o644), "owner and mode of the record")
            run_ok(["systemctl", "stop", machine.unit])

            # One disk before the other, one interface less, and an input device.
            machine.xml = machine.xml.replace(first, disk(raw("b", 12 * MIB), "vda", "virtio") +
                                              disk(f"{IMAGES}/a", "vdb", "virtio") + "<input type='tablet' bus='usb'/>")
            machine.write()
            after = places("stay")
            gone = {key for key in before if key[0] == "interface"}
            check_equal({key: after.get(key) for key in before if key not in gone},
                        {key: value for key, value in before.items() if key not in gone}, "addresses")
            check(("disk", "vda", "file", None) in after, "the new disk has no address")
            machine.start()
            check_equal(places("stay"), after, "what was planned is what was started")
            run_ok(["systemctl", "stop", machine.unit])

            # A broken record is no reason not to start.
            with open(record, "w", encoding="utf-8") as f:
                f.write("nonsense")
            machine.start()
            check(any("is not used" in line for line in machine.journal()), "nothing is said of the broken record")
            with open(record, encoding="utf-8") as f:
                check(f.read().startswith("vmunit-places 1\n"), "the record was not written anew")
            run_ok(["systemctl", "stop", machine.unit])
            run_ok(["vmunit", "undefine", "stay"])
            check(not os.path.exists(record), "undefine has left the record")


@case
def qcow2_with_a_backing_file():
    with images():
        base = raw("base.raw", 16 * MIB)
        run_ok(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "base.raw", f"{IMAGES}/top.qcow2"])
        os.chmod(base, 0o400)
        before = os.stat(base).st_mtime_ns
        driver = "<driver name='qemu' type='qcow2'/>"
        with talking_vm("chain", devices=disk(f"{IMAGES}/top.qcow2", "vda", "virtio", driver=driver)) as machine:
            machine.start()
            check_equal([int(d["size"]) for d in machine.console.table("disks") if d["name"] == "vda"], [16 * MIB])
            machine.console.ask("write vda")
            machine.console.ask("read vda")
            # Never writable, whatever QEMU might try.
            modes = {}
            for fd in os.listdir(f"/proc/{machine.qemu()}/fd"):
                with contextlib.suppress(OSError):
                    target = os.readlink(f"/proc/{machine.qemu()}/fd/{fd}")
                    with open(f"/proc/{machine.qemu()}/fdinfo/{fd}", encoding="ascii") as f:
                        flags = int(re.search(r"^flags:\t(\d+)$", f.read(), re.MULTILINE)[1], 8)
                    modes.setdefault(os.path.basename(target), set()).add(flags & os.O_ACCMODE)
            check_equal(modes.get("base.raw"), {os.O_RDONLY}, "how the backing file is open")
        check_equal(os.stat(base).st_mtime_ns, before, "the backing file was changed")


@case
def interface_in_a_bridge():
    run_ok("ip link add br0 type bridge && ip address add 192.0.2.1/24 dev br0 && ip link set br0 up")
    try:
        devices = "<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>"
        with talking_vm("bridged", devices=devices) as machine:
            machine.start()
            check_equal(len(os.listdir("/sys/class/net/br0/brif")), 1, "ports of the bridge")
            nic = machine.console.table("nics")[0]
            check_equal((nic["driver"], nic["mac"][:9]), ("virtio_net", "52:54:00:"))
            machine.console.ask("ping 192.0.2.1 eth0 192.0.2.2/24", timeout=60)
            check_equal(unit_property(machine.unit, "PrivateNetwork"), "yes", "PrivateNetwork")
            run_ok(["vmunit", "destroy", "bridged"])
            check_equal(os.listdir("/sys/class/net/br0/brif"), [], "ports of the bridge after the stop")
    finally:
        run_ok("ip link delete br0")


@case
def missing_bridge():
    devices = "<interface type='bridge'><source bridge='nobridge0'/></interface>"
    with vm("unbridged", devices=devices) as machine:
        machine.write()
        result = run(["vmunit", "start", "unbridged"], timeout=15)
        check_equal(result.rc, 1)
        check_match("bridge 'nobridge0'", result.err)
        check_equal(machine.state()[0], "shut off")


@case
def user_network():
    devices = "<interface type='user'><model type='virtio'/></interface>"
    with talking_vm("slirp", devices=devices) as machine:
        machine.start()
        machine.console.ask("dhcp eth0", timeout=60)
        check_match(r"inet 10\.0\.2\.15/24", "\n".join(machine.console.ask("exec ip address show dev eth0")))


def rfb(address, family):
    """What a VNC server says first."""
    with socket.socket(family) as s:
        s.settimeout(20)
        s.connect(address)
        version = s.recv(12)
        s.sendall(version)
        types = s.recv(16)
        return version, types


@case
def vnc_on_a_port():
    devices = "<graphics type='vnc' port='-1' autoport='yes'/>"
    with vm("screen", devices=devices, cmdline="") as first, vm("screen2", devices=devices, cmdline="") as second:
        first.start(ready=False)
        second.start(ready=False)
        for port in (5900, 5901):
            version, types = rfb(("127.0.0.1", port), socket.AF_INET)
            check_equal(version, b"RFB 003.008\n")
            check_equal(types, b"\x01\x01", "one security type: none")
        check_equal(unit_property(first.unit, "PrivateNetwork"), "yes", "PrivateNetwork")
        out = run_ok(["vmunit", "dumpxml", "screen"])
        check_match(r"<graphics type='vnc'", out)


@case
def vnc_with_a_password():
    with vm("secret", devices="<graphics type='vnc' port='5907' passwd='sesame'/>", cmdline="") as machine:
        machine.start(ready=False)
        _, types = rfb(("127.0.0.1", 5907), socket.AF_INET)
        check_equal(types, b"\x01\x02", "one security type: VNC authentication")
        # The password is in no command line and in no file that others can read.
        with open(f"/proc/{machine.qemu()}/cmdline", "rb") as f:
            check(b"sesame" not in f.read(), "the password is on the command line")
        for name in os.listdir("/run/vmunit/secret"):
            path = f"/run/vmunit/secret/{name}"
            if os.path.isfile(path) and os.stat(path).st_mode & 0o044:
                with open(path, "rb") as f:
                    check(b"sesame" not in f.read(), f"the password can be read in {path}")
        check("sesame" not in run_ok(["vmunit", "dumpxml", "secret"]), "dumpxml shows the password")


@case
def link_that_is_down():
    nic = "<interface type='user'><model type='virtio'/>{}</interface>"
    with talking_vm("unplugged", devices=nic.format("<link state='down'/>") + nic.format("")) as machine:
        machine.start()
        # The other one is the control: when it has its carrier, this one would have it as well.
        answer = machine.console.ask("exec cd /sys/class/net; ip link set eth0 up; ip link set eth1 up; "
                                     "until [ $(cat eth1/carrier) = 1 ]; do usleep 50000; done; cat eth0/carrier")
        check_equal(answer, ["0"], "the carrier")


@case
def dumped_xml_can_be_defined_again():
    """The effective XML of a running machine is a definition of the same machine."""
    devices = "<graphics type='vnc'/><video><model type='vga'/></video><interface type='user'/><rng model='virtio'>" \
              "<backend model='random'>/dev/urandom</backend></rng>"
    with vm("again", devices=devices, cmdline="") as machine:
        machine.start(ready=False)
        dumped = run_ok(["vmunit", "dumpxml", "--inactive", "again"])
        argv = run_ok(["vmunit", "domxml-to-native", "qemu-argv", "--domain", "again"])
        with open("/tmp/again.xml", "w", encoding="utf-8") as f:
            f.write(dumped)
        check_equal(run_ok(["vmunit", "domxml-to-native", "qemu-argv", "--xml", "/tmp/again.xml"]), argv, "the arguments")


# ---- run


def run_in_terminal(name, before=""):
    """`vmunit run` of a machine whose guest is then told to power off; returns what the terminal showed."""
    machine = TalkingVm(name)
    path = f"/tmp/{name}.xml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(machine.xml)
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("sh", ["sh", "-c", f"{before} exec vmunit run {path}"])
    terminal = Console(fd)
    try:
        terminal.expect_ready()
        terminal.send("poweroff")
        done = []
        wait_for(lambda: done or done.extend(filter(lambda r: r[0] == pid, [os.waitpid(pid, os.WNOHANG)])) or done, 60,
                 "vmunit run to end")
        check_equal(os.waitstatus_to_exitcode(done[0][1]), 0, "the exit status")
        return terminal.text
    finally:
        terminal.close()


@case
def run_with_systemd():
    text = run_in_terminal("ephemeral")
    check("notice:" not in text, f"a notice: {text!r}")
    check_equal(run(["vmunit", "domstate", "ephemeral"]).rc, 1, "it is gone")


@case
def run_without_systemd():
    # What tells a program that systemd is PID 1 is that directory (sd_booted(3)).
    text = run_in_terminal("direct", "exec 2>&1; unshare --mount sh -c "
                           "'mount -t tmpfs tmpfs /run/systemd; exec vmunit run /tmp/direct.xml'; exit $?;")
    check_match(r"systemd does not run here", text)
    check_match(r"lacks protections", text)


@case
def run_without_a_console_ends_at_a_signal():
    machine = TalkingVm("mute")
    with open("/tmp/mute.xml", "w", encoding="utf-8") as f:
        f.write(machine.xml.replace("<serial type='pty'/>", ""))
    process = subprocess.Popen(["vmunit", "run", "/tmp/mute.xml"], stdout=subprocess.PIPE, text=True)
    check_equal(process.stdout.readline(), "Domain 'mute' has no console; ^C ends it\n")
    check_equal(run_ok(["vmunit", "domstate", "mute"]).strip(), "running")
    process.terminate()
    process.communicate(timeout=20)
    check_equal(run(["vmunit", "domstate", "mute"]).rc, 1, "it is gone")

# ---- what the filters of system calls leave


def filters(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"^Seccomp_filters:\s+(\d+)", f.read(), re.MULTILINE)[1])


def rings(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return sum(link == "anon_inode:[io_uring]" for link in links)


@case(timeout=300)
def every_way_of_input_and_output_behind_the_filters():
    """QEMU has the unit's filters, the supervisor's and its own, the last of which is installed from behind the others; and
    works. Only the one that asks for io_uring has it."""
    path = "/var/lib/test-filters.img"
    with open(path, "wb") as f:
        f.truncate(4 * MIB)
    try:
        for io in ("threads", "native", "io_uring"):
            disk_xml = (f"<disk type='file'><driver name='qemu' type='raw' io='{io}' cache='none'/><source file='{path}'/>"
                        "<target dev='vda' bus='virtio'/></disk><interface type='user'><model type='virtio'/></interface>")
            with talking_vm("filtered", devices=disk_xml) as machine:
                machine.start()
                machine.console.ask("exec dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct")
                own = filters(machine.supervisor())
                check_equal((filters(machine.qemu()) - own, filters(machine.monitor()) - own), (2, 1),
                            "filters of QEMU and monitor above the supervisor's")
                check_equal(rings(machine.qemu()) > 0, io == "io_uring", f"rings of io='{io}'")
    finally:
        os.unlink(path)


if __name__ == "__main__":
    main()
