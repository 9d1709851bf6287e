# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks: formats, buses, where the image is, and what the guest may do with them. The guest tells most disks by their size: each
has another number of MiB, with a word in its first sector."""

import contextlib
import os
import signal
import subprocess

from harness import check, check_equal, check_match, run as command, run_ok, wait_for, wait_for_path
from machines import Kind, Machine
from machines.iso9660 import write_iso
from qemu_img import qemu_img
from vm import talking_vm, vm

MIB = 1 << 20
SECRET = "5f3c1a52-9d0e-4c55-8e44-3b9f6c7a1d20"
PASSPHRASE = "of-the-machines"


def disk(target, bus, file, *, driver="", more="", device="disk", model=""):
    """A disk of a file in the machine's directory."""
    model = model and f" model='{model}'"
    return (f"<disk type='file' device='{device}'{model}>{driver}<source file='@DIR@/{file}'/>"
            f"<target dev='{target}' bus='{bus}'/>{more}</disk>")


def raw(directory, name, mib, word=None):
    """An image, with what the guest's `read` looks for in its first sector."""
    path = f"{directory}/{name}"
    with open(path, "wb") as f:
        f.write(f"vmunit-guest pattern {word or name}".ljust(512).encode())
        f.truncate(mib * MIB)
    return path


def named(run, mib):
    """The guest's row of the disk of this size. Some controllers take their time."""
    def rows():
        return [row for row in run.table("disks") if row.get("size") == str(mib * MIB)] or run.forget("disks")
    found = wait_for(rows, 60, f"the guest to have a disk of {mib} MiB", interval=1)
    check(len(found) == 1, f"the guest has {len(found)} disks of {mib} MiB")
    return found[0]


def reads(mib):
    """The guest reads the image's word."""
    def ask(run):
        row = named(run, mib)
        return f"{row['name']}: {run.ask('read ' + row['name'])[0]} device={row['device']}"
    return ask


def pci_of(run, mib):
    """The same, with the PCI device that it is behind."""
    name = named(run, mib)["name"]
    ids = run.sh(f"cd $(readlink -f /sys/block/{name}/device); until [ -e vendor ] && [ -e class ]; do cd ..; done; cat vendor device")
    return f"{name}: {run.ask('read ' + name)[0]} pci={ids.replace('0x', '').replace(chr(10), ':')}"


def on_pci(mib):
    return lambda run: pci_of(run, mib)


def writes(mib, word):
    """What the guest writes it reads again."""
    def ask(run):
        name = named(run, mib)["name"]
        run.ask(f"write {name} {word}")
        return f"{name}: {run.ask('read ' + name)[0]}"
    return ask


def is_read_only(run):
    name = named(run, 12)["name"]
    status, _ = run.console.command(f"write {name}")
    return f"{name}: ro={run.sh(f'cat /sys/block/{name}/ro')}, write gave {status}, {run.ask(f'read {name}')[0]}"


def chain(run):
    """What the base has can be read; what is written goes into the overlay."""
    said = [reads(13)(run), writes(13, "ofoverlay")(run)]
    with open(f"{run.directory}/base", "rb") as f:
        check_match("pattern ofbase", f.read(64).decode(), "the backing file")
    return ", then ".join(said)


