# SPDX-License-Identifier: LGPL-2.1-or-later
"""Users that definitions name, and labels on a machine without SELinux."""

import os
import re

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, wait_for
from vm import vm

STATIC = "<seclabel type='static' model='dac' relabel='yes'><label>{}</label></seclabel>"


def with_seclabel(machine, seclabel):
    machine.without_guest()
    machine.xml = machine.xml.replace("</domain>", f"{seclabel}</domain>")
    return machine.write()


def try_start(machine):
    return run(["vmunit", "start", machine.name, "--paused"])


@case
def a_user_of_its_own_is_shown():
    with vm("own-user") as machine:
        with_seclabel(machine, "")
        check_equal(try_start(machine).rc, 0, "the start")
        uid = os.stat(f"/proc/{machine.qemu()}").st_uid
        check(uid > 0, "QEMU runs as root")
        xml = run_ok(["vmunit", "dumpxml", machine.name])
        check_match(rf"<seclabel type='dynamic' model='dac' relabel='yes'>\s*<label>\+{uid}:\+{uid}</label>", xml, "dumpxml")
        check("seclabel" not in run_ok(["vmunit", "dumpxml", "--inactive", machine.name]), "the definition has a label")
        check_match(r"Security model: none\nSecurity DOI:   0\n", run_ok(["vmunit", "dominfo", machine.name]), "dominfo")


@case
def a_user_of_the_definition():
    with vm("static-user") as machine:
        with_seclabel(machine, STATIC.format("daemon:+1"))
        check_equal(try_start(machine).rc, 0, "the start")
        with open(f"/proc/{machine.qemu()}/status", encoding="ascii") as f:
            check_match(r"\nUid:\t1\t1\t1\t1\nGid:\t1\t1\t1\t1\n", f.read(), "QEMU's user")
        check_equal(run_ok(["systemctl", "show", "-P", "DynamicUser", machine.unit]).strip(), "no", "DynamicUser=")
        check_match(r"<label>daemon:\+1</label>\s*<imagelabel>daemon:\+1</imagelabel>", run_ok(["vmunit", "dumpxml", machine.name]), "dumpxml")


@case
def a_user_of_two_machines():
    """Their user does not keep them apart, which the second one says. What does is in test-confinement.py."""
    text = "runs with the same user, 'daemon': mounts, filters and labels keep the two apart, their user does not"
    with vm("first-of-two") as first, vm("second-of-two") as second:
        for machine in (first, second):
            with_seclabel(machine, STATIC.format("daemon:+1"))
            check_equal(try_start(machine).rc, 0, "the start")
        check(not [m for m in first.journal() if text in m], "the first one has said it")
        wait_for(lambda: any(f"domain '{first.name}' {text}" in m for m in second.journal()), 10, "the warning")


@case
def users_that_are_refused():
    for label, message in (("+0:+0", "a virtual machine cannot run as root"), ("root:daemon", "a virtual machine cannot run as root"),
                           ("daemon:+0", "a virtual machine cannot run as root"), ("daemon", "is no user and group")):
        with vm("refused") as machine:
            with_seclabel(machine, STATIC.format(label))
            result = try_start(machine)
            check(result.rc != 0, f"{label} was taken")
            check_match(re.escape(message), result.err, f"the refusal of {label}")
    # This is systemd's to say, before anything of ours runs; its journal may be late for what `vmunit start` tells.
    with vm("nobodys") as machine:
        with_seclabel(machine, STATIC.format("no-such-user:kvm"))
        check(try_start(machine).rc != 0, "no-such-user:kvm was taken")
        wait_for(lambda: any("user credentials" in str(e["MESSAGE"]) for e in journal(f"UNIT={machine.unit}")), 10,
                 "the journal does not name the user's credentials")


@case
def selinux_that_is_not_there():
    with vm("no-selinux") as machine:
        with_seclabel(machine, "<seclabel type='dynamic' model='selinux'/>")
        result = try_start(machine)
        check(result.rc != 0, "it has started")
        check_match("<seclabel model='selinux'> needs SELinux, which this machine does not have", result.err, "the refusal")
    with vm("any-model") as machine:
        with_seclabel(machine, "<seclabel type='none'/>")
        check_equal(try_start(machine).rc, 0, "the start")


if __name__ == "__main__":
    main()
