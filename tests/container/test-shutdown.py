#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host goes down while machines run, and comes back: each guest is shut down, saved or ended as was asked, all at a time
and each within its own limit; what was saved goes on.

The driver runs twice: first it starts the machines and has the host (this container) reboot, then it looks."""

import json
import os
import re
import signal

from boot_sector import BOOT_SECTOR, DISK, IMAGE
from harness import case, check, check_equal, check_match, journal, main, run_ok, unit_property, wait_for
from vm import Vm

BEFORE = "/var/lib/test-shutdown.json"
OBSTACLE = "/var/lib/vmunit/full/saved"
CONFIG = "/etc/vm/vmunit.conf"
# The power button's event is not asked for, so the guest never sees one.
DEAF = BOOT_SECTOR.replace(bytes.fromhex("b80001ef"), bytes.fromhex("b80000ef"), 1)
CLEAN = [f"clean{i}" for i in range(8)]
STUCK = {"stuck0": 16, "stuck1": 24}
METADATA = "<metadata xmlns:vmunit='urn:vmunit:metadata'>{}</metadata>"
SHUTDOWN = "<vmunit:host-shutdown action='shutdown'/>"


def machine(name, metadata="", sector=BOOT_SECTOR):
    path = IMAGE.replace("tcg", name)
    vm = Vm(name, agent=False, memory=32, devices=DISK.replace(IMAGE, path))
    vm.xml = re.sub(r"<(kernel|initrd|cmdline)>.*?</\1>\s*", "", vm.xml).replace("<source path", "<source append='on' path")
    vm.xml = vm.xml.replace("<memory", METADATA.format(metadata) + "\n  <memory", 1)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(sector.ljust(1 << 20, b"\0"))
    return vm


MACHINES = {n: machine(n, SHUTDOWN) for n in CLEAN}
# The second one is ordered behind the first one: at the end it is the other way round.
MACHINES[CLEAN[1]] = machine(CLEAN[1], SHUTDOWN + f"<vmunit:after vm='{CLEAN[0]}'/>")
MACHINES |= {n: machine(n, SHUTDOWN, DEAF) for n in STUCK}
MACHINES |= {"saved": machine("saved"), "kept": machine("kept"), "full": machine("full"),
             "ended": machine("ended", "<vmunit:host-shutdown action='destroy'/>", DEAF)}


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        return f.read().strip().replace("-", "")


def before():
    with open(CONFIG, "w", encoding="ascii") as f:
        f.write("[Host]\nHostShutdown=save\n")
    for name, limit in STUCK.items():
        os.makedirs(f"/etc/systemd/system/vm@{name}.service.d", exist_ok=True)
        with open(f"/etc/systemd/system/vm@{name}.service.d/50-limit.conf", "w", encoding="ascii") as f:
            f.write(f"[Service]\nTimeoutStopSec={limit}\n")
    for vm in MACHINES.values():
        vm.write()
    run_ok(["systemctl", "daemon-reload"])
    run_ok(["systemctl", "start", *(vm.unit for vm in MACHINES.values())], timeout=120)
    for vm in MACHINES.values():
        vm.watch(timeout=90)
    run_ok(["vmunit", "managedsave", "kept"])
    os.mkdir(OBSTACLE)
    with open(BEFORE, "w", encoding="ascii") as f:
        json.dump({"boot": boot_id()}, f)
    # Our own end shall not be that of the container.
    os.makedirs("/run/systemd/system/vmunit-test-driver.service.d")
    with open("/run/systemd/system/vmunit-test-driver.service.d/reboot.conf", "w", encoding="ascii") as f:
        f.write("[Unit]\nSuccessAction=none\nFailureAction=none\n")
    run_ok(["systemctl", "daemon-reload"])
    print("   rebooting", flush=True)
    run_ok(["systemctl", "reboot"])
    signal.pause()


def then(name):
    """[(seconds, message), …] that the machine's unit left in the journal of the boot before."""
    with open(BEFORE, encoding="ascii") as f:
        boot = json.load(f)["boot"]
    check(boot != boot_id(), "this is the same boot")
    # By unit: journald does not find out the fields of a writer that has ended before.
    entries = journal(f"--boot={boot}", f"--unit={MACHINES[name].unit}")
    return [(int(e["__MONOTONIC_TIMESTAMP"]) / 1e6, str(e.get("MESSAGE", ""))) for e in entries]


def find(name, pattern):
    """(seconds, match) of its only message of that form."""
    found = [(t, m) for t, text in then(name) if (m := re.fullmatch(pattern, text))]
    check_equal(len(found), 1, f"number of messages of {name} that are {pattern!r} among {[t for _, t in then(name)]}")
    return found[0]


def stop_of(name):
    """(from, to): when it was told to stop, and when it was gone."""
    return find(name, "stopping: asking the guest to shut down")[0], find(name, rf"Virtual machine {name} is shut off \(.*\)\.")[0]


