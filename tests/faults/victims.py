# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines that faults are injected into, and what must hold of them afterwards."""

import contextlib
import glob
import os
import re
import subprocess
import time

from harness import Failure, check, check_equal, run, wait_for

# A guest of 512 bytes. It writes down at 0x600 that it is there, at 0x604 a number that tells this boot from every other one, and
# counts at 0x608 how often the timer has woken it. It turns itself off when its power button is pressed (ACPI's registers of q35).
#    ds = 0; sti; [0x600] = "VMUG"; [0x604] = rdtsc; [0x608] = 0; out 0x602, 0x100
#    hlt; inc [0x608]; in 0x600; button?     out 0x604, 0x2000; hlt forever
SECTOR = (bytes.fromhex("31db 8edb fb 66c7060006564d5547 0f31 66a30406 6631c0 66a30806 ba0206 b80001 ef"
                        "f4 66ff060806 ba0006 ed f6c401 74f1" "ba0406 b80020 ef f4 ebfd").ljust(510, b"\0") + b"\x55\xaa")
MAGIC = 0x47554D56
IMAGES = "/var/lib/test-images"
STATE = "/var/lib/vmunit"
RUNTIME = "/run/vmunit"
OVMF = "/usr/share/OVMF"
SAVED = STATE + "/{}/saved"
DOMAIN = """<domain type='qemu'>
  <!-- As it was written. -->
  <name>{name}</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type>{firmware}</os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/><source file='{image}'/><target dev='vda' bus='virtio'/>
    </disk>
    <interface type='ethernet'>
      <target dev='{tap}'/><model type='virtio'/><rom enabled='no'/>
    </interface>
  </devices>
</domain>
"""
FIRMWARE = f"""
    <loader readonly='yes' type='pflash'>{OVMF}/OVMF_CODE_4M.fd</loader>
    <nvram template='{OVMF}/OVMF_VARS_4M.fd'/>"""
PROGRAMS = {"prepare": "/usr/libexec/vmunit/vmunit-prepare", "supervisor": "/usr/libexec/vmunit/vmunit-supervisor",
            "monitor": "/usr/libexec/vmunit/vmunit-monitor", "qemu": "/usr/bin/qemu-system-x86_64"}
GROUPS = ("", "/.control", "/supervisor", "/vm", "/vm/emulator")
ANSWER = 30  # seconds, in which a command has to end, on a machine that is busy with other things


# What it is that does not hold, where it is one of these.
LOST, LEFT = "lost", "left behind"


@contextlib.contextmanager
def called(kind):
    """A check that fails in here says that something is lost, or left behind."""
    try:
        yield
    except Failure as e:
        e.kind = kind
        raise


def kind_of(e):
    """What E says, or the one that it was made of; "other" if it is neither of both."""
    while e is not None and not hasattr(e, "kind"):
        e = e.__cause__
    return e.kind if e is not None else "other"


def read(path, mode="rb"):
    try:
        with open(path, mode) as f:
            return f.read()
    except OSError:
        return None


