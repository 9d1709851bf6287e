# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual CPUs and I/O threads of a machine that runs: what the verbs say is what QEMU, the kernel and the guest say."""

import json
import os
import re

from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from vm import TalkingVm


def qmp(machine, command):
    return json.loads(run_ok(["vmunit", "qemu-monitor-command", machine.name, json.dumps({"execute": command})]))["return"]


def vcpus(machine):
    """{number: TID}"""
    return {c["cpu-index"]: c["thread-id"] for c in qmp(machine, "query-cpus-fast")}


def vcpuinfo(machine):
    """{number: {key: value}}"""
    blocks = run_ok(["vmunit", "vcpuinfo", machine.name]).strip().split("\n\n")
    found = [dict(re.split(r":\s+", line, maxsplit=1) for line in block.splitlines()) for block in blocks]
    return {int(f["VCPU"]): f for f in found}


def counts(machine):
    return [line.split() for line in run_ok(["vmunit", "vcpucount", machine.name]).splitlines() if line]


def refused(command, *patterns):
    result = run(["vmunit", *command])
    check_equal(result.rc, 1, f"exit status of {command}")
    for pattern in patterns:
        check_match(pattern, result.err, f"error of {command}")


def machine_with(name, xml):
    machine = TalkingVm(name)
    machine.xml = machine.xml.replace("<vcpu>1</vcpu>", xml)
    return machine


def check_vcpus(machine, present):
    """QEMU, the kernel, the verbs and the guest agree."""
    threads, info, host = vcpus(machine), vcpuinfo(machine), os.cpu_count()
    check_equal(sorted(threads), list(range(present)), "QEMU's virtual CPUs")
    check_equal(sorted(info), list(range(present)), "vcpuinfo")
    for number, tid in threads.items():
        allowed = os.sched_getaffinity(tid)
        check_equal(info[number]["CPU Affinity"], "".join("y" if c in allowed else "-" for c in range(host)))
        check(int(info[number]["CPU"]) in allowed, f"virtual CPU {number} ran on {info[number]['CPU']}")
        check_equal(info[number]["State"], "running")
    answer = machine.console.ask("cpus")[0]
    check_match(rf"present={'0' if present == 1 else f'0-{present - 1}'}\b", answer, "the guest's CPUs")


@case(timeout=300)
def vcpus_come_and_go():
    machine = machine_with("vcpus", "<vcpu current='1'>3</vcpu>")
    try:
        machine.start()
        check_vcpus(machine, 1)
        check(float(vcpuinfo(machine)[0]["CPU time"].rstrip("s")) > 0, "no CPU time")
        run_ok(["vmunit", "setvcpus", "vcpus", "3"])
        wait_for(lambda: "present=0-2" in machine.console.ask("cpus")[0], 20, "the guest to see its CPUs")
        check_vcpus(machine, 3)
        check_equal(counts(machine), [["maximum", "config", "3"], ["maximum", "live", "3"], ["current", "config", "1"],
                                      ["current", "live", "3"]])
        refused(["setvcpu", "vcpus", "0", "--disable"], "error: Operation not supported: vcpu '0' can't be unplugged\n")
        refused(["setvcpus", "vcpus", "4"], "greater than max allowable vcpus for the live domain: 4 > 3")
        run_ok(["vmunit", "setvcpus", "vcpus", "2", "--config"])
        machine.console.ask("exec echo 1 >/sys/devices/system/cpu/cpu1/online")
        # QEMU 7.2 without KVM does not live long after that: its heap is damaged. So what is looked at is looked at at once.
        run_ok(["vmunit", "setvcpu", "vcpus", "1", "--disable"])
        check_equal(sorted(vcpus(machine)), [0, 2], "QEMU's virtual CPUs")
        check_equal(sorted(vcpuinfo(machine)), [0, 2])
        check_equal([c[2] for c in counts(machine)], ["3", "3", "2", "2"])

        # The machine that starts next is that of the definition.
        run_ok(["vmunit", "destroy", "vcpus"])
        machine.wait_stopped()
        run_ok(["vmunit", "start", "vcpus"])
        check_equal(sorted(vcpus(machine)), [0, 1])

        # A guest that does not answer keeps its CPU.
        run_ok(["vmunit", "setvcpus", "vcpus", "3"])
        run_ok(["vmunit", "suspend", "vcpus"])
        refused(["setvcpus", "vcpus", "2"], "^error: (Timed out during operation: vcpu unplug request timed out|internal error: unable to "
                "execute QEMU command 'device_del': )")
        check_equal(sorted(vcpus(machine)), [0, 1, 2])
        check_equal(counts(machine)[3], ["current", "live", "3"])

        # It lets go when it goes on, and nobody waits for that any more.
        def let_go():
            run(["vmunit", "qemu-monitor-command", "vcpus", '{"execute":"device_del","arguments":{"id":"vcpu2"}}'])
            return counts(machine)[3] == ["current", "live", "2"]
        run_ok(["vmunit", "resume", "vcpus"])
        wait_for(let_go, 120, "the guest to let go of a CPU")
        # What has been seen is enough if QEMU is gone before it is asked: see above.
        answer = run(["vmunit", "qemu-monitor-command", "vcpus", '{"execute":"query-cpus-fast"}'])
        if answer.rc == 0:
            check_equal(len(json.loads(answer.out)["return"]), 2, "QEMU's virtual CPUs")
        else:
            check_equal(machine.state(), ("shut off", "crashed"), "state of a machine that does not answer")
    finally:
        machine.remove()


