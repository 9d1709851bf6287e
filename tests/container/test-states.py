#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each verb does in each state of a machine is what virsh does there: exit status, text, and the state after it; what is
refused changes nothing. state_table.py holds virsh's answers, and those of vmunit's that differ, with the reason."""

import os
import pty
import tempfile

from harness import Console, case, check, check_equal, main, run_ok
from state_table import expected
from states import NAME, Side


def in_state(state):
    with tempfile.TemporaryDirectory(prefix="states", dir="/var/tmp") as directory:
        os.chmod(directory, 0o755)
        side = Side(["vmunit"], directory)
        table = expected(state)
        wrong = 0
        try:
            for line, *got in side.cells(state, list(table), {line: row[2] for line, row in table.items()}):
                if tuple(got) != table[line]:
                    wrong += 1
                    print(f"    {state}: {line}\n      expected: {table[line]}\n      got:      {tuple(got)}")
        finally:
            side.remove()
        print(f"    {len(table)} verbs, {wrong} wrong")
        check(not wrong, f"{wrong} of {len(table)} verbs")


@case(timeout=300)
def undefined():
    """Of what nobody has heard of."""
    in_state("undefined")


@case(timeout=300)
def shut_off():
    """Of what is defined and does not run."""
    in_state("shut off")


@case(timeout=300)
def running():
    """Of what runs."""
    in_state("running")


@case(timeout=300)
def paused():
    """Of what stands still."""
    in_state("paused")


@case(timeout=300)
def saved():
    """Of what does not run and has a managed save."""
    in_state("saved")


@case(timeout=300)
def crashed():
    """Of a guest that has panicked, and is kept."""
    in_state("crashed")


@case(timeout=300)
def pmsuspended():
    """Of a guest that sleeps."""
    in_state("pmsuspended")


@case(timeout=300)
def undefine_takes_all_with_it():
    """What is started at boot is not any more; the firmware's variables go, or stay, as is said; what runs goes on."""
    with tempfile.TemporaryDirectory(prefix="states", dir="/var/tmp") as directory:
        side = Side(["vmunit"], directory)
        state = f"/var/lib/vmunit/{NAME}"
        wants = f"/etc/systemd/system/machines.target.wants/vm@{NAME}.service"
        try:
            side.prepare("running")
            os.makedirs(state, exist_ok=True)
            side.must("autostart N")
            check(os.path.lexists(wants), "it is not started at boot")
            for _ in range(2):
                with open(f"{state}/nvram.fd", "wb") as f:
                    f.write(b"variables")
                check_equal(side.run("undefine N"), (1, f"error: Failed to undefine domain '{NAME}'\n"
                                                        "error: Requested operation is not valid: cannot undefine domain with nvram"), "undefine")
                check(os.path.exists(f"/etc/vm/{NAME}.xml") and os.path.exists(f"{state}/nvram.fd"), "something is gone")
                side.must("undefine N --keep-nvram")
                check(os.path.exists(f"{state}/nvram.fd"), "the variables are gone")
                check(not os.path.lexists(wants), "it is still started at boot")
                check_equal(side.state(), "running (booted)", "state")
                check_equal(run_ok(["vmunit", "list", "--transient", "--name"]).split(), [NAME], "transient machines")
                side.must("define D/N.xml")
            side.must("undefine N --nvram")
            check(not os.path.exists(f"{state}/nvram.fd"), "the variables are still there")
            side.must("destroy N")
            check_equal(side.state(), "undefined", "state")
        finally:
            side.remove()


@case
def edit_asks():
    """At a terminal one key is an answer: help, once more, which fails the same way, and no: what was written is kept."""
    with tempfile.TemporaryDirectory(prefix="states", dir="/var/tmp") as directory:
        side = Side(["vmunit"], directory)
        try:
            side.prepare("shut off")
            with open(f"/etc/vm/{NAME}.xml", encoding="utf-8") as f:
                before = f.read()
            pid, fd = pty.fork()
            if pid == 0:
                os.execvpe("vmunit", ["vmunit", "edit", NAME], {**os.environ, "VISUAL": "sed -i s/vcpu/vcpux/g", "EDITOR": "false"})
            console = Console(fd)
            for key, answer in (("x", ""), ("?", "^f - force, try to redefine again$"), ("f", "^error: "), ("n", "what you wrote is in (/.*)$")):
                console.expect(r"Failed\. Try again\? \[y,n,i,f,\?\]: ", 30)
                os.write(fd, key.encode())
                match = console.expect(answer, 30)
            _, status = os.waitpid(pid, 0)
            check_equal(os.waitstatus_to_exitcode(status), 1, "status")
            with open(match[1].strip(), encoding="utf-8") as f:
                check("<vcpux>" in f.read(), "what was written is lost")
            with open(f"/etc/vm/{NAME}.xml", encoding="utf-8") as f:
                check_equal(f.read(), before, "the definition")
        finally:
            side.remove()


main()
