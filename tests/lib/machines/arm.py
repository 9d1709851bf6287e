# SPDX-License-Identifier: LGPL-2.1-or-later
"""What only Arm machines have. Their kernel is started without firmware, from a tree of devices."""

import re
import struct

from harness import check
from machines import Kind, Machine
from machines.buses import groups
from vm import GUEST


def virt(xml):
    """The definition of the tests' guest, for the other processor."""
    for old, new in (("arch='x86_64'", "arch='aarch64'"), ("console=ttyS0", "console=ttyAMA0"), ("<acpi/><apic/>", "<gic version='3'/>"),
                     (f"{GUEST}/vmlinux", f"{GUEST}/arm64/vmlinuz"), (f"{GUEST}/initrd", f"{GUEST}/arm64/initrd"),
                     ("<cpu mode='maximum'/>", "<cpu mode='custom'><model>cortex-a57</model></cpu>"),
                     ("<serial type='pty'/>", "<serial type='pty'><target type='system-serial' port='0'/></serial>")):
        check(old in xml, f"the definition has no {old}")
        xml = xml.replace(old, new, 1)
    return xml


def tpm(run):
    """Debian's kernel for this processor has no driver of it: the tree of devices tells where it is, and what it is it says itself."""
    node = run.sh("ls -d /sys/firmware/devicetree/base/platform-bus@*/tpm*")
    bus = int(re.search(r"platform-bus@([0-9a-f]+)/", node)[1], 16)
    offset, _ = struct.unpack(">II", bytes.fromhex(run.sh(f"od -An -v -tx1 {node}/reg")))
    identity = int(run.sh(f"devmem {bus + offset + 0xf00:#x} 32"), 16)
    return f"{run.sh(f'cat {node}/compatible; echo')} at {bus + offset:#x}: vendor 0x{identity & 0xffff:04x}, device 0x{identity >> 16:04x}".replace("\0", "")


MACHINES = [
    Machine("arm", [
        Kind("serial-system", "", "exec echo $(uname -m) $(cat /run/console)", "^aarch64 /dev/ttyAMA0$", alias=["char/target@type=system-serial"]),
        Kind("iommu-smmuv3", "<iommu model='smmuv3'/><rng model='virtio'><backend model='builtin'/></rng>", groups, r"smmu3\.\S+: [1-9]\d* groups"),
        Kind("tpm-tis-device", "<tpm model='tpm-tis-device'><backend type='emulator' version='2.0'/></tpm>",
             tpm, "tcg,tpm-tis-mmio at 0xc000000: vendor 0x1014, device 0x0001"),
    ], edit=virt, machine="virt", agent=False, boots=240),
]
