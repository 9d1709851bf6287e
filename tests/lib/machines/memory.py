# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory: what the guest has of it at the start, what it gets as modules, and what it may be asked to give back."""

import os
import re

from harness import check_match, wait_for
from machines import Kind, Machine

CELL = ("<maxMemory slots='8' unit='MiB'>2048</maxMemory><cpu mode='maximum'><numa><cell id='0' cpus='0' memory='256' unit='MiB'/>"
        "</numa></cpu>")


def with_a_node(xml):
    """With a NUMA node, without which there are no modules."""
    return xml.replace("<cpu mode='maximum'/>", "").replace("  <devices>", f"  {CELL}\n  <devices>", 1)


def total(run):
    return int(run.console.table("memory")[0]["total"])


def ballooned(run):
    """Without anybody asking: the machine has 384 MiB, and says that it wants to go on with 256."""
    before = 384 * 1024
    now = wait_for(lambda: (n := total(run)) < 256 * 1024 and n, 60, "the balloon to be blown up", interval=1)
    return f"memory total={now} KiB of {before}"


def shared_file(run):
    """What the guest has is a file that others may map."""
    with open(f"/proc/{run.machine.qemu()}/maps", encoding="ascii") as f:
        match = check_match(r" (rw-s) .* (/memfd:memory-backend-memfd\S*)", f.read(), "QEMU's mappings")
    return f"memory total={total(run)} KiB, in {match[2]}, {match[1]}"


def balloon_of(ids):
    return "pci", rf"^pci .*id={ids} .*driver=virtio-pci"


def blocks(run):
    """What the machine's memory blocks come to, in MiB."""
    return int(run.console.table("memory")[0]["online"]) >> 20


def dimm(run):
    """The firmware tells of it at the start: memory beyond the 256 MiB that are there without."""
    found = run.sh("cat /sys/bus/acpi/devices/PNP0C80*/path")
    return f"memory online={blocks(run)} MiB; {found}"


def virtio_mem(run):
    device = run.sh("ls -d /sys/bus/virtio/drivers/virtio_mem/virtio*")
    text = run.sh("cat /proc/iomem")
    match = check_match(r"\S+ : (virtio\d+)\n +\S+ : System RAM \(virtio_mem\)", text, "/proc/iomem")
    first, last = (int(x, 16) for x in re.search(r"([0-9a-f]+)-([0-9a-f]+) : System RAM \(virtio_mem\)", text).groups())
    return f"{os.path.basename(device)}: {match[1]} has System RAM (virtio_mem), {(last - first + 1) >> 20} MiB or more"


MACHINES = [
    Machine("balloon", [
        Kind("memory-balloon-at-start", "<memballoon model='virtio'/>", ballooned),
        Kind("memory-memfd", "", shared_file),
    ], memory=384, elements="<currentMemory unit='MiB'>224</currentMemory><memoryBacking><source type='memfd'/><access mode='shared'/>"
       "</memoryBacking>"),
    Machine("modules", [
        Kind("memory-dimm", "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target></memory>", dimm,
             r"memory online=(3|4|5)\d\d MiB; .*"),
        Kind("memory-virtio-mem", "<memory model='virtio-mem'><target><size unit='MiB'>256</size><node>0</node>"
             "<block unit='MiB'>2</block><requested unit='MiB'>128</requested></target></memory>", virtio_mem, "System RAM"),
        Kind("memballoon-transitional", "<memballoon model='virtio-transitional'/>", *balloon_of("1af4:1002")),
    ], edit=with_a_node, cmdline="memhp_default_state=online"),
]
