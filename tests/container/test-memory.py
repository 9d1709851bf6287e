# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory and disks of a guest that runs: the balloon, what the guest tells of its memory, limits of disks; QEMU is asked
what has become of it."""

import json
import os
import re
from xml.etree import ElementTree

from harness import case, check, check_equal, check_match, journal, main, run, run_ok, unit_property, wait_for
from vm import talking_vm

IMAGES = "/var/lib/test-images"
MIB = 1 << 20


def qmp(name, command, **arguments):
    return json.loads(run_ok(["vmunit", "qemu-monitor-command", name,
                              json.dumps({"execute": command, "arguments": arguments})]))["return"]


def stats(name):
    lines = run_ok(["vmunit", "-q", "dommemstat", name]).split("\n")
    return {line.split()[0]: int(line.split()[1]) for line in lines if line}


def balloon(name):
    return qmp(name, "query-balloon")["actual"]


def element(name, path, *options):
    return ElementTree.fromstring(run_ok(["vmunit", "dumpxml", name, *options])).find(path)


def refused(message, *words):
    done = run(["vmunit", "-q", *words])
    check_equal((done.rc, done.err.strip()), (1, message), " ".join(words))


@case
def setmem_reaches_the_guest():
    with talking_vm("balloon", memory=320) as machine:
        machine.start()
        before = open(machine.path, "rb").read()
        run_ok(["vmunit", "setmem", "balloon", "200M"])
        wait_for(lambda: balloon("balloon") == 200 * MIB, 30, "the balloon to be blown up")
        check_equal(stats("balloon")["actual"], 200 * 1024)
        check_equal(element("balloon", "currentMemory").text, str(200 * 1024))
        check_equal(open(machine.path, "rb").read(), before, "the definition")

        run_ok(["vmunit", "setmem", "balloon", "240M", "--live", "--config"])
        wait_for(lambda: balloon("balloon") == 240 * MIB, 30, "the balloon to be let down")
        check_equal(element("balloon", "currentMemory", "--inactive").text, str(240 * 1024))

        refused("error: invalid argument: cannot set memory higher than max memory", "setmem", "balloon", "321M")
        refused("error: Unable to change MaxMemorySize\n"
                "error: Requested operation is not valid: cannot resize the maximum memory on an active domain",
                "setmaxmem", "balloon", "400M", "--live")
        check_equal(balloon("balloon"), 240 * MIB)
        check_equal(element("balloon", "memory").text, str(320 * 1024))


@case
def the_guest_tells_of_its_memory():
    with talking_vm("memstat", memory=320) as machine:
        machine.start()
        found = stats("memstat")
        check_equal(found["actual"], 320 * 1024)
        with open(f"/proc/{machine.qemu()}/status", encoding="ascii") as f:
            resident = int(re.search(r"^VmRSS:\s*(\d+) kB", f.read(), re.M)[1])
        check(abs(found["rss"] - resident) < 32 * 1024, f"rss {found['rss']}, the kernel says {resident}")

        run_ok(["vmunit", "dommemstat", "memstat", "--period", "1"])
        found = wait_for(lambda: "unused" in (s := stats("memstat")) and s, 30, "the guest to tell of its memory")
        check(0 < found["unused"] < found["available"] < 320 * 1024, f"it said {found}")
        check(found["last_update"] > 0, f"it said {found}")
        check_equal(element("memstat", "devices/memballoon/stats").get("period"), "1")
        check_equal(qmp("memstat", "qom-get", path="/machine/peripheral/balloon0",
                        property="guest-stats-polling-interval"), 1)
        run_ok(["vmunit", "dommemstat", "memstat", "--period", "0", "--live"])
        check_equal(qmp("memstat", "qom-get", path="/machine/peripheral/balloon0",
                        property="guest-stats-polling-interval"), 0)


def disk(target, bus, limits=""):
    path = f"{IMAGES}/{target}"
    os.makedirs(IMAGES, exist_ok=True)
    with open(path, "wb") as f:
        f.truncate(16 * MIB)
    return (f"<disk type='file' device='disk'><source file='{path}'/><target dev='{target}' bus='{bus}'/>"
            f"{limits}</disk>")


def throttled(name, device):
    """What QEMU does to the requests of a device: what it says of itself, but for limits that are none."""
    for block in qmp(name, "query-block"):
        if device in block.get("qdev", ""):
            return {key: value for key, value in block["inserted"].items()
                    if value and re.match(r"(bps|iops)|group$", key)}
    return None


def node_limits(name, group):
    limits = qmp(name, "qom-get", path=f"/objects/{group}", property="limits")
    return {key: value for key, value in limits.items() if value and not key.endswith("-length")}


@case
def limits_of_disks_change():
    shared = "<iotune><total_bytes_sec>8000000</total_bytes_sec><group_name>g</group_name></iotune>"
    devices = disk("vda", "virtio") + disk("vdb", "virtio", shared) + disk("sda", "sata", shared)
    with talking_vm("limits", devices=devices) as machine:
        machine.start()
        check_equal(node_limits("limits", "throttle-group-vdb"), {"bps-total": 8000000}, "since the start")
        before = open(machine.path, "rb").read()

        run_ok(["vmunit", "blkdeviotune", "limits", "vda", "--read-iops-sec", "500", "--read-iops-sec-max", "900",
                "--read-iops-sec-max-length", "3", "--size-iops-sec", "4096"])
        name = "/machine/peripheral/virtio-disk0/virtio-backend"
        check_equal(throttled("limits", "virtio-disk0"), {
            "iops_rd": 500, "iops_rd_max": 900, "iops_rd_max_length": 3, "iops_size": 4096, "group": name})
        shown = run_ok(["vmunit", "blkdeviotune", "limits", "vda", "--live"])
        check("read_iops_sec  : 500\n" in shown and f"group_name     : {name}\n" in shown, shown)
        check_equal(open(machine.path, "rb").read(), before, "the definition")

        run_ok(["vmunit", "blkdeviotune", "limits", "sda", "--write-bytes-sec", "5M", "--live", "--config"])
        for device in "virtio-disk1", "sata0-0-0":
            check_equal(throttled("limits", device), {"bps_wr": 5 * MIB, "group": "g"}, device)
        check_equal(node_limits("limits", "throttle-group-vdb"), {}, "the node's, after the change")
        for disks in element("limits", "devices"), element("limits", "devices", "--inactive"):
            check_equal([d.findtext("iotune/write_bytes_sec") for d in disks.findall("disk")][1:], [str(5 * MIB)] * 2)
        machine.console.ask("write " + machine.console.table("disks")[0]["name"])

        text = run_ok(["vmunit", "dumpxml", "limits"])
        refused("error: Unable to change block I/O throttle\n"
                "error: internal error: unable to execute QEMU command 'block_set_io_throttle': "
                "burst length set without burst rate",
                "blkdeviotune", "limits", "vda", "--write-bytes-sec-max-length", "7")
        refused("error: Unable to change block I/O throttle\n"
                "error: unsupported configuration: value 'read_iops_sec_max' cannot be smaller than 'read_iops_sec'",
                "blkdeviotune", "limits", "vda", "--read-iops-sec-max", "7")
        check_equal(run_ok(["vmunit", "dumpxml", "limits"]), text, "after what was refused")
        check_equal(throttled("limits", "virtio-disk0")["iops_rd_max"], 900)

        run_ok(["vmunit", "blkdeviotune", "limits", "vda", "--read-iops-sec", "0", "--read-iops-sec-max", "0",
                "--read-iops-sec-max-length", "0", "--size-iops-sec", "0"])
        check_equal(throttled("limits", "virtio-disk0"), {})
    for target in "vda", "vdb", "sda":
        os.unlink(f"{IMAGES}/{target}")


@case
def what_others_told_systemd():
    """Of the unit's settings, as of those that a change has made: it is shown, in libvirt's words, and systemd can read
    again what it has kept of it. There are no controllers here: it is systemd's word, not the kernel's."""
    def blkio(*words):
        out = run_ok(["vmunit", "-q", "blkiotune", "told", *words])
        return {line.split(":")[0].strip(): line.split(":", 1)[1].strip() for line in out.splitlines() if not line.startswith("weight")}

    def told(*settings):
        run_ok(["systemctl", "set-property", "--runtime", "vm@told.service", *settings])
    none = {f"device_{n}": "" for n in ("weight", "read_iops_sec", "write_iops_sec", "read_bytes_sec", "write_bytes_sec")}
    os.makedirs("/etc/vm", exist_ok=True)
    with open("/etc/vm/vmunit.conf", "w", encoding="ascii") as f:
        f.write("[Host]\nMissingResources=ignore\n")
    try:
        with talking_vm("told", memory=320) as machine:
            machine.start()
            check_equal(blkio(), none)
            told("IOReadBandwidthMax=/dev/x 5M", "IOWriteIOPSMax=/dev/x 70", "IOWriteIOPSMax=/dev/y 80", "IODeviceWeight=/dev/x 40")
            expected = none | {"device_read_bytes_sec": "/dev/x,5000000", "device_write_iops_sec": "/dev/x,70,/dev/y,80",
                               "device_weight": "/dev/x,200"}
            check_equal(blkio(), expected)
            # A change takes single ones of them away again.
            run_ok(["vmunit", "blkiotune", "told", "--device-write-iops-sec", "/dev/x,0", "--device-weights", "/dev/x,0"])
            expected |= {"device_write_iops_sec": "/dev/y,80", "device_weight": ""}
            check_equal(blkio(), expected)
            cursor = journal("-n", "1")[-1]["__CURSOR"]
            run_ok(["systemctl", "daemon-reload"])
            said = [e["MESSAGE"] for e in journal("--after-cursor", cursor) if int(e.get("PRIORITY", 6)) < 5]
            check_equal(said, [], "what systemd says of its own files")
            check_equal(blkio(), expected, "after a reload")
            told("IOWriteIOPSMax=", "MemoryMin=64M", "AllowedCPUs=0", "AllowedMemoryNodes=0")
            check_equal(blkio(), expected | {"device_write_iops_sec": ""})
            check_equal(element("told", "memtune/min_guarantee").text, "65536")
            check_equal(element("told", "vcpu").get("cpuset"), "0")
            check_equal(element("told", "numatune/memory").attrib, {"mode": "restrictive", "nodeset": "0"})
            check_match(r"^ 0 +0$", run_ok(["vmunit", "vcpupin", "told"]))
            # Another change leaves it alone.
            run_ok(["vmunit", "schedinfo", "told", "cpu_shares=2048"])
            check_equal(unit_property("vm@told.service", "AllowedCPUs"), "0")
            check_equal(unit_property("vm@told.service", "MemoryMin"), str(64 * MIB))
            told("AllowedCPUs=", "AllowedMemoryNodes=")
            check_equal(element("told", "vcpu").get("cpuset"), None)
            check_equal(element("told", "numatune"), None)
    finally:
        os.unlink("/etc/vm/vmunit.conf")


if __name__ == "__main__":
    main()
