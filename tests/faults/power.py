# SPDX-License-Identifier: LGPL-2.1-or-later
"""The power of the host is cut in the middle of a define, an edit, a save, a start: every file is the old or the new one.

Nothing is switched off. /etc/vm and /var/lib/vmunit are on an ext4 whose disk writes down, in their order, all blocks that are written and all
flushes (QEMU's blklogwrites; the format is that of dm-log-writes). Afterwards the disk is made as it was at a random moment: with all
that was flushed before, and of what was written since the last flush with all, or with a part of it, the last write torn perhaps. Then
the journal is replayed, as the next boot would, and the files are compared with what they were before and after."""

import contextlib
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

from engine import Hit, Row
from harness import check, check_equal, run, run_ok, wait_for
from victims import ANSWER, Machine

WORK = "/var/tmp/vmunit-power"
SIZE, MARKS = 48 << 20, 1 << 20  # of the file system; behind it, where we write down how far we are
PLACES = {"etc": "/etc/vm", "state": "/var/lib/vmunit"}
LOOPS = 64
PIECE = 4096  # is written whole or not at all; ext4 wants that of its superblock
FLUSH, FUA, DISCARD = 1, 2, 4
ROUNDS = 4
STAGES = ("define", "edit", "start", "save", "restore", "undefine")


# ---- the disk that writes everything down


