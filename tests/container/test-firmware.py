# SPDX-License-Identifier: LGPL-2.1-or-later
"""Firmware, and processors other than this machine's: UEFI and its variables, Secure Boot, 32 bit, AArch64. Every case prints
what its guest, or the firmware itself, has said."""

import contextlib
import os
import re
import shutil
import struct
import uuid

from harness import Failure, case, check, check_equal, check_match, fail, main, run, run_ok, wait_for
from vm import GUEST, LOGS, TalkingVm, Vm

IMAGES = "/var/lib/test-firmware"
OVMF, AAVMF = "/usr/share/OVMF", "/usr/share/AAVMF"
PATIENCE = 240  # a guest behind its firmware, on a busy machine


def say(text):
    """The guest's own words."""
    print(f"    {text}", flush=True)


# ---- images


def fat(name, files, mib):
    """A disk of one FAT file system with {path in it: file, or text} on it."""
    os.makedirs(IMAGES, exist_ok=True)
    image = f"{IMAGES}/{name}"
    with open(image, "wb") as f:
        f.truncate(mib << 20)
    run_ok(["mkfs.vfat", "-I", image])
    made = set()
    for path, content in files.items():
        for i in [i for i, c in enumerate(path) if c == "/"]:
            if path[:i] not in made:
                run_ok(["mmd", "-i", image, f"::{path[:i]}"])
                made.add(path[:i])
        if not content.startswith("/"):
            with open(f"{IMAGES}/text", "w", encoding="utf-8") as f:
                f.write(content)
            content = f"{IMAGES}/text"
        run_ok(["mcopy", "-i", image, content, f"::{path}"])
    return image


def chain(name, guest, word, console):
    """A disk with the way of Secure Boot: the firmware starts shim, shim starts GRUB, GRUB starts Linux; all signed."""
    return fat(name, {
        f"EFI/BOOT/BOOT{word.upper()}.EFI": f"{guest}/shim.efi",
        f"EFI/BOOT/grub{word}.efi": f"{guest}/grub.efi",
        "EFI/debian/grub.cfg": f"linux /vmlinuz console={console} vmunit.no-agent\ninitrd /initrd\nboot\n",
        "vmlinuz": f"{guest}/vmlinuz",
        "initrd": f"{guest}/initrd",
    }, 96)


def disk(path, more=""):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'/>"
            f"<target dev='vda' bus='virtio'/>{more}</disk>")


def certificates(variables):
    """{"PK": […], "KEK": …, "db": …}: the X.509 certificates in a file of a firmware's variables."""
    with open(variables, "rb") as f:
        data = f.read()
    x509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072").bytes_le
    found, at = {}, data.find(b"\xaa\x55")
    while at >= 0 and at + 60 <= len(data):
        state = data[at + 2]
        name_size, size = struct.unpack_from("<II", data, at + 36)
        if state == 0x3f and 2 < name_size < 100:
            name = data[at + 60:at + 60 + name_size].decode("utf-16le", "replace").rstrip("\0")
            lists, offset = data[at + 60 + name_size:at + 60 + name_size + size], 0
            while name in ("PK", "KEK", "db") and offset + 28 < len(lists):
                length, header = struct.unpack_from("<II", lists, offset + 16)
                if lists[offset:offset + 16] == x509:
                    found.setdefault(name, []).append(lists[offset + 28 + header + 16:offset + length])
                offset += length
        at = data.find(b"\xaa\x55", at + 60)
    return found


# ---- machines


