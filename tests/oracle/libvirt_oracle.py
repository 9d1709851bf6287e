# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirtd of our own, to be asked what it would run.

It lives in the mount and network namespaces of this process with a configuration, a state and a socket directory of
its own, so the machine's libvirt is neither used nor seen. Nothing is ever started: where libvirt says the whole
truth only at a start, the emulator is a script that writes its arguments down and leaves.

domxml-to-native makes plain taps of all interfaces first and forgets their addresses, options and queues. So their
arguments come from such a start, of a domain that has the controllers and interfaces at the addresses libvirt gave
them and nothing else that could fail on this machine."""

import os
import pathlib
import re
import subprocess
import time
import xml.etree.ElementTree as ET

import argv as argvs
import libvirt

STATE = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/run/libvirt")
RECORDER = """#!/bin/sh
# Stands in for {emulator}: answers libvirt's questions through it, but runs no machine.
for word; do
        if [ "$word" = -name ]; then
                printf '%s\\0' "$@" >{directory}/recorded
                exit 1
        fi
done
exec {emulator} "$@"
"""
# Interfaces that libvirt's domxml-to-native shows as they are need no start.
NOT_TAPS = ("hostdev", "vdpa")


class Refused(Exception):
    """libvirt does not take it; the text is its reason."""


def reason(error):
    text = error.get_error_message() if isinstance(error, libvirt.libvirtError) else str(error)
    return re.sub(r"\s+", " ", text).strip()


class Oracle:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.links = set()
        for path in STATE:
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path], check=True)
        self.write("/etc/libvirt/qemu.conf", 'user = "root"\ngroup = "root"\nstdio_handler = "file"\n'
                   'security_driver = "none"\ncgroup_controllers = []\nnamespaces = []\nremember_owner = 0\n')
        self.write(self.directory / "libvirtd.conf", f'unix_sock_dir = "{directory}"\nauth_unix_ro = "none"\n'
                   f'auth_unix_rw = "none"\nlog_outputs = "3:file:{directory}/log"\n')
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.daemon = subprocess.Popen(
            ["/usr/sbin/libvirtd", "-f", self.directory / "libvirtd.conf", "-p", self.directory / "pid"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.connection = self.connect()

    @staticmethod
    def write(path, text, mode=0o644):
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def connect(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return libvirt.open(f"qemu+unix:///system?socket={self.directory}/libvirt-sock")
            except libvirt.libvirtError:
                if self.daemon.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"libvirtd does not answer:\n{(self.directory / 'log').read_text()}") from None
                time.sleep(0.05)

    def close(self):
        self.connection.close()
        self.daemon.terminate()
        self.daemon.wait()

    # --- what can be asked ---

    def types(self, arch):
        """The domain types there are for an architecture."""
        capabilities = ET.fromstring(self.connection.getCapabilities())
        guest = capabilities.find(f"guest/arch[@name='{arch}']")
        return [] if guest is None else [d.get("type") for d in guest.findall("domain")]

    def effective(self, xml):
        """libvirt's own form of a definition."""
        try:
            domain = self.connection.defineXML(xml)
            try:
                return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
            finally:
                domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)
        except libvirt.libvirtError as e:
            raise Refused(reason(e)) from e

    def native(self, xml):
        """The arguments of a definition, without the differences that are domxml-to-native's own."""
        try:
            argv = argvs.parse(self.connection.domainXMLToNative("qemu-argv", xml))
        except libvirt.libvirtError as e:
            raise Refused(reason(e)) from e
        if any(i.get("type") not in NOT_TAPS for i in ET.fromstring(xml).iterfind("devices/interface")):
            self.replace_interfaces(argv, self.started_interfaces(xml))
        return argv

    # --- interfaces ---

    def started_interfaces(self, xml):
        """The entries of interfaces, of XML with all addresses in it."""
        domain = ET.fromstring(xml)
        devices = domain.find("devices")
        real = devices.findtext("emulator")
        recorder = self.directory / f"record-{os.path.basename(real)}"
        if not recorder.exists():
            self.write(recorder, RECORDER.format(emulator=real, directory=self.directory), 0o755)
        for device in list(devices):
            if device.tag not in ("emulator", "controller", "interface") or device.get("type") in NOT_TAPS:
                devices.remove(device)
        for tag in ("os/loader", "os/nvram", "os/kernel", "os/initrd", "os/dtb", "os/acpi", "memoryBacking", "numatune",
                    "cputune", "seclabel", "sysinfo", "os/smbios", "launchSecurity"):
            for parent in (domain, domain.find("os")):
                for child in parent.findall(tag.removeprefix("os/")):
                    parent.remove(child)
        domain.find("os").attrib.pop("firmware", None)
        for firmware in domain.findall("os/firmware"):
            domain.find("os").remove(firmware)
        devices.find("emulator").text = str(recorder)
        for interface in devices.iterfind("interface"):
            self.prepare_interface(interface)
        recorded = self.directory / "recorded"
        recorded.unlink(missing_ok=True)
        try:
            self.connection.createXML(ET.tostring(domain, encoding="unicode"), 0).destroy()
        except libvirt.libvirtError as e:
            if not recorded.exists():
                raise Refused("at the start: " + reason(e)) from e
        return argvs.parse_words(["qemu", *recorded.read_text().split("\0")[:-1]])

    def prepare_interface(self, interface):
        """Makes the links it is connected to."""
        source = interface.find("source")
        if source is None:
            return
        if interface.get("type") == "bridge":
            self.link(source.get("bridge"), "bridge")
        elif interface.get("type") == "direct":
            self.link(source.get("dev"), "dummy")

    def link(self, name, kind):
        if name and name not in self.links:
            subprocess.run(["ip", "link", "add", name, "up", "type", kind], check=True)
            self.links.add(name)

    @staticmethod
    def replace_interfaces(argv, started):
        """In place and together, so that the order of all devices stays."""
        def mine(entry):
            return "netdev" in entry.properties or entry.identity.startswith(("netdev[", "chardev[charnet"))
        theirs = {e.identity: e for e in started.entries.values() if mine(e)}
        entries = {}
        for entry in argv.entries.values():
            entries.update(theirs if mine(entry) else {entry.identity: entry})
        argv.entries = entries | theirs
