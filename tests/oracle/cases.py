# SPDX-License-Identifier: LGPL-2.1-or-later
"""The domains that are compared: files of this directory, those of the golden suite, and the examples of guides and
of virt-install. What an example needs to be of use on this machine is put in its place here."""

import pathlib
import re
import xml.etree.ElementTree as ET

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
EMULATORS = {arch: f"/usr/bin/qemu-system-{arch}" for arch in ("x86_64", "i386", "aarch64")} | {
    "i686": "/usr/bin/qemu-system-i386"}
# Namespaces keep their names when an example is written again.
ET.register_namespace("qemu", "http://libvirt.org/schemas/domain/qemu/1.0")
DEVICES = ("controller", "disk", "graphics", "hostdev", "interface", "memballoon", "serial", "sound", "tpm", "video")


class Case:
    """`xml` is what is given to both sides."""

    def __init__(self, name, xml, group):
        self.name, self.xml, self.group = name, xml, group

    def element(self, path):
        return ET.fromstring(self.xml).find(path)


def substituted(xml, types):
    """With an emulator and a domain type that this machine has: `types` are those of each architecture."""
    domain = ET.fromstring(xml)
    type_ = domain.find("os/type")
    arch = "x86_64" if type_ is None else type_.get("arch", "x86_64")
    changed = False
    if domain.get("type") not in types(arch) and types(arch):
        domain.set("type", "qemu")
        cpu = domain.find("cpu")
        if arch == "aarch64" and cpu is not None and cpu.get("mode", "").startswith("host-"):
            cpu.attrib.clear()
            cpu.set("mode", "custom")
            ET.SubElement(cpu, "model").text = "cortex-a57"
        changed = True
    emulator = domain.find("devices/emulator")
    if emulator is not None and not pathlib.Path(emulator.text.strip()).exists() and arch in EMULATORS:
        emulator.text = EMULATORS[arch]
        changed = True
    return ET.tostring(domain, encoding="unicode") if changed else xml


def files(directory, pattern, group, types=None):
    for path in sorted(directory.glob(pattern)):
        if not path.name.endswith(".effective.xml"):
            xml = path.read_text()
            yield Case(path.stem, substituted(xml, types) if types else xml, group)


def set_in(base, fragment):
    """BASE with FRAGMENT in it: a device is added, everything else replaces what is there."""
    domain, element = ET.fromstring(base), ET.fromstring(fragment)
    if element.tag in DEVICES:
        parent = domain.find("devices")
        # One of a kind only.
        if element.tag in ("memballoon",):
            for old in parent.findall(element.tag):
                parent.remove(old)
    else:
        parent = domain
        for old in domain.findall(element.tag):
            domain.remove(old)
    parent.append(element)
    return ET.tostring(domain, encoding="unicode")


def fragments(types):
    """Each of the guides' fragments in each of the bases; an <os> only where it is of the base's architecture."""
    for base in sorted((HERE / "bases").glob("*.xml")):
        text = base.read_text()
        arch = ET.fromstring(text).find("os/type").get("arch")
        for path in sorted((HERE / "fragments").glob("*.xml")):
            fragment = path.read_text()
            element = ET.fromstring(fragment)
            if element.tag == "os" and (element.find("type").get("arch", "x86_64") == "aarch64") != (arch == "aarch64"):
                continue
            yield Case(f"{path.stem}@{base.stem}", substituted(set_in(text, fragment), types), "fragments")


def everything(types):
    yield from files(HERE / "domain", "*.xml", "corpus", types)
    for path in ("errors", "definitions"):
        for pattern in ("guide-*.xml", "virt-install-*.xml"):
            yield from files(GOLDEN / path, pattern, "examples", types)
    yield from fragments(types)
    for case in files(GOLDEN / "domain", "*.xml", "golden", types):
        if not case.name.startswith("bad-"):
            yield case


def wrong(types):
    """What must be refused, with what vmunit says about it."""
    for directory, pattern, suffix in (("errors", "*.xml", ".err"), ("domain", "bad-*.xml", ".error")):
        for path in sorted((GOLDEN / directory).glob(pattern)):
            xml = path.read_bytes().decode(errors="replace")
            # Only what says nothing about what is wrong.
            xml = re.sub(r"<emulator>/usr/(libexec/qemu-kvm|bin/kvm|bin/qemu)</emulator>",
                         f"<emulator>{EMULATORS['x86_64']}</emulator>", xml)
            if "kvm" not in types("x86_64"):
                xml = re.sub(r"<domain type=(['\"])kvm\1", "<domain type='qemu'", xml)
            case = Case(path.stem, xml, directory)
            case.said = path.with_suffix(suffix).read_text().strip()
            yield case
