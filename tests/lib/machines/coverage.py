# SPDX-License-Identifier: LGPL-2.1-or-later
"""Are all kinds of devices that vm.xml(5) promises among the kinds of machines?

A row of the page is an element of <devices>, "disk", or a word of an attribute that chooses between devices,
"disk/target@bus=scsi". What a kind shows is read off its xml; what its machine gets in another way, off its alias. Every row
that no kind shows stands in a list below, with its reason, and what stands there in vain is an error."""

import os
import re
import xml.etree.ElementTree as ET

from . import all_machines

# Attributes whose words make another device of it; but those of the second list only say how it is used.
CHOOSING = ("type", "model", "bus", "device", "protocol", "transport", "version")
DETAILS = {
    "address@type": "where a device is plugged in follows from the device",
    "mac@type": "how the address was found",
    "codec@type": "the parts of an ich6 or ich9",
    "secret@type": "whose secret it is follows from what it is in",
    "virtualport@type": "what is told to the switch that an interface is plugged into",
}
# The same words for the same thing: rows of the first are rows of the second.
SAME = (
    (r"(serial|parallel|console|channel|smartcard|redirdev|rng/backend|tpm/backend/source)@type", "char@type"),
    (r"(smartcard|serial|parallel|console|channel|redirdev|rng/backend)/protocol@type", "char/protocol@type"),
    (r"(parallel|console|serial|channel)/target@type", "char/target@type"),
    (r"disk/backingStore@type", "disk@type"),
    (r"disk/backingStore/format@type", "disk/driver@type"),
    (r".*/seclabel@model", "seclabel@model"),
)

REFUSED = "not supported, and refused by name"
EMULATOR = "no emulator for x86 or Arm has it"
SERVER = "needs a server that is not among the packages of the tests: "
HARDWARE = "missing hardware: "
NOT_GIVEN = "QEMU would need what a machine is not given, vm.xml(5)"

