# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that need more of the host than a descriptor of an image: memory of files, shared memory, pipes, overlays, servers."""

import contextlib
import os
import pwd
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import time

from access_lists import ACL, has_list
from dbus_peer import DbusPeer
from harness import case, check, check_equal, check_match, main, run, run_ok, wait_for
from images import IMAGES, MIB, images, raw
from vm import talking_vm, vm


def disk(path, target, driver, more):
    return (f"<disk type='file' device='disk'>{driver}<source file='{path}'/><target dev='{target}' bus='virtio'/>{more}</disk>")


def stop(machine):
    run_ok(["systemctl", "stop", machine.unit])


def entries(uid):
    """An access list that lets root and UID read and write: USER_OBJ, USER, GROUP_OBJ, MASK, OTHER."""
    none = 0xffffffff
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in (
        (1, 6, none), (2, 6, uid), (4, 0, none), (16, 6, none), (32, 0, none)))


def maps(machine):
    with open(f"/proc/{machine.qemu()}/maps", encoding="utf-8") as f:
        return f.read()


# ---- memory


@case
def memory_of_a_file():
    with talking_vm("filed") as machine:
        machine.xml = machine.xml.replace("<os>", "<memoryBacking><source type='file'/><access mode='shared'/></memoryBacking><os>", 1)
        machine.start()
        check(int(machine.console.table("memory")[0]["total"]) > 128 * 1024, "the guest has not its memory")
        mapped = [line for line in maps(machine).splitlines() if "/var/lib/vmunit/#" in line]
        check(mapped, "nothing of a file in the machine's directory is mapped")
        first, last = (int(n, 16) for n in mapped[0].split()[0].split("-"))
        check_equal((last - first, mapped[0].split()[1]), (256 * MIB, "rw-s"))
        check(not [name for name in os.listdir("/var/lib/vmunit") if name.startswith("#")], "the file has a name")


KEPT = """<memory model='nvdimm'><source><path>{}</path></source><target><size unit='MiB'>256</size>{}</target></memory>
<memory model='virtio-pmem' access='shared'><source><path>{}</path></source><target><size unit='MiB'>128</size></target></memory>"""

NAMED = "<seclabel type='static' model='dac' relabel='yes'><label>games:games</label></seclabel>"


@case(timeout=240)
def memory_that_is_kept():
    with images():
        dimm, pmem = raw("dimm", 256 * MIB), raw("pmem", 128 * MIB)
        os.chmod(dimm, 0o640)
        with talking_vm("kept", devices=KEPT.format(dimm, "<node>0</node>", pmem)) as machine:
            machine.xml = machine.xml.replace("<os>", "<maxMemory slots='4' unit='GiB'>2</maxMemory><os>", 1).replace(
                "<cpu mode='maximum'/>",
                "<cpu mode='maximum'><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>")
            machine.xml = machine.xml.replace("<memory model='nvdimm'>", "<memory model='nvdimm' access='shared'>")
            machine.start()
            check(has_list(dimm) and has_list(pmem), "nobody was let in")
            disks = {int(d["size"]): d["name"] for d in machine.console.table("disks") if d["name"].startswith("pmem")}
            check_equal(sorted(disks), [128 * MIB, 256 * MIB], "sizes of the memory that is kept")
            machine.console.ask(f"write {disks[256 * MIB]} dimm")
            machine.console.ask(f"write {disks[128 * MIB]} pmem")
            machine.console.ask("exec sync")
            uid = os.stat(f"/proc/{machine.qemu()}").st_uid
            stop(machine)
            check(not has_list(dimm) and not has_list(pmem), "somebody is let in for ever")
            # What a run has left that ended with the host's power: the number is of whoever has it next.
            os.setxattr(pmem, ACL, entries(uid))
            machine.start()
            check_equal(os.stat(f"/proc/{machine.qemu()}").st_uid, uid, "the machine's user")
            stop(machine)
            check(not has_list(pmem), "who had that number is let in for ever")
            # A user that the definition names can have been let in by the administrator, and keeps it.
            games = pwd.getpwnam("games").pw_uid
            machine.xml = machine.xml.replace("</devices>", f"</devices>{NAMED}")
            machine.write()
            os.setxattr(pmem, ACL, entries(games))
            machine.start()
            check_equal(os.stat(f"/proc/{machine.qemu()}").st_uid, games, "the machine's user")
            stop(machine)
            check_equal(os.getxattr(pmem, ACL), entries(games), "what the administrator has given")
            check(not has_list(dimm), "somebody is let in for ever")
            os.removexattr(pmem, ACL)
        for path, word in ((dimm, b"pattern dimm"), (pmem, b"pattern pmem")):
            with open(path, "rb") as f:
                check(word in f.read(512), f"what the guest wrote is not in {path}")
        info = os.stat(dimm)
        check_equal((info.st_mode & 0o7777, info.st_uid), (0o640, 0), "mode and owner of the file")


