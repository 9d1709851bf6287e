#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Verbs that reach into a guest: keys, an NMI, a picture of its screen, its agent, sleep; and whether it starts at boot."""

import json
import os
import re
import stat
import struct
import time

from harness import case, check, check_equal, check_match, main, run, run_ok, unit_property, wait_for
from vm import TalkingVm


def agent_answers(name):
    wait_for(lambda: run(["vmunit", "guestinfo", name, "--hostname"]).rc == 0, 90, "the agent", interval=0.3)


@case(timeout=240)
def keys_nmi_and_screen():
    machine = TalkingVm("typed", devices="<graphics type='vnc' port='-1'/><video><model type='vga'/></video>", cmdline="")
    os.umask(0o027)
    try:
        machine.start()
        run_ok(["vmunit", "send-key", "typed", "KEY_LEFTALT", "KEY_SYSRQ", "KEY_H"])
        machine.console.expect(r"sysrq: HELP : ")
        run_ok(["vmunit", "inject-nmi", "typed"])
        machine.console.expect(r"NMI received for unknown reason|NMI: ")
        check_equal(run_ok(["vmunit", "screenshot", "typed", "/tmp/typed.png"]),
                    "Screenshot saved to /tmp/typed.png, with type of image/png\n")
        with open("/tmp/typed.png", "rb") as f:
            data = f.read()
        check(data.startswith(b"\x89PNG\r\n\x1a\n"), "no PNG")
        width, height = struct.unpack(">II", data[16:24])
        check(width >= 640 and height >= 400, f"{width} x {height}")
        check_equal(stat.S_IMODE(os.stat("/tmp/typed.png").st_mode), 0o640, "its mode is the caller's")
        # Nothing of it stays with QEMU.
        sets = json.loads(run_ok(["vmunit", "qemu-monitor-command", "typed", '{"execute": "query-fdsets"}']))["return"]
        check(not any("screenshot" in str(s) for s in sets), f"{sets}")
        check_match("no such screen", run(["vmunit", "screenshot", "typed", "--screen", "1", "/tmp/other"]).err, "another screen")
        check(not os.path.exists("/tmp/other"), "a file without a picture")
        # A file system that is full: no part of one.
        os.makedirs("/tmp/full", exist_ok=True)
        run_ok(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", "/tmp/full"])
        try:
            with open("/tmp/full/up", "wb") as f:
                f.write(bytes(4096))
            check_match("No space left on device", run(["vmunit", "screenshot", "typed", "/tmp/full/png"]).err, "a full disk")
            check_equal(os.listdir("/tmp/full"), ["up"], "part of a picture")
        finally:
            run_ok(["umount", "/tmp/full"])
    finally:
        machine.remove()


@case(timeout=240)
def sleep_and_wake():
    """The agent does not say that it sleeps. A kernel started through PVH could not wake up."""
    machine = TalkingVm("sleeper", cmdline="")
    machine.xml = machine.xml.replace("/vmlinux<", "/vmlinuz<")
    try:
        machine.start()
        agent_answers("sleeper")
        channel = run_ok(["vmunit", "dumpxml", "sleeper", "--xpath", "//channel/target"])
        check_match('name="org.qemu.guest_agent.0" state="connected"', channel, "the agent's channel")
        check("state=" not in run_ok(["vmunit", "dumpxml", "sleeper", "--inactive", "--xpath", "//channel/target"]), "the definition has it")
        for word, why in (("nonsense", "internal error: cannot parse json nonsense: "), ('{"a":1}', "QMP input lacks member 'execute'")):
            check_match(f"error: .*{why}", run(["vmunit", "qemu-agent-command", "sleeper", word]).err, word)
        run_ok(["vmunit", "dompmsuspend", "sleeper", "mem"])
        machine.wait_state("pmsuspended")
        check_match("domain is not running", run(["vmunit", "dompmsuspend", "sleeper", "mem"]).err, "once more")
        run_ok(["vmunit", "dompmwakeup", "sleeper"])
        machine.wait_state("running")
        agent_answers("sleeper")
    finally:
        machine.remove()


@case(timeout=240)
def clock_and_agent_by_hand():
    machine = TalkingVm("clock", cmdline="")
    try:
        machine.start()
        agent_answers("clock")
        seconds = int(re.fullmatch(r"Time: (\d+)\s*", run_ok(["vmunit", "domtime", "clock"])).group(1))
        check(abs(seconds - time.time()) < 120, f"the guest's time is {seconds}")
        check_match(r"^Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", run_ok(["vmunit", "domtime", "clock", "--pretty"]).strip(), "the date")
        # This guest has no hwclock: what its agent says to that is said.
        check_match("QEMU agent command 'guest-set-time'", run(["vmunit", "domtime", "clock", "--now"]).err, "setting it")
        # Nobody waits for a command that takes its time; the next one finds the agent at work, and then free.
        run_ok(["vmunit", "guest-agent-timeout", "clock", "--timeout", "9"])
        run_ok(["vmunit", "qemu-agent-command", "clock", "--async", '{"execute": "guest-ping"}'])
        agent_answers("clock")
    finally:
        machine.remove()


@case
def starts_at_boot():
    """What systemctl says, without a reload before the next start."""
    machine = TalkingVm("early", cmdline="")
    try:
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        check_equal(unit_property(machine.unit, "NeedDaemonReload"), "no")
        run_ok(["vmunit", "autostart", "early"])
        check_equal(run(["systemctl", "is-enabled", machine.unit]).out, "enabled\n")
        check_match(r"Autostart: +enable", run_ok(["vmunit", "dominfo", "early"]), "dominfo")
        check_match("early", run_ok(["vmunit", "list", "--all", "--autostart"]), "list")
        check_equal(unit_property(machine.unit, "NeedDaemonReload"), "no", "a reload is wanted")
        run_ok(["vmunit", "autostart", "early", "--disable"])
        check(run(["systemctl", "is-enabled", machine.unit]).out != "enabled\n", "still enabled")
    finally:
        machine.remove()


@case
def another_name():
    """With what it keeps, and whether it starts at boot."""
    machine, renamed = TalkingVm("old", cmdline=""), TalkingVm("new", cmdline="")
    try:
        machine.write()
        os.makedirs("/var/lib/vmunit/old", exist_ok=True)
        with open("/var/lib/vmunit/old/kept", "w", encoding="ascii") as f:
            f.write("this")
        run_ok(["vmunit", "autostart", "old"])
        uuid = run_ok(["vmunit", "domuuid", "old"])
        run_ok(["vmunit", "domrename", "old", "new"])
        check_equal(run_ok(["vmunit", "domuuid", "new"]), uuid)
        check(not os.path.exists("/etc/vm/old.xml") and not os.path.exists("/var/lib/vmunit/old"), "the old one is there still")
        with open("/var/lib/vmunit/new/kept", encoding="ascii") as f:
            check_equal(f.read(), "this")
        check_equal(run(["systemctl", "is-enabled", renamed.unit]).out, "enabled\n")
        check(run(["systemctl", "is-enabled", machine.unit]).out != "enabled\n", "the old unit is enabled still")
        run_ok(["vmunit", "start", "new"])
        check_match("^error: Requested operation is not valid: cannot rename active domain", run(["vmunit", "domrename", "new", "x"]).err)
    finally:
        machine.remove()
        renamed.remove()


if __name__ == "__main__":
    main()