# Row, as a regular expression: why nobody shows it. None of these rows is shown. What is refused has a part of <devices> that shows
# that, with @@ for the word, and what is named instead of the word, if anything is.
LEFT_OUT = {
    r"disk/target@bus=(xen|uml|sd)": (REFUSED, "<disk type='file'><source file='/x'/><target dev='sda' bus='@@'/></disk>"),
    r"disk/driver@type=(iso|dir|vhd|cow|vhdx|parallels|luks)":
        (REFUSED, "<disk type='file'><driver name='qemu' type='@@'/><source file='/x'/><target dev='sda' bus='scsi'/></disk>"),
    r"disk@type=(volume|vhostvdpa)": (REFUSED, "<disk type='@@'><source pool='p' volume='@@' dev='/x'/><target dev='sda' bus='scsi'/></disk>"),
    r"disk/source@protocol=(sheepdog|tftp|vxhs)":
        (REFUSED, "<disk type='network'><source protocol='@@' name='x'><host name='h'/></source><target dev='sda' bus='scsi'/></disk>"),
    r"disk/source/host@transport=rdma":
        (REFUSED, "<disk type='network'><source protocol='gluster' name='a/b'><host name='h' transport='@@'/></source><target dev='sda' bus='scsi'/></disk>"),
    r"input@bus=(xen|parallels|none)": (REFUSED, "<input type='mouse' bus='@@'/>"),
    r"input@model=virtio-(non-)?transitional": (REFUSED, "<input type='mouse' bus='virtio' model='@@'/>"),
    r"char/target@type=(xen|uml|sclp-serial|spapr-vio-serial)": (REFUSED, "<serial type='null'><target type='@@'/></serial>"),
    r"char/target@type=(lxc|openvz|sclp|sclplm)": (REFUSED, "<console type='null'><target type='@@'/></console>"),
    r"char@type=nmdm": (REFUSED, "<serial type='@@'><source master='/a' slave='/b'/></serial>"),
    r"char/protocol@type=(telnets|tls)":
        (REFUSED, "<serial type='tcp'><source mode='bind' host='::1' service='1'/><protocol type='@@'/></serial>"),
    r"controller@type=(xenbus|isa)": (REFUSED, "<controller type='@@'/>"),
    r"controller@model=scsi:(ibmvscsi|buslogic|ncr53c90)": (REFUSED, "<controller type='scsi' model='@@'/>"),
    r"controller@model=usb:qusb[12]": (REFUSED, "<controller type='usb' model='@@'/>"),
    r"controller@model=usb:vt82c686b-uhci": EMULATOR,
    r"crypto/backend@model=lkcf": EMULATOR,
    r"hostdev@type=(misc|storage|net)": (REFUSED, "<hostdev mode='capabilities' type='@@'/>", "capabilities"),
    r"hostdev@model=vfio-(ap|ccw)":
        (REFUSED, "<hostdev mode='subsystem' type='mdev' model='@@'><source><address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"),
    r"graphics@type=(rdp|desktop)": (REFUSED, "<graphics type='@@'/>"),
    r"graphics/listen@type=network": (REFUSED, "<graphics type='vnc'><listen type='@@' network='default'/></graphics>"),
    r"interface/model@type=(netfront|spapr-vlan|lan9118|vmxnet2?|vlance|Am79C97.*|8254.*)": EMULATOR,
    r"interface@type=(vds|internal|null)": (REFUSED, "<interface type='@@'><source switchid='x' name='x'/></interface>"),
    r"filesystem@type=(template|block|file|ram|bind|volume)":
        (REFUSED, "<filesystem type='@@'><source dir='/x'/><target dir='x'/></filesystem>"),
    r"filesystem/driver@type=(loop|nbd|ploop|mtp|handle)":
        (REFUSED, "<filesystem type='mount'><driver type='@@'/><source dir='/x'/><target dir='x'/></filesystem>"),
    r"memballoon@model=xen": (REFUSED, "<memballoon model='@@'/>"),
    r"memory@model=sgx-epc": (REFUSED, "<memory model='@@'><target><size unit='MiB'>16</size></target></memory>"),
    r"panic@model=(pseries|s390)": (REFUSED, "<panic model='@@'/>"),
    r"watchdog@model=diag288": (REFUSED, "<watchdog model='@@'/>"),
    r"shmem/model@type=ivshmem": (REFUSED, "<shmem name='x'><model type='@@'/><size unit='M'>4</size></shmem>"),
    r"sound@model=ich7": (REFUSED, "<sound model='@@'/>"),
    r"tpm@model=(tpm-spapr|spapr-tpm-proxy)": (REFUSED, "<tpm model='@@'><backend type='emulator' version='2.0'/></tpm>"),
    r"video/model@type=(xen|vbox|parallels|gop)": (REFUSED, "<video><model type='@@'/></video>"),
    r"audio@type=coreaudio": (REFUSED, "<audio id='1' type='@@'/>"),
    r"disk/driver@type=(bochs|cloop|dmg|ploop)": "formats that qemu-img reads and cannot make",
    r"disk/source@protocol=(rbd|gluster|iscsi|nfs|ssh|https?|ftps?)": SERVER + "Ceph, Gluster, an iSCSI target, NFS, SSH, HTTP, FTP",
    r"disk/auth@type=(ceph|chap)": SERVER + "Ceph, an iSCSI target",
    r"char/target@type=guestfwd": "a network of its own that no card is plugged into, with libvirt as here: no guest can reach it",
    r"disk@device=lun": HARDWARE + "a SCSI disk to give away",
    r"tpm/backend@type=passthrough": HARDWARE + "a TPM",
    r"audio@type=(alsa|dbus|jack|oss|pulseaudio|sdl)|char@type=stdio|disk@type=dir|disk/driver@type=fat|graphics@type=(egl-headless|sdl)": NOT_GIVEN,
    r"panic@model=hyperv": HARDWARE + "KVM, whose Hyper-V this is a part of",
}
# Rows that are shown by a case of a driver of its own, in the guest's words there as well.
ELSEWHERE = {
    r"tpm(/backend@version=1.2|@model=tpm-tis)": "container/test-tpm.py a_tpm_1_2",
    r"filesystem(@type=mount|@model=virtio|/driver@type=path)?": "container/test-folders.py a_folder_by_9p",
    r"filesystem/driver@type=virtiofs": "container/test-folders.py a_folder_by_virtiofs",
    r"interface/backend@type=passt": "container/test-passt.py a_guest_and_the_network",
    r"interface@type=bridge": "container/test-devices.py interface_in_a_bridge",
    r"interface@type=ethernet": "container/test-networks.py ethernet_with_scripts",
    r"interface@type=direct": "host/test-networks.py bridge_ethernet_and_direct",
    r"input@type=(evdev|passthrough)": "host/test-hostdev.py keys_of_the_host",
    r"hostdev(@type=usb)?": "host/test-hostdev.py a_stick_by_its_place_and_a_tablet_by_what_it_is",
    r"interface@type=vhostuser": "container/test-networks.py a_switch_that_is_a_process",
    r"memory@model=(nvdimm|virtio-pmem)": "container/test-more-devices.py memory_that_is_kept",
    r"shmem(/model@type=ivshmem-plain)?": "container/test-more-devices.py shared_memory_of_two_machines",
    r"char@type=pipe": "container/test-more-devices.py a_pair_of_pipes",
    r"disk@type=vhostuser": "container/test-more-devices.py a_disk_that_another_process_serves",
    r"audio@type=file": "container/test-more-devices.py sound_that_is_kept",
}
# What no kind shows yet, and what each waits for: goes away as soon as kinds show it.
NOT_YET = {
    r"(hostdev.*|interface@type=hostdev|interface/teaming.*|disk@type=nvme)": "devices of the host are not handed over yet",
    r"interface@type=network": "there are no virtual networks yet",
    r"interface@type=vdpa": "they are not started yet",
}


