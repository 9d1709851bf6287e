# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host in numbers, on two NUMA nodes: vmunit's against the kernel's."""

import os

from harness import case, check, check_equal, main, run, run_ok

NODE = "/sys/devices/system/node/node{}/hugepages/hugepages-{}kB/{}"


def vmunit(*words):
    return run_ok(["vmunit", "-q", *words])


def pool(node, name="nr_hugepages", size=2048):
    with open(NODE.format(node, size, name), encoding="ascii") as f:
        return int(f.read())


def refused(message, *words):
    done = run(["vmunit", "-q", *words])
    check_equal((done.rc, done.err.strip()), (1, f"error: {message}"), " ".join(words))


@case
def pools_of_huge_pages():
    try:
        vmunit("allocpages", "2M", "3", "--cellno", "1")
        check_equal([pool(0), pool(1)], [0, 3])
        vmunit("allocpages", "2048", "2", "1", "--add")
        check_equal([pool(0), pool(1)], [0, 5])
        vmunit("allocpages", "2M", "4", "--all")
        check_equal([pool(0), pool(1)], [4, 4])
        check_equal(vmunit("freepages", "1", "2M").strip(), f"2048KiB: {pool(1, 'free_hugepages')}")
        check_equal(vmunit("freepages", "--cellno", "-1", "--pagesize", "2M").strip(), "2048KiB: 8")
        lines = vmunit("freepages", "--all", "--pagesize", "2M").split("\n")
        check_equal([line for line in lines if line], ["Node 0:", "2048KiB: 4", "Node 1:", "2048KiB: 4"])
        refused("internal error: start cell 2 out of range (0-1)", "allocpages", "2M", "1", "2")
        refused("operation failed: page size 3072 is not available on node 1", "allocpages", "3M", "1", "1")
        check_equal([pool(0), pool(1)], [4, 4], "after what was refused")
        # Of small ones the kernel would look for more than there can be, for a long time.
        done = run(["vmunit", "-q", "allocpages", "1G", "9", "0"])
        check_equal((done.rc, done.err.strip()), (1, "error: operation failed: Unable to allocate 9 pages. "
                                                  f"Allocated only {pool(0, size=1 << 20)}"))
    finally:
        run(["vmunit", "allocpages", "2M", "0", "--all"])
        run(["vmunit", "allocpages", "1G", "0", "0"])
    check_equal([pool(0), pool(1)], [0, 0])


@case
def cells_and_processors():
    rows = [line.split() for line in vmunit("freecell", "--all").splitlines() if "KiB" in line]
    check_equal([row[0] for row in rows], ["0:", "1:"])
    for row in rows:
        with open(f"/sys/devices/system/node/node{row[0][0]}/meminfo", encoding="ascii") as f:
            text = f.read()
        free = next(int(line.split()[3]) for line in text.splitlines() if "MemFree:" in line)
        total = next(int(line.split()[3]) for line in text.splitlines() if "MemTotal:" in line)
        check(abs(int(row[1]) - free) < 64 * 1024, f"freecell says {row}, the kernel {free}")
        check_equal(vmunit("nodememstats", row[0][0]).split()[2], str(total), "nodememstats")
    info = dict(line.split(":", 1) for line in vmunit("nodeinfo").splitlines() if line)
    cpus = os.cpu_count()
    check_equal(int(info["CPU(s)"]), cpus)
    check_equal(int(info["NUMA cell(s)"]), 2)
    product = [int(info[k]) for k in ("CPU socket(s)", "Core(s) per socket", "Thread(s) per core", "NUMA cell(s)")]
    check_equal(product[0] * product[1] * product[2] * product[3], cpus, f"{info}")
    last = cpus - 1
    state = f"/sys/devices/system/cpu/cpu{last}/online"
    if os.path.exists(state):
        with open(state, "w", encoding="ascii") as f:
            f.write("0")
        try:
            check_equal(vmunit("nodecpumap").split()[-1], "y" * last + "-")
            refused("Unable to get node cpu stats\nerror: Invalid cpuNum in virHostCPUGetStatsLinux", "nodecpustats", str(last))
        finally:
            with open(state, "w", encoding="ascii") as f:
                f.write("1")
    check_equal(vmunit("nodecpumap").split()[-1], "y" * cpus)


if __name__ == "__main__":
    main()