class Machine:
    """One with a boot sector; or with UEFI and variables, which is never run, for that takes seconds."""

    def __init__(self, name, uefi=False):
        self.name, self.uefi = name, uefi
        self.unit, self.path = f"vm@{name}.service", f"/etc/vm/{name}.xml"
        self.group = f"/sys/fs/cgroup/machine.slice/{self.unit}"
        self.tap = f"tap-{name}"
        self.image = f"{IMAGES}/{name}.img"
        self.alive = "paused" if uefi else "running"
        self.text = DOMAIN.format(name=name, image=self.image, tap=self.tap, firmware=FIRMWARE if uefi else "")

    def define(self):
        os.makedirs(IMAGES, exist_ok=True)
        os.makedirs("/etc/vm", exist_ok=True)
        with open(self.image, "wb") as f:
            f.write(SECTOR)
            f.truncate(1 << 20)
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(self.text)
        return self

    # ---- what is done to it

    def start_words(self):
        return ["vmunit", "-q", "start", *(["--paused"] if self.uefi else []), self.name]

    def start(self):
        """Must succeed, whatever was before."""
        done = run(self.start_words(), timeout=2 * ANSWER)
        check(done.rc == 0, f"it cannot be started: {done.err.strip()!r}")

    def until_guest(self):
        """Waits for the guest; what tells it from others."""
        if self.uefi:
            return None
        return wait_for(lambda: self.guest(), ANSWER, f"the guest of {self.name}", interval=0.05)[0]

    def guest(self):
        """(the number of this boot, ticks); None as long as the firmware runs."""
        done = run(["vmunit", "qemu-monitor-command", self.name, "--hmp", "xp /3xw 0x600"], timeout=ANSWER)
        words = re.findall(r"0x([0-9a-f]{8})\b", done.out.partition(":")[2])
        if done.rc != 0 or len(words) != 3 or int(words[0], 16) != MAGIC:
            return None
        return int(words[1], 16), int(words[2], 16)

    def destroy(self):
        """As an administrator would, and nothing but that."""
        if self.state()[0] != "shut off":
            done = run(["vmunit", "-q", "destroy", self.name], timeout=2 * ANSWER)
            check(done.rc == 0 or self.state()[0] == "shut off", f"it cannot be destroyed: {done.err.strip()!r}")
        self.settle()

    # ---- what is known of it

    def state(self):
        done = run(["vmunit", "domstate", "--reason", self.name], timeout=ANSWER)
        match = re.fullmatch(r"(.*) \((.*)\)", done.out.strip())
        check(done.rc == 0 and match, f"domstate says {done.out!r} {done.err!r}")
        return match.groups()

    def processes(self):
        """{(program, its step or ""): pid} in the unit's control group."""
        found = {}
        for group in GROUPS:
            for pid in (read(f"{self.group}{group}/cgroup.procs", "r") or "").split():
                words = (read(f"/proc/{pid}/cmdline") or b"").split(b"\0")
                path = words[0].decode(errors="replace")
                for program, name in PROGRAMS.items():
                    if path == name or os.path.basename(path) == os.path.basename(name):
                        found[program, words[1].decode() if program == "prepare" and len(words) > 1 else ""] = int(pid)
        return found

    def pid(self, program, step=""):
        return self.processes().get((program, step))

    def properties(self, *names):
        out = run(["systemctl", "show", *(f"-p{n}" for n in names), self.unit], timeout=ANSWER).out
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def settle(self, timeout=2 * ANSWER):
        """Waits until systemd has nothing to do with the unit any more; its state. What has ended without having been asked to by
        systemd is active until its last process has gone."""

        def look():
            p = self.properties("ActiveState", "Job")
            if p.get("ActiveState") == "active" and (read(f"{RUNTIME}/{self.name}/state", "r") or "").startswith("shut off"):
                return None
            return p["ActiveState"] if p.get("Job", "") in ("", "0") and p.get("ActiveState") in ("active", "inactive", "failed") else None

        return wait_for(look, timeout, f"{self.unit} to settle: {self.properties('ActiveState', 'SubState', 'Job')}", interval=0.02)

    def wait_down(self):
        wait_for(lambda: self.properties("ActiveState")["ActiveState"] in ("inactive", "failed"), ANSWER, f"{self.unit} to end")
        self.settle()

    def has_save(self):
        """A managed save that counts: one that a guest has gone on from is marked."""
        mark = read(SAVED.format(self.name) + ".used")
        return os.path.exists(SAVED.format(self.name)) and not mark

    def where(self):
        """In which part of what is under way: the word of the state file, and what of ours is there."""
        line = (read(f"{RUNTIME}/{self.name}/state", "r") or "").split("\n")[0].rstrip("\0 ")
        return f"{line or '-'}: {' '.join(sorted(' '.join(p).strip() for p in self.processes())) or '-'}"

    # ---- what must hold

    @called(LOST)
    def check_files(self):
        """What is the user's is as it was."""
        check_equal(read(self.path, "r"), self.text, "the definition")
        image = read(self.image) or b""
        check(image[:512] == SECTOR and len(image) == 1 << 20, "the disk image has changed")
        if self.uefi:
            self.check_nvram()

    def check_nvram(self):
        nvram, template = read(f"{STATE}/{self.name}/nvram.fd"), read(f"{OVMF}/OVMF_VARS_4M.fd")
        if nvram is not None:
            check(len(nvram) == len(template) and nvram[40:44] == b"_FVH", f"the variables are not whole: {len(nvram)} bytes")

    def check_answers(self):
        done = run(["vmunit", "list", "--all", "--name"], timeout=ANSWER)
        check(done.rc == 0 and self.name in done.out.split(), f"list does not answer: {done}")

    def check_running(self):
        """It is what it says."""
        pids = self.processes()
        check(("qemu", "") in pids and ("supervisor", "") in pids, f"domstate says that it runs, and there are {pids}")
        wait_for(lambda: run(["vmunit", "qemu-monitor-command", self.name, '{"execute":"query-status"}'], timeout=ANSWER).rc == 0,
                 ANSWER, "the monitor to answer", interval=0.05)
        check(os.path.exists(f"/sys/class/net/{self.tap}"), "its tap has gone")

    @called(LEFT)
    def check_gone(self, cleaned=True):
        """Nothing is there that would keep something. With CLEANED false, the root step that cleans was the one that was killed:
        files in /run may wait for the next start."""
        check_equal(self.processes(), {}, "processes")
        wait_for(lambda: not os.path.exists(self.group), ANSWER, f"{self.group} to go")
        check(not os.path.exists(f"/sys/class/net/{self.tap}"), "its tap is still there")
        check_equal(self.properties("NFileDescriptorStore").get("NFileDescriptorStore", "0"), "0", "descriptors that systemd keeps")
        if cleaned:
            left = set(os.listdir(f"{RUNTIME}/{self.name}")) - {"state", "lock"} if os.path.exists(f"{RUNTIME}/{self.name}") else set()
            check(not left, f"left in {RUNTIME}/{self.name}: {sorted(left)}")

    @called(LEFT)
    def check_no_torn_files(self):
        """Of files that are written aside and renamed nothing stays under the other name. Who survives the writer may need a moment."""

        def left():
            return [p for p in (*glob.glob(f"{STATE}/{self.name}/*"), *glob.glob("/etc/vm/*"), *glob.glob("/etc/vm/.*"))
                    if re.search(r"(saved|nvram\.fd|\.xml)\.\d+-\d+$|\.(tmp|new)|\.[A-Za-z0-9]{6}$", os.path.basename(p))]

        with contextlib.suppress(Failure):
            wait_for(lambda: not left(), ANSWER, interval=0.01)
        check(not left(), f"left behind: {left()}")

    def forget_failure(self):
        """Back to where a run of faults can go on, after something that must not be. Not what an administrator would have to do."""
        with contextlib.suppress(Failure):
            run(["systemctl", "kill", "--signal=KILL", self.unit])
            run(["systemctl", "stop", self.unit], timeout=2 * ANSWER)
            run(["systemctl", "reset-failed", self.unit])
            run(["vmunit", "managedsave-remove", self.name])
            wait_for(lambda: not os.path.exists(self.group), ANSWER)
        run(["ip", "link", "del", self.tap])
        self.define()


class Command:
    """A command that runs beside us, with what it said."""

    def __init__(self, words):
        self.words, self.began = words, time.monotonic()
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.ended = None

    def runs(self):
        return self.process.poll() is None

    def end(self, timeout=3 * ANSWER):
        """Its exit status."""
        try:
            self.out, self.err = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.out, self.err = self.process.communicate()
            raise Failure(f"{self.words} took more than {timeout} s") from None
        self.ended = time.monotonic()
        return self.process.returncode
