#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dump: the file is what it is called, and the guest goes on or does not, as was asked; what fails leaves it as it was."""

import os
import stat
import subprocess

from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from vm import vm as machine

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


main()
