# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit.conf: the host is tuned by its unit, read from the kernel's own files."""

import contextlib
import json
import mmap
import os
import shutil

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property

SLOW = 400  # seconds
UNIT = "vmunit-host-tuning.service"
CONF = "/etc/vm/vmunit.conf"
DROPINS = "/etc/vm/vmunit.conf.d"
POLL = "/sys/module/kvm/parameters/halt_poll_ns"
CPUMASK = "/sys/devices/virtual/workqueue/cpumask"
ENABLED = "/sys/kernel/mm/transparent_hugepage/enabled"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"


def pool(node=None):
    where = "/sys/kernel/mm" if node is None else f"/sys/devices/system/node/node{node}"
    return f"{where}/hugepages/hugepages-2048kB/nr_hugepages"


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def chosen(path):
    return check_match(r"\[(.*?)\]", read(path)).group(1)


@contextlib.contextmanager
def configured(*lines):
    """A vmunit.conf for the case; the kernel's settings are put back."""
    run_ok("modprobe kvm")
    before = {path: read(path) for path in (POLL, CPUMASK)} | {path: chosen(path) for path in (ENABLED, DEFRAG)}
    configure(*lines)
    try:
        yield
    finally:
        os.unlink(CONF)
        shutil.rmtree(DROPINS, ignore_errors=True)
        for path, value in before.items():
            write(path, value)
        for node in (0, 1):
            write(pool(node), "0")
        run(["systemctl", "stop", UNIT])
        run(["systemctl", "reset-failed", UNIT])


def configure(*lines):
    write(CONF, "[Host]\n" + "".join(line + "\n" for line in lines))


def hostinfo(rc=0):
    result = run(["vmunit", "hostinfo", "--json"])
    check_equal(result.rc, rc, f"exit status of hostinfo, which said {result.err!r}")
    return {s["setting"]: s for s in json.loads(result.out)}


def messages(unit):
    """What the last run of the unit said."""
    invocation = unit_property(unit, "InvocationID")
    return [str(e["MESSAGE"]) for e in journal(f"_SYSTEMD_INVOCATION_ID={invocation}") if e.get("_COMM") != "systemd"]


@case(timeout=SLOW)
def nothing_to_do():
    """Without a configuration the unit is part of every boot and does nothing."""
    check(not os.path.exists(CONF), f"{CONF} is there")
    check(UNIT in unit_property("machines.target", "Wants").split(), "machines.target does not want it")
    check("machines.target" in unit_property(UNIT, "Before").split(), "it is not before machines.target")
    check(UNIT in unit_property("vm@any.service", "After").split(), "machines do not wait for it")
    run_ok(["systemctl", "restart", UNIT])
    check_equal((unit_property(UNIT, "ConditionResult"), unit_property(UNIT, "ActiveState")), ("no", "inactive"))
    settings = hostinfo()
    check_equal({s["wanted"] for s in settings.values()}, {None}, "what is wanted")
    check_equal(settings["TransparentHugePages"]["actual"], chosen(ENABLED))
    check({"HugePages 2M", "HugePages 2M@0", "HugePages 2M@1"} <= set(settings), sorted(settings))


@case(timeout=SLOW)
def all_of_it():
    with configured("HaltPollNs=123456", "KernelWorkerCPUs=0-1", "TransparentHugePages=never", "HugePages=2M:6@0 2M:3@1"):
        os.makedirs(DROPINS)
        write(f"{DROPINS}/50-more.conf", "[Host]\ntransparent_huge_pages_defrag = \"defer+madvise\"\nhuge_pages = [ \"2M:5@1\" ]\n")
        check_equal({s["setting"] for s in hostinfo().values() if s["differs"]} & {"HaltPollNs", "HugePages 2M@1"},
                    {"HaltPollNs", "HugePages 2M@1"}, "what differs before")
        run_ok(["systemctl", "start", UNIT])
        check_equal((read(POLL), int(read(CPUMASK).replace(",", ""), 16)), ("123456", 3))
        check_equal((chosen(ENABLED), chosen(DEFRAG)), ("never", "defer+madvise"))
        check_equal([read(pool(n)) for n in (0, 1, None)], ["6", "5", "11"], "huge pages")
        check_equal(unit_property(UNIT, "ActiveState"), "active")
        check_equal(messages(UNIT), [], "messages")
        wanted = {k: (s["wanted"], s["differs"]) for k, s in hostinfo().items() if s["wanted"]}
        check_equal(wanted, {"HaltPollNs": ("123456", False), "KernelWorkerCPUs": ("0-1", False),
                             "TransparentHugePages": ("never", False), "TransparentHugePagesDefrag": ("defer+madvise", False),
                             "HugePages 2M@0": ("6", False), "HugePages 2M@1": ("5", False)}, "hostinfo")
        # Again, with less of it: what is not named stays.
        configure("HaltPollNs=0", "HugePages=2M:1@0")
        run_ok(["systemctl", "reload", UNIT])
        check_equal((read(POLL), chosen(ENABLED), read(pool(0)), read(pool(1))), ("0", "never", "1", "5"))
        # The machine's pool is the sum of its nodes'.
        shutil.rmtree(DROPINS)
        configure("HugePages=2M:8")
        run_ok(["systemctl", "restart", UNIT])
        check_equal((read(pool()), int(read(pool(0))) + int(read(pool(1)))), ("8", 8))


@case(timeout=SLOW)
def pages_in_use():
    with configured("HugePages=2M:3@0 2M:0@1"):
        run_ok(["systemctl", "start", UNIT])
        with mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000) as memory:
            memory[0] = memory[2 << 20] = 1
            configure("HugePages=2M:1@0")
            check(run(["systemctl", "restart", UNIT]).rc != 0, "it started")
            check_equal(messages(UNIT), [f"HugePages: '{pool(0)}': there are 2 pages of 2M and not 1: the others are in use"])


if __name__ == "__main__":
    main()
