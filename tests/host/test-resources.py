# SPDX-License-Identifier: LGPL-2.1-or-later
"""Resource control, read from the kernel's own files: control groups, /proc/PID, NUMA maps, huge pages. What the
definition says is in the XML of each case, what has to come of it beside it."""

import contextlib
import os
import re
import shutil

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property
from vm import nothing_left, vm

SLOW = 400  # seconds
MIB = 1 << 20
CONTROL = "/run/systemd/system.control"


def read(path):
    with open(path, encoding="ascii") as f:
        return f.read().strip()


@contextlib.contextmanager
def tuned(name, elements, *, vcpus="<vcpu>1</vcpu>", memory=128):
    """A machine without a guest: nobody would wait for it."""
    with vm(name, memory=memory, agent=False) as machine:
        machine.without_guest()
        # The translator's cache is memory as well, and as much of it as there can be.
        machine.xml = machine.xml.replace("<vcpu>1</vcpu>", vcpus + elements).replace(
            "<features>", "<features><tcg><tb-cache unit='MiB'>16</tb-cache></tcg>")
        try:
            yield machine
        finally:
            shutil.rmtree(f"/etc/systemd/system/{machine.unit}.d", ignore_errors=True)
            shutil.rmtree(f"/etc/systemd/system.control/{machine.unit}.d", ignore_errors=True)


def with_cells(machine, *sizes):
    """One virtual CPU each."""
    cells = "".join(f"<cell id='{n}' cpus='{n}' memory='{size}' unit='MiB'/>" for n, size in enumerate(sizes))
    machine.xml = machine.xml.replace("<cpu mode='maximum'/>", f"<cpu mode='maximum'><numa>{cells}</numa></cpu>")


def start(machine):
    machine.write()
    # What does not compute leaves the time to the rest.
    run_ok(["vmunit", "start", "--paused", machine.name], timeout=SLOW)


def group(machine):
    return "/sys/fs/cgroup" + unit_property(machine.unit, "ControlGroup")


def kernel(machine, *names):
    return [read(f"{group(machine)}/{n}") for n in names]


def status(machine, key):
    return check_match(rf"^{key}:\s*(.*?)$", read(f"/proc/{machine.qemu()}/status")).group(1)


def limit(machine, name):
    return check_match(rf"^{name}\s+(\S+)", read(f"/proc/{machine.qemu()}/limits")).group(1)


def numa_maps(machine, at_least=0):
    """(policy, {node: pages}, whether of huge pages) of the mappings of QEMU with that many pages."""
    found = []
    for line in read(f"/proc/{machine.qemu()}/numa_maps").splitlines():
        nodes = {int(n): int(p) for n, p in re.findall(r" N(\d+)=(\d+)", line)}
        if sum(nodes.values()) >= at_least:
            found.append((line.split()[1], nodes, " huge" in line))
    return found


def messages(unit):
    return "\n".join(str(e.get("MESSAGE", "")) for e in journal(f"--unit={unit}", "--boot"))


def root_disk():
    """(path, MAJOR:MINOR) of a disk that can have limits."""
    path = "/dev/vda"
    number = os.stat(path).st_rdev
    return path, f"{os.major(number)}:{os.minor(number)}"


def fails(machine, *texts):
    """By systemd alone and by `vmunit start`: both name the reasons, nothing is left."""
    machine.write()
    result = run(["vmunit", "start", machine.name], timeout=SLOW)
    check_equal(result.rc, 1, "exit status of vmunit start")
    check_equal([t for t in texts if t not in result.err], [], f"not said by vmunit start: {result.err!r}")
    run_ok(["systemctl", "daemon-reload"])
    check(run(["systemctl", "start", machine.unit], timeout=SLOW).rc != 0, "systemctl start succeeded")
    said = messages(machine.unit)
    check_equal([t for t in texts if t not in said], [], f"not in the journal: {said!r}")
    run(["systemctl", "reset-failed", machine.unit])


# ---- the table


