#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dump: the file is what it is called, and the guest goes on or does not, as was asked; what fails leaves it as it was."""

import mmap
import os
import re
import stat
import subprocess

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import nothing_left, talking_vm, vm as machine

DIRECTORY = "/var/tmp/dumps"


def path(name):
    os.makedirs(DIRECTORY, exist_ok=True)
    return f"{DIRECTORY}/{name}"


def begins_with(file, magic):
    with open(file, "rb") as f:
        check_equal(f.read(len(magic)), magic, f"the first bytes of {file}")
    check_equal(stat.S_IMODE(os.stat(file).st_mode), 0o600, f"mode of {file}")


def goes_on(vm, state=("running", "unpaused")):
    wait_for(lambda: vm.state() == state, 20, f"the guest to be {state}")
    vm.ticks_go_on(2, 60)


def refused(command, pattern):
    result = run(command)
    check_equal(result.rc, 1, f"status of {command}")
    check_match(pattern, result.err)


@case(timeout=300)
def formats():
    """All the guest's state, or its memory alone: the guest counts on behind each, also with --live."""
    with machine("alpha", agent=False) as vm:
        vm.start()
        whole, core = path("alpha"), path("alpha.core")
        done = run(["vmunit", "dump", "alpha", whole, "--verbose"], check=True)
        check_equal(done.out, f"\nDomain 'alpha' dumped to {whole}\n\n", "output")
        check_equal(done.err, "", "progress, where there is no terminal")
        begins_with(whole, b"QEVM")
        goes_on(vm)
        run_ok(["vmunit", "dump", "alpha", whole, "--live"])
        begins_with(whole, b"QEVM")
        goes_on(vm)
        run_ok(["vmunit", "dump", "alpha", core, "--memory-only"])
        begins_with(core, b"\x7fELF")
        check(os.path.getsize(core) >= 256 << 20, "it is smaller than the guest's memory")
        goes_on(vm)
        run_ok(["vmunit", "dump", "alpha", core, "--memory-only", "--format", "kdump-zlib", "--verbose"])
        begins_with(core, b"makedumpfile\0")
        goes_on(vm)
        refused(["vmunit", "dump", "alpha", core, "--memory-only", "--format", "win-dmp"],
                "error: operation failed: memory-only dump failed: win-dump: ")
        begins_with(core, b"makedumpfile\0")
        refused(["vmunit", "dump", "alpha", core, "--live", "--crash"],
                "error: Flags 'VIR_DUMP_CRASH' and 'VIR_DUMP_LIVE' are mutually exclusive")
        goes_on(vm)
        check_equal(sorted(os.listdir(DIRECTORY)), ["alpha", "alpha.core"], "what is there")


@case(timeout=300)
def what_becomes_of_the_guest():
    """Paused, it stays so; --reset begins anew; --crash ends it."""
    with machine("beta", agent=False) as vm:
        vm.start()
        run_ok(["vmunit", "suspend", "beta"])
        run_ok(["vmunit", "dump", "beta", path("beta"), "--memory-only"])
        check_equal(vm.state(), ("paused", "user"), "state of a guest that was paused")
        run_ok(["vmunit", "dump", "beta", path("beta")])
        check_equal(vm.state(), ("paused", "user"), "state of a guest that was paused")
        run_ok(["vmunit", "resume", "beta"])
        goes_on(vm)
        seen = len(vm.serial.text)
        run_ok(["vmunit", "dump", "beta", path("beta"), "--reset"])
        vm.serial.expect(r"^vmunit-guest: tick 1$", 90, position=seen)
        run_ok(["vmunit", "dump", "beta", path("beta"), "--crash", "--memory-only"])
        begins_with(path("beta"), b"\x7fELF")
        check_equal(vm.state(), ("shut off", "crashed"), "state")


@case(timeout=300)
def failed_dumps():
    """No room, no such directory, a dumper that is killed: the guest runs on, nothing is left behind."""
    with machine("gamma", agent=False) as vm:
        vm.start()
        refused(["vmunit", "dump", "gamma", "/nowhere/gamma"], "Failed to create file '/nowhere/gamma': No such file or directory")
        refused(["vmunit", "dump", "gamma", "/tmp", "--memory-only"], "Failed to create file '/tmp': Is a directory")
        check_equal(vm.state(), ("running", "booted"), "state")
        small = path("small")
        os.makedirs(small, exist_ok=True)
        run_ok(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small])
        try:
            for words in ([], ["--memory-only"], ["--memory-only", "--format", "kdump-zlib"]):
                refused(["vmunit", "dump", "gamma", f"{small}/gamma", *words], "No space left on device|memory-only dump failed")
                check_equal(os.listdir(small), [], "what is left")
                goes_on(vm)
        finally:
            run_ok(["umount", small])
        for words in ([], ["--memory-only"]):
            dumper = subprocess.Popen(["vmunit", "dump", "gamma", path("gamma"), *words], stdout=subprocess.DEVNULL)
            wait_for(lambda: vm.state()[1] == "dumping" or dumper.poll() is not None, 20, "the guest to be dumped", interval=0.005)
            dumper.kill()
            dumper.wait()
            goes_on(vm)
        # It can still be saved.
        run_ok(["vmunit", "managedsave", "gamma"])
        run_ok(["vmunit", "start", "gamma"])
        check_equal(vm.state(), ("running", "restored"), "state")


