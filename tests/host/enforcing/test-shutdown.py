# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host goes down in good order and comes back, where SELinux refuses: a guest is shut down, one is saved and goes on, one
that was saved by hand before goes on when somebody starts it. Nothing of it is refused.

The driver runs twice: first it starts the machines and has the host reboot, then it looks. The times and orders of it are those
of tests/container/test-shutdown.py."""

import json
import os
import re
import signal

from boot_sector import BOOT_SECTOR, DISK, IMAGE
from denials import check_denials, now
from harness import case, check, check_equal, journal, main, run_ok, unit_property, wait_for
from vm import Vm

BEFORE = "/var/lib/test-shutdown.json"
CONFIG = "/etc/vm/vmunit.conf"
JOURNAL = "/etc/systemd/journald.conf.d/zz-shutdown.conf"
SLOW = 400  # seconds: an emulated host that emulates virtualization
METADATA = "<metadata xmlns:vmunit='urn:vmunit:metadata'><vmunit:host-shutdown action='shutdown'/></metadata>"


def ticking(name, metadata=""):
    """Of a boot sector."""
    path = IMAGE.replace("tcg", name)
    vm = Vm(name, agent=False, memory=32, devices=DISK.replace(IMAGE, path))
    vm.xml = re.sub(r"<(kernel|initrd|cmdline)>.*?</\1>\s*", "", vm.xml).replace("<memory", metadata + "\n  <memory", 1)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(BOOT_SECTOR.ljust(1 << 20, b"\0"))
    return vm


def counting(name):
    """A Linux that numbers its ticks."""
    vm = Vm(name, type="kvm", agent=False)
    vm.xml = vm.xml.replace("<cpu mode='maximum'/>", "<cpu mode='host-passthrough'/>")
    return vm


MACHINES = {"clean": ticking("clean", METADATA), "saved": ticking("saved"), "kept": counting("kept")}
for each in MACHINES.values():
    each.xml = each.xml.replace("<source path", "<source append='on' path")


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        return f.read().strip().replace("-", "")


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def before():
    # What other drivers have provoked in this boot is theirs.
    since = now()
    # What is logged at the end of this boot shall be there in the next one.
    write(JOURNAL, "[Journal]\nStorage=persistent\n")
    run_ok(["systemctl", "restart", "systemd-journald.service"])
    run_ok(["journalctl", "--flush"])
    check(os.listdir("/var/log/journal"), "the journal is not kept")
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    write(CONFIG, "[Host]\nHostShutdown=save\n")
    for vm in MACHINES.values():
        vm.write()
    run_ok(["systemctl", "daemon-reload"])
    run_ok(["systemctl", "start", *(vm.unit for vm in MACHINES.values())], timeout=SLOW)
    for vm in MACHINES.values():
        vm.watch(timeout=SLOW)
    MACHINES["kept"].ticks_go_on(timeout=SLOW)
    run_ok(["vmunit", "managedsave", "kept"], timeout=SLOW)
    ticks = MACHINES["kept"].serial.ticks()
    write(BEFORE, json.dumps({"boot": boot_id(), "since": since, "ticks": ticks}))
    # Our own end shall not be that of the host.
    write("/run/systemd/system/vmunit-test-driver.service.d/reboot.conf", "[Unit]\nSuccessAction=none\nFailureAction=none\n")
    run_ok(["systemctl", "daemon-reload"])
    print("   rebooting", flush=True)
    run_ok(["systemctl", "reboot"])
    signal.pause()


def then():
    with open(BEFORE, encoding="ascii") as f:
        found = json.load(f)
    check(found["boot"] != boot_id(), "this is the same boot")
    return found


def check_said(name, *patterns):
    """Its unit has said all of that in the boot before, each once."""
    said = [str(e.get("MESSAGE", "")) for e in journal(f"--boot={then()['boot']}", f"--unit={MACHINES[name].unit}")]
    for p in patterns:
        check_equal(len([s for s in said if re.fullmatch(p, s)]), 1, f"messages of {name} that are {p!r} among {said}")


@case(timeout=SLOW)
def nothing_was_refused():
    check_equal(run_ok(["getenforce"]).strip(), "Enforcing")
    check_denials(f"--boot={then()['boot']}", f"--since=@{then()['since']}")


@case(timeout=SLOW)
def a_clean_guest():
    check_said("clean", r"guest powered off after [0-9.]+ s", r"Virtual machine clean is shut off \(shutdown\)\.")
    check_equal(unit_property(MACHINES["clean"].unit, "ActiveState"), "inactive")


@case(timeout=SLOW)
def saved_goes_on():
    """The boot starts it, and it goes on where it was."""
    check_said("saved", r"The host goes down: virtual machine saved was saved in .*; the next boot starts it again\.",
               r"Virtual machine saved is shut off \(saved\)\.")
    vm = MACHINES["saved"]
    wait_for(lambda: unit_property(vm.unit, "ActiveState") == "active", SLOW, "the saved machine to be started")
    check_equal(vm.state(), ("running", "restored"), "state")
    vm.watch(ready=False)
    vm.serial.expect(r"^vmunit-guest: tick\n", SLOW, position=os.path.getsize(vm.log))
    with open(vm.log, encoding="utf-8", errors="replace") as f:
        check_equal(f.read().count("vmunit-guest: ready"), 1, "number of times the guest has begun")


@case(timeout=2 * SLOW)
def kept_counts_on():
    """What somebody has saved by hand is started by hand: no tick is lost or comes twice over the reboot."""
    ticks, vm = then()["ticks"], MACHINES["kept"]
    check_equal(vm.state(), ("shut off", "saved"), "state")
    run_ok("modprobe kvm_amd || modprobe kvm_intel")
    run_ok(["vmunit", "start", "kept"], timeout=SLOW)
    check_equal(vm.state(), ("running", "restored"), "state")
    vm.watch(ready=False)
    vm.serial.expect(rf"^vmunit-guest: tick {ticks[-1] + 3}$", SLOW, position=0)
    after = vm.serial.ticks()
    print(f"   {ticks[-1]} ticks before the reboot, {after[-1]} now", flush=True)
    check_equal(after, list(range(1, len(after) + 1)), "the guest's ticks")
    with open(vm.log, encoding="utf-8", errors="replace") as f:
        check_equal(f.read().count("vmunit-guest: ready"), 1, "number of times the guest has begun")


@case(timeout=SLOW)
def nothing_is_refused_either():
    check_denials(f"_BOOT_ID={boot_id()}")


@case(timeout=SLOW)
def cleaned_up():
    for name, vm in MACHINES.items():
        vm.remove()
        if name != "kept":
            os.unlink(IMAGE.replace("tcg", name))
    for path in (CONFIG, BEFORE, JOURNAL):
        os.unlink(path)
    run_ok(["systemctl", "restart", "systemd-journald.service"])
    run_ok(["systemctl", "daemon-reload"])


if __name__ == "__main__":
    if not os.path.exists(BEFORE):
        before()
    main()
