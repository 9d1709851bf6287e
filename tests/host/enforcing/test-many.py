# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many machines are started at once, out of hardly more categories than they need: no two of them have the same pair, and none
has that of a static label in a definition.

Half of them are definitions, which systemd starts all at once, and half transient, of which some are made at a time meanwhile.
Their emulator is the puppet (tests/guest/puppet.c), which needs next to no memory. STARTS=N in the environment starts N of
them, TRANSIENT=N has that many of them transient: a processor that is emulated takes some seconds for each."""

import concurrent.futures
import contextlib
import glob
import os
import re
import shutil
import subprocess
import time

from confinement import EMULATOR, GUEST_PUPPET
from harness import case, check, check_equal, check_match, main, run, run_ok
from labels import IMAGES, REGISTRY, Machine, check_given_back, disk, image, label, registered

STARTS = int(os.environ.get("STARTS", 12))
TRANSIENT = int(os.environ.get("TRANSIENT", STARTS // 2))
SLOW = 300 + 15 * STARTS
# As many clients at once as systemd has time for on such a host: it ends connections that have not said who they are for long.
CLIENTS = 6
# Its sum is even, as those that definitions draw.
STATIC = "c0,c2"
CONF = "/etc/vm/vmunit.conf"


def enough_categories(n):
    """The fewest of which N pairs have an odd sum and N an even one, as transient machines and definitions take them."""
    k = 3
    while min((k // 2) * ((k + 1) // 2), k * (k - 1) // 2 - (k // 2) * ((k + 1) // 2)) < n:
        k += 1
    return k


def together(commands):
    """Runs them at once, CLIENTS of them at a time."""
    def one(command):
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        said = [(r.stdout, r.returncode) for r in pool.map(one, commands)]
    check_equal([(c, s) for c, s in zip(commands, said) if s[1] != 0], [], "what failed")


class Many(Machine):
    def __init__(self, number):
        self.image = image(f"many{number}.img")
        super().__init__(f"many{number}", f"<emulator>{EMULATOR}</emulator>", disk(self.image, "vda"))
        self.transient = number < TRANSIENT
        if self.transient:
            self.unit, self.path = f"vmunit-vm-{self.name}.service", f"/run/test-{self.name}.xml"

    def remove(self):
        os.unlink(self.path)
        os.unlink(self.image)


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


@contextlib.contextmanager
def patience():
    """Each of many starts at once takes as long as all of them, nearly."""
    paths = [f"/run/systemd/system/{u}.d/50-many.conf" for u in ("vm@.service", "vmunit-vm-.service")]
    for path in paths:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(f"[Service]\nTimeoutStartSec={SLOW}\nTimeoutStopSec={SLOW}\n")
    try:
        yield
    finally:
        for path in paths:
            os.unlink(path)


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
    categories = enough_categories(max(TRANSIENT, STARTS - TRANSIENT + 1))
    with open(CONF, "w", encoding="ascii") as f:
        f.write(f"[Host]\nSELinuxCategories=c0.c{categories - 1}\n")
    try:
        yield categories
    finally:
        os.unlink(CONF)


def check_pairs(machines):
    found = what_they_have(machines)
    pairs = {name: pair for name, (pair, _) in found.items()}
    check_equal(len(set(pairs.values())), STARTS, "different pairs")
    check(STATIC not in pairs.values(), "one has the pair of the static label")
    check_equal(len({user for _, user in found.values()}), STARTS, "different users")
    check_equal(registered(), sorted(pairs.values()), "the pairs in use")
    shown = re.findall(r"^\S+:svirt_prot_exec_t:s0:(c\d+,c\d+)\s.*qemu-system", run_ok(["ps", "-eZ"]), re.MULTILINE)
    check_equal(sorted(shown), sorted(pairs.values()), "what ps -eZ shows")
    for name, pair in pairs.items():
        with open(f"{REGISTRY}/{pair}", encoding="ascii") as f:
            check_equal(f.read().strip(), name, f"whose {pair} is")
        check_equal(sum(int(c) for c in re.findall(r"\d+", pair)) % 2, int(int(name[4:]) < TRANSIENT), f"the sum of {pair} of {name}")


@case(timeout=3 * SLOW)
def no_pair_twice():
    os.makedirs(IMAGES, exist_ok=True)
    put_puppet()
    seclabel = (f"<seclabel type='static' model='selinux' relabel='no'><label>system_u:system_r:svirt_prot_exec_t:s0:{STATIC}</label>"
                "</seclabel>")
    with few_categories() as categories, patience(), Machine("static", seclabel=seclabel), contextlib.ExitStack() as stack:
        machines = [stack.enter_context(Many(n)) for n in range(STARTS)]
        units = [m.unit for m in machines]
        stack.callback(run, ["systemctl", "stop", *units], timeout=SLOW)
        run_ok(["systemctl", "daemon-reload"], timeout=SLOW)
        begin = time.monotonic()
        together([["systemctl", "start", *(m.unit for m in machines if not m.transient)],
                  *(["vmunit", "create", m.path] for m in machines if m.transient)])
        started = time.monotonic()
        check_pairs(machines)
        seen = time.monotonic()
        print(f"   {STARTS} machines, {TRANSIENT} of them transient, with pairs of {categories} categories: started in "
              f"{started - begin:.1f} s, looked at in {seen - started:.1f} s", flush=True)
        run_ok(["systemctl", "stop", *units], timeout=SLOW)
        print(f"   ended in {time.monotonic() - seen:.1f} s", flush=True)
        check_equal(set(run_ok(["systemctl", "show", "--property=ActiveState", *units]).split()), {"ActiveState=inactive"}, "units")
        check_given_back(*(m.image for m in machines))
        check_equal(registered(), [], "the pairs in use")


if __name__ == "__main__":
    main()
