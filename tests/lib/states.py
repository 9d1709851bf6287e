# SPDX-License-Identifier: LGPL-2.1-or-later
"""The states of a machine and what each verb does in them: how a machine is brought into a state, and what comes of a command
line there. oracle/states.py asks libvirt, container/test-states.py vmunit; state_table.py is what must come of it."""

import os
import re
import shlex
import shutil
import subprocess
import time

NAME = "states"
UUID = "5a5a5a5a-0000-4000-8000-00000000000a"

# Guests of a few instructions. "crashed" tells the pvpanic device, "pmsuspended" writes to ACPI's control register of
# q35. A guest that has powered off is gone at once: what is refused "in shutdown" is for unit/test-monitor-lifecycle.c.
SECTORS = {
    "running": "faf4ebfd",
    "crashed": "ba0505b001eefaf4ebfd",
    "pmsuspended": "ba0406b80024effaf4ebfd",
}

DOMAIN = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <on_crash>preserve</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='{image}'/>
      <target dev='sda' bus='sata'/>
    </disk>
    <serial type='pty'/>
    <console type='pty'/>
    <video><model type='vga'/></video>
    <panic model='isa'/>
  </devices>
</domain>
"""

# In this order, so that each state's machine is made as seldom as can be: what is refused comes first, as a rule.
VERBS = """
domstate N
managedsave-remove N
undefine N --nvram --keep-nvram
domrename N N
setvcpus N 2
setvcpus N 1 --live
setvcpus N 1 --config
setmem N 32M --live
setmem N 64M --config
console N
dompmwakeup N
dompmsuspend N mem
inject-nmi N
send-key N KEY_A
screenshot N D/shot
managedsave-dumpxml N
start N
create D/N.xml
define D/N.xml
autostart N
autostart N --disable
shutdown N
shutdown N --mode agent
reboot N
reboot N --mode agent
suspend N
resume N
reset N
dump N D/core
dump N D/core --memory-only
dump N D/core --crash
save N D/save
restore D/earlier
managedsave N
domrename N new
undefine N --managed-save
undefine N
destroy N
"""


class Side:
    """One who runs machines: COMMAND are the words before the verb."""

    def __init__(self, command, directory):
        self.command, self.directory = command, directory

    def run(self, line):
        words = [w.replace("D/", f"{self.directory}/") if "D/" in w else w for w in
                 (re.sub(r"\bN\b", NAME, w) for w in shlex.split(line))]
        done = subprocess.run([*self.command, *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, check=False)
        text = (done.stdout.strip() + "\n" + done.stderr.strip()).strip().replace(self.directory, "D")
        return done.returncode, "a definition" if text.startswith("<domain") else text

    def state(self):
        code, text = self.run("domstate N --reason")
        return text if code == 0 else "undefined"

    def wait(self, state):
        end = time.monotonic() + 60
        while not self.state().startswith(state):
            if time.monotonic() > end:
                raise AssertionError(f"{self.state()} instead of {state}")
            time.sleep(0.05)

    def must(self, line):
        code, text = self.run(line)
        if code != 0:
            raise AssertionError(f"{line}: {text}")

    def remove(self):
        for name in ("N", "new"):
            self.run(f"destroy {name}")
            self.run(f"undefine {name} --managed-save")
        # What a case of another driver has left of a machine of that name.
        shutil.rmtree("/var/lib/vmunit/new", ignore_errors=True)

    def prepare(self, state):
        """The machine is in STATE."""
        self.remove()
        guest = state if state in SECTORS else "running"
        with open(f"{self.directory}/disk", "wb") as f:
            f.write(bytes.fromhex(SECTORS[guest]).ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
        with open(f"{self.directory}/{NAME}.xml", "w", encoding="ascii") as f:
            f.write(DOMAIN.format(name=NAME, uuid=UUID, image=f"{self.directory}/disk"))
        if state == "undefined":
            return
        self.must("define D/N.xml")
        if state == "shut off":
            return
        self.must("start N")
        if state in SECTORS:
            self.wait(state)
        elif state == "paused":
            self.must("suspend N")
        elif state == "saved":
            self.must("managedsave N")

    def settled(self, expected):
        """The state, as soon as it is the expected one: guests take a moment to wake up, or go on."""
        end = time.monotonic() + 5
        while (state := self.state()) != expected and expected and time.monotonic() < end:
            time.sleep(0.05)
        return state

    def cells(self, state, verbs, expected=None):
        """Yields (verb, exit status, text, state after it) of each verb in STATE. EXPECTED: {verb: the state after it}."""
        self.prepare("running")
        self.must("save N D/earlier")
        self.prepare(state)
        base = self.state()
        for line in verbs:
            code, text = self.run(line)
            after = self.settled((expected or {}).get(line))
            yield line, code, text, after
            # What a verb has changed, or may have changed behind the state, is not the next one's.
            if after != base or (code == 0 and line.split()[0] in ("undefine", "domrename", "managedsave-remove", "reset", "dump", "reboot", "start")):
                self.prepare(state)
                base = self.state()