class FirmwareVm(TalkingVm):
    """A machine whose <os> is the case's; nothing is typed before its guest is up: the firmware would listen."""

    def __init__(self, name, os_, *, arch="x86_64", machine="q35", features="<acpi/><apic/>", **keywords):
        super().__init__(name, agent=False, machine=machine, memory=512, **keywords)
        self.replace("os", f"<os{os_[0]}><type arch='{arch}' machine='{machine}'>hvm</type>{os_[1]}</os>")
        self.replace("features", f"<features>{features}</features>")
        if arch != "x86_64":
            self.replace("cpu", "<cpu mode='custom'><model>cortex-a57</model></cpu>" if arch == "aarch64" else "")

    def replace(self, element, text):
        self.xml, n = re.subn(rf"<{element}>.*?</{element}>|<{element} [^>]*?/>", text, self.xml, count=1, flags=re.S)
        check_equal(n, 1, f"<{element}> in the definition")

    def answers(self):
        self.console.expect_ready(PATIENCE)

    def firmware(self):
        """What the guest says has booted it."""
        self.console.send("")
        line = self.console.ask("firmware")[0]
        say(f"{self.name}: {line}")
        return dict(re.findall(r"(\S+)=(\S*)", line))

    def reconnect(self):
        """To a guest that is up."""
        self.answers = lambda: TalkingVm.answers(self)
        self.connect()
        del self.answers

    def write_variable(self, value):
        self.console.ask(f"exec printf '\\7\\0\\0\\0{value}' >{VARIABLE}")

    def read_variable(self):
        """What was written, or None."""
        status, answer = self.console.command(f"exec tail -c +5 {VARIABLE} && echo")
        if status == 0:
            say(f"{self.name}: variable VmunitTest={answer[0]}")
        return answer[0] if status == 0 else None

    def again(self, *options):
        """Stops it and starts it again."""
        self.disconnect()
        run_ok(["vmunit", "destroy", self.name])
        run_ok(["vmunit", "start", self.name, *options])
        self.connect()


VARIABLE = "/sys/firmware/efi/efivars/VmunitTest-5e1b4f6a-7f0e-4a0c-9c5b-0a7c0f3e2d11"
DIRECT = f"<kernel>{GUEST}/vmlinuz</kernel><initrd>{GUEST}/initrd</initrd><cmdline>console=ttyS0 quiet vmunit.no-agent</cmdline>"


def state(name):
    return f"/var/lib/vmunit/{name}/nvram.fd"


def size(path):
    return os.stat(path).st_size


@contextlib.contextmanager
def gone_afterwards(*machines):
    try:
        yield machines
    finally:
        for machine in machines:
            machine.remove()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(state(machine.name))


def pflash(code, nvram):
    return "", f"<loader readonly='yes' type='pflash'>{code}</loader>{nvram}"


@case(timeout=900)
def uefi_and_its_variables():
    """Made once, kept, a template for others, made anew, removed or left: the life of a file of variables."""
    own = f"{IMAGES}/first-vars.fd"
    os.makedirs(IMAGES, exist_ok=True)
    attribute, code = pflash(f"{OVMF}/OVMF_CODE_4M.fd", f"<nvram template='{OVMF}/OVMF_VARS_4M.fd'>{own}</nvram>")
    first = FirmwareVm("uefi", (attribute, code + DIRECT))
    attribute, code = pflash(f"{OVMF}/OVMF_CODE_4M.fd", f"<nvram template='{own}'></nvram>")
    second = FirmwareVm("uefi-copy", (attribute, code + DIRECT))
    with gone_afterwards(first, second):
        first.start()
        check_equal(first.firmware()["kind"], "efi")
        info = os.stat(own)
        check_equal((info.st_size, info.st_mode & 0o777), (size(f"{OVMF}/OVMF_VARS_4M.fd"), 0o600), "size and mode of the file")
        first.write_variable("kept")
        first.again()
        check_equal(first.firmware()["kind"], "efi")
        check_equal(first.read_variable(), "kept", "variable after a restart")

        # What was saved has the variables as the guest knew them: they come back into the file that was made anew.
        first.disconnect()
        run_ok(["vmunit", "save", "uefi", f"{IMAGES}/uefi.saved"])
        run_ok(["vmunit", "restore", f"{IMAGES}/uefi.saved", "--reset-nvram"])
        first.reconnect()
        check_equal(first.read_variable(), "kept", "variable after restore --reset-nvram")
        with open(own, "rb") as f:
            check("VmunitTest".encode("utf-16le") in f.read(), "the variable is not in the file after restore")

        # A file as it stands, of a machine that runs, too.
        second.start()
        second.firmware()
        check_equal(second.read_variable(), "kept", "variable of the machine made of that template")
        check_equal(size(state("uefi-copy")), size(own), "size of the copy")

        second.disconnect()
        run_ok(["vmunit", "destroy", "uefi-copy"])
        refused = run(["vmunit", "undefine", "uefi-copy"])
        check("cannot undefine domain with nvram" in refused.err, f"{refused}")
        run_ok(["vmunit", "undefine", "uefi-copy", "--keep-nvram"])
        check(os.path.exists(state("uefi-copy")), "--keep-nvram has removed the file")
        second.write()
        run_ok(["vmunit", "undefine", "uefi-copy", "--nvram"])
        check(not os.path.exists(state("uefi-copy")), "--nvram has left the file")

        first.again("--reset-nvram")
        first.firmware()
        check_equal(first.read_variable(), None, "variable after --reset-nvram")
        first.disconnect()
        run_ok(["vmunit", "destroy", "uefi"])
        run_ok(["vmunit", "undefine", "uefi", "--nvram"])
        check(not os.path.exists(own), "--nvram has left the file of the definition")


