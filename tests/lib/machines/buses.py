# SPDX-License-Identifier: LGPL-2.1-or-later
"""What devices are plugged into: PCI's bridges, IOMMUs; and devices that only a program of
the guest uses: a viewer's channels, smart cards, ciphers."""

from harness import wait_for
from machines import Kind, Machine
from machines.small import virtio_port


def pci(model, index, ids, inside=""):
    return Kind(f"pci-{model}", f"<controller type='pci' index='{index}' model='{model}'>{inside}</controller>",
                "pci", f"^pci .*id={ids} ")


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


MACHINES = [
    Machine("pci-pc", [
        Kind("pci-pci-root", "<controller type='pci' index='0' model='pci-root'/>", "pci", r"^pci address=0000:00:00.0 id=8086:1237 "),
        pci("pci-bridge", 1, "1b36:0001"),
        pci("pci-expander-bus", 2, "1b36:0009", inside="<target busNr='254'/>"),
    ], machine="pc"),
    Machine("iommu-intel", [
        Kind("iommu-intel", "<iommu model='intel'><driver intremap='on'/></iommu>", groups, r"dmar0: [1-9]\d* groups"),
    ], edit=lambda xml: xml.replace("<apic/>", "<apic/><ioapic driver='qemu'/>"), cmdline="intel_iommu=on"),
    Machine("iommu-virtio", [
        Kind("iommu-virtio", "<iommu model='virtio'/>", "pci", "id=1af4:1057 .*driver=virtio-pci"),
        Kind("crypto-builtin", "<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", ciphers, "virtio"),
    ]),
]