@case
def memory_of_a_file_that_is_missing():
    with vm("lost", devices=KEPT.format(f"{IMAGES}/none", "<node>0</node>", f"{IMAGES}/nobody")) as machine:
        machine.xml = machine.xml.replace("<os>", "<maxMemory slots='4' unit='GiB'>2</maxMemory><os>", 1).replace(
            "<cpu mode='maximum'/>", "<cpu mode='maximum'><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>")
        machine.write()
        result = run(["vmunit", "start", "lost"])
        check_equal(result.rc, 1)
        check_match(re.escape(f"cannot open '{IMAGES}/none' for memory: '{IMAGES}"), result.err)


# ---- shared memory

SHMEM = "<shmem name='vmunit-test'{}><model type='ivshmem-plain'/><size unit='M'>1</size></shmem>"


def shared_address(machine):
    """Where the guest finds the shared memory: the third region of the device."""
    device = next(d["address"] for d in machine.console.table("pci") if d["id"] == "1af4:1110")
    machine.console.ask(f"exec echo 1 >/sys/bus/pci/devices/{device}/enable")
    lines = machine.console.ask(f"cat /sys/bus/pci/devices/{device}/resource")
    start, end = (int(n, 16) for n in lines[2].split()[:2])
    check_equal(end - start + 1, MIB, "size of the region")
    return start


@case(timeout=240)
def shared_memory_of_two_machines():
    path = "/dev/shm/vmunit-test"
    try:
        with talking_vm("first", devices=SHMEM.format("")) as first, talking_vm("second", devices=SHMEM.format("")) as second:
            first.start()
            second.start()
            check_equal(os.stat(path).st_size, MIB)
            machine_of = {m: shared_address(m) for m in (first, second)}
            first.console.ask(f"exec devmem {machine_of[first]:#x} 32 0x4d455348")
            said = second.console.ask(f"exec devmem {machine_of[second]:#x} 32")
            check_equal([line.lower() for line in said], ["0x4d455348"], "what the other guest reads")
            with open(path, "rb") as f:
                check_equal(f.read(4), b"HSEM", "what the host reads")
            stop(first)
            check(has_list(path), "the other one is shut out")
            stop(second)
            check(not has_list(path), "somebody is let in for ever")
            check_equal(os.stat(path).st_mode & 0o7777, 0o600)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


# ---- character devices


@contextlib.contextmanager
def pipes(base):
    for end in ("in", "out"):
        os.mkfifo(f"{base}.{end}", 0o600)
    try:
        yield
    finally:
        for end in ("in", "out"):
            os.unlink(f"{base}.{end}")


def read_until(fd, word, seconds=30):
    data = b""
    deadline = time.monotonic() + seconds
    while word not in data:
        left = deadline - time.monotonic()
        check(left > 0 and select.select([fd], [], [], left)[0], f"{word!r} did not come, only {data!r}")
        data += os.read(fd, 4096)
    return data


@case(timeout=240)
def a_pair_of_pipes():
    with images():
        base = f"{IMAGES}/pipe"
        with pipes(base), talking_vm("piped", devices=f"<serial type='pipe'><source path='{base}'/></serial>") as machine:
            machine.start()
            check_match(r"^/proc/self/fd/\d+$", os.readlink("/run/vmunit/piped/serial1.in"))
            # Whoever is at the other end may come and go.
            for word in ("once", "again"):
                out = os.open(f"{base}.out", os.O_RDONLY | os.O_NONBLOCK)
                machine.console.ask(f"exec echo from guest {word} >/dev/ttyS1")
                read_until(out, f"from guest {word}".encode())
                os.close(out)
            machine.console.send("exec exec 3</dev/ttyS1; echo listening; read -r line <&3; echo got $line")
            machine.console.expect(r"^listening$", 30)
            with open(f"{base}.in", "wb", buffering=0) as f:
                f.write(b"from host\n")
            machine.console.expect(r"^got from host$", 30)
            stop(machine)
            check(not has_list(f"{base}.in") and not has_list(f"{base}.out"), "somebody is let in for ever")
            check(not os.path.lexists("/run/vmunit/piped/serial1.in"), "the link is left")


