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


def own_directories(ours, theirs, _case):
    """Files that each makes for a machine, in the directories each has for them."""
    return both(ours, theirs, _case) and bool(
        re.match(r"(unix:(path=)?)?(/run|/var/lib)/vmunit/", str(ours))
        and re.match(r"(unix:(path=)?)?(/run|/var/lib)/libvirt/", str(theirs)))


def commas(ours, theirs, _case):
    """libvirt does not double the commas of some values, so that QEMU reads something else."""
    return "," in f"{ours}" or ours is None


WIRINGS = [
    Wiring(r"environment\.(PATH|HOME|XDG_\w+_HOME)", any_two, "the environment of a service, not of a daemon"),
    Wiring(r"object\[masterKey0\]", only_libvirt, "secrets are handed over as files, not under a master key"),
    Wiring(r"object\[libvirt-\d+-\w+-\w+-secret0\]\.(data|iv)", any_two, "nor are they among the arguments; libvirt encrypts them anew each time"),
    Wiring(r"device\[[^]]*\]\.serial", lambda a, b, _case: both(a, b, _case) and " " in a and a.replace(" ", "\\ ") == b,
           "libvirt puts a backslash before each blank of a serial number"),
    Wiring(r"device\[[^]]*\]\.discard_granularity", lambda a, b, _case: a is None or b is None, "newer versions of libvirt have it"),
    Wiring(r"uuid\.value", unsaid("uuid"), "libvirt rolls dice, vmunit derives it from the machine's id and the name"),
    Wiring(r"device\[vmgenid0\]\.guid", lambda a, b, case: both(a, b, case) and not case.element("genid").text, "so is a genid"),
    Wiring(r"device\[[^]]*\]\.mac", lambda a, b, case: both(a, b, case) and any(
        i.find("mac") is None for i in case.element("devices").iterfind("interface")),
        "as the UUID: only where an interface has no MAC"),
    Wiring(r"rtc\.base", minutes_apart, "a clock that was set forward goes on"),
    Wiring(r"netdev\[[^]]*\]\.fds?", both, "numbers of descriptors"),
    Wiring(r"netdev\[[^]]*\]\.(vhost|vhostfds?)", only_libvirt, "vhost-net is opened by the prepare step, where there is one"),
    Wiring(r"\w+\[[^]]*\]\.(path|filename|mem-path|file)|(display|spice)\.addr|vnc\.vnc", own_directories, "sockets, NVRAM and memory of a machine"),
    Wiring(r"object\[[^]]*\]\.mem-path", lambda a, b, case: both(a, b, case) and b.startswith(a + "/libvirt/"),
           "libvirt has a directory of its own below the mount of huge pages"),
    Wiring(r"chardev\[chrtpm\]\.(backend|path)", any_two, "domxml-to-native starts no swtpm, so libvirt has no socket to show"),
    Wiring(r"add-fd\[\d+\]|tpmdev\[tpm-tpm0\]\.(path|cancel-path)", lambda a, b, case: "fdset" in b or a is None,
           "libvirt shows descriptors of the TPM where vmunit shows its path"),
    Wiring(r"vnc\.websocket", lambda a, b, case: b == "-1", "a port that is found at the start"),
    Wiring(r"fw_cfg\[.*\]|fw_cfg\[.*\]\..*|chardev\[charserial3\]\.(host|b)", commas, "libvirt does not double commas there"),
    Wiring(r"device\[scsi\d\]\.driver", lambda a, b, case: (a, b) == ("dc390", "dc-390"), "QEMU has no dc-390"),
    Wiring(r"soundhw|machine#2", lambda a, b, case: "pcspk" in f"{a} {b}", "QEMU 7.2 has no -soundhw any more"),
    Wiring(r"device\[video0\]\.blob|cpu\.host-phys-bits-limit", lambda a, b, case: b is None, "libvirt 9.0 does not know it yet"),
    Wiring(r"device\[[^]]*\]\.vhostfd", only_libvirt, "vhost devices are opened by the prepare step"),
    Wiring(r"device\[vsock\d\]\.guest-cid", lambda a, b, case: (str(a), str(b)) == ("3", "0"), "the first address, where libvirt has not looked for one yet"),
    Wiring(r"blockdev\[[^]]*\]\.portal", lambda a, b, case: both(a, b, case) and a.endswith(":3260") and b.endswith(":0"),
           "libvirt forgets the port of iSCSI"),
    Wiring(r"device\[parallel\d\]\.(iobase|irq)", lambda a, b, case: b is None, "libvirt forgets the address of a parallel port"),
]
