# SPDX-License-Identifier: LGPL-2.1-or-later
"""Emulated TPMs: swtpm beside QEMU, as its guest sees it and as its state is kept."""

import contextlib
import glob
import os
import re
import signal
import stat

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for, wait_for_unit
import vm as vms
from vm import nothing_left

SECRET = "6dd3e4a5-1d76-44ce-961f-f119f5aad935"
CREDENTIAL = f"/etc/credstore/vmunit.secret.{SECRET}"
CODE, VARS = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
# What the guest sends to the device, and reads from it on the same descriptor.
ASK = r"exec exec 3<>/dev/tpm0; printf '{}' >&3; dd bs=4096 count=1 <&3 2>/dev/null | od -An -v -tx1"
READ_CLOCK = r"\x80\x01\x00\x00\x00\x0a\x00\x00\x01\x81"
# TPM2_PCR_Event of register 16 with the data "test", authorised by an empty password.
PCR_EVENT = (r"\x80\x02\x00\x00\x00\x21\x00\x00\x01\x3c\x00\x00\x00\x10\x00\x00\x00\x09\x40\x00\x00\x09"
             r"\x00\x00\x00\x00\x00\x00\x04test")


def through_firmware(machine):
    """With a TPM the firmware of QEMU 7.2 spoils the ACPI tables of a kernel that is entered without it (PVH)."""
    machine.xml = machine.xml.replace("/vmlinux<", "/vmlinuz<")
    return machine


@contextlib.contextmanager
def vm(name, **keywords):
    with vms.vm(name, **keywords) as machine:
        yield through_firmware(machine)


@contextlib.contextmanager
def talking_vm(name, **keywords):
    with vms.talking_vm(name, **keywords) as machine:
        yield through_firmware(machine)


def tpm(model="tpm-crb", version="2.0", more="", **attributes):
    words = "".join(f" {key}='{value}'" for key, value in attributes.items())
    return f"<tpm model='{model}'><backend type='emulator' version='{version}'{words}>{more}</backend></tpm>"


@contextlib.contextmanager
def with_firmware(name):
    """UEFI, which measures what it is made of and what it finds in its variables."""
    with talking_vm(name, devices=tpm()) as machine:
        machine.xml = machine.xml.replace("<os>", f"<os><loader readonly='yes' type='pflash'>{CODE}</loader><nvram template='{VARS}'/>")
        yield machine


def state_files(name, version="tpm2"):
    return sorted(f for f in os.listdir(f"/var/lib/vmunit/{name}/tpm/{version}") if not f.startswith("."))


def forget(name, version="tpm2"):
    """What a machine that was never undefined leaves behind."""
    for path in glob.glob(f"/var/lib/vmunit/{name}/tpm/{version}/*") + glob.glob(f"/var/lib/vmunit/{name}/tpm/{version}/.lock"):
        os.unlink(path)
    with contextlib.suppress(FileNotFoundError):
        os.removedirs(f"/var/lib/vmunit/{name}/tpm/{version}")


def version(machine):
    return machine.console.ask("exec cat /sys/class/tpm/tpm0/tpm_version_major")[0]


def registers(machine, bank, *numbers):
    """{number: its digest} as the guest reads them."""
    names = " ".join(f"/sys/class/tpm/tpm0/pcr-{bank}/{n}" for n in numbers)
    return dict(zip(numbers, (line.strip() for line in machine.console.ask(f"exec cat {names}"))))


def resets(machine):
    """How often the TPM was started since it left its factory: resetCount of TPM2_ReadClock."""
    answer = "".join(machine.console.ask(ASK.format(READ_CLOCK))).split()
    check_equal(answer[:2] + answer[6:10], ["80", "01", "00", "00", "00", "00"], "tag and response code")
    return int("".join(answer[26:30]), 16)


def swtpm(machine):
    return machine.pid_of("swtpm")


def has_ended(machine, pid):
    check(not os.path.exists(f"/proc/{pid}"), "swtpm outlives the machine")
    nothing_left(machine)


@case
def a_tpm_2_0_keeps_its_state():
    with talking_vm("tpm", devices=tpm()) as machine:
        machine.start()
        check_equal(version(machine), "2")
        first = resets(machine)
        pid = swtpm(machine)
        uid = int(unit_property(machine.unit, "UID"))
        check_equal(os.stat(f"/proc/{pid}").st_uid, uid, "swtpm's user")
        status = run_ok(["cat", f"/proc/{pid}/status"])
        check_match(r"(?m)^CapBnd:\t0+$", status, "its capabilities")
        check_match(r"(?m)^NoNewPrivs:\t1$", status)
        check_match(r"(?m)^Seccomp:\t2$", status)
        outer, inner = os.stat("/var/lib/vmunit/tpm/tpm"), os.stat("/var/lib/vmunit/tpm/tpm/tpm2")
        check_equal((outer.st_uid, stat.S_IMODE(outer.st_mode)), (0, 0o700), "the outer directory")
        check_equal((inner.st_uid, stat.S_IMODE(inner.st_mode)), (uid, 0o700), "the directory of its state")
        check_equal(state_files("tpm"), ["tpm2-00.permall"])
        everybody = [p for pids in machine.processes().values() for p in pids]
        check_equal(vms.ways_out(everybody), [], "ways to the host's root directory")
        machine.disconnect()
        run_ok(["vmunit", "destroy", "tpm"])
        has_ended(machine, pid)
        machine.start()
        check_equal(resets(machine), first + 1, "resets after a second start")
        made = [m for m in machine.journal() if "vTPM manufacturing" in m]
        check_equal(len(made), 2, "messages of its being made")  # begin and end, of the first start
        machine.disconnect()
        run_ok(["vmunit", "destroy", "tpm"])
        run_ok(["vmunit", "undefine", "tpm", "--keep-tpm"])
        check_equal(state_files("tpm"), ["tpm2-00.permall"])
        machine.write()
        run_ok(["vmunit", "undefine", "tpm"])
        check(not os.path.exists("/var/lib/vmunit/tpm/tpm"), "the state outlives the machine")


