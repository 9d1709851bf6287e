#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Readiness: what <vmunit:ready> in the metadata makes of the unit's start."""

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for_unit
from vm import vm as machine

PING = '{"execute":"guest-ping"}'
NAMESPACE = "xmlns:vmunit='urn:vmunit:metadata'"


def with_metadata(vm, text):
    vm.xml = vm.xml.replace("<memory", f"<metadata {NAMESPACE}>{text}</metadata>\n  <memory", 1)
    return vm


def answers(vm):
    return run(["vmunit", "qemu-agent-command", vm.name, PING]).rc == 0


def usec(vm, prop):
    return int(unit_property(vm.unit, prop))


@case
def without_a_word():
    """READY=1 when the guest runs: nobody answers yet."""
    with machine("alpha") as vm:
        vm.write()
        run_ok(["systemctl", "daemon-reload"])
        run_ok(["systemctl", "start", vm.unit])
        check_equal(unit_property(vm.unit, "ActiveState"), "active", "state of the unit")
        check(not answers(vm), "the guest's agent answers at once: this says nothing about the other cases")


@case
def guest_agent():
    """`systemctl start` and what is ordered after the unit wait for the agent; the unit is activating meanwhile."""
    with machine("beta") as vm, machine("gamma", agent=False) as after:
        with_metadata(vm, "<vmunit:ready when='guest-agent' timeout='120'/>").write()
        with_metadata(after, "<vmunit:after vm='beta'/>").without_guest().write()
        run_ok(["systemctl", "daemon-reload"])
        check_equal(unit_property(vm.unit, "TimeoutStartUSec"), "2min", "the unit's limit")
        run_ok(["systemctl", "start", "--no-block", vm.unit, after.unit])
        vm.wait_state("running")
        check_equal(unit_property(vm.unit, "ActiveState"), "activating", "state of the unit while the agent is waited for")
        check_match(r"(?m)^ +[0-9]+ +beta +running$", run_ok(["vmunit", "list"]))
        check_equal(unit_property(after.unit, "ActiveState"), "inactive", "the unit that is ordered after it")
        wait_for_unit(after.unit, ("active",), timeout=120)
        check_equal(unit_property(vm.unit, "ActiveState"), "active", "state of the unit")
        check(answers(vm), "the unit is active and the agent does not answer")
        check(usec(after, "ExecMainStartTimestampMonotonic") >= usec(vm, "ActiveEnterTimestampMonotonic"),
              "the other VM was started before")
        check([m for m in vm.journal() if m.startswith("guest agent answers: ready after ")], "the journal does not tell")


@case
def monitor_replaced():
    """A monitor that dies while the agent is waited for: the next one goes on waiting, and sees one that is there."""
    with machine("delta") as vm:
        with_metadata(vm, "<vmunit:ready when='guest-agent'/>").write()
        run_ok(["systemctl", "daemon-reload"])
        run_ok(["systemctl", "start", "--no-block", vm.unit])
        wait_for_unit(vm.unit, ("activating",), timeout=20)
        vm.wait_state("running")
        run_ok(["kill", "-KILL", str(vm.monitor())])
        wait_for_unit(vm.unit, ("active",), timeout=120)
        check(answers(vm), "the unit is active and the agent does not answer")


@case
def nobody_answers():
    """A guest without an agent: the start fails when the time is up, and the guest is shut down in good order."""
    with machine("epsilon", cmdline="vmunit.count vmunit.no-agent") as vm:
        with_metadata(vm, "<vmunit:ready when='guest-agent' timeout='12'/>").write()
        result = run(["vmunit", "start", "epsilon"])
        check_equal(result.rc, 1, "status of the start")
        check_match("stopped before the guest agent had answered, after [0-9.]+ s", result.err)
        check_equal(unit_property(vm.unit, "Result"), "timeout", "result of the unit")
        check_equal(vm.state(), ("shut off", "shutdown"), "state")
        check([m for m in vm.journal() if m.startswith("guest powered off after ")], "the guest was not shut down in good order")


@case
def paused():
    """A guest that is to stand still is not waited for."""
    with machine("zeta") as vm:
        with_metadata(vm, "<vmunit:ready when='guest-agent'/>").write()
        run_ok(["vmunit", "start", "zeta", "--paused"])
        check_equal(unit_property(vm.unit, "ActiveState"), "active", "state of the unit")


@case
def restored():
    """The agent of a guest that goes on from a managed save has opened its channel long before."""
    with machine("eta") as vm:
        with_metadata(vm, "<vmunit:ready when='guest-agent'/>").write()
        run_ok(["vmunit", "start", "eta"])
        check(answers(vm), "the start has returned and the agent does not answer")
        run_ok(["vmunit", "managedsave", "eta"])
        run_ok(["vmunit", "start", "eta"])
        check_equal(vm.state(), ("running", "restored"), "state")
        check(answers(vm), "the restored guest's agent does not answer")


main()
