# SPDX-License-Identifier: LGPL-2.1-or-later
"""What devices are plugged into: PCI's bridges, IOMMUs; and devices that only a program of
the guest uses: a viewer's channels, smart cards, ciphers."""

import contextlib
import os
import socket
import struct
import subprocess
import threading

from harness import check, check_equal, wait_for, wait_for_path
from machines import Kind, Machine
from machines.small import virtio_port


def pci(model, index, ids, inside=""):
    return Kind(f"pci-{model}", f"<controller type='pci' index='{index}' model='{model}'>{inside}</controller>",
                "pci", f"^pci .*id={ids} ")


def chain(run, ids):
    """Each device of that id, behind which bridges the guest has it."""
    known = run.table("pci", "address")
    for address in [a for a, row in known.items() if row["id"] == ids]:
        path = run.sh(f"readlink -f /sys/bus/pci/devices/{address}").split("/")
        yield " > ".join(known[step]["id"] for step in path if step in known)


def express(model, index, ids, path, inside="", behind=""):
    """A bridge of PCI Express, and what it is plugged into; BEHIND is an element with an address on it."""
    return Kind(f"pci-{model}", f"<controller type='pci' index='{index}' model='{model}'>{inside}</controller>{behind}",
                lambda run: "\n".join(chain(run, ids)), f"^{path}$")


def on(bus, slot=0):
    return f"<address type='pci' bus='{bus}' slot='{slot}'/>"


def rng_on(bus, slot=0):
    return f"<rng model='virtio'><backend model='builtin'/>{on(bus, slot)}</rng>"


def port(kind, name):
    return Kind(f"channel-{kind}", {
        "spicevmc": f"<channel type='spicevmc'><target type='virtio' name='{name}'/></channel>",
        "spiceport": f"<channel type='spiceport'><source channel='org.vmunit.port'/><target type='virtio' name='{name}'/></channel>",
        "vdagent": f"<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/></source><target type='virtio' name='{name}'/></channel>",
        "udp": "<channel type='udp'><source mode='bind' host='127.0.0.1' service='14581'/><source mode='connect' host='127.0.0.1' "
               f"service='14582'/><target type='virtio' name='{name}'/></channel>",
    }[kind], lambda run: f"/dev/{virtio_port(run, name)}: {name}")


def ciphers(run):
    run.sh("modprobe -q virtio_crypto; true")
    return wait_for(lambda: run.sh("grep -h '^driver.*virtio' /proc/crypto | sort -u; true"), 20, "ciphers of the device", interval=0.5)


def products(run):
    """What is on the guest's USB."""
    return run.sh("cat /sys/bus/usb/devices/*/product")


def groups(run):
    """Devices are behind the IOMMU: it is there, and they are in groups."""
    return f"{' '.join(run.sh('ls /sys/class/iommu').split())}: {len(run.sh('ls /sys/kernel/iommu_groups').split())} groups"


# --- memory that a server shares out


@contextlib.contextmanager
def shared_memory(path, word):
    """A server of ivshmem: whoever connects gets its version, a number, the memory, and an event for each of its vectors. There
    is the word in the memory."""
    memory = os.memfd_create("ivshmem")
    os.truncate(memory, 1 << 20)
    os.pwrite(memory, word, 0)
    events = [os.eventfd(0) for _ in range(2)]

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.sendall(struct.pack("<qq", 0, 7))
                for number, fd in ((-1, memory), *((7, event) for event in events)):
                    socket.send_fds(connection, [struct.pack("<q", number)], [fd])
                connections.append(connection)

    connections = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o666)
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        yield
        for connection in connections:
            connection.close()
    for fd in (memory, *events):
        os.close(fd)


def reads_shared(run):
    """The device's third region is the memory."""
    device = next((row["address"] for row in run.table("pci") if row["id"] == "1af4:1110"), None)
    check(device, "the guest has no such device")
    run.sh(f"echo 1 >/sys/bus/pci/devices/{device}/enable")
    start, end = (int(n, 16) for n in run.sh(f"cat /sys/bus/pci/devices/{device}/resource").splitlines()[2].split()[:2])
    check_equal(end - start + 1, 1 << 20, "size of the region")
    return f"1af4:1110 at {device}: {run.sh(f'devmem {start:#x} 32').lower()}"


