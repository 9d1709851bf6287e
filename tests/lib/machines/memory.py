# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory: what the guest has of it at the start, and what it may be asked to give back."""

from harness import check_match, wait_for
from machines import Kind, Machine

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


MACHINES = [
    Machine("balloon", [
        Kind("memory-balloon-at-start", "<memballoon model='virtio'/>", ballooned),
        Kind("memory-memfd", "", shared_file),
    ], memory=384, elements="<currentMemory unit='MiB'>224</currentMemory><memoryBacking><source type='memfd'/><access mode='shared'/>"
       "</memoryBacking>"),
]
