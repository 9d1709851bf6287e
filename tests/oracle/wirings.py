# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may differ from libvirt: how a machine is wired to the host, never what the guest sees of it.

A row is a pattern of the place (argv.Difference.where, whole), what must hold of the two values besides, and why.
Keep it short. A row that no case needs is an error."""

import datetime
import re


class Wiring:
    def __init__(self, where, holds, why):
        self.where, self.holds, self.why, self.hits = re.compile(where), holds, why, 0

    def would_allow(self, difference, case):
        return bool(self.where.fullmatch(difference.where)) and self.holds(difference.ours, difference.theirs, case)

    def allows(self, difference, case):
        if not self.would_allow(difference, case):
            return False
        self.hits += 1
        return True


def only_libvirt(ours, theirs, _case):
    return ours is None


def any_two(_ours, _theirs, _case):
    return True


def both(ours, theirs, _case):
    return ours is not None and theirs is not None


def ends_alike(ours, theirs, _case):
    """Two paths that differ in the directory only."""
    return both(ours, theirs, _case) and str(ours).rsplit("/", 1)[-1] == str(theirs).rsplit("/", 1)[-1]


def unsaid(path):
    """Made up, because the definition does not say it."""
    return lambda ours, theirs, case: both(ours, theirs, case) and case.element(path) is None


def minutes_apart(ours, theirs, case):
    """Times that were made one after the other."""
    if not both(ours, theirs, case) or "utc" in (ours, theirs) or "localtime" in (ours, theirs):
        return False
    a, b = (datetime.datetime.fromisoformat(t) for t in (ours, theirs))
    return abs(a - b) < datetime.timedelta(minutes=15)


def own_directories(a, b, _case):
    """Files that each makes for a machine, in the directories each has for them."""
    own, libvirts = (re.compile(r"(unix:(path=)?)?(/run|/var/lib)/" + name + "/") for name in ("vmunit", "libvirt"))
    return both(a, b, _case) and any(own.match(str(x)) and libvirts.match(str(y)) for x, y in ((a, b), (b, a)))


def secret(a, b, _case):
    """Ours has none in it, libvirt's are other ones each time."""
    return both(a, b, _case) and (a == "" or len(a) == len(b))


WIRINGS = [
    Wiring(r"environment\.(PATH|HOME|XDG_\w+_HOME)", any_two, "the environment of a service, not of a daemon"),
    Wiring(r"object\[masterKey0\]", only_libvirt, "secrets are handed over as files, not under a master key"),
    Wiring(r"object\[libvirt-\d+-\w+-\w+-secret0\]\.(data|iv)", secret, "nor are they among the arguments"),
    Wiring(r"cpu\.(monitor|hypervisor|npt)", lambda a, b, _case: (a, b) == (None, "on"), "QEMU's model has what libvirt's lacks"),
    Wiring(r"cpu\.vme", lambda a, b, _case: (a, b) == (None, "off"), "QEMU's emulation has none, whatever the model"),
    Wiring(r"uuid\.value", unsaid("uuid"), "libvirt rolls dice, vmunit derives it from the machine's id and the name"),
    Wiring(r"device\[vmgenid0\]\.guid", lambda a, b, case: both(a, b, case) and not case.element("genid").text, "so is a genid"),
    Wiring(r"device\[[^]]*\]\.mac", lambda a, b, case: both(a, b, case) and any(
        i.find("mac") is None for i in case.element("devices").iterfind("interface")),
        "as the UUID: only where an interface has no MAC"),
    Wiring(r"rtc\.base", minutes_apart, "a clock that was set forward goes on"),
    Wiring(r"netdev\[[^]]*\]\.fds?", both, "numbers of descriptors"),
    Wiring(r"netdev\[[^]]*\]\.(vhost|vhostfds?)", only_libvirt, "vhost-net is opened by the prepare step, where there is one"),
    Wiring(r"\w+\[[^]]*\]\.(path|filename|mem-path|file)|(display|spice)\.addr|vnc\.vnc", own_directories,
           "sockets, NVRAM and memory of a machine"),
    Wiring(r"device\[[^]]*\]\.vhostfd", only_libvirt, "a number of a descriptor as well: vhost-vsock and vhost-scsi"),
    Wiring(r"(object\[[^]]*\]\.mem-path|mem-path\.value)", lambda a, b, case: both(a, b, case) and b.startswith(a + "/libvirt/"),
           "libvirt has a directory of its own below the mount of huge pages"),
    Wiring(r"chardev\[chrtpm\]\.(backend|path)", any_two, "domxml-to-native starts no swtpm, so libvirt has no socket to show"),
    Wiring(r"device\[[^]]*\]\.serial", lambda a, b, case: both(a, b, case) and " " in a and a.replace(" ", "\\ ") == b,
           "libvirt puts a backslash before each blank of a serial number"),
]

