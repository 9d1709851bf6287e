# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts QEMU with a command line for people, as `domxml-to-native` prints it, on a system that may be littered:
what the command line wants to open is made at its path first. QEMU must greet over QMP, and every -device with an
address must be on that bus, slot and function.

What no made-up file can stand in for leaves the case out, with a reason of NEEDS.

  native_starts.py GUEST <WORDS.json

Each start is a process in namespaces of its own (start() below makes it), so that several can have the same paths and
ports. Its last line is "ok N", "skip REASON" or "fail TEXT"."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import argv_starts

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "oracle"))
import argv as argvs  # noqa: E402

NEEDS = {
    "vfio": "needs VFIO and the device",
    "vhost": "needs a vhost device of the kernel",
    "vhost-user": "needs a vhost-user program",
    "host": "needs a device of the host",
    "block": "needs a block device",
    "server": "needs a server that answers",
    "ivshmem": "needs an ivshmem server",
    "tpm": "needs a TPM of the host",
    "display": "needs a display or GPU of the host",
    "sound": "needs sound of the host",
    "certificates": "needs certificates",
    "luks": "needs an encrypted image",
    "huge": "needs huge pages",
    "memory": "needs more memory",
    "kvm": "needs KVM",
    "module": "needs a module that this QEMU lacks",
}
# What QEMU says when one of them is missing.
SAYS = [
    (r"(?i)cannot set up guest memory|Cannot allocate memory", "memory"),
    (r"(?i)only supported with KVM|requires (accel=)?KVM|needs KVM|KVM is not available|irqchip.*(KVM|accel)|without KVM", "kvm"),
    (r"(?i)Name or service not known|Temporary failure in name resolution|Connection refused|address resolution", "server"),
    (r"(?i)failed to connect to DBus", "server"),
    (r"(?i)requires kernel irqchip", "kvm"),
    (r"without udmabuf", "host"),
    (r"(?i)egl|render node|opengl|gl is not", "display"),
    (r"(?i)is not a valid .*type|module .* not|Parameter 'driver' does not accept value|not compiled in|unknown driver|missing object type", "module"),
]
DEVICES = {
    "vfio-pci": "vfio", "vfio-pci-nohotplug": "vfio", "vfio-ap": "vfio", "vfio-ccw": "vfio", "vhost-scsi-pci": "vhost",
    "vhost-vsock-pci": "vhost", "vhost-vsock-device": "vhost", "usb-host": "host", "virtio-input-host-pci": "host",
    "scsi-generic": "block", "scsi-block": "block", "ivshmem-doorbell": "ivshmem", "ccid-card-emulated": "certificates",
}
BLOCK_DRIVERS = {
    "host_device": "block", "host_cdrom": "block", "nvme": "host", "rbd": "server", "iscsi": "server", "gluster": "server",
    "http": "server", "https": "server", "ftp": "server", "ftps": "server", "ssh": "server", "nfs": "server", "nbd": "server",
    "luks": "luks", "vhost-user-blk": "vhost-user",
}
OBJECTS = {"input-linux": "host", "tls-creds-x509": "certificates", "pr-manager-helper": "server", "sev-guest": "kvm"}
CHARDEVS = {"serial": "host", "tty": "host", "parport": "host", "parallel": "host"}
DISPLAYS = {"sdl": "display", "gtk": "display", "egl-headless": "display"}


def skip(need):
    raise argv_starts.Skip(NEEDS[need])


def skip_by(table, word):
    if word in table:
        skip(table[word])


