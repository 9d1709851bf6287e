# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domains that the guides print and virt-install writes: each passes `verify --host` once its files are there, or
fails for the one reason that is true."""

import os
import re

from harness import add_case, check_equal, check_match, main, run, run_ok

HERE = os.environ["VMUNIT_TESTS"] + "/golden"
EMULATOR = "/usr/bin/qemu-system-x86_64"

# The file → what is wrong with it (every line of the answer must match), or None.
NO_KVM = r"error: domain type 'kvm' needs /dev/kvm, which this machine does not have"
XEN = r"error: not supported: domain type 'xen'$"
NETWORK = r"error: network 'default' is not yet supported$"
FOREIGN_KVM = r"error: type='kvm' runs machines of the host's architecture \(x86_64\) only; use type='qemu'$"
LATER = r"error: (.* cannot be started yet|.* is not applied yet: .*|network 'default' is not yet supported)$"
# What a container's machine does not hand down, or does not have.
ABSENT = (r"error: (.*: this machine has no (CPU \d+, or it is offline|NUMA node \d+ with memory)|"
          r".* needs the cgroup controller '\w+', which this machine does not have|.* huge pages of \d+ KiB; free are: .*)$")
EXAMPLES = {
    "errors/guide-001-06": XEN,
    "errors/guide-001-07": XEN,
    "errors/guide-001-08": XEN,
    "errors/guide-001-09": XEN,
    "definitions/guide-001-10": None,
    "definitions/guide-001-11": NETWORK,
    "definitions/guide-001-12": f"{NO_KVM}|{NETWORK}",
    "definitions/guide-003-60": NETWORK,
    "definitions/guide-003-61": NETWORK,
    "definitions/guide-004-100": f"{NO_KVM}|{FOREIGN_KVM}",
    "definitions/guide-004-101": NO_KVM,
    "definitions/virt-install-kernel-direct": None,
    "definitions/virt-install-aarch64": None,
    "definitions/virt-install-alma9-hostdevs": f"{LATER}|error: vsock: '/dev/vhost-vsock' does not exist$",
    "definitions/virt-install-debian11-bios": None,
    "definitions/virt-install-fedora37-tuned": f"{LATER}|{ABSENT}",
    "definitions/virt-install-ubuntu2204-uefi": None,
    "definitions/virt-install-win10": None,
}


def provide(text):
    """Makes the files and bridges that a definition names."""
    for path in re.findall(r"(?:file|dev)=['\"](/[^'\"]+)['\"]", text) + re.findall(r"<(?:kernel|initrd)>([^<]+)<", text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.truncate(1 << 20)
            if "qcow2" in path:
                run_ok(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"])
    for emulator in re.findall(r"<emulator>([^<]+)<", text):
        os.makedirs(os.path.dirname(emulator), exist_ok=True)
        if os.path.islink(emulator):
            os.unlink(emulator)  # another example's, for another architecture
        if not os.path.exists(emulator):
            os.symlink("/usr/bin/qemu-system-aarch64" if "arch='aarch64'" in text else EMULATOR, emulator)
    for bridge in re.findall(r"<source bridge=['\"]([^'\"]+)['\"]", text):
        run(["ip", "link", "add", bridge, "type", "bridge"])


def example(name, expected):
    def case():
        path = f"{HERE}/{name}.xml"
        with open(path, encoding="utf-8") as f:
            provide(f.read())
        result = run(["vmunit", "verify", "--host", path])
        errors = [line for line in result.err.splitlines() if "error: " in line]
        if expected is None:
            check_equal((result.rc, errors), (0, []), f"verify of {name}")
            return
        check_equal(result.rc, 1, f"verify of {name}")
        check_equal(bool(errors), True, "there is a reason")
        for line in errors:
            check_match(rf"^{re.escape(path)}(:\d+:\d+)?: ({expected})", line)
    return case


for name, expected in EXAMPLES.items():
    add_case(os.path.basename(name), example(name, expected))

if __name__ == "__main__":
    main()
