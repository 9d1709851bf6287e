# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines of the benchmark: as small as a machine with a disk and a screen can be."""

import os

# A guest of 512 bytes, which sleeps, and wakes up with the timer to see whether its power button was pressed; then it turns itself
# off (ACPI's registers of q35: status at 0x600, what counts of it at 0x602, control at 0x604).
#         sti; out 0x602, 0x100       sleep: hlt; in 0x600; button?             out 0x604, 0x2000   hlt forever
SECTOR = (bytes.fromhex("fb ba0206 b80001 ef" "f4 ba0006 ed f6c401 74f6" "ba0406 b80020 ef" "f4 ebfd").ljust(510, b"\0") + b"\x55\xaa")
IMAGES = "/var/lib/test-images"
DEFINITIONS = "/etc/vm"
DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{image}'/><target dev='vda' bus='virtio'/>
    </disk>
    <graphics type='vnc' port='-1' autoport='yes'/>
  </devices>
</domain>
"""


def name_of(i):
    return f"bench{i}"


def image_of(name, suffix=""):
    """Its disk, which is made if need be."""
    os.makedirs(IMAGES, exist_ok=True)
    path = f"{IMAGES}/{name}{suffix}.img"
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(SECTOR)
            f.truncate(1 << 20)
    return path


def xml_of(name, suffix=""):
    return DOMAIN.format(name=name, image=image_of(name, suffix))


def define(n, directory=DEFINITIONS, suffix=""):
    """Writes the first n machines' definitions; their names. With another suffix they have other disks."""
    os.makedirs(directory, exist_ok=True)
    names = [name_of(i) for i in range(n)]
    for name in names:
        with open(f"{directory}/{name}.xml", "w", encoding="utf-8") as f:
            f.write(xml_of(name, suffix))
    return names
