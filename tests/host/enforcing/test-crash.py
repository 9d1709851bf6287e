# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host crashes while machines run, and boots again from the disk as it was at that moment: what the labels of their
files were before is remembered there, and comes back.

The driver runs twice: first it starts the machines and has the host crash (see tests/host/boot), then it looks."""

import atexit
import json
import os
import sys

from harness import case, check, check_equal, main, run, run_ok, unit_property
from labels import CONTENT, IMAGES, OWN, SHARED, SLOW, Machine, check_given_back, disk, image, label, registered, remembered

CRASH = 75
BEFORE = "/var/lib/test-crash.json"
MEMORY = "trusted.vmunit.label"
NAMES = ("crashed", "read", "taken", "boots")
PATHS = {n: f"{IMAGES}/{n}.img" for n in NAMES}


def boot_id():
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        return f.read().strip().replace("-", "")


def the_machine():
    return Machine("crashed", disk(PATHS["crashed"], "vda"), disk(PATHS["read"], "vdb", "<readonly/>"), disk(PATHS["taken"], "vdc"))


def the_one_that_is_enabled():
    return Machine("boots", disk(PATHS["boots"], "vda"))


def labels_and_memory():
    return {n: [label(p), os.getxattr(p, MEMORY).decode().rstrip("\0")] for n, p in PATHS.items() if remembered(p)}


def before_the_crash():
    for name in NAMES:
        image(f"{name}.img")
    machine, enabled = the_machine().define(), the_one_that_is_enabled().define()
    run_ok(["systemctl", "daemon-reload"])
    run_ok(["systemctl", "enable", "machines.target", enabled.unit])
    machine.start()
    run_ok(["systemctl", "start", enabled.unit], timeout=SLOW)
    with open(BEFORE, "w", encoding="ascii") as f:
        json.dump({"boot": boot_id(), "pairs": [machine.pair(), enabled.pair()], "files": labels_and_memory()}, f)
    print("   crashing", flush=True)
    sys.exit(CRASH)


def crashed():
    with open(BEFORE, encoding="ascii") as f:
        before = json.load(f)
    check(before["boot"] != boot_id(), "this is the same boot")
    return before


@case(timeout=SLOW)
def the_disk_is_that_of_the_crash():
    """Nobody has given anything back, and nothing is known of the machines but what their files say."""
    before = crashed()
    pair = before["pairs"][0]
    expected = {"crashed": f"{SHARED}:{pair}", "read": CONTENT, "taken": f"{SHARED}:{pair}"}
    check_equal(set(before["files"]), set(NAMES), "files that were labelled")
    now = labels_and_memory()
    for name, wanted in expected.items():
        check_equal(now[name], before["files"][name], f"label and memory of {name} before and after")
        check_equal(now[name], [wanted, f"{before['boot']} {OWN} {wanted}"], f"label and memory of {name}")
    check_equal(unit_property("vm@crashed.service", "ActiveState"), "inactive")


@case(timeout=SLOW)
def the_one_that_is_enabled_runs():
    """It was started at boot, labelled its image anew, and gives back what was there before the crash."""
    before = crashed()
    machine = the_one_that_is_enabled()
    check_equal(unit_property(machine.unit, "ActiveState"), "active")
    pair = machine.pair()
    check_equal(pair, before["pairs"][1], "its pair")
    check_equal(label(PATHS["boots"]), f"{SHARED}:{pair}", "its image's label")
    check_equal(labels_and_memory()["boots"][1], f"{boot_id()} {OWN} {SHARED}:{pair}", "what is remembered")
    check_equal(registered(), [pair], "the pairs in use")
    machine.stop()
    check_given_back(PATHS["boots"])


@case(timeout=SLOW)
def another_machine_uses_its_image():
    crashed()
    with Machine("other", disk(PATHS["taken"], "vda")) as other:
        other.start()
        check_equal(label(PATHS["taken"]), f"{SHARED}:{other.pair()}", "the label for another machine")
        other.stop()
        check_given_back(PATHS["taken"])


@case(timeout=SLOW)
def it_starts_again():
    before = crashed()
    machine = the_machine()
    machine.start()
    check_equal(machine.pair(), before["pairs"][0], "its pair")
    check_equal(label(PATHS["crashed"]), f"{SHARED}:{machine.pair()}", "its image's label")
    check_equal(label(PATHS["read"]), CONTENT, "the label of what it reads")
    machine.qemu_label()
    machine.stop()
    check_equal(unit_property(machine.unit, "Result"), "success")
    check_given_back(PATHS["crashed"], PATHS["read"], PATHS["taken"])
    check_equal(registered(), [], "the pairs in use")


def forget():
    machine, enabled = the_machine(), the_one_that_is_enabled()
    run(["systemctl", "disable", "machines.target", enabled.unit])
    machine.remove()
    enabled.remove()


if __name__ == "__main__":
    if not os.path.exists(BEFORE):
        before_the_crash()
    atexit.register(forget)
    main()