def discard(run):
    """Space that the guest gives back is given back to the host."""
    name, path = named(run, 14)["name"], f"{run.directory}/discard"
    run.sh(f"dd if=/dev/urandom of=/dev/{name} bs=1M count=8 conv=fsync 2>/dev/null")
    before = os.stat(path).st_blocks * 512
    run.sh(f"blkdiscard /dev/{name} && sync")
    after = wait_for(lambda: (n := os.stat(path).st_blocks * 512) < before // 4 and str(n), 20, "the image to shrink")
    return f"blkdiscard {name}: image {before >> 10} KiB -> {int(after) >> 10} KiB"


def thread_time(pid, comm):
    """Nanoseconds that the thread of this name has run."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii") as f:
            if f.read().strip() == comm:
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as s:
                    return int(s.read().split()[0])
    return check(False, f"QEMU has no thread {comm!r}")


def iothread(run):
    """Reading is the thread's work: it, and not only QEMU, has run for it."""
    name = named(run, 15)["name"]
    before = thread_time(run.machine.qemu(), "IO iothread1")
    run.sh(f"dd if=/dev/{name} of=/dev/null bs=4k iflag=direct 2>/dev/null")
    used = (thread_time(run.machine.qemu(), "IO iothread1") - before) / 1e6
    check(used > 1, f"the thread has run for {used} ms")
    return f"read 15 MiB of {name} in pieces of 4 KiB; thread 'IO iothread1' ran {used:.0f} ms for it"


def names_of_scsi(run):
    name = named(run, 16)["name"]
    vendor, product, wwid, serial = run.sh(f"cd /sys/block/{name}/device; cat vendor model wwid; "
                                           "dd if=vpd_pg80 bs=1 skip=4 2>/dev/null; echo").splitlines()[:4]
    return f"{name}: vendor={vendor.strip()} product={product.strip()} wwid={wwid} serial={serial}"


SHARED = disk("vdh", "virtio", "shared", more="<shareable/>")


def shared(run):
    """Another machine with the same image, at the same time, sees what this one has written."""
    name = named(run, 17)["name"]
    run.ask(f"write {name} fromthefirst")
    with talking_vm("shares", devices=run.fill(SHARED)) as other:
        other.start()
        disks = [row["name"] for row in other.console.table("disks") if row.get("size") == str(17 * MIB)]
        check_equal(len(disks), 1, "shared disks of the other guest")
        return f"of the other machine, {disks[0]}: {other.console.ask('read ' + disks[0])[0]}"


def one_writer(run):
    """Another machine with the image that this one writes is refused, and this one writes on."""
    with vm("intruder", devices=run.fill(disk("vda", "virtio", "base.qcow2", driver="<driver name='qemu' type='qcow2'/>"))) as other:
        other.write()
        done = command(["vmunit", "start", "intruder"])
        check_equal(done.rc, 1, "the start of a second machine with the image")
        said = "\n".join([done.err, *other.journal()])
        match = check_match(r"(?i)[^\n]*(open for writing)[^\n]*", said, "the refusal")
    return f"{writes(13, 'stillours')(run)}; the other: {match[0].strip()}"


# --- the images

FORMATS = {"qcow": 21, "qed": 22, "vmdk": 23, "vdi": 24, "vpc": 25}


@contextlib.contextmanager
def nbd_server(*words):
    """qemu-nbd with these words, which listens; gone afterwards."""
    server = subprocess.Popen(["qemu-nbd", "--persistent", "--shared=4", "--format=raw", *words])
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(10)


def listens(port):
    with open("/proc/net/tcp", encoding="ascii") as f:
        return any(f":{port:04X} " in line.split(None, 2)[1] + " " and " 0A " in line for line in f)


@contextlib.contextmanager
def loop_device(file):
    """A block device of the host with the file behind it."""
    for path, minor in (("/dev/loop-control", (10, 237)), *((f"/dev/loop{n}", (7, n)) for n in range(8))):
        if not os.path.exists(path):
            os.mknod(path, 0o600 | (0o020000 if "control" in path else 0o060000), os.makedev(*minor))
    device = run_ok(["losetup", "--find", "--show", file]).strip()
    try:
        yield device
    finally:
        run_ok(["losetup", "--detach", device])


def keep_secret():
    os.makedirs("/etc/credstore", mode=0o700, exist_ok=True)
    path = f"/etc/credstore/vmunit.secret.{SECRET}"
    with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(PASSPHRASE)
    return path


def encrypted(directory):
    """A qcow2 and a plain LUKS image, both with a word in their first sector."""
    key = f"{directory}/key"
    with open(key, "w", encoding="ascii") as f:
        f.write(PASSPHRASE)
    plain = ["--object", f"secret,id=k,file={key}", "-f", "raw"]
    options = "encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10"
    qemu_img("convert", *plain, "-O", "qcow2", "-o", options, raw(directory, "s", 18, "ofsecret"), f"{directory}/secret.qcow2")
    qemu_img("convert", *plain, "-O", "luks", "-o", "key-secret=k,iter-time=10", raw(directory, "s", 19, "ofluks"), f"{directory}/secret.luks")


def images(directory):
    with contextlib.ExitStack() as stack:
        for name, mib in (("first", 11), ("fixed", 12), ("discard", 14), ("thread", 15), ("scsi", 16), ("shared", 17), ("sata", 28),
                          ("usb", 29), ("old", 30), ("new", 31)):
            raw(directory, name, mib)
        qemu_img("create", "-q", "-f", "qcow2", "-F", "raw", "-b", raw(directory, "base", 13, "ofbase"), f"{directory}/base.qcow2")
        write_iso(f"{directory}/cd.iso", "MACHINES", {"HELLO.TXT": b"hello from the disc\n"})
        for name, mib in FORMATS.items():
            # A vpc's own size is a number of cylinders otherwise.
            options = ["-o", "force_size=on"] if name == "vpc" else []
            qemu_img("convert", "-f", "raw", "-O", name, *options, raw(directory, f"{name}.raw", mib, f"of{name}"), f"{directory}/{name}.img")
        encrypted(directory)
        path = keep_secret()
        stack.callback(os.unlink, path)
        stack.enter_context(nbd_server(f"--socket={directory}/nbd.sock", raw(directory, "nbdu", 33)))
        stack.enter_context(nbd_server("--bind=127.0.0.1", "--port=10831", raw(directory, "nbdt", 34)))
        wait_for_path(f"{directory}/nbd.sock")
        wait_for(lambda: listens(10831), 10, "the NBD server")
        yield {}


def loops(directory):
    for name in FOLDERS:
        os.mkdir(f"{directory}/{name}")
        with open(f"{directory}/{name}/hello", "w", encoding="ascii") as f:
            f.write(f"hello from {name}\n")
    with loop_device(raw(directory, "loop", 32)) as device:
        yield {"LOOP": device}


# --- folders, the plain one of which is container/test-folders.py's

FOLDERS = {"virtio-transitional": "1af4:1009", "virtio-non-transitional": "1af4:1049"}


def folder(model):
    """The guest mounts it, and reads a file."""
    def ask(run):
        devices = [row["address"] for row in run.table("pci") if row["id"] == FOLDERS[model]]
        check_equal(len(devices), 1, f"devices {FOLDERS[model]}")
        said = run.sh(f"modprobe 9p; mkdir -p /mnt/{model}; mount -t 9p -o trans=virtio,version=9p2000.L {model} /mnt/{model} && cat /mnt/{model}/hello")
        return f"{FOLDERS[model]}: {said}"
    return Kind(f"folder-{model}", f"<filesystem type='mount' model='{model}'><source dir='@DIR@/{model}'/><target dir='{model}'/></filesystem>",
                ask, f": hello from {model}$")


def encryption(file, target, format):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='{format}'/><source file='@DIR@/{file}'>"
            f"<encryption format='luks'><secret type='passphrase' uuid='{SECRET}'/></encryption></source>"
            f"<target dev='{target}' bus='virtio'/></disk>")


