# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many machines are started at once, out of hardly more categories than they need: no two of them have the same pair.

Half of them are definitions and half transient. Their emulator is the puppet (tests/guest/puppet.c), which needs next to no
memory. STARTS=N in the environment starts N of them."""

import contextlib
import glob
import os
import re
import shutil
import subprocess
import time

from confinement import EMULATOR, GUEST_PUPPET
from harness import case, check_equal, check_match, main, run, run_ok
from labels import IMAGES, REGISTRY, Machine, check_given_back, disk, image, label, registered

STARTS = int(os.environ.get("STARTS", 12))
SLOW = 60 + 10 * STARTS
CONF = "/etc/vm/vmunit.conf"


def enough_categories(n):
    """The fewest of which N pairs have an odd sum and N an even one, as transient machines and definitions take them."""
    k = 3
    while min((k // 2) * ((k + 1) // 2), k * (k - 1) // 2 - (k // 2) * ((k + 1) // 2)) < n:
        k += 1
    return k


def together(commands):
    """Runs them at once."""
    processes = [subprocess.Popen(c, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                 for c in commands]
    said = [(p.communicate()[0], p.returncode) for p in processes]
    check_equal([(c, s) for c, s in zip(commands, said) if s[1] != 0], [], "what failed")


class Many(Machine):
    def __init__(self, number):
        self.image = image(f"many{number}.img")
        super().__init__(f"many{number}", f"<emulator>{EMULATOR}</emulator>", disk(self.image, "vda"))
        self.transient = number % 2 == 1
        if self.transient:
            self.unit, self.path = f"vmunit-vm-{self.name}.service", f"/run/test-{self.name}.xml"

    def remove(self):
        os.unlink(self.path)
        os.unlink(self.image)

    def command(self):
        return ["vmunit", "create", self.path] if self.transient else ["systemctl", "start", self.unit]


def processes(group):
    """{name: pid} of those in the control groups of a unit."""
    found = {}
    for directory in (group, *glob.glob(f"{group}/*/")):
        with open(f"{directory}/cgroup.procs", encoding="ascii") as f:
            for pid in map(int, f.read().split()):
                with open(f"/proc/{pid}/comm", encoding="ascii") as c:
                    found[c.read().strip()] = pid
    return found


def what_they_have(machines):
    """{name: (the pairs that unit, processes and image say it has, user)}"""
    shown = run_ok(["systemctl", "show", "--property=SELinuxContext,ControlGroup", *(m.unit for m in machines)])
    blocks = shown.strip().split("\n\n")
    check_equal(len(blocks), len(machines), "units")
    found = {}
    for m, block in zip(machines, blocks):
        unit = dict(line.split("=", 1) for line in block.splitlines())
        pids = processes(f"/sys/fs/cgroup{unit['ControlGroup']}")
        contexts = [unit["SELinuxContext"], label(m.image)]
        for pid in pids.values():
            with open(f"/proc/{pid}/attr/current", encoding="ascii") as f:
                contexts.append(f.read().rstrip("\0\n"))
        pairs = [check_match(r":s0:(c\d+,c\d+)$", c, f"a context of {m.name}")[1] for c in contexts]
        check_equal((len(pairs), len(set(pairs))), (5, 1), f"what {m.name} has: {contexts}")
        qemu = next(p for c, p in pids.items() if c.startswith("qemu"))
        found[m.name] = pairs[0], os.stat(f"/proc/{qemu}").st_uid
    return found


def put_puppet():
    """What the puppet can do is what the real QEMU says, which it executes for that: a confined one could not. It is known
    then to starts, which see no /dev/kvm."""
    shutil.copy(GUEST_PUPPET, EMULATOR)
    run_ok(["chcon", "-t", "qemu_exec_t", EMULATOR])
    run_ok(["setenforce", "0"])
    try:
        run_ok(["systemd-run", "--quiet", "--wait", "--pipe", "--property=PrivateDevices=yes",
                "vmunit", "domcapabilities", "--virttype", "qemu", "--emulatorbin", EMULATOR], timeout=SLOW)
    finally:
        run_ok(["setenforce", "1"])


@contextlib.contextmanager
def few_categories():
    categories = enough_categories(STARTS // 2)
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[Host]\nSELinuxCategories=c0.c{categories - 1}\n")
    try:
        yield categories
    finally:
        os.unlink(CONF)


@case(timeout=SLOW)
def no_pair_twice():
    os.makedirs(IMAGES, exist_ok=True)
    put_puppet()
    with few_categories() as categories, contextlib.ExitStack() as stack:
        machines = [stack.enter_context(Many(n)) for n in range(STARTS)]
        units = [m.unit for m in machines]
        stack.callback(run, ["systemctl", "stop", *units], timeout=SLOW)
        run_ok(["systemctl", "daemon-reload"])
        begin = time.monotonic()
        together([m.command() for m in machines])
        started = time.monotonic()
        found = what_they_have(machines)
        pairs = {name: pair for name, (pair, _) in found.items()}
        check_equal(len(set(pairs.values())), STARTS, "different pairs")
        check_equal(len({user for _, user in found.values()}), STARTS, "different users")
        check_equal(registered(), sorted(pairs.values()), "the pairs in use")
        for name, pair in pairs.items():
            with open(f"{REGISTRY}/{pair}", encoding="ascii") as f:
                check_equal(f.read().strip(), name, f"whose {pair} is")
            check_equal(sum(int(c) for c in re.findall(r"\d+", pair)) % 2, int(name[4:]) % 2, f"the sum of {pair} of {name}")
        seen = time.monotonic()
        run_ok(["systemctl", "stop", *units], timeout=SLOW)
        print(f"   {STARTS} machines with pairs of {categories} categories: started in {started - begin:.1f} s, "
              f"looked at in {seen - started:.1f} s, ended in {time.monotonic() - seen:.1f} s")
        check_equal(set(run_ok(["systemctl", "show", "--property=ActiveState", *units]).split()), {"ActiveState=inactive"}, "units")
        check_given_back(*(m.image for m in machines))
        check_equal(registered(), [], "the pairs in use")


if __name__ == "__main__":
    main()