@case(timeout=240)
def a_connection_that_is_made_again():
    source = "<source mode='connect' host='127.0.0.1' service='{}'><reconnect enabled='yes' timeout='1'/></source>"
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        devices = f"<serial type='tcp'>{source.format(server.getsockname()[1])}<protocol type='raw'/></serial>"
        with talking_vm("again", devices=devices) as machine:
            machine.start()
            for word in ("one", "two"):
                client, _ = server.accept()
                with client:
                    machine.console.ask(f"exec echo number {word} >/dev/ttyS1")
                    read_until(client.fileno(), f"number {word}".encode())


PKI = f"{os.path.dirname(os.path.dirname(os.path.abspath(__file__)))}/lib/pki"


@contextlib.contextmanager
def certificates(*names):
    os.makedirs("/etc/pki/qemu", exist_ok=True)
    for name in names:
        shutil.copy(f"{PKI}/{name}", "/etc/pki/qemu")
        os.chmod(f"/etc/pki/qemu/{name}", 0o600)
    try:
        yield
    finally:
        shutil.rmtree("/etc/pki/qemu")


def context(kind, who):
    tls = ssl.SSLContext(kind)
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(f"{PKI}/ca-cert.pem")
    if who:
        tls.load_cert_chain(f"{PKI}/{who}-cert.pem", f"{PKI}/{who}-key.pem")
    return tls


def says(machine, client, word):
    """What the guest says comes to the client, on a socket that is its own."""
    client.settimeout(30)
    machine.console.ask(f"exec echo number {word} >/dev/ttyS1")
    data = b""
    while f"number {word}".encode() not in data:
        more = client.recv(4096)
        check(more, f"the end came after {data!r}")
        data += more


@case(timeout=240)
def an_encrypted_server():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    devices = f"<serial type='tcp'><source mode='bind' host='127.0.0.1' service='{port}' tls='yes'/></serial>"
    with talking_vm("secret", devices=devices) as machine:
        machine.write()
        result = run(["vmunit", "start", "secret"])
        check_match(r"cannot open '/etc/pki/qemu/ca-cert.pem' for serial1", result.err)
        with certificates("ca-cert.pem", "server-cert.pem", "server-key.pem"):
            machine.start()
            with context(ssl.PROTOCOL_TLS_CLIENT, None).wrap_socket(socket.create_connection(("127.0.0.1", port), 30)) as stranger:
                try:
                    check(not stranger.recv(1), "who has no certificate is let in")
                except OSError:
                    pass
            with context(ssl.PROTOCOL_TLS_CLIENT, "client").wrap_socket(socket.create_connection(("127.0.0.1", port), 30)) as client:
                says(machine, client, "one")


@case(timeout=240)
def an_encrypted_connection():
    source = "<source mode='connect' host='localhost' service='{}' tls='yes'><reconnect enabled='yes' timeout='1'/></source>"
    with socket.create_server(("127.0.0.1", 0)) as server, certificates("ca-cert.pem", "client-cert.pem", "client-key.pem"):
        server.settimeout(60)
        devices = f"<serial type='tcp'>{source.format(server.getsockname()[1])}</serial>"
        with talking_vm("hidden", devices=devices) as machine:
            machine.start()
            client, _ = server.accept()
            with context(ssl.PROTOCOL_TLS_SERVER, "server").wrap_socket(client, server_side=True) as tls:
                says(machine, tls, "one")


# ---- servers