def nbd(target, host):
    return (f"<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd'>{host}</source>"
            f"<target dev='{target}' bus='virtio'/></disk>")


def disc(run):
    """The guest mounts the disc and reads its file."""
    return run.sh("modprobe isofs; mkdir -p /mnt/cd; mount -t iso9660 -o ro /dev/sr0 /mnt/cd && cat /mnt/cd/*; umount /mnt/cd")


def floppy(run):
    run.sh("modprobe floppy")
    word = run.ask("read fd0")[0]
    return f"fd0: {run.sh('cat /sys/block/fd0/size')} sectors, {word}"


# --- controllers of old, each with a disk

SCSI = {"lsilogic": 40, "vmpvscsi": 42, "virtio-transitional": 44, "virtio-non-transitional": 45,
        "dc390": 46, "am53c974": 47, "auto": 48, "lsisas1078": 43}
SCSI_IDS = {"lsilogic": "1000:0012", "vmpvscsi": "15ad:07c0", "lsisas1078": "1000:0060",
            "virtio-transitional": "1af4:1004", "virtio-non-transitional": "1af4:1048", "dc390": "1022:2020", "am53c974": "1022:2020",
            "auto": "1000:0012"}


def old_images(directory):
    for model, mib in SCSI.items():
        raw(directory, model, mib)
    raw(directory, "ide", 35)
    with open(raw(directory, "floppy", 1), "r+b") as f:
        f.truncate(1474560)
    write_iso(f"{directory}/cd.iso", "OLD", {"HELLO.TXT": b"hello from the old disc\n"})


def scsi(index, model):
    return (f"<controller type='scsi' index='{index}' model='{model}'/>" +
            disk(f"sd{chr(ord('a') + index)}", "scsi", model,
                 more=f"<address type='drive' controller='{index}' bus='0' target='0' unit='0'/>"))