# ---- dumps that nobody asks for


PANIC = "<panic model='isa'/>"


def kept(name):
    """Those of the machine, oldest first."""
    directory = f"/var/lib/vmunit/{name}/dump/memory"
    return [f"{directory}/{file}" for file in sorted(os.listdir(directory))]


def remember(vm, word):
    """Something that is in the guest's memory and in no file of ours."""
    vm.console.ask(f"exec echo {word[:4]}$(echo {word[4:]}) >/dev/kmsg")


def check_core(file, vm, word):
    check_match(rf"^{vm.name}-\d{{4}}-\d\d-\d\d-\d\d:\d\d:\d\d$", os.path.basename(file))
    begins_with(file, b"\x7fELF")
    status = os.stat(file)
    check(status.st_size > 256 << 20, "it is smaller than the guest's memory")
    check(status.st_blocks * 512 < status.st_size, "pages of zeros take room")
    with open(file, "rb") as f, mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as memory:
        check(memory.find(word.encode()) >= 0, f"'{word}' of the guest is not in its memory")
    check_match(rf"the guest's memory is in '{re.escape(file)}'", "\n".join(vm.journal()))


@case(timeout=300)
def a_crash_is_dumped_and_destroyed():
    with talking_vm("fallen", devices=PANIC, lifecycle="<on_crash>coredump-destroy</on_crash>") as vm:
        vm.start()
        remember(vm, "last-words-of-fallen")
        vm.console.send("panic")
        check_equal(vm.wait_stopped(120), "failed")
        check_equal(vm.state(), ("shut off", "crashed"))
        file, = kept("fallen")
        check_core(file, vm, "last-words-of-fallen")
        check_equal(stat.S_IMODE(os.stat(os.path.dirname(os.path.dirname(file))).st_mode), 0o700, "who may look for dumps")
        nothing_left(vm)
        os.unlink(file)


@case(timeout=300)
def a_crash_is_dumped_and_started_again():
    with talking_vm("risen", devices=PANIC, lifecycle="<on_crash>coredump-restart</on_crash>") as vm:
        vm.start()
        for number in (1, 2):
            remember(vm, f"last-words-number-{number}")
            vm.console.send("panic")
            wait_for(lambda: int(unit_property(vm.unit, "NRestarts")) == number, 120, "a restart", interval=0.1)
            vm.disconnect()
            wait_for(lambda: vm.state()[0] == "running", 60, "the guest to run again")
            vm.connect()
            check_equal(len(kept("risen")), number, "dumps")
            check_core(kept("risen")[-1], vm, f"last-words-number-{number}")
        for file in kept("risen"):
            os.unlink(file)


@case(timeout=300)
def a_crash_that_there_is_no_room_for():
    """It is kept, and there is nothing half-made; what is not planned cannot be asked for later."""
    place = "/var/lib/vmunit/dumped/dump"
    os.makedirs(place)
    run_ok(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place])
    with open(f"{place}/others", "wb") as f:
        f.write(bytes(15 << 20 | 512 << 10))
    try:
        with talking_vm("dumped", devices=PANIC, lifecycle="<on_crash>coredump-destroy</on_crash>") as vm:
            vm.start()
            vm.console.send("panic")
            wait_for(lambda: any("was not dumped: kept" in line for line in vm.journal()), 60, "the journal to say so")
            check_equal(vm.state(), ("crashed", "panicked"))
            check_match("cannot dump the guest's memory: the last twentieth of the file system is kept for others", "\n".join(vm.journal()))
            check_equal(kept("dumped"), [], "what is left")
            run_ok(["vmunit", "dump", "dumped", path("dumped"), "--memory-only", "--crash"])
            begins_with(path("dumped"), b"\x7fELF")
            check_equal(vm.state(), ("shut off", "crashed"))
    finally:
        run_ok(["umount", place])
    with machine("without", agent=False) as vm:
        vm.start()
        refused(["vmunit", "set-lifecycle-action", "without", "crash", "coredump-destroy", "--live"], "has no place for a dump")


@case(timeout=300)
def a_watchdog_dumps_and_the_guest_goes_on():
    with talking_vm("barked", devices="<watchdog model='i6300esb' action='dump'/>") as vm:
        vm.start()
        remember(vm, "what-the-dog-saw")
        vm.console.ask("exec for d in /sys/class/watchdog/watchdog*; do grep -q 6300ESB $d/identity && "
                       "watchdog -T 4 -t 3600 /dev/${d##*/}; done; true")
        wait_for(lambda: any("the guest's memory is in" in line for line in vm.journal()), 120, "a dump")
        wait_for(lambda: vm.state() == ("running", "unpaused"), 20, "the guest to go on")
        uptime = float(vm.console.ask("cat /proc/uptime")[0].split()[0])
        check(uptime > 4, f"it began anew: up {uptime} s")
        file, = kept("barked")
        check_core(file, vm, "what-the-dog-saw")
        os.unlink(file)


main()