@case(timeout=240)
def a_disk_that_another_process_serves():
    with images():
        image, path = raw("served", 24 * MIB), "/run/vhost-test.sock"
        server = subprocess.Popen(["qemu-storage-daemon", "--blockdev", f"driver=file,node-name=n,filename={image}",
                                   "--export", f"vhost-user-blk,id=e,node-name=n,addr.type=unix,addr.path={path},writable=on"])
        try:
            wait_for(lambda: os.path.exists(path), 20, "the server to listen")
            with talking_vm("served", devices="<disk type='vhostuser' device='disk'><driver name='qemu' type='raw'/>"
                            f"<source type='unix' path='{path}'/><target dev='vda' bus='virtio'/></disk>") as machine:
                machine.xml = machine.xml.replace("<os>", "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><os>", 1)
                machine.start()
                check_equal([int(d["size"]) for d in machine.console.table("disks") if d["name"] == "vda"], [24 * MIB])
                machine.console.ask("write vda served")
                check_equal(machine.console.ask("read vda"), ["pattern word=served"])
            with open(image, "rb") as f:
                check(b"pattern served" in f.read(512), "what the guest wrote is not in the image")
        finally:
            server.kill()
            server.wait()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


# ---- disks that are forgotten


@case(timeout=300)
def a_disk_that_forgets():
    """What the guest writes is there until it ends, in an overlay without a name; two machines use one image at a time."""
    with images():
        base = f"{IMAGES}/base.qcow2"
        run_ok(["qemu-img", "create", "-q", "-f", "qcow2", base, "40M"])
        run_ok(["qemu-io", "-c", "write -P 0x41 0 512", base])
        with open(base, "rb") as f:
            before = f.read()
        forgets = disk(base, "vda", "<driver name='qemu' type='qcow2'/>", "<transient/>")
        shares = disk(base, "vda", "<driver name='qemu' type='qcow2'/>", "<transient shareBacking='yes'/>")
        plain = disk(raw("plain", 20 * MIB), "vdb", "", "<transient/><iotune><read_iops_sec>1000</read_iops_sec></iotune>")
        with talking_vm("forgets", devices=forgets + plain) as one, talking_vm("shares", devices=shares) as two:
            one.start()
            two.start()
            for machine in (one, two):
                check_equal([int(d["size"]) for d in machine.console.table("disks") if d["name"] == "vda"], [40 * MIB])
                check_equal(machine.console.ask("exec dd if=/dev/vda bs=4 count=1 2>/dev/null; echo"), ["AAAA"])
                machine.console.ask(f"write vda {machine.name}")
                check_equal(machine.console.ask("read vda"), [f"pattern word={machine.name}"])
            one.console.ask("write vdb plain")
            check_equal(sorted(os.listdir(IMAGES)), ["base.qcow2", "plain"])
            check_equal(run_ok(["vmunit", "domblklist", "forgets"]).count(base), 1)
            refused = run(["vmunit", "save", "forgets", f"{IMAGES}/state"])
            check_equal((refused.rc, "migration with transient disk is not supported" in refused.err), (1, True), "a save of it")
            stop(one)
            one.disconnect()
            one.start()
            check_equal(one.console.ask("exec dd if=/dev/vda bs=4 count=1 2>/dev/null; echo"), ["AAAA"], "after a new start")
        with open(base, "rb") as f:
            check(f.read() == before, "the image was written to")
        with open(f"{IMAGES}/plain", "rb") as f:
            check(not f.read().strip(b"\0"), "the raw image was written to")


# ---- what shows and sounds


@case(timeout=240)
def a_display_by_dbus():
    path = "/run/vmunit/shown/dbus.sock"
    with talking_vm("shown", devices="<graphics type='dbus' p2p='yes'/><video><model type='virtio'/></video>") as machine:
        machine.start()
        check_equal(os.stat(path).st_mode & 0o777, 0o600)
        with DbusPeer(path) as client:
            answer = client.call("/org/qemu/Display1", "org.freedesktop.DBus.Introspectable", "Introspect")
            check(b"<node" in answer, answer)
    check(not os.path.exists(path), "the socket is left")


@case(timeout=240)
def sound_that_is_kept():
    with images():
        path = f"{IMAGES}/sound.wav"
        with talking_vm("loud", devices=f"<sound model='ich9'/><audio id='1' type='file' path='{path}'/>") as machine:
            machine.start()
            check(has_list(path), "nobody was let in")
            machine.console.ask("exec modprobe -a snd-hda-intel snd-hda-codec-generic; ls /dev/snd >/run/snd; cat /proc/asound/cards")
            stop(machine)
        check(not has_list(path), "somebody is let in for ever")
        with open(path, "rb") as f:
            check_equal(f.read(4), b"RIFF", "the beginning of the file")


if __name__ == "__main__":
    main()
