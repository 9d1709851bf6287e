# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts that an administrator's own settings, or another unit, stand in the way of: what is said, and that it goes when that is gone."""

import contextlib
import os
import shutil

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import Vm, nothing_left, vm

LIBEXEC = "/usr/libexec/vmunit"


@contextlib.contextmanager
def drop_in(unit, text):
    """A setting of the administrator's, after all others."""
    directory = f"/etc/systemd/system/{unit}.d"
    os.makedirs(directory)
    try:
        with open(f"{directory}/90-own.conf", "w", encoding="utf-8") as f:
            f.write(f"[Service]\n{text}\n")
        run_ok(["systemctl", "daemon-reload"])
        yield
    finally:
        shutil.rmtree(directory)
        run_ok(["systemctl", "daemon-reload"])


def refused(machine, pattern):
    """Neither way starts it, both say why, and nothing of it stays behind."""
    result = run(["vmunit", "start", machine.name])
    check_equal(result.rc, 1, "the exit status of vmunit start")
    check_match(pattern, result.err, "vmunit start")
    check(run(["systemctl", "start", machine.unit]).rc != 0, "systemctl start says it has started")
    check_match(pattern, "\n".join(machine.journal()), "the journal")
    check_match(pattern, unit_property(machine.unit, "StatusText"), "the unit's status")
    check_equal(machine.state(), ("shut off", "failed"))
    nothing_left(machine)
    check_equal(os.listdir(f"/run/vmunit/{machine.name}"), ["state"], "what is left in the runtime directory")
    run_ok(["systemctl", "reset-failed", machine.unit])


def starts_now(machine):
    machine.start(ready=False)
    check_equal(machine.state()[0], "running")


@case
def a_store_that_is_too_small():
    """systemd drops what goes over it, and says nothing."""
    with vm("crowded") as machine:
        machine.without_guest().write()
        with drop_in(machine.unit, "FileDescriptorStoreMax=2"):
            refused(machine, rf"systemd keeps 2 of the \d+ descriptors of this VM: FileDescriptorStoreMax= of {machine.unit} is too small")
        starts_now(machine)


@case
def a_user_of_the_administrators():
    """All that has been made ready for the machine would be another one's."""
    with vm("usurped") as machine:
        machine.without_guest().write()
        with drop_in(machine.unit, "User=games"):
            refused(machine, rf"User= of unit {machine.unit} is 'games', and '[^']+' for this definition; run: systemctl daemon-reload")
        starts_now(machine)


@case
def a_transient_machine_of_that_name():
    twin = Vm("twin").without_guest()
    path = "/tmp/twin.xml"
    with open(path, "w", encoding="utf-8") as f:
        f.write(twin.xml)
    try:
        os.makedirs(os.path.dirname(twin.log), exist_ok=True)
        run_ok(["vmunit", "create", path])
        supervisor = unit_property("vmunit-vm-twin.service", "MainPID")
        twin.write()
        run_ok(["systemctl", "daemon-reload"])
        check(run(["systemctl", "start", twin.unit]).rc != 0, "a second one has started")
        check_match("domain 'twin' is already active, as vmunit-vm-twin.service", "\n".join(twin.journal()), "the journal")
        check_equal(unit_property("vmunit-vm-twin.service", "MainPID"), supervisor, "the one that was there first")
        check_equal(run_ok(["vmunit", "domstate", "twin"]).strip(), "running")
        run_ok(["vmunit", "destroy", "twin"])
        wait_for(lambda: run(["systemctl", "is-active", "vmunit-vm-twin.service"]).rc != 0, 20, "the transient one to be gone")
        run_ok(["systemctl", "start", twin.unit])
    finally:
        run(["vmunit", "destroy", "twin"])
        twin.remove()
        os.unlink(path)


@case
def steps_by_hand():
    """They are a unit's, and would take a running machine's files away from it."""
    with vm("stepped") as machine:
        starts_now(machine.without_guest())
        for words in (["start"], ["register"], ["cleanup"]):
            result = run([f"{LIBEXEC}/vmunit-prepare", *words, machine.name])
            check_equal((result.rc, result.out), (1, ""), f"vmunit-prepare {words[0]}")
            check_match("is run by systemd, as a step of a VM's unit", result.err, f"vmunit-prepare {words[0]}")
        for words in ([], ["start"], ["begin", machine.name], ["start", machine.name, "more"]):
            result = run(["env", "NOTIFY_SOCKET=/nonexistent", f"{LIBEXEC}/vmunit-prepare", *words])
            check_equal(result.rc, 1, f"vmunit-prepare {words}")
            check_match("^usage: vmunit-prepare|usage: vmunit-prepare", result.err, f"vmunit-prepare {words}")
        for program, pattern in (("vmunit-supervisor", "no descriptors were passed"), ("vmunit-monitor", "not by hand")):
            result = run([f"{LIBEXEC}/{program}"])
            check_equal(result.rc, 1, program)
            check_match(pattern, result.err, program)
        check_match(r"^vmunit \d+\.\d+", run_ok([f"{LIBEXEC}/vmunit-prepare", "--version"]), "the version")
        check_equal(machine.state()[0], "running", "the machine, after all that")


main()