class Disk:
    def __init__(self):
        self.base, self.image, self.log, self.file = (f"{WORK}/{n}" for n in ("base", "image", "log", "file"))

    def make(self):
        shutil.rmtree(WORK, ignore_errors=True)
        os.makedirs(f"{WORK}/mount")
        for path, size in ((self.image, SIZE + MARKS), (self.log, 0), (self.file, 0)):
            with open(path, "wb") as f:
                f.truncate(size)
        # No automatic flush of what is renamed over something: that is ours to do.
        run_ok(["mkfs.ext4", "-q", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", "-J", "size=4", "-b", "4096", self.image, f"{SIZE >> 10}k"])
        shutil.copy(self.image, self.base)
        for path, kind, major, minor in (("/dev/fuse", 0o20600, 10, 229), ("/dev/loop-control", 0o20600, 10, 237),
                                         *((f"/dev/loop{n}", 0o60600, 7, n) for n in range(LOOPS))):
            if not os.path.exists(path):
                os.mknod(path, kind, os.makedev(major, minor))
        self.daemon = subprocess.Popen([
            "qemu-storage-daemon", "--blockdev", f"driver=file,node-name=image,filename={self.image}",
            "--blockdev", f"driver=file,node-name=log,filename={self.log}",
            "--blockdev", "driver=blklogwrites,node-name=writes,file=image,log=log,log-sector-size=512",
            "--export", f"type=fuse,id=export,node-name=writes,mountpoint={self.file},writable=on"])
        wait_for(lambda: os.path.getsize(self.file) == SIZE + MARKS or self.daemon.poll() is not None, 20, "the export")
        self.loop = run_ok(["losetup", "--find", "--show", "--sizelimit", str(SIZE), self.file]).strip()
        run_ok(["mount", "-t", "ext4", "-o", "noauto_da_alloc,noatime", self.loop, f"{WORK}/mount"])
        for name, place in PLACES.items():
            os.makedirs(f"{WORK}/mount/{name}")
            os.makedirs(place, exist_ok=True)
            run_ok(["mount", "--bind", f"{WORK}/mount/{name}", place])
        os.sync()

    def mark(self, number):
        """How far we are, among the writes: it is neither a flush nor does it wait for one."""
        with open(self.file, "r+b", buffering=0) as f:
            f.seek(SIZE)
            f.write(struct.pack("<Q", number).ljust(512, b"m"))

    def end(self):
        for place in PLACES.values():
            run(["umount", "--lazy", place])
        run(["umount", f"{WORK}/mount"])
        run(["losetup", "--detach", self.loop])
        run(["umount", self.file])
        self.daemon.terminate()
        self.daemon.wait(20)


class Log:
    """What was written: (sector, data, flags), and which entry is which mark."""

    def __init__(self, path):
        self.entries, self.marks = [], {}
        with open(path, "rb") as f:
            magic, version, n, size = struct.unpack("<QQQI", f.read(28))
            check_equal((magic, version, size), (0x6A736677736872, 1, 512), "the log's head")
            f.seek(size)
            for _ in range(n):
                sector, sectors, flags, _ = struct.unpack("<QQQQ", f.read(size)[:32])
                data = b"" if flags & DISCARD else f.read(sectors * size)
                check(len(data) == sectors * size or flags & DISCARD, "the log is cut off")
                check(not flags & DISCARD, "something was discarded")
                if sector * size == SIZE and data:
                    self.marks[struct.unpack("<Q", data[:8])[0]] = len(self.entries)
                elif sector * size < SIZE:
                    self.entries.append((sector, data, flags))

    def at(self, cut, rng, path, base):
        """Makes the disk as it is when the power goes before entry CUT; what kind of cut it is."""
        shutil.copy(base, path)
        flushed = max((i for i in range(cut) if self.entries[i][2] & FLUSH), default=0)
        pending = [i for i in range(flushed, cut) if self.entries[i][1]]
        kind = rng.choice(("all", "some", "none", "torn"))
        keep = {"all": pending, "torn": pending, "none": [], "some": [i for i in pending if rng.random() < 0.5]}[kind]
        keep = set(keep) | {i for i in pending if self.entries[i][2] & FUA}
        with open(path, "r+b") as f:
            for i in range(cut):
                sector, data, _ = self.entries[i]
                if not data or (i >= flushed and i not in keep):
                    continue
                if kind == "torn" and pending and i == pending[-1]:
                    data = data[:rng.randrange(len(data) // PIECE + 1) * PIECE]
                f.seek(sector * 512)
                f.write(data)
        return f"{kind}, {len(pending)} not flushed" if pending else "all flushed"


# ---- what was done


def files_below(root):
    """{path: digest}"""
    found = {}
    for name in PLACES:
        for d, _, files in os.walk(f"{root}/{name}"):
            for f in files:
                path = os.path.join(d, f)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, root)] = hashlib.sha256(file.read()).hexdigest()
    return found


def aside(path):
    """Written aside, to be renamed: nobody looks at it, and the next write takes its place or is another one's."""
    name = os.path.basename(path)
    return name.startswith(".#") or re.search(r"\.\d+-\d+$", name)


SMALL = re.compile(r"/saved\.(used|boot)$")
EMPTY = hashlib.sha256(b"").hexdigest()


def view(files):
    """As vmunit sees it: a save that is marked as used is none."""
    seen = {p: d for p, d in files.items() if not aside(p) and not SMALL.search(p)}
    for path in [p for p in seen if p.endswith("/saved")]:
        if files.get(path + ".used", EMPTY) != EMPTY:
            del seen[path]
    return seen


class Recording:
    """A disk, what was done to it, and what its files were after each step."""

    def __init__(self):
        self.steps, self.disk, self.log = [], Disk(), None

    def step(self, title, words, env=None):
        """One step; what is on the disk after it."""
        done = run(words, timeout=3 * ANSWER, env=env)
        check_equal(done.rc, 0, f"status of {words}: {done.err}")
        number = len(self.steps) + 1
        self.disk.mark(number)
        self.steps.append((title, view(files_below(f"{WORK}/mount"))))
        time.sleep(0.05)  # what the kernel still has to write, it may write now or later

    def around(self, m, n):
        """All that is done to a machine, the Nth time."""
        aside_path = f"/var/tmp/{m.name}.xml"
        for version in range(2):
            with open(aside_path, "w", encoding="utf-8") as f:
                f.write(m.text.replace("As it was written.", f"{n}.{version} " + "x" * (5000 * version)))
            self.step("define", ["vmunit", "-q", "define", aside_path])
        self.step("edit", ["vmunit", "-q", "edit", m.name], {"EDITOR": f"sed -i s/xxxx/y{n}/g", "VISUAL": f"sed -i s/xxxx/y{n}/g"})
        self.step("start", m.start_words())
        m.until_guest()
        self.step("save", ["vmunit", "-q", "managedsave", m.name])
        self.step("restore", m.start_words())
        self.step("save", ["vmunit", "-q", "managedsave", m.name])
        self.step("restore", m.start_words())
        self.step("destroy", ["vmunit", "-q", "destroy", m.name])
        m.settle()
        self.step("undefine", ["vmunit", "-q", "undefine", m.name, *(["--nvram"] if m.uefi else [])])

    def make(self):
        self.disk.make()
        machines = [Machine("p0"), Machine("p1", uefi=True)]
        for m in machines:
            m.define()
            os.unlink(m.path)
        try:
            self.steps.append(("begin", view(files_below(f"{WORK}/mount"))))
            self.disk.mark(1)
            for n in range(ROUNDS):
                for m in machines:
                    self.around(m, n)
            os.sync()
            self.disk.mark(len(self.steps) + 1)
        finally:
            for m in machines:
                with contextlib.suppress(Exception):
                    m.destroy()
            self.disk.end()
        self.log = Log(self.disk.log)

    def cuts(self, stage):
        """(number of the step, first entry, last entry) of each step of that kind."""
        marks = self.log.marks
        return [(i, marks[i], marks[i + 1]) for i, (title, _) in enumerate(self.steps) if title == stage and i > 0]


def extract(image, directory):
    """The files of a disk after its journal was replayed."""
    done = run(["e2fsck", "-fy", image], timeout=ANSWER)
    check(done.rc in (0, 1), f"e2fsck: {done.rc} {done.out} {done.err}")
    for name in PLACES:
        run_ok(["debugfs", "-R", f"rdump /{name} {directory}", image], timeout=ANSWER)
    return files_below(directory)


def cut(stage, recordings):
    def inject(lane, rng):
        recording = recordings[0]
        number, first, last = rng.choice(recording.cuts(stage))
        # In one of four cases the command has just returned: then it is the new one.
        returned = rng.random() < 1 / 4
        at = last if returned else rng.randint(first, last)
        before, after = recording.steps[number - 1][1], recording.steps[number][1]
        with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
            image = f"{directory}/image"
            kind = recording.log.at(at, rng, image, recording.disk.base)
            os.mkdir(f"{directory}/files")
            files = extract(image, f"{directory}/files")
        now = view(files)
        said = f"step {number} ({stage}), entry {at - first} of {last - first}{', returned' if returned else ''}, {kind}"
        new = 0
        for path in sorted(before.keys() | after.keys() | now.keys()):
            allowed = {after.get(path), None if returned and path.endswith("/nvram.fd") else after.get(path) if returned else before.get(path)}
            check(now.get(path) in allowed, f"{said}: {path} is neither the old nor the new one: "
                  f"{'not there' if path not in now else 'something else'}; old and new: {sorted(map(str, allowed))}")
            new += now.get(path) != before.get(path)
        return Hit("returned" if returned else kind.split(",")[0], "new" if now == after and before != after else "old" if not new else "partly", entry=at - first, entries=last - first,
                   aside=sum(bool(aside(p)) for p in files))

    return inject


def rows():
    recordings = []

    def before(everything):
        if recordings:
            return
        recording = Recording()
        recording.make()
        recordings.append(recording)
        print(f"    recorded {len(recording.steps)} steps, {len(recording.log.entries)} writes and flushes", flush=True)

    return [Row("power-cut", stage, cut(stage, recordings), before=before) for stage in STAGES]