MACHINES = [
    Machine("disks", [
        Kind("disk-virtio", disk("vda", "virtio", "first", model="virtio", more="<serial>first</serial>"), "disks",
             r"^disk name=vd\w+ size=11534336 ro=0 serial=first "),
        Kind("disk-virtio-transitional", disk("vdi", "virtio", "old", model="virtio-transitional"), on_pci(30), "word=old pci=1af4:1001"),
        Kind("disk-virtio-non-transitional", disk("vdj", "virtio", "new", model="virtio-non-transitional"), on_pci(31), "word=new pci=1af4:1042"),
        Kind("disk-readonly", disk("vdb", "virtio", "fixed", more="<readonly/>"), is_read_only, "ro=1, write gave [^0].* word=fixed"),
        Kind("disk-qcow2-chain", disk("vdc", "virtio", "base.qcow2", driver="<driver name='qemu' type='qcow2'/>"), chain,
             "word=ofbase .*then .*word=ofoverlay"),
        Kind("disk-discard", disk("vde", "virtio", "discard", driver="<driver name='qemu' type='raw' discard='unmap'/>"), discard),
        Kind("disk-iothread", disk("vdg", "virtio", "thread", driver="<driver name='qemu' type='raw' iothread='1' cache='none'/>"), iothread),
        Kind("disk-scsi-names", "<controller type='scsi' model='virtio-scsi'/>" +
             disk("sda", "scsi", "scsi", more="<serial>s3r1al</serial><wwn>5000c50015ea71ac</wwn><vendor>VMUNIT</vendor><product>discs</product>"),
             names_of_scsi, "vendor=VMUNIT product=discs wwid=naa.5000c50015ea71ac serial=s3r1al"),
        Kind("disk-sata", "<controller type='sata'/>" + disk("sdb", "sata", "sata"), reads(28), "word=sata device=.*/ata"),
        Kind("disk-usb", disk("sdc", "usb", "usb", more="<address type='usb' bus='0' port='1'/>"), reads(29), "word=usb device=.*/usb"),
        Kind("disk-cdrom", disk("sdd", "sata", "cd.iso", device="cdrom"), disc, "hello from the disc"),
        Kind("disk-luks-qcow2", encryption("secret.qcow2", "vdk", "qcow2"), reads(18), "word=ofsecret"),
        Kind("disk-luks", encryption("secret.luks", "vdl", "raw"), reads(19), "word=ofluks"),
        Kind("disk-nbd-unix", nbd("vdm", "<host transport='unix' socket='@DIR@/nbd.sock'/>"), writes(33, "overunix"), "word=overunix"),
        Kind("disk-nbd-tcp", nbd("vdn", "<host name='127.0.0.1' port='10831' transport='tcp'/>"), writes(34, "overtcp"), "word=overtcp"),
        *(Kind(f"disk-{name}", disk(f"vd{chr(ord('o') + n)}", "virtio", f"{name}.img", driver=f"<driver name='qemu' type='{name}'/>"),
               reads(mib), f"word=of{name} ") for n, (name, mib) in enumerate(FORMATS.items())),
        Kind("disk-shareable", SHARED, shared, "word=fromthefirst"),
        Kind("disk-one-writer", "", one_writer, "word=stillours.*other: "),
    ], prepare=images, elements="<iothreads>1</iothreads>", boots=240),
    Machine("disks-block", [
        Kind("disk-block", "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='@LOOP@'/>"
             "<target dev='vda' bus='virtio'/></disk>", writes(32, "onloop"), "word=onloop"),
        *(folder(model) for model in FOLDERS),
    ], prepare=loops),
    Machine("disks-pc", [
        Kind("disk-ide", "<controller type='ide' index='0' model='piix3'/>" + disk("hda", "ide", "ide"), reads(35), "word=ide device=.*/ata"),
        Kind("disk-ide-cdrom", disk("hdc", "ide", "cd.iso", device="cdrom"), disc, "hello from the old disc"),
        Kind("disk-floppy", "<controller type='fdc' index='0'/>" + disk("fda", "fdc", "floppy", device="floppy"), floppy,
             "fd0: 2880 sectors, pattern word=floppy"),
        *(Kind(f"scsi-{model}", scsi(index, model), on_pci(mib), f"word={model} pci={SCSI_IDS[model]}")
          for index, (model, mib) in enumerate(SCSI.items())),
        # Linux finds the controller, but nothing behind QEMU's.
        Kind("scsi-lsisas1068", f"<controller type='scsi' index='{len(SCSI)}' model='lsisas1068'/>", "pci", "id=1000:0054 .*driver=mptsas"),
    ], prepare=old_images, machine="pc", boots=240),
]
