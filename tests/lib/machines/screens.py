# SPDX-License-Identifier: LGPL-2.1-or-later
"""Screens and what is in front of them: adapters, VNC and SPICE, keyboards and mice; sound. Pictures are kept as PNG among the
results of the run."""

import os
import re
import socket

from dbus_peer import DbusPeer
from harness import check, check_equal, check_match, run_ok, wait_for
from machines import Kind, Machine
from machines.buses import port, products
from machines.ports import converses
from machines.small import fires, virtio_port
from rfb import Rfb
from spice import Spice
from vm import talking_vm

RESULTS = os.path.join(os.environ.get("VMUNIT_RESULTS", "/tmp"), "pictures")
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
VNC = "<graphics type='vnc'><listen type='socket' socket='/run/vmunit/@NAME@/vnc.sock'/></graphics>"


def keep(name, picture):
    os.makedirs(RESULTS, exist_ok=True)
    picture.write(f"{RESULTS}/{name}.png")


def look(*where):
    with Rfb(*where) as client:
        client.login()
        return client.picture()


def draws(run, fb, *where):
    """The guest paints the upper half of its screen white and the rest black, and that is what a viewer sees."""
    name = run.sh(f"cat /sys/class/graphics/{fb}/name; cat /sys/class/graphics/{fb}/virtual_size /sys/class/graphics/{fb}/stride").split()
    half = int(name[1].split(",")[1]) // 2 * int(name[2])
    run.sh("echo 0 >/sys/class/vtconsole/vtcon1/bind || true")
    run.sh(f"(head -c {half} /dev/zero | tr '\\0' '\\377'; head -c {half} /dev/zero) >/dev/{fb}")

    def painted():
        picture = look(*where)
        keep(run.spec.name, picture)
        return picture.share(WHITE, 0, 0.45) > 0.98 and picture.share(BLACK, 0.55, 1) > 0.9 and picture
    picture = wait_for(painted, 30, "the picture that the guest has painted", interval=0.5)
    return f"{fb} {name[0]} {name[1]}: white over black, seen by VNC in {picture.width}x{picture.height}"


def adapter(ids):
    """The adapter of that PCI id has its driver, and shows what the guest paints."""
    def ask(run):
        pci = [row for row in run.table("pci") if row["id"] == ids]
        check(len(pci) == 1, f"the guest has {len(pci)} adapters {ids}")
        fb = run.sh(f"ls /sys/bus/pci/devices/{pci[0]['address']}/graphics /sys/bus/pci/devices/{pci[0]['address']}/virtio*/graphics 2>/dev/null; true")
        match = check_match(r"^fb\d$", fb, "frame buffers of the adapter")
        return f"{ids} driver={pci[0]['driver']}, {draws(run, match[0], f'/run/vmunit/{run.spec.name}/vnc.sock')}"
    return ask


def screen(model, ids, says, more=(), **keywords):
    return Machine(f"video-{model}", [
        Kind(f"video-{model}-primary", VNC + f"<video><model type='{model}'/></video>", adapter(ids), says),
        *more], **keywords)


def ports_ascend(run):
    """Each has a port of its own, from 5900 up, and a viewer there sees this guest and no other."""
    with talking_vm("vnc-second", devices="<graphics type='vnc' port='-1' autoport='yes'/><video><model type='vga'/></video>") as other:
        other.start()
        ports = [run_ok(["vmunit", "vncdisplay", name]).strip() for name in (run.spec.name, "vnc-second")]
        check_equal(ports, ["127.0.0.1:0", "127.0.0.1:1"], "displays")
        other.console.ask("exec tr '\\0' '\\377' </dev/zero >/dev/fb0 2>/dev/null; true")
        wait_for(lambda: look("127.0.0.1", 5901).share(WHITE, 0, 1) > 0.95, 30, "the other guest's picture", interval=0.5)
    return f"{draws(run, 'fb0', '127.0.0.1', 5900)} at port 5900; the other guest's at 5901"


