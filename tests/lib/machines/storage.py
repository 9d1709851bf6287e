# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks: formats, buses, where the image is, and what the guest may do with them."""

from machines import Kind, Machine

MIB = 1 << 20


def disk(target, bus, file, *, driver="", more="", device="disk"):
    """A disk of a file in the machine's directory."""
    return (f"<disk type='file' device='{device}'>{driver}<source file='@DIR@/{file}'/><target dev='{target}' bus='{bus}'/>"
            f"{more}</disk>")


def raw(directory, name, size=8 * MIB, word=None):
    """An image, with a pattern of the guest's `read` in its first sector."""
    path = f"{directory}/{name}"
    with open(path, "wb") as f:
        if word:
            f.write(f"vmunit-guest pattern {word}".ljust(512).encode())
        f.truncate(size)
    return path


def modern(directory):
    raw(directory, "first")
    raw(directory, "scsi", word="ofscsi")
    raw(directory, "fixed", word="untouched")


def is_read_only(run):
    name = run.disk("fixed")
    status, _ = run.console.command(f"write {name}")
    return f"{name}: ro={run.sh(f'cat /sys/block/{name}/ro')}, write gave {status}, {run.ask(f'read {name}')[0]}"


MACHINES = [
    Machine("disks", [
        Kind("disk-virtio", disk("vda", "virtio", "first", more="<serial>first</serial>"), "disks",
             r"^disk name=vd\w+ size=8388608 ro=0 serial=first "),
        Kind("disk-readonly", disk("vdb", "virtio", "fixed", more="<readonly/><serial>fixed</serial>"), is_read_only,
             "ro=1, write gave [^0].* word=untouched"),
        Kind("disk-scsi", "<controller type='scsi' model='virtio-scsi'/>" + disk("sda", "scsi", "scsi", more="<serial>ofscsi</serial>"),
             lambda run: run.ask(f"read {run.disk('ofscsi')}")[0], "word=ofscsi"),
    ], prepare=modern),
]