# ---- Secure Boot


SECURE = ("<firmware><feature enabled='yes' name='secure-boot'/><feature enabled='yes' name='enrolled-keys'/></firmware>"
          "<loader secure='yes'/>")


@case(timeout=500)
def secure_boot_with_signed_loaders():
    """firmware='efi' finds the firmware with keys; shim, GRUB and Linux are Debian's, signed."""
    image = chain("signed.img", GUEST, "x64", "ttyS0")
    machine = FirmwareVm("secure", (" firmware='efi'", SECURE), features="<acpi/><apic/><smm state='on'/>",
                         devices=disk(image, "<boot order='1'/>"))
    with gone_afterwards(machine):
        machine.start()
        text = machine.console.text
        say(check_match(r"EFI stub: UEFI Secure Boot is enabled[.]", text, "console")[0])
        say(check_match(r"secureboot: Secure boot enabled", text, "console")[0])
        told = machine.firmware()
        check_equal((told["kind"], told["secure"], told["setup"]), ("efi", "1", "0"))


@case(timeout=400)
def secure_boot_refuses_what_is_not_signed():
    """The same firmware and keys; Linux itself is signed, but by none of those. Its words, from a log that is appended to."""
    image = fat("unsigned.img", {"EFI/BOOT/BOOTX64.EFI": f"{GUEST}/vmlinuz"}, 32)
    log = f"{LOGS}/refused.log"
    machine = FirmwareVm("refused", (" firmware='efi'", SECURE), devices=disk(image, "<boot order='1'/>"))
    machine.xml = machine.xml.replace("<serial type='pty'/>", f"<serial type='file'><source path='{log}' append='on'/></serial>")
    with gone_afterwards(machine):
        machine.write()
        run_ok(["vmunit", "start", "refused"])
        Vm.watch(machine, ready=False)
        said = machine.serial.expect(r"BdsDxe: failed to load (Boot\d+) .*: Access Denied", PATIENCE)
        say(said[0])
        machine.serial.expect(r"No bootable option or device was found", 60)
        check("EFI stub" not in machine.serial.text, "it was started all the same")


# ---- other processors


@case(timeout=400)
def a_32_bit_guest():
    guest = f"{GUEST}/i386"
    kernel = f"<kernel>{guest}/vmlinuz</kernel><initrd>{guest}/initrd</initrd><cmdline>console=ttyS0 quiet vmunit.no-agent</cmdline>"
    machine = FirmwareVm("old32", ("", kernel), arch="i686", machine="pc", devices="<interface type='user'><model type='e1000'/></interface>")
    with gone_afterwards(machine):
        machine.start()
        told = machine.firmware()
        check_equal((told["kind"], told["machine"]), ("other", "i686"))
        flags = next(line for line in machine.console.ask("cpus") if line.startswith("flags"))
        check(" lm" not in flags, "the processor has long mode")
        check_equal([n["driver"] for n in machine.console.table("nics")], ["e1000"], "drivers of network cards")
        emulator = os.readlink(f"/proc/{machine.qemu()}/exe")
        check_equal(os.path.basename(emulator), "qemu-system-i386", "emulator")



ARM = f"{GUEST}/arm64"
EDK2 = "/usr/share/edk2/aarch64"


def edk2_paths():
    """The guides' firmware is where another distribution has it."""
    os.makedirs(EDK2, exist_ok=True)
    for name, file in (("QEMU_EFI-pflash.raw", "AAVMF_CODE.fd"), ("vars-template-pflash.raw", "AAVMF_VARS.fd")):
        with contextlib.suppress(FileExistsError):
            os.symlink(f"{AAVMF}/{file}", f"{EDK2}/{name}")


