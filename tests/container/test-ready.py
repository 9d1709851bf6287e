#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Readiness: what <vmunit:ready> in the metadata makes of the unit's start."""

import contextlib
import os
import signal
import subprocess

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for, wait_for_unit
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


UNITS = "/run/systemd/system"
GATE = "/run/test-gate"


@contextlib.contextmanager
def gate(vm):
    """The start of the VM waits for another unit, which ends with the status that is written to GATE."""
    texts = {f"{UNITS}/gate.service": f"[Service]\nType=oneshot\nExecStart=/bin/sh -c 'read status <{GATE}; exit $status'\n",
             f"{UNITS}/{vm.unit}.d/90-gate.conf": "[Unit]\nRequires=gate.service\nAfter=gate.service\n"}
    os.mkfifo(GATE)
    for path, text in texts.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
    run_ok(["systemctl", "daemon-reload"])
    try:
        yield
    finally:
        for path in (*texts, GATE):
            os.unlink(path)
        run_ok(["systemctl", "daemon-reload"])


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


@case
def whose_caller_has_gone():
    """The start that he has asked for goes on as it was asked for. If it comes to nothing, its options are not the next one's."""
    with machine("theta") as vm:
        options = "/run/vmunit/.start-theta"
        vm.without_guest().write()
        with gate(vm):
            for status, end in (("0", signal.SIGKILL), ("1", signal.SIGINT)):
                start = subprocess.Popen(["vmunit", "start", "theta", "--paused", "--credential", "system.hostname=x"], stderr=subprocess.DEVNULL)
                wait_for(lambda: os.path.exists(options) and "job=" in read(options), 20, "the start to be asked for")
                start.send_signal(end)
                check(start.wait(20) != 0, "the command has ended by itself")
                with open(GATE, "w", encoding="ascii") as f:
                    f.write(f"{status}\n")
                wait_for(lambda: unit_property(vm.unit, "Job") in ("", "0"), 60, "the job to end")
                if status == "0":
                    check_equal(vm.state()[0], "paused", "state")
                    run_ok(["vmunit", "destroy", "theta"])
            check_equal(unit_property(vm.unit, "ActiveState"), "inactive", "state of the unit")
            check(os.path.exists(options), "there are no options left: this says nothing")
        run_ok(["systemctl", "start", vm.unit])
        check_equal(vm.state(), ("running", "booted"), "state")
        check_equal([n for n in os.listdir("/run/vmunit") if n.startswith((".start-", ".credentials-"))], [], "what is left")


main()
