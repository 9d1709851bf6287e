# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems without room: /run/vmunit, /var/lib/vmunit, /etc/vm, that of the image. What was asked for is done, or refused with
the reason; nothing is lost; and with room again all goes on."""

import contextlib
import os
import time

from engine import Hit, Row
from harness import check, check_equal, journal, run, run_ok, wait_for
from kills import bring_up
from victims import ANSWER, IMAGES, STATE, Machine, read

FILL = ".fill"
# Writes a sector after the other, 8 apart, and counts them at 0x608; what fails is tried again. As victims.SECTOR otherwise. The packet
# of the BIOS's extended write is at 0x620, what is written is this sector itself, at 0x7c00.
#    [0x620] = 0x10, 1 sector, from 0:7c00, [0x628] = 8, [0x62c] = 0; sti …
#    hlt; si = 0x620; ax = 0x4300; dl = 0x80; int 0x13; jc back; add [0x628], 8; inc [0x608]; button? …
WRITER = (bytes.fromhex("31db 8edb fb 66c7060006564d5547 0f31 66a30406 6631c0 66a30806 66a32c06"
                        "66c706200610000100 66c7062406007c0000 66c706280608000000 ba0206 b80001 ef"
                        "f4 be2006 b80043 b280 cd13 720b 6683062806 08 66ff060806 ba0006 ed f6c401 74e0"
                        "ba0406 b80020 ef f4 ebfd").ljust(510, b"\0") + b"\x55\xaa")


class Small:
    """A small file system at a place, and what fills it."""

    def __init__(self, path, size):
        self.path, self.size = path, size

    def mount(self):
        os.makedirs(self.path, exist_ok=True)
        run_ok(["mount", "-t", "tmpfs", "-o", f"size={self.size},mode=0755", "tmpfs", self.path])
        # What a boot makes there.
        run_ok(["systemd-tmpfiles", "--create", f"--prefix={self.path}", "/usr/lib/tmpfiles.d/vmunit.conf"])

    def umount(self):
        run_ok(["umount", "--lazy", self.path])

    def free(self):
        s = os.statvfs(self.path)
        return s.f_bavail * s.f_bsize

    def fill(self, leave):
        """Leaves so many bytes, in whole pages."""
        fd = os.open(f"{self.path}/{FILL}", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            while (size := self.free() - leave) > 0:
                # Others write meanwhile.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(fd, os.fstat(fd).st_size, size)
                    return
        finally:
            os.close(fd)

    def empty(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.path}/{FILL}")


def machine_down(everything):
    for lane in everything.lanes:
        lane.machine.destroy()
        run(["vmunit", "managedsave-remove", lane.machine.name])


def snapshot(small):
    """{file: (its inode, when it was written)}"""
    found = {}
    for directory, _, files in os.walk(small.path):
        for name in set(files) - {FILL}:
            with contextlib.suppress(FileNotFoundError):
                st = os.lstat(f"{directory}/{name}")
                found[f"{directory}/{name}"] = st.st_ino, st.st_mtime_ns
    return found


def cursor():
    return run_ok(["journalctl", "--quiet", "--lines=0", "--show-cursor"], timeout=ANSWER).partition("cursor: ")[2].strip()


def met(small, m, rc, said, where, was):
    """How the want of room was met: what was asked for was refused, or somebody said that there was none; or there was none until the end, when
    the machine's own files go, and a file that was there before was written all the same, in the room that it had. None: nobody has
    noticed."""
    if rc != 0:
        return "refused"
    if "No space" in said:
        return "said"
    if any("No space" in str(entry.get("MESSAGE")) for entry in journal(f"--after-cursor={where}")):
        return "in the journal"
    now = snapshot(small)
    written = [p for p, (inode, when) in now.items() if p in was and was[p][0] == inode and was[p][1] != when]
    return "written in place" if written and (small.free() < 4096 or not os.path.exists(m.group)) else None


def tried(small, m, words, leave):
    """Asks for something while there is little room; (exit status, what it said, how that there was none was met)."""
    where = cursor()
    small.fill(leave)
    none, was = small.free() < 4096, snapshot(small)
    try:
        done = run(words, timeout=3 * ANSWER)
        m.settle()
        how = met(small, m, done.rc, done.err, where, was)
        return done.rc, done.err.strip(), how if none or how != "written in place" else None
    finally:
        small.empty()


def refused_with_reason(rc, said, words):
    check(rc == 0 or "No space left" in said or "journalctl" in said, f"{words} does not say why: {said!r}")


def whole(m, small, boot=None):
    """With room again. Returns what it is."""
    m.check_answers()
    m.check_files()
    state, reason = m.state()
    if state == "shut off":
        m.check_gone()
    else:
        m.check_running()
        if boot is not None:
            check_equal((m.guest() or [None])[0], boot, "the guest that runs")
    m.check_no_torn_files()
    return f"{state} ({reason})"


def starting(small, room):
    def inject(lane, rng):
        m = lane.machine
        m.destroy()
        for name in ("nvram.fd", "places"):  # made anew, as at the first start
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{STATE}/{m.name}/{name}")
        rc, said, how = tried(small, m, m.start_words(), rng.randrange(room))
        refused_with_reason(rc, said, "start")
        outcome = whole(m, small)
        check((rc == 0) == outcome.startswith(m.alive), f"start gave {rc}, and it is {outcome}: {said!r}")
        if rc != 0:
            m.start()
        m.until_guest()
        m.check_running()
        return Hit(how, f"{'done' if rc == 0 else 'refused'}: {outcome}", said=said)

    return inject


def changes(m, rng):
    """What is written down in /run, each in its way: a state that has its place there, and a definition that is written anew."""
    return rng.choice([["vmunit", "-q", "suspend", m.name],
                       ["vmunit", "-q", "blkdeviotune", m.name, "vda", "--live", "--total-iops-sec", str(rng.randrange(1000, 100000))],
                       ["vmunit", "-q", "desc", m.name, "--live", "--new-desc", f"{rng.random()} {'x' * 5000}"]])


def changed(m, words, rc, outcome):
    """What is done can be seen; what was refused has not happened."""
    if "suspend" in words:
        check((rc == 0) == outcome.startswith("paused") or m.uefi, f"suspend gave {rc}, and it is {outcome}")
        return
    text = run_ok(["vmunit", "dumpxml", m.name])
    check_equal(words[-1] in text, rc == 0, f"whether {words[2]} has changed anything")
    if "blkdeviotune" in words:
        told = run_ok(["vmunit", "qemu-monitor-command", m.name, '{"execute":"query-block"}'])
        check_equal(f'"iops":{words[-1]},' in told.replace(" ", ""), rc == 0, "whether QEMU has the limit")


def operating(small, stage, room):
    """Something that is asked of a machine that runs."""

    def inject(lane, rng):
        m = lane.machine
        boot = bring_up(lane)
        words = {"save": ["vmunit", "-q", "managedsave", m.name], "stop": ["vmunit", "-q", "destroy", m.name],
                 "run": changes(m, rng)}[stage]
        rc, said, how = tried(small, m, words, rng.randrange(room) if room else 0)
        outcome = whole(m, small, boot)
        if stage == "stop":
            check(rc == 0 and outcome.startswith("shut off"), f"stop gave {rc} {said!r}, and it is {outcome}")
        if stage == "save":
            check((rc == 0) == m.has_save() == outcome.startswith("shut off"), f"save gave {rc}, and it is {outcome}, {said!r}")
            refused_with_reason(rc, said, "save")
        if stage == "run":
            refused_with_reason(rc, said, words[2])
            changed(m, words, rc, outcome)
        if outcome.startswith("paused") and not m.uefi:
            run_ok(["vmunit", "-q", "resume", m.name])
        if m.state()[0] == "shut off":
            saved = m.has_save()
            m.start()
            now = m.until_guest()
            check(not saved or now == boot, "another guest than the one that was saved")
        return Hit(how, f"{'done' if rc == 0 else 'refused'}: {outcome}", said=said)

    return inject


def defining(small, room):
    """A definition that is new, or takes the place of another: the old one or the new one is there, whole."""

    def inject(lane, rng):
        path, aside = f"/etc/vm/d{lane.number}.xml", f"/var/tmp/d{lane.number}.xml"
        m = Machine(f"d{lane.number}")
        texts = [m.text, m.text.replace("As it was written.", "x" * rng.randrange(1, 3 * 4096))]
        old = rng.choice((None, texts[0]))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        if old:
            with open(path, "w", encoding="utf-8") as f:
                f.write(old)
        with open(aside, "w", encoding="utf-8") as f:
            f.write(texts[1])
        rc, said, how = tried(small, m, ["vmunit", "-q", "define", aside], rng.randrange(room))
        now = read(path, "r")
        left = set(os.listdir("/etc/vm")) - {f"{k.machine.name}.xml" for k in small.lanes} - {f"d{k.number}.xml" for k in small.lanes}
        check(not left - {"networks", "pools", "secrets"}, f"left in /etc/vm: {left}")
        if rc == 0:
            check(now and "x" in now and m.name in now, "defined, and it is not there")
        else:
            check_equal(now, old, "the definition after a refusal")
            check("No space left" in said, f"define does not say why: {said!r}")
            run_ok(["vmunit", "-q", "define", aside])
        run_ok(["vmunit", "verify", m.name])
        return Hit(how, "done" if rc == 0 else "refused", said=said)

    return inject


def image_full(small):
    """The guest writes until there is no room: it is paused, and goes on when there is some."""

    def inject(lane, rng):
        m = Machine(f"w{lane.number}")
        m.image = f"{small.path}/{m.name}.img"
        m.text = m.text.replace(f"{IMAGES}/{m.name}.img", m.image)
        with open(m.path, "w", encoding="utf-8") as f:
            f.write(m.text)
        with open(m.image, "wb") as f:
            f.write(WRITER)
            f.truncate(4 << 20)
        m.start()
        try:
            boot = m.until_guest()
            small.fill(rng.randrange(3) * 4096)
            wait_for(lambda: m.state() == ("paused", "I/O error"), ANSWER, f"the guest to be paused: {m.state()}", interval=0.05)
            stopped = m.guest()
            check_equal(stopped[0], boot, "the guest")
            time.sleep(rng.random() * 0.3)  # for how long there is no room
            small.empty()
            run_ok(["vmunit", "-q", "resume", m.name])
            wait_for(lambda: m.guest()[1] > stopped[1] + 1, ANSWER, "the guest to write on", interval=0.05)
            check_equal(m.guest()[0], boot, "the guest that goes on")
            run_ok(["vmunit", "-q", "destroy", m.name])
            m.settle()
            written = m_sectors(m.image)
            check(written > stopped[1] + 1, f"{written} sectors are in the image")
        finally:
            small.empty()
            m.destroy()
            for path in (m.path, m.image):
                os.unlink(path)
        return Hit("writing", "paused (I/O error), gone on")

    return inject


def m_sectors(path):
    """How many sectors the guest has written, one after the other, without a gap, each as it was."""
    n = 0
    with open(path, "rb") as f:
        while True:
            f.seek((n + 1) * 8 * 512)
            data = f.read(512)
            if data[:400] != WRITER[:400]:
                check(not data.strip(b"\0"), f"sector {n + 1} is torn")
                return n
            n += 1


def rows():
    run_dir, state, config, image = (Small("/run/vmunit", "2m"), Small("/var/lib/vmunit", "64m"), Small("/etc/vm", "256k"),
                                     Small("/var/lib/test-full", "16m"))

    def before(small):
        def do(everything):
            machine_down(everything)
            small.mount()
            small.lanes = everything.lanes
            for lane in everything.lanes:
                lane.machine.define()
            run_ok(["systemctl", "daemon-reload"], timeout=ANSWER)
        return do

    def after(small):
        def do(everything):
            small.empty()
            machine_down(everything)
            small.umount()
            for lane in everything.lanes:
                lane.machine.define()
        return do

    def row(fault, small, stage, inject, first=0):
        return Row(fault, stage, inject, lanes=1, first=first, before=before(small), after=after(small))

    return [row("full-run", run_dir, "start", starting(run_dir, 24 << 10)),
            *(row("full-run", run_dir, stage, operating(run_dir, stage, 0)) for stage in ("run", "save", "stop")),
            row("full-state", state, "start", starting(state, 4096)),
            row("full-state", state, "start-uefi", starting(state, 640 << 10), first=2),
            row("full-state", state, "save", operating(state, "save", 2 << 20)),
            row("full-config", config, "define", defining(config, 16 << 10)),
            row("full-image", image, "run", image_full(image))]