def source(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


def free_words(root):
    """The words of attributes that the page has without them, from the tables of the checks."""
    text = source(root, "src/domain/domain-validate-controller.c")
    for kind, words in re.findall(r"const (\w+)_models\[\] = \{(.*?)NULL\}", text, re.S):
        for word in re.findall(r'"([^"]+)"', words):
            yield f"controller@model={kind.replace('_', '-')}:{word}"
    text = source(root, "src/domain/domain-complete-interface.c")
    for word in re.findall(r'"([^"]+)"', re.search(r"\bmodels\[\] = \{(.*?)\}", text, re.S)[1]):
        yield f"interface/model@type={word}"


def same(row):
    name, _, word = row.partition("=")
    for pattern, instead in SAME:
        if re.fullmatch(pattern, name):
            return f"{instead}={word}"
    return row


def rows(page, root):
    """What the page promises."""
    section, refused = None, False
    for line in page.splitlines():
        if line.startswith(".Ss "):
            section, refused = line.removeprefix(".Ss "), False
        elif line in ("Refused:", "Read over:"):
            refused = True
        if refused or not section.startswith("domain/devices") if section else True:
            continue
        if section == "domain/devices":
            match = re.match(r"\.It Cm <(\S+)>", line)
            if match and match[1] != "emulator":
                yield match[1]
            continue
        match = re.match(r"\.It Cm @(\S+) \\\(eq (.*)", line)
        if not match or match[1] not in CHOOSING:
            continue
        name = f"{section.removeprefix('domain/devices/')}@{match[1]}"
        if not any(name.endswith(detail) for detail in DETAILS):
            for word in match[2].split(" | "):
                yield same(f"{name}={word.removesuffix(' ' + chr(92))}")
    yield from free_words(root)


def shown(text):
    """The rows of a part of <devices>."""
    def walk(element, path):
        if not path.count("/"):
            yield path
        for name, word in element.items():
            if name in CHOOSING:
                yield same(f"{path}@{name}={word}")
        if path == "controller" and element.get("model"):
            yield f"controller@model={element.get('type')}:{element.get('model')}"
        for child in element:
            yield from walk(child, f"{path}/{child.tag}")

    for device in ET.fromstring(f"<devices>{text}</devices>"):
        yield from walk(device, device.tag)


DOMAIN = ("<domain type='qemu'><name>x</name><memory>262144</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os>"
          "<features><acpi/></features><devices>{}</devices></domain>")


def refusals(promised, argv):
    """Rows that are said to be refused, and are not: with the definition, `argv` tells what vmunit has against it."""
    for pattern, reason in LEFT_OUT.items():
        for row in sorted(promised):
            if isinstance(reason, tuple) and re.fullmatch(pattern, row):
                word = re.split("[=:]", row)[-1]
                said, word = argv(DOMAIN.format(reason[1].replace("@@", word))), (*reason, word)[2]
                if not re.search(rf"not supported: .*\b{word}\b|'{word}' is (written|not)|no .*'{word}'", said):
                    yield f"{row} is not refused by name: {said.strip() or 'it is taken'}"


def problems(page, root):
    """What is wrong, as lines; and how many rows there are, are shown, and are left out, for good or for now."""
    promised = set(rows(page, root))
    kinds = [kind for machine in all_machines() for kind in machine.kinds]
    seen = {row for kind in kinds for row in (*shown(kind.xml), *kind.alias)}
    found, left_out = [], set()
    for case in ELSEWHERE.values():
        driver, name = case.split()
        if not re.search(rf"(?m)^@case.*\ndef {name}\(", source(root, f"tests/{driver}")):
            found.append(f"there is no case {case}")
    for pattern in ELSEWHERE:
        rows_of = {row for row in promised if re.fullmatch(pattern, row)}
        if not rows_of - seen:
            found.append(f"{pattern} is shown by the kinds as well, or is no row")
        seen |= rows_of
    for pattern in (*LEFT_OUT, *NOT_YET):
        rows_of = {row for row in promised if re.fullmatch(pattern, row)}
        if not rows_of - seen - left_out:
            found.append(f"{pattern} leaves out nothing")
        if pattern in LEFT_OUT:
            found += [f"{row} is left out, and shown" for row in sorted(rows_of & seen)]
        left_out |= rows_of - seen
    for kind in kinds:
        found += [f"kind {kind.name}: {row} is not in vm.xml(5)" for row in kind.alias if row not in promised]
    found += [f"no kind shows {row}" for row in sorted(promised - seen - left_out)]
    return found, (len(promised), len(promised & seen), len(left_out))
