# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmunit.conf: the host is tuned by its unit, read from the kernel's own files; and what a start makes of it."""

import contextlib
import json
import mmap
import os
import shutil

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property
from vm import vm

SLOW = 400  # seconds
UNIT = "vmunit-host-tuning.service"
CONF = "/etc/vm/vmunit.conf"
DROPINS = "/etc/vm/vmunit.conf.d"
GIB = 1 << 20  # a page of it, in KiB, as directories are called
POLL = "/sys/module/kvm/parameters/halt_poll_ns"
CPUMASK = "/sys/devices/virtual/workqueue/cpumask"
ENABLED = "/sys/kernel/mm/transparent_hugepage/enabled"
DEFRAG = "/sys/kernel/mm/transparent_hugepage/defrag"


def pool(node=None, size=2048):
    where = "/sys/kernel/mm" if node is None else f"/sys/devices/system/node/node{node}"
    return f"{where}/hugepages/hugepages-{size}kB/nr_hugepages"


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
def what_is_not_there():
    """Each problem names its file; the rest is done; the unit has failed; machines start."""
    with configured("HaltPollNs=777", "KernelWorkerCPUs=0,99", "TransparentHugePages=sometimes", "HugePages=2M:4@7 1G:64@0 64K:1",
                    "HugePages=2M:2@1"):
        check(run(["systemctl", "start", UNIT]).rc != 0, "it started")
        check_equal((unit_property(UNIT, "ActiveState"), unit_property(UNIT, "ExecMainStatus")), ("failed", "1"))
        said = messages(UNIT)
        there = read(pool(0, GIB))
        check(int(there) < 64, f"{there} pages")
        for text in (f"{CONF}:4: TransparentHugePages: 'sometimes' is not one of: always, madvise, never",
                     f"HugePages: cannot write 4 to '{pool(7)}': No such file or directory: this machine has no NUMA node 7",
                     f"HugePages: cannot write 1 to '{pool(size=64)}': No such file or directory: this machine has no huge pages of 64K",
                     f"HugePages: '{pool(0, GIB)}': there are {there} pages of 1G and not 64: no more memory could be had in pieces of "
                     "that size"):
            check(text in said, f"{text!r} is not in {said!r}")
        check(any(m.startswith("KernelWorkerCPUs: ") and CPUMASK in m for m in said), f"no word of {CPUMASK} in {said!r}")
        check_equal((read(POLL), read(pool(1))), ("777", "2"), "what could be done")
        settings = hostinfo(rc=1)
        check_equal({k for k, s in settings.items() if s["differs"]},
                    {"KernelWorkerCPUs", "HugePages 1G@0", "HugePages 2M@7", "HugePages 64K"}, "what differs")
        write(pool(0, GIB), "0")
        with vm("untuned", cmdline="", agent=False) as machine:
            machine.start(ready=False, timeout=SLOW)


@case(timeout=SLOW)
def pages_in_use():
    with configured("HugePages=2M:3@0 2M:0@1"):
        run_ok(["systemctl", "start", UNIT])
        with mmap.mmap(-1, 4 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000) as memory:
            memory[0] = memory[2 << 20] = 1
            configure("HugePages=2M:1@0")
            check(run(["systemctl", "restart", UNIT]).rc != 0, "it started")
            check_equal(messages(UNIT), [f"HugePages: '{pool(0)}': there are 2 pages of 2M and not 1: the others are in use"])


@case(timeout=SLOW)
def missing_resources():
    """A CPU and a node that are not there: refused, or said and left out; a word that is neither is an error."""
    with vm("absent", cmdline="", agent=False) as machine, configured():
        machine.xml = machine.xml.replace("<vcpu>1</vcpu>", "<vcpu cpuset='0,99'>1</vcpu>"
                                          "<numatune><memory mode='strict' nodeset='0,7'/></numatune>")
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        check(run(["systemctl", "start", machine.unit], timeout=SLOW).rc != 0, "it started without CPU 99")
        check(run(["vmunit", "verify", "--host", "absent"], timeout=SLOW).rc == 1, "verify finds nothing")

        configure("MissingResources=perhaps")
        wrong = f"{CONF}:2: MissingResources: 'perhaps' is not one of: error, ignore"
        result = run(["vmunit", "start", "absent"], timeout=SLOW)
        check(result.rc == 1 and wrong in result.err, f"vmunit start: {result.rc}, {result.err!r}")
        result = run(["vmunit", "verify", "--host", "absent"], timeout=SLOW)
        check(result.rc == 1 and wrong in result.err, f"vmunit verify: {result.rc}, {result.err!r}")

        configure("missing_resources = \"ignore\"", "Unknown=1")
        run_ok(["vmunit", "start", "absent"], timeout=SLOW)
        status = read(f"/proc/{machine.qemu()}/status")
        check_equal(check_match(r"^Cpus_allowed_list:\s*(.*)$", status).group(1), "0", "CPUs")
        check_equal(check_match(r"^Mems_allowed_list:\s*(.*)$", status).group(1), "0", "nodes")
        said = messages(machine.unit)
        check(any(f"{CONF}:3: [Host] has no setting 'Unknown'" in m for m in said), f"no warning in {said!r}")
        check(any("99" in m for m in said) and any("node 7" in m for m in said), f"no word of what is missing in {said!r}")


if __name__ == "__main__":
    main()
