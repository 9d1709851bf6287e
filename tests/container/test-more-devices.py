# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that need more of the host than a descriptor of an image: memory of files, shared memory, pipes, overlays, servers."""

import contextlib
import os
import re

from harness import case, check, check_equal, check_match, main, run, run_ok
from vm import talking_vm, vm

IMAGES = "/var/lib/test-images"
ACL = "system.posix_acl_access"
MIB = 1 << 20


@contextlib.contextmanager
def images():
    os.makedirs(IMAGES, exist_ok=True)
    try:
        yield
    finally:
        for name in os.listdir(IMAGES):
            os.unlink(f"{IMAGES}/{name}")


def raw(name, size):
    path = f"{IMAGES}/{name}"
    with open(path, "wb") as f:
        f.truncate(size)
    return path


def stop(machine):
    run_ok(["systemctl", "stop", machine.unit])


def has_list(path):
    """Does somebody have an entry of his own among those who may open PATH?"""
    try:
        return bool(os.getxattr(path, ACL))
    except OSError:
        return False


def maps(machine):
    with open(f"/proc/{machine.qemu()}/maps", encoding="utf-8") as f:
        return f.read()


# ---- memory


@case
def memory_of_a_file():
    with talking_vm("filed") as machine:
        machine.xml = machine.xml.replace("<os>", "<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking><os>", 1)
        machine.start()
        check(int(machine.console.table("memory")[0]["total"]) > 128 * 1024, "the guest has not its memory")
        mapped = [line for line in maps(machine).splitlines() if "/var/lib/vmunit/#" in line]
        check(mapped, "nothing of a file in the machine's directory is mapped")
        first, last = (int(n, 16) for n in mapped[0].split()[0].split("-"))
        check_equal((last - first, mapped[0].split()[1]), (256 * MIB, "rw-s"))
        check(not [name for name in os.listdir("/var/lib/vmunit") if name.startswith("#")], "the file has a name")


KEPT = """<memory model='nvdimm'><source><path>{}</path></source><target><size unit='MiB'>256</size>{}</target></memory>
<memory model='virtio-pmem' access='shared'><source><path>{}</path></source><target><size unit='MiB'>128</size></target></memory>"""


@case(timeout=240)
def memory_that_is_kept():
    with images():
        dimm, pmem = raw("dimm", 256 * MIB), raw("pmem", 128 * MIB)
        os.chmod(dimm, 0o640)
        with talking_vm("kept", devices=KEPT.format(dimm, "<node>0</node>", pmem)) as machine:
            machine.xml = machine.xml.replace("<os>", "<maxMemory slots='4' unit='GiB'>2</maxMemory><os>", 1).replace(
                "<cpu mode='maximum'/>",
                "<cpu mode='maximum'><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>")
            machine.xml = machine.xml.replace("<memory model='nvdimm'>", "<memory model='nvdimm' access='shared'>")
            machine.start()
            check(has_list(dimm) and has_list(pmem), "nobody was let in")
            disks = {int(d["size"]): d["name"] for d in machine.console.table("disks") if d["name"].startswith("pmem")}
            check_equal(sorted(disks), [128 * MIB, 256 * MIB], "sizes of the memory that is kept")
            machine.console.ask(f"write {disks[256 * MIB]} dimm")
            machine.console.ask(f"write {disks[128 * MIB]} pmem")
            machine.console.ask("exec sync")
            stop(machine)
        for path, word in ((dimm, b"pattern dimm"), (pmem, b"pattern pmem")):
            with open(path, "rb") as f:
                check(word in f.read(512), f"what the guest wrote is not in {path}")
            check(not has_list(path), f"somebody is let into {path} for ever")
        info = os.stat(dimm)
        check_equal((info.st_mode & 0o7777, info.st_uid), (0o640, 0), "mode and owner of the file")


@case
def memory_of_a_file_that_is_missing():
    with vm("lost", devices=KEPT.format(f"{IMAGES}/none", "<node>0</node>", f"{IMAGES}/nobody")) as machine:
        machine.xml = machine.xml.replace("<os>", "<maxMemory slots='4' unit='GiB'>2</maxMemory><os>", 1).replace(
            "<cpu mode='maximum'/>", "<cpu mode='maximum'><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>")
        machine.write()
        result = run(["vmunit", "start", "lost"])
        check_equal(result.rc, 1)
        check_match(result.err, re.escape(f"cannot open '{IMAGES}/none' for memory: '{IMAGES}"))


# ---- shared memory

SHMEM = "<shmem name='vmunit-test'{}><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>"


def shared_address(machine):
    """Where the guest finds the shared memory: the third region of the device."""
    device = next(d["address"] for d in machine.console.table("pci") if d["id"] == "1af4:1110")
    machine.console.ask(f"exec echo 1 >/sys/bus/pci/devices/{device}/enable")
    lines = machine.console.ask(f"cat /sys/bus/pci/devices/{device}/resource")
    start, end = (int(n, 16) for n in lines[2].split()[:2])
    check_equal(end - start + 1, MIB, "size of the region")
    return start


@case(timeout=240)
def shared_memory_of_two_machines():
    path = "/dev/shm/vmunit-test"
    try:
        with talking_vm("first", devices=SHMEM.format("")) as first, talking_vm("second", devices=SHMEM.format("")) as second:
            first.start()
            second.start()
            check_equal(os.stat(path).st_size, MIB)
            machine_of = {m: shared_address(m) for m in (first, second)}
            first.console.ask(f"exec devmem {machine_of[first]:#x} 32 0x4d455348")
            said = second.console.ask(f"exec devmem {machine_of[second]:#x} 32")
            check_equal([line.lower() for line in said], ["0x4d455348"], "what the other guest reads")
            with open(path, "rb") as f:
                check_equal(f.read(4), b"HSEM", "what the host reads")
            stop(first)
            check(has_list(path), "the other one is shut out")
            stop(second)
            check(not has_list(path), "somebody is let in for ever")
            check_equal(os.stat(path).st_mode & 0o7777, 0o600)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


if __name__ == "__main__":
    main()
