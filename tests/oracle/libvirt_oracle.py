# SPDX-License-Identifier: LGPL-2.1-or-later
"""A libvirtd of our own, to be asked what it would run.

It lives in the mount and network namespaces of this process with a configuration, a state and a socket directory of
its own, so the machine's libvirt is neither used nor seen. Nothing is ever started: where libvirt says the whole
truth only at a start, the emulator is a script that writes its arguments down and leaves.

domxml-to-native makes plain taps of all interfaces first and forgets their addresses, options and queues. So their
arguments come from such a start, of a domain that has the controllers and interfaces at the addresses libvirt gave
them and nothing else that could fail on this machine."""

import contextlib
import os
import pathlib
import re
import stat
import subprocess
import time
import xml.etree.ElementTree as ET

import argv as argvs
import libvirt

# What libvirt reads and writes; nothing of the machine's own is left to be seen.
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


# A network without a daemon of its own, for every name a domain asks for.
NETWORK = """<network><name>{name}</name><forward mode='bridge'/><bridge name='{bridge}'/>
<portgroup name='engineering'/></network>"""
# What a secret is used for, and the element that says so.
USAGES = {"volume": "volume", "ceph": "name", "iscsi": "target"}
PRETENDED = ("vhost-net", "vhost-scsi", "vhost-vsock", "vhost-vdpa-0", "vfio/vfio", "dri/renderD128", "hwrng", "tpm0")


class Refused(Exception):
    """libvirt does not take it; the text is its reason."""


def reason(error):
    text = error.get_error_message() if isinstance(error, libvirt.libvirtError) else str(error)
    return re.sub(r"\s+", " ", text).strip()