@case(timeout=SLOW)
def everything_at_once():
    """One machine with a value for each row; the numbers are the kernel's."""
    disk, number = root_disk()
    # Weights of a device are for the scheduler bfq or for the controller that counts costs.
    with open("/sys/fs/cgroup/io.cost.qos", "w", encoding="ascii") as f:
        f.write(f"{number} enable=1")
    xml = f"""
  <blkiotune>
    <weight>800</weight>
    <device><path>{disk}</path><weight>250</weight><read_bytes_sec>80000000</read_bytes_sec>
      <write_bytes_sec>70000000</write_bytes_sec><read_iops_sec>6000</read_iops_sec><write_iops_sec>5000</write_iops_sec></device>
  </blkiotune>
  <memtune>
    <hard_limit unit='MiB'>900</hard_limit><soft_limit unit='MiB'>800</soft_limit>
    <min_guarantee unit='MiB'>16</min_guarantee><swap_hard_limit unit='MiB'>1000</swap_hard_limit>
  </memtune>
  <cputune><shares>2048</shares><global_period>50000</global_period><global_quota>62750</global_quota></cputune>
  <numatune><memory mode='strict' nodeset='1'/></numatune>
  <resource><partition>/machine/tuned</partition></resource>"""
    with tuned("all", xml, vcpus="<vcpu cpuset='0-1,3'>1</vcpu>") as machine:
        start(machine)
        check_equal(unit_property(machine.unit, "Slice"), "machine-tuned.slice")
        check("/machine-tuned.slice/" in group(machine), group(machine))
        names = ("cpu.weight", "cpu.max", "cpuset.cpus", "cpuset.cpus.effective", "cpuset.mems", "memory.max", "memory.high",
                 "memory.min", "memory.swap.max")
        expected = ["200", "62750 50000", "0-1,3", "0-1,3", "1", str(900 * MIB), str(800 * MIB), str(16 * MIB), str(100 * MIB)]
        check_equal(dict(zip(names, kernel(machine, *names))), dict(zip(names, expected)), "the control group")
        # systemd's own account of what the kernel lets the unit use.
        shown = {name: unit_property(machine.unit, name) for name in ("AllowedCPUs", "EffectiveCPUs", "AllowedMemoryNodes", "EffectiveMemoryNodes")}
        check_equal(shown, {"AllowedCPUs": "0-1 3", "EffectiveCPUs": "0-1 3", "AllowedMemoryNodes": "1", "EffectiveMemoryNodes": "1"})
        weight, limits = kernel(machine, "io.weight", "io.max")
        check_match(r"^default 160$", weight, "io.weight")
        check_match(rf"^{number} 50$", weight, "io.weight")
        check_match(rf"^{number} rbps=80000000 wbps=70000000 riops=6000 wiops=5000$", limits, "io.max")
        check_equal((status(machine, "Cpus_allowed_list"), status(machine, "Mems_allowed_list")), ("0-1,3", "1"))
        policies = {policy for policy, nodes, _ in numa_maps(machine, 1) if nodes}
        check(policies <= {"bind:1", "bind=static:1"}, f"policies {policies}")
        check("min_guarantee: 'machine-tuned.slice' has no more than 0 KiB of it" in messages(machine.unit), "no warning")
        # A reload is not a change.
        for _ in range(3):
            run_ok(["systemctl", "daemon-reload"])
        check_equal(dict(zip(names, kernel(machine, *names))), dict(zip(names, expected)), "the control group after reloads")
        run_ok(["vmunit", "destroy", "all"])
        nothing_left(machine)


@case(timeout=SLOW)
def numa_modes():
    """What QEMU itself allocates follows the mode; the allowed nodes are those of strict and restrictive alone. And what
    there is of limits where nobody asks for any."""
    for mode, nodeset, policy, allowed, locked in (("preferred", "1", r"prefer.*:1", "0-1", "<memoryBacking><locked/></memoryBacking>"),
                                                   ("interleave", "0-1", r"interleave.*:0-1", "0-1", ""),
                                                   ("restrictive", "1", r"default", "1", "")):
        with tuned(mode, f"{locked}<numatune><memory mode='{mode}' nodeset='{nodeset}'/></numatune>") as machine:
            start(machine)
            check_equal(status(machine, "Mems_allowed_list"), allowed, f"nodes of {mode}")
            heap = check_match(r"^\S+ (\S+) heap ", read(f"/proc/{machine.qemu()}/numa_maps")).group(1)
            check_match(f"^{policy}$", heap, f"policy of {mode}")
            check_equal(limit(machine, "Max locked memory"), "unlimited" if locked else str(64 * MIB))
            check_equal(limit(machine, "Max realtime priority"), "0")
            check_equal(kernel(machine, "cpu.weight", "cpu.max", "memory.max", "memory.high"), ["100", "max 100000", "max", "max"])