def keys(run):
    """What is typed at the viewer is what the guest reads."""
    device = run.sh("for d in /sys/class/input/event*; do [ \"$(cat $d/device/name)\" != 'QEMU QEMU USB Keyboard' ] || echo ${d##*/}; done")
    check_match(r"^event\d+$", device, "the keyboard")
    run.console.send(f"exec dd if=/dev/input/{device} bs=24 count=2 2>/dev/null | hexdump -v -e '24/1 \"%02x\" \"\\n\"'")
    with Rfb("127.0.0.1", 5900) as client:
        client.login()
        client.picture()
        for _ in range(3):
            client.key(ord("a"))
        run.console.expect(r"^vmunit-guest: done exec 0$", 30)
    match = check_match(r"^[0-9a-f]{32}01001e0001000000$", run.console.text[-400:], "the key's event")
    return f"{device}: EV_KEY KEY_A pressed ({match[0][32:]})"


def screenshot(run):
    """By the monitor instead of a viewer: the same picture."""
    path = f"{RESULTS}/screenshot"
    os.makedirs(RESULTS, exist_ok=True)
    draws(run, "fb0", "127.0.0.1", 5900)
    said = run_ok(["vmunit", "screenshot", run.machine.name, path]).strip()
    with open(path, "rb") as f:
        head = f.read(16)
    os.rename(path, path + (".png" if head.startswith(b"\x89PNG") else ".ppm"))
    check(head[:2] == b"P6" or head.startswith(b"\x89PNG"), f"the file begins with {head!r}")
    return f"{run.sh('cat /sys/class/graphics/fb0/virtual_size')}; {said}"


def spice(run):
    with Spice(f"/run/vmunit/{run.spec.name}/spice.sock") as client:
        session = client.login()
    size = run.sh("cat /sys/class/graphics/fb0/name /sys/class/graphics/fb0/virtual_size")
    return f"{size}; a viewer has session {session:#x}"


def through_dbus(run):
    """A display by D-Bus has the ends of channels as well: one is asked to be this socket."""
    ours, theirs = socket.socketpair()
    with ours, DbusPeer(f"/run/vmunit/{run.spec.name}/dbus.sock") as peer:
        with theirs:
            peer.call("/org/qemu/Display1/Chardev_charchannel1", "org.qemu.Display1.Chardev", "Register", theirs.fileno())
        ours.settimeout(30)
        return converses(run, virtio_port(run, "org.vmunit.dbus"), ours.recv, ours.sendall)


def devices(*names):
    """They are all among the guest's input devices."""
    def ask(run):
        have = [row.removeprefix("input name=") for row in run.sh(
            "grep -h . /sys/class/input/input*/name").splitlines()]
        missing = [name for name in names if name not in have]
        check(not missing, f"the guest lacks {missing}, it has {have}")
        return ", ".join(names)
    return ask


def old_ports(run):
    """The mouse itself takes long to be probed; the port that it is at is there."""
    ports = run.sh("cat /sys/bus/serio/devices/*/description")
    return f"{devices('AT Translated Set 2 keyboard')(run)}; {ports}"


def card(name):
    """The guest's list of cards, as soon as this one is there."""
    def ask(run):
        return wait_for(lambda: re.search(name, text := run.sh("cat /proc/asound/cards")) and text, 30, f"the card {name}", interval=0.5)
    return ask, name


def dsp(run):
    """Reset, then ask the port: a sound processor says 0xaa."""
    run.sh("p() { printf \"\\\\$1\" | dd of=/dev/port bs=1 seek=550 2>/dev/null; }; p 1; usleep 10000; p 0; usleep 10000")
    return "port 0x22a: " + run.sh("dd if=/dev/port bs=1 skip=554 count=1 2>/dev/null | hexdump -e '1/1 \"%02x\\n\"'")


def ide(model):
    """A PC has one, whatever it is called, as with libvirt."""
    return f"<controller type='ide' index='0' model='{model}'/>", "pci", "id=8086:7010 .*driver=ata_piix"