class Oracle:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.bridges, self.networks, self.secrets = set(), set(), set()
        for path in STATE:
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", path], check=True)
        self.write("/etc/libvirt/qemu.conf", 'user = "root"\ngroup = "root"\nstdio_handler = "file"\n'
                   'security_driver = "none"\ncgroup_controllers = []\nnamespaces = []\nremember_owner = 0\n')
        self.write(self.directory / "libvirtd.conf", f'unix_sock_dir = "{directory}"\nauth_unix_ro = "none"\n'
                   f'auth_unix_rw = "none"\nlog_outputs = "3:file:{directory}/log"\n')
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        self.devices()
        # Open vSwitch and traffic control do all they are told, but have nothing to be found.
        for tool in ("ovs-vsctl", "tc"):
            self.write(self.directory / "bin" / tool, "#!/bin/sh\ncase \"$*\" in *find* | *\" get \"*) exit 1 ;; esac\n", 0o755)
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.start()

    def start(self):
        self.daemon = subprocess.Popen(
            ["/usr/sbin/libvirtd", "-f", self.directory / "libvirtd.conf", "-p", self.directory / "pid"],
            env=os.environ | {"PATH": f"{self.directory}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.connection = self.connect()

    def devices(self):
        """A /dev with what libvirt looks for before it says what it would run. Of those nodes nobody uses any."""
        new = self.directory / "dev"
        new.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", "tmpfs", new], check=True)
        for entry in os.scandir("/dev"):
            mode = entry.stat(follow_symlinks=False).st_mode
            if entry.is_symlink():
                (new / entry.name).symlink_to(os.readlink(entry.path))
            elif stat.S_ISCHR(mode):
                os.mknod(new / entry.name, mode, entry.stat().st_rdev)
            elif entry.is_dir():
                (new / entry.name).mkdir()
                subprocess.run(["mount", "--rbind", entry.path, new / entry.name], check=True)
        for name in PRETENDED:
            if not (new / name).exists() and (name.count("/") == 0 or not (new / name).parent.is_mount()):
                (new / name).parent.mkdir(exist_ok=True)
                os.mknod(new / name, stat.S_IFCHR | 0o600, os.makedev(1, 3))
        subprocess.run(["mount", "--move", new, "/dev"], check=True)
        # libvirt and vmunit both look for where huge pages are mounted.
        for size, path in (("2M", "/dev/hugepages"), ("1G", "/dev/hugepages1G")):
            os.makedirs(path, exist_ok=True)
            subprocess.run(["mount", "-t", "hugetlbfs", "-o", f"pagesize={size}", "hugetlbfs", path], check=False)

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
        for network in set(re.findall(r"<(?:source|listen)\b[^>]*\bnetwork=['\"]([\w.-]+)['\"]", xml)):
            self.network(network)
        for secret in set(re.findall(r"<secret (type=[^>]*?)/?>", xml)):
            self.secret(dict(re.findall(r"(\w+)=['\"]([^'\"]*)['\"]", secret)))
        try:
            return self.define(xml)
        except libvirt.libvirtError as e:
            if self.is_answering():
                raise Refused(reason(e)) from e
        # libvirtd has its bugs: what it died of may have been the definition before this one.
        self.restart()
        try:
            return self.define(xml)
        except libvirt.libvirtError as e:
            raise Refused(reason(e) if self.is_answering() else "libvirtd 9.0 crashes") from e

    def define(self, xml):
        if self.daemon.poll() is not None:
            self.restart()
        domain = self.connection.defineXML(xml)
        try:
            return domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
        finally:
            domain.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_NVRAM)

    def is_answering(self):
        try:
            return bool(self.connection.isAlive() and self.connection.getLibVersion())
        except libvirt.libvirtError:
            return False

    def restart(self):
        with contextlib.suppress(libvirt.libvirtError):
            self.connection.close()
        self.daemon.kill()
        self.daemon.wait()
        self.start()

    def native(self, xml):
        """The arguments of a definition, without the differences that are domxml-to-native's own."""
        domain = ET.fromstring(xml)
        interfaces = domain.findall("devices/interface")
        if any(i.get("type") == "hostdev" for i in interfaces):
            raise Refused("domxml-to-native of libvirt 9.0 crashes on interfaces of type hostdev")
        for interface in interfaces:
            for script in interface.findall("script"):  # it would be run
                interface.remove(script)
        xml = ET.tostring(domain, encoding="unicode") if interfaces else xml
        argv = self.domxml_to_native(xml)
        if not interfaces:
            return argv
        # Interfaces that lost their addresses may have needed other controllers than those that are there.
        for interface in interfaces:
            domain.find("devices").remove(interface)
        without = self.domxml_to_native(ET.tostring(domain, encoding="unicode"))
        return self.with_interfaces(argv, without, self.started_interfaces(xml))

    def domxml_to_native(self, xml):
        try:
            return argvs.parse(self.connection.domainXMLToNative("qemu-argv", xml))
        except libvirt.libvirtError as e:
            raise Refused(reason(e)) from e

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
            if device.tag not in ("emulator", "controller", "interface"):
                devices.remove(device)
        for tag in ("os/loader", "os/nvram", "os/kernel", "os/initrd", "os/dtb", "os/acpi", "memoryBacking", "numatune",
                    "cputune", "seclabel", "sysinfo", "os/smbios", "os/bios", "launchSecurity"):
            for parent in (domain, domain.find("os")):
                for child in parent.findall(tag.removeprefix("os/")):
                    parent.remove(child)
        domain.find("os").attrib.pop("firmware", None)
        # ACPI wants firmware on ARM, and that is gone.
        for acpi in domain.findall("features/acpi") if domain.find("os/type").get("arch") == "aarch64" else []:
            domain.find("features").remove(acpi)
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
        """Makes the bridge it is connected to. A macvtap needs a device node that udev makes; in the arguments it is a
        descriptor like that of a tap on a bridge."""
        source = interface.find("source")
        for child in list(interface):
            if child.tag in ("backend", "bandwidth", "port", "target", "filterref", "virtualport", "vlan"):  # the host's side only
                interface.remove(child)
        if interface.get("type") == "direct":
            interface.set("type", "bridge")
            source.attrib.clear()
            source.set("bridge", "br-direct")
        if interface.get("type") == "bridge" and source is not None:
            self.bridge(source.get("bridge"))

    def secret(self, reference):
        """What a disk is encrypted with, or who it is told to be."""
        kind = {"passphrase": "volume"}.get(reference["type"], reference["type"])
        uuid, usage = reference.get("uuid"), reference.get("usage") or reference.get("uuid")
        if kind not in USAGES or not usage or (kind, usage) in self.secrets:
            return
        self.secrets.add((kind, usage))
        try:
            self.connection.secretDefineXML(
                f"<secret private='no'>{f'<uuid>{uuid}</uuid>' if uuid else ''}"
                f"<usage type='{kind}'><{USAGES[kind]}>{usage}</{USAGES[kind]}></usage></secret>").setValue(b"secret", 0)
        except libvirt.libvirtError:
            pass  # the definition is wrong in this, too

    def network(self, name):
        if name in self.networks:
            return
        self.networks.add(name)
        bridge = f"virbr{len(self.networks)}"
        self.bridge(bridge)
        subprocess.run(["ip", "address", "add", f"192.168.{len(self.networks)}.1/24", "dev", bridge], check=True)
        self.connection.networkCreateXML(NETWORK.format(name=name, bridge=bridge))

    def bridge(self, name):
        if name and name not in self.bridges:
            subprocess.run(["ip", "link", "add", name, "up", "type", "bridge"], check=True)
            self.bridges.add(name)

    @staticmethod
    def with_interfaces(argv, without, started):
        """WITHOUT interfaces, and with those that were STARTED where ARGV has its own."""
        def mine(entry):
            return "netdev" in entry.properties or entry.identity.startswith(("netdev[", "chardev[charnet"))
        theirs = {e.identity: e for e in started.entries.values() if mine(e)}
        before = set()
        for entry in argv.entries.values():
            if mine(entry):
                break
            before.add(entry.identity)
        last = max((i for i, identity in enumerate(without.entries) if identity in before), default=-1)
        entries = list(without.entries.items())
        without.entries = dict(entries[:last + 1]) | theirs | dict(entries[last + 1:])
        without.words += [word for e in theirs.values() for word in e.text.split(" ", 1)]
        return without
