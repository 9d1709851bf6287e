# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the host that a guest is given: keyboards by their events, USB by what a device is and by where it is. The machine
that stands for the host has two sticks and a tablet (host/boot), and keyboards that are made up here (uinput)."""

import contextlib
import fcntl
import glob
import os
import struct

from access_lists import has_list
from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from vm import nothing_left, talking_vm

SLOW = 600  # seconds: an emulated host that emulates virtualization


@contextlib.contextmanager
def guest(name, devices, **keywords):
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    with talking_vm(name, type="kvm", agent=False, devices=devices, **keywords) as machine:
        machine.xml = machine.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
        machine.answers = lambda: wait_for(machine._answers, SLOW / 2, f"{name} to answer")
        yield machine


def start(machine):
    machine.write()
    run_ok(["vmunit", "start", machine.name], timeout=180)
    machine.connect()


def refused(machine, pattern):
    machine.write()
    result = run(["vmunit", "start", machine.name])
    check_equal(result.rc, 1, "exit status of start")
    check_match(pattern, result.err, "what start says")


# ---- keyboards


UI_DEV_CREATE, UI_DEV_DESTROY, UI_SET_EVBIT, UI_SET_KEYBIT, UI_DEV_SETUP = 0x5501, 0x5502, 0x40045564, 0x40045565, 0x405c5503
EV_SYN, EV_KEY, KEYS = 0, 1, range(1, 84)


class Keyboard:
    """One that is made up. `path`: where its events are."""

    def __init__(self, name):
        run_ok("modprobe uinput; modprobe evdev")
        self.fd = os.open("/dev/uinput", os.O_WRONLY | os.O_CLOEXEC)
        fcntl.ioctl(self.fd, UI_SET_EVBIT, EV_KEY)
        for key in KEYS:
            fcntl.ioctl(self.fd, UI_SET_KEYBIT, key)
        fcntl.ioctl(self.fd, UI_DEV_SETUP, struct.pack("<4H80sI", 3, 0x1234, 0x5678, 1, name.encode(), 0))
        fcntl.ioctl(self.fd, UI_DEV_CREATE)
        self.path = wait_for(lambda: self.find(name), 20, "the device of a made-up keyboard")

    @staticmethod
    def find(name):
        for file in glob.glob("/sys/class/input/event*/device/name"):
            with open(file, encoding="utf-8") as f:
                path = f"/dev/input/{file.split('/')[4]}"
                if f.read().strip() == name and os.path.exists(path):
                    return path
        return None

    def press(self, key):
        for value in (1, 0):
            for kind, code, number in ((EV_KEY, key, value), (EV_SYN, 0, 0)):
                os.write(self.fd, struct.pack("<qqHHi", 0, 0, kind, code, number))

    def close(self):
        os.close(self.fd)


def hears(machine, name, keyboard, key):
    """The guest's device NAME says that KEY is pressed when the host's is."""
    machine.console.ask("exec modprobe -q evdev; for e in /sys/class/input/event*; do "
                        f"grep -q '{name}' $e/device/name && echo ${{e##*/}} >/run/which; done; cat /run/which", 60)
    machine.console.ask("exec (while dd if=/dev/input/$(cat /run/which) bs=24 count=4 2>/dev/null | hexdump -v -e '24/1 \"%02x \" \"\\n\"'; "
                        "do :; done >/run/keys) </dev/null & true", 60)
    wanted = f"01 00 {key:02x} 00 01 00 00 00"

    def heard():
        keyboard.press(key)
        return wanted in "\n".join(machine.console.ask("cat /run/keys", 60))
    wait_for(heard, 60, f"key {key} of {keyboard.path} to be heard as '{name}'")


@case(timeout=SLOW)
def keys_of_the_host():
    """One keyboard as a device of its own, another by the keyboard that the guest has anyway."""
    one, two = Keyboard("vmunit one"), Keyboard("vmunit two")
    try:
        with guest("typed", f"<input type='passthrough' bus='virtio'><source evdev='{one.path}'/></input>"
                   f"<input type='evdev'><source dev='{two.path}' grab='all' repeat='on'/></input>") as machine:
            start(machine)
            check(has_list(one.path) and has_list(two.path), "the machine's user may not open the devices, and yet he did")
            hears(machine, "vmunit one", one, 30)
            hears(machine, "AT Translated", two, 48)
            run_ok(["systemctl", "stop", machine.unit])
            check(not has_list(one.path) and not has_list(two.path), "the user that was may still read keys")
            nothing_left(machine)
            refused(machine_without(machine, one.path), r"cannot open '/dev/input/event999' for input input0: .*does not exist")
    finally:
        one.close()
        two.close()


def machine_without(machine, path):
    machine.xml = machine.xml.replace(path, "/dev/input/event999")
    return machine


# ---- USB


def sticks():
    """{serial: (bus, device)} of the host."""
    found = {}
    for file in glob.glob("/sys/bus/usb/devices/*/serial"):
        with open(file, encoding="utf-8") as f:
            serial, directory = f.read().strip(), os.path.dirname(file)
        if serial in ("first", "second"):
            found[serial] = tuple(int(open(f"{directory}/{n}", encoding="ascii").read()) for n in ("busnum", "devnum"))
    return found


def usb(inside, attributes=""):
    return f"<hostdev mode='subsystem' type='usb' managed='yes'><source{attributes}>{inside}</source></hostdev>"


def at(place):
    return f"<address bus='{place[0]}' device='{place[1]}'/>"


STICK, TABLET = "<vendor id='0x46f4'/><product id='0x0001'/>", "<vendor id='0x0627'/><product id='0x0001'/>"


@case(timeout=SLOW)
def a_stick_by_its_place_and_a_tablet_by_what_it_is():
    places = wait_for(lambda: len(s := sticks()) == 2 and s, 30, "the host's sticks")
    node = "/dev/bus/usb/%03d/%03d" % places["second"]
    with guest("given", "<controller type='usb' model='qemu-xhci'/>" + usb(at(places["second"])) + usb(TABLET)) as machine:
        start(machine)
        disks = wait_for(lambda: [d for d in machine.console.table("disks", 60) if d["name"].startswith("sd")], 120, "a disk of the guest's")
        check_equal([int(d["size"]) for d in disks], [16 << 20])
        names = machine.console.ask("exec cat /sys/bus/usb/devices/*/product /sys/bus/usb/devices/*/serial", 60)
        check("QEMU USB Tablet" in names and "second" in names and "first" not in names, f"the guest has {names}")
        machine.console.ask(f"write {disks[0]['name']} given", 60)
        check_equal(machine.console.ask(f"read {disks[0]['name']}", 60), ["pattern word=given"])
        with guest("other", usb(at(places["second"]))) as other:
            refused(other, rf"cannot open '{node}' for hostdev hostdev0: another VM has it")
        live = run_ok(["vmunit", "dumpxml", "given"])
        check_equal(live.count("<address bus="), 2, "places in what runs")
        run_ok(["systemctl", "stop", machine.unit])
        nothing_left(machine)
    # The host has it back, with what the guest wrote.
    def back():
        for device in glob.glob("/sys/block/sd*"):
            with open(f"/dev/{os.path.basename(device)}", "rb") as f:
                if b"pattern given" in f.read(512):
                    return True
        return False
    wait_for(back, 60, "the host to have its stick back")


@case(timeout=SLOW)
def usb_that_is_not_there():
    wait_for(lambda: len(sticks()) == 2, 30, "the host's sticks")
    with guest("lacking", usb(STICK)) as machine:
        machine.without_guest()
        refused(machine, r"Multiple USB devices for 46f4:0001, use <address> to specify one")
        machine.xml = machine.xml.replace("0x46f4", "0xdead")
        refused(machine, r"Did not find USB device dead:0001")
        machine.xml = machine.xml.replace("<source><vendor", "<source startupPolicy='optional'><vendor")
        machine.write()
        run_ok(["vmunit", "start", machine.name], timeout=180)
        check("USB device dead:0001 is not there" in "\n".join(machine.journal()), "no word of what is missing")
        check("<hostdev" not in run_ok(["vmunit", "dumpxml", "lacking"]), "what is missing is described as there")


main()