# --- USB

USB = {"piix3-uhci": "8086:7020", "piix4-uhci": "8086:7112", "ehci": "8086:24cd", "pci-ohci": "106b:003f", "nec-xhci": "1033:0194", "qemu-xhci": "1b36:000d", "ich9-ehci1": "8086:293a"}
COMPANIONS = {"ich9-uhci1": ("8086:2934", 0), "ich9-uhci2": ("8086:2935", 2), "ich9-uhci3": ("8086:2936", 4)}


def behind(ids, product=None):
    """The controller's root hub, and what is plugged into it."""
    def ask(run):
        text = run.sh(f"for d in /sys/bus/usb/devices/usb*; do c=$(readlink -f $d/..); "
                      f"[ \"$(cat $c/vendor $c/device | tr '\\n' :)\" = {':'.join('0x' + i for i in ids.split(':'))}: ] || continue; "
                      "for p in $d/product $d/[0-9]*/product; do [ ! -e $p ] || cat $p; done; done")
        check(text, f"the guest has no USB controller {ids}")
        if product:
            check_match(f"^{product}$", text, f"what is plugged into {ids}")
        return f"{ids}: {text}"
    return ask


def usb(index, model):
    return Kind(f"usb-{model}", f"<controller type='usb' index='{index}' model='{model}'/>"
                f"<input type='tablet' bus='usb'><address type='usb' bus='{index}' port='1'/></input>", behind(USB[model], "QEMU USB Tablet"))


def companion(index, model):
    ids, first = COMPANIONS[model]
    return Kind(f"usb-{model}", f"<controller type='usb' index='{index}' model='{model}'><master startport='{first}'/></controller>", behind(ids))


MODELS = ("piix3-uhci", "piix4-uhci", "ehci", "pci-ohci", "nec-xhci", "qemu-xhci", "ich9-ehci1")

