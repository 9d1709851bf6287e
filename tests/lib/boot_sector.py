# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines for a host that is emulated itself: their guest is 512 bytes, and is there at once."""

import contextlib
import os
import re
import signal

from harness import run, wait_for, wait_for_exit
from vm import Vm

# A guest of 512 bytes for machines whose processor is emulated by an emulated one. It says that it is ready, then ticks, and
# turns itself off when its power button is pressed (ACPI's registers of q35: status at 0x600, what counts
# of it at 0x602, control at 0x604).
BOOT_SECTOR = (bytes.fromhex("fa31c08ed8fcba0206b80001efbe4b7ce82000be617ce81a00b960eaba0006edf6c4017504e2f5ebeaba0406"
                             "b80020eff4ebf6ac84c0741288c4bafd03eca82074fbbaf80388e0eeebe9c3")
               + b"\nvmunit-guest: ready\n\0vmunit-guest: tick\n\0").ljust(510, b"\0") + b"\x55\xaa"
IMAGE = "/var/lib/test-images/tcg.img"
DISK = f"""<disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{IMAGE}'/><target dev='vda' bus='virtio'/>
    </disk>"""


def without_kvm(name, devices="", **keywords):
    """A machine that boots the sector from a disk."""
    os.makedirs(os.path.dirname(IMAGE), exist_ok=True)
    with open(IMAGE, "wb") as f:
        f.write(BOOT_SECTOR.ljust(1 << 20, b"\0"))
    machine = Vm(name, agent=False, devices=DISK + devices, **keywords)
    machine.xml = re.sub(r"<(kernel|initrd|cmdline)>.*?</\1>\s*", "", machine.xml)
    return machine


@contextlib.contextmanager
def gone_afterwards(machine):
    try:
        yield machine
    finally:
        machine.remove()


def ticks_go_on(machine, timeout):
    machine.serial.expect(r"^vmunit-guest: tick\n", timeout, position=len(machine.serial.text))


def replace_monitor(machine):
    old = machine.monitor()
    os.kill(old, signal.SIGKILL)
    wait_for_exit(old)
    wait_for(lambda: machine.monitor() not in (None, old), 60, "another monitor")
    wait_for(lambda: run(["vmunit", "domstate", machine.name]).out.strip() == "running", 60, "the monitor to answer")