class Resources:
    """What one command line wants to find."""

    def __init__(self, words, guest):
        self.argv, self.guest = argvs.parse_words(words), guest
        self.words = [self.argv.emulator]
        self.fds, self.sockets, self.programs = [], [], []
        self.formats = {e.properties["file"]: e.properties["driver"] for e in self.of("blockdev") if "file" in e.properties}
        self.monitor = None
        for entry in self.argv.entries.values():
            option = re.split(r"[\[#]", entry.identity)[0]
            # The last chance to say no, and to give other words.
            handler = getattr(self, "make_" + option.replace("-", "_"), None)
            text = handler(entry, entry.properties) if handler else None
            self.words += [w for w in entry.text.split(" ", 1)][:1]
            if " " in entry.text:
                self.words.append(text if text is not None else entry.text.split(" ", 1)[1])

    def of(self, option):
        return [e for e in self.argv.entries.values() if re.split(r"[\[#]", e.identity)[0] == option]

    @staticmethod
    def parent(path):
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        return pathlib.Path(path)

    def file(self, path, size=64 << 10, content=None):
        path = self.parent(path)
        if str(path).startswith(("/dev/", "/sys/")) and not path.exists():
            skip("host")
        if not path.exists():
            path.write_bytes(content or b"")
            if content is None:
                os.truncate(path, size)

    # --- one for each option ---

    def make_accel(self, _entry, _p):
        return "tcg"

    def make_cpu(self, entry, p):
        return "max" if p["model"] == "host" else None

    def make_machine(self, _entry, p):
        if p.get("gic-version") == "host":
            skip("kvm")

    def make_blockdev(self, _entry, p):
        skip_by(BLOCK_DRIVERS, p["driver"])
        if p["driver"] == "vvfat":
            pathlib.Path(p["dir"]).mkdir(parents=True, exist_ok=True)
        if p["driver"] != "file":
            return
        fmt = self.formats.get(p["node-name"], "raw")
        skip_by(BLOCK_DRIVERS, fmt)
        path = self.parent(p["filename"])
        path.unlink(missing_ok=True)
        if "pflash" in p["node-name"]:
            self.file(path, 64 << 20 if "aarch64" in self.argv.emulator or "arm" in self.argv.emulator else 2 << 20)
        else:
            subprocess.run(["qemu-img", "create", "-q", "-f", fmt, path, "1474560"], check=True)

    def make_drive(self, _entry, p):
        if "file" in p:
            self.file(p["file"], 2 << 20)

    def make_chardev(self, entry, p):
        skip_by(CHARDEVS, p["backend"])
        if p.get("tls-creds"):
            skip("certificates")
        if p["backend"] == "socket" and "path" in p:
            self.make_socket(entry, p)
        elif p["backend"] == "socket" and p.get("server", "off") == "off" and "reconnect" not in p:
            skip("server")
        elif p["backend"] == "pipe":
            self.parent(p["path"]).unlink(missing_ok=True)
            os.mkfifo(p["path"])
        elif p["backend"] == "file":
            self.parent(p["path"])
        if "logfile" in p:
            self.parent(p["logfile"])

    def make_socket(self, entry, p):
        path = self.parent(p["path"])
        path.unlink(missing_ok=True)
        if p["id"] == "charmonitor":
            self.monitor = str(path)
        if p.get("server", "off") == "on":
            return
        users = [e for e in self.argv.entries.values() if e.properties.get("chardev") == p["id"]]
        if any("vhost" in e.text for e in users):
            skip("vhost-user")
        if any("ivshmem" in e.text for e in users):
            skip("ivshmem")
        if p["id"] == "chrtpm":
            self.start_swtpm(path)
            return
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self.sockets.append(listener)

    def start_swtpm(self, path):
        if not shutil.which("swtpm"):
            skip("tpm")
        state = str(path) + ".state"
        os.makedirs(state, exist_ok=True)
        self.programs.append(subprocess.Popen(["swtpm", "socket", "--tpm2", "--ctrl", f"type=unixio,path={path}",
                                               "--tpmstate", f"dir={state}"], stderr=subprocess.DEVNULL))
        wait_for(path.exists)

    def make_netdev(self, entry, p):
        if p["type"] == "vhost-user":
            skip("vhost-user")
        if p["type"] == "vhost-vdpa":
            skip("vhost")
        if p["type"] == "socket" and "connect" in p:
            skip("server")
        value = json.loads(entry.text.split(" ", 1)[1])
        if p["type"] != "tap":
            return None
        for key in ("vhost", "vhostfd", "vhostfds"):
            value.pop(key, None)
        key = "fds" if "fds" in value else "fd"
        fds = argv_starts.open_taps(value[key].count(":") + 1)
        self.fds += fds
        value[key] = ":".join(str(fd) for fd in fds)
        return json.dumps(value)

    def make_object(self, _entry, p):
        skip_by(OBJECTS, p["qom-type"])
        if p.get("hugetlb") or "hugepages" in str(p.get("mem-path")):
            skip("huge")
        if "mem-path" in p:
            self.parent(p["mem-path"]).unlink(missing_ok=True)
            self.file(p["mem-path"], p["size"])
        if "filename" in p and not os.path.exists(p["filename"]):
            skip("host")
        if p["qom-type"] == "secret" and "file" in p:
            self.file(p["file"], content=b"secret")

    def make_device(self, _entry, p):
        skip_by(DEVICES, p["driver"])
        if p["driver"].startswith("vhost-user"):
            skip("vhost-user")
        if p.get("romfile"):
            self.file(p["romfile"], content=b"\x55\xaa" + bytes(510))

    def make_tpmdev(self, _entry, p):
        if p["type"] == "passthrough":
            skip("tpm")

    def make_fsdev(self, _entry, p):
        if "path" in p:
            pathlib.Path(p["path"]).mkdir(parents=True, exist_ok=True)
        if "socket" in p:
            skip("server")

    def make_kernel(self, _entry, p):
        self.file(p["value"], content=pathlib.Path(self.guest, "vmlinuz").read_bytes() if "x86" in self.argv.emulator
                  or "i386" in self.argv.emulator else bytes(1 << 20))

    def make_initrd(self, _entry, p):
        self.file(p["value"])

    def make_dtb(self, _entry, p):
        subprocess.run([self.argv.emulator, "-machine", f"virt,dumpdtb={self.parent(p['value'])}"], check=True,
                       capture_output=True)

    def make_bios(self, _entry, p):
        self.file(p["value"], 128 << 10)

    def make_acpitable(self, _entry, p):
        path = re.search(r"file=([^,]*)", p["table"])[1]
        self.file(path, content=b"SLIC" + (64).to_bytes(4, "little") + bytes(56))

    def make_fw_cfg(self, _entry, p):
        if "file" in p:
            self.file(p["file"], 512)

    def make_vnc(self, _entry, p):
        display = p.get("display") or p.get("vnc")
        if display.startswith("unix:"):
            self.parent(display.removeprefix("unix:"))
        if p.get("tls-creds"):
            skip("certificates")

    def make_spice(self, _entry, p):
        if p.get("tls-port") or "x509-dir" in p:
            skip("certificates")
        if p.get("unix") == "on":
            self.parent(p["addr"]).unlink(missing_ok=True)
        if p.get("gl") == "on":
            skip("display")

    def make_display(self, _entry, p):
        skip_by(DISPLAYS, p["type"])

    def make_audiodev(self, _entry, p):
        if p["driver"] not in ("none", "spice", "wav", "dbus"):
            skip("sound")
        if "path" in p:
            self.parent(p["path"])

    def close(self):
        for fd in self.fds:
            os.close(fd)
        for s in self.sockets:
            s.close()
        for program in self.programs:
            program.kill()
            program.wait()