def guides_machine():
    """The guide's AArch64 machine, with what the host of a test has: an emulated processor, less memory."""
    with open(f"{os.environ['VMUNIT_TESTS']}/golden/definitions/guide-004-100.xml", encoding="utf-8") as f:
        text = f.read()
    for old, new in (("<domain type='kvm'>", "<domain type='qemu'>"), ("<memory unit='GiB'>8<", "<memory unit='MiB'>768<"),
                     ("<cpu mode='host-passthrough'>", "<cpu mode='custom'><model>cortex-a57</model>")):
        check(old in text, f"the guide's machine has no {old}")
        text = text.replace(old, new)
    machine = TalkingVm("openEulerVM")
    machine.xml = text
    return machine


def guides_host():
    """Its files, bridge and emulator."""
    edk2_paths()
    os.makedirs("/usr/libexec", exist_ok=True)
    os.makedirs("/var/lib/libvirt/qemu/nvram", exist_ok=True)
    if not os.path.lexists("/usr/libexec/qemu-kvm"):
        os.symlink("/usr/bin/qemu-system-aarch64", "/usr/libexec/qemu-kvm")
    run(["ip", "link", "add", "br0", "type", "bridge"])
    shutil.copy(f"{AAVMF}/AAVMF_VARS.fd", "/var/lib/libvirt/qemu/nvram/openEulerVM.fd")
    run_ok(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", chain("arm.img", ARM, "aa64", "ttyAMA0"), "/mnt/openEuler-image.qcow2"])
    with open("/mnt/openEuler-20.03-LTS-aarch64-dvd.iso", "wb") as f:
        f.truncate(4 << 20)


@case(timeout=500)
def the_guides_aarch64_machine():
    guides_host()
    machine = guides_machine()
    machine.answers = lambda: machine.console.expect_ready(PATIENCE)
    with gone_afterwards(machine):
        machine.start()
        told = FirmwareVm.firmware(machine)
        check_equal((told["kind"], told["machine"], told["setup"]), ("efi", "aarch64", "1"))
        ask = machine.console
        say(next(line for line in ask.ask("topology") if line.startswith("topology")))
        check_match("topology sockets=2 dies=1 cores=2 threads=1", ask.text)
        interrupts = "\n".join(ask.ask("cat /proc/interrupts"))
        check("GICv3" in interrupts, "no interrupt comes by GICv3")
        names = ask.ask("input")
        say("; ".join(names))
        check(any("USB Tablet" in n for n in names) and any("USB Keyboard" in n for n in names), "tablet or keyboard is missing")
        sizes = sorted(int(d["size"]) for d in ask.table("disks") if int(d["size"]))
        check_equal(sizes, [4 << 20, 96 << 20], "sizes of CD-ROM and disk")
        devices = {d["id"]: d["driver"] for d in ask.table("pci")}
        say(" ".join(f"{i}={d}" for i, d in devices.items()))
        check("1af4:1050" in devices, "no virtio-gpu")
        check_equal([n["driver"] for n in ask.table("nics")], ["virtio_net"], "network cards")


@case(timeout=500)
def firmware_for_aarch64_is_found():
    """firmware='efi' on virt: without keys it starts any kernel; with keys none that is not signed by one of them."""
    kernel = f"<kernel>{ARM}/vmlinuz</kernel><initrd>{ARM}/initrd</initrd><cmdline>console=ttyAMA0 quiet vmunit.no-agent</cmdline>"
    keys = "".join(f"<feature enabled='yes' name='{name}'/>" for name in ("secure-boot", "enrolled-keys"))
    arm = {"arch": "aarch64", "machine": "virt", "features": "<acpi/><gic version='3'/>"}
    plain = FirmwareVm("virt-plain", (" firmware='efi'", "<firmware><feature enabled='no' name='secure-boot'/></firmware>" + kernel),
                       devices="<graphics type='vnc'/><video><model type='ramfb'/></video>", **arm)
    keyed = FirmwareVm("virt-keys", (" firmware='efi'", f"<firmware>{keys}</firmware>{kernel}"), **arm)
    keyed.xml = keyed.xml.replace("<serial type='pty'/>", f"<serial type='file'><source path='{keyed.log}'/></serial>")
    with gone_afterwards(plain, keyed):
        keyed.write()
        run_ok(["vmunit", "start", "virt-keys"])
        plain.start()
        told = plain.firmware()
        check_equal((told["kind"], told["machine"], told["secure"]), ("efi", "aarch64", "0"))
        screens = plain.console.ask("cat /proc/fb")
        say(f"virt-plain: screens: {'; '.join(screens)}")
        check(screens, "no screen of the firmware's, by ramfb")
        check_equal(size(state("virt-plain")), size(f"{AAVMF}/AAVMF_VARS.fd"), "size of its variables")
        Vm.watch(keyed, ready=False)
        say(keyed.serial.expect(r"BdsDxe: failed to start Boot\d+ .*: Security Violation", PATIENCE)[0])
        keyed.serial.expect(r"No bootable option or device was found", 60)
        check("Linux version" not in keyed.serial.text, "it was started all the same")


# ---- the guide's chapter on Secure Boot


class Menu:
    """The firmware's menus on a console, worked as a person does: look, choose, look again."""

    UP, DOWN, ENTER, ESCAPE = b"\x1b[A", b"\x1b[B", b"\r", b"\x1b"

    def __init__(self, console):
        self.console = console

    def settled(self):
        """A menu is drawn piece by piece, and reads its keys after that: nothing comes any more for a while."""
        with contextlib.suppress(Failure):
            while True:
                self.console.expect(r"[\s\S]+", 0.6)

    def key(self, key):
        os.write(self.console.fd, key)

    def enter(self, title):
        """Chooses what is marked, which leads to the page with this title."""
        self.settled()
        start = len(self.console.text)
        self.key(self.ENTER)
        self.console.expect(re.escape(title), 40, position=start)

    def down(self, explanation):
        """Goes down until this is what the page says of the marked line."""
        for _ in range(9):
            self.settled()
            start = len(self.console.text)
            self.key(self.DOWN)
            with contextlib.suppress(Failure):
                self.console.expect(re.escape(explanation), 3, position=start)
                return
        fail(f"nothing is explained by {explanation!r}; the last words: {self.console.text[-600:]!r}")

    def begin(self):
        """Escape is pressed until the firmware hears it."""
        def heard():
            self.key(self.ESCAPE)
            try:
                self.console.expect(r"Device Manager[\s\S]*Select Entry", 0.5)
                return True
            except Failure:
                return False
        wait_for(heard, 90, "the firmware's first page")

    def file(self, index):
        """In the list of volumes: the INDEXth file of the only one. Above it are two lines for new files, and an empty one."""
        self.enter("File Explorer")
        for _ in range(3 + index):
            self.settled()
            self.key(self.DOWN)

    def custom_mode(self):
        self.begin()
        self.down("take you to the")
        self.enter("Device Manager")
        self.down("select Secure Boot")
        self.enter("Secure Boot Configuration")
        self.down("Standard Mode")
        self.settled()
        self.key(self.ENTER)
        self.console.expect("Custom Mode", 10)
        self.settled()
        self.key(self.DOWN)
        self.settled()
        start = len(self.console.text)
        self.key(self.ENTER)
        self.console.expect("<Custom Mode>", 10, position=start)
        self.down("Enter into Custom")
        self.enter("Custom Secure Boot Options")

    def enroll(self, options, page, index, name, explanation=None):
        """From "Custom Secure Boot Options": takes over the certificate in the INDEXth file, and comes back."""
        if explanation:
            self.down(explanation)
        self.enter(options)
        self.enter(page)
        self.enter("File Explorer")
        self.file(index)
        self.enter(name)
        self.down("Commit Changes and")
        self.enter("Custom Secure Boot Options")


def certificate_disk():
    """As the guide makes it: mkfs.vfat, and copies. The key's owner is somebody; programs are signed by who signs Debian's shim."""
    known = certificates(f"{AAVMF}/AAVMF_VARS.ms.fd")
    signer = next(c for c in known["db"] if b"UEFI CA 2011" in c)
    files = {}
    for name, der in (("PK", known["PK"][0]), ("KEK", known["KEK"][0]), ("db", signer)):
        path = f"{IMAGES}/{name}.der"
        os.makedirs(IMAGES, exist_ok=True)
        with open(path, "wb") as f:
            f.write(der)
        files[f"{name}.der"] = path
    return fat("data.img", files, 64)


# The controller is written, as in the guide's whole machine: without it libvirt, too, takes an LSI one where QEMU has that
# (the guide's has none), which this firmware does not know.
CERTIFICATES = """<controller type='scsi' index='0' model='virtio-scsi'/><disk type='file' device='disk'>
                <driver name='qemu' type='raw' cache='none' io='native'/>
                <source file='{}'/>
                <target dev='sdc' bus='scsi'/>
                <boot order='2'/>
                <readonly/>
        </disk>"""


def chapter(name, nvram, devices):
    """The chapter's machine."""
    attribute, code = pflash(f"{EDK2}/QEMU_EFI-pflash.raw", nvram)
    return FirmwareVm(name, (attribute, code), arch="aarch64", machine="virt", features="<acpi/>", devices=devices)


def import_certificates(machine):
    machine.answers = lambda: None
    machine.start()
    menu = Menu(machine.console)
    menu.custom_mode()
    menu.enroll("PK Options", "Enroll PK", 0, "PK.der")
    menu.enroll("KEK Options", "Enroll KEK", 1, "KEK.der", "Enroll/Delete KEK")
    menu.enroll("DB Options", "Enroll Signature", 2, "db.der", "Signature")
    machine.disconnect()
    run_ok(["vmunit", "destroy", machine.name])


@case(timeout=900)
def the_guides_secure_boot():
    """Certificates from a disk by the firmware's menus; the variables are another machine's template; the log tells."""
    edk2_paths()
    variables, log = f"{IMAGES}/QEMU-VARS.fd", f"{LOGS}/chapter.log"
    first = chapter("importing", f"<nvram template='{EDK2}/vars-template-pflash.raw'>{variables}</nvram>",
                    CERTIFICATES.format(certificate_disk()))
    second = chapter("chapter", f"<nvram template='{variables}'></nvram>",
                     disk(chain("arm.img", ARM, "aa64", "ttyAMA0"), "<boot order='1'/>"))
    second.xml = second.xml.replace("<serial type='pty'/>", f"<serial type='file'><source path='{log}' append='on'/></serial>")
    with gone_afterwards(first, second):
        import_certificates(first)
        say("importing: the firmware has " + ", ".join(f"{len(v)} {k}" for k, v in certificates(variables).items()))
        second.write()
        run_ok(["vmunit", "start", "chapter"])
        Vm.watch(second, ready=False)
        say(second.serial.expect(r"UEFI Secure Boot is enabled[.]", PATIENCE)[0])
        say(second.serial.expect(r"secureboot: Secure boot enabled", 60)[0])
        second.serial.expect_ready(PATIENCE)


# ---- what is wrong


@case
def what_cannot_be_started_is_said_in_a_line():
    loader = f"<loader readonly='yes' type='pflash'>{OVMF}/OVMF_CODE_4M.fd</loader>"
    for name, os_, features, reason in (
            ("no-template", ("", f"{loader}<nvram template='/nowhere/vars.fd'/>"), "<acpi/>",
             r"cannot open '/nowhere/vars.fd' for nvram: '/nowhere' does not exist"),
            ("no-loader", ("", "<loader readonly='yes' type='pflash'>/nowhere/code.fd</loader>"), "<acpi/>",
             r"cannot open '/nowhere/code.fd' for loader: '/nowhere' does not exist"),
            ("loader-directory", ("", "<loader readonly='yes' type='pflash'>/usr/share/OVMF</loader>"), "<acpi/>",
             r"cannot open '/usr/share/OVMF' for loader: it is a directory, not a regular file"),
            ("without-smm", ("", loader.replace("<loader", "<loader secure='yes'")), "<acpi/><smm state='off'/>",
             r"loader secure='yes' needs <smm state='on'/>"),
            ("auto-without-smm", (" firmware='efi'", SECURE), "<acpi/><smm state='off'/>", r"needs system management mode"),
            ("secure-pc", (" firmware='efi'", SECURE), "<acpi/>", r"loader secure='yes' is for q35 machines"),
    ):
        machine = FirmwareVm(name, os_, features=features, machine="pc" if name == "secure-pc" else "q35")
        with gone_afterwards(machine):
            machine.write()
            result = run(["vmunit", "start", name])
            check_equal(result.rc, 1, f"{name}: exit status")
            lines = [line for line in result.err.splitlines() if line and not line.startswith("error: Failed to start")]
            check_equal(len(lines), 1, f"{name}: lines")
            say(lines[0])
            check_match(reason, lines[0], name)
            check(not os.path.exists(state(name)), f"{name}: a file of variables was made")


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(IMAGES, ignore_errors=True)