MACHINES = [
    Machine("vnc", [
        Kind("vnc-ports-ascend", "<graphics type='vnc' port='-1' autoport='yes'><listen type='address' address='127.0.0.1'/></graphics>"
             "<video><model type='vga'/></video>", ports_ascend, "at port 5900"),
        Kind("vnc-keyboard", "<input type='keyboard' bus='usb'/>", keys, "KEY_A"),
        Kind("screenshot", "", screenshot, "screenshot|Screenshot"),
    ], alone=True),
    screen("vga", "1234:1111", "white over black", machine="pc"),
    screen("cirrus", "1013:00b8", "white over black", machine="pc", more=[
        Kind("video-qxl-second", "<video><model type='qxl'/></video>", "pci", r"id=1b36:0100 class=0380.* driver=qxl"),
        Kind("video-virtio-second", "<video><model type='virtio'/></video>", "pci", r"id=1af4:1050 .*driver=virtio-pci"),
    ]),
    screen("bochs", "1234:1111", "white over black", more=[
        Kind("input-virtio", "<input type='tablet' bus='virtio'/><input type='mouse' bus='virtio' model='virtio'/><input type='keyboard' bus='virtio'/>",
             devices("QEMU Virtio Tablet", "QEMU Virtio Mouse", "QEMU Virtio Keyboard")),
        Kind("input-usb", "<input type='tablet' bus='usb'/><input type='mouse' bus='usb'/><input type='keyboard' bus='usb'/>",
             devices("QEMU QEMU USB Tablet", "QEMU QEMU USB Mouse", "QEMU QEMU USB Keyboard")),
        Kind("input-ps2", "<input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/>", old_ports, "i8042 KBD port|i8042 AUX port"),
    ]),
    screen("virtio", "1af4:1050", "white over black"),
    screen("default", "1013:00b8", "white over black"),
    Machine("video-qxl", [
        Kind("video-qxl-primary", VNC + "<video><model type='qxl'/></video>", "exec cat /sys/class/graphics/fb0/name", "qxl"),
    ]),
    Machine("spice", [
        Kind("spice", "<graphics type='spice'><listen type='socket'/></graphics>", spice, "a viewer has"),
        port("spicevmc", "com.redhat.spice.0"),
        port("spiceport", "org.vmunit.port"),
        port("vdagent", "org.vmunit.vdagent"),
        port("udp", "org.vmunit.udp"),
        Kind("smartcard-passthrough", "<controller type='ccid' index='0'/><smartcard mode='passthrough' type='spicevmc'/>", products, "CCID"),
        Kind("redirdev-spicevmc", "<redirdev bus='usb' type='spicevmc'/><redirfilter><usbdev allow='no'/></redirfilter>", products, "."),
        Kind("audio-spice", "<audio id='1' type='spice'/><sound model='ich9'/>", "pci", r"id=8086:293e .*driver=snd_hda_intel"),
    ]),
    Machine("video-ramfb", [
        Kind("video-ramfb", VNC + "<video><model type='ramfb'/></video>", "exec ls -1 /sys/firmware/qemu_fw_cfg/by_name/etc", "^ramfb$"),
        Kind("channel-dbus", "<graphics type='dbus' p2p='yes'/><channel type='dbus'><source channel='org.vmunit.dbus'/>"
             "<target type='virtio' name='org.vmunit.dbus'/></channel>", through_dbus, "from the host"),
    ]),
    Machine("video-others", [
        Kind("video-vmvga", "<graphics type='vnc'><listen type='none'/></graphics><video><model type='vmvga'/></video>", "pci", "id=15ad:0405 class=030000"),
    ], machine="pc"),
    Machine("video-none", [
        Kind("video-none", "<video><model type='none'/></video>", lambda run: f"adapters: {len([r for r in run.table('pci') if r['class'].startswith('03')])}",
             "adapters: 0"),
        Kind("usb-none", "<controller type='usb' model='none'/>", lambda run: f"USB controllers: {len([r for r in run.table('pci') if r['class'].startswith('0c03')])}, "
             f"buses: {run.sh('ls /sys/bus/usb/devices 2>/dev/null | wc -l')}", "controllers: 0, buses: 0"),
    ]),
    Machine("usb", [
        *(usb(index, model) for index, model in enumerate(MODELS)),
        *(companion(len(MODELS) - 1, model) for model in COMPANIONS),
        Kind("ide-ich6", *ide("ich6")),
        Kind("usb-hub", "<hub type='usb'><address type='usb' bus='0' port='2'/></hub>", behind(USB["piix3-uhci"], "QEMU USB Hub")),
    ], machine="pc", boots=180),
    Machine("sounds", [
        Kind("sound-ac97", "<audio id='1' type='none'/><sound model='ac97'/>", *card("AC'97|ICH")),
        Kind("sound-es1370", "<sound model='es1370'/>", *card("ES137|ENS137|Ensoniq")),
        Kind("sound-ich6", "<sound model='ich6'/>", "pci", r"id=8086:2668 .*driver=snd_hda_intel"),
        Kind("sound-ich9", "<sound model='ich9'/>", "pci", r"id=8086:293e .*driver=snd_hda_intel"),
        Kind("sound-usb", "<sound model='usb'/>", *card("USB")),
        Kind("sound-sb16", "<sound model='sb16'/>", dsp, "port 0x22a: aa"),
        Kind("ide-piix4", *ide("piix4")),
        Kind("sound-pcspk", "<sound model='pcspk'/>", "exec modprobe pcspkr; cat /sys/class/input/input*/name", "PC Speaker"),
        Kind("memballoon-none", "<memballoon model='none'/>", lambda run: "balloons: " + run.sh("ls /sys/bus/virtio/drivers/virtio_balloon 2>/dev/null | grep -c ^virtio; true"),
             "balloons: 0"),
        Kind("watchdog-ib700", "<watchdog model='ib700' action='reset'/>", fires("IB700", "ib700wdt")),
    ], machine="pc"),
]