@case(timeout=SLOW)
def cells_on_their_nodes():
    """Two NUMA nodes of the guest, each on one of the host; all of them is there at once and never goes."""
    xml = ("<memoryBacking><locked/></memoryBacking><memtune><hard_limit unit='GiB'>4</hard_limit></memtune><numatune>"
           "<memnode cellid='0' mode='strict' nodeset='1'/><memnode cellid='1' mode='strict' nodeset='0'/></numatune>")
    with tuned("cells", xml, vcpus="<vcpu>2</vcpu>", memory=160) as machine:
        with_cells(machine, 96, 64)
        start(machine)
        found = {(policy, *nodes.items()) for policy, nodes, _ in numa_maps(machine, 64 * MIB // 4096)}
        check_equal(found, {("bind:1", (1, 96 * MIB // 4096)), ("bind:0", (0, 64 * MIB // 4096))}, "the nodes' memory")
        check_equal(limit(machine, "Max locked memory"), str(4 << 30))
        check(int(status(machine, "VmLck").split()[0]) >= 160 * 1024, status(machine, "VmLck"))


@contextlib.contextmanager
def huge_pages(*counts):
    paths = [f"/sys/devices/system/node/node{n}/hugepages/hugepages-2048kB" for n in range(len(counts))]
    try:
        for path, count in zip(paths, counts):
            with open(f"{path}/nr_hugepages", "w", encoding="ascii") as f:
                f.write(str(count))
            check_equal(read(f"{path}/nr_hugepages"), str(count), "huge pages")
        yield paths
    finally:
        for path in paths:
            with open(f"{path}/nr_hugepages", "w", encoding="ascii") as f:
                f.write("0")


@case(timeout=SLOW)
def huge_pages_of_a_node():
    """All of the memory lies in huge pages of node 1; where they do not suffice, it is said how many are free where."""
    xml = "<memoryBacking><hugepages/></memoryBacking><numatune><memory mode='strict' nodeset='1'/></numatune>"
    with huge_pages(8, 64) as paths:
        with tuned("huge", xml) as machine:
            start(machine)
            check_equal([n for _, n, huge in numa_maps(machine, 1) if huge], [{1: 64}], "huge pages of QEMU")
            check_equal([read(f"{p}/free_hugepages") for p in paths], ["8", "0"], "free huge pages")
        check_equal([read(f"{p}/free_hugepages") for p in paths], ["8", "64"], "free huge pages afterwards")
        with tuned("huge", xml, memory=132) as machine:
            fails(machine, "memory needs 66 huge pages of 2048 KiB; free are: 64 on node 1")


@case(timeout=SLOW)
def huge_pages_of_cells():
    """Huge pages for one cell alone, bound to a node, and for both, each of them on its node."""
    memnodes = "<numatune><memnode cellid='0' mode='strict' nodeset='1'/><memnode cellid='1' mode='strict' nodeset='0'/></numatune>"
    for pages, expected in (("<page size='2' unit='MiB' nodeset='0'/>", [{1: 32}]),
                            ("<page size='2048' unit='KiB' nodeset='0-1'/>", [{1: 32}, {0: 20}])):
        xml = f"<memoryBacking><hugepages>{pages}</hugepages></memoryBacking>{memnodes}"
        with huge_pages(40, 40) as paths, tuned("huge", xml, vcpus="<vcpu>2</vcpu>", memory=104) as machine:
            with_cells(machine, 64, 40)
            start(machine)
            found = sorted((n for _, n, huge in numa_maps(machine, 1) if huge), key=lambda n: -max(n))
            check_equal(found, expected, f"huge pages of {pages}")
            taken = {node: count for mapping in expected for node, count in mapping.items()}
            check_equal([int(read(f"{p}/free_hugepages")) for p in paths], [40 - taken.get(n, 0) for n in (0, 1)], "free huge pages")


@case(timeout=SLOW)
def a_huge_page_of_1_gib():
    xml = ("<memoryBacking><hugepages><page size='1' unit='GiB'/></hugepages></memoryBacking>"
           "<numatune><memory mode='strict' nodeset='1'/></numatune>")
    free = "/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/free_hugepages"
    check_equal(read(free), "1", "free huge pages; boot asks for one")
    with tuned("huge", xml, memory=1024) as machine:
        start(machine)
        check_equal([n for _, n, huge in numa_maps(machine, 1) if huge], [{1: 1}], "huge pages of QEMU")
        check_equal(read(free), "0", "free huge pages")
    check_equal(read(free), "1", "free huge pages afterwards")


@case(timeout=SLOW)
def automatic_placement():
    """The node with the most free memory, said in the journal and in the definition of what runs."""
    xml = "<numatune><memory mode='strict' placement='auto'/></numatune>"
    for loser, winner in ((0, 1), (1, 0)):
        free = [int(check_match(r"MemFree:\s*(\d+)", read(f"/sys/devices/system/node/node{n}/meminfo")).group(1)) for n in (0, 1)]
        taken = max(0, free[loser] - free[winner]) // 2048 + 50
        counts = (taken, 0) if loser == 0 else (0, taken)
        with huge_pages(*counts), tuned("auto", xml, vcpus="<vcpu placement='auto'>1</vcpu>") as machine:
            start(machine)
            cpus = "2-3" if winner else "0-1"
            check_equal((status(machine, "Mems_allowed_list"), status(machine, "Cpus_allowed_list")), (str(winner), cpus))
            shown = run_ok(["vmunit", "dumpxml", "auto"])
            check_match(rf"<memory mode='strict' nodeset='{winner}'/>", shown)
            check_match(rf"<vcpu placement='static' cpuset='{cpus}'>1</vcpu>", shown)
            check_match(rf"^auto is placed on NUMA node {winner} of this machine\.$", messages(machine.unit))
            for _ in range(2):
                run_ok(["systemctl", "daemon-reload"])
            check_equal(kernel(machine, "cpuset.cpus", "cpuset.mems"), [cpus, str(winner)], "after reloads")
            check_match("placement='auto'", run_ok(["vmunit", "dumpxml", "--inactive", "auto"]))


# ---- over time


@case(timeout=2 * SLOW)
def the_next_start_forgets():
    """What was set at run time ends with the run; what an administrator has set for good stays."""
    xml = "<cputune><shares>512</shares></cputune><memtune><hard_limit unit='MiB'>900</hard_limit></memtune>"
    names = ("cpu.weight", "cpu.max", "memory.max", "memory.high")
    with tuned("forget", xml) as machine:
        start(machine)
        run_ok(["systemctl", "set-property", "--runtime", machine.unit, "CPUWeight=300", "MemoryHigh=700M", "CPUQuota=50%"])
        check_equal(kernel(machine, *names), ["300", "50000 100000", str(900 * MIB), str(700 * MIB)])
        run_ok(["vmunit", "destroy", "forget"])
        machine.wait_stopped()
        check(os.path.exists(f"{CONTROL}/{machine.unit}.d/50-CPUQuota.conf"), "systemd forgets by itself: what is this case for?")

        # For good: by set-property, and by a drop-in that was written by hand.
        run_ok(["systemctl", "set-property", machine.unit, "CPUWeight=77"])
        directory = f"/etc/systemd/system/{machine.unit}.d"
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/override.conf", "w", encoding="ascii") as f:
            f.write("[Service]\nMemoryMax=800M\n")
        run_ok(["systemctl", "daemon-reload"])
        run_ok(["systemctl", "start", machine.unit], timeout=SLOW)
        expected = ["77", "max 100000", str(800 * MIB), "max"]
        check_equal(kernel(machine, *names), expected, "with the administrator's")
        check(not os.path.exists(f"{CONTROL}/{machine.unit}.d/50-CPUQuota.conf"), "the files of the run before are there")
        check_equal(unit_property(machine.unit, "NeedDaemonReload"), "no")
        run_ok(["systemctl", "set-property", "--runtime", machine.unit, "MemoryHigh=700M", "MemoryMax=850M"])
        run_ok(["vmunit", "destroy", "forget"])
        machine.wait_stopped()
        run_ok(["systemctl", "start", machine.unit], timeout=SLOW)
        check_equal(kernel(machine, *names), expected, "with the administrator's, after another run")
        run_ok(["systemctl", "daemon-reload"])
        check_equal(kernel(machine, *names), expected, "with the administrator's, after a reload")


@case(timeout=2 * SLOW)
def a_changed_definition_waits_for_the_next_start():
    before = "<cputune><shares>512</shares></cputune><numatune><memory mode='strict' nodeset='0'/></numatune>"
    after = "<cputune><global_quota>50000</global_quota></cputune><numatune><memory mode='strict' nodeset='1'/></numatune>"
    names = ("cpu.weight", "cpu.max", "cpuset.mems")
    with tuned("changed", before) as machine:
        start(machine)
        check_equal(kernel(machine, *names), ["50", "max 100000", "0"])
        machine.xml = machine.xml.replace(before, after)
        machine.write()
        run_ok(["systemctl", "daemon-reload"])
        check_equal(kernel(machine, *names), ["50", "max 100000", "0"], "after a reload")
        run_ok(["vmunit", "destroy", "changed"])
        machine.wait_stopped()
        # Nobody reloads: systemd has what the generator has kept for the machine that ran.
        run_ok(["systemctl", "start", machine.unit], timeout=SLOW)
        check_equal(kernel(machine, *names), ["100", "50000 100000", "1"], "after the next start")
        check(all(p.endswith(":1") for p, n, _ in numa_maps(machine, 1) if n), f"{numa_maps(machine, 1)}")


@case(timeout=SLOW)
def a_transient_machine():
    """Its quota keeps what is behind the point."""
    with tuned("short", "<cputune><shares>2048</shares><global_quota>112350</global_quota></cputune>") as machine:
        machine.write()
        path = "/var/tmp/short.xml"
        os.rename(machine.path, path)
        run_ok(["systemctl", "daemon-reload"])
        unit = "vmunit-vm-short.service"
        try:
            run_ok(["vmunit", "create", "--paused", path], timeout=SLOW)
            where = "/sys/fs/cgroup" + unit_property(unit, "ControlGroup")
            for _ in range(2):
                check_equal([read(f"{where}/{n}") for n in ("cpu.weight", "cpu.max")], ["200", "112350 100000"])
                run_ok(["systemctl", "daemon-reload"])
        finally:
            run(["vmunit", "destroy", "short"])
            os.unlink(path)


# ---- what the machine does not have


@case(timeout=SLOW)
def what_is_missing_is_named():
    """All of it at once, whoever asks."""
    device = "<device><path>{}</path><weight>100</weight></device>".format
    xml = ("<blkiotune>" + "".join(map(device, ("/dev/nowhere", "/dev/vdb", "/dev/null"))) + "</blkiotune>"
           "<numatune><memory nodeset='7'/></numatune><cputune><vcpupin vcpu='0' cpuset='9'/></cputune>")
    texts = ("vcpu @cpuset: this machine has no CPU 99, or it is offline",
             "vcpupin 0: this machine has no CPU 9, or it is offline",
             "numatune: this machine has no NUMA node 7 with memory",
             "blkiotune: device '/dev/nowhere': No such file or directory",
             "blkiotune: device '/dev/vdb': it takes no weight: its scheduler is not bfq, and it is not in io.cost.qos",
             "blkiotune: device '/dev/null': it is not a block device")
    with tuned("missing", xml, vcpus="<vcpu cpuset='99'>1</vcpu>") as machine:
        fails(machine, *texts)
        result = run(["vmunit", "verify", "--host", machine.path], timeout=SLOW)
        check_equal(result.rc, 1, "vmunit verify --host")
        check_equal([t for t in texts if t not in result.err], [], f"not said by vmunit verify --host: {result.err!r}")
        check_equal(run(["vmunit", "verify", machine.path], timeout=SLOW).rc, 0, "vmunit verify")


@case(timeout=SLOW)
def a_controller_that_the_slice_does_not_hand_down():
    unit = "/run/systemd/system/machine-poor.slice"
    with open(unit, "w", encoding="ascii") as f:
        f.write("[Slice]\nDisableControllers=memory\n")
    try:
        with tuned("poor", "<memtune><hard_limit unit='MiB'>900</hard_limit></memtune>"
                           "<resource><partition>/machine/poor</partition></resource>") as machine:
            fails(machine, "<memtune> needs the cgroup controller 'memory', which the unit's slice does not have")
    finally:
        os.unlink(unit)
        run_ok(["systemctl", "daemon-reload"])


if __name__ == "__main__":
    main()