@case
def iothreads_come_and_go():
    machine = machine_with("iothreads", "<vcpu>1</vcpu><iothreads>1</iothreads>")

    def numbers():
        return {int(t["id"].removeprefix("iothread")): t for t in qmp(machine, "query-iothreads")}

    def shown():
        return [line.split()[0] for line in run_ok(["vmunit", "-q", "iothreadinfo", "iothreads"]).splitlines()]
    try:
        machine.write()
        run_ok(["vmunit", "start", "iothreads"])
        run_ok(["vmunit", "iothreadadd", "iothreads", "7"])
        check_equal(sorted(numbers()), [1, 7])
        check_equal(shown(), ["1", "7"])
        run_ok(["vmunit", "iothreadset", "iothreads", "7", "--poll-max-ns", "5000", "--poll-shrink", "3", "--thread-pool-max", "4"])
        check_equal((numbers()[7]["poll-max-ns"], numbers()[7]["poll-shrink"], numbers()[7]["poll-grow"]), (5000, 3, 0))
        refused(["iothreadadd", "iothreads", "7"], "^error: invalid argument: an IOThread is already using iothread_id '7'\n")
        refused(["iothreaddel", "iothreads", "9"], "^error: invalid argument: cannot find IOThread '9' in iothreadids list\n")
        run_ok(["vmunit", "iothreaddel", "iothreads", "1", "--live", "--config"])
        check_equal(sorted(numbers()), [7])
        run_ok(["vmunit", "iothreaddel", "iothreads", "7"])
        check_equal(numbers(), {})
        check_equal(run_ok(["vmunit", "iothreadinfo", "iothreads"]).strip(), "No IOThreads found for the domain")
        check("<iothreads>" not in run_ok(["vmunit", "dumpxml", "--inactive", "iothreads"]), "the definition has one still")
    finally:
        machine.remove()


@case(timeout=240)
def guest_has_a_say():
    """Its agent puts CPUs online and offline; what it says is what the guest's kernel says."""
    machine = machine_with("guestly", "<vcpu>3</vcpu>")

    def guest():
        return dict(re.split(r"\s*: ?", line, maxsplit=1) for line in run_ok(["vmunit", "-q", "guestvcpus", "guestly"]).splitlines())
    try:
        machine.start()
        wait_for(lambda: run(["vmunit", "guestvcpus", "guestly"]).rc == 0, 60, "the agent")
        check_equal(guest(), {"vcpus": "0-2", "online": "0-2", "offlinable": "1-2"})
        run_ok(["vmunit", "guestvcpus", "guestly", "--cpulist", "1", "--disable"])
        check_match("online=0,2 ", machine.console.ask("cpus")[0], "the guest's CPUs")
        check_equal(guest()["online"], "0,2")
        run_ok(["vmunit", "setvcpus", "guestly", "1", "--guest"])
        check_equal(guest()["online"], "0")
        check_equal(run_ok(["vmunit", "-q", "vcpucount", "guestly", "--guest"]), "1\n")
        check_equal(run_ok(["vmunit", "-q", "vcpucount", "guestly", "--guest", "--maximum"]), "3\n")
        check_equal(len(vcpus(machine)), 3, "the virtual CPUs that QEMU has")
        run_ok(["vmunit", "setvcpus", "guestly", "3", "--guest"])
        check_match("online=0-2 ", machine.console.ask("cpus")[0], "the guest's CPUs")
        refused(["guestvcpus", "guestly", "--cpulist", "0", "--disable"], "^error: Operation not supported: vCPU '0' is not offlinable\n")
        refused(["guestvcpus", "guestly", "--cpulist", "1,7-8", "--enable"], "^error: invalid argument: guest is missing vCPUs '7-8'\n")
        refused(["setvcpus", "guestly", "4", "--guest"], "count of enabled vcpus in the domain: 4 > 3")
        times = re.findall(r"^\t(\w+) +(\d+\.\d{9}) seconds$", run_ok(["vmunit", "cpu-stats", "guestly", "--total"]), re.M)
        check_equal([t[0] for t in times], ["cpu_time", "user_time", "system_time"])
        check(float(times[0][1]) > 0, "no time was used")
        run_ok(["vmunit", "suspend", "guestly"])
        refused(["guestvcpus", "guestly"], "^error: Requested operation is not valid: domain is not running\n")
    finally:
        machine.remove()


@case
def pins_that_cannot_be():
    """There is no cpuset controller in this tier: nothing has changed then."""
    machine = machine_with("pins", "<vcpu>1</vcpu>")
    try:
        machine.write()
        run_ok(["vmunit", "start", "pins"])
        before = run_ok(["vmunit", "dumpxml", "pins"]), run_ok(["vmunit", "dumpxml", "--inactive", "pins"])
        refused(["vcpupin", "pins", "0", "0", "--live", "--config"], "^error: .*cpuset")
        refused(["emulatorpin", "pins", "0"], "^error: .*cpuset")
        refused(["vcpupin", "pins", "0", "1023"], "^error: CPU 1023 in cpulist '1023' exceed the maxcpu")
        after = run_ok(["vmunit", "dumpxml", "pins"]), run_ok(["vmunit", "dumpxml", "--inactive", "pins"])
        check_equal(after, before, "the definitions")
        run_ok(["vmunit", "vcpupin", "pins", "0", "0", "--config"])
        check_match("<vcpupin vcpu='0' cpuset='0'/>", run_ok(["vmunit", "dumpxml", "--inactive", "pins"]))
    finally:
        machine.remove()


if __name__ == "__main__":
    main()
