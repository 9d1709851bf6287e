# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines, started for real: every device is where the plan says. The arguments of the golden cases as they run
in a unit; the golden cases that do not run in a unit yet and the domains of the oracle suite as domxml-to-native has
them."""

import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess

import argv_starts
import native_starts
from harness import Failure, add_case, main, skip

TESTS = pathlib.Path(os.environ["VMUNIT_TESTS"])
GOLDEN, CORPUS, GUEST = TESTS / "golden/domain", TESTS / "oracle/domain", os.environ["VMUNIT_GUEST"]
argv_starts.KERNEL = GUEST + "/vmlinuz"
# What QEMU refuses although libvirt would give it the same, with QEMU's words.
REFUSED = {
    "pci-multifunction-off": "indicates single function",
    "disk-blockio": "logical_block_size > physical_block_size",
    "filesystem-driver": "VIRTIO_F_IOMMU_PLATFORM was supported by neither",
    # The definition has QEMU told what is none of its devices' properties.
    "qemu-override": "not found",
    "qemu-override-twice": "not found",
    "qemu-override-driver": "can't go on PCI bus",
}
# What a start without its resources waits for.
WAITS = {
    "disk-nbd": "needs a server that answers",
    "disk-iotune": "its limits let QEMU read a byte in a second",
    "disk-slices": "needs images that begin within others",
    "ready-vsock": "needs a vhost device of the kernel",
    "vsock": "needs a vhost device of the kernel",
    "vsock-auto": "needs a vhost device of the kernel",
    "vsock-transitional": "needs a vhost device of the kernel",
    "native-disk-transient-encrypted": "names a key that libvirt makes for each start",
    "native-net-refused-parts": "has an address of another host's",
    "native-char-dbus-alias": "has an alias that is no path of D-Bus, with which QEMU ends",
    "native-disk-iotune-burst-alone": "has a burst without a limit, which QEMU refuses",
}
# QEMU waits for nothing of ours, and most of a start is one thread's work.
pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())


def excuse(name, error):
    """Leaves a case out whose failure is known not to be ours."""
    for pattern, need in native_starts.SAYS:
        if re.search(pattern, str(error)):
            skip(native_starts.NEEDS[need])
    if name in REFUSED and REFUSED[name] in str(error):
        skip("QEMU refuses it, as it would libvirt's")
    raise Failure(str(error)) from error


def reported(name, start, *arguments):
    """What a start has come to: a case of the harness, begun before its turn."""
    if name in WAITS:
        return lambda: skip(WAITS[name])
    future = pool.submit(start, *arguments)

    def attempt(run, retry):
        try:
            run()
        except argv_starts.Skip as e:
            skip(str(e))
        except (AssertionError, ValueError, OSError, subprocess.CalledProcessError) as e:
            if not retry or str(e).strip() != "QEMU ended:":
                excuse(name, e)
            # Many start at once, and one that is told nothing about can be the machine's fault: again, alone.
            print(f"    {name}: QEMU ended without a word, started again")
            attempt(lambda: start(*arguments), False)
    return lambda: attempt(future.result, True)


def emulator_of(args):
    """Guides have emulators of their own; any other is that of the architecture."""
    return args[0] if os.path.exists(args[0]) else "/usr/bin/qemu-system-x86_64"


def wired(name):
    def case():
        args = argv_starts.read_lines(GOLDEN / f"{name}.args")
        # What only a real KVM takes: the host's CPU, and its clock.
        if "kvm" in args and any(a.startswith(("host", "host,")) or "kvmclock" in a or "kvm-pit" in a for a in args):
            skip("needs KVM")
        if name in WAITS:
            skip(WAITS[name])
        try:
            argv_starts.run(GOLDEN, name, emulator_of(args))
        except argv_starts.Skip as e:
            skip(str(e))
        except (AssertionError, ValueError) as e:
            excuse(name, e)
    return case


def golden_native(name):
    words = argv_starts.read_lines(GOLDEN / f"{name}.native")
    emulator = next(i for i, w in enumerate(words) if "=" not in w)
    words[emulator] = emulator_of(words[emulator:])
    native_starts.start(words, GUEST)


def corpus(path):
    done = subprocess.run(["vmunit", "domxml-to-native", "qemu-argv", "--xml", path], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode:
        # Whether it may be refused is the oracle suite's business.
        raise argv_starts.Skip("refused")
    native_starts.start(shlex.split(done.stdout), GUEST)


# Somewhere to send to, until all have been started: passt would take it for the way out.
ROUTE = ["default", "dev", "lo"]
subprocess.run(["ip", "route", "add", *ROUTE], check=True)
for file in sorted(GOLDEN.glob("*.args")):
    add_case(file.stem, wired(file.stem))
for file in sorted(GOLDEN.glob("*.native")):
    if not file.with_suffix(".args").exists():
        add_case(f"native-{file.stem}", reported(f"native-{file.stem}", golden_native, file.stem))
for file in sorted(CORPUS.glob("*.xml")):
    add_case(f"oracle-{file.stem}", reported(f"oracle-{file.stem}", corpus, file), timeout=600)

if __name__ == "__main__":
    try:
        main()
    finally:
        subprocess.run(["ip", "route", "delete", *ROUTE], check=True)
