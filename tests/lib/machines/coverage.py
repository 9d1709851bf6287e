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

FOREIGN = "of another hypervisor or architecture: refused by name"
# Row, as a regular expression: why nobody shows it. None of these rows is shown.
LEFT_OUT = {
    r"(disk/target|input)@bus=(xen|uml|parallels|none)": FOREIGN,
    r"char/target@type=(xen|uml|lxc|openvz|sclp.*|spapr-vio-serial)": FOREIGN,
    r"char@type=nmdm": FOREIGN,
    r"controller@(type=xenbus|model=scsi:ibmvscsi|model=usb:qusb[12])": FOREIGN,
    r"hostdev@(model=vfio-(ap|ccw)|type=(misc|storage|net))": FOREIGN,
    r"graphics@type=(rdp|desktop)": FOREIGN,
    r"interface/model@type=(netfront|spapr-vlan)": FOREIGN,
    r"interface@type=vds": FOREIGN,
    r"filesystem@type=(template|block|file|ram|bind|volume)|filesystem/driver@type=(loop|nbd|ploop|mtp)": FOREIGN,
    r"memballoon@model=xen|panic@model=(pseries|s390)|watchdog@model=diag288": FOREIGN,
    r"tpm@model=(tpm-spapr|spapr-tpm-proxy)": FOREIGN,
    r"video/model@type=(xen|vbox|parallels|gop)|audio@type=coreaudio": FOREIGN,
}
# What no kind shows yet: gone as soon as kinds show all of it.
NOT_YET = (
    r"audio.*",
    r"(serial|parallel|console|channel|smartcard|redirdev|redirfilter|char).*",
    r"controller.*",
    r"crypto.*",
    r"disk.*",
    r"filesystem.*",
    r"graphics.*",
    r"hostdev.*",
    r"hub.*",
    r"input.*",
    r"interface.*",
    r"iommu.*",
    r"mem(balloon|ory).*",
    r"panic.*",
    r"rng.*",
    r"shmem.*",
    r"sound.*",
    r"tpm.*",
    r"video.*",
    r"vsock.*",
    r"watchdog.*",
)


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


def problems(page, root):
    """What is wrong, as lines; and how many rows there are, are shown, and are left out, for good or for now."""
    promised = set(rows(page, root))
    kinds = [kind for machine in all_machines() for kind in machine.kinds]
    seen = {row for kind in kinds for row in (*shown(kind.xml), *kind.alias)}
    found, left_out = [], set()
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