@case
def clean_guests():
    """Who reacts to the power button is shut down in good order, and the journal tells what it took."""
    for name in CLEAN:
        find(name, r"guest powered off after [0-9.]+ s")
        find(name, rf"Virtual machine {name} is shut off \(shutdown\)\.")


@case
def stuck_guests():
    """Who does not is ended, at its own limit: not before most of that has passed."""
    for name, limit in STUCK.items():
        waited = int(find(name, r"no reaction within ([0-9]+) s: ending QEMU")[1][1])
        check(limit * 0.65 < waited < limit, f"{name} was waited for {waited} s of {limit} s")
        find(name, rf"Virtual machine {name} is shut off \(destroyed\)\.")


@case
def at_the_same_time():
    """All of it takes as long as the slowest guest, not as all of them together."""
    spans = [stop_of(n) for n in [*CLEAN, *STUCK]]
    total = max(to for _, to in spans) - min(begin for begin, _ in spans)
    slowest = max(to - begin for begin, to in spans)
    every = sum(to - begin for begin, to in spans)
    print(f"   all: {total:.1f} s, slowest: {slowest:.1f} s, sum: {every:.1f} s")
    check(total <= 1.25 * slowest, f"it took {total:.1f} s, the slowest guest {slowest:.1f} s")
    check(every >= 1.25 * total, f"it took {total:.1f} s, all guests together {every:.1f} s: nothing is shown")


@case
def in_order():
    """The one that is started after another one is gone before that one is told."""
    check(stop_of(CLEAN[1])[1] <= stop_of(CLEAN[0])[0], f"{CLEAN[0]} was told before {CLEAN[1]} was gone")


@case
def ended_at_once():
    """action='destroy': the guest is not asked."""
    find("ended", r"The host goes down: ending virtual machine ended at once\.")
    find("ended", r"Virtual machine ended is shut off \(destroyed\)\.")
    check(not [t for _, t in then("ended") if t.startswith("asked the guest")], "the guest was asked")


@case
def saved_goes_on():
    """What the shutdown has saved is started by the next boot, though it is not enabled, and goes on where it was."""
    _, match = find("saved", r"The host goes down: virtual machine saved was saved in ([0-9.]+) s \(([0-9]+) MiB\); "
                             r"the next boot starts it again\.")
    check(float(match[1]) > 0, "it took no time")
    find("saved", r"Virtual machine saved is shut off \(saved\)\.")
    vm = MACHINES["saved"]
    wait_for(lambda: unit_property(vm.unit, "ActiveState") == "active", 60, "the saved machine to be started")
    check_equal(vm.state(), ("running", "restored"), "state")
    vm.watch(ready=False)
    vm.serial.expect(r"^vmunit-guest: tick\n", 30, position=os.path.getsize(vm.log))
    with open(vm.log, encoding="utf-8", errors="replace") as f:
        check_equal(len(re.findall("vmunit-guest: ready", f.read())), 1, "number of times the guest has begun")
    check_match("starting virtual machine saved, which the last shutdown has saved",
                "\n".join(str(e.get("MESSAGE")) for e in journal("--unit=vmunit-guests.service", f"_BOOT_ID={boot_id()}")))
    wait_for(lambda: not [f for f in os.listdir("/var/lib/vmunit/saved") if f.startswith("saved")], 20, "the save to be used up")


@case
def cannot_be_saved():
    """What cannot be saved is shut down, and the journal says why."""
    when, _ = find("full", r"The host goes down: cannot save virtual machine full \(after [0-9.]+ s\), so its guest is asked to "
                           rf"power off: cannot create '{OBSTACLE}': Is a directory")
    check(stop_of("full")[0] >= when, "its guest was asked before")
    find("full", r"guest powered off after [0-9.]+ s")
    find("full", r"Virtual machine full is shut off \(shutdown\)\.")
    check(not os.path.exists("/var/lib/vmunit/full/saved.boot"), "the mark for the next boot is there")
    os.rmdir(OBSTACLE)


@case
def others_are_not_started():
    """Neither what was shut down nor what somebody had saved by hand is started by the boot."""
    for name in [*CLEAN, *STUCK, "ended", "full"]:
        check_equal(unit_property(MACHINES[name].unit, "ActiveState"), "inactive", f"state of {name}'s unit")
    check_equal(MACHINES["kept"].state(), ("shut off", "saved"), "state of what was saved by hand")


@case
def ordinary_stop():
    """A stop while the host stays up saves nothing."""
    vm = MACHINES["saved"]
    run_ok(["systemctl", "stop", vm.unit], timeout=60)
    check_equal(vm.state(), ("shut off", "shutdown"), "state")
    check(not os.path.exists("/var/lib/vmunit/saved/saved"), "there is a managed save")


@case
def cleaned_up():
    """Nothing of it is left for those who come after."""
    run_ok(["vmunit", "managedsave-remove", "kept"])
    for name, vm in MACHINES.items():
        vm.remove()
        os.unlink(IMAGE.replace("tcg", name))
    os.unlink(CONFIG)
    os.unlink(BEFORE)
    run_ok(["systemctl", "daemon-reload"])


if not os.path.exists(BEFORE):
    before()
main()