def wait_for(predicate, seconds=60):
    deadline = time.monotonic() + seconds
    while not predicate():
        if time.monotonic() > deadline:
            raise AssertionError("waited too long")
        time.sleep(0.01)


class NativeQemu(argv_starts.Qemu):
    """Over the monitor's socket, which QEMU itself makes."""

    def __init__(self, resources):
        self.errors = open(resources.monitor + ".errors", "w+b")
        self.process = subprocess.Popen(resources.words, pass_fds=resources.fds, stdin=subprocess.DEVNULL,
                                        env=os.environ | resources.argv.environment | {"PATH": os.environ["PATH"]},
                                        stdout=self.errors, stderr=self.errors)
        self.pid = 0
        self.qmp = socket.socket(socket.AF_UNIX)
        wait_for(lambda: self.connects(resources.monitor) or self.process.poll() is not None)
        if self.process.poll() is not None:
            self.ended()
        self.file = self.qmp.makefile("rw")

    def connects(self, path):
        """The socket is there before anybody listens."""
        try:
            self.qmp.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    def ended(self):
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        for pattern, need in SAYS:
            if re.search(pattern, text):
                raise argv_starts.Skip(f"{NEEDS[need]} ({text.splitlines()[-1][-100:]})")
        raise AssertionError("QEMU ended: " + text)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.qmp.close()
        self.errors.close()


def run(words, guest):
    """How many devices were where they should be."""
    resources = Resources(words, guest)
    try:
        qemu = NativeQemu(resources)
        try:
            qemu.greeting()
            assert qemu.command("query-status")["status"] == "prelaunch"
            return argv_starts.check_addresses(qemu, resources.words)
        finally:
            qemu.end()
    finally:
        resources.close()


# --- namespaces ---

# Directories of its own; so is the root, where the other directories are those of the system.
OWN = ("/srv", "/mnt", "/home", "/media", "/tmp", "/var/lib", "/run/vmunit")


def start(words, guest):
    """run() in a process of its own."""
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "--net", sys.executable, __file__, guest],
                          input=json.dumps(words), capture_output=True, text=True, timeout=300, check=False)
    verdict, _, text = (done.stdout.rstrip().splitlines() or ["fail " + done.stderr])[-1].partition(" ")
    if verdict == "skip":
        raise argv_starts.Skip(text)
    if verdict != "ok":
        raise AssertionError(json.loads(text) if text.startswith('"') else done.stderr)
    return int(text)


def enter_root():
    """A root directory of its own, with the system's directories: what is made in it is in nobody's way."""
    root = pathlib.Path("/mnt")
    entries = [e for e in pathlib.Path("/").iterdir() if e != root]
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
    for entry in entries:
        copy = root / entry.name
        if entry.is_symlink():
            copy.symlink_to(os.readlink(entry))
        elif entry.is_dir():
            copy.mkdir()
            subprocess.run(["mount", "--rbind", entry, copy], check=True)
    (root / root.name).mkdir()
    os.chroot(root)
    os.chdir("/")


def main(guest):
    enter_root()
    for path in OWN:
        os.makedirs(path, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    # Somewhere to send to; nobody answers.
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "route", "add", "default", "dev", "lo"], check=True)
    try:
        print("ok", run(json.load(sys.stdin), guest))
    except argv_starts.Skip as e:
        print("skip", e)
    except (AssertionError, ValueError, OSError, subprocess.CalledProcessError) as e:
        print("fail", json.dumps(str(e)))


if __name__ == "__main__":
    main(sys.argv[1])