@case
def a_tpm_1_2():
    with talking_vm("tpm12", devices=tpm("tpm-tis", "1.2")) as machine:
        machine.start()
        check_equal(version(machine), "1")
        check_equal(state_files("tpm12", "tpm1.2"), ["tpm-00.permall"])
        machine.disconnect()
        run_ok(["vmunit", "destroy", "tpm12"])
        run_ok(["vmunit", "undefine", "tpm12"])


@case
def banks_are_those_that_were_asked_for():
    with talking_vm("banks", devices=tpm("tpm-tis", more="<active_pcr_banks><sha384/></active_pcr_banks>")) as machine:
        machine.start()
        check_equal(machine.console.ask("exec echo /sys/class/tpm/tpm0/pcr-*"), ["/sys/class/tpm/tpm0/pcr-sha384"])
        machine.disconnect()
        run_ok(["vmunit", "destroy", "banks"])
        machine.xml = machine.xml.replace("<sha384/>", "<sha1/><sha256/>")
        machine.start()
        check_equal(machine.console.ask("exec echo /sys/class/tpm/tpm0/pcr-*"),
                    ["/sys/class/tpm/tpm0/pcr-sha1 /sys/class/tpm/tpm0/pcr-sha256"])
        forget_later(machine)


def forget_later(machine):
    machine.disconnect()
    run_ok(["vmunit", "destroy", machine.name])
    run_ok(["vmunit", "undefine", machine.name, "--nvram"])