# --- a TPM of somebody else's


@contextlib.contextmanager
def foreign_tpm(directory):
    os.mkdir(f"{directory}/state")
    path = f"{directory}/tpm.sock"
    server = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={directory}/state",
                               "--ctrl", f"type=unixio,path={path},mode=0666"])
    try:
        wait_for_path(path)
        yield
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def servers(directory):
    with shared_memory(f"{directory}/shmem.sock", b"HSEM"), foreign_tpm(directory):
        yield {}


def through_firmware(xml):
    """With a TPM the firmware of QEMU 7.2 spoils the ACPI tables of a kernel that is entered without it."""
    return xml.replace("/vmlinux<", "/vmlinuz<")


MACHINES = [
    Machine("pci-pc", [
        Kind("pci-pci-root", "<controller type='pci' index='0' model='pci-root'/>", "pci", r"^pci address=0000:00:00.0 id=8086:1237 "),
        pci("pci-bridge", 1, "1b36:0001"),
        pci("pci-expander-bus", 2, "1b36:0009", inside="<target busNr='254'/>"),
    ], machine="pc"),
    Machine("pci-express", [
        Kind("pci-pcie-root", "<controller type='pci' index='0' model='pcie-root'/>", "pci", "^pci address=0000:00:00.0 id=8086:29c0 "),
        Kind("pci-pcie-root-port", "<controller type='pci' index='1' model='pcie-root-port'><address type='pci' bus='0' slot='0x14'/></controller>",
             "pci", "^pci address=0000:00:14.0 id=1b36:000c class=060400 driver=pcieport$"),
        express("pcie-switch-upstream-port", 2, "104c:8232", "1b36:000c > 104c:8232"),
        express("pcie-switch-downstream-port", 3, "104c:8233", "1b36:000c > 104c:8232 > 104c:8233"),
        Kind("pci-behind-the-switch", rng_on(3), lambda run: "\n".join(chain(run, "1af4:1044")), "^1b36:000c > 104c:8232 > 104c:8233 > 1af4:1044$"),
        express("dmi-to-pci-bridge", 4, "8086:244e", "8086:244e"),
        express("pcie-to-pci-bridge", 5, "1b36:000e", "1b36:000c > 1b36:000e", behind="<controller type='pci' index='8' model='pcie-root-port'/>"),
        express("pcie-expander-bus", 6, "1b36:000b", "1b36:000b"),
        Kind("shmem-doorbell", "<shmem name='vmunit-served'><model type='ivshmem-doorbell'/><server path='@DIR@/shmem.sock'/>"
             "<msi vectors='2' ioeventfd='on'/></shmem>", reads_shared, "0x4d455348$"),
        Kind("tpm-external", "<tpm model='tpm-crb'><backend type='external'><source type='unix' mode='connect' path='@DIR@/tpm.sock'/></backend></tpm>",
             "exec echo TPM $(cat /sys/class/tpm/tpm0/tpm_version_major) at $(readlink -f /sys/class/tpm/tpm0/device)", "^TPM 2 at .*MSFT0101"),
    ], prepare=servers, edit=through_firmware),
    Machine("iommu-intel", [
        Kind("iommu-intel", "<iommu model='intel'><driver intremap='on'/></iommu>", groups, r"dmar0: [1-9]\d* groups"),
    ], edit=lambda xml: xml.replace("<apic/>", "<apic/><ioapic driver='qemu'/>"), cmdline="intel_iommu=on"),
    Machine("iommu-virtio", [
        Kind("iommu-virtio", "<iommu model='virtio'/>", "pci", "id=1af4:1057 .*driver=virtio-pci"),
        Kind("crypto-builtin", "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", ciphers, "virtio"),
    ]),
]