# What is libvirt 9.0's fault, case by case: places that differ, and why.
COMMAS = "libvirt does not double commas there, so QEMU reads something else"
NEWER = "newer versions of libvirt have it"
SYNC = "what libvirt called sync= before 0.7 it has forgotten; vmunit reads it"
CRYPTO = r"device\[(pci\.\d|crypto0|ua-c)\]|object\[obj(crypto0|ua-c)\]"
ITSELF = "libvirt plugs a bridge in behind itself, or a later one, and QEMU does not start"
OWN = "what <metadata> says to vmunit: credentials, and a disk more"
EXCEPTIONS = {
    "first-boot": (r"smbios\[11\]#[23]|(device|blockdev)\[.*", OWN),
    "first-boot-pc": (r"(device|blockdev)\[.*", OWN),
    "arm-first-boot": (r"fw_cfg\[.*|(device|blockdev)\[.*", OWN),
    "char-tcp": (r"chardev\[charserial3\]\.(host|b)", COMMAS),
    "cpu-passthrough-limit": (r"cpu\.host-phys-bits-limit", NEWER),
    "cpu-host-model-i386": (r"cpu.*", "libvirt's tables lead to an older model"),
    "clock-sync": (r"rtc\.base", SYNC),
    "crypto-builtin": (CRYPTO, NEWER),
    "guide-001-08": (r"rtc\.base", SYNC),
    "guide-001-09": (r"rtc\.base", SYNC),
    "guide-001-12": (r"rtc\.base", SYNC),
    "iothreads-poll": (r"object\[iothread1\]\.poll-(max-ns|grow|shrink)", NEWER),
    "hostdev-iscsi": (r"blockdev\[libvirt-2-backend\]\.portal", "libvirt makes port 0 of no port"),
    "ready-vsock": (r"smbios\[11\].*|device\[vsock0\]\.guest-cid", "the address of the guest, and where its systemd reports, are found at the start"),
    "vsock-auto": (r"device\[vsock0\]\.guest-cid", "a number that is found at the start"),
    "disk-blockio": (r"device\[virtio-disk0\]\.discard_granularity", NEWER),
    "parallel": (r"device\[parallel2\]\.(iobase|irq)", "libvirt forgets the address of a parallel port"),
    "pci-switch-first": (r"device\[(pci\.1|usb|balloon0)\]\.bus|order of device|dump", ITSELF),
    "pci-port-last": (r"device\[(pci\.[13]|usb)\]\.bus|order of device", ITSELF),
    "pci-topology": (r"device\[pci\.[789]\]\.chassis|dump", "libvirt gives a chassis number twice, and QEMU does not start"),
    "scsi-dc390": (r"device\[scsi0\]\.driver", "QEMU calls it dc390, libvirt dc-390"),
    "sound-models": (r"soundhw|machine#2", "QEMU 7.2 has no -soundhw any more"),
    "sound-pcspk": (r"soundhw|machine#2", "QEMU 7.2 has no -soundhw any more"),
    "sysinfo-fwcfg": (r"fw_cfg\[.*", COMMAS),
    "sysinfo-smbios": (r"fw_cfg\[.*", COMMAS),
    "vnc-address-key": (r"vnc\..*", COMMAS),
    "tpm-passthrough": (r"add-fd\[\d+\]|tpmdev\[tpm-tpm0\]\.(path|cancel-path)", "libvirt shows descriptors, vmunit their paths"),
    "video-3d": (r"device\[video0\]\.blob", NEWER),
    "video-virtio": (r"device\[video0\]\.blob", NEWER),
    "video-virtio-blob": (r"device\[video0\]\.blob", NEWER),
    "graphics-vnc-websocket-auto": (r"vnc\.websocket", "a port that is found at the start"),
}


def excepted(where, case, used):
    row = EXCEPTIONS.get(case.name)
    if row and re.fullmatch(row[0], where):
        used.add(case.name)
        return True
    return False