def keep(passphrase):
    os.makedirs("/etc/credstore", mode=0o700, exist_ok=True)
    with open(CREDENTIAL, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(passphrase)


@case
def encrypted_state():
    more = f"<encryption secret='{SECRET}'/>"
    with talking_vm("sealed", devices=tpm(more=more)) as machine, talking_vm("plain", devices=tpm()) as plain:
        try:
            machine.write()
            check_match(f"there is no credential 'vmunit.secret.{SECRET}'", refusal(machine), "without a passphrase")
            keep("correct horse")
            machine.start()
            check_equal(version(machine), "2")
            first = resets(machine)
            with open("/var/lib/vmunit/sealed/tpm/tpm2/tpm2-00.permall", "rb") as f:
                flags = int.from_bytes(f.read(16)[4:6], "big")
            plain.start()
            with open("/var/lib/vmunit/plain/tpm/tpm2/tpm2-00.permall", "rb") as f:
                check(int.from_bytes(f.read(16)[4:6], "big") != flags, "the header of the state says nothing of encryption")
            for pid in machine.processes()["swtpm"]:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    check(b"horse" not in f.read(), "the passphrase is in the command line")
            machine.disconnect()
            run_ok(["vmunit", "destroy", "sealed"])
            keep("wrong horse")
            check_match("status|ended", refusal(machine), "with a wrong passphrase")
            keep("correct horse")
            machine.start()
            check(resets(machine) > first, "the TPM was made anew")
            forget_later(machine)
            forget_later(plain)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(CREDENTIAL)


def refusal(machine):
    answer = run(["vmunit", "start", machine.name])
    check_equal(answer.rc, 1, "status of start")
    nothing_left(machine)
    return answer.err + "\n".join(machine.journal())


@case
def swtpm_that_is_not_there():
    with vm("absent", devices=tpm()) as machine:
        machine.write()
        os.rename("/usr/bin/swtpm", "/usr/bin/swtpm.away")
        try:
            check_match(r"absent\.xml:\d+:\d+: error: cannot execute '/usr/bin/swtpm' for tpm tpm0: No such file or directory",
                        refusal(machine))
        finally:
            os.rename("/usr/bin/swtpm.away", "/usr/bin/swtpm")


def kill_swtpm(machine):
    pid = swtpm(machine)
    os.kill(pid, signal.SIGKILL)
    return pid


@case(timeout=240)
def swtpm_dies_and_on_crash_decides():
    with vm("dying", devices=tpm(), lifecycle="<on_crash>destroy</on_crash>") as machine:
        machine.start()
        kill_swtpm(machine)
        wait_for_unit(machine.unit)
        check_equal(machine.state(), ("shut off", "crashed"))
        check(any("tpm0: its process ended with signal 9, before QEMU" in m for m in machine.journal()), "nobody speaks of it")
        nothing_left(machine)

        machine.xml = machine.xml.replace("<on_crash>destroy", "<on_crash>restart")
        machine.write()
        machine.start()
        before = machine.supervisor()
        kill_swtpm(machine)
        wait_for(lambda: machine.supervisor() not in (0, before) and swtpm(machine), 60, "the machine to start again")
        machine.watch()

        machine.xml = machine.xml.replace("<on_crash>restart", "<on_crash>preserve")
        run_ok(["vmunit", "destroy", "dying"])
        machine.write()
        machine.start()
        kill_swtpm(machine)
        wait_for(lambda: any("a device of the guest is gone: kept, as on_crash says" in m for m in machine.journal()), 20, "a word of it")
        machine.ticks_go_on()
        check_equal(machine.state()[0], "running")
        run_ok(["vmunit", "destroy", "dying"])
        run_ok(["vmunit", "undefine", "dying"])


@case
def a_stop_is_no_crash():
    with vm("quiet", devices=tpm()) as machine:
        for _ in range(3):
            machine.start()
            pid = swtpm(machine)
            run_ok(["systemctl", "stop", machine.unit])
            has_ended(machine, pid)
            check_equal(unit_property(machine.unit, "Result"), "success")
        check(not any("its process ended" in m for m in machine.journal()), "an end of swtpm was taken for a crash")
        run_ok(["vmunit", "undefine", "quiet"])


@case
def a_transient_machine_takes_its_tpm_along():
    with vm("passing", devices=tpm()) as machine, vm("staying", devices=tpm(persistent_state="yes")) as other:
        for m in (machine, other):
            path = f"/tmp/{m.name}.xml"
            with open(path, "w", encoding="utf-8") as f:
                f.write(m.xml)
            os.makedirs(os.path.dirname(m.log), exist_ok=True)
            run_ok(["vmunit", "create", path])
            check_equal(state_files(m.name), ["tpm2-00.permall"])
            run_ok(["vmunit", "destroy", m.name])
            os.unlink(path)
        wait_for(lambda: not os.path.exists("/var/lib/vmunit/passing"), 10, "the state to go")
        check_equal(state_files("staying"), ["tpm2-00.permall"])
        forget("staying")


@case
def saved_and_restored():
    with talking_vm("saved", devices=tpm()) as machine:
        machine.start()
        empty = registers(machine, "sha256", 16)[16]
        machine.console.ask(ASK.format(PCR_EVENT))
        measured = registers(machine, "sha256", 16)[16]
        check(measured != empty, "the register was not extended")
        machine.disconnect()
        run_ok(["vmunit", "managedsave", "saved"])
        run_ok(["vmunit", "start", "saved"])
        machine.connect()
        check_equal(registers(machine, "sha256", 16)[16], measured, "the register of a restored guest")
        forget_later(machine)


VARIABLES = "/sys/firmware/efi/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"


def add_boot_option(machine):
    """The firmware's only one, once more: four bytes of attributes, and two for each in the list."""
    machine.console.ask(f"exec modprobe efivarfs; mount -t efivarfs efivarfs {VARIABLES}")
    machine.console.ask(f"exec cat {VARIABLES}/Boot0000-{GLOBAL} >/tmp/option; cat /tmp/option >{VARIABLES}/Boot0001-{GLOBAL}; "
                        fr'printf "\x07\x00\x00\x00\x00\x00\x01\x00" >{VARIABLES}/BootOrder-{GLOBAL}')


@case(timeout=240)
def measured_boot():
    """All of the registers 0 to 7 say something, and something else when the firmware's variables have changed."""
    with with_firmware("measured") as machine:
        seen = []
        for _ in range(2):
            machine.start()
            seen.append(registers(machine, "sha256", *range(8)))
            for number, digest in seen[-1].items():
                check_match("^[0-9A-F]{64}$", digest, f"PCR {number}")
                check(set(digest) != {"0"}, f"PCR {number} is zero")
            if len(seen) == 1:
                add_boot_option(machine)
            machine.disconnect()
            run_ok(["vmunit", "destroy", "measured"])
        differing = [n for n in range(8) if seen[0][n] != seen[1][n]]
        check_equal(differing, [1], "the registers that differ with another boot option")
        run_ok(["vmunit", "undefine", "measured", "--nvram"])
    return "PCRs 0-7 are set; with another boot option in the variables PCR 1 is another"


@case
def a_chip_that_is_not_there():
    with vm("chip", devices="<tpm model='tpm-tis'><backend type='passthrough'><device path='/dev/tpm0'/></backend></tpm>") as machine:
        machine.write()
        check_match(r"chip\.xml:\d+:\d+: error: cannot open '/dev/tpm0' for tpm tpm0: '/dev/tpm0' does not exist", refusal(machine))


if __name__ == "__main__":
    main()
