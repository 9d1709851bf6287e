# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines on a host with SELinux, and the labels of what they use."""

import contextlib
import os
import re

from harness import check, check_equal, check_match, run, run_ok, unit_property, wait_for

SLOW = 900  # seconds: an emulated host that emulates processors
IMAGES = "/var/lib/test-labels"
OWN = "system_u:object_r:usr_t:s0"
CONTENT = "system_u:object_r:virt_content_t:s0"
SHARED = "system_u:object_r:svirt_image_t:s0"
REGISTRY = "/run/vmunit/.labels"
PAIR = r"c(\d+),c(\d+)"


def label(path):
    return os.getxattr(path, "security.selinux").rstrip(b"\0").decode()


def remembered(path):
    return "trusted.vmunit.label" in os.listxattr(path)


def image(name):
    """A fresh image with a label of its own."""
    os.makedirs(IMAGES, exist_ok=True)
    path = f"{IMAGES}/{name}"
    with open(path, "wb") as f:
        f.truncate(1 << 20)
    os.setxattr(path, "security.selinux", OWN.encode() + b"\0")
    return path


def disk(path, target, inside="", source=""):
    return (f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{path}'>{source}</source>"
            f"<target dev='{target}' bus='virtio'/>{inside}</disk>")


class Machine:
    """One whose processor never runs: it is started paused."""

    def __init__(self, name, *devices, seclabel=""):
        self.name, self.unit, self.path = name, f"vm@{name}.service", f"/etc/vm/{name}.xml"
        self.xml = (f"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory>"
                    f"<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{''.join(devices)}"
                    f"<serial type='file'><source path='{IMAGES}/{name}.log'/></serial></devices>{seclabel}</domain>")

    def define(self):
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(self.xml)
        return self

    def __enter__(self):
        return self.define()

    def __exit__(self, *_):
        self.remove()

    def remove(self):
        self.stop()
        run(["systemctl", "reset-failed", self.unit])
        for path in (self.path, f"{IMAGES}/{self.name}.log"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        run_ok(["systemctl", "daemon-reload"])

    def try_start(self):
        return run(["vmunit", "start", self.name, "--paused"], timeout=SLOW)

    def start(self):
        result = self.try_start()
        check_equal(result.rc, 0, f"start of {self.name}: {result.err}")
        return self

    def stop(self):
        """Not in good order: there is no guest that could be asked to end, and it would be given the time for it."""
        run(["vmunit", "destroy", self.name], timeout=SLOW)
        wait_for(lambda: unit_property(self.unit, "ActiveState") in ("failed", "inactive"), SLOW, f"the end of {self.name}")

    def kill(self):
        """All of it at once."""
        run_ok(["systemctl", "kill", "--signal=KILL", self.unit])
        wait_for(lambda: unit_property(self.unit, "ActiveState") in ("failed", "inactive"), SLOW, "the end of the machine")

    def pair(self):
        context = run_ok(["systemctl", "show", "-P", "SELinuxContext", self.unit]).strip()
        return check_match(rf"^system_u:system_r:vmunit_supervisor_t:s0:({PAIR})$", context, "SELinuxContext=")[1]

    def processes(self):
        group = unit_property(self.unit, "ControlGroup")
        found = {}
        for directory, _, files in os.walk(f"/sys/fs/cgroup{group}"):
            if "cgroup.procs" not in files:
                continue
            with contextlib.suppress(OSError), open(f"{directory}/cgroup.procs", encoding="ascii") as f:
                for pid in f.read().split():
                    with open(f"/proc/{pid}/comm", encoding="ascii") as c:
                        found[c.read().strip()] = int(pid)
        return found

    def qemu_label(self):
        pid = next(p for c, p in self.processes().items() if c.startswith("qemu"))
        with open(f"/proc/{pid}/attr/current", encoding="ascii") as f:
            return f.read().rstrip("\0\n")


def registered():
    return sorted(n for n in os.listdir(REGISTRY) if re.fullmatch(PAIR, n)) if os.path.isdir(REGISTRY) else []


def check_given_back(*paths):
    for path in paths:
        check_equal(label(path), OWN, f"label of {path} afterwards")
        check(not remembered(path), f"something is still remembered at {path}")
