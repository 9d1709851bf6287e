#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest is told for its first boot: credentials for its systemd in SMBIOS and fw_cfg, and a disk for cloud-init; that it
comes, and that nobody else learns it."""

import base64
import contextlib
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from harness import case, check, check_equal, check_match, main, run, run_ok
from hiding import hidden
from vm import talking_vm, vm

SECRET = "Zk7rT1-of-the-guest"
STORE = "/etc/credstore"
FILES = "/etc/vm/first-boot"
STATE = "/var/lib/vmunit"


def metadata(content):
    return f"<metadata xmlns:vmunit='urn:vmunit:metadata'>{content}</metadata>"


@contextlib.contextmanager
def files(**contents):
    """Files of the host, and a secret that it keeps."""
    os.makedirs(FILES, exist_ok=True)
    for name, content in contents.items():
        with open(f"{FILES}/{name}", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(content)
    os.makedirs(STORE, mode=0o700, exist_ok=True)
    with open(f"{STORE}/first-boot", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as f:
        f.write(SECRET)
    try:
        yield
    finally:
        shutil.rmtree(FILES)
        shutil.rmtree(STORE)


def credentials_of(machine):
    """The guest's OEM strings that are credentials: {name: value}."""
    lines = machine.console.ask("exec tr '\\0' '\\n' </sys/firmware/dmi/tables/DMI | grep -ao 'io[.]systemd[.]credential.*'")
    found = {}
    for line in lines:
        head, _, value = line.partition("=")
        kind, _, name = head.partition(":")
        check_equal(kind, "io.systemd.credential.binary", line)
        found[name] = base64.b64decode(value).decode()
    return found


@case(timeout=180)
def credentials_and_cloud_init():
    """Both in one guest; a second start sees what has changed, a saved guest what it had."""
    wanted = metadata("<vmunit:credential name='system.hostname' value='db, the first'/>"
                      "<vmunit:credential name='passwd.hashed-password.root' from='first-boot'/>"
                      f"<vmunit:cloud-init user-data='{FILES}/user' network-config='{FILES}/network'/>")
    with files(user="#cloud-config\nhostname: db\n", network="version: 2\n"), talking_vm("boots", lifecycle=wanted) as machine:
        machine.start()
        check_equal(credentials_of(machine), {"system.hostname": "db, the first", "passwd.hashed-password.root": SECRET}, "credentials")
        hidden(machine, SECRET, "secret")
        hidden(machine, base64.b64encode(SECRET.encode()).decode(), "secret")
        uuid = run_ok(["vmunit", "domuuid", "boots"]).strip()
        machine.console.ask("exec modprobe isofs; mkdir -p /cd && mount -t iso9660 -o ro /dev/vda /cd")
        check_equal(machine.console.ask("exec ls -1 /cd"), ["meta-data", "network-config", "user-data"], "files of the disk")
        check_equal(machine.console.ask("cat /cd/user-data"), ["#cloud-config", "hostname: db"], "user-data")
        check_equal(machine.console.ask("cat /cd/meta-data"), [f"instance-id: {uuid}", "local-hostname: boots"], "meta-data")
        check_equal(machine.console.ask("cat /cd/network-config"), ["version: 2"], "network-config")
        check_equal(machine.console.ask("exec dd if=/dev/vda bs=1 skip=32808 count=6 2>/dev/null; echo"), ["cidata"], "label")
        check(machine.console.ask("exec echo 1 2>/dev/null >/dev/vda || echo refused")[-1:] == ["refused"], "the guest can write to it")
        check_match(rf"vda +{STATE}/boots/cloud-init\.iso", run_ok(["vmunit", "domblklist", "boots"]), "domblklist")
        check_equal(oct(os.stat(f"{STATE}/boots/cloud-init.iso").st_mode & 0o777), "0o600", "mode of the image")

        with open(f"{FILES}/user", "w", encoding="utf-8") as f:
            f.write("#cloud-config\nhostname: other\n")
        run_ok(["vmunit", "managedsave", "boots"])
        machine.wait_stopped()
        run_ok(["vmunit", "start", "boots"])
        machine.connect()
        check_equal(machine.console.ask("cat /cd/user-data"), ["#cloud-config", "hostname: db"], "of a guest that goes on")
        check("hostname: db" in open(f"{STATE}/boots/cloud-init.iso", encoding="latin-1").read(), "the disk of a guest that goes on was changed")
        run_ok(["vmunit", "destroy", "boots"])
        machine.wait_stopped()
        machine.start()
        check_match("hostname: other", "\n".join(machine.console.ask("exec modprobe isofs; mkdir -p /cd && mount -t iso9660 -o ro /dev/vda /cd && cat /cd/user-data")),
                    "the next start")
        run_ok(["vmunit", "destroy", "boots"])
        machine.wait_stopped()
        run_ok(["vmunit", "undefine", "boots"])
        check(not os.path.exists(f"{STATE}/boots/cloud-init.iso"), "the image outlives its machine")


@case
def credentials_of_one_start():
    """They win over those of the definition, and the next start knows nothing of them."""
    wanted = metadata("<vmunit:credential name='system.hostname' value='web'/><vmunit:credential name='role' value='front'/>")
    with files(word=SECRET), talking_vm("once", lifecycle=wanted) as machine:
        machine.write()
        run_ok(["vmunit", "start", "once", "--credential", "role=back", "--credential", f"word=@{FILES}/word"])
        machine.connect()
        check_equal(credentials_of(machine), {"system.hostname": "web", "role": "back", "word": SECRET}, "credentials")
        hidden(machine, SECRET, "secret")
        run_ok(["vmunit", "destroy", "once"])
        machine.wait_stopped()
        machine.start()
        check_equal(credentials_of(machine), {"system.hostname": "web", "role": "front"}, "of the next start")


def refused(name, content, pattern):
    with vm(name, lifecycle=metadata(content), cmdline="") as machine:
        machine.write()
        out = run(["vmunit", "start", name])
        check(out.rc != 0, f"{name} starts")
        check_match(pattern, "\n".join(machine.journal()), "the journal")
        check(not os.path.exists(f"{STATE}/{name}/cloud-init.iso"), "an image was left")
        run(["systemctl", "reset-failed", machine.unit])


@case(timeout=120)
def what_is_missing_or_too_large():
    with files(huge="x" * (1024 * 1024 + 1), small="#cloud-config\n"):
        refused("seedless", f"<vmunit:cloud-init user-data='{FILES}/none'/>", rf"cannot open '{FILES}/none' for cloud-init user-data")
        refused("seedhuge", f"<vmunit:cloud-init user-data='{FILES}/huge'/>", "it is larger than 1 MiB")
        refused("seeddir", f"<vmunit:cloud-init user-data='{FILES}'/>", "cloud-init user-data")
        refused("nosecret", "<vmunit:credential name='x' from='none'/>", "there is no credential 'none'")
        os.chmod(f"{STORE}/first-boot", 0o644)
        refused("opensecret", "<vmunit:credential name='x' from='first-boot'/>", "others can read it")


main()
